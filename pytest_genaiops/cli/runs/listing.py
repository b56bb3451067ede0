"""``genaiops runs list``: which runs are on record, the newest first."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Iterator, Sequence
from contextlib import closing

from pytest_genaiops.cli.output import write
from pytest_genaiops.cli.runs.recorded import commit, ended, moment, store_of
from pytest_genaiops.report.listing import WIDTH, table
from pytest_genaiops.report.text import clipped, columns, visible
from pytest_genaiops.store import RunRow, Store, VariantRow

ABOUT = "list the recorded runs, the newest first"
_HEAD = ("run", "started (UTC)", "kind", "end", "commit", "suites", "variants")
_SHOWN = 20
_NAMES = 20
"""Columns of the names that stand in a run's own line; where they take more, a line below has them."""
_INDENT = "  "


def add(parser: ArgumentParser) -> None:
    """It takes how many runs are shown."""
    about = f"show so many at most (default: {_SHOWN}); 0 shows all"
    parser.add_argument("--limit", metavar="N", type=_count, default=_SHOWN, help=about)
    parser.set_defaults(run=_run)


def _run(arguments: Namespace) -> int:
    with closing(store_of(arguments)) as store:
        runs = store.runs()
        shown = runs[: arguments.limit or None]
        named = [store.names(run.id) for run in shown]
        rows = [_row(run, *names) for run, names in zip(shown, named, strict=True)]
        below = [_below(store, run, names) for run, (_, names) in zip(shown, named, strict=True)]
    write(_lines(rows, below) if rows else ["no run is on record yet"])
    if len(shown) < len(runs):
        write([f"and {len(runs) - len(shown):,} older; show them with --limit 0"])
    return 0


def _lines(rows: Sequence[Sequence[str]], below: Sequence[str]) -> Iterator[str]:
    """The table, and under the line of a run what its variants are where that line has no room for it."""
    head, *every = table(rows, head=_HEAD)
    yield head
    for line, more in zip(every, below, strict=True):
        yield line
        if more:
            yield f"{_INDENT}{more}"


def _row(run: RunRow, suites: Sequence[str], variants: Sequence[str]) -> tuple[str, ...]:
    kind = visible(str(run.facts.get("kind", "pytest")))
    named = _joined(variants) if _fit(variants) else f"{len(variants):,}"
    return visible(run.id), moment(run.started), kind, ended(run), commit(run), f"{len(suites):,}", named or "-"


def _joined(names: Sequence[str]) -> str:
    return ", ".join(map(visible, names))


def _fit(names: Sequence[str]) -> bool:
    return columns(_joined(names[:_NAMES])) <= _NAMES and len(names) <= _NAMES


def _below(store: Store, run: RunRow, names: Sequence[str]) -> str:
    """One line on the variants, those of a matrix by its axes; empty where the line above names them."""
    if _fit(names):
        return ""
    known = {each.name: each for suite in store.suites(run.id) for each in store.variants(suite.id)}
    matrices: dict[tuple[str, tuple[str, ...]], int] = {}
    alone: list[str] = []
    for name in names:
        if (key := _matrix(known.get(name))) is None:
            alone.append(visible(name))
        else:
            matrices[key] = matrices.get(key, 0) + 1
    parts = [_said(source, axes, count) for (source, axes), count in matrices.items()]
    return _within([*parts, *alone], [*matrices.values(), *(1 for _ in alone)], WIDTH - columns(_INDENT))


def _matrix(variant: VariantRow | None) -> tuple[str, tuple[str, ...]] | None:
    """The file and the axes that a variant is of; None for one that is of no matrix."""
    axes = variant.facts.get("axes") if variant is not None else None
    if variant is None or not axes:
        return None
    return str(variant.facts.get("source") or "").replace("\\", "/").rpartition("/")[2], tuple(map(str, axes))


def _said(source: str, axes: Sequence[str], count: int) -> str:
    return f"{count:,}{f' of {visible(source)}' if source else ''}: {' x '.join(map(visible, axes))}"


def _within(parts: Sequence[str], counts: Sequence[int], room: int) -> str:
    """As many of the parts as have room, the first one at least, and how many variants the others are."""
    for kept in range(min(len(parts), room), 0, -1):
        more = sum(counts[kept:])
        end = f", and {more:,} more" if more else ""
        line = ", ".join(parts[:kept])
        if columns(line) + columns(end) <= room or kept == 1:
            return f"{clipped(line, room - columns(end))}{end}"
    return ""


def _count(text: str) -> int:
    if not text.isascii() or not text.isdecimal():
        raise ArgumentTypeError(f"{text!r} is no number of runs; give a whole number from 0, such as 50")
    return int(text[:9])
