"""How long many calls take, beside the ideal and beside raw aiohttp, the openai SDK and pydantic-evals.

    python benchmarks/live_calls.py [--peers PYTHON] [--rounds 5] [--sizes 500x0.2x50 5000x1x500]

A size is calls x seconds of each x calls at once; the ideal is calls * seconds / at once. The server is a fake one in a
process of its own, new for every client. All clients are run in turn, round by round, and each ratio is taken within
its round, so that drift of the machine's speed meets all of them. CPU is user and system time of the client's process.
``evaluate()`` and pytest keep answers, as by default. "a pytest session" is the whole process over a rung-2 suite, less
what a session of one call costs beyond that call: start-up, imports. ``--peers`` is an interpreter that has ``openai``
and ``pydantic-evals``; without it they are left out.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from live_project import RUNG_2, Cost, Server, project, serving, show

SIZES = ("500x0.2x50", "5000x1x500")
CLIENTS = {
    "aiohttp": "raw aiohttp",
    "evaluate": "evaluate()",
    "pytest": "a pytest session",
    "openai": "openai SDK",
    "pydantic-evals": "pydantic-evals",
}
PEERS = ("openai", "pydantic-evals")


class Size(NamedTuple):
    """How many calls, how long each takes, and how many may be under way at once."""

    calls: int
    latency: float
    concurrency: int

    @property
    def ideal(self) -> float:
        """Seconds that are needed with every place always taken."""
        return self.calls * self.latency / self.concurrency

    @classmethod
    def of(cls, text: str) -> Size:
        """From a text such as ``500x0.2x50``."""
        calls, latency, concurrency = text.split("x")
        return cls(int(calls), float(latency), int(concurrency))


class Run(NamedTuple):
    """One client in one round."""

    cost: Cost
    connections: int
    """Most that were open at once."""
    whole: float
    """Wall seconds of the process."""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--peers", help="an interpreter that has openai and pydantic-evals")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sizes", nargs="+", type=Size.of, default=[Size.of(text) for text in SIZES])
    options = parser.parse_args()
    clients = [name for name in CLIENTS if options.peers or name not in PEERS]
    for size in options.sizes:
        rounds = [{name: _run(name, size, options.peers) for name in clients} for _ in range(options.rounds)]
        _table(size, rounds)


def _run(name: str, size: Size, peers: str | None) -> Run:
    with serving(size.latency) as server:
        if name == "pytest":
            return _session(size, server)
        python = peers if name in PEERS and peers else sys.executable
        script = Path(__file__).with_name("live_clients.py")
        command = [python, str(script), name, server.url, str(size.calls), str(size.concurrency)]
        environment = {**os.environ, "PYTHONPATH": "" if python == peers else str(Path(__file__).parents[1])}
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        if done.returncode:
            raise SystemExit(done.stderr[-3000:])
        cost = Cost(**json.loads(done.stdout))
        return Run(cost, server.seen["connections"]["most"], cost.wall)


def _session(size: Size, server: Server) -> Run:
    """A session of pytest over all calls, less one over a single call but that call itself."""
    costs = []
    for calls in (1, size.calls):
        with project({"all": RUNG_2}, calls, server.url) as made:
            costs.append(made.run(f"--genaiops-concurrency={size.concurrency}"))
    one, many = costs
    cost = Cost(wall=many.wall - one.wall + size.latency, cpu=many.cpu - one.cpu)
    return Run(cost, server.seen["connections"]["most"], many.wall)


def _table(size: Size, rounds: list[dict[str, Run]]) -> None:
    at_once = f"{size.calls} calls of {size.latency:g} s, {size.concurrency} at once"
    show(f"{at_once}: ideal {size.ideal:.2f} s; median (range) of {len(rounds)} rounds")
    show(f"{'':<18} {'wall s':>18} {'share of ideal':>18} {'x raw aiohttp':>18} {'CPU ms a call':>18} connections")
    for name in rounds[0]:
        columns: list[Callable[[dict[str, Run]], float]] = [
            lambda found, name=name: found[name].cost.wall,
            lambda found, name=name: size.ideal / found[name].cost.wall,
            lambda found, name=name: found[name].cost.wall / found["aiohttp"].cost.wall,
            lambda found, name=name: 1000 * found[name].cost.cpu / size.calls,
        ]
        cells = [f"{_spread([column(found) for found in rounds]):>18}" for column in columns]
        most = max(found[name].connections for found in rounds)
        show(f"{CLIENTS[name]:<18} {' '.join(cells)} {most:>11}")
    show(f"whole pytest process with start-up: {_spread([found['pytest'].whole for found in rounds])} s")
    show("")


def _spread(values: list[float]) -> str:
    return f"{statistics.median(values):.2f} ({min(values):.2f}-{max(values):.2f})"


if __name__ == "__main__":
    main()
