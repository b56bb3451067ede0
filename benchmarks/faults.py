"""How cases end when a model fails: each fault with 200 cases, whole and streamed, through the client of a session.

    python benchmarks/faults.py [--cases 200] [--concurrency 50] [--only GLOB]

A third of the cases never meets the fault, a third at its first attempt, a third at every attempt. Shown are how the
cases of each third end (answered with the right text, or the kind of the error), the calls that the server saw, the
seconds, and by how much the memory of this process grew meanwhile, which is the server's as well. Ends with status 1
where a case was lost, hung, or was answered with another text.
"""

from __future__ import annotations

import argparse
import asyncio
import fnmatch
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytest_genaiops.clients import retrying
from pytest_genaiops.clients.assembly import client_of, shared_of
from pytest_genaiops.clients.chat import ChatEndpoint
from pytest_genaiops.clients.endpoint import Endpoint
from pytest_genaiops.clients.request import Request
from pytest_genaiops.config import Settings
from pytest_genaiops.records import Response
from pytest_genaiops.testing import FAULTS, FakeServer

STATUSES = (400, 401, 403, 404, 408, 409, 429, 500, 502, 503, 529)
HANGING = ("latency", "slow loris")
TIMEOUT, SHORT = 60.0, 1.5
"""Seconds for a call; the short one where it is waited out."""
PATIENCE = 400.0
"""Seconds after which a run is taken to hang."""
THIRDS = ("never", "first", "always")


def memory() -> float:
    """Of this process, in MB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20


class Script:
    """Which calls fail: by the number in the question, and whether it was asked before."""

    def __init__(self, fault: str) -> None:
        self._fault = fault
        self._met: set[int] = set()

    def __call__(self, number: int, body: Mapping[str, Any]) -> str | None:
        case = int(question(body).split()[1])
        again = case in self._met
        self._met.add(case)
        third = THIRDS[case % 3]
        return self._fault if third == "always" or (third == "first" and not again) else None


def question(body: Mapping[str, Any]) -> str:
    text: str = body["messages"][0]["content"]
    return text


def ending(number: int, response: Response) -> str:
    if response.error is not None:
        return response.error.kind
    return "answered" if response.text == f"case {number}" else "WRONG"


async def responses(
    server: FakeServer, settings: Settings, cases: int, *, stream: bool
) -> tuple[list[Response], float]:
    """The responses to all cases at once, and by how many MB the memory grew at most."""
    client = client_of(settings, shared=shared_of(None))
    endpoint = ChatEndpoint(Endpoint.of({"name": "m", "base_url": server.url, "stream": stream}, "faults.py"))

    async def ask(number: int) -> Response:
        body = endpoint.body([{"role": "user", "content": f"case {number}"}], {})
        return await client.send(Request(service=endpoint.identity, body=body), endpoint)

    before = most = memory()
    async with asyncio.timeout(PATIENCE):
        asked = asyncio.gather(*map(ask, range(cases)))
        while not asked.done():
            await asyncio.wait([asked], timeout=0.02)
            most = max(most, memory())
    await client.close()
    return asked.result(), most - before


def run(fault: str, arguments: argparse.Namespace, *, stream: bool) -> bool:
    """Print how the cases end; whether none was lost or wrong."""
    timeout = SHORT if fault in HANGING else TIMEOUT
    with tempfile.TemporaryDirectory() as folder, FakeServer(question, fault=Script(fault)) as server:
        settings = Settings(root=Path(folder), concurrency=arguments.concurrency, timeout=timeout)
        begun = time.perf_counter()
        given, grown = asyncio.run(responses(server, settings, arguments.cases, stream=stream))
        seconds = time.perf_counter() - begun
    ends = Counter((THIRDS[number % 3], ending(number, response)) for number, response in enumerate(given))
    shown = " · ".join(f"{third}: {count} {kind}" for (third, kind), count in sorted(ends.items()))
    how = "stream" if stream else "whole"
    took = f"{seconds:6.1f} s {len(server.calls):5} calls {grown:+6.0f} MB"
    sys.stdout.write(f"{fault:<15} {how:<6} {took}  {shown}\n")
    sys.stdout.flush()
    return len(given) == arguments.cases and not any(kind == "WRONG" for _, kind in ends)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=200)
    parser.add_argument("--concurrency", type=int, default=50)
    parser.add_argument("--only", default="*", metavar="GLOB")
    arguments = parser.parse_args()
    retrying.BASE = 0.05  # shorter pauses between attempts: they are not what is measured
    names = [name for name in FAULTS if name != "status"] + [f"status {code}" for code in STATUSES]
    chosen = fnmatch.filter(names, arguments.only)
    fine = [run(fault, arguments, stream=stream) for fault in chosen for stream in (False, True)]
    sys.exit(0 if all(fine) else 1)


if __name__ == "__main__":
    main()
