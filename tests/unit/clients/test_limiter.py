"""Who may call a service, and when: waiters, pauses and processes, on simulated time."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from limiter_help import began, gate, limiter, refuse
from simulated import now, run

from pytest_genaiops.clients import pacing
from pytest_genaiops.clients.limiter import Limiter
from pytest_genaiops.clients.request import Allowance, RefusedError
from pytest_genaiops.clients.shared import InFile, InProcess, Shared


class Watched(InProcess):
    """Counts the changes."""

    def __init__(self) -> None:
        super().__init__()
        self.changes = 0

    def update(self, name: str, change: Any) -> Any:
        self.changes += 1
        return super().update(name, change)


class TestWhereNothingWasRefused:
    def test_calls_begin_at_once_and_change_no_state(self) -> None:
        async def main() -> list[float]:
            return await asyncio.gather(*(began(limits) for _ in range(40)))

        shared = Watched()
        limits = limiter(shared)
        assert run(main()) == [0.0] * 40
        assert shared.changes == 0

    def test_no_more_are_under_way_than_the_concurrency(self) -> None:
        async def main() -> list[float]:
            limits = limiter(concurrency=2)
            return await asyncio.gather(*(began(limits, lasts=1.0) for _ in range(6)))

        assert run(main()) == [0.0, 0.0, 1.0, 1.0, 2.0, 2.0]

    def test_an_error_within_a_turn_ends_it(self) -> None:
        async def main() -> float:
            limits = limiter(concurrency=1)
            with pytest.raises(LookupError):
                async with limits.turn("model"):
                    raise LookupError
            return await began(limits)

        assert run(main()) == 0.0


class TestThoseWhoWait:
    def test_go_in_the_order_in_which_they_came(self) -> None:
        async def main() -> list[int]:
            limits, order = limiter(concurrency=1), []

            async def one(number: int) -> None:
                async with limits.turn("model"):
                    order.append(number)
                    await asyncio.sleep(0.1)

            await asyncio.gather(*(one(number) for number in range(20)))
            return order

        assert run(main()) == list(range(20))

    def test_are_not_overtaken_by_one_who_comes_when_there_is_room_again(self) -> None:
        async def main() -> list[str]:
            limits, order = limiter(concurrency=1), []

            async def waits() -> None:
                async with limits.turn("model"):
                    order.append("waited")

            async with limits.turn("model"):
                waiter = asyncio.ensure_future(waits())
                await asyncio.sleep(0.1)
            async with limits.turn("model"):
                order.append("came later")
            await waiter
            assert gate(limits)._waiting == 0, "everybody who comes now waits behind nobody"
            return order

        assert run(main()) == ["waited", "came later"]

    def test_go_in_order_after_a_pause_too(self) -> None:
        async def main() -> list[float]:
            limits = limiter()
            await asyncio.gather(*(began(limits) for _ in range(20)))
            await refuse(limits)
            return await asyncio.gather(*(began(limits) for _ in range(30)))

        times = run(main())
        assert times == sorted(times)
        assert times[0] == pytest.approx(1.0)
        assert times[-1] - times[0] == pytest.approx(29 / (pacing.MARGIN * 20), rel=0.05), "a herd at the pause's end"

    @pytest.mark.parametrize("victim", [0, 1, 5])
    def test_leave_nothing_behind_when_they_are_cancelled(self, victim: int) -> None:
        async def main() -> tuple[list[float], list[float]]:
            found = []
            for cancels in (False, True):
                limits, start = limiter(concurrency=1), now()
                holder = asyncio.ensure_future(began(limits, lasts=1.0))
                await asyncio.sleep(0)
                waiters = [asyncio.ensure_future(began(limits, lasts=1.0)) for _ in range(6)]
                await asyncio.sleep(0.5)
                if cancels:
                    waiters.pop(victim).cancel()
                done = await asyncio.gather(holder, *waiters)
                found.append([at + 1000.0 - start for at in done])
            return found[0], found[1]

        whole, without = run(main())
        assert without == pytest.approx(whole[:-1])

    def test_leave_nothing_behind_when_they_are_cancelled_within_a_pause(self) -> None:
        async def main() -> list[float]:
            limits = limiter()
            await asyncio.gather(*(began(limits) for _ in range(9)))
            await refuse(limits)
            waiters = [asyncio.ensure_future(began(limits)) for _ in range(9)]
            await asyncio.sleep(0.5)
            for waiter in waiters[:5]:
                waiter.cancel()
            return await asyncio.gather(*waiters[5:])

        times = run(main())
        assert times[0] == pytest.approx(1.0), "a cancelled waiter kept its place"
        assert times[-1] - times[0] == pytest.approx(3 / (pacing.MARGIN * 9), rel=0.05)

    def test_do_not_ask_again_and_again(self) -> None:
        """50 callers wait for 30 seconds: a look at each change of the head, not one each moment."""

        async def main() -> int:
            limits = limiter(shared)
            await refuse(limits, RefusedError("busy", again=True, throttled=True, wait=30.0))
            waiters = [asyncio.ensure_future(began(limits)) for _ in range(50)]
            await asyncio.sleep(29.0)
            changes = shared.changes
            for waiter in waiters:
                waiter.cancel()
            return changes

        shared = Watched()
        assert run(main()) <= 2


class TestAPause:
    def test_holds_for_every_caller_of_the_name(self) -> None:
        async def main() -> tuple[float, float]:
            limits = limiter()
            await refuse(limits)
            return await began(limits, "another model"), await began(limits)

        assert run(main()) == (0.0, pytest.approx(1.0))

    @pytest.mark.parametrize("kind", ["process", "file"])
    def test_holds_in_other_processes_at_once(self, kind: str, tmp_path: Path) -> None:
        async def main() -> float:
            states: list[Shared] = [InProcess()] * 2
            if kind == "file":
                states = [InFile(tmp_path / "shared.sqlite") for _ in range(2)]
            one, another = (limiter(shared) for shared in states)
            await began(another)
            await refuse(one)
            return await began(another)

        assert run(main()) == pytest.approx(1.0)

    def test_is_followed_by_a_pace_that_knows_what_all_processes_began(self) -> None:
        async def main() -> list[float]:
            shared = InProcess()
            one, another = limiter(shared), limiter(shared)
            await asyncio.gather(*(began(another) for _ in range(15)), *(began(one) for _ in range(5)))
            await refuse(one)
            return await asyncio.gather(*(began(another) for _ in range(21)))

        times = run(main())
        assert times[-1] - times[0] == pytest.approx(20 / (pacing.MARGIN * 20), rel=0.05)

    def test_that_another_process_begins_holds_those_who_already_wait_for_a_shorter_one(self) -> None:
        async def main() -> float:
            shared = InProcess()
            one, another = limiter(shared), limiter(shared)
            async with one.turn("model") as late:
                await refuse(one)
                waiter = asyncio.ensure_future(began(another))
                await asyncio.sleep(0.9)
                late.refused(RefusedError("busy", again=True, throttled=True, wait=5.0))
            return await waiter

        assert run(main()) == pytest.approx(5.9)

    def test_of_an_answer_that_was_the_last_one_holds_for_all(self) -> None:
        async def main() -> float:
            limits = limiter()
            async with limits.turn("model") as turn:
                turn.answered(Allowance(limit=20, remaining=0, reset=2.0))
            return await began(limits)

        assert run(main()) == pytest.approx(2.0)

    def test_of_tokens_that_are_used_up_holds_for_all(self) -> None:
        async def main() -> float:
            limits = limiter()
            async with limits.turn("model") as turn:
                turn.answered(Allowance(remaining=3, reset=9.0, remaining_tokens=0, reset_tokens=4.0))
            return await began(limits)

        assert run(main()) == pytest.approx(4.0)

    def test_of_a_refusal_without_a_time_is_that_of_its_headers(self) -> None:
        async def main() -> float:
            limits = limiter()
            await refuse(
                limits,
                RefusedError("busy", again=True, throttled=True, allowance=Allowance(limit=5, remaining=0, reset=3.0)),
            )
            return await began(limits)

        assert run(main()) == pytest.approx(3.0)

    def test_of_an_overloaded_service_holds_for_all_and_ends_without_a_pace(self) -> None:
        async def main() -> list[float]:
            limits = limiter()
            async with limits.turn("model") as turn:
                await refuse(limits, RefusedError("overloaded", again=True, wait=2.0))
                turn.answered(Allowance())
            return await asyncio.gather(*(began(limits) for _ in range(10)))

        assert run(main()) == pytest.approx([2.0] * 10, abs=1e-6)

    def test_is_no_matter_of_calls_that_no_other_attempt_mends(self) -> None:
        async def main() -> float:
            limits = limiter()
            await refuse(limits, RefusedError("no such model", wait=60.0))
            return await began(limits)

        assert run(main()) == 0.0

    def test_of_hours_ends_every_call(self) -> None:
        async def main() -> list[Any]:
            limits = limiter()
            await refuse(limits, RefusedError("busy", again=True, throttled=True, wait=7200.0))
            return await asyncio.gather(*(began(limits, "model") for _ in range(3)), return_exceptions=True)

        for error in run(main()):
            assert isinstance(error, RefusedError)
            assert error.message == "model asks to wait 7200 s before the next call"

    def test_names_a_hostile_service_in_a_few_printable_words(self) -> None:
        async def main() -> str:
            limits, name = limiter(), "evil\x1b[2J" + "x" * 10_000
            await refuse(limits, RefusedError("busy", again=True, throttled=True, wait=7200.0), name)
            with pytest.raises(RefusedError) as error:
                await began(limits, name)
            return error.value.message

        message = run(main())
        assert message.isprintable()
        assert len(message) < 1000


def test_a_turn_costs_next_to_nothing_while_nothing_is_refused() -> None:
    """Changes and timers, not time: no change of state, no timer, no task."""

    async def main() -> int:
        limits = Limiter(InProcess(), concurrency=1000)
        loop = asyncio.get_running_loop()
        before = getattr(loop, "_scheduled", [])[:]
        async with AsyncExitStack() as stack:
            for _ in range(1000):
                turn = await stack.enter_async_context(limits.turn("model"))
                turn.answered(Allowance())
            return len(getattr(loop, "_scheduled", [])) - len(before)

    assert run(main()) == 0
