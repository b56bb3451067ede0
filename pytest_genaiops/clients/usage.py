"""What a run will probably take, from answers that are there already."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from pytest_genaiops.clients.bills import cost_in, tokens_in
from pytest_genaiops.config import Price
from pytest_genaiops.errors import UnscorableError
from pytest_genaiops.records import Response


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """Tokens and money that calls will take."""

    calls: int
    n: int
    """Earlier answers that this is made of."""
    tokens: float
    """In and out together, of all calls."""
    tokens_error: float | None
    """Standard error of ``tokens`` as a forecast; None where a single answer shows no spread."""
    cost: float | None
    """In the currency of the price table; None where an earlier answer has no price."""
    cost_error: float | None


def expected(
    calls: int, earlier: Sequence[Response], alike: Sequence[Response] = (), *, prices: Sequence[Price] = ()
) -> Expected | None:
    """What ``calls`` further calls will take, if they are like earlier ones; None where nothing is known of those.

    Args:
        calls: how many are to be made.
        earlier: answers under the same variant.
        alike: answers of the same model under other variants, which stand in where ``earlier`` tell nothing.
        prices: the price table.

    Of a sum of m new values, forecast by the mean of n old ones with standard deviation s, the standard error is
    s * sqrt(m + m**2 / n): each new value varies, and the old mean is not the true one (Whitmore 1986, *Prediction
    limits for a univariate normal observation*, The American Statistician 40, for m = 1).
    """
    for responses in (earlier, alike):
        counted = [(response, taken) for response in responses if (taken := _tokens(response)) is not None]
        if not counted:
            continue
        tokens, tokens_error = _forecast([float(each) for _, each in counted], calls)
        costs = [cost for response, _ in counted if (cost := _cost(response, prices)) is not None]
        cost, cost_error = _forecast(costs, calls) if len(costs) == len(counted) else (None, None)
        return Expected(
            calls=calls, n=len(counted), tokens=tokens, tokens_error=tokens_error, cost=cost, cost_error=cost_error
        )
    return None


def _tokens(response: Response) -> int | None:
    try:
        return tokens_in(response).total
    except UnscorableError:
        return None


def _cost(response: Response, prices: Sequence[Price]) -> float | None:
    try:
        return cost_in(response, prices)
    except UnscorableError:
        return None


def _forecast(values: Sequence[float], calls: int) -> tuple[float, float | None]:
    """The sum of so many new values, and its standard error as a forecast."""
    n = len(values)
    error = stdev(values) * math.sqrt(calls + calls * calls / n) if n > 1 else None
    return calls * fmean(values), error
