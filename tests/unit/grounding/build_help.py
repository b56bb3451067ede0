"""A maker of indexes that counts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_genaiops.errors import UsageError
from pytest_genaiops.grounding.builds import Builds

KEY = {"chunk": 256, "embedding": {"dimensions": 64}, "corpus": "3f2a"}


class Maker:
    """Makes an index of two files, and counts."""

    def __init__(self, text: str = "vectors") -> None:
        self.times = 0
        self._text = text

    def __call__(self, part: Path) -> None:
        self.times += 1
        assert list(part.iterdir()) == []
        (part / "table").mkdir()
        (part / "table" / "data.bin").write_text(self._text)
        (part / "rows.json").write_text("[1, 2]")


def refuse(part: Path) -> None:
    raise AssertionError("it is there already")


def refusal(call: Callable[[], object]) -> str:
    with pytest.raises(UsageError) as caught:
        call()
    return str(caught.value)


def leftovers(builds: Builds) -> list[str]:
    return sorted(
        path.name for path in builds.folder.iterdir() if path.name.startswith(".") and path.name != ".gitignore"
    )
