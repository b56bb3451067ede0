"""Files that may hold a person's texts: found, and freed of them or removed."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from pytest_genaiops.cli.project import Project
from pytest_genaiops.cli.purge.builds import builds_in, files_in
from pytest_genaiops.clients.database import NAME as CACHE
from pytest_genaiops.dataset.text import place, printable
from pytest_genaiops.errors import UsageError
from pytest_genaiops.store import NAME
from pytest_genaiops.store.wanted import Wanted

_PARCELS = "mlflow"
_OF_LINE = ("service", "request", "response")
_WRITTEN = (".csv", ".gz", ".htm", ".html", ".json", ".jsonl", ".md", ".parquet", ".tsv", ".txt", ".xml", ".zip")
"""Files of a folder that was named: what reports and exports are, and no source."""
_REPORTS = {
    ".html": re.compile(rb'<!doctype html>.{0,4000}<meta name="generator" content="pytest-genaiops">', re.DOTALL),
    ".json": re.compile(rb'\{"run":\{"id":"[^"]+","kind":"'),
    ".md": re.compile(rb"## \S{1,8} genaiops: "),
}
_EXPORTS = {
    ".csv": re.compile(rb"genaiops\.run,"),
    ".jsonl": re.compile(rb'\{"genaiops\.run":'),
    ".parquet": re.compile(rb"PAR1.*\bgenaiops\.run\b", re.DOTALL),
    ".xml": re.compile(rb'<\?xml.{0,2000}<property name="genaiops\.run"', re.DOTALL),
}
"""How files that this package writes begin, by their suffix. Columns of Parquet are named at the end."""
_EDGE = 2**18
_HEAD = 2**24
"""Bytes of a first line that are looked at."""
_SKIPPED = ("node_modules", "site-packages")


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """The files of a project that may hold somebody's texts, by what becomes of them."""

    databases: tuple[Path, ...]
    builds: tuple[Path, ...]
    """Folders of indexes, each of which stays or goes as a whole."""
    cassettes: tuple[Path, ...]
    baselines: tuple[Path, ...]
    removable: tuple[Path, ...]
    """Reports, exports and what waits to be sent: removed where they hold a text."""
    exports: tuple[Path, ...]
    """Exports and JUnit XML that nobody named: they are the user's, who is told of them."""
    datasets: tuple[Path, ...]
    """The user's own, which are never changed."""

    def every(self) -> Iterator[Path]:
        """All of them."""
        yield from (*self.databases, *self.cassettes, *self.baselines, *self.removable, *self.exports, *self.datasets)
        for build in self.builds:
            yield from files_in(build)


def found_in(project: Project, given: Sequence[Path]) -> Files:
    """The files of a project, and those that were named beside them.

    Raises UsageError for a named file that is not there.
    """
    settings = project.settings
    folder, home = settings.root / settings.folder, settings.root / settings.baselines
    built = tuple(builds_in(folder))
    own = [f for f in _below(folder) if f.name != ".gitignore" and not any(map(f.is_relative_to, built))]
    walked = list(_project_files(settings.root))
    reports = [file for file in walked if _is_one(file, _REPORTS)]
    named = [*_configured(project), *reports, *(file for path in given for file in _named(path, settings.root))]
    datasets = {file for name in settings.datasets for file in _below(settings.root / name)}
    lines = [file for file in [*walked, *named] if _is_cassette(file)]
    kept = [file for file in [*_below(home), *named] if _is_baseline(file)]
    special = {*lines, *kept}
    removable = dict.fromkeys(
        file for file in [*own, *named] if file not in special | datasets and not _is_database(file)
    )
    return Files(
        databases=tuple(file for file in own if _is_database(file)),
        builds=built,
        cassettes=tuple(dict.fromkeys(lines)),
        baselines=tuple(dict.fromkeys(kept)),
        removable=tuple(removable),
        exports=tuple(f for f in walked if f not in special | datasets | {*removable} and _is_one(f, _EXPORTS)),
        datasets=tuple(sorted(datasets - special)),
    )


def of_cassette(path: Path, wanted: Wanted, *, dry_run: bool) -> int:
    """Take lines out of a cassette; the others stay byte by byte. Gives how many went."""
    lines = path.read_bytes().splitlines(keepends=True)
    kept = [line for line in lines if not _line_is_meant(line, wanted)]
    if len(kept) < len(lines) and not dry_run:
        _written(path, b"".join(kept))
    return len(lines) - len(kept)


def removed(path: Path, folder: Path) -> Path:
    """Remove a file; of what waits to be sent to MLflow all of its run, which is sent as a whole or not at all.

    Raises UsageError for a file that stays.
    """
    parcels = folder / _PARCELS
    if path.is_relative_to(parcels) and path.parent != parcels:
        whole = parcels / path.relative_to(parcels).parts[0]
        shutil.rmtree(whole, ignore_errors=True)
        return whole
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(f"it cannot be removed ({error.strerror or error})") from None
    return path


def is_live(path: Path) -> bool:
    """Whether a file is the record or the cache."""
    return path.name in (NAME, CACHE)


def is_aside(path: Path) -> bool:
    """Whether a file is a cache that was set aside because nobody could read it."""
    return path.name.startswith(f"{CACHE}.aside-")


def _line_is_meant(line: bytes, wanted: Wanted) -> bool:
    try:
        row = json.loads(line)
    except ValueError:
        return wanted.in_text(line.decode("utf-8", "replace"))
    return (wanted.id is not None and isinstance(row, dict) and row.get("case") == wanted.id) or wanted.in_value(row)


def _written(path: Path, data: bytes) -> None:
    beside = path.with_name(f"{path.name}.{uuid4().hex[:8]}.tmp")
    try:
        beside.write_bytes(data)
        os.replace(beside, path)
    except OSError as error:
        raise UsageError(f"{place(path, Path.cwd())} cannot be written ({error.strerror or error})") from None
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


def _configured(project: Project) -> Iterator[Path]:
    """The reports and the cassette that the configuration names, where they are there."""
    for key in ("genaiops_report", "genaiops_cassette"):
        value = project.keys.get(key) or ()
        for line in value.splitlines() if isinstance(value, str) else map(str, value):
            path = (project.root / line.strip()).absolute()
            if line.strip() and path.is_file():
                yield path


def _named(path: Path, root: Path) -> list[Path]:
    if path.is_file():
        return [path.absolute()]
    if not path.is_dir():
        raise UsageError(f"{printable(str(path))} is not there; name files or folders that are")
    if root.absolute().is_relative_to(path.resolve()):
        raise UsageError(f"{printable(str(path))} is the whole project; name the folders of its reports and exports")
    return [file for file in _below(path) if file.suffix.lower() in _WRITTEN]


def _below(folder: Path) -> list[Path]:
    return sorted(path.absolute() for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else []


def _project_files(root: Path) -> Iterator[Path]:
    """What may be a cassette, a report or an export; environments and installed packages are passed over."""
    for here, below, names in os.walk(root):
        below[:] = sorted(name for name in below if not name.startswith(".") and name not in _SKIPPED)
        below[:] = [name for name in below if not (Path(here) / name / "pyvenv.cfg").is_file()]
        found = (Path(here) / name for name in sorted(names))
        yield from (path.absolute() for path in found if path.suffix in _REPORTS or path.suffix in _EXPORTS)


def _is_one(path: Path, kinds: Mapping[str, re.Pattern[bytes]]) -> bool:
    """Whether a file is one of those that this package writes."""
    if path.suffix not in kinds:
        return False
    try:
        with path.open("rb") as file:
            edges = file.read(_EDGE)
            if path.suffix == ".parquet":
                file.seek(max(len(edges), path.stat().st_size - _EDGE))
                edges += file.read()
    except OSError:
        return False
    return kinds[path.suffix].match(edges) is not None


def _is_cassette(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            row: Any = json.loads(file.readline(_HEAD) or b"null")
    except (OSError, ValueError):
        return False
    return isinstance(row, dict) and all(name in row for name in _OF_LINE)


def _is_baseline(path: Path) -> bool:
    if path.suffix != ".json":
        return False
    with path.open("rb") as file:
        return b'"format"' in file.read(200)


def _is_database(path: Path) -> bool:
    """Also what belongs to one: its log, its lock, and one that was set aside."""
    return path.name.startswith((NAME, CACHE, "record.lock", "cache.lock"))
