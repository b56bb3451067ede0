from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pytest_genaiops.clients.client import Client
from pytest_genaiops.run import Engine, exchange
from pytest_genaiops.run.exchange import Exchange


@pytest.fixture
def engines() -> Iterator[Callable[..., Engine]]:
    made: list[Engine] = []

    def make(*, concurrency: int = 4, timeout: float | None = None, client: Client | None = None) -> Engine:
        made.append(Engine(concurrency=concurrency, timeout=timeout, client=client))
        return made[-1]

    yield make
    for engine in made:
        engine.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    exchange.create(tmp_path / "trials.sqlite")
    return tmp_path / "trials.sqlite"


@pytest.fixture
def ways(path: Path) -> Iterator[Callable[..., Exchange]]:
    made: list[Exchange] = []

    def make(owner: str, *, capacity: int = 4, timeout: float | None = None) -> Exchange:
        made.append(Exchange(path, owner=owner, capacity=capacity, timeout=timeout))
        return made[-1]

    yield make
    for each in made:
        each.close()
