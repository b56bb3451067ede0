"""Where the baseline of a test function is committed."""

from __future__ import annotations

from pathlib import PurePath, PurePosixPath


def place(folder: str, suite: str) -> PurePosixPath:
    """The file of a test, from the root: the tree of the tests again, below the folder of baselines.

    ``eval_suites/rag/test_rag.py::test_grounded`` under ``eval_suites/baselines`` has
    ``eval_suites/baselines/rag/test_rag/test_grounded.json``; a test that does not stand beside the folder
    keeps its whole path. A test of a class is called ``TestRag.test_grounded.json``.

    Args:
        folder: of baselines, from the root.
        suite: node id of the test, without parameters.
    """
    file, *names = suite.split("::")
    home, path = PurePosixPath(PurePath(folder).as_posix()), PurePosixPath(file)
    if path.is_relative_to(home.parent):
        path = path.relative_to(home.parent)
    steps = [step for step in path.with_suffix("").parts if step not in ("..", path.anchor)]
    return home.joinpath(*steps, ".".join(names) + ".json")
