"""Which variants a suite means: files, globs, mappings, handles and bare ids."""

from __future__ import annotations

import difflib
import glob
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any, NoReturn

from pytest_genaiops.dataset.ids import folded
from pytest_genaiops.dataset.text import listed, near, place, quoted
from pytest_genaiops.errors import VariantError
from pytest_genaiops.variants.fields import Fields
from pytest_genaiops.variants.files import read_bytes
from pytest_genaiops.variants.flow import DAG, flow_entry
from pytest_genaiops.variants.load import SUFFIXES, YAML, load_variants
from pytest_genaiops.variants.plain import bare, read
from pytest_genaiops.variants.rag_variants import KEY as RAG_VARIANTS
from pytest_genaiops.variants.variant import Variant

FOLDER = "variants"
LONGEST_NAME = 240

_HOLDING = ("variants", "prompts", "flows")
"""Folders of these names are no names of variants."""

Entry = str | PurePath | Mapping[str, Any] | Variant


def select(entries: Entry | Sequence[Entry], *, root: Path) -> tuple[Variant, ...]:
    """The variants that the entries name, in that order; files of one glob in natural order (v2 before v10).

    A string with a separator, a wildcard or a YAML suffix is a path or glob relative to ``root``;
    any other is an id: of the one file ``variants/**/<id>.yaml``, or of no file at all. A file
    that two entries name counts once. Raises VariantError for a file or glob that is not there,
    and for two variants with one id.
    """
    if isinstance(entries, (str, PurePath, Mapping, Variant)) or not isinstance(entries, Iterable):
        entries = (entries,)
    by_id: dict[str, Variant] = {}
    for entry in entries:
        for variant in _variants(str(entry) if isinstance(entry, PurePath) else entry, root):
            first = by_id.setdefault(folded(variant.id), variant)
            if first != variant:
                _refuse_twins(first, variant)
    if not by_id:
        raise VariantError("no variants are named; name at least one file, glob or id")
    return tuple(by_id.values())


def _refuse_twins(first: Variant, second: Variant) -> NoReturn:
    places = " and ".join(v.source or "a variant made in code" for v in (first, second))
    what = f"have one id, {quoted(first.id)}"
    if first.id != second.id:
        by = "upper and lower case or Unicode normal form"
        what = f"have ids that differ only by {by}, {quoted(first.id)} and {quoted(second.id)}"
    raise VariantError(f"{places} {what}; give one of them another id")


def files(root: Path) -> list[Path]:
    """Every file of a format that we know in the folder of variants, in natural order."""
    folder = root / FOLDER
    found = [file for file in folder.glob("**/*") if file.suffix.lower() in SUFFIXES and file.is_file()]
    flows = {file.parent for file in found if file.name == DAG and file.parent != folder}
    # Other YAML in a flow's folder is prompt flow's own: runs, tools, connections.
    own = [
        file for file in found if file.name != DAG and file.suffix.lower() in YAML and flows.intersection(file.parents)
    ]
    return sorted(set(found).difference(own), key=_natural)


def _variants(entry: Entry, root: Path) -> Iterable[Variant]:
    if isinstance(entry, Variant):
        return (entry,)
    if isinstance(entry, Mapping) and "flow" in entry:
        return flow_entry(entry, root)
    if isinstance(entry, Mapping):
        return read(entry, Fields(source=""))
    if not isinstance(entry, str) or not entry.strip() or "\0" in entry or _too_long(entry):
        raise VariantError(f"{quoted(entry)} names no variant; give a path, a glob, an id or a mapping")
    if any(mark in entry for mark in "*?["):
        return _globbed(entry, root)
    if "/" in entry or "\\" in entry or entry.lower().endswith(SUFFIXES) or (root / entry / DAG).is_file():
        return _file(entry, root)
    return _named(entry, root)


def _globbed(pattern: str, root: Path) -> list[Variant]:
    files = [_in_folder(root / os.path.normpath(name)) for name in glob.glob(pattern, root_dir=root, recursive=True)]
    files = sorted((file for file in files if file.is_file()), key=_natural)
    if not files:
        raise VariantError(f"no file matches {quoted(pattern)} under {place(root, None)}; check the folder and suffix")
    return [variant for file in files for variant in load_variants(file, root=root)]


def _file(name: str, root: Path) -> tuple[Variant, ...]:
    path = _in_folder(root / os.path.normpath(name))
    if path.is_dir():
        _refuse_folder(name)
    if not path.exists():
        files = sorted(path.parent.iterdir(), key=_natural) if path.parent.is_dir() else []
        beside = [file.name for file in files if file.suffix.lower() in SUFFIXES]
        there = f"the folder has {listed(beside)}" if beside else "its folder has no variant files"
        raise VariantError(f"variant file {quoted(name)} was not found{near(path.name, beside)}; {there}")
    return load_variants(path, root=root)


def _refuse_folder(name: str) -> NoReturn:
    raise VariantError(f"{quoted(name)} is a directory; write {quoted(name.rstrip('/') + '/*.yaml')} for its files")


def _in_folder(path: Path) -> Path:
    """A folder that holds a flow means the flow."""
    return path / DAG if (path / DAG).is_file() else path


def _named(name: str, root: Path) -> tuple[Variant, ...]:
    found = _files(name, root)
    if found:
        return load_variants(found[0], root=root)
    # One of several variants of a file: its id begins with the file's.
    for end in (mark.start() for mark in re.finditer("-", name)):
        found = _files(name[:end], root)
        if found:
            several = {variant.id: variant for variant in load_variants(found[0], root=root)}
            if name in several:
                return (several[name],)
            if len(several) > 1 and "=" in name:
                there = f"{place(found[0], root)} has no variant {quoted(name)}{near(name, several)}"
                raise VariantError(f"{there}; its variants are {listed(several)}")
    if "=" in name:
        combination = _combination(name, root)
        if combination:
            return (combination,)
    if (root / name).is_dir() and (name in _HOLDING or any((root / name).glob("*.prompty"))):
        _refuse_folder(name)
    known = [file.parent.name if file.name == DAG else file.stem for file in files(root)]
    close = difflib.get_close_matches(name.lower(), [each.lower() for each in known], n=1, cutoff=0.8)
    if close:  # it would be asked without a prompt
        there = f"no file in {FOLDER}/ is called {quoted(name)}{near(name, known)}"
        raise VariantError(f'{there}; mend the name, or write {{"id": {quoted(name)}}} for a name without a file')
    return (bare(name),)


def _combination(name: str, root: Path) -> Variant | None:
    """The variant of this id that some file makes of retrieval settings: such ids do not begin with a file's name."""
    found: list[Variant] = []
    known: list[str] = []
    for file in files(root):
        if file.suffix.lower() in YAML and RAG_VARIANTS.encode() in read_bytes(file, place(file, root), root):
            made = load_variants(file, root=root)
            known += [variant.id for variant in made]
            found += [variant for variant in made if variant.id == name]
    if len(found) > 1:
        places = listed(variant.source for variant in found)
        raise VariantError(f"variant {quoted(name)} could be any of {places}; name the file by its path")
    if not found and difflib.get_close_matches(name, known, n=1, cutoff=0.8):  # it would be asked without its settings
        there = f"no file in {FOLDER}/ gives a variant {quoted(name)}{near(name, known)}"
        raise VariantError(f'{there}; mend the name, or write {{"id": {quoted(name)}}} for a name without a file')
    return found[0] if found else None


def _files(name: str, root: Path) -> list[Path]:
    """The file of this name in the folder of variants, if there is one."""
    folder = root / FOLDER
    files = [file for suffix in SUFFIXES for file in folder.glob(f"**/{glob.escape(name)}{suffix}")] if name else []
    files += folder.glob(f"**/{glob.escape(name)}/{DAG}") if name else []
    if len(files) > 1:
        places = listed(place(file, root) for file in sorted(files, key=_natural))
        raise VariantError(f"variant {quoted(name)} could be any of {places}; name the file by its path")
    return files


def _too_long(name: str) -> bool:
    """File systems refuse longer names in their own words."""
    sizes = [len(part.encode("utf-8", "replace")) for part in name.split("/")]
    return max(sizes) > LONGEST_NAME or sum(sizes) > 10 * LONGEST_NAME


def _natural(path: Path) -> list[tuple[int, str]]:
    """Numbers inside names count as numbers."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", path.as_posix())]
