"""What must not be kept, taken out of JSON values before they are written.

Out of every text go the values that were used as keys in this process, and what shows by its form that it is a key:
the token forms that services publish (``metrics/safety/keys.py``), whole private keys, and what stands behind
``Bearer``, ``Basic``, ``api_key=`` and the like, where a machine must have made it. Ordinary words stay, for what is
kept is judged again: "Basic understanding" is an answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pytest_genaiops.clients.secrets import HIDDEN, cleaned, without_known
from pytest_genaiops.errors import UsageError
from pytest_genaiops.metrics.safety.keys import secrets
from pytest_genaiops.store.texts import as_text

Hook = Callable[[str], str]

_STARTS: Mapping[str, Mapping[str, re.Pattern[str]]] = {
    "_": {
        "sk_": re.compile("sk_(?:live|test)_"),
        "rk_": re.compile("rk_(?:live|test)_"),
        "gh": re.compile("gh[pousr]_[A-Za-z0-9]{36}"),
        "github_pat_": re.compile(r"github_pat_\w{60}"),
        "hf_": re.compile("hf_[A-Za-z0-9]{30}"),
        "npm_": re.compile("npm_[A-Za-z0-9]{36}"),
    },
    "-": {
        "sk-": re.compile(r"sk-[\w-]{20}"),
        "glpat-": re.compile(r"glpat-[\w-]{20}"),
        "xox": re.compile("xox[abeoprs]-[A-Za-z0-9-]{20}"),
        "xapp-": re.compile(r"xapp-\d-[A-Za-z0-9-]{20}"),
        "pypi-": re.compile("pypi-AgE"),
        "PRIVATE KEY": re.compile("PRIVATE KEY(?: BLOCK)?-----"),
    },
    "://": {"@": re.compile(r"://[^\s/:@]{1,100}:[^\s/:@]{3,200}@")},
    "eyJ": {".": re.compile(r"eyJ[\w-]{10,2000}\.eyJ")},
    "AKIA": {"": re.compile("AKIA[A-Z2-7]{16}")},
    "ASIA": {"": re.compile("ASIA[A-Z2-7]{16}")},
    "AIza": {"": re.compile(r"AIza[\w-]{35}")},
    "SG.": {"": re.compile(r"SG\.[\w-]{16,32}\.")},
    "AccountKey=": {"": re.compile("AccountKey=[A-Za-z0-9+/]{86}")},
}
"""What stands in every text that holds a secret: two parts, and the beginning of its form.

Looking for parts first is what makes this quick: the whole of ``secrets`` takes a microsecond for each character.
"""
_NAMES: Mapping[str, re.Pattern[str]] = {
    "bearer": re.compile(r"bearer\s+[\w~+/=.-]{12}"),
    "basic": re.compile(r"basic\s+[\w~+/=.-]{12}"),
    "api": re.compile(r"""api[-_ ]?key["'\\]{0,4}\s{0,3}[:=]"""),
    "authorization": re.compile(r"""authorization["'\\]{0,4}\s{0,3}[:=]"""),
}
"""In lower case, what stands before a value."""
_NAMED = re.compile(
    r"(?P<name>(?:\b(?:Bearer|Basic)\s{1,20}|(?:api[-_ ]?key|authorization)[\"']{0,2}\s{0,3}[:=]\s{0,3}[\"']{0,2}))"
    r"(?P<value>[\w~+/=.-]{12,4000})",
    re.IGNORECASE,
)
_KEY = re.compile(
    r"-----BEGIN (?:[A-Z]{2,12} ){0,2}PRIVATE KEY(?: BLOCK)?-----(?:.{0,20000}?-----END [A-Z ]{0,40}KEY(?: BLOCK)?-----"
    r"|[A-Za-z0-9+/=\s]{0,20000})",
    re.DOTALL,
)
"""A private key to its end; one that is cut off, as far as its letters go."""
_FEWEST = 8
"""Different characters of what a machine made."""


class Redaction:
    """Values to JSON text, without secrets and without what further functions take out.

    A ``hook`` is given each text of a value (no names of columns, and no ids) and gives it as it may be kept.
    """

    def __init__(self, hooks: Sequence[Hook] = ()) -> None:
        self._hooks = tuple(hooks)

    def text(self, value: Any, names: Sequence[str] = ()) -> str:
        """JSON of a value as it may be kept; hooks are not given the fields of ``names``, by which rows are found.

        Raises UsageError where a hook gives something else than text; what a hook raises is not caught.
        """
        text = as_text(value)
        if not self._hooks and not _may_hold(text):
            return text
        found = json.loads(text)
        return as_text(
            {name: _walked(each, without_secrets if name in names else self._cleaned) for name, each in found.items()}
            if isinstance(found, dict)
            else _walked(found, self._cleaned)
        )

    def name(self, text: str) -> str:
        """A title, id or node id as it may be kept: without secrets, and with halves of characters as escapes."""
        text = without_secrets(text) if _may_hold(text) else text
        return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()

    def _cleaned(self, text: str) -> str:
        text = without_secrets(text)
        for hook in self._hooks:
            text = hook(text)
            if not isinstance(text, str):
                raise UsageError(f"a function that redacts gave a {type(text).__name__}; it has to return text")
        return text


def _walked(value: Any, clean: Hook) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {without_secrets(key): _walked(item, clean) for key, item in value.items()}
    return [_walked(item, clean) for item in value] if isinstance(value, list) else value


def without_secrets(text: str) -> str:
    """The text without known keys and what has the form of one."""
    text = without_known(text)
    if "PRIVATE KEY" in text:
        text = _KEY.sub(HIDDEN, text)
    for found in reversed(secrets(text)):
        text = f"{text[: found.start]}{HIDDEN}{text[found.end :]}"
    return _NAMED.sub(_hidden, text)


def _hidden(found: re.Match[str]) -> str:
    value = found["value"]
    made = any(map(str.isdigit, value)) and any(map(str.isalpha, value)) and len(set(value)) >= _FEWEST
    return f"{found['name']}{HIDDEN}" if made else found[0]


def _may_hold(text: str) -> bool:
    """Whether JSON text may hold a secret; quick, as nearly none does."""
    # In JSON a key may be spelled in a way that is known of no key: its quotes are escaped, and its accents are not.
    if without_known(text) is not text or ("\\" in text and _anything_known()):
        return True
    for gate, forms in _STARTS.items():
        if gate in text:
            for part, form in forms.items():
                if part in text and form.search(text):
                    return True
    lower = text.lower()
    return any(name in lower and form.search(lower) for name, form in _NAMES.items())


def _anything_known() -> bool:
    probe: list[str] = []
    return cleaned(probe) is not probe
