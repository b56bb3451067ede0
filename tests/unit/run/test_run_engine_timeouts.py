"""The engine: calls that take too long, and the end of a session."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
import warnings
from collections.abc import Callable
from typing import Any

from engine_help import Counted, answers, job

from pytest_genaiops.records import Case
from pytest_genaiops.run import Engine


class TestTimeouts:
    def test_a_hanging_sync_target_is_given_up_and_others_take_its_place(self, engines: Callable[..., Engine]) -> None:
        release = threading.Event()

        def target(case: Case, variant: Any) -> str:
            if case.id.startswith("hang"):
                release.wait(60)
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
                release.wait(60)
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
                release.wait(60)
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

        found = answers(engines(concurrency=16, timeout=1.4), [job(target, str(i)) for i in range(16)])
        assert [response.text for response in found] == [str(i) for i in range(16)]
        assert all(response.latency is not None and response.latency < 1.4 for response in found)

    def test_an_answer_past_its_time_does_not_count_though_nobody_waited(self, engines: Callable[..., Engine]) -> None:
        engine, done = engines(timeout=0.05), threading.Event()

        def target(case: Case, variant: Any) -> str:
            time.sleep(0.15)
            done.set()
            return "late"

        engine.start([job(target)])
        assert done.wait(60)
        time.sleep(0.05)
        found = engine.response(job(target))
        assert found.error is not None
        assert found.error.kind == "timeout"

    def test_a_late_answer_does_not_replace_the_timeout(self, engines: Callable[..., Engine]) -> None:
        release, done = threading.Event(), threading.Event()

        def target(case: Case, variant: Any) -> str:
            release.wait(60)
            done.set()
            return "late"

        engine = engines(timeout=0.05)
        first = engine.response(job(target))
        release.set()
        assert done.wait(60)
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
            release.wait(60)
            return ""

        async def hanging_too(case: Case, variant: Any) -> str:
            await asyncio.sleep(30)
            return ""

        engine = Engine(concurrency=2)
        engine.start([job(hanging), job(hanging_too, "b")])
        assert running.wait(60)
        started = time.monotonic()
        engine.close()
        assert time.monotonic() - started < 25  # the calls would take 30
        release.set()

    def test_close_forgets_what_is_queued(self) -> None:
        release, running, seen = threading.Event(), threading.Event(), []

        def target(case: Case, variant: Any) -> str:
            seen.append(case.id)
            running.set()
            release.wait(60)
            return ""

        engine = Engine(concurrency=1)
        engine.start([job(target, str(i)) for i in range(5)])
        assert running.wait(60)
        engine.close()
        release.set()
        time.sleep(0.1)
        assert seen == ["0"]

    def test_close_ends_the_loop_and_may_be_called_twice(self) -> None:
        async def target(case: Case, variant: Any) -> str:
            return "x"

        others = set(threading.enumerate())  # a process without a session asks judges on a loop of its own
        gc.collect()  # what other tests have left is not told here
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            engine = Engine(concurrency=1)
            assert engine.response(job(target)).text == "x"
            engine.close()
            engine.close()
            deadline = time.monotonic() + 60
            while any(t.name == "genaiops-loop" and t.is_alive() for t in set(threading.enumerate()) - others):
                assert time.monotonic() < deadline
                time.sleep(0.01)
            del engine
            gc.collect()
        assert told == []

    def test_an_engine_that_was_never_used_closes(self) -> None:
        Engine(concurrency=1).close()
