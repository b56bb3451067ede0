"""A suite whose answers are all kept, beside the same suite on recorded responses.

    python benchmarks/warm_cache.py [--cases 10000] [--rounds 5]

Whole pytest processes, in pairs: the same cases, prompts, metric and answers, once from the dataset and once from the
answers that an earlier session has kept (``cold``, against a fake server without latency). No server runs meanwhile.
"""

from __future__ import annotations

import argparse
import statistics

from live_project import RUNG_2, RUNG_3, Cost, Project, project, serving, show


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    show(f"{options.cases} cases, median (range) of {options.rounds} pairs of whole pytest processes")
    for name, suite in {"rung 2": RUNG_2, "rung 3": RUNG_3}.items():
        _compare(name, suite, options.cases, options.rounds)


def _compare(name: str, suite: str, cases: int, rounds: int) -> None:
    suites = {"all": suite}
    with project(suites, cases) as recorded, serving() as server, project(suites, cases, server.url) as kept:
        cold = kept.run()
        _check(server.seen["calls"], cases)
        pairs = [_pair(recorded, kept) for _ in range(rounds)]
        _check(server.seen["calls"], cases)
    wall, cpu = ([getattr(own, field) / getattr(base, field) for base, own in pairs] for field in ("wall", "cpu"))
    base, own = (statistics.median(pair[side].wall for pair in pairs) for side in (0, 1))
    show(f"{name}: recorded {base:.2f} s, kept {own:.2f} s; ratio {_spread(wall)}, of CPU {_spread(cpu)}")
    show(f"        cold, against a server that answers at once: {cold.wall:.2f} s, {cold.cpu:.2f} s of CPU")


def _pair(recorded: Project, kept: Project) -> tuple[Cost, Cost]:
    return recorded.run(), kept.run()


def _check(calls: int, expected: int) -> None:
    if calls != expected:
        raise SystemExit(f"the server saw {calls} calls, not {expected}")


def _spread(values: list[float]) -> str:
    return f"{statistics.median(values):.2f} ({min(values):.2f}-{max(values):.2f})"


if __name__ == "__main__":
    main()
