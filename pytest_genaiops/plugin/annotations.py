"""What GitHub shows beside the lines of a pull request: workflow commands in the output of a session.

GitHub shows ten errors and ten warnings of a step, so cases of one test and variant share one, and what does not fit
is counted in the last. The rules of escaping are those of GitHub's own toolkit (``@actions/core``, ``command.ts``).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from pytest_genaiops.plugin import judge
from pytest_genaiops.report.text import excerpt, visible

OTHER = "pytest_github_actions_annotate_failures"
"""A plugin that annotates every failure and warning of a session; where it is, nothing is said twice."""
MOST = 10
"""Annotations of a kind that GitHub shows of one step."""
LONGEST = 600
"""Characters of a message."""
_TITLES = {"failed": "failed", "undecided": "undecided", "lost": "no result"}


@dataclass(slots=True, kw_only=True)
class _Note:
    """What is said of one test and variant."""

    file: str
    line: int
    title: str
    text: str
    cases: dict[str, None] = field(default_factory=dict)
    """Node ids of the cases that share it."""


class Annotations:
    """Collects what reports say, in the controller those of every worker."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._notes: dict[str, dict[tuple[str, ...], _Note]] = {"error": {}, "warning": {}}
        """Kind -> test, variant and outcome -> what is said."""

    def add(self, report: Any) -> None:
        """Take a report, before what it carries is taken off it."""
        facts = getattr(report, "genaiops", None)
        if report.outcome == "rerun" or (report.passed and not judge.is_undecided(report)):
            return
        if facts is None:
            sentence = dict(map(tuple, report.user_properties)).get("genaiops") if report.failed else None
            if sentence:  # the gate over the cases of a variant
                self._note("error", report, str(sentence).partition(":")[0], str(sentence))
        elif report.failed:
            self._failed(report, facts)
        elif judge.is_undecided(report):
            reasons = [reason for outcome, reason in facts["verdicts"] if outcome == "undecided"]
            text = "; ".join(reasons) or "an undecided verdict only warns"
            self._note("warning", report, "undecided", text, facts)

    def _failed(self, report: Any, facts: Mapping[str, Any]) -> None:
        outcome = "lost" if facts["outcome"] == "lost" else "failed"
        against = [(known, reason) for known, reason in facts["verdicts"] if known != "passed"]
        if outcome == "failed" and against:
            outcome, text = min(against, key=lambda each: each[0] != "failed")
        else:
            text = _message(report)
        self._note("error", report, outcome, text, facts)

    def _note(self, kind: str, report: Any, outcome: str, text: str, facts: Mapping[str, Any] | None = None) -> None:
        file, line, name = report.location
        by_case = facts is not None and facts["case"] is not None
        shared = (facts["suite"], facts["variant"]) if facts is not None and by_case else (report.nodeid,)
        title = f"{_TITLES.get(outcome, outcome)}: {name}"
        line = _line(report, self._root / file, 1 if line is None else line + 1)
        made = _Note(file=self._shown(file), line=line, title=title, text=text.removeprefix(f"{outcome}: "))
        note = self._notes[kind].setdefault((*shared, outcome), made)
        note.cases[report.nodeid] = None

    def _shown(self, file: str) -> str:
        """The path from the top of the repository, which is where GitHub looks for it."""
        workspace, path = os.environ.get("GITHUB_WORKSPACE"), (self._root / file).absolute()
        inside = workspace and path.is_relative_to(Path(workspace).absolute())
        return path.relative_to(Path(workspace or "").absolute()).as_posix() if inside else Path(file).as_posix()

    def tell(self, config: pytest.Config, reporter: pytest.TerminalReporter, refused: int) -> None:
        """Write the commands where GitHub reads them; ``refused`` calls were not made, for the budget had ended."""
        if os.environ.get("GITHUB_ACTIONS") == "true" and not config.pluginmanager.has_plugin(OTHER):
            for line in self.lines(refused):
                reporter.write_line(line)

    def lines(self, refused: int = 0) -> Iterator[str]:
        """One command a line."""
        if refused:
            said = f"{refused} call{'' if refused == 1 else 's'} of models not made: the session's budget is spent"
            yield command("warning", said, title="genaiops budget")
        for kind, found in self._notes.items():
            notes = list(found.values())
            room = MOST - (bool(refused) and kind == "warning")
            shown = notes if len(notes) <= room else notes[: room - 1]
            for note in shown:
                more = len(note.cases) - 1
                text = note.text + (f" (and {more} more case{'' if more == 1 else 's'})" if more else "")
                yield command(kind, text, file=note.file, line=note.line, title=note.title)
            if len(notes) > len(shown):
                yield command(kind, f"{len(notes) - len(shown)} more like these; see the summary", title="genaiops")


def command(kind: str, text: str, *, title: str, file: str = "", line: int | None = None) -> str:
    """A workflow command: ``::error file=test_a.py,line=3,title=…::…``; whatever is in the texts, it is one line."""
    given = {"file": file, "line": line, "title": excerpt(title, 200)}
    shown = ",".join(f"{name}={_property(str(value))}" for name, value in given.items() if value)
    lines = text[: 2 * LONGEST].splitlines()
    cut = "\n".join(visible(each) for each in lines)
    return f"::{kind} {shown}::{_data(cut if len(cut) <= LONGEST else f'{cut[: LONGEST - 3]}...')}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(visible(text)).replace(":", "%3A").replace(",", "%2C")


def _message(report: Any) -> str:
    found = report.longrepr
    crash = getattr(found, "reprcrash", None)
    return str(found if crash is None else crash.message)


def _line(report: Any, test: Path, otherwise: int) -> int:
    """Where in the test's own file it failed."""
    crash = getattr(report.longrepr, "reprcrash", None)
    return crash.lineno if crash is not None and Path(crash.path) == test else otherwise
