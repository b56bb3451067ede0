"""Suites and texts for reports."""

from __future__ import annotations

ONE_WRONG = "if variant.id == 'v2' and case.id == 'c1':\n    return 'London'\nreturn case.reference"
COMPARED = """
    import pytest

    @pytest.mark.genaiops(dataset="capitals", variants=["v1", "v2"], baseline="v1")
    def test_answers(responses, baseline, exact_match):
        assert exact_match(responses).not_worse_than(baseline, margin=0.01)
"""
HOSTILE = "<b>\x00\x1b[31m\u202e|`@octocat`\n::error::x</b>"
LONE = f"{HOSTILE} \ud800"
"""With half of a character, which neither datasets nor answers may have."""
