"""A recorded run with something of everything that an export has a column for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from pytest_genaiops.records import (
    Case,
    Explanation,
    Measurement,
    Response,
    ResponseError,
    SentenceSupport,
    Verdict,
)
from pytest_genaiops.store import ItemRow, MetricRow, PartRow, Store, TrialRow, Writer
from pytest_genaiops.store.export import Own, What, rows

RUN = "20261130T102940-3f9a1c"
SUITE, PARTED = "test_hours.py::test_hours", "test_hours.py::test_parts"
STARTED, ENDED = 1796034580.25, 1796034590.25
UNIT, FIVE = PartRow(name="tone", scale=(0, 1)), PartRow(name="fluency", scale=(1, 5))
PROMPT = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "When?"}]
ANSWER = Response(
    text="At nine.",
    contexts=("We open at nine.",),
    tool_calls=({"name": "clock", "arguments": {"zone": "CET"}, "id": "call_1"},),
    usage={"input_tokens": 12, "output_tokens": 3, "cached_tokens": 5, "reasoning_tokens": 1, "image_tokens": 7},
    latency=1.5,
    first_token=0.25,
    model="small-2026-01-01",
    deployment="small",
    finish_reason="stop",
)
FAILED = Response(error=ResponseError(kind="timeout", message="no answer within 30 s"))
WORDS = Explanation(
    score=0.75,
    sentences=(SentenceSupport(start=0, end=8, text="At nine.", support=0.75),),
    unsupported=(),
    reason="Kind, and to the point.",
)
VERDICT = Verdict(
    outcome="failed",
    reason="tone 0.75 is below 0.9",
    value=0.75,
    interval=(0.5, 0.875),
    confidence=0.95,
    n=1,
    unscored=1,
    required_n=40,
    method="paired t",
    p_values={"paired t": 0.04},
    rule="within",
    limits={"low": 0.9, "high": 1.0},
)


def write(folder: Path, run: str = RUN, *, end: bool = True) -> None:
    """Two suites: one of two cases and a variant that asks a model, one of a case whose target is a function."""
    with closing(Writer(folder, run)) as writer:
        writer.begin(STARTED, {"kind": "pytest", "git": {"sha": "abc", "dirty": True}})
        suite = writer.suite(SUITE, {"dataset": "hours", "dataset_hash": "d1"})
        asked = {"question": "When?", "run": 3, "floor": None}
        first = Case(id="open", inputs=asked, references=("At nine.",), cluster="desk", slices={"topic": "time"})
        other = {"question": "Where?", "run": 4, "floor": None, "more": [1]}
        writer.cases(suite, [(0, first), (1, Case(id="park", inputs=other, label="place"))])
        parameters = {"temperature": 0.5, "max_tokens": 50, "stop": ["\n"], "effort": "low"}
        variant = writer.variant(suite, "v1", {"hash": "h1", "model": "small", "parameters": parameters})
        trials = [TrialRow(position=0, trial=1, response=ANSWER, prompt=PROMPT)]
        writer.trials(variant, [*trials, TrialRow(position=1, trial=1, response=FAILED)])
        tone = writer.metric(variant, "tone|judge:x", "tone", None, [UNIT])
        scored = Measurement(statistics=(0.75,), explanation=WORDS)
        writer.measurements(tone, [(0, 1, scored), (1, 1, Measurement(kind="timeout", reason="no answer"))])
        fluency = writer.metric(variant, "fluency|judge:x", "fluency", None, [FIVE])
        writer.measurements(fluency, [(1, 1, Measurement(kind="judge", reason="said nothing")), (0, 1, value(4))])
        writer.verdicts(variant, f"{SUITE}[v1]", [("tone", VERDICT)])
        parts = writer.suite(PARTED, {"dataset": "parts"})
        writer.cases(parts, [(0, Case(id="one", inputs={"question": "Why?"}, slices={"size": "small"}))])
        variant = writer.variant(parts, "default", {})
        writer.trials(variant, [TrialRow(position=0, trial=trial, response=Response(text="So.")) for trial in (1, 2)])
        named = f"{PARTED}[default-one-t2]"
        item = {"test": named, "position": 0, "trial": 2, "outcome": "failed", "message": "assert 0", "seconds": 0.5}
        writer.item(variant, ItemRow(**item))
        if end:
            writer.end(ENDED, 1, {})
        else:
            writer.flush()


def texts(folder: Path, given: Iterable[Mapping[str, Any]], run: str = RUN) -> None:
    """A run of one suite whose cases have these inputs, and whose answers are their first text."""
    inputs = list(given)
    with closing(Writer(folder, run)) as writer:
        writer.begin(STARTED, {})
        suite = writer.suite(SUITE, {})
        writer.cases(suite, ((i, Case(id=f"c{i}", inputs=each)) for i, each in enumerate(inputs)))
        variant = writer.variant(suite, "v1", {})
        answers = [next((each for each in row.values() if isinstance(each, str)), "") for row in inputs]
        trials = (TrialRow(position=i, trial=1, response=Response(text=text)) for i, text in enumerate(answers))
        writer.trials(variant, trials)
        writer.end(ENDED, 0, {})


def value(number: float) -> Measurement:
    return Measurement(statistics=(float(number),))


def plain(metric: MetricRow) -> Mapping[str, Own]:
    """Reads metrics whose statistic is their value."""
    first: Callable[[Any], float] = lambda statistics: statistics[0]  # noqa: E731
    return {part.name: first for part in metric.parts}


def exported(folder: Path, what: What = "trials", run: str = "latest") -> list[dict[str, Any]]:
    with closing(Store(folder)) as store:
        return list(rows(store, store.run(run), what, plain))
