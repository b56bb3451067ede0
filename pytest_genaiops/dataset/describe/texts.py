"""The text of a row that is compared with other rows."""

from __future__ import annotations

import json
import re
import unicodedata

from pytest_genaiops.records import Case

QUESTIONS = ("question", "input", "query")
_APART = re.compile(r"[\W_]+")


def asked(case: Case) -> str:
    """What a row asks: its input ``question``, ``input`` or ``query``; without them all of its inputs."""
    for name in QUESTIONS:
        value = case.inputs.get(name)
        if isinstance(value, str) and value.strip():
            return value
    return "\n".join(
        value if isinstance(value, str) else json.dumps(value, default=dict) for value in case.inputs.values()
    )


def normal(text: str) -> str:
    """The text's words alone: without case, punctuation, white space and what Unicode writes in two ways."""
    return _APART.sub(" ", unicodedata.normalize("NFKC", text).casefold()).strip()
