"""Which weights of the variants' scores are an effect: the design matrix of a matrix of variants.

Levels are coded by treatment: a column of ones for the reference of every axis, and one column for each other level.
The least-squares estimate of a coefficient is a weighted sum of the scores, and its weights are a row of the
pseudo-inverse. Of a complete design a main effect so is the plain mean of all matched differences.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import TYPE_CHECKING, TypeAlias

from pytest_genaiops.dataset.text import listed
from pytest_genaiops.report.document import AxisView

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Matrix: TypeAlias = NDArray[np.float64]
    Vector: TypeAlias = NDArray[np.float64]

Levels = Mapping[str, str]
"""Axis -> level, of one variant."""

_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?(e[+-]?[0-9]+)?")
NOTHING = 1e-9
"""Singular values (as a share of the largest), weights, and parts of a unit vector below this are rounding."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MainEffect:
    """A level against the reference level of its axis."""

    axis: str
    level: str
    reference: str
    weights: Vector | None
    """One for each variant; None where the design cannot tell the effect."""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Interaction:
    """A pair of levels against the pair of reference levels."""

    axes: tuple[str, str]
    levels: tuple[str, str]
    references: tuple[str, str]
    weights: Vector


def axes_of(variants: Iterable[Levels]) -> tuple[AxisView, ...]:
    """The axes of the variants: the first level is the reference, numbers then rise, other levels come as first named.

    A sample of variants names levels in no order that says anything.
    """
    found: dict[str, dict[str, None]] = {}
    for levels in variants:
        for axis, level in levels.items():
            found.setdefault(axis, {})[level] = None
    return tuple(AxisView(name=axis, levels=_ordered(tuple(levels))) for axis, levels in found.items())


def _ordered(levels: tuple[str, ...]) -> tuple[str, ...]:
    if not all(map(_NUMBER.fullmatch, levels)):
        return levels
    return (levels[0], *sorted(levels[1:], key=float))


class Design:
    """The levels of some variants, all on the same axes; weights are in the variants' order.

    Variants may be a part of those that name the axes: a level that none of them has gets no effect.
    """

    __slots__ = ("_axes", "_codings", "_variants")

    def __init__(self, axes: Sequence[AxisView], variants: Sequence[Levels]) -> None:
        self._axes = [axis for axis in axes if len(axis.levels) > 1]
        self._variants = variants
        self._codings = {axis.name: self._coding(axis) for axis in self._axes}

    def main_effects(self) -> list[MainEffect]:
        """One for each level that is no reference, axis by axis."""
        names, matrix = self._columns()
        inverse, aliases = _solved(matrix)
        found = []
        for axis in self._axes:
            reference = axis.levels[0]
            for level in axis.levels[1:]:
                weights, reason = None, self._absent(axis, level)
                if not reason:
                    column = names.index((axis.name, level))
                    others = ["=".join(name) for name in (names[other] for other in aliases[column]) if name]
                    reason = _aliased(f"{axis.name}={level}", others) if others else ""
                    weights = None if reason else inverse[column]
                found.append(
                    MainEffect(axis=axis.name, level=level, reference=reference, weights=weights, reason=reason)
                )
        return found

    def interactions(self) -> list[Interaction]:
        """Those of two levels of two axes that the design can tell."""
        return [found for one, other in combinations(self._axes, 2) for found in self._of_pair(one, other)]

    def untold(self) -> int:
        """Interactions that the design cannot tell."""
        sizes = [len(axis.levels) - 1 for axis in self._axes]
        return sum(a * b for a, b in combinations(sizes, 2)) - len(self.interactions())

    @property
    def combinations(self) -> int:
        """Different combinations of levels that variants have."""
        return len({frozenset(levels.items()) for levels in self._variants})

    def _of_pair(self, one: AxisView, other: AxisView) -> Iterator[Interaction]:
        """From the model of all main effects and the interaction of these two axes."""
        import numpy as np

        names, main = self._columns()
        pairs = list(product(one.levels[1:], other.levels[1:]))
        products = [self._is(one.name, a) * self._is(other.name, b) for a, b in pairs]
        inverse, aliases = _solved(np.column_stack([main, *products]))
        for place, (a, b) in enumerate(pairs, start=len(names)):
            if self._absent(one, a) or self._absent(other, b):
                continue
            # What has no effect of its own that could be told has none together with others.
            alone = (names.index((one.name, a)), names.index((other.name, b)))
            if not any(aliases[column] for column in (place, *alone)):
                yield Interaction(
                    axes=(one.name, other.name),
                    levels=(a, b),
                    references=(one.levels[0], other.levels[0]),
                    weights=inverse[place],
                )

    def _coding(self, axis: AxisView) -> list[str]:
        """Levels with a column of their own: those that variants have, but for the first."""
        had = {levels[axis.name] for levels in self._variants}
        return [level for level in axis.levels if level in had][1:]

    def _columns(self) -> tuple[list[tuple[str, str] | None], Matrix]:
        """(axis, level) of each column, None for the first one of ones, and the matrix: a row for each variant."""
        import numpy as np

        names = [(axis, level) for axis, levels in self._codings.items() for level in levels]
        ones = np.ones(len(self._variants))
        return [None, *names], np.column_stack([ones, *(self._is(axis, level) for axis, level in names)])

    def _is(self, axis: str, level: str) -> Vector:
        import numpy as np

        return np.array([levels[axis] == level for levels in self._variants], dtype=np.float64)

    def _absent(self, axis: AxisView, level: str) -> str:
        """Why there is nothing to compare: no variant that has the level, or the reference level."""
        for each in (axis.levels[0], level):
            if not any(levels[axis.name] == each for levels in self._variants):
                return f"no variant with {axis.name}={each} has a score"
        return ""


def _solved(matrix: Matrix) -> tuple[Matrix, list[list[int]]]:
    """The pseudo-inverse, and for each column those that it cannot be told from, itself among them; else none.

    A coefficient can be estimated where its unit vector lies in the space of the rows (Searle 1971, *Linear Models*,
    ch. 5.4); what of it lies outside names the columns with which it is aliased.
    """
    import numpy as np

    inverse: Matrix = np.linalg.pinv(matrix, rcond=NOTHING).astype(np.float64)
    outside = np.abs(np.eye(matrix.shape[1]) - inverse @ matrix) > NOTHING
    inverse[np.abs(inverse) < NOTHING] = 0.0
    return inverse, [np.flatnonzero(row).tolist() for row in outside]


def _aliased(name: str, among: Sequence[str]) -> str:
    others = [other for other in among if other != name]
    if not others:
        return f"{name} cannot be told from the reference: every variant has it"
    return f"{name} cannot be told from {' and '.join(others)}; add combinations that vary one without the other"


def repeated(variants: Mapping[str, Levels]) -> str:
    """A note on variants that have all levels in common; empty where there are none."""
    found: dict[frozenset[tuple[str, str]], list[str]] = {}
    for name, levels in variants.items():
        found.setdefault(frozenset(levels.items()), []).append(name)
    same = [listed(names) for names in found.values() if len(names) > 1]
    if not same:
        return ""
    return f"{'; '.join(same[:3])} have the same level on every axis; each counts as a variant of its own"
