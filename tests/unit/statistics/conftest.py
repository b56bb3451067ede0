from collections.abc import Callable, Sequence

import pytest

from pytest_genaiops.statistics import Sample


@pytest.fixture(scope="session")
def mean_of() -> Callable[..., Sample]:
    """A sample whose score is the mean of the values."""

    def build(
        values: Sequence[float], *, scale: tuple[float, float] = (0.0, 1.0), clusters: Sequence[str] | None = None
    ) -> Sample:
        return Sample(
            statistics=[(value,) for value in values],
            values=values,
            score=lambda total, n: float(total[0]) / n,
            is_mean=True,
            scale=scale,
            clusters=clusters,
        )

    return build


@pytest.fixture(scope="session")
def ratio_of() -> Callable[..., Sample]:
    """A sample scored like a corpus metric: matches over length, both summed first."""

    def build(rows: Sequence[tuple[int, int]], *, clusters: Sequence[str] | None = None) -> Sample:
        return Sample(
            statistics=rows,
            values=[matches / length for matches, length in rows],
            score=lambda total, n: total[0] / total[1],
            is_mean=False,
            clusters=clusters,
        )

    return build
