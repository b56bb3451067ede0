"""Errors never pass: whatever a target does, and however little a test looks."""

from __future__ import annotations

import json
from typing import ClassVar

import pytest
from inner import CITIES, ROWS, Project, outcomes

FAULTS = {
    "raises": ("raise ConnectionError('no route')", "the target raised ConnectionError: no route"),
    "raises without a message": ("raise RuntimeError", "the target raised RuntimeError"),
    "exits": ("raise SystemExit(0)", "the target raised SystemExit: 0"),
    "interrupts": ("raise KeyboardInterrupt", "the target raised KeyboardInterrupt"),
    "skips": ("pytest.skip('not today')", "the target raised Skipped: not today"),
    "asserts": ("assert False, 'inside'", "the target raised AssertionError: inside"),
    "None": ("return None", "the target returned None instead of an answer; return str, dict or Response"),
    "NaN": ("return float('nan')", "the answer is NaN, not text"),
    "number": ("return 42", "the target returned int; return str, dict or Response"),
    "bytes": ("return b'Rome'", "the target returned bytes; return str, dict or Response"),
    "list": ("return ['Rome']", "the target returned list; return str, dict or Response"),
    "wrong key": ("return {'txt': 'Rome'}", "the response has an unknown key 'txt'; did you mean 'text'?"),
    "text is a number": ("return {'text': 1}", "the response's 'text' is int, not a string"),
    "empty dict": ("return {}", "the response has no 'text'"),
    "error of its own": ("return {'error': 'quota is used up'}", "quota is used up"),
}

SUITES = {
    "a metric by case": ("response, exact_match", "assert exact_match(response) >= 0.5"),
    "nothing looked at": ("response", "pass"),
    "text only": ("response", "assert response.text is not None"),
    "an assertion that holds for errors": ("response", "assert response.text != 'London'"),
    "upside down": ("response, exact_match", "assert not exact_match(response) < 0.5"),
    "value": ("response, exact_match", "assert (exact_match(response).value or 1) >= 0.5"),
    "an assertion that is swallowed": (
        "response, exact_match",
        "try:\n        assert exact_match(response) >= 0.5\n    except AssertionError:\n        pass",
    ),
    "baseline only": ("response, baseline", "pass"),
}


@pytest.mark.parametrize("head", ["def", "async def"], ids=["sync", "async"])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_case_without_an_answer_fails_and_the_rest_goes_on(project: Project, fault: str, head: str) -> None:
    body, reason = FAULTS[fault]
    source = f"if case.id == 'c2':\n    {body}\nreturn case.reference"
    project.target(source, head=f"{head} answer(case, variant):")
    project.suite(
        """
        import pytest

        @pytest.mark.genaiops(dataset="capitals", variants=["v1"], pass_rate=0.1)
        def test_case(response, exact_match):
            assert exact_match(response) >= 0.5

        @pytest.mark.genaiops(dataset="capitals", variants=["v1"])
        def test_whole(responses, exact_match):
            assert exact_match(responses) >= 0.5

        def test_plain():
            pass
        """
    )
    result = project.run("-v")
    assert outcomes(result) == {
        "test_case[v1-c1]": "PASSED",
        "test_case[v1-c2]": "FAILED",
        "test_case[v1-c3]": "PASSED",
        "test_case[v1-c4]": "PASSED",
        "test_case[v1-pass_rate]": "FAILED",
        "test_whole[v1]": "FAILED",
        "test_plain": "PASSED",
    }
    assert result.ret == 69  # EX_UNAVAILABLE: there is no result
    assert f"c2: target: {reason}" in result.stdout.str()
    result.stdout.fnmatch_lines(["*exact_match = 1.0000 (n=3, 1 unscored, scale 0-1) >= 0.5"])


@pytest.mark.parametrize("suite", SUITES)
def test_no_test_passes_over_an_error_however_it_is_written(project: Project, suite: str) -> None:
    fixtures, body = SUITES[suite]
    project.target("if case.id == 'c2':\n    raise ConnectionError('no route')\nreturn case.reference")
    project.write(
        "test_suite.py",
        f"""
import pytest

@pytest.mark.genaiops(dataset="capitals", variants=["v1"], baseline="v1")
def test_case({fixtures}):
    {body}
""",
    )
    result = project.run("-v")
    assert {name for name, word in outcomes(result).items() if word == "FAILED"} == {"test_case[v1-c2]"}
    assert result.ret == 69  # EX_UNAVAILABLE: there is no result


@pytest.mark.parametrize(
    "body",
    [
        "pass",
        "assert all(r.text != 'London' for r in responses)",
        "assert exact_match(responses).value >= 0.5",
        "exact_match(responses)",
        "assert exact_match([r for r in responses if r.error is None]) >= 0.5",
    ],
)
def test_the_same_for_a_whole_dataset(project: Project, body: str) -> None:
    project.target("if case.id == 'c2':\n    raise ConnectionError('no route')\nreturn case.reference")
    project.write(
        "test_suite.py",
        f"""
import pytest

@pytest.mark.genaiops(dataset="capitals", variants=["v1"])
def test_whole(responses, exact_match):
    {body}
""",
    )
    result = project.run()
    result.assert_outcomes(failed=1)
    assert "1 of 4 responses are errors (c2 under v1: target: the target raised ConnectionError: no route)" in (
        result.stdout.str().replace("\n", "")
    )


def test_a_case_that_the_metric_cannot_score_fails_although_its_value_is_fine(project: Project) -> None:
    project.dataset([*ROWS, {"id": "c5", "question": "?", "reference": None}])
    project.target("return case.reference or 'nothing'")
    project.suite("""
        import pytest

        @pytest.mark.genaiops(dataset="capitals", variants=["v1"])
        def test_value(responses, exact_match):
            assert exact_match(responses).value == 1.0
    """)
    result = project.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*1 unscored*c5: *empty, and exact_match needs one*"])


def test_error_rate_is_how_a_suite_accepts_errors(project: Project) -> None:
    project.target("if case.id == 'c2':\n    raise ConnectionError('no route')\nreturn case.reference")
    project.suite("""
        import pytest

        @pytest.mark.genaiops(dataset="capitals", variants=["v1"])
        def test_tolerant(responses, error_rate):
            assert error_rate(responses) <= 0.25

        @pytest.mark.genaiops(dataset="capitals", variants=["v1"])
        def test_strict(responses, error_rate):
            assert error_rate(responses) <= 0.2
    """)
    result = project.run("-v")
    assert outcomes(result) == {"test_tolerant[v1]": "PASSED", "test_strict[v1]": "FAILED"}


def test_error_rate_does_not_excuse_another_metric(project: Project) -> None:
    project.target("if case.id == 'c2':\n    raise ConnectionError('no route')\nreturn case.reference")
    project.suite("""
        import pytest

        @pytest.mark.genaiops(dataset="capitals", variants=["v1"])
        def test_both(responses, error_rate, exact_match):
            assert error_rate(responses) <= 0.25
            assert exact_match(responses).value >= 0.5
    """)
    project.run().assert_outcomes(failed=1)


def test_a_failing_baseline_leaves_the_comparison_undecided(project: Project) -> None:
    project.target("""
        if variant.id == "v1" and case.id == "c2":
            raise ConnectionError("no route")
        return case.reference
    """)
    project.suite("""
        import pytest

        @pytest.mark.genaiops(dataset="capitals", variants=["v1", "v2"], baseline="v1")
        def test_pair(responses, baseline, exact_match):
            assert exact_match(responses).not_worse_than(baseline, margin=1.0)
    """)
    assert outcomes(project.run("-v"))["test_pair[v2]"] == "FAILED"


class TestEmptyAndHugeAnswers:
    def test_an_empty_answer_is_an_answer(self, project: Project) -> None:
        project.target("return ''")
        project.suite("""
            import pytest

            @pytest.mark.genaiops(dataset="capitals", variants=["v1"])
            def test_empty(responses, exact_match):
                assert exact_match(responses) == 0
        """)
        project.run().assert_outcomes(passed=1)

    def test_ten_megabytes_are_unscored_and_shown_short(self, project: Project) -> None:
        project.target("return 'x' * 10_000_000 if case.id == 'c2' else case.reference")
        project.by_case()
        result = project.run("-v")
        assert outcomes(result)["test_answer[default-c2]"] == "FAILED"
        assert max(map(len, result.outlines)) < 1000
        assert "the answer has 10,000,000 characters" in result.stdout.str()


class TestRecordedResponses:
    ROW: ClassVar = {"id": "c1", "reference": "Paris", "responses": {"good": "Paris", "bad": "Oslo"}}

    def recorded(self, project: Project, *rows: dict[str, object]) -> None:
        (project.path / "conftest.py").unlink()
        project.dataset([self.ROW, *rows])

    def test_systems_are_the_variants_and_nothing_is_called(self, project: Project) -> None:
        self.recorded(project)
        project.by_case()
        assert outcomes(project.run("-v")) == {"test_answer[good-c1]": "PASSED", "test_answer[bad-c1]": "FAILED"}

    def test_variants_select_systems(self, project: Project) -> None:
        self.recorded(project)
        project.by_case('variants=["g*"]')
        assert project.ids() == ["test_answer[good-c1]"]

    @pytest.mark.parametrize(
        "row", [{"good": None, "bad": "Oslo"}, {"bad": "Oslo"}, None], ids=["null", "absent", "none"]
    )
    def test_a_response_that_is_not_on_record_is_unscored(self, project: Project, row: object) -> None:
        self.recorded(project, {"id": "c2", "reference": "Rome", "responses": row})
        project.suite("""
            import pytest

            @pytest.mark.genaiops(dataset="capitals", variants=["good"])
            def test_whole(responses, exact_match):
                assert exact_match(responses) >= 0.5
        """)
        result = project.run()
        result.assert_outcomes(failed=1)
        score = "*exact_match = 1.0000 (n=1, 1 unscored, scale 0-1) >= 0.5"
        result.stdout.fnmatch_lines([score, "*capitals.jsonl:2*good*"])

    def test_an_overridden_target_wins(self, project: Project) -> None:
        project.dataset([self.ROW])
        project.by_case()
        assert project.ids() == ["test_answer[default-c1]"]
        project.run().assert_outcomes(passed=1)
        assert project.calls == ["default c1"]

    def test_recorded_errors_and_fields(self, project: Project) -> None:
        responses = {"good": {"error": "quota"}, "bad": {"text": "Rome"}}
        self.recorded(project, {"id": "c2", "reference": "Rome", "responses": responses})
        project.by_case()
        found = outcomes(project.run("-v"))
        assert found["test_answer[good-c2]"] == "FAILED"
        assert found["test_answer[bad-c2]"] == "PASSED"

    def test_trials_of_what_is_recorded_once_are_a_usage_error(self, project: Project) -> None:
        self.recorded(project)
        project.by_case("trials=2")
        result = project.run()
        result.assert_outcomes(errors=1)
        assert "trials=2, but 'capitals' records one response per case and system" in result.stdout.str()

    def test_nothing_recorded_and_no_target(self, project: Project) -> None:
        (project.path / "conftest.py").unlink()
        project.by_case()
        result = project.run()
        result.assert_outcomes(errors=1)
        text = " ".join(result.stdout.str().split())
        assert "override the `target` fixture" in text
        assert "`responses` column" in text


def test_ids_of_cases_are_strings_whatever_the_file_says(project: Project) -> None:
    project.write("datasets/capitals.jsonl", json.dumps({"id": 7, "reference": CITIES["c1"]}) + "\n")
    project.by_case()
    assert project.ids() == ["test_answer[default-7]"]


class TestHandlesOfOnesOwn:
    """A handle from ``metric()`` is watched like a fixture's."""

    def test_the_value_of_an_incomplete_score_cannot_be_passed_off(self, project: Project) -> None:
        project.suite("""
            import pytest
            from pytest_genaiops import metric

            groundedness = metric("groundedness")

            @pytest.mark.genaiops(dataset="capitals")
            def test_whole(responses):
                texts = [response.text for response in responses]
                assert groundedness(texts, contexts=[[texts[0]], [], [], []]).value > 0

            @pytest.mark.genaiops(dataset="capitals", pass_rate=0.5)
            def test_each(response):
                assert groundedness([response.text], contexts=[[]]) >= 0.5
        """)
        result = project.run()
        assert set(outcomes(project.run("-v")).values()) == {"FAILED"}
        assert "3 unscored" in result.stdout.str()
        assert "4 have no result" in result.stdout.str()

    def test_a_marker_on_a_module_with_classes_is_understood_beside_pytest_asyncio(self, project: Project) -> None:
        pytest.importorskip("pytest_asyncio")
        project.suite("""
            import pytest

            pytestmark = pytest.mark.genaiops(dataset="capitals")

            class TestOne:
                def test_whole(self, responses):
                    assert len(responses) == 4
        """)
        project.run("-p", "pytest_asyncio").assert_outcomes(passed=1)


def test_a_member_of_a_group_that_is_undefined_is_no_missing_answer(project: Project) -> None:
    """All predictions are one class, which correlates with nothing: the test asks for accuracy, and gets it."""
    project.dataset([{"id": f"m{i}", "label": "spam" if i % 2 else "ham"} for i in range(4)], name="mails")
    project.target('return "spam"')
    project.suite("""
        import pytest

        @pytest.mark.genaiops(dataset="mails")
        def test_accuracy(responses, classification):
            assert classification(responses).accuracy >= 0.5

        @pytest.mark.genaiops(dataset="mails")
        def test_correlation(responses, classification):
            assert classification(responses).mcc >= -1
    """)
    result = project.run("-v")
    assert outcomes(result) == {"test_accuracy[default]": "PASSED", "test_correlation[default]": "FAILED"}
