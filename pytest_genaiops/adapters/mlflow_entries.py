"""A report as runs of MLflow: which there are, and what each of them has, in keys and values that MLflow takes."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from pytest_genaiops.clients.secrets import without_known, without_secrets
from pytest_genaiops.records import NOTHING
from pytest_genaiops.report.conclusion import UNAVAILABLE, conclude
from pytest_genaiops.report.document import Document, RunFacts, SuiteView, VariantView, VerdictView
from pytest_genaiops.report.text import visible

PARENT = "session"
"""The part of the run that the others are nested in."""
PROMPT = "prompt.txt"
LONGEST_KEY, LONGEST_PARAM, LONGEST_TAG = 250, 6_000, 8_000
"""Characters that MLflow 3 takes (``mlflow.utils.validation``)."""
LONGEST_NAME = 250
"""Of a run: a column of that width in SQL stores."""
LONGEST_DIGEST = 36
"""Of a dataset; the whole hash is a param."""
OUTCOMES = ("failed", "undecided", "passed")
"""The worst first."""

_MOST_READ = 16_384
"""Characters in which secrets are looked for: what lies behind them is cut off anyway."""
_RAN, _INTERRUPTED = (0, 1, 5, None), 2
"""Exit codes of what came to its end, whatever it found (``evaluate()`` has none), and of what was stopped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One run of MLflow, as it is to be."""

    part: str
    """What tells it from the others of its session: :data:`PARENT`, or a hash of suite and variant."""
    name: str
    status: str
    """``FINISHED``, ``FAILED`` or ``KILLED``."""
    started: int
    """Milliseconds since 1970, as is the end."""
    ended: int
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    """Finite numbers."""
    tags: Mapping[str, str]
    texts: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    """Name of an artifact -> what is in it."""
    dataset: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    """``name``, ``digest``, ``source`` and ``profile`` (JSON) of its input; empty where it has none."""


class Keys:
    """Entries under keys that MLflow takes.

    Letters and digits of any script, ``_``, ``-``, ``.`` and spaces stay; another character becomes ``_``, a slash too:
    MLflow takes keys for paths. A key that is too long, or taken by another name, ends in a hash of the whole name.
    """

    def __init__(self, convert: Callable[[Any], Any]) -> None:
        self.found: dict[str, Any] = {}
        self._convert = convert
        self._taken: set[str] = set()

    def put(self, name: str, value: Any) -> None:
        """One more entry, unless the value is None or an empty text, which say nothing."""
        converted = None if value is None else self._convert(value)
        if converted in (None, ""):
            return
        key = re.sub(r"^\.|[^\w.\- ]", "_", name) or "_"
        digest = f"_{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"
        if len(key) > LONGEST_KEY or key.casefold() in self._taken:  # some databases do not tell cases apart
            key = f"{key[: LONGEST_KEY - len(digest)]}{digest}"
        self._taken.add(key.casefold())
        self.found[key] = converted


def entries_of(document: Document) -> list[Entry]:
    """The parent run of a report, and then one nested run for each variant of each suite.

    A variant's run is named ``<suite> · <variant>`` whatever the number of suites, so that names stay comparable when a
    session runs one suite alone.
    """
    nested = [_nested(document.run, suite, variant) for suite in document.suites for variant in suite.variants]
    return [_parent(document), *nested]


def text_of(value: object, limit: int) -> str:
    """A param or tag as one printable line without keys; a long one is cut, with a note that says how long it was."""
    whole = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True, default=_plain)
    line = visible(without_secrets(whole[:_MOST_READ]))
    if len(line) <= limit and len(whole) <= _MOST_READ:
        return line
    note = f" … (cut, {len(whole):,} characters)"
    return line[: limit - len(note)] + note


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else list(value) if isinstance(value, Sequence) else str(value)


def _param(value: object) -> str:
    return text_of(value, LONGEST_PARAM)


def _tag(value: object) -> str:
    return text_of(value, LONGEST_TAG)


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _parent(document: Document) -> Entry:
    run, tags, params, metrics = document.run, Keys(_tag), Keys(_param), Keys(_finite)
    for name, value in (
        *_shared(document, PARENT),
        ("genaiops.kind", run.kind),
        ("genaiops.parent", run.parent),
        ("genaiops.exit", run.exit),
        ("mlflow.source.name", run.typed),
        ("mlflow.source.type", "LOCAL"),
    ):
        tags.put(name, value)
    params.put("python", run.python)
    for group, values in (("version", run.versions), ("setting", run.settings), ("rule", run.rules)):
        for name, value in values.items():
            params.put(f"{group}.{name}", value)
    metrics.put("seconds", run.seconds)
    outcomes = Counter(verdict.outcome for suite in document.suites for verdict in suite.verdicts)
    for outcome in OUTCOMES:
        metrics.put(f"verdicts.{outcome}", outcomes[outcome])
    for outcome, count in Counter(item.outcome for suite in document.suites for item in suite.items).items():
        metrics.put(f"items.{outcome}", count)
    return _entry(run, part=PARENT, name=run.id, tags=tags.found, params=params.found, metrics=metrics.found)


def _nested(run: RunFacts, suite: SuiteView, variant: VariantView) -> Entry:
    verdicts = [verdict for verdict in suite.verdicts if verdict.variant == variant.id]
    items = [item for item in suite.items if item.variant == variant.id]
    # Alone, a variant has not failed because another one did.
    own = replace(run, exit=run.exit if run.exit in (None, UNAVAILABLE) else 0)
    alone = Document(run=own, suites=(replace(suite, verdicts=verdicts, items=items),))
    pair = json.dumps([suite.title, variant.id])
    part = hashlib.sha256(pair.encode("ascii")).hexdigest()[:16]
    tags, params, metrics = Keys(_tag), Keys(_param), Keys(_finite)
    for name, value in (
        *_shared(alone, part),
        ("genaiops.suite", suite.title),
        ("genaiops.variant", variant.id),
        ("genaiops.differs", variant.differs),
        ("genaiops.notes", "; ".join(suite.notes)),
        *_decisions(verdicts),
        *_unscored(suite, variant.id),
    ):
        tags.put(name, value)
    for name, value in _params(suite, variant):
        params.put(name, value)
    for name, number in _metrics(suite, variant.id):
        metrics.put(name, number)
    return _entry(
        run,
        part=part,
        name=f"{suite.title} · {variant.id}",
        tags=tags.found,
        params=params.found,
        metrics=metrics.found,
        texts={PROMPT: without_known(variant.prompt)} if variant.prompt else {},
        dataset=_dataset(suite),
    )


def _entry(run: RunFacts, *, name: str, **rest: Any) -> Entry:
    started = round(datetime.fromisoformat(run.started).timestamp() * 1000)
    stopped = run.exit == _INTERRUPTED or (run.exit is None and run.kind == "pytest")
    return Entry(
        name=text_of(name, LONGEST_NAME),
        status="KILLED" if stopped else "FINISHED" if run.exit in _RAN else "FAILED",
        started=started,
        ended=started + round((run.seconds or 0.0) * 1000),
        **rest,
    )


def _shared(document: Document, part: str) -> Iterator[tuple[str, Any]]:
    """Tags that every run has; there is no outcome where nothing was decided."""
    yield "genaiops.run", document.run.id
    yield "genaiops.part", part
    if any(suite.verdicts or suite.items for suite in document.suites):
        conclusion = conclude(document)
        yield "genaiops.outcome", conclusion.word
        yield "genaiops.conclusion", conclusion.sentence
    git = document.run.git
    yield "mlflow.source.git.commit", git.get("sha")
    yield "mlflow.source.git.branch", git.get("branch")
    yield "genaiops.git.dirty", git.get("dirty")


def _decisions(verdicts: Sequence[VerdictView]) -> Iterator[tuple[str, Any]]:
    """For each metric that gates ask about: the worst outcome, and why. A gate over a pass rate has no metric."""
    by_metric: dict[str, list[VerdictView]] = {}
    for verdict in verdicts:
        by_metric.setdefault(verdict.metric or "pass_rate", []).append(verdict)
    for metric, several in by_metric.items():
        worst = next(outcome for outcome in OUTCOMES if outcome in {verdict.outcome for verdict in several})
        yield f"genaiops.verdict.{metric}", worst
        reasons = [f"{each.reason}{' (tolerated)' if each.tolerated else ''}" for each in several]
        first = [reason for each, reason in zip(several, reasons, strict=True) if each.outcome == worst]
        others = [reason for reason in reasons if reason not in first]
        yield f"genaiops.reason.{metric}", "; ".join(dict.fromkeys([*first, *others]))


def _unscored(suite: SuiteView, variant: str) -> Iterator[tuple[str, Any]]:
    """For each metric with unscored responses: how many, and why."""
    for score in suite.scores:
        if score.variant == variant and (score.value is None or (score.unscored and not score.slice)):
            reasons = ", ".join(f"{reason} ({count:,})" for reason, count in score.reasons.items())
            what = f"{score.unscored:,} of {score.n + score.unscored:,} unscored"
            yield f"genaiops.unscored.{_name(score.metric, score.slice)}", f"{what}: {reasons}" if reasons else what


def _params(suite: SuiteView, variant: VariantView) -> Iterator[tuple[str, Any]]:
    yield from (
        ("suite", suite.title),
        ("variant", variant.id),
        ("variant.hash", variant.hash),
        ("model", variant.model),
        ("served", ", ".join(variant.served)),
        ("dataset", suite.dataset),
        ("dataset.hash", suite.dataset_hash),
        ("n", suite.n),
        ("trials", suite.trials),
        ("baseline", suite.baseline),
        ("pass_rate", suite.pass_rate),
    )
    # Under a prefix: `n` is a parameter of models too.
    for name, value in variant.parameters.items():
        yield f"parameter.{name}", value
    for metric in suite.metrics:
        yield f"signature.{metric.name}", metric.signature


def _metrics(suite: SuiteView, variant: str) -> Iterator[tuple[str, float | None]]:
    for score in suite.scores:
        if score.variant == variant:
            name = _name(score.metric, score.slice)
            yield from _estimate(name, score.value, score.interval)
            yield f"{name}.n", score.n
            yield f"{name}.unscored", score.unscored
    for change in suite.changes:
        if change.variant == variant:
            name = f"{_name(change.metric, change.slice)}.change"
            yield from _estimate(name, change.change, change.interval)
            yield f"{name}.n", change.n
    for spent in suite.spending:
        if spent.variant == variant:
            yield from (("spent.answers", spent.answers), ("spent.errors", spent.errors), ("spent.cost", spent.cost))
            yield from ((f"spent.{kind}", count) for kind, count in spent.tokens.items())
            yield from ((f"spent.latency.{name}", seconds) for name, seconds in spent.latency.items())


def _estimate(
    name: str, value: float | None, interval: tuple[float | None, float | None] | None
) -> Iterator[tuple[str, float | None]]:
    low, high = interval or (None, None)
    yield from ((name, value), (f"{name}.low", low), (f"{name}.high", high))


def _name(metric: str, part: str) -> str:
    return f"{metric}.{part}" if part else metric


def _dataset(suite: SuiteView) -> dict[str, str]:
    digest = text_of(suite.dataset_hash.rpartition(":")[2], LONGEST_TAG)[:LONGEST_DIGEST]
    if not digest or not suite.dataset:
        return {}
    name = text_of(suite.dataset, LONGEST_NAME)
    return {
        "name": name,
        "digest": digest,
        "source": json.dumps({"dataset": name, "hash": text_of(suite.dataset_hash, LONGEST_NAME)}),
        "profile": json.dumps({"num_rows": suite.n}),
    }
