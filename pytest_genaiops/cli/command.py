"""The command line: which sub-commands there are, and what every one of them has in common."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from functools import partial
from importlib import import_module
from importlib.metadata import version
from typing import NoReturn, Protocol

from pytest_genaiops.cli.output import complain
from pytest_genaiops.errors import UsageError
from pytest_genaiops.registry import did_you_mean

TROUBLE = 2
"""Exit code of a usage error, as argparse, grep and diff have it; 1 means that the command found something."""
_INTERRUPTED = 130
_BROKEN_PIPE = 141  # what a shell reports for a program that its reader left


class Command(Protocol):
    """A module with one sub-command. It is imported when it is asked for: `genaiops runs list` waits for no metric."""

    def add(self, parser: argparse.ArgumentParser, /) -> None:
        """Add arguments or actions, and name what runs them: ``parser.set_defaults(run=function)``.

        ``function(arguments)`` returns the exit code, writes with ``output.write`` and raises UsageError.
        """


GROUPS: dict[str, dict[str, str]] = {
    "To begin with": {
        "init": "write a first suite into a project: data, two prompts and a gate",
    },
    "Datasets": {
        "data": "list datasets, describe them, or show what differs between two",
        "lock": "write down what datasets are, or check that they are still that",
    },
    "Variants": {
        "variants": "list variants, show what a model is asked, or compare two of them",
    },
    "What can be measured": {
        "metrics": "list every metric, or show scale, options and definition of one",
        "calibrate": "measure how far a judge agrees with people, and certify it",
    },
    "Which is better": {
        "compare": "rank the systems recorded in a dataset, with ties, and compare them",
    },
    "How many cases": {
        "power": "say how many cases and trials a gate needs, by its baseline",
    },
    "Answers of models": {
        "cache": "show, commit or throw away kept answers; say why one was missing",
    },
    "What has been run": {
        "runs": "list, show, compare, export or remove recorded runs",
        "report": "write the report of a run: a page to look at, Markdown, or JSON",
        "rescore": "measure recorded answers by further metrics, without a call",
        "gate": "hold thresholds against a recorded run, without a call",
        "mlflow": "send runs to MLflow that no server has taken yet",
    },
    "Who asks to be forgotten": {
        "purge": "remove a person's texts from all that is kept, and prove it",
    },
    "When something is wrong": {
        "doctor": "check installation, datasets, variants and keys; say what to mend",
    },
}
"""Heading -> name of the sub-command and of its module -> one line about it, as ``genaiops --help`` shows them."""
COMMANDS = {name: line for group in GROUPS.values() for name, line in group.items()}


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
    chosen = _parser(arguments[:1]).parse_args(arguments)
    code: int = chosen.run(chosen)
    return code


class _Parser(argparse.ArgumentParser):
    """Complains in one sentence, as the rest of the command does."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; see {self.prog} --help")


def _parser(names: Sequence[str]) -> argparse.ArgumentParser:
    """The parser with those of the sub-commands that are named."""
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
    for name in COMMANDS.keys() & set(names):
        sub = commands.add_parser(name, description=COMMANDS[name])
        sub.set_defaults(run=partial(_without_action, sub))
        command: Command = import_module(f"pytest_genaiops.cli.{name}")
        command.add(sub)
    return parser


def _described() -> str:
    width = max(map(len, COMMANDS)) + 2
    groups = [
        "\n".join([f"{heading}:", *(f"  {name:<{width}}{line}" for name, line in group.items())])
        for heading, group in GROUPS.items()
    ]
    return "\n\n".join(["Merge gates for prompts and RAG. Suites themselves are run by pytest.", *groups])


def _without_action(parser: argparse.ArgumentParser, _: argparse.Namespace) -> int:
    parser.print_help(sys.stderr)
    return TROUBLE
