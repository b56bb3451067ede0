"""What ``hooks.py`` does only where somebody asks for it; loaded into every session, so it imports nothing of ours."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_genaiops.plugin.names import RUNNING

LOOKED_FOR = pytest.StashKey[set[str]]()


def own_metrics(config: pytest.Config, given: object) -> None:
    """A conftest file or plugin has metrics of its own."""
    from pytest_genaiops.plugin.own import take_in

    take_in(config, given)


def unknown_fixtures(config: pytest.Config, items: list[Any]) -> None:
    """Look for metrics of other packages, once a test asks for a fixture that nobody has."""
    wanted = {name for item in items for name in item.fixturenames if not _known(item, name)}
    looked_for = config.stash.get(LOOKED_FOR, set())
    if new := wanted - looked_for:
        from pytest_genaiops.plugin.own import hand_out_strangers

        config.stash[LOOKED_FOR] = looked_for | new
        hand_out_strangers(config, new)


def give_back(config: pytest.Config) -> None:
    """Give the items back to the garbage collector at the very end."""
    running = config.pluginmanager.get_plugin(RUNNING)
    if running is not None:
        running.thaw()


def _known(item: Any, name: str) -> bool:
    return name == "request" or name in item._fixtureinfo.name2fixturedefs
