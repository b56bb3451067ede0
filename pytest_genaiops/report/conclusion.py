"""What a run comes to, in one word and one sentence: what every report begins with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pytest_genaiops.report.document import Document, ItemView, SuiteView, VerdictView

UNAVAILABLE = 69
"""Exit code where nothing failed by a judgement, but something has no result (EX_UNAVAILABLE of sysexits.h)."""
_INTERRUPTED = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One item or rule that did not pass."""

    outcome: str
    """``failed``, ``undecided`` or ``lost``."""
    test: str
    variant: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Conclusion:
    """What a run comes to."""

    word: str
    """``passed``, ``failed``, ``undecided``, ``no result``, or ``not finished``."""
    sentence: str
    """How many of what: ``1 failed, 2 undecided, of 12 tests in 3 suites``."""
    reasons: Sequence[Reason]
    """Failed ones first, then undecided ones, then those without a result."""


def conclude(document: Document) -> Conclusion:
    """What the items of a run come to; its verdicts where it has no items (rules over recorded responses).

    A failed test is undecided where its verdicts are, and none of them failed. Cases that a gate counts are the gate's.
    """
    units = [unit for suite in document.suites for unit in _units(suite)]
    counts = Counter(unit.outcome for unit in units)
    reasons = sorted((unit for unit in units if unit.outcome in _NOT_PASSED), key=lambda unit: _ORDER[unit.outcome])
    tolerated = sum(each.tolerated for suite in document.suites for each in suite.verdicts)
    return Conclusion(
        word=_word(document, counts),
        sentence=_sentence(document, counts, tolerated),
        reasons=reasons,
    )


_NOT_PASSED = ("failed", "undecided", "lost")
_ORDER = {outcome: number for number, outcome in enumerate(_NOT_PASSED)}


def _units(suite: SuiteView) -> Iterator[Reason]:
    """What each item, or rule without one, came to; cases that a gate counts are left to the gate."""
    verdicts: dict[str, list[VerdictView]] = {}
    for verdict in suite.verdicts:
        verdicts.setdefault(verdict.test, []).append(verdict)
    named = {item.test for item in suite.items}
    gated = suite.pass_rate is not None and any(not each.metric for each in suite.verdicts)
    for item in suite.items:
        if item.case is None or not gated:
            yield _of_item(item, verdicts.get(item.test, ()))
    for test, found in verdicts.items():
        if test not in named:
            for verdict in found:
                outcome = "passed" if verdict.tolerated else verdict.outcome
                yield _reason(outcome, test, verdict.variant, verdict.reason)


def _of_item(item: ItemView, verdicts: Sequence[VerdictView]) -> Reason:
    against = [each for each in verdicts if each.outcome != "passed" and not each.tolerated]
    outcome, text = item.outcome, item.message
    if outcome == "failed" and against:
        worst = next((each for each in against if each.outcome == "failed"), against[0])
        outcome, text = worst.outcome, worst.reason
    return _reason(outcome, item.test, item.variant, text)


def _reason(outcome: str, test: str, variant: str, text: str) -> Reason:
    return Reason(outcome=outcome, test=test, variant=variant, text=text.removeprefix(f"{outcome}: "))


def _word(document: Document, counts: Counter[str]) -> str:
    if document.run.kind == "pytest" and document.run.exit is None:
        return "not finished"
    if document.run.exit == UNAVAILABLE and any(counts[outcome] for outcome in _NOT_PASSED):
        return "no result"
    for outcome in _NOT_PASSED:
        if counts[outcome]:
            return "no result" if outcome == "lost" else outcome
    if document.run.exit == _INTERRUPTED:
        return "not finished"
    if document.run.exit in (None, 0, UNAVAILABLE):
        return "passed"
    return "failed"


def _sentence(document: Document, counts: Counter[str], tolerated: int) -> str:
    total, suites = sum(counts.values()), len(document.suites)
    what = "rule" if document.run.kind == "gate" else "test"
    bad = [(counts["failed"], "failed"), (counts["undecided"], "undecided"), (counts["lost"], "without a result")]
    parts = [f"{count:,} {word}" for count, word in bad if count]
    where = f"{_number(total, what)} in {_number(suites, 'suite')}"
    if parts:
        return f"{', '.join(parts)}, of {where}"
    if document.run.exit not in (None, 0, UNAVAILABLE, _INTERRUPTED):
        return f"no test of a suite failed, but the session did (exit code {document.run.exit})"
    passed = (
        f"{_number(counts['passed'], what)} passed in {_number(suites, 'suite')}" if total else "nothing was judged"
    )
    passed = f"interrupted, {passed}" if document.run.exit == _INTERRUPTED else passed
    skipped = f", {counts['skipped']:,} skipped" if counts["skipped"] else ""
    return passed + skipped + (f"; {_number(tolerated, 'verdict')} undecided, which only warns" if tolerated else "")


def _number(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
