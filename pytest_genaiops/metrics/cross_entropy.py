"""Cross-entropy of predicted class probabilities; only for systems that give probabilities."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Real

from pytest_genaiops.errors import UnscorableError
from pytest_genaiops.metrics.base import Metric
from pytest_genaiops.metrics.rows import place
from pytest_genaiops.records import Case, Response, Statistics

# A true class given probability 0 costs -log(2.2e-16), about 36 nats, as in scikit-learn's log_loss:
# it is the worst answer there is, so it must weigh on the mean instead of dropping out of it.
_SMALLEST = sys.float_info.epsilon
_TOLERANCE = 1e-3


@dataclass(frozen=True, kw_only=True)
class CrossEntropy(Metric):
    """Mean of -log p(true class) in nats; 0 to infinity (about 36 in practice), lower is better.

    Definition and clipping: scikit-learn's ``log_loss``.
    """

    name = "cross_entropy"
    use_case = "labels"
    scale = (0.0, math.inf)
    higher_is_better = False
    needs = ("label",)
    takes = "probabilities"

    def statistics(self, response: Response, case: Case) -> Statistics:
        """(-log p(label),).

        Raises:
            UnscorableError: no label or no probabilities; a probability that is not a number in 0-1;
                a sum that is not 1 within 0.001; a label that is not among the classes.
        """
        if not case.label:
            raise UnscorableError(f"{place(case)} has no label; fill its label column")
        probabilities = response.probabilities
        if not probabilities:
            raise UnscorableError("the response has no class probabilities; have the target return probabilities")
        _check(probabilities)
        if case.label not in probabilities:
            raise UnscorableError(
                f"the label {case.label!r} of {place(case)} has no probability; "
                f"the classes are {_listed(probabilities)}"
            )
        # abs: the logarithm of 1 would give minus zero.
        return (abs(math.log(max(float(probabilities[case.label]), _SMALLEST))),)

    def signature(self, cases: Sequence[Case]) -> dict[str, str]:
        """Base of the logarithm and the probability below which it is clipped."""
        return {"log": "natural", "clip": f"{_SMALLEST:.2g}"}


def _check(probabilities: Mapping[str, float]) -> None:
    for name, value in probabilities.items():
        if not isinstance(value, Real) or isinstance(value, bool) or not 0 <= value <= 1:
            raise UnscorableError(f"the probability of class {name!r} is {value!r}; it must be a number from 0 to 1")
    total = math.fsum(probabilities.values())
    if abs(total - 1) > _TOLERANCE:
        raise UnscorableError(f"the probabilities sum to {total:.6g}, not to 1 within {_TOLERANCE}; normalise them")


def _listed(names: Mapping[str, float], most: int = 10) -> str:
    shown = ", ".join(repr(name) for name in sorted(names)[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown
