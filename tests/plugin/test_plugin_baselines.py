"""Committed baselines: written like snapshots, compared with by later runs, and refused where they do not fit."""

from __future__ import annotations

import pytest
from baseline_help import BOTH, UPDATE, file, misses, told, variants, write
from inner import ROWS, Project, outcomes


@pytest.fixture
def baselines(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project on somebody's own machine, where a suite has two variants and names no baseline."""
    monkeypatch.delenv("CI", raising=False)
    write(project)
    return project


class TestWriting:
    def test_it_is_written_and_then_compared_with(self, baselines: Project) -> None:
        misses(baselines, "c4")
        result = baselines.run(UPDATE)
        assert result.ret == 0
        assert told(result) == [
            "eval_suites/baselines/test_suite/test_answers.json",
            "v1: written, 4 cases (exact_match 0.7500)",
            "v2: written, 4 cases (exact_match 0.7500)",
        ]
        found = variants(file(baselines))["v1"]["metrics"]["exact_match"]
        assert found["cases"] == [["c1", 1, [1.0]], ["c2", 1, [1.0]], ["c3", 1, [1.0]], ["c4", 1, [0.0]]]
        assert baselines.run().ret == 0
        misses(baselines, "c3", "c4")
        assert outcomes(baselines.run("-v")) == {"test_answers[v1]": "FAILED", "test_answers[v2]": "FAILED"}

    def test_without_it_the_test_fails_and_says_how_to_write_it(self, baselines: Project) -> None:
        result = baselines.run()
        result.assert_outcomes(errors=2)
        result.stdout.fnmatch_lines(
            "no baseline is committed: eval_suites/baselines/test_suite/test_answers.json is not there; "
            "write it with --genaiops-update-baseline and commit it, or add baseline=*"
        )
        assert "During handling" not in result.stdout.str()

    def test_what_is_unchanged_is_not_touched(self, baselines: Project) -> None:
        baselines.run(UPDATE)
        before = file(baselines).stat()
        assert told(baselines.run(UPDATE))[1:] == ["v1: unchanged", "v2: unchanged"]
        assert file(baselines).stat().st_mtime_ns == before.st_mtime_ns

    def test_what_changed_is_told(self, baselines: Project) -> None:
        baselines.run(UPDATE)
        misses(baselines, "c2")
        assert told(baselines.run(UPDATE))[1] == "v1: 1 of 4 cases changed (exact_match 1.0000 -> 0.7500)"
        assert told(baselines.run(UPDATE))[1] == "v1: unchanged"

    def test_a_test_that_failed_writes_nothing(self, baselines: Project) -> None:
        baselines.suite(
            BOTH + "        assert len(responses) < 4 or baseline.variant\n", variants=["v1"], more=""
        )  # fmt: skip
        result = baselines.run(UPDATE)
        result.assert_outcomes(failed=1)
        assert told(result)[1] == "v1: not written: the test failed"
        assert not file(baselines).exists()

    def test_a_skipped_or_incomplete_one_writes_nothing(self, baselines: Project) -> None:
        baselines.suite(BOTH + "        pytest.skip('later')\n", variants=["v1"], more="")
        assert told(baselines.run(UPDATE))[1] == "v1: not written: the test was skipped"
        write(baselines, ("v1",), more=", coverage=0.5")
        baselines.target("if case.id == 'c1':\n    raise OSError('no route')\nreturn case.reference")
        assert told(baselines.run(UPDATE))[1] == "v1: not written: exact_match is incomplete"
        assert not file(baselines).exists()

    def test_an_entry_that_failed_stays_as_it_was(self, baselines: Project) -> None:
        baselines.run(UPDATE)
        before = variants(file(baselines))
        baselines.suite(BOTH + "        assert not responses[0].text == 'Lyon'\n", variants=["v1", "v2"], more="")
        baselines.target("return 'Lyon' if variant.id == 'v1' else 'Rome'")
        result = baselines.run(UPDATE)
        assert told(result)[1:] == [
            "v1: not written: the test failed",
            "v2: 3 of 4 cases changed (exact_match 1.0000 -> 0.2500)",
        ]
        assert variants(file(baselines))["v1"] == before["v1"]

    def test_only_the_variants_that_run_are_written(self, baselines: Project) -> None:
        baselines.run(UPDATE)
        before = variants(file(baselines))
        misses(baselines, "c1")
        for selection in (["--genaiops-variant=v2"], ["-k", "v2"]):
            assert len(told(baselines.run(UPDATE, *selection))) == 2
        after = variants(file(baselines))
        assert after["v1"] == before["v1"]
        assert after["v2"] != before["v2"]

    def test_a_variant_that_is_gone_is_removed_by_a_whole_run_only(self, baselines: Project) -> None:
        baselines.run(UPDATE)
        write(baselines, ("v2", "v3"))
        baselines.run(UPDATE, "--genaiops-variant=v3")
        assert set(variants(file(baselines))) == {"v1", "v2", "v3"}
        assert told(baselines.run(UPDATE))[-1] == "v1: removed, for the suite has no such variant any more"
        assert set(variants(file(baselines))) == {"v2", "v3"}

    @pytest.mark.parametrize("part", ["--genaiops-limit=2", "--genaiops-slice=part=north"])
    def test_a_part_of_the_cases_is_not_written(self, baselines: Project, part: str) -> None:
        result = baselines.run(UPDATE, part)
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        result.stderr.fnmatch_lines("ERROR: *a baseline holds every case; leave --genaiops-*")

    def test_a_baseline_of_the_same_run_is_not_taken_for_the_variant_itself(self, baselines: Project) -> None:
        baselines.target("return 'Lyon' if variant.id == 'v1' else case.reference")
        baselines.suite(
            """
            import pytest

            @pytest.mark.genaiops(dataset="capitals", variants=["v1", "v2"], baseline="v1")
            def test_answers(responses, baseline, exact_match):
                assert exact_match(baseline) <= exact_match(responses)
            """
        )
        assert told(baselines.run(UPDATE))[1:] == [
            "v1: written, 4 cases (exact_match 0.0000)",
            "v2: written, 4 cases (exact_match 1.0000)",
        ]
        assert [row[2] for row in variants(file(baselines))["v2"]["metrics"]["exact_match"]["cases"]] == [[1.0]] * 4

    def test_never_in_ci(self, baselines: Project, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CI", "true")
        result = baselines.run(UPDATE)
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        result.stderr.fnmatch_lines("ERROR: *a baseline is never written in CI*")

    def test_no_test_asks_for_one(self, baselines: Project) -> None:
        baselines.whole('variants=["v1"]')
        assert told(baselines.run(UPDATE)) == ["nothing is written: no test that asks for `baseline` ran"]

    def test_a_file_that_cannot_be_written_fails_the_session(self, baselines: Project) -> None:
        baselines.write("eval_suites/baselines/test_suite", "in the way")
        result = baselines.run(UPDATE)
        assert result.ret == pytest.ExitCode.TESTS_FAILED
        assert told(result)[1].startswith("not written: eval_suites/baselines/test_suite/test_answers.json cannot be")

    def test_no_answer_and_no_input_is_written(self, baselines: Project) -> None:
        baselines.run(UPDATE)
        text = file(baselines).read_text(encoding="utf-8")
        assert [word for row in ROWS for word in (row["question"], row["reference"]) if word in text] == []

    def test_everything_that_was_scored_is_there_under_every_option(self, baselines: Project) -> None:
        baselines.suite(
            """
            import pytest
            from pytest_genaiops import Score

            @pytest.mark.genaiops(dataset="capitals", variants=["v1"])
            @pytest.mark.parametrize("speed", ["fast", "slow"])
            def test_all(responses, baseline, speed, rouge, exact_match):
                assert rouge(responses).rougeL.not_worse_than(baseline, margin=0.9)
                assert rouge(responses, use_stemmer=False).rouge1 >= 0
                assert exact_match(responses[:2]) == 1
                mine = Score.of([0.5] * 4, ids=[r.trial.case.id for r in responses], name="tone")
                assert mine.not_worse_than(baseline, margin=0.99)
            """
        )
        assert baselines.run(UPDATE).ret == 0
        found = variants(file(baselines, "test_all"))
        assert set(found) == {"v1[fast]", "v1[slow]"}
        assert set(found["v1[fast]"]["metrics"]) == {"rouge", "rouge 2", "tone"}
        assert baselines.run().ret == 0

    def test_values_over_trials_are_written_by_case(self, baselines: Project) -> None:
        baselines.suite(
            """
            import pytest

            @pytest.mark.genaiops(dataset="capitals", variants=["v1"], trials=2)
            def test_trials(responses, baseline, exact_match):
                found = exact_match(responses).pass_at(2)
                assert found.not_worse_than(baseline, margin=0.99)
                assert found >= exact_match(baseline).pass_at(2)
            """
        )
        assert baselines.run(UPDATE).ret == 0
        metrics = variants(file(baselines, "test_trials"))["v1"]["metrics"]
        assert [section["n"] for section in metrics.values()] == [8, 4]
        assert baselines.run().ret == baselines.run("--genaiops-limit=2").ret == 0


class TestComparing:
    def test_a_sample_of_the_cases_is_compared_with_its_own_rows(self, baselines: Project) -> None:
        baselines.dataset([{**row, "slice_part": "south" if row["id"] != "c4" else "north"} for row in ROWS])
        misses(baselines, "c4")
        assert baselines.run(UPDATE).ret == 0
        assert baselines.run("--genaiops-slice=part=south").ret == 0
        misses(baselines, "c3", "c4")
        assert baselines.run("--genaiops-slice=part=north").ret == 0
        baselines.run("--genaiops-slice=part=south").assert_outcomes(failed=2)
        misses(baselines, "c4")
        assert baselines.run("--genaiops-limit=3").ret == 0

    def test_a_variant_that_is_no_more_is_compared_with_as_committed(self, baselines: Project) -> None:
        misses(baselines, "c4")
        baselines.run(UPDATE)
        misses(baselines, "c3", "c4")
        write(baselines, ("v3",), more=', baseline="v1"')
        baselines.run().assert_outcomes(failed=1)
        misses(baselines)
        assert baselines.run().ret == 0
        assert told(baselines.run(UPDATE))[1:] == [
            "v3: written, 4 cases (exact_match 1.0000)",
            "v2: removed, for the suite has no such variant any more",
        ]
        assert set(variants(file(baselines))) == {"v1", "v3"}

    def test_a_variant_of_the_run_comes_first(self, baselines: Project) -> None:
        baselines.run(UPDATE)
        write(baselines, more=', baseline="v1"')
        baselines.target("return 'London'")  # in this run v1 is as bad
        assert baselines.run().ret == 0

    def test_a_name_that_is_neither_is_refused(self, baselines: Project) -> None:
        baselines.run(UPDATE)
        write(baselines, ("v2",), more=', baseline="v11"')
        baselines.run().stdout.fnmatch_lines(
            "*the baseline 'v11' is no variant of this suite; did you mean 'v1'[?]*nor are scores of it committed*"
        )

    def test_tests_of_a_class_have_files_of_their_own(self, baselines: Project) -> None:
        source = """
            import pytest

            @pytest.mark.genaiops(dataset="capitals", variants=["v1"])
            class TestA:
                def test_x(self, responses, baseline, exact_match):
                    assert exact_match(responses).not_worse_than(baseline, margin=0.99)
        """
        baselines.suite(source, name="eval_suites/deep/test_class.py")
        baselines.run(UPDATE)
        assert file(baselines, "TestA.test_x", "deep/test_class").exists()

    def test_it_holds_no_answers(self, baselines: Project) -> None:
        baselines.run(UPDATE)
        baselines.suite(BOTH + "        assert [r.text for r in baseline]\n", variants=["v1"], more="")
        baselines.run().stdout.fnmatch_lines("*the committed baseline of 'v1' holds scores, no answers; give it to*")

    def test_the_folder_is_the_user_s_choice(self, baselines: Project) -> None:
        baselines.write("pytest.ini", "[pytest]\ngenaiops_baselines = kept/here\n")
        baselines.run(UPDATE)
        assert (baselines.path / "kept" / "here" / "test_suite" / "test_answers.json").exists()
        assert baselines.run().ret == 0


class TestRefusing:
    @pytest.mark.parametrize(
        ("change", "said"),
        [
            (("[1.0]", "[0.0]"), "variants.v1.metrics.exact_match was changed by hand or by a merge"),
            (("\n", "\n<<<<<<< HEAD\n"), "test_answers.json:2: git left a merge conflict"),
            (("test_suite.py::", "test_other.py::"), "was changed by hand or by a merge"),
            (('"trials": 1', '"trials": NaN'), "holds NaN, which is no number"),
        ],
    )
    def test_a_file_that_was_edited(self, baselines: Project, change: tuple[str, str], said: str) -> None:
        baselines.run(UPDATE)
        text = file(baselines).read_text(encoding="utf-8")
        file(baselines).write_text(text.replace(*change, 1), encoding="utf-8")
        result = baselines.run()
        result.assert_outcomes(errors=2)
        result.stdout.fnmatch_lines(f"*{said}*")
        assert "Traceback" not in result.stdout.str()
        result = baselines.run(UPDATE, "-k", "v1")
        assert told(result)[1].startswith("not written: ")
        assert result.ret == pytest.ExitCode.TESTS_FAILED
        assert baselines.run(UPDATE).ret == baselines.run().ret == 0

    def test_other_cases(self, baselines: Project) -> None:
        baselines.run(UPDATE)
        baselines.dataset([{**row, "question": "?"} for row in ROWS])
        result = baselines.run()
        result.assert_outcomes(errors=2)
        result.stdout.fnmatch_lines("*: variants.v1.dataset.hash is * of 'capitals', but the suite judges *")

    def test_other_trials(self, baselines: Project) -> None:
        baselines.run(UPDATE)
        write(baselines, more=", trials=2")
        baselines.run().stdout.fnmatch_lines("*: variants.v1.trials is 1, but the suite has 2; write it anew *")

    def test_a_variant_that_was_not_there(self, baselines: Project) -> None:
        baselines.run(UPDATE)
        write(baselines, ("v1", "v9"))
        baselines.run().stdout.fnmatch_lines("*: variants has no 'v9' (it has v1, v2); write it anew *")

    def test_another_metric_or_option(self, baselines: Project) -> None:
        baselines.run(UPDATE)
        baselines.suite(BOTH.replace("exact_match", "token_f1"), variants=["v1"], more="")
        baselines.run().stdout.fnmatch_lines("*: variants.v1.metrics has no 'token_f1' (it has exact_match); *")

    def test_the_file_of_another_test(self, baselines: Project) -> None:
        baselines.run(UPDATE)
        file(baselines).rename(file(baselines, "test_more"))
        baselines.suite(BOTH.replace("test_answers", "test_more"), variants=["v1"], more="")
        baselines.run().stdout.fnmatch_lines(
            "*test_more.json: suite is 'test_suite.py::test_answers', but this is test_suite.py::test_more: *"
        )
        baselines.suite(BOTH.replace("test_answers", "test_more"), variants=["v1", "v2"], more="")
        assert told(baselines.run(UPDATE, "-k", "v1"))[1] == (
            "not written: eval_suites/baselines/test_suite/test_more.json is of 'test_suite.py::test_answers'; "
            "run every variant, or delete it"
        )
        assert baselines.run(UPDATE).ret == baselines.run().ret == 0
