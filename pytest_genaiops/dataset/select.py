"""Which file a name means, and which rows a limited run takes."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterator, Sequence
from pathlib import Path

from pytest_genaiops.dataset.readers import SUFFIXES
from pytest_genaiops.dataset.text import listed, near, place, quoted
from pytest_genaiops.errors import DatasetError
from pytest_genaiops.records import Case

_LONGEST_NAME = 240
"""File systems refuse names that are much longer, in their own words."""


def find(name_or_path: str, *, root: Path, folders: Sequence[str] = ("datasets",)) -> Path:
    """The file that a suite means: a path relative to ``root``, or a name in one of the folders.

    Raises DatasetError where there is none (with the nearest names), or more than one.
    """
    if not name_or_path.strip() or "\0" in name_or_path or max(map(len, name_or_path.split("/"))) > _LONGEST_NAME:
        raise DatasetError(f"dataset name {quoted(name_or_path)} is no name; give a name or a path to a file")
    path = root / name_or_path
    if path.suffix.lower() in SUFFIXES and path.is_file():
        return path
    found = [file for folder in folders for file in _named(root / folder, name_or_path)]
    if len(found) > 1:
        files = " and ".join(place(file, root) for file in found)
        raise DatasetError(f"dataset {quoted(name_or_path)} could be {files}; name the file with its suffix")
    if found:
        return found[0]
    if path.is_file():
        raise DatasetError(f"{place(path, root)}: this is not a dataset file; use one of {listed(SUFFIXES)}")
    raise DatasetError(_not_found(name_or_path, root, folders))


def sample(cases: Sequence[Case], limit: int, seed: int) -> tuple[Case, ...]:
    """At most ``limit`` cases, drawn by ``seed`` and kept in their order.

    A case is in or out by a hash of the seed and its id, so that a row added later displaces at
    most one other, and two variants of one dataset see the same rows. Raises DatasetError for a
    limit below 1.
    """
    if limit < 1:
        raise DatasetError(f"a limit of {limit} leaves no cases; make it 1 or more")
    if limit >= len(cases):
        return tuple(cases)
    ranks = [hashlib.sha256(f"{seed}:{case.id}".encode("utf-8", "surrogatepass")).digest() for case in cases]
    chosen = set(heapq.nsmallest(limit, range(len(cases)), key=ranks.__getitem__))
    return tuple(case for position, case in enumerate(cases) if position in chosen)


def _named(folder: Path, name: str) -> list[Path]:
    endings = ("", *SUFFIXES) if name.lower().endswith(SUFFIXES) else SUFFIXES
    return [file for ending in endings if (file := folder / f"{name}{ending}").is_file()]


def _names(root: Path, folders: Sequence[str]) -> Iterator[str]:
    for folder in folders:
        if (root / folder).is_dir():
            yield from (file.stem for file in sorted((root / folder).iterdir()) if file.suffix.lower() in SUFFIXES)


def _not_found(name: str, root: Path, folders: Sequence[str]) -> str:
    names = list(dict.fromkeys(_names(root, folders)))
    where = " or ".join(f"{folder}/" for folder in folders)
    if (root / name).is_dir():
        return f"dataset {quoted(name)} is a directory; name a file in it"
    if not names:
        return f"dataset {quoted(name)} is not a file under {place(root, None)}, and {where} holds no dataset; add one"
    there = f"{where} has {listed(names)}"
    return f"dataset {quoted(name)} was not found{near(name, names)}; {there}; or give a path relative to the rootdir"
