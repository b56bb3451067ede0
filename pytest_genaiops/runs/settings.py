"""What a recorded run was judged by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_genaiops.config import DEFAULT_CONFIDENCE, DEFAULT_SEED, Rules


def rules_of(facts: Mapping[str, Any], coverage: float = 1.0) -> Rules:
    """The rules of a recorded run."""
    return Rules(
        confidence=float(facts.get("confidence") or DEFAULT_CONFIDENCE),
        seed=int(facts.get("seed", DEFAULT_SEED)),
        coverage=coverage,
        undecided="warn" if facts.get("undecided") == "warn" else "fail",
    )
