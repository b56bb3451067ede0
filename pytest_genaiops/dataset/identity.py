"""What makes two datasets the same: a hash of what their rows say, not of how a file writes it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from pytest_genaiops.dataset.relevance import written
from pytest_genaiops.records import Case

_FORMAT = "pytest-genaiops dataset 1"


def _plain(value: object) -> dict[Any, Any]:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a {type(value).__name__} is not a JSON value")


_encode = json.JSONEncoder(
    sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain
).encode


def canonical(value: object) -> bytes:
    """The value as JSON with sorted keys and no spaces, in UTF-8.

    Raises TypeError for what JSON has no form for, ValueError for NaN, infinity and circular
    values, and UnicodeEncodeError for text with a lone surrogate.
    """
    return _encode(value).encode("utf-8")


def case_bytes(case: Case) -> bytes:
    """Everything that a row says, in its canonical form; not where it stands. Raises as :func:`canonical` does."""
    content: tuple[object, ...] = (
        case.id,
        case.inputs,
        case.references,
        case.contexts,
        case.label,
        case.cluster,
        case.slices,
        case.recorded,
    )
    # Only where there are any: rows without labels are the same rows as before there could be some.
    content = content if case.relevant is None else (*content, written(case.relevant))
    return canonical(content if case.tool_calls is None else (*content, {"tool_calls": case.tool_calls}))


def case_digest(case: Case) -> bytes:
    """SHA-256 of everything that a row says. Raises as :func:`canonical` does."""
    return hashlib.sha256(case_bytes(case)).digest()


class ContentHash:
    """The hash of a stream of cases, in constant memory and whatever their order.

    Row digests are added modulo 2**256 (AdHash: Bellare and Micciancio, "A new paradigm for
    collision-free hashing", EUROCRYPT 1997); ids are unique, so no row can cancel another.
    """

    def __init__(self) -> None:
        self.size = 0
        """Bytes that the rows so far say."""
        self.last = b""
        """SHA-256 digest of the row that was taken in last."""
        self._sum = 0
        self.rows = 0

    def add(self, case: Case) -> None:
        """Take one more row in. Raises as :func:`canonical` does."""
        said = case_bytes(case)
        self.size += len(said)
        self.last = hashlib.sha256(said).digest()
        self._sum += int.from_bytes(self.last, "big")
        self.rows += 1

    def hexdigest(self) -> str:
        """The hash of the rows so far: 64 hexadecimal digits."""
        total = f"{_FORMAT}:{self.rows}:{self._sum % 2**256:064x}"
        return hashlib.sha256(total.encode("ascii")).hexdigest()
