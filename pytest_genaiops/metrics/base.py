"""The whole contract of a metric: statistics of one response, and a score from their sum.

Keeping the two apart is sacrebleu's idea: corpus scores, slices, resampling and paired
tests all work from sums of per-response statistics, without a second pass over text.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

from pytest_genaiops.columns import Total, added, exact_sum
from pytest_genaiops.errors import UnscorableError
from pytest_genaiops.records import Case, Explanation, Response, Statistics


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One number that a metric gives: how to get it from summed statistics, and what it means."""

    name: str
    score: Callable[[Any, int], float]
    """(summed statistics, number of responses) -> value. Raises UnscorableError where undefined."""
    case_score: Callable[[Any], float]
    """Statistics of one response -> its own value, for listings and paired statistics."""
    scale: tuple[float, float] = (0.0, 1.0)
    higher_is_better: bool = True
    is_mean: bool = False
    """True where ``score`` is the plain mean of ``case_score``; such scores need no resampling."""
    quantile: float | None = None
    """Where the number is a quantile of ``case_score`` (0.95: the 95th percentile), which one. ``score`` then takes a
    mapping of values to how often they occur: that is what of a quantile adds up."""
    lacking: Callable[[Any], str] | None = None
    """Statistics of one response -> why this part has no value for it, empty where it has one: a metric may know the
    seconds of an answer and not its tokens. None where every response that is scored has this part too."""
    about: Callable[[Any], bool] | None = None
    """Statistics of one response -> whether this part is about it at all. Others are left out, neither scored nor
    missing: a query for which there is nothing to find has no recall. A response without statistics is missing, since
    nobody knows. None where the part is about all of them."""
    children: Mapping[str, Part] = field(default_factory=dict)
    """Further numbers under this one: ``rouge.rougeL.precision``."""


class Metric(ABC):
    """A metric: a frozen dataclass whose fields are its options.

    Subclasses name themselves, say what they need and define :meth:`statistics`. The default
    score is the mean of the first statistic. Instances are hashable, hold no results and do
    no work before the first response; heavy packages are imported inside methods.
    """

    name: ClassVar[str]
    scale: ClassVar[tuple[float, float]] = (0.0, 1.0)
    higher_is_better: ClassVar[bool] = True
    use_case: ClassVar[str] = ""
    """What it is for, in a word or two, as listings show it: ``translation``, ``RAG``."""
    needs: ClassVar[tuple[str, ...]] = ()
    """Roles without which nothing can be scored: ``references``, ``contexts``, ``question``, ``label``."""
    takes: ClassVar[str] = "text"
    """Field of a Response that a call's first argument fills: ``text``, ``label``, ``probabilities``, ``latency``."""
    judges: ClassVar[bool] = False
    """True for a metric that stands for a person's opinion: how far it agrees with people can be measured."""
    finds: ClassVar[str] = "not in the contexts"
    """What the spans of :meth:`explain` are, as reports name them."""
    says: ClassVar[str] = "judge"
    """Who speaks in the reason of :meth:`explain`, as messages name it."""
    batched: ClassVar[bool] = False
    """True for a metric that works out many responses faster together, in :meth:`batch`."""
    pairwise: ClassVar[bool] = False
    """True for a metric that compares each answer with another one: a call's second argument holds those."""
    opens_with: ClassVar[str] = ""
    """Option that a call with nothing but a text fills as long as it is empty: ``rubric("The answer is polite.")``."""
    judges_errors: ClassVar[bool] = False
    """True only for a metric that scores failed trials themselves (``error_rate``)."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if any(getattr(value, "__isabstractmethod__", False) for value in vars(cls).values()):
            return  # a contract of its own, which others fulfil
        missing = [name for name in ("name", "statistics") if name not in vars(cls) and not _inherited(cls, name)]
        if missing:
            raise TypeError(f"metric class {cls.__name__} must define {' and '.join(missing)}")

    @abstractmethod
    def statistics(self, response: Response, case: Case) -> Statistics:
        """Sufficient statistics of one response; pure, and the same whatever else is in the batch.

        Raises :class:`UnscorableError` with a reason where this response cannot be scored, and
        :class:`MetricError` where the metric cannot work on this dataset at all.
        """

    def batch(self, rows: Sequence[tuple[Response, Case]]) -> Sequence[Statistics | UnscorableError]:
        """What :meth:`statistics` gives for each of many responses, in their order; only asked where ``batched``.

        By default one after the other. A row's value must not depend on the other rows. The UnscorableError that
        :meth:`statistics` would raise for one row alone stands in that row's place.
        """
        found: list[Statistics | UnscorableError] = []
        for response, case in rows:
            try:
                found.append(self.statistics(response, case))
            except UnscorableError as error:
                found.append(error)
        return found

    def score(self, total: Any, n: int) -> float:
        """Value of ``n`` responses from their summed statistics."""
        return float(total[0]) / n

    def case_score(self, statistics: Any) -> float:
        """Value of one response on its own."""
        return self.score(statistics, 1)

    def parts(self, total: Total | None) -> Mapping[str, Part | Mapping[str, Part]]:
        """The numbers of a group metric by attribute name; empty for a metric of one number.

        ``total`` is the sum over all responses (None where nothing was scored), for groups whose
        members depend on the data, such as one score per class.
        """
        return {}

    def tables(self, total: Total) -> Mapping[str, Any]:
        """Attributes of a group that are not scores, such as a confusion matrix."""
        return {}

    def part(self) -> Part:
        """The single number of a metric that is not a group."""
        return Part(
            name=self.name,
            score=self.score,
            case_score=self.case_score,
            scale=self.scale,
            higher_is_better=self.higher_is_better,
            is_mean=type(self).score is Metric.score,
        )

    def signature(self, cases: Sequence[Case]) -> dict[str, str]:
        """What the number depends on beside the texts: options, tokenizer, package versions."""
        return {f.name: str(getattr(self, f.name)) for f in fields(self)}  # type: ignore[arg-type]

    def explain(self, response: Response, case: Case) -> Explanation:
        """Evidence for one response's value. Raises UnscorableError where the metric has none to give."""
        raise UnscorableError(f"{self.name} has no evidence to show; its value is all there is")


def _inherited(cls: type, name: str) -> bool:
    """Whether a real base class (not the contract itself) defines the attribute."""
    return any(name in vars(base) for base in cls.__mro__[1:] if base not in (Metric, ABC, object))


def add_up(statistics: Sequence[Statistics]) -> Total:
    """Sum of sufficient statistics; integers stay exact, floats are summed without rounding drift."""
    if not statistics:
        raise ValueError("no statistics to add up")
    if not isinstance(statistics[0], tuple):
        return added(statistics)  # type: ignore[arg-type]
    return tuple(exact_sum(column) for column in zip(*statistics, strict=True))
