"""What became of each case, for the pass-rate gate; shared by pytest-xdist's workers through one file.

Only the controller writes it, from the reports that it receives: a worker that crashes cannot
leave a case without an outcome, for the controller reports that case itself.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import pytest

INPUT = "genaiops_outcomes"
POLL_SECONDS = 0.05
PATIENCE_SECONDS = 1.0
"""How long nothing may run anywhere before a gate stops waiting; covers the pause between two items of a worker."""


class Outcomes:
    """Node id -> ``passed``, ``missed``, ``failed`` or ``skipped``."""

    def __init__(self, source: Path | None) -> None:
        self._source = source
        """In a worker: the file to read. Elsewhere None, and outcomes are noted in memory."""
        self._known: dict[str, str] = {}
        self._running: set[str] = set()
        self._unavailable: set[str] = set()
        self._shared: Path | None = None
        self._read = 0
        self.ended = False

    @staticmethod
    def of(config: pytest.Config) -> Outcomes:
        """The session's outcomes: read from the controller's file in a worker, noted in memory elsewhere."""
        path = getattr(config, "workerinput", {}).get(INPUT)
        return Outcomes(Path(path) if path else None)

    def share_with(self, workerinput: dict[str, Any]) -> Path:
        """In the controller: hand a worker the file that every outcome is written to; gives the folder of it."""
        if self._shared is None:
            self._shared = Path(tempfile.mkdtemp(prefix="genaiops-")) / "outcomes.jsonl"
            self._shared.touch()
        workerinput[INPUT] = str(self._shared)
        return self._shared.parent

    @property
    def folder(self) -> Path | None:
        """Where the controller and its workers share files; None where there are no workers."""
        file = self._source or self._shared
        return file and file.parent

    def over(self) -> bool:
        """In a worker: whether the controller has ended the session."""
        if self._source is not None and not self.ended:
            self._refresh(self._source)
        return self.ended

    def so_far(self) -> Mapping[str, str]:
        """Outcomes that are known by now; a worker may hear of those of others later."""
        self.over()
        return self._known

    def start(self, nodeid: str) -> None:
        """In the controller: note that a worker has begun with an item."""
        self._append({"start": nodeid})

    def finish(self, nodeid: str) -> None:
        """In the controller: note that a worker is done with an item, be it a case or not."""
        self._append({"finish": nodeid})

    def note(self, nodeid: str, outcome: str) -> None:
        """Note an outcome; a later one of the same item (a rerun, a failing teardown) replaces it."""
        self._known[nodeid] = outcome
        self._append({"id": nodeid, "outcome": outcome})

    def give_up(self, nodeids: Collection[str]) -> None:
        """Nobody will run these items: do not wait for them."""
        self._unavailable.update(nodeids)

    def end(self) -> None:
        """Nothing more will run: whoever waits may stop."""
        self.ended = True
        self._append({"end": True})

    def close(self) -> None:
        """Remove the shared file."""
        if self._shared is not None:
            shutil.rmtree(self._shared.parent, ignore_errors=True)

    def wait_for(self, nodeids: Collection[str]) -> Mapping[str, str]:
        """Outcomes of these items, as far as they have run; a worker waits for the others' cases.

        It waits as long as anything runs anywhere. What is still missing then stands behind a gate that
        waits for it: pytest-xdist keeps no order once it has moved items from one worker to another.
        """
        patience = time.monotonic() + PATIENCE_SECONDS
        while self._source is not None and not self.ended:
            self._refresh(self._source)
            if all(nodeid in self._known or nodeid in self._unavailable for nodeid in nodeids):
                break
            if self._running:
                patience = time.monotonic() + PATIENCE_SECONDS
            elif time.monotonic() > patience:
                break
            time.sleep(POLL_SECONDS)
        return {nodeid: self._known[nodeid] for nodeid in nodeids if nodeid in self._known}

    def _append(self, row: dict[str, Any]) -> None:
        if self._shared is None:
            return
        try:
            with self._shared.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
        except OSError as error:
            folder, why = self._shared.parent, error.strerror or error
            self.close()  # workers take that for the end
            self._shared = None
            mend = "set TMPDIR to a folder with room"
            pytest.exit(
                f"genaiops: {folder.parent} cannot hold what workers tell each other ({why}); {mend}",
                returncode=pytest.ExitCode.INTERNAL_ERROR,
            )

    def _refresh(self, source: Path) -> None:
        if not source.exists():
            self.ended = True
            return
        with source.open(encoding="utf-8") as file:
            file.seek(self._read)
            text = file.read()
        whole, newline, _ = text.rpartition("\n")
        self._read += len((whole + newline).encode())
        for line in whole.splitlines():
            row = json.loads(line)
            if "end" in row:
                self.ended = True
            elif "start" in row:
                self._running.add(row["start"])
            elif "finish" in row:
                self._running.discard(row["finish"])
            else:
                self._known[row["id"]] = row["outcome"]
