"""What was answered is not called again: after kill -9 of a session, its controller or a worker, and on a full disk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest
from inner import Project

from pytest_genaiops.testing import FakeServer

CASES = 60
AT_ONCE = 4
SUITE = """
    import os, pathlib, signal
    import pytest

    HERE = pathlib.Path(__file__).parent

    def once(name):
        try:
            (HERE / name).touch(exist_ok=False)
        except FileExistsError:
            return False
        return True

    @pytest.mark.genaiops(dataset="words", variants="variants/v1.yaml")
    def test_word(response, case):
        assert response.text == case.reference
        with (HERE / "seen.txt").open("a") as file:
            file.write(case.reference + "\\n")
        if case.id in {kills} and once(f"killed-at-{{case.id}}"):
            os.kill({whom}, signal.SIGKILL)
"""


@pytest.fixture
def server(project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeServer]:
    """A server that answers with what it is asked."""
    monkeypatch.setenv("SOME_KEY", "a-key-for-a-fake")
    project.write("conftest.py", "")
    project.dataset([{"id": f"c{i:02}", "word": f"word {i}", "reference": f"word {i}"} for i in range(CASES)], "words")
    with FakeServer(lambda body: body["messages"][0]["content"], latency=0.05) as server:
        project.write(
            "variants/v1.yaml",
            f"""
            id: v1
            model: {{name: fake-1, base_url: "{server.url}", api_key_env: SOME_KEY}}
            messages: [{{role: user, content: "{{{{ word }}}}"}}]
            """,
        )
        yield server


def run(project: Project, *options: str) -> pytest.RunResult:
    return project.run_apart(f"--genaiops-concurrency={AT_ONCE}", *options)


def words(server: FakeServer) -> Counter[str]:
    """How often each word was asked for."""
    return Counter(call.body["messages"][0]["content"] for call in server.calls)


def seen(project: Project) -> set[str]:
    """Words whose answers a test has had before its process went on, or was killed."""
    return set((project.path / "seen.txt").read_text().splitlines())


def test_a_session_that_is_killed_goes_on_where_it_was(project: Project, server: FakeServer) -> None:
    project.suite(SUITE, kills=["c05", "c40"], whom="os.getpid()")
    had, before = [], []
    for _ in range(2):
        assert run(project).ret == -9
        had.append(seen(project))
        before.append(words(server))
    assert run(project).parseoutcomes() == {"passed": CASES}
    calls = words(server)
    assert len(calls) == CASES
    for known, then in zip(had, before, strict=True):
        assert known
        assert {word: calls[word] for word in known} == {word: then[word] for word in known}
    assert calls.total() - CASES <= AT_ONCE * 2


@pytest.mark.parametrize("whom", ["os.getppid()", "os.getpid()"], ids=["controller", "worker"])
def test_so_does_one_with_workers(project: Project, server: FakeServer, whom: str) -> None:
    pytest.importorskip("xdist")
    project.suite(SUITE, kills=["c20"], whom=whom)
    workers = ("-p", "xdist", "-n2")
    assert run(project, *workers).ret != 0
    assert run(project, *workers).parseoutcomes() == {"passed": CASES}
    calls = words(server)
    assert len(calls) == CASES
    assert calls.total() - CASES <= AT_ONCE


def test_a_full_disk_ends_no_session_and_the_next_one_goes_on(project: Project, server: FakeServer) -> None:
    pytest.importorskip("resource")
    project.suite(SUITE, kills=[], whom="0")
    long = ["word " * 1000 + str(number) for number in range(CASES)]
    project.dataset([{"id": f"c{i:02}", "word": text, "reference": text} for i, text in enumerate(long)], "words")
    project.write(
        "conftest.py",
        """
        import pathlib, resource

        full = pathlib.Path(__file__).parent / "full"
        if full.exists():
            resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))
        """,
    )
    (project.path / "full").touch()
    result = run(project)
    assert result.parseoutcomes() == {"passed": CASES, "warnings": 1}
    result.stdout.fnmatch_lines(["*CacheWarning: *.genaiops: answers cannot be kept (*); the session goes on*"])
    assert words(server) == dict.fromkeys(long, 1)
    (project.path / "full").unlink()
    assert run(project).parseoutcomes() == {"passed": CASES}
    calls = words(server)
    assert 0 < calls.total() - CASES < CASES  # some were kept, some were not
    assert run(project).parseoutcomes() == {"passed": CASES}
    assert words(server) == calls
