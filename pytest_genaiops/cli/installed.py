"""What is installed, and what around it is known to cause trouble: for ``genaiops doctor``."""

from __future__ import annotations

import os
import platform
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, entry_points, metadata, requires, version
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_genaiops.dataset.text import listed, printable

if TYPE_CHECKING:
    from packaging.requirements import Requirement

OURS = "pytest-genaiops"
_SOURCES = Path(__file__).parents[2]
"""The folder that the package stands in."""
_OLDEST_TRIED = {
    "anyio": "4.4",
    "pytest-asyncio": "0.24",
    "pytest-cov": "5",
    "pytest-randomly": "3.16",
    "pytest-rerunfailures": "15",
    "pytest-timeout": "2.3",
    "pytest-xdist": "3.6",
}
"""Plugins of other people that the tests run beside suites, from these versions on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of the doctor's report."""

    name: str
    text: str
    wrong: bool = False
    """True for something to mend: the command then ends with 1."""


def packages() -> Iterator[Finding]:
    """Python, the package itself and all that it requires: version, or what does not fit."""
    yield Finding(name="Python", text=platform.python_version())
    yield Finding(name=OURS, text=f"{version(OURS)} in {printable(str(Path(__file__).parents[1]))}")
    for requirement in _requirements(OURS):
        lacks = _lacks(requirement)
        mend = f'lacks {", ".join(lacks)}: python -m pip install "{requirement}"'
        yield Finding(name=requirement.name, text=mend if lacks else version(requirement.name), wrong=bool(lacks))


def extras() -> Iterator[Finding]:
    """Every extra: installed, or what it lacks.

    An editable installation keeps the metadata of the day it was made; extras that came later are in its sources.
    """
    from packaging.requirements import Requirement

    every = {extra: _requirements(OURS, extra) for extra in metadata(OURS).get_all("Provides-Extra") or ()}
    later = {name: lines for name, lines in _declared(_SOURCES).items() if name not in every}
    every |= {name: [Requirement(line) for line in lines] for name, lines in later.items()}
    for extra, requirements in sorted(every.items()):
        lacks = [each for requirement in requirements for each in _lacks(requirement)]
        yield Finding(name=extra, text=f"not installed: lacks {', '.join(lacks)}" if lacks else "installed")
    if later:
        what = f"knows nothing of {listed(sorted(later))}, which came later"
        yield Finding(name="pip", text=f"{what}: python -m pip install -e {printable(str(_SOURCES))}")


def _declared(sources: Path) -> Mapping[str, Sequence[str]]:
    """The extras in the ``pyproject.toml`` beside the package; none where it is not an editable installation."""
    try:
        project = tomllib.loads((sources / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        return dict(project["optional-dependencies"]) if project["name"] == OURS else {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError):
        return {}


def neighbours() -> Iterator[Finding]:
    """Other plugins of pytest, and those among them that are older than any that was tried."""
    from packaging.version import Version

    found = {point.dist.name: point.dist.version for point in entry_points(group="pytest11") if point.dist is not None}
    for name, there in sorted(found.items()):
        oldest = _OLDEST_TRIED.get(name.lower())
        old = oldest is not None and Version(there) < Version(oldest)
        tail = f'; {oldest} is the oldest that was tried: python -m pip install "{name}>={oldest}"' if old else ""
        if name.lower() != OURS:
            yield Finding(name=name, text=there + tail, wrong=old)


def surroundings(root: Path) -> Iterator[Finding]:
    """Environment variables and files that are known to cause trouble."""
    if os.environ.get("PYTEST_DISABLE_PLUGIN_AUTOLOAD"):
        text = "is set: pytest loads the plugin only with -p genaiops"
        yield Finding(name="PYTEST_DISABLE_PLUGIN_AUTOLOAD", text=text, wrong=True)
    if os.environ.get("PYTHONDONTWRITEBYTECODE"):
        text = "is set: every start compiles all packages anew, which takes two to three times as long; unset it"
        yield Finding(name="PYTHONDONTWRITEBYTECODE", text=text)
    shadows = [name for name in ("datasets/__init__.py", "datasets.py") if (root / name).is_file()]
    if shadows:
        what = "would be imported instead of Hugging Face's package `datasets`, which evaluate and ragas need"
        yield Finding(name=shadows[0], text=f"{what}; keep code out of that folder, or rename the file", wrong=True)
    code = [path.name for path in sorted((root / "datasets").glob("*.py")) if path.name != "__init__.py"]
    if code and not shadows:
        yield Finding(name="datasets/", text=f"holds code ({listed(code)}); it is for data only")


def _requirements(distribution: str, extra: str = "") -> list[Requirement]:
    """What a package requires here: always, or by one of its extras only."""
    # pytest depends on packaging, so that it is there wherever the plugin is.
    from packaging.requirements import Requirement

    found = []
    for line in requires(distribution) or ():
        each = Requirement(line)
        always = each.marker is None or each.marker.evaluate({"extra": ""})
        by_extra = bool(extra) and each.marker is not None and each.marker.evaluate({"extra": extra})
        if by_extra if extra and not always else always and not extra:
            found.append(each)
    return found


def _lacks(requirement: Requirement) -> list[str]:
    """What is missing or has the wrong version, of the package and of the extras of it that are asked for."""
    try:
        there = version(requirement.name)
    except PackageNotFoundError:
        return [requirement.name]
    if not requirement.specifier.contains(there, prereleases=True):
        return [f"{requirement.name} {requirement.specifier} ({there} is installed)"]
    further = [each for extra in sorted(requirement.extras) for each in _requirements(requirement.name, extra)]
    return [lack for each in further for lack in _lacks(each)]
