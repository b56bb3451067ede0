"""AUROC against scikit-learn, rank correlations against scipy."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_genaiops.errors import MetricError, UnscorableError
from pytest_genaiops.statistics.ranks import _kendall, _spearman, auroc, kendall, spearman

np = pytest.importorskip("numpy")
stats = pytest.importorskip("scipy.stats")  # 1.17.1
roc_auc_score = pytest.importorskip("sklearn.metrics").roc_auc_score

ROWS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 4)), min_size=5, max_size=40)


def drawn(n: int, seed: int = 1) -> tuple[list[float], list[float], list[int]]:
    rng = random.Random(seed)
    x = [float(rng.randint(1, 5)) for _ in range(n)]
    y = [min(5.0, max(1.0, value + rng.randint(-2, 2))) for value in x]
    return x, y, [rng.randrange(n // 4) for _ in range(n)]


class TestAuroc:
    @given(ROWS)
    @settings(max_examples=50, deadline=None)
    def test_is_scikit_learns(self, rows: list[tuple[int, int]]) -> None:
        values, good = [float(a) for a, _ in rows], [b > 1 for _, b in rows]
        if len(set(good)) == 2:
            found = auroc(values, good)
            assert found.value == pytest.approx(roc_auc_score(good, values), abs=1e-12)
            assert 0 <= found.interval[0] <= found.value <= found.interval[1] <= 1

    def test_has_delongs_variance(self) -> None:
        # Values 1 2 3 of bad and 2 4 5 of good cases: placements 1.5/3, 1, 1 and 1, 2.5/3, 2/3, each of variance 1/12
        # and 1/36; over 3 cases each. The area is 5/6.
        found = auroc([1, 2, 3, 2, 4, 5], [False] * 3 + [True] * 3)
        assert found.value == pytest.approx(5 / 6)
        error = math.sqrt(1 / 12 / 3 + 1 / 36 / 3)
        reach = 1.959963984540054 * error / (5 / 6 * 1 / 6)
        assert found.interval == pytest.approx([1 / (1 + math.exp(-(math.log(5) + s * reach))) for s in (-1, 1)])

    def test_of_a_perfect_order_is_not_certain(self) -> None:
        found = auroc([1, 2, 3, 4], [False, False, True, True])
        assert found.value == 1
        assert found.interval == pytest.approx((0.025**0.5, 1.0))

    def test_of_one_value_is_half(self) -> None:
        found = auroc([3.0] * 10, [True] * 5 + [False] * 5)
        assert found.value == 0.5
        assert found.interval[0] < 0.5 < found.interval[1]

    def test_is_less_sure_of_clusters(self) -> None:
        rng = random.Random(4)
        base = [(rng.random(), rng.random() < 0.5) for _ in range(30)]
        values, good = zip(*[row for row in base for _ in range(5)], strict=True)
        clustered = auroc(values, good, clusters=[i // 5 for i in range(150)])
        alone = auroc([value for value, _ in base], [kind for _, kind in base])
        assert clustered.interval == pytest.approx(alone.interval, abs=0.02)

    @pytest.mark.parametrize("kind", [True, False])
    def test_needs_both_kinds(self, kind: bool) -> None:
        with pytest.raises(UnscorableError, match="nothing can be told apart"):
            auroc([1, 2], [kind, kind])

    def test_covers(self) -> None:
        rng, runs, covered = random.Random(2), 300, 0
        truth = stats.norm.cdf(1 / math.sqrt(2))
        for _ in range(runs):
            values = [rng.gauss(1, 1) for _ in range(30)] + [rng.gauss(0, 1) for _ in range(20)]
            low, high = auroc(values, [True] * 30 + [False] * 20).interval
            covered += low <= truth <= high
        assert covered / runs >= 0.95 - 2 * math.sqrt(0.95 * 0.05 / runs)


class TestCorrelations:
    @given(ROWS)
    @settings(max_examples=50, deadline=None)
    def test_are_scipys(self, rows: list[tuple[int, int]]) -> None:
        x, y = ([float(v) for v in column] for column in zip(*rows, strict=True))
        if len(set(x)) > 1 and len(set(y)) > 1:
            for ours, theirs in ((spearman, stats.spearmanr), (kendall, stats.kendalltau)):
                found = ours(x, y)
                assert found.value == pytest.approx(theirs(x, y)[0], abs=1e-9)
                assert -1 <= found.interval[0] <= found.value <= found.interval[1] <= 1

    @pytest.mark.parametrize("clustered", [True, False])
    def test_leave_out_one_at_a_time(self, clustered: bool) -> None:
        x, y, clusters = drawn(40)
        numbers = np.unique(clusters, return_inverse=True)[1] if clustered else np.arange(40)
        for ours, theirs in ((_spearman, stats.spearmanr), (_kendall, stats.kendalltau)):
            _, without = ours(np.array(x), np.array(y), numbers)
            left = [
                theirs(*(np.array(column)[numbers != group] for column in (x, y)))[0]
                for group in range(max(numbers) + 1)
            ]
            assert without == pytest.approx(left, abs=1e-12)

    @pytest.mark.parametrize("of", [spearman, kendall])
    def test_of_the_same_order_are_one_and_not_certain(self, of: object) -> None:
        found = of([1, 2, 3, 4, 5], [2, 4, 6, 8, 10])  # type: ignore[operator]
        assert found.value == pytest.approx(1)
        assert found.interval[0] < 1

    @pytest.mark.parametrize("of", [spearman, kendall])
    def test_of_a_constant_are_unknown(self, of: object) -> None:
        with pytest.raises(UnscorableError, match="the same for every case"):
            of([1, 1, 1], [1, 2, 3])  # type: ignore[operator]

    def test_cover(self) -> None:
        rng, runs = random.Random(8), 150
        rho = 0.5
        truths = {spearman: 6 / math.pi * math.asin(rho / 2), kendall: 2 / math.pi * math.asin(rho)}
        covered = dict.fromkeys(truths, 0)
        for _ in range(runs):
            x = [rng.gauss(0, 1) for _ in range(50)]
            y = [rho * value + math.sqrt(1 - rho**2) * rng.gauss(0, 1) for value in x]
            for of, truth in truths.items():
                low, high = of(x, y).interval
                covered[of] += low <= truth <= high
        assert min(covered.values()) / runs >= 0.95 - 2 * math.sqrt(0.95 * 0.05 / runs)

    def test_need_one_length(self) -> None:
        with pytest.raises(MetricError, match="not of 1 and 2 cases"):
            spearman([1], [1, 2])
