"""Limits admit what they say, whoever asks and when."""

from __future__ import annotations

import pytest
from fake_help import asked
from hypothesis import given
from hypothesis import strategies as st

from pytest_genaiops.errors import UsageError
from pytest_genaiops.testing import FakeServer, Limit
from pytest_genaiops.testing.limits import GATES, retry_after

TIMES = st.lists(st.floats(min_value=0.0, max_value=5.0), max_size=60).map(sorted)


def admitted(kind: str, rate: float, times: list[float]) -> list[float]:
    gate = GATES[kind](rate)
    return [now for now in times if gate.admits(now, 0)]


class TestKinds:
    @given(TIMES, st.integers(1, 8))
    def test_a_sliding_second_never_has_more_than_the_rate(self, times: list[float], rate: int) -> None:
        passed = admitted("sliding", rate, times)
        assert all(sum(now - 1 < other <= now for other in passed) <= rate for now in passed)

    @given(TIMES, st.integers(1, 8))
    def test_a_second_of_the_clock_has_as_many_as_came_up_to_the_rate(self, times: list[float], rate: int) -> None:
        passed = admitted("window", rate, times)
        for second in range(6):
            came = sum(int(now) == second for now in times)
            assert sum(int(now) == second for now in passed) == min(came, rate)

    @given(TIMES, st.integers(1, 8))
    def test_a_bucket_gives_its_size_and_what_has_flowed_in(self, times: list[float], rate: int) -> None:
        passed = admitted("bucket", rate, times)
        for i, first in enumerate(passed):
            for j in range(i, len(passed)):
                assert j - i + 1 <= rate + rate * (passed[j] - first) + 1e-6

    def test_a_bucket_starts_full_and_refills_evenly(self) -> None:
        assert admitted("bucket", 2, [0.0, 0.0, 0.0, 0.4, 0.5, 0.6, 1.0]) == [0.0, 0.0, 0.5, 1.0]

    def test_a_sliding_second_forgets_call_by_call(self) -> None:
        assert admitted("sliding", 2, [0.0, 0.7, 0.9, 1.0, 1.5, 1.7]) == [0.0, 0.7, 1.0, 1.7]

    def test_a_window_forgets_all_at_once(self) -> None:
        assert admitted("window", 2, [0.8, 0.9, 0.95, 1.0, 1.1, 1.2]) == [0.8, 0.9, 1.0, 1.1]

    def test_overload_counts_calls_under_way(self) -> None:
        gate = GATES["overload"](2)
        assert [gate.admits(0.0, under_way) for under_way in (0, 1, 2, 3)] == [True, True, False, False]
        assert gate.left(0.0) is None

    @given(TIMES, st.integers(1, 8), st.sampled_from(["bucket", "window", "sliding"]))
    def test_what_is_said_to_be_left_is_admitted(self, times: list[float], rate: int, kind: str) -> None:
        gate = GATES[kind](rate)
        for now in times:
            left = gate.left(now)
            assert left is not None
            assert 0 <= left[0] <= rate
            assert gate.admits(now, 0) == (left[0] > 0)

    @pytest.mark.parametrize("kind", ["bucket", "window", "sliding"])
    def test_after_the_reset_all_are_left(self, kind: str) -> None:
        gate = GATES[kind](4)
        for now in (0.1, 0.2, 0.3):
            gate.admits(now, 0)
        left = gate.left(0.3)
        assert left is not None
        again = gate.left(0.3 + left[1] + 1e-9)
        assert again is not None
        assert again[0] == 4


class TestReplies:
    def test_a_refusal_tells_when_to_come_again(self) -> None:
        with FakeServer(admit=1) as server:
            got = [asked(server.url) for _ in range(2)]
        assert [each.status for each in got] == [200, 429]
        assert got[1].headers["retry-after"] == "1"

    def test_an_overloaded_server_answers_503(self) -> None:
        assert Limit(1, "overload").status == 503

    def test_headers_tell_what_is_left(self) -> None:
        with FakeServer(admit=Limit(2, "sliding", headers=True)) as server:
            got = [asked(server.url).headers for _ in range(3)]
        assert [each["x-ratelimit-limit-requests"] for each in got] == ["2", "2", "2"]
        assert [each["x-ratelimit-remaining-requests"] for each in got] == ["1", "0", "0"]
        assert all(0 < int(each["x-ratelimit-reset-requests"].removesuffix("ms")) <= 1000 for each in got)

    def test_a_wait_is_in_whole_seconds_and_exact_in_milliseconds(self) -> None:
        assert retry_after(2.0) == {"Retry-After": "2"}
        assert retry_after(0.25) == {"Retry-After": "1", "retry-after-ms": "250"}


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((0, "bucket"), "admits 0 calls a second; give a number of at least 1"),
        ((float("nan"), "bucket"), "admits nan calls"),
        ((5, "buckets"), "a limit of kind 'buckets'; did you mean 'bucket'?"),
        ((5, "bucket", -1.0), "tells to wait -1.0 s"),
    ],
)
def test_a_limit_that_means_nothing_is_refused(arguments: tuple[object, ...], error: str) -> None:
    with pytest.raises(UsageError) as raised:
        Limit(*arguments)  # type: ignore[arg-type]
    assert error in str(raised.value)
