"""The client of a session, put together from its settings."""

from __future__ import annotations

from pathlib import Path

from pytest_genaiops.clients.budget import Budget
from pytest_genaiops.clients.cache import Cache, Nothing
from pytest_genaiops.clients.client import Client
from pytest_genaiops.clients.limiter import Limiter
from pytest_genaiops.clients.shared import InFile, InProcess
from pytest_genaiops.config import Settings

def client_of(settings: Settings, *, shared: Path | None = None) -> Client:
    """The client of a session, with the cache, limits and budget that its settings ask for.

    ``shared`` is the file in which the processes of one session keep limits and budget; None where there is one process.
    """
    state = InProcess() if shared is None else InFile(shared)
    cassette = None if settings.cassette is None else settings.root / settings.cassette
    return Client(
        memory=Nothing()
        if settings.cache == "off"
        else Cache(settings.root / settings.folder, mode=settings.cache, cassette=cassette),
        limits=Limiter(state, concurrency=settings.concurrency),
        purse=Budget(
            state, prices=settings.prices, max_tokens=settings.max_tokens, max_cost=settings.max_cost
        ),
        concurrency=settings.concurrency,
        timeout=settings.timeout,
    )
