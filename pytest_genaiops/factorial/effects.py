"""What a level, or two levels together, do to a number."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from pytest_genaiops.errors import MetricError
from pytest_genaiops.factorial.design import Design, Interaction, MainEffect
from pytest_genaiops.factorial.numbers import Number
from pytest_genaiops.report.document import EffectView, InteractionView
from pytest_genaiops.statistics.contrasts import Panel
from pytest_genaiops.statistics.multiplicity import adjusted

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Flags: TypeAlias = NDArray[np.bool_]
    Vector: TypeAlias = NDArray[np.float64]

STRONGEST = 6
"""Interactions of one number that are kept."""


class Panels:
    """A number over the cases of each contrast; contrasts over the same cases share what is worked out."""

    __slots__ = ("_found", "number")

    def __init__(self, number: Number) -> None:
        self.number = number
        self._found: dict[bytes, Panel | str] = {}

    def over(self, cases: Flags) -> Panel | str:
        """The scores over some cases; why there are none where that is so."""
        key = cases.tobytes()
        if key not in self._found:
            try:
                self._found[key] = self.number.panel(cases)
            except MetricError as error:
                self._found[key] = str(error)
        return self._found[key]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Measured:
    """One contrast with what the cases say of it, but for its interval."""

    value: float | None = None
    p_value: float | None = None
    strength: float = 0.0
    panel: Panel | None = None
    n: int = 0
    unscored: int = 0
    reason: str = ""


def measured(panels: Panels, weights: Sequence[Vector]) -> list[Measured]:
    """The contrasts of these weights, each over the cases that all variants with a weight have scored."""
    import numpy as np

    together: dict[bytes, list[int]] = {}
    used = [row != 0 for row in weights]
    for place, row in enumerate(used):
        together.setdefault(panels.number.common(row).tobytes(), []).append(place)
    found = [Measured()] * len(weights)
    for places in together.values():
        cases = panels.number.common(used[places[0]])
        panel = panels.over(cases)
        if isinstance(panel, str):
            for place in places:
                found[place] = Measured(reason=panel, unscored=panels.number.unscored(used[place]))
            continue
        estimates = panel.estimates(np.array([weights[place] for place in places]))
        numbers = (estimates.values.tolist(), estimates.p_values.tolist(), estimates.strength().tolist())
        for place, value, p_value, strength in zip(places, *numbers, strict=True):
            found[place] = Measured(
                value=value, p_value=p_value, strength=strength, panel=panel, n=panel.cases,
                unscored=panels.number.unscored(used[place]),
            )  # fmt: skip
    return found


def effects(panels: Panels, design: Design, confidence: float) -> list[EffectView]:
    """Of every level against the reference level of its axis, adjusted over all of them: the effects on one number."""
    terms = design.main_effects()
    found = iter(measured(panels, [term.weights for term in terms if term.weights is not None]))
    none = Measured()
    rows = [
        _effect(panels.number.name, term, none if term.weights is None else next(found), confidence) for term in terms
    ]
    p_values = adjusted([row.p_value for row in rows])
    return [replace(row, adjusted_p_value=p_value) for row, p_value in zip(rows, p_values, strict=True)]


def _effect(name: str, term: MainEffect, found: Measured, confidence: float) -> EffectView:
    return EffectView(
        metric=name,
        axis=term.axis,
        level=term.level,
        reference=term.reference,
        effect=found.value,
        interval=_interval(found, term.weights, confidence),
        p_value=found.p_value,
        adjusted_p_value=None,
        n=found.n,
        unscored=found.unscored,
        clusters=found.panel.units if found.panel is not None and found.panel.clustered else None,
        reason=term.reason or found.reason,
    )


def without_effects(name: str, design: Design, reason: str) -> list[EffectView]:
    """The effects on a number that cannot be worked out."""
    return [replace(_effect(name, term, Measured(), 0.5), reason=reason) for term in design.main_effects()]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Found:
    """An interaction whose interval nobody has asked for yet."""

    name: str
    term: Interaction
    measured: Measured
    adjusted: float | None = None

    def view(self, confidence: float) -> InteractionView:
        """The interaction as reports show it."""
        return InteractionView(
            metric=self.name,
            axes=self.term.axes,
            levels=self.term.levels,
            references=self.term.references,
            effect=self.measured.value,
            interval=_interval(self.measured, self.term.weights, confidence),
            p_value=self.measured.p_value,
            adjusted_p_value=self.adjusted,
            n=self.measured.n,
            unscored=self.measured.unscored,
            reason=self.measured.reason,
        )


def strongest(numbers: Iterable[Sequence[Found]], confidence: float) -> list[InteractionView]:
    """The strongest interactions of each number, in standard errors, adjusted over all of that number.

    The strongest of all numbers come first.
    """
    kept = [each for found in numbers for each in sorted(_adjusted(found), key=_by_strength)[:STRONGEST]]
    return [each.view(confidence) for each in sorted(kept, key=_by_strength)]


def _adjusted(found: Sequence[Found]) -> list[Found]:
    p_values = adjusted([each.measured.p_value for each in found])
    return [replace(each, adjusted=p_value) for each, p_value in zip(found, p_values, strict=True)]


def _by_strength(found: Found) -> tuple[bool, float]:
    return found.measured.value is None, -found.measured.strength


def _interval(found: Measured, weights: Vector | None, confidence: float) -> tuple[float | None, float | None] | None:
    """None for an end that is not bounded."""
    if found.panel is None or weights is None:
        return None
    low, high = found.panel.interval(weights, confidence)
    return (low if math.isfinite(low) else None, high if math.isfinite(high) else None)
