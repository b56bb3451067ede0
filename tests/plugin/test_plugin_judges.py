"""Suites that ask a judge: once for each answer, ahead of their items, and with what it said where a test fails."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from inner import Project, outcomes

import pytest_genaiops.metrics.judged.answers
import pytest_genaiops.metrics.judged.groundedness
import pytest_genaiops.metrics.judged.prefer
import pytest_genaiops.metrics.judged.rubric
import pytest_genaiops.metrics.judged.writing  # noqa: F401 - inner runs forget what they import
from pytest_genaiops.testing import FakeServer
from pytest_genaiops.testing.conditions import Plan

JUDGE = """
    model: {name: judge-1, base_url: "${env:JUDGE_URL}", api_key_env: JUDGE_KEY}
    parameters: {max_tokens: 300}
"""
KEY = "key-of-the-judge-7f3a"
RIGHT, WRONG = "Lamps may be returned for 30 days.", "Lamps may be returned for 99 days."
CONTEXT = "Lamps may be returned for 30 days after delivery."
ONE = "--genaiops-judge=judges/mini.yaml"
CLI = "import sys; from pytest_genaiops.cli import main; sys.exit(main())"


class Judging(FakeServer):
    """Finds claims with 99 in them wrong, rates 5 but for them, and prefers texts without 99."""

    def __init__(self, **options: Any) -> None:
        super().__init__(self._reply, **options)
        self.most = 0
        """Calls that were under way at once."""

    def plan(self, number: int, body: Any, *, now: float, under_way: int) -> Plan:
        self.most = max(self.most, under_way + 1)
        return super().plan(number, body, now=now, under_way=under_way)

    def _reply(self, body: Any) -> str:
        return json.dumps(self._said(body["response_format"]["json_schema"]["name"], body["messages"][1]["content"]))

    def _said(self, name: str, user: str) -> Any:
        wrong = "99 days" in user
        if name.startswith("claims"):
            answer = WRONG if wrong else RIGHT
            return {"claims": [{"claim": answer, "quote": answer.rstrip(".")}]}
        if name.startswith("support"):
            word = "contradicted" if wrong else "supported"
            return {"verdicts": [{"claim": 1, "quote": "for 30 days", "reason": "30 days", "verdict": word}]}
        if name.startswith("parts"):
            return {"parts": [{"part": "how long", "quote": "", "answered": not wrong}]}
        if name.startswith("used"):
            return {"used": [] if wrong else [{"context": 1, "quote": "30 days"}]}
        if name.startswith("prefer"):
            return {
                "reason": "",
                "better": "second" if user.index("99 days") < user.index("second answer") else "first",
            }
        return {"quotes": [], "reason": "it reads well", "rating": 2 if wrong else 5}

    def asked(self) -> Counter[str]:
        """How often each prompt was asked."""
        names = (call.body["response_format"]["json_schema"]["name"] for call in self.calls)
        return Counter(name.rpartition("_")[0] for name in names)


def rows(count: int, **more: Any) -> list[dict[str, Any]]:
    return [
        {
            "id": f"c{i}",
            "question": f"How long may lamp {i} be returned?",
            "contexts": [CONTEXT],
            "responses": {"v1": f"{RIGHT} {i}", "v2": f"{WRONG} {i}"},
            **more,
        }
        for i in range(1, count + 1)
    ]


@pytest.fixture
def judged(project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Project, Judging]]:
    """A project with recorded answers, right ones of v1 and wrong ones of v2, and a judge that can tell."""
    (project.path / "conftest.py").unlink()
    project.write("judges/mini.yaml", JUDGE)
    project.dataset(rows(3))
    monkeypatch.setenv("JUDGE_KEY", KEY)
    with Judging() as server:
        monkeypatch.setenv("JUDGE_URL", server.url)
        yield project, server


def run(project: Project, *options: str) -> pytest.RunResult:
    return project.pytester.runpytest("-p", "pytest_genaiops.plugin.hooks", *options)


WHOLE = """
    import pytest

    @pytest.mark.genaiops(dataset="capitals", variants=["v1", "v2"])
    def test_grounded(responses, groundedness):
        assert groundedness(responses) >= 0.7
"""
CASES = """
    import pytest

    @pytest.mark.genaiops(dataset="capitals", variants=["v1", "v2"])
    def test_fluent(response, fluency):
        assert fluency(response) >= 0.7
"""


def test_a_failed_test_shows_the_claims_with_what_the_judge_says_of_them(judged: tuple[Project, Judging]) -> None:
    project, server = judged
    project.suite(WHOLE)
    result = run(project, ONE)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "*groundedness = 0.0000 (n=3, scale 0-1) >= 0.7*",
            "*judge: 1 claims: 1 contradicted*",
            f"*judge: contradicted: {WRONG} (30 days); context 1: for 30 days*",
            "*groundedness|judge:judge-1|*",
        ]
    )
    assert server.asked() == {"claims": 6, "support": 6}
    assert KEY not in result.stdout.str()
    assert all(call.headers["Authorization"] == f"Bearer {KEY}" for call in server.calls)


def test_the_same_suite_runs_without_a_model(judged: tuple[Project, Judging]) -> None:
    project, server = judged
    project.suite(WHOLE)
    for options in ([], ["--genaiops-judge=embedded"]):
        result = run(project, *options)
        assert "judge:judge-1" not in result.stdout.str()
        assert result.parseoutcomes().get("errors") is None
    assert server.calls == []


def test_a_second_session_asks_nothing_and_another_prompt_would(judged: tuple[Project, Judging]) -> None:
    project, server = judged
    project.suite(CASES)
    first = outcomes(run(project, "-v", ONE))
    assert Counter(first.values()) == {"PASSED": 3, "FAILED": 3}
    assert len(server.calls) == 6
    assert outcomes(run(project, "-v", ONE)) == first
    assert len(server.calls) == 6


def test_a_judge_is_asked_for_all_cases_while_the_first_one_waits(judged: tuple[Project, Judging]) -> None:
    project, server = judged
    project.dataset(rows(20))
    project.suite(CASES)
    server.latency = 0.1
    result = run(project, ONE, "--genaiops-concurrency=8", "--genaiops-variant=v1")
    result.assert_outcomes(passed=20)
    assert server.asked() == {"fluency": 20}
    assert 2 <= server.most <= 8


def test_a_rubric_is_named_by_its_criteria(judged: tuple[Project, Judging]) -> None:
    project, server = judged
    project.suite(
        """
        import pytest

        @pytest.mark.genaiops(dataset="capitals", variants=["v1", "v2"], pass_rate=0.9)
        def test_polite(response, rubric):
            assert rubric("The answer is polite.")(response) >= 4

        @pytest.mark.genaiops(dataset="capitals", variants=["v1"])
        def test_short(responses, rubric):
            assert rubric("The answer is short.", scale=(1, 5), samples=2)(responses) >= 4
        """
    )
    result = run(project, "-v", ONE)
    found = outcomes(result)
    assert found["test_polite[v1-pass_rate]"] == "PASSED"
    assert found["test_polite[v2-pass_rate]"] == "FAILED"
    assert found["test_short[v1]"] == "PASSED"
    assert server.asked() == {"rubric": 6 + 3 * 2}


def test_two_variants_are_compared_pair_by_pair(judged: tuple[Project, Judging]) -> None:
    project, server = judged
    project.suite(
        """
        import pytest

        @pytest.mark.genaiops(dataset="capitals", variants=["v1", "v2"], baseline="v1")
        def test_preferred(responses, baseline, prefer):
            score = prefer(responses, baseline)
            assert score.inconsistent.value == 0
            assert score >= 0.5

        @pytest.mark.genaiops(dataset="capitals", variants=["v1", "v2"], baseline="v2")
        def test_case(response, baseline, prefer, variant):
            assert prefer(response, baseline) == (1 if variant.id == "v1" else 0.5)
        """
    )
    result = run(project, "-v", ONE)
    assert [name for name, word in outcomes(result).items() if word != "PASSED"] == ["test_preferred[v2]"]
    result.stdout.fnmatch_lines(["*prefer = 0.0000 (n=3, scale 0-1) >= 0.5*", "*as the first one it is not*"])
    # Three pairs in both orders, whichever side asks; a variant against itself is no question.
    assert server.asked() == {"prefer": 6}


def test_completeness_and_utilization_together_say_what_to_change(judged: tuple[Project, Judging]) -> None:
    project, _ = judged
    project.dataset(rows(3, contexts=[CONTEXT, "Desks.", "Chairs.", "Beds."]))
    project.suite(
        """
        import pytest

        @pytest.mark.genaiops(dataset="capitals", variants=["v1", "v2"])
        def test_answers(responses, completeness, utilization):
            complete, used = completeness(responses), utilization(responses)
            assert complete >= 0.8 and used >= 0.5
        """
    )
    result = run(project, ONE)
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines_random(
        [
            "completeness 1.00 (high) with utilization 0.25 (low): *lower top-k",
            "completeness 0.00 (low) with utilization 0.00 (low): *larger chunk size*",
        ]
    )


def test_workers_share_judgements(judged: tuple[Project, Judging]) -> None:
    pytest.importorskip("xdist")
    project, server = judged
    project.dataset(rows(4))
    project.suite(CASES)
    result = project.run_apart("-v", "-p", "xdist", "-n", "2", ONE)
    assert Counter(outcomes(result).values()) == {"PASSED": 4, "FAILED": 4}
    assert len(server.calls) == 8
    result.stdout.fnmatch_lines(["*judge: 2 on a scale of 1 to 5: it reads well*"])


def test_a_cassette_replays_what_a_judge_said(judged: tuple[Project, Judging]) -> None:
    project, server = judged
    project.suite(WHOLE)
    first = outcomes(run(project, "-v", ONE))
    done = project.pytester.run(sys.executable, "-c", CLI, "cache", "export", "judgements.jsonl")
    assert done.ret == 0
    cassette = project.path / "judgements.jsonl"
    assert KEY not in cassette.read_text("utf-8")
    asked_for = {json.loads(line)["variant"] for line in cassette.read_text("utf-8").splitlines()}
    assert asked_for == {"groundedness of v1", "groundedness of v2"}, "not the calls of the variants themselves"
    for file in sorted((project.path / ".genaiops").iterdir()):
        file.unlink()
    calls = len(server.calls)
    again = run(project, "-v", ONE, "--genaiops-cache=only", f"--genaiops-cassette={cassette.name}")
    assert outcomes(again) == first
    missing = run(project, ONE, "--genaiops-cache=only")
    missing.assert_outcomes(failed=2)
    missing.stdout.fnmatch_lines(["*missing: *"])
    assert len(server.calls) == calls


def test_a_spent_budget_stops_before_the_judge_is_asked(judged: tuple[Project, Judging]) -> None:
    project, server = judged
    project.suite(WHOLE)
    result = run(project, ONE, "--genaiops-max-tokens=10")
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["*3 of 3 cases unscored*", "*c1: budget: *"])
    assert server.calls == []


def test_a_metric_that_a_test_makes_itself_is_asked_as_the_session_has_it(judged: tuple[Project, Judging]) -> None:
    project, server = judged
    project.suite("""
        import pytest
        from pytest_genaiops import metric

        @pytest.mark.genaiops(dataset="capitals", variants=["v1"])
        def test_fluent(responses):
            assert metric("fluency", judge="judges/mini.yaml")(responses) >= 0.5
    """)
    result = run(project, "--genaiops-max-tokens=10")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*budget: *"])
    assert server.calls == []
    run(project).assert_outcomes(passed=1)
    asked = len(server.calls)
    assert asked
    run(project).assert_outcomes(passed=1)
    assert len(server.calls) == asked, "kept where the session keeps its answers"


@pytest.mark.parametrize(
    ("fault", "reason"),
    [("wrong model", "*c1: judge: *the model 'another-model' answered*"), ("status 401", "*c1: judge: *401*")],
)
def test_a_judge_that_fails_is_no_bad_answer(judged: tuple[Project, Judging], fault: str, reason: str) -> None:
    project, server = judged
    server.fault = fault
    project.suite(CASES)
    project.suite(WHOLE, name="test_whole.py")
    result = run(project, "-v", ONE)
    assert set(outcomes(result).values()) == {"FAILED"}
    result.stdout.fnmatch_lines([reason])
    assert KEY not in result.stdout.str()


def test_a_judge_that_is_not_there_is_named_with_those_that_are(judged: tuple[Project, Judging]) -> None:
    project, server = judged
    project.suite(CASES)
    result = run(project, "--genaiops-judge=minni")
    assert result.ret != 0
    result.stdout.fnmatch_lines(["*there is no judge 'minni'*did you mean 'mini'*"])
    assert server.calls == []


def test_without_a_judge_the_ways_to_name_one_are_said(judged: tuple[Project, Judging]) -> None:
    project, _ = judged
    project.suite(CASES)
    result = run(project)
    result.stdout.fnmatch_lines(["*fluency needs a model to judge; write --genaiops-judge=judges/<name>.yaml*"])
