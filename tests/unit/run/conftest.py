from collections.abc import Callable, Iterator

import pytest

from pytest_genaiops.run import Engine


@pytest.fixture
def engines() -> Iterator[Callable[..., Engine]]:
    made: list[Engine] = []

    def make(*, concurrency: int = 4, timeout: float | None = None) -> Engine:
        made.append(Engine(concurrency=concurrency, timeout=timeout))
        return made[-1]

    yield make
    for engine in made:
        engine.close()
