"""Other people's plugins, hooks and fixtures see a suite's items as they see any test."""

from __future__ import annotations

import pytest
from inner import CITIES, Project, outcomes

HOOKS = ("pytest_runtest_setup", "pytest_runtest_call", "pytest_runtest_teardown", "pytest_runtest_logreport")


class TestHooks:
    @pytest.mark.parametrize("folder", [".", "sub"])
    def test_conftest_hooks_are_called_for_every_case_and_gate(self, project: Project, folder: str) -> None:
        project.write(f"{folder}/hooks.txt", "")
        source = f"import pathlib\n\nPLACE = pathlib.Path(r'{project.path}') / 'hooks.txt'\n"
        for hook in HOOKS[:3]:
            source += f"\ndef {hook}(item):\n    with PLACE.open('a') as file:\n        file.write('{hook}\\n')\n"
        if folder == ".":
            source = (project.path / "conftest.py").read_text() + "\n" + source
        project.write(f"{folder}/conftest.py", source)
        project.suite(
            """
            import pytest

            @pytest.mark.genaiops(dataset="capitals", pass_rate=1.0)
            def test_each(response, exact_match):
                assert exact_match(response) == 1
            """,
            name=f"{folder}/test_each.py",
        )
        project.run().assert_outcomes(passed=5)
        lines = (project.path / "hooks.txt").read_text().splitlines()
        assert {hook: lines.count(hook) for hook in HOOKS[:3]} == dict.fromkeys(HOOKS[:3], 5)

    def test_hooks_of_another_folder_are_not(self, project: Project) -> None:
        project.write("other/conftest.py", "def pytest_runtest_setup(item):\n    raise RuntimeError('not my folder')\n")
        project.write("other/test_other.py", "def test_other():\n    pass\n")
        project.by_case()
        project.run().assert_outcomes(passed=4, errors=1)

    def test_a_conftest_may_reorder_and_deselect(self, project: Project) -> None:
        text = (project.path / "conftest.py").read_text()
        project.write("conftest.py", text + (
            "\ndef pytest_collection_modifyitems(config, items):\n"
            "    config.hook.pytest_deselected(items=[i for i in items if 'v2' in i.name])\n"
            "    items[:] = [i for i in reversed(items) if 'v2' not in i.name]\n"
        ))  # fmt: skip
        project.by_case('variants=["v1", "v2"], pass_rate=1.0')
        found = outcomes(project.run("-v"))
        assert list(found) == [f"test_answer[v1-{name}]" for name in ("c4", "c3", "c2", "c1", "pass_rate")]
        assert set(found.values()) == {"PASSED"}


class TestCapturedOutput:
    def test_what_test_and_fixtures_print_is_shown_with_the_failure(self, project: Project) -> None:
        project.target('return "London"')
        project.suite("""
            import pytest

            @pytest.fixture
            def loud(case):
                print("before", case.id)
                yield
                print("after", case.id)

            @pytest.mark.genaiops(dataset="capitals")
            def test_each(response, case, loud, exact_match):
                print("during", case.id)
                assert exact_match(response) == 1
        """)
        text = project.run("-k", "c3").stdout.str()
        for phase, words in (("setup", "before c3"), ("call", "during c3"), ("teardown", "after c3")):
            assert f"- Captured stdout {phase} -" in text
            assert words in text

    def test_what_a_test_prints_does_not_stand_between_the_dots(self, project: Project) -> None:
        project.suite("""
            import pytest

            @pytest.mark.genaiops(dataset="capitals", pass_rate=1.0)
            def test_each(response, exact_match):
                print("the test speaks")
                assert exact_match(response) == 1
        """)
        result = project.run()
        result.assert_outcomes(passed=5)
        assert "speaks" not in result.stdout.str()

    def test_what_a_target_prints_does_not_either(self, project: Project) -> None:
        project.target("time.sleep(0.05)\nprint('the target speaks')\nreturn case.reference")
        project.by_case("pass_rate=1.0")
        result = project.run("--genaiops-concurrency=1")
        result.assert_outcomes(passed=5)
        assert "speaks" not in result.stdout.str()

    def test_logs_and_capsys_of_one_case_hold_that_case_alone(self, project: Project) -> None:
        project.suite("""
            import logging
            import pytest

            @pytest.mark.genaiops(dataset="capitals")
            def test_each(response, case, caplog, capsys):
                logging.getLogger("mine").warning("about %s", case.id)
                print(case.id)
                assert [record.getMessage() for record in caplog.records] == [f"about {case.id}"]
                assert capsys.readouterr().out == f"{case.id}\\n"
        """)
        project.run().assert_outcomes(passed=4)

    def test_warnings_are_counted(self, project: Project) -> None:
        project.suite("""
            import warnings
            import pytest

            @pytest.mark.genaiops(dataset="capitals")
            def test_each(response):
                warnings.warn("careful")
        """)
        project.run().assert_outcomes(passed=4, warnings=4)


class TestPlugins:
    def test_every_installed_plugin_at_once(self, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD")
        project.target('return "London" if case.id == "c2" else case.reference')
        project.by_case('variants=["v1"], pass_rate=0.75')
        result = project.run_apart("-v")
        assert outcomes(result) == {
            **{f"test_answer[v1-{key}]": "MISS" if key == "c2" else "PASSED" for key in CITIES},
            "test_answer[v1-pass_rate]": "PASSED",
        }

    def test_pytest_timeout_ends_a_case_that_waits_too_long(self, project: Project) -> None:
        pytest.importorskip("pytest_timeout")
        project.target("time.sleep(60 if case.id == 'c2' else 0)\nreturn case.reference")
        project.by_case("pass_rate=0.1")
        result = project.run_apart("-v", "-p", "timeout", "--timeout=4")
        result.assert_outcomes(passed=3, errors=1, failed=1)
        assert outcomes(result)["test_answer[default-pass_rate]"] == "FAILED"

    def test_escape_codes_stay_escaped_on_their_way_from_a_worker(self, project: Project) -> None:
        pytest.importorskip("xdist")
        project.target(r"return '\x1b[31;1mEVIL\x07'")
        project.suite("""
            import pytest

            @pytest.mark.genaiops(dataset="capitals")
            def test_each(response, case):
                assert response.text == case.reference
        """)
        text = project.run_apart("-v", "-rf", "-p", "xdist", "-n2").stdout.str()
        assert "EVIL" in text
        assert "\x1b" not in text
        assert "\x07" not in text

    @pytest.mark.parametrize(
        "options",
        [
            ["-s"],
            ["--assert=plain"],
            ["-p", "no:logging"],
            ["-p", "no:threadexception", "-p", "no:unraisableexception", "-p", "no:faulthandler"],
            ["-p", "no:cacheprovider"],
            ["-p", "no:junitxml"],
            ["--import-mode=importlib"],
            ["-W", "error"],
            ["--strict"],
            ["--capture=sys"],
            ["--setup-show"],
        ],
        ids=" ".join,
    )
    def test_pytest_without_some_of_its_parts(self, project: Project, options: list[str]) -> None:
        project.target('return "London" if case.id == "c2" else case.reference')
        project.by_case('variants=["v1"], pass_rate=0.75')
        result = project.run(*options)
        assert result.parseoutcomes() == {"passed": 4, "missed": 1}
        assert result.ret == pytest.ExitCode.OK

    def test_without_a_terminal_the_exit_code_tells(self, project: Project) -> None:
        project.by_case('variants=["v1"], pass_rate=1.0')
        assert project.run("-p", "no:terminal").ret == pytest.ExitCode.OK
        project.target('return "London"')
        assert project.run("-p", "no:terminal").ret == pytest.ExitCode.TESTS_FAILED

    @pytest.mark.parametrize(
        "suite",
        [
            "response",
            "responses",
        ],
    )
    def test_a_plan_of_setups_calls_nothing(self, project: Project, suite: str) -> None:
        project.suite(
            """
            import pytest

            @pytest.mark.genaiops(dataset="capitals")
            def test_it({suite}):
                pass
            """,
            suite=suite,
        )
        assert project.run("--setup-plan").ret == pytest.ExitCode.OK
        assert project.calls == []

    def test_doctests_and_other_collectors_stand_beside_suites(self, project: Project) -> None:
        project.write("notes.txt", ">>> 1 + 1\n2\n")
        project.whole()
        project.run("--doctest-glob=*.txt").assert_outcomes(passed=2)

    def test_debugging_at_the_failing_assertion(self, project: Project) -> None:
        project.target('return "London"')
        project.by_case()
        project.write(
            "quiet.py",
            """
            class Quiet:
                quitting = False

                def __init__(self, *args, **kwargs):
                    pass

                def reset(self):
                    pass

                def interaction(self, frame, traceback):
                    print("stopped at", frame)
        """,
        )
        result = project.run("--pdb", "--pdbcls=quiet:Quiet", "-k", "c1")
        result.assert_outcomes(failed=1)
        assert "stopped at" in result.stdout.str()
