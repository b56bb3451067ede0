"""Judgements: asked for all at once, each once, and failures that are told apart."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import pytest

from pytest_genaiops.clients.assembly import shared_of
from pytest_genaiops.config import Settings
from pytest_genaiops.errors import MetricError, UnscorableError
from pytest_genaiops.metrics.judged import Judge, Judged
from pytest_genaiops.records import Case, Response, ResponseError, Trial
from pytest_genaiops.run import Engine, Job, Judging, Measurements, judging_of

JUDGE = Judge(source="here", written=b'{"model":{"name":"m"},"parameters":{}}')
ASKED: Counter[str] = Counter()


@dataclass(frozen=True, kw_only=True)
class Length(Judged):
    name: ClassVar[str] = "length"
    scale: ClassVar[tuple[float, float]] = (0.0, 100.0)

    async def judged(self, response: Response, case: Case) -> tuple[float, ...]:
        ASKED[response.text] += 1
        if response.text == "unclear":
            raise UnscorableError("the judge said nothing", kind="judge")
        if response.text == "broken":
            raise ZeroDivisionError("no")
        if response.text == "nothing":
            return ()
        return (float(len(response.text)),)


def answer(text: str, **fields: object) -> Response:
    trial = Trial(case=Case(id=text), variant="v", dataset="d")
    return Response(text=text, trial=trial, **fields)  # type: ignore[arg-type]


@pytest.fixture
def judging(tmp_path: Path) -> Judging:
    ASKED.clear()
    return judging_of(Settings(root=tmp_path, cache="off"), shared_of(None))


def test_every_response_is_judged_once_however_often_it_is_asked_for(judging: Judging) -> None:
    responses = [answer("one"), answer("three"), answer("one")]
    known = Measurements(judging)
    first = [m.statistics for m in known.of(Length(judge=JUDGE), responses[:2])]
    again = [m.statistics for m in known.of(Length(judge=JUDGE), responses[:2])]
    assert first == again == [(3.0,), (5.0,)]
    assert ASKED == {"one": 1, "three": 1}


def test_what_was_begun_ahead_is_taken_up(judging: Judging) -> None:
    response = answer("ahead")
    judging.start(Length(judge=JUDGE), response)
    assert [m.statistics for m in judging.of(Length(judge=JUDGE), [response])] == [(5.0,)]
    assert ASKED == {"ahead": 1}


def test_failures_are_told_apart(judging: Judging) -> None:
    failed = Response(error=ResponseError(kind="timeout", message="late"), trial=answer("x").trial)
    found = judging.of(Length(judge=JUDGE), [answer("unclear"), answer("broken"), failed, answer("fine")])
    assert [(m.kind, m.reason) for m in found] == [
        ("judge", "the judge said nothing"),
        ("metric", "length raised ZeroDivisionError: no"),
        ("timeout", "late"),
        (None, ""),
    ]


def test_without_a_judge_the_ways_to_name_one_are_said(judging: Judging) -> None:
    with pytest.raises(MetricError, match=r"length needs a model to judge; write --genaiops-judge=judges/<name>.yaml"):
        judging.of(Length(), [answer("x")])


def test_somebody_has_to_ask(tmp_path: Path) -> None:
    with pytest.raises(MetricError, match="length asks a model, and nobody here can"):
        Measurements().of(Length(judge=JUDGE), [answer("x")])
    with pytest.raises(MetricError, match=r"call metric\('length'\) on responses"):
        Length(judge=JUDGE).statistics(answer("x"), Case(id="x"))


def test_who_wants_to_know_is_told_of_single_responses(judging: Judging) -> None:
    told: list[str] = []
    judging.asked = lambda metric, response: told.append(f"{metric.name} {response.text}")
    judging.of(Length(judge=JUDGE), [answer("a")])
    judging.of(Length(judge=JUDGE), [answer("b"), answer("c")])
    assert told == ["length a"]


def test_an_answer_that_comes_after_the_end_begins_no_judgement() -> None:
    entered, go, used = threading.Event(), threading.Event(), []

    def target(case: Case, variant: object) -> str:
        entered.set()
        go.wait(60)
        return "late"

    engine = Engine(concurrency=1)
    late, early = (
        Job(
            target=target,
            identity="t",
            variant=SimpleNamespace(id="v", hash="h"),
            trial=Trial(case=Case(id=name), variant="v"),
        )
        for name in ("late", "early")
    )
    go.set()
    engine.start([early])
    assert engine.response(early).text == "late"
    engine.then(early, used.append)
    assert [response.text for response in used] == ["late"], "one that is there is used at once"
    go.clear()
    entered.clear()
    engine.start([late])
    engine.then(late, used.append)
    assert entered.wait(60)
    engine.close()
    go.set()
    for thread in threading.enumerate():
        if thread.name == "genaiops-target":
            thread.join(10)
    assert len(used) == 1
