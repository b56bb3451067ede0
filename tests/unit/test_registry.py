"""Names of metrics, ours and strangers'."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import EntryPoint
from typing import Any

import pytest

from pytest_genaiops import metric, registry
from pytest_genaiops.errors import MetricError
from pytest_genaiops.metrics.base import Metric
from pytest_genaiops.records import Case, Response, Statistics
from pytest_genaiops.registry import ADAPTERS, METRICS, did_you_mean, metric_class


@dataclass(frozen=True, kw_only=True)
class Shouting(Metric):
    """A stranger's metric: the share of capital letters."""

    name = "shouting"
    higher_is_better = False
    least: int = 1

    def statistics(self, response: Response, case: Case) -> Statistics:
        letters = [char for char in response.text if char.isalpha()]
        return (sum(char.isupper() for char in letters) / max(self.least, len(letters)),)


@pytest.fixture
def stranger(monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("shouting", f"{__name__}:Shouting", registry.ENTRY_POINT_GROUP)

    def entry_points(*, group: str) -> list[EntryPoint]:
        return [point] if group == "pytest_genaiops.metrics" else []

    monkeypatch.setattr(registry, "entry_points", entry_points)


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_keeps_the_contract(name: str) -> None:
    cls = metric_class(name)
    found: Any = cls()
    low, high = cls.scale
    assert issubclass(cls, Metric)
    assert cls.name == name
    assert low < high
    assert found == cls()
    assert hash(found) == hash(cls())
    assert cls.__doc__


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(MetricError, match="no metric is called 'groundednes'; did you mean 'groundedness'"):
        metric_class("groundednes")


def test_a_name_like_no_other_is_answered_with_all() -> None:
    with pytest.raises(MetricError) as caught:
        metric_class("zzz")
    assert str(caught.value) == f"no metric is called 'zzz'; Known: {', '.join(sorted([*METRICS, *ADAPTERS]))}"


@pytest.mark.usefixtures("stranger")
class TestStrangers:
    def test_are_found_by_their_entry_point(self) -> None:
        score = metric("shouting")(["ABC", "abc"])
        assert (score.value, score.higher_is_better, score.signature) == (0.5, False, "shouting|least:1")

    def test_take_options(self) -> None:
        assert metric("shouting", least=6)(["ABC"]).value == 0.5

    def test_are_among_the_suggestions(self) -> None:
        with pytest.raises(MetricError, match="did you mean 'shouting'"):
            metric("shoutin")


def test_a_metric_without_a_name_is_rejected_where_it_is_defined() -> None:
    with pytest.raises(TypeError, match="metric class Nameless must define name and statistics"):

        class Nameless(Metric):
            pass


@pytest.mark.parametrize(
    ("name", "known", "said"),
    [
        ("trails", ["trials", "dataset"], "did you mean 'trials'? Known: dataset, trials"),
        ("qqq", ["b", "a"], "Known: a, b"),
        ("x", [], "Known: "),
    ],
)
def test_did_you_mean(name: str, known: list[str], said: str) -> None:
    assert did_you_mean(name, known) == said
