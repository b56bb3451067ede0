"""The builds of a session, in the folder that git passes over."""

from __future__ import annotations

import pytest

from pytest_genaiops.grounding.builds import FOLDER, Builds
from pytest_genaiops.plugin.options import settings_of


def builds_of(config: pytest.Config) -> Builds:
    """Those of the project, which all workers and later runs share."""
    settings = settings_of(config)
    return Builds(settings.root / settings.folder / FOLDER)
