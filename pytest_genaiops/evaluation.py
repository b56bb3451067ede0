"""``evaluate()``: the same evaluation without pytest, for notebooks and batch scoring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_genaiops.config import DEFAULT_CONCURRENCY, DEFAULT_SEED, Settings
from pytest_genaiops.dataset import unknown_slice
from pytest_genaiops.errors import DatasetError, MetricError, UsageError, VariantError
from pytest_genaiops.records import Responses
from pytest_genaiops.registry import did_you_mean
from pytest_genaiops.run import Engine, Measurements, Responder, Spec, Suite, Target, make_suite
from pytest_genaiops.score import MetricHandle, Score, ScoreGroup, metric
from pytest_genaiops.statistics import holm

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One metric of a candidate against a baseline, paired by case."""

    metric: str
    candidate: float | None
    baseline: float | None
    change: float | None
    """Candidate minus baseline, on the metric's scale."""
    interval: tuple[float, float] | None
    p_value: float | None
    """Two-sided, of no difference."""
    adjusted_p_value: float | None
    """Holm-adjusted over the metrics of one comparison."""
    n: int
    """Responses that both sides scored."""
    unscored: int
    """Those that either side did not score."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evaluation:
    """Responses of every variant with their scores under every metric."""

    suite: Suite
    responses: Mapping[str, Responses]
    """Variant id -> responses, cases in file order."""
    handles: Mapping[str, MetricHandle]

    def score(self, metric: str, variant: str) -> Score | ScoreGroup:
        """The score of one variant under one metric.

        Raises:
            UsageError: no such metric or variant in this evaluation.
        """
        if metric not in self.handles:
            raise MetricError(f"{metric!r} was not evaluated; {did_you_mean(metric, list(self.handles))}")
        if variant not in self.responses:
            raise VariantError(f"{variant!r} was not evaluated; {did_you_mean(variant, list(self.responses))}")
        found: Score | ScoreGroup = self.handles[metric](self.responses[variant])
        return found

    def frame(self) -> pd.DataFrame:
        """One row per (variant, case, trial, metric).

        Columns: variant, case, trial, metric, value (NaN where unscored), reason (empty where scored), text.
        """
        import pandas as pd

        columns: dict[str, list[Any]] = {name: [] for name in ("case", "trial", "value", "reason", "text")}
        variants: list[str] = []
        metrics: list[str] = []
        for variant, responses in self.responses.items():
            rows = [(r.trial.case.id, r.trial.index, r.text) for r in responses if r.trial]
            ids, trials, texts = ([row[i] for row in rows] for i in range(3))  # each text once, whatever scores it
            for name, score in (pair for each in self.handles for pair in self._scores(each, variant)):
                found = (ids, trials, score.per_case, score.why, texts)
                for column, values in zip(columns.values(), found, strict=True):
                    column.extend(values)
                variants += [variant] * len(ids)
                metrics += [name] * len(ids)
        frame = pd.DataFrame({"variant": variants, **columns, "metric": metrics})
        order = ["variant", "case", "trial", "metric", "value", "reason", "text"]
        return frame[order].astype({"variant": "category", "metric": "category", "value": "float64"})

    def compare(self, candidate: str, baseline: str, *, confidence: float = 0.95) -> tuple[Change, ...]:
        """Every metric of one variant against another, paired by case, p-values Holm-adjusted."""
        pairs = []
        for each in self.handles:
            theirs = dict(self._scores(each, baseline))
            # A group may have a member of one side only: a class that just one variant ever predicts.
            pairs += [(name, mine, theirs[name]) for name, mine in self._scores(each, candidate) if name in theirs]
        found = [(name, a, b, a.difference(b, confidence=confidence)) for name, a, b in pairs]
        tested = [d.p_value for *_, d in found if d is not None]
        adjusted = iter(holm(tested))
        return tuple(
            Change(
                metric=name,
                candidate=a.value,
                baseline=b.value,
                change=d.value if d else None,
                interval=d.interval if d else None,
                p_value=d.p_value if d else None,
                adjusted_p_value=next(adjusted) if d else None,
                n=d.n if d else 0,
                unscored=a.n + a.unscored - (d.n if d else 0),
            )
            for name, a, b, d in found
        )

    def _scores(self, metric: str, variant: str) -> list[tuple[str, Score]]:
        found = self.score(metric, variant)
        if isinstance(found, Score):
            return [(metric, found)]
        return [(score.name, score) for score in found.scores()]


def evaluate(
    dataset: Any,
    *,
    metrics: Sequence[str | MetricHandle],
    target: Target | None = None,
    variants: str | Sequence[Any] | None = None,
    trials: int = 1,
    settings: Settings | None = None,
) -> Evaluation:
    """Run every case under every variant and score the responses.

    Args:
        dataset: a name in ``datasets/``, a path, rows (mappings with the columns of a dataset file), a pandas
            DataFrame, a dataset of Hugging Face's package, or a Dataset.
        metrics: names, or configured metrics from ``metric()``.
        target: called as ``target(case, variant)``, sync or async; None takes the responses recorded in the dataset.
        variants: ids, paths, globs or mappings; None takes the recorded systems, or one variant called ``default``.
        trials: calls for each case and variant.
        settings: root, limit, concurrency, timeout and so on; by default the working directory and no limits.

    Raises:
        UsageError: what is wrong in one sentence, with the file and line, and the mend.
    """
    settings = settings or Settings(root=Path.cwd(), concurrency=DEFAULT_CONCURRENCY, seed=DEFAULT_SEED)
    if target is not None and not callable(target):
        raise UsageError(f"target is {type(target).__name__}; give a callable answer(case, variant)")
    measurements = Measurements()
    handles = _handles(metrics, measurements)
    spec = Spec(dataset=dataset, variants=variants, trials=trials)
    suite = make_suite(spec, settings, has_target=target is not None)
    _check_cases(suite, settings)
    if not suite.variants:
        raise VariantError(f"no variant's id matches {settings.variant!r}")
    engine = Engine(concurrency=settings.concurrency, timeout=settings.timeout)
    try:
        responses = _responses(suite, target, Responder(engine))
    finally:
        engine.close()
    return Evaluation(suite=suite, responses=responses, handles=handles)


def _check_cases(suite: Suite, settings: Settings) -> None:
    if suite.cases:
        return
    wrong = unknown_slice([suite.dataset.cases], settings.slices)
    tags = " and ".join(f"{tag}={value}" for tag, value in settings.slices)
    raise DatasetError(f"{suite.dataset.name}: {wrong or f'no case is in {tags}; leave one of them out'}")


def _handles(entries: Sequence[str | MetricHandle], measurements: Measurements) -> dict[str, MetricHandle]:
    handles: dict[str, MetricHandle] = {}
    for entry in [entries] if isinstance(entries, str) else entries:
        if not isinstance(entry, str | MetricHandle):
            raise MetricError(f"metrics takes names or metric(...), not {type(entry).__name__}")
        handle = metric(entry) if isinstance(entry, str) else entry
        if handle.name in handles:
            raise MetricError(f"metrics has {handle.name!r} twice; evaluate each configuration by itself")
        handles[handle.name] = handle.remembering(measurements)
    return handles


def _responses(suite: Suite, target: Target | None, responder: Responder) -> dict[str, Responses]:
    if target is None:
        return {variant.id: responder.on_record(suite, variant) for variant in suite.variants}
    plan = {variant: suite.trials_of(variant) for variant in suite.variants}
    responder.start(target, id(target), [(v, trial) for v, trials in plan.items() for trial in trials])
    return {v.id: Responses(responder.called(target, id(target), v, trials)) for v, trials in plan.items()}
