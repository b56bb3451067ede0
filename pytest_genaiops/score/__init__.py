"""The handles that users hold: they ask metrics, statistics and gate, and compute nothing themselves."""

from pytest_genaiops.score.group import ScoreGroup
from pytest_genaiops.score.handle import Score
from pytest_genaiops.score.metric import MetricHandle, metric

__all__ = ["MetricHandle", "Score", "ScoreGroup", "metric"]
