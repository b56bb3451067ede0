"""What a metric is whose statistics take calls of a model."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar, NoReturn

from pytest_genaiops.errors import MetricError, UnscorableError, of_ours
from pytest_genaiops.metrics.base import Metric
from pytest_genaiops.metrics.judged.judge import Judge
from pytest_genaiops.records import Case, Explanation, Response, Statistics

__tracebackhide__ = of_ours


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The statistics of one response together with what the judge said for them."""

    statistics: Statistics
    explanation: Explanation


@dataclass(frozen=True, kw_only=True)
class Judged(Metric):
    """A metric that asks a model; its calls go through the session's client, which keeps and counts them.

    Subclasses define :meth:`judged`. Everything else is as for any other metric.
    """

    judges: ClassVar[bool] = True

    judge: Judge | None = None
    """The model that is asked; None where nobody has named one, which is an error once something is scored."""

    def __post_init__(self) -> None:
        if self.judge is not None and not isinstance(self.judge, Judge):
            raise MetricError(f"{self.name}: judge is {type(self.judge).__name__}; use metric({self.name!r}, judge=…)")

    @abstractmethod
    async def judged(self, response: Response, case: Case) -> Statistics | Judgement:
        """Sufficient statistics of one response, worked out with calls of :func:`~pytest_genaiops.clients.current.ask`.

        A :class:`Judgement` has the evidence as well: it is not worked out a second time for who wants to see it.
        Runs on the session's event loop beside many others. Raises as :meth:`~Metric.statistics` does; a judge that
        gave no usable reply is an :class:`~pytest_genaiops.errors.UnscorableError` of kind ``judge``.
        """

    def statistics(self, response: Response, case: Case) -> NoReturn:
        """Raise MetricError: who scores it has to wait for its calls, as ``metric()`` and every fixture do."""
        raise MetricError(f"{self.name} asks a model: call metric({self.name!r}) on responses or on texts")

    def explain(self, response: Response, case: Case) -> Explanation:
        """Raise UnscorableError: evidence comes with a judgement, and is kept with it unless the dataset is large."""
        raise UnscorableError(f"{self.name} has no evidence to show: of a dataset this large none is kept")

    def required(self) -> Judge:
        """The judge. Raises MetricError where none is named, with the ways to name one."""
        if self.judge is None:
            raise MetricError(
                f"{self.name} needs a model to judge; write --genaiops-judge=judges/<name>.yaml, "
                f"genaiops_judge in the configuration, or judge= in the call"
            )
        return self.judge
