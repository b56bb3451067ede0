"""Two datasets side by side: which rows differ, and in which columns."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_genaiops.dataset.changes import Kind, kind_at, positions
from pytest_genaiops.dataset.identity import case_digest
from pytest_genaiops.dataset.load import Dataset
from pytest_genaiops.dataset.relevance import written
from pytest_genaiops.records import Case


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One row that says something else: column -> its value before and after, None where it has none."""

    id: str
    columns: Mapping[str, tuple[str | None, str | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What became of a dataset's rows."""

    added: Kind
    removed: Kind
    edited: Kind
    columns: Mapping[str, int]
    """Column -> in how many of the edited rows it differs, most first."""
    edits: tuple[Edit, ...]
    """The first edited rows, in the order of the earlier dataset."""

    def __bool__(self) -> bool:
        return bool(self.added.rows or self.removed.rows or self.edited.rows)


def difference(before: Dataset, after: Dataset, *, limit: int = 10) -> Difference:
    """Compare two datasets by id; ``limit`` edited rows are kept with their texts.

    Memory: about 70 bytes a row, whatever the rows hold.
    """
    found = positions(*(((case.id, case_digest(case)) for case in side.cases) for side in (before, after)))
    columns: Counter[str] = Counter()
    edits: list[Edit] = []
    for earlier, later in zip(found.edited.tolist(), found.edited_later.tolist(), strict=True):
        edit = _edit(before.cases[earlier], after.cases[later])
        columns.update(edit.columns.keys())
        if len(edits) < limit:
            edits.append(edit)
    return Difference(
        added=kind_at(found.added, lambda: _ids(after.cases)),
        removed=kind_at(found.removed, lambda: _ids(before.cases)),
        edited=kind_at(found.edited, lambda: _ids(before.cases)),
        columns=dict(columns.most_common()),
        edits=tuple(edits),
    )


def _ids(cases: Sequence[Case]) -> Iterator[str]:
    return (case.id for case in cases)


def _edit(before: Case, after: Case) -> Edit:
    old, new = cells(before), cells(after)
    names = [*new, *(name for name in old if name not in new)]
    changed = {name: (old.get(name), new.get(name)) for name in names if old.get(name) != new.get(name)}
    return Edit(id=before.id, columns=changed)


def cells(case: Case) -> dict[str, str]:
    """Everything that a row says beside its id, as text by column; what is not text as JSON. Nulls are left out."""
    found: dict[str, Any] = dict(case.inputs)
    found |= {"reference": _one_or_all(case.references), "context": _one_or_all(case.contexts)}
    found |= {"label": case.label, "relevant": _labels(case), "tool_calls": case.tool_calls, "cluster": case.cluster}
    found |= {f"slice_{tag}": value for tag, value in case.slices.items()}
    found |= {f"response_{system}": value for system, value in case.recorded.items()}
    return {
        name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=dict)
        for name, value in found.items()
        if value is not None
    }


def _labels(case: Case) -> Any:
    return None if case.relevant is None else written(case.relevant)


def _one_or_all(texts: tuple[str, ...] | None) -> Any:
    return texts[0] if texts and len(texts) == 1 else texts
