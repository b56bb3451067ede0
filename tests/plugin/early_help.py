"""Suites for ``--genaiops-early-stop``, and what was called and told."""

from __future__ import annotations

from collections import Counter

import pytest
from inner import Project

CASES = 100
EARLY = "--genaiops-early-stop"
ROWS = [
    {"id": f"c{i:03}", "reference": "yes", "cluster_of_2": f"d{i // 2}", "cluster_of_some": f"d{i * i // 90}"}
    for i in range(CASES)
]
VERDICT = """
    import pytest

    @pytest.mark.genaiops(dataset="questions", {arguments})
    def test_line(responses, exact_match):
        assert exact_match(responses).{rule}
"""
FINE = "return 'yes'"
WORSE = "return 'no'"
HALF = "return 'yes' if int(case.id[1:]) % 2 else 'no'"
"""Right in every other case: on the line of at_least(0.5)."""


def line(project: Project, rule: str, arguments: str = 'variants=["v1"]') -> None:
    project.suite(VERDICT, rule=rule, arguments=arguments)


def called(project: Project) -> Counter[str]:
    """Variant -> calls; each trial was called once."""
    assert max(Counter(project.calls).values(), default=1) == 1
    return Counter(call.split()[0] for call in project.calls)


def told(result: pytest.RunResult) -> str:
    """The output on one line."""
    return " ".join(result.stdout.str().split())


PAIRED = """
    import pytest

    @pytest.mark.genaiops(dataset="questions", variants=["v1", "v2"], baseline="v1")
    def test_pair(responses, baseline, exact_match):
        assert exact_match(responses).{rule}
"""
