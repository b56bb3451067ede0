"""The client of a session, put together from its settings."""

from __future__ import annotations

from pathlib import Path

from pytest_genaiops.clients.budget import Budget
from pytest_genaiops.clients.cache import Cache, Nothing
from pytest_genaiops.clients.client import Client
from pytest_genaiops.clients.limiter import Limiter
from pytest_genaiops.clients.shared import InFile, InProcess, Shared
from pytest_genaiops.config import Settings


def shared_of(file: Path | None) -> Shared:
    """Where limits and budget of a session are kept: in a file that its processes share, or in this process."""
    return InProcess() if file is None else InFile(file)


def client_of(settings: Settings, *, shared: Shared, session: str = "") -> Client:
    """The client of a session, with the cache, limits and budget that its settings ask for.

    ``session`` is what the processes of one session have in common; empty where there is one process.
    Raises UsageError for a cassette that cannot be read.
    """
    return Client(
        memory=_memory(settings, session),
        limits=Limiter(shared, concurrency=settings.concurrency),
        purse=Budget(shared, prices=settings.prices, max_tokens=settings.max_tokens, max_cost=settings.max_cost),
        concurrency=settings.concurrency,
        timeout=settings.timeout,
    )


def _memory(settings: Settings, session: str) -> Cache | Nothing:
    if settings.cache == "off":
        return Nothing()
    cassette = None if settings.cassette is None else settings.root / settings.cassette
    return Cache(settings.root / settings.folder, mode=settings.cache, cassette=cassette, session=session)
