"""Matrices with something missing: each is told of, and no number is made up."""

from __future__ import annotations

import json
import math
import tracemalloc
from collections.abc import Mapping
from dataclasses import replace

import numpy as np  # noqa: TID253 - the tests draw scores
import pytest

from pytest_genaiops import Score, metric
from pytest_genaiops.errors import MetricError
from pytest_genaiops.factorial import factorial, worthwhile
from pytest_genaiops.records import Case, Passage, Relevant, Response, Trial
from pytest_genaiops.report.document import FactorialView, plain
from tests.unit.factorial.synthetic import ratio

FOUR = {name: {"chunk": name[0], "k": name[1]} for name in ("a1", "a2", "b1", "b2")}
Values = Mapping[str, list[float | None]]


def values(cases: int = 20, names: Mapping[str, object] = FOUR) -> dict[str, list[float | None]]:
    generator = np.random.default_rng(5)
    return {name: generator.uniform(0, 1, cases).tolist() for name in names}


def scored(rows: Values, clusters: list[str] | None = None) -> dict[str, dict[str, Score]]:
    return {name: {"q": Score.of(own, name="q", clusters=clusters)} for name, own in rows.items()}


def checked(view: FactorialView) -> FactorialView:
    """A view that is JSON, in which each effect has a number or a reason."""
    json.dumps(plain(view), allow_nan=False)
    for row in view.effects:
        assert (row.effect is None) == bool(row.reason)
        assert (row.effect is None) == (row.p_value is None) == (row.interval is None)
    return view


class TestDesigns:
    def test_what_is_worth_a_factorial(self) -> None:
        assert worthwhile(FOUR)
        assert worthwhile({str(k): {"k": str(k)} for k in range(3)})
        assert not worthwhile({str(k): {"k": str(k)} for k in range(2)})
        assert not worthwhile({"a": {"chunk": "1", "k": "1"}, "b": {"chunk": "2", "k": "1"}})
        assert not worthwhile({"a": {}, "b": {}})
        assert not worthwhile({})

    def test_one_axis(self) -> None:
        axes = {name: {"k": name} for name in "abc"}
        view = checked(factorial(scored(values(names=axes)), axes))
        assert [row.level for row in view.effects] == ["b", "c"]
        assert (view.interactions, view.notes) == ((), ())

    def test_one_level_tells_nothing(self) -> None:
        axes = {name: {**levels, "model": "m"} for name, levels in FOUR.items()}
        view = checked(factorial(scored(values()), axes))
        assert {row.axis for row in view.effects} == {"chunk", "k"}
        assert view.notes == ("all variants have 'model=m', of which nothing can be told",)

    @pytest.mark.parametrize(
        "axes", [{}, {"a1": {}}, {name: {"k": "1"} for name in FOUR}], ids=["none", "empty", "same"]
    )
    def test_no_axis_is_refused(self, axes: Mapping[str, Mapping[str, str]]) -> None:
        with pytest.raises(MetricError, match="no two variants with scores differ on an axis"):
            factorial(scored(values()), axes)

    def test_levels_that_always_come_together_get_no_effect(self) -> None:
        axes = {"a": {"chunk": "1", "k": "1", "s": "x"}, "b": {"chunk": "2", "k": "2", "s": "x"},
                "c": {"chunk": "1", "k": "1", "s": "y"}, "d": {"chunk": "2", "k": "2", "s": "y"}}  # fmt: skip
        view = checked(factorial(scored(values(names=axes)), axes))
        reasons = {f"{row.axis}={row.level}": row.reason for row in view.effects}
        assert reasons["s=y"] == ""
        assert reasons["chunk=2"].startswith("chunk=2 cannot be told from k=2;")
        assert reasons["k=2"].startswith("k=2 cannot be told from chunk=2;")
        assert "4 of 8 combinations were run" in view.notes[0]
        assert view.notes[1] == "3 interactions cannot be told with these combinations"

    def test_a_missing_combination_is_noted(self) -> None:
        axes = {name: levels for name, levels in FOUR.items() if name != "b2"}
        view = checked(factorial(scored(values(names=axes)), axes))
        assert all(row.effect is not None for row in view.effects)
        # With one of four gone, effects are differences from the reference variant.
        rows = {name: np.mean([v for v in own if v is not None]) for name, own in values(names=axes).items()}
        assert [row.effect for row in view.effects] == pytest.approx([rows["b1"] - rows["a1"], rows["a2"] - rows["a1"]])
        assert "3 of 4 combinations were run" in view.notes[0]
        assert view.notes[1] == "1 interaction cannot be told with these combinations"

    def test_the_same_settings_twice(self) -> None:
        axes = {**FOUR, "again": FOUR["a1"]}
        view = checked(factorial(scored(values(names=axes)), axes))
        assert view.combinations == 4
        assert view.notes == ("'a1', 'again' have the same level on every axis; each counts as a variant of its own",)

    def test_variants_without_axes_or_with_others_are_left_out(self) -> None:
        rows = values(names={**FOUR, "plain": 1, "other": 1})
        view = checked(factorial(scored(rows), {**FOUR, "plain": {}, "other": {"model": "m"}, "silent": FOUR["a1"]}))
        assert view.variants == 4
        assert "left out 'plain', 'other', 'silent'" in view.notes[0]
        assert view.effects == factorial(scored(values(names={**FOUR, "plain": 1, "other": 1})), FOUR).effects


class TestCases:
    def test_two_cases(self) -> None:
        view = checked(factorial(scored(values(2)), FOUR))
        assert all(row.p_value is not None and row.p_value >= 0.5 for row in view.effects)
        assert all(row.among_best for row in view.contenders)

    def test_one_cluster_decides_nothing(self) -> None:
        view = checked(factorial(scored(values(20), ["d"] * 20), FOUR))
        assert {(row.p_value, row.interval, row.clusters) for row in view.effects} == {(1.0, (-1.0, 1.0), 1)}
        assert all(row.among_best for row in view.contenders)

    def test_equal_values(self) -> None:
        view = checked(factorial(scored({name: [0.5] * 30 for name in FOUR}), FOUR))
        assert {(row.effect, row.p_value) for row in (*view.effects, *view.interactions)} == {(0.0, 1.0)}
        assert all(row.interval is not None and row.interval[0] < 0 for row in view.effects)  # type: ignore[operator]
        assert all(row.among_best for row in view.contenders)

    def test_nothing_is_scored(self) -> None:
        view = checked(factorial(scored({name: [None] * 5 for name in FOUR}), FOUR))
        assert {row.reason for row in view.effects} == {"nothing is scored: input: no value"}
        assert {(row.n, row.unscored) for row in view.effects} == {(0, 0)}
        assert not any(row.among_best for row in view.contenders)
        assert view.notes == ("q: nothing is scored: input: no value",)

    def test_unscored_cases_are_left_out_and_counted(self) -> None:
        rows = values(20)
        rows["a1"][3] = rows["b2"][3] = rows["b2"][7] = None
        view = checked(factorial(scored(rows), FOUR))
        assert {(row.n, row.unscored) for row in view.effects} == {(18, 2)}
        kept = [i for i in range(20) if i not in (3, 7)]
        alone = factorial(scored({name: [own[i] for i in kept] for name, own in rows.items()}), FOUR)
        assert [row.effect for row in view.effects] == pytest.approx([row.effect for row in alone.effects])
        assert [row.p_value for row in view.effects] == pytest.approx([row.p_value for row in alone.effects])
        assert view.notes == ("q: 18 of 20 cases are scored under every variant",)

    def test_a_case_that_no_variant_scored_is_counted_too(self) -> None:
        rows = values(20)
        for own in rows.values():
            own[3] = None
        view = checked(factorial(scored(rows), FOUR))
        assert {(row.n, row.unscored) for row in view.effects} == {(19, 1)}

    def test_a_contrast_needs_the_variants_with_a_weight_alone(self) -> None:
        """Levels 1 and 2 of k are compared by four variants; the two with level 3 have lost a case."""
        axes = {f"{a}{k}": {"chunk": a, "k": str(k)} for a in "ab" for k in (1, 2, 3)}
        rows = values(20, axes)
        rows["b3"][0] = None
        view = checked(factorial(scored(rows), axes))
        found = {row.level: (row.n, row.unscored) for row in view.effects}
        assert found == {"b": (19, 1), "2": (20, 0), "3": (19, 1)}

    def test_no_case_in_common(self) -> None:
        rows = values(4)
        for place, name in enumerate(FOUR):
            rows[name][place] = None
        view = checked(factorial(scored(rows), FOUR))
        assert {row.reason for row in view.effects} == {"no case is scored by every variant that it takes"}
        assert {(row.n, row.unscored) for row in view.effects} == {(0, 4)}
        assert {row.reason for row in view.contenders} == {"no case is scored by every variant that it takes"}

    def test_a_variant_of_which_nothing_is_scored_is_left_out_with_a_note(self) -> None:
        axes = {f"{a}{k}": {"chunk": a, "k": str(k)} for a in "ab" for k in (1, 2, 3)}
        rows = values(20, axes)
        rows["b3"] = [None] * 20
        view = checked(factorial(scored(rows), axes))
        assert all(row.effect is not None for row in view.effects)
        (lost,) = [row for row in view.contenders if row.variant == "b3"]
        assert (lost.value, lost.among_best, lost.reason) == (None, False, "input: no value")
        assert view.notes == ("q: left out 'b3', as nothing of theirs is scored (input: no value)",)

    def test_a_level_of_which_nothing_is_scored_has_no_effect(self) -> None:
        rows = values(20)
        rows["b1"] = rows["b2"] = [None] * 20
        view = checked(factorial(scored(rows), FOUR))
        assert [row.reason for row in view.effects] == ["no variant with chunk=b has a score", ""]
        rows["b1"], rows["a1"], rows["a2"] = rows["a1"], [None] * 20, [None] * 20
        view = checked(factorial(scored(rows), FOUR))
        assert view.effects[0].reason == "no variant with chunk=a has a score"

    def test_a_number_that_a_variant_does_not_have(self) -> None:
        scores = scored(values(20))
        scores["a2"] = {"other": scores["a2"]["q"]}
        view = checked(factorial(scores, FOUR, metrics=["q"]))
        assert [row.variant for row in view.contenders if row.reason] == ["a2"]
        assert "left out 'a2'" in view.notes[0]

    def test_scores_of_different_settings_are_refused(self) -> None:
        scores = scored(values(20))
        scores["b1"] = {"q": Score.of(values(20)["b1"], name="q", scale=(0, 2))}
        view = checked(factorial(scores, FOUR))
        assert all("scale:0-2" in row.reason for row in view.effects)
        assert all("scale:0-2" in row.reason for row in view.contenders)

    def test_other_cases_are_unscored_ones(self) -> None:
        scores = scored(values(20))
        scores["b1"] = {"q": Score.of(values(20)["b1"], ids=[str(i + 5) for i in range(20)], name="q")}
        view = checked(factorial(scores, FOUR))
        assert {(row.n, row.unscored) for row in view.effects} == {(15, 10)}

    def test_gaps_in_summed_statistics(self) -> None:
        generator = np.random.default_rng(1)
        hits: dict[str, list[int | None]] = {name: generator.integers(0, 9, 20).tolist() for name in FOUR}
        hits["a1"][2] = None
        view = checked(factorial({name: {"r": ratio(own, [9] * 20)} for name, own in hits.items()}, FOUR))
        assert {(row.n, row.unscored) for row in view.effects} == {(19, 1)}

    def test_a_quantile_has_no_effects(self) -> None:
        scores = {name: {"p95": metric("latency")([0.1 * i for i in range(9)]).p95} for name in FOUR}
        view = checked(factorial(scores, FOUR))
        assert {row.reason for row in view.effects} == {
            "p95 is a quantile; effects are those of means and of scores of summed statistics"
        }

    def test_a_scale_without_an_end_has_none_in_the_interval_either(self) -> None:
        rows = {name: Score.of([1.0, 1.0, 1.0], name="s", scale=(0, math.inf)) for name in FOUR}
        view = checked(factorial({name: {"s": score} for name, score in rows.items()}, FOUR))
        assert {row.interval for row in view.effects} == {(None, None)}


def test_a_number_that_is_about_some_cases() -> None:
    """Recall of queries with something to find: b1 lost a query of the other kind, which nobody else counts."""
    found = {}
    for name in FOUR:
        ranked = [(Passage(id=f"p{i}" if (i + len(found)) % 3 else "x"),) for i in range(12)]
        relevant = [() if i < 3 else (Relevant(id=f"p{i}"),) for i in range(12)]
        responses = [
            Response(text="", retrieved=rank, trial=Trial(case=Case(id=str(i), relevant=wanted), variant=name))
            for i, (rank, wanted) in enumerate(zip(ranked, relevant, strict=True))
        ]
        if name == "b1":
            responses[0] = replace(responses[0], retrieved=None)
        found[name] = {"mrr": metric("retrieval")(responses).mrr}
    view = checked(factorial(found, FOUR))
    assert {(row.n, row.unscored, row.reason) for row in view.effects} == {(9, 0, "")}


class TestArguments:
    def test_an_unknown_number_is_named(self) -> None:
        with pytest.raises(MetricError, match=r"metrics has 'qq'.*Known: q"):
            factorial(scored(values()), FOUR, metrics=["qq"])
        with pytest.raises(MetricError, match="metrics is empty"):
            factorial(scored(values()), FOUR, metrics=[])
        with pytest.raises(MetricError, match="metrics has 3"):
            factorial(scored(values()), FOUR, metrics=[3])  # type: ignore[list-item]

    @pytest.mark.parametrize("confidence", [0, 1, 95, math.nan])
    def test_a_confidence_that_makes_no_sense(self, confidence: float) -> None:
        with pytest.raises(MetricError, match="confidence"):
            factorial(scored(values()), FOUR, confidence=confidence)

    def test_more_confidence_wider_intervals_and_a_larger_set(self) -> None:
        rows = {
            name: [min(1.0, (v or 0) / 2 + 0.03 * i) for v in own] for i, (name, own) in enumerate(values(60).items())
        }
        low, high = (factorial(scored(rows), FOUR, confidence=level) for level in (0.5, 0.99))  # type: ignore[arg-type]
        for a, b in zip(low.effects, high.effects, strict=True):
            assert a.interval is not None
            assert b.interval is not None
            assert b.interval[0] < a.interval[0] <= a.interval[1] < b.interval[1]  # type: ignore[operator]
        sizes = [sum(row.among_best for row in view.contenders) for view in (low, high)]
        assert sizes[0] <= sizes[1]


class TestTrials:
    def table(self, rows: list[float | None], trials: int) -> Score:
        """A score whose rows are the trials of each case in turn."""
        once = Score.of(rows, name="q")
        ids = [str(i // trials) for i in range(len(rows))]
        table = replace(once.table, ids=ids, clusters=ids, trials=[i % trials + 1 for i in range(len(rows))])
        return once.of_table(table)

    def test_a_case_counts_once_with_the_mean_of_its_trials(self) -> None:
        rows = values(40)
        means = {name: np.array(own, dtype=float).reshape(20, 2).mean(axis=1).tolist() for name, own in rows.items()}
        twice = checked(factorial({name: {"q": self.table(own, 2)} for name, own in rows.items()}, FOUR))
        once = factorial(scored(means), FOUR)
        assert [row.n for row in twice.effects] == [20, 20]
        assert [row.effect for row in twice.effects] == pytest.approx([row.effect for row in once.effects])
        assert [row.p_value for row in twice.effects] == pytest.approx([row.p_value for row in once.effects])
        assert {row.clusters for row in twice.effects} == {None}

    def test_a_trial_without_a_value_is_noted(self) -> None:
        rows = values(40)
        rows["a1"][0] = rows["a1"][2] = rows["a1"][3] = None
        view = checked(factorial({name: {"q": self.table(own, 2)} for name, own in rows.items()}, FOUR))
        assert {(row.n, row.unscored) for row in view.effects} == {(19, 1)}
        assert view.notes[0].startswith("q: 1 responses have no value while another trial of their case has one")


def test_many_variants_take_little_memory() -> None:
    """48 variants of 500 cases: less than 12 MB beside the scores."""
    axes = {
        f"{a}{b}{c}{d}": {"a": a, "b": b, "c": c, "d": d} for a in "xyz" for b in "pqrs" for c in "tu" for d in "vw"
    }
    assert len(axes) == 48
    generator = np.random.default_rng(1)
    scores = {name: {"q": Score.of(generator.uniform(0, 1, 500).tolist(), name="q")} for name in axes}
    tracemalloc.start()
    try:
        view = factorial(scores, axes)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(view.effects) == 7
    assert peak < 12e6
