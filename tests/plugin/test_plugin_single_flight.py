"""A trial of a model is called for once, however many tests, metrics and workers ask for it."""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Iterator

import pytest
from inner import Project

from pytest_genaiops.testing import FakeServer

CASES = 40
EACH = """
    import pytest

    @pytest.mark.genaiops(dataset="words", variants="variants/v1.yaml")
    def test_{name}(response, {metric}):
        assert {metric}(response) == 1
"""
WHOLE = """
    import pytest

    @pytest.mark.genaiops(dataset="words", variants="variants/v1.yaml")
    def test_{name}(responses, {metric}):
        assert {metric}(responses) == 1
"""


@pytest.fixture
def server(project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeServer]:
    """A server that answers with what it is asked, and six tests over the same cases in as many modules."""
    monkeypatch.setenv("SOME_KEY", "a-key-for-a-fake")
    project.write("conftest.py", "")
    project.dataset([{"id": f"c{i:02}", "word": f"word {i}", "reference": f"word {i}"} for i in range(CASES)], "words")
    for number, metric in enumerate(("exact_match", "token_f1", "exact_match")):
        project.write(f"test_each_{number}.py", EACH.format(name=f"each_{number}", metric=metric))
        project.write(f"test_whole_{number}.py", WHOLE.format(name=f"whole_{number}", metric=metric))
    with FakeServer(lambda body: body["messages"][0]["content"], latency=0.02) as server:
        project.write(
            "variants/v1.yaml",
            f"""
            id: v1
            model: {{name: fake-1, base_url: "{server.url}", api_key_env: SOME_KEY}}
            messages: [{{role: user, content: "{{{{ word }}}}"}}]
            """,
        )
        yield server


def words(server: FakeServer) -> Counter[str]:
    """How often each word was asked for."""
    return Counter(call.body["messages"][0]["content"] for call in server.calls)


EVERY = {f"word {i}": 1 for i in range(CASES)}


@pytest.mark.parametrize("options", ["", "-p xdist -n3"])
def test_six_tests_over_the_same_trials_cost_one_call_each(project: Project, server: FakeServer, options: str) -> None:
    result = project.run_apart(*options.split())
    assert result.parseoutcomes() == {"passed": 3 * CASES + 3}
    assert words(server) == EVERY


def test_a_second_session_asks_for_nothing(project: Project, server: FakeServer) -> None:
    for options in ("", "-p xdist -n2"):
        assert project.run_apart(*options.split()).parseoutcomes() == {"passed": 3 * CASES + 3}
    assert words(server) == EVERY


def test_two_sessions_at_the_same_time_share_their_calls(project: Project, server: FakeServer) -> None:
    server.latency = 0.1
    command = (*project.pytester._getpytestargs(), "-p", "genaiops", "-q", "test_each_0.py", "test_whole_1.py")
    both = [project.pytester.popen(command, stdin=subprocess.DEVNULL) for _ in range(2)]
    for process in both:
        process.communicate(timeout=300)
    assert [process.returncode for process in both] == [0, 0]
    assert words(server) == EVERY


def test_each_trial_is_a_call_of_its_own(project: Project, server: FakeServer) -> None:
    for path in project.path.glob("test_*.py"):
        path.unlink()
    project.write(
        "test_trials.py", EACH.format(name="trials", metric="exact_match").replace('yaml"', 'yaml", trials=2')
    )
    project.write("test_again.py", EACH.format(name="again", metric="exact_match"))
    assert project.run_apart("-p", "xdist", "-n2").parseoutcomes() == {"passed": 3 * CASES}
    assert words(server) == dict.fromkeys(EVERY, 2)
