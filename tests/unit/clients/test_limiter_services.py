"""What the limiter makes of services that refuse: how many calls are under way, and that none is lost."""

import asyncio
import sqlite3
from pathlib import Path

import pytest
from limiter_help import Open, Shut, began, gate, limiter, refuse
from simulated import Service, all_answered, ideal, run

from pytest_genaiops.clients.limiter import Window
from pytest_genaiops.clients.request import Allowance, RefusedError
from pytest_genaiops.clients.shared import InFile, InProcess
from pytest_genaiops.testing.limits import Bucket, Gate, Overload, Sliding
from pytest_genaiops.testing.limits import Window as FixedWindow


class TestCallsUnderWay:
    """The window: one fewer with each that fails."""

    def test_become_as_few_as_a_server_took(self) -> None:
        window = Window(16)
        for _ in range(6):
            window.failed(0.0, 0.1, None)
        assert window.size == 10

    def test_lose_three_quarters_at_most_to_failures_of_one_moment(self) -> None:
        window = Window(16)
        for _ in range(16):
            window.failed(0.0, 0.1, None)
        assert window.size == 4

    def test_go_down_to_one_where_some_are_answered_in_between(self) -> None:
        window = Window(50)
        for at in range(5):
            for _ in range(50):
                window.failed(at, at + 0.1, None)
            window.succeeded(at + 0.2, 1)
        assert 1 <= window.size < 2

    def test_stay_where_nothing_is_answered_at_all(self) -> None:
        """A server that is gone, and takes its time to say so, is given up sooner with many at once."""
        window = Window(16)
        for at in range(0, 50, 10):
            for _ in range(16):
                window.failed(at, at + 5.0, None)
        assert window.size == 4

    def test_go_down_to_one_where_failures_are_quick(self) -> None:
        """What is refused at once says nothing of those under way, which may be answered yet."""
        window = Window(16)
        for at in range(5):
            for _ in range(16):
                window.failed(at, at + 0.1, None)
        assert window.size == 1

    def test_stay_half_where_calls_are_only_late(self) -> None:
        """Two cases in three that take too long, whatever else is under way, must not be waited for one by one."""
        window = Window(16)
        for at in range(50):
            for _ in range(8):
                window.failed(at, at + 1.5, None, late=True)
            window.succeeded(at + 1.6, 1)
        assert window.size == 8
        for at in range(100, 105):
            for _ in range(8):
                window.failed(at, at + 0.1, None)
            window.succeeded(at + 0.2, 1)
        few = window.size
        window.failed(200.0, 201.5, None, late=True)
        assert few < 2, "other failures still count in full"
        assert window.size == few

    def test_become_more_only_where_they_are_used(self) -> None:
        window = Window(16)
        window.failed(0.0, 0.1, None)
        window.succeeded(0.2, 3)
        assert window.size == 15
        for _ in range(100):
            window.succeeded(0.3, 16)
        assert window.size == 16, "more than the concurrency"

    def test_stay_as_few_for_ten_times_the_pause_that_one_too_many_costs(self) -> None:
        window = Window(16)
        window.failed(0.0, 1.0, 2.0)
        window.succeeded(20.9, 16)
        assert window.size == 15
        window.succeeded(21.1, 16)
        assert window.size > 15

    @pytest.mark.parametrize(
        ("refusal", "fewer"),
        [
            (RefusedError("503", again=True), True),
            (RefusedError("no answer within 5 s", kind="timeout"), True),
            (RefusedError("429", again=True, throttled=True), True),
            (RefusedError("429", again=True, throttled=True, wait=0.1), False),
            (RefusedError("404"), False),
        ],
    )
    def test_become_fewer_by_what_fewer_may_mend(self, refusal: RefusedError, fewer: bool) -> None:
        async def main() -> bool:
            limits = limiter(concurrency=2)
            async with limits.turn("model") as turn:
                await refuse(limits, refusal)
                turn.answered(Allowance())
            first = asyncio.ensure_future(began(limits, lasts=100.0))
            second = asyncio.ensure_future(began(limits, lasts=100.0))
            await asyncio.sleep(50.0)
            both = not first.cancelled() and gate(limits)._under_way == 2
            first.cancel()
            second.cancel()
            return both

        assert run(main()) is not fewer


GATES: dict[str, type[Gate]] = {"bucket": Bucket, "window": FixedWindow, "sliding": Sliding}


class TestAgainstAServer:
    """200 cases, 20 a second, 50 at once: what benchmarks/rate_limits.py measures on a real socket."""

    @pytest.mark.parametrize("processes", [1, 4])
    @pytest.mark.parametrize("latency", [0.02, 0.2])
    @pytest.mark.parametrize("headers", [None, 20])
    @pytest.mark.parametrize("kind", list(GATES))
    def test_nothing_is_lost_and_little_is_refused(
        self, kind: str, headers: int | None, latency: float, processes: int
    ) -> None:
        async def main() -> tuple[int, float]:
            shared = InProcess()
            limiters = [limiter(shared, concurrency=50 // processes) for _ in range(processes)]
            return await all_answered(limiters, service, 200)

        service = Service(GATES[kind](20), latency=latency, headers=headers)
        lost, seconds = run(main())
        assert lost == 0
        assert seconds <= 1.2 * ideal(GATES[kind](20), 200, latency)
        assert service.refused < 0.15 * len(service.seen)

    @pytest.mark.parametrize("kind", list(GATES))
    def test_nobody_comes_within_the_pause_that_a_refusal_asks_for(self, kind: str) -> None:
        async def main() -> None:
            shared = InProcess()
            await all_answered([limiter(shared, concurrency=25) for _ in range(2)], service, 400)

        service = Service(GATES[kind](20), wait=1.5, jitter=0.0)
        run(main())
        heard = service.refusals
        assert heard
        for at, _ in service.seen:
            assert not any(refused + 1e-6 < at < refused + 1.5 - 1e-6 for refused in heard)

    def test_the_calls_under_way_are_found_that_an_overloaded_server_takes(self) -> None:
        async def main() -> tuple[int, float]:
            return await all_answered([limiter()], service, 200)

        service = Service(Overload(8), wait=None, refuses=0.001)
        lost, seconds = run(main())
        assert lost == 0
        assert seconds <= 1.3 * 200 / 8 * 0.2
        assert service.refused < 80, "what is refused at once is replaced at once"

    def test_one_that_refuses_for_ever_ends_every_case(self) -> None:
        async def main() -> tuple[int, float]:
            return await all_answered([limiter(concurrency=8)], service, 40)

        service = Service(Shut(), wait=1.0)
        lost, seconds = run(main())
        assert lost == 40
        assert seconds < 800
        assert len(service.seen) < 400

    def test_one_that_comes_back_after_a_minute_answers_every_case(self) -> None:
        class Back(Open):
            def admits(self, now: float, under_way: int) -> bool:
                return now > 1060.0

        async def main() -> tuple[int, float]:
            return await all_answered([limiter(concurrency=8)], Service(Back(), wait=1.0), 100)

        lost, seconds = run(main())
        assert lost == 0
        assert seconds < 180

    def test_a_full_disk_does_not_stop_anybody(self, tmp_path: Path) -> None:
        async def main() -> tuple[int, float]:
            shared = InFile(tmp_path / "shared.sqlite")
            with sqlite3.connect(tmp_path / "shared.sqlite") as other:
                other.execute("DROP TABLE states")
            return await all_answered([limiter(shared)], Service(Bucket(20)), 60)

        assert run(main())[0] == 0

    def test_each_event_loop_has_waiters_of_its_own(self) -> None:
        limits = limiter(concurrency=1)
        assert [run(began(limits)) for _ in range(2)] == [0.0, 0.0]
