"""Whether a project's own files are sound: for ``genaiops doctor``."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby, islice
from pathlib import Path
from typing import Any

from pytest_genaiops.cli.installed import Finding
from pytest_genaiops.cli.project import Project
from pytest_genaiops.dataset import load
from pytest_genaiops.dataset.lock import read_lock
from pytest_genaiops.dataset.select import names_in
from pytest_genaiops.dataset.source import Source, locate_all
from pytest_genaiops.dataset.text import listed, place, printable
from pytest_genaiops.errors import UsageError
from pytest_genaiops.records import Case
from pytest_genaiops.variants import FOLDER, Variant, check_inputs, load_variants
from pytest_genaiops.variants import files as files_of_folder
from pytest_genaiops.variants.flow import DAG
from pytest_genaiops.variants.load import SUFFIXES

STORE = ".genaiops"
_ROWS = 1000
"""How many rows of a dataset are looked at for their inputs."""
Rows = Sequence[Case]
FOLDERS = ("variants", "prompts")
"""YAML in folders of these names is variants, wherever they stand in the project."""
_CERTAIN = (".prompty", DAG)
_USUAL_KEYS = ("OPENAI_API_KEY", "AZURE_OPENAI_API_KEY")
_ENV = re.compile(r"\$\{env:([^}:]*)")
_PRINTABLE_NAME = re.compile(r"[A-Z][A-Z0-9_]*")


def places(project: Project) -> Iterator[Finding]:
    """Where the project is, which file configures pytest, and whether what runs leave behind stays out of git."""
    yield Finding(name="rootdir", text=printable(str(project.root)))
    text = place(project.config, project.root) if project.config else "none: neither pytest.ini nor another file"
    yield Finding(name="configuration", text=text)
    folders = " or ".join(f"{folder}/" for folder in project.settings.datasets)
    yield Finding(name="datasets in", text=printable(folders))
    if not (project.root / STORE).is_dir():
        return
    ignored = _ignored(project.root)
    if ignored is not None:
        text = "ignored by git" if ignored else f"not ignored by git; add the line {STORE}/ to .gitignore"
        yield Finding(name=f"{STORE}/", text=text, wrong=not ignored)


def datasets(project: Project, heads: list[Rows]) -> Iterator[Finding]:
    """Every dataset by name: its rows and its lock, or why it cannot be used.

    The first rows of sound ones are added to ``heads``.
    """
    settings = project.settings
    for name in names_in(root=settings.root, folders=settings.datasets):
        try:
            sources = locate_all(name, root=settings.root, folders=settings.datasets)
        except UsageError as error:
            yield Finding(name=printable(name), text=str(error), wrong=True)
            continue
        for source in sources:
            yield _dataset(source, settings.root, heads)


def _dataset(source: Source, root: Path, heads: list[Rows]) -> Finding:
    try:
        data = load(source, root=root)
        lock = "locked" if read_lock(source) is not None else "not locked"
    except UsageError as error:
        return Finding(name=printable(source.name), text=str(error), wrong=True)
    heads.append(tuple(islice(data.cases, _ROWS)))
    count = len(data.cases)
    systems = f", recorded: {listed(data.systems)}" if data.systems else ""
    return Finding(name=printable(source.name), text=f"{count} row{'s' * (count != 1)}, {lock}{systems}")


def variants(root: Path, heads: Sequence[Rows], found: list[Variant]) -> Iterator[Finding]:
    """Folders of variants: how many can be used, and by file why one cannot, or whose inputs no dataset has.

    Variants are added to ``found``.
    """
    for folder, files in groupby(variant_files(root), key=lambda file: file.parent):
        sound: list[Variant] = []
        for file in files:
            try:
                several = load_variants(file, root=root)
            except UsageError as error:
                yield Finding(name=place(file, root), text=str(error), wrong=True)
                continue
            sound += several
            faults = [_fault(several, rows) for rows in heads]
            if faults and None not in faults:
                yield Finding(name=place(file, root), text=f"fits no dataset here; in the first, {faults[0]}")
        found += sound
        if sound:
            yield Finding(name=f"{place(folder, root)}/", text=f"{listed(variant.id for variant in sound)}")


def _fault(several: Sequence[Variant], rows: Rows) -> str | None:
    try:
        for variant in several:
            check_inputs(variant, rows)
    except UsageError as error:
        return str(error)
    return None


def variant_files(root: Path) -> Iterator[Path]:
    """Every file of the project that is sure to hold variants, in the order of folders and names."""
    for folder, below, names in os.walk(root):
        here = Path(folder)
        # Environments and installed packages bring prompts of their own, and are large.
        below[:] = sorted(
            name for name in below if not name.startswith(".") and name not in ("node_modules", "site-packages")
        )
        below[:] = [name for name in below if not (here / name / "pyvenv.cfg").is_file()]
        # Other pages of YAML stand beside a flow; elsewhere only a name that is sure tells a variant.
        known = set(here.relative_to(root).parts) & set(FOLDERS) and DAG not in names
        yield from (here / name for name in sorted(names) if name.lower().endswith(SUFFIXES if known else _CERTAIN))


def all_variant_files(root: Path) -> list[Path]:
    """The files of the folder of variants, whose names alone a suite may give, and then those elsewhere."""
    elsewhere = (file for file in variant_files(root) if not file.is_relative_to(root / FOLDER))
    return [*files_of_folder(root), *elsewhere]


def keys(found: Sequence[Variant]) -> Iterator[Finding]:
    """Environment variables that variants name, and the usual ones: there or not, and never their content."""
    named: dict[str, list[str]] = {}
    for variant in found:
        for name in dict.fromkeys(_names(variant)):
            named.setdefault(name, []).append(variant.source)
    for name, sources in named.items():
        by = f"named by {printable(sources[0])}" + (f" and {len(sources) - 1} more" if len(sources) > 1 else "")
        if name not in os.environ and not _PRINTABLE_NAME.fullmatch(name):
            # It may be the key itself, written where its name belongs.
            text = f"{by} is no usual name of a variable, and not shown; write the name, such as {_USUAL_KEYS[0]}"
            yield Finding(name="a name", text=text, wrong=True)
        else:
            yield Finding(name=printable(name), text=f"{_state(name)}, {by}")
    yield from (Finding(name=name, text=_state(name)) for name in _USUAL_KEYS if name not in named)


def _state(name: str) -> str:
    value = os.environ.get(name)
    if value is None:
        return "absent"
    if not value.strip():
        return "empty"
    return "present" if value == value.strip() else "present, but with white space at an end, which no endpoint takes"


def _names(variant: Variant) -> Iterator[str]:
    for model in (variant.model, *(step.model for step in variant.steps)):
        yield from _mentioned(model)


def _mentioned(model: Mapping[str, Any]) -> Iterator[str]:
    for key, value in model.items():
        if isinstance(value, Mapping):
            yield from _mentioned(value)
        elif isinstance(value, str) and key.endswith("_env"):
            yield value
        elif isinstance(value, str):
            yield from _ENV.findall(value)


def _ignored(root: Path) -> bool | None:
    """Whether git leaves the store alone; None where git does not look after the project."""
    git = shutil.which("git")
    if git is None:
        return None
    command = [git, "-C", str(root), "check-ignore", "--quiet", f"{STORE}/"]
    done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603 - a fixed command on the rootdir
    return {0: True, 1: False}.get(done.returncode)
