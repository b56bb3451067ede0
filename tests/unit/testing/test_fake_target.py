"""The fake target is a target like any other, and fails as its faults say."""

from __future__ import annotations

import asyncio

import pytest

from pytest_genaiops import evaluate
from pytest_genaiops.errors import UsageError
from pytest_genaiops.records import Case
from pytest_genaiops.testing import TARGET_FAULTS, FakeTarget
from pytest_genaiops.testing.target import Called
from pytest_genaiops.variants import Variant

CASE, VARIANT = Case(id="c1"), Variant(id="v1", hash="0")
ROWS = [{"id": "a", "question": "1 + 1?", "reference": "2"}, {"id": "b", "question": "1 + 2?", "reference": "3"}]


def test_it_answers_a_suite() -> None:
    target = FakeTarget(lambda case, variant: case.reference)
    evaluation = evaluate(dataset=ROWS, target=target, variants=["v1"], metrics=["exact_match"])
    assert evaluation.score("exact_match", "v1").value == 1.0
    assert sorted(call.case for call in target.calls) == ["a", "b"]


def test_a_fault_leaves_its_case_unscored() -> None:
    target = FakeTarget(lambda case, variant: case.reference, fault={"b": "error"})
    evaluation = evaluate(dataset=ROWS, target=target, variants=["v1"], metrics=["exact_match"])
    assert evaluation.score("exact_match", "v1").per_case == (1.0, None)


def test_calls_are_kept() -> None:
    target = FakeTarget()
    assert asyncio.run(target(CASE, VARIANT)) == "a fake answer"
    assert target.calls == [Called(case="c1", variant="v1")]


@pytest.mark.parametrize(("fault", "error"), [("error", RuntimeError), ("drop", ConnectionResetError)])
def test_faults_that_raise(fault: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        asyncio.run(FakeTarget(fault=fault)(CASE, VARIANT))


def test_the_wrong_type_is_a_number() -> None:
    assert asyncio.run(FakeTarget(fault="wrong type")(CASE, VARIANT)) == 42


def test_hanging_ends_only_when_it_is_cancelled() -> None:
    async def hangs() -> None:
        async with asyncio.timeout(0.05):
            await FakeTarget(fault="hang")(CASE, VARIANT)

    with pytest.raises(TimeoutError):
        asyncio.run(hangs())


def test_a_function_chooses() -> None:
    target = FakeTarget(fault=lambda case, variant: "wrong type" if case.id == "c1" else None)
    assert asyncio.run(target(CASE, VARIANT)) == 42
    assert asyncio.run(target(Case(id="c2"), VARIANT)) == "a fake answer"


@pytest.mark.parametrize("fault", ["eror", {"a": "eror"}])
def test_an_unknown_fault_is_refused(fault: str | dict[str, str]) -> None:
    with pytest.raises(UsageError, match="an unknown fault 'eror'; did you mean 'error'"):
        FakeTarget(fault=fault)


def test_an_unknown_fault_is_refused_from_a_function_as_well() -> None:
    with pytest.raises(UsageError, match="an unknown fault 'eror'"):
        asyncio.run(FakeTarget(fault=lambda case, variant: "eror")(CASE, VARIANT))


def test_every_fault_is_one_of_those_tried_here() -> None:
    assert set(TARGET_FAULTS) == {"error", "drop", "hang", "wrong type"}
