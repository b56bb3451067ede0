"""Responses that are called for as they are needed, because a verdict may be certain before all of them are there."""

from __future__ import annotations

import math
import random
from collections.abc import Hashable, Iterator, Sequence
from typing import Any, final, overload

from pytest_genaiops.records import Response, Responses, Trial
from pytest_genaiops.run.engine import Engine, Job

SHARE = 5
"""At most one in so many of all calls is under way ahead of what is read: it is paid even where it decides nothing."""


def window(calls: int, concurrency: int) -> int:
    """How many of so many calls are queued ahead of what is read: enough to keep them going, few to regret."""
    return max(1, min(concurrency, math.ceil(calls / SHARE)))


def units(trials: Sequence[Trial], seed: int) -> list[tuple[int, ...]]:
    """Positions of the trials that depend on each other (of one cluster, of one case), units in a random order.

    The order is drawn before anything is called, and is the same for every variant and in every process.
    """
    found: dict[Hashable, list[int]] = {}
    for position, trial in enumerate(trials):
        case = trial.case
        found.setdefault(("case", case.id) if case.cluster is None else ("cluster", case.cluster), []).append(position)
    order = [tuple(positions) for positions in found.values()]
    # Not the bare seed, which has drawn the sample of a limited run already.
    random.Random(f"order of {seed}").shuffle(order)  # noqa: S311 - an order, no secret
    return order


@final
class Arriving(Responses):
    """The responses of one variant, of which each is called for once somebody needs it.

    Who reads them in the order of :attr:`units` may :meth:`stop` where no more is needed. Asked for anything else
    than their number, they are all called for. :meth:`freeze` ends it: from then on they are those that were read.
    """

    __slots__ = (
        "_asked",
        "_engine",
        "_frozen",
        "_jobs",
        "_own",
        "_read",
        "_size",
        "at_once",
        "block",
        "stopped",
        "units",
    )

    def __init__(self, engine: Engine, jobs: Sequence[Job], *, seed: int, concurrency: int) -> None:
        super().__init__(())
        self._engine = engine
        self._jobs = jobs
        self._own: list[Job] = []
        """Those that nobody else had queued."""
        self._asked = self._read = 0
        """Number of units that have been called for, and of those that have been read, in their order."""
        self._frozen = False
        self.units = units([job.trial for job in jobs], seed)
        """Positions of the responses that depend on each other, in the order in which they are called for."""
        self._size = max(1, round(window(len(jobs), concurrency) * len(self.units) / max(1, len(jobs))))
        self.block = math.ceil(self._size / 2)
        """How many units are read at once: half of those that are under way."""
        self.at_once = False
        """Whether all were asked for before anybody had read some of them."""
        self.stopped = False
        """Whether somebody who read them needed no more."""

    @property
    def trials(self) -> list[Trial]:
        """Every trial, answered or not, in the order of the cases."""
        return [job.trial for job in self._jobs]

    @property
    def so_far(self) -> Responses:
        """Those that were read, in the order of the cases."""
        positions = sorted(position for unit in self.units[: self._read] for position in unit)
        return Responses([self._engine.response(self._jobs[position]) for position in positions])

    def ask(self, count: int) -> None:
        """Call for the first ``count`` units and for some ahead of them, before anything else that is queued."""
        ahead = min(count + self._size - 1, len(self.units))
        positions = (position for unit in self.units[self._asked : ahead] for position in unit)
        self._own += self._engine.start((self._jobs[position] for position in positions), first=True)
        self._asked = max(self._asked, ahead)

    def read(self, start: int, end: int) -> Iterator[tuple[int, Response]]:
        """The responses of some units with their positions; while one is waited for, further ones are called for."""
        for unit in range(start, end):
            self.ask(unit + 1)
            for position in self.units[unit]:
                yield position, self._engine.response(self._jobs[position])
            self._read = max(self._read, unit + 1)

    def stop(self) -> None:
        """Call for no more: what has not begun is forgotten, what is under way is waited for.

        Whatever the target stands on may be taken down after this.
        """
        self.stopped = True
        for job in self._drop():
            self._engine.response(job)

    def fetch(self) -> None:
        """Call for all that is missing."""
        if not self._frozen:
            self._engine.start(self._jobs)
            self._responses = tuple(self._engine.response(job) for job in self._jobs)
            self.at_once = not self._read
            self._read, self._frozen = len(self.units), True

    def freeze(self) -> None:
        """Be those that were read from now on; calls that are under way are nobody's concern."""
        if not self._frozen:
            self._drop()
            self._responses, self._frozen = self.so_far, True

    def _drop(self) -> list[Job]:
        under_way = self._engine.drop(self._own)
        self._own, self._asked = under_way, self._read
        return under_way

    def __len__(self) -> int:
        return len(self._responses if self._frozen else self._jobs)

    @overload
    def __getitem__(self, index: int) -> Response: ...
    @overload
    def __getitem__(self, index: slice[Any, Any, Any]) -> Responses: ...
    def __getitem__(self, index: int | slice[Any, Any, Any]) -> Response | Responses:
        self.fetch()
        return super().__getitem__(index)

    def __iter__(self) -> Iterator[Response]:
        self.fetch()
        return super().__iter__()

    def __repr__(self) -> str:
        """Calls for nothing: tracebacks show it."""
        variant = repr(self._jobs[0].trial.variant)[1:-1] if self._jobs else "nobody"
        read = "" if self._frozen else f"{sum(map(len, self.units[: self._read]))} of "
        return f"<{read}{len(self)} responses of {variant}>"
