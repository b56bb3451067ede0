"""Cases of example reports, drawn from a seed: questions, passages, and answers with the values of their metrics."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pytest_genaiops.report.document import (
    AnswerView,
    CaseView,
    Evidence,
)

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
KINDS = (
    ("groundedness", (0.0, 1.0), True),
    ("correctness", (0.0, 1.0), True),
    ("bleu", (0.0, 100.0), True),
    ("relevancy", (0.0, 1.0), True),
    ("latency", (0.0, None), False),
    ("rougeL", (0.0, 1.0), True),
    ("token_f1", (0.0, 1.0), True),
)
_BETTER = (0.0, 0.07, -0.06, 0.02, 0.0, 0.01)
"""What each variant adds to the quality of an answer."""


@dataclass(frozen=True, kw_only=True)
class Shape:
    """How much there is to draw for a suite."""

    names: Sequence[str]
    cases: int
    metrics: int
    trials: int
    context: int
    by_case: bool = False


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


def drawn_case(draw: random.Random, number: int, shape: Shape) -> CaseView:
    """One case with an answer of every variant and trial."""
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


def _answer(draw: random.Random, asked: _Asked, shape: Shape) -> AnswerView:
    ease = min(1.0, max(0.0, draw.gauss(asked.ease, 0.09)))
    base = {"variant": asked.name, "trial": asked.trial}
    if draw.random() < 0.012:
        error = draw.choice(("timeout: no answer within 30 s", "target: HTTP 503 from the model, 4 attempts"))
        return AnswerView(
            **base,
            text="",
            error=error,
            outcome="failed" if shape.by_case else "",
            values={name: None for name, *_ in KINDS[: shape.metrics]},
            unscored={name: error for name, *_ in KINDS[: shape.metrics]},
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
    draw: random.Random, ease: float, text: str, shape: Shape
) -> tuple[dict[str, float | None], dict[str, str]]:
    values: dict[str, float | None] = {}
    for name, (low, high), _ in KINDS[: shape.metrics]:
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
