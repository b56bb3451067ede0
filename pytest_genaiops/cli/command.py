"""The command line: which sub-commands there are, and what every one of them has in common."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from functools import partial
from importlib.metadata import version
from typing import NoReturn, Protocol

from pytest_genaiops.cli import (
    cache,
    calibrate,
    compare,
    data,
    doctor,
    gate,
    init,
    lock,
    metrics,
    mlflow,
    power,
    purge,
    report,
    rescore,
    runs,
    variants,
)
from pytest_genaiops.cli.output import complain
from pytest_genaiops.errors import UsageError
from pytest_genaiops.registry import did_you_mean

TROUBLE = 2
"""Exit code of a usage error, as argparse, grep and diff have it; 1 means that the command found something."""
_INTERRUPTED = 130
_BROKEN_PIPE = 141  # what a shell reports for a program that its reader left


class Command(Protocol):
    """A module with one sub-command."""

    HELP: str
    """One line for ``genaiops --help``."""

    def add(self, parser: argparse.ArgumentParser, /) -> None:
        """Add arguments or actions, and name what runs them: ``parser.set_defaults(run=function)``.

        ``function(arguments)`` returns the exit code, writes with ``output.write`` and raises UsageError.
        """


GROUPS: dict[str, dict[str, Command]] = {
    "To begin with": {"init": init},
    "Datasets": {"data": data, "lock": lock},
    "Variants": {"variants": variants},
    "What can be measured": {"metrics": metrics, "calibrate": calibrate},
    "Which is better": {"compare": compare},
    "How many cases": {"power": power},
    "Answers of models": {"cache": cache},
    "What has been run": {"runs": runs, "report": report, "rescore": rescore, "gate": gate, "mlflow": mlflow},
    "Who asks to be forgotten": {"purge": purge},
    "When something is wrong": {"doctor": doctor},
}
"""Heading -> name -> module, as ``genaiops --help`` shows them."""
COMMANDS = {name: command for group in GROUPS.values() for name, command in group.items()}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0 on success, 1 where it found something to mend, 2 for a usage error."""
    try:
        code = _run(sys.argv[1:] if arguments is None else arguments)
        sys.stdout.flush()
    except UsageError as error:
        complain(str(error))
        return TROUBLE
    except KeyboardInterrupt:
        complain("interrupted")
        return _INTERRUPTED
    except BrokenPipeError:
        # Nobody reads on (`genaiops ... | head`). What is still buffered must not be written at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _BROKEN_PIPE
    return code


def _run(arguments: Sequence[str]) -> int:
    if arguments and not arguments[0].startswith("-") and arguments[0] not in COMMANDS:
        raise UsageError(f"no command is called {arguments[0]!r}; {did_you_mean(arguments[0], list(COMMANDS))}")
    if arguments and arguments[0].startswith("--rootdir"):
        raise UsageError("--rootdir stands behind the command: genaiops data list --rootdir DIR")
    chosen = _parser().parse_args(arguments)
    code: int = chosen.run(chosen)
    return code


class _Parser(argparse.ArgumentParser):
    """Complains in one sentence, as the rest of the command does."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; see {self.prog} --help")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="genaiops",
        usage="genaiops <command> ...",
        description=_described(),
        epilog="`genaiops <command> --help` says more. For example: genaiops metrics show bleu",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"pytest-genaiops {version('pytest-genaiops')}")
    parser.set_defaults(run=partial(_without_action, parser))
    commands = parser.add_subparsers(prog="genaiops", help=argparse.SUPPRESS)
    for name, command in COMMANDS.items():
        sub = commands.add_parser(name, description=command.HELP)
        sub.set_defaults(run=partial(_without_action, sub))
        command.add(sub)
    return parser


def _described() -> str:
    width = max(map(len, COMMANDS)) + 2
    groups = [
        "\n".join([f"{heading}:", *(f"  {name:<{width}}{command.HELP}" for name, command in group.items())])
        for heading, group in GROUPS.items()
    ]
    return "\n\n".join(["Merge gates for prompts and RAG. Suites themselves are run by pytest.", *groups])


def _without_action(parser: argparse.ArgumentParser, _: argparse.Namespace) -> int:
    parser.print_help(sys.stderr)
    return TROUBLE
