"""What a verdict goes by: coverage, shared cases, slices, the rules in force, and the tests beside it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from pytest_genaiops import Case, Response, Score, Verdict, metric
from pytest_genaiops.config import Rules
from pytest_genaiops.errors import MetricError
from pytest_genaiops.records import ResponseError, Trial
from pytest_genaiops.score.watching import WATCH

GOOD = [0.9, 0.8, 0.85, 0.95, 0.7, 0.75, 0.9, 0.8, 0.6, 0.9] * 4


class Onlooker:
    """Stands for a running test."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.verdicts: list[Verdict] = []

    def score(self, metric: Any, found: Any) -> None: ...

    def verdict(self, score: Any, verdict: Verdict) -> None:
        self.verdicts.append(verdict)


@contextmanager
def under(**rules: Any) -> Iterator[Onlooker]:
    onlooker = Onlooker(Rules(**rules))
    token = WATCH.set(onlooker)
    try:
        yield onlooker
    finally:
        WATCH.reset(token)


class TestCoverage:
    def test_of_less_than_all_passes_when_it_is_asked_for_and_says_so(self) -> None:
        score = Score.of([*GOOD, None], name="tone")
        assert score.at_least(0.5).outcome == "undecided"
        verdict = score.at_least(0.5, coverage=0.95)
        assert verdict.outcome == "passed"
        assert verdict.unscored == 1
        assert "n=40, 1 of 41 cases unscored (1 input): input: no value" in verdict.reason

    def test_that_is_not_reached_names_the_share(self) -> None:
        score = Score.of([*GOOD, *[None] * 5], name="tone")
        verdict = score.at_least(0.5, coverage=0.95)
        assert verdict.outcome == "undecided"
        assert "5 of 45 cases unscored (5 input): input: no value; at least 95 % must be scored" in verdict.reason

    def test_never_turns_a_failure_round(self) -> None:
        assert Score.of([*GOOD, None]).at_least(0.99, coverage=0.5).outcome == "failed"

    @pytest.mark.parametrize("share", [0, -0.1, 1.01, 95])
    def test_outside_its_range_is_refused(self, share: float) -> None:
        with pytest.raises(MetricError, match="coverage is"):
            Score.of(GOOD).at_least(0.5, coverage=share)

    def test_of_the_session_counts_for_comparisons_like_a_number_too(self) -> None:
        score = Score.of([*GOOD, None])
        assert not score >= 0.5
        with under(coverage=0.9):
            assert score >= 0.5
            assert score.at_least(0.5)
            assert float(score) == score.value
        with under(coverage=0.99):
            assert not score >= 0.5

    def test_tells_the_kinds_of_what_is_missing(self) -> None:
        kinds = ["timeout", "target", "timeout"]
        responses = [
            Response(
                error=ResponseError(kind=kind, message="gone"),  # type: ignore[arg-type]
                trial=Trial(case=Case(id=str(i), references=("y",)), variant="v", dataset="0"),
            )
            for i, kind in enumerate(kinds)
        ]
        score = metric("exact_match")(responses)
        assert dict(score.unscored_by_kind) == {"timeout": 2, "target": 1}
        assert "3 of 3 cases unscored (2 timeout, 1 target)" in score.at_least(0.5).reason


class TestMisses:
    def test_of_different_cases_keep_a_comparison_from_passing_whatever_the_coverage(self) -> None:
        candidate, baseline = Score.of([*GOOD, None, 0.8]), Score.of([*GOOD, 0.8, None])
        verdict = candidate.not_worse_than(baseline, margin=0.1, coverage=0.5)
        assert verdict.outcome == "undecided"
        assert "candidate and baseline miss different cases (1 and 1 of their own" in verdict.reason

    def test_of_the_same_cases_do_not(self) -> None:
        score = Score.of([*GOOD, None])
        assert score.not_worse_than(Score.of([*GOOD, None]), margin=0.1, coverage=0.9).outcome == "passed"

    def test_of_the_hard_cases_are_called_not_random(self) -> None:
        hard = [0.1, 0.15, 0.1, 0.2]
        baseline, candidate = Score.of([*GOOD, *hard]), Score.of([*GOOD, *[None] * 4])
        reason = candidate.not_worse_than(baseline, margin=0.1, coverage=0.5).reason
        assert "(4 and 0 of their own; the other side's mean is 0.138 there, 0.815 elsewhere; not at random" in reason
        easy = Score.of([*GOOD, 0.8, 0.9, 0.75, 0.85])
        assert "may be at random" in candidate.not_worse_than(easy, margin=0.1, coverage=0.5).reason


class TestSharedCases:
    def test_are_what_is_compared_and_the_others_are_told_of(self) -> None:
        ids = [f"c{i}" for i in range(40)]
        candidate = Score.of(GOOD, ids=ids, name="tone")
        baseline = Score.of([*GOOD[1:], 0.2], ids=[*ids[1:], "c40"], name="tone")
        verdict = candidate.not_worse_than(baseline, margin=0.05)
        assert verdict.outcome == "passed"
        assert verdict.n == 39
        assert "n=39, 2 cases of one side only left out" in verdict.reason

    def test_join_by_id_whatever_the_order(self) -> None:
        ids = [f"c{i}" for i in range(40)]
        shuffled = Score.of(GOOD[::-1], ids=ids[::-1], name="tone")
        found = Score.of(GOOD, ids=ids, name="tone").difference(shuffled)
        assert found is not None
        assert found.value == 0.0

    def test_below_the_share_are_refused(self) -> None:
        ids = [f"c{i}" for i in range(40)]
        candidate = Score.of(GOOD, ids=ids, name="tone")
        baseline = Score.of(GOOD[8:], ids=ids[8:], name="tone")
        with pytest.raises(MetricError, match=r"share 32 of 40 cases \(such as 'c0' in one only\).* needs 90 %"):
            candidate.not_worse_than(baseline, margin=0.1)
        assert candidate.not_worse_than(baseline, margin=0.1, min_shared=0.8).n == 32

    def test_none_at_all_are_refused(self) -> None:
        with pytest.raises(MetricError, match="share 0 of 2 cases"):
            Score.of([0.5], ids=["a"]).not_worse_than(Score.of([0.5], ids=["b"]), margin=0.1)

    @pytest.mark.parametrize("share", [0, 1.1, -1])
    def test_share_outside_its_range_is_refused(self, share: float) -> None:
        with pytest.raises(MetricError, match="min_shared is"):
            Score.of(GOOD).better_than(Score.of(GOOD), min_shared=share)


def answered(texts: str, *, tag: str = "topic") -> list[Response]:
    """One response a letter: y is right. Cases are of law and tax in turn."""
    return [
        Response(
            text=text,
            trial=Trial(
                case=Case(id=f"c{i}", references=("y",), slices={tag: ("law", "tax")[i % 2]}), variant="v", dataset="0"
            ),
        )
        for i, text in enumerate(texts)
    ]


class TestSliceMargins:
    """A loss of one slice that the whole hides: law falls from 30 of 30 to 24 of 30, tax rises as much."""

    before = answered("yn" * 6 + "yy" * 24)
    after = answered("ny" * 6 + "yy" * 24)

    def test_a_slice_that_loses_fails_the_verdict_though_the_whole_is_as_good(self) -> None:
        score = metric("exact_match")(self.after)
        assert score.not_worse_than(self.before, margin=0.25).outcome == "passed"
        verdict = score.not_worse_than(self.before, margin=0.25, slice_margins=0.05)
        assert verdict.outcome == "failed"
        assert verdict.reason.startswith("slice topic=law: exact_match change -0.20")
        assert {name: part.outcome for name, part in verdict.parts.items()} == {
            "topic=law": "failed",
            "topic=tax": "passed",
        }
        assert verdict.n == 60

    @pytest.mark.parametrize("margins", [0.5, {"topic": 0.5}, {"topic=law": 0.5}, {"topic": 0.01, "topic=law": 0.5}])
    def test_may_be_one_for_all_or_by_tag_or_by_value(self, margins: Any) -> None:
        verdict = metric("exact_match")(self.after).not_worse_than(self.before, margin=0.25, slice_margins=margins)
        assert verdict.outcome == "passed"
        assert verdict.parts["topic=law"].outcome == "passed"

    def test_an_undecided_slice_leaves_the_verdict_undecided(self) -> None:
        same = metric("exact_match")(self.before[:12])
        verdict = same.not_worse_than(answered("yn" * 6), margin=0.9, slice_margins=0.1)
        assert verdict.outcome == "undecided"
        assert verdict.reason.startswith("slice topic=law (and 1 more slices): ")

    def test_of_a_slice_that_is_not_there_are_refused(self) -> None:
        with pytest.raises(MetricError, match="no slice is called 'topik'; did you mean 'topic'"):
            metric("exact_match")(self.after).not_worse_than(self.before, margin=0.1, slice_margins={"topik": 0.1})
        with pytest.raises(MetricError, match="the cases carry no slices"):
            Score.of(GOOD).not_worse_than(Score.of(GOOD), margin=0.1, slice_margins=0.1)


class TestRules:
    def test_of_the_session_set_the_confidence_and_the_seed(self) -> None:
        score = Score.of(GOOD)
        narrow = score.interval(0.8)
        with under(confidence=0.8):
            assert score.interval() == narrow
            assert score.at_least(0.5).confidence == 0.8
            assert score.at_least(0.5, confidence=0.99).confidence == 0.99
        texts = [f"the {animal} number {i} sat on its old mat" for i, animal in enumerate(["cat", "dog", "cow"] * 9)]
        bleu = metric("bleu")([text[: 20 + i] for i, text in enumerate(texts)], texts)
        with under(seed=7):
            other = bleu.interval()
        assert other != bleu.interval()

    def test_tell_the_onlooker_of_every_verdict(self) -> None:
        with under() as onlooker:
            score = Score.of(GOOD)
            found = [score.at_least(0.5), score.at_most(0.5), score.within(0, 1), score.better_than(Score.of(GOOD))]
        assert onlooker.verdicts == found

    def test_that_only_warn_let_an_undecided_verdict_hold(self) -> None:
        undecided = Score.of([0.7, 0.9, 0.8, 0.75, 0.85, 0.95, 0.72, 0.81])
        with under(undecided="warn"):
            verdict = undecided.at_least(0.8)
            assert verdict.outcome == "undecided"
            assert verdict.tolerated
            assert verdict
            assert not undecided.at_least(0.99)
        assert not undecided.at_least(0.8)

    def test_that_only_warn_never_let_missing_cases_hold(self) -> None:
        with under(undecided="warn"):
            for score in (Score.of([*GOOD, None]), Score.of([None, None])):
                verdict = score.at_least(0.5)
                assert verdict.outcome == "undecided"
                assert not verdict.tolerated
                assert not verdict
            candidate, baseline = Score.of([*GOOD, None, 0.8]), Score.of([*GOOD, 0.8, None])
            assert not candidate.not_worse_than(baseline, margin=0.9)


class TestTests:
    def test_of_shares_are_mcnemars(self) -> None:
        before, after = answered("y" * 1 + "n" * 7 + "y" * 12), answered("n" * 1 + "y" * 7 + "y" * 12)
        found = metric("exact_match")(after).tests(before)
        # Fagerland, Lydersen and Laake 2013: 1 and 7 discordant pairs.
        assert found["McNemar exact"] == pytest.approx(0.0703, abs=5e-5)
        assert found["McNemar mid-p"] == pytest.approx(0.0391, abs=5e-5)
        assert set(found) == {"McNemar exact", "McNemar mid-p", "sign-flip permutation"}

    def test_of_corpus_scores_are_sacrebleus(self) -> None:
        sacrebleu = pytest.importorskip("sacrebleu")
        significance = pytest.importorskip("sacrebleu.significance")
        references = [f"the {word} sat on the old mat number {i}" for i, word in enumerate(["cat", "dog", "cow"] * 10)]
        before = [text.replace("old ", "") if i % 2 else text for i, text in enumerate(references)]
        after = [text.replace("sat", "lay") if i % 3 else text for i, text in enumerate(references)]
        bleu = metric("bleu")
        found = bleu(after, references).tests(bleu(before, references))
        for kind, name, trials in (("bs", "paired bootstrap", 1000), ("ar", "approximate randomization", 10_000)):
            _, theirs = significance.PairedTest(
                [("base", before), ("other", after)],
                {"BLEU": sacrebleu.BLEU(references=[references])},
                references=None,
                test_type=kind,
                n_samples=trials,
            )()
            assert found[name] == theirs["BLEU"][1].p_value

    def test_of_other_means_are_t_and_sign_flips(self) -> None:
        candidate = Score.of([value - 0.01 * (i % 7) for i, value in enumerate(GOOD)])
        assert set(candidate.tests(Score.of(GOOD))) == {"paired t", "sign-flip permutation"}

    def test_of_nothing_are_refused(self) -> None:
        with pytest.raises(MetricError, match="no case is scored on both sides"):
            Score.of([0.5, None]).tests(Score.of([None, 0.5]))

    @pytest.mark.parametrize("other", [0.5, None, "v1", {"a": 1}])
    def test_and_comparisons_take_scores_and_responses_only(self, other: Any) -> None:
        with pytest.raises(MetricError, match=r"compared with a score or with responses, not with"):
            Score.of(GOOD).not_worse_than(other, margin=0.1)
