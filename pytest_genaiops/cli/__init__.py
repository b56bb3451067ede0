"""The ``genaiops`` command: one file for each sub-command, named in the table of ``command.py``."""

from pytest_genaiops.cli.command import main

__all__ = ["main"]
