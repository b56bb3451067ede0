"""Files with axes, read as variants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from pytest_genaiops import variants
from pytest_genaiops.errors import VariantError

AXES = """
rag_variants:
  axes:
    chunk: [256, 512]
    overlap: [0, 32]
    embedding: {small: {dimensions: 64}, large: {dimensions: 256}}
    search: [vector, full-text, hybrid]
    k: [3, 5]
"""
FIRST = "chunk=256,overlap=0,embedding=small,search=vector,k=3"


def load(folder: Path, content: str, name: str = "rag.yaml") -> tuple[variants.Variant, ...]:
    path = folder / "variants" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(content, encoding="utf-8")
    return variants.load_variants(path, root=folder)


def made(axes: Mapping[str, Any], *, keys: Mapping[str, Any] | None = None, **options: Any) -> list[variants.Variant]:
    return list(variants.select([{**(keys or {}), "rag_variants": {"axes": axes, **options}}], root=Path()))


def refusal(axes: Any, **options: Any) -> str:
    with pytest.raises(VariantError) as caught:
        made(axes, **options)
    return str(caught.value)


def ids(found: Sequence[variants.Variant]) -> list[str]:
    return [variant.id for variant in found]
