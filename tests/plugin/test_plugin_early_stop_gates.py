"""``--genaiops-early-stop`` for tests that run case by case, and for workers."""

from __future__ import annotations

from collections import Counter

import pytest
from early_help import CASES, EARLY, FINE, PAIRED, ROWS, VERDICT, WORSE, called, told
from inner import Project, outcomes


@pytest.fixture
def asked(project: Project) -> Project:
    project.dataset(ROWS, "questions")
    return project


GATE = """
    import pytest

    @pytest.mark.genaiops(dataset="questions", {arguments})
    def test_case(response, exact_match):
        assert exact_match(response) >= 1
"""


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
        # What a gate has to know first lies with one worker: while that stands still, the other runs needless ones.
        assert sum(called(asked).values()) <= 1.7 * CASES
        assert Counter(words.values())["SKIPPED"] >= 0.2 * CASES
