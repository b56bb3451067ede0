"""The ``baseline`` of a test where it is not a variant of the run: what is committed of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

import pytest

from pytest_genaiops.baselines import Baseline, Entry, check_fit, entry_key, place, read
from pytest_genaiops.errors import UsageError
from pytest_genaiops.plugin.session import Binding, State, state_of
from pytest_genaiops.records import Response
from pytest_genaiops.report.text import visible
from pytest_genaiops.score.committed import Committed, Pending

READ = pytest.StashKey[dict[str, Baseline | str | None]]()
"""Path of a file -> its baseline, or what is wrong with it; None where there is no file."""


def committed_ids(config: pytest.Config, title: str) -> Collection[str]:
    """The variants whose scores under a test are committed.

    Raises:
        UsageError: the file cannot be read, or is of another test.
    """
    found = _read(config, title)
    return [] if found is None else list(dict.fromkeys(entry.variant for entry in found.entries.values()))


def committed_of(item: Any, own: Callable[[], Sequence[Response]]) -> Committed:
    """What is committed of the item's baseline; of its own variant where the suite names none.

    While baselines are written there is nothing to compare with: then it is what the variant scores now, from
    the responses that ``own()`` gives.
    """
    binding: Binding = item.binding
    state, suite = state_of(item.config), binding.suite
    now = entry_of(binding, by_case=item.case is not None)
    if state.settings.update_baseline and suite.committed is None:
        return Pending(now, responses=own())
    entry, said = entry_for(item, now)
    if entry is None:
        pytest.fail(visible(said), pytrace=False)
    cases = suite.cases if item.case is None else (item.case,)
    return Committed(entry, said, cases=cases, keys=_keys(item, state))


def entry_for(item: Any, now: Entry) -> tuple[Entry | None, str]:
    """The committed entry that an item is compared with, and its name for messages; or None, and what is wrong."""
    binding: Binding = item.binding
    shown = str(place(state_of(item.config).settings.baselines, binding.title))
    committed = binding.suite.committed
    key = binding.entry if committed is None else _key_of(binding, committed)
    entry, wrong = _entry(item.config, key, now, (binding.title, shown))
    return (None, wrong) if entry is None else (entry, f"{shown}: variants.{key}")


def _entry(config: pytest.Config, key: str, now: Entry, place: tuple[str, str]) -> tuple[Entry | None, str]:
    """The committed entry of this name; or what is wrong with it, or with the file."""
    title, shown = place
    try:
        found = _read(config, title)
        if found is not None:
            return check_fit(found, key, now, shown=shown), ""
    except UsageError as error:
        return None, str(error)
    return None, (
        f"no baseline is committed: {shown} is not there; write it with --genaiops-update-baseline and commit it, or "
        'add baseline="<variant id>" to the marker to compare with a variant of the run'
    )


def entry_of(binding: Binding, *, by_case: bool) -> Entry:
    """An entry about what an item judges, without scores."""
    suite, variant = binding.suite, binding.variant
    return Entry(
        variant=variant.id,
        variant_hash=variant.hash,
        dataset=suite.dataset.title,
        dataset_hash=suite.dataset.hash,
        trials=suite.trials,
        by_case=by_case,
        metrics={},
    )


def _key_of(binding: Binding, variant: str) -> str:
    """The name of another variant's entry under the parameters of this one's."""
    return entry_key(variant, binding.entry[len(binding.variant.id) + 1 : -1])


def _keys(item: Any, state: State) -> list[tuple[str, int]] | None:
    """The rows that belong to what is run; None where all of them do."""
    suite = item.binding.suite
    if item.case is not None:
        return [(item.case.id, item.trial)]
    if state.settings.limit is None and not state.settings.slices:
        return None
    return [(case.id, trial) for case in suite.cases for trial in range(1, suite.trials + 1)]


def _read(config: pytest.Config, title: str) -> Baseline | None:
    settings = state_of(config).settings
    known = config.stash.setdefault(READ, {})
    shown = str(place(settings.baselines, title))
    if shown not in known:
        known[shown] = _found(settings.root / Path(shown), shown, title)
    found = known[shown]
    if isinstance(found, str):
        raise UsageError(found)
    return found


def _found(path: Path, shown: str, title: str) -> Baseline | str | None:
    try:
        found = read(path, shown=shown)
    except UsageError as error:
        return str(error)
    if found is not None and found.suite != title:
        return (
            f"{shown}: suite is {found.suite!r}, but this is {title}: the file is of another test; write it anew "
            "with --genaiops-update-baseline"
        )
    return found
