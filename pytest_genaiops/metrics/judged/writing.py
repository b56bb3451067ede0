"""How an answer is written, judged by a model: coherence and fluency, as SummEval names them (Fabbri et al. 2021)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pytest_genaiops.metrics.judged.asking import Block, Prompt
from pytest_genaiops.metrics.judged.material import answer_block, question_blocks
from pytest_genaiops.metrics.judged.rating import RATINGS, Rated, rating_prompt
from pytest_genaiops.records import Case, Response


@dataclass(frozen=True, kw_only=True)
class Coherence(Rated):
    """How well the sentences of an answer form a whole, 0-1, as a model judges it from 1 to 5: (rating - 1) / 4.

    The question is shown where there is one. Unscored with an empty answer.
    """

    name: ClassVar[str] = "coherence"
    use_case: ClassVar[str] = "writing"
    prompt: ClassVar[Prompt] = rating_prompt(
        "coherence-1",
        "Judge how well the answer holds together as a text: whether its sentences follow from each other and lead "
        "somewhere, without leaps, repetition or contradiction. Whether it is true, and each sentence by itself, does "
        "not matter here.",
        {
            5: "It is well ordered throughout, and every sentence has its place.",
            4: "It is well ordered; one sentence is out of place or repeats another.",
            3: "The thread can be followed, with leaps or repetitions.",
            2: "The thread is mostly lost.",
            1: "It is a heap of sentences, or contradicts itself throughout.",
        },
        RATINGS,
    )

    def blocks(self, response: Response, case: Case) -> list[Block]:
        """The question, where there is one, and the answer."""
        return [*question_blocks(case), answer_block(response)]


@dataclass(frozen=True, kw_only=True)
class Fluency(Rated):
    """How well the sentences of an answer are written, 0-1, as a model judges it from 1 to 5: (rating - 1) / 4.

    Grammar, spelling and choice of words, in whatever language the answer has. Unscored with an empty answer.
    """

    name: ClassVar[str] = "fluency"
    use_case: ClassVar[str] = "writing"
    prompt: ClassVar[Prompt] = rating_prompt(
        "fluency-1",
        "Judge how well the single sentences of the answer are written in the language that it is in: grammar, "
        "spelling, choice of words. What they say, and how they go together, does not matter here.",
        {
            5: "Every sentence reads as a careful native writer would put it.",
            4: "It reads well; there are one or two slips.",
            3: "Slips or stiff phrases are frequent, and it is easy to understand.",
            2: "Mistakes make it hard to read.",
            1: "It is barely understandable, broken off, or no sentences at all.",
        },
        RATINGS,
    )

    def blocks(self, response: Response, case: Case) -> list[Block]:
        """The answer alone."""
        return [answer_block(response)]
