"""``Run``: a recorded run, to look at and to judge again."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_genaiops.dataset.text import listed, quoted
from pytest_genaiops.errors import UsageError
from pytest_genaiops.registry import did_you_mean
from pytest_genaiops.runs.settings import rules_of
from pytest_genaiops.store import RunRow, Store, SuiteRow

# What judges again is imported when it is asked for: `runs list` and `runs diff` wait for none of it.
if TYPE_CHECKING:
    import pandas as pd

    from pytest_genaiops.config import Price
    from pytest_genaiops.evaluation import Evaluation
    from pytest_genaiops.report.document import Document, SuiteView
    from pytest_genaiops.run import Judging
    from pytest_genaiops.runs.metrics import Shelf
    from pytest_genaiops.runs.reading import Recorded

FOLDER = ".genaiops"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Loaded:
    """One suite of a run with its scores at hand."""

    recorded: Recorded
    shelf: Shelf
    evaluation: Evaluation


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run on record. Nothing is held open: what is asked for is read from the file then."""

    row: RunRow
    root: Path
    """Folder that files of judges are relative to."""
    folder: Path
    """Where the record is."""

    def __repr__(self) -> str:
        """In short: a notebook shows it wherever a cell ends with one."""
        return f"<Run {self.id}: {self.kind}, started {self.started}>"

    @staticmethod
    def open(name: str = "latest", *, root: Path | str | None = None, folder: str = FOLDER) -> Run:
        """The run of an id, of the beginning of one, or ``latest``; ``latest~1`` is the one before.

        Args:
            name: which run.
            root: the project's folder; by default the working directory.
            folder: where its record is, below the root.

        Raises:
            UsageError: there is no record or no such run, several begin like this, or the file cannot be used.
        """
        base = Path.cwd() if root is None else Path(root)
        with closing(Store(base / folder)) as store:
            return Run(row=store.run(name), root=base, folder=base / folder)

    @property
    def id(self) -> str:
        """Under which it is on record, in the order of time: ``20261130T102940-3f9a1c``."""
        return self.row.id

    @property
    def started(self) -> str:
        """UTC, ISO 8601 to the second: ``2026-11-30T10:29:40Z``."""
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.row.started))

    @property
    def kind(self) -> str:
        """What made it: ``pytest``, ``evaluate`` or ``rescore``."""
        return str(self.row.facts.get("kind") or "pytest")

    @property
    def suites(self) -> tuple[str, ...]:
        """Titles of its suites: node ids of test functions, without parameters."""
        with self._store() as store:
            return tuple(row.title for row in store.suites(self.id))

    def frame(self) -> pd.DataFrame:
        """One row per suite, variant, case, trial and number that a metric makes; see ``docs/rejudging.md``."""
        from pytest_genaiops.runs.frame import frame_of

        return frame_of([(each.recorded.row.title, each.recorded, each.evaluation) for each in self._all()])

    def evaluation(self, suite: str | None = None) -> Evaluation:
        """What ``evaluate()`` gives, over the recorded responses: no target is called, and nothing is measured again.

        Metrics that cannot be made again, and whose scores are no means of recorded values, are left out. Of a suite
        that judges case by case a score is the mean of the cases' own values.

        Args:
            suite: its title, or a glob or a part of it; not needed where the run has one.

        Raises:
            UsageError: the run has no such suite, or several.
        """
        found = self.loaded(suite)
        if len(found) > 1:
            raise UsageError(f"run {self.id} has {len(found)} such suites; name one of {_titles(found)}")
        return found[0].evaluation

    def document(self, *, cases: bool = True, prices: Sequence[Price] | None = None) -> Document:
        """The run's report as data.

        Args:
            cases: whether the cases with their answers are in it.
            prices: what models charge, for the cost of answers.
        """
        from pytest_genaiops.report.document import Document
        from pytest_genaiops.runs.document import facts_of, view_of
        from pytest_genaiops.runs.outline import is_large, outline_of

        views = []
        with self._store() as store:
            for row in store.suites(self.id):
                if is_large(store, row):
                    views.append(outline_of(store, row))
                    continue
                each = self._loaded(store, row, None)
                rules = rules_of(self.row.facts.get("rules") or {}, each.recorded.suite.coverage)
                of = each.recorded, each.shelf, each.evaluation, rules
                views.append(view_of(*of, cases=cases, prices=prices or ()))
        return Document(run=facts_of(self.row), suites=views)

    def matrices(self, *, prices: Sequence[Price] | None = None) -> list[SuiteView]:
        """Its suites whose variants come from a matrix, with what each setting does; scores and cases are left out.

        Args:
            prices: what models charge, for effects on the cost of answers.
        """
        from pytest_genaiops.runs.document import matrix_of
        from pytest_genaiops.runs.factors import is_matrix
        from pytest_genaiops.runs.outline import is_large

        views = []
        with self._store() as store:
            for row in store.suites(self.id):
                if is_matrix(store, row) and not is_large(store, row):
                    each = self._loaded(store, row, None)
                    rules = rules_of(self.row.facts.get("rules") or {}, each.recorded.suite.coverage)
                    views.append(matrix_of(each.recorded, each.shelf, each.evaluation, rules, prices=prices or ()))
        return views

    def loaded(self, suite: str | None = None, *, judging: Judging | None = None) -> list[Loaded]:
        """Its suites with their scores at hand: all, or those of a title, a glob or a part of one.

        Raises:
            UsageError: it has none at all, or none like this.
        """
        with self._store() as store:
            rows = _chosen(store.suites(self.id), suite, self.id)
            return [self._loaded(store, row, judging) for row in rows]

    def _all(self) -> list[Loaded]:
        """Every suite; none where a session ran none."""
        with self._store() as store:
            return [self._loaded(store, row, None) for row in store.suites(self.id)]

    def _loaded(self, store: Store, row: SuiteRow, judging: Judging | None) -> Loaded:
        from pytest_genaiops.evaluation import Evaluation
        from pytest_genaiops.runs.metrics import shelf_of
        from pytest_genaiops.runs.reading import suite_of

        recorded = suite_of(store, row)
        shelf = shelf_of(store, recorded, root=self.root, judging=judging)
        evaluation = Evaluation(suite=recorded.suite, responses=recorded.responses, handles=shelf.handles)
        return Loaded(recorded=recorded, shelf=shelf, evaluation=evaluation)

    @contextmanager
    def _store(self) -> Iterator[Store]:
        with closing(Store(self.folder)) as store:
            yield store


def _chosen(rows: Sequence[SuiteRow], suite: str | None, run: str) -> list[SuiteRow]:
    if not rows:
        raise UsageError(f"run {run} has no suite on record")
    if suite is None:
        return list(rows)
    for fits in (
        [row for row in rows if row.title == suite],
        [row for row in rows if fnmatchcase(row.title, suite)],
        [row for row in rows if suite and suite in row.title],
    ):
        if fits:
            return fits
    names = {row.title: row.title for row in rows} | {row.title.rpartition("::")[2]: row.title for row in rows}
    raise UsageError(f"run {run} has no suite {quoted(suite)}; {did_you_mean(suite, list(names))}")


def _titles(found: Sequence[Loaded]) -> str:
    return listed(each.recorded.row.title for each in found)
