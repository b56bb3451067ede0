"""The values behind the fixtures."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from pytest_genaiops.errors import UsageError, of_ours
from pytest_genaiops.plugin import early
from pytest_genaiops.plugin.committed import committed_of
from pytest_genaiops.plugin.session import RUNNING_ITEM, Binding, State, state_of
from pytest_genaiops.records import Response, Responses, Trial
from pytest_genaiops.registry import METRICS
from pytest_genaiops.run import Arriving, Job
from pytest_genaiops.score import MetricHandle
from pytest_genaiops.score.metric import configured
from pytest_genaiops.variants import Variant

__tracebackhide__ = of_ours

OURS = "pytest_genaiops.plugin.hooks"
BY_KEY = {"variant", "case"}
"""Fixtures that a target may stand on without being another one: every trial is called with both."""
HANDLES = pytest.StashKey[dict[str, MetricHandle]]()


def metric_handle(config: pytest.Config, name: str) -> MetricHandle:
    """The session's handle of a metric; what it measures is kept for the whole session."""
    handles = config.stash.setdefault(HANDLES, {})
    if name not in handles:
        state = state_of(config)
        handles[name] = MetricHandle(configured(name, state.settings), measurements=state.measurements)
    return handles[name]


def variant_of() -> Variant:
    """The variant of the running item."""
    binding: Binding = _running().binding
    return binding.variant


def case_of() -> Any:
    """The case of the running item; None where it evaluates a whole dataset."""
    return _running().case


def response_of(target: Any) -> Response:
    """The response to the running item's case."""
    return _response(_running(), target)


def responses_of(target: Any) -> Responses:
    """The responses to every case under the running item's variant."""
    item = _running()
    return _judged(item, target, item.binding.variant)


def baseline_of(target: Any) -> Any:
    """The baseline's responses (its one response where the test is about one case), or what is committed of it."""
    item = _running()
    suite = item.binding.suite
    if suite.baseline is None:
        return committed_of(item, lambda: _own(item, target))
    if item.case is not None:
        response = _answer(item, target, suite.baseline, suite.trial(suite.baseline, item.case, item.trial))
        item.progress.responses.append(response)
        return response
    return _judged(item, target, suite.baseline)


def _judged(item: Any, target: Any, variant: Variant) -> Responses:
    """The responses under a variant, noted as judged by the item; still arriving where a verdict may end the calls."""
    progress, suite, state = item.progress, item.binding.suite, state_of(item.config)
    if not early.applies(state.settings, suite):
        found = _answers(item, target, variant)
        progress.datasets.append(found)
        return found
    if variant.id not in progress.arriving:  # a variant may be its own baseline
        target, identity = _prepare(item, state, target)
        jobs = [Job(target=target, identity=identity, variant=variant, trial=t) for t in suite.trials_of(variant)]
        progress.arriving[variant.id] = Arriving(
            state.responder.engine, jobs, seed=state.settings.seed, concurrency=state.settings.concurrency
        )
    arriving: Responses = progress.arriving[variant.id]
    return arriving


def _own(item: Any, target: Any) -> Sequence[Response]:
    """The item's own answers: what a baseline that is being written holds so far."""
    suite, variant = item.binding.suite, item.binding.variant
    if item.case is None:
        return _answers(item, target, variant)
    return [_answer(item, target, variant, suite.trial(variant, item.case, item.trial))]


def _response(item: Any, target: Any) -> Response:
    binding = item.binding
    if item.case is None:
        raise UsageError("`response` belongs to one case; name it among the test's arguments, not at run time")
    trial = binding.suite.trial(binding.variant, item.case, item.trial)
    response = _answer(item, target, binding.variant, trial)
    item.progress.responses.append(response)
    return response


def _answer(item: Any, target: Any, variant: Variant, trial: Trial) -> Response:
    binding, state = item.binding, state_of(item.config)
    if binding.suite.recorded:
        return state.responder.recorded(trial)
    target, identity = _prepare(item, state, target)
    reading = early.reading_of(item)
    if reading is not None and _calls_ahead(item, state):
        plan = [(v, t) for case in reading.ahead(item) for v, t in trials_of(case)]
        reading.queue(Job(target=target, identity=identity, variant=v, trial=t) for v, t in plan)
    return state.responder.called(target, identity, variant, [trial])[0]


def _answers(item: Any, target: Any, variant: Variant) -> Responses:
    suite, state = item.binding.suite, state_of(item.config)
    if suite.recorded:
        return state.responder.on_record(suite, variant)
    target, identity = _prepare(item, state, target)
    return Responses(state.responder.called(target, identity, variant, suite.trials_of(variant)))


def _prepare(item: Any, state: State, target: Any) -> tuple[Any, object]:
    """The target that is really called, and its identity; everything that the session will ask of it is started."""
    if item.binding.suite.modelled:
        from pytest_genaiops.targets import model_target

        target = model_target
    if not callable(target):
        given = type(target).__name__
        raise UsageError(f"the `target` fixture returned {given}; return a callable answer(case, variant)")
    identity = identity_of_item(item)
    if identity not in state.planned and _calls_ahead(item, state):
        state.planned.add(identity)
        state.responder.start(target, identity, _plan(state, item, identity))
    return target, identity


def _calls_ahead(item: Any, state: State) -> bool:
    """Whether trials of other items may be called with the target of this one."""
    return state.ahead and (not state.worker or _lasts(item))


def _lasts(item: Any) -> bool:
    """Whether the item's target lives as long as the session.

    A worker of pytest-xdist runs items in an order that nobody knows beforehand. One that calls ahead of its items
    might otherwise call what has been torn down meanwhile.
    """
    closure = _closure(item)
    return closure["target"].scope == "session" and not closure.keys() & item.callspec.params.keys()


def _plan(state: State, first: Any, identity: object) -> list[tuple[Variant, Trial]]:
    """Every trial that selected items will ask of this target, in the order in which they run.

    Those of which a verdict may need only a part are called as they are needed.

    Of pytest-xdist's workers each begins with its own first item, and takes the items before it last.
    """
    plan: list[tuple[Variant, Trial]] = []
    before = 0
    for item in state.items:
        if item is first:
            before = len(plan)
        binding: Binding | None = getattr(item, "binding", None)
        if binding is None or binding.suite.recorded:
            continue
        if not binding.wants & {"response", "responses", "baseline"}:
            continue
        if early.may_end(item, state.settings):
            continue
        if identity_of_item(item) == identity:
            plan.extend(trials_of(item))
    return plan[before:] + plan[:before]


def trials_of(item: Any) -> list[tuple[Variant, Trial]]:
    """What an item asks of its target: its own trials and those of the baseline."""
    binding = item.binding
    suite = binding.suite
    variants = [binding.variant] if binding.wants & {"response", "responses"} else []
    if "baseline" in binding.wants and suite.baseline is not None:
        variants.append(suite.baseline)
    if item.case is None:
        return [(variant, trial) for variant in variants for trial in suite.trials_of(variant)]
    return [(variant, suite.trial(variant, item.case, item.trial)) for variant in variants]


def identity_of_item(item: Any) -> object:
    """What makes the target of an item, as :func:`identity_of` tells it; worked out once for the cases of a test."""
    recipe = getattr(item, "recipe", None)  # the cases of one test and variant share it
    return identity_of(item) if recipe is None else recipe.identity


def identity_of(item: Any) -> object:
    """What makes the item's target: its fixture and all that this one stands on, each with its parameter.

    The same for every item that would get the same target, in every process, and different as soon as one of
    those fixtures is overridden or parametrized otherwise. What a fixture makes of its process (a folder of its own,
    the name of a worker) does not make another target: one call stands for all.
    """
    return tuple(
        (name, fixture.baseid, fixture.func.__module__, fixture.func.__qualname__, _parameter(item, name, fixture))
        for name, fixture in sorted(_closure(item).items())
    )


def _closure(item: Any) -> dict[str, Any]:
    """The fixture behind the item's target and those that it stands on, by name."""
    found: dict[str, Any] = {}
    waiting = ["target"]
    while waiting:
        name = waiting.pop()
        if name in found or name in BY_KEY:
            continue
        known = item._fixtureinfo.name2fixturedefs
        definitions = known.get(name) or item.session._fixturemanager.getfixturedefs(name, item)
        if definitions:
            found[name] = definitions[-1]
            waiting.extend(definitions[-1].argnames)
    return found


def _parameter(item: Any, name: str, fixture: Any) -> str:
    """The parameter of a fixture: plain values as they are, others by their place in the list that they come from."""
    if name not in item.callspec.params:
        return ""
    value = item.callspec.params[name]
    if value is None or isinstance(value, str | int | float):
        return repr(value)
    of_test = fixture.params is None or any(name in argnames(mark) for mark in item.iter_markers("parametrize"))
    return f"{item.nodeid.partition('[')[0] if of_test else ''}[{item.callspec.indices[name]}]"


def argnames(mark: Any) -> set[str]:
    """The names that a ``parametrize`` mark gives values to."""
    names = mark.args[0] if mark.args else mark.kwargs.get("argnames", "")
    return set(re.split(r"[\s,]+", names) if isinstance(names, str) else names)


def _running() -> Any:
    """The suite's item whose arguments are asked for."""
    item = RUNNING_ITEM.get()
    if item is None:
        mend = 'add @pytest.mark.genaiops(dataset="<name>") to the test'
        pytest.fail(f"the test asks for a fixture that belongs to suites; {mend}", pytrace=False)
    return item


def _target(item: Any) -> Any:
    """The target of an item that is being set up, whether its own turn has come or not."""
    arguments = item.funcargs
    if "target" not in arguments:
        arguments["target"] = item._request.getfixturevalue("target")
    return arguments["target"]


def _metric_provider(name: str) -> Callable[[Any], MetricHandle]:
    return lambda item: metric_handle(item.config, name)


PROVIDERS: dict[str, Callable[[Any], Any]] = {
    "request": lambda item: item._request,
    "target": lambda item: None,
    "variant": lambda item: item.binding.variant,
    "case": lambda item: item.case,
    "response": lambda item: _response(item, _target(item)),
    **{name: _metric_provider(name) for name in METRICS},
}
"""Fixtures that a CaseItem fills without pytest's fixture machinery."""
