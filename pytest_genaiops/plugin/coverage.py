"""Errors never pass: what a test would have passed over."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from pytest_genaiops.plugin.session import Progress
from pytest_genaiops.records import Response
from pytest_genaiops.report.evidence import headline
from pytest_genaiops.report.text import visible


def refuse_silent_errors(progress: Progress) -> None:
    """Fail a test that passed although responses or scores are missing.

    A test can look at texts only, or take ``score.value`` and leave the coverage check out: then
    an error would have passed. Asking ``error_rate`` is how a suite says that it counts errors itself.
    """
    failed = [response for response in progress.responses if response.error is not None]
    if failed and not progress.accepts_errors:
        pytest.fail(visible(f"{_first(failed, len(progress.responses))}; the test passed over it"), pytrace=False)
    partial = next((score for score in progress.scores if score.unscored), None)
    if partial is not None:
        case, reason = next(iter(partial.reasons.items()))
        known = headline(partial.evidence(cases=False))
        pytest.fail(visible(f"{known}: {case}: {reason}; the test passed over it"), pytrace=False)


def _first(failed: Sequence[Response], total: int) -> str:
    response = failed[0]
    where = f"{response.trial.case.id} under {response.trial.variant}" if response.trial else "one"
    return f"{len(failed)} of {total} responses are errors ({where}: {response.error})"
