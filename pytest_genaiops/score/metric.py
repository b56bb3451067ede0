"""``metric()``: a metric that is called like a function, on texts or on responses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, overload

from pytest_genaiops.config import Settings
from pytest_genaiops.errors import MetricError, of_ours
from pytest_genaiops.metrics.base import Metric
from pytest_genaiops.metrics.custom import AsyncFunctionMetric, metric_of
from pytest_genaiops.metrics.judged import Judged
from pytest_genaiops.metrics.judged.judge import judge_of
from pytest_genaiops.records import Case, Measurement, Response, Responses
from pytest_genaiops.registry import did_you_mean, judged_names, metric_object
from pytest_genaiops.run import Arriving
from pytest_genaiops.run.judging import Judging, own_judging
from pytest_genaiops.run.measure import Measurements, is_large
from pytest_genaiops.run.settling import COLUMNS
from pytest_genaiops.score.arriving import Call, arriving
from pytest_genaiops.score.committed import Committed
from pytest_genaiops.score.group import ScoreGroup, build
from pytest_genaiops.score.handle import Score
from pytest_genaiops.score.pairs import pairs
from pytest_genaiops.score.plain import responses_from
from pytest_genaiops.score.steps import of_step
from pytest_genaiops.score.table import Table, summed
from pytest_genaiops.score.watching import WATCH
from pytest_genaiops.sequences import Mapped

__tracebackhide__ = of_ours

ROLES = ["references", "contexts", "questions", "labels", "relevant", "tool_calls", "ids", "clusters"]


class MetricHandle:
    """A configured metric, called on hypotheses and references or on responses.

    Holds no results: every call gives a new Score or ScoreGroup.
    """

    __slots__ = ("_measurements", "_metric")

    def __init__(self, metric: Metric, *, measurements: Measurements | None = None) -> None:
        self._metric = metric
        self._measurements = measurements

    def __repr__(self) -> str:
        known: list[Any] = [*fields(self._metric)] if is_dataclass(self._metric) else []
        given = [(field.name, getattr(self._metric, field.name), field.default) for field in known]
        options = ", ".join(f"{name}={value!r}" for name, value, default in given if value != default)
        return f"<metric {self.name}({options})>" if options else f"<metric {self.name}>"

    @property
    def name(self) -> str:
        """Of the metric, as it is registered."""
        return self._metric.name

    @property
    def metric(self) -> Metric:
        """The metric itself."""
        return self._metric

    @property
    def measurements(self) -> Measurements | None:
        """What keeps what the metric measures; None where nothing does."""
        return self._measurements

    def remembering(self, measurements: Measurements) -> MetricHandle:
        """The same metric; what it measures is kept in ``measurements``."""
        return MetricHandle(self._metric, measurements=measurements)

    def __call__(self, first: Any, second: Any = None, /, **named: Any) -> Any:
        """Score texts or responses.

        Args:
            first: n texts (for ``cross_entropy`` n mappings of class to probability, for ``latency`` n numbers of
                seconds); or a Response or a sequence of them, whose cases bring everything else; or a committed
                baseline, whose score is made from what was measured when it was written.
            second: what the metric compares with, n items: references (each one string, or a list of strings),
                labels, contexts or questions, whichever the metric needs first.
            named: ``references=``, ``contexts=``, ``questions=``, ``labels=``, ``ids=``, ``clusters=`` (n items each),
                and options of the metric for this call only. ``step=`` names a step of the responses, by its id or its
                agent, whose output is scored in place of the answer.

        Returns:
            Score, or ScoreGroup for a metric of several numbers. Of ``rubric`` called with its criteria alone, the
            rubric.

        Raises:
            MetricError: lengths differ, an option is unknown, or the cases lack what the metric needs.
        """
        opening = self._metric.opens_with
        if opening and isinstance(first, str) and second is None and not getattr(self._metric, opening):
            return self._configured({opening: first, **named})
        if "step" in named and "step" not in _options(self._metric):
            return self._of_step(named.pop("step"), named)(first, second, **named)
        roles = {key: named.pop(key) for key in ROLES if key in named}
        if named:
            return self._configured(named)(first, second, **roles)
        if self._metric.pairwise:
            first, second, roles = pairs(self._metric, first, second, roles), None, {}
        if second is not None:
            roles[self._second_role(roles)] = second
        if isinstance(first, Committed):
            return self._of_committed(first, roles)
        found = self._found(first, roles)
        # A baseline's responses, scored for a comparison, are not what a test is about: they are not told of.
        if (watch := WATCH.get()) is not None:
            watch.score(self._metric, found)
        return found

    def _found(self, first: Any, roles: Mapping[str, Any]) -> Any:
        if isinstance(first, Arriving) and first and not first.at_once:
            self._refuse(roles)
            return arriving(self._call(first))
        return self._score(self._responses(first, roles))

    def _of_step(self, step: Any, named: dict[str, Any]) -> MetricHandle:
        """The handle of the metric for one step, with the options that are taken out of ``named``."""
        options = {key: named.pop(key) for key in list(named) if key not in ROLES}
        base = self._configured(options) if options else self
        return MetricHandle(of_step(base.metric, step), measurements=base.measurements)

    def _of_committed(self, baseline: Committed, roles: Mapping[str, Any]) -> Score | ScoreGroup:
        self._refuse(roles)
        if baseline.responses:
            return self._score(baseline.responses)
        return build(baseline.table(self._metric, signature_of(self._metric, baseline.cases, [baseline.dataset])))

    def _refuse(self, roles: Mapping[str, Any]) -> None:
        if roles:
            raise MetricError(f"{self.name}: responses bring their own {', '.join(roles)}; leave the argument out")

    def _responses(self, first: Any, roles: Mapping[str, Any]) -> Sequence[Response]:
        if not _are_responses(first):
            return responses_from(self._metric, first, roles)
        given = [first] if isinstance(first, Response) else first
        if all(response.trial is None for response in given):
            return responses_from(self._metric, given, roles)
        self._refuse(roles)
        checked: Sequence[Response] = given
        return checked

    def _score(self, responses: Sequence[Response]) -> Score | ScoreGroup:
        # Responses made of plain texts are nobody else's: what is kept of them would only fill the memory.
        kept = self._measurements if any(r.trial and r.trial.dataset for r in responses[:1]) else None
        known = kept or Measurements(self._judging())
        found = known.of(self._metric, responses)
        cases = _cases(responses)
        _check_roles(self._metric, cases, found)
        outline = known.outline(responses) if is_large(responses) else None
        table = Table(
            metric=self._metric,
            responses=responses,
            measurements=found,
            ids=Mapped(_id, cases) if outline else [case.id for case in cases],
            signature=signature_of(self._metric, cases, _datasets(responses)),
            clusters=outline.clusters if outline else _clusters(responses),
            slices=outline.slices if outline else None,
            score_again=self._score,
        )
        return build(summed(table))

    def _call(self, responses: Arriving) -> Call:
        """A call whose responses are still arriving; what is measured of them is kept in any case."""
        known = self._measurements or Measurements(self._judging())
        handle, trials = self.remembering(known), responses.trials
        return Call(
            responses=responses,
            metric=self._metric,
            signature=signature_of(self._metric, [t.case for t in trials], {t.dataset for t in trials if t.dataset}),
            measure=partial(known.of, self._metric),
            score=handle._score,
            on=handle._call,
        )

    def _configured(self, options: Mapping[str, Any]) -> MetricHandle:
        judging = self._measurements.judging if self._measurements else None
        # One that is named after its options is no name to make another by.
        own = isinstance(self._metric, AsyncFunctionMetric) or type(self._metric).name != self.name
        if "judge" in options and own:
            root, default = (judging.root, judging.default) if judging else (Path.cwd(), None)
            judge = judge_of(options["judge"], root, default=default)
            changed = _with_options(self._metric, {**options, "judge": judge})
        elif "judge" in options and judging is not None:
            changed = make(self.name, root=judging.root, default=judging.default, **options)
        elif "judge" in options:
            changed = make(self.name, **options)
        else:
            changed = _with_options(self._metric, options)
        return MetricHandle(changed, measurements=self._measurements)

    def _judging(self) -> Judging | None:
        """Who asks judges: the session, or for a metric that belongs to none this process."""
        if not isinstance(self._metric, Judged):
            return None
        if self._measurements is not None:
            return self._measurements.judging
        watch = WATCH.get()
        return (watch and watch.judging) or own_judging()

    def _second_role(self, roles: Mapping[str, Any]) -> str:
        first_need = self._metric.needs[0] if self._metric.needs else "references"
        role = {"label": "labels", "question": "questions"}.get(first_need, first_need)
        if role in roles:
            raise MetricError(f"{self.name}: {role} are given twice, by position and by name")
        return role


@overload
def metric(what: str | type[Metric] | Callable[..., Any], /, **options: Any) -> MetricHandle: ...
@overload
def metric(
    *, name: str = ..., scale: tuple[float, float] = ..., higher_is_better: bool = ..., needs: Sequence[str] = ...
) -> Callable[[Callable[..., Any]], MetricHandle]: ...
def metric(what: Any = None, /, **options: Any) -> Any:
    """The metric of a name, configured: what the fixture of that name hands out. Or a metric of one's own.

    ``judge`` names the model that judges, for metrics that can ask one: a file with ``model`` and ``parameters`` (or
    its name in ``judges/``), ``ragas:FILE``, or ``embedded`` for what needs no model.

    As a decorator, ``@metric`` or ``@metric(name=…, scale=…, higher_is_better=…, needs=…)``, it makes a metric of
    ``function(response, case)``, which gives a number on the scale (0 to 1, unless it says otherwise), a bool, or None
    where it has no value. An async function may take as third argument the judge, and ask it: ``await judge("…")``. A
    class on ``pytest_genaiops.metrics.base.Metric`` is given as it is: ``metric(Tone)``.

    Raises:
        MetricError: unknown name or option; the message names the nearest known one. Or what is given is no metric.
    """
    if isinstance(what, str):
        return MetricHandle(make(what, **options))
    if what is None:
        return partial(metric, **options)
    return MetricHandle(metric_of(what, options))


def own_metric(given: Any) -> Metric:
    """The metric in what a hook or an entry point gives: a handle, a class, or an object of one.

    Raises:
        MetricError: it is none of these.
    """
    found = given.metric if isinstance(given, MetricHandle) else given
    if isinstance(found, type):
        found = metric_of(found, {})
    if not isinstance(found, Metric):
        raise MetricError(
            f"{type(given).__name__} is no metric; give what @metric made, or a class on metrics.base.Metric"
        )
    return found


def make(name: str, *, root: Path | None = None, default: str | None = None, **options: Any) -> Metric:
    """The bare metric object of a registered name.

    Paths of judges are relative to ``root``, by default the working directory; ``default`` is the judge that the
    configuration names. With ``step`` it is about that step of an answer, unless the metric has such an option itself.
    """
    step = options.pop("step", None)
    plain = name.removesuffix(f"[{step}]")
    if step is not None and "step" not in _options(metric_object(plain)):
        return of_step(make(plain, root=root, default=default, **options), step)
    options |= {} if step is None else {"step": step}
    if "judge" not in options or not judged_names(name):
        found: Metric = _with_options(metric_object(name), options)
        return found
    judge = judge_of(options.pop("judge"), root or Path.cwd(), default=default)
    if judge is None:
        return make(name, **options)
    return _with_options(metric_object(name, judged_by=judge.through), {"judge": judge, **options})


def configured(name: str, settings: Settings, **given: Any) -> Metric:
    """The metric as the session's settings have it: with their prices and their judge, and with the options given.

    A metric that ragas does not have is asked of the same model with our own prompt.
    """
    options: dict[str, Any] = {"prices": settings.prices} if name == "cost" else {}
    if settings.judge is not None and (known := judged_names(name)):
        judge = judge_of(settings.judge, settings.root, default=settings.judge_file)
        if judge is not None and judge.through not in known:
            judge = replace(judge, through="endpoint")
        options["judge"] = judge
    return make(name, root=settings.root, default=settings.judge_file, **{**options, **given})


def _with_options(base: Metric, options: Mapping[str, Any]) -> Metric:
    if not options:
        return base
    known = _options(base)
    for option in options:
        if option not in known:
            has = did_you_mean(option, known) if known else "it has no options"
            raise MetricError(f"{base.name} has no option {option!r}; {has}")
    changed: Metric = replace(base, **options)  # type: ignore[type-var]
    return changed


def _options(base: Metric) -> list[str]:
    return [field.name for field in fields(base)] if is_dataclass(base) else []


def _are_responses(value: Any) -> bool:
    if isinstance(value, Response) or (isinstance(value, Responses) and value):
        return True
    return isinstance(value, Sequence) and bool(value) and all(isinstance(item, Response) for item in value)


def _cases(responses: Sequence[Response]) -> Sequence[Case]:
    if isinstance(responses, Responses) and responses.cases is not None:
        return responses.cases
    return [response.trial.case for response in responses if response.trial]


def _id(case: Case) -> str:
    return case.id


def _check_roles(metric: Metric, cases: Sequence[Case], measurements: Sequence[Measurement]) -> None:
    """Raise where no case at all has what the metric needs: that is the suite's fault, not the cases'."""
    if not cases or any(m.kind != "input" for m in measurements):
        return
    for role in metric.needs:
        if role in COLUMNS and all(m.reason == f"no {COLUMNS[role]}, which {metric.name} needs" for m in measurements):
            where = cases[0].source or "the arguments"
            raise MetricError(f"{metric.name} needs {COLUMNS[role]}, and no case has it (first case: {where})")


def _datasets(responses: Sequence[Response]) -> Iterable[str]:
    given = responses[:1] if is_large(responses) else responses  # recorded responses are of one dataset
    return {r.trial.dataset for r in given if r.trial and r.trial.dataset}


def signature_of(metric: Metric, cases: Sequence[Case], datasets: Iterable[str]) -> str:
    """What a score of these cases depends on beside the texts, as ``key:value`` items joined by ``|``."""
    items = {key: str(value).replace("|", "/") for key, value in metric.signature(cases).items()}
    if data := "+".join(sorted({dataset[:12] for dataset in datasets})):
        items["data"] = data
    return "|".join([metric.name, *(f"{key}:{value}" for key, value in items.items())])


def _clusters(responses: Sequence[Response]) -> list[str] | None:
    """The cluster of every row, where there are any: the case's own, or the case itself over its trials."""
    if not any(r.trial and (r.trial.case.cluster is not None or r.trial.index > 1) for r in responses):
        return None
    keys = []
    for response in responses:
        assert response.trial is not None
        case = response.trial.case
        keys.append(f"cluster {case.cluster}" if case.cluster is not None else f"case {case.id}")
    return keys
