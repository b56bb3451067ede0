"""What ``genaiops power`` is asked about: a suite by its name, and one score among what is committed of it."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from pytest_genaiops import baselines
from pytest_genaiops.baselines import Baseline, Entry
from pytest_genaiops.cli.project import Project
from pytest_genaiops.config import BASELINES
from pytest_genaiops.errors import UsageError
from pytest_genaiops.registry import did_you_mean
from pytest_genaiops.report.text import visible
from pytest_genaiops.score import Score
from pytest_genaiops.score.judging import MIN_SHARED, pair
from pytest_genaiops.score.reread import reread
from pytest_genaiops.statistics import Sample

SUFFIX = ".json"
LISTED = 10
"""Files or scores that a message names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A committed score."""

    suite: str
    """Node id of the test."""
    variant: str
    """Name of its entry."""
    others: Sequence[str]
    """The file's further entries."""
    entry: Entry
    label: str
    """Name of the score: ``exact_match``, ``rougeL``."""
    score: Score
    against: str | None
    """Name of the entry that it is held against; None for a single score."""
    pair: tuple[Sample, Sample, Sequence[str]] | None
    """The rows that both sides scored, ours first, and the case of each."""

    @property
    def value(self) -> float:
        """Of the score: what is committed has one."""
        assert self.score.value is not None
        return self.score.value

    @property
    def cases(self) -> int:
        """How many were scored."""
        return len(set(self.score.table.ids))


def subject_of(arguments: Namespace, project: Project) -> Subject:
    """The score that the arguments name, out of the file that they name.

    Raises:
        UsageError: no file, entry or score has such a name, or several have; or the file is not as it was written.
    """
    path, shown, asked = _file(arguments.suite, project)
    found = baselines.read(path, shown=shown)
    if found is None:
        raise UsageError(f"{shown} is not there; write it with pytest --genaiops-update-baseline")
    key = _key(found, arguments.variant or asked, "--variant", shown) or next(iter(found.entries))
    against = _key(found, arguments.against, "--against", shown)
    section, label = _label(found.entries[key], arguments.metric, f"{shown}: variants.{key}")
    score = _score(found, key, (section, label), shown)
    return Subject(
        suite=found.suite,
        variant=key,
        others=[each for each in found.entries if each != key],
        entry=found.entries[key],
        label=visible(label),
        score=score,
        against=against,
        pair=None if against is None else _paired(score, _score(found, against, (section, label), shown)),
    )


def _paired(ours: Score, theirs: Score) -> tuple[Sample, Sample, Sequence[str]]:
    """The rows that two scores share. Raises UsageError where they were measured otherwise, or share too few."""
    pairing = pair(ours, theirs, MIN_SHARED)
    return ours.sample(pairing.left), theirs.sample(pairing.right), [ours.table.ids[i] for i in pairing.left]


def _file(asked: str, project: Project) -> tuple[Path, str, str | None]:
    """The file of a suite, its path as messages have it, and the variant that a node id names.

    A path of a file comes first, then a node id, then whatever has the text in its name.
    """
    folder = str(project.keys.get("genaiops_baselines") or BASELINES)
    for base in (Path.cwd(), project.root) if asked.endswith(SUFFIX) else ():
        if (base / asked).is_file():
            return base / asked, PurePath(asked).as_posix(), None
    test, _, parameters = asked.partition("[")
    variant = parameters.removesuffix("]") or None
    if "::" in test:
        shown = str(baselines.place(folder, test))
        if (project.root / shown).is_file():
            return project.root / shown, shown, variant
    home = project.root / folder
    names = [path.relative_to(home).with_suffix("").as_posix() for path in sorted(home.rglob(f"*{SUFFIX}"))]
    if not names:
        raise UsageError(
            f"{visible(folder)} holds no committed baseline, and power goes by one; let the test ask for `baseline`, "
            "and write it with pytest --genaiops-update-baseline"
        )
    name = _named(test.removesuffix(SUFFIX).replace(".py::", "/").replace("::", "."), names)
    return home / f"{name}{SUFFIX}", str(PurePath(folder, f"{name}{SUFFIX}").as_posix()), variant


def _named(asked: str, names: Sequence[str]) -> str:
    """The one name that has the text in it; a whole name, or a whole last part of it, before others."""
    for fits in (
        [name for name in names if name == asked],
        [name for name in names if f"/{name}".endswith(f"/{asked}")],
        [name for name in names if asked in name],
    ):
        if len(fits) == 1:
            return fits[0]
        if fits:
            more = f" and {len(fits) - LISTED} more" if len(fits) > LISTED else ""
            raise UsageError(f"{asked!r} may be {', '.join(fits[:LISTED])}{more}; give more of the name")
    last = {name.rpartition("/")[2]: name for name in names}
    hint = did_you_mean(asked.rpartition("/")[2], list(last) if len(last) == len(names) else list(names))
    raise UsageError(f"no committed baseline has {asked!r} in its name; {hint}")


def _key(found: Baseline, asked: str | None, option: str, shown: str) -> str | None:
    """The entry of this name."""
    if asked is None or asked in found.entries:
        return asked
    raise UsageError(f"{option} {asked!r} is not in {shown}; {did_you_mean(asked, list(found.entries))}")


def _label(entry: Entry, asked: str | None, where: str) -> tuple[str, str]:
    """Section and name of the score that is asked for, or of the only one."""
    known: dict[str, tuple[str, str]] = {}
    for section, each in entry.metrics.items():
        for label in each.scores:
            known.setdefault(label if label not in known else f"{section}.{label}", (section, label))
    if asked is None and len(known) == 1:
        return next(iter(known.values()))
    if asked is None:
        raise UsageError(f"{where} has several scores; choose one with --metric: {_listed(list(known))}")
    if asked in known:
        return known[asked]
    of = [place for name, place in known.items() if asked in (place[0], f"{place[0]}.{name}")]
    if len(of) == 1:
        return of[0]
    if of:
        raise UsageError(f"{asked!r} has several scores; choose one with --metric: {_listed([each for _, each in of])}")
    raise UsageError(f"--metric {asked!r} is not in {where}; {did_you_mean(asked, list(known))}")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(visible(name) for name in names)


def _score(found: Baseline, key: str, place: tuple[str, str], shown: str) -> Score:
    section, label = place
    entry, where = found.entries[key], f"{shown}: variants.{key}"
    scores: Mapping[str, Score] = reread(entry, section, where) if section in entry.metrics else {}
    if label not in scores:
        raise UsageError(f"{where}.metrics has no {label}; it has {_listed(list(entry.metrics))}")
    return scores[label]
