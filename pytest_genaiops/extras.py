"""The only importer of optional packages, and the only text that says how to get one."""

from __future__ import annotations

from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType

from pytest_genaiops.errors import ExtraMissingError


def require(module: str, extra: str) -> ModuleType:
    """Import an optional package, or say in one sentence how to install it.

    A folder of data that merely has the package's name is a namespace package (it has no
    origin) and counts as absent: a project's own ``datasets/`` must not pass for Hugging Face's.

    Raises:
        ExtraMissingError: the package is not installed.
    """
    top = module.partition(".")[0]
    spec = find_spec(top)
    if spec is not None and spec.origin is None and module != top:  # ``azure`` is a namespace of many packages
        spec = _within(module)
    if spec is None or spec.origin is None:
        raise ExtraMissingError(
            f'this needs the package {top!r}, which is not installed: python -m pip install "pytest-genaiops[{extra}]"'
        )
    return import_module(module)


def _within(module: str) -> ModuleSpec | None:
    try:
        return find_spec(module)
    except ModuleNotFoundError:
        return None
