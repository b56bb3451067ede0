"""Responses to measurements: one response under one metric, worked out once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeGuard

from pytest_genaiops.errors import MetricError, of_ours
from pytest_genaiops.metrics.base import Metric
from pytest_genaiops.metrics.judged import Judged
from pytest_genaiops.records import Measurement, Response, Responses
from pytest_genaiops.run.guard import attempt
from pytest_genaiops.run.judging import Judging
from pytest_genaiops.run.measured import Measured, Outline
from pytest_genaiops.run.settling import case_of, refused, settled
from pytest_genaiops.sequences import Lazy

__tracebackhide__ = of_ours

AT_ONCE = 512
"""Responses of a large dataset that are measured together, where that is faster."""


class Measurements:
    """What has been measured so far: each response is read once under each metric, however many tests ask."""

    __slots__ = ("_known", "_large", "_outlines", "judging")

    def __init__(self, judging: Judging | None = None) -> None:
        self.judging = judging
        """Asks judges; None where nobody can."""
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
        new = [response for response in responses if id(response) not in known]
        if new:
            known.update((id(r), (r, m)) for r, m in zip(new, self._measured(metric, new), strict=True))
        return [known[id(response)][1] for response in responses]

    def know(self, metric: Metric, responses: Sequence[Response], measurements: Sequence[Measurement]) -> None:
        """Take in what was measured of responses before, in their order: none of them is measured again."""
        known = self._known.setdefault(metric, {})
        known.update((id(r), (r, m)) for r, m in zip(responses, measurements, strict=True))

    def known(self, metric: Metric, responses: Sequence[Response]) -> Sequence[Measurement | None]:
        """What has been measured of responses, in their order, without measuring any; None for the others.

        Of a large dataset all or nothing: then it is empty.
        """
        if is_large(responses):
            return self._large.get((metric, id(responses)), ())
        known = self._known.get(metric, {})
        return [found[1] if (found := known.get(id(response))) is not None else None for response in responses]

    def outline(self, responses: Responses) -> Outline:
        """What was noted of the rows of a large dataset while its responses were measured."""
        return self._outlines[id(responses)][1]

    def _of_large(self, metric: Metric, responses: Responses) -> Measured:
        found = self._large.get((metric, id(responses)))
        if found is None:
            found, outline = Measured(), Outline()
            noted = id(responses) in self._outlines
            together = AT_ONCE if metric.batched or isinstance(metric, Judged) else 1
            for part in _parts(responses, together):
                for response, measurement in zip(part, self._measured(metric, part), strict=True):
                    found.append(measurement)
                    if not noted and response.trial is not None:
                        outline.append(response.trial.case)
            self._large[metric, id(responses)] = found
            self._outlines.setdefault(id(responses), (responses, outline))
        return found

    def _measured(self, metric: Metric, responses: Sequence[Response]) -> Sequence[Measurement]:
        if isinstance(metric, Judged):
            if self.judging is None:
                raise MetricError(f"{metric.name} asks a model, and nobody here can: use metric({metric.name!r})")
            return self.judging.of(metric, responses)
        if metric.batched:
            return _batch(metric, responses)
        return [measure(metric, response) for response in responses]


def is_large(responses: Sequence[Response]) -> TypeGuard[Responses]:
    """Whether these are responses of a dataset that is not held in memory, made anew whenever they are read."""
    return isinstance(responses, Responses) and isinstance(responses.cases, Lazy)


def measure(metric: Metric, response: Response) -> Measurement:
    """One response under one metric: statistics, or the reason why there are none."""
    short = refused(metric, response)
    return settled(metric, *attempt(metric.statistics, response, case_of(response))) if short is None else short


def _batch(metric: Metric, responses: Sequence[Response]) -> list[Measurement]:
    found = [refused(metric, response) for response in responses]
    rows = [(r, case_of(r)) for r, short in zip(responses, found, strict=True) if short is None]
    given, error = attempt(metric.batch, rows) if rows else ([], None)
    if error is not None:  # the metric's own fault, and not one row's
        results: list[object] = [error] * len(rows)
    else:
        results = list(given)
    if len(results) != len(rows):
        raise MetricError(f"{metric.name}: batch() gave {len(results)} results for {len(rows)} rows; return one each")
    left = iter(results)
    return [_of_row(metric, next(left)) if short is None else short for short in found]


def _of_row(metric: Metric, result: object) -> Measurement:
    return settled(metric, None, result) if isinstance(result, Exception) else settled(metric, result, None)


def _parts(responses: Sequence[Response], size: int) -> Iterator[list[Response]]:
    part: list[Response] = []
    for response in responses:
        part.append(response)
        if len(part) == size:
            yield part
            part = []
    if part:
        yield part
