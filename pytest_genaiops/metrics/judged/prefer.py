"""``prefer``: which of two answers is better, asked in both orders.

Judges favour a position (Zheng et al. 2023, "Judging LLM-as-a-Judge with MT-Bench and Chatbot Arena"): only what holds
in both orders counts as a win.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from pytest_genaiops.errors import MetricError, UnscorableError, of_ours
from pytest_genaiops.metrics.judged.asking import TEXT, Prompt, asked, schema_of
from pytest_genaiops.metrics.judged.material import question_blocks
from pytest_genaiops.metrics.judged.reply import Reply
from pytest_genaiops.metrics.judged.sampling import Sampled
from pytest_genaiops.records import Case, Explanation, Response

__tracebackhide__ = of_ours

OTHER = "other answer"
"""Under which name a pair's case has the answer that this one is compared with."""
WORDS = ("first", "second", "tie")
PREFER = Prompt(
    name="prefer-1",
    task=(
        "Two answers to the same question are in the blocks 'first answer' and 'second answer'. Say which one serves "
        "the one who asked better: it is right, answers all of what was asked, and is clear. Neither the order nor the "
        "length counts. Where neither is better, it is a tie. Give the reason in one or two sentences, then choose."
    ),
    form='{"reason": <why>, "better": <"first", "second" or "tie">}',
    schema=schema_of(reason=TEXT, better={"type": "string", "enum": list(WORDS)}),
)


@dataclass(frozen=True, kw_only=True)
class Prefer(Sampled):
    """Share of cases in which one answer is preferred to another, 0-1; 0.5 is no difference.

    ``prefer(responses, baseline)``, or ``prefer(texts, other_texts, questions=…)``. The judge is asked in both orders:
    a case is 1 or 0 where the same answer wins in both, and 0.5 where it is a tie or the orders disagree. The score's
    ``.inconsistent`` is the share of cases in which they disagree. Equal texts are 0.5 without a call. A case in which
    either answer is missing, an error or empty is unscored.
    """

    name: ClassVar[str] = "prefer"
    use_case: ClassVar[str] = "comparison"
    meaning: ClassVar[str] = "wins in both orders"
    pairwise: ClassVar[bool] = True
    kept: ClassVar[tuple[str, ...]] = ("inconsistent",)

    def prompts(self) -> Sequence[Prompt]:
        """To choose one of two."""
        return (PREFER,)

    async def opinion(self, response: Response, case: Case) -> Explanation:
        """1 where the answer wins in both orders, 0 where the other one does, else 0.5.

        Raises MetricError where there is no other answer: called with one side alone.
        """
        other = case.recorded.get(OTHER)
        if not isinstance(other, str):
            raise MetricError("prefer compares two answers: call prefer(responses, baseline)")
        if not response.text.strip() or not other.strip():
            raise UnscorableError("nothing to judge: one of the two answers is empty")
        if response.text == other:
            return _explanation(0.5, "the two answers are the same", {"inconsistent": 0, "first": 0})
        ahead, behind = await asyncio.gather(
            self._chosen(case, response.text, other), self._chosen(case, other, response.text)
        )
        return _weighed(ahead, behind)

    async def _chosen(self, case: Case, first: str, second: str) -> tuple[str, str]:
        """The better one by its place, and the reason."""
        blocks = [*question_blocks(case), ("first answer", first), ("second answer", second)]
        return await asked(self.required(), PREFER, blocks, _read)


def _read(reply: Reply) -> tuple[str, str]:
    return reply.one_of("better", WORDS), reply.text("reason")


def _weighed(ahead: tuple[str, str], behind: tuple[str, str]) -> Explanation:
    """One value of what was said with this answer first, and with it second."""
    values = [_VALUES[ahead[0]], 1 - _VALUES[behind[0]]]
    value = values[0] if values[0] == values[1] else 0.5
    said = [
        f"as the {place} one it {_SAID[each]}" + (f" ({reason})" if reason else "")
        for place, each, reason in zip(("first", "second"), values, (ahead[1], behind[1]), strict=True)
    ]
    first = [ahead[0], behind[0]].count("first")
    return _explanation(value, "; ".join(said), {"inconsistent": float(values[0] != values[1]), "first": first})


_VALUES = {"first": 1.0, "second": 0.0, "tie": 0.5}
_SAID = {1.0: "is preferred", 0.0: "is not", 0.5: "ties"}


def _explanation(value: float, reason: str, features: Mapping[str, float]) -> Explanation:
    return Explanation(score=value, sentences=(), unsupported=(), features=features, reason=reason)
