"""The items of suites that are judged case by case, and the gate behind them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from pytest_genaiops.plugin.fixtures import PROVIDERS, provided
from pytest_genaiops.plugin.session import Binding, state_of
from pytest_genaiops.statistics import Sample, interval


class CaseItem(pytest.Function):
    """One test function on one case of one variant.

    A pytest.Function in every respect; only the plugin's own fixtures are handed over directly
    instead of through the fixture machinery, which would cost more than most metrics do.
    """

    binding: Binding
    gate: PassRateItem | None = None

    @classmethod
    def like(cls, function: Any, case: str) -> CaseItem:
        """The function's item for one more element of the id: ``test_grounded[v2]`` -> ``test_grounded[v2-case17]``."""
        callspec = replace(function.callspec, _idlist=[*function.callspec._idlist, case])
        item: CaseItem = cls.from_parent(
            function.parent,
            name=f"{function.originalname}[{callspec.id}]",
            callspec=callspec,
            fixtureinfo=function._fixtureinfo,
            originalname=function.originalname,
        )
        return item

    def setup(self) -> None:
        """Fill the test's arguments, in pytest's own order."""
        for name in self.fixturenames:
            if name not in self.funcargs:
                provider = PROVIDERS.get(name)
                if provider is not None and provided(self, name):
                    self.funcargs[name] = provider(self)
                else:
                    self.funcargs[name] = self._request.getfixturevalue(name)


class Refusal(pytest.Collector):
    """A suite that cannot run: a collection error of one sentence, in the place of its test."""

    def __init__(self, *, reason: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.reason = reason

    def collect(self) -> list[pytest.Item]:
        raise self.CollectError(self.reason)


class PassRateItem(pytest.Item):
    """The gate over a variant's cases: passes while the share of passed cases keeps the budget."""

    cases: Sequence[CaseItem]
    binding: Binding

    @classmethod
    def over(cls, collector: pytest.Collector, function: Any, cases: Sequence[CaseItem]) -> PassRateItem:
        """The gate of these cases; it carries the test's own markers, so that ``-m`` selects it with them."""
        prefix = function.nodeid.rpartition("[")[2].removesuffix("]")
        gate: PassRateItem = cls.from_parent(collector, name=f"{function.originalname}[{prefix}-pass_rate]")
        gate.cases = cases
        gate.binding = cases[0].binding
        gate.own_markers.extend(function.own_markers)
        gate.keywords.update({mark.name: mark for mark in function.own_markers})
        for item in cases:
            item.gate = gate
        return gate

    def runtest(self) -> None:
        """Count the outcomes of the cases and fail unless enough of them passed."""
        nodeids = [item.nodeid for item in self.cases]
        found = state_of(self.config).outcomes.wait_for(nodeids)
        sentence, good = verdict(Counter(found.values()), len(nodeids), self.binding.suite.pass_rate or 1.0)
        self.user_properties.append(("genaiops", sentence))
        if not good:
            pytest.fail(sentence, pytrace=False)

    def reportinfo(self) -> tuple[Any, int | None, str]:
        path, line, _ = self.cases[0].reportinfo()
        return path, line, self.name


def verdict(outcomes: Counter[str], cases: int, budget: float) -> tuple[str, bool]:
    """The gate's sentence, and whether it passes.

    A case that has no result (its target failed, it was not run) is no miss: no budget pays for it.
    """
    passed, missed, skipped = outcomes["passed"], outcomes["missed"], outcomes["skipped"]
    judged = passed + missed
    lost = [f"{outcomes['failed']} have no result"] if outcomes["failed"] else []
    not_run = cases - sum(outcomes.values())
    lost += [f"{not_run} were not run"] if not_run else []
    note = f", {skipped} skipped" if skipped else ""
    if not judged:
        return f"undecided: none of {cases} cases was judged{note}", False
    low, high = _interval(passed, missed)
    share = (
        f"{passed} of {judged} cases passed ({passed / judged:.1%}, 95 % interval {low:.1%} to {high:.1%}{note}); "
        f"the budget asks for {budget:.1%}"
    )
    if passed < budget * judged - 1e-9:
        return f"failed: {share}", False
    if lost:
        return f"undecided: {share}, but {' and '.join(lost)}", False
    return f"passed: {share}", True


def _interval(passed: int, missed: int) -> tuple[float, float]:
    """95 % interval of the share of passed cases."""
    values = [1.0] * passed + [0.0] * missed
    rows = [(value,) for value in values]
    return interval(Sample(statistics=rows, values=values, score=lambda total, n: float(total[0] / n), is_mean=True))
