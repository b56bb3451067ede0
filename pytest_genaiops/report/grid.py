"""Tables of a suite as Markdown: variants and metrics, slices, prompts, and what answers took."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterator
from itertools import islice

from pytest_genaiops.report.document import ChangeView, MetricView, ScoreView, SuiteView, VerdictView
from pytest_genaiops.report.gfm import WIDTH, block, code, inert, table
from pytest_genaiops.report.text import bound, number, visible
from pytest_genaiops.report.words import money

ROWS = 60
"""Rows of a table."""
SLICES = 20
"""Rows of the table of slices."""
PROMPT_LINES = 60
"""Lines of a prompt's difference."""
_PROMPT = 20_000
"""Characters of a prompt that are compared."""
_SIGNS = {"passed": "✅", "failed": "❌", "undecided": "⚠️"}
NOTHING = "–"
_GAP = "\N{NO-BREAK SPACE}"
"""Within a number with its interval, so that a row takes few lines."""


def scores(suite: SuiteView) -> list[str]:
    """A row for each metric and variant: value, n, change against the baseline, verdict; then why there is no score."""
    verdicts: dict[tuple[str, str], list[VerdictView]] = {}
    for verdict in suite.verdicts:
        verdicts.setdefault((verdict.metric, verdict.variant), []).append(verdict)
    rates = [(("", each.variant), _rate(each)) for each in suite.verdicts if not each.metric]
    values = {(each.metric, each.variant): each for each in suite.scores if not each.slice}
    changes = {(each.metric, each.variant): each for each in suite.changes if not each.slice}
    rows = [*rates]
    for metric in suite.metrics:
        for variant in suite.variants:
            key = metric.name, variant.id
            found = values.get(key), changes.get(key)
            if any(found) or key in verdicts:
                cells = [_name(metric), code(variant.id), *_score(metric, *found)]
                rows.append((key, [*cells[:-1], "*baseline*"] if variant.id == suite.baseline else cells))
    complete = [[*row, "<br>".join(map(_verdict, verdicts.get(key, ())))] for key, row in rows]
    # Where there is no room for all, what did not pass is shown.
    order = sorted(range(len(rows)), key=lambda at: all(v.outcome == "passed" for v in verdicts.get(rows[at][0], ())))
    shown = [complete[at] for at in sorted(order[:ROWS])]
    head = ["metric", "variant", "value", "n", f"against {code(suite.baseline or 'the baseline')}", "verdict"]
    if not suite.changes:
        head, shown = [*head[:4], head[5]], [[*row[:4], row[5]] for row in shown]
    lines = table(head, shown, right=(2, 3)) if shown else []
    lines += ["", f"{len(rows) - ROWS:,} further rows are not shown."] if len(rows) > ROWS else []
    return lines + _unscored(suite)


def _name(metric: MetricView) -> str:
    return f"{code(metric.name)}{_GAP}{'↑' if metric.higher_is_better else '↓'}"


def _rate(verdict: VerdictView) -> list[str]:
    value = NOTHING if verdict.value is None else f"**{verdict.value:.1%}**"
    return [
        "pass rate ↑",
        code(verdict.variant),
        value + _bounds(verdict.interval, "{:.1%}".format),
        str(verdict.n),
        "",
    ]


def _score(metric: MetricView, score: ScoreView | None, change: ChangeView | None) -> list[str]:
    scale = _scale(metric)
    value, n = NOTHING, NOTHING
    if score is not None:
        value = "unscored" if score.value is None else f"**{number(score.value, scale)}**"
        value += _bounds(score.interval, lambda end: bound(end, scale))
        n = f"{score.n:,}" + (f"{_GAP}of{_GAP}{score.n + score.unscored:,}" if score.unscored else "")
    return [value, n, "" if change is None else _change(change, scale)]


def _change(change: ChangeView, scale: tuple[float, float]) -> str:
    if change.change is None:
        return inert(change.reason, 120) or NOTHING
    counted = f"<br>{change.better:,} better, {change.worse:,} worse" if change.better or change.worse else ""
    ends = _bounds(change.interval, lambda end: f"{'+' if end > 0 else ''}{bound(end, scale)}")
    return f"**{number(change.change, scale, '+')}**{ends}{counted}"


def _bounds(interval: tuple[float | None, float | None] | None, shown: Callable[[float], str]) -> str:
    if interval is None:
        return ""
    low, high = interval
    return f"{_GAP}\\[{'−∞' if low is None else shown(low)},{_GAP}{'∞' if high is None else shown(high)}\\]"


def _verdict(verdict: VerdictView) -> str:
    words = f"{_SIGNS.get(verdict.outcome, '')} {inert(verdict.outcome, 20)}".strip()
    if verdict.outcome == "undecided":
        words += f", {verdict.required_n:,} cases would decide" if verdict.required_n else ""
        words += " (only warns)" if verdict.tolerated else ""
    return words


def _unscored(suite: SuiteView) -> list[str]:
    reasons: dict[tuple[str, str], int] = {}
    for score in suite.scores:
        for reason, count in score.reasons.items() if not score.slice else ():
            key = score.variant, reason
            reasons[key] = max(reasons.get(key, 0), count)
    lines = [f"- {code(variant)}: {count:,} × {inert(reason, 200)}" for (variant, reason), count in reasons.items()]
    more = [f"- and {len(lines) - 10:,} more reasons"] if len(lines) > 10 else []
    return ["", "Without a score:", "", *lines[:10], *more] if lines else []


def slices(suite: SuiteView) -> list[str]:
    """A row for each slice, metric and variant that changed, the surest change first; scores where there are none."""
    metrics = {each.name: each for each in suite.metrics}
    rows: Iterator[list[str]]
    if any(each.slice for each in suite.changes):
        ordered = sorted(
            (each for each in suite.changes if each.slice and each.change is not None and each.metric in metrics),
            key=lambda each: 1.0 if each.p_value is None else each.p_value,
        )
        head = ["slice", "metric", "variant", "change", "n"]
        rows = (
            [
                code(each.slice), _name(metrics[each.metric]), code(each.variant),
                _change(each, _scale(metrics[each.metric])), f"{each.n:,}",
            ]
            for each in ordered
        )  # fmt: skip
    else:
        head = ["slice", "metric", "variant", "value", "n"]
        rows = (
            [
                code(each.slice), _name(metrics[each.metric]), code(each.variant),
                *_score(metrics[each.metric], each, None)[:2],
            ]
            for each in suite.scores
            if each.slice and each.metric in metrics
        )  # fmt: skip
    every = list(rows)
    more = ["", f"{len(every) - SLICES:,} further rows are not shown."] if len(every) > SLICES else []
    return [*table(head, every[:SLICES], right=(3, 4)), *more] if every else []


def prompt_changes(suite: SuiteView) -> list[str]:
    """The prompt of every variant as a difference from the baseline's."""
    prompts = {each.id: each.prompt for each in suite.variants}
    base = prompts.get(suite.baseline or "")
    if base is None:
        return []
    lines: list[str] = []
    for variant in suite.variants:
        if variant.id != suite.baseline and variant.prompt != base:
            changed = list(_difference(base, variant.prompt))
            more = [f"… {len(changed) - PROMPT_LINES:,} more lines"] if len(changed) > PROMPT_LINES else []
            named = f"{code(suite.baseline or '')} → {code(variant.id)}"
            lines += ["", named + (f": {inert(variant.differs)}" if variant.differs else ""), ""]
            lines += block([*changed[:PROMPT_LINES], *more], "diff")
    return lines[1:]


def _difference(before: str, after: str) -> Iterator[str]:
    old, new = ([visible(line)[: 2 * WIDTH] for line in text[:_PROMPT].split("\n")] for text in (before, after))
    yield from islice(difflib.unified_diff(old, new, lineterm="", n=2), 2, None)  # behind the names of files


def spending(suite: SuiteView) -> list[str]:
    """What the answers of each variant took."""
    if not any(each.tokens or each.latency or each.cost is not None for each in suite.spending):
        return []
    kinds = list(dict.fromkeys(kind for each in suite.spending for kind in each.tokens))[:6]
    times = list(dict.fromkeys(name for each in suite.spending for name in each.latency))[:6]
    costs = any(each.cost is not None for each in suite.spending)
    head = ["variant", "answers", "errors", *(inert(kind.replace("_", " "), 30) for kind in kinds)]
    head += [*(["cost"] if costs else []), *(f"latency {inert(name, 30)}" for name in times)]
    rows = []
    for each in suite.spending[:ROWS]:
        row = [code(each.variant), f"{each.answers:,}", f"{each.errors:,}"]
        row += [f"{each.tokens[kind]:,}" if kind in each.tokens else NOTHING for kind in kinds]
        row += [NOTHING if each.cost is None else money(each.cost)] if costs else []
        row += [_seconds(each.latency.get(name)) for name in times]
        rows.append(row)
    return table(head, rows, right=range(1, len(head)))


def _seconds(value: float | None) -> str:
    return NOTHING if value is None else f"{number(value, (0.0, math.inf))} s"


def _scale(metric: MetricView) -> tuple[float, float]:
    low, high = metric.scale
    return -math.inf if low is None else low, math.inf if high is None else high
