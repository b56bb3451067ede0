"""Groundedness by claims: what of an answer do its contexts support, claim by claim.

Two calls for an answer: its claims are listed without the contexts in sight, then all of them are held against the
contexts at once. A call for each claim would send the contexts as often as there are claims. The first call depends on
question and answer alone, so that other contexts for the same answer cost one call.

Source of the scheme: FActScore (Min et al. 2023); ragas names the same share faithfulness (Es et al. 2024).
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from pytest_genaiops.errors import UnscorableError
from pytest_genaiops.metrics.judged.asking import NUMBER, TEXT, Block, Prompt, asked, list_of, schema_of
from pytest_genaiops.metrics.judged.material import Shown, answer_block, contexts_of, question_blocks
from pytest_genaiops.metrics.judged.quotes import Quoted
from pytest_genaiops.metrics.judged.reply import Reply, ReplyError
from pytest_genaiops.metrics.judged.sampling import Sampled
from pytest_genaiops.metrics.lexical.text import sentences, words
from pytest_genaiops.records import Case, Explanation, Response, SentenceSupport, UnsupportedSpan

MOST_CLAIMS = 200
AT_ONCE = 25
"""Claims that are held against the contexts in one call: judges grow careless over longer lists."""
VERDICTS = ("supported", "contradicted", "not mentioned")

CLAIMS = Prompt(
    name="claims-1",
    task=(
        "List the factual claims that the answer makes. A claim is one short statement that could be true or false "
        "by itself, with pronouns replaced by what they stand for. Leave out questions, courtesies, offers of help, "
        "and statements that something is not known or cannot be answered. Add nothing that the answer does not say, "
        "and leave out nothing that it does. For each claim quote the words of the answer that make it, letter for "
        "letter. An answer that claims nothing has an empty list."
    ),
    form='{"claims": [{"claim": <a statement>, "quote": <the words of the answer>}, …]}',
    schema=schema_of(claims=list_of(schema_of(claim=TEXT, quote=TEXT))),
)
SUPPORT = Prompt(
    name="support-1",
    task=(
        "Hold every numbered claim against the contexts, and against nothing else: not what you know, and not "
        "whether the claim is plausible. Its verdict is 'supported' where the contexts say it or it follows from "
        "what they say; 'contradicted' where it cannot be true together with what they say; 'not mentioned' "
        "otherwise. Quote the words of the contexts on which a verdict rests, letter for letter; for 'not mentioned' "
        "the quote is empty. Give the reason in a few words. Every claim gets exactly one verdict."
    ),
    form=(
        '{"verdicts": [{"claim": <its number>, "quote": <the words of a context, or empty>, "reason": <a few words>, '
        '"verdict": <one of the three>}, …]}'
    ),
    schema=schema_of(
        verdicts=list_of(
            schema_of(claim=NUMBER, quote=TEXT, reason=TEXT, verdict={"type": "string", "enum": list(VERDICTS)})
        )
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A statement of the answer, and where the answer makes it."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a judge says of a claim."""

    word: str
    """One of ``VERDICTS``."""
    quote: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class JudgedGroundedness(Sampled):
    """Share of an answer's claims that its contexts support, 0-1, as a model judges it.

    Claims that the contexts contradict and claims that they do not mention count alike; evidence tells them apart. The
    mean over answers gives every answer the same say. Contexts are the response's own, else the case's. An answer
    without contexts, without text or without any claim, as a refusal, is unscored: there is nothing to ground.
    """

    name: ClassVar[str] = "groundedness"
    use_case: ClassVar[str] = "RAG, summaries"
    needs: ClassVar[tuple[str, ...]] = ("contexts",)
    meaning: ClassVar[str] = "supported claims"

    def prompts(self) -> Sequence[Prompt]:
        """To list claims, and to judge them."""
        return CLAIMS, SUPPORT

    async def opinion(self, response: Response, case: Case) -> Explanation:
        """Every claim with its verdict. Raises UnscorableError where there is nothing to ground."""
        if not response.text.strip():
            raise UnscorableError("nothing to ground: the answer is empty")
        questions = question_blocks(case)
        shown = contexts_of(response, case, [response.text, *(text for _, text in questions)])
        judge, answer = self.required(), answer_block(response)
        read = _Claims(response.text)
        claims = await asked(judge, CLAIMS, [*questions, answer], read)
        if not claims:
            raise UnscorableError("nothing to ground: the judge finds no claim in the answer")
        parts = [claims[i : i + AT_ONCE] for i in range(0, len(claims), AT_ONCE)]
        verdicts = await asyncio.gather(*(self._verdicts(part, questions, shown) for part in parts))
        return _explanation(response.text, claims, [each for part in verdicts for each in part], shown)

    async def _verdicts(self, claims: Sequence[Claim], questions: Sequence[Block], shown: Shown) -> list[Verdict]:
        numbered = "\n".join(f"{i}. {' '.join(claim.text.split())}" for i, claim in enumerate(claims, 1))
        blocks = [*shown.blocks, *questions, ("claims", numbered)]
        return await asked(self.required(), SUPPORT, blocks, lambda reply: _verdicts(reply, len(claims)))


class _Claims:
    """Reads the claims of one answer."""

    def __init__(self, answer: str) -> None:
        self._answer = Quoted(answer)

    def __call__(self, reply: Reply) -> list[Claim]:
        found = []
        for each in reply.objects("claims", MOST_CLAIMS):
            text, quote = each.text("claim"), each.text("quote")
            if not text:
                raise ReplyError("a claim is empty")
            place = self._answer.find(quote) or self._nearest(text)
            if place is None:
                raise ReplyError(f"the answer does not make the claim {text[:200]!r}: none of its words is there")
            found.append(Claim(text=text, start=place[0], end=place[1]))
        return found

    def _nearest(self, claim: str) -> tuple[int, int] | None:
        """The sentence of the answer with most words of a claim whose quote the judge did not copy faithfully."""
        answer, wanted = self._answer.text, set(words(claim).stems)
        shared = {(a, b): len(wanted & set(words(answer[a:b]).stems)) for a, b in sentences(answer)}
        best = max(shared, key=lambda span: shared[span], default=None)
        return best if best is not None and shared[best] else None


def _verdicts(reply: Reply, count: int) -> list[Verdict]:
    found: dict[int, Verdict] = {}
    for each in reply.objects("verdicts", count):
        number = each.whole("claim", 1, count)
        if number in found:
            raise ReplyError(f"claim {number} has two verdicts")
        word = each.one_of("verdict", VERDICTS)
        found[number] = Verdict(word=word, quote=each.text("quote"), reason=each.text("reason"))
    lacking = [number for number in range(1, count + 1) if number not in found]
    if lacking:
        raise ReplyError(f"claim {lacking[0]} has no verdict")
    return [found[number] for number in range(1, count + 1)]


def _explanation(answer: str, claims: Sequence[Claim], verdicts: Sequence[Verdict], shown: Shown) -> Explanation:
    """Claims in the answer's order, each with its verdict and what of the contexts it rests on."""
    texts = {number: Quoted(text) for number, text in shown.texts.items()}
    notes, invented = [], 0
    for claim, verdict in zip(claims, verdicts, strict=True):
        note, made_up = _note(claim, verdict, texts)
        invented += made_up
        notes.append(note)
    counts = Counter(verdict.word for verdict in verdicts)
    share = counts["supported"] / len(claims)
    rows = sorted(zip(claims, verdicts, notes, strict=True), key=lambda row: (row[0].start, row[0].end))
    parts = [f"{counts[word]} {word}" for word in VERDICTS if counts[word]]
    parts += [f"{invented} of the judge's quotes are not in the contexts"] if invented else []
    parts += [shown.note] if shown.note else []
    return Explanation(
        score=share,
        sentences=tuple(
            SentenceSupport(
                start=claim.start,
                end=claim.end,
                text=answer[claim.start : claim.end],
                support=float(verdict.word == "supported"),
                note=note,
            )
            for claim, verdict, note in rows
        ),
        unsupported=tuple(
            UnsupportedSpan(start=claim.start, end=claim.end, text=answer[claim.start : claim.end])
            for claim, verdict, _ in rows
            if verdict.word != "supported"
        ),
        features={
            "claims": len(claims),
            **{word.replace(" ", "_"): counts[word] for word in VERDICTS},
            "invented_quotes": invented,
            "characters_left_out": shown.left_out,
        },
        reason=f"{len(claims)} claims: {'; '.join(parts)}",
    )


def _note(claim: Claim, verdict: Verdict, contexts: Mapping[int, Quoted]) -> tuple[str, bool]:
    """The verdict on a claim in words, and whether its quote was made up."""
    note = f"{verdict.word}: {claim.text}"
    note += f" ({verdict.reason})" if verdict.reason else ""
    if not verdict.quote or verdict.word == "not mentioned":
        return note, False
    number = next((number for number, text in contexts.items() if text.find(verdict.quote)), None)
    where = "a quote that no context holds" if number is None else f"context {number}"
    return f"{note}; {where}: {verdict.quote}", number is None
