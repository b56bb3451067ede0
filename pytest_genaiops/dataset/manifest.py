"""Manifests: a page of YAML beside a data file that says what its columns mean and where it comes from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from pytest_genaiops.dataset.schema import ROLES, SLICE, refuse
from pytest_genaiops.dataset.text import listed, near, place, quoted
from pytest_genaiops.dataset.yaml_tree import Lines, parse
from pytest_genaiops.errors import DatasetError
from pytest_genaiops.records import NOTHING

KEYS = ("description", "version", "language", "licence", "origin", "file", "columns", "slices", "splits", "sha256")
_SPELLINGS = {"license": "licence"}
_LARGEST = 1 << 20
_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")
_SPLIT = re.compile(r"\w[\w.-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What ``<name>.yaml`` says about a dataset; empty where it says nothing."""

    path: Path
    source: str
    """The file as messages show it."""
    description: str = ""
    version: str = ""
    language: tuple[str, ...] = ()
    """BCP 47 tags, such as ``de-CH``."""
    licence: str = ""
    origin: str = ""
    file: str = ""
    """The data file or folder, relative to the manifest; by default the one of the same name beside it."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """Role or input -> column of the data."""
    systems: Mapping[str, str] = field(default_factory=dict)
    """Recorded system -> column of its answers."""
    slices: Mapping[str, str] = field(default_factory=dict)
    """Tag -> column, which stays what it is besides."""
    splits: Mapping[str, str] = field(default_factory=dict)
    """Split -> its file, relative to the manifest."""
    split_column: str = ""
    """The column that names each row's split."""
    sha256: Mapping[str, str] = field(default_factory=dict)
    """Split, or the empty text for a dataset of one file -> digest of the file's bytes."""
    lines: Lines = field(default_factory=dict, repr=False, compare=False)

    @property
    def name(self) -> str:
        """The dataset's name."""
        return self.path.stem

    def refuse(self, problem: str, *at: str | int) -> NoReturn:
        """Raise DatasetError about a value of the file, by its keys."""
        _refuse(self.source, self.lines, problem, *at)


def read_manifest(path: Path, *, root: Path | None = None) -> Manifest:
    """The manifest that a YAML file holds.

    Raises DatasetError with ``file:line`` for what is not YAML, unknown keys and wrong types.
    """
    shown = place(path, root)
    if not path.is_file():
        refuse(shown, "this is not a regular file; a manifest is a .yaml file")
    try:
        with path.open("rb") as stream:
            data = stream.read(_LARGEST + 1)
    except OSError as error:
        refuse(shown, f"the file cannot be read ({error.strerror or error}); check its name and permissions")
    if len(data) > _LARGEST:
        refuse(shown, "the manifest is larger than 1 MiB; keep the rows in a data file beside it")
    tree, lines = parse(data, shown, DatasetError, keys="description: and columns:")
    return _Reader(shown, lines).manifest(path, tree)


def _refuse(shown: str, lines: Lines, problem: str, *at: str | int) -> NoReturn:
    line = lines.get(at) or lines.get(at[:-1]) or 0
    refuse(f"{shown}:{line}" if line else shown, problem)


@dataclass(frozen=True, slots=True)
class _Reader:
    """One file's place and lines, for messages."""

    shown: str
    lines: Lines

    def refuse(self, problem: str, *at: str | int) -> NoReturn:
        _refuse(self.shown, self.lines, problem, *at)

    def manifest(self, path: Path, tree: Mapping[str, Any]) -> Manifest:
        known = self._known(tree)
        columns, systems = self._columns(known)
        splits, split_column = self._splits(known)
        return Manifest(
            path=path,
            source=self.shown,
            description=self._text(known, "description"),
            version=self._version(known),
            language=self._language(known),
            licence=self._text(known, "licence"),
            origin=self._text(known, "origin"),
            file=self._file(known),
            columns=columns,
            systems=systems,
            slices=self._slices(known),
            splits=splits,
            split_column=split_column,
            sha256=self._sha256(known, splits),
            lines=self.lines,
        )

    def _known(self, tree: Mapping[str, Any]) -> dict[str, Any]:
        """The values by the one spelling of their keys; a key without a value says nothing."""
        known: dict[str, Any] = {}
        for written, value in tree.items():
            key = _SPELLINGS.get(written, written)
            if key not in KEYS:
                mend = f"the keys are {listed(KEYS)}; if this is no manifest of a dataset, rename the file"
                self.refuse(f"unknown key {quoted(written)}{near(written, KEYS)}; {mend}", written)
            if key in known:
                self.refuse('"licence" and "license" are the same key; keep one of the two', written)
            self.lines[(key,)] = self.lines[(written,)]
            if value is not None:
                known[key] = value
        return known

    def _text(self, tree: Mapping[str, Any], key: str) -> str:
        value = tree.get(key, "")
        if not isinstance(value, str):
            self.refuse(f'"{key}" holds {quoted(value)}, which is not text; put it in quotes', key)
        return value.strip()

    def _version(self, tree: Mapping[str, Any]) -> str:
        value = tree.get("version", "")
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        return self._text(tree, "version")  # not for 1.10, which YAML takes for 1.1

    def _language(self, tree: Mapping[str, Any]) -> tuple[str, ...]:
        value = tree.get("language", [])
        tags = value if isinstance(value, list) else [value]
        for tag in tags:
            if not isinstance(tag, str) or not _TAG.fullmatch(tag):
                self.refuse(
                    f"language {quoted(tag)} is no BCP 47 tag; write one such as en, de-CH or zh-Hans", "language"
                )
        return tuple(tags)

    def _file(self, tree: Mapping[str, Any]) -> str:
        if "file" in tree and isinstance(tree.get("splits"), Mapping):
            self.refuse('"file" and the files of "splits" cannot both be the data; keep one of the two', "file")
        return self._path(tree.get("file"), "file") if "file" in tree else ""

    def _path(self, value: Any, *at: str) -> str:
        if not isinstance(value, str) or not value.strip() or not value.isprintable():
            self.refuse(
                f'"{at[-1]}" holds {quoted(value)}, which is no path; name a file relative to the manifest', *at
            )
        return value

    def _mapping(self, value: Any, mend: str, *at: str) -> Mapping[str, str]:
        """Names to column names."""
        if not isinstance(value, Mapping):
            self.refuse(f'"{at[-1]}" holds {quoted(value)}, which is not a mapping; write {at[-1]}: {mend}', *at)
        for name, column in value.items():
            if not name.strip() or not name.isprintable():
                self.refuse(f'"{at[-1]}" has the key {quoted(name)}, which is no name; give it one', *at, name)
            self._column(column, *at, name)
        return dict(value)

    def _column(self, column: Any, *at: str) -> str:
        if not isinstance(column, str) or not column:
            what = f"{quoted(at[-1])} holds {quoted(column)}, which is no column"
            self.refuse(f"{what}; name one column of the data, in quotes if it is a number", *at)
        return column

    def _columns(self, tree: Mapping[str, Any]) -> tuple[Mapping[str, str], Mapping[str, str]]:
        """Columns of roles and inputs, and those of recorded systems."""
        if "columns" not in tree:
            return NOTHING, NOTHING
        written = tree["columns"]
        systems: Mapping[str, str] = NOTHING
        if isinstance(written, Mapping):
            if isinstance(written.get("responses"), Mapping):
                systems = self._mapping(written["responses"], "{<system>: <column>}", "columns", "responses")
                written = {role: column for role, column in written.items() if role != "responses"}
            for role in written:
                lower = role.casefold()
                if role != lower and (lower in ROLES or lower.startswith(SLICE)):
                    what = f"{quoted(role)} is no role as it is written (did you mean {quoted(lower)}?)"
                    self.refuse(f"{what}; roles are in lower case", "columns", role)
                if role == SLICE:
                    self.refuse(f'"{SLICE}" names no slice; write {SLICE}<tag>', "columns", role)
        return self._mapping(written, "{<role or input>: <column>}", "columns"), systems

    def _slices(self, tree: Mapping[str, Any]) -> Mapping[str, str]:
        value = tree.get("slices", {})
        if not isinstance(value, list):
            return self._mapping(value, "[<column>] or {<tag>: <column>}", "slices")
        for number, column in enumerate(value):
            if not isinstance(column, str) or not column or not column.isprintable():
                self.refuse(
                    f'"slices" lists {quoted(column)}, which is no column; name a column of the data', "slices", number
                )
        return {column: column for column in value}

    def _splits(self, tree: Mapping[str, Any]) -> tuple[Mapping[str, str], str]:
        value = tree.get("splits", "")
        if isinstance(value, str):
            return NOTHING, value
        if not isinstance(value, Mapping) or not value:
            mend = "write splits: {<name>: <file>}, or the name of a column"
            self.refuse(f'"splits" holds {quoted(value)}, which names no splits; {mend}', "splits")
        for name, file in value.items():
            if not is_split(name):
                mend = "use letters, digits, _, - and ."
                self.refuse(f"split {quoted(name)} cannot stand behind a colon in dataset=; {mend}", "splits", name)
            self._path(file, "splits", name)
        return dict(value), ""

    def _sha256(self, tree: Mapping[str, Any], splits: Mapping[str, str]) -> Mapping[str, str]:
        if "sha256" not in tree:
            return NOTHING
        value = tree["sha256"]
        if isinstance(value, Mapping) != bool(splits):
            mend = "write sha256: {<split>: <digest>}" if splits else "write the digest of the one data file"
            self.refuse(f'"sha256" holds {quoted(value)}, which does not fit "splits"; {mend}', "sha256")
        digests = value if isinstance(value, Mapping) else {"": value}
        for split, digest in digests.items():
            if split and split not in splits:
                self.refuse(
                    f"{quoted(split)} is no split{near(split, splits)}; the splits are {listed(splits)}",
                    "sha256",
                    split,
                )
            if not isinstance(digest, str) or not _SHA256.fullmatch(digest):
                mend = "write the 64 hexadecimal digits that sha256sum prints, in quotes"
                self.refuse(f"{quoted(digest)} is no SHA-256 digest; {mend}", "sha256", *([split] if split else []))
        return {split: digest.lower() for split, digest in digests.items()}


def is_split(name: str) -> bool:
    """Whether a name can be told from the rest of a path behind a colon, and stand in a file name."""
    return bool(_SPLIT.fullmatch(name))
