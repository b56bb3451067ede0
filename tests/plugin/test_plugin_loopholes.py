"""Ways round a gate that were found by trying: each is closed."""

from __future__ import annotations

import textwrap

import pytest
from inner import Project, outcomes


class TestNothingPasses:
    def test_by_subtests(self, project: Project) -> None:
        project.target("return 'London'")
        project.suite("""
            import pytest

            @pytest.mark.genaiops(dataset="capitals", pass_rate=1.0)
            def test_each(response, subtests):
                with subtests.test():
                    assert response.text == "nowhere"
        """)
        result = project.run()
        if "fixture 'subtests' not found" in result.stdout.str():
            pytest.skip("this pytest has no subtests")
        assert result.ret == pytest.ExitCode.TESTS_FAILED
        assert "passed" not in result.parseoutcomes()
        assert "4 have no result" in result.stdout.str()

    def test_by_ids_that_collide(self, project: Project) -> None:
        project.dataset([{"id": "x-y", "reference": "a"}, {"id": "y", "reference": "a"}], name="twins")
        project.target("return 'a'")
        project.suite("""
            import pytest

            @pytest.mark.genaiops(dataset="twins", variants=["v1", "v1-x"], pass_rate=1.0)
            def test_each(response):
                assert response.text == "a"

            @pytest.mark.genaiops(dataset="twins", variants=["v1"])
            def test_other(response):
                assert response.text == "a"
        """)
        result = project.run()
        result.assert_outcomes(errors=1, passed=2)
        assert "two of its items would have the id test_each[v1-x-y]; rename a variant or a case" in result.stdout.str()

    @pytest.mark.parametrize(
        "source",
        [
            """
            @pytest.mark.genaiops(dataset="nowhere")
            class TestOld(unittest.TestCase):
                def test_it(self):
                    pass
            """,
            """
            class TestOld(unittest.TestCase):
                @pytest.mark.genaiops(bogus=1)
                def test_it(self):
                    pass
            """,
        ],
    )
    def test_by_a_testcase(self, project: Project, source: str) -> None:
        plain = "def test_plain():\n    pass\n"
        project.suite(f"import unittest\nimport pytest\n{textwrap.dedent(source)}\n{plain}")
        result = project.run()
        result.assert_outcomes(errors=1, passed=1)
        assert "TestOld: a unittest.TestCase takes no fixtures" in result.stdout.str()

    @pytest.mark.parametrize(
        "body",
        [
            "pytest.xfail('known') if response.error else None",
            "pytest.skip('flaky') if response.error else None",
        ],
    )
    def test_by_an_expected_failure_or_a_skip_over_errors(self, project: Project, body: str) -> None:
        project.target("if case.id == 'c2':\n    raise OSError('down')\nreturn case.reference")
        project.suite(
            """
            import pytest

            @pytest.mark.genaiops(dataset="capitals", pass_rate=0.5)
            def test_each(response):
                {body}
            """,
            body=body,
        )
        result = project.run()
        assert result.ret == 69  # EX_UNAVAILABLE: there is no result
        assert "1 has no result" in result.stdout.str()

    @pytest.mark.parametrize("fixtures", ["response, baseline", "responses, baseline"])
    def test_over_a_baseline_that_is_an_error(self, project: Project, fixtures: str) -> None:
        project.target("if variant.id == 'v1':\n    raise OSError('down')\nreturn case.reference")
        project.suite(
            """
            import pytest

            @pytest.mark.genaiops(dataset="capitals", variants=["v1", "v2"], baseline="v1")
            def test_it({fixtures}):
                assert baseline
            """,
            fixtures=fixtures,
        )
        assert set(outcomes(project.run("-v")).values()) == {"FAILED"}

    def test_by_an_async_function(self, project: Project) -> None:
        project.suite("""
            import pytest

            @pytest.mark.genaiops(dataset="capitals")
            async def test_it(responses):
                pass

            def test_plain():
                pass
        """)
        result = project.run()
        result.assert_outcomes(errors=1, passed=1)
        assert "test_suite.py:4: test_it: a suite's test is a plain function" in result.stdout.str()

    def test_by_a_glob_that_matches_nothing_under_xdist(self, project: Project) -> None:
        pytest.importorskip("xdist")
        project.whole()
        result = project.run_apart("-p", "xdist", "-n", "2", "--genaiops-variant=zz")
        assert result.ret == pytest.ExitCode.TESTS_FAILED
        assert "--genaiops-variant='zz' matches no variant of the collected suites" in result.stdout.str()

    def test_a_parameter_of_the_plugins_name_stops_that_test_alone(self, project: Project) -> None:
        project.suite("""
            import pytest

            @pytest.mark.parametrize("variant", ["mine"])
            @pytest.mark.genaiops(dataset="capitals")
            def test_it(responses, variant):
                pass

            def test_plain():
                pass
        """)
        result = project.run()
        result.assert_outcomes(errors=1, passed=1)
        assert "`variant` comes from the marker; choose another name" in result.stdout.str()


class TestControlCodes:
    ESCAPE = "\x1b[31m"

    @pytest.mark.parametrize("colour", ["yes", "no"])
    @pytest.mark.parametrize(
        ("row", "body"),
        [
            ({"reference": f"r{ESCAPE}"}, "assert response.text == case.reference"),
            ({"contexts": [f"c{ESCAPE}"]}, "raise ValueError(case.contexts[0])"),
            ({"reference": "x", "question": f"q{ESCAPE}"}, "assert case.inputs['question'] == ''"),
        ],
    )
    def test_in_the_rows_of_a_dataset(self, project: Project, row: dict, body: str, colour: str) -> None:
        project.dataset([{"id": "c1", **row}], name="bad")
        project.target("return 'x'")
        project.suite(
            """
            import pytest

            @pytest.mark.genaiops(dataset="bad")
            def test_it(response, case):
                {body}
            """,
            body=body,
        )
        text = project.run(f"--color={colour}").stdout.str()
        assert "\x1b[31m'" not in text
        assert f"r{self.ESCAPE}" not in text
        assert f"c{self.ESCAPE}" not in text
        assert f"q{self.ESCAPE}" not in text

    @pytest.mark.parametrize("colour", ["yes", "no"])
    def test_in_what_a_passing_test_prints(self, project: Project, colour: str) -> None:
        project.target(r"return 'x\x1b[31mz'")
        project.suite("""
            import pytest

            @pytest.mark.genaiops(dataset="capitals")
            def test_it(response):
                print(response.text)
        """)
        text = project.run("-rA", f"--color={colour}").stdout.str()
        assert "x\x1b[31mz" not in text

    def test_in_a_teardown(self, project: Project) -> None:
        project.target(r"return 'x\x1b[31mz'")
        project.suite("""
            import pytest

            @pytest.fixture
            def late(response):
                yield
                raise ValueError(response.text)

            @pytest.mark.genaiops(dataset="capitals")
            def test_it(response, late):
                pass
        """)
        for colour in ("yes", "no"):
            assert "x\x1b[31mz" not in project.run(f"--color={colour}").stdout.str()
