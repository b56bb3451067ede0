"""Sources: where the rows of a dataset are, under which manifest, and which lock holds them."""

from __future__ import annotations

import hashlib
import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pytest_genaiops.dataset.manifest import Manifest, is_split, read_manifest
from pytest_genaiops.dataset.readers import SUFFIXES as FORMATS
from pytest_genaiops.dataset.readers import Rows, name_of, rows_of
from pytest_genaiops.dataset.roles import MOST_SPLITS, Roles, no_split
from pytest_genaiops.dataset.schema import refuse
from pytest_genaiops.dataset.select import MANIFESTS, find, inside
from pytest_genaiops.dataset.text import listed, near, place, quoted
from pytest_genaiops.errors import DatasetError


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One dataset on disk."""

    name: str
    """With the split: ``support`` or ``support:test``."""
    asked: str
    """What names it to a command: the name, or the path where a suite gives one."""
    path: Path
    """The data file or folder."""
    root: Path | None
    manifest: Manifest | None
    split: str
    lock: Path
    """Where its lock is, if there is one."""

    @property
    def shown(self) -> str:
        """The data as messages show them."""
        return place(self.path, self.root)

    @property
    def shown_lock(self) -> str:
        """The lock as messages show it."""
        return place(self.lock, self.root)

    @property
    def relock(self) -> str:
        """The command that writes its lock."""
        return f"`genaiops lock {shlex.quote(self.asked)}`"

    def rows(self) -> Rows:
        """The rows, under the names that the manifest gives their columns.

        Raises DatasetError where the data cannot be read as it stands, is not what the
        manifest's ``sha256`` says, or lacks a column that the manifest names.
        """
        if self.manifest is None:
            return rows_of(self.path, self.shown)
        _check_sha256(self, self.manifest)
        return Roles(self.manifest, self.split, self.shown).rows(rows_of(self.path, self.shown))


def locate(name: str, *, root: Path, folders: Sequence[str] = ("datasets",)) -> Source:
    """The source that a suite means: a name or a path, with ``:<split>`` behind it where there are splits.

    Raises DatasetError as :func:`find` does, and for a split that is not there or not named.
    """
    base, split = _parted(name)
    return replace(source_of(find(base, root=root, folders=folders), root=root, split=split), asked=name)


def locate_all(name: str, *, root: Path, folders: Sequence[str] = ("datasets",)) -> tuple[Source, ...]:
    """As :func:`locate`, but a name without a split means all the splits that there are."""
    base, split = _parted(name)
    path = find(base, root=root, folders=folders)
    manifest = _manifest_of(path, root)
    splits = (split,) if split or manifest is None else _splits(manifest, path, root) or ("",)
    found = (source_of(path, root=root, split=each) for each in splits)
    return tuple(replace(each, asked=_joined(base, each.split)) for each in found)


def source_of(path: Path, *, root: Path | None = None, split: str = "") -> Source:
    """The source that a data file, a folder or a manifest stands for.

    Raises DatasetError for a manifest that cannot be read, and for a split that is not there or not named.
    """
    manifest = _manifest_of(path, root)
    if manifest is None:
        if split:
            mend = f"name its splits in {name_of(path)}.yaml beside it, or leave the split out"
            refuse(place(path, root), f"the dataset has no splits, and so none called {quoted(split)}; {mend}")
        name, shown = name_of(path), place(path, root)
        lock = path.with_name(f"{name}.lock")
        return Source(name=name, asked=shown, path=path, root=root, manifest=None, split="", lock=lock)
    if split or manifest.splits or manifest.split_column:
        _check_split(manifest, split, path, root)
    return Source(
        name=_joined(manifest.name, split),
        asked=_joined(place(path, root), split),
        path=_data_of(manifest, split, path, root),
        root=root,
        manifest=manifest,
        split=split,
        lock=manifest.path.with_name(f"{manifest.name}.{split}.lock" if split else f"{manifest.name}.lock"),
    )


def _parted(name: str) -> tuple[str, str]:
    base, colon, split = name.rpartition(":")
    return (base, split) if colon and base and is_split(split) else (name, "")


def _joined(name: str, split: str) -> str:
    return f"{name}:{split}" if split else name


def _manifest_of(path: Path, root: Path | None) -> Manifest | None:
    """The manifest that the path is, or that stands beside it under the same name."""
    if path.suffix.lower() in MANIFESTS:
        return read_manifest(path, root=root)
    name = name_of(path)
    beside = [file for suffix in MANIFESTS if (file := path.with_name(f"{name}{suffix}")).is_file()]
    if len(beside) > 1:
        refuse(place(path, root), f"it has two manifests, {listed(file.name for file in beside)}; remove one of them")
    if beside and root is not None:
        inside(beside[0], root)
    manifest = read_manifest(beside[0], root=root) if beside else None
    # One that names another file is that one's manifest.
    return manifest if manifest and (not manifest.file or _data_of(manifest, "", path, root) == path) else None


def _data_of(manifest: Manifest, split: str, asked: Path, root: Path | None) -> Path:
    """The data of a manifest, or of one of its splits; ``asked`` is the manifest, or a data file that it is beside."""
    file, at = (manifest.splits[split], ("splits", split)) if split in manifest.splits else (manifest.file, ("file",))
    folder = manifest.path.parent
    if file:
        return _named(manifest, file, at, root)
    if asked != manifest.path:
        return asked
    names = [manifest.name + suffix for suffix in (*FORMATS, "") if os.path.lexists(folder / (manifest.name + suffix))]
    if len(names) > 1:
        manifest.refuse(f"the data could be any of {listed(names)}; write file: <the one that is meant>")
    if not names:
        what = f"there is no data file {quoted(manifest.name + FORMATS[0])} beside the manifest"
        manifest.refuse(f"{what}; add it (or another of {listed(FORMATS[1:])}), or write file: <path>")
    return folder / names[0] if root is None else inside(folder / names[0], root)


def _named(manifest: Manifest, file: str, at: tuple[str, ...], root: Path | None) -> Path:
    path = Path(os.path.normpath(manifest.path.parent / file))
    if root is not None:
        project = Path(os.path.normpath(root.absolute()))
        if not any(path.absolute().is_relative_to(folder) for folder in (project, manifest.path.absolute().parent)):
            manifest.refuse(f"{quoted(file)} is outside the project; copy the data into it", *at)
        inside(path, root)
    if not os.path.lexists(path):
        folder = path.parent
        names = sorted(each.name for each in folder.iterdir()) if folder.is_dir() else []
        mend = "paths are relative to the manifest"
        manifest.refuse(f"the data {quoted(file)} is not there{near(path.name, names)}; {mend}", *at)
    return path


def _splits(manifest: Manifest, asked: Path, root: Path | None) -> tuple[str, ...]:
    """The names of the splits; read from the data where a column has them."""
    if not manifest.split_column:
        return tuple(manifest.splits)
    path = _data_of(manifest, "", asked, root)
    shown = place(path, root)
    found = Roles(manifest, "", shown).splits(rows_of(path, shown))
    odd = next((name for name in found if not is_split(name)), None)
    if odd is not None or not 0 < len(found) <= MOST_SPLITS:
        column = f"the column {quoted(manifest.split_column)} of {shown}"
        what = f"{column} names {len(found)} splits" if odd is None else f"{column} holds {quoted(odd)}"
        manifest.refuse(f"{what}; name a column with a few short names, such as train and test", "splits")
    return found


def _check_split(manifest: Manifest, split: str, asked: Path, root: Path | None) -> None:
    if split in manifest.splits or (split and manifest.split_column):  # a column's splits are known when it is read
        return
    if not split:
        names = _splits(manifest, asked, root)
        example = f'dataset="{manifest.name}:{names[0]}"'
        raise DatasetError(f"{manifest.source}: the dataset has the splits {listed(names)}; name one: {example}")
    if not manifest.splits:
        manifest.refuse(f'the dataset has no splits, and so none called {quoted(split)}; add "splits", or leave it out')
    no_split(manifest, split, tuple(manifest.splits))


def _check_sha256(source: Source, manifest: Manifest) -> None:
    """Refuse a data file whose bytes are not those that the manifest speaks of."""
    key = source.split if source.split in manifest.splits else ""
    wanted = manifest.sha256.get(key)
    if wanted is None:
        return
    at = ("sha256", key) if key else ("sha256",)
    if os.path.isdir(source.path):
        manifest.refuse("a folder has no digest of its own; leave sha256 out, and write a lock: genaiops lock", *at)
    try:
        with source.path.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        refuse(source.shown, f"the file cannot be read ({error.strerror or error}); check its name and permissions")
    if found != wanted:
        what = f"the bytes of {source.shown} have the SHA-256 digest {found[:12]}…, not {wanted[:12]}…"
        manifest.refuse(f"{what}; get the right file, or write the digest of this one", *at)
