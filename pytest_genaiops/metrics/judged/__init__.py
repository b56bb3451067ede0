"""Metrics that ask a model for its judgement, over any OpenAI-compatible endpoint."""

from pytest_genaiops.metrics.judged.base import Judged, Judgement
from pytest_genaiops.metrics.judged.judge import Judge

__all__ = ["Judge", "Judged", "Judgement"]
