"""The session's run on record: each process writes what its items know, and the first of them begins the run.

Whatever becomes of the record, no test fails by it: what is not kept, and why, is a sentence in the summary.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from pytest_genaiops.config import Settings
from pytest_genaiops.dataset.text import place
from pytest_genaiops.errors import UsageError
from pytest_genaiops.plugin.noted import Noted, Rows, write_lost
from pytest_genaiops.recording import command, origin, settings_facts
from pytest_genaiops.report.text import visible
from pytest_genaiops.run import Measurements
from pytest_genaiops.run.guard import attempt, describe
from pytest_genaiops.store import NAME, Writer, new_id
from pytest_genaiops.store.file import opened
from pytest_genaiops.store.gc import expire

INPUT = "genaiops_record"
"""Of what the controller of pytest-xdist tells a worker, and of what a worker tells it when it ends."""
CLAIM = "run"
"""File by which one of the workers begins the run."""
ASIDE = "record"
"""Folder for the record of a run that is not kept, and that reports are made of."""
DAY = 24 * 60 * 60.0
"""Seconds."""


class Record:
    """The run of one session, in one of its processes."""

    def __init__(self, config: Any, settings: Settings, measurements: Measurements, shared: Path | None) -> None:
        self._config = config
        self._settings = settings
        self._measurements = measurements
        self._told: Mapping[str, Any] = getattr(config, "workerinput", {}).get(INPUT, {})
        self._shared = shared
        """Folder that the processes of the session share; None where there is one process."""
        self._worker = hasattr(config, "workerinput")
        self.started: float = self._told.get("started", time.time())
        self.run: str = self._told.get("run", "")
        """Id of the run; empty until it has begun."""
        self.folder = settings.root / settings.folder
        """Where the record is: aside, where it is not kept and reports are made of it."""
        self.problem = ""
        """What is not kept, and why, in a sentence; empty where all is."""
        self.begun = False
        """Whether an item of a suite has run, in this process or in another one that told."""
        self._off = bool(config.getoption("setuponly", False))
        self._is_aside = False
        self._rows: Rows | None = None
        """Writes items; None where nothing is written, or no more."""
        self._noted: dict[str, Noted] = {}
        self._lost: dict[str, str] = {}
        """Node id -> message of items that took their worker with them."""

    # -- in the controller of pytest-xdist ---------------------------------------------------

    def offer(self, workerinput: dict[str, Any], shared: Path) -> None:
        """Tell a worker which run it works for."""
        self._shared = shared
        self._name_run()
        given = [str(each) for each in self._config.invocation_params.args]
        workerinput[INPUT] = {"run": self.run, "started": self.started, "command": given}

    def hear(self, report: Any) -> None:
        """Take in what a worker's report says of the run."""
        if hasattr(report, "genaiops"):
            self.begun = True
        elif report.failed and report.when == "???":  # pytest-xdist's own, on a worker that died
            self._lost[report.nodeid] = str(report.longrepr)

    def ended(self, workeroutput: Mapping[str, Any]) -> None:
        """Take in what a worker says at its end."""
        told = workeroutput.get(INPUT) or {}
        self.problem = self.problem or told.get("problem", "")
        if told.get("aside"):
            self._go_aside()

    # -- in a process that runs items --------------------------------------------------------

    def start(self) -> None:
        """An item of a suite is about to run: the first begins the run."""
        if self.begun or self._off:
            return
        self.begun = True
        self._name_run()
        if self._settings.record and self._opened():
            return
        if self._wanted():
            self._go_aside()
            self._opened()

    def note(self, noted: Noted) -> None:
        """A phase of an item has decided what becomes of it."""
        if self._rows is not None:
            self._noted[noted.test] = noted

    def take(self, report: Any) -> None:
        """The report of an item is out: what was noted of it counts, unless it is run again."""
        noted, rows = self._noted.get(report.nodeid), self._rows
        if noted is None or rows is None or report.when != noted.phase:
            return
        del self._noted[noted.test]
        if report.outcome != "rerun":
            self._attempt(lambda: rows.write(noted))

    def end(self, code: int, facts: Mapping[str, Any]) -> None:
        """The session is over: what is left is written, and by the process that speaks for it how it ended.

        From here on :attr:`run` and :attr:`folder` say where the record is, if :attr:`begun`.
        """
        if self._rows is not None:
            self._attempt(self._rows.writer.flush)
        if self._worker:
            self._config.workeroutput[INPUT] = {"problem": self.problem, "aside": self._is_aside}
        elif self.begun and (self._settings.record or self._is_aside) and self._attempt(lambda: self._end(code, facts)):
            self._expire()
        self._drop()

    def tell(self, reporter: pytest.TerminalReporter) -> None:
        """Say what is not kept, and why."""
        if self.problem:
            reporter.write_line(visible(f"record: {self.problem}"), yellow=True)

    def close(self) -> None:
        """Leave nothing behind that is not kept."""
        self._drop()
        if self._is_aside and self._shared is None:
            shutil.rmtree(self.folder, ignore_errors=True)

    # -- the file ------------------------------------------------------------------------------

    def _name_run(self) -> None:
        if not self.run:
            self.run = new_id(self.started)

    def _wanted(self) -> bool:
        """Whether reports are to be made of the run, kept or not."""
        settings = self._settings
        return bool(settings.reports or settings.mlflow or os.environ.get("GITHUB_STEP_SUMMARY"))

    def _go_aside(self) -> None:
        if not self._is_aside:
            self._is_aside = True
            self.folder = self._shared / ASIDE if self._shared else Path(tempfile.mkdtemp(prefix="genaiops-"))

    def _opened(self) -> bool:
        """Open the record; the first process that does so begins the run."""
        writer = Writer(self.folder, self.run, redact=self._hooks())
        if self._attempt(lambda: self._begin(writer)):
            self._rows = Rows(writer, self._settings.root, self._measurements)
        return self._rows is not None

    def _begin(self, writer: Writer) -> None:
        if self._is_first():
            writer.begin(self.started, self._facts())
        else:
            opened(self.folder, make=True).close()

    def _end(self, code: int, facts: Mapping[str, Any]) -> None:
        writer = Writer(self.folder, self.run, redact=self._hooks())
        try:
            if self._lost:
                writer.begin(self.started, self._facts())  # it may have been the worker that begins the run
                write_lost(writer, self.folder, self._lost)
            writer.end(time.time(), code, {**facts, **({"problem": self.problem} if self.problem else {})})
        finally:
            writer.close()

    def _expire(self) -> None:
        """Take the runs off the record that are older than the project keeps them."""
        days = self._settings.keep_days
        if days is not None and not self._is_aside:
            _, error = attempt(lambda: expire(self.folder, before=self.started - days * DAY))
            self.problem = self.problem or (describe(error) if error is not None else "")

    def _is_first(self) -> bool:
        if self._shared is None:
            return True
        try:
            (self._shared / f"{CLAIM}{'-aside' if self._is_aside else ''}").touch(exist_ok=False)
        except FileExistsError:
            return False
        return True

    def _facts(self) -> dict[str, Any]:
        root = self._settings.root
        given = self._told.get("command") or list(map(str, self._config.invocation_params.args))
        return {
            "kind": "pytest",
            "command": command("pytest", given, root),
            **origin(root),
            **settings_facts(self._settings),
        }

    def _hooks(self) -> list[Callable[[str], str]]:
        """The hook of conftest files and plugins that takes out what must not be kept, where anybody has it."""
        listeners = self._config.hook.pytest_genaiops_redact.get_hookimpls()
        return [_redactor(one) for one in reversed(listeners)]  # the order in which pluggy calls them

    def _attempt(self, work: Callable[[], None]) -> bool:
        """Whether it could be done; if not, the reason is noted, and no more is written."""
        _, error = attempt(work)
        if error is not None:
            begun = self._rows is not None
            self._drop()
            self._noted.clear()
            self.problem = self.problem or self._sentence(error, begun=begun)
        return error is None

    def _sentence(self, error: BaseException, *, begun: bool) -> str:
        kept = "what came after that is not on record" if begun else "this run is not on record"
        if isinstance(error, UsageError):
            return f"{error}: {kept}"
        shown = place(self.folder / NAME, self._settings.root)
        why = str(error) if isinstance(error, sqlite3.Error) else describe(error)
        return f"{shown} cannot be written ({why}): {kept}"

    def _drop(self) -> None:
        rows, self._rows = self._rows, None
        if rows is not None:
            rows.writer.close()


def _redactor(listener: Any) -> Callable[[str], str]:
    """One listener of the hook as a function; what it has nothing to say about stays as it is."""

    def redact(text: str) -> str:
        found, error = attempt(listener.function, *(text for _ in listener.argnames))
        if error is not None:
            raise UsageError(f"pytest_genaiops_redact of {listener.plugin_name} raised {describe(error)}")
        return text if found is None else found

    return redact
