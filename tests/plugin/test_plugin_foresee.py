"""Gates that cannot decide are told at collection: once, with what they would need, and never without being sure."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from foresee_help import LOOK, TWO, looked_at, rows, told, write
from inner import Project, outcomes

from pytest_genaiops.plugin.claims import claims_of


@pytest.fixture
def gates(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project on somebody's own machine, with 20 cases."""
    monkeypatch.delenv("CI", raising=False)
    rows(project, 20)
    return project


def says(project: Project, *body: str, marker: str = TWO) -> list[str]:
    write(project, *body, marker=marker)
    return looked_at(project)


class TestShares:
    """Expected bounds: scipy 1.17, ``binomtest(n, n).proportion_ci(method="exact")``; statsmodels has Tango's."""

    @pytest.mark.parametrize(
        ("gate", "why"),
        [
            (
                "exact_match(responses).at_least(0.95)",
                "with 20 cases: the lower 95 % bound is 0.832 at best; it takes 72 cases that all agree",
            ),
            (
                "exact_match(responses).at_least(0.84, confidence=0.9)",
                None,
            ),
            (
                "exact_match(responses).at_least(0.87, confidence=0.9)",
                "with 20 cases: the lower 90 % bound is 0.861 at best; it takes 22 cases that all agree",
            ),
            (
                "exact_match(responses).at_least(1)",
                "with 20 cases: the lower 95 % bound is 0.832 at best; no number of cases reaches it",
            ),
            (
                "classification(responses).accuracy.at_least(0.9)",
                "with 20 cases: the lower 95 % bound is 0.832 at best; it takes 36 cases that all agree",
            ),
            (
                "error_rate(responses).at_most(0.05)",
                "with 20 cases: the upper 95 % bound is 0.168 at best; it takes 72 cases that all agree",
            ),
            (
                "exact_match(responses).not_worse_than(baseline, margin=0.02)",
                "a candidate that changes nothing with 20 cases: the 95 % interval of the difference is then "
                "-0.161 to 0.161; it takes 189 cases",
            ),
            (
                "exact_match(responses).not_worse_than(exact_match(baseline), 0)",
                "a candidate that changes nothing, with any number of cases; give the loss that you would put up with, "
                "or ask for better_than",
            ),
        ],
    )
    def test_that_cannot_be_proved_are_told_with_what_it_takes(
        self, gates: Project, gate: str, why: str | None
    ) -> None:
        assert says(gates, f"assert {gate}") == ([f"{gate} cannot pass {why}"] if why else [])

    def test_that_cannot_be_pinned_down(self, gates: Project) -> None:
        (sentence,) = says(gates, "assert exact_match(responses).within(0.8, 0.9)")
        assert sentence.startswith(
            "exact_match(responses).within(0.8, 0.9) cannot pass with 20 cases: no 95 % interval"
        )
        assert 150 < int(re.findall(r"about (\d+) cases", sentence)[0]) < 250
        assert says(gates, "assert exact_match(responses).within(0.8, 1)") == []
        (sentence,) = says(gates, "assert exact_match(responses).within(0.9, 1)")
        assert 30 < int(re.findall(r"about (\d+) cases", sentence)[0]) < 45
        assert says(gates, "assert exact_match(responses).within(0.1, 0.9)") == []

    @pytest.mark.parametrize(
        ("n", "gate"),
        [
            (72, "exact_match(responses).at_least(0.95)"),
            (72, "error_rate(responses).at_most(0.05)"),
            (189, "exact_match(responses).not_worse_than(baseline, margin=0.02)"),
        ],
    )
    def test_exactly_as_many_cases_as_it_takes_pass(self, project: Project, n: int, gate: str) -> None:
        """The verdict itself is the judge: one case less is told, and is undecided."""
        for cases, passes in ((n, True), (n - 1, False)):
            rows(project, cases)
            write(project, f"assert {gate}", marker='variants=["v1", "v2"], baseline="v2"')
            result = project.run("-v", "--genaiops-variant", "v1")
            assert outcomes(result) == {"test_answers[v1]": "PASSED" if passes else "FAILED"}
            assert len(told(result)) == (0 if passes else 1)

    def test_names_that_stand_for_scores_and_verdicts(self, gates: Project) -> None:
        found = says(
            gates,
            '"""What it is about."""',
            "classes = classification(responses)",
            "accuracy = classes.accuracy",
            "verdict = accuracy.at_least(threshold=0.9)",
            "assert verdict",
            "assert exact_match(responses) >= 0.5 and exact_match(responses).at_least(0.95), 'why'",
        )
        assert [sentence.partition(" cannot")[0] for sentence in found] == [
            "accuracy.at_least(threshold=0.9)",
            "exact_match(responses).at_least(0.95)",
        ]

    def test_the_session_s_confidence_applies(self, gates: Project) -> None:
        write(gates, "assert exact_match(responses).at_least(0.84)")
        assert len(looked_at(gates)) == 1
        assert looked_at(gates, "--genaiops-confidence", "0.9") == []

    def test_the_line_is_that_of_the_gate(self, gates: Project) -> None:
        write(gates, "score = exact_match(responses)", "", "assert score.at_least(0.95)")
        gates.run(LOOK).stdout.fnmatch_lines(
            ["test_suite.py:8", "*test_suite.py:8: GateWarning: score.at_least(0.95) *"]
        )

    def test_a_suite_in_a_class(self, gates: Project) -> None:
        gates.suite(
            """
            import pytest

            class TestAnswers:
                @pytest.mark.genaiops(dataset="capitals")
                def test_it(self, responses, exact_match):
                    assert exact_match(responses).at_least(0.95)
            """
        )
        assert len(looked_at(gates)) == 1

    def test_trials_are_no_further_cases(self, gates: Project) -> None:
        """Of 3 trials a case counts once; only what even independent answers could not show is told."""
        marker = f"{TWO}, trials=3"
        assert says(gates, "assert exact_match(responses).at_least(0.93)", marker=marker) == []
        (sentence,) = says(gates, "assert exact_match(responses).at_least(0.95)", marker=marker)
        assert "with 20 cases x 3 trials: the lower 95 % bound is 0.940 at best" in sentence
        (sentence,) = says(gates, "assert exact_match(responses).not_worse_than(baseline, margin=0.1)", marker=marker)
        assert "the difference is then -0.161 to 0.161; it takes 36 cases" in sentence

    def test_clusters_say_less(self, gates: Project) -> None:
        rows(gates, 20, cluster="one")
        assert len(says(gates, "assert exact_match(responses).at_least(0.95)")) == 1


SILENT = {
    "enough": ["assert exact_match(responses).at_least(0.8)"],
    "a point value": ["assert exact_match(responses) >= 0.95"],
    "no share": ["assert token_f1(responses).at_least(0.95)"],
    "another score of the group": ["assert classification(responses).f1.at_least(0.95)"],
    "not asserted": ["exact_match(responses).at_least(0.95)"],
    "asserted not to hold": ["assert not exact_match(responses).at_least(0.95)"],
    "one of two": ["assert exact_match(responses).at_least(0.95) or True"],
    "a computed number": ["assert exact_match(responses).at_least(0.5 + 0.45)"],
    "a named number": ["floor = 0.95", "assert exact_match(responses).at_least(floor)"],
    "a computed confidence": ["assert exact_match(responses).at_least(0.95, confidence=1 / 2)"],
    "a truth value": ["assert exact_match(responses).at_least(True)"],
    "within a branch": ["if len(responses) > 50:", "    assert exact_match(responses).at_least(0.95)"],
    "behind a branch": ["if len(responses) < 50:", "    return", "assert exact_match(responses).at_least(0.95)"],
    "behind a skip": ["pytest.skip('later')", "assert exact_match(responses).at_least(0.95)"],
    "expected to fail": [
        "with pytest.raises(AssertionError):", "    assert exact_match(responses).at_least(0.95)",
    ],
    "another name": ["exact_match = lambda *_: token_f1(responses)", "assert exact_match(responses).at_least(0.95)"],
    "other responses": ["responses = responses[:10]", "assert exact_match(responses).at_least(0.95)"],
    "some responses": ["assert exact_match(responses[:10]).at_least(0.95)"],
    "texts": ["assert exact_match(['yes'], ['yes']).at_least(0.95)"],
    "a name bound twice": [
        "score = exact_match(responses)", "score = token_f1(responses)", "assert score.at_least(0.95)",
    ],
    "a name bound in passing": [
        "score = exact_match(responses)", "[(score := token_f1(responses))]", "assert score.at_least(0.95)",
    ],
    "another baseline": ["other = baseline", "assert exact_match(responses).not_worse_than([], margin=0.02)"],
    "hidden arguments": ["assert exact_match(responses).at_least(*[0.95])"],
    "hidden options": ["assert exact_match(responses).at_least(0.95, **{})"],
    "a negative margin": ["assert exact_match(responses).not_worse_than(baseline, margin=-0.1)"],
    "turned limits": ["assert exact_match(responses).within(0.9, 0.8)"],
}  # fmt: skip


class TestSilence:
    @pytest.mark.parametrize("body", SILENT.values(), ids=SILENT)
    def test_where_it_is_not_sure(self, gates: Project, body: list[str]) -> None:
        assert says(gates, *body) == []

    @pytest.mark.parametrize("mark", ["xfail", "skip", "skipif(False, reason='never')"])
    def test_for_a_test_that_may_not_count(self, gates: Project, mark: str) -> None:
        write(gates, "assert exact_match(responses).at_least(0.95)")
        source = (gates.path / "test_suite.py").read_text()
        gates.write("test_suite.py", source.replace("def test", f"@pytest.mark.{mark}\ndef test"))
        assert looked_at(gates) == []

    def test_for_a_fixture_of_the_user_s_own(self, gates: Project) -> None:
        write(gates, "assert exact_match(responses).at_least(0.95)")
        source = (gates.path / "test_suite.py").read_text()
        own = "@pytest.fixture\ndef exact_match():\n    return None\n\n@pytest.mark.genaiops"
        gates.write("test_suite.py", source.replace("@pytest.mark.genaiops", own))
        assert looked_at(gates) == []

    def test_for_a_test_that_does_not_run_in_this_session(self, gates: Project) -> None:
        write(gates, "assert exact_match(responses).at_least(0.95)")
        gates.suite("def test_other():\n    pass\n", name="test_other.py")
        assert told(gates.run("-k", "other")) == []
        assert len(told(gates.run("-k", "v2"))) == 1

    def test_while_a_baseline_is_written(self, gates: Project) -> None:
        """Then a variant is compared with itself."""
        write(gates, "assert exact_match(responses).not_worse_than(baseline, margin=0.02)", marker='variants=["v1"]')
        result = gates.run("--genaiops-update-baseline")
        assert (result.ret, told(result)) == (0, [])
        assert len(told(gates.run())) == 1

    def test_where_only_the_baseline_runs(self, gates: Project) -> None:
        write(gates, "assert exact_match(responses).not_worse_than(baseline, margin=0.02)")
        assert told(gates.run("--genaiops-variant", "v1")) == []

    def test_where_there_is_no_case(self, gates: Project) -> None:
        rows(gates, 1, slice_topic="law")
        gates.dataset([{"id": "a", "question": "?", "reference": "yes", "slice_topic": "art"}], name="art")
        write(gates, "assert exact_match(responses).at_least(0.95)")
        gates.suite(
            "import pytest\n@pytest.mark.genaiops(dataset='art')\ndef test_other(responses): pass\n", name="test_art.py"
        )
        assert len(looked_at(gates)) == 1
        assert looked_at(gates, "--genaiops-slice", "topic=art") == []

    def test_where_there_is_no_source(self, gates: Project) -> None:
        gates.suite(
            """
            import pytest
            made = {}
            exec('''def test_answers(responses, exact_match):
                assert exact_match(responses).at_least(0.95)''', made)
            test_answers = pytest.mark.genaiops(dataset="capitals")(made["test_answers"])
            """
        )
        result = gates.run("-v")
        assert (told(result), outcomes(result)) == ([], {"test_answers[default]": "FAILED"})


class TestPassRates:
    def test_that_leave_no_room_for_a_miss(self, gates: Project) -> None:
        rows(gates, 10)
        gates.by_case('variants=["v1", "v2"], pass_rate=0.95')
        assert looked_at(gates) == [
            "pass_rate=0.95 lets no case miss with 10 cases, and stops a system at that very rate in 40 % of runs; "
            "from 20 cases on one may"
        ]
        gates.by_case("pass_rate=0.95, trials=2")
        assert looked_at(gates) == []
        gates.by_case("pass_rate=0.99, trials=2")
        assert looked_at(gates) == [
            "pass_rate=0.99 lets no case miss with 10 cases x 2 trials; from 50 cases x 2 trials on one may"
        ]

    @pytest.mark.parametrize("rate", [1, 0.9, 0.5])
    def test_that_leave_some_or_want_none(self, gates: Project, rate: float) -> None:
        rows(gates, 10)
        gates.by_case(f"pass_rate={rate}")
        assert looked_at(gates) == []


class TestSessions:
    def test_a_filter_that_makes_errors_of_them_stops_the_session(self, gates: Project) -> None:
        write(gates, "assert exact_match(responses).at_least(0.95)")
        result = gates.run("-W", "error::pytest_genaiops.GateWarning")
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        assert "cannot pass with 20 cases" in result.stderr.str() + result.stdout.str()
        assert gates.calls == []

    def test_a_filter_can_silence_them(self, gates: Project) -> None:
        write(gates, "assert exact_match(responses).at_least(0.95)")
        assert looked_at(gates, "-W", "ignore::pytest_genaiops.GateWarning") == []

    def test_one_worker_tells_for_all(self, gates: Project) -> None:
        pytest.importorskip("xdist")
        write(gates, "assert exact_match(responses).at_least(0.95)")
        result = gates.run_apart("-p", "xdist", "-n", "2")
        assert (len(told(result)), result.parseoutcomes()["warnings"]) == (1, 1)
        result = gates.run_apart("-p", "xdist", "-n", "2", "-W", "error::pytest_genaiops.GateWarning")
        assert result.ret == pytest.ExitCode.TESTS_FAILED
        result.stdout.fnmatch_lines(["FAILED *::genaiops - Failed: exact_match(responses).at_least(0.95) cannot *"])


def made(source: str) -> Callable[..., Any]:
    names: dict[str, Any] = {}
    exec(source, names)
    function: Callable[..., Any] = names["test"]
    return function


class TestClaims:
    """What is read from a function, beside what the sessions above show."""

    def test_all_of_a_gate(self) -> None:
        def test(responses, baseline, bleu):
            score = bleu(responses, lowercase=True)
            assert score.not_worse_than(baseline, margin=1.5, confidence=0.9, coverage=0.95)

        (claim,) = claims_of(test)
        assert (claim.metric, claim.path, claim.configured) == ("bleu", (), True)
        assert (claim.rule, list(claim.numbers), claim.confidence) == ("not_worse_than", [1.5], 0.9)

    def test_a_wrapped_function(self) -> None:
        from functools import wraps

        def again(function: Any) -> Any:
            @wraps(function)
            def run(*args: Any, **kwargs: Any) -> Any:
                return function(*args, **kwargs)

            return run

        @again
        def test(responses, ter):
            assert ter(responses).at_most(-0.5, confidence=None)

        (claim,) = claims_of(test)
        assert (list(claim.numbers), claim.confidence) == ([-0.5], None)

    def test_names_in_a_circle_end(self) -> None:
        def test(responses, ter):
            a = b.x  # type: ignore[used-before-def,has-type] # noqa: F821
            b = a.y
            c = c.z  # type: ignore[used-before-def,has-type] # noqa: F821
            assert a.at_least(1)
            assert b.at_least(1)
            assert c.at_least(1)

        assert claims_of(test) == []

    @pytest.mark.parametrize("function", [len, print, lambda r: r.at_least(1), made("def test(r): r.at_least(1)")])
    def test_what_is_no_function_with_a_source(self, function: Any) -> None:
        assert list(claims_of(function)) == []
