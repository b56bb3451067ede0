"""Public systems ranked with ties, and judge prompts compared as classifiers. Reads the data, never copies it."""

from __future__ import annotations

from itertools import pairwise

import pytest

from eval_suites.public import joined
from pytest_genaiops import Evaluation, evaluate

DATA = joined.folder()
if reason := joined.missing(DATA):
    pytest.skip(reason, allow_module_level=True)


def letters(evaluation: Evaluation, metric: str) -> dict[str, set[str]]:
    """System -> its letters, the best first."""
    return {each.variant: set(each.letters) for each in evaluation.ranking(metric).standings}


def groups(found: dict[str, set[str]]) -> int:
    return len(set.union(*found.values()))


@pytest.fixture(scope="module")
def segments():
    return joined.translations(
        *(joined.rows(DATA / f"wmt21_ted_ende_{name}.jsonl") for name in ("segments", "outputs"))
    )


@pytest.fixture(scope="module")
def translators(segments):
    return evaluate(segments, metrics=["bleu", "chrf"])


@pytest.fixture(scope="module")
def summarizers():
    rows = joined.summaries(*(joined.rows(DATA / f"summeval_{name}.jsonl") for name in ("documents", "outputs")))
    return evaluate(rows, metrics=["rouge"])


@pytest.fixture(scope="module")
def judges():
    rows = joined.judgements(*(joined.rows(DATA / f"summeval_{name}.jsonl") for name in ("judge_ratings", "outputs")))
    return evaluate(rows, metrics=["classification"])


class TestTranslations:
    """13 systems on 529 segments: 78 pairs."""

    def test_order_and_values_are_those_of_sacrebleu(self, translators, segments):
        from sacrebleu import corpus_bleu

        references = [[row["references"][0] for row in segments]]
        scores = {
            system: corpus_bleu([row["responses"][system] for row in segments], references).score
            for system in segments[0]["responses"]
        }
        found = translators.ranking("bleu").standings
        assert [each.variant for each in found] == sorted(scores, key=scores.__getitem__, reverse=True)
        assert {each.variant: each.value for each in found} == pytest.approx(scores)
        assert {(each.n, each.unscored) for each in found} == {(529, 0)}

    @pytest.mark.parametrize("metric", ["bleu", "chrf"])
    def test_top_and_bottom_are_told_apart_and_neighbours_are_not(self, translators, metric):
        found = letters(translators, metric)
        systems = list(found)
        assert not found[systems[0]] & found[systems[-1]]
        assert all(found[better] & found[worse] for better, worse in pairwise(systems))
        assert 2 <= groups(found) <= 6

    @pytest.mark.parametrize("metric", ["bleu", "chrf"])
    def test_the_best_by_people_may_be_the_best(self, translators, metric):
        """By MQM errors Facebook-AI, Online-W and VolcTrans-AT are the best three: no ranking may rule one out."""
        first = {each.variant: each.first for each in translators.ranking(metric).standings}
        assert [first[system] for system in ("Facebook-AI", "Online-W", "VolcTrans-AT")] == [1, 1, 1]

    def test_holm_over_78_pairs_rejects_with_2000_resamples(self, translators):
        rejected = [row for row in translators.compare(slices=False) if (row.adjusted_p_value or 1) <= 0.01]
        assert {row.metric for row in rejected} == {"bleu", "chrf"}
        assert len(rejected) >= 20


class TestSummaries:
    """12 summarizers on 100 articles with 11 references each: 66 pairs."""

    @pytest.mark.parametrize("metric", ["rouge1", "rouge2", "rougeL"])
    def test_top_and_bottom_are_told_apart_and_many_are_tied(self, summarizers, metric):
        found = letters(summarizers, metric)
        systems = list(found)
        assert len(systems) == 12
        assert not found[systems[0]] & found[systems[-1]]
        assert found[systems[0]] & found[systems[1]]
        assert 2 <= groups(found) <= 8

    def test_hundred_articles_leave_every_rank_but_the_last_open(self, summarizers):
        found = summarizers.ranking("rouge1").standings
        assert (found[-1].variant, found[-1].first, found[-1].last) == ("M20", 12, 12)
        assert all(each.last - each.first >= 3 for each in found[:-1])


class TestJudges:
    """Four judge prompts say of 1200 summaries of 100 articles whether they are consistent; experts know."""

    def test_replies_that_nobody_could_parse_are_unscored_and_left_out_of_both_sides(self, judges):
        unscored = {each.variant: each.unscored for each in judges.ranking("accuracy").standings}
        assert unscored == {"rts": 2, "altrts": 0, "mcq": 0, "stareval": 0}
        for row in judges.compare(slices=False):
            assert (row.n, row.unscored) == ((1198, 2) if "rts" in (row.candidate_id, row.baseline_id) else (1200, 0))

    @pytest.mark.parametrize("metric", ["accuracy", "mcc", "recall"])
    def test_the_star_prompt_is_the_worst_classifier(self, judges, metric):
        """Recall over both classes alike is the balanced accuracy."""
        standings = {each.variant: each for each in judges.ranking(metric).standings}
        assert (standings["stareval"].first, standings["stareval"].last) == (4, 4)

    def test_unequal_classes_flatter_accuracy(self, judges):
        """77 % of the summaries are consistent: always saying so beats all four, and a chance-corrected score knows."""
        accuracy = {each.variant: each.value for each in judges.ranking("accuracy").standings}
        assert max(accuracy.values()) < 921 / 1200
        assert all(each.interval[0] > 0 for each in judges.ranking("mcc").standings)

    def test_articles_are_the_units(self, judges):
        """The 12 summaries of an article resemble each other: the interval is wider than that of 1200 cases."""
        (row,) = (row for row in judges.compare("stareval", "rts") if row.metric == "accuracy")
        low, high = row.interval
        agreeing = 2 * 1.96 * (2 * 0.25 / 1198) ** 0.5  # two unpaired shares at their largest variance
        assert high - low > agreeing
