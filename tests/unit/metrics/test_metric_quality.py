"""The figures of docs/metric-quality.md: their arithmetic against scipy and scikit-learn, and how tables get there."""

# ruff: noqa: TID253 - the rule is for the package

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kendalltau, spearmanr
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from benchmarks import agreement, metric_quality, reference_quality, rivals
from pytest_genaiops.records import Case

VALUES = st.lists(st.integers(0, 4), min_size=5, max_size=5)


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(5)


def test_auroc_of_every_draw_is_scikit_learns(random: np.random.Generator) -> None:
    labels = random.integers(0, 2, 60)
    scores = np.round(random.normal(size=60) + labels, 1)
    times = agreement.drawn(random.integers(0, 20, 60).tolist(), draws=25)
    expected = [roc_auc_score(labels, scores, sample_weight=row) for row in times]
    assert agreement.aurocs(labels.tolist(), scores.tolist(), times) == pytest.approx(expected, abs=1e-12)


def test_auroc_of_rows_drawn_once_is_the_plain_one(random: np.random.Generator) -> None:
    labels, scores = random.integers(0, 2, 60).tolist(), random.integers(0, 9, 60).tolist()
    assert agreement.aurocs(labels, scores, np.ones((1, 60)))[0] == pytest.approx(agreement.auroc(labels, scores)[0])


def test_clusters_are_drawn_whole() -> None:
    clusters = ["a", "b", "a", "c", "b"]
    times = agreement.drawn(clusters, draws=50)
    assert (times[:, 0] == times[:, 2]).all()
    assert (times[:, 1] == times[:, 4]).all()
    assert (times[:, [0, 1, 3]].sum(axis=1) == 3).all()
    assert len({tuple(row) for row in times}) > 5


def test_balanced_accuracy_is_scikit_learns(random: np.random.Generator) -> None:
    labels, passed = random.integers(0, 2, 60), random.integers(0, 2, 60) == 1
    times = agreement.drawn(range(60), draws=10)
    expected = [balanced_accuracy_score(labels, passed, sample_weight=row) for row in times]
    assert agreement.balanced_accuracy(labels.tolist(), passed.tolist(), times) == pytest.approx(expected, abs=1e-12)


def test_the_best_threshold_by_hand() -> None:
    """At 0.4 both good ones and no bad one pass; of two sets the mean counts."""
    one = ([0, 0, 1, 1], [0.1, 0.3, 0.4, 0.9])
    assert agreement.best_threshold([one]) == 0.4
    assert agreement.best_threshold([one, ([0, 1], [0.6, 0.9]), ([0, 1], [0.7, 0.9])]) == 0.9


def test_a_threshold_comes_from_the_other_half(random: np.random.Generator) -> None:
    """Labels of a row's own cluster have no say in whether it passes."""
    clusters = [str(at // 4) for at in range(40)]
    labels, scores = random.integers(0, 2, 40), random.normal(size=40)
    before = agreement.halved_passes(labels.tolist(), scores.tolist(), clusters)
    first = agreement.halves(clusters)
    assert 0 < first.sum() < 40
    labels[first] = 1 - labels[first]
    after = agreement.halved_passes(labels.tolist(), scores.tolist(), clusters)
    assert np.array(before)[first].tolist() == np.array(after)[first].tolist()


@given(VALUES, VALUES)
def test_rank_correlations_are_scipys(x: list[int], y: list[int]) -> None:
    first, second = np.array([x], dtype=float), np.array([y], dtype=float)
    for ours, theirs in ((agreement.kendall, kendalltau), (agreement.spearman, spearmanr)):
        found = ours(first, second)[0]
        if len(set(y)) == 1:
            assert np.isnan(found)
        elif len(set(x)) == 1:
            assert found == 0
        else:
            assert found == pytest.approx(theirs(x, y)[0], abs=1e-12)


def test_reciprocal_ranks_by_hand() -> None:
    """Question a: the good answer is second; b: of two equals the bad one comes first; c has no good answer."""
    found = metric_quality.reciprocal_ranks([1, 0, 1, 0, 0], [0.5, 0.9, 0.3, 0.3, 0.1], ["a", "a", "b", "b", "c"])
    assert found == [0.5, 0.5]


def test_baselines_by_hand() -> None:
    answer, context = "The tower is tall", "A tower is very tall."
    assert rivals.unigram_precision(answer, context) == 3 / 4
    assert rivals.bigram_precision(answer, context) == 1 / 3
    assert rivals.rouge_l_precision(answer, context) == 3 / 4


def test_scores_of_systems_are_corpus_scores_of_what_was_drawn() -> None:
    from sacrebleu.metrics import BLEU

    references = ["the cat sat on the mat", "a dog ran through the park today"]
    texts = [["the cat sat on a mat", "the cat is on the mat"], ["a dog ran in the park", "a dog ran through the park"]]
    cases = [Case(id=str(at), references=(reference,)) for at, reference in enumerate(references)]
    outputs = reference_quality.Outputs(cases=cases, texts=texts, human={})
    (bleu,) = reference_quality.ranked("bleu", outputs)
    found = bleu.totals(np.array([[1.0, 1.0], [2.0, 0.0]]))
    for system in (0, 1):
        column = [line[system] for line in texts]
        assert found[0, system] == pytest.approx(BLEU().corpus_score(column, [references]).score, abs=1e-9)
        twice = BLEU().corpus_score([column[0]] * 2, [[references[0]] * 2]).score
        assert found[1, system] == pytest.approx(twice, abs=1e-9)


def test_a_lower_better_metric_is_turned_round() -> None:
    outputs = reference_quality.Outputs(
        cases=[Case(id="1", references=("the cat sat",))], texts=[["the cat sat", "a dog ran"]], human={}
    )
    (ter,) = reference_quality.ranked("ter", outputs)
    assert ter.cases.tolist() == [[0.0, -100.0]]


def test_tables_are_put_between_the_lines_that_name_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- table one -->\nold\n<!-- end -->\nbetween\n<!-- table two -->\n<!-- end -->\nafter\n")
    monkeypatch.setattr(metric_quality, "PAGE", page)
    metric_quality.put("one", ["| new |"])
    assert page.read_text() == (
        "before\n<!-- table one -->\n\n| new |\n\n<!-- end -->\nbetween\n<!-- table two -->\n<!-- end -->\nafter\n"
    )


def test_the_page_has_a_place_for_every_table() -> None:
    page = metric_quality.PAGE.read_text(encoding="utf-8")
    for name in metric_quality.tables():
        assert page.count(f"<!-- table {name} -->\n") == 1, name
    assert page.count("<!-- end -->\n") == len(metric_quality.tables())
