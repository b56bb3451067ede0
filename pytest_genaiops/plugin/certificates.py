"""Certificates that a suite demands of its judges: without one that holds, a judged score decides nothing."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from pytest_genaiops.calibration import Certificate, covering, read_certificate, without_data
from pytest_genaiops.errors import UsageError
from pytest_genaiops.metrics.base import Metric
from pytest_genaiops.report.text import visible
from pytest_genaiops.score import Score, ScoreGroup
from pytest_genaiops.score.arriving import ArrivingGroup, ArrivingScore

ARGUMENT = "require_certificate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """The certificates that a suite names, all of which held when it was collected."""

    files: Sequence[str]
    """As the suite names them."""
    certificates: Sequence[Certificate]

    def refusal(self, metric: Metric, found: Score | ScoreGroup) -> str:
        """Why a score may not be judged by; empty where its judge is certified, or it comes from none."""
        if not metric.judges:
            return ""
        signature = without_data(_signature(found))
        if covering(self.certificates, signature) is not None:
            return ""
        there = "; ".join(each.signature for each in self.certificates)
        why = f"{metric.name} is judged by {signature}, and {ARGUMENT} names certificates of other judges ({there})"
        return visible(f"{why}; {_mend(metric.name, self.files[0])}")


def demand_of(value: Any, root: Path, today: date | None = None) -> Demand | None:
    """What the marker's argument demands; None where it demands nothing.

    Raises UsageError for a file that is not there, was edited, has expired, is of a day to come, or says that its judge
    does not agree with people well enough; with the command that mends it.
    """
    if value is None:
        return None
    named = [value] if isinstance(value, str | Path) else value
    if not isinstance(named, list | tuple) or not named or not all(isinstance(each, str | Path) for each in named):
        raise UsageError(
            f'{ARGUMENT}={value!r}: name a file, such as "certificates/groundedness.json", or a list of them'
        )
    now = datetime.now(UTC).date() if today is None else today
    files = [Path(each).as_posix() for each in named]
    return Demand(files=files, certificates=[_held(file, root, now) for file in files])


def _held(file: str, root: Path, today: date) -> Certificate:
    """The certificate of a file, which holds today."""
    try:
        found = read_certificate(root / file, shown=file)
    except UsageError as error:
        raise UsageError(f"{ARGUMENT}: {error}; {_mend('JUDGE', file)}") from None
    if why := found.refusal(today):
        raise UsageError(f"{ARGUMENT}: {file} of {found.judge} {_verb(why)}; {_mend(found.judge, file)}")
    return found


def _verb(why: str) -> str:
    return why if why.startswith(("is of", "expired")) else f"certifies nothing: {why}"


def _mend(judge: str, file: str) -> str:
    command = f"genaiops calibrate {shlex.quote(judge)} --labels FILE --output {shlex.quote(file)}"
    return f"write it with `{command}` (and --judge where a model judges)"


def _signature(found: Score | ScoreGroup) -> str:
    """Of the metric as it was asked; known before its responses have arrived."""
    if isinstance(found, ArrivingScore | ArrivingGroup) and found.call is not None:
        return found.call.signature
    score = found if isinstance(found, Score) else next(found.scores(), None)
    return "" if score is None else score.table.signature
