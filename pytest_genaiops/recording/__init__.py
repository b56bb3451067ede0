"""What suites, responses, scores and verdicts are on record: used by the plugin, by ``evaluate()`` and by runs."""

from pytest_genaiops.recording.evaluated import record_evaluation
from pytest_genaiops.recording.facts import options_of, remade, settings_facts
from pytest_genaiops.recording.origin import command, origin
from pytest_genaiops.recording.suites import SuiteRecord, VariantRecord

__all__ = [
    "SuiteRecord",
    "VariantRecord",
    "command",
    "options_of",
    "origin",
    "record_evaluation",
    "remade",
    "settings_facts",
]
