"""Responses recorded in the dataset: the variant's id names the system that gave them."""

from __future__ import annotations

from pytest_genaiops.records import Response, Trial
from pytest_genaiops.targets.coerce import from_error, to_response


def recorded_response(trial: Trial) -> Response:
    """The response that the trial's case has on record for its variant.

    A system without a response in this row, or with null, is an error of kind ``missing``:
    the case stays in the denominator.
    """
    case = trial.case
    value, place = case.recorded.get(trial.variant), case.source or case.id
    if value is None:
        what = "null" if trial.variant in case.recorded else "no response"
        return from_error("missing", f"{place} records {what} for system {trial.variant!r}", trial)
    if trial.index > 1:
        return from_error("missing", f"{place} records one response a system, no trial {trial.index}", trial)
    return to_response(value, trial)
