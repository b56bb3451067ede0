"""The report as Markdown for a pull request: the verdict first, what changed, and the worst of it folded away.

It never has more than :data:`LIMIT` bytes, so that GitHub takes it as a comment (65 536 characters): what matters least
is left out first, and the page says what that was. Whatever data wrote is shown as text; see ``report/gfm.py``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from pytest_genaiops.report.conclusion import Conclusion, Reason, conclude
from pytest_genaiops.report.document import Document, RunFacts, SuiteView
from pytest_genaiops.report.flips import Flip, flips
from pytest_genaiops.report.gfm import block, code, folded, inert, table, wrapped
from pytest_genaiops.report.grid import prompt_changes, scores, slices, spending
from pytest_genaiops.report.settings import settings
from pytest_genaiops.report.shortlist import MANY

LIMIT = 60_000
"""Bytes of UTF-8 that a page has at most."""
REASONS = 10
"""Tests that did not pass whose reasons stand at the top."""
FLIPS = 5
"""Cases of a suite that are shown with both answers."""
_SIGNS = {"passed": "✅", "failed": "❌", "undecided": "⚠️", "lost": "⚠️", "no result": "⚠️", "not finished": "⚠️"}
_WORDS = {"lost": "no result"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """A part of the page."""

    rank: float
    """What has the highest is left out first."""
    name: str
    """What is said to be missing where it is left out."""
    text: str


def page(document: Document) -> str:
    """The page; GitHub-flavoured Markdown that ends with a line end, at most :data:`LIMIT` bytes of UTF-8."""
    parts = list(_parts(document))
    room = LIMIT - 400  # for the sentence about what is missing
    left_out: list[_Part] = []
    for part in sorted(parts, key=lambda part: part.rank):
        size = len(part.text.encode("utf-8")) + 2
        if size > room:
            left_out.append(part)
        else:
            room -= size
    kept = [part.text for part in parts if part not in left_out]
    return "\n\n".join([*kept, *_missing(left_out)]) + "\n"


def _missing(parts: Sequence[_Part]) -> Iterator[str]:
    if parts:
        names: dict[str, int] = {}
        for part in parts:
            names[part.name] = names.get(part.name, 0) + 1
        listed = ", ".join(f"{name} ({count} suites)" if count > 1 else name for name, count in names.items())
        yield f"Left out, for a comment holds no more: {listed}. `genaiops report` makes a page with all of it."


def _parts(document: Document) -> Iterator[_Part]:
    conclusion = conclude(document)
    yield _Part(rank=0, name="the verdict", text="\n".join(_verdict(conclusion)))
    # Where room is short, suites in which all is well go first, then later ones.
    well = [not conclude(replace(document, suites=(suite,))).reasons for suite in document.suites]
    for number, suite in enumerate(document.suites):
        yield from _suite(suite, (number + well[number] * len(well)) / 1_000_000)
    facts = "\n".join(folded("Run", _facts(document.run)))
    yield _Part(rank=4, name="facts of the run", text=facts)


def _verdict(conclusion: Conclusion) -> Iterator[str]:
    """One line, and under it why."""
    yield f"## {_SIGNS[conclusion.word]} genaiops: {conclusion.word} – {conclusion.sentence}"
    shown = conclusion.reasons[:REASONS]
    if shown:
        yield ""
        yield from (f"- {_reason(reason)}" for reason in shown)
    if (rest := len(conclusion.reasons) - len(shown)) > 0:
        yield f"- and {rest:,} more"


def _reason(reason: Reason) -> str:
    word = f"{_SIGNS[reason.outcome]} **{_WORDS.get(reason.outcome, reason.outcome)}**"
    text = inert(reason.text, 400)
    return f"{word} {code(reason.test, 160)}" + (f": {text}" if text else "")


def _suite(suite: SuiteView, later: float) -> Iterator[_Part]:
    """Parts of a suite; ``later`` is added to their ranks."""
    table_of_scores = scores(suite)
    if len(suite.variants) > MANY:
        table_of_scores = folded(f"Scores of {len(suite.variants):,} variants", table_of_scores)
    head = [f"### {code(suite.title, 160)}", "", _extent(suite), "", *settings(suite), *table_of_scores, *_notes(suite)]
    yield _Part(rank=1 + later, name="tables of scores", text="\n".join(head))
    if found := flips(suite, FLIPS):
        lines = [line for flip in found for line in ("", *_flip(flip))][1:]
        name = f"Worst changes against the baseline: {len(found)} case{'' if len(found) == 1 else 's'}"
        yield _Part(rank=2 + later, name="worst changes", text="\n".join(folded(name, lines)))
    for rank, name, lines in (
        (5 + later, "Slices", slices(suite)),
        (6 + later, "Prompts", prompt_changes(suite)),
        (3 + later, "Tokens, cost and latency", spending(suite)),
    ):
        if lines:
            yield _Part(rank=rank, name=name.lower(), text="\n".join(folded(name, lines)))


def _extent(suite: SuiteView) -> str:
    words = [code(suite.dataset), f"{suite.n:,} case{'' if suite.n == 1 else 's'}"]
    words += [f"{suite.trials} trials"] if suite.trials > 1 else []
    words += [f"baseline {code(suite.baseline)}"] if suite.baseline else []
    return ", ".join(words)


def _notes(suite: SuiteView) -> Iterator[str]:
    if suite.notes:
        yield from ("", "Notes:", "")
        yield from (f"- {inert(note)}" for note in suite.notes[:REASONS])


def _flip(flip: Flip) -> Iterator[str]:
    changed = "; ".join(
        inert(f"{name} {before} → {after}" if before != after else f"{name} {after}")
        for name, before, after in flip.values
    )
    yield f"**Case** {code(flip.case)} under {code(flip.variant)}: {changed}"
    yield ""
    if flip.question:
        yield from (f"> {inert(flip.question)}", "")
    if flip.before == flip.after:
        yield from ("Both answered:", "", *block(_answer(flip.after, "")))
    else:
        yield from block([*_answer(flip.before, "- "), *_answer(flip.after, "+ ")], "diff")


def _answer(text: str, mark: str) -> list[str]:
    return wrapped(text, mark, characters=900, lines=12)


def _facts(run: RunFacts) -> Iterator[str]:
    git = run.git
    commit = f"{git.get('sha', '')} {git.get('branch', '')}{' (with changes)' if git.get('dirty') else ''}".strip()
    seconds = "" if run.seconds is None else f"{run.seconds:,.1f} s"
    rows = [
        ("run", run.id),
        ("made by", f"{run.kind}{f' of {run.parent}' if run.parent else ''}"),
        ("started", f"{run.started} {seconds}".strip()),
        ("exit code", "" if run.exit is None else str(run.exit)),
        ("command", run.typed),
        ("commit", commit),
        ("python", run.python),
        ("versions", _listed(run.versions)),
        ("settings", _listed(run.settings)),
        ("rules", _listed(run.rules)),
    ]
    yield from table(["", ""], [[name, code(text, 600)] for name, text in rows if text])


def _listed(values: object) -> str:
    return ", ".join(f"{key} {value}" for key, value in dict(values).items())  # type: ignore[call-overload]
