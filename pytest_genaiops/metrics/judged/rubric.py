"""``rubric``: criteria of one's own, rated by a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from pytest_genaiops.dataset.text import listed, quoted
from pytest_genaiops.errors import MetricError, of_ours
from pytest_genaiops.metrics.judged.asking import Block, Prompt, sendable
from pytest_genaiops.metrics.judged.judge import Judge
from pytest_genaiops.metrics.judged.material import answer_block, contexts_of, question_blocks, reference_blocks
from pytest_genaiops.metrics.judged.rating import rated, rating_prompt
from pytest_genaiops.metrics.judged.sampling import Sampled
from pytest_genaiops.records import Case, Explanation, Response

__tracebackhide__ = of_ours

ROLES = ("contexts", "references")
MOST_LEVELS = 101
SHOWN = 60
"""Characters of the criteria in a signature; the hash beside them stands for the rest."""


@dataclass(frozen=True, kw_only=True)
class Rubric(Sampled):
    """Mean rating of answers by criteria of one's own, on ``scale``; higher is better.

    ``criteria`` says what a good answer is. ``levels`` may describe numbers of the scale: ``{1: "rude", 5: "polite"}``.
    The judge sees the question, where there is one, and the answer; with ``needs=("contexts",)`` or ``("references",)``
    those as well, and a case without them is unscored. An empty answer is unscored.
    """

    name: ClassVar[str] = "rubric"
    use_case: ClassVar[str] = "criteria of one's own"
    opens_with: ClassVar[str] = "criteria"

    criteria: str = ""
    scale: tuple[int, int] = (1, 5)  # type: ignore[misc]  # an option here, and fixed elsewhere
    levels: Mapping[int, str] | tuple[tuple[int, str], ...] = ()
    needs: tuple[str, ...] = ()  # type: ignore[misc]

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.criteria, str):
            raise MetricError(f"rubric: criteria are {quoted(self.criteria)}; write what a good answer is")
        self._keep("scale", _scale(self.scale))
        self._keep("levels", _levels(self.levels, self.scale))
        needs = (self.needs,) if isinstance(self.needs, str) else tuple(self.needs)
        for role in needs:
            if role not in ROLES:
                raise MetricError(f"rubric: needs names {quoted(role)}; a judge can be shown {listed(ROLES)}")
        self._keep("needs", needs)

    def _keep(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)  # frozen from now on, and hashable

    def required(self) -> Judge:
        """The judge. Raises MetricError where there are no criteria, or no judge."""
        if not self.criteria.strip():
            raise MetricError(
                'rubric has no criteria; write rubric("The answer is polite.") and call that on responses'
            )
        return super().required()

    def prompts(self) -> Sequence[Prompt]:
        """The rubric in words."""
        task = f"Judge the answer by these criteria, and by nothing else:\n{self.criteria.strip()}"
        return (rating_prompt("rubric-1", task, dict(self.levels), self.scale),)

    async def opinion(self, response: Response, case: Case) -> Explanation:
        """One rating with its reason; the spans are what the judge quoted of the answer."""
        answer = answer_block(response)
        blocks: list[Block] = question_blocks(case)
        blocks += contexts_of(response, case, [response.text]).blocks if "contexts" in self.needs else []
        blocks += reference_blocks(case) if "references" in self.needs else []
        return await rated(self.required(), self.prompts()[0], [*blocks, answer], self.scale)

    def signature(self, cases: object) -> dict[str, str]:
        """As of every judged metric, with the beginning of the criteria for people to read."""
        words = " ".join(sendable(self.criteria).split())
        shown = words if len(words) <= SHOWN else f"{words[:SHOWN]}…"
        needs = {"needs": "+".join(self.needs)} if self.needs else {}
        return {"criteria": shown, **super().signature(cases), "scale": f"{self.scale[0]}-{self.scale[1]}", **needs}


def _scale(given: Any) -> tuple[int, int]:
    try:
        low, high = given
    except (TypeError, ValueError):
        low, high = None, None
    if type(low) is not int or type(high) is not int or not 0 < high - low < MOST_LEVELS:
        raise MetricError(
            f"rubric: scale is {quoted(given)}; give the lowest and the highest rating, such as (1, 5), "
            f"at most {MOST_LEVELS - 1} apart"
        )
    return low, high


def _levels(given: Any, scale: tuple[int, int]) -> tuple[tuple[int, str], ...]:
    try:
        found = dict(given)
    except (TypeError, ValueError):
        raise MetricError(
            f"rubric: levels are {quoted(given)}; describe ratings as in {{1: 'rude', 5: 'polite'}}"
        ) from None
    for level, text in found.items():
        if type(level) is not int or not scale[0] <= level <= scale[1]:
            raise MetricError(f"rubric: the level {quoted(level)} is not on the scale from {scale[0]} to {scale[1]}")
        if not isinstance(text, str) or not text.strip():
            raise MetricError(
                f"rubric: the level {level} is described by {quoted(text)}; write what such an answer is like"
            )
    return tuple(sorted(found.items()))
