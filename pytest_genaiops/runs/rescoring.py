"""New metrics over the answers of a recorded run -> a new run, which has the old measurements and the new ones."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from pytest_genaiops.config import Rules, Settings
from pytest_genaiops.dataset.text import printable, quoted
from pytest_genaiops.errors import MetricError, UsageError
from pytest_genaiops.metrics.base import Metric
from pytest_genaiops.recording import SuiteRecord, origin, settings_facts
from pytest_genaiops.records import Responses
from pytest_genaiops.registry import did_you_mean
from pytest_genaiops.run import Judging, Measurements
from pytest_genaiops.runs.bycase import averaged
from pytest_genaiops.runs.document import going_by
from pytest_genaiops.runs.run import Loaded, Run
from pytest_genaiops.runs.settings import rules_of
from pytest_genaiops.score import MetricHandle, Score
from pytest_genaiops.store import NAME, Writer, new_id
from pytest_genaiops.store.copy import copied


@dataclass(frozen=True, slots=True, kw_only=True)
class Rescored:
    """One number of a variant under a new metric."""

    suite: str
    variant: str
    score: Score
    interval: tuple[float, float] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measured:
    """A metric over the responses of one variant."""

    loaded: Loaded
    variant: str
    scores: Sequence[Score]
    """As they were measured."""
    known: Measurements

    @property
    def title(self) -> str:
        """Of the suite."""
        return self.loaded.recorded.row.title


def rescore(
    run: Run,
    metrics: Sequence[Metric],
    settings: Settings,
    *,
    suite: str | None = None,
    variant: str | None = None,
    judging: Judging | None = None,
) -> tuple[str, list[Rescored]]:
    """Measure recorded answers under further metrics, without a call of any target; gives the new run and its scores.

    The new run is of kind ``rescore``, with the old one as its parent: suites, answers, outcomes, verdicts and old
    measurements are in it as well. What the old run has measured under a metric already is not measured again.

    Args:
        run: the one with the answers.
        metrics: what to measure by.
        settings: of the project: its root and its folder.
        suite: a title, a glob or a part of one: others are copied as they are.
        variant: a glob on ids, likewise.
        judging: asks judges, for metrics that need one.

    Raises:
        UsageError: no suite or variant is called this, a metric cannot work on a suite's cases or lacks its package,
            or the record cannot be written.
    """
    loaded = run.loaded(suite)
    names = list(dict.fromkeys(name for each in loaded for name in each.evaluation.responses))
    if variant is not None and not any(fnmatchcase(name, variant) for name in names):
        raise UsageError(f"no variant's id matches {quoted(variant)}; {did_you_mean(variant, names)}")
    found = [
        measured for each in loaded for metric in metrics for measured in _measured(each, metric, variant, judging)
    ]
    told = [rescored for each in found for rescored in _told(run, each)]
    return _written(run, found, told, settings), told


def _measured(loaded: Loaded, metric: Metric, variant: str | None, judging: Judging | None) -> list[_Measured]:
    if metric.pairwise:
        raise MetricError(f"{metric.name} compares two answers; a run is rescored answer by answer")
    handle = MetricHandle(metric, measurements=Measurements(judging))
    before = next((each for each in loaded.evaluation.handles.values() if each.metric == metric), None)
    found = []
    for name, responses in loaded.evaluation.responses.items():
        if variant is None or fnmatchcase(name, variant):
            known = Measurements(judging)
            if before is not None and before.measurements is not None:
                _know(known, metric, responses, before.measurements)
            score = handle.remembering(known)(responses)
            scores = [score] if isinstance(score, Score) else list(score.scores())
            found.append(_Measured(loaded=loaded, variant=name, scores=scores, known=known))
    return found


def _know(known: Measurements, metric: Metric, responses: Responses, before: Measurements) -> None:
    """What the run has measured stays; what it has no score for is tried again."""
    pairs = list(zip(responses, before.of(metric, responses), strict=True))
    scored = [(response, each) for response, each in pairs if each.statistics is not None]
    known.know(metric, [response for response, _ in scored], [each for _, each in scored])


def _told(run: Run, measured: _Measured) -> list[Rescored]:
    recorded = measured.loaded.recorded
    shown = [averaged(score, score.name) for score in measured.scores] if recorded.by_case else measured.scores
    with going_by(_rules(run, measured.loaded)):
        return [
            Rescored(
                suite=measured.title,
                variant=measured.variant,
                score=score,
                interval=score.interval() if score.n else None,
            )
            for score in shown
        ]


def _written(run: Run, found: Sequence[_Measured], told: Sequence[Rescored], settings: Settings) -> str:
    """Put the new run on record; gives its id."""
    started = time.time()
    facts = {
        **settings_facts(settings),
        "rules": run.row.facts.get("rules") or {},
        "kind": "rescore",
        "parent": run.id,
        **origin(settings.root),
    }
    bounds = {(each.suite, each.variant, each.score.signature): each.interval for each in told}
    with closing(Writer(run.folder, new_id(started))) as writer:
        try:
            writer.begin(started, facts)
            copied(run.folder, run.id, writer.run, anew=_anew(found))
            records: dict[str, SuiteRecord] = {}
            for each in found:
                if each.title not in records:
                    records[each.title] = _suite(writer, each.loaded, settings)
                with going_by(_rules(run, each.loaded)):
                    _write(records[each.title], each, bounds)
            writer.end(time.time(), 0, {})
        except sqlite3.Error as error:
            place = f"{printable(run.folder.name)}/{NAME}"
            raise UsageError(f"{place} cannot be written ({error}); the new scores are not on record") from None
        return writer.run


def _suite(writer: Writer, loaded: Loaded, settings: Settings) -> SuiteRecord:
    row = loaded.recorded.row
    return SuiteRecord(writer, row.title, loaded.recorded.suite, facts=row.facts, root=settings.root)


def _rules(run: Run, loaded: Loaded) -> Rules:
    return rules_of(run.row.facts.get("rules") or {}, loaded.recorded.suite.coverage)


def _anew(found: Sequence[_Measured]) -> set[tuple[str, str, str]]:
    return {(each.title, each.variant, each.scores[0].table.signature) for each in found if each.scores}


def _write(record: SuiteRecord, measured: _Measured, bounds: Mapping[Any, Any]) -> None:
    responses = measured.loaded.evaluation.responses[measured.variant]
    own = record.record_of(responses)
    for score in measured.scores:
        record.measured(score, measured.known, [responses])
        if own is not None and not measured.loaded.recorded.by_case:
            own.score(score, "", bounds.get((measured.title, measured.variant, score.signature)))
            for cut, part in score.slices().items():
                own.score(part, cut, part.interval() if part.n else None)
