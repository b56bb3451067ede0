"""Tool calls that were made against those that are expected: exact, in order, in any order, precision, recall, F1.

``exact``, ``in_order`` and ``any_order`` are defined as Vertex AI's ``trajectory_exact_match``,
``trajectory_in_order_match`` and ``trajectory_any_order_match``. Precision, recall and F1 are those of multisets: each
call that was made stands for one expected call at most. Where no call comes twice, F1 is that of ragas' ``ToolCallF1``.
``arguments`` is the F1 of (tool, argument, value) triples, as slots are scored in dialogue state tracking.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from pytest_genaiops.columns import Total
from pytest_genaiops.errors import MetricError, UnscorableError
from pytest_genaiops.metrics.base import Metric, Part
from pytest_genaiops.metrics.rows import place
from pytest_genaiops.metrics.tool_matching import Ratio, Trajectory, trajectory
from pytest_genaiops.records import Case, Explanation, Response, Statistics

_POSITIVE, _NEGATIVE, _WITH_ARGUMENTS, _EXACT, _ABSTAINED, _IN_ORDER, _ANY_ORDER = range(7)
_RATIOS = {"calls": 7, "names": 10, "arguments": 13}
"""Where precision, recall and F1 of each begin."""
_KINDS = {
    _POSITIVE: "row that expects a call",
    _NEGATIVE: "row that expects none",
    _WITH_ARGUMENTS: "expected argument",
}


@dataclass(frozen=True, kw_only=True)
class ToolCalls(Metric):
    """A group of numbers about the tools that an agent called, each 0-1 and the mean over the rows that it is about.

    ``exact``: 1 where the calls are the expected ones, in this order and no others. Of rows that expect calls:
    ``in_order``, 1 where the expected calls are among those made, in their order; ``any_order``, 1 where they are among
    them at all; ``precision``, ``recall`` and ``f1`` of calls; ``names``, the F1 of their names alone, and
    ``arguments``, that of (tool, argument, value), each with ``.precision`` and ``.recall``. Of rows that expect none:
    ``abstention``, 1 where none was made.

    A call is right if its name and its arguments are. Arguments are compared as JSON values: 1 is 1.0, the order of
    keys does not count, texts are compared to the letter. An expected call without arguments is met by any. ``ignore``
    names arguments that do not count, as ``"argument"`` or ``"tool.argument"``.
    """

    name = "tool_calls"
    use_case = "agents"
    needs = ("tool_calls",)
    takes = "tool_calls"
    says = "calls"

    ignore: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        given: Any = (self.ignore,) if isinstance(self.ignore, str) else self.ignore
        if not isinstance(given, list | tuple) or not all(isinstance(name, str) and name for name in given):
            raise MetricError(f'tool_calls: ignore={self.ignore!r} names no arguments; give ignore=("request_id",)')
        object.__setattr__(self, "ignore", tuple(sorted(set(given))))

    def statistics(self, response: Response, case: Case) -> Statistics:
        """(1 where calls are expected, 1 where none is, 1 where arguments are, exact, abstained, in order, any order).

        Behind these precision, recall and F1 of calls, names and arguments, 0 where they do not apply. Raises
        UnscorableError where the row does not say what it expects, or the response what was called.
        """
        found = self._trajectory(response, case)
        if not found.expected:
            none = int(not found.made)
            return (0, 1, 0, none, none, *(0.0,) * 11)
        flags = (1, 0, int(found.has_arguments), int(found.exact), 0, int(found.in_order), int(found.any_order))
        return (*flags, *_numbers(found.calls), *_numbers(found.names), *_numbers(found.arguments))

    def score(self, total: Any, n: int) -> float:
        """Share of rows with exactly the expected calls."""
        return float(total[_EXACT]) / n

    def parts(self, total: Total | None) -> Mapping[str, Part | Mapping[str, Part]]:
        """Those that there are rows for."""
        counts: Any = (1, 0, 1) if total is None else total
        positive, negative, arguments = (counts[kind] for kind in (_POSITIVE, _NEGATIVE, _WITH_ARGUMENTS))
        found = {"exact": _part("exact", _EXACT)}
        if positive:
            of = _POSITIVE if negative else None
            first = _RATIOS["calls"]
            columns = {"in_order": _IN_ORDER, "any_order": _ANY_ORDER}
            columns |= {"precision": first, "recall": first + 1, "f1": first + 2}
            found |= {name: _part(name, column, of) for name, column in columns.items()}
            found["names"] = _ratio("names", of)
        if arguments:
            found["arguments"] = _ratio("arguments", None if arguments == positive + negative else _WITH_ARGUMENTS)
        if negative:
            found["abstention"] = _part("abstention", _ABSTAINED, _NEGATIVE if positive else None)
        return found

    def signature(self, cases: Sequence[Case]) -> dict[str, str]:
        """What is ignored, where anything is."""
        return {"ignore": ",".join(self.ignore)} if self.ignore else {}

    def explain(self, response: Response, case: Case) -> Explanation:
        """Which expected calls were missed, and which of those made were not expected.

        Raises UnscorableError where all are the expected ones.
        """
        found = self._trajectory(response, case)
        if found.exact:
            raise UnscorableError("all calls are the expected ones, so there is nothing to show")
        return Explanation(score=float(found.exact), sentences=(), unsupported=(), reason=found.told())

    def _trajectory(self, response: Response, case: Case) -> Trajectory:
        if case.tool_calls is None:
            raise UnscorableError(f"{place(case)} has no `tool_calls`; label it, with [] if no tool should be called")
        if response.tool_calls is None:
            raise UnscorableError("the response has no `tool_calls`; let the target return them, [] where it made none")
        return trajectory(response.tool_calls, case.tool_calls, frozenset(self.ignore))


def _numbers(ratio: Ratio) -> tuple[float, float, float]:
    return ratio.precision, ratio.recall, ratio.f1


def _ratio(name: str, of: int | None) -> Part:
    """An F1 with its precision and recall under it."""
    first = _RATIOS[name]
    children = {kind: _part(kind, first + offset, of) for offset, kind in enumerate(("precision", "recall"))}
    return replace(_part(name, first + 2, of), children=children)


def _part(name: str, column: int, of: int | None = None) -> Part:
    """A mean over the rows of one kind, where there are others among them; over all where ``of`` is None."""
    return Part(
        name=name,
        score=partial(_mean, column, of),
        case_score=partial(_own, column),
        is_mean=True,
        about=None if of is None else partial(_is_of, of),
    )


def _own(column: int, statistics: Any) -> float:
    return float(statistics[column])


def _mean(column: int, of: int | None, total: Any, n: int) -> float:
    if of is not None and not total[of]:
        raise UnscorableError(f"there is no {_KINDS[of]}")
    return float(total[column]) / (n if of is None else float(total[of]))


def _is_of(kind: int, statistics: Any) -> bool:
    return bool(statistics[kind])
