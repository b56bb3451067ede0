"""How often each unit (case, or cluster) is drawn in a bootstrap resample: rows of counts, in blocks of bounded size.

A resample of n units draws n times with replacement, so its counts follow a multinomial law. Three ways to get them:

- :func:`choices`: one draw after the other, as numpy's ``choice`` and thus sacrebleu draw;
- :func:`resampled`: for many units, independent Poisson counts topped up to n draws;
- :func:`merged`: for many equal units, one binomial count for each kind of unit.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Matrix: TypeAlias = NDArray[np.float64]
    Counts: TypeAlias = NDArray[np.uint8]

ENTRIES_AT_ONCE = 1 << 18
"""Counts held in memory at a time: 2 MB as doubles, whatever the numbers of units and resamples.

A part of what a seed means: other blocks draw other resamples.
"""

MANY = 1000
"""Units from which on Poisson counts cost less than single draws."""

REMEMBERED = 1 << 25
"""Counts up to which those last drawn are kept, a byte each: every score of one dataset is resampled alike."""

SLACK = 2.0
"""Standard deviations by which Poisson totals stay below the number of draws; one in 44 exceeds it all the same."""


def choices(units: int, resamples: int, seed: int) -> Iterator[Matrix]:
    """The draws of numpy's ``default_rng(seed).choice(units, size=(resamples, units))``, counted."""
    import numpy as np

    generator = np.random.default_rng(seed)
    block = max(1, ENTRIES_AT_ONCE // 4 // units)  # single draws weigh more than counts do
    for start in range(0, resamples, block):
        size = min(block, resamples - start)
        drawn = generator.integers(0, units, size=(size, units))
        drawn += np.arange(size)[:, None] * units
        yield np.bincount(drawn.ravel(), minlength=size * units).reshape(size, units).astype(np.float64)


def resampled(units: int, resamples: int, seed: int) -> Iterator[Matrix]:
    """Counts with the same law as those of :func:`choices`, about three times as fast where units are many.

    Independent Poisson counts, given their total, are multinomial, and stay so when further uniform draws are added.
    So each row gets Poisson counts of a mean a little below 1, and then the draws that are missing to n. A row that
    got more than n is thrown away: which units a row drew does not depend on how often it drew. A block is
    good until the next one is asked for.
    """
    import numpy as np

    if units < MANY:
        yield from choices(units, resamples, seed)
        return
    block = np.empty((max(1, ENTRIES_AT_ONCE // units), units))
    drawn = _remembered if units * resamples <= REMEMBERED else _drawn
    for counts in drawn(units, resamples, seed):
        np.copyto(block[: len(counts)], counts)
        yield block[: len(counts)]


@lru_cache(maxsize=1)
def _remembered(units: int, resamples: int, seed: int) -> Sequence[Counts]:
    return tuple(_drawn(units, resamples, seed))


def _drawn(units: int, resamples: int, seed: int) -> Iterator[Counts]:
    import numpy as np

    generator = np.random.default_rng(seed)
    law = _law(1 - SLACK / math.sqrt(units))
    rows = max(1, ENTRIES_AT_ONCE // units)
    while resamples > 0:
        counts = _poisson(generator, law, rows * units).reshape(rows, units)
        good = min(_topped_up(generator, counts), resamples)
        yield counts[:good]
        resamples -= good


def merged(sizes: Sequence[int], resamples: int, seed: int) -> Iterator[Matrix]:
    """How often a unit of each kind is drawn, where ``sizes`` says how many units are of one kind."""
    import numpy as np

    generator = np.random.default_rng(seed)
    units = sum(sizes)
    shares = np.asarray(sizes) / units
    block = max(1, ENTRIES_AT_ONCE // len(sizes))
    for start in range(0, resamples, block):
        yield generator.multinomial(units, shares, size=min(block, resamples - start)).astype(np.float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Law:
    """A Poisson law as a mixture of one whose probabilities are 256ths, to be had from bytes, and a rare rest.

    The limits are upper ones, of the counts 0, 1, 2 ...: a number that reaches k limits stands for the count k.
    """

    bytes_below: list[int]
    rest: float
    """Share of the counts that follow the other law."""
    rest_below: list[float]


def _law(mean: float) -> _Law:
    chances = [math.exp(-mean)]
    while chances[-1] > 1e-12 or len(chances) <= mean:
        chances.append(chances[-1] * mean / len(chances))
    # Whole 256ths, rounded down; those left over go where they overshoot the least.
    bytes_of = [math.floor(256 * chance) for chance in chances]
    for _ in range(256 - sum(bytes_of)):
        bytes_of[max(range(len(chances)), key=lambda count: chances[count] / (bytes_of[count] + 1))] += 1
    common = min(256 * chance / number for chance, number in zip(chances, bytes_of, strict=True) if number)
    others = [chance - common * number / 256 for chance, number in zip(chances, bytes_of, strict=True)]
    below = list(itertools.accumulate(others))
    return _Law(
        bytes_below=[limit for limit in itertools.accumulate(bytes_of) if limit < 256],
        rest=1 - common,
        rest_below=[limit / below[-1] for limit in below[:-1] if limit < below[-1]],
    )


def _poisson(generator: np.random.Generator, law: _Law, size: int) -> NDArray[np.uint8]:
    import numpy as np

    words = generator.bit_generator.random_raw(-(-size // 8))
    counts = _levels(words.astype("<u8", copy=False).view(np.uint8)[:size], law.bytes_below)
    # Gaps between independent events of one probability are geometric: cheaper than a number for every count.
    expected = size * law.rest
    gaps = generator.standard_exponential(math.ceil(expected + 8 * math.sqrt(expected) + 8)) / -math.log1p(-law.rest)
    places = np.cumsum(gaps.astype(np.intp) + 1) - 1
    places = places[: np.searchsorted(places, size)]
    counts[places] = _levels(generator.random(len(places)), law.rest_below)
    return counts


def _levels(numbers: NDArray[Any], limits: Sequence[float]) -> NDArray[np.uint8]:
    """How many of the limits each number reaches."""
    import numpy as np

    levels = (numbers >= limits[0]).view(np.uint8)
    reached = np.empty(len(numbers), dtype=np.bool_)
    for limit in limits[1:]:
        np.greater_equal(numbers, limit, out=reached)
        levels += reached.view(np.uint8)
    return levels


def _topped_up(generator: np.random.Generator, counts: NDArray[np.uint8]) -> int:
    """Add the draws that rows lack, and move rows with too many out of the way; how many good rows stand first."""
    import numpy as np

    units = counts.shape[1]
    missing = units - counts.sum(axis=1, dtype=np.uint32).astype(np.intp)
    good = len(counts)
    for row in np.flatnonzero(missing < 0)[::-1]:
        good -= 1
        counts[row], missing[row] = counts[good], missing[good]
    more = np.repeat(np.arange(good) * units, missing[:good])
    more += generator.integers(0, units, size=len(more))
    np.add.at(counts.reshape(-1), more, np.uint8(1))
    return good
