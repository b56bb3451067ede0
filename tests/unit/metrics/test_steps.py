"""Steps: what each agent took, errors that must not vanish, and one step judged in place of the answer."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace
from typing import Any

import pytest

from pytest_genaiops import Case, Response, dataset, evaluate, metric
from pytest_genaiops.dataset import store
from pytest_genaiops.errors import MetricError
from pytest_genaiops.metrics.steps import Steps
from pytest_genaiops.records import ResponseError, Responses, Step, Trial
from pytest_genaiops.score.steps import of_step, response_of
from pytest_genaiops.targets import to_response
from pytest_genaiops.testing import FakeServer, check_metric

CONTEXT = "Lamps can be returned within 30 days."


def step(agent: str, seconds: float | None = None, **more: Any) -> Step:
    return Step(**{"id": f"{agent}-step", "output": "", "agent": agent, "latency": seconds, **more})


def answers(*given: tuple[Step, ...], **more: Any) -> Responses:
    cases = [Case(id=str(number), contexts=(CONTEXT,), label="lamps") for number in range(len(given))]
    return Responses(
        Response(text="t", steps=steps, trial=Trial(case=case, variant="v"), **more)
        for steps, case in zip(given, cases, strict=True)
    )


TWO = answers(
    (step("planner", 0.5), step("writer", 1.0), step("writer", 2.0, error="no route")),
    (step("planner", 0.25), step("writer", 3.0)),
    (step("planner", 0.75),),
)


class TestByAgent:
    def test_seconds_of_an_answer_are_those_of_all_its_steps(self) -> None:
        latency = metric("steps")(TWO).latency
        assert {agent: score.value for agent, score in latency.items()} == {"planner": 0.5, "writer": 3.0}
        assert latency["writer"].per_case == (3.0, 3.0)
        assert (latency["writer"].n, latency["planner"].n, latency["writer"].unscored) == (2, 3, 0)
        assert (latency["writer"].higher_is_better, latency["writer"].scale[0]) == (False, 0)

    def test_an_error_in_an_answered_response_counts(self) -> None:
        found = metric("steps")(TWO).error_rate
        assert {agent: (score.value, score.n) for agent, score in found.items()} == {
            "planner": (0, 3),
            "writer": (0.5, 2),
        }
        assert found["writer"].explain(0).reason == "'writer-step' failed: 'no route'"

    def test_calls_over_all_answers(self) -> None:
        assert metric("steps")(TWO).calls["writer"].per_case == (2, 1, 0)

    def test_tokens_where_all_steps_tell(self) -> None:
        usage = {"input_tokens": 10, "output_tokens": 5}
        found = metric("steps")(answers((step("a", usage=usage), step("a", usage=usage), step("b")), (step("a"),)))
        assert list(found.tokens) == ["a"]
        assert (found.tokens["a"].value, found.tokens["a"].n, found.tokens["a"].unscored) == (30, 1, 1)
        assert "nobody counted the tokens of every step of 'a'" in found.tokens["a"].reasons["1"]

    def test_seconds_that_nobody_measured(self) -> None:
        found = metric("steps")(answers((step("a", 1.0), step("a")), (step("a", 3.0), step("b"))))
        assert (found.latency["a"].value, found.latency["a"].unscored) == (3.0, 1)
        with pytest.raises(MetricError, match=r"steps\.latency has no 'b'; Known: a"):
            _ = found.latency["b"]

    def test_steps_without_an_agent_go_by_their_id(self) -> None:
        given = answers((Step(id="draft", output="", latency=1.0), step("writer", 2.0)))
        assert list(metric("steps")(given).latency) == ["draft", "writer"]
        assert list(metric("steps", by="id")(given).latency) == ["draft", "writer-step"]

    def test_an_answer_without_steps_is_unscored(self) -> None:
        found = metric("steps")([*TWO, *answers((), ())[1:]])
        assert (found.calls["planner"].n, found.calls["planner"].unscored) == (3, 1)
        assert "the response tells no step; have the target return its `steps`" in found.calls["planner"].reasons["1"]

    def test_no_answer_tells_a_step(self) -> None:
        with pytest.raises(
            MetricError, match=r"steps\.latency has no 'planner', nor any other: metric: the response tells"
        ):
            _ = metric("steps")(answers((), ())).latency["planner"]

    def test_failed_trials_count_where_they_tell_the_step(self) -> None:
        lost = ResponseError(kind="timeout", message="too late")
        failed = [replace(each, error=lost) for each in TWO]
        found = metric("steps")(failed).error_rate
        assert (found["writer"].value, found["writer"].n, found["writer"].unscored) == (1, 1, 2)
        assert found["writer"].unscored_by_kind == {"timeout": 2}

    def test_an_unknown_grouping(self) -> None:
        with pytest.raises(MetricError, match="by='step' is unknown; give 'agent' or 'id'"):
            metric("steps", by="step")

    def test_it_keeps_the_contract(self) -> None:
        check_metric(Steps, [(each, Case(id="")) for each in TWO[:2]])

    def test_a_large_dataset_gives_the_same(self, monkeypatch: pytest.MonkeyPatch) -> None:
        rows = [
            {
                "id": n,
                "responses": {"v": {"text": "t", "steps": [{"id": "a", "output": "", "latency": n % 3}][: n % 4]}},
            }
            for n in range(40)
        ]
        small = evaluate(dataset.from_rows(rows), metrics=["steps"]).score("steps", "v").latency["a"]
        monkeypatch.setattr(store, "HELD_BYTES", 0)
        large = evaluate(dataset.from_rows(rows), metrics=["steps"]).score("steps", "v").latency["a"]
        assert (small.value, small.n, small.unscored) == (large.value, large.n, large.unscored)
        assert small.unscored == 10


SAID = answers(
    (step("planner", output="lamps"), step("writer", 0.5, output="Lamps can be returned within 30 days.")),
    (
        step("planner", output="sofas"),
        step("writer", 1.5, output="Refunds take a century.", usage={"input_tokens": 1, "output_tokens": 2}),
    ),
)


class TestOneStep:
    def test_its_output_is_scored_in_place_of_the_answer(self) -> None:
        found = metric("groundedness")(SAID, step="writer")
        assert (
            found.per_case == metric("groundedness")([r.steps[1].output for r in SAID], contexts=[CONTEXT] * 2).per_case
        )
        assert found.name == "groundedness[writer]"
        assert "step:writer" in found.signature

    def test_labels_seconds_and_tokens_are_the_steps_own(self) -> None:
        assert metric("classification")(SAID, step="planner").accuracy.value == 0.5
        assert metric("latency")(SAID, step="writer").value == 1.0
        assert metric("tokens")(SAID, step="writer").per_case == (None, 3)

    def test_options_and_one_response(self) -> None:
        with pytest.raises(MetricError, match="needs `reference`"):
            metric("exact_match")(SAID[0], step="writer")
        assert metric("classification")(SAID, step="planner", average=None).f1["lamps"].name == "f1[lamps][planner]"

    def test_by_id_and_the_last_of_several(self) -> None:
        steps = (Step(id="draft", output="A"), Step(id="draft", output="B"))
        assert response_of(Response(steps=steps), "draft").text == "B"

    def test_a_step_that_is_not_there(self) -> None:
        found = metric("groundedness")(SAID, step="writter")
        assert (found.n, found.unscored_by_kind) == (0, {"missing": 2})
        assert "the response has no step 'writter' (did you mean 'writer'?)" in found.why[0]

    def test_a_step_that_failed(self) -> None:
        found = metric("groundedness")(answers((step("writer", output="x", error="no route"),)), step="writer")
        assert found.why == ("target: step 'writer': no route",)

    def test_a_long_answer_keeps_no_short_step_from_its_score(self) -> None:
        (given,) = answers((step("writer", output=CONTEXT),))
        assert metric("groundedness")(replace(given, text="x " * 200_000), step="writer").value > 0.9

    def test_scores_are_compared_with_the_same_step(self) -> None:
        mine = metric("groundedness")(SAID, step="writer")
        assert mine.not_worse_than(metric("groundedness")(SAID, step="writer"), margin=0.5).outcome == "passed"
        with pytest.raises(MetricError, match="step"):
            mine.not_worse_than(metric("groundedness")(SAID, step="planner"), margin=0.5)

    def test_evidence_is_told_in_words(self) -> None:
        found = metric("groundedness")(SAID, step="writer").explain(1)
        assert found.unsupported == ()
        assert found.reason.startswith("step 'writer': not in the contexts: 'Refunds'")

    @pytest.mark.parametrize("name", ["retrieval", "tool_calls", "steps", "cross_entropy"])
    def test_what_a_step_does_not_have(self, name: str) -> None:
        with pytest.raises(MetricError, match=f"{name} is not about the text of one step"):
            metric(name)(SAID, step="writer")

    @pytest.mark.parametrize("name", ["", None, 3])
    def test_what_names_no_step(self, name: Any) -> None:
        with pytest.raises(MetricError, match="names no step"):
            metric("groundedness")(SAID, step=name)

    def test_a_judge_is_asked_about_the_step(self) -> None:
        asked: list[Any] = []

        def reply(body: dict[str, Any]) -> str:
            asked.append(json.dumps(body))
            return json.dumps({"rating": 5, "reason": "fine", "quotes": []})

        with FakeServer(reply) as server:
            judge = {"model": {"name": "m", "base_url": server.url}}
            found = metric("fluency", judge=judge)(SAID, step="writer")
        assert found.value == 1
        assert any("Refunds take a century." in body for body in asked)

    def test_it_is_made_by_name_and_evaluated(self) -> None:
        one = metric("groundedness", step="writer")
        assert one.metric == of_step(metric("groundedness").metric, "writer")
        assert one(SAID).per_case == metric("groundedness")(SAID, step="writer").per_case
        found = evaluate(
            dataset.from_rows(
                [
                    {
                        "id": 1,
                        "context": CONTEXT,
                        "responses": {"v": {"text": "", "steps": [{"id": "s", "output": CONTEXT}]}},
                    }
                ]
            ),
            metrics=[metric("groundedness", step="s")],
        )
        assert found.score("groundedness[s]", "v").n == 1

    def test_it_is_hashable_and_goes_to_another_process(self) -> None:
        one = of_step(metric("groundedness").metric, "writer")
        assert pickle.loads(pickle.dumps(one)) == one
        assert len({one, of_step(metric("groundedness").metric, "writer")}) == 1


def test_the_error_of_a_step_is_shown_with_the_case() -> None:
    found = metric("steps")(TWO).error_rate["writer"].evidence()
    assert found.worst[0].steps == [
        ("planner, planner-step", ""),
        ("writer, writer-step", ""),
        ("writer, writer-step", "failed: no route"),
    ]


class TestFromTargets:
    TRIAL = Trial(case=Case(id="a"), variant="v")

    def test_mappings_and_steps(self) -> None:
        given = {"id": "plan", "output": "Go.", "agent": "planner", "error": None}
        assert to_response({"text": "x", "steps": [given]}, self.TRIAL).steps == (
            Step(id="plan", output="Go.", agent="planner"),
        )

    def test_who_failed_may_have_said_nothing(self) -> None:
        (found,) = to_response(
            {"text": "x", "steps": [{"id": "plan", "error": ValueError("no \ud800 route")}]}, self.TRIAL
        ).steps
        assert (found.output, found.error) == ("", "no \\ud800 route")

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ({"id": "a", "output": "", "error": 3}, "a step's 'error' is int; give its message"),
            ({"id": "a", "output": "", "agent": 3}, "the response's 'agent' is int, not a string"),
            ({"id": "a"}, "a step's 'output' is NoneType"),
            ({"id": "a", "output": "", "agnt": "x"}, "a step has an unknown key 'agnt'; did you mean 'agent'?"),
        ],
    )
    def test_what_is_no_step(self, given: Any, message: str) -> None:
        error = to_response({"text": "x", "steps": [given]}, self.TRIAL).error
        assert error is not None
        assert message in error.message
        with pytest.raises(MetricError, match="steps: row 0: "):
            metric("steps")([[given]])
