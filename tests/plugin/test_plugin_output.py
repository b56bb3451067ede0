"""What is printed: evidence under failures, the table at the end, and nothing into other people's sessions."""

from __future__ import annotations

import re

import pytest
from inner import ROWS, Project

ESCAPE = "\x1b[31;1mEVIL\x1b]0;title\x07"
COLOUR = re.compile(r"\x1b\[[0-9;]*m")

WRONG = 'return {"c2": "London", "c3": "Lisbon"}.get(case.id, case.reference)'


class TestFailedAssertion:
    def test_value_threshold_n_and_the_worst_cases_with_their_text(self, project: Project) -> None:
        project.target(WRONG)
        project.whole('variants=["v1"]', threshold=0.9)
        project.run().stdout.fnmatch_lines([
            "E       AssertionError: assert exact_match = 0.5000 (n=4, scale 0-1) >= 0.9",
            "E         worst cases:",
            "E           c2: 0.0000  'London'",
            "E           c3: 0.0000  'Lisbon'",
            "E         signature: exact_match|data:*",
        ])  # fmt: skip

    def test_no_more_than_five_cases(self, project: Project) -> None:
        project.dataset([{"id": f"c{i}", "reference": "yes"} for i in range(30)])
        project.target("return 'no'")
        project.whole('variants=["v1"]', threshold=0.9)
        text = project.run().stdout.str()
        assert re.findall(r"^E +(c\d+): 0\.0000  'no'$", text, re.MULTILINE) == ["c0", "c1", "c2", "c3", "c4"]

    def test_unscored_cases_with_their_reasons(self, project: Project) -> None:
        project.target("if case.id in ('c1', 'c3'):\n    raise ConnectionError('no route')\nreturn case.reference")
        project.whole('variants=["v1"]', threshold=0.9)
        project.run().stdout.fnmatch_lines([
            "E       AssertionError: assert exact_match = 1.0000 (n=2, 2 unscored, scale 0-1) >= 0.9",
            "E         2 of 4 cases unscored: no comparison passes until every case is scored",
            "E         unscored:",
            "E           c1: target: the target raised ConnectionError: no route",
            "E           c3: target: the target raised ConnectionError: no route",
        ])  # fmt: skip

    def test_the_threshold_may_stand_on_the_left(self, project: Project) -> None:
        project.target(WRONG)
        project.suite("""
            import pytest

            @pytest.mark.genaiops(dataset="capitals")
            def test_left(responses, exact_match):
                assert 0.9 <= exact_match(responses)
        """)
        project.run().stdout.fnmatch_lines(["E *exact_match = 0.5000 (n=4, scale 0-1) >= 0.9"])

    def test_two_scores(self, project: Project) -> None:
        project.target('return "London" if variant.id == "v2" else case.reference')
        project.suite("""
            import pytest

            @pytest.mark.genaiops(dataset="capitals", variants=["v1", "v2"], baseline="v1")
            def test_better(responses, baseline, exact_match):
                assert exact_match(responses) >= exact_match(baseline)
        """)
        result = project.run()
        result.assert_outcomes(passed=1, failed=1)
        two = "E *exact_match = 0.0000 (n=4, scale 0-1) >= exact_match = 1.0000 (n=4, scale 0-1)"
        result.stdout.fnmatch_lines([two])

    def test_a_group_member(self, project: Project) -> None:
        project.target(WRONG)
        project.suite("""
            import pytest

            @pytest.mark.genaiops(dataset="capitals")
            def test_rouge(responses, rouge):
                assert rouge(responses).rougeL >= 0.9
        """)
        project.run().stdout.fnmatch_lines(["E *rougeL = 0.5000 (n=4, scale 0-1) >= 0.9", "E *c2: 0.0000  'London'"])

    def test_an_undecided_verdict_shows_its_reason_and_the_cases(self, project: Project) -> None:
        project.target(WRONG)
        project.suite("""
            import pytest

            @pytest.mark.genaiops(dataset="capitals", variants=["v1"])
            def test_verdict(responses, exact_match):
                assert exact_match(responses).at_least(0.5)
        """)
        result = project.run()
        result.assert_outcomes(failed=1)
        result.stdout.fnmatch_lines(["E *assert <undecided: exact_match *0.5*is not clearly at least 0.5 (n=4*"])
        result.stdout.fnmatch_lines(["exact_match = 0.5000 (n=4, scale 0-1)", "  c2: 0.0000  'London'", "signature: *"])

    def test_a_long_answer_is_cut_to_a_line(self, project: Project) -> None:
        project.target("return 'word ' * 5000")
        project.whole('variants=["v1"]', threshold=0.9)
        lines = [line for line in project.run().outlines if line.startswith("E   ") and ": 0.0000" in line]
        assert len(lines) == 4
        assert max(map(len, lines)) < 130

    def test_plain_numbers_are_explained_by_pytest_as_ever(self, project: Project) -> None:
        project.suite("def test_numbers(bleu):\n    assert 1 >= 2\n")
        project.run().stdout.fnmatch_lines(["E       assert 1 >= 2"])


class TestSummaryTable:
    def test_variants_side_by_side_with_the_change_against_the_baseline(self, project: Project) -> None:
        project.dataset([{**row, "slice_size": "big" if row["id"] in ("c1", "c2") else "small"} for row in ROWS])
        project.target('return "London" if variant.id == "v2" and case.id == "c2" else case.reference')
        project.suite("""
            import pytest

            @pytest.mark.genaiops(dataset="capitals", variants=["v1", "v2"], baseline="v1")
            def test_answers(responses, exact_match, latency):
                assert exact_match(responses) >= 0.7
        """)
        result = project.run()
        start = next(i for i, line in enumerate(result.outlines) if "capitals, 4 cases, baseline v1" in line)
        rows = [line.replace("↑", "").split() for line in result.outlines[start + 1 : start + 5]]
        assert rows == [
            ["v1", "v2"],
            # The bounds are Clopper and Pearson's (statsmodels 0.15.0, proportion_confint(..., method="beta")).
            ["exact_match", "1.0000", "[0.398,", "1.000]", "0.7500", "[0.194,", "0.994]", "-0.2500"],
            ["size=big", "1.0000", "[0.158,", "1.000]", "0.5000", "[0.013,", "0.987]", "-0.5000"],
            ["size=small", "1.0000", "[0.158,", "1.000]", "1.0000", "[0.158,", "1.000]", "+0.0000"],
        ]

    def test_trials_are_told_of(self, project: Project) -> None:
        project.target("return case.reference")
        project.by_case('variants=["v1"], trials=3, pass_rate=0.9')
        result = project.run()
        result.stdout.fnmatch_lines(["*capitals, 4 cases in 3 trials, each trial a test; values are*", "  passed *12"])

    def test_unscored_cases_are_counted(self, project: Project) -> None:
        project.target("if case.id == 'c1':\n    raise ConnectionError('no route')\nreturn case.reference")
        project.whole('variants=["v1"]', threshold=0.9)
        project.run().stdout.fnmatch_lines(["  unscored *1"])

    def test_no_colour_when_it_is_not_a_terminal(self, project: Project) -> None:
        project.target(WRONG)
        project.by_case('variants=["v1", "v2"], baseline="v1", pass_rate=0.1')
        assert "\x1b" not in project.run().stdout.str()

    def test_colour_where_it_is_asked_for(self, project: Project) -> None:
        project.target(WRONG)
        project.by_case('variants=["v1"], pass_rate=0.1')
        text = project.run("--color=yes").stdout.str()
        assert "\x1b" in text
        assert "\x1b" not in COLOUR.sub("", text)

    def test_nothing_without_a_suite(self, project: Project) -> None:
        project.suite("def test_plain(bleu):\n    assert bleu(['a b c d'], [['a b c d']]) == 100\n")
        assert "- genaiops -" not in project.run().stdout.str()

    def test_wide_names_and_many_variants_stay_within_the_terminal(
        self, project: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("COLUMNS", "80")
        variants = [f"variant_number_{i}" for i in range(12)]
        project.whole(f"variants={variants!r}")
        result = project.run()
        start = next(i for i, line in enumerate(result.outlines) if "- genaiops -" in line)
        assert max(map(len, result.outlines[start:-1])) <= 80
        assert all(name in "\n".join(result.outlines[start:]) for name in variants)


@pytest.mark.parametrize("colour", ["--color=no", "--color=yes"])
class TestEscapeCodes:
    """Model output is untrusted: a terminal must never be given its control characters."""

    def check(self, result: pytest.RunResult) -> None:
        text = result.stdout.str() + result.stderr.str()
        assert "EVIL" in text, "the test shows what the model said"
        assert "\x1b[31;1mEVIL" not in text
        assert "\x07" not in text
        assert "\x1b" not in COLOUR.sub("", text), "pytest's own colours are the only escape codes"

    def evil(self, project: Project, body: str) -> None:
        project.target(f"evil = {ESCAPE!r}\n{body}")

    def test_in_the_worst_cases(self, project: Project, colour: str) -> None:
        self.evil(project, "return evil")
        project.whole('variants=["v1"]')
        self.check(project.run(colour))

    def test_case_by_case_with_locals_and_captured_output(self, project: Project, colour: str) -> None:
        self.evil(project, "return evil")
        project.suite("""
            import pytest

            @pytest.mark.genaiops(dataset="capitals", variants=["v1"])
            def test_case(response, exact_match):
                text = response.text
                print(text)
                assert exact_match(response) >= 1
        """)
        self.check(project.run(colour, "-l", "-rA"))

    @pytest.mark.parametrize("style", ["long", "short", "line", "native", "no"])
    def test_in_a_comparison_of_texts(self, project: Project, colour: str, style: str) -> None:
        self.evil(project, "return evil")
        project.suite("""
            import pytest

            @pytest.mark.genaiops(dataset="capitals", variants=["v1"])
            def test_case(response, case):
                assert response.text == case.reference, response.text
        """)
        self.check(project.run(colour, f"--tb={style}", "-v", "-rf"))

    def test_in_an_error_of_the_target(self, project: Project, colour: str) -> None:
        self.evil(project, "raise ConnectionError(evil)")
        project.whole('variants=["v1"]')
        self.check(project.run(colour))

    def test_in_an_error_that_the_test_passes_over(self, project: Project, colour: str) -> None:
        self.evil(project, "raise ConnectionError(evil)")
        project.suite("""
            import pytest

            @pytest.mark.genaiops(dataset="capitals", variants=["v1"])
            def test_case(response):
                pass
        """)
        self.check(project.run(colour, "-rf"))

    def test_in_case_ids(self, project: Project, colour: str) -> None:
        project.dataset([{"id": f"c{ESCAPE}", "reference": "yes"}])
        project.target("return 'no'")
        project.by_case('variants=["v1"], pass_rate=0.1')
        self.check(project.run(colour, "-v", "-rA"))

    def test_in_slices_and_recorded_system_names(self, project: Project, colour: str) -> None:
        (project.path / "conftest.py").unlink()
        row = {"id": "c1", "reference": "yes", "slice_kind": ESCAPE, "responses": {f"s{ESCAPE}": "no"}}
        project.dataset([row])
        project.suite("""
            import pytest

            @pytest.mark.genaiops(dataset="capitals")
            def test_whole(responses, exact_match):
                assert exact_match(responses) >= 1
        """)
        self.check(project.run(colour, "-v", "-rA"))

    def test_in_a_failed_verdict(self, project: Project, colour: str) -> None:
        self.evil(project, "return evil")
        project.suite("""
            import pytest

            @pytest.mark.genaiops(dataset="capitals", variants=["v1"])
            def test_verdict(responses, exact_match):
                assert exact_match(responses).at_least(0.9)
        """)
        self.check(project.run(colour))

    def test_in_a_dataset_error(self, project: Project, colour: str) -> None:
        project.dataset([{"id": "c1", f"slice_{ESCAPE}": ["EVIL"]}])
        project.whole()
        self.check(project.run(colour))


PLAIN = """
    import pytest

    @pytest.mark.parametrize("x", [1, 2])
    def test_param(x):
        print("said", x)
        assert x < 2

    def test_skip():
        pytest.skip("why")

    class TestClass:
        def test_pass(self, tmp_path):
            assert tmp_path.exists()
"""


class TestOtherPeoplesSessions:
    @pytest.mark.parametrize(
        "options",
        [[], ["-v"], ["-q"], ["-rA"], ["--collect-only"], ["--setup-show"], ["--durations=0", "--durations-min=9"]],
    )
    def test_not_a_byte_is_printed(
        self, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, options: list[str]
    ) -> None:
        monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
        pytester.makepyfile(test_plain="\n".join(line[4:] for line in PLAIN.splitlines()))

        def text(*arguments: str) -> str:
            lines = pytester.runpytest_inprocess(*arguments, *options).outlines
            kept = "\n".join(line for line in lines if not line.startswith("plugins:"))
            kept = re.sub(r"pytest-\d+/\w+", "<tmp>", kept)
            return re.sub(r"=*( [^=]*?)?\d+\.\d+s[^=]*=*", "<time>", kept)

        assert text("-p", "genaiops") == text("-p", "no:genaiops")

    def test_no_package_is_imported_that_pytest_would_not_import(
        self, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
        pytester.makepyfile("""
            import sys
            from pathlib import Path

            def test_modules():
                Path("modules.txt").write_text("\\n".join(sys.modules))
        """)

        def modules(*arguments: str) -> set[str]:
            pytester.runpytest_subprocess(*arguments).assert_outcomes(passed=1)
            return set((pytester.path / "modules.txt").read_text().splitlines())

        extra = modules("-p", "genaiops") - modules("-p", "no:genaiops")
        assert {name for name in extra if not name.startswith("_pytest")} == {
            "pytest_genaiops", "pytest_genaiops.plugin", "pytest_genaiops.plugin.hooks", "pytest_genaiops.plugin.names",
            "pytest_genaiops.plugin.asked", "pytest_genaiops.plugin.hookspecs",
            "pytest_genaiops.plugin.grounding_fixtures",
        }  # fmt: skip

    def test_the_installed_plugin_is_found_without_being_named(self, pytester: pytest.Pytester) -> None:
        pytester.makepyfile("def test_it(exact_match):\n    assert exact_match(['a b'], ['a b']) == 1\n")
        result = pytester.runpytest_subprocess("-p", "no:randomly")
        result.assert_outcomes(passed=1)

    def test_switched_off_it_is_gone(self, pytester: pytest.Pytester) -> None:
        pytester.makepyfile("def test_it(exact_match):\n    pass\n")
        result = pytester.runpytest_subprocess("-p", "no:genaiops")
        result.assert_outcomes(errors=1)
        result.stdout.fnmatch_lines(["*fixture 'exact_match' not found"])


@pytest.mark.parametrize("options", [[], ["-p", "xdist", "-n1"]], ids=["alone", "worker"])
def test_evidence_keeps_its_lines_on_a_terminal_without_unicode(
    project: Project, monkeypatch: pytest.MonkeyPatch, options: list[str]
) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    project.dataset()
    project.target("return 'Où → là?'")
    project.suite("""
        import pytest

        @pytest.mark.genaiops(dataset="capitals", variants=["v1"])
        def test_answers(responses, exact_match):
            assert exact_match(responses).at_least(0.9)
    """)
    result = project.run_apart(*options)
    assert r"  c1: 0.0000  'O\xf9 \u2192 l\xe0?'" in result.outlines
