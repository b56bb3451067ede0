"""Whether two indexes give the same results, such as one that was updated and one that was built anew."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

from pytest_genaiops.dataset.text import listed, quoted
from pytest_genaiops.grounding.index import BY_VECTOR, Hit, Mode, Query
from pytest_genaiops.grounding.probe_asking import Asked
from pytest_genaiops.grounding.probe_result import Finding, ProbeResult, distinct

TOLERANCE = 1e-5
"""Relative difference up to which two scores are equal: engines add in single precision, in any order."""

_PARTS: tuple[Mode, ...] = ("full-text", "vector")
_DEEP = 50
"""Results of a part that hybrid search may go by."""


def same(one: Asked, other: Asked, queries: Sequence[Query], k: int) -> ProbeResult:
    """Ask both the same, and compare ids and their order; what has equal scores may change places."""
    findings = list(_modes(one, other))
    shared = [mode for mode in one.index.modes if mode in other.index.modes]
    for mode in shared:
        compared = 0
        for query in queries:
            if mode in BY_VECTOR and query.embedding is None:
                one.unprobed(f"{mode} search: {quoted(query.text)} has no embedding; give embed=", mode=mode)
                continue
            left, right = one.search(query, mode, k), other.search(query, mode, k)
            if left is None or right is None:
                continue
            compared += bool(left or right)
            difference = differing(left, right, k)
            if difference and mode == "hybrid" and (tied := _tied(one, other, query, k)):
                difference = _differing_without(tied, left, right)
            if difference:
                message = f"{mode} search for {quoted(query.text)}: {difference}"
                findings.append(Finding(kind="results", message=message, mode=mode))
        if not compared:
            one.unprobed(f"{mode} search found nothing in either index, so that nothing was compared", mode=mode)
    looked = (*one.looked, *other.looked)
    return ProbeResult(check="same_as", findings=distinct([*findings, *one.faults, *other.faults]), looked=looked)


def differing(left: Sequence[Hit], right: Sequence[Hit], k: int) -> str:
    """How the second list of hits differs from the first, in words; empty where it does not.

    Hits whose scores are equal (to ``TOLERANCE``) are in no order. Those that tie with the last of ``k`` hits may be
    others. Hits without scores are in the order in which they came.
    """
    one, two = ([hit.id for hit in hits] for hits in (left, right))
    if one == two:
        return ""
    lost = [hit.id for hit in left if hit.id not in two and not _cut(hit, right, k)]
    more = [hit.id for hit in right if hit.id not in one and not _cut(hit, left, k)]
    parts = [f"only the {which} has {listed(names)}" for which, names in (("first", lost), ("second", more)) if names]
    if parts:
        return "; ".join(parts)
    if len(one) != len(two):
        return f"{len(one)} results in the first, {len(two)} in the second"
    ours, theirs = _blocks(left), _blocks(right)
    for name in one:
        if name in theirs and (ours[name].stop <= theirs[name].start or theirs[name].stop <= ours[name].start):
            return (
                f"{quoted(name)} is at rank {one.index(name) + 1} in the first, at {two.index(name) + 1} in the second"
            )
    return ""


def _tied(one: Asked, other: Asked, query: Query, k: int) -> frozenset[str]:
    """Ids that may change places within ties of the searches that a hybrid one is made of.

    Fusion by ranks gives these other scores, and other hits the scores that they had. An engine may break a tie
    another way at each call, so that all of it counts, moved or not. None where the parts themselves differ.
    """
    tied: set[str] = set()
    for mode in _PARTS:
        if mode in one.index.modes and mode in other.index.modes:
            left, right = (asked.search(query, mode, max(k, _DEEP)) or () for asked in (one, other))
            if differing(left, right, max(k, _DEEP)):
                return frozenset()
            tied.update(name for hits in (left, right) for name, block in _blocks(hits).items() if len(block) > 1)
    return frozenset(tied)


def _differing_without(tied: frozenset[str], left: Sequence[Hit], right: Sequence[Hit]) -> str:
    one, two = ([hit for hit in hits if hit.id not in tied] for hits in (left, right))
    both = min(len(one), len(two))  # what ties may have pushed others out
    return differing(one[:both], two[:both], both)


def _blocks(hits: Sequence[Hit]) -> dict[str, range]:
    """The places that each hit may have: those of all hits in a row with equal scores."""
    breaks = [place for place in range(1, len(hits)) if not _equal(hits[place - 1].score, hits[place].score)]
    blocks = [range(start, stop) for start, stop in pairwise([0, *breaks, len(hits)])]
    return {hits[place].id: block for block in blocks for place in block}


def _cut(hit: Hit, others: Sequence[Hit], k: int) -> bool:
    """Whether a hit that the others lack ties with the last of them, so that it may have been cut off."""
    return bool(others) and len(others) >= k and _equal(hit.score, others[-1].score)


def _equal(one: float | None, two: float | None) -> bool:
    """Whether two scores are; what is no number, as services send it, equals nothing."""
    numbers = isinstance(one, int | float) and isinstance(two, int | float)
    return numbers and math.isclose(one, two, rel_tol=TOLERANCE, abs_tol=1e-12)  # type: ignore[arg-type]


def _modes(one: Asked, other: Asked) -> Iterator[Finding]:
    ours, theirs = set(one.index.modes), set(other.index.modes)
    odd: list[Mode] = [mode for mode in (*one.index.modes, *other.index.modes) if mode in ours ^ theirs]
    for mode in odd:
        which = "first" if mode in ours else "second"
        message = f"only the {which} index has {mode} search, so that it was not compared"
        yield Finding(kind="unprobed", message=message, mode=mode)
