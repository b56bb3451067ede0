"""``Number``: what a score knows, without judging it."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Self

from pytest_genaiops.errors import MetricError, UnscorableError, of_ours
from pytest_genaiops.metrics.base import Part
from pytest_genaiops.records import Explanation, Response
from pytest_genaiops.score.table import Table, about, kinds, narrowed, reasons, sliced, statistics_at, without
from pytest_genaiops.score.watching import rules
from pytest_genaiops.statistics import Sample

__tracebackhide__ = of_ours


class Number:
    """A value with its cases, scale, direction and signature."""

    __slots__ = ("_part", "_path", "_table", "_value")

    def __init__(self, table: Table, part: Part, path: tuple[str, ...] = ()) -> None:
        table = table if part.about is None else about(table, part.about)
        self._table = table = table if part.lacking is None else without(table, part.lacking)
        self._part = part
        self._path = path
        self._value: float | None = None
        if table.scored:
            try:
                total = table.total if part.quantile is None else Counter(_own_values(table, part))
                self._value = part.score(total, len(table.scored))
            except UnscorableError:
                self._value = None

    @property
    def name(self) -> str:
        """Of the metric, or of its part: ``bleu``, ``rougeL``."""
        return self._part.name

    @property
    def value(self) -> float | None:
        """The score over the scored cases, on :attr:`scale`; None where nothing was scored."""
        return self._value

    @property
    def n(self) -> int:
        """Number of scored responses."""
        return len(self._table.scored) if self._value is not None else 0

    @property
    def unscored(self) -> int:
        """Number of responses without a value; no comparison passes while there are any."""
        return len(self._table.measurements) - self.n

    @property
    def scale(self) -> tuple[float, float]:
        """Lowest and highest value that the metric is defined on; may be infinite."""
        return self._part.scale

    @property
    def higher_is_better(self) -> bool:
        """The direction that gates and comparisons judge by."""
        return self._part.higher_is_better

    @property
    def signature(self) -> str:
        """What the number depends on beside the texts, as ``key:value`` items joined by ``|``."""
        return "|".join((self._table.signature, *(f"part:{step}" for step in self._path)))

    @property
    def ids(self) -> tuple[str, ...]:
        """Case ids in input order, beside :attr:`per_case`."""
        return tuple(self._table.ids)

    @property
    def per_case(self) -> tuple[float | None, ...]:
        """Each response's own value in input order; None where unscored."""
        return tuple(self._values())

    @property
    def reasons(self) -> Mapping[str, str]:
        """Case id -> why it is unscored."""
        return {self._table.ids[i]: reason for i, reason in reasons(self._table)}

    @property
    def why(self) -> tuple[str, ...]:
        """Each response's reason for being unscored, in input order; empty where it is scored."""
        found = [""] * len(self._table.measurements)
        for i, reason in reasons(self._table):
            found[i] = reason
        return tuple(found)

    @property
    def unscored_by_kind(self) -> Mapping[str, int]:
        """Kind of error (``target``, ``timeout``, ``metric`` ...) -> number of responses unscored because of it."""
        return kinds(self._table)

    def explain(self, index: int) -> Explanation:
        """The evidence for one response, by its position in the input.

        Raises:
            MetricError: this metric has none to give, or the response is unscored.
        """
        table = self._table
        measurement = table.measurements[index]
        if measurement.statistics is None:
            raise MetricError(f"{table.ids[index]} is unscored: {measurement.reason}")
        if measurement.explanation is not None:
            return measurement.explanation
        if table.metric is None or not table.responses:
            raise MetricError(f"{self.name} was made from values and has no evidence to show")
        response = table.responses[index]
        try:
            assert response.trial is not None
            return table.metric.explain(response, response.trial.case)
        except UnscorableError as error:
            raise MetricError(str(error)) from None

    def slices(self) -> dict[str, Self]:
        """The same score over each slice of the cases, by ``tag=value``; empty where cases carry no tags."""
        return {name: type(self)(table, self._part, self._path) for name, table in sliced(self._table)}

    # -- seams for the rest of this room and those above ----------------------------------

    @property
    def path(self) -> tuple[str, ...]:
        """Attributes that lead from the metric's group to this score."""
        return self._path

    @property
    def part(self) -> Part:
        """How the number is made of the table."""
        return self._part

    @property
    def table(self) -> Table:
        """The responses and measurements behind the number."""
        return self._table

    @property
    def complete(self) -> bool:
        """Whether as many cases are scored as the rules in force ask for."""
        return self.reaches(rules().coverage)

    def reaches(self, coverage: float) -> bool:
        """Whether at least this share of the cases is scored."""
        return self.n >= (self.n + self.unscored) * coverage * (1 - 1e-9)

    @property
    def measured(self) -> int:
        """Number of responses that have statistics, whether or not the score is defined on them."""
        return len(self._table.scored)

    def among(self, ids: Sequence[str]) -> Self:
        """The same score over some of its cases."""
        return type(self)(narrowed(self._table, set(ids)), self._part, self._path)

    def of_table(self, table: Table) -> Self:
        """The same part of another table of this metric."""
        return type(self)(table, self._part, self._path)

    def made(self, table: Table, part: Part) -> Self:
        """A score that was worked out from this one."""
        return type(self)(table, part)

    def covers(self, responses: Sequence[Response]) -> bool:
        """Whether all of these responses are scored here, so that none of them can be an error."""
        table = self._table
        judged = table.metric is not None and not table.metric.judges_errors
        return judged and table.responses is responses and not self.unscored

    def sample(self, positions: Sequence[int] | None = None) -> Sample:
        """The scored responses as the statistics room takes them."""
        table = self._table
        chosen = table.scored if positions is None else positions
        statistics = statistics_at(table, chosen)
        return Sample(
            statistics=statistics,
            values=array("d", map(self._part.case_score, statistics)),
            score=self._part.score,
            is_mean=self._part.is_mean,
            quantile=self._part.quantile,
            scale=self.scale,
            clusters=[table.clusters[i] for i in chosen] if table.clusters is not None else None,
        )

    def _values(self) -> Iterator[float | None]:
        case_score = self._part.case_score
        return (None if m.statistics is None else case_score(m.statistics) for m in self._table.measurements)


def _own_values(table: Table, part: Part) -> Iterator[float]:
    """The value of every scored response on its own."""
    return map(part.case_score, statistics_at(table, table.scored))
