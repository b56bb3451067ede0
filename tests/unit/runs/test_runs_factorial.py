"""What the settings of a recorded matrix do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from record_help import Command, recorded

from pytest_genaiops import evaluate
from pytest_genaiops.clients.prices import prices_of
from pytest_genaiops.config import Settings
from pytest_genaiops.evaluation import Evaluation
from pytest_genaiops.report.document import FactorialView
from pytest_genaiops.runs import Run

AXES = {
    f"search={search},k={k}": {"search": search, "k": k} for search, k in product(("vector", "text", "hybrid"), "38")
}
Asked = Callable[[str, dict[str, str], int], dict[str, Any]]


def answered(name: str, axes: dict[str, str], number: int) -> dict[str, Any]:
    """Right in one of two cases, with hybrid search in all; a passage more takes ten tokens and half a second."""
    right = axes["search"] == "hybrid" or number % 2
    more = int(axes["k"]) - 3
    return {
        "text": "right" if right else "wrong",
        "latency": 1.0 + more / 10,
        "usage": {"input_tokens": 100 + 2 * more, "output_tokens": 10},
        "model": "small",
    }


def evaluated(folder: Path, answer: Asked = answered, metrics: Sequence[str] = ("exact_match",)) -> Evaluation:
    rows = [
        {
            "id": f"c{number}",
            "input": f"question {number}",
            "reference": "right",
            "responses": {name: answer(name, axes, number) for name, axes in AXES.items()},
        }
        for number in range(20)
    ]
    found = evaluate(rows, metrics=metrics, settings=Settings(root=folder))
    variants = tuple(replace(each, axes=AXES[each.id]) for each in found.suite.variants)
    return replace(found, suite=replace(found.suite, variants=variants))


@pytest.fixture
def matrix(project: Path) -> Run:
    recorded(project, evaluated(project), facts={"baseline": None})
    return Run.open()


def factorial(run: Run, **options: Any) -> FactorialView:
    found = run.document(**options).suites[0].factorial
    assert found is not None
    return found


def effects(view: FactorialView, metric: str) -> dict[tuple[str, str], float | None]:
    return {
        (each.axis, each.level): None if each.effect is None else round(each.effect, 9)
        for each in view.effects
        if each.metric == metric
    }


def test_effects_are_those_of_the_recorded_values(matrix: Run) -> None:
    view = factorial(matrix)
    assert effects(view, "exact_match") == {("search", "text"): 0.0, ("search", "hybrid"): 0.5, ("k", "8"): 0.0}
    assert {each.n for each in view.effects} == {20}
    assert view.confidence == 0.95


def test_what_answers_took_has_effects_though_no_test_asked(matrix: Run) -> None:
    view = factorial(matrix)
    assert effects(view, "latency")["k", "8"] == 0.5
    assert effects(view, "tokens")["k", "8"] == 10.0
    assert [(each.name, each.higher_is_better) for each in view.numbers] == [
        ("exact_match", True),
        ("latency", False),
        ("tokens", False),
    ]
    assert [each.name for each in matrix.document().suites[0].metrics] == ["exact_match"]


def test_money_is_weighed_where_prices_are_known(matrix: Run) -> None:
    view = factorial(matrix, prices=prices_of(["small: input 1000, output 1000"]))
    assert view.front == ("exact_match", "cost", "latency")
    assert effects(view, "cost")["k", "8"] == 0.01
    assert [each.variant for each in view.points if each.on_front] == ["search=hybrid,k=3"]


def test_a_number_is_not_measured_twice(project: Path) -> None:
    recorded(project, evaluated(project, metrics=["exact_match", "latency"]), facts={"baseline": None})
    view = factorial(Run.open())
    names = [each.name for each in view.numbers]
    assert names.count("latency") == 1
    assert {"p50", "p95"}.isdisjoint(name.rpartition(".")[2] for name in names)


def test_the_best_cannot_be_told_apart_where_answers_are_alike(matrix: Run) -> None:
    view = factorial(matrix)
    among = {each.variant for each in view.contenders if each.metric == "exact_match" and each.among_best}
    assert among == {"search=hybrid,k=3", "search=hybrid,k=8"}


def test_variants_that_are_no_matrix_have_none(run: str) -> None:
    assert Run.open().document().suites[0].factorial is None
    assert Run.open().matrices() == []


def test_a_matrix_alone_is_read_without_scores_and_cases(matrix: Run) -> None:
    (suite,) = matrix.matrices()
    assert suite.factorial == factorial(matrix)
    assert (suite.scores, suite.cases, suite.n) == ((), (), 20)


def test_where_nothing_is_scored_it_is_said(project: Path) -> None:
    def failing(name: str, axes: dict[str, str], number: int) -> dict[str, Any]:
        return {"error": "timeout"}

    recorded(project, evaluated(project, failing), facts={"baseline": None})
    view = factorial(Run.open())
    assert all(each.effect is None and each.reason for each in view.effects)
    assert all(not each.among_best and each.reason for each in view.contenders)


def test_axes_are_told_of_each_variant(matrix: Run) -> None:
    assert {each.id: each.axes for each in matrix.document().suites[0].variants} == AXES


def test_the_command_shows_the_effects(matrix: Run, genaiops: Command) -> None:
    code, lines, _ = genaiops("runs", "show")
    assert code == 0
    assert "  effects on exact_match ↑  n 20" in lines
    assert any(line.startswith("            hybrid for vector  +0.5000") for line in lines)
    assert max(map(len, lines)) <= 80


def test_the_command_shows_no_effects_where_there_is_no_matrix(run: str, genaiops: Command) -> None:
    assert not any("effects on" in line for line in genaiops("runs", "show")[1])
