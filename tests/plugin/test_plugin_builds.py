"""The fixture ``index_builds``: one folder of indexes for all variants, workers and later sessions."""

from __future__ import annotations

from pathlib import Path

import pytest
from inner import Project

from pytest_genaiops import Builds

RAG = """
    rag_variants:
      axes:
        chunk: [256, 512]
        k: [3, 5]
"""
CONFTEST = """
    import os, pathlib
    import pytest

    def index(part):
        with open("begun.txt", "a") as file:
            file.write(f"{os.getpid()}\\n")
        (part / "table.bin").write_bytes(b"x" * 100)

    @pytest.fixture(scope="session")
    def target(index_builds):
        def answer(case, variant):
            folder = index_builds.get("index", {"chunk": variant.rag["chunk"]}, index)
            assert (folder / "table.bin").stat().st_size == 100
            return case.reference
        return answer
"""


@pytest.fixture
def rag(project: Project) -> Project:
    project.write("variants/rag.yaml", RAG)
    project.write("conftest.py", CONFTEST)
    project.whole('variants="rag"')
    return project


def begun(project: Project) -> int:
    return len((project.path / "begun.txt").read_text().splitlines())


def test_variants_that_need_the_same_index_share_it(rag: Project) -> None:
    rag.run().assert_outcomes(passed=4)
    made = Builds(rag.path / ".genaiops" / "builds").made()
    assert begun(rag) == len(made) == len({build.folder for build in made}) == 2


def test_workers_share_them_too(rag: Project) -> None:
    pytest.importorskip("xdist")
    rag.run_apart("-p", "xdist", "-n", "2").assert_outcomes(passed=4)
    assert begun(rag) == 2


def test_a_later_session_builds_nothing(rag: Project) -> None:
    for _ in range(2):
        rag.run("--genaiops-cache=off").assert_outcomes(passed=4)
    assert begun(rag) == 2


def test_git_does_not_see_them(rag: Project) -> None:
    rag.run()
    assert (rag.path / ".genaiops" / ".gitignore").read_text() == "*\n"


def test_an_ordinary_test_may_ask_for_it_alone(project: Project) -> None:
    project.suite("""
        def test_builds(index_builds, tmp_path):
            def make(part):
                (part / "a.txt").write_text("a")

            folder = index_builds.get("notes", {}, make)
            assert folder.parent.name == "builds"
            assert folder.parent.parent.name == ".genaiops"
            assert [build.folder for build in index_builds.made()] == [folder.name]
    """)
    project.run().assert_outcomes(passed=1)
    assert Path(project.path / ".genaiops" / "builds" / ".gitignore").is_file()


def test_a_build_that_fails_is_an_error_of_every_case_and_is_tried_once(rag: Project) -> None:
    rag.write(
        "conftest.py",
        CONFTEST.replace('(part / "table.bin").write_bytes(b"x" * 100)', 'raise ValueError("no documents")'),
    )
    result = rag.run("--genaiops-variant=*k=3*")
    assert result.parseoutcomes().get("failed") == 2
    assert "no documents" in result.stdout.str()
    assert begun(rag) == 2
