"""Answers that are kept: found again by what was asked, in every mode, by threads, processes and later sessions."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from cache_help import change, request, response, rows

from pytest_genaiops.clients.cache import Cache, Nothing
from pytest_genaiops.clients.secrets import Secret
from pytest_genaiops.config import CacheMode

HERE = Path(__file__).parent


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / ".genaiops"


@pytest.fixture
def cache(folder: Path) -> Iterator[Cache]:
    cache = Cache(folder, mode="use", session="s1")
    yield cache
    cache.close()


def reopened(folder: Path, mode: CacheMode = "use", session: str = "s2") -> Cache:
    return Cache(folder, mode=mode, session=session)


class TestUse:
    def test_what_was_kept_is_found_by_what_was_asked(self, cache: Cache) -> None:
        assert cache.find(request()) is None
        cache.keep(request(), response())
        assert cache.find(request()) == response()
        assert cache.find(request(case="another")) == response(), "labels are no part of the key"
        assert cache.find(request("What?")) is None
        assert cache.find(request(temperature=0.3)) is None
        assert cache.find(request(trial=2)) is None

    def test_a_later_session_finds_it_and_counts_it_once(self, cache: Cache, folder: Path) -> None:
        cache.keep(request(), response())
        cache.find(request())
        cache.close()
        assert len(cache.hits) == 0, "an answer of this session has saved no call"
        later = reopened(folder)
        assert [later.find(request()), later.find(request())] == [response(), response()]
        assert len(later.hits) == 1
        later.close()

    def test_many_at_once_in_their_order(self, cache: Cache) -> None:
        asked = [request(f"question {number}") for number in range(1200)]  # more than SQLite's IN takes at once
        for number in range(0, 1200, 2):
            cache.keep(asked[number], response(f"answer {number}"))
        found = cache.find_all([*asked, asked[0]])
        assert [answer and answer.text for answer in found] == [
            *(None if number % 2 else f"answer {number}" for number in range(1200)),
            "answer 0",
        ]

    def test_digests_of_the_caller_lead_to_answers(self, cache: Cache, folder: Path) -> None:
        cache.keep(request(), response())
        cache.learn([(b"one", request()), (b"two", request("What?"))])
        assert cache.known([b"two", b"one", b"three", b"one"]) == [None, response(), None, response()]
        later = reopened(folder)
        assert later.known([b"one"]) == [response()]
        assert len(later.hits) == 1
        later.close()

    def test_the_row_says_what_was_asked_for_whom_and_by_which_version(self, cache: Cache, folder: Path) -> None:
        cache.keep(request(), response())
        ((variant, case, version, content),) = rows(folder, "SELECT variant, case_id, version, request FROM answers")
        assert (variant, case) == ("v1", "q1")
        assert version
        assert '"content":"Answer in one sentence."' in content

    def test_nothing_is_made_before_there_is_something_to_keep(self, cache: Cache, folder: Path) -> None:
        cache.find(request())
        cache.known([b"one"])
        cache.close()
        assert not folder.exists()
        cache.keep(request(), response())
        assert (folder / ".gitignore").read_text() == "*\n"

    def test_no_secret_is_kept(self, cache: Cache, folder: Path) -> None:
        key = Secret("planted-value-7f3a").reveal()
        cache.keep(request(f"My key is {key}"), response(f"Thanks for {key}"))
        cache.close()
        kept = b"".join(file.read_bytes() for file in folder.iterdir())
        assert b"Thanks for ***" in kept
        assert key.encode() not in kept

    def test_an_answer_that_cannot_be_read_is_called_for_again(self, cache: Cache, folder: Path) -> None:
        for text in ("{", "[]", '{"colour": "red"}', '{"usage": 3, "steps": 4}'):
            cache.keep(request(text), response())
            change(folder, "UPDATE answers SET response = ? WHERE id = (SELECT max(id) FROM answers)", text)
            assert cache.find(request(text)) is None
            assert cache.claim(request(text)) == "ours"
            cache.keep(request(text), response("new"))
            assert cache.find(request(text)) == response("new")

    def test_threads_share_it(self, cache: Cache) -> None:
        won: list[int] = []

        def ask(number: int) -> None:
            for turn in range(40):
                if cache.claim(request(str(turn))) == "ours":
                    won.append(turn)
                    cache.keep(request(str(turn)), response(str(number)))

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(won) == list(range(40))
        assert None not in cache.find_all([request(str(turn)) for turn in range(40)])


class TestOtherModes:
    def test_refresh_takes_answers_of_its_own_session_alone(self, cache: Cache, folder: Path) -> None:
        cache.keep(request(), response("old"))
        cache.learn([(b"one", request())])
        cache.close()
        one, other = (reopened(folder, "refresh", "r") for _ in range(2))
        assert one.find(request()) is None
        assert one.known([b"one"]) == [None]
        assert one.claim(request()) == "ours"
        one.keep(request(), response("new"))
        assert other.find(request()) == response("new"), "a worker of the same session"
        assert other.known([b"one"]) == [response("new")]
        assert other.claim(request()) == "theirs", "there is an answer by now"
        assert reopened(folder, "refresh", "r2").find(request()) is None
        assert cache.find(request()) == response("new"), "the new answer has replaced the old one"

    def test_only_makes_nothing(self, folder: Path) -> None:
        strict = reopened(folder, "only")
        assert strict.strict
        assert strict.find(request()) is None
        strict.learn([(b"one", request())])
        strict.close()
        assert not folder.exists()

    def test_only_notes_what_it_missed_until_it_is_answered(self, cache: Cache, folder: Path) -> None:
        cache.keep(request(), response())
        for session, question in (("o1", "What?"), ("o2", "Who?"), ("o2", "How?")):
            strict = reopened(folder, "only", session)
            assert strict.find(request()) == response()
            strict.why_missing(request(question))
            strict.close()
        asked = "SELECT session, request LIKE '%Who?%', request LIKE '%How?%' FROM misses"
        assert sorted(rows(folder, asked)) == [("o2", 0, 1), ("o2", 1, 0)], "those of the latest session"
        cache.keep(request("Who?"), response())
        assert rows(folder, asked) == [("o2", 0, 1)]

    def test_off(self) -> None:
        nothing = Nothing()
        nothing.keep(request(), response())
        nothing.learn([(b"one", request())])
        assert nothing.find(request()) is None
        assert nothing.find_all([request()]) == nothing.known([b"one"]) == [None]
        assert nothing.claim(request()) == nothing.claim(request()) == "ours"
        assert (nothing.strict, nothing.hits) == (False, frozenset())
        nothing.release(request())
        nothing.close()


class TestClaims:
    def test_one_at_a_time(self, cache: Cache, folder: Path) -> None:
        other = reopened(folder)
        assert cache.claim(request()) == "ours"
        assert cache.claim(request()) == "theirs", "another task of this process is at it"
        assert other.claim(request()) == "theirs"
        assert other.claim(request("What?")) == "ours"
        other.close()
        assert cache.claim(request("What?")) == "ours", "closing gives back"

    def test_what_is_given_back_may_be_taken(self, cache: Cache, folder: Path) -> None:
        other = reopened(folder)
        cache.claim(request())
        cache.release(request())
        assert other.claim(request()) == "ours"
        cache.release(request())
        assert cache.claim(request()) == "theirs", "nobody gives back what is another's"
        other.close()

    def test_an_answer_ends_the_claim(self, cache: Cache, folder: Path) -> None:
        other = reopened(folder)
        cache.claim(request())
        cache.keep(request(), response())
        change(folder, "DELETE FROM answers")  # as `genaiops cache prune` does
        assert other.claim(request()) == "ours"
        other.close()

    def test_an_answer_that_came_in_between_is_never_called_for(self, cache: Cache, folder: Path) -> None:
        other = reopened(folder)
        assert cache.find(request()) is None
        assert other.claim(request()) == "ours"
        other.keep(request(), response())
        assert cache.claim(request()) == "theirs"
        assert cache.find(request()) == response()
        other.close()

    @pytest.mark.parametrize(
        "kind", ["killed", "a zombie", "another start", "another host", "nobody", "from a wrong clock"]
    )
    def test_the_claim_of_a_dead_process_is_taken_over(self, cache: Cache, folder: Path, kind: str) -> None:
        other = reopened(folder)
        assert other.claim(request()) == "ours"
        child = subprocess.Popen([sys.executable, "-c", "pass"])
        started = ""
        if kind == "a zombie":
            os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
            if Path("/proc").exists():
                started = Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()[19]
        else:
            child.wait()
        changes = {
            "killed": f"pid = {child.pid}",
            "a zombie": f"pid = {child.pid}, start = '{started}'",
            "another start": "start = '1'",
            "another host": "host = 'elsewhere', until = 0",
            "nobody": "id = 'nobody'",
            "from a wrong clock": "host = 'elsewhere', until = 9e12",
        }
        change(folder, f"UPDATE owners SET {changes[kind]}")
        assert cache.claim(request()) == "ours"
        other.close()
        assert rows(folder, "SELECT count(*) FROM claims") == [(1,)]
        child.wait()

    def test_a_lease_elsewhere_holds_while_it_is_renewed(self, cache: Cache, folder: Path) -> None:
        other = reopened(folder)
        other.claim(request())
        change(folder, "UPDATE owners SET host = 'elsewhere'")
        assert cache.claim(request()) == "theirs"
        other.close()

    def test_a_lease_is_renewed_by_itself(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        renewed = threading.Event()
        monkeypatch.setattr("pytest_genaiops.clients.lease.LEASE", 0.02)
        monkeypatch.setattr("pytest_genaiops.clients.lease.Leases.renew", lambda _: renewed.set())
        cache = reopened(folder)
        cache.claim(request())
        renewed.clear()
        assert renewed.wait(60)
        cache.close()

    def test_what_dead_owners_left_is_cleared_away(self, cache: Cache, folder: Path) -> None:
        for number in range(3):
            other = reopened(folder)
            other.claim(request(str(number)))
        change(folder, "UPDATE owners SET host = 'elsewhere', until = 0")
        cache.claim(request())
        assert rows(folder, "SELECT count(*) FROM owners") == rows(folder, "SELECT count(*) FROM claims") == [(1,)]


KEEPER = """
import sys
sys.path.insert(0, {here!r})
from pathlib import Path
from cache_help import request, response
from pytest_genaiops.clients.cache import Cache
cache = Cache(Path({folder!r}), mode="use")
number = 0
while True:
    number += 1
    assert cache.claim(request(str(number))) == "ours"
    cache.keep(request(str(number)), response(str(number)))
    sys.stdout.write(f"{{number}}\\n")
    sys.stdout.flush()
"""


class TestProcesses:
    def test_what_had_arrived_is_there_after_kill_9(self, cache: Cache, folder: Path) -> None:
        code = KEEPER.format(here=str(HERE), folder=str(folder))
        child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        for line in child.stdout:
            if int(line) == 100:
                child.kill()
                break
        last = max([100, *(int(line) for line in child.stdout.read().split("\n")[:-1])])
        child.wait()
        found = cache.find_all([request(str(number)) for number in range(1, last + 1)])
        assert [answer and answer.text for answer in found] == [str(number) for number in range(1, last + 1)]
        open_claims = [number for number in range(last + 1, last + 3) if cache.claim(request(str(number))) != "ours"]
        assert open_claims in ([], [last + 1]), "kept, and killed before it said so"

    def test_processes_make_every_call_once(self, folder: Path) -> None:
        code = f"""
import sys
sys.path.insert(0, {str(HERE)!r})
from pathlib import Path
from cache_help import request, response
from pytest_genaiops.clients.cache import Cache
cache = Cache(Path({str(folder)!r}), mode="use")
for number in range(100):
    if cache.find(request(str(number))) is None and cache.claim(request(str(number))) == "ours":
        sys.stdout.write(f"{{number}}\\n")
        cache.keep(request(str(number)), response())
cache.close()
"""
        children = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(2)]
        called = [line for child in children for line in child.communicate()[0].split()]
        assert [child.returncode for child in children] == [0, 0]
        assert sorted(map(int, called)) == list(range(100))
