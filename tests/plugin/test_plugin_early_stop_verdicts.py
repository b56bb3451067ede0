"""``--genaiops-early-stop``: verdicts that need all cases, and comparisons, whose cases are called for in pairs."""

from __future__ import annotations

from collections import Counter

import pytest
from early_help import CASES, EARLY, FINE, HALF, PAIRED, ROWS, called, line, told
from inner import Project, outcomes


@pytest.fixture
def asked(project: Project) -> Project:
    project.dataset(ROWS, "questions")
    return project


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
