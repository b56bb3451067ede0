"""What the fixture ``index_probe`` hands out."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from pytest_genaiops.grounding import index_probe
from pytest_genaiops.plugin.session import state_of


def probe_of(config: pytest.Config) -> Any:
    """The function that makes probes, which knows where the project keeps its cache, record and cassette."""
    return partial(index_probe, settings=state_of(config).settings)
