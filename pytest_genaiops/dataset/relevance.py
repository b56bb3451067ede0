"""Relevance labels: what a row says should be found, by document or by span of a source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NoReturn

from pytest_genaiops.dataset.text import listed, near, quoted
from pytest_genaiops.errors import DatasetError
from pytest_genaiops.records import Relevant

FIELDS = ("id", "source", "start", "end", "grade")
HIGHEST_GRADE = 1_000_000
"""Sums of gains stay exact far beyond it, and no scale of judgements comes near."""

_SPAN = ("source", "start", "end")
_MEND = 'write ["<id>", …], {"<id>": <grade>, …} or [{"source": "<name>", "start": 0, "end": 120}, …]'


def relevant(value: Any, source: str) -> tuple[Relevant, ...] | None:
    """The labels that a row's column holds, in their order; None for null: a row that nobody has labelled.

    Text or a whole number is one id; a list holds ids, or mappings with ``id`` (or ``source``, ``start`` and
    ``end``) and ``grade``; a mapping holds ids with their grades. An empty one says that nothing is relevant. Raises
    DatasetError, with ``source`` as the place, for anything else, and for a document or span that is labelled twice.
    """
    if value is None:
        return None
    if isinstance(value, Mapping):
        labels = [_graded(key, grade, source) for key, grade in value.items()]
    elif isinstance(value, list | tuple):
        labels = [_label(item, source) for item in value]
    else:
        labels = [_of_id(value, source)]
    seen = set()
    for label in labels:
        key = (label.id, label.source, label.start, label.end)
        if key in seen:
            _refuse(source, f'"relevant" labels {_shown(label)} twice; keep one of the two')
        seen.add(key)
    return tuple(labels)


def written(labels: Sequence[Relevant]) -> list[dict[str, Any]]:
    """Labels as a row would have them: mappings without what is not given."""
    return [dict(_given(label)) for label in labels]


def _given(label: Relevant) -> Iterator[tuple[str, Any]]:
    for name in FIELDS:
        value = getattr(label, name)
        if value is not None:
            yield name, value


def _label(item: Any, source: str) -> Relevant:
    if not isinstance(item, Mapping):
        return _of_id(item, source)
    given = {name: value for name, value in item.items() if value is not None}
    for name in given:
        if name not in FIELDS:
            hint = near(name, FIELDS) if isinstance(name, str) else ""
            what = f'a label of "relevant" has an unknown key {quoted(name)}{hint}'
            _refuse(source, f"{what}; the keys are {listed(FIELDS)}")
    grade = _grade(given.pop("grade", 1), item, source)
    if given.keys() == {"id"}:
        return Relevant(id=_name(given["id"], "id", source), grade=grade)
    if given.keys() != set(_SPAN):
        _refuse(source, f'"relevant" holds {quoted(item)}; give a label either "id", or "source", "start" and "end"')
    start, end = (_offset(given[name], name, source) for name in ("start", "end"))
    if start >= end:
        what = f'"relevant" holds a span from {start} to {end}, which is empty or reversed'
        _refuse(source, f"{what}; let start be smaller than end")
    return Relevant(source=_name(given["source"], "source", source), start=start, end=end, grade=grade)


def _of_id(value: Any, source: str) -> Relevant:
    return Relevant(id=_name(value, "id", source))


def _graded(key: Any, grade: Any, source: str) -> Relevant:
    if key in FIELDS and isinstance(grade, str):
        what = f'"relevant" is a mapping with the key {quoted(key)}, which would be the id of a document'
        _refuse(source, f"{what}; put a label into a list: [{{…}}]")
    return Relevant(id=_name(key, "id", source), grade=_grade(grade, key, source))


def _name(value: Any, what: str, source: str) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        try:
            return str(value)
        except ValueError:  # Python's limit on digits
            _refuse(source, f'"relevant" holds a whole number of thousands of digits as {what}; make it text')
    if not isinstance(value, str):
        _refuse(source, f'"relevant" holds {quoted(value)} as {what}; {_MEND}')
    if not value or value.isspace():
        _refuse(source, f'"relevant" holds an empty {what}; name what is relevant, or leave it out')
    return value


def _grade(value: Any, of: Any, source: str) -> float:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not 0 <= value <= HIGHEST_GRADE:  # NaN is neither
        what = f'"relevant" gives {quoted(of)} the grade {quoted(value)}'
        _refuse(source, f"{what}; give a number from 0 (not relevant) to {HIGHEST_GRADE}")
    # 1 and 1.0 are one grade, and make one dataset.
    return int(value) if value == int(value) else float(value)


def _offset(value: Any, what: str, source: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        _refuse(source, f'"relevant" holds {quoted(value)} as {what}; give a whole number from 0')
    return value


def _shown(label: Relevant) -> str:
    return quoted(label.id) if label.id is not None else f"{quoted(label.source)} from {label.start} to {label.end}"


def _refuse(source: str, problem: str) -> NoReturn:
    raise DatasetError(f"{source}: {problem}")
