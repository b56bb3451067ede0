"""Targets are called once a trial, in order, a few at a time, and none can stall the run."""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from engine_help import Counted, Target, answered, answers, job

from pytest_genaiops.records import Case
from pytest_genaiops.run import Engine
from pytest_genaiops.run.workers import LoopCrew


class TestOnce:
    def test_a_trial_is_called_once_however_often_it_is_asked_for(self, engines: Callable[..., Engine]) -> None:
        engine, target = engines(), Counted()
        first, second = engine.response(job(target)), engine.response(job(target))
        assert first is second
        assert first.text == "v1:a"
        assert target.calls == [("v1", "a")]

    def test_started_and_then_asked_for_is_one_call(self, engines: Callable[..., Engine]) -> None:
        engine, target = engines(), Counted()
        engine.start([job(target), job(target, "b")])
        engine.start([job(target)])
        assert [engine.response(job(target, case)).text for case in "ba"] == ["v1:b", "v1:a"]
        assert len(target.calls) == 2

    @pytest.mark.parametrize(
        "other",
        [{"case": "b"}, {"variant": "v2"}, {"index": 2}, {"identity": "another app"}],
        ids=["case", "variant", "trial", "target"],
    )
    def test_another_case_variant_trial_or_target_is_another_call(
        self, engines: Callable[..., Engine], other: dict[str, Any]
    ) -> None:
        engine, target = engines(), Counted()
        answers(engine, [job(target), job(target, **other)])
        assert len(target.calls) == 2

    def test_many_threads_that_ask_for_one_trial_share_its_call(self, engines: Callable[..., Engine]) -> None:
        engine, target, found = engines(), Counted(0.01), []
        gate = threading.Barrier(16)

        def ask() -> None:
            gate.wait()
            found.extend(engine.response(job(target, case)) for case in "abcd")

        threads = [threading.Thread(target=ask) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)
        assert sorted(target.calls) == [("v1", case) for case in "abcd"]
        assert len(found) == 64
        assert len({id(response) for response in found}) == 4


class TestOrder:
    def test_sync_calls_start_in_the_order_given(self, engines: Callable[..., Engine]) -> None:
        target = Counted()
        answers(engines(concurrency=1), [job(target, str(i)) for i in range(50)])
        assert target.calls == [("v1", str(i)) for i in range(50)]

    def test_async_calls_start_in_the_order_given(self, engines: Callable[..., Engine]) -> None:
        seen: list[str] = []

        async def target(case: Case, variant: Any) -> str:
            seen.append(case.id)
            await asyncio.sleep(0)
            return case.id

        found = answers(engines(concurrency=3), [job(target, str(i)) for i in range(50)])
        assert seen == [response.text for response in found] == [str(i) for i in range(50)]

    def test_each_response_knows_its_trial_and_its_latency(self, engines: Callable[..., Engine]) -> None:
        (response,) = answers(engines(), [job(Counted(0.02), "q7", index=3)])
        assert response.trial is not None
        assert (response.trial.case.id, response.trial.index) == ("q7", 3)
        assert response.latency is not None
        assert 0.02 <= response.latency < 5


class TestConcurrency:
    def test_sync_calls_are_bounded_and_do_run_side_by_side(self, engines: Callable[..., Engine]) -> None:
        target = Counted(0.02)
        answers(engines(concurrency=3), [job(target, str(i)) for i in range(12)])
        assert target.most == 3

    def test_async_calls_are_bounded_and_do_run_side_by_side(self, engines: Callable[..., Engine]) -> None:
        under_way: set[str] = set()
        most: list[int] = []

        async def target(case: Case, variant: Any) -> str:
            under_way.add(case.id)
            most.append(len(under_way))
            await asyncio.sleep(0.01)
            under_way.remove(case.id)
            return ""

        answers(engines(concurrency=5), [job(target, str(i)) for i in range(20)])
        assert max(most) == 5

    def test_thousands_of_trials_use_no_more_threads_than_allowed(self, engines: Callable[..., Engine]) -> None:
        before, most = threading.active_count(), []

        def target(case: Case, variant: Any) -> str:
            most.append(threading.active_count())
            return case.id

        found = answers(engines(concurrency=8), [job(target, str(i)) for i in range(3000)])
        assert [response.text for response in found] == [str(i) for i in range(3000)]
        assert max(most) - before <= 8

    def test_work_that_arrives_later_is_taken_up(self, engines: Callable[..., Engine]) -> None:
        engine, target = engines(concurrency=2), Counted()
        assert [engine.response(job(target, str(i))).text for i in range(10)] == [f"v1:{i}" for i in range(10)]


def raising(error: BaseException) -> Target:
    def target(case: Case, variant: Any) -> str:
        raise error

    return target


def raising_later(error: BaseException) -> Target:
    async def target(case: Case, variant: Any) -> str:
        raise error

    return target


class LoadsOnDemand(dict[str, str]):
    def items(self) -> Any:
        raise RuntimeError("connection lost")


class MuteError(Exception):
    """Cannot be written: its message is worked out, and that fails."""

    def __str__(self) -> str:
        raise ValueError("no text")


class TestFailures:
    @pytest.mark.parametrize("make", [raising, raising_later], ids=["sync", "async"])
    @pytest.mark.parametrize(
        ("error", "message"),
        [
            (ValueError("no such prompt"), "the target raised ValueError: no such prompt"),
            (ValueError("first line\nsecond"), "the target raised ValueError: first line"),
            (KeyError(), "the target raised KeyError"),
            (MuteError(), "the target raised MuteError"),
            (SystemExit(3), "the target raised SystemExit: 3"),
            (KeyboardInterrupt(), "the target raised KeyboardInterrupt"),
            (asyncio.CancelledError(), "the target raised CancelledError"),
            (pytest.skip.Exception("not today"), "the target raised Skipped: not today"),
        ],
        ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
    )
    def test_whatever_a_target_raises_is_an_error_and_the_rest_goes_on(
        self, engines: Callable[..., Engine], make: Any, error: BaseException, message: str
    ) -> None:
        engine = engines(concurrency=1)
        found = answers(engine, [job(make(error), "bad"), job(make(error), "worse"), job(Counted(), "good")])
        assert [str(response.error) for response in found[:2]] == [f"target: {message}"] * 2
        assert found[2].text == "v1:good"

    @pytest.mark.parametrize(
        ("said", "shown"),
        [
            ("GET https://me:pass-word@db.example/x failed", "GET https://***@db.example/x failed"),
            ("401: Authorization: Bearer abcdef-123456789", "401: Authorization: Bearer ***"),
            ("bad key sk-proj-Ab3dE6gH9jK2mN5pQ8", "bad key ***"),
        ],
    )
    def test_what_a_target_raises_is_told_without_keys(
        self, engines: Callable[..., Engine], said: str, shown: str
    ) -> None:
        (found,) = answers(engines(), [job(raising(ConnectionError(said)), "bad")])
        assert str(found.error) == f"target: the target raised ConnectionError: {shown}"

    def test_an_async_target_answers_after_another_one_tried_to_exit(self, engines: Callable[..., Engine]) -> None:
        async def good(case: Case, variant: Any) -> str:
            return "fine"

        found = answers(engines(), [job(raising_later(SystemExit(1)), "bad"), job(good, "good")])
        assert found[1].text == "fine"

    @pytest.mark.parametrize(
        "value", [None, 3, float("nan"), b"bytes", ["a"], {"txet": "a"}, {"text": "x", "tool_calls": 5}, object()]
    )
    def test_a_wrong_type_is_an_error_with_its_kind(self, engines: Callable[..., Engine], value: object) -> None:
        found = answers(engines(concurrency=1), [job(lambda case, variant: value), job(Counted(), "good")])
        assert found[0].error is not None
        assert found[0].error.kind == "target"
        assert found[1].error is None

    def test_a_result_that_raises_when_it_is_looked_at_stalls_nobody(self, engines: Callable[..., Engine]) -> None:
        found = answers(
            engines(concurrency=1), [job(lambda case, variant: LoadsOnDemand(text="x")), job(Counted(), "good")]
        )
        assert str(found[0].error) == "target: the target raised RuntimeError: connection lost"
        assert found[1].text == "v1:good"

    def test_a_generator_is_no_answer(self, engines: Callable[..., Engine]) -> None:
        def streaming(case: Case, variant: Any) -> Iterator[str]:
            yield "a"

        (found,) = answers(engines(), [job(streaming)])
        assert str(found.error) == "target: the target returned generator; return str, dict or Response"


class Application:
    async def __call__(self, case: Case, variant: Any) -> str:
        await asyncio.sleep(0)
        return f"object {case.id}"

    async def answer(self, case: Case, variant: Any, tone: str = "") -> str:
        await asyncio.sleep(0)
        return f"{tone} {case.id}"


class TestAsyncShapes:
    @pytest.mark.parametrize(
        ("target", "text"),
        [
            (Application(), "object a"),
            (Application().answer, " a"),
            (functools.partial(Application().answer, tone="kind"), "kind a"),
            (lambda case, variant: Application().answer(case, variant, "lambda"), "lambda a"),
        ],
        ids=["object", "method", "partial", "lambda"],
    )
    def test_every_spelling_of_an_async_target(self, engines: Callable[..., Engine], target: Target, text: str) -> None:
        (found,) = answers(engines(), [job(target)])
        assert (found.text, found.error) == (text, None)

    def test_a_lambda_around_an_async_target_that_exits_stalls_nobody(self, engines: Callable[..., Engine]) -> None:
        engine, inner = engines(concurrency=1), raising_later(SystemExit(2))
        # A lambda looks sync until it is called.
        found = answers(engine, [job(lambda case, _: inner(case, None)), job(Counted(), "good")])
        assert str(found[0].error) == "target: the target raised SystemExit: 2"
        assert found[1].text == "v1:good"

    def test_all_async_calls_share_one_loop(self, engines: Callable[..., Engine]) -> None:
        loops: set[int] = set()

        async def target(case: Case, variant: Any) -> str:
            loops.add(id(asyncio.get_running_loop()))
            return ""

        engine = engines()
        for case in "abc":
            engine.response(job(target, case))
        assert len(loops) == 1

    def test_a_call_queued_while_the_last_worker_ends_is_made(
        self, engines: Callable[..., Engine], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        engine, take = engines(concurrency=1), LoopCrew._next
        target, ended = Application().answer, threading.Event()

        def take_and_queue(crew: LoopCrew, lane: Any) -> Any:
            slot = take(crew, lane)
            if slot is None and not ended.is_set():
                ended.set()
                queueing = threading.Thread(target=engine.start, args=[[job(target, "late")]])
                queueing.start()
                queueing.join()
            return slot

        monkeypatch.setattr(LoopCrew, "_next", take_and_queue)
        engine.response(job(target))
        assert ended.wait(60)
        assert answered(engine, job(target, "late")) == " late"
