"""Responses are called for in an order drawn beforehand, a few ahead of what is read, and no more than needed."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from engine_help import Counted, answered, job
from hypothesis import given
from hypothesis import strategies as st

from pytest_genaiops.records import Case, Response, Trial
from pytest_genaiops.run import Arriving, Engine
from pytest_genaiops.run.arriving import units, window

Engines = Callable[..., Engine]


def arriving(engine: Engine, target: Any, count: int = 20, *, concurrency: int = 4, seed: int = 1) -> Arriving:
    return Arriving(engine, [job(target, f"{i:02}") for i in range(count)], seed=seed, concurrency=concurrency)


def read(responses: Arriving, start: int, end: int) -> list[str]:
    return [response.text.partition(":")[2] for _, response in responses.read(start, end)]


class TestOrder:
    @given(st.integers(1, 40), st.integers(1, 4), st.integers(0, 5))
    def test_units_hold_every_trial_once_and_those_of_a_case_together(self, cases: int, trials: int, seed: int) -> None:
        every = [Trial(case=Case(id=str(i)), variant="v", index=k + 1) for i in range(cases) for k in range(trials)]
        found = units(every, seed)
        assert sorted(position for unit in found for position in unit) == list(range(cases * trials))
        assert all(len({every[position].case.id for position in unit}) == 1 for unit in found)
        assert len(found) == cases
        assert found == units(every, seed)

    def test_cases_of_a_cluster_are_one_unit(self) -> None:
        cases = [Case(id="a", cluster="x"), Case(id="x"), Case(id="b", cluster="x")]
        assert sorted(units([Trial(case=case, variant="v") for case in cases], 1)) == [(0, 2), (1,)]

    def test_each_place_is_as_likely(self) -> None:
        every = [Trial(case=Case(id=str(i)), variant="v") for i in range(4)]
        first = Counter(units(every, seed)[0] for seed in range(2000))
        assert all(abs(count - 500) < 5 * 500**0.5 for count in first.values())  # five standard deviations

    @pytest.mark.parametrize(("calls", "concurrency", "size"), [(0, 8, 1), (3, 8, 1), (100, 8, 8), (100, 64, 20)])
    def test_a_fifth_of_all_calls_at_most_is_ahead(self, calls: int, concurrency: int, size: int) -> None:
        assert window(calls, concurrency) == size


class TestReading:
    def test_calls_begin_in_the_order_of_the_units(self, engines: Engines) -> None:
        target = Counted()
        responses = arriving(engines(concurrency=1), target)
        assert read(responses, 0, 20) == [f"{position:02}" for (position,) in responses.units]
        assert [case for _, case in target.calls] == [f"{position:02}" for (position,) in responses.units]

    def test_no_more_are_called_than_the_window_holds(self, engines: Engines) -> None:
        target = Counted()
        responses = arriving(engines(), target)
        read(responses, 0, 5)
        responses.stop()
        assert 5 <= len(target.calls) <= 5 + 4
        assert responses.stopped

    def test_what_is_stopped_is_neither_called_nor_awaited_later(self, engines: Engines) -> None:
        engine, second, gate = engines(concurrency=1), threading.Event(), threading.Event()
        calls: list[str] = []

        def target(case: Case, variant: Any) -> str:
            calls.append(case.id)
            if len(calls) > 1:
                second.set()
                assert gate.wait(60)
            return case.id

        def dropped(jobs: Any) -> Any:
            under_way = drop(jobs)
            threading.Timer(0.05, gate.set).start()  # no sooner: a third one might begin before the stop
            return under_way

        drop = engine.drop
        engine.drop = dropped  # type: ignore[method-assign]
        responses = arriving(engine, target)
        read(responses, 0, 1)
        assert second.wait(60)
        responses.stop()  # waits for the one under way
        assert gate.is_set()
        assert len(calls) == 2
        another = next(f"{i:02}" for i in range(20) if f"{i:02}" not in calls)
        assert engine.response(job(target, another)).text == another
        assert len(calls) == 3

    def test_who_reads_on_after_a_stop_gets_the_rest(self, engines: Engines) -> None:
        target = Counted()
        responses = arriving(engines(), target)
        read(responses, 0, 3)
        responses.stop()
        assert len(read(responses, 0, 20)) == 20
        assert len(target.calls) == len(set(target.calls)) == 20

    def test_what_others_have_queued_is_not_dropped(self, engines: Engines) -> None:
        engine, target = engines(concurrency=1), Counted(0.001)
        responses = arriving(engine, target)
        engine.start([job(target, f"{i:02}") for i in range(20)])
        read(responses, 0, 1)
        responses.stop()
        assert [answered(engine, job(target, f"{i:02}")) for i in range(20)] == [f"v1:{i:02}" for i in range(20)]
        assert len(target.calls) == 20

    def test_async_targets(self, engines: Engines) -> None:
        calls: list[str] = []

        async def target(case: Case, variant: Any) -> str:
            calls.append(case.id)
            await asyncio.sleep(0.001)
            return f"v1:{case.id}"

        responses = arriving(engines(), target)
        read(responses, 0, 4)
        responses.stop()
        assert 4 <= len(calls) <= 8
        assert len([*responses]) == len(calls) == 20

    def test_blocks_are_half_of_the_window_in_whole_units(self, engines: Engines) -> None:
        engine = engines()
        jobs = [job(Counted(), f"{i:02}", index=k) for i in range(20) for k in (1, 2)]
        assert Arriving(engine, jobs, seed=1, concurrency=8).block == 2
        assert arriving(engine, Counted(), 100, concurrency=1).block == 1
        assert arriving(engine, Counted(), 0).block == 1


class TestAsASequence:
    def test_the_length_and_the_name_are_known_without_a_call(self, engines: Engines) -> None:
        target = Counted()
        responses = arriving(engines(), target)
        assert len(responses) == 20
        assert repr(responses) == "<0 of 20 responses of v1>"
        assert [trial.case.id for trial in responses.trials] == [f"{i:02}" for i in range(20)]
        assert target.calls == []

    @pytest.mark.parametrize("ask", [list, lambda responses: responses[3], lambda responses: responses[:2]])
    def test_items_are_those_of_all_cases_in_their_order(self, engines: Engines, ask: Any) -> None:
        target = Counted()
        responses = arriving(engines(), target)
        ask(responses)
        assert [response.text for response in responses] == [f"v1:{i:02}" for i in range(20)]
        assert responses[3].text == "v1:03"
        assert [response.text for response in responses[-2:]] == ["v1:18", "v1:19"]
        assert len(target.calls) == 20
        assert responses.at_once
        assert repr(responses) == "<20 responses of v1>"

    def test_all_are_under_way_together(self, engines: Engines) -> None:
        target = Counted(0.01)
        assert len([*arriving(engines(), target)]) == 20
        assert target.most == 4

    def test_frozen_they_are_those_that_were_read_in_the_order_of_the_cases(self, engines: Engines) -> None:
        target = Counted()
        responses = arriving(engines(), target)
        cases = read(responses, 0, 6)
        assert [response.text for response in responses.so_far] == [f"v1:{case}" for case in sorted(cases)]
        responses.freeze()
        responses.fetch()
        assert [response.text for response in responses] == [f"v1:{case}" for case in sorted(cases)]
        assert len(responses) == 6
        assert len(target.calls) <= 10
        assert not responses.at_once

    def test_all_of_those_read_before_were_not_asked_for_at_once(self, engines: Engines) -> None:
        responses = arriving(engines(), Counted())
        read(responses, 0, 1)
        assert len([*responses]) == 20
        assert not responses.at_once

    def test_none_at_all(self, engines: Engines) -> None:
        responses = arriving(engines(), Counted(), 0)
        assert len(responses) == 0
        assert [*responses] == []
        assert repr(responses) == "<0 responses of nobody>"


class TestEngine:
    def test_some_may_be_queued_before_all_others(self, engines: Engines) -> None:
        engine, gate = engines(concurrency=1), threading.Event()
        calls: list[str] = []

        def target(case: Case, variant: Any) -> str:
            assert gate.wait(60)
            calls.append(case.id)
            return case.id

        jobs = {case: job(target, case) for case in "abcde"}
        assert engine.start([jobs["a"], jobs["b"]]) == [jobs["a"], jobs["b"]]
        assert engine.start([jobs["c"], jobs["b"]], first=True) == [jobs["c"]]
        assert engine.start([jobs["e"], jobs["d"]], first=True) == [jobs["e"], jobs["d"]]
        gate.set()
        assert engine.response(jobs["b"]).text == "b"
        calls.remove("a")  # which may have been taken up at once
        assert calls == ["c", "e", "d", "b"]

    def test_dropped_trials_are_as_if_nobody_had_queued_them(self, engines: Engines) -> None:
        engine, gate = engines(concurrency=1), threading.Event()
        target = Held(gate)
        jobs = [job(target, case) for case in "abc"]
        engine.start(jobs)
        assert target.begun.wait(60)
        assert engine.drop(jobs) == [jobs[0]]
        assert engine.drop([job(target, "unknown")]) == []
        gate.set()
        assert engine.response(jobs[0]).text == "a"
        assert engine.drop(jobs) == []
        assert target.calls == ["a"]
        assert engine.start(jobs) == jobs[1:]
        assert engine.response(jobs[2]).text == "c"


class Held:
    """A sync target that says when its first call has begun, and answers no sooner than it may."""

    def __init__(self, gate: threading.Event) -> None:
        self.gate = gate
        self.begun = threading.Event()
        self.calls: list[str] = []

    def __call__(self, case: Case, variant: Any) -> Response:
        self.calls.append(case.id)
        self.begun.set()
        assert self.gate.wait(60)
        return Response(text=case.id)
