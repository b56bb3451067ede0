"""The scores of variants under one number, joined by case."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from pytest_genaiops.errors import MetricError, UnscorableError
from pytest_genaiops.score import Score
from pytest_genaiops.score.judging import same_signature
from pytest_genaiops.sequences import same
from pytest_genaiops.statistics.contrasts import Means, Panel, Summed
from pytest_genaiops.statistics.sample import grouping

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Matrix: TypeAlias = NDArray[np.float64]
    Places: TypeAlias = NDArray[np.intp]
    Flags: TypeAlias = NDArray[np.bool_]


class Number:
    """One number of all variants that have it, rows of the same case together: trials count as one case.

    Raises MetricError where nothing of any variant is scored, where the scores differ in metric, settings or data, or
    where they are quantiles.
    """

    __slots__ = ("_cases", "_clusters", "_present", "_scored", "gaps", "is_mean", "name", "scores", "unused")

    scores: Mapping[str, Score]
    unused: Mapping[str, str]
    """Variants of which nothing is scored -> why."""
    is_mean: bool
    gaps: int
    """Responses without a value, to cases of which another trial has one."""

    def __init__(self, name: str, scores: Mapping[str, Score]) -> None:
        self.name = name
        first = next(iter(scores.values()))
        for score in scores.values():
            same_signature(score, first)
        if first.part.quantile is not None:
            raise MetricError(f"{name} is a quantile; effects are those of means and of scores of summed statistics")
        self.is_mean = first.part.is_mean
        self.unused = {variant: _unscored(score) for variant, score in scores.items() if score.value is None}
        self.scores = {variant: score for variant, score in scores.items() if score.value is not None}
        if not self.scores:
            raise MetricError(f"nothing is scored: {next(iter(self.unused.values()))}")
        self._cases, self._clusters = _cases(list(self.scores.values()))
        self._count()

    def everyone(self) -> Flags:
        """All variants in use."""
        import numpy as np

        return np.ones(len(self.scores), dtype=np.bool_)

    def common(self, used: Flags) -> Flags:
        """The cases that all variants in use have scored; all variants are, where one jackknife serves all."""
        import numpy as np

        found: Flags = np.logical_and.reduce(self._scored[self._concerned(used)], axis=0)
        return found

    def unscored(self, used: Flags) -> int:
        """Cases beside the common ones: those that every variant in use was asked, or that some have scored."""
        used = self._concerned(used)
        asked = self._present[used].all(axis=0) | self._scored[used].any(axis=0)
        return int(asked.sum()) - int(self.common(used).sum())

    def panel(self, cases: Flags) -> Panel:
        """The scores over these cases, which the variants in use have scored; others have no meaning there.

        Raises MetricError where there are no cases, or the metric is undefined on them.
        """
        if not cases.any():
            raise MetricError("no case is scored by every variant that it takes")
        return self._means(cases) if self.is_mean else self._summed(cases)

    def _means(self, cases: Flags) -> Means:
        import numpy as np

        values = np.zeros((len(self.scores), len(cases)))
        for row, (score, found) in enumerate(zip(self.scores.values(), self._cases, strict=True)):
            at, number = found[np.asarray(score.table.scored, dtype=np.intp)], len(cases)
            counts = np.bincount(at, minlength=number)
            sums = np.bincount(at, np.asarray(score.sample().values, dtype=np.float64), number)
            np.divide(sums, counts, out=values[row], where=counts > 0)
        score = next(iter(self.scores.values()))
        return Means(values[:, cases], self._groups(cases), scale=score.scale)

    def _summed(self, cases: Flags) -> Summed:
        import numpy as np

        groups = self._groups(cases)
        units = np.cumsum(cases) - 1
        if groups is not None:
            units[cases] = groups
        samples, places = [], []
        for score, found in zip(self.scores.values(), self._cases, strict=True):
            scored = np.asarray(score.table.scored, dtype=np.intp)
            rows = scored[cases[found[scored]]]
            rows = rows[np.argsort(found[rows], kind="stable")]
            samples.append(score.sample(rows.tolist()))
            places.append(units[found[rows]].tolist())
        alone = groups is None and all(len(each) == int(cases.sum()) for each in places)
        try:
            return Summed(samples, None if alone else places, cases=int(cases.sum()))
        except UnscorableError as error:
            raise MetricError(f"undefined on the {int(cases.sum())} cases that all variants scored: {error}") from None

    def _concerned(self, used: Flags) -> Flags:
        return used if self.is_mean else used | ~used

    def _groups(self, cases: Flags) -> Places | None:
        """Cluster number of each of these cases; None where no two share one."""
        import numpy as np

        if self._clusters is None:
            return None
        found = grouping([self._clusters[i] for i in np.flatnonzero(cases).tolist()])
        return None if found is None else np.asarray(found, dtype=np.intp)

    def _count(self) -> None:
        """For each variant and case: was it asked, has it a score; and how many trials have none where others have."""
        import numpy as np

        number = 1 + max(int(each.max()) for each in self._cases)
        self._present = np.zeros((len(self._cases), number), dtype=np.bool_)
        self._scored, self.gaps = self._present.copy(), 0
        for row, (score, found) in enumerate(zip(self.scores.values(), self._cases, strict=True)):
            rows = np.bincount(found, minlength=number)
            scored = np.bincount(found[np.asarray(score.table.scored, dtype=np.intp)], minlength=number)
            self._present[row], self._scored[row] = rows > 0, scored > 0
            self.gaps += int((rows - scored)[scored > 0].sum())


def _cases(scores: Sequence[Score]) -> tuple[list[Places], Sequence[Hashable] | None]:
    """For each score the number of the case of each row, and the cluster of each case; None where there are none."""
    import numpy as np

    numbers: dict[str, int] = {}
    clusters: dict[int, Hashable] = {}
    found: list[Places] = []
    before: Sequence[str] = ()
    for score in scores:
        table = score.table
        ids = before if found and same(table.ids, before) else list(table.ids)
        if found and ids == before:
            found.append(found[-1])
        else:
            found.append(np.array([numbers.setdefault(case, len(numbers)) for case in ids], dtype=np.intp))
        for case, key in zip(found[-1].tolist(), table.clusters or (), strict=False):
            clusters.setdefault(case, key)
        before = ids
    if not clusters:
        return found, None
    # A case without a cluster depends on nobody.
    return found, [clusters.get(case, (case,)) for case in range(len(numbers))]


def _unscored(score: Score) -> str:
    why = next((reason for reason in score.why if reason), "")
    return why or f"{score.name} is undefined on these cases"
