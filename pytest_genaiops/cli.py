"""The ``genaiops`` command."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from importlib.metadata import version

from pytest_genaiops.errors import UsageError
from pytest_genaiops.registry import METRICS, metric_class


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0 on success, 2 for a usage error, as argparse has it."""
    parser = argparse.ArgumentParser(
        prog="genaiops",
        description="Merge gates for prompts and RAG. Suites themselves are run by pytest.",
    )
    parser.add_argument("--version", action="version", version=f"pytest-genaiops {version('pytest-genaiops')}")
    commands = parser.add_subparsers(dest="command", required=True)
    metrics = commands.add_parser("metrics", help="what can be measured: scale, direction and options of every metric")
    metrics.add_argument("name", nargs="*", help="metrics to show; all without a name")
    chosen = parser.parse_args(arguments)
    try:
        lines = [_described(name) for name in chosen.name or METRICS]
    except UsageError as error:
        parser.exit(2, f"genaiops: {error}\n")
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


def _described(name: str) -> str:
    cls = metric_class(name)
    low, high = cls.scale
    better = "higher" if cls.higher_is_better else "lower"
    options = [f"{field.name}={field.default!r}" for field in fields(cls)] if is_dataclass(cls) else []
    needs = ", ".join(cls.needs) or "-"
    head = f"{name:<15} {low:g}-{high:g}, {better} is better; needs {needs}"
    return head + (f"; options {', '.join(options)}" if options else "")
