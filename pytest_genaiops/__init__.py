"""Merge gates for prompts and RAG, written as plain pytest tests.

Importing this package imports nothing else: every public name is fetched when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_genaiops.errors import CacheWarning as CacheWarning
    from pytest_genaiops.errors import CoverageError as CoverageError
    from pytest_genaiops.errors import GateWarning as GateWarning
    from pytest_genaiops.errors import GenaiopsError as GenaiopsError
    from pytest_genaiops.errors import UndecidedWarning as UndecidedWarning
    from pytest_genaiops.errors import UsageError as UsageError
    from pytest_genaiops.evaluation import Evaluation as Evaluation
    from pytest_genaiops.evaluation import evaluate as evaluate
    from pytest_genaiops.grounding.builds import Builds as Builds
    from pytest_genaiops.records import Case as Case
    from pytest_genaiops.records import Passage as Passage
    from pytest_genaiops.records import Relevant as Relevant
    from pytest_genaiops.records import Response as Response
    from pytest_genaiops.records import Verdict as Verdict
    from pytest_genaiops.runs import Run as Run
    from pytest_genaiops.score import Score as Score
    from pytest_genaiops.score import ScoreGroup as ScoreGroup
    from pytest_genaiops.score.adapted import azure_metric as azure_metric
    from pytest_genaiops.score.adapted import hf_metric as hf_metric
    from pytest_genaiops.score.adapted import ragas_metric as ragas_metric
    from pytest_genaiops.score.metric import metric as metric
    from pytest_genaiops.variants import Variant as Variant

_WHERE = {
    "Builds": "grounding.builds",
    "CacheWarning": "errors",
    "Case": "records",
    "CoverageError": "errors",
    "Evaluation": "evaluation",
    "GateWarning": "errors",
    "GenaiopsError": "errors",
    "Passage": "records",
    "Relevant": "records",
    "Response": "records",
    "Run": "runs",
    "Score": "score",
    "ScoreGroup": "score",
    "UndecidedWarning": "errors",
    "UsageError": "errors",
    "Variant": "variants",
    "Verdict": "records",
    "azure_metric": "score.adapted",
    "evaluate": "evaluation",
    "hf_metric": "score.adapted",
    "metric": "score",
    "ragas_metric": "score.adapted",
}

__all__ = sorted(_WHERE)  # noqa: PLE0605 - the table above is the list


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
