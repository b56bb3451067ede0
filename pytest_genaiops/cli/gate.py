"""``genaiops gate``: rules over a recorded run, as a test would have judged."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from pytest_genaiops.cli.output import write
from pytest_genaiops.cli.project import add_rootdir, project_of
from pytest_genaiops.config import BASELINES
from pytest_genaiops.dataset.text import encoding_fault, quoted
from pytest_genaiops.errors import UsageError
from pytest_genaiops.report.listing import paragraph
from pytest_genaiops.report.text import visible
from pytest_genaiops.runs import Run
from pytest_genaiops.runs.gating import Asked, Decision, gate_run
from pytest_genaiops.runs.rules import rules_of

FAILED = 1
NO_RESULT = 69
"""As a session has it (sysexits: EX_UNAVAILABLE): nothing failed, but something could not be judged."""
_LARGEST = 1_000_000
"""Bytes of a file of rules."""
_ENDS = (
    "Exits with 0 where every rule passed, with 1 where one failed or is undecided, with 69 where none failed but "
    "something has no result, and with 2 for a usage error."
)


def add(parser: ArgumentParser) -> None:
    """The run, the rules, and what they are held against."""
    parser.epilog = _ENDS
    run = "its id, the beginning of one, or latest (the default), latest~1 and so on"
    parser.add_argument("run_id", metavar="RUN", nargs="?", default="latest", help=run)
    parser.add_argument(
        "--rules",
        metavar="FILE_OR_TEXT",
        action="append",
        required=True,
        help="a file with a rule on each line, or one rule: 'bleu.at_least(28)', or an assertion as a test has it",
    )
    parser.add_argument("--baseline", metavar="ID", help="the variant that `baseline` means (default: the suite's own)")
    parser.add_argument("--suite", metavar="GLOB", help="only suites with such a title, or with this in it")
    parser.add_argument("--variant", metavar="GLOB", help="only variants with such an id")
    parser.add_argument(
        "--confidence", type=float, help="of intervals, where a rule does not say (default: as in the run)"
    )
    parser.add_argument(
        "--undecided",
        choices=["fail", "warn"],
        default="fail",
        help="what a rule is that too few cases leave undecided (default: fail)",
    )
    add_rootdir(parser)
    parser.set_defaults(run=_gate)


def _gate(arguments: Namespace) -> int:
    if arguments.confidence is not None and not 0 < arguments.confidence < 1:
        raise UsageError(f"--confidence {arguments.confidence:g} must lie between 0 and 1, such as 0.95")
    project = project_of(arguments)
    rules = [rule for given in arguments.rules for rule in rules_of(_text(given))]
    run = Run.open(arguments.run_id, root=project.root, folder=project.settings.folder)
    asked = Asked(
        suite=arguments.suite,
        variant=arguments.variant,
        baseline=arguments.baseline,
        confidence=arguments.confidence,
        baselines=str(project.keys.get("genaiops_baselines") or BASELINES),
    )
    found = gate_run(run, rules, asked)
    write(_lines(run, found))
    outcomes = Counter(each.outcome for each in found)
    if outcomes["failed"] or (outcomes["undecided"] and arguments.undecided == "fail"):
        return FAILED
    return NO_RESULT if outcomes["no result"] else 0


def _text(given: str) -> str:
    """The rules of a file, or the text that was given itself."""
    if "\0" in given or "\n" in given or not os.path.isfile(given):
        if given.lower().endswith((".txt", ".rules", ".py")):
            raise UsageError(f"--rules {quoted(given)}: there is no such file")
        return given
    path = Path(given)
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
    except OSError as error:
        raise UsageError(f"--rules {quoted(given)} cannot be read ({error.strerror})") from None
    if len(data) > _LARGEST:
        raise UsageError(f"--rules {quoted(given)} has more than {_LARGEST:,} bytes; rules are a line each")
    if (fault := encoding_fault(data)) is not None:
        raise UsageError(f"--rules {quoted(given)}: {fault}")
    return data.decode("utf-8-sig")


def _lines(run: Run, found: Sequence[Decision]) -> Iterator[str]:
    yield f"run {visible(run.id)}, {visible(run.kind)}, started {run.started}"
    heading: tuple[str, str] | None = None
    for each in found:
        if heading != (each.suite, each.variant):
            heading = (each.suite, each.variant)
            yield ""
            yield f"{visible(each.suite)} [{visible(each.variant)}]"
        yield from paragraph(f"{each.outcome}: {each.rule.text}", indent=2)
        yield from paragraph(each.verdict.reason, indent=6)
    counts = Counter(each.outcome for each in found)
    yield ""
    yield ", ".join(f"{counts[name]} {name}" for name in ("passed", "failed", "undecided", "no result") if counts[name])
