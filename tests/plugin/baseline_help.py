"""Files of committed baselines, and what is told of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from inner import Project

UPDATE = "--genaiops-update-baseline"
CITY = "return case.reference if case.id not in {missed} else 'London'"
BOTH = """
    import pytest

    @pytest.mark.genaiops(dataset="capitals", variants={variants}{more})
    def test_answers(responses, baseline, exact_match):
        assert exact_match(responses).value >= exact_match(baseline).value
"""


def write(project: Project, variants: tuple[str, ...] = ("v1", "v2"), more: str = "") -> None:
    project.suite(BOTH, variants=list(variants), more=more)


def misses(project: Project, *cases: str) -> None:
    project.target(CITY.format(missed=list(cases)))


def file(project: Project, name: str = "test_answers", folder: str = "test_suite") -> Path:
    return project.path / "eval_suites" / "baselines" / folder / f"{name}.json"


def variants(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["variants"]
    return found


def told(result: pytest.RunResult) -> list[str]:
    """What the terminal says of baselines."""
    lines = result.outlines
    start = next((i for i, line in enumerate(lines) if "- genaiops baselines -" in line), len(lines))
    end = next((i for i, line in enumerate(lines[start:], start) if line.startswith("===")), len(lines))
    return [line.strip() for line in lines[start + 1 : end] if line]
