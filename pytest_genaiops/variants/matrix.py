"""One file, several variants: every combination of the values that a ``matrix`` gives to some of its settings."""

from __future__ import annotations

import itertools
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pytest_genaiops.dataset.text import listed, near, quoted
from pytest_genaiops.variants.fields import At, Fields

CAP = 64
"""Variants that one file gives unless it says otherwise; each costs a run of the whole dataset."""
MOST = 4096
"""Combinations that are looked at at all."""
_MOST_AXES = 64

_GROUPS = ("parameters", "blocks", "rag", "model")
_OPTIONS = ("exclude", "cap")
_PATHS = "parameters.<name>, blocks.<name>, rag.<name>, model.<name>, user, and steps.<id>.<one of these>"
_NAME = re.compile(r"[\w.+-]{1,40}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One value of an axis, under the name that it has in ids."""

    name: str
    value: Any
    at: At


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """One setting and the values that it takes; the first is the default."""

    path: str
    keys: At
    """The path as keys of the file's tree."""
    levels: tuple[Level, ...]


def expand(tree: Mapping[str, Any], fields: Fields) -> Iterator[tuple[Mapping[str, Any], Fields]]:
    """One tree a combination, the default first; the tree itself where it has no matrix.

    The default combination has what the file itself says for each axis, else the axis' first value, and the
    file's id. Any other adds to the id the axes in which it differs from the default: an axis or a
    value that is added later leaves the ids as they are.

    Raises VariantError where an axis is empty, leads nowhere or has a value twice, where an exclusion matches
    nothing, everything or the default, and where there are more combinations than the cap.
    """
    if tree.get("matrix") is None:
        yield {key: value for key, value in tree.items() if key != "matrix"}, fields
        return
    matrix = fields.mapping(tree, "matrix")
    paths = [path for path in matrix if path not in _OPTIONS]
    if len(paths) > _MOST_AXES:
        fields.refuse(f'"matrix" names {len(paths)} settings; vary at most {_MOST_AXES} of them', "matrix")
    axes = [_axis(path, matrix[path], tree, fields) for path in paths]
    if not axes:
        fields.refuse('"matrix" names no setting; write matrix: {parameters.temperature: [0, 0.7]}', "matrix")
    _check_apart(axes, fields)
    labels = _labels(axes)
    base = {key: value for key, value in tree.items() if key != "matrix"}
    for combination in _combinations(axes, matrix, fields):
        varied = [(label, level) for label, axis, level in zip(labels, axes, combination, strict=True)
                  if level is not axis.levels[0]]  # fmt: skip
        made: Mapping[str, Any] = base
        lines, files = dict(fields.lines), dict(fields.files)
        for axis, level in zip(axes, combination, strict=True):
            made = _with(made, axis.keys, level.value)
            _move(lines, level.at, axis.keys)
            _move(files, level.at, axis.keys)
        name = "-".join([str(tree.get("id")), *(f"{label}={level.name}" for label, level in varied)])
        yield {**made, "id": name if varied else tree.get("id")}, replace(fields, lines=lines, files=files)


def _axis(path: str, values: Any, tree: Mapping[str, Any], fields: Fields) -> Axis:
    keys = _keys(path, tree, fields)
    named = isinstance(values, Mapping)
    pairs = list(values.items() if named else enumerate(values) if isinstance(values, (list, tuple)) else ())
    if not pairs:
        example = f"write {path}: [<value>, …] or {{<name>: <value>, …}}"
        fields.refuse(f"the axis {quoted(path)} has no values; {example}", "matrix", path)
    if len(pairs) > MOST:
        fields.refuse(f"the axis {quoted(path)} has {len(pairs)} values; give at most {MOST}", "matrix", path)
    levels = [
        Level(name=str(key) if named else _name(value, key), value=value, at=("matrix", path, key))
        for key, value in pairs
    ]
    for number, level in enumerate(levels):
        if not _NAME.fullmatch(level.name):
            mend = "use letters, digits and . + - _, for it stands in ids"
            fields.refuse(f"the axis {quoted(path)} names a value {quoted(level.name)}; {mend}", *level.at)
        for other in levels[:number]:
            if _same(other.value, level.value):
                fields.refuse(f"the axis {quoted(path)} has the value {quoted(level.value)} twice", *level.at)
            if other.name == level.name:
                what = f"the axis {quoted(path)} would call two values {quoted(level.name)}"
                fields.refuse(f"{what}; name them: {{<name>: <value>, …}}", *level.at)
    own = _own(tree, keys, path, fields)
    first = next((level for level in levels if own and _same(level.value, own[0])), None)
    if own and first is None:
        what = f"the axis {quoted(path)} lacks the value that the file has itself, {quoted(own[0])}"
        fields.refuse(f"{what}; add it, for it is the default, or remove it there", "matrix", path)
    levels.sort(key=lambda level: level is not first)  # stable: the others stay in their order
    return Axis(path=path, keys=keys, levels=tuple(levels))


def _keys(path: str, tree: Mapping[str, Any], fields: Fields) -> At:
    """The keys that a dotted path means."""
    head, *rest = path.split(".")
    keys: At = ()
    steps = tree.get("steps")
    if head == "steps" and len(rest) > 1 and isinstance(steps, (list, tuple)):
        ids = [step.get("id") if isinstance(step, Mapping) else None for step in steps]
        if rest[0] not in ids:
            known = [str(each) for each in ids]
            what = f"the axis {quoted(path)} names a step that is not there{near(rest[0], known)}"
            fields.refuse(f"{what}; the steps are {listed(known)}", "matrix", path)
        keys = ("steps", ids.index(rest[0]))
        head, *rest = rest[1:]
    if not all(map(_NAME.fullmatch, rest)) or (bool(rest) if head == "user" else head not in _GROUPS or not rest):
        hint = near(head, (*_GROUPS, *_OPTIONS))
        fields.refuse(f"the axis {quoted(path)} is no setting{hint}; axes are {_PATHS}", "matrix", path)
    return (*keys, head, *rest)


def _name(value: Any, position: int) -> str:
    """A value as ids show it: as it is written where that is short, else its position from 1."""
    shown = value if isinstance(value, str) else repr(value) if isinstance(value, float) else ""
    if value is None or isinstance(value, bool) or (isinstance(value, int) and abs(value) < 10**30):
        shown = json.dumps(value)
    return shown if _NAME.fullmatch(shown) else str(position + 1)


def _same(a: Any, b: Any) -> bool:
    return a == b and isinstance(a, bool) == isinstance(b, bool)


def _own(tree: Any, keys: At, path: str, fields: Fields) -> list[Any]:
    """What the file itself has under the path: one value, or none."""
    for key in keys:
        if tree is None or (isinstance(tree, Mapping) and key not in tree):
            return []
        if not isinstance(tree, Mapping if isinstance(key, str) else (list, tuple)):
            what = f"the axis {quoted(path)} leads through {quoted(tree)}, which is not a mapping"
            fields.refuse(f"{what}; mend the axis, or the value", "matrix", path)
        tree = tree[key]  # type: ignore[index]
    return [tree]


def _check_apart(axes: Sequence[Axis], fields: Fields) -> None:
    for a, b in itertools.permutations(axes, 2):
        if a.keys == b.keys[: len(a.keys)]:
            what = f"the axis {quoted(b.path)} lies within the axis {quoted(a.path)}"
            fields.refuse(f"{what}; keep one of the two", "matrix", b.path)


def _labels(axes: Sequence[Axis]) -> list[str]:
    """The last part of each path, or all of it where two end alike."""
    last = [axis.path.rpartition(".")[2] for axis in axes]
    return [axis.path if last.count(end) > 1 else end for axis, end in zip(axes, last, strict=True)]


def _combinations(axes: Sequence[Axis], matrix: Mapping[str, Any], fields: Fields) -> list[tuple[Level, ...]]:
    every = math.prod(len(axis.levels) for axis in axes)
    cap = matrix.get("cap", CAP)
    if isinstance(cap, bool) or not isinstance(cap, int) or not 1 <= cap <= MOST:
        fields.refuse(f"cap: {quoted(cap)} is not a number of variants; give 1 to {MOST}", "matrix", "cap")
    if every > MOST:
        count = every if every < 10**9 else "billions of"
        fields.refuse(f'"matrix" has {count} combinations; leave values out until there are at most {MOST}', "matrix")
    left = list(itertools.product(*(axis.levels for axis in axes)))
    default = left[0]
    exclusions = matrix.get("exclude")
    if not isinstance(exclusions, (list, tuple, type(None))):
        fields.refuse('"exclude" is not a list; write exclude: [{<axis>: <value>}, …]', "matrix", "exclude")
    for number, entry in enumerate(exclusions or ()):
        excluded = _excluded(entry, axes, fields, number)
        kept = [each for each in left if not all(level in those for level, those in zip(each, excluded, strict=True))]
        if len(kept) == len(left):
            mend = "remove it, or mend its values"
            fields.refuse(f"exclude[{number}] matches no combination that is left; {mend}", "matrix", "exclude", number)
        if not kept or kept[0] is not default:
            what = "everything" if not kept else "the default combination, which the file's id means"
            fields.refuse(f"exclude[{number}] leaves out {what}; exclude less", "matrix", "exclude", number)
        left = kept
    if len(left) > cap:
        mend = f"exclude some, or allow them with cap: {len(left)}"
        fields.refuse(f'"matrix" gives {len(left)} variants, and {cap} are allowed; {mend}', "matrix")
    return left


def _excluded(entry: Any, axes: Sequence[Axis], fields: Fields, number: int) -> list[tuple[Level, ...]]:
    """For each axis the levels that an exclusion means; all of them where it is silent."""
    at = ("matrix", "exclude", number)
    if not isinstance(entry, Mapping) or not entry:
        fields.refuse(f"exclude[{number}] is not a mapping; write {{<axis>: <value>, …}}", *at)
    paths = [axis.path for axis in axes]
    for path in entry:
        if path not in paths:
            hint = near(str(path), paths)
            fields.refuse(f"exclude[{number}] names {quoted(path)}{hint}; the axes are {listed(paths)}", *at, path)
    chosen = []
    for axis in axes:
        levels = axis.levels
        if axis.path in entry:
            wanted = entry[axis.path]
            levels = tuple(level for level in axis.levels if _same(level.value, wanted) or level.name == wanted)
            if not levels:
                known = listed(level.name for level in axis.levels)
                what = f"exclude[{number}] has the value {quoted(wanted)}, which {quoted(axis.path)} does not take"
                fields.refuse(f"{what}; its values are {known}", *at, axis.path)
        chosen.append(levels)
    return chosen


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
