"""Workers of pytest-xdist share their calls: every trial once a session, and the same response everywhere."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from inner import ROWS, Project, outcomes

pytest.importorskip("xdist")

RICH = """
    import asyncio, json, os, pathlib
    import pytest

    HERE = pathlib.Path(__file__).parent

    def note(file, *words):
        with (HERE / file).open("a") as out:
            out.write(json.dumps(words) + "\\n")

    def answer(case, variant):
        note("calls.txt", "app", variant.id, case.id)
        asked = len(case.inputs["question"])
        if case.id == "c4":
            raise ConnectionError("no route")
        return {
            "text": f"It is {case.reference}." if variant.id == "v1" else "No idea.",
            "contexts": [f"The capital is {case.reference}."],
            "probabilities": {"city": 1 / asked, "river": 1 - 1 / asked},
            "usage": {"total": asked},
            "tool_calls": [{"name": "search", "arguments": {"near": (0.1, asked / 7)}}],
            "model": "small-1",
        }

    @pytest.fixture(scope="session")
    def target(worker):
        yield answer
        note("ends.txt", worker)

    @pytest.fixture(scope="session")
    def worker(request):
        return os.environ.get("PYTEST_XDIST_WORKER", "only")
"""
SUITES = """
    import pytest
    from conftest import note

    def kept(response):
        names = ["text", "contexts", "probabilities", "usage", "tool_calls", "model", "latency"]
        return repr([getattr(response, name) for name in names] + [str(response.error)])

    @pytest.mark.genaiops(dataset="capitals", variants=["v1", "v2"], baseline="v1", pass_rate=0.1)
    def test_case(response, baseline, case, variant, token_f1, groundedness):
        note("seen.txt", variant.id, case.id, kept(response))
        note("seen.txt", "v1", case.id, kept(baseline))
        note("scores.txt", variant.id, case.id, repr(token_f1(response).value), repr(groundedness(response).value))

    class TestWhole:
        @pytest.mark.genaiops(dataset="capitals", variants=["v1", "v2"], baseline="v1")
        def test_whole(self, responses, baseline, variant, token_f1, cross_entropy, latency):
            for response in [*responses, *baseline]:
                note("seen.txt", response.trial.variant, response.trial.case.id, kept(response))
            note("scores.txt", variant.id, repr(token_f1(responses).per_case), repr(cross_entropy(responses).value))
"""
OTHER = """
    import asyncio
    import pytest
    from conftest import note

    @pytest.fixture(params=["upper", "lower"])
    def way(request):
        return request.param

    @pytest.fixture
    def target(way, tmp_path):
        async def answer(case, variant):
            note("calls.txt", way, variant.id, case.id)
            await asyncio.sleep(0.01)
            return getattr(case.reference, way)()
        return answer

    @pytest.mark.genaiops(dataset="capitals", variants=["v1"])
    def test_first(response, case, way):
        assert response.text == getattr(case.reference, way)()

    @pytest.mark.genaiops(dataset="capitals", variants=["v1"])
    def test_second(responses, way):
        assert responses[0].text == getattr("Paris", way)()
"""


def rows(path: Path) -> list[tuple[str, ...]]:
    return [tuple(json.loads(line)) for line in path.read_text().splitlines()]


@pytest.fixture
def rich(project: Project) -> Project:
    """Two suites on one target that gives every field, and a module with a target of its own for each parameter."""
    project.dataset([{**row, "label": "city"} for row in ROWS])
    project.write("conftest.py", RICH)
    project.write("test_one.py", SUITES)
    project.write("test_two.py", OTHER)
    return project


def run(project: Project, *arguments: str) -> tuple[dict[str, str], list[tuple[str, ...]], list[tuple[str, ...]]]:
    """Outcomes, calls and scores of a session, all in one order."""
    for name in ("calls.txt", "seen.txt", "scores.txt", "ends.txt"):
        (project.path / name).unlink(missing_ok=True)
    result = project.run_apart("-v", *arguments)
    # A gate that waits for a case behind it has that case judged once more, with the same score.
    return outcomes(result), sorted(rows(project.path / "calls.txt")), sorted(set(rows(project.path / "scores.txt")))


def test_every_mode_has_the_same_items_outcomes_calls_and_scores(rich: Project) -> None:
    serial = run(rich)
    found, calls, _ = serial
    assert len(found) == 22
    assert set(Counter(calls).values()) == {1}
    assert len(calls) == 16
    for arguments in ("-n2 --dist=load", "-n2 --dist=loadfile", "-n3 --dist=loadscope", "-n4 --dist=worksteal"):
        assert run(rich, "-p", "xdist", *arguments.split()) == serial, arguments
        # Whoever looked saw the same response of a trial, down to the seconds that its one call took.
        seen = {(variant, case): kept for variant, case, kept in rows(rich.path / "seen.txt")}
        assert {(v, c, seen[v, c]) for v, c in seen} == set(rows(rich.path / "seen.txt"))
    assert run(rich, "-p", "xdist", "--dist=no") == serial


def test_each_worker_may_run_everything_and_calls_are_shared_still(rich: Project) -> None:
    found, calls, _ = run(rich)
    everywhere, shared, _ = run(rich, "-p", "xdist", "-n2", "--dist=each")
    assert everywhere == found
    assert shared == calls


def test_a_worker_that_dies_has_its_answers_kept_and_its_calls_made_by_another(project: Project) -> None:
    project.dataset([{"id": f"c{i:02}", "reference": "yes"} for i in range(24)])
    project.target("""
        if case.id >= "c04":  # under way until the worker of c00 is dead, however slow this machine is
            CALLS.with_name(f"began-{os.getpid()}-{case.id}").touch()
            while not CALLS.with_name("dead").exists():
                time.sleep(0.01)
        return "yes"
    """)
    project.suite("""
        import os, pathlib, time
        import pytest

        HERE = pathlib.Path(__file__).parent

        @pytest.fixture(scope="session", autouse=True)
        def late():
            # Whichever worker was ready first has c00. The other one might take every call before that one begins.
            if "c00" not in os.environ["PYTEST_CURRENT_TEST"]:
                while not any(HERE.glob("began-*")):
                    time.sleep(0.005)

        @pytest.mark.genaiops(dataset="capitals", variants=["v1"])
        def test_case(response, case):
            if case.id == "c00":
                while not any(HERE.glob(f"began-{os.getpid()}-*")):
                    time.sleep(0.005)
                HERE.joinpath("dead").touch()
                os._exit(3)
            assert response.text == "yes"
    """)
    result = project.run_apart("-v", "-p", "xdist", "-n2", "--genaiops-concurrency=4")
    words = outcomes(result)
    assert {name: word for name, word in words.items() if word != "PASSED"} == {"test_case[v1-c00]": "FAILED"}
    assert len(words) == 24
    calls = Counter(call.split()[1] for call in project.calls)
    assert calls["c00"] == 1  # answered before it died
    assert set(calls.values()) == {1, 2}  # what it had begun, and nothing more than once again


def test_the_target_is_torn_down_behind_the_last_call(project: Project) -> None:
    project.dataset([{"id": f"c{i}", "reference": "yes"} for i in range(8)])
    project.write(
        "conftest.py",
        """
        import time
        import pytest

        @pytest.fixture(scope="session")
        def target():
            client = {"open": True}

            def answer(case, variant):
                time.sleep(0.5 if case.id == "c7" else 0.05)
                return "yes" if client["open"] else "the client is closed"

            yield answer
            client.clear()
            client["open"] = False
    """,
    )
    project.by_case('variants=["v1", "v2"]')
    result = project.run_apart("-v", "-p", "xdist", "-n2", "--dist=loadscope")
    assert set(outcomes(result).values()) == {"PASSED"}
    assert project.run_apart("-p", "xdist", "-n3", "--genaiops-concurrency=2").parseoutcomes() == {"passed": 16}


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_hanging_call_of_one_worker_is_a_timeout_for_all(project: Project, kind: str) -> None:
    head = "def" if kind == "sync" else "async def"
    hang = "time.sleep(30)" if kind == "sync" else "await asyncio.sleep(30)"
    project.target(f"if case.id == 'c2':\n    {hang}\nreturn case.reference", head=f"{head} answer(case, variant):")
    project.by_case('variants=["v1"]')
    project.suite(
        """
        import pytest

        @pytest.mark.genaiops(dataset="capitals", variants=["v1"])
        def test_whole(responses, error_rate):
            assert [str(r.error) for r in responses if r.error] == ["timeout: no answer within 1 s"]
            assert error_rate(responses) == 0.25
        """,
        name="test_whole.py",
    )
    result = project.run_apart("-v", "-p", "xdist", "-n2", "--genaiops-timeout=1")
    words = outcomes(result)
    assert words.pop("test_answer[v1-c2]") == "FAILED"
    assert set(words.values()) == {"PASSED"}
    assert Counter(project.calls) == {f"v1 c{i}": 1 for i in range(1, 5)}


SPREAD = "-p xdist -n2 --maxschedchunk=1"
STOPPED = """
    import os, pathlib
    import pytest

    CALLS = pathlib.Path("calls.txt").absolute()

    def stopped():
        if not CALLS.with_name("by-then.txt").exists():
            CALLS.with_name("now.txt").write_text(CALLS.read_text())
            CALLS.with_name("now.txt").rename(CALLS.with_name("by-then.txt"))

    if "PYTEST_XDIST_WORKER" not in os.environ:
        @pytest.hookimpl(wrapper=True)
        def pytest_runtest_logreport(report):
            yield
            if report.failed:
                stopped()

        @pytest.hookimpl(tryfirst=True)
        def pytest_sessionfinish():
            stopped()
"""
"""Notes the calls so far as soon as the plugin knows that a session is stopped."""


@pytest.mark.parametrize(("options", "how"), [("", "SIGINT"), (SPREAD, "SIGINT"), (SPREAD, "-x")])
def test_no_call_begins_ahead_once_the_session_is_stopped(project: Project, options: str, how: str) -> None:
    project.dataset([{"id": f"c{i:02}", "reference": "yes"} for i in range(80)])
    project.target("""
        if case.id > "c03" and {f"v1 c0{i}" for i in range(4)} <= set(CALLS.read_text().splitlines()):
            while not CALLS.with_name("by-then.txt").exists():  # c03 is yet to stop the session
                time.sleep(0.01)
        time.sleep(0.1)
        return "yes"
    """)
    project.write("stopped.py", STOPPED)
    project.suite(f"""
        import os, signal, time
        import pytest

        @pytest.fixture(scope="session", autouse=True)
        def slow_to_go():
            yield
            time.sleep(4)

        @pytest.mark.genaiops(dataset="capitals", variants=["v1"])
        def test_case(response, case):
            if case.id == "c03":
                assert "{how}" == "SIGINT"
                os.kill(os.getppid() if "PYTEST_XDIST_WORKER" in os.environ else os.getpid(), signal.SIGINT)
    """)
    options += " -p stopped --genaiops-concurrency=2" + (" -x" if how == "-x" else "")
    result = project.run_apart(*options.split())
    assert result.ret == pytest.ExitCode.INTERRUPTED
    by_then = (project.path / "by-then.txt").read_text().splitlines()
    assert len(project.calls) - len(by_then) < 30  # ahead there was time for all of them
