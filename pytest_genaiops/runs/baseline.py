"""What is committed of a suite's baseline, for rules over a recorded run."""

from __future__ import annotations

from pathlib import Path

from pytest_genaiops import baselines
from pytest_genaiops.baselines import Entry
from pytest_genaiops.errors import UsageError
from pytest_genaiops.runs.reading import Recorded
from pytest_genaiops.score.committed import Committed


def committed_of(recorded: Recorded, root: Path, folder: str) -> Committed:
    """The committed scores of the baseline that a recorded suite names.

    Args:
        recorded: the suite.
        root: the project's folder.
        folder: of committed baselines, below it.

    Raises:
        UsageError: the suite names no baseline, or nothing that fits is committed of it.
    """
    suite, title = recorded.suite, recorded.row.title
    if suite.committed is None:
        raise UsageError(f"{title} names no baseline; name a variant instead, or give --baseline")
    if recorded.by_case:
        raise UsageError(f"{title} judges case by case, and its baseline is committed: only the test compares with it")
    shown = str(baselines.place(folder, title))
    found = baselines.read(root / shown, shown=shown)
    if found is None:
        raise UsageError(f"no baseline is committed: {shown} is not there")
    now = Entry(
        variant=suite.committed,
        variant_hash="",
        dataset=suite.dataset.name,
        dataset_hash=suite.dataset.hash,
        trials=suite.trials,
        by_case=False,
        metrics={},
    )
    entry = baselines.check_fit(found, suite.committed, now, shown=shown)
    keys = [(case.id, trial) for case in suite.cases for trial in range(1, suite.trials + 1)]
    return Committed(entry, f"{shown}: variants.{suite.committed}", cases=suite.cases, keys=keys)
