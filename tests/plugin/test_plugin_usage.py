"""What is said to an author whose suite cannot run; everything else in the session still runs."""

from __future__ import annotations

import pytest
from inner import ROWS, Project, outcomes

MARKER = """
    import pytest

    @pytest.mark.genaiops({arguments})
    def test_suite({fixtures}):
        pass
"""

BROKEN = {
    "unknown marker argument": (
        'dataset="capitals", varants=["v1"]', "responses", "unknown argument 'varants'; did you mean 'variants'?",
    ),
    "argument by position": ('"capitals"', "responses", "genaiops takes named arguments only: dataset='capitals'"),
    "no dataset": ('variants=["v1"]', "responses", 'the suite names no dataset; add dataset="<name>"'),
    "misspelt dataset": ('dataset="capitols"', "responses", "did you mean 'capitals'?"),
    "dataset of a wrong type": ("dataset=3", "responses", "dataset=3: give a name, a path, a list of rows"),
    "baseline fixture without baseline": (
        'dataset="capitals"', "responses, baseline",
        'add baseline="<variant id>" to the marker',
    ),
    "unknown baseline": (
        'dataset="capitals", variants=["v1", "v2"], baseline="v3"', "responses, baseline",
        "the baseline 'v3' is no variant of this suite",
    ),
    "pass_rate with responses": (
        'dataset="capitals", pass_rate=0.9', "responses",
        "pass_rate counts cases, but the test judges the whole dataset at once; ask for `response` or `case`",
    ),
    "pass_rate in percent": (
        'dataset="capitals", pass_rate=90', "response",
        "pass_rate=90: give the share of cases that must pass, such as 0.9",
    ),
    "pass_rate of nothing": ('dataset="capitals", pass_rate=0', "response", "pass_rate=0: give the share"),
    "trials": ('dataset="capitals", trials=0', "response", "trials=0: give a whole number of 1 or more"),
    "fractional trials": ('dataset="capitals", trials=1.5', "response", "trials=1.5: give a whole number"),
    "both grains": ('dataset="capitals"', "response, responses", "(the whole dataset) and for `response` or `case`"),
    "no fixture of ours": (
        'dataset="capitals"', "tmp_path", "asks for none of `responses`, `response`, `case`, `variant`",
    ),
    "no variant file": (
        'dataset="capitals", variants="prompts/*.yaml"', "responses", "no file matches 'prompts/*.yaml'",
    ),
    "no variants": ('dataset="capitals", variants=[]', "responses", "no variants are named"),
}  # fmt: skip


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_suite_is_one_sentence_and_the_rest_runs(project: Project, fault: str) -> None:
    arguments, fixtures, sentence = BROKEN[fault]
    project.suite(MARKER, name="test_broken.py", arguments=arguments, fixtures=fixtures)
    project.whole()
    project.write("test_plain.py", "def test_plain():\n    pass\n")
    result = project.run("-v")
    assert result.ret not in (pytest.ExitCode.OK, pytest.ExitCode.INTERNAL_ERROR)
    result.assert_outcomes(passed=2, errors=1)
    assert sentence in result.stdout.str()
    assert "Traceback" not in result.stdout.str()
    assert "pytest_genaiops/" not in result.stdout.str()


def test_tests_of_the_same_module_run_too(project: Project) -> None:
    project.suite("""
        import pytest

        @pytest.mark.genaiops(dataset="nowhere")
        def test_broken(responses):
            pass

        @pytest.mark.genaiops(dataset="capitals")
        def test_whole(responses, exact_match):
            assert exact_match(responses) == 1

        def test_plain():
            pass
    """)
    result = project.run("-v")
    assert outcomes(result) == {"test_whole[default]": "PASSED", "test_plain": "PASSED"}
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*ERROR*test_broken*"])


@pytest.mark.parametrize("options", [["--collect-only"], ["--collect-only", "-q"], ["-k", "plain"], ["-x"]])
def test_a_broken_suite_is_never_a_green_run(project: Project, options: list[str]) -> None:
    project.suite(MARKER, name="test_broken.py", arguments='dataset="nowhere"', fixtures="responses")
    project.write("test_plain.py", "def test_plain():\n    pass\n")
    assert project.run(*options).ret != pytest.ExitCode.OK


def test_another_collection_error_still_stops_the_run_as_pytest_does(project: Project) -> None:
    project.whole()
    project.write("test_syntax.py", "def test_it(:\n")
    result = project.run()
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert "passed" not in result.parseoutcomes()


class TestFilesWithFaults:
    @pytest.mark.parametrize(
        ("text", "place"),
        [
            ('{"id": "c1", "reference": "a"}\n{"id": "c2", reference: "b"}\n', "datasets/capitals.jsonl:2"),
            ('{"id": "c1", "reference": "a"}\n{"id": "c1", "reference": "b"}\n', "datasets/capitals.jsonl:2"),
            ('{"id": "c1", "reference": "a"}\n{"reference": "b"}\n', "datasets/capitals.jsonl:2"),
            ("", "datasets/capitals.jsonl"),
        ],
        ids=["malformed", "duplicate id", "missing id", "empty"],
    )
    def test_a_dataset_names_file_and_line(self, project: Project, text: str, place: str) -> None:
        project.write("datasets/capitals.jsonl", text)
        project.whole()
        result = project.run()
        result.assert_outcomes(errors=1)
        assert place in result.stdout.str()

    def test_a_template_without_its_input_fails_collection_and_names_it(self, project: Project) -> None:
        project.write(
            "variants/v1.yaml",
            """
            id: v1
            blocks:
              instructions: "Answer {{ question }} in {{ langauge }}."
        """,
        )
        project.dataset([{**row, "language": "English"} for row in ROWS])
        project.by_case('variants=["v1"]')
        result = project.run()
        result.assert_outcomes(errors=1)
        assert "langauge" in result.stdout.str()
        assert "variants/v1.yaml" in result.stdout.str()
        assert project.calls == []

    def test_two_variants_with_one_id_are_both_named(self, project: Project) -> None:
        for name in ("a", "b"):
            project.write(f"variants/{name}.yaml", f"id: same\nblocks: {{instructions: {name}}}\n")
        project.by_case('variants="variants/*.yaml"')
        result = project.run()
        result.assert_outcomes(errors=1)
        text = " ".join(result.stdout.str().split())
        assert "variants/a.yaml and variants/b.yaml have one id, 'same'" in text

    def test_a_dataset_without_the_column_that_a_metric_needs(self, project: Project) -> None:
        project.dataset([{"id": "c1", "question": "?"}])
        project.target("return 'yes'")
        project.by_case('variants=["v1"], pass_rate=0.1')
        result = project.run("-v")
        assert set(outcomes(result).values()) == {"FAILED"}
        assert "exact_match needs `reference` or `references`, and no case has it" in result.stdout.str()
        assert "datasets/capitals.jsonl:1" in result.stdout.str()

    def test_environment_variables_are_not_needed_for_collecting(self, project: Project) -> None:
        project.write(
            "variants/v1.yaml",
            """
            id: v1
            model: {name: chat, base_url: "${env:NOBODY_SET_THIS}"}
            blocks: {instructions: "{{ question }}"}
        """,
        )
        project.by_case('variants=["v1"]')
        assert len(project.ids()) == 4


class TestOptions:
    @pytest.mark.parametrize(
        ("option", "message"),
        [
            ("--genaiops-limit=0", "--genaiops-limit=0: give a number of cases, 1 or more"),
            ("--genaiops-concurrency=0", "--genaiops-concurrency=0*: give a number above 0"),
            ("--genaiops-timeout=-1", "--genaiops-timeout=-1*: give a number above 0"),
            ("--genaiops-timeout=nan", "--genaiops-timeout=nan: give a number above 0"),
        ],
    )
    def test_a_number_that_makes_no_sense(self, project: Project, option: str, message: str) -> None:
        project.whole()
        result = project.run(option)
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        result.stderr.fnmatch_lines([f"*{message}*"])

    def test_a_misspelt_option(self, project: Project) -> None:
        project.whole()
        result = project.run("--genaiops-concurency=3")
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        result.stderr.fnmatch_lines(["*unrecognized arguments: --genaiops-concurency=3*"])

    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("pytest.ini", "[pytest]\ngenaiops_timout = 3\n"),
            ("tox.ini", "[pytest]\ngenaiops_timout = 3\n"),
            ("pyproject.toml", "[tool.pytest.ini_options]\ngenaiops_timout = 3\n"),
        ],
    )
    def test_a_misspelt_ini_key(self, project: Project, name: str, text: str) -> None:
        (project.path / "pytest.ini").unlink()
        project.write(name, text)
        project.whole()
        result = project.run()
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        result.stderr.fnmatch_lines([f"*{name}: unknown key 'genaiops_timout'; did you mean 'genaiops_timeout'?*"])

    @pytest.mark.parametrize(
        ("value", "message"),
        [
            ("many", "ini key genaiops_concurrency=many: give a number above 0"),
            ("0.5", "genaiops concurrency 0.5: give a whole number of calls, 1 or more"),
        ],
    )
    def test_an_ini_value_that_makes_no_sense(self, project: Project, value: str, message: str) -> None:
        project.write("pytest.ini", f"[pytest]\ngenaiops_concurrency = {value}\n")
        project.whole()
        result = project.run()
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        result.stderr.fnmatch_lines([f"*{message}*"])

    def test_help_lists_options_and_ini_keys(self, project: Project) -> None:
        text = project.run("--help").stdout.str()
        for name in ("variant", "baseline", "limit", "seed", "concurrency", "timeout"):
            assert f"--genaiops-{name}" in text
        for key in ("genaiops_datasets", "genaiops_concurrency", "genaiops_timeout"):
            assert key in text


class TestFixturesInTheWrongPlace:
    @pytest.mark.parametrize("fixture", ["variant", "case", "response", "responses", "baseline"])
    def test_without_the_marker(self, project: Project, fixture: str) -> None:
        project.suite("def test_it({fixture}):\n    pass\n", fixture=fixture)
        result = project.run()
        result.assert_outcomes(errors=1)
        assert 'add @pytest.mark.genaiops(dataset="<name>") to the test' in result.stdout.str()

    def test_a_target_that_is_not_callable(self, project: Project) -> None:
        project.write(
            "conftest.py",
            """
            import pytest

            @pytest.fixture(scope="session")
            def target():
                return "my model"
        """,
        )
        project.by_case()
        result = project.run()
        assert "passed" not in result.parseoutcomes()
        assert "the `target` fixture returned str; return a callable answer(case, variant)" in result.stdout.str()

    def test_a_target_fixture_that_raises(self, project: Project) -> None:
        project.write(
            "conftest.py",
            """
            import pytest

            @pytest.fixture(scope="session")
            def target():
                raise OSError("no key")
        """,
        )
        project.by_case("pass_rate=0.1")
        result = project.run("-v")
        assert set(outcomes(result).values()) == {"ERROR", "FAILED"}
        assert result.ret == pytest.ExitCode.TESTS_FAILED

    def test_response_asked_for_at_run_time_is_told_what_to_do(self, project: Project) -> None:
        project.suite("""
            import pytest

            @pytest.mark.genaiops(dataset="capitals")
            def test_late(responses, request):
                request.getfixturevalue("response")
        """)
        result = project.run()
        result.assert_outcomes(failed=1)
        assert "AttributeError" not in result.stdout.str()

    def test_a_misspelt_metric_keyword(self, project: Project) -> None:
        project.suite("""
            import pytest

            @pytest.mark.genaiops(dataset="capitals")
            def test_option(responses, bleu):
                assert bleu(responses, tokenise="13a") >= 0
        """)
        result = project.run()
        result.assert_outcomes(failed=1)
        assert "bleu has no option 'tokenise'; did you mean 'tokenize'?" in result.stdout.str()
