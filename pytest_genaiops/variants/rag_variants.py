"""One file, several variants: combinations of retrieval settings, all of them or a balanced sample."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pytest_genaiops.dataset.text import listed, near, quoted
from pytest_genaiops.variants.axes import (
    MOST,
    MOST_AXES,
    Axis,
    Made,
    allowed,
    cap_of,
    check_apart,
    combined,
    levels_of,
    own,
)
from pytest_genaiops.variants.balance import LARGEST, balanced
from pytest_genaiops.variants.combinations import Row, Space
from pytest_genaiops.variants.fields import Fields

KEY = "rag_variants"
_KEYS = ("axes", "exclude", "cap", "sample")
_SAMPLE = ("variants", "seed")
_NAME = re.compile(r"(?=.{1,40}\Z)[\w+-]+(\.[\w+-]+)*")
_EXAMPLE = "axes: {k: [3, 5], search: [vector, hybrid]}"


def expand_rag(tree: Mapping[str, Any], fields: Fields) -> Iterator[Made]:
    """One tree a combination: its levels stand under ``rag``, over what the file itself has there.

    Ids name every axis in the order of the file, behind the file's ``id`` where it has one:
    ``chunk=256,overlap=32,search=hybrid,k=5``. The combination of all first levels is the reference, and comes first.

    Raises VariantError where an axis is empty or has a value twice, where an exclusion matches nothing, everything or
    the reference, where there are more combinations than the cap, and for a sample that cannot be drawn.
    """
    if tree.get("matrix") is not None:
        fields.refuse(
            f'"matrix" and "{KEY}" are two ways to vary a file; keep one, as in matrix: {{rag.k: [3, 5]}}', KEY
        )
    varied = fields.mapping(tree, KEY)
    within = replace(fields, prefix=(*fields.prefix, KEY))
    for key in varied:
        if key not in _KEYS:
            hint = near(key, _KEYS) or " (axes stand under axes:)"
            within.refuse(f'"{KEY}" has the unknown key {quoted(key)}{hint}; its keys are {listed(_KEYS)}', key)
    base = {key: value for key, value in tree.items() if key not in (KEY, "id")}
    axes = _axes(within.mapping(varied, "axes"), {**base, "rag": fields.mapping(tree, "rag")}, within)
    lead = f"{tree['id']}-" if tree.get("id") is not None else ""
    for row in _rows(axes, varied, within):
        levels = [axis.levels[number] for axis, number in zip(axes, row, strict=True)]
        named = {axis.label: level.name for axis, level in zip(axes, levels, strict=True)}
        made, places = combined(base, fields, axes, levels)
        variant_id = lead + ",".join(f"{label}={name}" for label, name in named.items())
        yield Made({**made, "id": variant_id}, places, named)


def _axes(entries: Mapping[str, Any], tree: Mapping[str, Any], fields: Fields) -> list[Axis]:
    within = replace(fields, prefix=(*fields.prefix, "axes"))
    if not entries:
        fields.refuse(f'"{KEY}" has no axes; write {_EXAMPLE}', "axes")
    if len(entries) > MOST_AXES:
        within.refuse(f'"axes" names {len(entries)} settings; vary at most {MOST_AXES} of them')
    axes = []
    for name, values in entries.items():
        if not _NAME.fullmatch(name):
            mend = "use up to 40 letters, digits and _ + -, with dots between the keys of a path"
            within.refuse(f"an axis cannot be called {quoted(name)}, for it stands in ids; {mend}", name)
        keys = ("rag", *name.split("."))
        own(tree, keys, name, within)
        levels = levels_of(name, values, within)
        axes.append(Axis(path=name, label=name, keys=keys, levels=tuple(levels)))
    check_apart(axes, within)
    return axes


def _rows(axes: Sequence[Axis], varied: Mapping[str, Any], fields: Fields) -> Sequence[Row]:
    cap = cap_of(varied, fields)
    space = allowed(axes, varied.get("exclude"), fields, first="the first combination, which is the reference")
    if varied.get("sample") is not None:
        return _sample(axes, fields.mapping(varied, "sample"), space, cap, fields)
    if space.size > cap:
        draw = f"draw some: sample: {{variants: {min(cap, LARGEST)}, seed: 1}}"
        mend = f"allow them with cap: {space.size}, or {draw}" if space.size <= MOST else f"or {draw}"
        count = f"{space.size:,}".replace(",", " ") if space.size < 10**15 else "billions of"
        fields.refuse(f'"{KEY}" gives {count} variants, and {cap} are allowed; exclude some, {mend}')
    return space.rows()


def _sample(axes: Sequence[Axis], sample: Mapping[str, Any], space: Space, cap: int, fields: Fields) -> Sequence[Row]:
    within = replace(fields, prefix=(*fields.prefix, "sample"))
    for key in sample:
        if key not in _SAMPLE:
            within.refuse(
                f'"sample" has the unknown key {quoted(key)}{near(key, _SAMPLE)}; its keys are {listed(_SAMPLE)}', key
            )
    size, seed = sample.get("variants"), sample.get("seed", 0)
    most = min(cap, LARGEST)
    if isinstance(size, bool) or not isinstance(size, int) or size < 1:
        within.refuse(
            f'"sample" draws {quoted(size)} variants; give a whole number, as in variants: {most}', "variants"
        )
    if size > most:
        mend = f"raise the cap, which is {cap}" if cap < min(size, LARGEST) else f"draw at most {LARGEST}"
        within.refuse(f'"sample" draws {size} variants, and {most} are allowed; {mend}, or draw fewer', "variants")
    if size > space.size:
        within.refuse(f'"sample" draws {size} variants of {space.size}; remove it to have them all', "variants")
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        within.refuse(f"the seed {quoted(seed)} is not a number from 0; write seed: 7", "seed")
    names = tuple((axis.label, tuple(level.name for level in axis.levels)) for axis in axes)
    return balanced(space, names, size, seed=seed)
