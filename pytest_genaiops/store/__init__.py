"""The record of runs: everything that went in and came out, in one SQLite file, read back as the same nouns."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from pytest_genaiops.store.file import NAME as NAME
from pytest_genaiops.store.read import Store as Store
from pytest_genaiops.store.rows import ItemRow as ItemRow
from pytest_genaiops.store.rows import MetricRow as MetricRow
from pytest_genaiops.store.rows import PartRow as PartRow
from pytest_genaiops.store.rows import RunRow as RunRow
from pytest_genaiops.store.rows import ScoreRow as ScoreRow
from pytest_genaiops.store.rows import SuiteRow as SuiteRow
from pytest_genaiops.store.rows import TrialRow as TrialRow
from pytest_genaiops.store.rows import VariantRow as VariantRow
from pytest_genaiops.store.rows import VerdictRow as VerdictRow

if TYPE_CHECKING:
    from pytest_genaiops.store.write import Writer as Writer
    from pytest_genaiops.store.write import new_id as new_id


def __getattr__(name: str) -> Any:
    # Whoever reads needs nothing of what looks for secrets before it writes.
    if name not in ("Writer", "new_id"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.write"), name)
