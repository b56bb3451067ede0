"""Which of the expected tool calls were made: two lists of calls side by side."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from pytest_genaiops.dataset.calls import Call, read_call
from pytest_genaiops.dataset.text import printable, quoted

_SHOWN = 5
"""Calls that a message names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """What two collections have in common."""

    common: int
    made: int
    expected: int

    @property
    def precision(self) -> float:
        """Share of what was made that is expected; 0 where nothing was made."""
        return self.common / self.made if self.made else 0.0

    @property
    def recall(self) -> float:
        """Share of what is expected that was made; 0 where nothing is expected."""
        return self.common / self.expected if self.expected else 0.0

    @property
    def f1(self) -> float:
        """The harmonic mean of the two."""
        both = self.made + self.expected
        return 2 * self.common / both if both else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    """A call, ready to be compared."""

    name: str
    arguments: Mapping[str, str] | None
    """Argument -> its value in canonical JSON; None where an expected call does not say."""
    key: str | None
    """Its arguments in canonical JSON; None where an expected call does not say, and for one that was no call."""
    fault: str = ""

    def meets(self, expected: _Call) -> bool:
        """Whether this call, which was made, is the expected one."""
        return not self.fault and self.name == expected.name and (expected.key is None or self.key == expected.key)

    def __str__(self) -> str:
        shown = "…" if self.key is None else self.key[1:-1]
        return f"{printable(self.name[:60]) or '?'}({quoted(shown)[1:-1] if shown else ''})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trajectory:
    """The calls that were made beside those that are expected."""

    made: Sequence[_Call]
    expected: Sequence[_Call]
    missed: Sequence[_Call]
    """Expected calls that no call stands for."""
    extra: Sequence[_Call]
    """Calls that stand for no expected one."""
    names: Ratio
    arguments: Ratio
    has_arguments: bool
    """Whether any argument is expected."""

    @property
    def exact(self) -> bool:
        """Whether the calls are the expected ones, in this order and no others."""
        pairs = zip(self.made, self.expected, strict=False)
        return len(self.made) == len(self.expected) and all(mine.meets(theirs) for mine, theirs in pairs)

    @property
    def in_order(self) -> bool:
        """Whether the expected calls are among those made, in their order."""
        rest = iter(self.made)
        return all(any(call.meets(expected) for call in rest) for expected in self.expected)

    @property
    def any_order(self) -> bool:
        """Whether the expected calls are among those made."""
        return not self.missed

    @property
    def calls(self) -> Ratio:
        """What was made and what is expected, as calls."""
        common = len(self.expected) - len(self.missed)
        return Ratio(common=common, made=len(self.made), expected=len(self.expected))

    def told(self) -> str:
        """What differs, in words."""
        parts = []
        if self.missed:
            parts.append(f"missed: {_listed(self.missed)}")
        if self.extra:
            parts.append(f"not expected: {_listed(self.extra)}")
        return "; ".join(parts) or f"the order differs: {_listed(self.made)} instead of {_listed(self.expected)}"


def trajectory(
    made: Sequence[Mapping[str, Any]], expected: Sequence[Mapping[str, Any]], ignore: Set[str]
) -> Trajectory:
    """Compare calls. Specific expectations are met first, then those that any arguments meet."""
    mine = [_comparable(read_call(call), ignore, made=True) for call in made]
    theirs = [_comparable(read_call(call), ignore, made=False) for call in expected]
    missed, extra = _unmatched(mine, theirs)
    known = {call.name for call in theirs if call.arguments is None}
    wanted = _slots([call for call in theirs if call.name not in known])
    given = _slots([call for call in mine if call.name not in known])
    return Trajectory(
        made=mine,
        expected=theirs,
        missed=missed,
        extra=extra,
        names=_ratio(
            Counter(call.name for call in mine if call.name), Counter(call.name for call in theirs), len(mine)
        ),
        arguments=_ratio(given, wanted, given.total()),
        has_arguments=bool(wanted),
    )


def _ratio(made: Counter[Any], expected: Counter[Any], size: int) -> Ratio:
    return Ratio(common=(made & expected).total(), made=size, expected=expected.total())


def _slots(calls: Sequence[_Call]) -> Counter[tuple[str, str, str]]:
    """(tool, argument, value) of calls."""
    return Counter((call.name, name, value) for call in calls for name, value in (call.arguments or {}).items())


def _unmatched(made: Sequence[_Call], expected: Sequence[_Call]) -> tuple[list[_Call], list[_Call]]:
    """(expected calls without one that was made, calls without an expectation), each in its order."""
    left: dict[str, list[int]] = {}
    for number, call in enumerate(made):
        if not call.fault:
            left.setdefault(call.name, []).append(number)
    lost = set()
    taken: set[int] = set()
    for number in sorted(range(len(expected)), key=lambda number: expected[number].key is None):
        wanted, rest = expected[number], left.get(expected[number].name, [])
        at = next((place for place, each in enumerate(rest) if made[each].meets(wanted)), None)
        if at is None:
            lost.add(number)
        else:
            taken.add(rest.pop(at))
    missed = [call for number, call in enumerate(expected) if number in lost]
    return missed, [call for number, call in enumerate(made) if number not in taken]


def _comparable(call: Call, ignore: Set[str], *, made: bool) -> _Call:
    if call.fault:
        return _Call(name=call.name, arguments={}, key=None, fault=call.fault)
    if call.arguments is None and not made:
        return _Call(name=call.name, arguments=None, key=None)
    given = call.arguments or {}
    kept = {name: given[name] for name in given if not {name, f"{call.name}.{name}"} & ignore}
    try:
        values = {name: _canonical(value) for name, value in sorted(kept.items())}
    except (RecursionError, ValueError, TypeError) as error:
        fault = f"its arguments cannot be compared ({type(error).__name__})"
        return _Call(name=call.name, arguments={}, key=None, fault=fault)
    written = ", ".join(f"{json.dumps(name)}: {value}" for name, value in values.items())
    return _Call(name=call.name, arguments=values, key=f"{{{written}}}")


def _canonical(value: Any) -> str:
    """A JSON value as text that is the same for equal values: 1 and 1.0 are, 1 and true are not."""
    return json.dumps(_plain(value), sort_keys=True)


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _listed(calls: Sequence[_Call]) -> str:
    shown = [f"{call.fault and f'{call.name[:60]!a}, of which '}{call.fault or call}" for call in calls[:_SHOWN]]
    rest = len(calls) - _SHOWN
    return ", ".join(shown) + (f" and {rest} more" if rest > 0 else "")
