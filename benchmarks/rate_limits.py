"""How long calls take under a limit, and how many of them are refused, for servers that limit in several ways.

    python benchmarks/rate_limits.py [--rounds 3] [--cases 200] [--concurrency 50] [--only GLOB]

The server is a fake one in a process of its own that admits 20 calls a second, refuses others with 429 and
``Retry-After: 1``, and answers after a latency. Callers are one process, or four that share one file for their limits;
all cases are asked for at once. The ideal is the time of a caller who knows at each moment whether a call would be
admitted: for fixed windows it depends on when in a window the first call comes, for servers that limit calls under way
(503) it is cases * latency / limit. "refused" is the share of all calls that the server saw. Medians and ranges.
"""

from __future__ import annotations

import argparse
import asyncio
import fnmatch
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_genaiops.clients.budget import Budget
from pytest_genaiops.clients.cache import Nothing
from pytest_genaiops.clients.chat import ChatEndpoint
from pytest_genaiops.clients.client import Client
from pytest_genaiops.clients.endpoint import Endpoint
from pytest_genaiops.clients.limiter import Limiter
from pytest_genaiops.clients.request import Request
from pytest_genaiops.clients.shared import InFile, InProcess
from pytest_genaiops.testing import FakeServer, Limit
from pytest_genaiops.testing.limits import GATES

CHANGE = 5.0
"""Seconds after which a limit that changes does so."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A server and its callers."""

    limit: str
    rate: float = 20
    later: float | None = None
    """Calls a second from ``CHANGE`` on."""
    latency: float = 0.2
    processes: int = 1
    headers: bool = False
    retry_after: float | None = 1.0

    def ideal(self, cases: int, begun: float) -> float:
        """Seconds, to the millisecond, from a first call at ``begun``."""
        if self.limit == "overload":
            return cases * self.latency / self.rate
        gate, admitted, passed = GATES[self.limit](self.rate), 0, 0.0
        while True:
            if self.later is not None and passed == CHANGE:
                gate = GATES[self.limit](self.later)
            while gate.admits(begun + passed, 0):
                admitted += 1
                if admitted == cases:
                    return passed + self.latency
            passed = round(passed + 0.001, 3)


KINDS = {
    "token bucket": Kind(limit="bucket"),
    "fixed windows": Kind(limit="window"),
    "sliding window": Kind(limit="sliding"),
    "token bucket, 20 ms": Kind(limit="bucket", latency=0.02),
    "fixed windows, 20 ms": Kind(limit="window", latency=0.02),
    "sliding window, 20 ms": Kind(limit="sliding", latency=0.02),
    "token bucket, 4 processes": Kind(limit="bucket", processes=4),
    "fixed windows, 4 processes": Kind(limit="window", processes=4),
    "sliding window, 4 processes": Kind(limit="sliding", processes=4),
    "token bucket, headers": Kind(limit="bucket", headers=True),
    "fixed windows, headers": Kind(limit="window", headers=True),
    "sliding window, headers": Kind(limit="sliding", headers=True),
    "token bucket, no Retry-After": Kind(limit="bucket", retry_after=None),
    "fixed windows, no Retry-After": Kind(limit="window", retry_after=None),
    "sliding window, no Retry-After": Kind(limit="sliding", retry_after=None),
    "token bucket, 20/s then 10/s": Kind(limit="bucket", later=10),
    "fixed windows, 20/s then 10/s": Kind(limit="window", later=10),
    "sliding window, 20/s then 10/s": Kind(limit="sliding", later=10),
    "503 beyond 8 at once": Kind(limit="overload", rate=8, retry_after=None),
    "503 beyond 8, Retry-After 1": Kind(limit="overload", rate=8),
    "503 beyond 8, 4 processes": Kind(limit="overload", rate=8, retry_after=None, processes=4),
}


@dataclass(frozen=True, kw_only=True)
class Run:
    """What became of the cases once."""

    lost: int
    seconds: float
    ideal: float
    calls: int
    refused: int


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cases", type=int, default=200)
    parser.add_argument("--concurrency", type=int, default=50)
    parser.add_argument("--only", default="*", help="kinds of server whose name this glob matches")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    parser.add_argument("--ask", help=argparse.SUPPRESS)
    parser.add_argument("--shared", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve is not None:
        serve(KINDS[given.serve])
    elif given.ask is not None:
        asyncio.run(ask(given))
    else:
        table(given)


def table(given: argparse.Namespace) -> None:
    show(f"{given.cases} cases, {given.concurrency} at once, median (range) of {given.rounds}")
    show(f"{'server':<32}lost  seconds              ideal   times the ideal    refused")
    for name in fnmatch.filter(KINDS, given.only):
        runs = [run(name, given) for _ in range(given.rounds)]
        columns = [
            f"{sum(each.lost for each in runs):4}",
            spread([each.seconds for each in runs]),
            f"{statistics.median(each.ideal for each in runs):5.2f}",
            spread([each.seconds / each.ideal for each in runs]),
            spread([100 * each.refused / each.calls for each in runs], 1) + " %",
        ]
        show(f"{name:<32}{'  '.join(columns)}")


def run(name: str, given: argparse.Namespace) -> Run:
    kind, server = KINDS[name], process("--serve", name)
    with tempfile.TemporaryDirectory() as folder:
        url = server.stdout.readline().strip()
        shared = ["--shared", str(Path(folder) / "shared.sqlite")] if kind.processes > 1 else []
        callers = [
            process(
                *("--ask", url, *shared),
                *("--cases", f"{(given.cases + share) // kind.processes}"),
                *("--concurrency", f"{max(1, given.concurrency // kind.processes)}"),
            )
            for share in range(kind.processes)
        ]
        for caller in callers:
            caller.stdout.readline()
        for caller in callers:
            caller.stdin.write("go\n")
            caller.stdin.flush()
        told = [json.loads(caller.communicate()[0]) for caller in callers]
    statuses = json.loads(server.communicate()[0])["statuses"]
    begun, ended = min(each["begun"] for each in told), max(each["ended"] for each in told)
    return Run(
        lost=sum(each["lost"] for each in told),
        seconds=ended - begun,
        ideal=kind.ideal(given.cases, begun),
        calls=sum(statuses.values()),
        refused=statuses.get("429", 0) + statuses.get("503", 0),
    )


def serve(kind: Kind) -> None:
    """Serve until standard input ends, then tell the counts."""

    def answer(body: Any) -> str:
        if not timers and kind.later is not None:
            timers.append(threading.Timer(CHANGE, change))
            timers[0].start()
        return "a fake answer"

    def change() -> None:
        server.admit = Limit(kind.later or kind.rate, kind.limit, retry_after=kind.retry_after, headers=kind.headers)

    timers: list[threading.Timer] = []
    limit = Limit(kind.rate, kind.limit, retry_after=kind.retry_after, headers=kind.headers)
    with FakeServer(answer, latency=kind.latency, admit=limit) as server:
        show(server.url)
        sys.stdin.read()
        show(json.dumps(server.seen()))


async def ask(given: argparse.Namespace) -> None:
    """Ask for all cases, once told to go."""
    shared = InProcess() if given.shared is None else InFile(given.shared)
    client = Client(
        memory=Nothing(),
        limits=Limiter(shared, concurrency=given.concurrency),
        purse=Budget(shared, prices=(), max_tokens=None, max_cost=None),
        concurrency=given.concurrency,
        timeout=60.0,
    )
    chat = ChatEndpoint(Endpoint.of({"name": "m", "base_url": given.ask}, "benchmark"))
    body = chat.body([{"role": "user", "content": "Hello"}], {})
    requests = [Request(service=chat.identity, body=body, trial=trial) for trial in range(1, given.cases + 1)]
    import aiohttp  # noqa: F401 (so that its import does not delay the first call)

    show("ready")
    sys.stdin.readline()
    begun = time.monotonic()
    responses = await asyncio.gather(*(client.send(request, chat) for request in requests))
    ended = time.monotonic()
    await client.close()
    lost = [response.error.message for response in responses if response.error is not None]
    sys.stderr.write("".join(f"lost: {message}\n" for message in lost[:3]))
    show(json.dumps({"lost": len(lost), "begun": begun, "ended": ended}))


def process(*arguments: str) -> Any:
    command = [sys.executable, __file__, *arguments]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def spread(values: list[float], digits: int = 2) -> str:
    low, high = min(values), max(values)
    return f"{statistics.median(values):5.{digits}f} ({low:.{digits}f}-{high:.{digits}f})"


def show(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
