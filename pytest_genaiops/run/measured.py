"""Measurements of a large dataset, and what its rows say beside them: a few bytes a row."""

from __future__ import annotations

from array import array
from collections.abc import Hashable, Sequence

from pytest_genaiops.columns import Columns
from pytest_genaiops.records import Case, Measurement
from pytest_genaiops.sequences import Lazy


class Measured(Lazy[Measurement]):
    """The measurements of many responses under one metric: the numbers in columns, unscored ones apart."""

    __slots__ = ("_equal", "statistics", "unscored")

    def __init__(self) -> None:
        self.statistics = Columns()
        """A row a response; blank where it is unscored."""
        self.unscored: dict[int, Measurement] = {}
        """Position -> why there is no score, in the order of the responses."""
        self._equal: dict[Measurement, Measurement] = {}

    def append(self, measurement: Measurement) -> None:
        """Add the measurement of the next response."""
        if measurement.statistics is None:
            self.unscored[len(self.statistics)] = self._equal.setdefault(measurement, measurement)
        self.statistics.append(measurement.statistics)

    def take(self, positions: Sequence[int]) -> Measured:
        """The measurements at some positions."""
        found = Measured()
        found.statistics = self.statistics.take(positions)
        if self.unscored:
            found.unscored = {new: self.unscored[old] for new, old in enumerate(positions) if old in self.unscored}
        return found

    @property
    def scored(self) -> Sequence[int]:
        """Positions that have statistics."""
        every = range(len(self.statistics))
        return array("q", (i for i in every if i not in self.unscored)) if self.unscored else every

    def __len__(self) -> int:
        return len(self.statistics)

    def at(self, position: int) -> Measurement:
        """The measurement at a position."""
        return self.unscored.get(position) or Measurement(statistics=self.statistics[position])


class Outline:
    """What every score of a large dataset needs of its rows: which of them depend on each other, and their slices."""

    __slots__ = ("_clusters", "_numbers", "_rows", "slices")

    def __init__(self) -> None:
        self.slices: dict[str, array[int]] = {}
        """``tag=value`` -> positions of the cases that have it."""
        self._rows = 0
        self._numbers: dict[str, int] = {}
        self._clusters: array[int] = array("q")

    def append(self, case: Case) -> None:
        """Take in the next case."""
        for tag, value in case.slices.items():
            self.slices.setdefault(f"{tag}={value}", array("q")).append(self._rows)
        if case.cluster is not None or self._clusters:
            if not self._clusters:
                self._clusters.extend(range(-1, -1 - self._rows, -1))
            own = -1 - self._rows  # a case without a cluster depends on nobody
            number = own if case.cluster is None else self._numbers.setdefault(case.cluster, len(self._numbers))
            self._clusters.append(number)
        self._rows += 1

    @property
    def clusters(self) -> Sequence[Hashable] | None:
        """A number for each row, the same for rows of one cluster; None where no row has a cluster."""
        return self._clusters or None
