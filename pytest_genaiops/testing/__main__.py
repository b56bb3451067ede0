"""``python -m pytest_genaiops.testing``: a fake server in a process of its own, for benchmarks.

Its base URL is the one line that it writes; ``GET /seen`` has the counts. It ends when its input does.
"""

from __future__ import annotations

import argparse
import sys
from typing import get_args

from pytest_genaiops.errors import UsageError
from pytest_genaiops.testing.limits import Limit, LimitKind
from pytest_genaiops.testing.server import FakeServer


def main(arguments: list[str] | None = None) -> None:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser(prog="python -m pytest_genaiops.testing", description="A fake model server.")
    parser.add_argument("--answer", default="a fake answer")
    parser.add_argument("--latency", type=float, default=0.0, metavar="SECONDS")
    parser.add_argument("--admit", type=float, metavar="CALLS", help="calls a second; for overload, calls at once")
    parser.add_argument("--limit", choices=get_args(LimitKind), default="bucket", help="the kind of limit of --admit")
    parser.add_argument("--retry-after", type=float, default=1.0, metavar="SECONDS")
    parser.add_argument("--headers", action="store_true", help="tell in each reply what is left of the limit")
    parser.add_argument("--fault", help="what goes wrong with every call")
    given = parser.parse_args(arguments)
    try:
        limit = given.admit and Limit(given.admit, given.limit, retry_after=given.retry_after, headers=given.headers)
        server = FakeServer(given.answer, latency=given.latency, admit=limit, fault=given.fault)
    except UsageError as error:
        parser.error(str(error))
    with server:
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
