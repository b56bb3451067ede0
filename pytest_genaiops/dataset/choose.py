"""Which rows of a dataset a run takes: those of some slices, or a seeded sample."""

from __future__ import annotations

import hashlib
import heapq
from array import array
from collections.abc import Iterable, Sequence
from itertools import chain

from pytest_genaiops.dataset.text import listed, near, quoted
from pytest_genaiops.errors import DatasetError
from pytest_genaiops.records import Case
from pytest_genaiops.sequences import chosen


def in_slices(cases: Sequence[Case], slices: Sequence[tuple[str, str]]) -> Sequence[Case]:
    """The cases that have, of every tag named, one of the values given for it; in their order."""
    if not slices:
        return cases
    wanted: dict[str, set[str]] = {}
    for tag, value in slices:
        wanted.setdefault(tag, set()).add(value)
    tests = wanted.items()
    return chosen(
        cases,
        array("q", (i for i, case in enumerate(cases) if all(case.slices.get(tag) in values for tag, values in tests))),
    )


def unknown_slice(sources: Iterable[Sequence[Case]], slices: Sequence[tuple[str, str]]) -> str | None:
    """What is wrong with slices of which none of these cases knows one; None where each is known."""
    missing, known = dict.fromkeys(slices), dict[str, set[str]]()
    for case in chain.from_iterable(sources):
        for tag, value in case.slices.items():
            known.setdefault(tag, set()).add(value)
            missing.pop((tag, value), None)
        if not missing:
            return None
    tag, value = next(iter(missing))
    if not known:
        return f"no case is in a slice; add a column slice_{tag} to the dataset"
    if tag not in known:
        return f"there is no slice {quoted(tag)}{near(tag, known)}; there are {listed(sorted(known))}"
    what = f"the slice {quoted(tag)} has no value {quoted(value)}{near(value, known[tag])}"
    return f"{what}; it has {listed(sorted(known[tag]))}"


def sample(cases: Sequence[Case], limit: int, seed: int) -> Sequence[Case]:
    """At most ``limit`` cases, drawn by ``seed`` and kept in their order.

    A case is in or out by a hash of the seed and its id, so that a row added later displaces at
    most one other, and two variants of one dataset see the same rows. Raises DatasetError for a
    limit below 1.
    """
    if limit < 1:
        raise DatasetError(f"a limit of {limit} leaves no cases; make it 1 or more")
    if limit >= len(cases):
        return cases
    names = (f"{seed}:{case.id}".encode("utf-8", "surrogatepass") for case in cases)
    ranks = ((hashlib.sha256(name).digest(), position) for position, name in enumerate(names))
    return chosen(cases, array("q", sorted(position for _, position in heapq.nsmallest(limit, ranks))))
