"""How far the calls are, behind the dots of a terminal, while the session waits for them."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pytest

from pytest_genaiops.report.words import money
from pytest_genaiops.run import Engine

PATIENCE = 0.5
"""Seconds of waiting before anything is shown."""
PERIOD = 0.2
"""Seconds between two drawings."""
SPAN = 10.0
"""Seconds over which the rate is taken."""
NARROW = 12
"""Columns below which there is no room to say anything."""


def watch(config: pytest.Config, engine: Engine) -> Progress | None:
    """Show the engine's progress where a person looks at a terminal: not in CI, in a worker or under ``-q``."""
    reporter: Any = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or not reporter.isatty or reporter.verbosity < 0 or hasattr(config, "workerinput"):
        return None
    if os.environ.get("CI", "").lower() not in ("", "0", "false") or os.environ.get("TERM") == "dumb":
        return None
    capture: Any = config.pluginmanager.get_plugin("capturemanager")
    progress = Progress(reporter._tw, engine, capture.global_and_fixture_disabled if capture else nullcontext)
    engine.onlooker = progress.look
    return progress


class Progress:
    """Writes behind the cursor and takes it back before anything else is written."""

    def __init__(self, writer: Any, engine: Engine, uncaptured: Callable[[], AbstractContextManager[Any]]) -> None:
        self._writer = writer
        self._engine = engine
        self._uncaptured = uncaptured
        self._since: float | None = None
        self._drawn = 0.0
        self._shown = False
        self._past: deque[tuple[float, int]] = deque()
        """(when, trials answered by then), for the rate."""

    def look(self) -> None:
        """Draw, if it is time to."""
        now = time.monotonic()
        self._since = now if self._since is None else self._since
        if now - self._since < PATIENCE or now - self._drawn < PERIOD:
            return
        self._drawn = now
        room = self._writer.fullwidth - self._writer.width_of_current_line - 2
        if room >= NARROW:
            text = f" {self._text(now)}"[:room]
            self._write(f"\x1b[K\x1b[2m{text}\x1b[0m\x1b[{len(text)}D")
            self._shown = True

    def clear(self) -> None:
        """Take back what was drawn, before anybody else writes."""
        self._since = None
        if self._shown:
            self._write("\x1b[K")
            self._shown = False

    def _write(self, text: str) -> None:
        # Past the writer, which would count the text as part of its line.
        with self._uncaptured():  # what tests print does not reach the terminal, and nor would this
            self._writer._file.write(text)
            self._writer._file.flush()

    def _text(self, now: float) -> str:
        done, planned = self._engine.done
        parts = [f"{done}/{planned} answered"] if planned else []
        judged, submitted = self._engine.judged
        if submitted:
            parts.append(f"{judged}/{submitted} judged")
            done, planned = done + judged, planned + submitted
        client = self._engine.client
        if client is not None and (spent := client.purse.totals()).calls:
            parts += [f"{spent.calls} calls", f"{spent.input_tokens + spent.output_tokens:,} tokens"]
            parts += [f"cost {money(spent.cost)}"] if spent.cost else []
        rate = self._rate(now, done)
        if rate:
            parts += [f"{rate:.3g}/s", f"{_duration((planned - done) / rate)} left"]
        return ", ".join(parts)

    def _rate(self, now: float, done: int) -> float:
        self._past.append((now, done))
        while now - self._past[0][0] > SPAN:
            self._past.popleft()
        then, earlier = self._past[0]
        return (done - earlier) / (now - then) if now > then else 0.0


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
