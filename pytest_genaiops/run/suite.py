"""What one suite runs: its cases, its variants and their trials, worked out before anything is called."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from pytest_genaiops import dataset as datasets
from pytest_genaiops import variants as variant_files
from pytest_genaiops.config import Settings
from pytest_genaiops.dataset import Dataset
from pytest_genaiops.errors import UsageError, VariantError
from pytest_genaiops.records import Case, Response, Responses, Trial
from pytest_genaiops.registry import did_you_mean
from pytest_genaiops.run.engine import Engine, Job, Target
from pytest_genaiops.sequences import Lazy, Mapped
from pytest_genaiops.targets import recorded_response
from pytest_genaiops.variants import Variant

Entries = str | Sequence[Any]
RETRIEVED = ("a passage that the target will find",) * 100
"""Stands for what a target retrieves while prompts are tried, before anything is called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """What an author wrote: the arguments of the marker, or of ``evaluate()``."""

    dataset: Any
    """A name, a path, or what ``dataset.coerce`` takes."""
    variants: Entries | None = None
    baseline: str | None = None
    trials: int = 1
    pass_rate: float | None = None
    coverage: float = 1.0
    """Share of the cases that must be scored."""

    def __post_init__(self) -> None:
        if isinstance(self.trials, bool) or not isinstance(self.trials, int) or self.trials < 1:
            raise UsageError(f"trials={self.trials!r}: give a whole number of 1 or more")
        rate = self.pass_rate
        if rate is not None and (isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 < rate <= 1):
            raise UsageError(f"pass_rate={rate!r}: give the share of cases that must pass, such as 0.9")
        share = self.coverage
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0 < share <= 1:
            raise UsageError(f"coverage={share!r}: give the share of cases that must be scored, such as 0.95")
        if self.baseline is not None and not isinstance(self.baseline, str):
            raise UsageError(f"baseline={self.baseline!r}: give the id of a variant")

    @staticmethod
    def of(arguments: Mapping[str, Any]) -> Spec:
        """A spec from named arguments; an unknown or missing one is named."""
        known = [field.name for field in dataclasses.fields(Spec)]
        for name in arguments:
            if name not in known:
                raise UsageError(f"unknown argument {name!r}; {did_you_mean(name, known)}")
        if "dataset" not in arguments:
            mend = 'add dataset="<name>" (a file in datasets/) or a path, or write a session-scoped fixture `dataset`'
            raise UsageError(f"the suite names no dataset; {mend}")
        return Spec(**arguments)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Suite:
    """A spec made concrete: every case and variant that will be asked for."""

    dataset: Dataset
    cases: Sequence[Case]
    """After ``slices`` and ``limit``, in file order."""
    variants: tuple[Variant, ...]
    """After the glob on ids."""
    baseline: Variant | None
    committed: str | None
    """Id that the suite names as its baseline and that is no variant any more: what it scored is committed."""
    trials: int
    pass_rate: float | None
    coverage: float
    """Share of the cases that must be scored."""
    recorded: bool
    """True where responses come from the dataset and nothing is called."""
    modelled: bool = False
    """True where the models answer that the variants name."""

    def trials_of(self, variant: Variant) -> list[Trial]:
        """Every trial of a variant, cases in order and a case's trials together."""
        return [self.trial(variant, case, k) for case in self.cases for k in range(1, self.trials + 1)]

    def trial(self, variant: Variant, case: Case, index: int) -> Trial:
        """One trial, with the identity of the dataset that the case came from."""
        return Trial(case=case, variant=variant.id, index=index, dataset=self.dataset.hash)


def make_suite(
    spec: Spec,
    settings: Settings,
    *,
    has_target: bool,
    cases: Sequence[Case] | None = None,
    committed: Callable[[], Collection[str]] = tuple,
) -> Suite:
    """Load the dataset and the variants of a spec and check that they fit together.

    ``cases`` are those that :func:`select` gave for the same dataset, where somebody has asked before.
    ``committed`` is asked for the variants whose scores are committed, where the baseline is none of the suite's.

    Raises:
        UsageError: what is wrong in one sentence, with the file and line, and the mend.
    """
    data = load(spec.dataset, settings)
    cases = select(data, settings) if cases is None else cases
    systems = None if has_target else _on_record(data, spec, settings)
    recorded = systems is not None
    every = systems or _variants(spec.variants, settings)
    if not recorded:
        _check_variants(every, cases, data, has_target=has_target)
    there = () if recorded else data.systems
    baseline = _baseline(settings.baseline, spec.baseline, every)
    committed_one = _committed(spec.baseline, every, there, committed) if baseline is None else None
    return Suite(
        dataset=data,
        cases=cases,
        variants=tuple(v for v in every if _selected(v, settings.variants)),
        baseline=baseline,
        committed=committed_one,
        trials=spec.trials,
        pass_rate=spec.pass_rate,
        coverage=spec.coverage,
        recorded=recorded,
        modelled=not recorded and not has_target,
    )


def _on_record(data: Dataset, spec: Spec, settings: Settings) -> tuple[Variant, ...] | None:
    """The systems of a suite whose responses are in the dataset; None where its variants are something else."""
    if not data.systems:
        return None
    try:
        systems = _recorded_systems(spec.variants, data)
    except VariantError:
        if any(variant.named for variant in _found(spec.variants, settings)):
            raise
        return None
    if spec.trials > 1:
        raise UsageError(f"trials={spec.trials}, but {data.name!r} records one response per case and system")
    return systems


def _found(entries: Entries | None, settings: Settings) -> tuple[Variant, ...]:
    """The variants of a suite where they can be read; else one that is a name only."""
    try:
        return _variants(entries, settings)
    except VariantError:
        return (variant_files.bare("default"),)


def _check_variants(variants: Sequence[Variant], cases: Sequence[Case], data: Dataset, *, has_target: bool) -> None:
    """Refuse variants that cannot be rendered for the cases, or that nothing answers."""
    examples = _one_of_each_kind(cases)
    for variant in variants:
        variant_files.check_inputs(variant, _with_passages(examples) if has_target else examples)
    if not has_target:
        _check_models(variants, data)


def _check_models(variants: Sequence[Variant], data: Dataset) -> None:
    """Refuse a suite that nothing answers."""
    from pytest_genaiops.targets import model_target

    for variant in variants:
        if not any(step.model for step in variant.steps):
            raise UsageError(
                f"nothing answers the cases of {data.name!r}: override the `target` fixture in conftest.py (a callable "
                "answer(case, variant)), record responses in the dataset's `responses` column, or name a model in "
                f"variant {variant.id!r}: model: {{name: …, base_url: …}}"
            )
        model_target.check(variant)


def select(data: Dataset, settings: Settings) -> Sequence[Case]:
    """The cases of a dataset that a run takes: those in the slices asked for, and of these a sample."""
    cases = datasets.in_slices(data.cases, settings.slices)
    return cases if settings.limit is None or not cases else datasets.sample(cases, settings.limit, settings.seed)


def load(source: Any, settings: Settings) -> Dataset:
    """A dataset by name, by path, or from what was handed in."""
    if not isinstance(source, str | Path):
        return datasets.coerce(source)
    if str(source).lower().endswith(variant_files.PROMPTY):
        return variant_files.sample_dataset(settings.root / source, root=settings.root)
    return datasets.load(datasets.locate(str(source), root=settings.root, folders=settings.datasets))


class Responder:
    """Responses to trials: recorded ones are read, the rest is called by the engine; each just once."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._recorded: dict[tuple[str, str], dict[str, Response]] = {}
        """By dataset and variant, then by case."""
        self._whole: dict[tuple[int, str], Responses] = {}

    def recorded(self, trial: Trial) -> Response:
        """The recorded response; the same object however often it is asked for, so that it is measured once."""
        known = self._recorded.setdefault((trial.dataset, trial.variant), {})
        found = known.get(trial.case.id)
        if found is None:
            found = known[trial.case.id] = recorded_response(trial)
        return found

    def on_record(self, suite: Suite, variant: Variant) -> Responses:
        """The recorded responses of a variant to every case of a suite; the same object however often it is asked for.

        Those of a dataset too large for memory are made from their rows when they are read.
        """
        cases = suite.cases
        known = self._whole.get((id(cases), variant.id))
        if known is None:
            found: Sequence[Response]
            if isinstance(cases, Lazy):
                found = Mapped(lambda case: recorded_response(suite.trial(variant, case, 1)), cases)
            else:
                found = [self.recorded(suite.trial(variant, case, 1)) for case in cases]
            known = self._whole[id(cases), variant.id] = Responses(found, cases=cases)
        return known

    def start(self, target: Target, identity: object, plan: Sequence[tuple[Variant, Trial]]) -> None:
        """Start trials in the background, in this order, without waiting for any."""
        self.engine.start(Job(target=target, identity=identity, variant=v, trial=t) for v, t in plan)

    def called(self, target: Target, identity: object, variant: Variant, trials: Sequence[Trial]) -> list[Response]:
        """Responses from the target, in the order of the trials; all are started before the first is awaited."""
        jobs = [Job(target=target, identity=identity, variant=variant, trial=trial) for trial in trials]
        self.engine.start(jobs)
        return [self.engine.response(job) for job in jobs]


def _one_of_each_kind(cases: Sequence[Case]) -> list[Case]:
    """The first case of every set of names that a template may see: rows are read once, and not for every variant."""
    found: dict[tuple[object, ...], Case] = {}
    for case in cases:
        found.setdefault((case.contexts is None, *case.inputs), case)
    return list(found.values())


def _with_passages(cases: Sequence[Case]) -> list[Case]:
    """The cases as a target of the user's own may hand them to a prompt: with passages, where rows have none."""
    return [dataclasses.replace(case, contexts=RETRIEVED) if case.contexts is None else case for case in cases]


def _variants(entries: Entries | None, settings: Settings) -> tuple[Variant, ...]:
    if entries is None:
        return (variant_files.bare("default"),)
    return variant_files.select(entries, root=settings.root)


def _recorded_systems(entries: Entries | None, data: Dataset) -> tuple[Variant, ...]:
    if entries is None:
        return tuple(variant_files.bare(system) for system in data.systems)
    chosen: dict[str, Variant] = {}
    for entry in [entries] if isinstance(entries, str) else entries:
        matching = [s for s in data.systems if isinstance(entry, str) and fnmatchcase(s, entry)]
        if not matching:
            hint = did_you_mean(str(entry), list(data.systems))
            raise VariantError(
                f"no recorded system of {data.name!r} is called {entry!r}; {hint} "
                "(to run a variant instead, override the `target` fixture)"
            )
        chosen.update({system: variant_files.bare(system) for system in matching})
    if not chosen:
        raise VariantError("no variants are named; name at least one recorded system, or leave variants out")
    return tuple(chosen.values())


def _selected(variant: Variant, globs: Sequence[str]) -> bool:
    return not globs or any(fnmatchcase(variant.id, glob) for glob in globs)


def _baseline(chosen: str | None, named: str | None, variants: Sequence[Variant]) -> Variant | None:
    """The variant chosen for the session where this suite has it, else the suite's own; None where it is neither."""
    known = {variant.id: variant for variant in variants}
    return known.get(chosen or "") or known.get(named or "")


def _committed(
    named: str | None,
    variants: Sequence[Variant],
    passed_over: Sequence[str],
    committed: Callable[[], Collection[str]],
) -> str | None:
    """The named baseline, which is no variant, where its scores are committed.

    ``passed_over`` are recorded systems in whose place a target answers.
    """
    if named is None:
        return None
    there = committed()
    if named in there:
        return named
    why = " (it is on record in the dataset, but your `target` fixture answers instead)" * (named in passed_over)
    hint = did_you_mean(named, list(dict.fromkeys([*(variant.id for variant in variants), *there])))
    raise VariantError(
        f"the baseline {named!r} is no variant of this suite{why}; {hint}; nor are scores of it committed: while it is "
        "a variant, --genaiops-update-baseline writes them"
    )
