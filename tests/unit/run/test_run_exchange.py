"""What several processes share: claims of trials, and answers, each by its own way to the database."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from engine_help import settle

from pytest_genaiops.records import Case, Response, ResponseError, Trial
from pytest_genaiops.run import exchange
from pytest_genaiops.run.exchange import Exchange

TRIAL = Trial(case=Case(id="a"), variant="v1")
ANSWER = Response(text="yes", latency=0.25, trial=TRIAL)


class TestClaims:
    def test_the_first_has_it(self, ways: Callable[..., Exchange]) -> None:
        one, two = ways("one"), ways("two")
        assert one.claim("k", again=False) == "ours"
        assert two.claim("k", again=False) == "theirs"
        assert two.claim("k", again=True) == "theirs"
        assert one.claim("k", again=False) == "ours"
        assert two.find("k", TRIAL) == "under way"

    def test_an_answer_is_found_by_all_and_claimed_by_nobody(self, ways: Callable[..., Exchange]) -> None:
        one, two = ways("one"), ways("two")
        one.claim("k", again=False)
        assert one.answer("k", ANSWER) is ANSWER
        assert two.find("k", TRIAL) == ANSWER
        assert [way.claim("k", again=True) for way in (one, two)] == ["theirs", "theirs"]

    def test_the_first_answer_holds(self, ways: Callable[..., Exchange]) -> None:
        one, two = ways("one"), ways("two")
        one.claim("k", again=False)
        late = Response(error=ResponseError(kind="timeout", message="no answer within 1 s"), trial=TRIAL)
        assert two.answer("k", late) is late
        assert one.answer("k", ANSWER) == late

    def test_no_more_are_under_way_than_all_may_together(self, ways: Callable[..., Exchange]) -> None:
        one, two = ways("one", capacity=3), ways("two", capacity=3)
        assert [one.claim(k, again=False) for k in "ab"] == ["ours", "ours"]
        assert [two.claim(k, again=False) for k in "cd"] == ["ours", "full"]
        one.answer("a", ANSWER)
        assert two.claim("d", again=False) == "ours"

    def test_what_a_dead_process_left_is_taken_over_by_who_waits_for_it(
        self, path: Path, ways: Callable[..., Exchange]
    ) -> None:
        one, two = ways("one"), ways("two")
        for key in "ab":
            one.claim(key, again=False)
        one.answer("a", ANSWER)
        exchange.release(path, "one")
        assert two.find("a", TRIAL) == ANSWER
        assert two.find("b", TRIAL) == "free"
        assert two.claim("b", again=False) == "theirs"
        assert two.claim("b", again=True) == "ours"

    def test_what_two_processes_died_over_is_an_error(self, path: Path, ways: Callable[..., Exchange]) -> None:
        one, two, three = ways("one"), ways("two"), ways("three")
        one.claim("k", again=False)
        exchange.release(path, "one")
        two.claim("k", again=True)
        exchange.release(path, "two")
        found = three.find("k", TRIAL)
        assert isinstance(found, Response)
        assert str(found.error) == "target: every process that called the target ended before it answered"
        assert found.trial is TRIAL

    def test_while_it_is_stopped_only_what_somebody_waits_for_is_called(
        self, path: Path, ways: Callable[..., Exchange]
    ) -> None:
        one = ways("one")
        exchange.stop(path, for_good=False)
        assert one.claim("a", again=False) == "theirs"
        assert one.find("a", TRIAL) == "free"
        assert one.claim("a", again=True) == "ours"

    def test_behind_the_end_nobody_begins_a_call_nor_waits_for_one(
        self, path: Path, ways: Callable[..., Exchange]
    ) -> None:
        one, two = ways("one"), ways("two")
        for key in "abc":
            one.claim(key, again=False)
        exchange.release(path, "one")
        two.claim("b", again=True)
        one.answer("c", ANSWER)
        exchange.stop(path, for_good=True)
        assert [two.claim(key, again=True) for key in "acd"] == ["theirs"] * 3
        assert two.claim("b", again=True) == "ours"  # it has begun already
        for key in "ad":
            found = two.find(key, TRIAL)
            assert isinstance(found, Response)
            assert str(found.error) == "target: the session ended before there was an answer"
        assert two.find("c", TRIAL) == ANSWER

    def test_the_dead_count_no_more_among_those_under_way(self, path: Path, ways: Callable[..., Exchange]) -> None:
        one, two = ways("one", capacity=1), ways("two", capacity=1)
        one.claim("a", again=False)
        assert two.claim("b", again=False) == "full"
        exchange.release(path, "one")
        assert two.claim("b", again=False) == "ours"

    def test_a_call_that_nobody_watches_is_overdue(self, ways: Callable[..., Exchange]) -> None:
        one, two = ways("one"), ways("two", timeout=-0.9)  # a second past the timeout: in a tenth of one
        one.claim("k", again=False)
        settle(lambda: two.find("k", TRIAL) == "overdue")


class TestOutOfReach:
    def test_without_a_database_everybody_calls_for_himself(self, tmp_path: Path) -> None:
        alone = Exchange(tmp_path / "none.sqlite", owner="one", capacity=1, timeout=None)
        assert not alone.reachable
        assert [alone.claim(k, again=False) for k in "ab"] == ["ours", "ours"]
        assert alone.answer("a", ANSWER) is ANSWER
        assert alone.find("a", TRIAL) == "free"

    def test_where_it_cannot_be_made_there_is_none(self, tmp_path: Path) -> None:
        exchange.create(tmp_path / "no folder" / "trials.sqlite")
        exchange.release(tmp_path / "no folder" / "trials.sqlite", "one")
        exchange.stop(tmp_path / "no folder" / "trials.sqlite", for_good=True)
        assert not list(tmp_path.iterdir())

    def test_a_file_that_is_no_database(self, tmp_path: Path) -> None:
        (tmp_path / "trials.sqlite").write_text("Not a database at all, but longer than the header of one." * 20)
        alone = Exchange(tmp_path / "trials.sqlite", owner="one", capacity=1, timeout=None)
        assert alone.claim("a", again=False) == "ours"

    def test_who_cannot_write_it_takes_it_from_those_who_would_wait(
        self, path: Path, ways: Callable[..., Exchange]
    ) -> None:
        one, two = ways("one"), ways("two")
        one.claim("k", again=False)
        one._write("PRAGMA query_only = ON")  # as a full disk would
        assert two.find("k", TRIAL) == "under way"
        assert one.answer("k", ANSWER) is ANSWER
        assert two.find("k", TRIAL) == "free"
        assert two.claim("k", again=True) == "ours"
        assert not path.exists()


def test_reading_does_not_wait_for_a_writer(path: Path, ways: Callable[..., Exchange]) -> None:
    way = ways("one")
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        assert way.find("k", TRIAL) == "free"
        writer.execute("ROLLBACK")
