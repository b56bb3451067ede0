"""The database through which pytest-xdist's workers share calls: the controller makes it, workers join in."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytest_genaiops.config import Settings
from pytest_genaiops.run import exchange
from pytest_genaiops.run.exchange import Exchange

FILE = "trials.sqlite"
HOST = "genaiops_host"


def offer(workerinput: dict[str, Any], folder: Path) -> None:
    """In the controller: make the database for its first worker, and tell each where it can be reached from."""
    if not (folder / FILE).exists():
        exchange.create(folder / FILE)
    workerinput[HOST] = platform.node()


def join(workerinput: Mapping[str, Any], folder: Path, settings: Settings) -> Exchange | None:
    """In a worker: the session's exchange; None on another machine, which may see the file but no lock on it."""
    if workerinput[HOST] != platform.node():
        return None
    joined = Exchange(
        folder / FILE, owner=workerinput["workerid"], capacity=settings.concurrency, timeout=settings.timeout
    )
    return joined if joined.reachable else None


def leave(folder: Path, worker: str) -> None:
    """In the controller: let others call what a worker that is gone has left unanswered."""
    exchange.release(folder / FILE, worker)


def stop(folder: Path, *, ended: bool) -> None:
    """In the controller: no worker calls ahead any more, or at all.

    After ``-x`` and Ctrl-C workers still run the items that they were given; calls of all others are for nothing.
    """
    exchange.stop(folder / FILE, for_good=ended)
