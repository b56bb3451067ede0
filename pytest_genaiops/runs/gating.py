"""Rules over a recorded run -> verdicts, by the very code that a test's gates go by."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

from pytest_genaiops.config import BASELINES, Rules
from pytest_genaiops.dataset.text import listed, quoted
from pytest_genaiops.errors import CoverageError, UsageError
from pytest_genaiops.records import Verdict
from pytest_genaiops.registry import did_you_mean
from pytest_genaiops.report.evidence import headline
from pytest_genaiops.report.text import bound, number
from pytest_genaiops.runs.baseline import committed_of
from pytest_genaiops.runs.document import going_by
from pytest_genaiops.runs.metrics import Shelf
from pytest_genaiops.runs.outcomes import PASS_RATE, pass_rate
from pytest_genaiops.runs.rules import BASELINE, OWN, Named, Rule
from pytest_genaiops.runs.run import Loaded, Run
from pytest_genaiops.runs.settings import rules_of
from pytest_genaiops.score import MetricHandle, Score, ScoreGroup
from pytest_genaiops.score.metric import make
from pytest_genaiops.score.watching import rules as rules_in_force

_COMPARE: Mapping[str, Callable[[Any, Any], Any]] = {
    ">=": operator.ge,
    ">": operator.gt,
    "<=": operator.le,
    "<": operator.lt,
    "==": operator.eq,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What became of one rule under one variant."""

    suite: str
    variant: str
    rule: Rule
    verdict: Verdict
    """As a test has it; of a plain comparison, with the score's interval at the confidence in force."""

    @property
    def outcome(self) -> str:
        """``passed``, ``failed``, ``undecided``; or ``no result`` where responses or scores are missing."""
        if self.verdict.outcome == "undecided" and not self.verdict.tolerated:
            return "no result"
        return self.verdict.outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What rules are held against."""

    suite: str | None = None
    """A title, a glob or a part of one; None for all suites."""
    variant: str | None = None
    """A glob on ids; None for all variants."""
    baseline: str | None = None
    """Id of the variant that ``baseline`` means, in place of the suite's own."""
    confidence: float | None = None
    """Of intervals, where a rule does not say; None for the run's."""
    baselines: str = BASELINES
    """Folder below the root that holds committed baselines."""


def gate_run(run: Run, rules: Sequence[Rule], asked: Asked | None = None) -> list[Decision]:
    """Every rule under every variant of every suite that has its metric, by suite and variant.

    A verdict that is undecided for lack of cases is marked as tolerated: whoever asks says what that means. Comparisons
    of the baseline with itself are left out.

    Raises:
        UsageError: no suite or variant is called this, a metric is known to none of the suites, or a rule does not fit
            its score; names the rule.
    """
    asked = asked or Asked()
    loaded = run.loaded(asked.suite)
    _check_variants(loaded, asked.variant)
    _check_metrics(loaded, rules, run)
    found: list[Decision] = []
    for each in loaded:
        going = _rules(run, each, asked.confidence)
        with going_by(going):
            for name in each.evaluation.responses:
                if asked.variant is None or fnmatchcase(name, asked.variant):
                    found += _Judge(run, each, asked).decisions(name, rules)
    if not found:
        raise UsageError("no rule was held against anything: the only variant is the baseline of its comparisons")
    return found


def _rules(run: Run, loaded: Loaded, confidence: float | None) -> Rules:
    found = rules_of(run.row.facts.get("rules") or {}, loaded.recorded.suite.coverage)
    found = replace(found, undecided="warn")
    return found if confidence is None else replace(found, confidence=confidence)


def _check_variants(loaded: Sequence[Loaded], variant: str | None) -> None:
    names = list(dict.fromkeys(name for each in loaded for name in each.evaluation.responses))
    if variant is not None and not any(fnmatchcase(name, variant) for name in names):
        raise UsageError(f"no variant's id matches {quoted(variant)}; {did_you_mean(variant, names)}")


def _check_metrics(loaded: Sequence[Loaded], rules: Sequence[Rule], run: Run) -> None:
    """Refuse a rule about a metric that none of the suites has."""
    for rule in rules:
        name = rule.score.metric
        if name == PASS_RATE:
            if not any(each.recorded.by_case for each in loaded):
                raise UsageError(f"{_place(rule)}: no suite judges case by case, and only such a one has a pass rate")
            continue
        if any(_handle(each, rule.score) is not None for each in loaded):
            continue
        why = [told for each in loaded if (told := _unavailable(each.shelf, name))]
        if why:
            raise UsageError(f"{_place(rule)}: there are no scores of {quoted(name)} here: {why[0]}")
        known = list(dict.fromkeys(handle.name for each in loaded for handle in each.evaluation.handles.values()))
        options = ":" + ",".join(f"{key}={value}" for key, value in rule.score.options.items())
        mend = f"`genaiops rescore {run.id} --metric {name}{options if rule.score.options else ''}` measures it"
        if name in known:
            raise UsageError(f"{_place(rule)}: {name} was not measured with these options; {mend}")
        hint = did_you_mean(name, [*known, PASS_RATE])
        raise UsageError(f"{_place(rule)}: {quoted(name)} was not measured in this run; {hint}; {mend}")


def _unavailable(shelf: Shelf, name: str) -> str:
    return next((why for key, why in shelf.unavailable.items() if key.partition("(")[0] == name), "")


def _place(rule: Rule) -> str:
    return f"rule in line {rule.line}"


def _handle(loaded: Loaded, named: Named) -> MetricHandle | None:
    """The metric that a rule means: of this name and these options; by its name alone where the suite has it once."""
    alike = {key: each for key, each in loaded.evaluation.handles.items() if each.name == named.metric}
    if not named.options:
        return next(iter(alike.values())) if len(alike) == 1 else alike.get(named.metric)
    if not alike:
        return None
    meant = make(named.metric, **named.options)
    return next((each for each in alike.values() if each.metric == meant), None)


class _Judge:
    """Holds rules against the variants of one suite."""

    def __init__(self, run: Run, loaded: Loaded, asked: Asked) -> None:
        self.run = run
        self.loaded = loaded
        self.asked = asked

    def decisions(self, variant: str, rules: Sequence[Rule]) -> list[Decision]:
        """What becomes of the rules under one variant."""
        found = []
        for rule in rules:
            try:
                verdict = self._verdict(variant, rule)
            except UsageError as error:
                raise UsageError(f"{_place(rule)}, under {variant}: {error}: {rule.text}") from None
            if verdict is not None:
                title = self.loaded.recorded.row.title
                found.append(Decision(suite=title, variant=variant, rule=rule, verdict=verdict))
        return found

    def _verdict(self, variant: str, rule: Rule) -> Verdict | None:
        """The verdict; None where the rule is not about this variant, or the suite has no such metric."""
        if not self._has(rule.score):
            return None
        side = rule.baseline
        against = None if side is None else self._id(side)
        if against == variant:
            return None
        score = self._score(rule.score, variant)
        if rule.test in _COMPARE:
            other = rule.arguments["other"]
            return _compared(score, rule, other if against is None else self._score(other, against))
        arguments = dict(rule.arguments)
        if "baseline" in arguments:
            arguments["baseline"] = self._other(rule.score, against)
        verdict: Verdict = getattr(score, rule.test)(**arguments)
        return verdict

    def _has(self, named: Named) -> bool:
        if named.metric == PASS_RATE:
            return self.loaded.recorded.by_case
        return _handle(self.loaded, named) is not None

    def _id(self, side: str) -> str | None:
        """The variant that a rule compares with; None where what is committed stands for it."""
        suite, known = self.loaded.recorded.suite, list(self.loaded.evaluation.responses)
        if side == BASELINE and self.asked.baseline is None:
            return suite.baseline.id if suite.baseline else None
        name = self.asked.baseline if side == BASELINE and self.asked.baseline else side
        if name not in known:
            raise UsageError(f"no variant is called {quoted(name)}; {did_you_mean(name, known)}")
        return name

    def _score(self, named: Named, variant: str) -> Score:
        if named.metric == PASS_RATE:
            found: Any = pass_rate(self.loaded.recorded, variant)
        else:
            handle = _handle(self.loaded, named)
            assert handle is not None
            found = handle(self.loaded.evaluation.responses[variant])
        for step in named.path:
            found = _member(found, step)
        if isinstance(found, ScoreGroup):
            names = [name for name, each in found.members.items() if isinstance(each, Score)]
            raise UsageError(f"{named.metric} is a group of scores; name one: {', '.join(names)}")
        if not isinstance(found, Score):
            raise UsageError(f"{named.metric} has no score there; it may be one of {listed(map(str, found))}")
        return found if named.then is None else getattr(found, named.then[0])(*named.then[1])

    def _other(self, named: Named, against: str | None) -> Any:
        """What a comparison takes as its baseline."""
        if against is None:
            return committed_of(self.loaded.recorded, self.run.root, self.asked.baselines)
        if named.metric == PASS_RATE or named.then is not None:
            return self._score(replace(named, of=OWN), against)
        return self.loaded.evaluation.responses[against]


def _member(found: Any, step: str) -> Any:
    """One attribute or key of a group, or of what it holds."""
    if isinstance(found, Mapping):
        if step not in found:
            raise UsageError(f"there is no {quoted(step)}; {did_you_mean(step, [str(key) for key in found])}")
        return found[step]
    if not isinstance(found, Score | ScoreGroup) or (isinstance(found, Score) and step not in found.part.children):
        raise UsageError(f"{getattr(found, 'name', 'it')} has no {quoted(step)}")
    return getattr(found, step)


def _compared(score: Score, rule: Rule, other: Any) -> Verdict:
    """A plain comparison as a verdict: true only where every case is scored, as in a test."""
    complete = score.complete and (not isinstance(other, Score) or other.complete)
    try:
        holds = bool(_COMPARE[rule.test](score, other))
    except CoverageError:
        holds = complete = False
    bounds = score.interval() if score.n else None
    limit = number(other.value, other.scale) if isinstance(other, Score) else f"{other:g}"
    line = other.value if isinstance(other, Score) else float(other)
    confidence = rules_in_force().confidence
    told = f"{headline(score.evidence(cases=False))} {'is' if holds else 'is not'} {rule.test} {limit}"
    if bounds is not None:
        ends = " to ".join(bound(end, score.scale) for end in bounds)
        told += f"; {100 * confidence:g} % interval {ends}"
    if not complete or score.value is None:
        why = next((reason for reason in score.why if reason), "undefined on these cases")
        told = f"{headline(score.evidence(cases=False))}: {why}"
    judged = complete and score.value is not None
    return Verdict(
        outcome="undecided" if not judged else "passed" if holds else "failed",
        reason=told,
        value=score.value,
        interval=bounds,
        confidence=confidence,
        n=score.n,
        unscored=score.unscored,
        signature=score.signature,
        rule=rule.test,
        limits={} if line is None else {"threshold": line},
    )
