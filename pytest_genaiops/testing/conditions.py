"""Under which conditions a fake server works: decides of each call what becomes of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from pytest_genaiops.errors import UsageError
from pytest_genaiops.testing.faults import named, seconds
from pytest_genaiops.testing.limits import GATES, Limit, allowance, retry_after

Body: TypeAlias = Mapping[str, Any]
Faulty: TypeAlias = str | Mapping[int, str] | Callable[[int, Body], str | None] | None
"""A fault of every call; of calls by number; or what a function of number and body says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What becomes of one call."""

    fault: str | None = None
    """None where it is answered."""
    delay: float = 0.0
    """Seconds to take over it."""
    headers: Mapping[str, str] = field(default_factory=dict)


class Conditions:
    """Latency, limit and faults, each of which may change from one call to the next.

    Raises UsageError for values that mean nothing.
    """

    def __init__(self, *, latency: float, admit: float | Limit | None, fault: Faulty) -> None:
        self.latency = latency
        self.admit = admit
        self.fault = fault
        self._storm_ends: float | None = None

    @property
    def latency(self) -> float:
        """Seconds from a request to its answer."""
        return self._latency

    @latency.setter
    def latency(self, latency: float) -> None:
        if not (math.isfinite(latency) and latency >= 0):
            raise UsageError(f"a latency of {latency!r}; give a number of seconds, or the fault 'slow loris'")
        self._latency = latency

    @property
    def admit(self) -> Limit | None:
        """Which calls are admitted; a number is that of calls a second."""
        return self._limit

    @admit.setter
    def admit(self, limit: float | Limit | None) -> None:
        self._limit = limit if limit is None or isinstance(limit, Limit) else Limit(limit)
        self._gate = None if self._limit is None else GATES[self._limit.kind](self._limit.rate)

    @property
    def fault(self) -> Faulty:
        """What goes wrong."""
        return self._fault

    @fault.setter
    def fault(self, fault: Faulty) -> None:
        for name in [fault] if isinstance(fault, str) else fault.values() if isinstance(fault, Mapping) else []:
            named(name)
        self._fault = fault

    def plan(self, number: int, body: Body, *, now: float, under_way: int) -> Plan:
        """What becomes of the call of this number, while others are under way.

        Raises what the user's function raises, and UsageError for a fault that nobody knows.
        """
        headers: dict[str, str] = {}
        limit, gate = self._limit, self._gate
        if limit is not None and gate is not None:
            admitted = gate.admits(now, under_way)
            headers = allowance(gate, limit, now) if limit.headers else headers
            if not admitted:
                wait = {} if limit.retry_after is None else retry_after(limit.retry_after)
                return Plan(fault=f"status {limit.status}", headers={**headers, **wait})
        name = self._chosen(number, body)
        if name is None:
            return Plan(delay=self._latency, headers=headers)
        _, detail = named(name)
        if name.startswith("latency"):
            return Plan(delay=self._latency + seconds(detail), headers=headers)
        if name.startswith("storm"):
            return self._in_storm(seconds(detail), now, headers)
        return Plan(fault=name, delay=self._latency, headers=headers)

    def _chosen(self, number: int, body: Body) -> str | None:
        if self._fault is None or isinstance(self._fault, str):
            return self._fault
        return self._fault.get(number) if isinstance(self._fault, Mapping) else self._fault(number, body)

    def _in_storm(self, length: float, now: float, headers: Mapping[str, str]) -> Plan:
        """Refused while the server's one storm lasts, which begins with the first call that meets it."""
        if self._storm_ends is None:
            self._storm_ends = now + length
        if now < self._storm_ends:
            return Plan(fault="status 429", headers={**headers, **retry_after(self._storm_ends - now)})
        return Plan(delay=self._latency, headers=headers)
