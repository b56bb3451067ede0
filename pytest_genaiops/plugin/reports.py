"""The reports of a session: written when it ends, from its record, where somebody asked for one."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_genaiops.config import Settings
from pytest_genaiops.dataset.text import place
from pytest_genaiops.errors import GenaiopsError
from pytest_genaiops.plugin.recorded import Record
from pytest_genaiops.report.conclusion import UNAVAILABLE
from pytest_genaiops.report.document import Document, SuiteView
from pytest_genaiops.report.text import visible
from pytest_genaiops.run.guard import attempt, describe

if TYPE_CHECKING:
    from pytest_genaiops.runs import Run

SUMMARY = "GITHUB_STEP_SUMMARY"
"""Environment variable with the file that GitHub shows as Markdown on the page of a run."""
MLFLOW = "pytest_genaiops.adapters.mlflow"
ARTIFACTS = (".html", ".md")
"""What goes to MLflow beside the numbers."""


class Reports:
    """What is written, and what becomes of it; no test fails by it, but the session does."""

    def __init__(self, config: Any, settings: Settings) -> None:
        self._settings = settings
        # A path on the command line is relative to where that was typed, as other paths there.
        asked = config.getoption("--genaiops-report")
        self._base: Path = config.invocation_params.dir if asked else settings.root
        self._document: Document | None = None
        """What was reported, where anything was."""
        self._said: list[tuple[str, bool]] = []
        """Sentences for the summary, and whether they tell of something that went wrong."""

    def write(self, record: Record, session: pytest.Session) -> bool:
        """Write everything that was asked for; whether the session ends with another code than before for it."""
        summary = os.environ.get(SUMMARY)
        if not record.begun or not (self._settings.reports or self._settings.mlflow or summary):
            return False
        document, error = attempt(self._read, record)
        if error is not None:
            self._say(f"there is no report, for the run cannot be read back: {_told(error)}")
            return self._fail(session) if self._settings.reports else False
        self._document = document
        written = [self._file(document, path) for path in self._settings.reports]
        if summary:
            self._append(document, Path(summary))
        if self._settings.mlflow:
            self._send(document, self._settings.mlflow)
        return not all(written) and self._fail(session)

    def matrices(self, record: Record) -> Sequence[SuiteView]:
        """The suites whose variants come from a matrix, for the summary; where they cannot be read, it is said why."""
        if self._document is not None:
            return [suite for suite in self._document.suites if suite.factorial is not None]
        if not self._settings.record:
            self._said.append(
                ("the effects of a matrix's settings are worked out from the record, which is off", False)
            )
            return ()
        found, error = attempt(self._matrices, record)
        if error is not None:
            self._say(f"the effects of settings cannot be told, for the run cannot be read back: {_told(error)}")
        untold = [note for suite in found or () if suite.factorial is None for note in suite.notes]
        self._said += [(note, False) for note in untold]
        return found or ()

    def tell(self, reporter: pytest.TerminalReporter) -> None:
        """Say where each report is, or why not."""
        for sentence, wrong in self._said:
            reporter.write_line(visible(sentence), red=wrong)

    def _read(self, record: Record) -> Document:
        return self._run(record).document(prices=self._settings.prices)

    def _matrices(self, record: Record) -> Sequence[SuiteView]:
        found: Sequence[SuiteView] = self._run(record).matrices(prices=self._settings.prices)
        return found

    def _run(self, record: Record) -> Run:
        from pytest_genaiops.runs import Run

        return Run.open(record.run, root=self._settings.root, folder=str(record.folder))

    def _file(self, document: Any, given: str) -> bool:
        from pytest_genaiops.report.files import write

        path = self._base / given
        shown = place(path, self._settings.root)
        _, error = attempt(lambda: write(document, path, shown=shown))
        if error is not None:
            self._say(_told(error) if isinstance(error, GenaiopsError) else f"the report {shown}: {_told(error)}")
        else:
            self._said.append((f"report: {shown}", False))
        return error is None

    def _append(self, document: Any, path: Path) -> None:
        from pytest_genaiops.report.markdown import page

        def append() -> None:
            with path.open("a", encoding="utf-8", newline="\n") as file:
                file.write(f"{page(document)}\n")

        _, error = attempt(append)
        if error is not None:
            self._say(f"the summary in {SUMMARY} cannot be written: {_told(error)}")

    def _send(self, document: Any, given: str) -> None:
        settings = self._settings

        def deliver() -> Any:
            from pytest_genaiops.report.files import rendered

            adapter: Any = import_module(MLFLOW)  # nobody imports adapters: each stands for a package of its own
            return adapter.deliver(
                document,
                {f"report{suffix}": "".join(rendered(document, suffix)) for suffix in ARTIFACTS},
                folder=settings.root / settings.folder,
                uri=adapter.tracking_uri(given, settings.root),
                experiment=settings.mlflow_experiment or adapter.default_experiment(settings.root),
            )

        delivery, error = attempt(deliver)
        if error is not None:
            self._say(f"MLflow: {_told(error)}")
        else:
            self._said.append((delivery.sentence, delivery.run_id is None))

    def _say(self, sentence: str) -> None:
        self._said.append((sentence, True))

    def _fail(self, session: pytest.Session) -> bool:
        """A report that was asked for and is not there is no success, and no judgement either."""
        if session.exitstatus != pytest.ExitCode.OK:
            return False
        session.exitstatus = UNAVAILABLE
        return True


def _told(error: BaseException) -> str:
    """One sentence about an error."""
    if isinstance(error, GenaiopsError):
        return str(error)
    return str(error.strerror or error) if isinstance(error, OSError) else describe(error)
