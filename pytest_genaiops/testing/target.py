"""A fake system under test, for suites and plugins that need no socket."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from pytest_genaiops.errors import UsageError
from pytest_genaiops.records import Case
from pytest_genaiops.registry import did_you_mean
from pytest_genaiops.variants import Variant

TARGET_FAULTS: Mapping[str, str] = {
    "error": "raises RuntimeError",
    "drop": "raises ConnectionResetError",
    "hang": "never returns",
    "wrong type": "returns the number 42",
}
"""What each fault of a :class:`FakeTarget` does, by name."""

Choice: TypeAlias = str | Mapping[str, str] | Callable[[Case, Variant], str | None] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """One call that a fake target has received."""

    case: str
    variant: str


class FakeTarget:
    """A target for the ``target`` fixture, or for ``evaluate(target=...)``.

    Args:
        answer: the text of every answer; or a function of case and variant that gives whatever a target may return.
        latency: seconds from a call to its answer.
        fault: what goes wrong, by a name of ``TARGET_FAULTS``: with every call; with cases by their id; or as a
            function of case and variant says, where None is a call that goes well.

    Raises:
        UsageError: for an unknown fault, also where it is called, if a function gave its name.
    """

    def __init__(
        self,
        answer: str | Callable[[Case, Variant], Any] = "a fake answer",
        *,
        latency: float = 0.0,
        fault: Choice = None,
    ) -> None:
        for name in [fault] if isinstance(fault, str) else fault.values() if isinstance(fault, Mapping) else []:
            _check(name)
        self.calls: list[Called] = []
        """Every call, in the order in which they came."""
        self._answer = answer
        self._latency = latency
        self._fault = fault

    async def __call__(self, case: Case, variant: Variant) -> Any:
        """Answer one case under a variant, or fail."""
        self.calls.append(Called(case=case.id, variant=variant.id))
        fault = self._chosen(case, variant)
        if fault == "hang":
            await asyncio.Event().wait()
        await asyncio.sleep(self._latency)
        if fault == "error":
            raise RuntimeError("a fake error")
        if fault == "drop":
            raise ConnectionResetError("a fake drop of the connection")
        if fault == "wrong type":
            return 42
        return self._answer(case, variant) if callable(self._answer) else self._answer

    def _chosen(self, case: Case, variant: Variant) -> str | None:
        if self._fault is None or isinstance(self._fault, str):
            return self._fault
        if isinstance(self._fault, Mapping):
            return self._fault.get(case.id)
        name = self._fault(case, variant)
        if name is not None:
            _check(name)
        return name


def _check(name: object) -> None:
    if name not in TARGET_FAULTS:
        raise UsageError(f"an unknown fault {name!r}; {did_you_mean(str(name), list(TARGET_FAULTS))}")
