"""Example reports for tests: a support assistant with retrieval, and what its variants said, made up from a seed.

Nothing in them was measured: texts, values and intervals are drawn so that a report has everything to show.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from statistics import NormalDist, fmean, quantiles, stdev
from typing import Any

from pytest_genaiops.report.document import (
    CaseView,
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
from tests.drawn import KINDS, Shape, drawn_case

HOSTILE = (
    "<script>window.hacked = 1</script>",
    "</script><script>window.hacked = 1</script>",
    '"><img src=x onerror="window.hacked = 1">',
    "<!-- <script> ]]> --><svg onload=window.hacked=1>",
    "javascript:window.hacked=1",
    "{{ 7 * 7 }} {% raw %} ${7*7} {7!r}",
    "\x1b[31mred\x1b[0m \x1b]0;title\x07",
    "a\x00b",
    "lone \ud800 and \udfff surrogates",
    "evil \u202e txt.exe \u2066 isolate \u200f mark",
    '=HYPERLINK("http://example.com","click")',
    "+1-2 @SUM(A1) \t-1",
    "|a|b|\n---\n```\n[x](javascript:alert(1)) ![i](http://example.com/x.png) <b>",
    "line\r\nbreaks\rand\u2028separators\u2029\x85\x0b\x0c",
    "::error file=a.py,line=1::said by the data",
    "\ufeffmark \ufffe \U0001f469\u200d\U0001f4bb e\u0301",
)
"""Texts that do harm where a report takes them for markup, code or commands."""
_SIGNATURES = {"correctness": "correctness|judge:example-judge|rubric:3f2a|v:1", "bleu": "bleu|tok:13a|smooth:exp|v:1"}


def example(
    *,
    cases: int = 60,
    variants: int | Sequence[str] = 3,
    metrics: int = 5,
    trials: int = 1,
    context: int = 2_000,
    seed: int = 1,
) -> Document:
    """One run of two suites: ``cases`` cases under ``variants`` variants, and at most 12 cases judged one by one.

    ``variants`` is their number or their names, and ``context`` the length of each case's contexts in characters.
    Equal arguments give an equal document.
    """
    draw = random.Random(seed)
    counted = [f"v{number}" for number in range(1, variants + 1)] if isinstance(variants, int) else variants
    names = tuple(counted)
    main = _suite(draw, Shape(names=names, cases=cases, metrics=metrics, trials=trials, context=context))
    small = Shape(names=names, cases=min(cases, 12), metrics=min(metrics, 2), trials=2, context=context, by_case=True)
    return Document(run=_run(seed), suites=(main, _suite(draw, small)))


def filled(text: str, document: Document | None = None) -> Document:
    """The document with this text in the place of every text in it that data, models or people wrote.

    Ids and names stand behind the text, so that they stay distinct; outcomes and times keep their values.
    """
    return _filled(document or example(cases=3, variants=2, metrics=2, context=200), text)


_KEPT = {"outcome", "kind", "started", "schema"}
_PLAIN_KEYS = {"git", "rules", "tokens", "latency", "usage", "p_values"}
_DISTINCT = {"id", "case", "variant", "baseline", "title", "metric", "name"}


def _filled(value: Any, text: str, name: str = "") -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        names = [each.name for each in fields(value) if each.name not in _KEPT]
        return replace(value, **{each: _filled(getattr(value, each), text, each) for each in names})
    if isinstance(value, str) and value:
        tag, _, rest = value.partition("=")
        if name == "slice":
            return f"{text} {tag}={text} {rest}"
        return f"{text} {value}" if name in _DISTINCT else text
    if isinstance(value, Mapping):
        inner = "id" if name == "slices" else ""
        return {k if name in _PLAIN_KEYS else f"{text} {k}": _filled(each, text, inner) for k, each in value.items()}
    if isinstance(value, tuple | list):
        return tuple(_filled(item, text) for item in value)
    return value


def _run(seed: int) -> RunFacts:
    return RunFacts(
        id=f"20261130T102940-{seed:04x}",
        started="2026-11-30T10:29:40Z",
        seconds=83.4,
        exit=1,
        command=("pytest", "eval_suites", "--genaiops-report=report.html"),
        git={"sha": "4f1c2a9be07d5e1139c3aa20cc9e61f1d0b7c852", "branch": "shorter-prompt", "dirty": True},
        python="3.11.2",
        versions={"pytest-genaiops": "0.1.0", "pytest": "9.2.0", "sacrebleu": "2.5.1", "rapidfuzz": "3.14.3"},
        settings={"concurrency": 16, "cache": "use"},
        rules={"confidence": 0.95, "seed": 20_260_101, "undecided": "fail"},
    )


def _suite(draw: random.Random, shape: Shape) -> SuiteView:
    kinds = KINDS[: shape.metrics]
    cases = tuple(drawn_case(draw, number, shape) for number in range(1, shape.cases + 1))
    changes = tuple(_changes(cases, shape))
    test = "eval_suites/test_support.py::" + ("test_each_answer" if shape.by_case else "test_answers")
    return SuiteView(
        title=test,
        dataset="datasets/support_rag.jsonl",
        dataset_hash="sha256:9b1e7c04d2",
        n=shape.cases,
        trials=shape.trials,
        pass_rate=0.9 if shape.by_case else None,
        baseline=shape.names[0],
        by_case=shape.by_case,
        variants=tuple(_variant(name, number) for number, name in enumerate(shape.names)),
        metrics=tuple(
            MetricView(
                name=name,
                metric="rouge" if name == "rougeL" else name,
                signature=_SIGNATURES.get(name, f"{name}|v:1"),
                scale=scale,
                higher_is_better=up,
                finds="not in the contexts" if name == "groundedness" else "",
            )
            for name, scale, up in kinds
        ),
        scores=tuple(_scores(cases, shape)),
        changes=changes,
        verdicts=tuple(_verdicts(test, changes, shape)),
        items=tuple(_items(test, cases)) if shape.by_case else (),
        spending=tuple(_spending(cases, name) for name in shape.names),
        notes=()
        if shape.by_case
        else ("latency was read from the cache for 12 answers, as it was when they were made",),
        cases=cases,
    )


def _variant(name: str, number: int) -> VariantView:
    style = (
        "Answer in full sentences.",
        "Answer in one short sentence.",
        "Be warm and thorough.",
        "Quote the passage.",
    )
    rule = "Say that you do not know where the passages do not say." if number else "Use what you know as well."
    return VariantView(
        id=name,
        hash=f"{0x5A1C93 + number * 7919:x}",
        prompt=(
            f"# system\nYou help customers of a shop.\n{style[number % 4]}\n{rule}\nNever promise a refund.\n\n"
            "# user\nPassages:\n{% for passage in contexts %}\n{{ passage }}\n{% endfor %}\n\nQuestion: {{ question }}"
        ),
        parameters={"temperature": 0.2 if number else 0.7, "max_tokens": 300},
        model="example-small",
        served=("example-small-2026-09-01",),
        differs=f"system prompt, {number + 1} lines" if number else "",
    )


def _own(case: CaseView, variant: str, metric: str) -> float | None:
    """Mean over the trials; None where one of them is unscored."""
    values = [each.values[metric] for each in case.answers if each.variant == variant]
    known = [value for value in values if value is not None]
    return fmean(known) if values and len(known) == len(values) else None


def _interval(values: Sequence[float]) -> tuple[float, float] | None:
    if len(values) < 2:
        return None
    half = 1.96 * stdev(values) / math.sqrt(len(values))
    return round(fmean(values) - half, 4), round(fmean(values) + half, 4)


def _parts(cases: Sequence[CaseView]) -> dict[str, list[CaseView]]:
    parts: dict[str, list[CaseView]] = {"": list(cases)}
    for case in cases:
        for tag, value in case.slices.items():
            parts.setdefault(f"{tag}={value}", []).append(case)
    return dict(sorted(parts.items()))


def _scores(cases: Sequence[CaseView], shape: Shape) -> list[ScoreView]:
    found = []
    for part, inside in _parts(cases).items():
        for variant in shape.names:
            for metric, *_ in KINDS[: shape.metrics]:
                answers = [each for case in inside for each in case.answers if each.variant == variant]
                values = [value for each in answers if (value := each.values[metric]) is not None]
                reasons: dict[str, int] = {}
                for each in answers:
                    if metric in each.unscored:
                        reasons[each.unscored[metric]] = reasons.get(each.unscored[metric], 0) + 1
                found.append(
                    ScoreView(
                        variant=variant,
                        metric=metric,
                        slice=part,
                        value=round(fmean(values), 4) if values else None,
                        interval=_interval(values),
                        n=len(values),
                        unscored=len(answers) - len(values),
                        reasons=reasons,
                    )
                )
    return found


def _changes(cases: Sequence[CaseView], shape: Shape) -> list[ChangeView]:
    found = []
    for part, inside in _parts(cases).items():
        for variant in shape.names[1:]:
            for metric, _, up in KINDS[: shape.metrics]:
                pairs = [(_own(case, shape.names[0], metric), _own(case, variant, metric)) for case in inside]
                differences = [new - old for old, new in pairs if old is not None and new is not None]
                better = sum((each > 0) == up and each != 0 for each in differences)
                p = _p_value(differences)
                found.append(
                    ChangeView(
                        variant=variant,
                        baseline=shape.names[0],
                        metric=metric,
                        slice=part,
                        change=round(fmean(differences), 4) if differences else None,
                        interval=_interval(differences),
                        p_value=p,
                        adjusted_p_value=None if p is None else min(1.0, p * 4),
                        n=len(differences),
                        unscored=len(pairs) - len(differences),
                        better=better,
                        worse=sum(each != 0 for each in differences) - better,
                        reason="" if differences else "no case that both sides scored",
                    )
                )
    return found


def _p_value(differences: Sequence[float]) -> float | None:
    if len(differences) < 2 or not stdev(differences):
        return None
    z = abs(fmean(differences)) / (stdev(differences) / math.sqrt(len(differences)))
    return round(2 * (1 - NormalDist().cdf(z)), 5)


def _verdicts(test: str, changes: Sequence[ChangeView], shape: Shape) -> list[VerdictView]:
    """A gate for each of two metrics of each variant but the baseline; one of a tight margin is undecided."""
    found = []
    for each in changes:
        if each.slice or each.metric not in ("groundedness", "correctness") or each.interval is None:
            continue
        margin = 0.02
        low, high = each.interval
        if each.metric == "correctness" and each.variant == shape.names[-1]:
            outcome, why = "undecided", "the sides lack different cases, and hardly at random"
        elif low is not None and low > -margin:
            outcome, why = "passed", f"at least -{margin} worse is ruled out"
        elif high is not None and high < 0:
            outcome, why = "failed", "worse than the baseline"
        else:
            outcome, why = "undecided", f"the interval reaches from below -{margin} to above it"
        found.append(
            VerdictView(
                test=f"{test}[{each.variant}]",
                variant=each.variant,
                metric=each.metric,
                outcome=outcome,
                reason=f"{each.metric} {each.change:+.3f} against {each.baseline}, in {low:+.3f} to {high:+.3f}: {why}",
                value=each.change,
                interval=each.interval,
                confidence=0.95,
                n=each.n,
                unscored=each.unscored,
                required_n=each.n * 3 if outcome == "undecided" else None,
                detectable=0.03,
                method="paired Student t",
                p_values={"not worse": each.p_value} if each.p_value is not None else {},
            )
        )
    return found


def _items(test: str, cases: Sequence[CaseView]) -> list[ItemView]:
    return [
        ItemView(
            test=f"{test}[{answer.variant}-{case.id}-t{answer.trial}]",
            variant=answer.variant,
            case=case.id,
            trial=answer.trial,
            outcome=answer.outcome,
            message=answer.error or ("" if answer.outcome == "passed" else "assert groundedness(response) >= 0.6"),
        )
        for case in cases
        for answer in case.answers
    ]


def _spending(cases: Sequence[CaseView], variant: str) -> SpendingView:
    answers = [each for case in cases for each in case.answers if each.variant == variant]
    times = sorted(each.latency for each in answers if each.latency is not None)
    tokens = {kind: sum(each.usage.get(kind, 0) for each in answers) for kind in ("input_tokens", "output_tokens")}
    cut = quantiles(times, n=10, method="inclusive") if len(times) > 1 else times * 9
    return SpendingView(
        variant=variant,
        answers=len(answers),
        errors=sum(bool(each.error) for each in answers),
        tokens=tokens,
        cost=round(tokens["input_tokens"] * 4e-7 + tokens["output_tokens"] * 1.6e-6, 4),
        latency={"median": round(cut[4], 3), "p90": round(cut[8], 3), "max": times[-1]} if times else {},
    )
