"""What the page says before anybody opens a case: verdicts, changes, scores, slices and plots of one suite."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pytest_genaiops.report.document import ChangeView, ItemView, MetricView, ScoreView, SuiteView, VerdictView
from pytest_genaiops.report.html.factors import Factors, factors
from pytest_genaiops.report.html.pack import Values, finite, head
from pytest_genaiops.report.html.plots import BOX, Axis, Bar, Histogram, axis, bar, binned, histogram
from pytest_genaiops.report.html.wording import figure, headline

WORST = 5
"""Cases that are named for each verdict that did not pass."""
MOST_ITEMS = 100
"""Items that are listed; the case table has all of them."""
MOST_SLICES = 200
"""Rows of slices for each metric."""
MANY = 12
"""Variants up to which everything is shown of each."""
FEW = 6
"""So many of more variants than those have slices and distributions."""
LOUD = 10
"""Verdicts that did not pass which stand open; further ones are folded away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """A case whose value is worse than the baseline's."""

    id: str
    head: str
    before: float
    after: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A verdict with its place in a plot and the cases behind it."""

    view: VerdictView
    scale: tuple[float | None, float | None]
    compares: bool
    """Whether its value is a change against the baseline."""
    bar: Bar | None
    worst: Sequence[Lost]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRow:
    """A change with its bar, and which way it goes for sure."""

    view: ChangeView
    bar: Bar | None
    direction: str
    """``better`` or ``worse`` where the interval leaves no change out; empty otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreRow:
    """A score with its bar."""

    view: ScoreView
    bar: Bar | None
    baseline: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One metric of a suite."""

    metric: MetricView
    scores: Sequence[ScoreRow]
    changes: Sequence[ChangeRow]
    slices: Sequence[ChangeRow | ScoreRow]
    more_slices: int
    words: str
    """The range of its values, where there are too many variants to be taken in at a glance."""
    moved: str
    """How many variants are better, worse, or neither for sure."""
    spread: Sequence[tuple[str, Histogram | None]]
    """Variant -> its cases' values."""
    differences: Sequence[tuple[str, Histogram | None]]
    """Variant -> differences from the baseline, case by case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """One suite."""

    view: SuiteView
    slug: str
    words: str
    """What became of its gates and items."""
    decisions: Sequence[Decision]
    factors: Factors | None
    sections: Sequence[Section]
    items: Sequence[ItemView]
    more_items: int
    prompts: Sequence[tuple[str, str]]
    """Names of the variants that have a prompt, and the prompt; each prompt once."""
    many: bool
    """Whether there are so many variants that metrics are folded away."""


_ORDER = {"failed": 0, "undecided": 1, "passed": 2}
_CALM = ("passed", "skipped", "")


def overview(suite: SuiteView, slug: str, values: Values) -> Overview:
    """Everything that the template shows of the suite."""
    sections = [_section(suite, metric, values) for metric in suite.metrics]
    loud = [item for item in suite.items if item.outcome not in _CALM]
    loud.sort(key=lambda item: item.outcome == "missed")
    decisions = sorted(suite.verdicts, key=lambda each: _ORDER.get(each.outcome, 1))
    return Overview(
        view=suite,
        slug=slug,
        words=headline([suite])[1],
        decisions=[_decision(suite, verdict, values) for verdict in decisions],
        factors=factors(suite),
        sections=sections,
        items=loud[:MOST_ITEMS],
        more_items=max(0, len(loud) - MOST_ITEMS),
        prompts=_prompts(suite),
        many=len(suite.variants) > MANY,
    )


def _section(suite: SuiteView, metric: MetricView, values: Values) -> Section:
    scores = [each for each in suite.scores if each.metric == metric.name]
    changes = [each for each in suite.changes if each.metric == metric.name]
    order = {each.variant: at for at, each in enumerate(_best_first(suite, scores, metric))}
    whole = sorted((each for each in scores if not each.slice), key=lambda each: order[each.variant])
    chosen = _chosen(suite, [each.variant for each in whole])
    moved = [each for each in changes if each.slice and each.variant in chosen]
    slices: list[ChangeRow | ScoreRow] = [*_change_rows(moved, metric)]
    slices = slices or [*_score_rows([each for each in scores if each.slice and each.variant in chosen], suite)]
    paired = sorted((each for each in changes if not each.slice), key=lambda each: order.get(each.variant, len(order)))
    rows = _change_rows(paired, metric)
    return Section(
        metric=metric,
        scores=_score_rows(whole, suite),
        changes=rows,
        slices=slices[:MOST_SLICES],
        more_slices=max(0, len(slices) - MOST_SLICES),
        words=_range(whole, metric),
        moved=_moved(rows),
        spread=_spread({name: values[name, metric.name] for name in chosen}, metric),
        differences=_differences(suite, metric, values, chosen),
    )


def _best_first(suite: SuiteView, scores: Sequence[ScoreView], metric: MetricView) -> list[ScoreView]:
    """One score of each variant over all cases: of many the best first, else in the suite's order."""
    whole = [each for each in scores if not each.slice]
    sign = -1.0 if metric.higher_is_better else 1.0
    if len(suite.variants) <= MANY:
        return whole
    return sorted(whole, key=lambda each: math.inf if each.value is None else sign * each.value)


def _chosen(suite: SuiteView, best: Sequence[str]) -> list[str]:
    """Variants with slices and distributions: of many the baseline, some that failed, and the best."""
    names = [each.id for each in suite.variants]
    if len(names) <= MANY:
        return names
    failed = [each.variant for each in suite.verdicts if each.outcome == "failed"]
    kept = [name for name in names if name == suite.baseline] + list(dict.fromkeys(failed))[: FEW // 3]
    wanted = list(dict.fromkeys([*kept, *best, *names]))[:FEW]
    return [name for name in names if name in wanted]


def _range(scores: Sequence[ScoreView], metric: MetricView) -> str:
    known = [value for each in scores if (value := finite(each.value)) is not None]
    return f"{figure(min(known), metric.scale)} to {figure(max(known), metric.scale)}" if known else "unscored"


def _moved(rows: Sequence[ChangeRow]) -> str:
    counts = Counter(each.direction or "unclear" for each in rows)
    return ", ".join(f"{counts[word]:,} {word}" for word in ("better", "worse", "unclear") if counts[word])


def _prompts(suite: SuiteView) -> list[tuple[str, str]]:
    """Many variants of a matrix have the same prompt."""
    having: dict[str, list[str]] = {}
    for each in suite.variants:
        if each.prompt:
            having.setdefault(each.prompt, []).append(each.id)
    return [
        (names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more", prompt)
        for prompt, names in having.items()
    ]


def _change_rows(changes: Sequence[ChangeView], metric: MetricView) -> list[ChangeRow]:
    on = axis(_ends(changes), line=0.0)
    return [
        ChangeRow(view=each, bar=bar(each.change, each.interval, on, 0.0), direction=_direction(each, metric))
        for each in changes
    ]


def _score_rows(scores: Sequence[ScoreView], suite: SuiteView) -> list[ScoreRow]:
    on = axis(_ends(scores))
    known = {each.slice: each.value for each in scores if each.variant == suite.baseline}
    return [
        ScoreRow(
            view=each,
            bar=bar(each.value, each.interval, on, known.get(each.slice)),
            baseline=each.variant == suite.baseline,
        )
        for each in scores
    ]


def _ends(rows: Sequence[ChangeView] | Sequence[ScoreView]) -> Iterator[float | None]:
    for each in rows:
        yield each.change if isinstance(each, ChangeView) else each.value
        yield from each.interval or ()


def _direction(change: ChangeView, metric: MetricView) -> str:
    low, high = change.interval or (None, None)
    if low is not None and low > 0:
        return "better" if metric.higher_is_better else "worse"
    if high is not None and high < 0:
        return "worse" if metric.higher_is_better else "better"
    return ""


def _spread(values: Mapping[str, Sequence[float | None]], metric: MetricView) -> list[tuple[str, Histogram | None]]:
    on = axis((value for column in values.values() for value in column), width=BOX[0], scale=metric.scale)
    return _histograms({name: _known(column) for name, column in values.items()}, on, zero=False)


def _differences(
    suite: SuiteView, metric: MetricView, values: Values, chosen: Sequence[str]
) -> list[tuple[str, Histogram | None]]:
    if suite.baseline is None or (suite.baseline, metric.name) not in values:
        return []
    before = values[suite.baseline, metric.name]
    found = {
        name: [
            new - old
            for old, new in zip(before, values[name, metric.name], strict=True)
            if old is not None and new is not None
        ]
        for name in chosen
        if name != suite.baseline
    }
    ends = [value for column in found.values() for value in column]
    # As far to the left as to the right of zero, so that a shift shows.
    on = axis((*ends, *(-value for value in ends)), line=0.0, width=BOX[0])
    return _histograms(found, on, zero=True)


def _histograms(
    columns: Mapping[str, Sequence[float]], on: Axis | None, *, zero: bool
) -> list[tuple[str, Histogram | None]]:
    if on is None:
        return []
    most = max((max(binned(column, on)) for column in columns.values() if column), default=0)
    return [(name, histogram(column, on, most, zero=zero)) for name, column in columns.items()]


def _known(column: Sequence[float | None]) -> list[float]:
    return [value for value in column if value is not None]


def _decision(suite: SuiteView, verdict: VerdictView, values: Values) -> Decision:
    metric = next((each for each in suite.metrics if each.name == verdict.metric), None)
    change = next(
        (
            each
            for each in suite.changes
            if (each.variant, each.metric, each.slice) == (verdict.variant, verdict.metric, "")
        ),
        None,
    )
    compares = change is not None and change.change is not None and change.change == verdict.value
    line = 0.0 if compares else None
    # Changes of one metric stand on one axis, so that its verdicts can be compared by eye.
    others = [each for each in suite.changes if each.metric == verdict.metric and not each.slice] if compares else []
    on = axis((verdict.value, *(verdict.interval or ()), *_ends(others)), line=line)
    return Decision(
        view=verdict,
        scale=metric.scale if metric else (0.0, 1.0),
        compares=compares,
        bar=bar(verdict.value, verdict.interval, on, line),
        worst=_worst(suite, metric, verdict, values) if metric and verdict.outcome != "passed" else (),
    )


def _worst(suite: SuiteView, metric: MetricView, verdict: VerdictView, values: Values) -> list[Lost]:
    """The cases that lost most against the baseline."""
    before = values.get((suite.baseline or "", metric.name))
    after = values.get((verdict.variant, metric.name))
    if before is None or after is None or verdict.variant == suite.baseline:
        return []
    sign = 1 if metric.higher_is_better else -1
    lost = [
        (sign * (new - old), at, old, new)
        for at, (old, new) in enumerate(zip(before, after, strict=True))
        if old is not None and new is not None and sign * (new - old) < 0
    ]
    lost.sort()
    return [
        Lost(id=suite.cases[at].id, head=head(suite.cases[at]), before=old, after=new)
        for _, at, old, new in lost[:WORST]
    ]
