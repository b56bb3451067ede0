"""Ratings: a whole number on a scale whose levels are described, with a reason and quotes of the answer."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from pytest_genaiops.metrics.judged.asking import TEXT, Block, Prompt, asked, list_of, schema_of, sendable
from pytest_genaiops.metrics.judged.judge import Judge
from pytest_genaiops.metrics.judged.quotes import Quoted
from pytest_genaiops.metrics.judged.reply import Reply
from pytest_genaiops.metrics.judged.sampling import Sampled
from pytest_genaiops.records import Case, Explanation, Response, SentenceSupport

MOST_QUOTES = 20


def rating_prompt(name: str, task: str, levels: Mapping[int, str], scale: tuple[int, int]) -> Prompt:
    """The prompt of a rubric. ``levels`` describe some or all whole numbers of the scale, the highest first."""
    low, high = scale
    described = "\n".join(f"{level}: {levels[level]}" for level in sorted(levels, reverse=True))
    return Prompt(
        name=name,
        task=sendable(
            f"{task}\n\nRate it with a whole number from {low} (worst) to {high} (best){':' if described else '.'}\n"
            f"{described}\n\nQuote, letter for letter, the words of the answer that decide it, and give the reason in "
            "one or two sentences before you rate."
        ),
        form=f'{{"quotes": [<words of the answer>, …], "reason": <why>, "rating": <a number from {low} to {high}>}}',
        schema=schema_of(
            quotes=list_of(TEXT),
            reason=TEXT,
            rating={"type": "integer", "enum": list(range(low, high + 1))},
        ),
    )


async def rated(judge: Judge, prompt: Prompt, blocks: Sequence[Block], scale: tuple[int, int]) -> Explanation:
    """The rating of the block ``answer``, on its scale, with the judge's reason and what it quoted."""
    answer = dict(blocks)["answer"]

    def read(reply: Reply) -> Explanation:
        rating = float(reply.whole("rating", *scale))
        quotes = reply.texts("quotes", MOST_QUOTES)
        reason = f"{rating:g} on a scale of {scale[0]} to {scale[1]}: {reply.text('reason')}"
        spans = Quoted(answer)
        places = [spans.find(quote) for quote in quotes]
        return Explanation(
            score=rating,
            sentences=tuple(
                SentenceSupport(start=a, end=b, text=answer[a:b], support=rating)
                for a, b in dict.fromkeys(filter(None, places))
            ),
            unsupported=(),
            features={"rating": rating, "invented_quotes": places.count(None)},
            reason=reason.removesuffix(": "),
        )

    return await asked(judge, prompt, blocks, read)


@dataclass(frozen=True, kw_only=True)
class Rated(Sampled):
    """A rating from 1 to 5 by a fixed rubric, reported as (rating - 1) / 4 on 0-1."""

    meaning: ClassVar[str] = "(rating-1)/4"
    prompt: ClassVar[Prompt]

    def prompts(self) -> Sequence[Prompt]:
        """The rubric."""
        return (self.prompt,)

    @abstractmethod
    def blocks(self, response: Response, case: Case) -> list[Block]:
        """What the judge is shown, the answer among it. Raises UnscorableError where something is missing."""

    async def opinion(self, response: Response, case: Case) -> Explanation:
        """One rating with its reason; the spans are what the judge quoted of the answer."""
        found = await rated(self.required(), self.prompt, self.blocks(response, case), RATINGS)
        return scaled(found, (found.score - 1) / 4)


RATINGS = (1, 5)


def scaled(explanation: Explanation, score: float) -> Explanation:
    """The same evidence for a value on another scale."""
    return Explanation(
        score=score,
        sentences=tuple(
            SentenceSupport(start=each.start, end=each.end, text=each.text, support=score, note=each.note)
            for each in explanation.sentences
        ),
        unsupported=explanation.unsupported,
        features=explanation.features,
        reason=explanation.reason,
    )
