"""Settings that take several values each: their levels, what is excluded, and a file with one level of each."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from pytest_genaiops.dataset.text import listed, near, quoted
from pytest_genaiops.variants.combinations import Box, Row, Space, TooManyPiecesError
from pytest_genaiops.variants.fields import At, Fields

CAP = 64
"""Variants that one file gives unless it says otherwise; each costs a run of the whole dataset."""
MOST = 4096
"""Variants that one file may give at all, and values that one axis may have."""
MOST_AXES = 64

NAME = re.compile(r"[\w.+-]{1,40}")
"""What may stand in ids."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One value of an axis, under the name that it has in ids."""

    name: str
    value: Any
    at: At
    """Where the file has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """One setting and the values that it takes; the first is the default, or the reference."""

    path: str
    """As the file names it."""
    label: str
    """As ids and reports name it."""
    keys: At
    """The path as keys of the file's tree."""
    levels: tuple[Level, ...]


class Made(NamedTuple):
    """One of the variants of a file, as if it had a file of its own."""

    tree: Mapping[str, Any]
    fields: Fields
    axes: Mapping[str, str]
    """Axis -> name of its level."""


def levels_of(path: str, values: Any, fields: Fields) -> list[Level]:
    """The values of an axis, each with its name; ``fields`` is the mapping that has the axis.

    Raises VariantError where there are none or too many, and for a value that is there twice or cannot be named.
    """
    named = isinstance(values, Mapping)
    pairs = list(values.items() if named else enumerate(values) if isinstance(values, (list, tuple)) else ())
    if not pairs:
        example = f"write {path}: [<value>, …] or {{<name>: <value>, …}}"
        fields.refuse(f"the axis {quoted(path)} has no values; {example}", path)
    if len(pairs) > MOST:
        fields.refuse(f"the axis {quoted(path)} has {len(pairs)} values; give at most {MOST}", path)
    levels = [
        Level(name=str(key) if named else _name(value, key), value=value, at=(*fields.prefix, path, key))
        for key, value in pairs
    ]
    for number, level in enumerate(levels):
        at = level.at[len(fields.prefix) :]
        if not NAME.fullmatch(level.name):
            mend = "use up to 40 letters, digits and . + - _, for it stands in ids"
            fields.refuse(f"the axis {quoted(path)} names a value {quoted(level.name)}; {mend}", *at)
        for other in levels[:number]:
            if same(other.value, level.value):
                fields.refuse(f"the axis {quoted(path)} has the value {quoted(level.value)} twice", *at)
            if other.name == level.name:
                what = f"the axis {quoted(path)} would call two values {quoted(level.name)}"
                fields.refuse(f"{what}; name them: {{<name>: <value>, …}}", *at)
    return levels


def same(a: Any, b: Any) -> bool:
    """Whether two values are one: 1 and 1.0 are, 1 and true are not."""
    return a == b and isinstance(a, bool) == isinstance(b, bool)


def _name(value: Any, position: int) -> str:
    """A value as ids show it: as it is written where that is short, else its position from 1."""
    shown = value if isinstance(value, str) else repr(value) if isinstance(value, float) else ""
    if value is None or isinstance(value, bool) or (isinstance(value, int) and abs(value) < 10**30):
        shown = json.dumps(value)
    return shown if NAME.fullmatch(shown) else str(position + 1)


def own(tree: Any, keys: At, path: str, fields: Fields) -> list[Any]:
    """What the file itself has under the path: one value, or none."""
    for key in keys:
        if tree is None or (isinstance(tree, Mapping) and key not in tree):
            return []
        if not isinstance(tree, Mapping if isinstance(key, str) else (list, tuple)):
            what = f"the axis {quoted(path)} leads through {quoted(tree)}, which is not a mapping"
            fields.refuse(f"{what}; mend the axis, or the value", path)
        tree = tree[key]  # type: ignore[index]
    return [tree]


def check_apart(axes: Sequence[Axis], fields: Fields) -> None:
    """Refuse an axis that lies within another one."""
    paths = {axis.keys: axis.path for axis in axes}
    for axis in axes:
        above = next((paths[axis.keys[:end]] for end in range(1, len(axis.keys)) if axis.keys[:end] in paths), None)
        if above is not None:
            what = f"the axis {quoted(axis.path)} lies within the axis {quoted(above)}"
            fields.refuse(f"{what}; keep one of the two", axis.path)


def cap_of(tree: Mapping[str, Any], fields: Fields) -> int:
    """How many variants are allowed."""
    cap = tree.get("cap", CAP)
    if isinstance(cap, bool) or not isinstance(cap, int) or not 1 <= cap <= MOST:
        fields.refuse(f"cap: {quoted(cap)} is not a number of variants; give 1 to {MOST}", "cap")
    return cap


def allowed(axes: Sequence[Axis], entries: Any, fields: Fields, *, first: str) -> Space:
    """All combinations but those that match all of an entry of ``exclude``.

    ``first`` says what the first combination is, which has to stay. Raises VariantError for an entry that is none,
    matches nothing or everything that is left, or the first combination.
    """
    space = Space.of([len(axis.levels) for axis in axes])
    if not isinstance(entries, (list, tuple, type(None))):
        fields.refuse('"exclude" is not a list; write exclude: [{<axis>: <value>}, …]', "exclude")
    reference: Row = (0,) * len(axes)
    for number, entry in enumerate(entries or ()):
        cut = _excluded(entry, axes, fields, number)
        try:
            kept = space.without(cut)
        except TooManyPiecesError:
            what = f"the combinations are too many pieces once exclude[{number}] is left out"
            fields.refuse(f"{what}; exclude less, or name fewer axes in each entry", "exclude", number)
        if kept.size == space.size:
            mend = "remove it, or mend its values"
            fields.refuse(f"exclude[{number}] matches no combination that is left; {mend}", "exclude", number)
        if reference not in kept:
            what = "everything" if not kept.size else first
            fields.refuse(f"exclude[{number}] leaves out {what}; exclude less", "exclude", number)
        space = kept
    return space


def _excluded(entry: Any, axes: Sequence[Axis], fields: Fields, number: int) -> Box:
    """For each axis the positions of levels that an exclusion means; all of them where it is silent."""
    at = ("exclude", number)
    if not isinstance(entry, Mapping) or not entry:
        fields.refuse(f"exclude[{number}] is not a mapping; write {{<axis>: <value>, …}}", *at)
    paths = [axis.path for axis in axes]
    for path in entry:
        if path not in paths:
            hint = near(str(path), paths)
            fields.refuse(f"exclude[{number}] names {quoted(path)}{hint}; the axes are {listed(paths)}", *at, path)
    chosen = []
    for axis in axes:
        levels = frozenset(range(len(axis.levels)))
        if axis.path in entry:
            wanted = entry[axis.path]
            levels = _meant(wanted, axis)
            several = wanted if isinstance(wanted, (list, tuple)) and not levels else [wanted]
            for value in several:
                found = _meant(value, axis)
                if not found:
                    known = listed(level.name for level in axis.levels)
                    what = f"exclude[{number}] has the value {quoted(value)}, which {quoted(axis.path)} does not take"
                    fields.refuse(f"{what}; its values are {known}", *at, axis.path)
                levels |= found
            if not levels:
                fields.refuse(f"exclude[{number}] has no value for {quoted(axis.path)}; name some", *at, axis.path)
        chosen.append(levels)
    return tuple(chosen)


def _meant(wanted: Any, axis: Axis) -> frozenset[int]:
    return frozenset(
        number for number, level in enumerate(axis.levels) if same(level.value, wanted) or level.name == wanted
    )


def combined(
    tree: Mapping[str, Any], fields: Fields, axes: Sequence[Axis], levels: Iterable[Level]
) -> tuple[Mapping[str, Any], Fields]:
    """The file's tree with one level of each axis put in, and where its values stand."""
    lines, files = dict(fields.lines), dict(fields.files)
    for axis, level in zip(axes, levels, strict=True):
        tree = _with(tree, axis.keys, level.value)
        _move(lines, level.at, axis.keys)
        _move(files, level.at, axis.keys)
    return tree, replace(fields, lines=lines, files=files)


def _with(tree: Any, keys: At, value: Any) -> Any:
    """The tree with a value put under a path."""
    if not keys:
        return value
    key, rest = keys[0], keys[1:]
    if isinstance(tree, (list, tuple)) and isinstance(key, int):
        return [_with(each, rest, value) if number == key else each for number, each in enumerate(tree)]
    return {**(tree or {}), key: _with((tree or {}).get(key), rest, value)}


def _move(places: dict[At, Any], start: At, end: At) -> None:
    """Let what is known of one path's place hold for another path."""
    for at in [at for at in places if at[: len(end)] == end]:
        del places[at]
    places |= {(*end, *at[len(start) :]): known for at, known in places.items() if at[: len(start)] == start}
