"""Several trials of a case: what one, or all, of k would give, and whether runs agree."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest

from pytest_genaiops import Case, Response, Score, metric
from pytest_genaiops.errors import MetricError
from pytest_genaiops.records import ResponseError, Trial
from pytest_genaiops.score.repeated import flaky

OUTCOMES = {"a": "yyyn", "b": "ynnn", "c": "yyyy", "d": "nnnn"}


def responses(outcomes: dict[str, str], *, cluster: str | None = None) -> list[Response]:
    """One response a letter: y is right, n is wrong, x is an error."""
    found = []
    for name, letters in outcomes.items():
        case = Case(id=name, references=("y",), cluster=cluster)
        for index, letter in enumerate(letters, start=1):
            error = ResponseError(kind="timeout", message="too long") if letter == "x" else None
            trial = Trial(case=case, variant="v", index=index, dataset="0" * 64)
            found.append(Response(text=letter, error=error, trial=trial))
    return found


def exact(outcomes: dict[str, str], **more: Any) -> Score:
    score: Score = metric("exact_match")(responses(outcomes, **more))
    return score


@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_pass_at_and_pass_hat_are_means_over_all_subsets_of_k_trials(k: int) -> None:
    at = {c: [any(x == "y" for x in s) for s in combinations(t, k)] for c, t in OUTCOMES.items()}
    hat = {c: [all(x == "y" for x in s) for s in combinations(t, k)] for c, t in OUTCOMES.items()}
    for score, expected in ((exact(OUTCOMES).pass_at(k), at), (exact(OUTCOMES).pass_hat(k), hat)):
        assert dict(zip(score.ids, score.per_case, strict=True)) == pytest.approx(
            {case: sum(found) / len(found) for case, found in expected.items()}
        )
        assert score.n == 4
    assert exact(OUTCOMES).pass_at(k).name == f"pass@{k} of exact_match"


def test_they_are_scores_with_intervals_over_cases_and_signatures_of_their_own() -> None:
    score = exact({f"c{i}": "yn" if i % 3 else "yy" for i in range(30)}).pass_hat(2)
    assert score.n == 30
    assert score.at_least(0.9).outcome == "failed"
    assert "over:pass^2" in score.signature
    other = exact({f"c{i}": "yy" for i in range(30)}).pass_hat(2)
    assert score.not_worse_than(other, margin=0.1).outcome == "failed"
    with pytest.raises(MetricError, match=r"one has over:pass\^2, the other over:pass@2"):
        score.not_worse_than(exact({f"c{i}": "yy" for i in range(30)}).pass_at(2), margin=0.1)


def test_more_trials_than_there_were_are_refused() -> None:
    with pytest.raises(MetricError, match="5"):
        exact(OUTCOMES).pass_at(5)


def test_a_graded_score_is_no_success_or_failure() -> None:
    with pytest.raises(MetricError, match=r"pass@2 counts trials that succeed, and tone is no yes or no"):
        Score.of([0.2, 0.7], name="tone").pass_at(2)


def test_where_lower_is_better_success_is_the_lower_end() -> None:
    errors = Score.of([0.0, 1.0], ids=["a", "b"], name="errors", higher_is_better=False)
    assert errors.pass_at(1).per_case == (1.0, 0.0)
    assert errors.pass_at(1).higher_is_better


def test_a_case_with_an_unscored_trial_is_unscored() -> None:
    score = exact({"a": "yx", "b": "yy"})
    assert score.pass_at(1).per_case == (None, 1.0)
    assert score.consistency().per_case == (None, 1.0)
    assert not score.pass_at(1) >= 0.5


def test_consistency_is_the_share_of_pairs_of_trials_that_agree() -> None:
    # yyyn: 3 of 6 pairs agree; ynnn: 3 of 6; the others all.
    assert exact(OUTCOMES).consistency().per_case == (0.5, 0.5, 1.0, 1.0)
    assert exact({"a": "y"}).consistency().per_case == (None,)


def test_flaky_cases_are_those_whose_trials_do_not_agree() -> None:
    assert flaky(exact(OUTCOMES)) == 2
    assert flaky(exact({"a": "y", "b": "n"})) is None


def test_clusters_of_cases_stay_clusters() -> None:
    together = exact({f"c{i}": "yn" for i in range(6)}, cluster="one document").pass_at(1)
    assert together.interval() == (0.0, 1.0)


def test_trials_of_one_case_never_count_as_independent_cases() -> None:
    few = {f"c{i}": "y" if i % 4 else "n" for i in range(12)}
    once, ten_times = exact(few), exact({case: letter * 10 for case, letter in few.items()})
    assert ten_times.n == 120
    low, high = once.interval()
    lower, higher = ten_times.interval()
    assert higher - lower >= high - low - 1e-9
    verdict = ten_times.at_least(0.5)
    assert (verdict.n, verdict.clusters) == (120, 12)
    assert "n=120 in 12 clusters" in verdict.reason
