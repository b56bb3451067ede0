"""Properties that JUnit XML, and whatever else reads reports, has of a suite's items and of the session."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from _pytest.junitxml import xml_key

from pytest_genaiops.plugin.items import PassRateItem, SuiteItem
from pytest_genaiops.plugin.noted import metric_of
from pytest_genaiops.plugin.recorded import Record
from pytest_genaiops.recording.origin import git
from pytest_genaiops.records import Verdict
from pytest_genaiops.report.table import Row
from pytest_genaiops.report.text import excerpt

MOST = 40
"""Properties of one item."""
PREFIX = "genaiops"


def note(item: pytest.Item, report: Any) -> None:
    """Give an item and its report the numbers behind it, when its test has been called.

    Items over whole datasets and gates always have them; a case has them where a JUnit file is written, for that a
    case costs next to nothing is worth more elsewhere.
    """
    if report.when != "call":
        return
    if isinstance(item, PassRateItem):
        found = list(_gate(item.verdict)) if item.verdict is not None else []
    elif isinstance(item, SuiteItem) and (item.case is None or item.config.getoption("xmlpath", None)):
        found = list(_item(item, report))[:MOST]
    else:
        return
    for holder in (item, report):
        holder.user_properties.extend(found)


def _item(item: SuiteItem, report: Any) -> Iterator[tuple[str, str]]:
    facts = getattr(report, "genaiops", None)
    if facts is None or item.progress is None:
        return
    yield f"{PREFIX}.outcome", facts["outcome"]
    for score, verdict in item.progress.verdicts:
        name = f"{PREFIX}.{excerpt(score.name, 80)}"
        yield from _verdict(name, verdict)
        if metric_of(score) is None:  # values of the test's own: no row below is theirs
            interval = verdict.interval if verdict.value == score.value else None
            yield from _numbers(name, score.value, interval, (score.n, score.unscored))
    for row in map(Row.of, facts["rows"]):
        if not row.slice:
            name = f"{PREFIX}.{excerpt(row.metric, 80)}"
            yield from _numbers(name, row.value, row.interval, (row.n, row.unscored))


def _gate(verdict: Verdict) -> Iterator[tuple[str, str]]:
    name = f"{PREFIX}.pass_rate"
    yield from _verdict(name, verdict)
    yield from _numbers(name, verdict.value, verdict.interval, (verdict.n, verdict.unscored))


def _verdict(name: str, verdict: Verdict) -> Iterator[tuple[str, str]]:
    yield f"{name}.verdict", verdict.outcome
    yield f"{name}.reason", excerpt(verdict.reason, 400)
    if verdict.required_n is not None:
        yield f"{name}.required_n", str(verdict.required_n)
    if verdict.rule:
        yield f"{name}.rule", verdict.rule
    for limit, value in verdict.limits.items():
        yield f"{name}.limit.{limit}", repr(float(value))


def _numbers(
    name: str, value: float | None, interval: tuple[float, float] | None, counts: tuple[int, int]
) -> Iterator[tuple[str, str]]:
    """``counts`` are n and how many are unscored."""
    if value is not None:
        yield f"{name}.value", repr(float(value))
    if interval is not None:
        yield f"{name}.low", repr(float(interval[0]))
        yield f"{name}.high", repr(float(interval[1]))
    yield f"{name}.n", str(counts[0])
    yield f"{name}.unscored", str(counts[1])


class Session:
    """What a JUnit file has of the whole session."""

    def __init__(self) -> None:
        self._datasets: dict[str, str] = {}

    def add(self, report: Any) -> None:
        """Take a report, before what it carries is taken off it."""
        facts = getattr(report, "genaiops", None)
        if facts is not None:
            self._datasets[facts["dataset"]] = facts["data"]

    def tell(self, config: pytest.Config, record: Record) -> None:
        """Add the run, the commit and the datasets, where a JUnit file is written and a suite ran."""
        xml = config.stash.get(xml_key, None)
        if xml is None or not self._datasets:
            return
        sha = git(config.rootpath).get("sha")
        found = {"run": record.run if record.begun else "", "git": sha or ""}
        found |= {f"dataset.{excerpt(name, 80)}": value for name, value in list(self._datasets.items())[:MOST]}
        for name, value in found.items():
            if value:
                xml.add_global_property(f"{PREFIX}.{name}", value)
