"""Scores made again from what is committed, with no metric at hand but the name in the signature."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_genaiops import Case, Response, Score, ScoreGroup, metric
from pytest_genaiops.baselines import Entry, Rows, Section, Value, line
from pytest_genaiops.errors import MetricError
from pytest_genaiops.records import Trial
from pytest_genaiops.score.reread import reread

WHERE = "b.json: variants.v1"
TEXTS = ["the cat sat on the mat", "a dog ran over the hill", "birds sing", "it rains in the city of Paris"]
SAID = ["the cat sat on a mat", "a dog ran over the hill", "some bird sang", "it rains in Paris"]
CASES = [Case(id=f"c{i}", references=(text,), label=text.split()[0]) for i, text in enumerate(TEXTS)]


def scored(name: str, trials: int = 1, **options: Any) -> Any:
    """A metric over answers, of which the second trial is always right."""
    asked = [Trial(case=case, variant="v1", index=k + 1, dataset="d" * 64) for case in CASES for k in range(trials)]
    responses = [
        Response(text=SAID[i // trials] if trial.index == 1 else TEXTS[i // trials], trial=trial)
        for i, trial in enumerate(asked)
    ]
    return metric(name, **options)(responses)


def entry(found: Score | ScoreGroup, *, by_case: bool = False, trials: int = 1, **values: float) -> Entry:
    """What would be committed of a score, or of all scores of a group; ``values`` stand in place of its own."""
    scores = {found.name: found} if isinstance(found, Score) else {".".join(s.path): s for s in found.scores()}
    table = next(iter(scores.values())).table
    rows = Rows.of_lines(
        line(case, response.trial.index if response.trial else 1, measured.statistics)  # type: ignore[arg-type]
        for case, response, measured in zip(table.ids, table.responses, table.measurements, strict=True)
    )
    committed = {
        name: Value(value=values.get(name, float(score)), scale=score.scale, higher_is_better=score.higher_is_better)
        for name, score in scores.items()
    }
    section = Section(signature=table.signature, scores=committed, rows=rows)
    return Entry(
        variant="v1",
        variant_hash="a" * 64,
        dataset="texts",
        dataset_hash="d" * 64,
        trials=trials,
        by_case=by_case,
        metrics={"it": section},
    )


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("exact_match", {}),
        ("token_f1", {"tokenize": "unicode"}),
        ("bleu", {}),
        ("bleu", {"max_ngram_order": 2}),
        ("chrf", {"word_order": 2}),
        ("chrf", {"char_order": 4, "beta": 3}),
        ("ter", {}),
        ("error_rate", {}),
    ],
)
def test_a_score_is_what_was_committed(name: str, options: dict[str, Any]) -> None:
    score = scored(name, trials=2, **options)
    (found,) = reread(entry(score, trials=2), "it", WHERE).values()
    assert found.value == score.value
    assert (found.scale, found.higher_is_better) == (score.scale, score.higher_is_better)
    assert (list(found.ids), list(found.per_case)) == (list(score.ids), list(score.per_case))
    mine, theirs = found.sample(), score.sample()
    assert (list(mine.clusters or ()), mine.is_mean) == (list(theirs.clusters or ()), theirs.is_mean)


@pytest.mark.parametrize(
    ("name", "options"), [("rouge", {}), ("classification", {}), ("classification", {"average": None})]
)
def test_members_of_a_group_by_their_names(name: str, options: dict[str, Any]) -> None:
    group = scored(name, **options)
    found = reread(entry(group), "it", WHERE)
    assert {name: score.value for name, score in found.items()} == {".".join(s.path): s.value for s in group.scores()}


def test_children_of_a_member() -> None:
    group = scored("rouge")
    made = entry(group)
    recall = group.rougeL.recall
    value = Value(value=float(recall), scale=recall.scale, higher_is_better=True)
    section = Section(
        signature=made.metrics["it"].signature, scores={"rougeL.recall": value}, rows=made.metrics["it"].rows
    )
    made = Entry(
        **{name: getattr(made, name) for name in Entry.__slots__ if name != "metrics"}, metrics={"it": section}
    )
    assert reread(made, "it", WHERE)["rougeL.recall"].per_case == recall.per_case


def test_a_test_that_judges_case_by_case_has_the_mean_of_its_cases() -> None:
    score = scored("bleu")
    mean = sum(value or 0 for value in score.per_case) / 4
    (found,) = reread(entry(score, by_case=True, bleu=mean), "it", WHERE).values()
    assert found.value == pytest.approx(mean)
    assert found.sample().is_mean
    assert found.per_case == pytest.approx(score.per_case)


def test_values_of_the_user_s_own() -> None:
    score = Score.of([0.5, 1.0, 0.25], ids=["a", "b", "c"], name="tone")
    made = entry(scored("exact_match"))
    section = Section(
        signature=score.table.signature,
        scores={"tone": Value(value=float(score), scale=(0.0, 1.0), higher_is_better=True)},
        rows=Rows.of_lines(
            line(case, 1, (value or 0.0,)) for case, value in zip(score.ids, score.per_case, strict=True)
        ),
    )
    made = Entry(
        **{name: getattr(made, name) for name in Entry.__slots__ if name != "metrics"}, metrics={"it": section}
    )
    found = reread(made, "it", WHERE)["tone"]
    assert (found.value, found.per_case) == (score.value, score.per_case)


@pytest.mark.parametrize(
    ("name", "options"),
    [("exact_match", {}), ("bleu", {"smooth_method": "add-k", "smooth_value": 3.0, "max_ngram_order": 4})],
)
def test_rows_that_give_another_value_are_refused(name: str, options: dict[str, Any]) -> None:
    made = entry(scored(name, **options), **{name: 0.123})
    with pytest.raises(MetricError, match=rf"variants.v1.metrics.it.scores.{name}.value is 0.123, and its rows give "):
        reread(made, "it", WHERE)


def test_rows_of_another_form_are_refused() -> None:
    """Sums of a metric whose package is not installed may be anything."""
    made = entry(scored("classification"))
    section = Section(
        signature="unheard_of|data:d", scores={"unheard_of": Value(value=1.0, scale=(0, 1), higher_is_better=True)},
        rows=made.metrics["it"].rows,
    )  # fmt: skip
    made = Entry(
        **{name: getattr(made, name) for name in Entry.__slots__ if name != "metrics"}, metrics={"it": section}
    )
    with pytest.raises(MetricError, match="its rows give nothing here: unheard_of is not installed"):
        reread(made, "it", WHERE)
