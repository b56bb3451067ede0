"""Running a part of a suite: pytest's own selections, and ours."""

from __future__ import annotations

import pytest
from inner import CITIES, ROWS, Project, outcomes

WRONG_IN_V2 = 'return "London" if variant.id == "v2" and case.id in ("c2", "c3") else case.reference'
V1 = [f"test_answer[v1-{name}]" for name in (*CITIES, "pass_rate")]
V2 = [f"test_answer[v2-{name}]" for name in (*CITIES, "pass_rate")]


@pytest.fixture
def failing(project: Project) -> Project:
    """Two variants, of which v2 misses two cases: one more than its budget pays for."""
    project.target(WRONG_IN_V2)
    project.by_case('variants=["v1", "v2"], pass_rate=0.75')
    return project


class TestKeywordsAndMarks:
    def test_k_selects_a_variant_with_its_gate(self, failing: Project) -> None:
        result = failing.run("-v", "-k", "v1")
        assert list(outcomes(result)) == V1
        assert len(failing.calls) == 4

    def test_k_selects_a_case_of_every_variant(self, failing: Project) -> None:
        assert failing.ids("-k", "c4") == ["test_answer[v1-c4]", "test_answer[v2-c4]"]

    def test_a_gate_selected_alone_brings_its_cases(self, failing: Project) -> None:
        assert list(outcomes(failing.run("-v", "-k", "v2 and pass_rate"))) == V2
        assert list(outcomes(failing.run("-v", "test_suite.py::test_answer[v1-pass_rate]"))) == V1

    def test_m_selects_suites_with_their_gates(self, failing: Project) -> None:
        failing.write("test_plain.py", "def test_plain():\n    pass\n")
        assert failing.ids("-m", "genaiops") == [*V1, *V2]
        assert failing.ids("-m", "not genaiops") == ["test_plain"]

    def test_the_marker_is_known_to_strict_markers(self, failing: Project) -> None:
        assert failing.ids("--strict-markers") == [*V1, *V2]
        failing.run("--markers").stdout.fnmatch_lines(["@pytest.mark.genaiops(dataset=*"])


class TestStopping:
    def test_x_does_not_stop_at_a_miss_but_at_the_gate(self, failing: Project) -> None:
        result = failing.run("-v", "-x", "-k", "v2")
        assert outcomes(result) == dict(zip(V2, ["PASSED", "MISS", "MISS", "PASSED", "FAILED"], strict=True))

    def test_x_stops_at_the_first_failure(self, project: Project) -> None:
        project.target('return "London" if case.id == "c2" else case.reference')
        project.by_case('variants=["v1", "v2"]')
        result = project.run("-v", "-x")
        assert outcomes(result) == {"test_answer[v1-c1]": "PASSED", "test_answer[v1-c2]": "FAILED"}
        assert result.ret == pytest.ExitCode.TESTS_FAILED

    def test_x_ends_although_calls_are_still_under_way(self, project: Project) -> None:
        project.target('time.sleep(0 if case.id == "c1" else 60)\nreturn "London"')
        project.by_case()
        result = project.run("-v", "-x")
        assert outcomes(result) == {"test_answer[default-c1]": "FAILED"}
        assert result.duration < 50


class TestRunsThatRememberFailures:
    def test_lf_runs_the_failed_gate_with_all_its_cases(self, failing: Project) -> None:
        failing.run()
        result = failing.run("-v", "--lf")
        assert outcomes(result) == dict(zip(V2, ["PASSED", "MISS", "MISS", "PASSED", "FAILED"], strict=True))

    def test_lf_passes_once_the_variant_is_mended(self, failing: Project) -> None:
        failing.run()
        failing.target()
        result = failing.run("-v", "--lf")
        assert outcomes(result) == dict.fromkeys(V2, "PASSED")
        assert result.ret == pytest.ExitCode.OK

    def test_lf_runs_a_failed_case(self, project: Project) -> None:
        project.target('return "London" if case.id == "c2" else case.reference')
        project.by_case()
        project.run()
        assert outcomes(project.run("-v", "--lf")) == {"test_answer[default-c2]": "FAILED"}

    def test_ff_runs_the_failed_gate_first_but_behind_its_cases(self, failing: Project) -> None:
        failing.run()
        assert failing.run("--ff").ret == pytest.ExitCode.TESTS_FAILED
        order = list(outcomes(failing.run("-v", "--ff")))
        assert sorted(order) == sorted([*V1, *V2])
        assert order.index(V2[-1]) > max(map(order.index, V2[:-1]))
        assert order.index(V1[-1]) > max(map(order.index, V1[:-1]))

    def test_sw_goes_on_at_the_failed_gate(self, failing: Project) -> None:
        failing.run("--sw")
        failing.target()
        assert outcomes(failing.run("-v", "--sw")) == dict.fromkeys(V2, "PASSED")


class TestRandomOrder:
    @pytest.mark.parametrize("seed", [1, 2, 3])
    def test_shuffled_items_have_the_same_outcomes(self, failing: Project, seed: int) -> None:
        pytest.importorskip("pytest_randomly")
        serial = outcomes(failing.run("-v"))
        shuffled = outcomes(failing.run("-v", "-p", "randomly", f"--randomly-seed={seed}"))
        assert shuffled == serial
        assert list(shuffled) != list(serial)


class TestOurOptions:
    def test_a_glob_on_variants(self, failing: Project) -> None:
        assert failing.ids("--genaiops-variant=*2") == V2

    def test_several_globs_select_what_matches_any(self, failing: Project) -> None:
        assert failing.ids("--genaiops-variant=*1", "--genaiops-variant=v2") == failing.ids()
        assert failing.ids("--genaiops-variant=v2", "--genaiops-variant=*2") == V2
        result = failing.run("--genaiops-variant=v2", "--genaiops-variant=v9")
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        assert "--genaiops-variant='v9' matches no variant" in result.stderr.str()

    def test_a_glob_that_matches_no_variant_is_a_usage_error(self, failing: Project) -> None:
        result = failing.run("--genaiops-variant=v9*")
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        assert "--genaiops-variant='v9*' matches no variant of the collected suites" in result.stderr.str()

    def test_a_suite_without_a_matching_variant_stands_aside(self, failing: Project) -> None:
        failing.suite(
            """
            import pytest

            @pytest.mark.genaiops(dataset="capitals", variants=["w1"])
            def test_other(responses):
                assert len(responses) == 4
            """,
            name="test_other.py",
        )
        assert failing.ids("--genaiops-variant=w*") == ["test_other[w1]"]

    def test_the_baseline_answers_although_the_glob_leaves_it_out(self, project: Project) -> None:
        project.suite("""
            import pytest

            @pytest.mark.genaiops(dataset="capitals", variants=["v1", "v2"], baseline="v1")
            def test_pair(responses, baseline):
                assert {r.trial.variant for r in responses} == {"v2"}
                assert {r.trial.variant for r in baseline} == {"v1"}
        """)
        result = project.run("-v", "--genaiops-variant=v2")
        assert outcomes(result) == {"test_pair[v2]": "PASSED"}

    def test_a_limit_takes_the_same_cases_for_every_variant_and_run(self, failing: Project) -> None:
        names = failing.ids("--genaiops-limit=2")
        cases = [name.partition("v1-")[2] for name in names if "v1-" in name and "pass_rate" not in name]
        assert len(cases) == 2
        assert names == [f"test_answer[{v}-{c}" for v in ("v1", "v2") for c in (*cases, "pass_rate]")]
        assert failing.ids("--genaiops-limit=2") == names

    def test_another_seed_draws_another_sample(self, project: Project) -> None:
        project.dataset([{"id": f"c{i}", "reference": "yes"} for i in range(200)])
        project.by_case()
        assert project.ids("--genaiops-limit=5") != project.ids("--genaiops-limit=5", "--genaiops-seed=7")

    def test_the_limit_bounds_a_whole_dataset_too(self, project: Project) -> None:
        project.whole()
        project.run("--genaiops-limit=3").assert_outcomes(passed=1)
        assert len(project.calls) == 3

    def test_another_baseline(self, project: Project) -> None:
        project.suite("""
            import pytest

            @pytest.mark.genaiops(dataset="capitals", variants=["v1", "v2"], baseline="v1")
            def test_baseline(baseline):
                assert {r.trial.variant for r in baseline} == {"v2"}
        """)
        project.run("--genaiops-baseline=v2").assert_outcomes(passed=2)

    def test_a_baseline_that_is_no_variant_is_named(self, project: Project) -> None:
        project.whole('variants=["candidate", "main"]')
        result = project.run("--genaiops-baseline=candidte")
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        message = "--genaiops-baseline='candidte' is no variant of the collected suites; did you mean 'candidate'?"
        assert message in result.stdout.str() + result.stderr.str()

    def test_a_baseline_is_chosen_in_the_suites_that_have_it(self, project: Project) -> None:
        project.suite("""
            import pytest

            @pytest.mark.genaiops(dataset="capitals", variants=["v1", "v2"], baseline="v1")
            def test_has_it(responses, baseline):
                assert baseline[0].trial.variant == "v2"

            @pytest.mark.genaiops(dataset="capitals", variants=["a", "b"], baseline="a")
            def test_keeps_its_own(responses, baseline):
                assert baseline[0].trial.variant == "a"
        """)
        project.run("--genaiops-baseline=v2").assert_outcomes(passed=4)

    def test_datasets_in_another_folder(self, project: Project) -> None:
        project.write("pytest.ini", "[pytest]\ngenaiops_datasets = data\n    more/data\n")
        project.write("more/data/other.csv", "id,reference\nc1,Paris\n")
        project.suite("""
            import pytest

            @pytest.mark.genaiops(dataset="other")
            def test_each(response, case):
                assert response.text == case.reference
        """)
        assert project.ids() == ["test_each[default-c1]"]
        project.run().assert_outcomes(passed=1)

    def test_a_dataset_by_path(self, project: Project) -> None:
        project.suite("""
            import pytest

            @pytest.mark.genaiops(dataset="datasets/capitals.jsonl")
            def test_each(response, case):
                assert response.text == case.reference
        """)
        project.run().assert_outcomes(passed=len(ROWS))

    def test_paths_are_relative_to_the_rootdir_wherever_pytest_starts(
        self, project: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        project.suite(
            """
            import pytest

            @pytest.mark.genaiops(dataset="capitals")
            def test_each(response, case):
                assert response.text == case.reference
        """,
            name="deep/test_deep.py",
        )
        monkeypatch.chdir(project.path / "deep")
        project.run().assert_outcomes(passed=4)
