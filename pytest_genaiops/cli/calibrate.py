"""``genaiops calibrate``: how far a judge agrees with people, measured and written as a certificate."""

from __future__ import annotations

import ast
import math
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from pytest_genaiops.calibration import (
    LABEL,
    MIN_KAPPA,
    VALID_DAYS,
    Asked,
    Certificate,
    LabelledFile,
    Ratings,
    best_threshold,
    figures_of,
    halves,
    read_labels,
    without_data,
    write_certificate,
)
from pytest_genaiops.cli.certified import lines
from pytest_genaiops.cli.output import write
from pytest_genaiops.cli.project import Project, add_rootdir, project_of
from pytest_genaiops.clients.shared import InProcess
from pytest_genaiops.config import DEFAULT_CONFIDENCE, DEFAULT_SEED, Settings
from pytest_genaiops.dataset import Source, source_of
from pytest_genaiops.errors import UsageError
from pytest_genaiops.records import Response, Trial
from pytest_genaiops.report.text import visible
from pytest_genaiops.run import Measurements, judging_of
from pytest_genaiops.score.handle import Score
from pytest_genaiops.score.metric import MetricHandle, make

RECORDED = "recorded:"
MOST_DAYS = 3650
MOST_SAMPLES = 20


def add(parser: ArgumentParser) -> None:
    """The judge, the labels, and what to ask of it."""
    judge = f"metric, such as groundedness; or {RECORDED}COLUMN where the file has the judge's values"
    parser.add_argument("judge", metavar="JUDGE", help=judge)
    parser.add_argument("--labels", metavar="FILE", required=True, help="answers that people have judged")
    parser.add_argument("--label", metavar="COLUMN", default=LABEL, help="column of the label (default: label)")
    parser.add_argument(
        "--accept", metavar="RATING", type=float, help="where labels are ratings: from which on it is a yes"
    )
    parser.add_argument("--judge", metavar="FILE", dest="model", help="model that judges, such as judges/mini.yaml")
    parser.add_argument("--option", metavar="NAME=VALUE", action="append", default=[], help="option of the metric")
    parser.add_argument("--samples", metavar="K", type=int, default=1, help="ask a model so many times (default 1)")
    parser.add_argument(
        "--threshold", metavar="X", type=float, help="test this one (default: choose one on half of the rows)"
    )
    parser.add_argument("--min-kappa", metavar="K", type=float, default=MIN_KAPPA, help=f"default {MIN_KAPPA}")
    parser.add_argument("--valid-days", metavar="N", type=int, default=VALID_DAYS, help=f"default {VALID_DAYS}")
    parser.add_argument(
        "--confidence", metavar="SHARE", type=float, default=DEFAULT_CONFIDENCE, help="of the intervals"
    )
    parser.add_argument("--seed", metavar="N", type=int, default=DEFAULT_SEED, help="of the halves and of resampling")
    parser.add_argument(
        "--output", metavar="FILE", help="write the certificate, such as certificates/groundedness.json"
    )
    add_rootdir(parser)
    parser.set_defaults(run=_calibrate)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judged:
    """What the judge said of the labelled answers, and what it is."""

    samples: Sequence[Sequence[float]]
    """Of every row; empty where it gave no value."""
    signature: str
    scale: tuple[float, float] | None = None
    higher_is_better: bool = True


def _calibrate(arguments: Namespace) -> int:
    _check(arguments)
    project = project_of(arguments)
    recorded = arguments.judge.removeprefix(RECORDED) if arguments.judge.startswith(RECORDED) else None
    labelled = read_labels(_source(arguments.labels, project), label=arguments.label, recorded=recorded)
    judged = _on_record(labelled, arguments) if recorded is not None else _asked(labelled, arguments, project)
    ratings = _ratings(labelled, judged, arguments)
    certificate = _certificate(labelled, ratings, judged, arguments)
    write(lines(certificate))
    if arguments.output is not None:
        path = project.root / arguments.output
        write_certificate(path, certificate, shown=visible(arguments.output))
        write(["", f"Written to {visible(arguments.output)}."])
    return 1 if certificate.faults else 0


def _check(arguments: Namespace) -> None:
    if not 0 <= arguments.min_kappa < 1:
        raise UsageError(f"--min-kappa {arguments.min_kappa:g}: give a number from 0 up to 1, such as {MIN_KAPPA}")
    for name in ("accept", "threshold"):
        if (value := getattr(arguments, name)) is not None and not math.isfinite(value):
            raise UsageError(f"--{name} {value:g}: give a finite number")
    if not 1 <= arguments.valid_days <= MOST_DAYS:
        raise UsageError(f"--valid-days {arguments.valid_days}: give 1 to {MOST_DAYS} days")
    if not 1 <= arguments.samples <= MOST_SAMPLES:
        raise UsageError(f"--samples {arguments.samples}: give 1 to {MOST_SAMPLES}")
    if not 0 < arguments.confidence < 1:
        raise UsageError(f"--confidence {arguments.confidence:g}: give a share between 0 and 1, such as 0.95")
    if arguments.judge.startswith(RECORDED) and (arguments.model or arguments.option or arguments.samples > 1):
        raise UsageError(f"{visible(arguments.judge)} is on record: --judge, --option and --samples ask a metric")


def _source(file: str, project: Project) -> Source:
    path = project.root / file
    if not path.exists():
        raise UsageError(f"--labels {visible(file)}: there is no such file")
    return source_of(path, root=project.root)


def _on_record(labelled: LabelledFile, arguments: Namespace) -> _Judged:
    return _Judged(samples=[row.recorded for row in labelled.rows], signature=arguments.judge)


def _asked(labelled: LabelledFile, arguments: Namespace, project: Project) -> _Judged:
    """What the metric says of every answer, asked as often as is wanted."""
    missing = next((row for row in labelled.rows if row.answer is None), None)
    if missing is not None:
        raise UsageError(f"{missing.case.source}: the row has no answer; write it in the column response")
    options = _options(arguments.option) | ({"judge": arguments.model} if arguments.model is not None else {})
    name, _, part = arguments.judge.partition(".")
    metric = make(name, root=project.root, **options)
    settings = project.settings
    found = [
        _score(MetricHandle(metric), labelled, part, replace(settings, cache="use" if not time else "off"))
        for time in range(arguments.samples)
    ]
    samples = [tuple(v for v in values if v is not None) for values in zip(*(s.per_case for s in found), strict=True)]
    first = found[0]
    return _Judged(
        samples=samples,
        signature=without_data(first.signature),
        scale=first.scale,
        higher_is_better=first.higher_is_better,
    )


def _score(metric: MetricHandle, labelled: LabelledFile, part: str, settings: Settings) -> Score:
    """One round of judgements. Only the first may be answered from the cache: the others are to differ."""
    measurements = Measurements(judging_of(settings, InProcess()))
    responses = [Response(text=row.answer or "", trial=Trial(case=row.case, variant="")) for row in labelled.rows]
    found = metric.remembering(measurements)(responses)
    if part:
        found = getattr(found, part, None)
    if not isinstance(found, Score):
        raise UsageError(f"{metric.name} gives several scores; choose one, such as {metric.name}.<name>")
    if not found.n:
        why = next(iter(found.reasons.values()), "it is undefined on them")
        raise UsageError(f"{metric.name} gave no value for any of the labelled answers: {visible(why)}")
    return found


def _options(given: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not equals or not name.isidentifier():
            raise UsageError(f"--option {visible(each)}: write NAME=VALUE")
        found[name] = _literal(value)
    return found


def _literal(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text


def _ratings(labelled: LabelledFile, judged: _Judged, arguments: Namespace) -> Ratings:
    rows = [i for i, samples in enumerate(judged.samples) if samples]
    if not rows:
        raise UsageError(f"the judge gave no value for any of the {len(labelled.rows)} labelled answers")
    clusters, answers = labelled.clusters, [row.answer for row in labelled.rows]
    return Ratings(
        values=[judged.samples[i][0] for i in rows],
        labels=[labelled.rows[i].label for i in rows],
        accept=arguments.accept,
        scale=judged.scale,
        higher_is_better=judged.higher_is_better,
        clusters=None if clusters is None else [clusters[i] for i in rows],
        keys=[clusters[i] if clusters is not None else labelled.rows[i].case.id for i in rows],
        lengths=[len(answers[i] or "") for i in rows] if None not in answers else None,
        samples=[judged.samples[i] for i in rows],
        swapped=[labelled.rows[i].swapped for i in rows],
    )


def _certificate(labelled: LabelledFile, ratings: Ratings, judged: _Judged, arguments: Namespace) -> Certificate:
    threshold, tested = arguments.threshold, ratings
    if threshold is None:
        chosen, tested = halves(ratings, arguments.seed)
        threshold = best_threshold(chosen)
    asked = Asked(confidence=arguments.confidence, seed=arguments.seed)
    today = datetime.now(UTC).date()
    return Certificate(
        judge=arguments.judge,
        signature=judged.signature,
        labels=labelled.name,
        labels_hash=labelled.hash,
        n=len(ratings),
        unscored=len(labelled.rows) - len(ratings),
        clusters=None if ratings.clusters is None else len(set(ratings.clusters)),
        accepted=sum(ratings.accepted),
        threshold=float(threshold),
        higher_is_better=ratings.higher_is_better,
        tested_on=len(tested),
        confidence=arguments.confidence,
        figures=figures_of(ratings, tested, threshold, asked),
        min_kappa=arguments.min_kappa,
        issued=today,
        expires=today + timedelta(days=arguments.valid_days),
    )
