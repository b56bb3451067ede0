"""What suites, responses, scores and verdicts are on record: used by the plugin, by ``evaluate()`` and by runs."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

# A function that is called as its module is, which would hide it once that is imported.
from pytest_genaiops.recording.origin import command as command
from pytest_genaiops.recording.origin import origin as origin

if TYPE_CHECKING:
    from pytest_genaiops.recording.evaluated import record_evaluation as record_evaluation
    from pytest_genaiops.recording.facts import options_of as options_of
    from pytest_genaiops.recording.facts import settings_facts as settings_facts
    from pytest_genaiops.recording.remaking import remade as remade
    from pytest_genaiops.recording.suites import SuiteRecord as SuiteRecord
    from pytest_genaiops.recording.suites import VariantRecord as VariantRecord

_WHERE = {
    "SuiteRecord": "suites",
    "VariantRecord": "suites",
    "options_of": "facts",
    "record_evaluation": "evaluated",
    "remade": "remaking",
    "settings_facts": "facts",
}
"""Imported when first used: who reads a record needs none of what writes one."""

__all__ = sorted([*_WHERE, "command", "origin"])  # noqa: PLE0605 - the names above are the list


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)
