"""A judged metric of one number: asked once or several times, with the spread of what it said."""

from __future__ import annotations

import asyncio
import hashlib
import statistics
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from pytest_genaiops.errors import MetricError
from pytest_genaiops.metrics.base import Part
from pytest_genaiops.metrics.judged.asking import Prompt
from pytest_genaiops.metrics.judged.base import Judged, Judgement
from pytest_genaiops.records import Case, Explanation, Response

MOST_SAMPLES = 32


@dataclass(frozen=True, kw_only=True)
class Sampled(Judged):
    """A judged metric whose value is the mean of ``samples`` opinions; subclasses define one, :meth:`opinion`."""

    meaning: ClassVar[str] = ""
    """What the value is made of, as the signature has it: ``supported claims``."""
    kept: ClassVar[tuple[str, ...]] = ()
    """Features, on 0-1 and lower better, whose means are attributes of the score."""

    samples: int = 1
    """How often the judge is asked about each response. At temperature 0 more than once tells next to nothing."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if type(self.samples) is not int or not 1 <= self.samples <= MOST_SAMPLES:
            raise MetricError(f"{self.name}: samples is {self.samples!r}; give a whole number from 1 to {MOST_SAMPLES}")

    @abstractmethod
    async def opinion(self, response: Response, case: Case) -> Explanation:
        """One opinion of the judge: its value as ``score``, and what speaks for it. Raises as :meth:`judged`."""

    @abstractmethod
    def prompts(self) -> Sequence[Prompt]:
        """What the judge is asked, for the signature."""

    async def judged(self, response: Response, case: Case) -> Judgement:
        """(mean, means of what is kept, of several samples their deviation). One that fails leaves no value."""
        opinions = await self._opinions(response, case)
        values = [each.score for each in opinions]
        columns = [values, *([each.features[name] for each in opinions] for name in self.kept)]
        means = tuple(map(statistics.fmean, columns))
        if self.samples == 1:
            return Judgement(statistics=means, explanation=opinions[0])
        spread = statistics.stdev(values)
        return Judgement(statistics=(*means, spread), explanation=_typical(opinions, means[0], spread))

    async def _opinions(self, response: Response, case: Case) -> list[Explanation]:
        tasks = [self.opinion(response, case) for _ in range(self.samples)]
        found = []
        for each in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(each, BaseException):  # raised only here, when no call is under way any more
                raise each
            found.append(each)
        return found

    def part(self) -> Part:
        """What is kept is under the score; with several samples also ``.spread``, the mean of their deviations."""
        part = super().part()
        low, high = self.scale
        names = dict.fromkeys(self.kept, 1.0) | ({"spread": high - low} if self.samples > 1 else {})
        children = {name: _child(name, i, most) for i, (name, most) in enumerate(names.items(), 1)}
        return replace(part, children=children)

    def signature(self, cases: object) -> dict[str, str]:
        """The judge, the hash of all that it is asked, and how its replies become a value."""
        digests = "".join(prompt.digest for prompt in self.prompts())
        prompt = "+".join(prompt.name for prompt in self.prompts())
        found = {**self.required().signature, "prompt": f"{prompt}-{hashlib.sha256(digests.encode()).hexdigest()[:12]}"}
        found |= {"value": self.meaning} if self.meaning else {}
        return found | ({"samples": str(self.samples)} if self.samples > 1 else {})


def _child(name: str, column: int, most: float) -> Part:
    return Part(
        name=name,
        score=lambda total, n: float(total[column]) / n,
        case_score=lambda given: float(given[column]),
        scale=(0.0, most),
        higher_is_better=False,
    )


def _typical(opinions: Sequence[Explanation], mean: float, spread: float) -> Explanation:
    """The opinion nearest to the mean, with the mean and what became of the others."""
    typical = min(opinions, key=lambda each: abs(each.score - mean))
    values = [each.score for each in opinions]
    features: dict[str, Any] = {"samples": len(values), "lowest": min(values), "highest": max(values), "spread": spread}
    said = f"{len(values)} samples from {min(values):g} to {max(values):g}"
    reason = f"{said}; {typical.reason}" if typical.reason else said
    return replace(typical, score=mean, reason=reason, features={**typical.features, **features})
