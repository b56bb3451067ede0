"""``genaiops runs show``: what one run found, as it was recorded."""

from __future__ import annotations

import shlex
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any

from pytest_genaiops.cli.output import write
from pytest_genaiops.cli.project import project_of
from pytest_genaiops.cli.runs.recorded import commit, ended, moment, store_of
from pytest_genaiops.config import DEFAULT_CONFIDENCE
from pytest_genaiops.report.listing import WIDTH, paragraph, table
from pytest_genaiops.report.shortlist import MANY
from pytest_genaiops.report.text import bound, excerpt, number, visible
from pytest_genaiops.runs import Run
from pytest_genaiops.runs.spending import spending_of
from pytest_genaiops.store import MetricRow, RunRow, ScoreRow, Store, SuiteRow, VariantRow

if TYPE_CHECKING:
    from pytest_genaiops.report.document import SuiteView

ABOUT = "show one run: its verdicts, scores, outcomes and spending"
RUN = "its id, the beginning of one, or latest (the default), latest~1 and so on"
_ITEMS = 20
"""Verdicts and failures of a suite that are shown."""
_WORST = ("failed", "lost", "missed", "skipped", "passed")
_UNKNOWN = (0.0, 1.0)


def add(parser: ArgumentParser) -> None:
    """It takes the run."""
    parser.add_argument("run_id", metavar="RUN", nargs="?", default="latest", help=RUN)
    parser.set_defaults(run=_run)


def _run(arguments: Namespace) -> int:
    project = project_of(arguments)
    with closing(store_of(arguments)) as store:
        run = store.run(arguments.run_id)
        write(_head(run))
        recorded = Run.open(run.id, root=project.root, folder=project.settings.folder)
        settings = {each.title: [*_settings(each)] for each in recorded.matrices(prices=project.prices)}
        for suite in store.suites(run.id):
            write(["", *_suite(store, suite, run.facts.get("rules") or {}, settings.get(suite.title, ()))])
    return 0


def _settings(suite: SuiteView) -> Iterator[str]:
    """What the settings of a matrix do; or why that cannot be told."""
    if suite.factorial is None:
        for note in suite.notes:
            yield from paragraph(excerpt(note, 400), indent=2)
        return
    from pytest_genaiops.report import factorial  # seldom needed, and the whole document comes with it

    for line in factorial.lines(suite.factorial, WIDTH, first=factorial.judged(suite)):
        yield "".join(cell.text for cell in line).rstrip()


def _head(run: RunRow) -> Iterator[str]:
    yield f"run {visible(run.id)}"
    seconds = "" if run.ended is None else f", {run.ended - run.started:,.1f} s"
    how, code = ended(run), "" if run.exit is None else f"exit {run.exit}"
    yield f"  started {moment(run.started)} UTC{seconds}, {how}{f' ({code})' if code not in ('', how) else ''}"
    facts = run.facts
    if commit(run) != "-":
        git = facts["git"]
        branch = f" on {visible(str(git['branch']))}" if git.get("branch") else ""
        changed = ", with changes that are not committed" if git.get("dirty") else ""
        yield f"  commit {commit(run).rstrip('+')}{branch}{changed}"
    if facts.get("parent"):
        yield f"  judges run {visible(str(facts['parent']))} again"
    command = shlex.join(map(str, facts.get("command") or ()))
    yield from paragraph(excerpt(f"command {command}", 400), indent=2) if command else ()


def _suite(store: Store, suite: SuiteRow, rules: Mapping[str, Any], settings: Sequence[str]) -> Iterator[str]:
    facts, variants = suite.facts, store.variants(suite.id)
    yield visible(suite.title)
    yield f"  dataset {visible(str(facts.get('dataset', '-')))}, {_counted(facts.get('n', 0), 'case')}, " + _counted(
        len(variants), "variant"
    )
    yield from settings
    every = [row for variant in variants for row in _scores(store, variant)]
    scores = every if len(variants) <= MANY else [row for row in every if row[1:3] == (every[0][1], "-")]
    level = f"{100 * rules.get('confidence', DEFAULT_CONFIDENCE):g} % interval"
    yield from (
        table(scores, head=("variant", "score", "slice", "value", level, "n", "unscored"), indent=2) if scores else ()
    )
    if len(scores) < len(every):
        yield f"  {len(every) - len(scores):,} more scores: genaiops report"
    verdicts = [row for variant in variants for row in _verdicts(store, variant)]
    yield from _some(verdicts, "verdicts")
    outcomes = [(visible(variant.name), _outcomes(store, variant)) for variant in variants]
    yield from table([row for row in outcomes if row[1]], indent=2)
    spent = [row for variant in variants if (row := _spent(store, variant))]
    yield from (
        table(spent, head=("variant", "answers", "errors", "tokens", "seconds (median)"), indent=2) if spent else ()
    )


def _scores(store: Store, variant: VariantRow) -> Iterator[tuple[str, ...]]:
    for metric in store.metrics(variant.id):
        for row in store.scores(metric.id):
            scale = _scale(metric, row)
            interval = (
                "-" if row.interval is None else f"[{bound(row.interval[0], scale)}, {bound(row.interval[1], scale)}]"
            )
            shown = number(row.value, scale), interval, f"{row.n:,}", f"{row.unscored:,}"
            yield visible(variant.name), visible(row.name), visible(row.slice) or "-", *shown


def _scale(metric: MetricRow, row: ScoreRow) -> tuple[float, float]:
    return next((part.scale for part in metric.parts if part.name == row.name), _UNKNOWN)


def _verdicts(store: Store, variant: VariantRow) -> Iterator[tuple[str, ...]]:
    for row in store.verdicts(variant.id):
        facts: Mapping[str, Any] = row.facts
        outcome, reason = str(facts.get("outcome", "removed")), str(facts.get("reason", ""))
        yield visible(outcome), excerpt(row.test, 200), excerpt(reason, 400)


def _some(rows: Sequence[tuple[str, ...]], what: str) -> Iterator[str]:
    """The worst first, each as the item and under it the reason."""
    order = {"failed": 0, "undecided": 1}
    for outcome, test, reason in sorted(rows, key=lambda row: order.get(row[0], 2))[:_ITEMS]:
        yield from paragraph(f"{outcome}: {test}", indent=2)
        yield from paragraph(reason, indent=4)
    if len(rows) > _ITEMS:
        yield f"  and {len(rows) - _ITEMS:,} more {what}"


def _outcomes(store: Store, variant: VariantRow) -> str:
    counts = Counter(item.outcome for item in store.items(variant.id))
    known = [name for name in _WORST if counts[name]] + sorted(counts.keys() - set(_WORST))
    return ", ".join(f"{counts[name]:,} {visible(name)}" for name in known)


def _spent(store: Store, variant: VariantRow) -> tuple[str, ...]:
    found = spending_of(variant.name, [row.response for row in store.trials(variant.id)], ())
    if not found.answers and not found.errors:
        return ()
    tokens = ", ".join(f"{count:,} {visible(kind.removesuffix('_tokens'))}" for kind, count in found.tokens.items())
    seconds = f"{found.latency['median']:.3f}" if found.latency else "-"
    return visible(variant.name), f"{found.answers:,}", f"{found.errors:,}", tokens or "-", seconds


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
