"""``genaiops doctor``: what is installed, what is found, and what is to be mended."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator

from pytest_genaiops.cli import health, installed
from pytest_genaiops.cli.installed import Finding
from pytest_genaiops.cli.output import write
from pytest_genaiops.cli.project import add_rootdir, project_of
from pytest_genaiops.report.listing import paragraph, table
from pytest_genaiops.report.text import columns
from pytest_genaiops.variants import Variant

_NARROW = 30


def add(parser: argparse.ArgumentParser) -> None:
    """It takes the rootdir alone."""
    add_rootdir(parser)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    wrong = 0
    for title, findings in _sections(arguments):
        found = list(findings)
        wrong += sum(finding.wrong for finding in found)
        write([title, *_lines(found), ""])
    write([f"{wrong} to mend, marked with !" if wrong else "nothing to mend"])
    return 1 if wrong else 0


def _sections(arguments: argparse.Namespace) -> Iterator[tuple[str, Iterable[Finding]]]:
    project = project_of(arguments)
    heads: list[health.Rows] = []
    found: list[Variant] = []
    yield "Packages", installed.packages()
    yield f'Extras: python -m pip install "{installed.OURS}[NAME]"', installed.extras()
    yield "Other plugins of pytest", installed.neighbours()
    yield "Project", health.places(project)
    yield "Datasets", health.datasets(project, heads)
    yield "Variants", health.variants(project.root, heads, found)
    yield "Keys, by the names of environment variables", health.keys(found)
    yield "Known conflicts", installed.surroundings(project.root)


def _lines(found: list[Finding]) -> list[str]:
    wide = max((columns(finding.name) for finding in found), default=0)
    if wide <= _NARROW:
        return table([(_mark(finding), finding.name, finding.text) for finding in found]) or ["   none"]
    # Beside a long path there is no room for a sentence.
    both = ([f"{_mark(finding)}  {finding.name}", *paragraph(finding.text, indent=5)] for finding in found)
    return [line for lines in both for line in lines]


def _mark(finding: Finding) -> str:
    return "!" if finding.wrong else " "
