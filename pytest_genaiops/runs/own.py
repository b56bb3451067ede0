"""A metric whose code is not at hand: the values that a run has on record of it, and their mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from pytest_genaiops.errors import UnscorableError
from pytest_genaiops.metrics.base import Metric, Part
from pytest_genaiops.records import Case, Response
from pytest_genaiops.score.table import mean_part
from pytest_genaiops.store import PartRow


@dataclass(frozen=True, kw_only=True)
class OwnValues(Metric):
    """Measures nothing: it makes scores of values that are known. Made by :func:`own_values`."""

    name = ""

    recorded: str
    """The signature that the values were measured under."""
    row: PartRow

    def statistics(self, response: Response, case: Case) -> NoReturn:
        """Raise UnscorableError: there is nothing to measure with."""
        raise UnscorableError(f"{self.name} was not measured in this run, and is not at hand", kind="missing")

    def signature(self, cases: Sequence[Case]) -> dict[str, str]:
        """As it was recorded; which dataset it was is added by whoever knows."""
        items = (item.partition(":") for item in self.recorded.split("|")[1:])
        return {key: value for key, _, value in items if key != "data"}

    def part(self) -> Part:
        """The mean of the values, on the recorded scale."""
        return mean_part(self.row.name, self.row.scale, higher_is_better=self.row.higher_is_better)

    def parts(self, total: Any) -> Mapping[str, Part | Mapping[str, Part]]:
        """The one member of a group, under its name there; nothing where it was no group."""
        return {step: self.part() for step in self.row.path}


def own_values(name: str, signature: str, row: PartRow) -> OwnValues:
    """What stands for a metric of this name: a class of its own, since a metric's name belongs to its class."""
    made: type[OwnValues] = type(name, (OwnValues,), {"name": name, "__doc__": OwnValues.__doc__})
    return made(recorded=signature, row=row)
