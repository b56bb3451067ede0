"""Markers to items: one per variant, or one per variant and case with a gate behind them."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from functools import partial
from typing import Any

import pytest

from pytest_genaiops.baselines import entry_key
from pytest_genaiops.dataset import unknown_slice
from pytest_genaiops.errors import GenaiopsError, UsageError
from pytest_genaiops.plugin import early
from pytest_genaiops.plugin.certificates import ARGUMENT, demand_of
from pytest_genaiops.plugin.committed import committed_ids
from pytest_genaiops.plugin.fixtures import argnames
from pytest_genaiops.plugin.handed import handed_in, in_marker
from pytest_genaiops.plugin.items import CaseItem, PassRateItem, Refusal, SuiteItem
from pytest_genaiops.plugin.recipe import Recipe
from pytest_genaiops.plugin.session import Binding, State, state_of
from pytest_genaiops.registry import did_you_mean
from pytest_genaiops.report.text import visible
from pytest_genaiops.run import Spec, Suite
from pytest_genaiops.variants import Variant

ONE_CASE = {"case", "response"}
WHOLE_DATASET = {"responses", "variant", "baseline"}
OURS = ONE_CASE | WHOLE_DATASET


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """The parameter of the ``variant`` fixture: which suite, which variant."""

    suite: Suite
    variant: Variant


def parametrize(metafunc: pytest.Metafunc) -> None:
    """Work out the suite of a marked test and give it one parameter set per variant.

    What is wrong with it is kept for :func:`expand`, which turns it into a collection error of
    this test alone: raised here, it would take the module's other tests with it.
    """
    definition = metafunc.definition
    state = state_of(definition.config)
    try:
        _check_test(definition)
        state.demands[_key(definition)] = demand_of(_arguments(definition).get(ARGUMENT), state.settings.root)
        spec, committed = _spec(definition, state), partial(committed_ids, definition.config, _key(definition))
        suite: Suite | str = state.suite(spec, has_target=_overrides_target(definition), committed=committed)
    except GenaiopsError as error:
        suite = str(error)
    state.plans[_key(definition)] = suite
    if isinstance(suite, Suite):
        choices = [Choice(suite, variant) for variant in suite.variants]
        ids = [variant.id.replace("::", ":") for variant in suite.variants]  # pytest escapes them itself
        metafunc.parametrize("variant", choices, ids=ids, indirect=True)


def expand(collector: pytest.Collector, made: list[Any]) -> Any:
    """The items of a marked test: as they are for a whole dataset, multiplied by the cases otherwise."""
    state = state_of(collector.config)
    plan = state.plans.get(_key(made[0]))
    if plan is None:
        return made
    if isinstance(plan, str):
        return _refusal(collector, made[0], plan)
    if not plan.variants:
        return []
    items: list[pytest.Item] = []
    rules = state.settings.rules(plan.coverage)
    entries = [_entry(function) for function in made]
    for function, entry in zip(made, entries, strict=True):
        binding = Binding(
            suite=plan,
            title=function.nodeid.partition("[")[0],
            variant=function.callspec.params["variant"].variant,
            rules=rules,
            wants=frozenset(function.fixturenames),
            entry=entry,
            entries=tuple(entries),
            demand=state.demands.get(_key(made[0])),
        )
        wants = binding.wants
        if wants & ONE_CASE and plan.cases:
            items.extend(_cases(collector, function, binding))
        else:
            items.append(SuiteItem.like(function, binding))
    twice = [nodeid for nodeid, count in Counter(item.nodeid for item in items).items() if count > 1]
    if twice:
        shared = twice[0].rpartition("::")[2]
        return _refusal(collector, made[0], f"two of its items would have the id {shared}; rename a variant or a case")
    return items


def _entry(function: Any) -> str:
    """The name of what an item scores in the test's committed baseline: its variant, and the test's own parameters."""
    variant, ids = function.callspec.params["variant"].variant.id, list(function.callspec._idlist)
    shown = {variant.replace("::", ":"), _escaped(variant)}
    own = next((i for i, name in enumerate(ids) if name in shown), None)
    return entry_key(variant, "-".join(ids if own is None else ids[:own] + ids[own + 1 :]))


def refuse_testcase(collector: pytest.Collector, name: str) -> Refusal:
    """The refusal of a unittest.TestCase with the marker: such a class gets no fixtures."""
    refusal: Refusal = Refusal.from_parent(
        collector,
        name=name,
        reason=f"{name}: a unittest.TestCase takes no fixtures; write the suite as a plain function",
    )
    state_of(collector.config).refused.add(refusal.nodeid)
    return refusal


def _refusal(collector: pytest.Collector, function: Any, reason: str) -> Refusal:
    path, line, _ = function.location
    where = f"{path}:{(line or 0) + 1}: {function.originalname}: "
    refusal: Refusal = Refusal.from_parent(collector, name=function.originalname, reason=visible(where + reason))
    state_of(collector.config).refused.add(refusal.nodeid)
    return refusal


def _cases(collector: pytest.Collector, function: Any, binding: Binding) -> Iterable[pytest.Item]:
    suite, recipe = binding.suite, Recipe(function, recorded=binding.suite.recorded)
    items = []
    for case in suite.cases:
        name = _escaped(case.id)
        for trial in range(1, suite.trials + 1):
            with_trial = name if suite.trials == 1 else f"{name}-t{trial}"
            items.append(CaseItem.of(function, binding, recipe, case, trial=trial, name=with_trial))
    if suite.pass_rate is None:
        return items
    gate, state = PassRateItem.over(function, items), state_of(function.config)
    if early.applies(state.settings, suite):
        gate.reading = early.GateReading(items, state)
    return [*gate.order, gate]


def _check_test(definition: Any) -> None:
    """Refuse what no suite can be: an async function, own parameters for the plugin's fixtures, no or two grains."""
    asked = set(definition.fixturenames)
    if inspect.iscoroutinefunction(definition.obj):
        raise UsageError("a suite's test is a plain function: write def, and leave the concurrency to the plugin")
    for mark in definition.iter_markers("parametrize"):
        taken = OURS & argnames(mark)
        if taken:
            raise UsageError(f"`{min(taken)}` comes from the marker; choose another name for the parameter")
    if asked & ONE_CASE and "responses" in asked:
        raise UsageError(
            "the test asks for `responses` (the whole dataset) and for `response` or `case` (one case); take one"
        )
    if not asked & (ONE_CASE | WHOLE_DATASET):
        near = next((m for name in sorted(asked) for m in get_close_matches(name, OURS, n=1)), None)
        hint = f" (did you mean `{near}`?)" if near else ""
        raise UsageError(
            f"the test has the genaiops marker but asks for none of `responses`, `response`, `case`, `variant`{hint}"
        )


def _spec(definition: Any, state: State) -> Spec:
    """What the suite runs, by the marker's arguments."""
    arguments = _arguments(definition)
    arguments.pop(ARGUMENT, None)
    if "dataset" in arguments:
        arguments["dataset"] = in_marker(arguments["dataset"])
    elif (dataset := handed_in(definition, state)) is not None:
        arguments["dataset"] = dataset
    spec = Spec.of(arguments)
    if spec.pass_rate is not None and not ONE_CASE & set(definition.fixturenames):
        raise UsageError(
            "pass_rate counts cases, but the test judges the whole dataset at once; ask for `response` or `case`"
        )
    return spec


def _arguments(definition: Any) -> dict[str, Any]:
    """The marker's arguments; the closest marker wins, name by name, over those of class and module."""
    arguments: dict[str, Any] = {}
    for mark in reversed(list(definition.iter_markers("genaiops"))):
        if mark.args:
            raise UsageError(f"genaiops takes named arguments only: dataset={mark.args[0]!r}")
        arguments.update(mark.kwargs)
    return arguments


def _overrides_target(definition: Any) -> bool:
    """Whether the closest ``target`` fixture is the user's own and not the plugin's."""
    found = definition._fixtureinfo.name2fixturedefs.get("target") or definition.session._fixturemanager.getfixturedefs(
        "target", definition
    )
    return bool(found) and found[-1].func.__module__ != "pytest_genaiops.plugin.hooks"


def _key(function: Any) -> str:
    return f"{function.parent.nodeid}::{function.originalname}"


def _escaped(name: str) -> str:
    """An id fit for a node id: what a terminal cannot show is escaped, as pytest does with its own."""
    escaped = name.encode("unicode_escape").decode("ascii").replace("::", ":")
    return name if escaped == name else escaped  # one text less to keep


def check_selection(state: State) -> str | None:
    """What is wrong with an option that no suite of the session can follow: it would do nothing and look green."""
    baseline, slices = state.settings.baseline, state.settings.slices
    suites = [plan for plan in state.plans.values() if isinstance(plan, Suite)]
    for glob in state.settings.variants if suites else ():
        if not any(fnmatchcase(variant.id, glob) for suite in suites for variant in suite.variants):
            return f"--genaiops-variant={glob!r} matches no variant of the collected suites"
    if baseline is not None and suites and not any(s.baseline and s.baseline.id == baseline for s in suites):
        known = sorted({variant.id for suite in suites for variant in suite.variants})
        return (
            f"--genaiops-baseline={baseline!r} is no variant of the collected suites; {did_you_mean(baseline, known)}"
        )
    if slices and suites:
        wrong = unknown_slice({id(suite.dataset): suite.dataset.cases for suite in suites}.values(), slices)
        return f"--genaiops-slice: in the collected suites {wrong}" if wrong else None
    return None


def out_of_slices(items: Iterable[pytest.Item]) -> dict[pytest.Item, None]:
    """Items of suites that have no case in the slices asked for, in their order."""
    return {item: None for item in items if isinstance(item, SuiteItem) and not item.binding.suite.cases}
