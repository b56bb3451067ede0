"""One file, several variants: every combination of the values that a ``matrix`` gives to some of its settings."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pytest_genaiops.dataset.text import listed, near, quoted
from pytest_genaiops.variants.axes import (
    MOST,
    MOST_AXES,
    NAME,
    Axis,
    Made,
    allowed,
    cap_of,
    check_apart,
    combined,
    levels_of,
    own,
    same,
)
from pytest_genaiops.variants.combinations import Row
from pytest_genaiops.variants.fields import At, Fields

_GROUPS = ("parameters", "blocks", "rag", "model")
_OPTIONS = ("exclude", "cap")
_PATHS = "parameters.<name>, blocks.<name>, rag.<name>, model.<name>, user, and steps.<id>.<one of these>"


def expand(tree: Mapping[str, Any], fields: Fields) -> Iterator[Made]:
    """One tree a combination, the default first.

    The default combination has what the file itself says for each axis, else the axis' first value, and the
    file's id. Any other adds to the id the axes in which it differs from the default: an axis or a
    value that is added later leaves the ids as they are.

    Raises VariantError where an axis is empty, leads nowhere or has a value twice, where an exclusion matches
    nothing, everything or the default, and where there are more combinations than the cap.
    """
    matrix = fields.mapping(tree, "matrix")
    within = replace(fields, prefix=(*fields.prefix, "matrix"))
    paths = [path for path in matrix if path not in _OPTIONS]
    if len(paths) > MOST_AXES:
        within.refuse(f'"matrix" names {len(paths)} settings; vary at most {MOST_AXES} of them')
    axes = _labelled([_axis(path, matrix[path], tree, within) for path in paths])
    if not axes:
        within.refuse('"matrix" names no setting; write matrix: {parameters.temperature: [0, 0.7]}')
    check_apart(axes, within)
    base = {key: value for key, value in tree.items() if key != "matrix"}
    for row in _rows(axes, matrix, within):
        levels = [axis.levels[number] for axis, number in zip(axes, row, strict=True)]
        named = {axis.label: level.name for axis, level in zip(axes, levels, strict=True)}
        varied = [f"{label}={name}" for number, (label, name) in zip(row, named.items(), strict=True) if number]
        made, places = combined(base, fields, axes, levels)
        variant_id = "-".join([str(tree.get("id")), *varied]) if varied else tree.get("id")
        yield Made({**made, "id": variant_id}, places, named)


def _axis(path: str, values: Any, tree: Mapping[str, Any], fields: Fields) -> Axis:
    keys = _keys(path, tree, fields)
    levels = levels_of(path, values, fields)
    said = own(tree, keys, path, fields)
    first = next((level for level in levels if said and same(level.value, said[0])), None)
    if said and first is None:
        what = f"the axis {quoted(path)} lacks the value that the file has itself, {quoted(said[0])}"
        fields.refuse(f"{what}; add it, for it is the default, or remove it there", path)
    levels.sort(key=lambda level: level is not first)  # stable: the others stay in their order
    return Axis(path=path, label=path, keys=keys, levels=tuple(levels))


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
            fields.refuse(f"{what}; the steps are {listed(known)}", path)
        keys = ("steps", ids.index(rest[0]))
        head, *rest = rest[1:]
    if not all(map(NAME.fullmatch, rest)) or (bool(rest) if head == "user" else head not in _GROUPS or not rest):
        hint = near(head, (*_GROUPS, *_OPTIONS))
        fields.refuse(f"the axis {quoted(path)} is no setting{hint}; axes are {_PATHS}", path)
    return (*keys, head, *rest)


def _labelled(axes: Sequence[Axis]) -> list[Axis]:
    """Each under the last part of its path, or all of it where two end alike."""
    last = [axis.path.rpartition(".")[2] for axis in axes]
    return [
        replace(axis, label=axis.path if last.count(end) > 1 else end) for axis, end in zip(axes, last, strict=True)
    ]


def _rows(axes: Sequence[Axis], matrix: Mapping[str, Any], fields: Fields) -> list[Row]:
    every = math.prod(len(axis.levels) for axis in axes)
    cap = cap_of(matrix, fields)
    if every > MOST:
        count = every if every < 10**9 else "billions of"
        fields.refuse(f'"matrix" has {count} combinations; leave values out until there are at most {MOST}')
    first = "the default combination, which the file's id means"
    left = allowed(axes, matrix.get("exclude"), fields, first=first)
    if left.size > cap:
        mend = f"exclude some, or allow them with cap: {left.size}"
        fields.refuse(f'"matrix" gives {left.size} variants, and {cap} are allowed; {mend}')
    return left.rows()
