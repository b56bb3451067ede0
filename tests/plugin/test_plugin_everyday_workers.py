"""Suites and their fixtures over pytest-xdist's workers, however the items are distributed."""

from __future__ import annotations

from collections import Counter

import pytest
from twins import PLAIN, Twins

pytest.importorskip("xdist")

SUITE = """
    import os

    import pytest

    from world import both, each, note

    @pytest.fixture(scope="session")
    def session():
        note("+ session", os.environ.get("PYTEST_XDIST_WORKER"))
        yield
        note("- session", os.environ.get("PYTEST_XDIST_WORKER"))

    @pytest.fixture
    def helper(case, session):
        note("+", case.id)
        yield
        note("-", case.id)

    @both
    def test_each(response, case, helper):
        assert response.text == case.reference

    class TestClass:
        @each
        @pytest.mark.xdist_group("together")
        def test_other(self, case, helper, tmp_path, worker_id, testrun_uid):
            (tmp_path / "file").write_text(worker_id)
            if case.id == "c4":
                pytest.skip("not this one")

    def test_plain():
        pass
"""


@pytest.fixture
def suite(twins: Twins) -> Twins:
    twins.write("test_suite.py", SUITE)
    twins.write("sub/test_more.py", PLAIN)
    twins.wrong("c2")
    return twins


class Spread:
    """A run over workers: what happened, in no order."""

    def __init__(self, twins: Twins, *options: str) -> None:
        folder = twins.ours
        (folder / "notes.txt").write_text("")
        command = ("-p", "genaiops", "-p", "xdist", "-v", *options)
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            self.result = twins.pytester.runpytest_subprocess(*command, timeout=300)
        self.counts = self.result.parseoutcomes()
        self.notes = Counter(note for note in (folder / "notes.txt").read_text().splitlines() if "session" not in note)


@pytest.mark.parametrize(
    "options",
    [
        ["-n4", "--dist=load"],
        ["-n2", "--dist=loadfile"],
        ["-n2", "--dist=loadscope"],
        ["-n2", "--dist=loadgroup"],
        ["-n4", "--dist=worksteal"],
        ["-n2", "--dist=no"],
        ["-n0"],
        ["-n2", "--maxprocesses=1", "--maxschedchunk=1"],
    ],
    ids=" ".join,
)
def test_the_same_outcomes_and_fixtures_as_bare_items_alone(suite: Twins, options: list[str]) -> None:
    _, bare = suite.run("-v", "-p", "xdist", "-n0")
    spread = Spread(suite, *options)
    assert spread.counts == bare.counts == {"passed": 13, "failed": 3, "skipped": 1}
    assert spread.notes == Counter(note for note in bare.notes if "session" not in note)
    assert spread.result.ret == bare.ret == pytest.ExitCode.TESTS_FAILED


def test_selection_and_failed_cases_of_the_last_run(suite: Twins) -> None:
    assert Spread(suite, "-n2").counts["failed"] == 3
    assert Spread(suite, "-n2", "--lf").counts == {"failed": 3}
    suite.wrong()
    assert Spread(suite, "-n2", "--lf", "-k", "sub or v2").counts == {"passed": 2}
    assert Spread(suite, "-n2", "--lf").counts == {"passed": 1}


def test_shuffled_and_distributed_at_once(suite: Twins) -> None:
    pytest.importorskip("pytest_randomly")
    spread = Spread(suite, "-n2", "-p", "randomly", "--randomly-seed=7")
    assert spread.counts == {"passed": 13, "failed": 3, "skipped": 1}
