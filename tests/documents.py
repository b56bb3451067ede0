"""Example reports for tests: a support assistant with retrieval, and what its variants said, made up from a seed.

Nothing in them was measured: texts, values and intervals are drawn so that a report has everything to show.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from statistics import NormalDist, fmean, quantiles, stdev
from typing import Any

from pytest_genaiops.report.document import (
    AnswerView,
    CaseView,
    ChangeView,
    Document,
    Evidence,
    ItemView,
    MetricView,
    RunFacts,
    ScoreView,
    SpendingView,
    SuiteView,
    VariantView,
    VerdictView,
)

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

_split = re.compile(r"\w+").findall
_NOUNS = _split(
    """
    invoice account refund delivery order parcel subscription password receipt address warranty battery charger
    router contract deposit voucher seat ticket passenger luggage booking cancellation fee discount store courier
    customer agent payment card transfer statement balance limit upgrade device screen update backup folder
    licence key domain server invitation member administrator role permission report export dashboard filter alert
    schedule season garden engine valve pump filter sensor cable adapter manual drawer shelf bracket hinge paint
    sample recipe portion allergy dose leaflet policy claim premium accident damage photograph garage estimate
    mechanic mileage inspection tyre brake lease tenant meter heating window roof permit fence notice landlord
    repair kitchen tool ladder insurance passport visa embassy border
    """
)
_VERBS = _split(
    """
    covers replaces extends confirms delays blocks requires restores cancels renews transfers includes excludes
    limits records approves rejects returns reviews updates protects reduces repeats keeps moves checks reaches
    """
)
_ADJECTIVES = _split(
    """
    annual written original damaged monthly late early partial full digital printed second final regional local
    foreign temporary valid expired unused sealed heavy small private shared public official separate internal
    free reduced standard express wireless electric manual blue previous current missing broken
    """
)
_PLACES = _split(
    """
    Lisbon Ghent Turin Aarhus Leeds Cork Basel Graz Porto Malmo Utrecht Nantes Bergen Tampere Gdansk Split Zagreb
    Sofia Vilnius Riga
    """
)
_TOPICS = {"billing": 0.05, "delivery": 0.0, "returns": -0.05, "warranty": -0.12}
_KINDS = (
    ("groundedness", (0.0, 1.0), True),
    ("correctness", (0.0, 1.0), True),
    ("bleu", (0.0, 100.0), True),
    ("relevancy", (0.0, 1.0), True),
    ("latency", (0.0, None), False),
    ("rougeL", (0.0, 1.0), True),
    ("token_f1", (0.0, 1.0), True),
)
_SIGNATURES = {"correctness": "correctness|judge:example-judge|rubric:3f2a|v:1", "bleu": "bleu|tok:13a|smooth:exp|v:1"}
_BETTER = (0.0, 0.07, -0.06, 0.02, 0.0, 0.01)
"""What each variant adds to the quality of an answer."""


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
    main = _suite(draw, _Shape(names=names, cases=cases, metrics=metrics, trials=trials, context=context))
    small = _Shape(names=names, cases=min(cases, 12), metrics=min(metrics, 2), trials=2, context=context, by_case=True)
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


@dataclass(frozen=True, kw_only=True)
class _Shape:
    names: Sequence[str]
    cases: int
    metrics: int
    trials: int
    context: int
    by_case: bool = False


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


def _suite(draw: random.Random, shape: _Shape) -> SuiteView:
    kinds = _KINDS[: shape.metrics]
    cases = tuple(_case(draw, number, shape) for number in range(1, shape.cases + 1))
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


def _sentence(draw: random.Random) -> str:
    def noun() -> str:
        return f"{draw.choice(_ADJECTIVES)} {draw.choice(_NOUNS)}"

    verb, other, code = draw.choice(_VERBS), draw.choice(_NOUNS), f"{draw.randrange(16**6):06X}"
    ways = (
        lambda: f"The {noun()} {verb} the {other} for {draw.randint(2, 90)} days, see {code}.",
        lambda: f"In {draw.choice(_PLACES)} a {noun()} {verb} every {other} above {draw.randint(5, 950)} euros.",
        lambda: f"Form {code} {verb} the {noun()}, the {draw.choice(_NOUNS)} and its {other}.",
        lambda: f"Where the {draw.choice(_NOUNS)} is {draw.choice(_ADJECTIVES)}, no {noun()} {verb} a {other}.",
        lambda: (
            f"Ask for {noun()} {code} or {noun()} {draw.randrange(10**5)} at the {other} of {draw.choice(_PLACES)}."
        ),
    )
    return draw.choice(ways)()


def _passages(draw: random.Random, length: int) -> tuple[str, ...]:
    sentences: list[str] = []
    while sum(map(len, sentences)) + len(sentences) < length:
        sentences.append(_sentence(draw))
    third = max(1, math.ceil(len(sentences) / 3))
    return tuple(" ".join(sentences[at : at + third]) for at in range(0, len(sentences), third))


def _case(draw: random.Random, number: int, shape: _Shape) -> CaseView:
    topic = draw.choice(list(_TOPICS))
    passages = _passages(draw, shape.context)
    facts = passages[0].split(". ")
    noun = draw.choice(_NOUNS)
    ease = min(0.95, max(0.1, draw.gauss(0.68 + _TOPICS[topic], 0.16)))
    answers = tuple(
        _answer(draw, _Asked(name=name, ease=ease + _BETTER[at % 6], facts=facts, trial=trial), shape)
        for at, name in enumerate(shape.names)
        for trial in range(1, shape.trials + 1)
    )
    return CaseView(
        id=f"{topic}-{number:04d}",
        inputs={"question": f"What happens with my {draw.choice(_ADJECTIVES)} {noun} in {draw.choice(_PLACES)}?"},
        references=(facts[0].rstrip(".") + ".",),
        contexts=passages,
        cluster=f"document-{number // 4}" if shape.by_case else None,
        slices={"topic": topic, "language": draw.choice(("en", "en", "en", "de"))},
        answers=answers,
    )


@dataclass(frozen=True, kw_only=True)
class _Asked:
    name: str
    ease: float
    facts: Sequence[str]
    trial: int


def _answer(draw: random.Random, asked: _Asked, shape: _Shape) -> AnswerView:
    ease = min(1.0, max(0.0, draw.gauss(asked.ease, 0.09)))
    base = {"variant": asked.name, "trial": asked.trial}
    if draw.random() < 0.012:
        error = draw.choice(("timeout: no answer within 30 s", "target: HTTP 503 from the model, 4 attempts"))
        return AnswerView(
            **base,
            text="",
            error=error,
            outcome="failed" if shape.by_case else "",
            values={name: None for name, *_ in _KINDS[: shape.metrics]},
            unscored={name: error for name, *_ in _KINDS[: shape.metrics]},
        )
    said = [fact.rstrip(".") + "." for fact in asked.facts[: draw.randint(1, 3)]]
    invented = ease < 0.6
    if invented:
        said.append(_sentence(draw))
    if not draw.randrange(3):
        said.insert(0, "Thank you for asking.")
    text = " ".join(said)
    values, unscored = _values(draw, ease, text, shape)
    return AnswerView(
        **base,
        text=text,
        latency=round(draw.lognormvariate(-0.2, 0.45), 3),
        usage={"input_tokens": 520 + draw.randrange(60), "output_tokens": len(text) // 4},
        model="example-small-2026-09-01",
        outcome=("passed" if ease >= 0.6 else "missed") if shape.by_case else "",
        values=values,
        unscored=unscored,
        evidence=_evidence(text, said[-1] if invented else "", ease, values),
    )


def _values(
    draw: random.Random, ease: float, text: str, shape: _Shape
) -> tuple[dict[str, float | None], dict[str, str]]:
    values: dict[str, float | None] = {}
    for name, (low, high), _ in _KINDS[: shape.metrics]:
        span = (high or 2.0) - (low or 0.0)
        raw = min(1.0, max(0.0, draw.gauss(ease, 0.06)))
        values[name] = round(round(raw * 4) / 4 if name == "correctness" else raw * span, 4)
    if "latency" in values:
        values["latency"] = round(0.3 + len(text) / 400 + draw.random(), 3)
    unscored = {}
    if "correctness" in values and draw.random() < 0.02:
        values["correctness"] = None
        unscored["correctness"] = "judge: the reply has no verdict"
    return values, unscored


def _evidence(text: str, invented: str, ease: float, values: Mapping[str, float | None]) -> dict[str, Evidence]:
    start = text.rindex(invented) if invented else len(text)
    ends = [at + 1 for at, letter in enumerate(text) if letter == "." and text[at + 1 : at + 2] in ("", " ")]
    starts = [0, *(end + 1 for end in ends[:-1])]
    support = [0.12 if low >= start else round(min(1.0, ease + 0.2), 3) for low in starts]
    words = [at for at in range(start, len(text)) if at == start or text[at - 1] == " "]
    spans = tuple((at, min(text.find(" ", at) % (len(text) + 1), len(text) - 1)) for at in words[1::2])
    found = {
        "groundedness": Evidence(
            unsupported=spans,
            sentences=tuple(
                (low, high, value, "" if value > 0.5 else "no passage says this")
                for low, high, value in zip(starts, ends, support, strict=True)
            ),
        )
    }
    if values.get("correctness") is not None:
        found["correctness"] = Evidence(
            reason="It says what the reference says, and adds a claim of its own."
            if invented
            else "It agrees with the reference in every fact."
        )
    return {name: each for name, each in found.items() if name in values}


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


def _scores(cases: Sequence[CaseView], shape: _Shape) -> list[ScoreView]:
    found = []
    for part, inside in _parts(cases).items():
        for variant in shape.names:
            for metric, *_ in _KINDS[: shape.metrics]:
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


def _changes(cases: Sequence[CaseView], shape: _Shape) -> list[ChangeView]:
    found = []
    for part, inside in _parts(cases).items():
        for variant in shape.names[1:]:
            for metric, _, up in _KINDS[: shape.metrics]:
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


def _verdicts(test: str, changes: Sequence[ChangeView], shape: _Shape) -> list[VerdictView]:
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
