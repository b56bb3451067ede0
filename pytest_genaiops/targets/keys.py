"""What users write beside a target, and must not hold a key: it is a part of what is kept."""

from __future__ import annotations

import re

from pytest_genaiops.clients.endpoint import is_secret
from pytest_genaiops.clients.secrets import REFERENCE, looks_secret
from pytest_genaiops.dataset.text import quoted
from pytest_genaiops.errors import UsageError

LOOKED_AT = 2**14
"""Characters of what a stranger wrote in which keys are looked for before a few of them are shown."""
_SHORT_NAMES = ("code", "sig")
"""What Azure calls the key and the signature in a query."""
_AROUND = re.compile(r"[\w=; -]{0,16}")
"""What may stand around a key: ``Bearer``, ``session=``."""


def holds_key(name: str, text: str) -> bool:
    """Whether a header, parameter or variable of this name has a key written out, in whole or in part."""
    if not (is_secret(name) or name.lower() in _SHORT_NAMES):
        return looks_secret(text) or looks_secret(f"{name}: {text}")
    references = list(REFERENCE.finditer(text))
    written = not references or any(found[2] for found in references)
    return bool(text) and (written or not _AROUND.fullmatch(REFERENCE.sub("", text)))


def checked_version(version: object, place: str) -> str:
    """What a user gives to tell versions of an app apart. Raises UsageError for what is no text, or could be a key."""
    if not isinstance(version, str) or looks_secret(version):
        what = quoted(version) if not isinstance(version, str) else "a key"
        raise UsageError(f"{place}: version={what} is no version; give a text such as a release or a hash")
    return version
