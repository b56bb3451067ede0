"""Judgements that later items will ask for, begun while the first one waits for its own."""

from __future__ import annotations

from typing import Any

from pytest_genaiops.metrics.judged import Judged
from pytest_genaiops.plugin import early
from pytest_genaiops.plugin.fixtures import identity_of_item
from pytest_genaiops.plugin.session import RUNNING_ITEM, State
from pytest_genaiops.records import Response
from pytest_genaiops.run import Job


class Ahead:
    """Once an item of a test has asked a judge, the other cases of that test will ask it the same.

    Until then nothing is judged: what a test does with its arguments is not known before it runs.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._begun: set[tuple[str, Judged, bool]] = set()

    def asked(self, metric: Judged, response: Response) -> None:
        """An item is about to wait for a judgement."""
        item, trial = RUNNING_ITEM.get(), response.trial
        if item is None or item.case is None or trial is None or not self._may(item):
            return
        own = trial.variant == item.binding.variant.id
        key = (item.binding.title, metric, own)
        if key in self._begun or not (own or item.binding.suite.baseline):
            return
        self._begun.add(key)
        for other in self._state.items:
            binding = getattr(other, "binding", None)
            if binding is not None and binding.title == item.binding.title and getattr(other, "case", None) is not None:
                self._begin(metric, other, own=own)

    def _may(self, item: Any) -> bool:
        """Whether judgements are shared with other processes, or there are none."""
        state = self._state
        alone = not state.worker or state.settings.cache != "off"
        return state.ahead and alone and not early.applies(state.settings, item.binding.suite)

    def _begin(self, metric: Judged, item: Any, *, own: bool) -> None:
        suite, judging = item.binding.suite, self._state.measurements.judging
        variant = item.binding.variant if own else suite.baseline
        assert judging is not None
        trial = suite.trial(variant, item.case, item.trial)
        if suite.recorded:
            judging.start(metric, self._state.responder.recorded(trial))
        else:
            job = Job(target=_nobody, identity=identity_of_item(item), variant=variant, trial=trial)
            self._state.responder.engine.then(job, lambda response: _start(judging, metric, response))


def _start(judging: Any, metric: Judged, response: Response) -> None:
    judging.start(metric, response)


def _nobody(case: object, variant: object) -> None:
    """Not called: a trial is known by its key."""
