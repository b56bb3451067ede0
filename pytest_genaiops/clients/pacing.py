"""When calls of a service may begin: pure functions of a state that all processes share.

The state is empty until a service refuses a call because it is asked too often. Then all callers pause for as long as
the service says, and go on one by one at the rate at which it has admitted calls so far.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, TypeAlias

from pytest_genaiops.clients.request import Allowance

State: TypeAlias = Mapping[str, Any]

MARGIN = 0.97
"""Calls begin at this share of the estimated rate, so that a late one does not make two too many in a second."""
TOLERANCE = 0.015
"""Seconds that a late call may be made up for by the next one."""
UNLIMITED = 1000.0
"""Calls a second from which nothing is paced any more: a timer is not finer."""
ENOUGH = 10
"""Calls admitted, at least, for a first estimate that is trusted for a while."""
MOST_PATIENT = 32.0
LONGEST_SCALE = 2.0
"""Seconds: pauses that are longer do not make it more patient."""
GROWTH = 2.0
"""Doublings of the rate in the time for which it was held before."""
SHORT = 5.0
"""Seconds without an admitted call from which what was known of the rate is doubted."""
SHORTEST, FIRST, CAP = 0.05, 0.25, 30.0
"""Seconds: the shortest pause; the first where the service says nothing, half as long again each time
that it refuses everything; and the longest."""
LONGEST = 600.0
"""Seconds without one admitted call after which a service is given up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """What a service said of its limits, with one call. Times are seconds of one clock."""

    now: float
    began: float
    """When the call began."""
    wait: float | None
    """Seconds to wait; None where it does not say."""
    rate: float | None = None
    """Calls a second that it admits, by its own account."""
    refused: bool = True
    """False where the call was answered, and was the last one for now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """Calls that a process began before it knew of any limit."""

    since: float
    begun: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pacing:
    """The state of a service that has refused calls."""

    until: float
    """No call begins before."""
    wait: float
    """Length of the latest pause, as the service said it."""
    stopped: float
    """When the refusal came that began it."""
    since: float
    """Since when calls are counted: those that began, and those of them that were refused."""
    begun: int
    refused: int
    told: float | None
    """The rate that the service itself told, calls a second."""
    ceiling: float | None = None
    """The rate at which calls began when it refused; None where nobody held back."""
    rate: float | None = None
    """The rate at which they go on; None until the pause is over."""
    proven: float | None = None
    """The rate that it had admitted all the while for which it was held; None where it refused before."""
    admitted: int = 0
    """What the latest estimate went by: calls that were admitted, in so many seconds, and the pause after them."""
    length: float = 0.0
    rested: float = 0.0
    low: float = 0.0
    """The rate that was admitted in any case, pauses included, when it was last estimated."""
    patience: float = 1.0
    """Pauses that the rate is held for before it is raised."""
    next: float = 0.0
    """When the next call may begin."""
    barren: int = 0
    """Pauses since a call was last answered, and since when."""
    barren_since: float = 0.0


_FIELDS = tuple(field.name for field in fields(Pacing))


def _written(held: Pacing) -> State:
    return {name: getattr(held, name) for name in _FIELDS}


def admit(state: State, now: float) -> tuple[State, float]:
    """The state after a call has asked to begin, and the seconds that it must wait before it asks again; 0: it begins.

    Infinite where the service has refused every call for ``LONGEST``.
    """
    if not state:
        return state, 0.0
    held = Pacing(**state)
    if held.barren and now - held.barren_since >= LONGEST:
        return state, math.inf
    if now < held.until:
        return state, held.until - now
    if held.rate is None:
        held = _resumed(held, now)
    if now < held.next:
        return _written(held), held.next - now
    pace = pace_of(held, now)
    if pace >= UNLIMITED and not held.barren:
        return {}, 0.0
    due = max(held.next, now - TOLERANCE) + 1 / pace
    return _written(replace(held, next=due, begun=held.begun + 1)), 0.0


def paused(state: State, word: Word, own: Counted) -> State:
    """The state after a refusal, or after an answer that was the last one for now.

    Calls that began before a pause say nothing new of the rate: only how long to wait.
    """
    if not state:
        return _written(_joined(_first(word), own))
    held = _joined(Pacing(**state), own)
    if word.began >= held.until:
        return _written(_again(held, word)) if word.refused or _slower(held, word) else state
    if not word.refused:
        return _written(held)
    wait = 0.0 if word.wait is None else word.wait
    return _written(
        replace(
            held,
            until=max(held.until, word.now + wait),
            wait=max(held.wait, wait),
            refused=held.refused + (word.began >= held.since),
            told=held.told or word.rate,
        )
    )


def rested(state: State, word: Word) -> State:
    """The state after a call that failed for now, though not because too many had been asked: a pause, no pace."""
    wait = _pause(word.wait, 0)
    if state:
        return {**state, "until": max(state["until"], word.now + wait)}
    return _written(replace(_first(word), until=word.now + wait, wait=wait, since=word.now, rate=UNLIMITED))


def joined(state: State, own: Counted) -> State:
    """The state when a process hears of a pause for the first time, with the calls that it has begun itself."""
    return _written(_joined(Pacing(**state), own)) if state else state


def answered(state: State, now: float) -> State:
    """The state after an answer: calls are admitted. After a long time without one, how many is found out anew."""
    if not state or not state["barren"]:
        return state
    patience = 1.0 if now - state["barren_since"] >= SHORT else state["patience"]
    return {**state, "barren": 0, "patience": patience}


def pace_of(held: Pacing, now: float) -> float:
    """Calls a second: held for some pauses, then raised faster and faster until the service refuses."""
    if held.rate is None:
        return held.ceiling or UNLIMITED
    return held.rate * 2 ** min(GROWTH * max((now - held.since) / _hold(held) - 1, 0.0), 60.0)


def _hold(held: Pacing) -> float:
    return held.patience * min(held.wait, LONGEST_SCALE)


def rate_told(allowance: Allowance) -> float | None:
    """Calls a second by a service's own account: those used up, in the time after which all are there again."""
    if allowance.limit is None or not allowance.reset:
        return None
    used = allowance.limit - (allowance.remaining or 0)
    return used / allowance.reset if used > 0 else None


def _first(word: Word) -> Pacing:
    wait = _pause(word.wait, 1)
    return Pacing(
        until=word.now + wait,
        wait=wait,
        stopped=word.now,
        since=word.began,
        begun=0,
        refused=int(word.refused),
        told=word.rate,
        barren=1,
        barren_since=word.now,
    )


def _again(held: Pacing, word: Word) -> Pacing:
    wait = _pause(word.wait, held.barren + 1)
    return replace(
        held,
        until=word.now + wait,
        wait=wait,
        stopped=word.now,
        refused=held.refused + word.refused,
        told=word.rate,
        ceiling=pace_of(held, word.now),
        proven=held.rate if held.rate and word.now - held.since > _hold(held) else None,
        rate=None,
        barren=held.barren + 1,
        barren_since=held.barren_since if held.barren else word.now,
    )


def _pause(told: float | None, barren: int) -> float:
    """Seconds: what the service says, and more where it goes on to refuse everything."""
    own = min(CAP, FIRST * 1.5 ** (min(barren, 20) - 1))
    if told is None:
        return own
    return max(told, own if barren > 2 else SHORTEST)


def _slower(held: Pacing, word: Word) -> bool:
    """Whether a service that has nothing left for now is clearly slower than the pace: else the pace sees to it."""
    return word.rate is None or word.rate < 0.8 * pace_of(held, word.now)


def _joined(held: Pacing, own: Counted) -> Pacing:
    if not own.begun or held.rate is not None or held.ceiling is not None:
        return held
    return replace(held, since=min(held.since, own.since), begun=held.begun + own.begun)


def _resumed(held: Pacing, now: float) -> Pacing:
    """The state after a pause, with an estimate of the rate from the calls that were admitted before it."""
    admitted = max(held.begun - held.refused, 0)
    length = max(held.stopped - held.since, 0.0)
    if admitted == 0 and held.admitted:  # too early: the pause goes on
        held = replace(held, rested=held.rested + length + held.wait)
        patience = held.patience
        rate = held.admitted / max(held.length, held.rested)
    elif held.ceiling is None:
        patience = float(ENOUGH) if admitted >= ENOUGH else 1.0
        rate = _first_rate(held, admitted, length)
        held = replace(held, admitted=admitted, length=length, rested=held.wait, low=rate)
    else:
        patience = min(2 * held.patience, MOST_PATIENT) if admitted else 1.0
        rate, low = _next_rate(held, admitted, length)
        held = replace(held, admitted=admitted, length=length, rested=held.wait, low=low)
    rate = MARGIN * max(rate, 1 / LONGEST if admitted else 1 / held.wait)
    return replace(held, rate=rate, patience=patience, since=now, begun=0, refused=0, next=now)


def _first_rate(held: Pacing, admitted: int, length: float) -> float:
    """What was saved up was spent at once, and is there again after the pause."""
    seen = admitted / max(length, held.wait)
    if held.told is None:
        return seen
    return min(seen, held.told) if admitted >= ENOUGH else held.told


def _next_rate(held: Pacing, admitted: int, length: float) -> tuple[float, float]:
    """A rate between a lower one and an upper one, and the lower one.

    A bucket has admitted what it saved up in the pause before as well, a window what passed after that. A rate that was
    held without a refusal and then raised lies between the two.
    """
    told = held.told or math.inf
    low = admitted / (held.rested + length)
    ceiling = min(held.ceiling or math.inf, told)
    if held.proven is not None:
        return math.sqrt(min(held.proven / MARGIN, ceiling) * ceiling), low
    high = min(ceiling, admitted / max(length, held.wait))
    return math.sqrt(min(max(low, held.low), high) * high), low
