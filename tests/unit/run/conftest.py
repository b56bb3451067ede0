from collections.abc import Callable, Iterator

import pytest

from pytest_genaiops.clients.client import Client
from pytest_genaiops.run import Engine


@pytest.fixture
def engines() -> Iterator[Callable[..., Engine]]:
    made: list[Engine] = []

    def make(*, concurrency: int = 4, timeout: float | None = None, client: Client | None = None) -> Engine:
        made.append(Engine(concurrency=concurrency, timeout=timeout, client=client))
        return made[-1]

    yield make
    for engine in made:
        engine.close()
