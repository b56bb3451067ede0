"""``--genaiops-early-stop``: calls end once a verdict is certain, and nothing passes that would not have passed."""

from __future__ import annotations

from collections import Counter

import pytest
from inner import Project, outcomes

CASES = 100
EARLY = "--genaiops-early-stop"
ROWS = [
    {"id": f"c{i:03}", "reference": "yes", "cluster_of_2": f"d{i // 2}", "cluster_of_some": f"d{i * i // 90}"}
    for i in range(CASES)
]

VERDICT = """
    import pytest

    @pytest.mark.genaiops(dataset="questions", {arguments})
    def test_line(responses, exact_match):
        assert exact_match(responses).{rule}
"""
GATE = """
    import pytest

    @pytest.mark.genaiops(dataset="questions", {arguments})
    def test_case(response, exact_match):
        assert exact_match(response) >= 1
"""
FINE = "return 'yes'"
WORSE = "return 'no'"
HALF = "return 'yes' if int(case.id[1:]) % 2 else 'no'"
"""Right in every other case: on the line of at_least(0.5)."""


@pytest.fixture
def asked(project: Project) -> Project:
    project.dataset(ROWS, "questions")
    return project


def line(project: Project, rule: str, arguments: str = 'variants=["v1"]') -> None:
    project.suite(VERDICT, rule=rule, arguments=arguments)


def called(project: Project) -> Counter[str]:
    """Variant -> calls; each trial was called once."""
    assert max(Counter(project.calls).values(), default=1) == 1
    return Counter(call.split()[0] for call in project.calls)


def told(result: pytest.RunResult) -> str:
    """The output on one line."""
    return " ".join(result.stdout.str().split())


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


class TestNotEarly:
    """Verdicts that need all cases, and say why."""

    @pytest.mark.parametrize(
        ("rule", "why"),
        [
            ("bleu(responses).at_least(50)", "it is no mean over cases"),
            ("latency(responses).at_most(10)", "its scale has no two ends"),
        ],
    )
    def test_scores(self, asked: Project, rule: str, why: str) -> None:
        asked.dataset([{**row, "reference": "yes it is so indeed"} for row in ROWS], "questions")
        asked.target("return 'yes it is so indeed'")
        asked.suite(
            """
            import pytest

            @pytest.mark.genaiops(dataset="questions", variants=["v1"])
            def test_line(responses, bleu, latency):
                assert {rule}
            """,
            rule=rule,
        )
        result = asked.run(EARLY)
        result.assert_outcomes(passed=1)
        assert called(asked)["v1"] == CASES
        assert f"not stopped early: {why}" in told(result)
        assert "95 % interval" in told(result)

    @pytest.mark.parametrize(("column", "early"), [("cluster_of_2", True), ("cluster_of_some", False)])
    def test_clusters_are_units_where_they_weigh_the_same(self, asked: Project, column: str, early: bool) -> None:
        asked.dataset([{"id": row["id"], "reference": "yes", "cluster": row[column]} for row in ROWS], "questions")
        asked.target(FINE)
        line(asked, "at_least(0.7)")
        result = asked.run(EARLY, "--genaiops-concurrency=1")
        result.assert_outcomes(passed=1)
        pairs = Counter(int(call[-3:]) // 2 for call in asked.calls)
        if early:
            assert set(pairs.values()) == {2}
            assert "(n=26 in 13 clusters, 74 cases not needed)" in told(result)
        else:
            assert "not stopped early: its clusters differ in size" in told(result)

    def test_slices_with_margins_of_their_own(self, asked: Project) -> None:
        asked.dataset([{**row, "slice_half": str(i % 2)} for i, row in enumerate(ROWS)], "questions")
        asked.target(FINE)
        asked.suite("""
            import pytest

            @pytest.mark.genaiops(dataset="questions", variants=["v1", "v2"], baseline="v1")
            def test_line(responses, baseline, exact_match):
                verdict = exact_match(responses).not_worse_than(baseline, margin=0.3, slice_margins=0.3)
                assert verdict and len(verdict.parts) == 2
        """)
        result = asked.run(EARLY)
        result.assert_outcomes(passed=2)
        assert called(asked) == {"v1": CASES, "v2": CASES}
        assert "not stopped early: slices have margins of their own" in told(result)


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
        result = asked.run(EARLY, "--genaiops-timeout=0.2", "--genaiops-concurrency=1")
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


PAIRED = """
    import pytest

    @pytest.mark.genaiops(dataset="questions", variants=["v1", "v2"], baseline="v1")
    def test_pair(responses, baseline, exact_match):
        assert exact_match(responses).{rule}
"""


class TestBaseline:
    @pytest.mark.parametrize("concurrency", [1, 8])
    def test_pairs_are_called_for_together(self, asked: Project, concurrency: int) -> None:
        asked.target(FINE)
        asked.suite(PAIRED, rule="not_worse_than(baseline, margin=0.3)")
        result = asked.run("-v", EARLY, f"--genaiops-concurrency={concurrency}")
        assert outcomes(result) == {"test_pair[v1]": "PASSED", "test_pair[v2]": "PASSED"}
        counts = called(asked)
        assert abs(counts["v1"] - counts["v2"]) <= concurrency
        assert max(counts.values()) <= 0.6 * CASES
        v1, v2 = ({call.split()[1] for call in asked.calls if call.startswith(v)} for v in ("v1", "v2"))
        assert len(v1 & v2) >= 0.9 * min(len(v1), len(v2))
        assert "change +0.00, 97.5 % interval read continuously -0.2" in told(result)

    def test_a_loss_ends_both_sides(self, asked: Project) -> None:
        asked.target("return 'no' if variant.id == 'v2' else 'yes'")
        asked.suite(PAIRED, rule="not_worse_than(baseline, margin=0.3)")
        result = asked.run("-v", EARLY)
        assert outcomes(result) == {"test_pair[v1]": "PASSED", "test_pair[v2]": "FAILED"}
        assert max(called(asked).values()) <= 0.4 * CASES

    def test_a_gain(self, asked: Project) -> None:
        asked.target("return 'no' if variant.id == 'v1' else 'yes'")
        asked.suite(PAIRED, rule="better_than(exact_match(baseline))")
        result = asked.run("-v", EARLY)
        # Nothing shows that a variant is better than itself.
        assert outcomes(result) == {"test_pair[v1]": "FAILED", "test_pair[v2]": "PASSED"}
        assert called(asked) == {"v1": CASES, "v2": called(asked)["v2"]}
        assert called(asked)["v2"] <= 0.4 * CASES

    def test_a_variant_is_no_worse_than_itself_from_the_first_cases_on(self, asked: Project) -> None:
        asked.target(HALF)
        asked.suite(PAIRED, rule="not_worse_than(baseline, margin=0.3)")
        asked.run(EARLY, "--genaiops-variant=v1", "--genaiops-concurrency=1").assert_outcomes(passed=1)
        assert called(asked) == {"v1": 1}

    def test_an_error_on_the_side_of_the_baseline_forbids_an_early_pass(self, asked: Project) -> None:
        asked.target("if variant.id == 'v1':\n    raise ConnectionError('no route')\nreturn 'yes'")
        asked.suite(PAIRED, rule="not_worse_than(baseline, margin=0.3)")
        result = asked.run("-v", EARLY, "--genaiops-variant=v2")
        assert outcomes(result) == {"test_pair[v2]": "FAILED"}
        assert called(asked) == {"v1": CASES, "v2": CASES}

    def test_a_committed_baseline_is_compared_with_and_written_over_all_cases(
        self, asked: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("CI", raising=False)
        asked.target(FINE)
        asked.suite(PAIRED.replace(', baseline="v1"', ""), rule="not_worse_than(baseline, margin=0.3)")
        asked.run(EARLY, "--genaiops-update-baseline").assert_outcomes(passed=2)
        assert called(asked) == {"v1": CASES, "v2": CASES}
        (asked.path / "calls.txt").unlink()
        asked.run(EARLY).assert_outcomes(passed=2)
        assert set(called(asked)) == {"v1", "v2"}
        assert max(called(asked).values()) <= 0.6 * CASES

    def test_a_baseline_over_other_cases_needs_all(self, asked: Project) -> None:
        asked.target(FINE)
        asked.suite(PAIRED, rule="not_worse_than(exact_match(baseline[:95]), margin=0.3)")
        result = asked.run(EARLY, "--genaiops-variant=v2")
        result.assert_outcomes(passed=1)
        assert "not stopped early: the baseline has other cases" in told(result)


def gate(project: Project, arguments: str) -> None:
    project.suite(GATE, arguments=arguments)


class TestGate:
    @pytest.mark.parametrize("concurrency", [1, 8])
    @pytest.mark.parametrize("head", ["def", "async def"])
    @pytest.mark.parametrize(("body", "outcome"), [(FINE, "PASSED"), (WORSE, "FAILED")])
    def test_a_gate_that_is_certain_skips_the_rest(
        self, asked: Project, head: str, body: str, outcome: str, concurrency: int
    ) -> None:
        asked.target(body, head=f"{head} answer(case, variant):")
        gate(asked, 'variants=["v1"], pass_rate=0.8')
        result = asked.run("-v", EARLY, "-rs", "--junitxml=out.xml", f"--genaiops-concurrency={concurrency}")
        words = outcomes(result)
        assert words.pop("test_case[v1-pass_rate]") == outcome
        skipped = sum(word == "SKIPPED" for word in words.values())
        assert skipped >= 0.6 * CASES
        assert called(asked)["v1"] <= CASES - skipped + concurrency
        result.stdout.fnmatch_lines(
            [f"SKIPPED *{skipped}* test_suite.py:*: not needed: *[[]v1-pass_rate] has * without it"]
        )
        sentence = (asked.path / "out.xml").read_text()
        assert (
            f"{outcome.lower()}: {(CASES - skipped) * (body == FINE)} of {CASES - skipped} cases passed (" in sentence
        )
        assert "95 % interval read continuously" in sentence
        assert f"the budget asks for 80.0%; {skipped} cases not needed" in sentence

    def test_cases_run_in_a_seeded_order_only_with_the_option(self, asked: Project) -> None:
        gate(asked, 'variants=["v1"], pass_rate=0.8')
        plain = [f"test_case[v1-c{i:03}]" for i in range(CASES)] + ["test_case[v1-pass_rate]"]
        assert asked.ids() == plain
        early = asked.ids(EARLY)
        assert early == asked.ids(EARLY)
        assert early[-1] == plain[-1]
        assert early != plain
        assert sorted(early) == sorted(plain)
        assert asked.ids(EARLY, "--genaiops-seed=1") != early

    def test_what_stays_open_is_counted_over_all_cases(self, asked: Project) -> None:
        asked.target("return 'no' if int(case.id[1:]) % 10 == 0 else 'yes'")
        gate(asked, 'variants=["v1"], pass_rate=0.9')
        result = asked.run(EARLY)
        # Whatever the order, neither 91 passes nor 11 misses can come together before the last case.
        assert called(asked)["v1"] >= CASES - 9
        assert result.parseoutcomes()["missed"] == 10
        assert "failed" not in result.parseoutcomes()

    def test_a_budget_that_cannot_be_kept_any_more_is_enough(self, asked: Project) -> None:
        asked.target("return 'no' if len(CALLS.read_text().splitlines()) <= 2 else 'yes'")
        gate(asked, 'variants=["v1"], pass_rate=0.99')
        result = asked.run(EARLY, "--genaiops-concurrency=1")
        result.assert_outcomes(failed=1, skipped=98)
        assert called(asked)["v1"] == 2
        assert (
            "failed: 0 of 2 cases passed (0.0%, too few for the others to make up for); "
            "the budget asks for 99.0%; 98 cases not needed"
        ) in told(result)

    def test_a_budget_that_is_kept_whatever_comes_is_enough(self, asked: Project) -> None:
        asked.dataset(ROWS[:10], "questions")
        asked.target(FINE)
        gate(asked, 'variants=["v1"], pass_rate=0.5')
        result = asked.run(EARLY, "--genaiops-concurrency=1", "-rP")
        result.assert_outcomes(passed=6, skipped=5)
        assert called(asked)["v1"] == 5

    def test_a_case_without_result_forbids_an_early_pass(self, asked: Project) -> None:
        asked.target(
            "if len(CALLS.read_text().splitlines()) == 3:\n    raise ConnectionError('no route')\nreturn 'yes'"
        )
        gate(asked, 'variants=["v1"], pass_rate=0.8')
        result = asked.run(EARLY, "--genaiops-concurrency=1")
        result.assert_outcomes(failed=2, passed=CASES - 1)
        assert called(asked)["v1"] == CASES
        assert "undecided: 99 of 99 cases passed" in told(result)
        assert "but 1 has no result" in told(result)

    def test_nor_do_enough_passes_pay_for_it(self, asked: Project) -> None:
        asked.dataset(ROWS[:10], "questions")
        asked.target(
            "if len(CALLS.read_text().splitlines()) == 3:\n    raise ConnectionError('no route')\nreturn 'yes'"
        )
        gate(asked, 'variants=["v1"], pass_rate=0.5')
        asked.run(EARLY, "--genaiops-concurrency=1").assert_outcomes(failed=2, passed=9)

    def test_a_case_that_was_deselected_does_too(self, asked: Project) -> None:
        asked.target(FINE)
        gate(asked, 'variants=["v1"], pass_rate=0.8')
        first = asked.ids(EARLY)[0]
        result = asked.run("-v", EARLY, f"--deselect=test_suite.py::{first}")
        assert outcomes(result)["test_case[v1-pass_rate]"] == "FAILED"
        assert "but 1 was not run" in told(result)

    def test_trials_of_a_case_are_read_together(self, asked: Project) -> None:
        asked.target(FINE)
        gate(asked, 'variants=["v1"], trials=2, pass_rate=0.8')
        result = asked.run(EARLY, "--genaiops-concurrency=1").parseoutcomes()
        assert result == {"passed": len(asked.calls) + 1, "skipped": 2 * CASES - len(asked.calls)}
        assert set(Counter(asked.calls).values()) == {2}
        assert len(asked.calls) <= 0.6 * CASES

    def test_cases_of_their_own_are_all_run(self, asked: Project) -> None:
        asked.target(FINE)
        gate(asked, 'variants=["v1"]')
        asked.run(EARLY).assert_outcomes(passed=CASES)

    def test_cases_of_a_gate_that_is_not_selected_are_all_run(self, asked: Project) -> None:
        asked.target(FINE)
        gate(asked, 'variants=["v1"], pass_rate=0.8')
        asked.run(EARLY, "-k", "not pass_rate").assert_outcomes(passed=CASES)

    def test_a_gate_run_again_after_its_failure_stops_again(self, asked: Project) -> None:
        asked.target(WORSE)
        gate(asked, 'variants=["v1"], pass_rate=0.8')
        first = asked.run(EARLY).parseoutcomes()
        assert asked.run(EARLY, "--lf").parseoutcomes() == first

    def test_slow_calls_are_under_way_together(self, asked: Project) -> None:
        asked.target(
            "with CALLS.with_name('at-once.txt').open('a') as f:\n"
            "    f.write(f'{threading.active_count()}\\n')\n"
            "time.sleep(0.02)\nreturn 'yes'"
        )
        gate(asked, 'variants=["v1"], pass_rate=0.8')
        asked.run(EARLY, "--genaiops-concurrency=4")
        assert max(map(int, (asked.path / "at-once.txt").read_text().split())) >= 4


class TestWorkers:
    @pytest.fixture(autouse=True)
    def xdist(self) -> None:
        pytest.importorskip("xdist")

    def test_verdicts(self, asked: Project) -> None:
        asked.target("time.sleep(0.005)\nreturn 'no' if variant.id == 'v2' else 'yes'")
        asked.suite(PAIRED, rule="not_worse_than(baseline, margin=0.3)")
        asked.suite(VERDICT, name="test_line.py", rule="at_least(0.7)", arguments='variants=["v1", "v2"]')
        result = asked.run_apart("-v", "-p", "xdist", "-n2", EARLY)
        assert outcomes(result) == {
            "test_pair[v1]": "PASSED",
            "test_pair[v2]": "FAILED",
            "test_line[v1]": "PASSED",
            "test_line[v2]": "FAILED",
        }
        assert max(called(asked).values()) <= 0.6 * CASES

    def test_gates(self, asked: Project) -> None:
        # Long beside what a decision takes to reach the other worker, on a busy machine as well.
        asked.target("time.sleep(0.03)\nreturn 'no' if variant.id == 'v2' else 'yes'")
        gate(asked, 'variants=["v1", "v2"], pass_rate=0.8')
        result = asked.run_apart("-v", "-p", "xdist", "-n2", EARLY)
        words = outcomes(result)
        assert len(words) == 2 * CASES + 2
        assert words["test_case[v1-pass_rate]"] == "PASSED"
        assert words["test_case[v2-pass_rate]"] == "FAILED"
        assert max(called(asked).values()) <= 0.9 * CASES  # what a worker decides reaches the other one later
        assert Counter(words.values())["SKIPPED"] >= 0.2 * CASES
