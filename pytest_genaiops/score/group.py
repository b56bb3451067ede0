"""``ScoreGroup``: several scores of one call, by attribute."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pytest_genaiops.errors import MetricError, of_ours
from pytest_genaiops.metrics.base import Part
from pytest_genaiops.registry import did_you_mean
from pytest_genaiops.score.handle import Score
from pytest_genaiops.score.table import Table, reasons

__tracebackhide__ = of_ours


class _Members(dict[str, Score]):
    """Scores by a name that comes from the data: a class, an agent."""

    def __init__(self, place: str, scores: Mapping[str, Score], table: Table) -> None:
        super().__init__(scores)
        self._place = place
        self._table = table

    def __missing__(self, key: object) -> Score:
        what = f"{self._place} has no {key!r}"
        if self:
            raise MetricError(f"{what}; {did_you_mean(str(key), list(self))}")
        why = next((reason for _, reason in reasons(self._table)), "no response tells of any")
        raise MetricError(f"{what}, nor any other: {why}")


class ScoreGroup:
    """Several scores of one call, by attribute: ``rouge.rougeL``, ``classes.f1``."""

    __slots__ = ("_members", "_name")

    def __init__(self, name: str, members: Mapping[str, Any]) -> None:
        self._name = name
        self._members = members

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if name not in self._members:
            raise AttributeError(f"{self._name} has no {name!r}; it has {', '.join(self._members)}")
        return self._members[name]

    @property
    def members(self) -> Mapping[str, Any]:
        """What the group has, by attribute: scores, mappings of scores, and tables."""
        return self._members

    def __dir__(self) -> list[str]:
        return [*object.__dir__(self), *self._members]

    def __repr__(self) -> str:
        return f"<{self._name}: {', '.join(repr(score) for score in self.scores())}>"

    def _compare(self, other: object) -> bool:
        raise MetricError(f"{self._name} is a group of scores; compare one: {', '.join(self._members)}")

    __ge__ = __gt__ = __le__ = __lt__ = _compare

    def scores(self) -> Iterator[Score]:
        """The scores themselves, without tables and without their children."""
        for member in self._members.values():
            if isinstance(member, Score):
                yield member
            elif isinstance(member, Mapping):
                yield from (item for item in member.values() if isinstance(item, Score))


def build(table: Table) -> Score | ScoreGroup:
    """The handle for a measured table: one score, or a group of them."""
    metric = table.metric
    assert metric is not None
    parts = metric.parts(table.total)
    if not parts:
        return Score(table, metric.part())
    members: dict[str, Any] = {}
    for name, part in parts.items():
        if isinstance(part, Part):
            members[name] = Score(table, part, (name,))
        else:
            scores = {key: Score(table, each, (name, key)) for key, each in part.items()}
            members[name] = _Members(f"{metric.name}.{name}", scores, table)
    if table.total is not None:
        members.update(metric.tables(table.total))
    return ScoreGroup(metric.name, members)
