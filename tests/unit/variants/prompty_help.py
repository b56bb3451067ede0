"""Files of prompty, written and read."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_genaiops import variants
from pytest_genaiops.errors import VariantError
from pytest_genaiops.records import Case

CASE = Case(id="c1", inputs={"question": "Why?"}, source="datasets/qa.jsonl:1")


def load(folder: Path, content: str | bytes, name: str = "v1.prompty") -> variants.Variant:
    path = folder / "variants" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
    (variant,) = variants.load_variants(path, root=folder)
    return variant


def front(text: str, body: str = "user:\n{{ question }}") -> str:
    return f"---\n{text}\n---\n{body}\n"


def refusal(folder: Path, content: str | bytes) -> str:
    with pytest.raises(VariantError) as caught:
        load(folder, content)
    message = str(caught.value)
    assert message.isprintable()
    assert message.startswith("variants/v1.prompty:")
    return message
