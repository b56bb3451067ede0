"""From pairs that differ to an order with ties: rank ranges, and letters that tied items share."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from pytest_genaiops.errors import MetricError

Wins = Collection[tuple[int, int]]
"""Pairs of items that a comparison separates: (the better one, the worse one)."""


def rank_ranges(size: int, wins: Wins) -> tuple[tuple[int, int], ...]:
    """Best and worst rank (from 1) that each of ``size`` items may have: above what it beats, below what beats it.

    Where the chance of any false win is at most alpha (Holm), all true ranks lie in their ranges at once with a
    confidence of 1 - alpha (Al Mohamad, Goeman and van Zwet 2022, *Simultaneous confidence intervals for ranks*,
    Biometrics 78). Raises MetricError for an item outside 0 ... size - 1, or one that is compared with itself.
    """
    _check(size, wins)
    first, last = [1] * size, [size] * size
    for better, worse in set(wins):
        last[better] -= 1
        first[worse] += 1
    return tuple(zip(first, last, strict=True))


def letters(size: int, wins: Wins) -> tuple[str, ...]:
    """Compact letter display: two items share a letter if and only if no comparison separates them.

    Insert and absorb (Piepho 2004, *An algorithm for a letter-based representation of all-pairwise comparisons*,
    Journal of Computational and Graphical Statistics 13). Letters go by their first item, so that items in the order
    of their scores have them in order: ``a``, ``ab``, ``b``. After ``z`` comes ``a2``. Raises MetricError as
    :func:`rank_ranges` does.
    """
    _check(size, wins)
    columns = {frozenset(range(size))} if size else set()
    for a, b in sorted({(min(pair), max(pair)) for pair in wins}):
        joined = {column for column in columns if a in column and b in column}
        parted = {column - {one} for column in joined for one in (a, b)}
        columns = _absorbed(columns - joined, parted)
    ordered = sorted(map(sorted, columns))
    names = [
        chr(ord("a") + place % 26) + (str(place // 26 + 1) if place >= 26 else "") for place in range(len(ordered))
    ]
    return tuple(
        "".join(name for name, column in zip(names, ordered, strict=True) if item in column) for item in range(size)
    )


def _absorbed(kept: set[frozenset[int]], parted: Iterable[frozenset[int]]) -> set[frozenset[int]]:
    """The columns with those parted ones that no other column holds already."""
    # A kept column is in no parted one: it would have been in the column that was parted.
    for column in sorted(parted, key=len, reverse=True):
        if not any(column <= other for other in kept):
            kept.add(column)
    return kept


def _check(size: int, wins: Wins) -> None:
    for pair in wins:
        if pair[0] == pair[1] or not all(0 <= item < size for item in pair):
            raise MetricError(f"the pair {pair} is no pair of two among {size} items; count items from 0")
