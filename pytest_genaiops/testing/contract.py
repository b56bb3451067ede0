"""Whether a metric keeps the contract of ``metrics/base.py``: for tests of people who write one, and for our own."""

from __future__ import annotations

import dataclasses
import math
import pickle
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pytest_genaiops.clients.assembly import client_of, shared_of
from pytest_genaiops.config import Settings
from pytest_genaiops.errors import MetricError, UnscorableError
from pytest_genaiops.metrics.base import Metric, Part, add_up
from pytest_genaiops.metrics.judged import Judged
from pytest_genaiops.metrics.judged.judge import judge_of
from pytest_genaiops.records import Case, Measurement, Response, Statistics, Trial
from pytest_genaiops.run import Engine, Judging
from pytest_genaiops.run.guard import attempt, describe
from pytest_genaiops.run.measure import Measurements
from pytest_genaiops.score.metric import own_metric

Example = tuple[Response, Case]
Anew = Callable[[], Measurements]
EXACT = 1e-9
CLOSE = 1e-6


def check_metric(metric: Any, examples: Sequence[Example], *, judge: Any = None) -> None:
    """Check a metric on a few responses to cases, at least one of which it can score.

    Checked is that it names and describes itself; that it is hashable, equal to itself, frozen, and holds no results;
    that the statistics of a response are finite numbers, the same again, alone, and beside others in another order;
    that they add up: the score of all is that of the sums; that values and scores are on the scale; that a case
    that lacks what the metric needs is unscored with a reason, and an empty answer likewise, unless it has a value on
    the scale; that evidence stands in the answer, a reference or a context; and that it goes to another process.

    Args:
        metric: what ``@metric`` made, a class on ``metrics.base.Metric``, or an object of one.
        examples: (response, case) pairs; two or more that differ make a better check than one.
        judge: for a metric that asks one: a file, or ``{"model": {...}}``, such as one with the address of a
            :class:`~pytest_genaiops.testing.FakeServer`. It is asked some six times for each example.

    Raises:
        AssertionError: the first thing that the metric does not keep, in one sentence.
        MetricError: it is no metric at all.
    """
    found = own_metric(metric)
    rows = [_row(response, case, str(i)) for i, (response, case) in enumerate(examples)]
    _check(bool(rows), found, "is checked with no examples; give (response, case) pairs that it can score")
    _identity(found)
    if not isinstance(found, Judged):
        _measures(found, rows, Measurements)
        return
    settings = Settings(root=Path.cwd(), cache="off")
    if judge is not None:
        found = dataclasses.replace(found, judge=judge_of(judge, settings.root))
    with _judging(settings) as judging:
        _measures(found, rows, lambda: Measurements(judging))


def _measures(metric: Metric, rows: Sequence[Response], anew: Anew) -> None:
    measured = _measured(metric, rows, anew)
    scored = [m.statistics for m in measured if m.statistics is not None]
    if not scored:
        _check(False, metric, f"scores none of the examples: {measured[0].reason}")
    _purity(metric, rows, measured, anew)
    _sums(metric, scored)
    _nothing_to_score(metric, rows, anew)
    _evidence(metric, rows, measured)


@contextmanager
def _judging(settings: Settings) -> Iterator[Judging]:
    """Who asks judges: an engine of its own, which ends with the check."""
    client = client_of(settings, shared=shared_of(None))
    engine = Engine(concurrency=settings.concurrency, client=client)
    try:
        yield Judging(lambda: engine, settings.root)
    finally:
        engine.close()
        client.memory.close()


def _identity(metric: Metric) -> None:
    cls = type(metric)
    _check(isinstance(metric.name, str) and metric.name.isidentifier(), metric, "has a name that is no identifier")
    _check(bool((cls.__doc__ or "").strip()), metric, "has no docstring: say what it measures, and on which scale")
    low, high = metric.scale
    _check(low < high, metric, f"has the scale {metric.scale}; the lowest value comes first")
    _check(isinstance(metric.higher_is_better, bool), metric, "does not say whether higher is better: True or False")
    code, error = attempt(hash, metric)
    _check(error is None, metric, "cannot be hashed: make it a frozen dataclass whose options are hashable")
    _check(metric == metric and code == hash(metric), metric, "is not equal to itself")  # noqa: PLR0124 - tried out
    again = dataclasses.replace(metric) if dataclasses.is_dataclass(metric) else metric
    _check(again == metric, metric, "is not equal to one with the same options: make it a frozen dataclass")
    _check(_is_frozen(metric), metric, "can be changed: make it a frozen dataclass (frozen=True)")
    sent, error = attempt(lambda: pickle.loads(pickle.dumps(metric)))  # noqa: S301 - what was written here
    _check(error is None, metric, f"does not go to another process: {describe(error) if error else ''}")
    _check(sent == metric, metric, "comes back from another process as another one")


def _is_frozen(metric: Metric) -> bool:
    if dataclasses.is_dataclass(metric):
        return bool(type(metric).__dataclass_params__.frozen)
    return not vars(metric)


def _purity(metric: Metric, rows: Sequence[Response], measured: Sequence[Measurement], anew: Anew) -> None:
    before = dict(vars(metric)) if hasattr(metric, "__dict__") else {}
    again = _measured(metric, rows, anew)
    backwards = _measured(metric, rows[::-1], anew)[::-1]
    alone = [_measured(metric, [row], anew)[0] for row in rows]
    for how, others in (("a second time", again), ("in another order", backwards), ("alone", alone)):
        for i, (one, other) in enumerate(zip(measured, others, strict=True)):
            what = f"gives example {i} {how} {_shown(other)}, and {_shown(one)} at first: its statistics must be pure"
            _check(_same(metric, one, other), metric, what)
    after = dict(vars(metric)) if hasattr(metric, "__dict__") else {}
    _check(before == after, metric, "keeps something of the responses that it has seen")


def _same(metric: Metric, one: Measurement, other: Measurement) -> bool:
    if not metric.batched or not isinstance(one.statistics, tuple) or not isinstance(other.statistics, tuple):
        return one.statistics == other.statistics and one.reason == other.reason
    # What is worked out together on vectors may differ in the last places.
    pairs = zip(one.statistics, other.statistics, strict=True)
    return all(math.isclose(a, b, rel_tol=CLOSE, abs_tol=CLOSE) for a, b in pairs)


def _sums(metric: Metric, scored: Sequence[Statistics]) -> None:
    _check(len({type(each) for each in scored}) == 1, metric, "gives tuples and mappings; give one of them always")
    widths = {len(each) for each in scored if isinstance(each, tuple)}
    _check(len(widths) <= 1, metric, f"gives statistics of different widths, {sorted(widths)}: they cannot be added up")
    total = add_up(scored)
    for part in _parts(metric, total):
        if part.quantile is not None:
            continue
        having = [each for each in scored if part.lacking is None or not part.lacking(each)]
        if having:
            _part(metric, part, having)


def _part(metric: Metric, part: Part, having: Sequence[Statistics]) -> None:
    value, error = attempt(part.score, add_up(having), len(having))
    if isinstance(error, UnscorableError):
        return
    _check(error is None, metric, f"has no {part.name} of its sums: {describe(error) if error else ''}")
    _on_scale(metric, part, value, "score")
    own = [part.case_score(each) for each in having]
    for each in own:
        _on_scale(metric, part, each, "value of one response")
    mean = math.fsum(own) / len(own)
    same = not part.is_mean or math.isclose(mean, value, rel_tol=EXACT, abs_tol=EXACT)
    _check(same, metric, f"says that {part.name} is a mean, and scores {value} where the mean is {mean}")


def _on_scale(metric: Metric, part: Part, value: Any, what: str) -> None:
    low, high = part.scale
    room = EXACT * max([1.0, *(abs(end) for end in (low, high) if math.isfinite(end))])
    _check(isinstance(value, float | int), metric, f"has a {what} of {part.name} that is {type(value).__name__}")
    held = math.isfinite(value) and low - room <= value <= high + room
    _check(held, metric, f"has the {what} {value} of {part.name}, which is not on its scale {low:g} to {high:g}")


def _parts(metric: Metric, total: Any) -> Iterable[Part]:
    found: list[Any] = list(metric.parts(total).values()) or [metric.part()]
    while found:
        part = found.pop(0)
        if isinstance(part, Mapping):
            found += part.values()
        else:
            yield part
            found += part.children.values()


def _nothing_to_score(metric: Metric, rows: Sequence[Response], anew: Anew) -> None:
    without = []
    if metric.needs:
        empty = dataclasses.replace(rows[0], contexts=None, trial=Trial(case=Case(id="0"), variant=""))
        without.append(("an empty case", empty))
    if metric.takes == "text" and not metric.judges_errors:
        without.append(("an empty answer", dataclasses.replace(rows[0], text="", label=None, contexts=None)))
    for what, row in without:
        found, error = attempt(_measured, metric, [row], anew)
        if isinstance(error, MetricError):
            continue
        _check(error is None, metric, f"breaks over {what}: {describe(error) if error else ''}")
        if found[0].statistics is None:
            _check(bool(found[0].reason), metric, f"leaves {what} unscored without a reason")
            continue
        _check(what != "an empty case", metric, f"scores {what}, which lacks {', '.join(metric.needs)}")
        _sums(metric, [found[0].statistics])


def _evidence(metric: Metric, rows: Sequence[Response], measured: Sequence[Measurement]) -> None:
    for row, measurement in zip(rows, measured, strict=True):
        if measurement.statistics is None or row.trial is None:
            continue
        found, error = measurement.explanation, None
        if found is None:
            found, error = attempt(metric.explain, row, row.trial.case)
        if isinstance(error, UnscorableError):
            continue
        _check(error is None, metric, f"cannot explain what it scored: {describe(error) if error else ''}")
        # Evidence of what an answer leaves out stands in a reference.
        texts = (row.text, *(row.trial.case.references or ()), *(row.contexts or row.trial.case.contexts or ()))
        for span in (*found.sentences, *found.unsupported):
            within = [text for text in texts if 0 <= span.start <= span.end <= len(text)]
            _check(within, metric, f"shows {span.start} to {span.end} of an answer of {len(row.text)} characters")
            held = any(text[span.start : span.end] == span.text for text in within)
            _check(held, metric, f"shows {span.text!r} where the answer has {row.text[span.start : span.end]!r}")


def _measured(metric: Metric, rows: Sequence[Response], anew: Anew) -> list[Measurement]:
    """Measured anew: responses of plain texts are not kept."""
    return list(anew().of(metric, [dataclasses.replace(row) for row in rows]))


def _row(response: Response, case: Case, row: str) -> Response:
    case = case if case.id else dataclasses.replace(case, id=row)
    return dataclasses.replace(response, trial=Trial(case=case, variant=""))


def _shown(measurement: Measurement) -> str:
    return measurement.reason if measurement.statistics is None else repr(measurement.statistics)[:200]


def _check(holds: object, metric: Metric, what: str) -> None:
    if not holds:
        raise AssertionError(f"{metric.name or type(metric).__name__} {what}")
