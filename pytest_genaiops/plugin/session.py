"""What a session knows: kept in ``config.stash``, made when the first suite turns up."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from pytest_genaiops.clients.assembly import client_of, shared_of
from pytest_genaiops.config import Rules, Settings
from pytest_genaiops.dataset import Dataset
from pytest_genaiops.errors import UndecidedWarning, UsageError
from pytest_genaiops.metrics.base import Metric
from pytest_genaiops.plugin.certificates import Demand
from pytest_genaiops.plugin.options import settings_of
from pytest_genaiops.plugin.outcomes import Outcomes
from pytest_genaiops.plugin.recorded import Record
from pytest_genaiops.records import Case, Response, Responses, Verdict
from pytest_genaiops.report.text import visible
from pytest_genaiops.run import (
    Arriving,
    Engine,
    Judging,
    Measurements,
    Responder,
    Spec,
    Suite,
    load,
    make_suite,
    select,
)
from pytest_genaiops.score import Score, ScoreGroup
from pytest_genaiops.score.arriving import ArrivingGroup, ArrivingScore, Call
from pytest_genaiops.variants import Variant

if TYPE_CHECKING:  # only workers load a database
    from pytest_genaiops.clients.client import Client
    from pytest_genaiops.run.exchange import Exchange

LIMITS = "limits.sqlite"
"""File in the folder that the processes of a session share."""
STATE = pytest.StashKey["State"]()
RUNNING_ITEM: ContextVar[Any] = ContextVar("genaiops_item", default=None)
"""The suite's item from its setup to its teardown; None while another test runs."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Binding:
    """What the items of one test and variant evaluate."""

    suite: Suite
    title: str
    """The test's node id without variant and case: the heading of its table in the summary."""
    variant: Variant
    rules: Rules
    """What verdicts go by: the session's rules with the suite's coverage."""
    wants: frozenset[str]
    """Fixture names that the test asks for, directly or through its fixtures."""
    entry: str = ""
    """Name of what the variant scored in the test's committed baseline."""
    entries: tuple[str, ...] = ()
    """All such names of the test."""
    demand: Demand | None = None
    """The certificates without which no judge's score counts; None where the suite asks for none."""


class Progress:
    """What one run of an item has asked for so far."""

    __slots__ = (
        "accepts_errors", "arriving", "awaited", "datasets", "demand", "judging", "responses", "rules", "scores",
        "uncertified", "verdicts",
    )  # fmt: skip

    def __init__(self, rules: Rules, demand: Demand | None = None, judging: Judging | None = None) -> None:
        self.rules = rules
        """What verdicts of the item's suite go by."""
        self.judging = judging
        """Who asks judges for metrics that the test makes itself."""
        self.demand = demand
        """The certificates that the suite demands of its judges."""
        self.uncertified = ""
        """Why a judge that was asked counts for nothing, whatever the test did about it."""
        self.responses: list[Response] = []
        """Responses to single cases."""
        self.datasets: list[Responses] = []
        """Responses to all cases of a suite under one variant."""
        self.arriving: dict[str, Arriving] = {}
        """The same by variant, while a verdict may still end the calls."""
        self.awaited: list[tuple[Metric, Call]] = []
        """Metrics that were called on responses which are still arriving."""
        self.scores: list[Score] = []
        self.verdicts: list[tuple[Score, Verdict]] = []
        """What was judged, and how."""
        self.accepts_errors = False
        """True once a metric that scores failed trials themselves was asked."""

    @property
    def incomplete(self) -> bool:
        """Whether a response is an error, or a score lacks a case or its judge a certificate: nothing can be judged."""
        return (
            bool(self.uncertified)
            or any(not score.reaches(self.rules.coverage) for score in self.scores)
            or bool(self.too_many_errors())
        )

    def errors(self) -> Iterator[Response]:
        """The responses that are errors. Where a score covers a whole dataset there is none, and none is read."""
        yield from (response for response in self.responses if response.error is not None)
        for responses in self.datasets:
            if not any(score.covers(responses) for score in self.scores):
                yield from (response for response in responses if response.error is not None)

    def too_many_errors(self) -> list[Response]:
        """The responses that are errors, where they are more than the coverage leaves room for."""
        errors = list(self.errors())
        total = len(self.responses) + sum(map(len, self.datasets))
        return errors if len(errors) > (1 - self.rules.coverage) * total * (1 + 1e-9) else []

    def score(self, metric: Metric, found: Score | ScoreGroup) -> None:
        """Note a score that the item asked for; one whose responses are still arriving is noted when they are there.

        Raises UsageError where the suite demands a certificate of its judge and there is none.
        """
        self._certify(metric, found)
        if isinstance(found, ArrivingScore | ArrivingGroup) and found.call is not None:
            self.awaited.append((metric, found.call))
            return
        self.accepts_errors |= metric.judges_errors
        scores = [found] if isinstance(found, Score) else list(found.scores())
        # A member of a group that has no value here (a correlation with a constant, a check that was given nothing)
        # lacks no answer where another one has its value; nothing can pass by it either.
        valued = [score for score in scores if score.value is not None]
        self.scores.extend(valued or [score for score in scores if score is found or not score.measured])

    def verdict(self, score: Score, verdict: Verdict) -> None:
        """Note how a score was judged, and warn of a verdict that stops nobody although it is undecided.

        Raises UsageError as :meth:`score` does: a fixture may have made the score for another item.
        """
        # The table of a score whose responses are still arriving would call for all of them.
        call = score.call if isinstance(score, ArrivingScore) else None
        metric = call.metric if call is not None else score.table.metric
        if metric is not None:
            self._certify(metric, score)
        self.verdicts.append((score, verdict))
        if verdict.tolerated:
            warnings.warn(UndecidedWarning(visible(verdict.reason)), stacklevel=4)  # the line of the test

    def _certify(self, metric: Metric, found: Score | ScoreGroup) -> None:
        if self.demand is not None and (why := self.demand.refusal(metric, found)):
            self.uncertified = why
            raise UsageError(why)

    def settle(self) -> None:
        """The test has seen what it wants: where no verdict stopped the calls, it has asked for all of them."""
        if not any(responses.stopped for responses in self.arriving.values()):
            for responses in self.arriving.values():
                responses.fetch()
        self._end_calls()
        self._note_awaited()

    def freeze(self) -> None:
        """The test has ended, however it did: nothing more is called for, and scores are over what was read."""
        self._end_calls()
        with suppress(UsageError):  # a metric that cannot work on these cases at all, and that nobody judged by
            self._note_awaited()

    def _end_calls(self) -> None:
        for responses in self.arriving.values():
            responses.freeze()
            self.datasets.append(responses)
        self.arriving.clear()

    def _note_awaited(self) -> None:
        while self.awaited:
            metric, call = self.awaited.pop(0)
            if call.responses:
                self.score(metric, call.whole())

    @property
    def tolerates(self) -> bool:
        """Whether a verdict was let pass although it is undecided."""
        return any(verdict.tolerated for _, verdict in self.verdicts)


class State:
    """The session's engine, measurements, datasets and outcomes; one for each pytest process."""

    def __init__(self, config: Any) -> None:
        self.settings: Settings = settings_of(config)
        self.worker = hasattr(config, "workerinput")
        """True in a worker of pytest-xdist, which runs only some of the items it collects."""
        self.datasets: dict[object, Dataset] = {}
        self.cases: dict[object, Sequence[Case]] = {}
        """Of every dataset the cases that are run."""
        """By the name or the object in the marker."""
        self.handed: dict[object, Dataset] = {}
        """By the fixture that gave it."""
        self.outcomes = Outcomes.of(config)
        self.exchange = self._join(config)
        """Where workers of pytest-xdist share their calls; None in other processes, and where they cannot."""
        self.ahead = not self.worker or self.exchange is not None
        """True while the whole plan may be called; else only what the running item asks for."""
        self.shared = shared_of(self.outcomes.folder / LIMITS if self.exchange and self.outcomes.folder else None)
        """What limits and budget keep; of all workers together."""
        self.client = self._client(config)
        self.responder = Responder(self._engine())
        judging = Judging(lambda: self.responder.engine, self.settings.root)
        judging.default = self.settings.judge_file
        self.measurements = Measurements(judging)
        self.record = Record(config, self.settings, self.measurements, self.outcomes.folder)
        """The run as it is put on record."""
        self.plans: dict[str, Suite | str] = {}
        """Node id of a test function -> its suite, or why it has none."""
        self.demands: dict[str, Demand | None] = {}
        """Node id of a test function -> the certificates that it demands."""
        self.refused: set[str] = set()
        """Node ids of suites that cannot run."""
        self.planned: set[object] = set()
        """Targets whose part of the plan has been started."""
        self.told: set[tuple[str, str]] = set()
        """Tests and variants whose difference from the baseline a report has carried."""
        self.recipes: list[Callable[[], None]] = []
        """To be called when another plugin comes: what was worked out about who listens may not hold any more."""
        self.items: list[pytest.Item] = []
        """Every selected item, in the order in which they run."""

    def _client(self, config: Any) -> Client:
        session = config.workerinput["testrunuid"] if self.exchange is not None else ""
        return client_of(self.settings, shared=self.shared, session=session)

    def _engine(self) -> Engine:
        bounds: dict[str, Any] = {"concurrency": self.settings.concurrency, "timeout": self.settings.timeout}
        return Engine(**bounds, exchange=self.exchange, client=self.client)

    def _join(self, config: Any) -> Exchange | None:
        if not self.worker or self.outcomes.folder is None:
            return None
        from pytest_genaiops.plugin.sharing import join

        return join(config.workerinput, self.outcomes.folder, self.settings)

    def suite(self, spec: Spec, *, has_target: bool, committed: Callable[[], Collection[str]] = tuple) -> Suite:
        """The suite of a spec; a dataset is read once, however many tests name it."""
        key = spec.dataset if isinstance(spec.dataset, str) else id(spec.dataset)  # the marker keeps the object alive
        if key not in self.datasets:
            self.datasets[key] = load(spec.dataset, self.settings)
            self.cases[key] = select(self.datasets[key], self.settings)
        spec = replace(spec, dataset=self.datasets[key])
        return make_suite(spec, self.settings, has_target=has_target, cases=self.cases[key], committed=committed)


def state_of(config: pytest.Config) -> State:
    """The session's state, made when first asked for."""
    if STATE not in config.stash:
        try:
            config.stash[STATE] = State(config)
        except UsageError as error:  # a cassette that cannot be read
            raise pytest.UsageError(visible(str(error))) from None
    return config.stash[STATE]
