"""Scores of suites that judge case by case: the mean of the cases' own values, as their reports have it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, final

from pytest_genaiops.errors import UnscorableError
from pytest_genaiops.metrics.base import Part
from pytest_genaiops.records import Measurement, Response
from pytest_genaiops.score import MetricHandle, Score, ScoreGroup
from pytest_genaiops.score.table import Table, mean_part, summed


@final
class CaseHandle(MetricHandle):
    """A metric that is called on all responses, and gives the mean of what it says of each one alone."""

    __slots__ = ()

    def __call__(self, first: Any, second: Any = None, /, **named: Any) -> Any:
        """As a :class:`MetricHandle`, with such means as scores."""
        return averaged(super().__call__(first, second, **named), self.name)


@final
class CaseScore(Score):
    """The mean of the cases' own values; what stands under it (``rougeL.precision``) is one as well."""

    __slots__ = ("_whole",)

    _whole: Score | None

    def __init__(self, table: Table, part: Part, path: tuple[str, ...] = ()) -> None:
        super().__init__(table, part, path)
        self._whole = None

    @classmethod
    def of_score(cls, score: Score) -> CaseScore:
        """The mean in place of a score."""
        again, part = score.table.score_again, score.part
        table = replace(
            score.table,
            measurements=[_own(each, part) for each in score.table.measurements],
            score_again=None if again is None else _then_averaged(again, score.name),
        )
        made = cls(summed(table), mean_part(part.name, part.scale, higher_is_better=part.higher_is_better), score.path)
        made._whole = score
        return made

    def __getattr__(self, name: str) -> Score:
        if name.startswith("_") or self._whole is None:
            return super().__getattr__(name)
        return CaseScore.of_score(getattr(self._whole, name))


def averaged(found: Any, name: str) -> Any:
    """A score, a group of them (of a metric of this name) or a mapping of them as means; whatever else as it is."""
    if isinstance(found, Score):
        return CaseScore.of_score(found)
    if isinstance(found, ScoreGroup):
        return ScoreGroup(name, averaged(found.members, name))
    if isinstance(found, Mapping):
        return {key: averaged(each, name) for key, each in found.items()}
    return found


def _then_averaged(again: Callable[[Sequence[Response]], Any], name: str) -> Callable[[Sequence[Response]], Any]:
    return lambda responses: averaged(again(responses), name)


def _own(measurement: Measurement, part: Part) -> Measurement:
    """The value of one response in place of its statistics."""
    if measurement.statistics is None:
        return measurement
    try:
        return replace(measurement, statistics=(part.case_score(measurement.statistics),))
    except UnscorableError as error:
        return Measurement(reason=str(error), kind=error.kind)
