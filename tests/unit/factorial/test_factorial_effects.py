"""Main effects and interactions: by hand, and against linear models of all values at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np  # noqa: TID253 - the tests draw scores
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_genaiops import Score, metric
from pytest_genaiops.factorial import factorial
from pytest_genaiops.report.document import EffectView, FactorialView
from pytest_genaiops.statistics import holm
from tests.unit.factorial.synthetic import ratio

Levels = Mapping[str, str]
WIDE = (-1e6, 1e6)
TWO_BY_TWO = {f"{a}{b}": {"chunk": a, "search": b} for a in ("small", "large") for b in ("vector", "hybrid")}


def grid(**axes: str) -> dict[str, Levels]:
    """All combinations of levels, one letter each."""
    return {"".join(levels): dict(zip(axes, levels, strict=True)) for levels in product(*axes.values())}


def drawn(
    axes: Mapping[str, Levels], cases: int, clusters: Sequence[str] | None = None, seed: int = 1
) -> dict[str, dict[str, Score]]:
    """Values that share how hard a case is."""
    generator = np.random.default_rng(seed)
    hard = generator.normal(0, 1, cases)
    return {
        name: {"q": Score.of((hard + generator.normal(0, 1, cases)).tolist(), clusters=clusters, scale=WIDE, name="q")}
        for name in axes
    }


def of(view: FactorialView, level: str) -> EffectView:
    (found,) = [row for row in view.effects if row.level == level]
    return found


class TestTwoByTwo:
    """Four variants, three cases, worked out by hand."""

    VALUES: Mapping[str, Sequence[float]] = {
        "smallvector": [1, 2, 3],
        "smallhybrid": [2, 2, 5],
        "largevector": [4, 3, 5],
        "largehybrid": [9, 7, 5],
    }

    @pytest.fixture
    def view(self) -> FactorialView:
        scores = {name: {"q": Score.of(own, scale=(0, 10), name="q")} for name, own in self.VALUES.items()}
        return factorial(scores, TWO_BY_TWO)

    def test_an_effect_is_the_mean_of_matched_differences(self, view: FactorialView) -> None:
        # large - small: by case ((4-1)+(9-2))/2 = 5, ((3-2)+(7-2))/2 = 3, ((5-3)+(5-5))/2 = 1
        found = of(view, "large")
        assert found.effect == pytest.approx(3)
        assert (found.axis, found.reference, found.n, found.unscored, found.clusters) == ("chunk", "small", 3, 0, None)
        # hybrid - vector: (1+5)/2 = 3, (0+4)/2 = 2, (2+0)/2 = 1
        assert of(view, "hybrid").effect == pytest.approx(2)

    def test_an_interaction_is_the_difference_of_differences(self, view: FactorialView) -> None:
        (found,) = view.interactions
        # (9-4)-(2-1) = 4, (7-3)-(2-2) = 4, (5-5)-(5-3) = -2
        assert found.effect == pytest.approx(2)
        assert (found.axes, found.levels) == (("chunk", "search"), ("large", "hybrid"))
        assert found.references == ("small", "vector")

    def test_p_values_of_three_cases_are_those_of_signs(self, view: FactorialView) -> None:
        """Three cases of one sign: 2 of 8 patterns are as far from 0. One of them turned: 2 + ... of 8."""
        assert of(view, "large").p_value == pytest.approx(2 / 8)
        assert of(view, "hybrid").p_value == pytest.approx(2 / 8)

    def test_adjusted_over_all_effects_on_a_number(self, view: FactorialView) -> None:
        given = [row.p_value for row in view.effects if row.p_value is not None]
        assert [row.adjusted_p_value for row in view.effects] == list(holm(given))

    def test_another_number_changes_nothing_of_this_one(self, view: FactorialView) -> None:
        """Holm over each number by itself, whether another one has effects or is noise."""
        own = {name: Score.of(own, scale=(0, 10), name="q") for name, own in self.VALUES.items()}
        more = {f"more{at}": [3, 1, 2] for at in range(5)}
        beside = factorial(
            {
                name: {**{more: Score.of(v, scale=(0, 10), name=more) for more, v in more.items()}, "q": score}
                for name, score in own.items()
            },
            TWO_BY_TWO,
        )
        assert tuple(row for row in beside.effects if row.metric == "q") == tuple(view.effects)
        assert tuple(row for row in beside.interactions if row.metric == "q") == tuple(view.interactions)

    def test_the_axes_and_the_extent(self, view: FactorialView) -> None:
        assert [(axis.name, tuple(axis.levels)) for axis in view.axes] == [
            ("chunk", ("small", "large")), ("search", ("vector", "hybrid")),
        ]  # fmt: skip
        assert (view.variants, view.combinations, view.confidence, view.notes) == (4, 4, 0.95, ())

    def test_numbers_rise_behind_the_reference_and_names_come_as_they_are_first_named(self) -> None:
        named = {"k": ["5", "12", "3", "8"], "search": ["vector", "hybrid", "bm25", "none"]}
        axes = {f"v{at}": {name: levels[at] for name, levels in named.items()} for at in range(4)}
        view = factorial(drawn(axes, 10), axes)
        assert [tuple(axis.levels) for axis in view.axes] == [("5", "3", "8", "12"), tuple(named["search"])]


class TestAgainstLinearModels:
    """Ordinary least squares on one row for each variant and case; statsmodels 0.15.0."""

    AXES = grid(a="xyz", b="pq", c="rs")

    def table(self, scores: Mapping[str, Mapping[str, Score]], axes: Mapping[str, Levels], cases: int) -> Any:
        import pandas as pd

        rows = [
            {**axes[name], "case": i, "y": value}
            for name, own in scores.items()
            for i, value in enumerate(own["q"].per_case)
        ]
        frame = pd.DataFrame(rows)
        assert len(frame) == len(axes) * cases
        return frame

    def fitted(self, frame: Any, formula: str, groups: Sequence[int]) -> Any:
        api = pytest.importorskip("statsmodels.formula.api")
        options = {"groups": np.asarray(groups)[frame["case"]], "use_correction": False}
        return api.ols(formula, frame).fit(cov_type="cluster", cov_kwds=options)

    @pytest.mark.parametrize("size", [1, 4])
    @pytest.mark.parametrize("left_out", [0, 3], ids=["complete", "incomplete"])
    def test_effects_and_robust_errors_are_theirs(self, size: int, left_out: int) -> None:
        """Clusters of one size: the sandwich without a correction, times G / (G - 1) for G clusters."""
        cases, axes = 80, dict(list(self.AXES.items())[left_out:])
        groups = [i // size for i in range(cases)]
        scores = drawn(axes, cases, [f"d{g}" for g in groups])
        view = factorial(scores, axes)
        references = {axis.name: axis.levels[0] for axis in view.axes}
        terms = {axis: f"C({axis}, Treatment('{level}'))" for axis, level in references.items()}
        frame = self.table(scores, axes, cases)
        fit = self.fitted(frame, "y ~ " + " + ".join(terms.values()), groups)
        units = cases // size
        # What each unit adds to each coefficient.
        parts = np.array(
            [np.bincount(np.array(groups)[frame["case"]], fit.resid * row) for row in fit.model.pinv_wexog]
        )
        for row in view.effects:
            name = f"{terms[row.axis]}[T.{row.level}]"
            error = fit.bse[name] * np.sqrt(units / (units - 1))
            assert row.effect == pytest.approx(fit.params[name], abs=1e-9)
            moves = parts[list(fit.params.index).index(name)]
            assert row.p_value == pytest.approx(two_sided(corrected(row.effect / error, moves), units - 1), rel=1e-6)

    def test_interactions_are_those_of_the_model_with_that_pair(self) -> None:
        cases, axes = 40, {name: levels for name, levels in self.AXES.items() if name not in ("ypr", "zqs")}
        scores = drawn(axes, cases)
        view = factorial(scores, axes)
        frame = self.table(scores, axes, cases)
        assert len(view.interactions) == 5
        for row in view.interactions:
            (one, a), (other, b) = zip(row.axes, row.levels, strict=True)
            terms = {axis: f"C({axis}, Treatment('{levels[0]}'))" for axis, levels in
                     ((axis.name, axis.levels) for axis in view.axes)}  # fmt: skip
            formula = "y ~ " + " + ".join(terms.values()) + f" + {terms[one]}:{terms[other]}"
            fit = self.fitted(frame, formula, range(cases))
            assert row.effect == pytest.approx(fit.params[f"{terms[one]}[T.{a}]:{terms[other]}[T.{b}]"], abs=1e-9)

    def test_unequal_clusters_are_left_out_one_at_a_time(self) -> None:
        """CV3: the least-squares fit again without each cluster (MacKinnon, Nielsen and Webb 2023, eq. 10 with the
        estimate of all cases in its centre)."""
        groups = np.repeat(np.arange(9), [1, 2, 3, 4, 5, 6, 7, 8, 9])
        axes = grid(a="xyz", b="pq")
        scores = drawn(axes, len(groups), [f"d{g}" for g in groups])
        columns = np.array([[1, n[0] == "y", n[0] == "z", n[1] == "q"] for n in axes], dtype=float)
        values = np.array([own["q"].per_case for own in scores.values()])

        def fit(kept: np.ndarray) -> np.ndarray:
            design = np.repeat(columns, kept.sum(), axis=0)
            return np.asarray(np.linalg.lstsq(design, values[:, kept].ravel(), rcond=None)[0])

        whole = fit(groups >= 0)
        moved = np.array([fit(groups != g) - whole for g in range(9)])
        errors = np.sqrt((moved**2).sum(axis=0) * 8 / 9)
        view = factorial(scores, axes)
        for row, value, error, own in zip(view.effects, whole[1:], errors[1:], moved.T[1:], strict=True):
            assert row.effect == pytest.approx(value, abs=1e-9)
            assert row.clusters == 9
            # Degrees of freedom: see tests of the contrasts.
            expected = two_sided(corrected(value / error, -own), FREEDOM_OF_1_TO_9)
            assert row.p_value == pytest.approx(expected, rel=1e-5)


SIZES = np.arange(1.0, 10.0)
CENTRED = np.diag(1 / (45 - SIZES)) @ (np.eye(9) - np.outer(SIZES, np.ones(9)) / 45) @ np.diag(SIZES)
FREEDOM_OF_1_TO_9 = np.trace(CENTRED @ CENTRED.T) ** 2 / np.trace(CENTRED @ CENTRED.T @ CENTRED @ CENTRED.T)
"""Satterthwaite's, of clusters of 1 to 9 cases whose values are all alike: from the matrices themselves."""


def two_sided(t: float, freedom: float) -> float:
    stats = pytest.importorskip("scipy.stats")
    return float(2 * stats.t.sf(abs(t), freedom))


def corrected(ratio: float, moves: np.ndarray) -> float:
    """Hall's transformation (1992) of a studentized mean, the least of it over no skewness and two estimates of it.

    The estimates are the sample's and that of Bobée and Robitaille (1975); see ``docs/statistics.md``.
    """
    n, side = len(moves), np.sign(ratio)
    raw = side * (moves**3).mean() / (moves**2).mean() ** 1.5
    larger = raw * (1 + 6.51 / n + 20.20 / n**2 + (1.48 / n + 6.77 / n**2) * raw**2)
    found = [abs(ratio)]
    for skewness in (raw * np.sqrt(n * (n - 1)) / (n - 2), larger):
        a = skewness / (3 * np.sqrt(n))
        found.append(abs(ratio) + a * ratio**2 + a**2 * abs(ratio) ** 3 / 3 + skewness / (6 * np.sqrt(n)))
    return max(0.0, min(found))


class TestWhatIsTheSame:
    """Changes of the input that must not change what is said, or only as much as they should."""

    AXES = grid(a="xyz", b="pq")

    @settings(max_examples=15, deadline=None)
    @given(st.permutations(list(AXES)[1:]), st.integers(0, 5))
    def test_the_order_of_variants_behind_the_first(self, order: list[str], seed: int) -> None:
        scores = drawn(self.AXES, 12, seed=seed)
        names = [next(iter(self.AXES)), *order]
        one = factorial(scores, self.AXES)
        other = factorial(scores, {name: self.AXES[name] for name in names})
        assert summary(one) == summary(other)

    @settings(max_examples=15, deadline=None)
    @given(st.lists(st.floats(-100, 100), min_size=12, max_size=12), st.floats(0.01, 100))
    def test_a_shift_of_all_values_of_a_case_and_the_scale(self, shifts: list[float], factor: float) -> None:
        scores = drawn(self.AXES, 12)
        values = {name: np.array(own["q"].per_case, dtype=float) for name, own in scores.items()}
        moved = {
            name: {"q": Score.of((factor * (own + np.array(shifts))).tolist(), scale=WIDE, name="q")}
            for name, own in values.items()
        }
        one, other = factorial(scores, self.AXES), factorial(moved, self.AXES)
        for a, b in zip(one.effects, other.effects, strict=True):
            assert b.effect == pytest.approx(factor * (a.effect or 0), rel=1e-6, abs=1e-6 * factor)
            assert b.p_value == pytest.approx(a.p_value, rel=1e-4, abs=1e-9)
        assert {c.variant for c in one.contenders if c.among_best} == {
            c.variant for c in other.contenders if c.among_best
        }

    def test_a_new_name_for_levels(self) -> None:
        scores = drawn(self.AXES, 12)
        renamed = {name: {axis: f"<{level}>" for axis, level in levels.items()} for name, levels in self.AXES.items()}
        one, other = factorial(scores, self.AXES), factorial(scores, renamed)
        assert [row.effect for row in one.effects] == [row.effect for row in other.effects]
        assert [f"<{row.level}>" for row in one.effects] == [row.level for row in other.effects]

    def test_the_order_of_cases(self) -> None:
        scores = drawn(self.AXES, 12)
        turned = {}
        for place, (name, own) in enumerate(scores.items()):
            order = np.roll(np.arange(12), place).tolist()
            values = [own["q"].per_case[i] for i in order]
            turned[name] = {"q": Score.of(values, ids=[str(i) for i in order], scale=WIDE, name="q")}
        assert summary(factorial(turned, self.AXES)) == summary(factorial(scores, self.AXES))


def summary(view: FactorialView) -> dict[Any, Any]:
    """Numbers by what they are about, rounded, since sums in another order differ in their last digits."""
    found: dict[Any, Any] = {
        (row.axis, row.level): (round(row.effect or 0, 9), round(row.p_value or 0, 9)) for row in view.effects
    }
    pairs = {frozenset(zip(row.axes, row.levels, strict=True)): round(row.effect or 0, 9) for row in view.interactions}
    best = {row.variant: row.among_best for row in view.contenders}
    return found | pairs | best


class TestScoresOfSummedStatistics:
    AXES = grid(a="xy", b="pq")

    def test_an_effect_is_a_contrast_of_the_scores(self) -> None:
        hits = {"xp": [1, 2, 3, 4], "xq": [2, 2, 3, 5], "yp": [3, 3, 4, 6], "yq": [4, 2, 3, 9]}
        scores = {name: {"q": ratio(own, [5, 6, 7, 10])} for name, own in hits.items()}
        view = factorial(scores, self.AXES)
        # Sums of hits over 28: 10, 12, 16, 18
        assert of(view, "y").effect == pytest.approx(((16 - 10) + (18 - 12)) / 2 / 28)
        assert of(view, "q").effect == pytest.approx(2 / 28)

    def test_errors_are_those_of_the_jackknife(self) -> None:
        """Each case left out by hand."""
        generator = np.random.default_rng(4)
        lengths = generator.integers(3, 20, 30)
        hits = {name: generator.binomial(lengths, 0.3 + 0.1 * (name[0] == "y")) for name in self.AXES}
        view = factorial({name: {"q": ratio(h.tolist(), lengths.tolist())} for name, h in hits.items()}, self.AXES)

        def effect(kept: np.ndarray) -> float:
            share = {name: h[kept].sum() / lengths[kept].sum() for name, h in hits.items()}
            return float(share["yp"] + share["yq"] - share["xp"] - share["xq"]) / 2

        every = np.arange(30)
        moved = np.array([effect(every != i) for i in every]) - effect(every >= 0)
        error = np.sqrt((moved**2).sum() * 29 / 30)
        stats = pytest.importorskip("scipy.stats")
        reach = stats.t.ppf(0.975, 29) * error
        found = of(view, "y")
        assert found.effect is not None
        assert found.interval == pytest.approx((found.effect - reach, found.effect + reach))
        assert found.p_value == pytest.approx(two_sided(found.effect / error, 29))

    def test_bleu(self) -> None:
        words = ["the", "tram", "to", "the", "harbour", "leaves", "at", "nine", "from", "the", "old", "town", "hall"]
        generator = np.random.default_rng(2)
        scores = {}
        for name in self.AXES:
            texts = [" ".join(w if generator.random() < (0.9 if name[0] == "y" else 0.6) else "uh" for w in words)
                     for _ in range(40)]  # fmt: skip
            scores[name] = {"bleu": metric("bleu")(texts, [[" ".join(words)]] * 40)}
        view = factorial(scores, self.AXES)  # type: ignore[arg-type]
        values = {name: own["bleu"].value for name, own in scores.items()}
        assert of(view, "y").effect == pytest.approx((values["yp"] + values["yq"] - values["xp"] - values["xq"]) / 2)
        assert (of(view, "y").adjusted_p_value or 0) < 1e-6
        assert (of(view, "q").adjusted_p_value or 0) > 0.01
        assert {row.variant for row in view.contenders if row.among_best} <= {"yp", "yq"}


class TestManyInteractions:
    def test_those_of_each_number_are_a_family(self) -> None:
        """Two numbers, adjusted over the nine interactions of each; the strongest of both come first."""
        axes = grid(a="xyz", b="pq", c="rs", d="tu")
        one, other = drawn(axes, 20, seed=1), drawn(axes, 20, seed=2)
        both = factorial({name: {"q": one[name]["q"], "r": other[name]["q"]} for name in axes}, axes)
        assert (len(both.interactions), both.interactions_tested) == (12, 18)
        for name, alone in ("q", one), ("r", other):
            seen = [(row.levels, row.adjusted_p_value) for row in both.interactions if row.metric == name]
            assert seen == [(row.levels, row.adjusted_p_value) for row in factorial(alone, axes).interactions]
        p_values = [row.p_value or 0.0 for row in both.interactions]
        assert p_values == pytest.approx(sorted(p_values), abs=0.05)

    def test_the_strongest_are_kept_and_all_are_allowed_for(self) -> None:
        axes = grid(a="xyz", b="pq", c="rs", d="tu")
        view = factorial(drawn(axes, 20), axes)
        assert len(view.interactions) == 6
        assert view.interactions_tested == 9
        assert not view.notes
        p_values = [row.p_value for row in view.interactions if row.p_value is not None]
        assert p_values == sorted(p_values)
        assert view.interactions[0].adjusted_p_value == pytest.approx(min(1, 9 * p_values[0]))
