"""What completeness and utilization say together: the table of the Azure Architecture Center's guide to RAG."""

from __future__ import annotations

import pytest

from pytest_genaiops.report.diagnosis import diagnosis


@pytest.mark.parametrize(
    ("completeness", "utilization", "words"),
    [
        (0.9, 0.2, ["completeness 0.90 (high) with utilization 0.20 (low)", "lower top-k"]),
        (0.2, 0.9, ["completeness 0.20 (low) with utilization 0.90 (high)", "raise top-k", "embedding model"]),
        (0.2, 0.2, ["completeness 0.20 (low) with utilization 0.20 (low)", "larger chunk size", "tune the prompt"]),
    ],
)
def test_each_combination_has_its_mend(completeness: float, utilization: float, words: list[str]) -> None:
    said = diagnosis(completeness, utilization)
    assert all(word in said for word in words)


@pytest.mark.parametrize(("completeness", "utilization"), [(0.5, 0.5), (1, 1), (0.9, 0.6)])
def test_where_neither_is_low_there_is_nothing_to_mend(completeness: float, utilization: float) -> None:
    assert diagnosis(completeness, utilization) == ""
