"""Builds of indexes: removed as a whole where they hold a text, or where nobody could tell; they are made again."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from pytest_genaiops.errors import UsageError
from pytest_genaiops.grounding.builds import FOLDER
from pytest_genaiops.store.proof import holds
from pytest_genaiops.store.wanted import Wanted

_CHUNK = 2**20
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


def builds_in(folder: Path) -> list[Path]:
    """The builds of ``.genaiops``, those among them that a killed process left."""
    home = folder / FOLDER
    return sorted(path.absolute() for path in home.iterdir() if path.is_dir()) if home.is_dir() else []


def files_in(build: Path) -> Iterator[Path]:
    """Every file of a build."""
    yield from sorted(path for path in build.rglob("*") if path.is_file())


def why_removed(build: Path, wanted: Wanted) -> str:
    """Why a build has to go; empty where it may stay.

    An index cuts, compresses and encodes texts in ways that nobody can search: of files that are no text nothing is
    proven.
    """
    for file in files_in(build):
        try:
            if holds(file, wanted):
                return "it holds the text"
        except UsageError:
            return "it has files that cannot be searched"
    return "" if all(map(_is_text, files_in(build))) else "it has files that cannot be searched"


def remove_build(build: Path) -> None:
    """Remove a build. Raises UsageError where something of it stays."""
    shutil.rmtree(build, ignore_errors=True)
    if build.exists():
        raise UsageError("it cannot be removed; remove it by hand")


def _is_text(file: Path) -> bool:
    """Whether a file is UTF-8, which is searched in every spelling."""
    with file.open("rb") as opened:
        first = opened.read(_CHUNK)
        if first.startswith(_UTF16) or b"\0" in first:
            return first.startswith(_UTF16)
    try:
        file.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
