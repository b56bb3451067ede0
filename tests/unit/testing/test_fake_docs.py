"""The page about the fakes has every one of them."""

from __future__ import annotations

import re
from pathlib import Path

from pytest_genaiops.testing import FAULTS, TARGET_FAULTS
from pytest_genaiops.testing.limits import GATES

PAGE = (Path(__file__).parents[3] / "docs/testing.md").read_text("utf-8")


def test_the_table_of_faults_is_whole() -> None:
    rows = dict(re.findall(r"^\| `([^`]+)` \| (.+?) \|", PAGE, re.MULTILINE))
    for name, fault in FAULTS.items():
        shown = f"{name} {fault.detail}".strip()
        assert rows[shown].removesuffix(" (300 to 599), with an error in JSON") in fault.what, name
    assert set(GATES) <= set(rows)


def test_the_faults_of_targets_are_named() -> None:
    assert all(f"`{name}`" in PAGE for name in TARGET_FAULTS)
