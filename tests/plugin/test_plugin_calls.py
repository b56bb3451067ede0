"""How targets are called: once a trial, several at a time but not too many, and never for ever."""

from __future__ import annotations

from collections import Counter

import pytest
from inner import CITIES, ROWS, Project, outcomes

COUNTING = """
import asyncio, pathlib, threading, time
import pytest

lock = threading.Lock()
under_way = 0
most = 0

def enter():
    global under_way, most
    with lock:
        under_way += 1
        most = max(most, under_way)

def leave():
    global under_way
    with lock:
        under_way -= 1

def slow_sync(case, variant):
    enter()
    time.sleep(0.05)
    leave()
    return "yes"

async def slow_async(case, variant):
    enter()
    await asyncio.sleep(0.05)
    leave()
    return "yes"

@pytest.fixture(scope="session")
def target():
    return {target}

def pytest_sessionfinish():
    pathlib.Path("most.txt").write_text(str(most))
"""


class TestOnce:
    def test_across_tests_metrics_and_modules(self, project: Project) -> None:
        source = """
            import pytest

            @pytest.mark.genaiops(dataset="capitals", variants=["v1", "v2"], baseline="v1")
            def test_whole(responses, baseline, exact_match, token_f1):
                assert exact_match(responses) == 1 and token_f1(responses) == 1
                assert exact_match(responses).not_worse_than(baseline, margin=1.0)

            @pytest.mark.genaiops(dataset="capitals", variants=["v1", "v2"], pass_rate=1.0)
            def test_each(response, exact_match, token_f1):
                assert exact_match(response) == 1 and token_f1(response) == 1

            @pytest.mark.genaiops(dataset="capitals", variants=["v1"])
            def test_texts(responses):
                assert all(r.text for r in responses)
        """
        project.suite(source, name="test_one.py")
        project.suite(source, name="test_two.py")
        result = project.run()
        assert result.parseoutcomes() == {"passed": 26}
        assert Counter(project.calls) == {f"{v} {c}": 1 for v in ("v1", "v2") for c in CITIES}

    def test_each_trial_is_a_call(self, project: Project) -> None:
        project.by_case('variants=["v1"], trials=3')
        project.run().assert_outcomes(passed=12)
        assert Counter(project.calls) == {f"v1 {c}": 3 for c in CITIES}

    def test_trials_are_shared_by_suites_that_ask_for_fewer(self, project: Project) -> None:
        project.by_case('variants=["v1"], trials=2')
        project.suite(
            """
            import pytest

            @pytest.mark.genaiops(dataset="capitals", variants=["v1"])
            def test_one(responses):
                assert len(responses) == 4
            """,
            name="test_other.py",
        )
        project.run().assert_outcomes(passed=9)
        assert Counter(project.calls) == {f"v1 {c}": 2 for c in CITIES}

    def test_a_failing_call_is_not_repeated_either(self, project: Project) -> None:
        project.target("raise ConnectionError('no route')")
        project.by_case()
        project.whole()
        project.run().assert_outcomes(failed=1)
        assert len(project.calls) == 4

    def test_only_what_is_selected_is_called(self, project: Project) -> None:
        project.by_case('variants=["v1", "v2"]')
        project.run("-k", "v2-c3").assert_outcomes(passed=1)
        assert project.calls == ["v2 c3"]

    def test_collecting_calls_nothing(self, project: Project) -> None:
        project.by_case('variants=["v1", "v2"]')
        project.run("--collect-only")
        assert project.calls == []

    def test_two_targets_are_two_systems(self, project: Project) -> None:
        project.target("return 'other'", folder="sub")
        project.by_case('variants=["v1"]')
        project.suite(
            """
            import pytest

            @pytest.mark.genaiops(dataset="capitals", variants=["v1"])
            def test_other(response):
                assert response.text == "other"
            """,
            name="sub/test_sub.py",
        )
        project.run().assert_outcomes(passed=8)
        assert Counter(project.calls) == {f"v1 {c}": 2 for c in CITIES}

    def test_a_function_scoped_target_is_still_one_system(self, project: Project) -> None:
        project.suite("""
            import pytest

            calls = []

            @pytest.fixture
            def target():
                return lambda case, variant: calls.append(case.id) or case.reference

            @pytest.mark.genaiops(dataset="capitals")
            def test_each(response, case):
                assert response.text == case.reference

            @pytest.mark.genaiops(dataset="capitals")
            def test_whole(responses):
                assert len(responses) == 4

            def test_count():
                assert sorted(calls) == ["c1", "c2", "c3", "c4"]
        """)
        project.run().assert_outcomes(passed=6)


@pytest.mark.parametrize(
    "target",
    ["slow_sync", "slow_async", "lambda case, variant: slow_async(case, variant)"],
    ids=["sync", "async", "lambda"],
)
class TestConcurrency:
    def test_bounded_and_used(self, project: Project, target: str) -> None:
        project.dataset([{"id": f"c{i}", "reference": "yes"} for i in range(40)])
        project.write("conftest.py", COUNTING.replace("{target}", target))
        project.by_case()
        project.run("--genaiops-concurrency=10").assert_outcomes(passed=40)
        most = int((project.path / "most.txt").read_text())
        assert most == 10

    def test_one_at_a_time(self, project: Project, target: str) -> None:
        project.write("conftest.py", COUNTING.replace("{target}", target))
        project.by_case()
        project.run("--genaiops-concurrency=1").assert_outcomes(failed=4)
        assert int((project.path / "most.txt").read_text()) == 1


def test_items_start_before_all_calls_have_ended(project: Project) -> None:
    project.target("""
        while case.id != "c1" and not CALLS.with_name("started.txt").exists():
            time.sleep(0.01)
        return case.reference
    """)
    project.suite("""
        import pathlib
        import pytest

        @pytest.mark.genaiops(dataset="capitals")
        def test_each(response, case):
            pathlib.Path("started.txt").touch()
    """)
    project.run_apart().assert_outcomes(passed=4)


class TestTimeout:
    @pytest.mark.parametrize(
        ("head", "body"),
        [
            ("def answer(case, variant):", "time.sleep(60 if case.id == 'c2' else 0)\nreturn case.reference"),
            (
                "async def answer(case, variant):",
                "await asyncio.sleep(60 if case.id == 'c2' else 0)\nreturn case.reference",
            ),
        ],
        ids=["sync", "async"],
    )
    def test_a_hanging_call_is_a_case_without_a_result(self, project: Project, head: str, body: str) -> None:
        project.target(body, head=head)
        project.by_case('variants=["v1"], pass_rate=0.1')
        result = project.run("-v", "--genaiops-timeout=1")
        assert outcomes(result) == {
            "test_answer[v1-c1]": "PASSED",
            "test_answer[v1-c2]": "FAILED",
            "test_answer[v1-c3]": "PASSED",
            "test_answer[v1-c4]": "PASSED",
            "test_answer[v1-pass_rate]": "FAILED",
        }
        result.stdout.fnmatch_lines(["*timeout: no answer within 1 s*"])
        assert result.duration < 50

    def test_the_rest_goes_on_when_every_place_hangs(self, project: Project) -> None:
        project.target("time.sleep(60 if case.id in ('c1', 'c2') else 0)\nreturn case.reference")
        project.by_case()
        result = project.run("-v", "--genaiops-timeout=1", "--genaiops-concurrency=2")
        assert list(outcomes(result).values()) == ["FAILED", "FAILED", "PASSED", "PASSED"]
        assert result.duration < 50

    def test_the_process_ends_although_a_call_still_hangs(self, project: Project) -> None:
        project.target("time.sleep(200 if case.id == 'c2' else 0)\nreturn case.reference")
        project.by_case()
        result = project.run_apart("--genaiops-timeout=1")
        result.assert_outcomes(passed=3, failed=1)
        assert result.duration < 150

    def test_from_the_ini_file(self, project: Project) -> None:
        project.write("pytest.ini", "[pytest]\ngenaiops_timeout = 1\n")
        project.dataset(ROWS[:1])
        project.target("time.sleep(60)\nreturn case.reference")
        project.by_case()
        result = project.run()
        result.assert_outcomes(failed=1)
        assert result.duration < 50

    def test_calls_without_a_limit_may_take_their_time(self, project: Project) -> None:
        project.target("time.sleep(0.4)\nreturn case.reference")
        project.by_case()
        project.run().assert_outcomes(passed=4)


class TestOtherLoops:
    def test_users_of_pytest_asyncio_keep_their_own_loop(self, project: Project) -> None:
        pytest.importorskip("pytest_asyncio")
        project.write("pytest.ini", "[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n")
        project.target("await asyncio.sleep(0.01)\nreturn case.reference", head="async def answer(case, variant):")
        project.by_case()
        project.write(
            "test_async.py",
            """
            import asyncio

            async def test_own_loop():
                await asyncio.sleep(0)
                assert "genaiops" not in __import__("threading").current_thread().name
        """,
        )
        project.run("-p", "asyncio").assert_outcomes(passed=5)

    @pytest.mark.parametrize("fixture", ["response", "responses"])
    def test_an_async_suite_test_never_passes_without_having_run(self, project: Project, fixture: str) -> None:
        project.suite(
            """
            import pytest

            @pytest.mark.genaiops(dataset="capitals")
            async def test_async({fixture}):
                assert False
            """,
            fixture=fixture,
        )
        assert "passed" not in project.run().parseoutcomes()

    @pytest.mark.parametrize("fixture", ["response", "responses"])
    def test_an_async_suite_test_under_pytest_asyncio(self, project: Project, fixture: str) -> None:
        pytest.importorskip("pytest_asyncio")
        project.write("pytest.ini", "[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n")
        project.suite(
            """
            import asyncio
            import pytest

            @pytest.mark.genaiops(dataset="capitals")
            async def test_async({fixture}):
                await asyncio.sleep(0)
                assert False
            """,
            fixture=fixture,
        )
        result = project.run("-p", "asyncio")
        assert "passed" not in result.parseoutcomes()
        assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_calls_do_not_go_on_once_x_has_ended_the_session(project: Project) -> None:
    project.dataset([{"id": f"c{i:02}", "reference": "yes"} for i in range(40)])
    project.write(
        "conftest.py",
        """
        import pathlib, time
        import pytest

        NOTES = pathlib.Path(__file__).parent / "calls.txt"

        def note(text):
            with NOTES.open("a") as file:
                file.write(text + "\\n")

        @pytest.fixture(scope="session")
        def target():
            def answer(case, variant):
                note("call")
                time.sleep(0.05)
                return "no"

            yield answer
            note("torn down")
            time.sleep(0.5)
    """,
    )
    project.by_case('variants=["v1"]')
    result = project.run("-x", "--genaiops-concurrency=2")
    assert result.parseoutcomes() == {"failed": 1}
    behind = project.calls[project.calls.index("torn down") :]
    assert len(behind) <= 3  # each of the two threads may have been about to call
