"""Where the project is, found without pytest as pytest finds it, and what its configuration says about datasets."""

from __future__ import annotations

import configparser
import tomllib
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_genaiops.clients.prices import INI_KEY, prices_of
from pytest_genaiops.config import Price, Settings
from pytest_genaiops.dataset.text import place, printable
from pytest_genaiops.errors import UsageError

CONFIGS = ("pytest.toml", ".pytest.toml", "pytest.ini", ".pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg")
"""In the order of pytest 9; the first of a folder that speaks of pytest is the one that counts."""
_ALWAYS = CONFIGS[:4]
"""These count even when they are empty; for pytest 8 that is ``pytest.ini`` alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """The folder that names are relative to, and the pytest configuration that applies there."""

    root: Path
    config: Path | None
    """None where no file configures pytest."""
    keys: Mapping[str, Any]

    @property
    def settings(self) -> Settings:
        """The root, with the folders that ``genaiops_datasets`` names."""
        folders = tuple(self.lines("genaiops_datasets"))
        return Settings(root=self.root, datasets=folders) if folders else Settings(root=self.root)

    @property
    def prices(self) -> tuple[Price, ...]:
        """What models charge. Raises UsageError for a line that does not say it."""
        try:
            return prices_of(self.lines(INI_KEY))
        except UsageError as error:
            raise UsageError(f"{INI_KEY}: {error}") from None

    def lines(self, key: str) -> list[str]:
        """A key that takes several lines: those that are not empty, whatever kind of file has them."""
        given = self.keys.get(key) or ()
        lines = given.splitlines() if isinstance(given, str) else map(str, given)
        return [line.strip() for line in lines if line.strip()]


def add_rootdir(parser: ArgumentParser) -> None:
    """The option of every sub-command that reads datasets or variants."""
    parser.add_argument(
        "--rootdir",
        metavar="DIR",
        help="folder that names and paths are relative to (default: pytest's rootdir, seen from here)",
    )


def project_of(arguments: Namespace) -> Project:
    """The project of ``--rootdir``, else of the working directory: the folder that pytest would take for its rootdir.

    That is the nearest folder upwards whose ``pytest.toml``, ``pytest.ini``, ``pyproject.toml``, ``tox.ini`` or
    ``setup.cfg`` configures pytest; else the nearest with a ``pyproject.toml``, else with a ``setup.py``; else the
    working directory. Raises UsageError for a folder that is not there, and for a configuration that cannot be read.
    """
    if arguments.rootdir is not None:
        root = Path(arguments.rootdir).absolute()
        if not root.is_dir():
            raise UsageError(f"--rootdir {printable(arguments.rootdir)} is not a folder; give one that is there")
        found = _configured(root)
        return Project(root=root, config=found[0] if found else None, keys=found[1] if found else {})
    return project_at(Path.cwd())


def project_at(folder: Path) -> Project:
    """The project that pytest would see from an absolute path. Raises UsageError as :func:`project_of` does."""
    found = _configured(folder)
    if found is not None:
        return Project(root=found[0].parent, config=found[0], keys=found[1])
    marks = ("pyproject.toml", "setup.py")
    marked = (above for name in marks for above in _upwards(folder) if (above / name).is_file())
    return Project(root=next(marked, folder), config=None, keys={})


def settings_of(arguments: Namespace) -> Settings:
    """Settings for looking up datasets and variants. Raises as :func:`project_of` does."""
    return project_of(arguments).settings


def _upwards(folder: Path) -> tuple[Path, ...]:
    return (folder, *folder.parents)


def _configured(start: Path) -> tuple[Path, Mapping[str, Any]] | None:
    for folder in _upwards(start):
        for name in CONFIGS:
            file = folder / name
            if file.is_file():
                keys = _keys(file)
                if keys is not None:
                    return file, keys
    return None


def _keys(file: Path) -> Mapping[str, Any] | None:
    """pytest's part of a file; None where it has none."""
    try:
        text = file.read_text(encoding="utf-8")
        tables = tomllib.loads(text) if file.suffix == ".toml" else _sections(text)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, configparser.Error) as error:
        why = printable(str(error).splitlines()[0])
        raise UsageError(f"{place(file, None)}: the file cannot be read ({why}); mend it, or give --rootdir") from None
    if file.name == "pyproject.toml":
        own = _table(_table(tables, "tool") or {}, "pytest") or {}
        return _table(own, "ini_options") if "ini_options" in own else own or None
    found = _table(tables, "tool:pytest" if file.name == "setup.cfg" else "pytest")
    return {} if found is None and file.name in _ALWAYS else found


def _table(tree: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    found = tree.get(name)
    return found if isinstance(found, Mapping) else None


def _sections(text: str) -> dict[str, Any]:
    parser = configparser.RawConfigParser(strict=False, allow_no_value=True, delimiters=("=", ":"))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(text)
    return {name: dict(section) for name, section in parser.items()}
