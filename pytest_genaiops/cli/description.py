"""Datasets in words and tables, for ``genaiops data``: facts in, lines out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pytest_genaiops.dataset import Dataset, Manifest, Source, lock_fits
from pytest_genaiops.dataset.changes import Kind
from pytest_genaiops.dataset.describe import Alike, Column, Facts, Leaks, Pair, Values
from pytest_genaiops.dataset.difference import Difference, Edit
from pytest_genaiops.report.listing import paragraph, table
from pytest_genaiops.report.text import excerpt, visible
from pytest_genaiops.report.words import marked

_VALUES = 8
"""Values of a slice that are shown."""


def locked(fits: bool | None) -> str:
    """Whether a dataset is as its lock says, in a word."""
    return {None: "none", True: "fits", False: "changed"}[fits]


Lines = list[tuple[str, str]]
"""What is said, with what it is said about."""


def described(source: Source, found: Dataset, facts: Facts, findings: Lines) -> list[str]:
    """Everything that one dataset is, with what was found in it."""
    lock = {None: "no lock", True: "as locked", False: "not as locked"}[lock_fits(source, found.content)]
    head = f"{visible(found.name)}: {_count(facts.rows, 'row')} of {source.shown}, hash {found.hash[:12]}, {lock}"
    return [
        *paragraph(head),
        *(_manifest(source.manifest) if source.manifest else []),
        "",
        *table(list(map(_column, facts.columns)), head=_HEAD, indent=2),
        "",
        *table([*_lines(facts), *findings], indent=2),
    ]


_HEAD = ("column", "rows", "empty", "characters: median, 95 %, most", "words")


def _manifest(manifest: Manifest) -> list[str]:
    facts = {
        "version": manifest.version,
        "language": ", ".join(manifest.language),
        "licence": manifest.licence,
        "origin": manifest.origin,
    }
    known = [(name, visible(value)) for name, value in facts.items() if value]
    return [*paragraph(visible(" ".join(manifest.description.split())), indent=2), *table(known, indent=2)]


def _column(column: Column) -> tuple[str, ...]:
    lengths = [
        f"{each.median:,} {each.p95:,} {each.largest:,}" if each else "-" for each in (column.characters, column.words)
    ]
    return visible(column.name), f"{column.rows:,}", f"{column.empty:,}" if column.empty else "-", *lengths


def _lines(facts: Facts) -> Iterator[tuple[str, str]]:
    for tag, values in facts.slices.items():
        yield f"slice {visible(tag)}", _values(values)
    if facts.labels:
        yield "labels", _values(facts.labels)
    if facts.clusters:
        yield "clusters", f"{facts.clusters:,}"
    for system in facts.systems:
        missing = f", {system.missing:,} missing" if system.missing else ""
        yield f"recorded {visible(system.name)}", f"{_count(system.answers, 'answer')}{missing}"
    if facts.answerable is not None:
        yield "answerable", _share(facts.answerable, facts.rows, "a reference")
    if facts.supported is not None:
        yield "supported", _share(facts.supported, facts.rows, "a context")


def _values(values: Values) -> str:
    shown = list(values.counts.items())[:_VALUES]
    rest = sum(list(values.counts.values())[_VALUES:]) + values.more
    more = [f"others {rest:,}"] if rest else []
    return ", ".join([*(f"{excerpt(value, 40)} {count:,}" for value, count in shown), *more]) or "no row has one"


def _share(rows: int, of: int, what: str) -> str:
    return f"{rows:,} of {_count(of, 'row')} have {what}" if rows < of else f"every row has {what}"


def twins(found: Alike, names: Sequence[str] = ()) -> Lines:
    """Rows that ask the same, or nearly; ``names`` are those of the datasets, where there are several."""
    lines: Lines = []
    if found.same:
        same = [pair for pair in found.pairs if pair.same]
        conflict = f", {found.conflicting:,} with another reference or label" if found.conflicting else ""
        lines.append(("the same question", f"{_count(found.same, 'row')}{conflict}: {_pairs(same, found.same, names)}"))
    if found.near:
        near = [pair for pair in found.pairs if not pair.same]
        lines.append(("nearly the same", f"{_count(found.near, 'pair')}: {_pairs(near, found.near, names)}"))
    if not lines:
        lines.append(("duplicates", "none"))
    if not found.complete:
        lines.append(("", "not every pair of rows was compared: of those that are nearly the same some may be missing"))
    return lines


def _pairs(pairs: Sequence[Pair], of: int, names: Sequence[str]) -> str:
    shown = []
    for pair in pairs[:5]:
        first, second = (
            visible(repr(place.id) if not names else f"{names[place.side]} {place.id!r}")
            for place in (pair.first, pair.second)
        )
        shown.append(f"{first} = {second}" if pair.same else f"{first} ~ {second} ({pair.likeness:.0f} %)")
    return ", ".join([*shown, *(["..."] if of > len(shown) else [])])


def leaking(found: Leaks, prompts: int) -> Lines:
    """Which rows stand in prompts."""
    if not found.rows:
        return [("in prompts", f"no question or reference stands in those of {_count(prompts, 'variant')}")]
    return [(f"in {visible(variant)}", _leaks(found, variant, count)) for variant, count in found.rows.items()]


def _leaks(found: Leaks, variant: str, count: int) -> str:
    shown = [f"{leak.what} of {visible(repr(leak.id))}" for leak in found.first if leak.variant == variant]
    return f"{_count(count, 'row')}: " + ", ".join([*shown, *(["..."] if count > len(shown) else [])])


def together(names: Sequence[str], found: Alike) -> list[str]:
    """What several datasets share: a test set that was trained on tests nothing."""
    head = f"between {', '.join(map(visible, names))}"
    if not found.same and not found.near and found.complete:
        return paragraph(f"{head}: no row asks what a row of another asks")
    return [*paragraph(f"{head}:"), *table(twins(found, names), indent=2)]


def differing(before: Dataset, after: Dataset, found: Difference) -> list[str]:
    """What became of a dataset: a summary, and the first edited rows with the words that changed."""
    if not found:
        return paragraph(f"the same {_count(len(before.cases), 'row')}, hash {before.hash[:12]}")
    sides = [
        (sign, visible(side.name), _count(len(side.cases), "row"), side.hash[:12])
        for sign, side in (("---", before), ("+++", after))
    ]
    summary = [
        (what, f"{kind.rows:,}", _ids(kind))
        for what, kind in (("added", found.added), ("removed", found.removed), ("edited", found.edited))
        if kind.rows
    ]
    columns = [f"{visible(name)} in {count:,}" for name, count in found.columns.items()]
    lines = [*table(sides), "", *table(summary)]
    lines += [*paragraph(f"changed columns: {', '.join(columns)}")] if columns else []
    for edit in found.edits:
        lines += ["", *_edited(edit)]
    rest = found.edited.rows - len(found.edits)
    return [*lines, *(["", f"and {_count(rest, 'more edited row')}"] if rest else [])]


def _ids(kind: Kind) -> str:
    rest = kind.rows - len(kind.names)
    return ", ".join([*(visible(repr(name)) for name in kind.names), *([f"and {rest:,} more"] if rest else [])])


def _edited(edit: Edit) -> list[str]:
    rows = [(visible(name), _change(old, new)) for name, (old, new) in edit.columns.items()]
    return [visible(repr(edit.id)), *table(rows, indent=2)]


def _change(old: str | None, new: str | None) -> str:
    if old is None:
        return f"{{+{excerpt(new or '', 300)}+}} (was not there)"
    if new is None:
        return f"[-{excerpt(old, 300)}-] (is gone)"
    return excerpt(marked(old, new), 800) or "white space only"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" + ("" if number == 1 else "s")
