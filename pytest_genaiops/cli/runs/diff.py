"""``genaiops runs diff``: what changed between two runs."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from pytest_genaiops.cli.output import write
from pytest_genaiops.cli.runs.recorded import folder_of
from pytest_genaiops.report.difference import full
from pytest_genaiops.report.listing import paragraph, table
from pytest_genaiops.report.text import excerpt, number, visible
from pytest_genaiops.runs import Run
from pytest_genaiops.runs.diff import Outcome, RunDifference, run_difference
from pytest_genaiops.runs.paired import ScoreChange

ABOUT = "say what changed from one run to another: what was run, scores, cases and verdicts"
_NAMED = 10
"""Items and verdicts that are named."""
_NOTE = (
    "Later minus earlier, over the responses that both runs scored; intervals each by itself, at the later "
    "run's confidence. p-values: two-sided, of no difference, and adjusted over all scores of the suite (Holm)."
)


def add(parser: ArgumentParser) -> None:
    """It takes the two runs."""
    earlier = "the earlier run: its id, the beginning of one, or latest~1 (the default)"
    parser.add_argument("before", metavar="A", nargs="?", default="latest~1", help=earlier)
    parser.add_argument("after", metavar="B", nargs="?", default="latest", help="the later one (default: latest)")
    parser.set_defaults(run=_diff)


def _diff(arguments: Namespace) -> int:
    folder = folder_of(arguments)
    runs = [Run.open(name, root=folder.parent, folder=folder.name) for name in (arguments.before, arguments.after)]
    write(_lines(run_difference(*runs)))
    return 0


def _lines(found: RunDifference) -> Iterator[str]:
    yield f"from run {visible(found.before)} to {visible(found.after)}"
    for name, facts in found.facts.items():
        yield from ("", visible(name))
        for line in full(facts):
            yield from paragraph(line, indent=2)
    for run, names in found.alone.items():
        yield from ("", f"only in {visible(run)}")
        yield from (f"  {visible(name)}" for name in names)
    if found.scores:
        yield from ("", *paragraph(_NOTE))
    for suite in dict.fromkeys(each.suite for each in found.scores):
        yield from ("", visible(suite), *_scores([each for each in found.scores if each.suite == suite]))
    yield from _outcomes("test items that came out otherwise", found.items)
    yield from _outcomes("verdicts that came out otherwise", found.verdicts)
    moved = any(each.change or each.reason for each in found.scores)
    if not (found.facts or found.alone or found.items or found.verdicts or moved):
        yield from ("", "nothing changed")


def _scores(changes: Sequence[ScoreChange]) -> Iterator[str]:
    compared = sorted((each for each in changes if each.p_value is not None), key=lambda each: each.p_value or 0.0)
    if compared:
        head = ("score", "variant", "before", "after", "change", "interval", "p", "adjusted", "n", "better, worse")
        yield from table([_row(each) for each in compared], head=head, indent=2)
    for each in compared:
        if each.drops:
            lost = ", ".join(
                f"{excerpt(drop.case, 40)} ({number(drop.before, each.scale)} to {number(drop.after, each.scale)})"
                for drop in each.drops
            )
            yield from paragraph(f"worse under {excerpt(each.metric, 60)}, {visible(each.variant)}: {lost}", indent=2)
    for each in changes:
        if each.p_value is None:
            yield from paragraph(excerpt(f"{each.metric}, {each.variant}: {each.reason}", 400), indent=2)


def _row(each: ScoreChange) -> tuple[str, ...]:
    ends = each.interval or ()
    return (
        excerpt(each.metric, 40),
        visible(each.variant),
        number(each.before, each.scale),
        number(each.after, each.scale),
        number(each.change, each.scale, "+"),
        " to ".join(number(end, each.scale, "+") for end in ends),
        _p_value(each.p_value),
        _p_value(each.adjusted_p_value),
        f"{each.n:,}" + (f" (of {each.n + each.unscored:,})" if each.unscored else ""),
        f"{each.better:,}, {each.worse:,}",
    )


def _p_value(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}" if value >= 0.0001 else "<0.0001"


def _outcomes(what: str, found: Sequence[Outcome]) -> Iterator[str]:
    if not found:
        return
    counts = Counter((each.before, each.after) for each in found)
    told = ", ".join(f"{count} from {before} to {after}" for (before, after), count in counts.most_common())
    yield from ("", *paragraph(f"{what}: {told}"))
    yield from _named(found[:_NAMED])
    if len(found) > _NAMED:
        yield f"  and {len(found) - _NAMED} more"


def _named(found: Iterable[Outcome]) -> Iterator[str]:
    for each in found:
        score = f", {each.metric}" if each.metric else ""
        yield from paragraph(excerpt(f"{each.test}{score}: {each.before} to {each.after}", 300), indent=2)
        if each.reason:
            yield from paragraph(excerpt(each.reason, 400), indent=6)
