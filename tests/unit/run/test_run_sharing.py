"""Engines that share their trials as several processes do."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from engine_help import Counted, Target, job, settle

from pytest_genaiops.records import Case, Response, Trial
from pytest_genaiops.run import Engine, exchange
from pytest_genaiops.run.exchange import Exchange

TRIAL = Trial(case=Case(id="a"), variant="v1")
ANSWER = Response(text="yes", latency=0.25, trial=TRIAL)


def never() -> bool:
    return False


def after_parking(engine: Engine, use: Callable[[], object]) -> None:
    """Do something once an engine has begun to hand over: from then on it begins nothing new."""

    def wait() -> None:
        settle(lambda: engine._threads.parked)
        use()

    threading.Thread(target=wait, daemon=True).start()


@pytest.fixture
def sharing(ways: Callable[..., Exchange]) -> Iterator[Callable[..., Engine]]:
    made: list[Engine] = []

    def make(owner: str, *, concurrency: int = 4, timeout: float | None = None) -> Engine:
        way = ways(owner, capacity=concurrency, timeout=timeout)
        made.append(Engine(concurrency=concurrency, timeout=timeout, exchange=way))
        return made[-1]

    yield make
    for engine in made:
        engine.close()


def called(*targets: Counted) -> list[str]:
    return sorted(case for target in targets for _, case in target.calls)


async def _slow(case: Case, variant: Any) -> str:
    await asyncio.sleep(0.02)
    return case.id


class TestEngines:
    def test_two_with_the_same_list_share_the_work(self, sharing: Callable[..., Engine]) -> None:
        one, two, first, second = sharing("one"), sharing("two"), Counted(0.01), Counted(0.01)
        names = [f"{i:02}" for i in range(40)]
        one.start([job(first, name) for name in names])
        two.start([job(second, name) for name in names])
        found = [[engine.response(job(t, n)) for n in names] for engine, t in ((two, second), (one, first))]
        assert called(first, second) == names
        assert found[0] == found[1]
        assert [response.text for response in found[0]] == [f"v1:{name}" for name in names]

    def test_async_targets_too(self, sharing: Callable[..., Engine]) -> None:
        seen: list[str] = []

        async def target(case: Case, variant: Any) -> str:
            seen.append(case.id)
            return await _slow(case, variant)

        engines = [sharing("one"), sharing("two")]
        for engine in engines:
            engine.start([job(target, str(i)) for i in range(20)])
        found = [[engine.response(job(target, str(i))) for i in range(20)] for engine in engines]
        assert sorted(seen) == sorted(str(i) for i in range(20))
        assert found[0] == found[1]

    @pytest.mark.parametrize("kind", ["sync", "async"])
    def test_together_they_call_no_more_at_once_than_one_would(self, sharing: Callable[..., Engine], kind: str) -> None:
        under_way: list[str] = []
        most: list[int] = []
        three = threading.Event()

        def begin(case: Case) -> None:
            under_way.append(case.id)
            most.append(len(under_way))
            if len(under_way) >= 3:
                three.set()

        def sync(case: Case, variant: Any) -> str:
            begin(case)
            assert three.wait(60)
            time.sleep(0.01)
            under_way.remove(case.id)
            return ""

        async def awaited(case: Case, variant: Any) -> str:
            begin(case)
            while not three.is_set():
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.01)
            under_way.remove(case.id)
            return ""

        target: Target = sync if kind == "sync" else awaited
        engines = [sharing(name, concurrency=3) for name in ("one", "two")]
        for engine in engines:
            engine.start([job(target, str(i)) for i in range(30)])
        for engine in engines:
            for i in range(30):
                engine.response(job(target, str(i)))
        assert max(most) == 3

    def test_another_target_variant_case_or_trial_is_another_call(self, sharing: Callable[..., Engine]) -> None:
        one, two, first, second = sharing("one"), sharing("two"), Counted(), Counted()
        one.response(job(first))
        for other in ({"identity": "b"}, {"variant": "v2"}, {"case": "b"}, {"index": 2}, {}):
            two.response(job(second, **other))
        assert len(second.calls) == 4

    @pytest.mark.parametrize("value", [{"text": "x", "usage": {"total": 10**5000}}, None, ValueError("bad")])
    def test_errors_are_shared_as_well(self, sharing: Callable[..., Engine], value: Any) -> None:
        calls: list[str] = []

        def target(case: Case, variant: Any) -> Any:
            calls.append(case.id)
            if isinstance(value, Exception):
                raise value
            return value

        found = [sharing(name).response(job(target)) for name in ("one", "two")]
        assert calls == ["a"]
        assert found[0].error is not None
        assert found[0] == found[1]

    def test_a_hanging_call_is_given_up_by_whoever_waits_for_it(self, sharing: Callable[..., Engine]) -> None:
        begun, release = threading.Event(), threading.Event()

        def target(case: Case, variant: Any) -> str:
            begun.set()
            release.wait(60)
            return "late"

        one, two = sharing("one", timeout=0.1), sharing("two", timeout=0.1)
        one.start([job(target)])
        assert begun.wait(60)
        found = two.response(job(target))  # nobody waits in the first one, so nobody looks at its clock
        release.set()
        assert str(found.error) == "timeout: no answer within 0.1 s"
        assert one.response(job(target)) == found

    def test_a_dead_ones_calls_are_made_by_another(self, path: Path, sharing: Callable[..., Engine]) -> None:
        begun, hang, second = threading.Event(), threading.Event(), Counted()

        def target(case: Case, variant: Any) -> str:
            if case.id != "done":
                begun.set()
                hang.wait(60)
            return "first"

        one, two = sharing("one"), sharing("two")
        assert one.response(job(target, "done")).text == "first"
        one.start([job(target, "begun")])
        assert begun.wait(60)
        two.start([job(second, "begun"), job(second, "done")])
        settle(lambda: two._slots[job(second, "begun").key].elsewhere)
        exchange.release(path, "one")
        assert two.response(job(second, "begun")).text == "v1:begun"
        assert two.response(job(second, "done")).text == "first"
        hang.set()
        assert called(second) == ["begun"]

    def test_what_killed_another_is_not_called_ahead_of_its_time(
        self, path: Path, ways: Callable[..., Exchange], sharing: Callable[..., Engine]
    ) -> None:
        target = Counted()
        ways("dead").claim(job(target, "bad").key, again=False)
        exchange.release(path, "dead")
        engine = sharing("one", concurrency=1)
        engine.start([job(target, "bad"), job(target, "good")])
        engine.response(job(target, "good"))
        assert called(target) == ["good"]
        assert engine.response(job(target, "bad")).text == "v1:bad"


class TestHandingOver:
    @pytest.mark.parametrize("kind", ["sync", "async"])
    def test_calls_under_way_end_and_the_rest_is_left_to_others(
        self, sharing: Callable[..., Engine], kind: str
    ) -> None:
        begun: list[str] = []
        release = threading.Event()

        def sync(case: Case, variant: Any) -> str:
            begun.append(case.id)
            release.wait(60)
            return "first"

        async def awaited(case: Case, variant: Any) -> str:
            begun.append(case.id)
            while not release.is_set():
                await asyncio.sleep(0.01)
            return "first"

        target: Target = sync if kind == "sync" else awaited
        one, two, second = sharing("one", concurrency=2), sharing("two", concurrency=2), Counted()
        one.start([job(target, str(i)) for i in range(6)])
        settle(lambda: len(begun) == 2)
        after_parking(one, release.set)
        one.hand_over(never)
        assert set(begun) == {"0", "1"}
        texts = [two.response(job(second, str(i))).text for i in range(6)]
        assert texts == ["first", "first", "v1:2", "v1:3", "v1:4", "v1:5"]
        assert set(begun) == {"0", "1"}

    def test_what_is_asked_for_afterwards_is_called(self, sharing: Callable[..., Engine]) -> None:
        engine, target = sharing("one", concurrency=1), Counted()
        begun, go = threading.Event(), threading.Event()

        def held(case: Case, variant: Any) -> str:
            begun.set()
            assert go.wait(60)
            return target(case, variant)

        engine.start([job(held, str(i)) for i in range(20)])
        assert begun.wait(60)
        after_parking(engine, go.set)
        engine.hand_over(never)
        assert engine.response(job(target, "19")).text == "v1:19"
        engine.start([job(target, "more")])
        assert engine.response(job(target, "more")).text == "v1:more"
        assert len(target.calls) < 20

    def test_nobody_waits_for_a_hanging_call_once_the_session_has_ended(self, sharing: Callable[..., Engine]) -> None:
        release, ended = threading.Event(), threading.Event()

        def target(case: Case, variant: Any) -> str:
            release.wait(60)
            return ""

        engine = sharing("one")
        engine.start([job(target)])
        threading.Timer(0.1, ended.set).start()
        engine.hand_over(ended.is_set)
        release.set()

    def test_a_closed_engine_hands_in_nothing(self, sharing: Callable[..., Engine]) -> None:
        begun, release = threading.Event(), threading.Event()

        def target(case: Case, variant: Any) -> str:
            begun.set()
            release.wait(60)
            return "half torn down"

        one, two = sharing("one"), sharing("two")
        one.start([job(target)])
        assert begun.wait(60)
        one.close()
        release.set()
        two.start([job(Counted())])
        time.sleep(0.1)
        assert two._exchange is not None
        assert two._exchange.find(job(target).key, TRIAL) == "under way"
