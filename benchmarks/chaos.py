"""Kills pytest again and again while it asks a model, and looks at what is asked again.

    python benchmarks/chaos.py [--kills 20] [--calls 600] [--workers 2] [--seed 1] [--full-disk]

A session of pytest over a fake server is ended by ``kill -9`` at random moments: the whole session with its workers,
the controller alone, or one worker, whose session goes on. It is started again until there were enough kills, and then
once more to its end. The project's conftest writes down, in the process that asks, when a call begins and when its
answer has been read whole from the socket. So three things are told apart: what the server received, what the client
had begun, and what had arrived in the client.

What is asked for again should have been under way when its process was killed. Between the moment in which an answer
has been read from the socket and the one in which it is kept lies the reading of its JSON and a write to the cache: a
kill within it loses an answer that had arrived. How often that happens is counted, and not hidden in the calls under
way. The run fails where a case has no answer in the end, or where more calls were cut off than may be under way.

``--full-disk`` bounds the size of every file that the session may write, instead of killing it: it ends with all of its
answers, warns, and the next session asks for those only that could not be kept.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import signal
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from live_clients import rows
from live_project import RUNG_2, RUNG_3, Project, show

from pytest_genaiops.testing import FakeServer

WITNESS = r'''
import os, re
import aiohttp

LOG = os.open({log!r}, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

def note(what, text):
    """One write each: no line is half there, whenever the process ends."""
    case = re.search(rb"number (\d+) ", text)[1].decode()
    os.write(LOG, f"{{os.getpid()}} {{what}} {{case}}\n".encode())

begin, read = aiohttp.ClientSession._request, aiohttp.ClientResponse.read

async def _request(self, method, url, *, data=None, **rest):
    note("begun", data)
    return await begin(self, method, url, data=data, **rest)

async def _read(self):
    body = await read(self)
    note("arrived", body)
    return body

aiohttp.ClientSession._request, aiohttp.ClientResponse.read = _request, _read
'''
"""A conftest that notes what is asked and what has come; answers repeat what was asked."""
SUITES = {"cases": RUNG_3, "whole": RUNG_2}
LATENCY = (0.02, 0.3)
CONCURRENCY = 10
LIMIT = 300_000
"""Bytes of a file on a disk that is full: not enough for all answers and the log that SQLite writes ahead."""


class Event(NamedTuple):
    """A line of the witness's log."""

    process: int
    what: str
    case: str


class Chaos:
    """A project that is run, killed and run again."""

    def __init__(self, root: Path, calls: int, url: str, draw: random.Random) -> None:
        self.project = Project(root, SUITES, [{**row, "reference": row["question"]} for row in rows(calls)])
        self.project.ask(url)
        self._log = root / "log.txt"
        (root / "conftest.py").write_text(WITNESS.format(log=str(self._log)))
        self._draw = draw
        self.kinds: Counter[str] = Counter()

    @property
    def events(self) -> list[Event]:
        """What processes have noted so far."""
        if not self._log.exists():
            return []
        lines = self._log.read_text().splitlines()
        return [Event(int(process), what, case) for process, what, case in map(str.split, lines)]

    def kill_some(self, kills: int, workers: int) -> int:
        """One session, killed up to so many times; gives the number of kills."""
        process = self.project.start(*_options(workers), start_new_session=True)
        kinds = ["session", "controller", "worker", "worker"] if workers else ["session"]
        done = 0
        while done < kills and (callers := self._callers(process)):
            time.sleep(self._draw.uniform(0.0, 0.5))
            kind = self._draw.choice(kinds)
            alive = [caller for caller in callers if _lives(caller)]
            if process.poll() is not None or not alive:
                continue
            if kind == "session":
                os.killpg(process.pid, signal.SIGKILL)
            else:
                os.kill(process.pid if kind == "controller" else self._draw.choice(alive), signal.SIGKILL)
            self.kinds[kind] += 1
            done += 1
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)  # the last kill was one of a worker
        process.wait()
        return done

    def _callers(self, process: subprocess.Popen[bytes]) -> list[int]:
        """Processes of the session that have begun a call since this was asked; none where the session is over."""
        seen = len(self.events)
        while process.poll() is None:
            own = {process.pid, *_children(process.pid)}
            if found := sorted({event.process for event in self.events[seen:] if event.what == "begun"} & own):
                return found
            time.sleep(0.005)
        return []


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--calls", type=int, default=600)
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--full-disk", action="store_true")
    options = parser.parse_args()
    draw = random.Random(options.seed)

    def answer(body: Any) -> str:
        server.latency = draw.uniform(*LATENCY)  # of the next call
        return str(body["messages"][-1]["content"])

    with FakeServer(answer, latency=0.1) as server, tempfile.TemporaryDirectory() as folder:
        chaos = Chaos(Path(folder), options.calls, server.url, draw)
        if options.full_disk:
            _fill(chaos, server, options)
            return
        kills = 0
        sessions = 0
        while kills < options.kills:
            sessions += 1
            found = chaos.kill_some(options.kills - kills, options.workers)
            if not found:
                raise SystemExit(f"all was called after {kills} kills: give more --calls")
            kills += found
        chaos.project.run(*_options(options.workers))
        _report(chaos, server, options, sessions + 1)


def _report(chaos: Chaos, server: FakeServer, options: argparse.Namespace, sessions: int) -> None:
    events = chaos.events
    received = Counter(map(_case, server.calls))
    begun, arrived = (Counter(event.case for event in events if event.what == what) for what in ("begun", "arrived"))
    cut = sum(begun.values()) - sum(arrived.values())
    twice = sum(count - 1 for count in arrived.values())
    kinds = ", ".join(f"{count} of {'the ' if kind != 'worker' else 'a '}{kind}" for kind, count in chaos.kinds.items())
    show(f"{options.calls} cases, {options.workers or 'no'} workers, {sessions} sessions, kills: {kinds}")
    show(f"calls that the server received: {len(server.calls)}; repeats {len(server.calls) - len(received)}")
    show(f"calls under way in a process when it was killed: {cut} (of at most {CONCURRENCY} a kill)")
    show(f"answers that had arrived and were asked for again: {twice}")
    missing = options.calls - len(arrived)
    show(f"cases without an answer: {missing}")
    if missing or cut > CONCURRENCY * options.kills:
        raise SystemExit("this should not be")
    before = len(server.calls)
    chaos.project.run(*_options(options.workers))
    show(f"calls of one more session: {len(server.calls) - before}")


def _fill(chaos: Chaos, server: FakeServer, options: argparse.Namespace) -> None:
    output = chaos.project.root / "output.txt"
    with output.open("w+") as file:
        process = chaos.project.start(*_options(options.workers), output=file, preexec_fn=_bound_files)
        code = process.wait()
        file.seek(0)
        said = [line.strip() for line in file.read().splitlines()]
    first = len(server.calls)
    warned = [line for line in said if "cannot be kept" in line]
    show(f"full disk: exit status {code}, {first} calls for {options.calls} cases; {said[-1]}")
    show(f"  {warned[0] if warned else 'NO WARNING'}")
    chaos.project.run(*_options(options.workers))
    again = len(server.calls) - first
    show(f"next session: {again} calls ({options.calls - again} were kept)")
    chaos.project.run(*_options(options.workers))
    show(f"the one after it: {len(server.calls) - first - again} calls")


def _bound_files() -> None:
    """In the child: no file grows beyond the limit, as on a full disk."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, LIMIT))


def _options(workers: int) -> Iterator[str]:
    yield f"--genaiops-concurrency={CONCURRENCY}"
    if workers:
        yield from ("-p", "xdist", f"-n{workers}", "--max-worker-restart=1000")


def _case(call: Any) -> str:
    return str(call.body["messages"][-1]["content"]).split("number ")[1].split()[0]


def _children(pid: int) -> list[int]:
    with suppress(OSError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def _lives(pid: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


if __name__ == "__main__":
    main()
