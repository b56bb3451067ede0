"""What a session tells of its gates."""

from __future__ import annotations

import re
from typing import Any

import pytest
from inner import Project

GATE = """
    import pytest

    @pytest.mark.genaiops(dataset="capitals", {marker})
    def test_answers(responses, baseline, exact_match, error_rate, classification, token_f1):
        {body}
"""
TWO = 'variants=["v1", "v2"], baseline="v1"'
LOOK = "--collect-only"


def rows(project: Project, n: int, **columns: Any) -> None:
    project.dataset([{"id": f"c{i}", "question": "?", "reference": "yes", "label": "yes", **columns} for i in range(n)])


def told(result: pytest.RunResult) -> list[str]:
    """The sentences of the warnings."""
    found = [re.match(r"\S+:\d+: GateWarning: (.*)$", line.strip()) for line in result.outlines]
    return [match[1] for match in found if match]


def looked_at(project: Project, *arguments: str) -> list[str]:
    """What collection tells."""
    result = project.run(LOOK, *arguments)
    assert result.ret == 0
    return told(result)


def write(project: Project, *body: str, marker: str = TWO) -> None:
    project.suite(GATE, marker=marker, body="\n    ".join(body))
