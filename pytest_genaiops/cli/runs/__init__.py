"""``genaiops runs``: what is on record, one module for each action."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Protocol

from pytest_genaiops.cli.project import add_rootdir
from pytest_genaiops.cli.runs import diff, export, gc, listing, show


class Action(Protocol):
    """A module with one action of ``genaiops runs``."""

    ABOUT: str
    """What it does, as the end of a sentence."""

    def add(self, parser: ArgumentParser, /) -> None:
        """Add arguments, and name what runs them; ``--rootdir`` is there already."""


ACTIONS: dict[str, Action] = {
    "list": listing,
    "show": show,
    "diff": diff,
    "export": export,
    "gc": gc,
}
"""Name -> module, as ``genaiops runs --help`` shows them."""


def add(parser: ArgumentParser) -> None:
    """The actions that there are."""
    actions = parser.add_subparsers(title="actions", metavar="<action>")
    for name, action in ACTIONS.items():
        sub = actions.add_parser(name, help=action.ABOUT, description=f"{action.ABOUT.capitalize()}.")
        action.add(sub)
        add_rootdir(sub)
