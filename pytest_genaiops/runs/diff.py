"""Two runs beside each other: what differs in what was run, and in what came out."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from pytest_genaiops.runs.paired import ScoreChange, Side, suite_changes
from pytest_genaiops.runs.settings import rules_of
from pytest_genaiops.store import SuiteRow, VariantRow
from pytest_genaiops.store.numbers import Numbers

if TYPE_CHECKING:
    from pytest_genaiops.runs.run import Run

Fact: TypeAlias = tuple[str, str | None, str | None, bool]
"""What differs: its path, the earlier and the later value as text, and whether these are texts of a prompt."""

_OF_RUN = ("git", "python", "versions", "settings", "rules")
_OF_SUITE = ("dataset", "dataset_hash", "n", "trials", "coverage", "pass_rate", "baseline")
_DIGITS = 12
_OF_VARIANT = ("parameters", "model", "rag")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A test item, or a verdict of one, that came out otherwise."""

    suite: str
    variant: str
    test: str
    """Node id."""
    metric: str = ""
    """Of a verdict, the score that it is about."""
    before: str
    after: str
    reason: str = ""
    """The later verdict's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDifference:
    """What changed between two runs."""

    before: str
    """Id of the earlier run."""
    after: str
    facts: Mapping[str, Sequence[Fact]]
    """``run``, the title of a suite, or a title with a variant in brackets -> what differs there."""
    scores: Sequence[ScoreChange]
    items: Sequence[Outcome]
    """Items that came out otherwise, those that got worse first."""
    verdicts: Sequence[Outcome]
    alone: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Id of a run -> suites and variants that the other one does not have."""


def run_difference(before: Run, after: Run) -> RunDifference:
    """What changed from one run to another: what was run, scores paired by case and trial, items and verdicts.

    Scores are compared where they have one signature but for the dataset, over the cases that are the same in both;
    of others is said what differs.
    Intervals go by the later run's confidence.

    Raises:
        UsageError: a record cannot be read.
    """
    facts: dict[str, list[Fact]] = {"run": list(_facts(before.row.facts, after.row.facts, _OF_RUN))}
    scores: list[ScoreChange] = []
    items: list[Outcome] = []
    verdicts: list[Outcome] = []
    with closing(Numbers(before.folder)) as earlier, closing(Numbers(after.folder)) as later:
        sides = [
            {row.title: row for row in store.suites(name.id)} for store, name in ((earlier, before), (later, after))
        ]
        alone = _alone(before.id, after.id, *sides)
        for title in (title for title in sides[1] if title in sides[0]):
            pair = Side(store=earlier, row=sides[0][title]), Side(store=later, row=sides[1][title])
            facts |= dict(_suite_facts(*pair, alone, (before.id, after.id)))
            rules = rules_of(after.row.facts.get("rules") or {})
            scores += suite_changes(*pair, rules, after.root)
            items += _items(*pair)
            verdicts += _verdicts(*pair)
    return RunDifference(
        before=before.id,
        after=after.id,
        facts={name: found for name, found in facts.items() if found},
        scores=scores,
        items=sorted(items, key=lambda each: each.before != "passed"),
        verdicts=sorted(verdicts, key=lambda each: each.before != "passed"),
        alone={name: found for name, found in alone.items() if found},
    )


def _alone(
    before: str, after: str, earlier: Mapping[str, SuiteRow], later: Mapping[str, SuiteRow]
) -> dict[str, list[str]]:
    return {
        before: [title for title in earlier if title not in later],
        after: [title for title in later if title not in earlier],
    }


def _suite_facts(
    before: Side, after: Side, alone: dict[str, list[str]], ids: tuple[str, str]
) -> Iterator[tuple[str, list[Fact]]]:
    title = after.row.title
    yield title, [_short(fact) for fact in _facts(before.row.facts, after.row.facts, _OF_SUITE)]
    sides = [{each.name: each for each in side.store.variants(side.row.id)} for side in (before, after)]
    for run, own, other in ((ids[0], sides[0], sides[1]), (ids[1], sides[1], sides[0])):
        alone[run] += [f"{title}[{name}]" for name in own if name not in other]
    for name in (name for name in sides[1] if name in sides[0]):
        yield f"{title}[{name}]", list(_variant_facts(sides[0][name], sides[1][name]))


def _short(fact: Fact) -> Fact:
    """A hash by its first digits."""
    path, before, after, prose = fact
    if path != "dataset_hash":
        return fact
    return path, before and before[:_DIGITS], after and after[:_DIGITS], prose


def _variant_facts(before: VariantRow, after: VariantRow) -> Iterator[Fact]:
    if before.facts.get("hash") == after.facts.get("hash"):
        return
    yield from _facts(before.facts, after.facts, _OF_VARIANT)
    texts = [str(row.facts.get("prompt") or "") or None for row in (before, after)]
    if texts[0] != texts[1]:
        yield "prompt", texts[0], texts[1], True


def _facts(before: Mapping[str, Any], after: Mapping[str, Any], names: Sequence[str]) -> Iterator[Fact]:
    leaves = [dict(leaf for name in names for leaf in _leaves(side.get(name), name)) for side in (before, after)]
    for path in dict.fromkeys([*leaves[0], *leaves[1]]):
        one, other = leaves[0].get(path), leaves[1].get(path)
        if one != other:
            yield path, one, other, False


def _leaves(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name, each in value.items():
            yield from _leaves(each, f"{path}.{name}")
    elif value is not None:
        yield path, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _items(before: Side, after: Side) -> Iterator[Outcome]:
    for name, one, other in _both(before, after):
        earlier, later = before.store.outcomes(one.id), after.store.outcomes(other.id)
        for test, outcome in later.items():
            if earlier.get(test, outcome) != outcome:
                yield Outcome(suite=after.row.title, variant=name, test=test, before=earlier[test], after=outcome)


def _verdicts(before: Side, after: Side) -> Iterator[Outcome]:
    for name, one, other in _both(before, after):
        sides = [_numbered(side.store, row) for side, row in ((before, one), (after, other))]
        for key, facts in sides[1].items():
            outcomes = [str(each.get("outcome", "")) for each in (sides[0].get(key, facts), facts)]
            if outcomes[0] != outcomes[1]:
                yield Outcome(
                    suite=after.row.title,
                    variant=name,
                    test=key[0],
                    metric=key[1],
                    before=outcomes[0],
                    after=outcomes[1],
                    reason=str(facts.get("reason", "")),
                )


def _numbered(store: Numbers, variant: VariantRow) -> dict[tuple[str, str, int], Mapping[str, Any]]:
    """(test, score, which of its verdicts) -> the verdict."""
    found: dict[tuple[str, str, int], Mapping[str, Any]] = {}
    seen: Counter[tuple[str, str]] = Counter()
    for row in store.verdicts(variant.id):
        found[row.test, row.metric, seen[row.test, row.metric]] = row.facts
        seen[row.test, row.metric] += 1
    return found


def _both(before: Side, after: Side) -> Iterator[tuple[str, VariantRow, VariantRow]]:
    earlier = {each.name: each for each in before.store.variants(before.row.id)}
    for variant in after.store.variants(after.row.id):
        if variant.name in earlier:
            yield variant.name, earlier[variant.name], variant
