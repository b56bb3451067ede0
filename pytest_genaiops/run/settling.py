"""What a measurement is made of: what a response lacks, what a metric gave, or what it raised."""

from __future__ import annotations

import math
from collections.abc import Mapping

from pytest_genaiops.errors import MetricError, UnscorableError, UsageError, of_ours
from pytest_genaiops.metrics.base import Metric
from pytest_genaiops.records import Case, Measurement, Response, Statistics
from pytest_genaiops.run.guard import describe

__tracebackhide__ = of_ours

MAX_CHARACTERS = 100_000
"""A longer answer is unscored: n-gram and edit-distance metrics need memory and time far beyond
its worth (10 MB of text makes 60 million character n-grams), and no answer worth gating is so long."""

COLUMNS = {
    "references": "`reference` or `references`",
    "contexts": "`context` or `contexts`",
    "label": "`label`",
    "relevant": "`relevant`",
    "tool_calls": "`tool_calls`",
    "question": "`question` or `input`",
}
_MAY_BE_EMPTY = ("relevant", "tool_calls")
"""Where nothing is relevant, nothing should be found; where no call is expected, none should be made."""


def case_of(response: Response) -> Case:
    """The case that a response answers; an empty one for a response that was made of a text alone."""
    return response.trial.case if response.trial else Case(id="")


def refused(metric: Metric, response: Response) -> Measurement | None:
    """Why a response cannot be scored, before the metric is asked: it is an error, or lacks what the metric needs."""
    if response.error is not None and not metric.judges_errors:
        return Measurement(reason=response.error.message, kind=response.error.kind)
    lacking = _lacking(metric, response, case_of(response))
    return Measurement(reason=lacking, kind="input") if lacking else None


def settled(metric: Metric, statistics: object, error: BaseException | None) -> Measurement:
    """The measurement for what a metric gave or raised.

    Raises UsageError where the metric cannot work on this dataset at all, or gives no statistics.
    """
    if isinstance(error, UnscorableError):
        return Measurement(reason=str(error), kind=error.kind)
    if isinstance(error, UsageError):
        raise error
    if error is not None:
        return Measurement(reason=f"{metric.name} raised {describe(error)}", kind="metric")
    if not isinstance(statistics, tuple) and not isinstance(statistics, Mapping):
        kind = type(statistics).__name__
        raise MetricError(f"{metric.name}: statistics() gave {kind}; return a tuple or a mapping of numbers")
    if not _finite(statistics):
        return Measurement(reason=f"{metric.name} gave a value that is not a finite number", kind="metric")
    return Measurement(statistics=statistics)


def _lacking(metric: Metric, response: Response, case: Case) -> str:
    """What this case lacks that the metric needs, as a reason; empty where nothing is missing."""
    if len(response.text) > MAX_CHARACTERS and metric.takes == "text" and not metric.judges_errors:
        return f"the answer has {len(response.text):,} characters, more than the {MAX_CHARACTERS:,} that are scored"
    for role in metric.needs:
        if role == "references":
            value: object = case.references
        elif role == "contexts":
            value = response.contexts if response.contexts is not None else case.contexts
        elif role == "label":
            value = case.label
        elif role == "relevant":
            value = case.relevant
        elif role == "tool_calls":
            value = case.tool_calls
        else:
            continue  # the question has several spellings: the metric looks it up
        if value is None:
            return f"no {COLUMNS[role]}, which {metric.name} needs"
        if value == () and role not in _MAY_BE_EMPTY:
            return f"{COLUMNS[role]} is empty, and {metric.name} needs one"
    return ""


def _finite(statistics: Statistics) -> bool:
    values = statistics if isinstance(statistics, tuple) else statistics.values()
    return all(map(math.isfinite, values))
