"""Answers to questions, judged by a model: relevancy, completeness, utilization, correctness.

Completeness and utilization are defined as in the Azure Architecture Center's guide to RAG, "LLM end-to-end
evaluation": whether all parts of the question are answered, and how many of the contexts the answer is made of.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from pytest_genaiops.metrics.judged.asking import FLAG, NUMBER, TEXT, Block, Prompt, asked, list_of, schema_of
from pytest_genaiops.metrics.judged.material import (
    Shown,
    answer_block,
    contexts_of,
    question_block,
    question_blocks,
    reference_blocks,
)
from pytest_genaiops.metrics.judged.quotes import Quoted
from pytest_genaiops.metrics.judged.rating import RATINGS, Rated, rating_prompt
from pytest_genaiops.metrics.judged.reply import Reply, ReplyError
from pytest_genaiops.metrics.judged.sampling import Sampled
from pytest_genaiops.records import Case, Explanation, Response, SentenceSupport

MOST_PARTS = 30

PARTS = Prompt(
    name="parts-1",
    task=(
        "Break the question down into the separate things that it asks for; a simple question asks for one. Then say "
        "of each whether the answer gives it. A thing is given only where the answer itself states it: not where it "
        "is announced, evaded, declined or promised for later. Whether it is true does not matter here. Quote the "
        "words of the answer that give it, letter for letter; where it is not given, the quote is empty."
    ),
    form='{"parts": [{"part": <what is asked for>, "quote": <words of the answer>, "answered": <true or false>}, …]}',
    schema=schema_of(parts=list_of(schema_of(part=TEXT, quote=TEXT, answered=FLAG))),
)
USED = Prompt(
    name="used-1",
    task=(
        "Say which of the numbered contexts the answer is made of. A context is used where the answer states "
        "something that this context says, in whatever words; not where both merely share a subject, and not where "
        "the answer only names it as a source. List the used ones by number, each once, and quote the words of the "
        "answer that come from it, letter for letter. Where none is used, the list is empty."
    ),
    form='{"used": [{"context": <its number>, "quote": <the words of the answer>}, …]}',
    schema=schema_of(used=list_of(schema_of(context=NUMBER, quote=TEXT))),
)


@dataclass(frozen=True, kw_only=True)
class JudgedRelevancy(Rated):
    """How far an answer is about what was asked, 0-1, as a model judges it from 1 to 5: (rating - 1) / 4.

    Whether it is true does not count, nor whether it is complete. Unscored without a question or with an empty answer.
    """

    name: ClassVar[str] = "relevancy"
    use_case: ClassVar[str] = "RAG"
    needs: ClassVar[tuple[str, ...]] = ("question",)
    prompt: ClassVar[Prompt] = rating_prompt(
        "relevancy-1",
        "Judge how far the answer is about what the question asks. Whether it is true, and whether it is complete, "
        "does not matter here.",
        {
            5: "It answers the question that was asked, and all of it belongs to that.",
            4: "It answers the question; a little of it does not belong there.",
            3: "It answers a part of the question, or about half of it does not belong there.",
            2: "It is about the subject of the question without answering it.",
            1: "It is about something else, or declines to answer.",
        },
        RATINGS,
    )

    def blocks(self, response: Response, case: Case) -> list[Block]:
        """Question and answer."""
        return [question_block(case), answer_block(response)]


@dataclass(frozen=True, kw_only=True)
class Correctness(Rated):
    """How far an answer says what a reference says, 0-1, as a model judges it from 1 to 5: (rating - 1) / 4.

    Where there are several references, an answer that agrees with one of them is right. Unscored without a reference
    that holds something, or with an empty answer.
    """

    name: ClassVar[str] = "correctness"
    use_case: ClassVar[str] = "RAG, short answers"
    needs: ClassVar[tuple[str, ...]] = ("references",)
    prompt: ClassVar[Prompt] = rating_prompt(
        "correctness-1",
        "Judge whether the answer is right. What the reference says is right, whatever you know; of several references "
        "each is right by itself. Wording, order and length do not matter; facts, numbers, names and negations do.",
        {
            5: "It says what a reference says, and nothing that contradicts it.",
            4: "It says all that matters of it; a detail is missing or imprecise.",
            3: "It says a part of it; something that matters is missing, and nothing of weight is wrong.",
            2: "Something that matters is wrong, though part of it is right.",
            1: "It contradicts the reference, says nothing of it, or declines to answer.",
        },
        RATINGS,
    )

    def blocks(self, response: Response, case: Case) -> list[Block]:
        """Question, references and answer."""
        return [*question_blocks(case), *reference_blocks(case), answer_block(response)]


@dataclass(frozen=True, kw_only=True)
class JudgedCompleteness(Sampled):
    """Share of the parts of a question that an answer answers, 0-1, as a model lists and judges them.

    The guide squares this ratio; it is left as it is, so that half of the question is 0.5. Unscored without a question
    or with an empty answer. No reference is needed: what the question asks for is what an answer has to give.
    """

    name: ClassVar[str] = "completeness"
    use_case: ClassVar[str] = "RAG"
    needs: ClassVar[tuple[str, ...]] = ("question",)
    meaning: ClassVar[str] = "answered parts"

    def prompts(self) -> Sequence[Prompt]:
        """To list the parts and judge them."""
        return (PARTS,)

    async def opinion(self, response: Response, case: Case) -> Explanation:
        """Every part of the question, and where the answer gives it."""
        blocks = [question_block(case), answer_block(response)]
        return await asked(self.required(), PARTS, blocks, lambda reply: _parts(reply, response.text))


@dataclass(frozen=True, kw_only=True)
class JudgedUtilization(Sampled):
    """Share of the contexts that an answer is made of, 0-1, as a model judges them.

    Low where a retriever brings much that is of no use; read it beside completeness. Contexts are the response's own,
    else the case's; blank ones do not count. Unscored without contexts or with an empty answer.
    """

    name: ClassVar[str] = "utilization"
    use_case: ClassVar[str] = "RAG"
    needs: ClassVar[tuple[str, ...]] = ("contexts",)
    meaning: ClassVar[str] = "used contexts"

    def prompts(self) -> Sequence[Prompt]:
        """To name the contexts that are used."""
        return (USED,)

    async def opinion(self, response: Response, case: Case) -> Explanation:
        """The contexts that are used, and what of the answer comes from each."""
        answer, questions = answer_block(response), question_blocks(case)
        shown = contexts_of(response, case, [response.text])
        blocks = [*shown.blocks, *questions, answer]
        return await asked(self.required(), USED, blocks, lambda reply: _used(reply, response.text, shown))


def _parts(reply: Reply, answer: str) -> Explanation:
    rows = [
        (each.text("part"), each.flag("answered"), each.text("quote")) for each in reply.objects("parts", MOST_PARTS)
    ]
    if not rows:
        raise ReplyError("the list of parts is empty, and every question asks for something")
    text, missing = Quoted(answer), [part for part, answered, _ in rows if not answered]
    given = [(part, text.find(quote)) for part, answered, quote in rows if answered]
    reason = f"{len(given)} of {len(rows)} parts of the question are answered"
    return Explanation(
        score=len(given) / len(rows),
        sentences=_spans(answer, [(place, f"answers: {part}") for part, place in given]),
        unsupported=(),
        features={"parts": len(rows), "answered": len(given), "invented_quotes": _unfound([p for _, p in given])},
        reason=f"{reason}; missing: {'; '.join(missing)}" if missing else reason,
    )


def _used(reply: Reply, answer: str, shown: Shown) -> Explanation:
    text, found = Quoted(answer), dict[int, tuple[int, int] | None]()
    for each in reply.objects("used", 2 * shown.count):
        number = each.whole("context", 1, max(shown.texts))
        if number not in shown.texts:
            raise ReplyError(f"there is no context {number}")
        found[number] = found.get(number) or text.find(each.text("quote"))
    reason = f"{len(found)} of {shown.count} contexts are used"
    reason += f": {', '.join(map(str, sorted(found)))}" if found else ""
    return Explanation(
        score=len(found) / shown.count,
        sentences=_spans(answer, [(place, f"from context {number}") for number, place in sorted(found.items())]),
        unsupported=(),
        features={
            "contexts": shown.count,
            "used": len(found),
            "invented_quotes": _unfound(list(found.values())),
            "characters_left_out": shown.left_out,
        },
        reason=f"{reason}; {shown.note}" if shown.note else reason,
    )


def _spans(answer: str, notes: Sequence[tuple[tuple[int, int] | None, str]]) -> tuple[SentenceSupport, ...]:
    found = [
        SentenceSupport(start=place[0], end=place[1], text=answer[place[0] : place[1]], support=1.0, note=note)
        for place, note in notes
        if place is not None
    ]
    return tuple(sorted(found, key=lambda span: (span.start, span.end)))


def _unfound(places: Sequence[tuple[int, int] | None]) -> int:
    return sum(place is None for place in places)
