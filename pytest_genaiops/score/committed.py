"""A committed baseline as scores see it: per-case statistics of one variant, without its answers."""

from __future__ import annotations

from pytest_genaiops.errors import MetricError
from pytest_genaiops.score.table import Table


class Committed:
    """What a variant scored when its baseline was committed."""

    def table_for(self, table: Table) -> Table:
        """The baseline's rows under the metric and settings of another table."""
        raise MetricError(f"no baseline is committed for {table.signature}")
