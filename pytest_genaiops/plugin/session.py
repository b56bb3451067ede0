"""What a session knows: kept in ``config.stash``, made when the first suite turns up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from pytest_genaiops.config import Settings
from pytest_genaiops.dataset import Dataset
from pytest_genaiops.metrics.base import Metric
from pytest_genaiops.plugin.options import settings_of
from pytest_genaiops.plugin.outcomes import Outcomes
from pytest_genaiops.records import Case, Response
from pytest_genaiops.run import Engine, Measurements, Responder, Spec, Suite, load, make_suite
from pytest_genaiops.score import Score, ScoreGroup
from pytest_genaiops.variants import Variant

STATE = pytest.StashKey["State"]()
BINDING = pytest.StashKey["Binding"]()


@dataclass(slots=True, eq=False)
class Binding:
    """What one test item evaluates, and what came of it so far."""

    suite: Suite
    title: str
    """The test's name without variant and case: the heading of its table in the summary."""
    variant: Variant
    case: Case | None = None
    """None for an item that evaluates the whole dataset."""
    trial: int = 1
    wants: frozenset[str] = frozenset()
    """Fixture names that the item asks for."""
    responses: list[Response] = field(default_factory=list)
    scores: list[Score] = field(default_factory=list)
    accepts_errors: bool = False
    """True once a metric that scores failed trials themselves was asked."""

    def reset(self) -> None:
        """Forget an earlier run of the same item (a rerun)."""
        self.responses.clear()
        self.scores.clear()
        self.accepts_errors = False


class State:
    """The session's engine, measurements, datasets and outcomes; one for each pytest process."""

    def __init__(self, config: pytest.Config) -> None:
        self.settings: Settings = settings_of(config)
        self.worker = hasattr(config, "workerinput")
        """True in a worker of pytest-xdist, which runs only some of the items it collects."""
        self.datasets: dict[str, Dataset] = {}
        self.responder = Responder(Engine(concurrency=self.settings.concurrency, timeout=self.settings.timeout))
        self.measurements = Measurements()
        self.outcomes = Outcomes.of(config)
        self.plans: dict[str, Suite | str] = {}
        """Node id of a test function -> its suite, or why it has none."""
        self.refused: set[str] = set()
        """Node ids of suites that cannot run."""
        self.planned: set[object] = set()
        """Targets whose part of the plan has been started."""
        self.current: Binding | None = None
        self.items: list[pytest.Item] = []
        """Every selected item, in the order in which they run."""

    def suite(self, spec: Spec, *, has_target: bool) -> Suite:
        """The suite of a spec; a dataset file is read once, however many tests name it."""
        if isinstance(spec.dataset, str):
            if spec.dataset not in self.datasets:
                self.datasets[spec.dataset] = load(spec.dataset, self.settings)
            spec = replace(spec, dataset=self.datasets[spec.dataset])
        return make_suite(spec, self.settings, has_target=has_target)

    def observe(self, metric: Metric, responses: Sequence[Response], found: Score | ScoreGroup) -> None:
        """Note a score that the running test asked for."""
        if self.current is None:
            return
        self.current.accepts_errors |= metric.judges_errors
        self.current.scores.extend([found] if isinstance(found, Score) else found.scores())


def state_of(config: pytest.Config) -> State:
    """The session's state; the first call makes it and registers the hooks that only suites need."""
    if STATE not in config.stash:
        from pytest_genaiops.plugin.running import Running

        config.stash[STATE] = state = State(config)
        config.pluginmanager.register(Running(config, state), "genaiops-running")
    return config.stash[STATE]


def binding_of(item: Any) -> Binding | None:
    """What the item evaluates, or None where it is no suite's."""
    return item.stash.get(BINDING, None) if isinstance(item, pytest.Item) else None
