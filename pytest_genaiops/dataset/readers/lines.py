"""Lines: a file's text, one line at a time and never more than one in memory."""

from __future__ import annotations

import gzip
import io
import stat
import zlib
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, TypeAlias

from pytest_genaiops.dataset.schema import refuse
from pytest_genaiops.dataset.text import encoding_fault

LONGEST_LINE = 16 * 2**20
"""Bytes of one line. More than any row needs, and little enough to hold a few of them in memory."""
GZIP = ".gz"
_BOM = b"\xef\xbb\xbf"
_PACKED = (
    (b"\x1f\x8b", "gzip data", "add .gz to it"),
    (b"PAR1", "a Parquet file", "let it end in .parquet"),
    (b"PK\x03\x04", "a zip archive", "unpack it"),
)

Row: TypeAlias = Mapping[str, Any]
Rows: TypeAlias = Iterator[tuple[int, str, Row]]
"""Rows as (line, ``file:line``, row). In a folder lines begin anew with each file: only the place is a row's own."""


def lines_of(path: Path, shown: str) -> Iterator[str]:
    """The lines of a UTF-8 file, gzip or not, with their ends and without a byte order mark."""
    number = 0
    try:
        with opened(path, shown) as raw, _unpacked(path, raw) as stream:
            while data := stream.readline(LONGEST_LINE + 1):
                number += 1
                if number == 1:
                    data = _first(data, shown)
                if len(data) > LONGEST_LINE:
                    what = f"the line is longer than {LONGEST_LINE // 2**20} MiB"
                    refuse(f"{shown}:{number}", f"{what}; write one row a line, and keep large files out of the rows")
                try:
                    text = data.decode("utf-8")
                except UnicodeDecodeError:
                    text = "\0"
                if "\0" in text:
                    refuse(f"{shown}:{number}", encoding_fault(data) or "the line is not UTF-8 text")
                yield text
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        what = f"the gzip data is damaged or cut short behind line {number} ({str(error).lower()})"
        refuse(shown, f"{what}; compress the file again, or drop {GZIP} from its name")
    except OSError as error:
        refuse(shown, unreadable(error))


def _first(data: bytes, shown: str) -> bytes:
    """The first line without a byte order mark; refused where it is the beginning of something else than text."""
    for magic, what, mend in _PACKED:
        if data.startswith(magic):
            refuse(shown, f"this is {what}, which its name does not say; {mend}")
    return data.removeprefix(_BOM)


def opened(path: Path, shown: str) -> io.BufferedReader:
    """The bytes of a regular file. Opening anything else might wait for ever. Raises OSError as ``open`` does."""
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        refuse(shown, "this is a directory, not a file; name a file in it")
    if not stat.S_ISREG(mode):
        refuse(shown, "this is not a regular file; copy what it gives into one")
    return path.open("rb")


def unreadable(error: OSError) -> str:
    """The sentence about a file that the operating system does not give."""
    return f"the file cannot be read ({error.strerror or error}); check its name and permissions"


def _unpacked(path: Path, raw: io.BufferedReader) -> AbstractContextManager[io.BufferedReader]:
    if not path.name.lower().endswith(GZIP):
        return raw
    # A reader around it gives lines three times as fast as the gzip file itself does.
    return io.BufferedReader(gzip.GzipFile(fileobj=raw))
