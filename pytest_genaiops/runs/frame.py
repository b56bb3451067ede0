"""Recorded suites as one table for pandas."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pytest_genaiops.evaluation import Evaluation
from pytest_genaiops.records import Responses
from pytest_genaiops.runs.reading import Recorded
from pytest_genaiops.score import Score
from pytest_genaiops.score.table import places_of

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    "suite", "variant", "case", "trial", "metric", "value", "reason", "text", "error", "latency", "input_tokens",
    "output_tokens", "model", "outcome",
)  # fmt: skip
_CATEGORIES = ("suite", "variant", "case", "metric", "error", "model", "outcome")
_FLOATS = ("value", "latency")
_MOST = 2**63
_WHOLE = ("input_tokens", "output_tokens")
"""Whole numbers with gaps."""


def frame_of(suites: Sequence[tuple[str, Recorded, Evaluation]]) -> pd.DataFrame:
    """One row per suite, variant, case, trial and number of a metric that is about it, with a type for every column."""
    import pandas as pd

    parts = [pd.DataFrame(_columns(*suite)) for suite in suites]
    frame = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame({name: [] for name in COLUMNS})
    types: dict[str, str] = dict.fromkeys(_CATEGORIES, "category") | dict.fromkeys(_FLOATS, "float64")
    types |= dict.fromkeys(_WHOLE, "Int64") | {"trial": "int64", "reason": "str", "text": "str"}
    return frame[list(COLUMNS)].astype(types)


def _columns(title: str, recorded: Recorded, evaluation: Evaluation) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {name: [] for name in COLUMNS}
    for variant, responses in evaluation.responses.items():
        same = _of_responses(recorded, variant, responses)
        for name, score in numbers_of(evaluation, variant):
            size, places = len(score.per_case), places_of(score.table, same["case"], same["trial"])
            for column, values in same.items():
                found[column] += values if places is None else [values[place] for place in places]
            found["value"] += score.per_case
            found["reason"] += score.why
            for column, value in (("suite", title), ("variant", variant), ("metric", name)):
                found[column] += [value] * size
    return found


def _of_responses(recorded: Recorded, variant: str, responses: Responses) -> dict[str, list[Any]]:
    """The columns that are the same whatever was measured."""
    outcomes = outcomes_of(recorded, variant)
    return {
        "case": [each.trial.case.id if each.trial else "" for each in responses],
        "trial": [each.trial.index if each.trial else 1 for each in responses],
        "text": [each.text for each in responses],
        "error": [str(each.error.kind) if each.error else "" for each in responses],
        "latency": [each.latency for each in responses],
        "input_tokens": [_count(each.usage.get("input_tokens")) for each in responses],
        "output_tokens": [_count(each.usage.get("output_tokens")) for each in responses],
        "model": [each.model or "" for each in responses],
        "outcome": [outcomes.get(place, "") for place in range(len(responses))],
    }


def _count(value: object) -> int | None:
    """A number of tokens; None for what is none, whatever a dataset's row called usage."""
    return value if type(value) is int and 0 <= value < _MOST else None


def outcomes_of(recorded: Recorded, variant: str) -> dict[int, str]:
    """Place of a response -> outcome of the item that judged it, where each case is an item."""
    found: dict[int, str] = {}
    for item in recorded.items.get(variant, ()):
        place = None if item.position is None else recorded.place(item.position, item.trial)
        if place is not None:
            found[place] = item.outcome
    return found


def numbers_of(evaluation: Evaluation, variant: str) -> list[tuple[str, Score]]:
    """(name, score) of every number that the metrics make of a variant's responses, under names of their own.

    A number has its own name (``rougeL``), and the metric's options behind it where the suite has the metric twice.
    """
    found: list[tuple[str, Score]] = []
    for key, handle in evaluation.handles.items():
        score = evaluation.score(key, variant)
        members = [score] if isinstance(score, Score) else list(score.scores())
        more = key[len(handle.name) :]
        found += [(f"{each.name}{more}", each) for each in members]
    return found
