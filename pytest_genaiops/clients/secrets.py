"""Keys: held so that nothing shows them, and taken out of whatever is shown or kept."""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Mapping
from typing import Any, NoReturn, TypeVar, final
from urllib.parse import quote, quote_plus

from pytest_genaiops.dataset.text import quoted
from pytest_genaiops.errors import UsageError

SHORTEST = 8
"""Characters of a value that is looked for in text: a shorter one (``none``, ``EMPTY``) is a word like others."""
HIDDEN = "***"
REFERENCE = re.compile(r"\$\{env:([^:}]*)(?::([^}]*))?\}")
"""``${env:NAME}``, or with a value for where NAME is not set."""

_SHAPES = re.compile(
    r"\bsk-[\w*.-]{8,}"
    r"|\beyJ[\w-]{8,400}+\.[\w-]+\.[\w-]*"
    r"|(?P<scheme>\b(?:Bearer|Basic)\s+)[\w~+/=.*-]{8,}"
    r"|(?P<name>\b(?:[\w-]{0,20}api[-_ ]?key|authorization)[\"']{0,2}\s{0,3}[:=]\s{0,3}[\"']{0,2})[^\s\"',;&]{8,}"
    r"|(?P<slashes>//)[^\s/@\"']{1,200}@",
    re.IGNORECASE,
)
"""What keys look like where nobody here has used them; the last is the user and password of a URL."""
_known: list[str] = []
"""Values that have been used in this process, in every spelling; no more is ever kept of them."""
V = TypeVar("V")


@final
class Secret:
    """A value that shows nothing of itself and does not leave the process, until :meth:`reveal` is called."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value; from now on it is taken out of messages and of what is kept."""
        remember(self._value)
        return self._value

    def __repr__(self) -> str:
        return "<secret>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not handed to other processes")


@final
class Headers(dict[str, str]):
    """Headers of a request; tracebacks show their names alone."""

    def __repr__(self) -> str:
        return f"<headers {', '.join(self)}>"


def remember(value: str) -> None:
    """Have a value taken out of text from now on: as it is, URL-encoded, escaped as in Python and JSON, and in Base64.

    There, wherever it stands in what was encoded, such as ``user:key`` or a line with its end. A value of
    fewer than 8 characters is not looked for.
    """
    if len(value) < SHORTEST or value in _known:
        return
    raw = value.encode("utf-8", "surrogatepass")
    escaped = {value.encode("unicode_escape").decode("ascii"), repr(value)[1:-1], json.dumps(value)[1:-1]}
    spellings = {value, quote(raw, safe=""), quote(raw), quote_plus(raw), *escaped}
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        spellings.add(encode(raw).decode("ascii").rstrip("="))
        for before in range(3):
            whole = raw[-before % 3 :]  # from where groups of three bytes begin, if so many stand before it
            spellings.add(encode(whole[: len(whole) // 3 * 3]).decode("ascii"))
    # Longest first over all of them: of a key that holds another one, the rest would stay.
    _known[:] = sorted({*_known, *spellings}, key=len, reverse=True)


def without_secrets(text: str) -> str:
    """The text without values that were used as keys in this process, and without what looks like a key."""
    return _SHAPES.sub(_hidden, without_known(text))


def without_known(text: str) -> str:
    """The text without values that were used as keys in this process; what merely looks like one stays.

    For what models say: an answer about the header ``Authorization: Bearer <token>`` is an answer.
    """
    if len(text) >= SHORTEST:
        for value in tuple(_known):
            if value in text:
                text = text.replace(value, HIDDEN)
    return text


def cleaned(value: V) -> V:
    """JSON values as :func:`without_known` leaves each of their texts; a new value only where something was found."""
    return _walked(value) if _known else value


def looks_secret(text: str) -> bool:
    """Whether the text holds what :func:`without_secrets` would take out."""
    return without_secrets(text) != text


def from_environment(text: str, place: str, *, hide: bool = False) -> str:
    """The text with each ``${env:NAME}`` filled in from the environment as it is now; ``hide`` for what is secret.

    Raises UsageError with the place for a variable that is not set.
    """

    def fill(found: re.Match[str]) -> str:
        value = os.environ.get(found[1], found[2] or "")
        if not value.strip():
            what = f"{place}: the environment variable {quoted(found[1])} is not set"
            raise UsageError(f"{what}; set it where the tests run")
        if hide:
            remember(value.strip())
        return value.strip()

    return REFERENCE.sub(fill, text)


def _hidden(found: re.Match[str]) -> str:
    if found["slashes"]:
        return f"//{HIDDEN}@"
    return f"{found['scheme'] or found['name'] or ''}{HIDDEN}"


def _walked(value: Any) -> Any:
    if isinstance(value, str):
        return without_known(value)
    if isinstance(value, Mapping):
        return {without_known(key): _walked(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(_walked, value))
    return value
