"""Metrics that the project's own ``conftest.py`` brings, without pytest."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from pytest_genaiops import registry
from pytest_genaiops.cli.project import project_of
from pytest_genaiops.run.guard import attempt, describe
from pytest_genaiops.score.metric import own_metric

HOOK = "pytest_genaiops_metrics"
_NAME = "conftest"


@contextmanager
def own_metrics() -> Iterator[str]:
    """Know the metrics of the ``conftest.py`` in the project's root; gives what kept one from being known, or nothing.

    The file is run only where it names the hook. Metrics of other conftest files are known to pytest alone.
    """
    file = project_of(Namespace(rootdir=None)).root / f"{_NAME}.py"
    with ExitStack() as stack:
        trouble = ""
        if file.is_file() and HOOK.encode() in file.read_bytes():
            _, error = attempt(_register, file, stack)
            trouble = f"metrics of {file.name} cannot be loaded: {describe(error)}" if error is not None else ""
        yield trouble


def _register(file: Path, stack: ExitStack) -> None:
    for given in getattr(_run(file), HOOK)() or ():
        stack.callback(registry.register(own_metric(given)))


def _run(file: Path) -> ModuleType:
    spec = spec_from_file_location(_NAME, file)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    before, path = sys.modules.get(_NAME), list(sys.path)
    sys.modules[_NAME], sys.path[:] = module, [str(file.parent), *path]
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path[:] = path
        sys.modules.pop(_NAME)
        if before is not None:
            sys.modules[_NAME] = before
    return module
