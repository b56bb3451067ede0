"""How many calls a server sees when many tests of many processes ask for the same trials.

    python benchmarks/single_flight.py [--cases 200] [--tests 6] [--workers 4] [--rounds 5]

Every test asks for all trials: half of the tests for each by itself, half for all at once. One call each is right.
"""

from __future__ import annotations

import argparse

from live_project import RUNG_2, RUNG_3, project, serving, show


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--cases", type=int, default=200)
    parser.add_argument("--tests", type=int, default=6)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    suites = {f"suite{i}": RUNG_3 if i % 2 else RUNG_2 for i in range(options.tests)}
    show(f"{options.tests} tests over the same {options.cases} cases, {options.workers} workers")
    for number in range(1, options.rounds + 1):
        with serving(0.05) as server, project(suites, options.cases, server.url) as made:
            cost = made.run("-p", "xdist", f"-n{options.workers}")
            calls = server.seen["calls"]
            made.run("-p", "xdist", f"-n{options.workers}")
            again = server.seen["calls"] - calls
            show(f"round {number}: {calls} calls in {cost.wall:.2f} s, {again} in a second session")


if __name__ == "__main__":
    main()
