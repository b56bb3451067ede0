"""Variant files by their suffix."""

from __future__ import annotations

from pathlib import Path

from pytest_genaiops.dataset.text import listed, place, printable
from pytest_genaiops.dataset.yaml_tree import parse
from pytest_genaiops.errors import VariantError
from pytest_genaiops.variants.fields import Fields
from pytest_genaiops.variants.files import fill, read_bytes
from pytest_genaiops.variants.flow import DAG, FLEX, load_flow, refuse_flex
from pytest_genaiops.variants.plain import read
from pytest_genaiops.variants.prompty import load_prompty
from pytest_genaiops.variants.variant import Variant


def load_variants(path: Path, *, root: Path) -> tuple[Variant, ...]:
    """The variants that a file describes; their id is the file's stem unless the file has one.

    Raises VariantError with ``file:line`` where the file cannot be read as it stands.
    """
    shown = place(path, root)
    reader = FLOWS.get(path.name.lower()) or READERS.get(path.suffix.lower())
    if reader is None:
        what = f'the suffix "{printable(path.suffix)}" is not a variant format'
        raise VariantError(f"{shown}: {what}; use one of {listed(SUFFIXES)}")
    return reader(path, root)


def _yaml(path: Path, root: Path) -> tuple[Variant, ...]:
    shown = place(path, root)
    tree, lines = parse(read_bytes(path, shown, root), shown, VariantError, keys="blocks: and parameters:")
    tree, fields = fill(tree, Fields(source=shown, lines=lines), beside=path, root=root)
    return read(tree, fields, stem=path.stem)


FLOWS = {DAG: load_flow, FLEX: refuse_flex}
"""Name of a file -> what reads it, whatever its suffix means otherwise."""

YAML = (".yaml", ".yml")
READERS = {**dict.fromkeys(YAML, _yaml), ".prompty": load_prompty}
"""Suffix, in lower case -> what reads such a file, given its path and the root that names in it may not leave."""

SUFFIXES = tuple(READERS)
