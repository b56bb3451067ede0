"""A matrix of variants whose true effects are known: axes that add up, one interaction, hard and easy cases, clusters.

A cluster shares how hard its cases are, and how much each level does to them, so that cases of one cluster do not count
as independent; clusters differ in size, and every answer has noise of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product

import numpy as np  # noqa: TID253 - a target that draws its answers

from pytest_genaiops import Score
from pytest_genaiops.metrics.base import Part
from pytest_genaiops.records import Measurement
from pytest_genaiops.score.table import Table, summed

AXES: Mapping[str, tuple[str, ...]] = {"chunk": ("256", "512", "1024"), "search": ("vector", "hybrid"), "k": ("3", "8")}
MAIN = {("chunk", "512"): 0.02, ("chunk", "1024"): -0.03, ("search", "hybrid"): 0.05, ("k", "8"): 0.0}
"""What each level adds, where no other setting is at a level with which it interacts."""
TOGETHER = (("chunk", "1024"), ("search", "hybrid")), 0.08
"""Two levels, and what they add to a variant that has both."""
KINDS = ("value", "yes or no", "ratio")


@dataclass(frozen=True, kw_only=True)
class World:
    """What is true, and how loudly it is told."""

    cases: int = 60
    clusters: int = 20
    size: float = 1.0
    """Factor of all effects: with 0 no setting does anything."""
    kind: str = "value"
    slope: float = 0.03
    """Standard deviation over clusters of what a level does."""

    def effects(self) -> dict[tuple[str, str], float]:
        """True main effects in the complete matrix: those of the level, and its share of the interaction."""
        found = {key: self.size * value for key, value in MAIN.items()}
        pair, extra = TOGETHER
        for one, other in (pair, pair[::-1]):
            found[one] += self.size * extra / len(AXES[other[0]])
        return found

    def interaction(self, one: tuple[str, str], other: tuple[str, str]) -> float:
        """The true difference of differences of two levels of two axes."""
        pair, extra = TOGETHER
        return self.size * extra if {one, other} == set(pair) else 0.0

    def mean(self, levels: Mapping[str, str]) -> float:
        """The true score of a variant."""
        pair, extra = TOGETHER
        both = all(levels[axis] == level for axis, level in pair)
        return 0.4 + self.size * (sum(MAIN.get(item, 0.0) for item in levels.items()) + extra * both)


LARGE: Mapping[str, tuple[str, ...]] = {
    "chunk": ("300", "900"), "enrichment": ("none", "keywords"), "embedding": ("small", "large"),
    "index": ("flat", "ivf"), "search": ("vector", "text", "hybrid"),
}  # fmt: skip
"""Axes of 48 variants."""
ALIKE = ("recall", "precision", "ndcg", "mrr", "hits")
"""Numbers of a retriever that say nearly the same."""
NINE = (*ALIKE, "correct", "grounded", "latency", "tokens")


@dataclass(frozen=True, kw_only=True)
class Suite:
    """Nine numbers of a matrix: five that are nearly one, two that share a half with them, and two very skewed ones."""

    cases: int = 120
    axes: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: LARGE)
    helps: float = 0.0
    """What hybrid search adds to the five; nothing else does anything."""
    alike: float = 0.95
    """Correlation of the five, in what a level does to a case and in what is luck."""

    def values(self, generator: np.random.Generator) -> dict[str, np.ndarray]:
        """A draw: for each number a row for each variant of the matrix, and a column for each case."""
        axes = matrix(self.axes)
        shared, slopes = self._noise(generator, len(axes)), self._slopes(generator)
        found = {}
        for name in NINE:
            noise, own, weight = self._noise(generator, len(axes)), self._slopes(generator), self._weight(name)
            values = weight**0.5 * shared + (1 - weight) ** 0.5 * noise
            for row, levels in enumerate(axes.values()):
                for item in levels.items():
                    values[row] += weight**0.5 * slopes[item] + (1 - weight) ** 0.5 * own[item]
                values[row] += self.helps * (name in ALIKE and levels["search"] == "hybrid")
            # Of times the logarithm is normal: some answers take ten times as long as most.
            found[name] = np.exp(3 * values) if name in NINE[-2:] else np.clip(0.5 + values, 0, 1)
        return found

    def scores(self, generator: np.random.Generator) -> dict[str, dict[str, Score]]:
        """The same as scores of every variant."""
        drawn, found = self.values(generator), {}
        for row, variant in enumerate(matrix(self.axes)):
            own = {name: values[row].tolist() for name, values in drawn.items()}
            found[variant] = {
                name: Score.of(values, name=name, scale=scale_of(name), higher_is_better=name not in NINE[-2:])
                for name, values in own.items()
            }
        return found

    def _weight(self, name: str) -> float:
        return self.alike if name in ALIKE else 0.5 if name in NINE[:-2] else 0.0

    def _noise(self, generator: np.random.Generator, variants: int) -> np.ndarray:
        return generator.normal(0, 0.15, self.cases) + generator.normal(0, 0.15, (variants, self.cases))

    def _slopes(self, generator: np.random.Generator) -> dict[tuple[str, str], np.ndarray]:
        return {
            (axis, level): generator.normal(0, 0.1, self.cases)
            for axis, levels in self.axes.items()
            for level in levels
        }


def scale_of(name: str) -> tuple[float, float]:
    """The scale of one of the nine numbers."""
    return (0.0, np.inf) if name in NINE[-2:] else (0.0, 1.0)


def crowd(generator: np.random.Generator, cases: int = 120) -> np.ndarray:
    """Values of 48 variants, a row each: the best one first, 7 a little worse, and 40 that are clearly bad."""
    means = np.r_[0.6 - 0.01 * np.arange(8), np.full(40, 0.3)]
    hard, own = generator.normal(0, 0.15, cases), generator.normal(0, 0.12, (len(means), cases))
    return np.clip(means[:, None] + hard + own, 0, 1)


def matrix(axes: Mapping[str, tuple[str, ...]] = AXES) -> dict[str, dict[str, str]]:
    """All combinations: variant id -> its levels."""
    combinations = [dict(zip(axes, levels, strict=True)) for levels in product(*axes.values())]
    return {",".join(f"{axis}={level}" for axis, level in levels.items()): levels for levels in combinations}


def scores(world: World, generator: np.random.Generator, axes: Mapping[str, Mapping[str, str]]) -> dict[str, Score]:
    """One draw of cases, and every variant's answers to them."""
    # Sizes from 1 to about 4 times the mean, all clusters in use.
    shares = generator.gamma(1.5, size=world.clusters)
    spare = generator.choice(world.clusters, size=world.cases - world.clusters, p=shares / shares.sum())
    cluster = np.concatenate([np.arange(world.clusters), spare])
    hard = generator.uniform(-0.1, 0.1, world.clusters)[cluster] + generator.uniform(-0.1, 0.1, world.cases)
    slopes = {key: generator.uniform(-1, 1, world.clusters) * world.slope * 3**0.5 for key in MAIN}
    words = generator.integers(3, 30, world.cases)
    found = {}
    for name, levels in axes.items():
        moved = sum((slopes[key][cluster] for key in levels.items() if key in slopes), np.zeros(world.cases))
        chances = world.mean(levels) + hard + moved
        found[name] = _score(world.kind, np.clip(chances, 0, 1), words, [f"d{i}" for i in cluster], generator)
    return found


def _score(
    kind: str, chances: np.ndarray, words: np.ndarray, clusters: list[str], generator: np.random.Generator
) -> Score:
    if kind == "ratio":
        return ratio(generator.binomial(words, chances).tolist(), words.tolist(), clusters)
    drawn = (
        generator.binomial(1, chances) if kind == "yes or no" else chances + generator.uniform(-0.1, 0.1, len(words))
    )
    return Score.of(np.clip(drawn, 0, 1).tolist(), clusters=clusters, name="quality")


def ratio(matches: list[int | None], lengths: list[int], clusters: list[str] | None = None) -> Score:
    """A score of summed statistics: all matches over all lengths; None is an unscored case."""
    part = Part(name="ratio", score=lambda total, n: total[0] / total[1], case_score=lambda one: one[0] / one[1])
    rows = [
        Measurement(reason="no answer", kind="target") if match is None else Measurement(statistics=(match, length))
        for match, length in zip(matches, lengths, strict=True)
    ]
    ids = [str(i) for i in range(len(rows))]
    table = Table(metric=None, responses=(), measurements=rows, ids=ids, signature="ratio", clusters=clusters)
    return Score(summed(table), part)
