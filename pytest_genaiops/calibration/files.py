"""Certificates to files and back; what is not as it was written is refused."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any, NoReturn

from pytest_genaiops.calibration.certificate import FORMAT, Certificate, checksum, content_of
from pytest_genaiops.dataset.text import quoted
from pytest_genaiops.errors import UsageError
from pytest_genaiops.statistics.raters import Figure

MAX_BYTES = 1 << 20
"""More than any certificate takes."""


def write_certificate(path: Path, certificate: Certificate, *, shown: str) -> None:
    """Write a certificate; the file is replaced when all of it is on disk. Raises UsageError where it cannot be."""
    content = content_of(certificate)
    text = json.dumps({**content, "checksum": checksum(content)}, indent=2, ensure_ascii=False, allow_nan=False)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(text + "\n", encoding="utf-8")
        beside.replace(path)
    except OSError as error:
        raise UsageError(f"{shown} cannot be written: {error.strerror or error}") from None
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


def read_certificate(path: Path, *, shown: str) -> Certificate:
    """The certificate in a file.

    Raises UsageError where there is no such file, it is no certificate, or it was edited by hand.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UsageError(f"{shown} is larger than {MAX_BYTES:,} bytes, which no certificate is")
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        raise UsageError(f"there is no certificate {shown}") from None
    except OSError as error:
        raise UsageError(f"{shown} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{shown} is not UTF-8 text, as a certificate is") from None
    content = _parsed(text, shown)
    if not isinstance(content, dict) or "checksum" not in content:
        raise UsageError(f"{shown} is no certificate")
    given = content.pop("checksum")
    if content.get("format") != FORMAT:
        version = quoted(content.get("format"))
        raise UsageError(f"{shown} is of format {version}, and this version reads {FORMAT}")
    try:
        made = _certificate(content)
        fits = given == checksum(content) == checksum(content_of(made))
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        fits = False
    if not fits:
        raise UsageError(f"{shown} was changed after it was written: its checksum does not fit")
    return made


def _parsed(text: str, shown: str) -> Any:
    def constant(name: str) -> NoReturn:
        raise ValueError(name)

    try:
        return json.loads(text, parse_constant=constant)
    except (ValueError, RecursionError):
        raise UsageError(f"{shown} is no JSON, as a certificate is") from None


def _certificate(content: Mapping[str, Any]) -> Certificate:
    """The fields as a certificate; raises what a wrong one raises, which its reader takes for an edit."""
    labels, threshold = content["labels"], content["threshold"]
    return Certificate(
        judge=_of(str, content["judge"]),
        signature=_of(str, content["signature"]),
        labels=_of(str, labels["name"]),
        labels_hash=_of(str, labels["hash"]),
        n=_of(int, labels["n"]),
        unscored=_of(int, labels["unscored"]),
        clusters=None if labels["clusters"] is None else _of(int, labels["clusters"]),
        accepted=_of(int, labels["accepted"]),
        threshold=_number(threshold["value"]),
        higher_is_better=threshold["passes"] == "at least",
        tested_on=_of(int, threshold["tested_on"]),
        confidence=_number(content["confidence"]),
        figures={name: _figure(each) for name, each in content["figures"].items()},
        min_kappa=_number(content["min_kappa"]),
        issued=date.fromisoformat(content["issued"]),
        expires=date.fromisoformat(content["expires"]),
    )


def _figure(found: Mapping[str, Any]) -> Figure | str:
    if found["value"] is None:
        return str(_of(str, found["why"]))
    low, high = _number(found["low"]), _number(found["high"])
    return Figure(value=_number(found["value"]), interval=(low, high), n=_of(int, found["n"]))


def _number(value: Any) -> float:
    number = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
    if not math.isfinite(number):
        raise ValueError(value)
    return value if isinstance(value, float) else number


def _of(kind: Callable[..., Any], value: Any) -> Any:
    if type(value) is not kind:
        raise TypeError(value)
    return value
