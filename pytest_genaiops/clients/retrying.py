"""Whether one request is tried again, and how soon."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from pytest_genaiops.clients.request import RefusedError

MOST = 5
"""Attempts that may fail for reasons of their own: a dropped connection, a 5xx."""
MOST_THROTTLED = 20
"""Attempts that may come too soon for a service; when they are made is the limiter's to say."""
FEWEST_THROTTLED = 4
"""Attempts that are made even where waiting for one's turn takes longer than ``LONGEST``."""
LONGEST = 600.0
"""Seconds from the first failure in which a request is tried again."""
BASE, CAP = 0.5, 8.0
"""Seconds: the longest pause after the first failure, and after any."""


class Attempts:
    """The attempts of one request.

    Exponential backoff with full jitter (Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015), so
    that calls that failed together do not come back together.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._since: float | None = None
        self._failed = self._throttled = 0

    def pause(self, refusal: RefusedError) -> float | None:
        """Seconds before the next attempt, now that one was refused; None gives up."""
        now = self._clock()
        self._since = now if self._since is None else self._since
        waited = now - self._since
        if refusal.throttled:
            self._throttled += 1
        else:
            self._failed += 1
        if (refusal.wait or 0.0) > LONGEST:
            return None
        if refusal.throttled:
            late = waited >= LONGEST and self._throttled >= FEWEST_THROTTLED
            return None if late or self._throttled >= MOST_THROTTLED else 0.0
        if not refusal.again or self._failed >= MOST or waited >= LONGEST:
            return None
        longest = min(CAP, BASE * 2 ** (self._failed - 1))
        jitter = random.uniform(0.0, longest)  # noqa: S311 (it spreads calls and guards nothing)
        return (refusal.wait or 0.0) + jitter

    def summed_up(self, refusal: RefusedError) -> RefusedError:
        """The last refusal, which also says how many attempts there were."""
        made = self._failed + self._throttled
        return RefusedError(
            f"{refusal.message} (after {made} attempts)" if made > 1 else refusal.message,
            kind=refusal.kind,
            again=refusal.again,
            throttled=refusal.throttled,
            wait=refusal.wait,
            allowance=refusal.allowance,
        )
