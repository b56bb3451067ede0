"""``genaiops power``: how many cases and trials a gate needs, from what is committed of its suite."""

from __future__ import annotations

import math
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from dataclasses import replace

from pytest_genaiops.cli.drawing import drawn, in_table, is_to_be_drawn
from pytest_genaiops.cli.output import write
from pytest_genaiops.cli.project import Project, add_rootdir, project_of
from pytest_genaiops.cli.subject import Subject, subject_of
from pytest_genaiops.config import DEFAULT_CONFIDENCE
from pytest_genaiops.errors import UsageError
from pytest_genaiops.report import power as report
from pytest_genaiops.report.listing import paragraph
from pytest_genaiops.report.power import Gate
from pytest_genaiops.report.text import number, visible
from pytest_genaiops.statistics.components import Components, split, split_change
from pytest_genaiops.statistics.power import (
    Basis,
    Plan,
    Spread,
    plan,
    spread_of_change,
    spread_of_rerun,
    spread_of_score,
)
from pytest_genaiops.statistics.simulated_power import Pilot

LEAST = 0.001
"""Share of a scale below which no difference is planned for: it would take millions of cases, and minutes to count."""

MEND = "give the marker trials=2 and write the baseline anew"
BASES: Mapping[Basis, str] = {
    "trials": "",
    "one trial": f"What more trials would buy is not known; to know it, {MEND}.",
    "reruns": "A candidate that makes some cases better and others worse needs more cases than this; --against another "
    "committed variant tells how many.",
    "bound": "These numbers are an upper bound: all that the answers differ by is taken for noise, which is not known. "
    f"Fewer cases will do. To know how many, and what trials buy, {MEND}.",
}
"""What is to be said about where a spread is from."""


def add(parser: ArgumentParser) -> None:
    """The suite, the gate, and what to suppose."""
    suite = "test with a committed baseline: its node id, the file, or a part of its name that no other has"
    parser.add_argument("suite", metavar="SUITE", help=suite)
    gate = parser.add_mutually_exclusive_group(required=True)
    gate.add_argument("--margin", metavar="M", type=float, help="of not_worse_than(baseline, margin=M)")
    gate.add_argument("--threshold", metavar="X", type=float, help="of at_least(X), or at_most(X) if lower is better")
    parser.add_argument("--metric", metavar="NAME", help="score to plan for, where the suite has several")
    parser.add_argument("--variant", metavar="ID", help="variant to go by (default: the first of the file)")
    parser.add_argument("--against", metavar="ID", help="plan for changes as large as those from this to --variant")
    parser.add_argument("--confidence", metavar="SHARE", type=float, help="of the interval (default: the project's)")
    parser.add_argument("--trials", metavar="K", type=int, help="suppose so many trials (default: as committed)")
    parser.add_argument("--cases", metavar="N", type=int, help="suppose so many cases (default: as committed)")
    add_rootdir(parser)
    parser.set_defaults(run=_power)


def _power(arguments: Namespace) -> int:
    project = project_of(arguments)
    subject = subject_of(arguments, project)
    _check(arguments, subject)
    found, spread = _spread(subject, arguments)
    told = [*_title(subject), "", *report.origins(found, "answers" if subject.pair is None else "changes"), ""]
    if arguments.threshold is not None and (missed := _missed(subject, arguments.threshold)):
        write([*told, *paragraph(missed)])
        return 0
    made = plan(
        spread,
        n=subject.cases if arguments.cases is None else arguments.cases,
        trials=subject.entry.trials if arguments.trials is None else arguments.trials,
        margin=arguments.margin if arguments.threshold is None else abs(subject.value - arguments.threshold),
        confidence=_confidence(project) if arguments.confidence is None else arguments.confidence,
    )
    shown, table = made, made
    if arguments.threshold is not None and (by_drawing := _drawn(subject, made, spread)) is not None:
        shown, table = by_drawing, in_table(made, by_drawing)
    gate = _gate(subject, arguments)
    basis = f"{_origin(subject, spread, by_drawing=shown is not made)} {BASES[spread.basis]}"
    write([*told, *report.outlook(shown, replace(gate, basis=basis))])
    write(["", *options] if (options := report.options(table)) else [])
    return 0


def _spread(subject: Subject, arguments: Namespace) -> tuple[Components, Spread]:
    """What the values differ by, and what of it stands in the way of the gate."""
    sample, cases = subject.score.sample(), subject.score.table.ids
    if subject.pair is not None:
        ours, theirs, shared = subject.pair
        return split_change(ours, theirs, shared), spread_of_change(ours, theirs, shared)
    if arguments.threshold is not None:
        better = subject.score.higher_is_better
        return split(sample, cases), spread_of_score(sample, cases, higher_is_better=better)
    return split(sample, cases), spread_of_rerun(sample, cases)


def _drawn(subject: Subject, made: Plan, spread: Spread) -> Plan | None:
    """The plan of one score by drawing, where its variance is not enough and drawing does not take too long."""
    score = subject.score
    sample = score.sample()
    if not is_to_be_drawn(made, spread, sample, subject.entry.trials):
        return None
    return drawn(made, Pilot(candidate=sample, cases=score.table.ids, higher_is_better=score.higher_is_better))


def _gate(subject: Subject, arguments: Namespace) -> Gate:
    """The gate in words, and what is supposed of the system."""
    variant = visible(subject.variant)
    if arguments.threshold is not None:
        return Gate(
            call=_call(subject, arguments.threshold),
            premise=f"If {_value(subject)} is the true value of {variant},",
            limit="a threshold of",
            origin=subject.value,
            scale=subject.score.scale,
            higher_is_better=subject.score.higher_is_better,
        )
    premise = "Each case is compared with itself, so that difficulty cancels. If nothing has changed,"
    if subject.against is not None:
        change = f"from {visible(subject.against)} to {variant}"
        premise = f"If the changes of cases are as large as {change}, but make up for each other,"
    return Gate(call=f"not_worse_than(baseline, margin={arguments.margin:g})", premise=premise, limit="a margin of")


def _origin(subject: Subject, spread: Spread, *, by_drawing: bool) -> str:
    """What the numbers rest on, where they are not counted exactly."""
    if by_drawing:
        others = "; the table below goes by their spread" if spread.basis == "trials" else ""
        return f"Found by drawing data sets from these answers{others}."
    if not subject.score.sample().is_mean:
        return f"{subject.label} is no mean: its spread is that of what single answers add to it (jackknife)."
    if spread.kind == "mean" and spread.basis in ("trials", "one trial") and subject.against is None:
        return "The numbers go by the spread of the answers: where these lean to one end of the scale, it takes more."
    return ""


def _title(subject: Subject) -> list[str]:
    """What the plan goes by."""
    entry, others = subject.entry, subject.others
    known = f" (of {len(others) + 1} in the file; choose by --variant)" if others else ""
    trials = f", {entry.trials} trials each" if entry.trials > 1 else ""
    cases = f"{subject.cases:,} cases of {visible(entry.dataset)}{trials}"
    what = f"{visible(subject.variant)}{known}: {subject.label} {_value(subject)}, {cases}"
    return [visible(subject.suite), *paragraph(what, indent=2)]


def _value(subject: Subject) -> str:
    return number(subject.value, subject.score.scale)


def _call(subject: Subject, threshold: float) -> str:
    return f"{'at_least' if subject.score.higher_is_better else 'at_most'}({threshold:g})"


def _missed(subject: Subject, threshold: float) -> str:
    """That a value is not beyond a threshold, or hardly; empty where it is."""
    scores = f"{visible(subject.variant)} scores {_value(subject)}"
    distance = subject.value - threshold if subject.score.higher_is_better else threshold - subject.value
    if distance <= 0:
        side = "at" if not distance else "below" if subject.score.higher_is_better else "above"
        return (
            f"{scores}, {side} {threshold:g}: no number of cases makes {_call(subject, threshold)} pass. More cases "
            "only make that surer; improve the system, or ask for less."
        )
    if distance < LEAST * _width(subject):
        return f"{scores}, so close to {threshold:g} that no dataset tells them apart; ask for less."
    return ""


def _width(subject: Subject) -> float:
    """Of the scale; 0 where it has no end."""
    low, high = subject.score.scale
    return high - low if math.isfinite(high - low) else 0.0


def _check(arguments: Namespace, subject: Subject) -> None:
    """Refuse what the committed score has no answer to."""
    low, high = subject.score.scale
    ends = f"{subject.label}, {low:g} to {high:g}"
    if arguments.threshold is not None and not low <= arguments.threshold <= high:
        raise UsageError(f"--threshold {arguments.threshold:g} lies outside the scale of {ends}")
    if arguments.margin is not None and arguments.margin >= high - low:
        raise UsageError(f"--margin {arguments.margin:g} is as wide as the scale of {ends}; no loss could exceed it")
    if arguments.margin is not None and 0 < arguments.margin < LEAST * _width(subject):
        raise UsageError(f"--margin {arguments.margin:g} is too narrow for any dataset on the scale of {ends}")
    if arguments.threshold is not None and subject.against is not None:
        raise UsageError("--against is about a margin; with --threshold leave it out")
    if arguments.trials is not None and arguments.trials > 1 and subject.entry.trials == 1:
        raise UsageError(f"--trials {arguments.trials} cannot be planned: each case was run once; {MEND}")


def _confidence(project: Project) -> float:
    """What the project's configuration says, as sessions of pytest take it."""
    given = project.keys.get("genaiops_confidence") or DEFAULT_CONFIDENCE
    try:
        return float(given)
    except (TypeError, ValueError):
        raise UsageError(f"ini key genaiops_confidence={given}: give a share between 0 and 1, such as 0.95") from None
