"""What every inner run finds: a project, and the library already imported."""

from __future__ import annotations

# Imported here so that inner runs in this process find them: pytester forgets what a run imports,
# and numpy cannot be imported twice.
import jinja2  # noqa: F401, TID253
import pytest
import rouge_score.rouge_scorer  # noqa: F401, TID253
import sacrebleu  # noqa: F401, TID253
import yaml  # noqa: F401, TID253
from inner import Project, by_itself
from twins import Twins

import pytest_genaiops.metrics.answers
import pytest_genaiops.metrics.classification
import pytest_genaiops.metrics.groundedness
import pytest_genaiops.metrics.operations
import pytest_genaiops.metrics.relevancy
import pytest_genaiops.metrics.rouge
import pytest_genaiops.metrics.translation
import pytest_genaiops.plugin.running  # noqa: F401
from pytest_genaiops import metric


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project with the dataset ``capitals``, whose target is right about every one."""
    by_itself(monkeypatch)
    made = Project(pytester)
    made.dataset()
    made.target()
    return made


@pytest.fixture
def twins(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Twins:
    """The same tests as cases of a suite, and as items of bare parametrize."""
    by_itself(monkeypatch)
    return Twins(pytester)


@pytest.fixture(scope="session", autouse=True)
def warm() -> None:
    """Metrics import what they need on first use; in an inner run that would be forgotten again."""
    metric("bleu")(["a cat"], [["a cat"]])
    metric("rouge")(["a cat"], ["a cat"])
