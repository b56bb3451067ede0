"""Suites, responses, scores and verdicts to rows of a record: the same rows, whichever process has them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from pytest_genaiops.errors import UsageError
from pytest_genaiops.metrics.base import Metric, add_up
from pytest_genaiops.recording.facts import options_of, parts_of, row_of, suite_facts, variant_facts
from pytest_genaiops.records import Case, Measurement, Response, Verdict
from pytest_genaiops.run import Measurements, Suite
from pytest_genaiops.run.measure import is_large
from pytest_genaiops.score import Score
from pytest_genaiops.sequences import Lazy
from pytest_genaiops.store import ItemRow, ScoreRow, TrialRow, Writer
from pytest_genaiops.variants import Variant

Row: TypeAlias = tuple[int, int, Measurement]
"""Position of a case, trial, and what was measured."""


class SuiteRecord:
    """The rows of one suite of a run, as far as this process knows them."""

    def __init__(self, writer: Writer, title: str, suite: Suite, *, facts: Mapping[str, Any], root: Path) -> None:
        self.writer = writer
        self.suite = suite
        self.root = root
        """What files of judges are relative to."""
        self.by_case = bool(facts.get("by_case"))
        """Whether each case is a test item, and its scores are of this case alone."""
        self.id = writer.suite(title, {**suite_facts(suite), **facts})
        self._places: dict[str, int] | None = None
        self._variants: dict[str, VariantRecord] = {}
        large = isinstance(suite.cases, Lazy)
        self._noted = bytearray(len(suite.cases)) if large else None
        if not large:
            writer.cases(self.id, enumerate(suite.cases))

    @property
    def places(self) -> Mapping[str, int]:
        """Case id -> position in the suite."""
        if self._places is None:
            self._places = {case.id: position for position, case in enumerate(self.suite.cases)}
        return self._places

    def variant(self, variant: Variant) -> VariantRecord:
        """The rows under one variant of the suite, or under its baseline."""
        known = self._variants.get(variant.id)
        if known is None:
            known = self._variants[variant.id] = VariantRecord(self, variant)
        return known

    def answers(self, responses: Sequence[Response]) -> None:
        """Responses of one variant, written under it; those that are no answers to this suite's cases are not."""
        if (record := self.record_of(responses)) is not None:
            record.responses(responses)

    def measured(self, score: Score, known: Measurements, groups: Iterable[Sequence[Response]]) -> None:
        """The measurements behind a score, under the variant whose responses they are of.

        A score that leaves rows out, or finds them unscored, does not have them as they were measured: ``known`` has
        those of ``groups``, all responses that it may be of.
        """
        table, part = score.table, score.part
        if table.metric is None:
            return
        record = self.record_of(table.responses)
        if record is None:
            return
        if part.about is None and part.lacking is None:
            rows = self.rows(table.responses, table.measurements)
            record.measured(table.metric, table.signature, rows, lambda: table.total)
        else:
            for group in groups:
                if self.record_of(group) is record:
                    self.remembered(table.metric, table.signature, group, known)

    def remembered(self, metric: Metric, signature: str, responses: Sequence[Response], known: Measurements) -> None:
        """What was measured of responses under a metric, as far as ``known`` has it."""
        found, record = known.known(metric, responses), self.record_of(responses)
        if record is not None and any(each is not None for each in found):
            statistics = (each.statistics for each in found if each is not None and each.statistics is not None)
            record.measured(metric, signature, self.rows(responses, found), lambda: _sum(statistics))

    def rows(self, responses: Sequence[Response], found: Sequence[Measurement | None]) -> Iterator[Row]:
        """Measurements of responses with their places; without those that nobody measured."""
        if self._is_whole(responses):
            yield from ((place, 1, each) for place, each in enumerate(found) if each is not None)
            return
        for response, each in zip(responses, found, strict=True):
            if each is not None and (place := self._place(response)) is not None:
                assert response.trial is not None
                yield place, response.trial.index, each

    def placed(self, responses: Sequence[Response]) -> Iterator[tuple[int, Response]]:
        """(position of the case, response) of those that answer this suite's cases."""
        if self._is_whole(responses):
            yield from enumerate(responses)
            return
        for response in responses:
            if (place := self._place(response)) is not None:
                yield place, response

    def note(self, position: int, case: Case) -> None:
        """Write a case of a dataset that is not held in memory, once."""
        if self._noted is not None and not self._noted[position]:
            self._noted[position] = 1
            self.writer.cases(self.id, [(position, case)])

    def _is_whole(self, responses: Sequence[Response]) -> bool:
        """Whether these answer all cases of a dataset that is not held in memory, in their order."""
        return is_large(responses) and responses.cases is self.suite.cases

    def _place(self, response: Response) -> int | None:
        trial = response.trial
        known = trial is not None and trial.dataset == self.suite.dataset.hash
        return self.places.get(trial.case.id) if trial is not None and known else None

    def record_of(self, responses: Sequence[Response]) -> VariantRecord | None:
        """The rows of the variant that these are responses of; None where they are of none, or of several."""
        trial = responses[0].trial if responses else None
        if trial is None or trial.dataset != self.suite.dataset.hash:
            return None
        name = trial.variant
        if not is_large(responses) and any(each.trial is None or each.trial.variant != name for each in responses):
            return None
        baseline = self.suite.baseline
        every = (*self.suite.variants, *([] if baseline is None else [baseline]))
        return next((self.variant(variant) for variant in every if variant.id == name), None)


class VariantRecord:
    """The rows of one variant of a suite."""

    def __init__(self, suite: SuiteRecord, variant: Variant) -> None:
        self._suite = suite
        self._variant = variant
        self._writer = suite.writer
        self._id = suite.writer.variant(suite.id, variant.id, variant_facts(variant, suite.suite))
        self._asks = not variant.chained and (suite.suite.modelled or any(step.messages for step in variant.steps))
        self._written = self._marks()
        self._metrics: dict[str, tuple[int, bytearray]] = {}
        """By signature: the id, and a mark for each trial whose measurement is written."""

    def responses(self, responses: Sequence[Response]) -> None:
        """Responses of the variant, and their cases where these are not written yet."""
        rows = (row for each in self._suite.placed(responses) if (row := self._row(*each)) is not None)
        self._writer.trials(self._id, rows)

    def measured(self, metric: Metric, signature: str, rows: Iterable[Row], total: Callable[[], Any]) -> None:
        """Measurements under a metric; ``total`` gives the sum of their statistics, which members may depend on."""
        number, marks = self._metric(metric, signature, total)
        self._writer.measurements(number, (row for row in rows if self._is_new(marks, row[0], row[1])))

    def own_values(self, score: Score) -> None:
        """A score of values that somebody else worked out; nothing where its rows are no cases of the suite."""
        table, places = score.table, self._suite.places
        if not all(case in places for case in table.ids):
            return
        number, marks = self._own(score)
        trials = table.trials or [1] * len(table.ids)
        keyed = zip(map(places.__getitem__, table.ids), trials, table.measurements, strict=True)
        self._writer.measurements(number, [row for row in keyed if self._is_new(marks, row[0], row[1])])

    def score(self, score: Score, part: str, bounds: tuple[float, float] | None) -> None:
        """A score over all cases, or those of a slice, with its interval."""
        metric, table = score.table.metric, score.table
        known = self._own(score) if metric is None else self._metric(metric, table.signature, lambda: table.total)
        row = ScoreRow(
            name=score.name, slice=part, value=score.value, interval=bounds, n=score.n, unscored=score.unscored
        )
        self._writer.scores(known[0], [row])

    def verdicts(self, test: str, verdicts: Iterable[tuple[str, Verdict]]) -> None:
        """What an item decided, as (name of the score, verdict)."""
        self._writer.verdicts(self._id, test, verdicts)

    def item(self, item: ItemRow) -> None:
        """What became of an item."""
        self._writer.item(self._id, item)

    def _metric(self, metric: Metric, signature: str, total: Callable[[], Any]) -> tuple[int, bytearray]:
        known = self._metrics.get(signature)
        if known is None:
            options = options_of(metric, self._suite.root)
            # The members that one case has are not those of the next: which of them came first must not show.
            parts = parts_of(metric, None if self._suite.by_case else total())
            number = self._writer.metric(self._id, signature, metric.name, options, parts)
            known = self._metrics[signature] = number, self._marks()
        return known

    def _own(self, score: Score) -> tuple[int, bytearray]:
        signature = score.signature or score.name
        known = self._metrics.get(signature)
        if known is None:
            number = self._writer.metric(self._id, signature, score.name, None, [row_of(score.part, ())])
            known = self._metrics[signature] = number, self._marks()
        return known

    def _row(self, position: int, response: Response) -> TrialRow | None:
        trial = response.trial
        assert trial is not None
        if not self._is_new(self._written, position, trial.index):
            return None
        self._suite.note(position, trial.case)
        prompt = self._prompt(response, trial.case)
        return TrialRow(position=position, trial=trial.index, response=response, prompt=prompt)

    def _prompt(self, response: Response, case: Case) -> Sequence[Mapping[str, str]] | None:
        """The messages of the only step, as they were sent where the response tells."""
        if not self._asks:
            return None
        if response.steps and response.steps[0].messages:
            return response.steps[0].messages
        try:
            return self._variant.messages(case)
        except UsageError:  # its target gives the case what the row lacks
            return None

    def _marks(self) -> bytearray:
        return bytearray(len(self._suite.suite.cases) * self._suite.suite.trials)

    def _is_new(self, marks: bytearray, position: int, trial: int) -> bool:
        place = position * self._suite.suite.trials + trial - 1
        if place < len(marks):
            if marks[place]:
                return False
            marks[place] = 1
        return True


def _sum(statistics: Iterable[Any]) -> Any:
    rows = list(statistics)
    return add_up(rows) if rows else None
