"""How a fake server limits its calls: the kinds that real ones have."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol, get_args

from pytest_genaiops.errors import UsageError
from pytest_genaiops.registry import did_you_mean

LimitKind = Literal["bucket", "window", "sliding", "overload"]


@dataclass(frozen=True, slots=True)
class Limit:
    """How many calls a server admits.

    ``bucket``: ``rate`` calls a second, from a token bucket that holds one second's worth and starts full.
    ``window``: at most ``rate`` calls in each second of the clock, ``sliding``: in any second; others are refused
    with 429. ``overload``: at most ``rate`` calls under way at once; others are refused with 503.

    Raises UsageError for a rate below 1, another kind, or a time to wait that is no number of seconds.
    """

    rate: float
    kind: LimitKind = "bucket"
    retry_after: float | None = 1.0
    """Seconds that a refusal tells to wait; None tells nothing."""
    headers: bool = False
    """Whether each reply says what is left, as ``x-ratelimit-*-requests`` (not for ``overload``)."""

    def __post_init__(self) -> None:
        if self.kind not in get_args(LimitKind):
            raise UsageError(
                f"a limit of kind {self.kind!r}; {did_you_mean(str(self.kind), list(get_args(LimitKind)))}"
            )
        if not (math.isfinite(self.rate) and self.rate >= 1):
            raise UsageError(f"a server admits {self.rate!r} calls a second; give a number of at least 1")
        if self.retry_after is not None and not (math.isfinite(self.retry_after) and self.retry_after >= 0):
            raise UsageError(f"a refusal tells to wait {self.retry_after!r} s; give a number of seconds, or None")

    @property
    def status(self) -> int:
        """The status of a refusal."""
        return 503 if self.kind == "overload" else 429


class Gate(Protocol):
    """The state of a limit. Times are seconds of one clock that never goes back."""

    def admits(self, now: float, under_way: int) -> bool:
        """Whether a call that comes now is admitted; if so, it is counted."""

    def left(self, now: float) -> tuple[int, float] | None:
        """Calls that would be admitted now, and seconds until all would be again; None where nobody can tell."""


class Bucket:
    """A token bucket."""

    def __init__(self, rate: float) -> None:
        self._rate = self._tokens = rate
        self._at = -math.inf

    def _fill(self, now: float) -> None:
        self._tokens = min(self._rate, self._tokens + (now - self._at) * self._rate)
        self._at = now

    def admits(self, now: float, under_way: int) -> bool:
        """Take a token, if there is a whole one."""
        self._fill(now)
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def left(self, now: float) -> tuple[int, float]:
        """Whole tokens, and seconds until it is full."""
        self._fill(now)
        return int(self._tokens), (self._rate - self._tokens) / self._rate


class Window:
    """Fixed windows of one second."""

    def __init__(self, rate: float) -> None:
        self._rate = int(rate)
        self._second = -1
        self._count = 0

    def admits(self, now: float, under_way: int) -> bool:
        """Count the call, unless its second is full."""
        self._turn(now)
        if self._count >= self._rate:
            return False
        self._count += 1
        return True

    def left(self, now: float) -> tuple[int, float]:
        """What is left of this second, in calls and in seconds."""
        self._turn(now)
        return self._rate - self._count, math.floor(now) + 1 - now

    def _turn(self, now: float) -> None:
        if math.floor(now) != self._second:
            self._second, self._count = math.floor(now), 0


class Sliding:
    """The calls of the last second, whenever it is."""

    def __init__(self, rate: float) -> None:
        self._rate = int(rate)
        self._admitted: deque[float] = deque()

    def admits(self, now: float, under_way: int) -> bool:
        """Count the call, unless the second up to now is full."""
        self._forget(now)
        if len(self._admitted) >= self._rate:
            return False
        self._admitted.append(now)
        return True

    def left(self, now: float) -> tuple[int, float]:
        """Calls that are left, and seconds until the last one that was admitted is forgotten."""
        self._forget(now)
        last = self._admitted[-1] if self._admitted else now - 1
        return self._rate - len(self._admitted), last + 1 - now

    def _forget(self, now: float) -> None:
        while self._admitted and self._admitted[0] <= now - 1:
            self._admitted.popleft()


class Overload:
    """So many calls under way at once."""

    def __init__(self, rate: float) -> None:
        self._most = int(rate)

    def admits(self, now: float, under_way: int) -> bool:
        """Whether there is room beside those under way."""
        return under_way < self._most

    def left(self, now: float) -> None:
        """A server that is overloaded does not tell."""


GATES: Mapping[str, Callable[[float], Gate]] = {
    "bucket": Bucket,
    "window": Window,
    "sliding": Sliding,
    "overload": Overload,
}


def retry_after(seconds: float) -> dict[str, str]:
    """The headers that tell to wait; Retry-After has whole seconds only (RFC 9110, 10.2.3)."""
    headers = {"Retry-After": str(math.ceil(seconds))}
    return headers if seconds.is_integer() else {**headers, "retry-after-ms": f"{seconds * 1000:.0f}"}


def allowance(gate: Gate, limit: Limit, now: float) -> dict[str, str]:
    """The headers that tell what is left, as OpenAI writes them."""
    left = gate.left(now)
    if left is None:
        return {}
    return {
        "x-ratelimit-limit-requests": f"{limit.rate:g}",
        "x-ratelimit-remaining-requests": str(left[0]),
        "x-ratelimit-reset-requests": f"{left[1] * 1000:.0f}ms",
    }
