"""Variants beside each other: every pair under every score, and their order with ties."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import chain, combinations
from typing import TYPE_CHECKING, Any, TypeAlias

from pytest_genaiops.errors import MetricError
from pytest_genaiops.report.forest import Forest, Stand, forest
from pytest_genaiops.score import Score
from pytest_genaiops.score.table import keys
from pytest_genaiops.sequences import same
from pytest_genaiops.statistics import Difference
from pytest_genaiops.statistics.intervals import RESAMPLES
from pytest_genaiops.statistics.multiplicity import adjusted
from pytest_genaiops.statistics.pairwise import pairwise
from pytest_genaiops.statistics.ranking import letters, rank_ranges
from pytest_genaiops.statistics.sample import Sample, check_settings

if TYPE_CHECKING:
    import pandas as pd

Key: TypeAlias = tuple[str, str]
"""(score, slice): ``("rougeL", "")`` over all cases, ``("rougeL", "topic=law")`` over some."""
Pair: TypeAlias = tuple[str, str]
"""(candidate, baseline)."""

_NUMBERS = ("candidate", "baseline", "change", "value", "low", "high", "p_value", "adjusted_p_value")
"""Columns of a frame that may have gaps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One score of a candidate against a baseline, paired by case."""

    metric: str
    slice: str = ""
    """``tag=value``; empty for all cases."""
    candidate_id: str = ""
    baseline_id: str = ""
    candidate: float | None
    """Score of the candidate over all its scored cases."""
    baseline: float | None
    change: float | None
    """Candidate minus baseline over the cases that both sides scored, on the metric's scale."""
    interval: tuple[float, float] | None
    """Of the change, by itself: not widened for the number of comparisons."""
    p_value: float | None
    """Two-sided, of no difference."""
    adjusted_p_value: float | None
    """Adjusted over all rows of one comparison."""
    n: int
    """Responses that both sides scored."""
    unscored: int
    """Those that either side did not score."""
    reason: str = ""
    """Why there is no change; empty where there is one."""


class Changes(tuple[Change, ...]):
    """The rows of one comparison."""

    __slots__ = ()

    def frame(self) -> pd.DataFrame:
        """One row per change: its fields as columns, the interval as ``low`` and ``high``; NaN where there is none."""
        return _frame(self, Change)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One variant's place in an order with ties."""

    variant: str
    value: float
    interval: tuple[float, float]
    """Of the value, by itself. Variants may differ although their intervals overlap: comparisons are paired."""
    first: int
    """Best rank that the comparisons leave open, from 1."""
    last: int
    """Worst one."""
    letters: str
    """Variants differ if and only if they share no letter."""
    n: int
    unscored: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """Variants in the order of one score, the best first, with ties where comparisons do not separate them."""

    metric: str
    slice: str
    scale: tuple[float, float]
    higher_is_better: bool
    confidence: float
    adjust: str
    comparisons: int
    """Number of comparisons over which the p-values behind the ties were adjusted."""
    standings: tuple[Standing, ...]
    unranked: Mapping[str, str]
    """Variant without a score -> why."""

    def frame(self) -> pd.DataFrame:
        """One row per variant that is ranked: variant, value, low, high, first, last, letters, n, unscored."""
        return _frame(self.standings, Standing)

    def forest(self, width: int = 80, *, ascii_only: bool = False) -> str:
        """The ranking for a terminal: a line each with rank, value, interval as a bar, and letters."""
        rows = [
            Stand(
                name=each.variant,
                value=each.value,
                interval=each.interval,
                ranks=(each.first, each.last),
                letters=each.letters,
                n=each.n,
                unscored=each.unscored,
            )
            for each in self.standings
        ]
        view = Forest(
            metric=self.metric,
            slice=self.slice,
            scale=self.scale,
            higher_is_better=self.higher_is_better,
            confidence=self.confidence,
            adjust=self.adjust,
            comparisons=self.comparisons,
            rows=rows,
            unranked=self.unranked,
        )
        return "\n".join(forest(view, width, ascii_only=ascii_only))

    def __str__(self) -> str:
        return self.forest()


def compare(
    scores: Mapping[str, Mapping[Key, Score]], pairs: Sequence[Pair], *, confidence: float, adjust: str
) -> Changes:
    """Every pair of variants under every score that any variant has; p-values adjusted over all rows.

    ``scores`` holds, by variant, scores over the same cases. A row that cannot be compared stays,
    with a reason. Raises MetricError for a confidence outside (0, 1) and an unknown adjustment.
    """
    check_settings(confidence, RESAMPLES)
    adjusted([], adjust)
    rows: list[Change] = []
    for key in dict.fromkeys(chain.from_iterable(scores.values())):
        rows += _rows(key, {name: own[key] for name, own in scores.items() if key in own}, pairs, confidence)
    values = adjusted([row.p_value for row in rows], adjust)
    return Changes(replace(row, adjusted_p_value=value) for row, value in zip(rows, values, strict=True))


def rank(
    key: Key, scores: Mapping[str, Score], *, confidence: float, adjust: str, changes: Changes | None = None
) -> Ranking:
    """The variants in the order of one score; comparisons of every pair tell which are tied.

    ``scores`` holds at least one. ``changes`` are those of a larger comparison, made at this confidence and with this
    adjustment; by default the pairs under this score are compared and adjusted among themselves. Raises MetricError
    for a confidence outside (0, 1), an unknown adjustment, and changes that lack a pair.
    """
    check_settings(confidence, RESAMPLES)
    some = next(iter(scores.values()))
    reasons = {name: _unusable(name, score) for name, score in scores.items()}
    values = {name: score.value for name, score in scores.items() if score.value is not None and not reasons[name]}
    sign = 1 if some.higher_is_better else -1
    order = sorted(values, key=lambda name: -sign * values[name])
    pairs = list(combinations(order, 2))
    if changes is None:
        changes = compare({name: {key: scores[name]} for name in order}, pairs, confidence=confidence, adjust=adjust)
    own = _of_pairs(changes, key, pairs)
    wins = list(_wins(own, order, sign, 1 - confidence))
    return Ranking(
        metric=key[0],
        slice=key[1],
        scale=some.scale,
        higher_is_better=some.higher_is_better,
        confidence=confidence,
        adjust=adjust,
        comparisons=sum(row.p_value is not None for row in changes),
        standings=_standings({name: values[name] for name in order}, scores, wins, confidence),
        unranked={name: reason for name, reason in reasons.items() if reason},
    )


def _standings(
    values: Mapping[str, float], scores: Mapping[str, Score], wins: Sequence[tuple[int, int]], confidence: float
) -> tuple[Standing, ...]:
    """The places of the variants, whose values come in their order."""
    ranks, shared = rank_ranges(len(values), wins), letters(len(values), wins)
    return tuple(
        Standing(
            variant=name,
            value=value,
            interval=scores[name].interval(confidence),
            first=ranks[place][0],
            last=ranks[place][1],
            letters=shared[place],
            n=scores[name].n,
            unscored=scores[name].unscored,
        )
        for place, (name, value) in enumerate(values.items())
    )


def _of_pairs(changes: Iterable[Change], key: Key, pairs: Sequence[Pair]) -> list[Change]:
    """The changes under one score between these variants, in whichever direction."""
    found = {frozenset((r.candidate_id, r.baseline_id)): r for r in changes if (r.metric, r.slice) == key}
    lacking = [pair for pair in pairs if frozenset(pair) not in found]
    if lacking:
        names = " and ".join(map(repr, lacking[0]))
        raise MetricError(f"the changes lack {names} under {key[0]}; compare all pairs, or leave the changes out")
    return [found[frozenset(pair)] for pair in pairs]


def _wins(changes: Iterable[Change], order: Sequence[str], sign: int, alpha: float) -> Iterator[tuple[int, int]]:
    """Places of the two variants that a comparison separates, the better one first."""
    place = {name: number for number, name in enumerate(order)}
    for row in changes:
        if row.change is not None and row.adjusted_p_value is not None and row.adjusted_p_value <= alpha:
            ours, theirs = place[row.candidate_id], place[row.baseline_id]
            yield (ours, theirs) if sign * row.change > 0 else (theirs, ours)


def _rows(key: Key, scores: Mapping[str, Score], pairs: Sequence[Pair], confidence: float) -> Iterator[Change]:
    """The pairs under one score, p-values not yet adjusted."""
    places = _places(scores)
    gaps = {name: _gaps(score, places[name]) for name, score in scores.items()}
    found = _differences(key[0], scores, (places, gaps), pairs, confidence)
    for pair, (difference, reason) in zip(pairs, found, strict=True):
        candidate, baseline = (scores[name].value if name in scores else None for name in pair)
        n = difference.n if difference else 0
        yield Change(
            metric=key[0],
            slice=key[1],
            candidate_id=pair[0],
            baseline_id=pair[1],
            candidate=candidate,
            baseline=baseline,
            change=difference.value if difference else None,
            interval=difference.interval if difference else None,
            p_value=difference.p_value if difference else None,
            adjusted_p_value=None,
            n=n,
            unscored=_asked([places[name] for name in pair if name in scores], gaps, pair) - n,
            reason=reason,
        )


def _places(scores: Mapping[str, Score]) -> dict[str, Sequence[int]]:
    """For each score, where its table has each of the rows that any of them has; -1 where it has not.

    Rows join by case and trial. A number may be about some cases only, and whether it is about one may take an answer:
    variants that failed on different cases then have different rows.
    """
    tables = {name: score.table for name, score in scores.items()}
    first = next(iter(tables.values()))
    if all(same(table.ids, first.ids) for table in tables.values()):
        return dict.fromkeys(tables, range(len(first.ids)))
    rows = {name: keys(table) for name, table in tables.items()}
    union = list(dict.fromkeys(chain.from_iterable(rows.values())))
    found: dict[str, Sequence[int]] = {}
    for name, own in rows.items():
        at = {row: position for position, row in enumerate(own)}
        found[name] = range(len(own)) if own == union else [at.get(row, -1) for row in union]
    return found


def _gaps(score: Score, places: Sequence[int]) -> frozenset[int]:
    """The joined rows that a score does not have, or has no value of."""
    why = score.why
    return frozenset(row for row, place in enumerate(places) if place < 0 or why[place])


def _asked(places: Sequence[Sequence[int]], gaps: Mapping[str, frozenset[int]], pair: Pair) -> int:
    """How many rows a pair should have: those that both sides have, and those that either one has scored.

    A row that one side is not about, and the other has not scored, is none of theirs.
    """
    if all(isinstance(each, range) for each in places):
        return max(map(len, places), default=0)
    sides = [gaps[name] for name in pair if name in gaps]
    rows = range(max(map(len, places)))
    return sum(all(each[row] >= 0 for each in places) or any(row not in gone for gone in sides) for row in rows)


def _differences(
    metric: str,
    scores: Mapping[str, Score],
    joined: tuple[Mapping[str, Sequence[int]], Mapping[str, frozenset[int]]],
    pairs: Sequence[Pair],
    confidence: float,
) -> list[tuple[Difference | None, str]]:
    """The difference of each pair over the cases that both scored, or why there is none.

    ``joined`` has the places of joined rows and the gaps among them. Pairs that share the same cases are compared
    together: scores that need resampling are resampled once for all.
    """
    places, gaps = joined
    reasons = {name: _unusable(name, score) for name, score in scores.items()}
    found: list[tuple[Difference | None, str]] = []
    together: defaultdict[frozenset[int], list[int]] = defaultdict(list)
    for number, pair in enumerate(pairs):
        absent = [name for name in pair if name not in scores]
        reason = f"{absent[0]} has no {metric}" if absent else reasons[pair[0]] or reasons[pair[1]]
        found.append((None, reason))
        if not reason:
            together[gaps[pair[0]] | gaps[pair[1]]].append(number)
    for missing, numbers in together.items():
        wanted = [pairs[number] for number in numbers]
        told = _on_shared(metric, _samples(scores, places, wanted, missing), wanted, confidence)
        for number, each in zip(numbers, told, strict=True):
            found[number] = each
    return found


def _samples(
    scores: Mapping[str, Score],
    places: Mapping[str, Sequence[int]],
    pairs: Sequence[Pair],
    missing: frozenset[int],
) -> dict[str, Sample]:
    """The scores of some pairs over the joined rows that none of them lacks; empty where there is no such row."""
    names = list(dict.fromkeys(chain.from_iterable(pairs)))
    size = len(places[names[0]])
    rows = [row for row in range(size) if row not in missing] if missing else range(size)
    if not rows:
        return {}
    found = {}
    for name in names:
        own = places[name]
        found[name] = scores[name].sample(rows if isinstance(own, range) else [own[row] for row in rows])
    return found


def _on_shared(
    metric: str, samples: Mapping[str, Sample], pairs: Sequence[Pair], confidence: float
) -> list[tuple[Difference | None, str]]:
    """Pairs whose two sides together lack the same cases."""
    if not samples:
        return [(None, "no case is scored on both sides")] * len(pairs)
    names = list(samples)
    found = pairwise(
        list(samples.values()), [(names.index(a), names.index(b)) for a, b in pairs], confidence=confidence
    )
    n = len(next(iter(samples.values())).values)
    undefined = f"{metric} is undefined on the cases that both sides scored (n = {n})"
    return [(each, "" if each else undefined) for each in found]


def _unusable(name: str, score: Score) -> str:
    """Why a variant's score cannot be compared with any other's; empty where it can."""
    if score.value is None:
        return next((f"nothing of {name} is scored: {why}" for why in score.why if why), "") or (
            f"{score.name} is undefined on the cases of {name}"
        )
    try:
        score.sample()
    except MetricError as error:
        return str(error)
    return ""


def _frame(rows: Sequence[Any], kind: type[Any]) -> pd.DataFrame:
    """Records as rows; a field called ``interval`` becomes the columns ``low`` and ``high``."""
    import pandas as pd

    columns: dict[str, list[Any]] = {}
    for name in (field.name for field in fields(kind)):
        values = [getattr(row, name) for row in rows]
        if name == "interval":
            columns["low"] = [value[0] if value else None for value in values]
            columns["high"] = [value[1] if value else None for value in values]
        else:
            columns[name] = values
    # A column of gaps alone would be one of objects.
    return pd.DataFrame(columns).astype({name: "float64" for name in columns if name in _NUMBERS})
