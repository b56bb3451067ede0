"""Metrics of ragas over our client: what is asked, what becomes of failures, and that nobody else is told."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from adapter_help import Model

from pytest_genaiops import Score, metric, ragas_metric
from pytest_genaiops.adapters.ragas import _json_in, _strict
from pytest_genaiops.errors import ExtraMissingError, MetricError, UsageError

here = find_spec("ragas") is not None
needed = pytest.mark.skipif(not here, reason="ragas is not installed; nox -s adapters has it")
ROW: dict[str, Any] = {"questions": ["When?"], "contexts": [["It opens at nine."]], "references": ["At nine."]}


@pytest.fixture(autouse=True)
def cold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Judges of no session keep answers in the working directory, and are made once a process."""
    from pytest_genaiops.run.judging import own_judging

    monkeypatch.chdir(tmp_path)
    own_judging.cache_clear()


def scored(name: str, model: Model, answer: str = "At nine. Free.", without: str = "", **options: Any) -> Score:
    row = {key: value for key, value in ROW.items() if key != without}
    found: Score = ragas_metric(name, judge=model.judge, **options)([answer], **row)
    return found


class TestForms:
    def test_a_schema_is_made_strict(self) -> None:
        """All properties required and no others: OpenAI's guide, "Structured outputs", supported schemas."""
        inner = {"type": "object", "properties": {"a": {"type": "integer", "default": 1}}}
        given = {"$defs": {"In": inner}, "type": "object", "properties": {"x": {"$ref": "#/$defs/In"}}, "required": []}
        strict = {"required": ["a"], "additionalProperties": False}
        assert _strict(given) == {
            "$defs": {"In": {"type": "object", "properties": {"a": {"type": "integer"}}, **strict}},
            "type": "object",
            "properties": {"x": {"$ref": "#/$defs/In"}},
            "required": ["x"],
            "additionalProperties": False,
        }

    @pytest.mark.parametrize(
        ("reply", "read"),
        [('{"a": 1}', '{"a": 1}'), ('```json\n{"a": 1}\n```', '{"a": 1}'), ("```\n[]\n```\n", "[]"), ("no", "no")],
    )
    def test_a_code_fence_is_no_part_of_the_reply(self, reply: str, read: str) -> None:
        assert _json_in(reply) == read


class TestNames:
    def test_without_the_package_the_way_to_get_it_is_said(self) -> None:
        if here:
            pytest.skip("ragas is installed")
        with pytest.raises(ExtraMissingError, match=r'pip install "pytest-genaiops\[ragas\]"'):
            ragas_metric("faithfulness", judge={"model": {"name": "m"}})(["a"], **ROW)

    def test_handles_tell_apart_what_they_measure(self) -> None:
        assert ragas_metric("ContextRecall").name == ragas_metric("context_recall").name == "ragas_context_recall"

    def test_a_model_of_vectors_is_checked_at_once(self) -> None:
        with pytest.raises(UsageError, match=r"embeddings of ragas_metric\(\): the model has no name"):
            ragas_metric("answer_relevancy", embeddings={"base_url": "http://h/v1"})

    def test_options_that_a_signature_cannot_hold(self) -> None:
        with pytest.raises(MetricError, match=r"options of ragas_metric\(\) hold something"):
            ragas_metric("faithfulness", llm=object())


@needed
class TestValues:
    def test_faithfulness_is_the_share_of_supported_statements(self) -> None:
        with Model() as model:
            score = scored("faithfulness", model)
        assert (score.value, score.scale, score.n) == (0.5, (0.0, 1.0), 1)
        assert model.asked == ["StatementGeneratorOutput", "NLIStatementOutput"]
        assert score.signature.startswith("ragas_faithfulness|method:ragas 0.4.3 Faithfulness|judge:small|at:")

    def test_the_form_is_asked_for_as_a_strict_schema(self) -> None:
        with Model() as model:
            scored("faithfulness", model)
        form = model.bodies[0]["response_format"]["json_schema"]
        assert (form["strict"], form["schema"]["required"]) == (True, ["statements"])
        assert model.bodies[0]["temperature"] == 0

    def test_equal_prompts_are_calls_of_their_own(self) -> None:
        with Model() as model:
            score = scored("answer_relevancy", model)
        assert model.asked == ["AnswerRelevanceOutput"] * 3 + ["vector"] * 4
        assert score.value == 1.0
        assert "|embeddings:vec" in score.signature

    def test_a_cosine_is_put_on_the_scale(self) -> None:
        def vector(text: Any) -> list[float]:
            return [1.0, 0.0] if text == "When?" else [-1.0, 0.1]

        with Model(vector=vector) as model:
            assert scored("answer_relevancy", model).value == 0.0
        with Model(vector=lambda text: [0.1, 0.7, 0.3]) as model:  # unclipped 1.0000000000000002 or so
            assert scored("answer_relevancy", model).value == pytest.approx(1.0, abs=1e-12)

    def test_lower_may_be_better(self) -> None:
        assert (
            ragas_metric("noise_sensitivity", judge={"model": {"name": "m"}})._metric.part().higher_is_better is False
        )

    def test_what_ragas_works_out_itself_asks_nobody(self) -> None:
        assert ragas_metric("exact_match")(["a"], ["a"]).value == 1.0

    def test_options_go_to_the_class(self) -> None:
        with Model() as model:
            score = scored("factual_correctness", model, mode="precision")
        assert model.asked == ["ClaimDecompositionOutput", "NLIStatementOutput"]
        assert (score.value, 'options:{"mode":"precision"}' in score.signature) == (0.5, True)

    def test_answers_are_kept(self) -> None:
        from pytest_genaiops.run.judging import own_judging

        with Model() as model:
            first = scored("faithfulness", model)
            own_judging.cache_clear()
            assert scored("faithfulness", model).value == first.value
            assert len(model.bodies) == 2

    def test_every_name_of_the_collection_is_found(self) -> None:
        from ragas.metrics import collections

        from pytest_genaiops.adapters.ragas import _class

        names = [name for name in collections.__all__ if name not in ("BaseMetric", "DistanceMeasure")]
        assert [_class(name) for name in names] == [getattr(collections, name) for name in names]


@needed
class TestFailures:
    def test_a_malformed_reply_is_asked_for_once_more_with_the_error(self) -> None:
        with Model({"StatementGeneratorOutput": "not JSON"}) as model:
            score = scored("faithfulness", model)
        assert model.asked == ["StatementGeneratorOutput"] * 2
        first, second = (body["messages"] for body in model.bodies)
        assert [message["role"] for message in second] == ["user", "assistant", "user"]
        assert second[0] == first[0]
        assert "not the JSON that was asked for (ValidationError" in second[2]["content"]
        assert score.value is None
        assert score.why[0].startswith("judge: the judge's reply is not of the form StatementGeneratorOutput, 2 times")

    def test_retries_within_ragas_ask_for_nothing_more(self) -> None:
        """Two judges with five attempts each; alone, ragas would ask 10 times, and its client several times each."""
        with Model({"ResponseGroundednessOutput": '{"rating": "high"}'}) as model:
            score = scored("response_groundedness", model)
        assert len(model.bodies) == 2
        assert score.why[0].startswith("judge: the judge's reply is not of the form")

    def test_a_refusal_of_the_endpoint_is_the_reason(self) -> None:
        with Model({"NLIStatementOutput": 403}) as model:
            score = scored("faithfulness", model)
        assert score.why[0].startswith("judge: http://127.0.0.1")
        assert "answered 403 Forbidden" in score.why[0]

    def test_nan_is_unscored_with_the_reason(self) -> None:
        with Model({"StatementGeneratorOutput": {"statements": []}}) as model:
            score = scored("faithfulness", model)
        assert score.why == ("judge: ragas gave NaN: Faithfulness found nothing to score",)

    def test_what_ragas_raises_is_the_reason(self) -> None:
        with Model({"AnswerRelevanceOutput": {"question": "", "noncommittal": 0}}, vector=lambda text: [0.0]) as model:
            assert scored("answer_relevancy", model).value == 0.0  # no question guessed: ragas says 0
        with Model(vector=lambda text: [1.0] * len(str(text))) as model:
            score = scored("answer_relevancy", model)
        assert score.why[0].startswith("judge: ragas raised ValueError: ")

    @pytest.mark.parametrize("answer", ["", " \n"])
    def test_an_empty_answer_is_nothing_to_judge(self, answer: str) -> None:
        with Model() as model:
            score = scored("faithfulness", model, answer)
        assert (score.why, model.bodies) == (("metric: nothing to judge: the answer is empty",), [])

    @pytest.mark.parametrize(("role", "named"), [("contexts", "retrieved_contexts"), ("questions", "user_input")])
    def test_a_row_that_lacks_something_is_unscored(self, role: str, named: str) -> None:
        with Model() as model:
            score = scored("faithfulness", model, without=role)
        assert (score.unscored, model.bodies) == (1, [])
        assert f"ragas_faithfulness takes '{named}', which the row does not have" in score.why[0]

    def test_no_judge(self) -> None:
        with pytest.raises(MetricError, match="ragas_faithfulness needs a model to judge; write --genaiops-judge="):
            ragas_metric("faithfulness")(["a"], **ROW)

    def test_no_model_of_vectors(self) -> None:
        with pytest.raises(MetricError, match="AnswerRelevancy of ragas compares vectors, and no model makes them"):
            ragas_metric("answer_relevancy", judge={"model": {"name": "m"}})(["a"], **ROW)

    def test_an_unknown_name(self) -> None:
        with pytest.raises(MetricError, match=r"ragas has no metric 'faithfullness'; did you mean 'Faithfulness'\?"):
            ragas_metric("faithfullness", judge={"model": {"name": "m"}})(["a"], **ROW)

    def test_options_that_the_class_does_not_take(self) -> None:
        with pytest.raises(MetricError, match="AnswerCorrectness of ragas cannot be made of these options: ValueError"):
            ragas_metric("answer_correctness", judge={"model": {"name": "m"}}, weights=[0, 0])(["a"], **ROW)

    def test_conversations_of_agents(self) -> None:
        with pytest.raises(MetricError, match="takes conversations of agents, which no case holds"):
            ragas_metric("tool_call_f1")(["a"], **ROW)

    @pytest.mark.parametrize("value", [1.5, -0.2, math.inf, "high", None])
    def test_a_value_off_its_scale_is_no_value(self, value: object) -> None:
        from pytest_genaiops.adapters.ragas import _build
        from pytest_genaiops.errors import UnscorableError

        handle = ragas_metric("exact_match")
        with pytest.raises(UnscorableError, match=f"ragas gave {value!r}"):
            handle._metric._valued(value, _build("exact_match", "{}", None, None))


@needed
class TestSuites:
    """``--genaiops-judge=ragas:FILE``: the same metric names, asked with the prompts of ragas."""

    def named(self, name: str, model: Model, **row: Any) -> Score:
        Path("judge.yaml").write_text(
            f"model: {{name: small, base_url: '{model.url}'}}\nembeddings: {{name: vec, base_url: '{model.url}'}}\n"
        )
        found: Score = metric(name, judge="ragas:judge.yaml")(["At nine. Free."], **(row or ROW))
        return found

    @pytest.mark.parametrize(
        ("name", "method", "value"),
        [("groundedness", "Faithfulness", 0.5), ("relevancy", "AnswerRelevancy", 1.0),
         ("correctness", "FactualCorrectness", 0.5)],
    )  # fmt: skip
    def test_the_metrics_that_ragas_has(self, name: str, method: str, value: float) -> None:
        with Model() as model:
            score = self.named(name, model)
        assert (score.name, score.value) == (name, value)
        assert f"|method:ragas 0.4.3 {method}|judge:small" in score.signature

    def test_others_are_refused(self) -> None:
        with Model() as model, pytest.raises(MetricError, match="fluency cannot be judged through ragas"):
            self.named("fluency", model)


ALONE = """
import json, os, socket

os.environ.pop("RAGAS_DO_NOT_TRACK", None)
real = socket.socket.connect

def local(self, address):
    assert not isinstance(address, tuple) or address[0] == "127.0.0.1", f"connects to {address}"
    return real(self, address)

def resolve(host, *rest, real=socket.getaddrinfo):
    assert host in ("127.0.0.1", None), f"looks up {host}"
    return real(host, *rest)

socket.socket.connect, socket.getaddrinfo = local, resolve
import threading
errors = []
threading.excepthook = lambda args: errors.append(str(args.exc_value))
from adapter_help import Model
from pytest_genaiops import ragas_metric

with Model() as model:
    score = ragas_metric("faithfulness", judge=model.judge)(
        ["At nine."], contexts=[["It opens at nine."]], questions=["When?"])
    assert score.value == 0.5, score.why
    from ragas._analytics import do_not_track
    assert do_not_track()
    assert not errors, errors
"""


@needed
def test_nobody_else_is_told() -> None:
    paths = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    subprocess.run([sys.executable, "-c", ALONE], check=True, env={**os.environ, "PYTHONPATH": paths})
