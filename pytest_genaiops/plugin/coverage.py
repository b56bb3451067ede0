"""Errors never pass: what a test would have passed over."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from pytest_genaiops.errors import UsageError
from pytest_genaiops.plugin.session import Progress
from pytest_genaiops.records import Response
from pytest_genaiops.report.evidence import headline
from pytest_genaiops.report.text import visible


def refuse_silent_errors(progress: Progress) -> None:
    """Fail a test that passed although responses or scores are missing.

    A test can look at texts only, or take ``score.value`` and leave the coverage check out: then
    an error would have passed. Asking ``error_rate`` is how a suite says that it counts errors itself.
    Raises UsageError where a judge lacks the certificate that the suite demands, and the test caught what said so.
    """
    if progress.uncertified:
        raise UsageError(progress.uncertified)  # no failure: a failed case is a miss, which a budget may pay for
    if not progress.accepts_errors and (errors := progress.too_many_errors()):
        pytest.fail(visible(f"{_about(errors, progress)}; the test passed over it"), pytrace=False)
    coverage = progress.rules.coverage
    partial = next((score for score in progress.scores if not score.reaches(coverage)), None)
    if partial is not None:
        known = headline(partial.evidence(cases=False))
        why = next((f"{case}: {reason}" for case, reason in partial.reasons.items()), "undefined on these cases")
        pytest.fail(visible(f"{known}: {why}; the test passed over it"), pytrace=False)


def _about(errors: Sequence[Response], progress: Progress) -> str:
    first, total = errors[0], len(progress.responses) + sum(map(len, progress.datasets))
    where = f"{first.trial.case.id} under {first.trial.variant}" if first.trial else "one"
    return f"{len(errors)} of {total} responses are errors ({where}: {first.error})"
