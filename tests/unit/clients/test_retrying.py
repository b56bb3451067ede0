"""Whether one request is tried again, and how soon."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_genaiops.clients import retrying
from pytest_genaiops.clients.request import Allowance, RefusedError
from pytest_genaiops.clients.retrying import Attempts

BUSY = RefusedError("busy", again=True, throttled=True)
BROKEN = RefusedError("the connection was dropped", again=True)


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def attempts(clock: Clock) -> Attempts:
    return Attempts(clock=clock)


class TestWhatFailed:
    def test_is_tried_five_times(self, attempts: Attempts) -> None:
        pauses = [attempts.pause(BROKEN) for _ in range(5)]
        assert [pause is None for pause in pauses] == [False, False, False, False, True]

    def test_is_tried_later_each_time_up_to_a_bound(self, monkeypatch: pytest.MonkeyPatch, attempts: Attempts) -> None:
        bounds: list[tuple[float, float]] = []
        monkeypatch.setattr(retrying, "MOST", 9)
        monkeypatch.setattr(retrying.random, "uniform", lambda low, high: bounds.append((low, high)) or low)
        for _ in range(7):
            attempts.pause(BROKEN)
        assert bounds == [(0, 0.5), (0, 1), (0, 2), (0, 4), (0, 8), (0, 8), (0, 8)]

    def test_waits_as_long_as_the_service_says_and_a_little_more(self, attempts: Attempts) -> None:
        pause = attempts.pause(RefusedError("overloaded", again=True, wait=3.0))
        assert pause is not None
        assert 3.0 <= pause <= 3.5

    def test_is_not_tried_again_where_that_is_of_no_use(self, attempts: Attempts) -> None:
        assert attempts.pause(RefusedError("no such model")) is None

    def test_is_not_tried_again_after_ten_minutes(self, attempts: Attempts, clock: Clock) -> None:
        assert attempts.pause(BROKEN) is not None
        clock.now += 600
        assert attempts.pause(BROKEN) is None

    def test_does_not_wait_for_an_hour(self, attempts: Attempts) -> None:
        assert attempts.pause(RefusedError("down for repair", again=True, wait=3600.0)) is None


class TestWhatCameTooSoon:
    def test_comes_again_when_the_limiter_lets_it(self, attempts: Attempts) -> None:
        assert attempts.pause(BUSY) == 0

    def test_is_tried_twenty_times(self, attempts: Attempts) -> None:
        pauses = [attempts.pause(BUSY) for _ in range(20)]
        assert pauses == [0.0] * 19 + [None]

    def test_is_tried_four_times_however_long_its_turn_takes(self, attempts: Attempts, clock: Clock) -> None:
        pauses = []
        for _ in range(4):
            pauses.append(attempts.pause(BUSY))
            clock.now += 1000
        assert pauses == [0.0, 0.0, 0.0, None]

    def test_does_not_use_up_the_attempts_of_what_fails(self, attempts: Attempts) -> None:
        for _ in range(10):
            attempts.pause(BUSY)
        assert attempts.pause(BROKEN) is not None

    def test_gives_up_where_the_service_asks_to_wait_for_hours(self, attempts: Attempts) -> None:
        assert attempts.pause(RefusedError("busy", again=True, throttled=True, wait=7200.0)) is None


@settings(deadline=None)
@given(
    st.lists(
        st.builds(
            RefusedError,
            st.just("refused"),
            again=st.booleans(),
            throttled=st.booleans(),
            wait=st.none() | st.floats(0, 86_400),
        ),
        min_size=25,
        max_size=25,
    )
)
def test_every_request_comes_to_an_end(refusals: list[RefusedError]) -> None:
    attempts = Attempts(clock=lambda: 0.0)
    pauses = [attempts.pause(refusal) for refusal in refusals]
    assert None in pauses
    assert all(pause is None or 0 <= pause <= 608 for pause in pauses)


class TestTheLastRefusal:
    def test_says_how_many_attempts_there_were(self, attempts: Attempts) -> None:
        for refusal in (BUSY, BROKEN, BROKEN):
            attempts.pause(refusal)
        assert attempts.summed_up(BROKEN).message == "the connection was dropped (after 3 attempts)"

    def test_of_one_attempt_is_as_it_was(self, attempts: Attempts) -> None:
        attempts.pause(BROKEN)
        assert attempts.summed_up(BROKEN).message == "the connection was dropped"

    def test_keeps_everything_else(self, attempts: Attempts) -> None:
        allowance = Allowance(remaining=0)
        last = RefusedError("late", kind="timeout", again=True, throttled=True, wait=2.0, allowance=allowance)
        attempts.pause(last)
        attempts.pause(last)
        told = attempts.summed_up(last)
        assert (told.kind, told.again, told.throttled, told.wait, told.allowance) == (
            "timeout",
            True,
            True,
            2.0,
            allowance,
        )
