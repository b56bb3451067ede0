"""Whether a file holds a text, in any spelling that our own files have: the proof that it is gone."""

from __future__ import annotations

import base64
import binascii
import codecs
import html
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

from pytest_genaiops.errors import UsageError
from pytest_genaiops.extras import require
from pytest_genaiops.store.wanted import Wanted, folded, texts_of

DEEPEST = 3
"""Compressed blocks within compressed blocks that are looked into."""
_LARGEST = 2**28
"""Bytes that a block may have when it is unpacked."""
_TOO_LARGE = "it holds a compressed block that is too large to look into"
_GZIP, _ZIP, _PARQUET = b"\x1f\x8b\x08", b"PK\x03\x04", b"PAR1"
_ZLIB = re.compile(rb"\x78[\x01\x5e\x9c\xda]")
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{40,}={0,2}")
_QUOTED = re.compile("%[0-9A-Fa-f]{2}")
_ESCAPE = re.compile(r"\\(?:u[0-9a-fA-F]{4}|[^\w\s]|[nrtfb])")
_CONTROLS = {"n": "\n", "r": "\r", "t": "\t", "f": "\f", "b": "\b"}


def holds(file: Path, wanted: Wanted) -> bool:
    """Whether a file holds one of the texts.

    As UTF-8 and UTF-16, without regard to case and white space; with the escapes of JSON, CSV, HTML, Markdown and
    URLs; and in Base64, gzip, zlib, zip and Parquet. Raises UsageError for a file that cannot be read.
    """
    try:
        data = file.read_bytes()
    except OSError as error:
        raise UsageError(f"it cannot be read ({error.strerror or error})") from None
    return any(map(wanted.in_folded, views(data)))


def views(data: bytes, levels: int = DEEPEST) -> Iterator[str]:
    """The texts that bytes may be meant as, folded.

    Raises UsageError for Parquet where nothing is installed that reads it.
    """
    zeros = data.count(0)
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or zeros * 4 > len(data):
        for start in (0, 1):
            yield from _spellings(data[start:].decode("utf-16-le", "replace"))
            yield from _spellings(data[start:].decode("utf-16-be", "replace"))
    if zeros:  # bytes of a program, where an escape is a coincidence
        yield folded(data.decode("utf-8", "replace"))
    else:
        yield from _spellings(data.decode("utf-8", "replace"))
    if levels:
        for block in _blocks(data):
            yield from views(block, levels - 1)
    if data.startswith(_PARQUET):
        yield from map(folded, _cells(data))


def _spellings(text: str) -> Iterator[str]:
    yield folded(text)
    for _ in range(DEEPEST):  # JSON may be a text in JSON
        before = text
        for undo in (_without_doubling, _without_backslashes, html.unescape):
            after = undo(text)
            if after != text:
                yield folded(after)
            text = after
        if text == before:
            break
    if _QUOTED.search(text):
        yield folded(unquote_plus(text))


def _without_doubling(text: str) -> str:
    """What the quotes of CSV stand for."""
    return text.replace('""', '"')


def _without_backslashes(text: str) -> str:
    """What the escapes of JSON, or of Markdown, stand for."""
    if "\\" not in text:
        return text
    # Halves of characters, each of which has an escape of its own, are put together.
    return _ESCAPE.sub(_meant, text).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _meant(found: re.Match[str]) -> str:
    escape = found[0]
    return chr(int(escape[2:], 16)) if len(escape) > 2 else _CONTROLS.get(escape[1], escape[1])


def _blocks(data: bytes) -> Iterator[bytes]:
    whole = memoryview(data)
    for at in _places(data, _GZIP):
        yield from _inflated(whole[at:], 31)
    for found in _ZLIB.finditer(data):
        yield from _inflated(whole[found.start() :], 15)
    for found in _BASE64.finditer(data):
        text = found[0].translate(bytes.maketrans(b"-_", b"+/")).rstrip(b"=")
        try:
            yield base64.b64decode(text + b"=" * (-len(text) % 4))
        except binascii.Error:  # a letter too many
            yield base64.b64decode(text[:-1])
    if data.startswith(_ZIP):
        yield from _entries(data)


def _entries(data: bytes) -> Iterator[bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for entry in archive.infolist():
                if entry.file_size > _LARGEST:
                    raise UsageError(_TOO_LARGE)
                yield archive.read(entry)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:  # damaged, of another method, encrypted
        raise UsageError(f"its archive cannot be read ({error})") from None


def _places(data: bytes, mark: bytes) -> Iterator[int]:
    at = data.find(mark)
    while at >= 0:
        yield at
        at = data.find(mark, at + 1)


def _inflated(data: memoryview, bits: int) -> Iterator[bytes]:
    try:
        found = zlib.decompressobj(bits).decompress(data, _LARGEST)
    except zlib.error:  # bytes that only look like a beginning
        return
    if len(found) >= _LARGEST:
        raise UsageError(_TOO_LARGE)
    if found:
        yield found


def _cells(data: bytes) -> Iterator[str]:
    parquet: Any = require("pyarrow.parquet", "parquet")
    try:
        for batch in parquet.ParquetFile(io.BytesIO(data)).iter_batches():
            yield from texts_of(batch.to_pylist())
    except (ValueError, OSError) as error:  # damaged, encrypted
        raise UsageError(f"its Parquet cannot be read ({error})") from None
