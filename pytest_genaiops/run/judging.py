"""Judgements: metrics that ask a model, for many responses at once, each response once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_genaiops.clients.assembly import client_of, shared_of
from pytest_genaiops.clients.current import RUNNING, Running
from pytest_genaiops.clients.shared import Shared
from pytest_genaiops.config import Settings
from pytest_genaiops.errors import of_ours
from pytest_genaiops.metrics.judged import Judged, Judgement
from pytest_genaiops.records import Measurement, Response, Trial
from pytest_genaiops.run.guard import awaited
from pytest_genaiops.run.settling import case_of, refused, settled

if TYPE_CHECKING:
    from pytest_genaiops.run.engine import Engine

__tracebackhide__ = of_ours


class _NoClock:
    """What a judge's calls take is nobody's time."""

    def stop(self) -> None:
        """A client has taken over."""

    def go(self, seconds: float) -> None:
        """It has answered."""


class Judging:
    """Asks judges on the event loop of an engine, which is made when the first one is asked."""

    def __init__(self, engine: Callable[[], Engine], root: Path) -> None:
        self._engine = engine
        self.root = root
        """What paths of judges are relative to."""
        self.default: str | None = None
        """The judge that the session's configuration names."""
        self.asked: Callable[[Judged, Response], None] | None = None
        """Told of a metric and the response that it is about to judge; may :meth:`start` others."""
        self._known: dict[tuple[Judged, int], tuple[Response, Future[Measurement]]] = {}

    def of(self, metric: Judged, responses: Sequence[Response]) -> list[Measurement]:
        """Measurements in the order of the responses; all are asked for before the first is waited for.

        Raises UsageError where the metric cannot work on this dataset at all.
        """
        begun = [self.start(metric, response) for response in responses]
        if self.asked is not None and len(responses) == 1:
            self.asked(metric, responses[0])
        return [found if isinstance(found, Measurement) else self._awaited(found) for found in begun]

    def _awaited(self, future: Future[Measurement]) -> Measurement:
        try:
            return self._engine().wait_for(future)
        except CancelledError:
            return Measurement(reason="the session ended before the judge answered", kind="judge")

    def start(self, metric: Judged, response: Response) -> Measurement | Future[Measurement]:
        """Begin to judge a response, unless that has begun already. Raises UsageError where no judge is named."""
        known = self._known.get((metric, id(response)))
        if known is not None and not known[1].cancelled():
            return known[1]
        short = refused(metric, response)
        if short is not None:
            return short
        metric.required()
        future = self._engine().submit(self._judgement(metric, response))
        if response.trial is not None and response.trial.dataset:  # one made of a plain text is nobody else's
            self._known[metric, id(response)] = (response, future)  # kept, so that its id() is not given away
        return future

    async def _judgement(self, metric: Judged, response: Response) -> Measurement:
        case, client = case_of(response), self._engine().client
        assert client is not None
        # Of no trial: whichever trial gave a text, one judgement holds for it.
        # And labelled as what it is: what a variant's own calls take is foreseen by the answers under its name.
        variant = response.trial.variant if response.trial else ""
        trial = Trial(case=case, variant=f"{metric.name} of {variant}" if variant else metric.name)
        RUNNING.set(Running(client, trial, _NoClock()))  # of this task alone
        given, error = await awaited(metric.judged(response, case))
        if isinstance(given, Judgement):
            return replace(settled(metric, given.statistics, None), explanation=given.explanation)
        return settled(metric, given, error)


@lru_cache(maxsize=1)
def own_judging() -> Judging:
    """Of a process without a session: judges are asked as the plain settings have it, from the working directory."""
    return judging_of(Settings(root=Path.cwd()), shared_of(None))


def judging_of(settings: Settings, shared: Shared) -> Judging:
    """Judging with an engine of its own, whose client counts what it asks with others that share ``shared``."""

    @lru_cache(maxsize=1)
    def engine() -> Engine:
        from pytest_genaiops.run.engine import Engine

        return Engine(concurrency=settings.concurrency, client=client_of(settings, shared=shared))

    return Judging(engine, settings.root)
