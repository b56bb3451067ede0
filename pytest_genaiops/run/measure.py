"""Responses to measurements: one response under one metric, worked out once."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TypeGuard

from pytest_genaiops.errors import MetricError, UnscorableError, UsageError, of_ours
from pytest_genaiops.metrics.base import Metric
from pytest_genaiops.records import Case, Measurement, Response, Responses, Statistics
from pytest_genaiops.run.guard import attempt, describe
from pytest_genaiops.run.measured import Measured, Outline
from pytest_genaiops.sequences import Lazy

__tracebackhide__ = of_ours

MAX_CHARACTERS = 100_000
"""A longer answer is unscored: n-gram and edit-distance metrics need memory and time far beyond
its worth (10 MB of text makes 60 million character n-grams), and no answer worth gating is so long."""

COLUMNS = {
    "references": "`reference` or `references`",
    "contexts": "`context` or `contexts`",
    "label": "`label`",
    "question": "`question` or `input`",
}


class Measurements:
    """What has been measured so far: each response is read once under each metric, however many tests ask."""

    __slots__ = ("_known", "_large", "_outlines")

    def __init__(self) -> None:
        self._known: dict[Metric, dict[int, tuple[Response, Measurement]]] = {}
        self._large: dict[tuple[Metric, int], Measured] = {}
        self._outlines: dict[int, tuple[Responses, Outline]] = {}

    def of(self, metric: Metric, responses: Sequence[Response]) -> Sequence[Measurement]:
        """Measurements in the order of the responses.

        Raises:
            UsageError: the metric cannot work on this dataset at all.
        """
        if is_large(responses):
            return self._of_large(metric, responses)
        # The response is kept beside its measurement so that its id() cannot be given to another one.
        known = self._known.setdefault(metric, {})
        found = []
        for response in responses:
            entry = known.get(id(response))
            if entry is None:
                entry = known[id(response)] = (response, measure(metric, response))
            found.append(entry[1])
        return found

    def outline(self, responses: Responses) -> Outline:
        """What was noted of the rows of a large dataset while its responses were measured."""
        return self._outlines[id(responses)][1]

    def _of_large(self, metric: Metric, responses: Responses) -> Measured:
        found = self._large.get((metric, id(responses)))
        if found is None:
            found, outline = Measured(), Outline()
            noted = id(responses) in self._outlines
            for response in responses:
                found.append(measure(metric, response))
                if not noted and response.trial is not None:
                    outline.append(response.trial.case)
            self._large[metric, id(responses)] = found
            self._outlines.setdefault(id(responses), (responses, outline))
        return found


def is_large(responses: Sequence[Response]) -> TypeGuard[Responses]:
    """Whether these are responses of a dataset that is not held in memory, made anew whenever they are read."""
    return isinstance(responses, Responses) and isinstance(responses.cases, Lazy)


def measure(metric: Metric, response: Response) -> Measurement:
    """One response under one metric: statistics, or the reason why there are none."""
    if response.error is not None and not metric.judges_errors:
        return Measurement(reason=response.error.message, kind=response.error.kind)
    case = response.trial.case if response.trial else Case(id="")
    lacking = _lacking(metric, response, case)
    if lacking:
        return Measurement(reason=lacking, kind="input")
    statistics, error = attempt(metric.statistics, response, case)
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
        else:
            continue  # the question has several spellings: the metric looks it up
        if value is None:
            return f"no {COLUMNS[role]}, which {metric.name} needs"
        if value == ():
            return f"{COLUMNS[role]} is empty, and {metric.name} needs one"
    return ""


def _finite(statistics: Statistics) -> bool:
    values = statistics if isinstance(statistics, tuple) else statistics.values()
    return all(map(math.isfinite, values))
