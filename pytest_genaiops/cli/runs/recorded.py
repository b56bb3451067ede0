"""What the actions on recorded runs have in common."""

from __future__ import annotations

import time
from argparse import Namespace
from pathlib import Path

from pytest_genaiops.cli.project import settings_of
from pytest_genaiops.report.text import visible
from pytest_genaiops.store import RunRow, Store

_ENDS = {0: "passed", 1: "failed", 2: "interrupted", 69: "no result"}
"""In words; 69 is ``report.conclusion.UNAVAILABLE``, with which a whole report would be loaded."""


def folder_of(arguments: Namespace) -> Path:
    """The folder with the record of the project that is meant."""
    settings = settings_of(arguments)
    return settings.root / settings.folder


def store_of(arguments: Namespace) -> Store:
    """The record of the project that is meant. Raises UsageError where there is none that can be read."""
    return Store(folder_of(arguments))


def ended(run: RunRow) -> str:
    """How a run ended, in a word or two."""
    return "not ended" if run.exit is None else _ENDS.get(run.exit, f"exit {run.exit}")


def moment(at: float) -> str:
    """A time for people, UTC, to the minute."""
    return time.strftime("%Y-%m-%d %H:%M", time.gmtime(at))


def commit(run: RunRow) -> str:
    """The commit that a run was made from, short, with a ``+`` where files had changed since; ``-`` without git."""
    git = run.facts.get("git") or {}
    sha = visible(str(git.get("sha") or ""))[:9]
    return f"{sha}{'+' if git.get('dirty') else ''}" if sha else "-"
