"""When calls may begin once a service has refused some: the functions behind the limiter, on times made up."""

import json
import math
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_genaiops.clients import pacing
from pytest_genaiops.clients.pacing import MARGIN, TOLERANCE, Counted, State, Word, admit, paused, rate_told
from pytest_genaiops.clients.request import Allowance

NONE = Counted(since=-math.inf, begun=0)


def burst(admitted: int, refused: int, *, wait: float | None = 1.0, rate: float | None = None) -> State:
    """After calls that all began at 0 s, of which some were refused at 0.01 s."""
    state: State = {}
    own = Counted(since=0.0, begun=admitted + refused)
    for _ in range(refused):
        state = paused(state, Word(now=0.01, began=0.0, wait=wait, rate=rate), own)
        own = NONE
    return state


def admissions(state: State, *, since: float, until: float) -> list[float]:
    """When calls begin if there is always one more that waits."""
    now, found = since, []
    while now < until:
        state, wait = admit(state, now)
        if wait == 0:
            found.append(now)
        else:
            now += wait
    return found


class TestWhereNothingWasRefused:
    def test_calls_begin_at_once(self) -> None:
        assert admit({}, 5.0) == ({}, 0.0)

    def test_an_answer_changes_nothing(self) -> None:
        assert pacing.answered({}, 5.0) == {}
        assert pacing.joined({}, Counted(since=0.0, begun=3)) == {}


class TestAPause:
    def test_lasts_as_long_as_the_service_says(self) -> None:
        state = burst(20, 30)
        assert admit(state, 0.5)[1] == pytest.approx(0.51)
        assert admit(state, 1.0099)[1] > 0
        assert admit(state, 1.0101)[1] == 0

    def test_is_prolonged_by_a_refusal_that_comes_later(self) -> None:
        state = paused(burst(20, 1), Word(now=0.8, began=0.0, wait=3.0), NONE)
        assert admit(state, 3.5)[1] == pytest.approx(0.3)

    def test_is_never_cut_short(self) -> None:
        state = paused(burst(20, 1, wait=5.0), Word(now=0.8, began=0.0, wait=0.1), NONE)
        assert admit(state, 4.0)[1] == pytest.approx(1.01)

    def test_lasts_a_quarter_of_a_second_where_the_service_does_not_say(self) -> None:
        assert admit(burst(20, 30, wait=None), 0.01)[1] == pytest.approx(0.25)

    def test_grows_while_everything_is_refused(self) -> None:
        state, now, pauses = burst(1, 1, wait=None), 0.02, []
        while True:
            pauses.append(admit(state, now)[1])
            now += pauses[-1]
            state, wait = admit(state, now)
            if wait > 0:
                break
            state = paused(state, Word(now=now, began=now, wait=None), NONE)
        assert math.isinf(wait)
        assert pauses[1:6] == pytest.approx([0.375, 0.5625, 0.84375, 1.265625, 1.8984375])
        assert max(pauses) == 30.0
        assert 600 <= now <= 640, "a service that refuses for ever is given up after ten minutes"

    def test_does_not_grow_once_a_call_was_answered(self) -> None:
        state = burst(1, 1, wait=None)
        for now in (10.0, 20.0, 30.0):
            state = pacing.answered(admit(state, now)[0], now)
            state = paused(state, Word(now=now, began=now, wait=None), NONE)
            assert admit(state, now)[1] == pytest.approx(0.25)

    def test_without_refusal_holds_for_those_who_come(self) -> None:
        """An answer whose headers say that it was the last one for now."""
        state = paused({}, Word(now=2.0, began=1.0, wait=3.0, rate=20.0, refused=False), Counted(since=1.0, begun=20))
        assert admit(state, 4.0)[1] == pytest.approx(1.0)
        assert rate_after(state, 5.0) == pytest.approx(MARGIN * 20 / 3)

    def test_of_an_overloaded_service_sets_no_pace(self) -> None:
        state = pacing.rested({}, Word(now=1.0, began=0.0, wait=2.0))
        assert admit(state, 2.0)[1] == pytest.approx(1.0)
        assert admit(pacing.answered(state, 3.0), 3.0) == ({}, 0.0)

    def test_of_an_overloaded_service_keeps_the_pace_that_there_is(self) -> None:
        state, _ = admit(burst(20, 30), 1.02)
        state = pacing.rested(pacing.answered(state, 1.5), Word(now=2.0, began=1.5, wait=2.0))
        assert admit(state, 3.0)[1] == pytest.approx(1.0)
        assert rate_after(state, 4.0) == pytest.approx(MARGIN * 20)


def rate_after(state: State, now: float) -> float:
    """Calls a second once a pause is over."""
    rate = admit(state, now)[0]["rate"]
    assert isinstance(rate, float)
    return rate


class TestThePace:
    def test_is_what_was_admitted_before_the_refusal_for_each_pause(self) -> None:
        begun = admissions(burst(20, 30), since=0.1, until=3.01)
        assert begun[0] == pytest.approx(1.01)
        gaps = [after - before for before, after in pairwise(begun)]
        assert gaps == pytest.approx([1 / (MARGIN * 20)] * len(gaps), abs=TOLERANCE)

    def test_counts_what_other_processes_began(self) -> None:
        state = burst(10, 5)
        for _ in range(3):
            state = pacing.joined(state, Counted(since=0.001, begun=10))
        assert rate_after(state, 1.02) == pytest.approx(MARGIN * 40)

    def test_counts_a_process_that_comes_too_late_no_more(self) -> None:
        state, _ = admit(burst(20, 30), 1.02)
        assert pacing.joined(state, Counted(since=0.0, begun=500)) == state

    def test_is_the_rate_that_the_service_tells_where_little_was_seen(self) -> None:
        assert rate_after(burst(1, 1, rate=20.0), 1.02) == pytest.approx(MARGIN * 20)

    def test_is_not_above_the_rate_that_the_service_tells(self) -> None:
        assert rate_after(burst(60, 1, rate=20.0), 1.02) == pytest.approx(MARGIN * 20)

    def test_makes_up_for_no_lost_time(self) -> None:
        """Nobody asked for five seconds: what comes then is no burst."""
        state, _ = admit(burst(20, 30), 1.02)
        assert len(admissions(state, since=6.0, until=6.5)) == pytest.approx(MARGIN * 10, abs=1)

    def test_is_kept_for_ten_pauses_and_then_raised(self) -> None:
        state, _ = admit(burst(20, 30), 1.02)
        held = pacing.Pacing(**state)
        assert pacing.pace_of(held, 11.0) == pytest.approx(MARGIN * 20)
        assert pacing.pace_of(held, 16.02) == pytest.approx(2 * MARGIN * 20)

    def test_is_given_up_when_it_is_no_limit_any_more(self) -> None:
        state, _ = admit(burst(20, 30), 1.02)
        assert admit(pacing.answered(state, 2.0), 1000.0) == ({}, 0.0)

    def test_falls_to_the_rate_that_a_bucket_refills_with(self) -> None:
        """60 calls saved up, then one a second: the first estimate is 60 times too high."""
        state = burst(60, 1)
        state, _ = admit(state, 1.02)
        state = paused(state, Word(now=1.05, began=1.04, wait=1.0), NONE)
        state, _ = admit(state, 1.04)
        state = {**state, "begun": 2}
        assert rate_after(state, 2.06) <= 2.0

    def test_falls_when_the_limit_does(self) -> None:
        """From 20 to 10 in any second: half a second of the old pace is a second of the new one."""
        state, _ = admit(burst(20, 30), 1.02)
        state = paused({**state, "begun": 11, "barren": 0}, Word(now=1.55, began=1.54, wait=1.0), NONE)
        assert rate_after(state, 2.56) == pytest.approx(MARGIN * 10, rel=0.05)

    def test_rises_between_what_held_and_what_did_not(self) -> None:
        state, _ = admit(burst(20, 30), 1.02)
        ceiling = pacing.pace_of(pacing.Pacing(**state), 14.0)
        state = paused({**state, "begun": 300, "barren": 0}, Word(now=14.0, began=13.9, wait=1.0), NONE)
        assert MARGIN * 20 < rate_after(state, 15.01) < ceiling

    def test_is_tried_out_less_often_each_time(self) -> None:
        state, _ = admit(burst(20, 30), 1.02)
        state = paused({**state, "begun": 300, "barren": 0}, Word(now=14.0, began=13.9, wait=1.0), NONE)
        assert admit(state, 15.01)[0]["patience"] == 20

    def test_is_tried_out_as_soon_as_before_where_nothing_was_admitted(self) -> None:
        state, now = burst(0, 5), 1.02
        for _ in range(3):
            state, _ = admit(state, now)
            assert state["patience"] == 1
            state = paused(state, Word(now=now + 0.01, began=now, wait=1.0), NONE)
            now = state["until"]

    def test_of_refusals_that_belong_to_one_burst_is_estimated_once(self) -> None:
        one, many = burst(20, 1), burst(20, 30)
        assert rate_after(one, 1.02) == rate_after(many, 1.02)


class TestTheRateThatAServiceTells:
    @pytest.mark.parametrize(
        ("allowance", "rate"),
        [
            (Allowance(limit=60, remaining=59, reset=1.0), 1.0),  # OpenAI: 60 a minute, one used, full in 1 s
            (Allowance(limit=60, remaining=0, reset=60.0), 1.0),
            (Allowance(limit=20, reset=1.0), 20.0),
            (Allowance(limit=20, remaining=20, reset=1.0), None),
            (Allowance(limit=20, remaining=0, reset=0.0), None),
            (Allowance(limit=20, remaining=5), None),
            (Allowance(remaining=0, reset=1.0), None),
            (Allowance(limit=5, remaining=9, reset=1.0), None),
        ],
    )
    def test_is_what_was_used_in_the_time_until_it_is_there_again(
        self, allowance: Allowance, rate: float | None
    ) -> None:
        assert rate_told(allowance) == rate

    def test_keeps_an_answer_from_pausing_a_pace_that_is_no_higher(self) -> None:
        """Calls that begin at the admitted rate leave nothing over: that is how it should be."""
        state, _ = admit(burst(20, 30), 1.02)
        last = Word(now=1.5, began=1.2, wait=1.0, rate=20.0, refused=False)
        assert paused(state, last, NONE) == state

    def test_pauses_a_pace_that_is_far_above(self) -> None:
        state, _ = admit(burst(20, 30), 1.02)
        last = Word(now=1.5, began=1.2, wait=50.0, rate=2.0, refused=False)
        assert admit(paused(state, last, NONE), 1.5)[1] == pytest.approx(50.0)


words = st.builds(
    dict,
    after=st.floats(0, 100),
    ago=st.floats(0, 20),
    wait=st.none() | st.floats(0, 86_400),
    rate=st.none() | st.floats(1e-6, 1e9),
    refused=st.booleans(),
    begun=st.integers(0, 10_000),
    rests=st.booleans(),
    answers=st.booleans(),
    asks=st.integers(0, 5),
)


@dataclass
class History:
    """What a service said, and when its callers began."""

    now: float = 1000.0
    state: State = field(default_factory=dict)
    forbidden: float = -math.inf

    def hear(self, said: dict[str, float]) -> None:
        self.now += said["after"]
        began = self.now - said["ago"]
        word = Word(now=self.now, began=began, wait=said["wait"], rate=said["rate"], refused=bool(said["refused"]))
        if said["rests"]:
            self.state = pacing.rested(self.state, word)
        else:
            self.state = paused(self.state, word, Counted(since=began - 1, begun=int(said["begun"])))
        if word.wait is not None and (word.refused or said["rests"]):
            self.forbidden = max(self.forbidden, self.now + word.wait)
        if said["answers"]:
            self.state = pacing.answered(self.state, self.now)

    def ask(self) -> None:
        self.state, wait = admit(self.state, self.now)
        assert wait >= 0
        if wait == 0:
            assert self.now >= self.forbidden - 1e-6, "a call began within a pause"
        elif wait < 1e6:
            self.now += wait


class TestWhateverAServiceSays:
    @given(st.lists(words, max_size=12))
    @settings(max_examples=50, deadline=None)
    def test_no_call_begins_within_a_pause(self, said: list[dict[str, float]]) -> None:
        history = History()
        for each in said:
            history.hear(each)
            for _ in range(int(each["asks"])):
                history.ask()

    @given(st.lists(words, min_size=1, max_size=12))
    @settings(max_examples=50, deadline=None)
    def test_the_state_is_json_with_finite_numbers(self, said: list[dict[str, float]]) -> None:
        history = History()
        for each in said:
            history.hear(each)
            history.ask()
            text = json.dumps(history.state, allow_nan=False)
            assert json.loads(text) == history.state

    @given(st.lists(words, min_size=1, max_size=12))
    @settings(max_examples=50, deadline=None)
    def test_the_next_call_begins_after_two_waits_or_never(self, said: list[dict[str, float]]) -> None:
        """A pause and a step of the pace: nobody asks again and again."""
        history = History()
        for each in said:
            history.hear(each)
        waits = []
        for _ in range(3):
            history.state, wait = admit(history.state, history.now)
            waits.append(wait)
            history.now += wait if math.isfinite(wait) else 0.0
        assert math.isinf(waits[0]) or 0.0 in waits or math.isinf(waits[1])

    @given(st.integers(1, 500), st.integers(1, 50), st.floats(0.05, 60))
    @settings(deadline=None)
    def test_calls_are_never_closer_than_the_pace(self, admitted: int, refused: int, wait: float) -> None:
        state = burst(admitted, refused, wait=wait)
        begun = admissions(state, since=wait + 0.02, until=wait + 0.02 + min(wait, 1.0))
        if rate_after(state, wait + 0.02) < pacing.UNLIMITED:
            step = 1 / rate_after(state, wait + 0.02)
            gaps = [after - before for before, after in pairwise(begun)]
            assert all(gap >= step - TOLERANCE - 1e-9 for gap in gaps)
