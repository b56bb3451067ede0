"""``genaiops compare``: the systems recorded in a dataset, ranked with ties and compared in pairs."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from shutil import get_terminal_size

from pytest_genaiops import dataset
from pytest_genaiops.cli.output import write
from pytest_genaiops.cli.project import add_rootdir, settings_of
from pytest_genaiops.comparison import Change
from pytest_genaiops.errors import DatasetError, UsageError
from pytest_genaiops.evaluation import Evaluation, evaluate
from pytest_genaiops.report.changes import Row, changes
from pytest_genaiops.report.forest import ADJUSTMENTS as ADJUSTED
from pytest_genaiops.report.listing import paragraph
from pytest_genaiops.report.text import visible
from pytest_genaiops.statistics.multiplicity import ADJUSTMENTS


def add(parser: ArgumentParser) -> None:
    """The dataset, the metrics and what the comparison goes by."""
    parser.add_argument("dataset", metavar="DATASET", help="dataset with a `responses` column, as a suite names it")
    parser.add_argument(
        "--metrics", metavar="NAME", nargs="+", required=True, help="what to compare by; `genaiops metrics list`"
    )
    parser.add_argument(
        "--baseline", metavar="ID", help="compare every other system with this one (default: all pairs)"
    )
    parser.add_argument("--slices", action="store_true", help="also within every slice of the cases")
    parser.add_argument(
        "--adjust",
        choices=list(ADJUSTMENTS),
        default="holm",
        help="p-values: holm (default; no false finding) or bh (Benjamini-Hochberg; few among the findings)",
    )
    parser.add_argument("--confidence", type=float, default=0.95, help="of intervals, and for ties (default: 0.95)")
    add_rootdir(parser)
    parser.set_defaults(run=_compare)


def _compare(arguments: Namespace) -> int:
    evaluation = _evaluated(arguments)
    asked = {"confidence": arguments.confidence, "adjust": arguments.adjust}
    found = evaluation.compare(baseline=arguments.baseline, slices=arguments.slices, **asked)
    blocks: dict[tuple[str, str], list[Change]] = {}
    for change in found:
        blocks.setdefault((change.metric, change.slice), []).append(change)
    if arguments.slices and not any(part for _, part in blocks):
        raise UsageError(f"no case of {arguments.dataset!r} carries a slice tag; add a slice_* column, or no --slices")
    width, plain = get_terminal_size().columns, not (sys.stdout.encoding or "").lower().startswith("utf")
    # Ties agree with the table below, where that has all pairs.
    whole = found if arguments.baseline is None else None
    rankings = {key: evaluation.ranking(*key, changes=whole, **asked) for key in blocks}
    for ranking in rankings.values():
        write([*ranking.forest(width, ascii_only=plain).splitlines(), ""])
    write(_explained(found, arguments))
    for key, ranking in rankings.items():
        write(["", ", ".join(visible(part) for part in key if part)])
        write(changes([_row(change) for change in blocks[key]], ranking.scale, width))
    return 0


def _explained(found: Sequence[Change], arguments: Namespace) -> list[str]:
    compared = sum(change.p_value is not None for change in found)
    return paragraph(
        f"Candidate minus baseline on the cases that both scored. Intervals: {100 * arguments.confidence:g} %, each by "
        f"itself. p-values: two-sided, of no difference, and adjusted over all {compared} comparisons "
        f"({ADJUSTED[arguments.adjust]})."
    )


def _row(change: Change) -> Row:
    return Row(
        candidate=change.candidate_id,
        baseline=change.baseline_id,
        change=change.change,
        interval=change.interval,
        p_value=change.p_value,
        adjusted=change.adjusted_p_value,
        n=change.n,
        reason=change.reason,
    )


def _evaluated(arguments: Namespace) -> Evaluation:
    settings = settings_of(arguments)
    source = dataset.locate(arguments.dataset, root=settings.root, folders=settings.datasets)
    data = dataset.load(source)
    if not data.systems:
        raise DatasetError(f"{data.name} records no responses; add a `responses` column {{system: text}}")
    return evaluate(data, metrics=arguments.metrics, settings=settings)
