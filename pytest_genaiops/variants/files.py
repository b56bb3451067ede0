"""Files that variants are made of: bounded in size, and never from outside the project."""

from __future__ import annotations

from pathlib import Path, PurePosixPath, PureWindowsPath

from pytest_genaiops.dataset.text import encoding_fault, place, quoted
from pytest_genaiops.errors import VariantError

LARGEST = 2**20
"""Bytes of a file that a prompt is written in; no prompt is so long."""


def read_bytes(path: Path, shown: str) -> bytes:
    """What a regular file of a reasonable size holds. Raises VariantError for anything else."""
    try:
        if path.exists() and not path.is_file():
            raise VariantError(f"{shown}: this is not a file; name a file of text")
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
            size = path.stat().st_size
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise VariantError(f"{shown}: the file cannot be read ({why}); check its name and permissions") from None
    if len(data) > LARGEST:
        raise VariantError(f"{shown}: the file has {size / 2**20:.1f} MiB, and a prompt at most 1; name another one")
    return data


def read_text(name: str, *, beside: Path, root: Path, shown: str) -> tuple[str, str]:
    """The text of a file that another one names, and the file's own name for messages.

    ``name`` is relative to the folder of ``beside``; ``shown`` is the place that names it. The file
    must lie under ``root`` in the end: whatever ``..`` and symbolic links make of the name. A byte
    order mark is dropped and line ends become ``\\n``, as YAML does with its texts.

    Raises VariantError, one sentence with the place.
    """
    if not name or "\0" in name:
        raise VariantError(f"{shown}: {quoted(name)} names no file; write a path relative to this file")
    if PurePosixPath(name).is_absolute() or PureWindowsPath(name).drive or PureWindowsPath(name).root:
        raise VariantError(f"{shown}: {quoted(name)} is an absolute path; write it relative to this file")
    try:
        path, top = (beside.parent / name).resolve(), root.resolve()
    except (OSError, RuntimeError) as error:
        why = getattr(error, "strerror", None) or error
        raise VariantError(f"{shown}: {quoted(name)} cannot be followed ({why}); check the path") from None
    if not path.is_relative_to(top):
        raise VariantError(f"{shown}: {quoted(name)} is outside the project; copy the file into it")
    if not path.exists():
        raise VariantError(f"{shown}: the file {quoted(name)} is not there; check the path, which starts at this file")
    there = place(path, top)
    data = read_bytes(path, there).removeprefix(b"\xef\xbb\xbf")
    for number, line in enumerate(data.split(b"\n"), start=1):
        fault = encoding_fault(line)
        if fault:
            raise VariantError(f"{there}:{number}: {fault}")
    return data.decode("utf-8").replace("\r\n", "\n"), there
