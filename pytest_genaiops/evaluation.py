"""``evaluate()``: the same evaluation without pytest, for notebooks and batch scoring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_genaiops import comparison
from pytest_genaiops.clients.assembly import client_of, shared_of
from pytest_genaiops.clients.shared import Shared
from pytest_genaiops.comparison import Changes, Ranking
from pytest_genaiops.config import DEFAULT_CONCURRENCY, DEFAULT_SEED, Settings
from pytest_genaiops.dataset import unknown_slice
from pytest_genaiops.dataset.text import listed
from pytest_genaiops.errors import DatasetError, MetricError, UsageError, VariantError
from pytest_genaiops.factorial import Factorial, factorial
from pytest_genaiops.records import Responses
from pytest_genaiops.registry import did_you_mean
from pytest_genaiops.run import Engine, Measurements, Responder, Spec, Suite, Target, judging_of, make_suite
from pytest_genaiops.score import MetricHandle, Score, ScoreGroup
from pytest_genaiops.score.metric import configured
from pytest_genaiops.score.table import places_of

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evaluation:
    """Responses of every variant with their scores under every metric."""

    suite: Suite
    responses: Mapping[str, Responses]
    """Variant id -> responses, cases in file order."""
    handles: Mapping[str, MetricHandle]

    def __repr__(self) -> str:
        """In short: a notebook shows it wherever a cell ends with one."""
        size, variants = len(self.suite.cases), listed(self.responses)
        return f"<Evaluation of {size:,} cases: variants {variants}; metrics {', '.join(self.handles)}>"

    def score(self, metric: str, variant: str) -> Score | ScoreGroup:
        """The score of one variant under one metric.

        Raises:
            UsageError: no such metric or variant in this evaluation.
        """
        if metric not in self.handles:
            raise MetricError(f"{metric!r} was not evaluated; {did_you_mean(metric, list(self.handles))}")
        self._check_variant(variant)
        found: Score | ScoreGroup = self.handles[metric](self.responses[variant])
        return found

    def frame(self) -> pd.DataFrame:
        """One row per (variant, case, trial, metric), where the metric's number is about the case.

        Columns: variant, case, trial, metric, value (NaN where unscored), reason (empty where scored), text.
        """
        import pandas as pd

        columns: dict[str, list[Any]] = {name: [] for name in ("case", "trial", "value", "reason", "text")}
        variants: list[str] = []
        metrics: list[str] = []
        for variant, responses in self.responses.items():
            rows = [(r.trial.case.id, r.trial.index, r.text) for r in responses if r.trial]
            every = [[row[i] for row in rows] for i in range(3)]  # each text once, whatever scores it
            for name, score in (pair for each in self.handles for pair in self._scores(each, variant)):
                places = places_of(score.table, every[0], every[1])
                ids, trials, texts = (each if places is None else [each[at] for at in places] for each in every)
                found = (ids, trials, score.per_case, score.why, texts)
                for column, values in zip(columns.values(), found, strict=True):
                    column.extend(values)
                variants += [variant] * len(ids)
                metrics += [name] * len(ids)
        frame = pd.DataFrame({"variant": variants, **columns, "metric": metrics})
        order = ["variant", "case", "trial", "metric", "value", "reason", "text"]
        return frame[order].astype({"variant": "category", "metric": "category", "value": "float64"})

    def record(self, *, root: Path | None = None) -> str:
        """Put responses, measurements and scores on record, as a run of its own; gives the run's id.

        ``root`` is the folder that has ``.genaiops``, by default the working directory. Secrets are taken out first.
        ``genaiops runs list`` shows the run, and ``genaiops runs diff`` what changed since another one.

        Raises:
            UsageError: the record cannot be written.
        """
        from pytest_genaiops.recording import record_evaluation

        found = {
            variant: [
                (score, handle.measurements)
                for name, handle in self.handles.items()
                for _, score in self._scores(name, variant)
            ]
            for variant in self.responses
        }
        return record_evaluation((root or Path.cwd()).absolute(), self.suite, self.responses, found)

    def compare(
        self,
        candidate: str | None = None,
        baseline: str | None = None,
        *,
        confidence: float = 0.95,
        adjust: str = "holm",
        slices: bool | None = None,
    ) -> Changes:
        """Paired comparisons under every metric, p-values adjusted over all of them.

        Args:
            candidate: a variant, against ``baseline``.
            baseline: alone: every other variant against this one. With neither, every pair of variants.
            confidence: of the interval of each change, by itself.
            adjust: ``"holm"`` (any false finding), or ``"bh"`` (Benjamini and Hochberg: share of false findings).
            slices: also within every slice; by default unless two variants are named.

        Raises:
            UsageError: no such variant, only one, or a setting that makes no sense.
        """
        pairs = self._pairs(candidate, baseline)
        within = slices if slices is not None else candidate is None
        scores = {name: self._by_key(name, slices=within) for name in dict.fromkeys(chain.from_iterable(pairs))}
        if candidate is not None:
            # A group may have a member of one side only: a class that just one variant ever predicts.
            both = set.intersection(*map(set, scores.values()))
            scores = {name: {key: own[key] for key in own if key in both} for name, own in scores.items()}
        return comparison.compare(scores, pairs, confidence=confidence, adjust=adjust)

    def ranking(
        self,
        metric: str,
        slice: str = "",  # noqa: A002 - the word of datasets and reports
        *,
        confidence: float = 0.95,
        adjust: str = "holm",
        changes: Changes | None = None,
    ) -> Ranking:
        """The variants in the order of one score, the best first, with ties where paired comparisons do not tell.

        Args:
            metric: a metric, or a member of a group, such as ``"rougeL"``.
            slice: ``"tag=value"`` to rank by the cases of a slice.
            confidence: of each interval; 1 minus this is the level at which adjusted comparisons tell variants apart.
            adjust: ``"holm"`` or ``"bh"``, over all pairs of variants.
            changes: what ``compare()`` gave for all variants with these settings: ties then agree with that table,
                whose p-values are adjusted over all of its rows.

        Raises:
            UsageError: no such score or slice, or a setting that makes no sense.
        """
        key, scores = (metric, slice), self._side_by_side(metric, slice)
        return comparison.rank(key, scores, confidence=confidence, adjust=adjust, changes=changes)

    def factorial(
        self,
        *,
        metrics: Sequence[str] | None = None,
        front: Sequence[str] | None = None,
        confidence: float = 0.95,
    ) -> Factorial:
        """What each setting does, where the variants come from a matrix: effects, interactions, the best set, a front.

        Args:
            metrics: scores to look at, members of a group such as ``"rougeL"`` among them; by default all.
            front: two scores or more to weigh against each other; by default the first one about quality, the cost
                (or the tokens) and the latency, as far as they were evaluated.
            confidence: of each interval, and with which the best set holds the best variant.

        Raises:
            UsageError: no two variants differ on an axis, no such score, or a confidence that makes no sense.
        """
        axes = {variant.id: variant.axes for variant in self.suite.variants}
        scores = {
            name: dict(pair for each in self.handles for pair in self._scores(each, name)) for name in self.responses
        }
        return Factorial(factorial(scores, axes, metrics=metrics, front=front, confidence=confidence))

    def _side_by_side(self, metric: str, part: str) -> dict[str, Score]:
        """One score of every variant that has it, over all cases or those of a slice."""
        found = {
            name: dict(pair for each in self.handles for pair in self._scores(each, name)) for name in self.responses
        }
        names = list(dict.fromkeys(chain.from_iterable(found.values())))
        if metric not in names:
            if metric in self.handles:
                members = dict.fromkeys(name for own in self.responses for name, _ in self._scores(metric, own))
                raise MetricError(f"{metric!r} is a group of scores; rank by one of them: {', '.join(members)}")
            raise MetricError(f"{metric!r} was not evaluated; {did_you_mean(metric, names)}")
        scores = {name: own[metric] for name, own in found.items() if metric in own}
        if not part:
            return scores
        cut = {name: score.slices() for name, score in scores.items()}
        parts = list(dict.fromkeys(chain.from_iterable(cut.values())))
        if part not in parts:
            hint = did_you_mean(part, parts) if parts else "no case carries a slice tag"
            raise MetricError(f"there is no slice {part!r}; {hint}")
        return {name: own[part] for name, own in cut.items() if part in own}

    def _pairs(self, candidate: str | None, baseline: str | None) -> list[comparison.Pair]:
        for name in (candidate, baseline):
            if name is not None:
                self._check_variant(name)
        if candidate is not None:
            if baseline is None:
                raise UsageError(f"compare({candidate!r}) names no baseline; name two variants, or baseline= alone")
            return [(candidate, baseline)]
        every = list(self.responses)
        if len(every) < 2:
            raise UsageError(f"{every[0]!r} is the only variant; a comparison needs two")
        if baseline is not None:
            return [(name, baseline) for name in every if name != baseline]
        return [(later, earlier) for earlier, later in combinations(every, 2)]

    def _check_variant(self, variant: str) -> None:
        if variant not in self.responses:
            raise VariantError(f"{variant!r} was not evaluated; {did_you_mean(variant, list(self.responses))}")

    def _by_key(self, variant: str, *, slices: bool) -> dict[comparison.Key, Score]:
        found: dict[comparison.Key, Score] = {}
        for name, score in (pair for each in self.handles for pair in self._scores(each, variant)):
            found[name, ""] = score
            if slices:
                found |= {(name, part): cut for part, cut in score.slices().items()}
        return found

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
        target: called as ``target(case, variant)``, sync or async; None takes the responses recorded in the dataset,
            else asks the models that the variants name.
        variants: ids, paths, globs or mappings; None takes the recorded systems, or one variant called ``default``.
        trials: calls for each case and variant.
        settings: root, limit, concurrency, timeout and so on; by default the working directory and no limits.

    Raises:
        UsageError: what is wrong in one sentence, with the file and line, and the mend.
    """
    settings = settings or Settings(root=Path.cwd(), concurrency=DEFAULT_CONCURRENCY, seed=DEFAULT_SEED)
    if target is not None and not callable(target):
        raise UsageError(f"target is {type(target).__name__}; give a callable answer(case, variant)")
    shared = shared_of(None)
    handles = _handles(metrics, settings, Measurements(judging_of(settings, shared)))
    spec = Spec(dataset=dataset, variants=variants, trials=trials)
    suite = make_suite(spec, settings, has_target=target is not None)
    _check_cases(suite, settings)
    if not suite.variants:
        raise VariantError(f"no variant's id matches {' or '.join(map(repr, settings.variants))}")
    return Evaluation(suite=suite, responses=_responses(suite, target, settings, shared), handles=handles)


def _check_cases(suite: Suite, settings: Settings) -> None:
    if suite.cases:
        return
    wrong = unknown_slice([suite.dataset.cases], settings.slices)
    tags = " and ".join(f"{tag}={value}" for tag, value in settings.slices)
    raise DatasetError(f"{suite.dataset.name}: {wrong or f'no case is in {tags}; leave one of them out'}")


def _handles(
    entries: Sequence[str | MetricHandle], settings: Settings, measurements: Measurements
) -> dict[str, MetricHandle]:
    handles: dict[str, MetricHandle] = {}
    for entry in [entries] if isinstance(entries, str) else entries:
        if not isinstance(entry, str | MetricHandle):
            raise MetricError(f"metrics takes names or metric(...), not {type(entry).__name__}")
        handle = MetricHandle(configured(entry, settings)) if isinstance(entry, str) else entry
        if handle.name in handles:
            raise MetricError(f"metrics has {handle.name!r} twice; evaluate each configuration by itself")
        handles[handle.name] = handle.remembering(measurements)
    return handles


def _responses(suite: Suite, target: Target | None, settings: Settings, shared: Shared) -> dict[str, Responses]:
    client = client_of(settings, shared=shared)
    engine = Engine(concurrency=settings.concurrency, timeout=settings.timeout, client=client)
    try:
        return _answered(suite, target, Responder(engine))
    finally:
        engine.close()
        client.memory.close()


def _answered(suite: Suite, target: Target | None, responder: Responder) -> dict[str, Responses]:
    if suite.modelled:
        from pytest_genaiops.targets import model_target

        target = model_target
    if target is None:
        return {variant.id: responder.on_record(suite, variant) for variant in suite.variants}
    plan = {variant: suite.trials_of(variant) for variant in suite.variants}
    responder.start(target, id(target), [(v, trial) for v, trials in plan.items() for trial in trials])
    return {v.id: Responses(responder.called(target, id(target), v, trials)) for v, trials in plan.items()}
