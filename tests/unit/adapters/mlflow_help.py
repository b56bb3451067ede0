"""A report for MLflow, and what is sent of it."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

from pytest_genaiops.adapters import mlflow_spool as spool
from pytest_genaiops.report.document import (
    ChangeView,
    Document,
    ItemView,
    MetricView,
    RunFacts,
    ScoreView,
    SpendingView,
    SuiteView,
    VariantView,
    VerdictView,
)

RUN = RunFacts(
    id="20261130T102940-0001",
    started="1970-01-02T00:00:00Z",
    seconds=1.5,
    exit=1,
    command=("pytest", "-k", "greeting"),
    git={"sha": "4f1c2a9b", "branch": "main", "dirty": False},
    python="3.11.7",
    versions={"sacrebleu": "2.5.1"},
    settings={"cache": "only"},
    rules={"confidence": 0.95},
)
SUITE = SuiteView(
    title="tests/test_hello.py::test_hello",
    dataset="hello",
    dataset_hash="sha256:" + "ab" * 32,
    n=20,
    trials=2,
    baseline="v1",
    variants=(
        VariantView(
            id="v1", hash="1a", prompt="Say hello.", parameters={"temperature": 0.5, "stop": ["\n"]}, model="m"
        ),
        VariantView(id="v2", hash="2b", differs="one line"),
    ),
    metrics=(MetricView(name="bleu", metric="bleu", signature="bleu|tok:13a", scale=(0.0, 100.0)),),
    scores=(
        ScoreView(
            variant="v1", metric="bleu", value=31.5, interval=(28.0, None), n=18, unscored=2, reasons={"late": 2}
        ),
        ScoreView(variant="v1", metric="bleu", slice="lang=de", value=None, interval=None, n=0, unscored=4),
        ScoreView(variant="v2", metric="bleu", value=math.inf, interval=(math.nan, 40.0), n=20, unscored=0),
    ),
    changes=(
        ChangeView(
            variant="v2",
            baseline="v1",
            metric="bleu",
            change=-0.5,
            interval=(-1.0, 0.25),
            p_value=0.2,
            adjusted_p_value=0.4,
            n=18,
            unscored=2,
        ),
    ),
    verdicts=(
        VerdictView(test="a", variant="v2", metric="bleu", outcome="passed", reason="high enough"),
        VerdictView(test="b", variant="v2", metric="bleu", outcome="undecided", reason="too few", tolerated=True),
        VerdictView(test="c", variant="v1", metric="", outcome="passed", reason="9 of 10"),
    ),
    items=(ItemView(test="a", variant="v2", outcome="passed"), ItemView(test="d", variant="v1", outcome="lost")),
    spending=(SpendingView(variant="v1", answers=18, errors=2, tokens={"input_tokens": 90}, latency={"median": 0.25}),),
    notes=("over some cases only",),
)
DOCUMENT = Document(run=RUN, suites=(SUITE,))
URI = "http://127.0.0.1:9"


def parcel(run: str = RUN.id, uri: str = URI, **files: Path | str) -> spool.Parcel:
    document = replace(DOCUMENT, run=replace(RUN, id=run))
    return spool.parcel_of(document, files or {"report.md": "# Failed\n"}, uri=uri, experiment="hello")
