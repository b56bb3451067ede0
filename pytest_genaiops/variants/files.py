"""Files that variants are made of: bounded in size, and never from outside the project."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from pytest_genaiops.dataset.select import link_out
from pytest_genaiops.dataset.text import encoding_fault, place, printable, quoted
from pytest_genaiops.errors import VariantError
from pytest_genaiops.variants.fields import At, Fields

LARGEST = 2**20
"""Bytes of a file that a prompt is written in; no prompt is so long."""

MOST = 16 * LARGEST
"""Bytes of all the files that one of them may name: a short list of names would else fill the memory."""

_OPENING = "${file:"
_REFERENCE = re.compile(r"\s*\$\{file:\s*([^{}\n]*?)\s*\}\s*", re.IGNORECASE)


def read_bytes(path: Path, shown: str, root: Path) -> bytes:
    """What a regular file of a reasonable size holds.

    Raises VariantError for anything else, and where a symbolic link leads out of the root: who reads the project would
    not see that its prompts come from elsewhere.
    """
    real = link_out(path, root)
    if real:
        what = f"this is a symbolic link out of the project, to {printable(real)}"
        raise VariantError(f"{shown}: {what}; copy the file into the project, or name that path itself")
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
    except (OSError, RuntimeError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise VariantError(f"{shown}: {quoted(name)} cannot be followed ({why}); check the path") from None
    if os.path.islink(path):  # from Python 3.13 on, a circle of links is handed back as it is
        raise VariantError(f"{shown}: {quoted(name)} cannot be followed (its links lead in a circle); check the path")
    if not path.is_relative_to(top):
        raise VariantError(f"{shown}: {quoted(name)} is outside the project; copy the file into it")
    if not os.path.exists(path):  # unlike Path.exists() it answers for any name
        raise VariantError(f"{shown}: the file {quoted(name)} is not there; check the path, which starts at this file")
    there = place(path, top)
    data = read_bytes(path, there, root).removeprefix(b"\xef\xbb\xbf")
    for number, line in enumerate(data.split(b"\n"), start=1):
        fault = encoding_fault(line)
        if fault:
            raise VariantError(f"{there}:{number}: {fault}")
    return data.decode("utf-8").replace("\r\n", "\n"), there


class Texts:
    """Texts of the files that one file names, each read once, and bounded together."""

    def __init__(self, *, beside: Path, root: Path) -> None:
        self._beside, self._root = beside, root
        self._known: dict[str, tuple[str, str]] = {}
        self._left = MOST

    def read(self, name: str, shown: str) -> tuple[str, str]:
        """As :func:`read_text`, which says what ``shown`` is. Raises VariantError where all are too much, too."""
        if name not in self._known:
            found = read_text(name, beside=self._beside, root=self._root, shown=shown)
            self._left -= len(found[0])
            if self._left < 0:
                what = f"the files that are named up to here have more than {MOST // 2**20} MiB together"
                raise VariantError(f"{shown}: {what}; name fewer")
            self._known[name] = found
        return self._known[name]


def fill(tree: Any, fields: Fields, *, beside: Path, root: Path) -> tuple[Any, Fields]:
    """The tree with every text that is ``${file:<path>}`` replaced by the text of that file, and where it came from.

    What such a file holds is not looked at again. Raises VariantError where a file is refused, and
    where ``${file:…}`` stands within a text: there it would reach the model as it is.
    """
    files: dict[At, str] = {}
    texts = Texts(beside=beside, root=root)

    def value(found: Any, at: At) -> Any:
        if isinstance(found, dict):
            return {key: value(each, (*at, key)) for key, each in found.items()}
        if isinstance(found, list):
            return [value(each, (*at, number)) for number, each in enumerate(found)]
        if not isinstance(found, str) or _OPENING not in found.lower():
            return found
        whole = _REFERENCE.fullmatch(found)
        if whole is None:
            fields.refuse("${file:…} stands within a text; make it the whole value, as in user: ${file:ask.txt}", *at)
        text, files[at] = texts.read(whole[1], fields.place(*at))
        return text

    return value(tree, ()), replace(fields, files=files)
