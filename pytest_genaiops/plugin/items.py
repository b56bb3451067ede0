"""The items of suites that are judged case by case, and the gate behind them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Self, TypeVar, cast

import pytest
from _pytest._code.code import ReprFileLocation, TerminalRepr
from _pytest._io import TerminalWriter
from _pytest.mark.structures import NodeKeywords
from _pytest.skipping import xfailed_key

from pytest_genaiops.plugin.coverage import refuse_silent_errors
from pytest_genaiops.plugin.early import UNNEEDED, Decision, GateReading, skip_where_not_needed
from pytest_genaiops.plugin.quiet import Later
from pytest_genaiops.plugin.recipe import Recipe
from pytest_genaiops.plugin.session import RUNNING_ITEM, Binding, Progress, state_of
from pytest_genaiops.records import Case, Outcome, Verdict
from pytest_genaiops.report.text import visible
from pytest_genaiops.score.watching import WATCH
from pytest_genaiops.statistics import Sample, Summary, summarize

NOT_PASSED: Mapping[str, Sequence[str | None]] = {
    "missed": ["missed"],
    "no result": ["lost", "failed"],
    "not run": [None],
}
NAMED = 10
"""Cases of each kind that a gate names when it does not pass."""

Item = TypeVar("Item", bound=pytest.Function)


def cluster_of(case: Case, trials: int) -> str | None:
    """What a case depends on together with others: its cluster, or itself over its trials; None where nothing."""
    if case.cluster is not None:
        return f"cluster {case.cluster}"
    return f"case {case.id}" if trials > 1 else None


def copy_of(function: Any, cls: type[Item], *more: str) -> Item:
    """The function as an item of another class, with further elements in its id."""
    callspec = function.callspec
    if more:
        callspec = replace(callspec, _idlist=[*callspec._idlist, *more])
    parameters = callspec.id
    item: Item = cls.from_parent(
        function.parent,
        name=f"{function.originalname}[{parameters}]",
        callspec=callspec,
        keywords={parameters: True},
        fixtureinfo=function._fixtureinfo,
        originalname=function.originalname,
    )
    return item


def callspec_of(item: Any) -> Any:
    """The parameters of a case: those of its test and variant, with one element more in the id."""
    callspec = item.recipe.callspec
    more = item.name[len(f"{item.originalname}[{callspec.id}-") : -1]
    return replace(callspec, _idlist=[*callspec._idlist, more])


def keywords_of(item: Any) -> NodeKeywords:
    """What pytest makes of a function when it is collected; whoever asks may change it."""
    item.touched = True
    keywords = NodeKeywords(item)
    keywords.update((mark.name, mark) for mark in item.own_markers)
    keywords.update(item.obj.__dict__)
    keywords[item.callspec.id] = True
    return keywords


class SuiteItem(pytest.Function):
    """A test function under one variant: a pytest.Function in every respect, which knows what it evaluates."""

    # Slots, because an instance with so many attributes more than pytest's gets a dict of its own: 800 bytes a case.
    __slots__ = ("binding", "case", "failed_within", "progress", "running", "trial")

    binding: Binding
    progress: Progress | None
    """What this run of the item asked for; None before and after."""
    running: bool
    """True while the test function runs."""
    failed_within: bool
    """True once a subtest has failed."""
    case: Case | None
    trial: int

    @classmethod
    def like(cls, function: Any, binding: Binding, *more: str) -> Self:
        """The function's item, with more in its id: ``test_grounded[v2]`` -> ``test_grounded[v2-case17]``."""
        item = copy_of(function, cls, *more)
        item.binding, item.case, item.trial = binding, None, 1
        item.progress, item.running, item.failed_within = None, False, False
        return item

    def setup(self) -> None:
        """Scores asked for from here on belong to this item."""
        self.watch()
        super().setup()

    def watch(self) -> None:
        """Have every score noted, and fixtures made for this item, from here on."""
        RUNNING_ITEM.set(self)
        state = state_of(self.config)
        state.record.start()
        self.progress = Progress(self.binding.rules, self.binding.demand, state.measurements.judging)
        self.failed_within = False
        WATCH.set(self.progress)

    def runtest(self) -> None:
        """A test that passes over responses or scores that are missing has not passed, nor may it be skipped."""
        assert self.progress is not None
        self.running = True
        try:
            super().runtest()
            self.progress.settle()
        except pytest.skip.Exception:
            self.progress.freeze()
            refuse_silent_errors(self.progress)
            raise
        finally:
            self.running = False
        refuse_silent_errors(self.progress)

    def teardown(self) -> None:
        """Scores asked for from here on belong to nobody."""
        WATCH.set(None)
        RUNNING_ITEM.set(None)
        super().teardown()


class CaseItem(SuiteItem):
    """A test function on one case of one variant.

    The plugin's own fixtures are handed over directly instead of through the fixture machinery,
    which would cost more than most metrics do.
    """

    __slots__ = ("gate", "recipe", "touched")

    gate: PassRateItem | None
    recipe: Recipe
    touched: bool
    """Whether anybody has asked for the keywords, and may have changed them."""

    location = Later(lambda item: item.recipe.location_of(item.name), keep=False)
    stash = Later(lambda item: pytest.Stash())
    _store = Later(lambda item: item.stash)  # its former name
    extra_keyword_matches = Later(lambda item: set())
    user_properties = Later(lambda item: [])
    _report_sections = Later(lambda item: [])
    keywords = Later(keywords_of)
    callspec = Later(callspec_of)

    @classmethod
    def of(cls, function: Any, binding: Binding, recipe: Recipe, case: Case, *, trial: int, name: str) -> CaseItem:
        """The item of one case, with ``name`` in its id."""
        item = cls.like(function, binding, name)
        item.recipe, item.case, item.trial, item.gate, item.touched = recipe, case, trial, None, False
        if recipe.sparing:
            del item.extra_keyword_matches, item.user_properties, item._report_sections, item.keywords
            del item.stash, item._store
        else:
            item.location = recipe.location_of(item.name)
        return item

    def drop_parameters(self) -> None:
        """Drop the parameters, which pytest orders items by, unless somebody has given the case others."""
        if self.recipe.sparing and self.callspec.params is self.recipe.callspec.params:
            del self.callspec

    def forget(self) -> None:
        """Drop what held something while the case ran and holds nothing now; it is made again when it is asked for."""
        for name in ("user_properties", "_report_sections"):
            if not getattr(self, name):
                delattr(self, name)
        if self.stash.get(xfailed_key, self) is None:  # no such mark
            del self.stash[xfailed_key]
        if not self.stash:
            del self.stash

    @property
    def ihook(self) -> Any:
        """pytest's hooks, less what its own plugins would do where nothing happens; see LeanHooks."""
        return self.recipe.hooks

    def setup(self) -> None:
        """Fill the test's arguments, in pytest's own order."""
        recipe, arguments = self.recipe, self.funcargs
        self.watch()
        skip_where_not_needed(self)
        for name, provider in recipe.steps:
            if name not in arguments:
                arguments[name] = provider(self)
        recipe.warmed()


class Refusal(pytest.Collector):
    """A suite that cannot run: a collection error of one sentence, in the place of its test."""

    class Sentence(TerminalRepr):
        """The sentence, as the report and as the reason in pytest's short summary."""

        def __init__(self, text: str) -> None:
            self.reprcrash = ReprFileLocation("", 0, text)
            self.text = text

        def toterminal(self, tw: TerminalWriter) -> None:
            """Write it in red, as pytest does with collection errors."""
            tw.line(self.text, red=True)

    def __init__(self, *, reason: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.reason = reason

    def collect(self) -> list[pytest.Item]:
        """Refuse, with the reason as the whole report."""
        raise self.CollectError(self.reason)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> TerminalRepr:
        """The reason alone: a traceback into the library tells nobody anything."""
        return self.Sentence(str(excinfo.value))


class Unmatched(pytest.Item):
    """Fails a worker of pytest-xdist on an option that selects nothing: a usage error would only kill the worker."""

    def __init__(self, *, reason: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.reason = reason

    def runtest(self) -> None:
        """Fail with the reason."""
        pytest.fail(self.reason, pytrace=False)


class PassRateItem(pytest.Function):
    """The gate over a variant's cases: passes while the share of passed cases keeps the budget.

    A pytest.Function for its id and its markers, so that ``--lf`` and ``-m`` know it with its test; it
    needs no fixtures and calls no test.
    """

    cases: Sequence[CaseItem]
    reading: GateReading | None = None
    """What decides whether the rest of the cases is needed; None where all of them run."""
    verdict: Verdict | None = None
    """What the gate has decided; None before it has."""
    lacks_results = False
    """True once the gate has failed because cases have no result, and not by those that have one."""

    @classmethod
    def over(cls, function: Any, cases: Sequence[CaseItem]) -> PassRateItem:
        """The gate of these cases."""
        gate = copy_of(function, cls, "pass_rate")
        gate.cases = cases
        for item in cases:
            item.gate = gate
        return gate

    @property
    def order(self) -> Sequence[CaseItem]:
        """The cases in the order in which they run."""
        return self.cases if self.reading is None else self.reading.order

    def setup(self) -> None:
        """Nothing to set up."""

    def runtest(self) -> None:
        """Count the outcomes of the cases and fail unless enough of them passed."""
        nodeids = [item.nodeid for item in self.cases]
        found = state_of(self.config).outcomes.wait_for(nodeids)
        counts, budget = Counter(found.values()), self.cases[0].binding.suite.pass_rate or 1.0
        early = self.reading.look() if self.reading is not None and counts[UNNEEDED] else None
        if early is None:
            del counts[UNNEEDED]  # this process has not heard of what decided: to it they were not run
        share = self._share(found)
        sentence, good = verdict(counts, len(nodeids), budget, early.why if early else self._words(share), early)
        self.verdict = self._verdict(sentence, counts, share)
        self.user_properties.append(("genaiops", sentence))
        self.lacks_results = self.verdict.outcome == "undecided" and counts["lost"] > 0
        if not good:
            pytest.fail("\n".join([sentence, *self._named(found)]), pytrace=False)

    def _share(self, outcomes: Mapping[str, str]) -> Summary | None:
        """The share of passed cases; trials of a case, and cases of a cluster, are one unit. None if none is judged."""
        judged = [item for item in self.cases if outcomes.get(item.nodeid) in ("passed", "missed")]
        if not judged:
            return None
        values = [float(outcomes[item.nodeid] == "passed") for item in judged]
        suite = judged[0].binding.suite
        sample = Sample(
            statistics=[(value,) for value in values],
            values=values,
            score=lambda total, n: float(total[0]) / n,
            is_mean=True,
            clusters=[cluster_of(item.case, suite.trials) or item.nodeid for item in judged if item.case],
        )
        return summarize(sample, confidence=self.cases[0].binding.rules.confidence)

    def _words(self, share: Summary | None) -> str:
        if share is None:
            return ""
        low, high = share.interval
        return f"{100 * self.cases[0].binding.rules.confidence:.6g} % interval {low:.1%} to {high:.1%}"

    def _verdict(self, sentence: str, counts: Counter[str], share: Summary | None) -> Verdict:
        """What the record has of the gate."""
        judged, unneeded = counts["passed"] + counts["missed"], counts[UNNEEDED]
        return Verdict(
            outcome=cast("Outcome", sentence.partition(":")[0]),
            reason=sentence,
            value=share.value if share else None,
            interval=share.interval if share else None,
            confidence=self.cases[0].binding.rules.confidence,
            n=judged,
            unscored=len(self.cases) - judged - unneeded - counts["skipped"],
            method=share.method if share else "",
            clusters=share.clusters if share else None,
            not_needed=unneeded,
            rule="pass_rate",
            limits={"threshold": self.cases[0].binding.suite.pass_rate or 1.0},
        )

    def _named(self, outcomes: Mapping[str, str]) -> Iterator[str]:
        """The cases that did not pass, by what became of them; the first few of each kind."""
        for what, kinds in NOT_PASSED.items():
            cases = [item for item in self.cases if outcomes.get(item.nodeid) in kinds]
            names = [visible(item.case.id if item.case else item.name) for item in cases]
            if any(item.binding.suite.trials > 1 for item in cases):
                names = [f"{name} (trial {item.trial})" for name, item in zip(names, cases, strict=True)]
            more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
            if names:
                yield f"{what}: {', '.join(names[:NAMED])}{more}"


def verdict(
    outcomes: Counter[str], cases: int, budget: float, bounds: str, early: Decision | None = None
) -> tuple[str, bool]:
    """The gate's sentence, and whether it passes; ``early`` is what decided it where some cases were not needed.

    ``bounds`` is the interval of the share, in words.

    A case that has no result (its target failed, it was not run) is no miss: no budget pays for it.
    """
    passed, missed, skipped = outcomes["passed"], outcomes["missed"], outcomes["skipped"]
    judged = passed + missed
    lost = _lost(outcomes, cases)
    note = f", {skipped} skipped" if skipped else ""
    if not judged:
        why = f": {' and '.join(lost)}" if lost else ""
        return f"undecided: none of {cases} cases was judged{note}{why}", False
    share = (
        f"{passed} of {judged} cases passed ({passed / judged:.1%}, {bounds}{note}); the budget asks for {budget:.1%}"
    )
    if unneeded := outcomes[UNNEEDED]:
        share += f"; {unneeded} case{'' if unneeded == 1 else 's'} not needed"
    if early.outcome == "failed" if early else passed < budget * judged - 1e-9:
        return f"failed: {share}", False
    if lost:
        return f"undecided: {share}, but {' and '.join(lost)}", False
    return f"passed: {share}", True


def _lost(outcomes: Counter[str], cases: int) -> list[str]:
    """What keeps a gate from passing, whatever the share."""
    no_result, not_run = outcomes["lost"] + outcomes["failed"], cases - sum(outcomes.values())
    lost = [f"{no_result} {'has' if no_result == 1 else 'have'} no result"] if no_result else []
    return lost + ([f"{not_run} {'was' if not_run == 1 else 'were'} not run"] if not_run else [])
