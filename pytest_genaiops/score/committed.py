"""A committed baseline as scores see it: per-case statistics of one variant, without its answers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NoReturn

from pytest_genaiops.baselines import Entry, Section, name_of
from pytest_genaiops.errors import MetricError, UnscorableError, of_ours
from pytest_genaiops.metrics.base import Metric, Part
from pytest_genaiops.records import Case, Response
from pytest_genaiops.run import Measured
from pytest_genaiops.score.table import Table, summed

__tracebackhide__ = of_ours

ANEW = "write it anew with --genaiops-update-baseline"
_AGREES = 1e-9
"""Relative error up to which a value and its statistics agree: versions of numpy may round differently."""


class Committed:
    """What a variant scored when its baseline was committed: handed to comparisons, or to a metric for its score."""

    __slots__ = ("_entry", "_keys", "_where", "cases", "dataset")

    responses: Sequence[Response] = ()
    """None: the file holds no answers."""

    def __init__(
        self, entry: Entry, where: str, *, cases: Sequence[Case], keys: Sequence[tuple[str, int]] | None = None
    ) -> None:
        self._entry = entry
        self._where = where
        """The entry, as messages name it: ``eval_suites/baselines/...json: variants.v1``."""
        self._keys = keys
        self.cases = cases
        """The cases that are run."""
        self.dataset = entry.dataset_hash
        """Content hash of the dataset that they come from."""

    def table_for(self, table: Table) -> Table:
        """The baseline's rows under the metric and settings of another table.

        Raises:
            MetricError: they were not committed, or under other settings; names the item that differs.
        """
        return self.table(table.metric, table.signature)

    def table(self, metric: Metric | None, signature: str) -> Table:
        """The rows that were measured under a signature, cut down to the cases that are run.

        Raises:
            MetricError: as :meth:`table_for`, or the metric makes another value of the rows than was committed.
        """
        name, section = self._section(signature)
        rows = section.rows
        positions: Sequence[int] = range(len(rows)) if self._keys is None else self._positions(name, section, metric)
        measured = Measured()
        measured.statistics = rows.statistics.take(positions)
        ids = [rows.ids[position] for position in positions]
        found = summed(
            Table(
                metric=metric,
                responses=(),
                measurements=measured,
                ids=ids,
                trials=[rows.trials[position] for position in positions],
                signature=signature,
                clusters=rows.clusters(positions),
                slices=self._slices(ids),
            )
        )
        if metric is not None and self._keys is None and not self._entry.by_case:
            self._check_values(f"metrics.{name}.scores", section, metric, found)
        return found

    def __repr__(self) -> str:
        return f"<committed baseline of {self._entry.variant!r}: {', '.join(self._entry.metrics)}>"

    def __iter__(self) -> Iterator[NoReturn]:
        raise MetricError(self._no_answers())

    def __getitem__(self, index: object) -> NoReturn:
        raise MetricError(self._no_answers())

    def __len__(self) -> NoReturn:
        raise MetricError(self._no_answers())

    def __bool__(self) -> bool:
        return True

    def __getattr__(self, name: str) -> NoReturn:
        raise AttributeError(name if name.startswith("_") else f"no {name}: {self._no_answers()}")

    def _no_answers(self) -> str:
        return (
            f"the committed baseline of {self._entry.variant!r} holds scores, no answers; give it to a comparison, "
            "such as bleu(responses).not_worse_than(baseline, margin=1), or to a metric"
        )

    def _section(self, signature: str) -> tuple[str, Section]:
        metrics = self._entry.metrics
        for name, section in metrics.items():
            if section.signature == signature:
                return name, section
        wanted = set(signature.split("|"))
        alike = {name: set(each.signature.split("|")) for name, each in metrics.items() if _alike(each, signature)}
        if not alike:
            has = f"it has {', '.join(metrics)}" if metrics else "it has none"
            raise MetricError(f"{self._where}.metrics has no {name_of(signature)!r} ({has}); {ANEW}")
        name, items = min(alike.items(), key=lambda each: len(each[1] ^ wanted))
        raise MetricError(
            f"{self._where}.metrics.{name}.signature has {' '.join(sorted(items - wanted)) or 'nothing more'}, "
            f"the suite now has {' '.join(sorted(wanted - items)) or 'nothing more'}; {ANEW}"
        )

    def _positions(self, name: str, section: Section, metric: Metric | None) -> list[int]:
        found = []
        for case, trial in self._keys or ():
            if metric is None and trial > 1 and not self._entry.by_case:
                continue  # values that somebody made of a case have one row for all its trials
            position = section.rows.position(case, trial)
            if position is None:
                raise MetricError(f"{self._where}.metrics.{name}.cases has no {case!r}, trial {trial}; {ANEW}")
            found.append(position)
        return found

    def _slices(self, ids: Sequence[str]) -> Mapping[str, Sequence[int]]:
        tags = {case.id: case.slices for case in self.cases if case.slices}
        found: dict[str, list[int]] = {}
        for position, case in enumerate(ids):
            for tag, value in tags.get(case, {}).items():
                found.setdefault(f"{tag}={value}", []).append(position)
        return found

    def _check_values(self, where: str, section: Section, metric: Metric, table: Table) -> None:
        """Refuse values that do not follow from their rows: the metric has changed under its own signature."""
        parts = _parts(metric, table)
        for name, value in section.scores.items():
            part = parts.get(name)
            if part is None:
                continue
            facts = (part.scale, part.higher_is_better)
            if facts != (value.scale, value.higher_is_better):
                raise MetricError(f"{self._where}.{where}.{name}: {metric.name} has another scale or direction; {ANEW}")
            try:
                now = part.score(table.total, len(table.scored))
            except UnscorableError:
                now = math.nan
            if not math.isclose(now, value.value, rel_tol=_AGREES, abs_tol=_AGREES):
                raise MetricError(
                    f"{self._where}.{where}.{name}.value is {value.value:g}, but {metric.name} now makes {now:g} of "
                    f"the same statistics; {ANEW}"
                )


class Pending(Committed):
    """A baseline that is being written: until then, what the variant scores is compared with itself."""

    __slots__ = ("responses",)

    def __init__(self, entry: Entry, *, responses: Sequence[Response]) -> None:
        super().__init__(entry, "", cases=())
        self.responses = responses
        """The variant's own."""

    def table_for(self, table: Table) -> Table:
        """The other table itself."""
        return table


def _alike(section: Section, signature: str) -> bool:
    return name_of(section.signature) == name_of(signature)


def _parts(metric: Metric, table: Table) -> Mapping[str, Part]:
    """The numbers of a metric by the names that a baseline has them under."""
    found: dict[str, Any] = {}
    for name, part in metric.parts(table.total).items():
        found.update({name: part} if isinstance(part, Part) else {f"{name}.{key}": one for key, one in part.items()})
    return found or {metric.name: metric.part()}
