"""Addresses and headers of services as users write them: checked, and without keys of their own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

from pytest_genaiops.clients.http import shown
from pytest_genaiops.clients.secrets import looks_secret
from pytest_genaiops.dataset.text import quoted
from pytest_genaiops.errors import UsageError
from pytest_genaiops.targets.keys import holds_key

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def checked_url(url: object, place: str) -> str:
    """The address as it is, ``${env:NAME}`` not yet looked up; ``place`` begins messages.

    Raises UsageError for one without ``http://`` or ``https://`` (or a variable) in front, and one that holds a key.
    """
    if not isinstance(url, str) or not re.match(r"https?://[^/?#]|\$\{env:", url):
        what = f"the address {quoted(shown(url) if isinstance(url, str) else url)} is none"
        raise UsageError(f"{place}: {what}; write http://<host>…, https://<host>… or ${{env:NAME}}")
    try:
        parts = urlsplit(url)
    except ValueError:
        raise UsageError(f"{place}: the address {quoted(shown(url))} is none; mend its host") from None
    literal = any(holds_key(name, value) for name, value in parse_qsl(parts.query))
    if "@" in parts.netloc or literal or looks_secret(url):
        what = f"the address {quoted(shown(url))} holds a password or key"
        raise UsageError(f"{place}: {what}; put it into the environment and write ${{env:NAME}}")
    return url


def checked_headers(headers: object, place: str, *, example: str) -> dict[str, str]:
    """The headers as they are, in a dict of their own; ``example`` shows in messages how to write some.

    Raises UsageError for what is no mapping of names to lines of text, and for a header that holds a key.
    """
    if not isinstance(headers, Mapping) or not all(isinstance(text, str) for pair in headers.items() for text in pair):
        raise UsageError(f"{place}: headers are no mapping of texts; write headers={example}")
    for name, text in headers.items():
        if not _NAME.fullmatch(name) or not text.isprintable():
            raise UsageError(f"{place}: the header {quoted(name)} is none; give a name and one line of text")
        if holds_key(name, text):
            what = f"the header {quoted(name)} holds a key"
            raise UsageError(f"{place}: {what}; put it into the environment and write ${{env:NAME}}")
    return dict(headers)
