"""Targets are called once a trial, in order, a few at a time, and none can stall the run."""

from __future__ import annotations

import asyncio
import functools
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pytest_genaiops.records import Case, Response, Trial
from pytest_genaiops.run import Engine, Job
from pytest_genaiops.variants import bare

Target = Callable[[Case, Any], Any]


def job(target: Target, case: str = "a", *, variant: str = "v1", index: int = 1, identity: object = "app") -> Job:
    trial = Trial(case=Case(id=case), variant=variant, index=index, dataset="d")
    return Job(target=target, identity=identity, variant=bare(variant), trial=trial)


@pytest.fixture
def engines() -> Iterator[Callable[..., Engine]]:
    made: list[Engine] = []

    def make(*, concurrency: int = 4, timeout: float | None = None) -> Engine:
        made.append(Engine(concurrency=concurrency, timeout=timeout))
        return made[-1]

    yield make
    for engine in made:
        engine.close()


def answers(engine: Engine, jobs: list[Job]) -> list[Response]:
    engine.start(jobs)
    return [engine.response(each) for each in jobs]


class Counted:
    """A sync target that counts its calls and how many were under way at once."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.calls: list[tuple[str, str]] = []
        self.under_way = self.most = 0
        self.lock = threading.Lock()

    def __call__(self, case: Case, variant: Any) -> str:
        with self.lock:
            self.calls.append((variant.id, case.id))
            self.under_way += 1
            self.most = max(self.most, self.under_way)
        time.sleep(self.seconds)
        with self.lock:
            self.under_way -= 1
        return f"{variant.id}:{case.id}"


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
            thread.join(timeout=10)
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


class TestTimeouts:
    def test_a_hanging_sync_target_is_given_up_and_others_take_its_place(self, engines: Callable[..., Engine]) -> None:
        release = threading.Event()

        def target(case: Case, variant: Any) -> str:
            if case.id.startswith("hang"):
                release.wait(30)
            return case.id

        engine = engines(concurrency=1, timeout=0.1)
        started = time.monotonic()
        found = answers(engine, [job(target, case) for case in ("hang1", "good", "hang2", "fine")])
        taken = time.monotonic() - started
        release.set()
        assert [r.text for r in found] == ["", "good", "", "fine"]
        assert [r.error.kind if r.error else None for r in found] == ["timeout", None, "timeout", None]
        assert str(found[0].error) == "timeout: no answer within 0.1 s"
        assert taken < 5

    def test_a_hanging_async_target_is_given_up(self, engines: Callable[..., Engine]) -> None:
        cancelled: list[str] = []

        async def target(case: Case, variant: Any) -> str:
            if case.id == "hang":
                try:
                    await asyncio.sleep(30)
                finally:
                    cancelled.append(case.id)
            return case.id

        found = answers(engines(concurrency=1, timeout=0.1), [job(target, "hang"), job(target, "good")])
        assert str(found[0].error) == "timeout: no answer within 0.1 s"
        assert found[1].text == "good"
        assert cancelled == ["hang"]

    def test_an_async_target_that_swallows_its_cancellation_is_given_up(self, engines: Callable[..., Engine]) -> None:
        async def target(case: Case, variant: Any) -> str:
            try:
                await asyncio.sleep(30)
            except asyncio.CancelledError:
                await asyncio.sleep(0.3)
            return "too late"

        (found,) = answers(engines(timeout=0.05), [job(target)])
        assert found.error is not None
        assert found.error.kind == "timeout"

    def test_an_async_target_that_blocks_its_loop_stalls_nobody_else(self, engines: Callable[..., Engine]) -> None:
        release = threading.Event()

        async def target(case: Case, variant: Any) -> str:
            if case.id == "blocks":
                release.wait(30)
            return case.id

        engine = engines(concurrency=1, timeout=0.1)
        found = answers(engine, [job(target, case) for case in ("first", "blocks", "good", "fine")])
        assert str(found[1].error) == "timeout: no answer within 0.1 s; the async target blocks its event loop"
        assert [found[i].text for i in (0, 2, 3)] == ["first", "good", "fine"]
        release.set()
        time.sleep(0.05)
        assert engine.response(job(target, "blocks")) is found[1]
        assert engine.response(job(target, "good")) is found[2]
        assert engine.response(job(target, "later")).text == "later"

    def test_calls_behind_a_blocked_loop_are_made_once_on_the_next(self, engines: Callable[..., Engine]) -> None:
        release, seen = threading.Event(), []

        async def target(case: Case, variant: Any) -> str:
            seen.append(case.id)
            if case.id == "0":
                release.wait(30)
            return case.id

        found = answers(engines(concurrency=4, timeout=0.1), [job(target, str(i)) for i in range(10)])
        release.set()
        time.sleep(0.1)
        assert [response.text for response in found] == ["", *map(str, range(1, 10))]
        assert sorted(seen) == [str(i) for i in range(10)]

    def test_a_call_s_time_starts_when_its_target_is_entered(self, engines: Callable[..., Engine]) -> None:
        async def target(case: Case, variant: Any) -> str:
            time.sleep(0.1)  # blocks the loop: the mistake that this is about
            return case.id

        found = answers(engines(concurrency=4, timeout=0.35), [job(target, str(i)) for i in range(8)])
        assert [response.text for response in found] == [str(i) for i in range(8)]
        assert all(response.latency is not None and response.latency < 0.35 for response in found)

    def test_an_answer_past_its_time_does_not_count_though_nobody_waited(self, engines: Callable[..., Engine]) -> None:
        engine, done = engines(timeout=0.05), threading.Event()

        def target(case: Case, variant: Any) -> str:
            time.sleep(0.15)
            done.set()
            return "late"

        engine.start([job(target)])
        assert done.wait(5)
        time.sleep(0.05)
        found = engine.response(job(target))
        assert found.error is not None
        assert found.error.kind == "timeout"

    def test_a_late_answer_does_not_replace_the_timeout(self, engines: Callable[..., Engine]) -> None:
        release, done = threading.Event(), threading.Event()

        def target(case: Case, variant: Any) -> str:
            release.wait(30)
            done.set()
            return "late"

        engine = engines(timeout=0.05)
        first = engine.response(job(target))
        release.set()
        assert done.wait(5)
        time.sleep(0.02)
        assert engine.response(job(target)) is first
        assert first.error is not None

    def test_calls_in_time_are_untouched_by_the_timeout(self, engines: Callable[..., Engine]) -> None:
        found = answers(engines(concurrency=2, timeout=5.0), [job(Counted(0.01), str(i)) for i in range(6)])
        assert [r.error for r in found] == [None] * 6


class TestClose:
    def test_close_does_not_wait_for_a_hanging_call(self) -> None:
        release, running = threading.Event(), threading.Event()

        def hanging(case: Case, variant: Any) -> str:
            running.set()
            release.wait(30)
            return ""

        async def hanging_too(case: Case, variant: Any) -> str:
            await asyncio.sleep(30)
            return ""

        engine = Engine(concurrency=2)
        engine.start([job(hanging), job(hanging_too, "b")])
        assert running.wait(5)
        started = time.monotonic()
        engine.close()
        assert time.monotonic() - started < 1
        release.set()

    def test_close_forgets_what_is_queued(self) -> None:
        release, running, seen = threading.Event(), threading.Event(), []

        def target(case: Case, variant: Any) -> str:
            seen.append(case.id)
            running.set()
            release.wait(30)
            return ""

        engine = Engine(concurrency=1)
        engine.start([job(target, str(i)) for i in range(5)])
        assert running.wait(5)
        engine.close()
        release.set()
        time.sleep(0.1)
        assert seen == ["0"]

    @pytest.mark.filterwarnings("error")
    def test_close_ends_the_loop_and_may_be_called_twice(self) -> None:
        async def target(case: Case, variant: Any) -> str:
            return "x"

        engine = Engine(concurrency=1)
        assert engine.response(job(target)).text == "x"
        engine.close()
        engine.close()
        deadline = time.monotonic() + 5
        while any(t.name == "genaiops-loop" and t.is_alive() for t in threading.enumerate()):
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def test_an_engine_that_was_never_used_closes(self) -> None:
        Engine(concurrency=1).close()
