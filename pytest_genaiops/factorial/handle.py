"""``Factorial``: what `evaluate()` hands out of a matrix of variants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from pytest_genaiops.report.document import FactorialView
from pytest_genaiops.report.factorial import lines

if TYPE_CHECKING:
    import pandas as pd

_NUMBERS = ("effect", "low", "high", "p_value", "adjusted_p_value")
"""Columns of a frame that may have gaps."""
_NARROWEST = 40


@dataclass(frozen=True, slots=True)
class Factorial:
    """Effects of settings, their interactions, the variants that may be the best, and a Pareto front."""

    view: FactorialView
    """All rows: ``effects``, ``interactions``, ``contenders``, ``points``, and the ``notes``."""

    def frame(self) -> pd.DataFrame:
        """One row per effect: its fields as columns, the interval as ``low`` and ``high``; NaN where there is none.

        An end of an interval is NaN, too, where the scale has no end.
        """
        import pandas as pd

        rows = [asdict(each) for each in self.view.effects]
        for row in rows:
            row["low"], row["high"] = row.pop("interval") or (None, None)
        columns = ["metric", "axis", "level", "reference", *_NUMBERS, "n", "unscored", "clusters", "reason"]
        types: Mapping[str, str] = {**dict.fromkeys(_NUMBERS, "float64"), "clusters": "Int64"}
        return pd.DataFrame(rows, columns=columns).astype(types)

    def text(self, width: int = 80, *, ascii_only: bool = False) -> str:
        """For a terminal of at least 40 columns: effects, the strongest interactions, the best variants, the front."""
        found = lines(self.view, max(width, _NARROWEST), ascii_only=ascii_only)
        return "\n".join("".join(cell.text for cell in line).rstrip() for line in found)

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        """In short: a notebook shows it wherever a cell ends with one."""
        view = self.view
        axes = " × ".join(f"{axis.name} ({len(axis.levels)})" for axis in view.axes)
        return f"<Factorial of {view.variants} variants: {axes}; {len(view.effects)} effects>"
