"""Which file a name means."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from pytest_genaiops.dataset.readers import SUFFIXES, files_in, name_of, suffix_of
from pytest_genaiops.dataset.text import listed, near, place, printable, quoted
from pytest_genaiops.errors import DatasetError

MANIFESTS = (".yaml", ".yml")
_LONGEST_NAME = 240
"""File systems refuse names that are much longer, in their own words."""


def find(name_or_path: str, *, root: Path, folders: Sequence[str] = ("datasets",)) -> Path:
    """The file, folder or manifest that a suite means: a path relative to ``root``, or a name in one of the folders.

    A path may leave the root by saying so (``../data/rows.jsonl``, an absolute path), but not by a
    symbolic link. Raises DatasetError where there is none (with the nearest names), or more than one.
    """
    if not name_or_path.strip() or "\0" in name_or_path or max(map(len, name_or_path.split("/"))) > _LONGEST_NAME:
        raise DatasetError(f"dataset name {quoted(name_or_path)} is no name; give a name or a path to a file")
    path = root / name_or_path
    if (suffix_of(path) or path.suffix.lower() in MANIFESTS) and _is_file(path):
        return inside(path, root)
    found = [file for folder in folders for file in _named(root / folder, name_or_path)]
    if len(found) > 1:
        files = " and ".join(place(file, root) + "/" * os.path.isdir(file) for file in found)
        mend = "name the file with its suffix, or the folder with a slash behind it"
        raise DatasetError(f"dataset {quoted(name_or_path)} could be {files}; {mend}")
    if found or os.path.isdir(path):
        return _one_dataset(found[0] if found else path, root, folders)
    if _is_file(path):
        raise DatasetError(f"{place(path, root)}: this is not a dataset file; use one of {listed(SUFFIXES)}")
    raise DatasetError(_not_found(name_or_path, root, folders))


def inside(path: Path, root: Path) -> Path:
    """The path, unless a symbolic link leads it, or a data file of the folder that it is, out of the root.

    Nobody who reads the project would see that its numbers come from elsewhere.
    """
    real = link_out(path, root)
    if real:
        what = f"this is a symbolic link out of the project, to {printable(real)}"
        raise DatasetError(f"{place(path, root)}: {what}; copy the data into the project, or name that path itself")
    if os.path.isdir(path):
        for file in files_in(path, place(path, root)):
            inside(file, root)
    return path


def link_out(path: Path, root: Path) -> str:
    """Where a path that lies below the root ends outside of it, because of a symbolic link; empty where it does not."""
    base, real = os.path.realpath(root), os.path.realpath(path)
    below = Path(os.path.abspath(path)).is_relative_to(os.path.abspath(root))
    return real if below and not Path(real).is_relative_to(base) else ""


def _is_file(path: Path) -> bool:
    """Whether there is something that is no directory: reading it says what is wrong with a pipe or a dangling link."""
    return os.path.lexists(path) and not os.path.isdir(path)


def _named(folder: Path, name: str) -> list[Path]:
    if name.endswith("/"):
        return [folder / name] if os.path.isdir(folder / name) else []
    manifests = [file for ending in MANIFESTS if _is_file(file := folder / f"{name}{ending}")]
    if manifests:  # it says which data are meant
        return manifests
    at = folder / name
    files = [file for file in _entries(at.parent) if at.name in (file.name, name_of(file)) and suffix_of(file)]
    found = sorted((file for file in files if _is_file(file)), key=lambda file: SUFFIXES.index(suffix_of(file)))
    return found + [path for path in [at] if os.path.isdir(path)]


def _entries(folder: Path) -> list[Path]:
    """What is in a folder, in the order of names; nothing where it cannot be read."""
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _one_dataset(path: Path, root: Path, folders: Sequence[str]) -> Path:
    real = Path(os.path.realpath(path))
    if os.path.isdir(path) and any(
        Path(os.path.realpath(root / each)).is_relative_to(real) for each in (".", *folders)
    ):
        names = names_in(root=root, folders=folders)
        raise DatasetError(f"{place(path, root)}: this is a directory of datasets; name one of them: {listed(names)}")
    return inside(path, root)


def names_in(*, root: Path, folders: Sequence[str] = ("datasets",)) -> list[str]:
    """The names of all datasets in the folders, each once."""
    return list(dict.fromkeys(_names(root, folders)))


def _names(root: Path, folders: Sequence[str]) -> Iterator[str]:
    for folder in folders:
        for entry in _entries(root / folder):
            if entry.suffix.lower() in MANIFESTS:
                yield entry.stem
            elif not entry.name.startswith(".") and (suffix_of(entry) or os.path.isdir(entry)):
                yield name_of(entry)


def _not_found(name: str, root: Path, folders: Sequence[str]) -> str:
    names = names_in(root=root, folders=folders)
    where = " or ".join(f"{folder}/" for folder in folders)
    if not names:
        return f"dataset {quoted(name)} is not a file under {place(root, None)}, and {where} holds no dataset; add one"
    there = f"{where} has {listed(names)}"
    return f"dataset {quoted(name)} was not found{near(name, names)}; {there}; or give a path relative to the rootdir"
