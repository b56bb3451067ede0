"""Rows to cases: which column plays which role, and what a role may hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from pytest_genaiops.dataset.calls import tool_calls
from pytest_genaiops.dataset.ids import Ids
from pytest_genaiops.dataset.relevance import relevant
from pytest_genaiops.dataset.text import listed, near, printable, quoted
from pytest_genaiops.errors import DatasetError
from pytest_genaiops.records import NOTHING, Case, ReadOnly

SLICE = "slice_"
TEXT_LISTS = {"references": ("reference", "references"), "contexts": ("context", "contexts")}
RESPONSE_FIELDS = frozenset(
    {
        "text",
        "contexts",
        "retrieved",
        "label",
        "probabilities",
        "tool_calls",
        "usage",
        "latency",
        "model",
        "steps",
        "error",
    }
)
ROLES = frozenset(
    {
        "id",
        "label",
        "relevant",
        "tool_calls",
        "cluster",
        "responses",
        *TEXT_LISTS["references"],
        *TEXT_LISTS["contexts"],
    }
)


def refuse(where: str, problem: str) -> NoReturn:
    """Raise the one-sentence error about a place in a dataset."""
    raise DatasetError(f"{where}: {problem}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layout:
    """Where the roles are in rows that have the same columns."""

    references: str | None
    contexts: str | None
    label: bool
    relevant: bool
    tool_calls: bool
    cluster: bool
    responses: bool
    inputs: tuple[str, ...]
    slices: tuple[tuple[str, str], ...]


class Schema:
    """Reads the rows of one dataset; remembers the ids, columns and systems that it has seen."""

    def __init__(self) -> None:
        self.columns: dict[str, None] = {}
        self.systems: dict[str, None] = {}
        self._layouts: dict[tuple[Any, ...], _Layout] = {}
        self.ids = Ids()

    def case(self, row: Mapping[str, Any], source: str) -> Case:
        """The row as a case. Raises DatasetError, with ``source``, where a role holds what it cannot."""
        names = tuple(row)
        layout = self._layouts.get(names)
        if layout is None:
            layout = self._layouts[names] = self._layout(names, source)
        return Case(
            id=self._id(row, source),
            inputs=ReadOnly({name: row[name] for name in layout.inputs}),
            references=_texts(row, layout.references, source) if layout.references else None,
            contexts=_texts(row, layout.contexts, source) if layout.contexts else None,
            label=(word(row["label"], "label", source) or "") if layout.label else None,
            relevant=relevant(row["relevant"], source) if layout.relevant else None,
            tool_calls=tool_calls(row["tool_calls"], source) if layout.tool_calls else None,
            cluster=(word(row["cluster"], "cluster", source) or None) if layout.cluster else None,
            slices=_slices(row, layout.slices, source) if layout.slices else NOTHING,
            recorded=self._recorded(row["responses"], source) if layout.responses else NOTHING,
            source=source,
        )

    def _layout(self, names: tuple[Any, ...], source: str) -> _Layout:
        for name in names:
            if not isinstance(name, str):
                refuse(source, f"column name {quoted(name)} is not text; name columns with strings")
            if name == SLICE:
                refuse(source, f'column "{SLICE}" names no slice; write {SLICE}<tag>')
            _check_case(name, source)
        if "id" not in names:
            hint = near("id", names)
            refuse(source, f'the row has no "id"{hint}; add an "id" column with a different value in each row')
        self.columns.update(dict.fromkeys(names))
        return _Layout(
            references=_one_of(names, TEXT_LISTS["references"], source),
            contexts=_one_of(names, TEXT_LISTS["contexts"], source),
            label="label" in names,
            relevant="relevant" in names,
            tool_calls="tool_calls" in names,
            cluster="cluster" in names,
            responses="responses" in names,
            inputs=tuple(name for name in names if name not in ROLES and not name.startswith(SLICE)),
            slices=tuple((name, name[len(SLICE) :]) for name in names if name.startswith(SLICE)),
        )

    def _id(self, row: Mapping[str, Any], source: str) -> str:
        value = row["id"]
        if isinstance(value, int) and not isinstance(value, bool):
            value = _digits(value, "id", source)
        if not isinstance(value, str) and value is not None:
            refuse(source, f"id {quoted(value)} is a {type(value).__name__}; make it text or a whole number")
        if not value or value.isspace():
            refuse(source, "the id is empty; give the row an id that no other row has")
        self.ids.add(value, source)
        return value

    def _recorded(self, responses: Any, source: str) -> Mapping[str, Any]:
        if responses is None:
            return NOTHING
        if not isinstance(responses, Mapping):
            mend = 'write {"<system>": "<its answer>"}'
            refuse(source, f'"responses" holds {quoted(responses)}, which is not a mapping; {mend}')
        for system, response in responses.items():
            if not isinstance(system, str) or not system:
                refuse(source, f'"responses" names a system {quoted(system)}; name systems with text')
            if isinstance(response, Mapping):
                _check_fields(response, system, source)
            elif response is not None and not isinstance(response, str):
                what = f"the response of {quoted(system)} is {quoted(response)}"
                refuse(source, f"{what}; make it text, a mapping of response fields, or null")
            if system not in self.systems:
                self.systems[system] = None
        return dict(responses)


def _check_case(name: str, source: str) -> None:
    """Refuse a name that is a role but for its letters' case: it would be an input, and no metric would see it."""
    lower = name.casefold()
    if name != lower and (lower in ROLES or lower.startswith(SLICE)) and not name.startswith(SLICE):
        role = SLICE + name[len(SLICE) :] if lower.startswith(SLICE) else lower
        what = f"column {quoted(name)} is an input as it is written (did you mean {quoted(role)}?)"
        refuse(source, f"{what}; roles are in lower case: rename the column")


def _one_of(names: tuple[str, ...], pair: tuple[str, str], source: str) -> str | None:
    found = [name for name in pair if name in names]
    if len(found) > 1:
        refuse(source, f'the row has both "{pair[0]}" and "{pair[1]}"; keep one of the two columns')
    return found[0] if found else None


def _texts(row: Mapping[str, Any], column: str, source: str) -> tuple[str, ...]:
    value = row[column]
    if isinstance(value, str):
        return (value,)
    if value is None:
        return ()
    if isinstance(value, (list, tuple)):
        for item in value:
            if not isinstance(item, str):
                refuse(source, f'"{column}" holds {quoted(item)} in its list; make every item text')
        return tuple(value)
    refuse(source, f'"{column}" holds {quoted(value)}, a {type(value).__name__}; make it text or a list of texts')


def word(value: Any, column: str, source: str) -> str | None:
    """A value that is a name: text, a whole number or a bool, as text. Raises DatasetError for any other."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return _digits(value, column, source)
    what = f'"{printable(column)}" holds {quoted(value)}, a {type(value).__name__}'
    refuse(source, f"{what}; make it text, a whole number or a bool")


def _digits(value: int, column: str, source: str) -> str:
    try:
        return str(value)
    except ValueError:  # Python's limit on digits
        refuse(source, f'"{printable(column)}" holds a whole number of thousands of digits; make it text')


def _slices(row: Mapping[str, Any], columns: tuple[tuple[str, str], ...], source: str) -> Mapping[str, str]:
    tags = ((tag, word(row[column], column, source)) for column, tag in columns)
    return {tag: value for tag, value in tags if value}


def _check_fields(response: Mapping[Any, Any], system: str, source: str) -> None:
    if response.keys() <= RESPONSE_FIELDS:
        return
    wrong = next(name for name in response if name not in RESPONSE_FIELDS)
    hint = near(wrong, RESPONSE_FIELDS) if isinstance(wrong, str) else ""
    what = f"the response of {quoted(system)} has an unknown field {quoted(wrong)}{hint}"
    refuse(source, f"{what}; the fields are {listed(sorted(RESPONSE_FIELDS))}")
