"""What tests of several metrics share."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture
def printed() -> Callable[[str], set[str]]:
    """What code prints in two processes that order sets of strings differently."""

    def run(code: str) -> set[str]:
        found = set()
        for seed in ("1", "2"):
            given = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
            found.add(subprocess.check_output([sys.executable, "-c", code], env=given, text=True))
        return found

    return run
