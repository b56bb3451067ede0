"""``--genaiops-early-stop``: calls end once a verdict is certain, and nothing passes that would not have passed."""

from __future__ import annotations

from collections import Counter

import pytest
from early_help import CASES, EARLY, FINE, HALF, ROWS, WORSE, called, line, told
from inner import Project, outcomes


@pytest.fixture
def asked(project: Project) -> Project:
    project.dataset(ROWS, "questions")
    return project


class TestWholeDataset:
    @pytest.mark.parametrize("concurrency", [1, 8, 64])
    @pytest.mark.parametrize("head", ["def", "async def"])
    @pytest.mark.parametrize(("body", "outcome"), [(FINE, "PASSED"), (WORSE, "FAILED")])
    def test_a_clear_verdict_saves_calls(
        self, asked: Project, head: str, body: str, outcome: str, concurrency: int
    ) -> None:
        asked.target(body, head=f"{head} answer(case, variant):")
        line(asked, "at_least(0.7)")
        result = asked.run("-v", EARLY, f"--genaiops-concurrency={concurrency}")
        assert outcomes(result) == {"test_line[v1]": outcome}
        assert 3 < called(asked)["v1"] <= 0.6 * CASES
        assert "97.5 % interval read continuously" in told(result)
        assert "cases not needed)" in told(result)

    def test_without_the_option_everything_is_called(self, asked: Project) -> None:
        asked.target(FINE)
        line(asked, "at_least(0.7)")
        result = asked.run("-v")
        assert called(asked)["v1"] == CASES
        assert "not needed" not in told(result)
        assert "continuous" not in told(result)

    @pytest.mark.parametrize("rule", ["at_most(0.3)", "within(0.0, 0.4)"])
    def test_other_lines(self, asked: Project, rule: str) -> None:
        asked.target(WORSE)
        line(asked, rule)
        asked.run(EARLY).assert_outcomes(passed=1)
        assert called(asked)["v1"] <= 0.6 * CASES

    def test_what_no_reading_decides_is_judged_over_all_cases_at_the_end(self, asked: Project) -> None:
        asked.target(HALF)
        line(asked, "at_least(0.5)")
        result = asked.run("-v", EARLY)
        result.assert_outcomes(failed=1)
        assert called(asked)["v1"] == CASES
        # scipy 1.17.1: binomtest(50, 100).proportion_ci(0.975) is 0.3848 to 0.6152
        assert "0.50, 97.5 % interval behind a continuous reading 0.38 to 0.62, is not clearly" in told(result)
        assert "(n=100, detects" in told(result)

    def test_the_last_look_can_pass(self, asked: Project) -> None:
        # scipy 1.17.1: binomtest(70, 100).proportion_ci(0.975) is 0.5862 to 0.7985
        asked.target("return 'yes' if int(case.id[1:]) % 10 < 7 else 'no'")
        line(asked, "at_least(0.58)")
        result = asked.run(EARLY)
        result.assert_outcomes(passed=1)
        assert called(asked)["v1"] == CASES
        assert "97.5 % interval behind a continuous reading 0.59 to 0.80" in told(result)

    def test_an_undecided_verdict_may_warn(self, asked: Project) -> None:
        asked.target(HALF)
        line(asked, "at_least(0.5)")
        result = asked.run("-v", EARLY, "--genaiops-undecided=warn")
        assert outcomes(result) == {"test_line[v1]": "UNDECIDED"}
        result.stdout.fnmatch_lines(["*test_suite.py:6: UndecidedWarning: exact_match*"])

    def test_the_order_is_drawn_from_the_seed_and_not_that_of_the_file(self, asked: Project) -> None:
        asked.target(FINE)
        line(asked, "at_least(0.7)")
        runs = []
        for seed in ("1", "1", "2"):
            (asked.path / "calls.txt").unlink(missing_ok=True)
            asked.run(EARLY, "--genaiops-concurrency=1", f"--genaiops-seed={seed}")
            runs.append(asked.calls)
        assert runs[0] == runs[1]
        assert runs[0] != runs[2]
        assert runs[0] != sorted(runs[0])

    def test_the_number_of_cases_read_does_not_depend_on_what_is_answered_first(self, asked: Project) -> None:
        asked.target("time.sleep(0.03 if int(case.id[1:]) % 7 else 0)\nreturn 'yes'")
        line(asked, "at_least(0.7)")
        assert "(n=16, 84 cases not needed)" in told(asked.run(EARLY))
        asked.target(FINE)
        assert "(n=16, 84 cases not needed)" in told(asked.run(EARLY))

    def test_output_of_the_setup_ends_nothing(self, asked: Project) -> None:
        asked.target(FINE)
        asked.suite("""
            import pytest

            @pytest.fixture(autouse=True)
            def loud():
                print("setting up")

            @pytest.mark.genaiops(dataset="questions", variants=["v1"])
            def test_line(responses, exact_match):
                assert exact_match(responses).at_least(0.7)
        """)
        asked.run(EARLY, "--color=yes", "-rP").assert_outcomes(passed=1)
        assert 5 < called(asked)["v1"] <= 0.6 * CASES

    def test_a_traceback_calls_for_nothing(self, asked: Project) -> None:
        asked.target(WORSE)
        asked.suite("""
            import pytest

            @pytest.mark.genaiops(dataset="questions", variants=["v1"])
            def test_line(responses, exact_match, rouge):
                score, group = exact_match(responses), rouge(responses)
                early = repr(score)
                assert score.at_least(0.7)
        """)
        result = asked.run(EARLY, "--showlocals", "--genaiops-concurrency=1")
        assert called(asked)["v1"] == 5
        result.stdout.fnmatch_lines(
            [
                "early * = '<exact_match of <0 of 100 responses of v1>>'",
                "group * = <rouge of <5 of 100 responses of v1>>",
            ]
        )
        result.stdout.fnmatch_lines(["score * = <exact_match = 0.0000 (n=5, scale 0-1)>"])

    def test_x_stops_before_the_next_variant(self, asked: Project) -> None:
        asked.target(WORSE)
        line(asked, "at_least(0.7)", 'variants=["v1", "v2"]')
        asked.run(EARLY, "-x")
        assert called(asked).keys() == {"v1"}

    def test_a_sample_is_stopped_too(self, asked: Project) -> None:
        asked.target(FINE)
        line(asked, "at_least(0.7)")
        asked.run(EARLY, "--genaiops-limit=50").assert_outcomes(passed=1)
        assert called(asked)["v1"] <= 30

    def test_trials_of_a_case_are_one_observation(self, asked: Project) -> None:
        asked.target(FINE)
        line(asked, "at_least(0.7)")
        asked.run(EARLY, "--genaiops-concurrency=1")
        once = called(asked)["v1"]
        (asked.path / "calls.txt").unlink()
        line(asked, "at_least(0.7)", 'variants=["v1"], trials=3')
        result = asked.run(EARLY, "--genaiops-concurrency=1")
        assert set(Counter(asked.calls).values()) == {3}
        assert len(asked.calls) == 3 * once  # three trials that agree are no more evidence than one
        assert f"(n={3 * once} in {once} clusters, {300 - 3 * once} cases not needed)" in told(result)


class TestEverythingElse:
    @pytest.mark.parametrize(
        "use",
        [
            "exact_match(responses) >= 0.9",
            "exact_match(responses).value == 1",
            "len(exact_match(responses).per_case) == 100",
            "exact_match(responses).interval()[0] > 0.9",
            "exact_match(responses).slices() == {}",
            "exact_match(responses).tests(responses)",
            "all(response.text == 'yes' for response in responses)",
            "responses[0].text == 'yes'",
            "len(responses[1:]) == 99",
            "rouge(responses).rougeL.precision >= 0.9",
            "rouge(responses).rouge1 == 1",
            "bool([*rouge(responses).scores()])",
            "classification(responses).f1 >= 0.1",
            "exact_match(responses).consistency().unscored == 100",
            "float(exact_match(responses)) == 1",
            "exact_match is not None",
            "bleu(responses) is not None",
        ],
    )
    def test_asks_for_all_responses(self, asked: Project, use: str) -> None:
        asked.dataset([{**row, "label": "yes"} for row in ROWS], "questions")
        asked.target(FINE)
        asked.suite(
            """
            import pytest

            @pytest.mark.genaiops(dataset="questions", variants=["v1"])
            def test_all(responses, exact_match, rouge, bleu, classification):
                assert {use}
            """,
            use=use,
        )
        asked.run(EARLY)
        assert called(asked)["v1"] == CASES

    def test_the_number_of_responses_and_names_are_known_without(self, asked: Project) -> None:
        asked.target(FINE)
        asked.suite("""
            import pytest

            @pytest.mark.genaiops(dataset="questions", variants=["v1"])
            def test_line(responses, exact_match):
                score = exact_match(responses)
                assert len(responses) == 100
                assert (score.name, score.scale, score.higher_is_better) == ("exact_match", (0, 1), True)
                assert score.signature.startswith("exact_match|")
                assert score.at_least(0.7)
        """)
        asked.run(EARLY).assert_outcomes(passed=1)
        assert called(asked)["v1"] <= 0.6 * CASES

    def test_a_skipped_test_calls_for_no_more(self, asked: Project) -> None:
        asked.target(FINE)
        asked.suite("""
            import pytest

            @pytest.mark.genaiops(dataset="questions", variants=["v1"])
            def test_line(responses, exact_match):
                if exact_match(responses).at_least(0.7):
                    pytest.skip("seen enough")
        """)
        asked.run(EARLY).assert_outcomes(skipped=1)
        assert called(asked)["v1"] <= 0.6 * CASES

    def test_two_verdicts_read_the_same_cases_and_the_table_shows_those(self, asked: Project) -> None:
        asked.target(FINE)
        asked.suite("""
            import pytest

            @pytest.mark.genaiops(dataset="questions", variants=["v1"])
            def test_line(responses, exact_match, rouge, token_f1):
                token_f1(responses)
                assert exact_match(responses).at_least(0.5)
                assert rouge(responses).rouge1.at_least(0.8)
        """)
        result = asked.run(EARLY, "--genaiops-concurrency=1")
        # Each right answer multiplies the largest stake by 1 + 0.97 * (1 / line - 1); all stakes pass 80 at
        assert [told(result).count(f"(n={n}, {CASES - n} cases not needed)") for n in (8, 22)] == [1, 1]
        assert called(asked)["v1"] == 22
        assert "values are over the cases that verdicts needed" in told(result)
        result.stdout.fnmatch_lines(["  token_f1*1.0000*"])

    def test_a_metric_that_fits_no_case_is_refused(self, asked: Project) -> None:
        asked.target(FINE)
        asked.suite("""
            import pytest

            @pytest.mark.genaiops(dataset="questions", variants=["v1"])
            def test_line(responses, groundedness):
                assert groundedness(responses).at_least(0.7)
        """)
        result = asked.run(EARLY)
        result.assert_outcomes(failed=1)
        result.stdout.fnmatch_lines(["E*MetricError: groundedness needs `context` or `contexts`, and no case has it*"])

    def test_other_tests_want_the_same_trials(self, asked: Project) -> None:
        asked.target("time.sleep(0.002)\nreturn 'yes'")
        line(asked, "at_least(0.7)")
        asked.suite(
            """
            import pytest

            @pytest.mark.genaiops(dataset="questions", variants=["v1"])
            def test_each(response):
                assert response.text == "yes"
            """,
            name="test_then.py",
        )
        result = asked.run(EARLY)
        result.assert_outcomes(passed=1 + CASES)
        assert called(asked)["v1"] == CASES
        assert "84 cases not needed" in told(result)

    def test_recorded_responses_save_nothing_and_are_all_read(self, asked: Project) -> None:
        asked.dataset([{**row, "responses": {"v1": "yes"}} for row in ROWS], "questions")
        (asked.path / "conftest.py").unlink()
        line(asked, "at_least(0.7)")
        result = asked.run(EARLY)
        result.assert_outcomes(passed=1)
        assert "n=100" in told(result)
        assert "not needed" not in told(result)


class TestErrors:
    def test_a_case_that_is_read_and_has_no_score_forbids_an_early_pass(self, asked: Project) -> None:
        asked.target(
            "if len(CALLS.read_text().splitlines()) == 3:\n    raise ConnectionError('no route')\nreturn 'yes'"
        )
        line(asked, "at_least(0.7)")
        result = asked.run(EARLY, "--genaiops-concurrency=1")
        result.assert_outcomes(failed=1)
        assert called(asked)["v1"] == CASES
        assert "undecided: 1 of 100 cases unscored (1 target)" in told(result)

    def test_nor_does_coverage_allow_one(self, asked: Project) -> None:
        asked.target(
            "if len(CALLS.read_text().splitlines()) == 3:\n    raise ConnectionError('no route')\nreturn 'yes'"
        )
        line(asked, "at_least(0.7)", 'variants=["v1"], coverage=0.9')
        result = asked.run(EARLY, "--genaiops-concurrency=1")
        result.assert_outcomes(passed=1)
        assert called(asked)["v1"] == CASES
        assert "97.5 % interval behind a continuous reading" in told(result)

    def test_a_loss_is_certain_all_the_same(self, asked: Project) -> None:
        asked.target("if len(CALLS.read_text().splitlines()) == 3:\n    raise ConnectionError('no route')\nreturn 'no'")
        line(asked, "at_least(0.7)")
        result = asked.run(EARLY, "--genaiops-concurrency=1")
        result.assert_outcomes(failed=1)
        assert called(asked)["v1"] == 6
        assert "failed: 1 of 6 cases unscored (1 target)" in told(result)

    def test_a_timeout_is_an_error(self, asked: Project) -> None:
        asked.target("if len(CALLS.read_text().splitlines()) == 3:\n    time.sleep(30)\nreturn 'yes'")
        line(asked, "at_least(0.7)")
        result = asked.run(EARLY, "--genaiops-timeout=1", "--genaiops-concurrency=1")
        result.assert_outcomes(failed=1)
        assert called(asked)["v1"] == CASES
        assert "1 of 100 cases unscored (1 timeout)" in told(result)

    def test_an_error_that_nobody_asked_for_is_none(self, asked: Project) -> None:
        asked.target(
            "if len(CALLS.read_text().splitlines()) > 40:\n    raise ConnectionError('no route')\nreturn 'yes'"
        )
        line(asked, "at_least(0.7)")
        asked.run(EARLY).assert_outcomes(passed=1)

    def test_a_metric_beside_the_verdict_sees_the_errors_among_the_cases_read(self, asked: Project) -> None:
        asked.target("return {'text': 'yes', 'label': None if case.id == 'c000' else 'yes'}")
        asked.dataset([{**row, "label": "yes" if i % 2 else None} for i, row in enumerate(ROWS)], "questions")
        asked.suite("""
            import pytest

            @pytest.mark.genaiops(dataset="questions", variants=["v1"])
            def test_line(responses, exact_match, classification):
                classification(responses)
                assert exact_match(responses).at_least(0.7)
        """)
        result = asked.run(EARLY)
        result.assert_outcomes(failed=1)
        assert "the test passed over it" in told(result)
