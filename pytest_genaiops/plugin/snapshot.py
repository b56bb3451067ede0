"""Baselines that a session writes: what reports bring of every test that passed, and what became of it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pytest_genaiops.baselines import Baseline, Entry, Rows, Section, Value, line, name_of, named, place, read, write
from pytest_genaiops.errors import UsageError
from pytest_genaiops.plugin.committed import entry_of
from pytest_genaiops.plugin.items import CaseItem
from pytest_genaiops.plugin.session import Progress, state_of
from pytest_genaiops.records import Responses
from pytest_genaiops.report.text import number, visible
from pytest_genaiops.score import Score

Plain = dict[str, Any]
GOOD = {"passed", "missed"}
"""What may have become of an item whose scores are written: a miss within the budget of its gate counts too."""

MENTIONED = 4
"""Values of an entry that the terminal shows."""

BECAME = {"passed": "passed", "missed": "failed as expected", "skipped": "was skipped"}


def noted(item: Any, progress: Progress, outcome: str) -> Plain | None:
    """What a report carries of an item's scores, as plain data; None where no baseline is written of them."""
    settings, binding = state_of(item.config).settings, item.binding
    if not settings.update_baseline or "baseline" not in binding.wants:
        return None
    suite, by_case = binding.suite, item.case is not None
    entry = entry_of(binding, by_case=by_case)
    scores = [*progress.scores, *(score for score, _ in progress.verdicts)]
    sections: dict[str, Plain] = {}
    why = ", ".join(sorted({f"{score.name} is incomplete" for score in scores if score.unscored}))
    try:
        sections = {} if why or outcome not in GOOD else _sections(item, scores)
    except UsageError as error:
        why = str(error)
    return {
        "suite": binding.title,
        "key": binding.entry,
        "entry": {name: getattr(entry, name) for name in Entry.__slots__ if name != "metrics"},
        "keys": binding.entries,
        "all": not settings.variants,
        "kept": suite.committed,
        "rows": len(suite.cases) * suite.trials if by_case else 1,
        "gate": item.gate.nodeid if isinstance(item, CaseItem) and item.gate is not None else None,
        "outcome": outcome,
        "why": why,
        "sections": sections,
    }


def _sections(item: Any, scores: Iterable[Score]) -> dict[str, Plain]:
    """Signature -> values and rows of every score over all that the item judges."""
    found: dict[str, Plain] = {}
    for score in scores:
        if score.value is None or not _covers(item, score):
            continue
        table = score.table
        if table.signature not in found:
            found[table.signature] = {"values": {}, "rows": "\n".join(_lines(score, item.trial))}
        steps = score.signature[len(table.signature) :].split("|part:")[1:]
        values = [float(score.value), *map(float, score.scale), score.higher_is_better]
        found[table.signature]["values"][".".join(steps) or score.name] = values
    return found


def _covers(item: Any, score: Score) -> bool:
    """Whether a score is of the item's own variant, and of all its cases and trials."""
    table, suite = score.table, item.binding.suite
    cases = suite.cases if item.case is None else (item.case,)
    if not table.responses:  # values of the user's own, or over the trials of each case: by the ids of the cases
        return table.metric is None and {case.id for case in cases} == set(table.ids)
    first = table.responses[0].trial
    count = len(cases) * (suite.trials if item.case is None else 1)
    return first is not None and first.variant == item.binding.variant.id and len(table.ids) == count


def _lines(score: Score, own_trial: int) -> Iterator[str]:
    table = score.table
    responses, recorded = table.responses, isinstance(table.responses, Responses) and table.responses.cases is not None
    statistics = score.sample().statistics
    for i, case in enumerate(table.ids):
        if recorded:  # one each, which need not be read again
            trial, cluster = 1, table.responses.cases[i].cluster  # type: ignore[attr-defined]
        elif responses:
            asked = responses[i].trial
            assert asked is not None
            trial, cluster = asked.index, asked.case.cluster
        else:
            trial, cluster = own_trial, str(table.clusters[i]) if table.clusters is not None else None
        yield line(case, trial, statistics[i], cluster)


class Snapshots:
    """What the reports of a session said, by test and entry; in the controller of pytest-xdist, of every worker's."""

    def __init__(self, root: Path, folder: str) -> None:
        self._root = root
        self._folder = folder
        self._found: dict[str, dict[str, dict[str, Plain]]] = {}
        """By test, entry and node id."""
        self._gates: dict[str, bool] = {}
        self.lines: list[str] = []
        """What became of every file, for the terminal."""
        self.failed = False
        """Whether a baseline could not be written though its tests passed."""

    def add(self, report: Any) -> None:
        """Take what a report carries."""
        if report.nodeid.endswith("-pass_rate]"):
            self._gates[report.nodeid] = report.passed and self._gates.get(report.nodeid, True)
        plain = getattr(report, "genaiops_baseline", None)
        if plain is None:
            return
        del report.genaiops_baseline
        if report.outcome != "rerun":
            self._found.setdefault(plain["suite"], {}).setdefault(plain["key"], {})[report.nodeid] = plain

    def write(self) -> None:
        """Write a file for each test, where anything in it has changed."""
        for suite in sorted(self._found):
            shown = str(place(self._folder, suite))
            self.lines.append(visible(shown))
            told = self._write(suite, shown, self._found[suite])
            self.lines += [f"  {visible(each)}" for each in told]

    def tell(self, reporter: Any) -> None:
        """Write into the terminal what became of every file."""
        reporter.section("genaiops baselines", sep="-", bold=True)
        for each in self.lines or ["nothing is written: no test that asks for `baseline` ran"]:
            reporter._tw.line(each)

    def _write(self, suite: str, shown: str, found: Mapping[str, Mapping[str, Plain]]) -> Iterator[str]:
        entries: dict[str, Entry] = {}
        for key in sorted(found):
            made = self._entry(list(found[key].values()))
            if isinstance(made, Entry):
                entries[key] = made
            else:
                yield f"{key}: not written: {made}"
        if not entries:
            return
        path = self._root / Path(shown)
        plain = [each for items in found.values() for each in items.values()]
        whole = all(each["all"] for each in plain) and set().union(*(each["keys"] for each in plain)) <= set(entries)
        try:
            known = self._known(path, shown, suite, whole=whole)
            kept = {each["kept"] for each in plain}
            gone = [key for key in known if whole and key not in entries and known[key].variant not in kept]
            new = {key: entry for key, entry in {**known, **entries}.items() if key not in gone}
            if new != known:
                write(path, Baseline(suite=suite, entries=new), shown=shown)
        except UsageError as error:
            self.failed = True
            yield f"not written: {error}"
            return
        yield from (f"{key}: {_change(known.get(key), entries[key])}" for key in sorted(entries))
        yield from (f"{key}: removed, for the suite has no such variant any more" for key in gone)

    def _known(self, path: Path, shown: str, suite: str, *, whole: bool) -> Mapping[str, Entry]:
        """The entries that are committed so far. What cannot be read is replaced where all of it is written anew."""
        try:
            found = read(path, shown=shown)
        except UsageError:
            if not whole:
                raise
            return {}
        if found is not None and found.suite != suite:
            if not whole:
                raise UsageError(f"{shown} is of {found.suite!r}; run every variant, or delete it")
            return {}
        return {} if found is None else found.entries

    def _entry(self, items: Sequence[Plain]) -> Entry | str:
        """The entry that the items of a test under one variant make, or why they make none."""
        why = self._not_passed(items) or next((each["why"] for each in items if each["why"]), "") or _uneven(items)
        if why:
            return str(why)
        try:
            sections = [_section(signature, found) for signature, found in _by_signature(items).items()]
        except UsageError as error:
            return f"a row {error}"
        if not sections:
            return "the test asks for no score over all its cases"
        return Entry(**items[0]["entry"], metrics=named(sections))

    def _not_passed(self, items: Sequence[Plain]) -> str:
        """What keeps a test under one variant from having passed as a whole; empty where it has."""
        rows, gate = items[0]["rows"], items[0]["gate"]
        bad = [each for each in items if each["outcome"] != "passed" and not (gate and each["outcome"] == "missed")]
        if bad:
            became = BECAME.get(bad[0]["outcome"], "failed")
            return f"{len(bad)} of {rows} cases {became}" if items[0]["entry"]["by_case"] else f"the test {became}"
        if len(items) < rows:
            return f"{rows - len(items)} of {rows} cases did not run"
        return "the gate behind its cases did not pass" if gate and not self._gates.get(gate) else ""


def _by_signature(items: Iterable[Plain]) -> dict[str, list[Plain]]:
    found: dict[str, list[Plain]] = {}
    for each in items:
        for signature, section in each["sections"].items():
            found.setdefault(signature, []).append(section)
    return found


def _section(signature: str, found: Sequence[Plain]) -> Section:
    """One section of what every item brings of it; values of single cases become their mean."""
    values = {
        label: Value(
            value=math.fsum(each["values"][label][0] for each in found) / len(found),
            scale=(low, high),
            higher_is_better=better,
        )
        for label, (_, low, high, better) in found[0]["values"].items()
        if all(label in each["values"] for each in found)
    }
    lines = (row for each in found for row in each["rows"].split("\n"))
    return Section(signature=signature, scores=values, rows=Rows.of_lines(lines))


def _uneven(items: Sequence[Plain]) -> str:
    """A metric that some cases were scored by and others were not, in a sentence; empty where there is none."""
    counts = [Counter(map(name_of, each["sections"])) for each in items]
    for name in sorted(set().union(*counts)):
        most = max(count[name] for count in counts)
        lacking = sum(count[name] < most for count in counts)
        if lacking:
            return f"{name} was asked for {len(items) - lacking} of {len(items)} cases only"
    return ""


def _change(known: Entry | None, now: Entry) -> str:
    """What is new in an entry, for the terminal."""
    cases = len({case for section in now.metrics.values() for case in section.rows.ids})
    size = f"{cases} case{'' if cases == 1 else 's'}"
    if known is None:
        return f"written, {size} ({_values(now)})"
    if known == now:
        return "unchanged"
    if (known.dataset_hash, known.trials) != (now.dataset_hash, now.trials):
        return f"written for other cases or trials, {size} ({_values(now)})"
    changed = _changed(known, now)
    if not changed and known.metrics == now.metrics:
        return "no case changed, but the variant did"
    return f"{changed} of {size} changed ({_values(now, known)})"


def _changed(known: Entry, now: Entry) -> int:
    """Cases that are not as they were under some metric; under a metric that is new, none was anything before."""
    changed: set[str] = set()
    for name in known.metrics.keys() & now.metrics.keys():
        old, new = known.metrics[name].rows, now.metrics[name].rows
        if old != new:
            there = set(old.lines())
            changed.update(case for case, each in zip(new.ids, new.lines(), strict=True) if each not in there)
    return len(changed)


def _values(now: Entry, before: Entry | None = None) -> str:
    """The entry's values, or those that are not as before; and metrics that came or went."""
    said = []
    old = {} if before is None else _flat(before)
    for name, value in _flat(now).items():
        shown, was = number(value.value, value.scale), old.get(name)
        if was is None:
            said.append(f"{name} {shown}" if before is None else f"{name} {shown} is new")
        elif was.value != value.value:
            said.append(f"{name} {number(was.value, was.scale)} -> {shown}")
    said += [f"{name} is gone" for name in old if name not in _flat(now)]
    more = f" and {len(said) - MENTIONED} more" if len(said) > MENTIONED else ""
    return ", ".join(said[:MENTIONED]) + more or "no value did"


def _flat(entry: Entry) -> dict[str, Value]:
    """Values by their names; those of a second set of options with its number."""
    found: dict[str, Value] = {}
    for metric, section in entry.metrics.items():
        again = metric.partition(" ")[2]
        found.update({f"{name} {again}".strip(): value for name, value in section.scores.items()})
    return found
