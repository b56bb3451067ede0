"""Whether a committed entry is still about what a suite judges now."""

from __future__ import annotations

from pytest_genaiops.baselines.entry import Baseline, Entry
from pytest_genaiops.errors import UsageError

ANEW = "write it anew with --genaiops-update-baseline"
_DIGITS = 12
"""Digits of a hash that messages show."""


def check_fit(baseline: Baseline, key: str, now: Entry, *, shown: str) -> Entry:
    """The entry of this name, where it fits what the suite judges now.

    Args:
        baseline: what is committed.
        key: name of the entry.
        now: the suite as it is: its dataset and trials; the rest is not looked at.
        shown: path of the file, for messages.

    Raises:
        UsageError: there is no such entry, or it is of another dataset or number of trials; names the field.
    """
    entry = baseline.entries.get(key)
    if entry is None:
        there = ", ".join(sorted(baseline.entries))
        raise UsageError(f"{shown}: variants has no {key!r} (it has {there}); {ANEW}")
    if entry.dataset_hash != now.dataset_hash:
        raise UsageError(
            f"{shown}: variants.{key}.dataset.hash is {entry.dataset_hash[:_DIGITS]} of {entry.dataset!r}, but the "
            f"suite judges {now.dataset_hash[:_DIGITS]} of {now.dataset!r}: the cases are not the same; "
            f"{ANEW} (`genaiops data diff` shows what changed)"
        )
    if entry.trials != now.trials:
        raise UsageError(f"{shown}: variants.{key}.trials is {entry.trials}, but the suite has {now.trials}; {ANEW}")
    return entry
