"""Evaluators of azure-ai-evaluation, and callables of their form."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import typing
from importlib.util import find_spec
from typing import Any

import pytest

from pytest_genaiops import Response, azure_metric, evaluate
from pytest_genaiops.errors import MetricError


class LengthEvaluator:
    """Of the form that the package's own have: overloads that say what a call takes, and a loose real one."""

    def __init__(self, *, threshold: float = 0.5, fault: str = "") -> None:
        self.threshold = threshold
        self.fault = fault

    @typing.overload
    def __call__(self, *, response: str, ground_truth: str) -> dict[str, Any]: ...
    @typing.overload
    def __call__(self, *, conversation: object) -> dict[str, Any]: ...
    def __call__(self, **given: Any) -> dict[str, Any]:
        if self.fault:
            raise ConnectionError(f"{self.fault} api_key=sk-abcdefgh12345678")
        assert set(given) == {"response", "ground_truth"}
        score = min(len(given["response"]) / len(given["ground_truth"]), 1.0) if given["response"] else math.nan
        passed = score >= self.threshold
        return {"length": score, "length_score": score, "length_passed": passed, "length_threshold": self.threshold}


def test_a_class_is_made_with_the_options() -> None:
    score = azure_metric(LengthEvaluator, threshold=0.75)(["ab", "abcd"], ["abcd", "abcd"])
    assert (score.value, score.per_case, score.name) == (0.75, (0.5, 1.0), "azure_Length")
    assert 'evaluator:LengthEvaluator|options:{"threshold":0.75}' in score.signature


def test_a_made_one_gives_the_same() -> None:
    assert azure_metric(LengthEvaluator())(["ab"], ["abcd"]).per_case == (0.5,)


def test_any_function_of_the_form_is_one() -> None:
    def shouting(response: str, query: str, tone: str = "") -> dict[str, float]:
        return {"capitals": 10.0 * sum(map(str.isupper, response + query + tone))}

    score = azure_metric(shouting, scale=(0, math.inf), higher_is_better=False)(["AB", "c"], questions=["Q", "q"])
    assert (score.value, score.scale, score.higher_is_better) == (15.0, (0, math.inf), False)
    rows = [{"id": "1", "question": "Q", "tone": "T", "responses": {"v": "A"}}]
    evaluation = evaluate(rows, metrics=[azure_metric(shouting, scale=(0, 100))])
    assert evaluation.score("azure_shouting", "v").value == 30.0


def test_a_whole_conversation_is_a_column() -> None:
    def turns(conversation: Any) -> dict[str, float]:
        return {"turns": float(len(conversation))}

    rows = [{"id": "1", "conversation": ["Hello.", "Good day."], "responses": {"v": "Good day."}}]
    assert evaluate(rows, metrics=[azure_metric(turns, scale=(0, 9))]).score("azure_turns", "v").value == 2.0


def test_contexts_are_joined_and_those_that_were_retrieved_count() -> None:
    def context_of(context: str) -> dict[str, float]:
        assert context == "one\n\ntwo"
        return {"x": 1.0}

    assert azure_metric(context_of)(["a"], contexts=[["one", "two"]]).value == 1.0
    retrieved = Response(text="a", contexts=("one", "two"))
    assert azure_metric(context_of)([retrieved], contexts=[["other"]]).value == 1.0


def test_nan_and_what_is_raised_leave_a_case_unscored() -> None:
    score = azure_metric(LengthEvaluator)(["", "abcd"], ["abcd", "abcd"])
    assert (score.value, score.unscored) == (1.0, 1)
    assert score.why[0] == "metric: azure_Length gave nan for 'length_score', which is no finite number"
    failed = azure_metric(LengthEvaluator(fault="down"))(["a"], ["abcd"])
    assert failed.value is None
    assert failed.why == ("metric: azure_Length raised ConnectionError: down api_key=***",)


def test_of_one_that_asks_a_model_a_failure_is_the_judge_s() -> None:
    score = azure_metric(LengthEvaluator(fault="down"), model="gpt-4o-mini")(["a"], ["abcd"])
    assert score.why[0].startswith("judge: ")
    assert "judge:gpt-4o-mini" in score.signature


def test_a_row_without_what_it_takes_is_unscored() -> None:
    score = azure_metric(LengthEvaluator)(["a"], questions=["q"])
    assert score.why == ("metric: azure_Length takes 'ground_truth', which the row does not have",)


def test_several_numbers_need_a_key() -> None:
    def both(response: str) -> dict[str, float]:
        return {"precision": 0.5, "recall": 0.25}

    assert azure_metric(both, key="recall")(["a"]).value == 0.25
    with pytest.raises(MetricError, match="azure_both gives 'precision', 'recall'; say which counts: key="):
        azure_metric(both)(["a"])


def test_a_value_outside_of_the_scale_is_an_error() -> None:
    def rated(response: str) -> dict[str, float]:
        return {"rating": 4.0}

    with pytest.raises(MetricError, match=r"outside of its scale 0-1; say its real one: azure_metric\(…, scale="):
        azure_metric(rated)(["a"])


class TestWhatIsNoEvaluator:
    def test_something_that_cannot_be_called(self) -> None:
        with pytest.raises(MetricError, match="takes an evaluator, which can be called, not 'f1'"):
            azure_metric("f1")

    def test_one_without_named_arguments(self) -> None:
        def loose(**given: Any) -> dict[str, float]:
            return {"x": 1.0}

        with pytest.raises(MetricError, match="azure_loose names no arguments such as 'response'"):
            azure_metric(loose)(["a"])

    def test_options_for_one_that_is_made_already(self) -> None:
        with pytest.raises(MetricError, match="options go to a class"):
            azure_metric(LengthEvaluator(), threshold=1)

    def test_options_that_the_class_does_not_take(self) -> None:
        with pytest.raises(MetricError, match="LengthEvaluator cannot be made of these options: TypeError"):
            azure_metric(LengthEvaluator, limit=1)(["a"], ["b"])

    def test_a_key_never_comes_near_a_signature(self) -> None:
        model = {"azure_endpoint": "https://x", "api_key": "sk-abcdefgh12345678"}
        with pytest.raises(MetricError, match="'api_key' among the options would be shown") as error:
            azure_metric(LengthEvaluator, model_config=model)
        assert "12345678" not in str(error.value)

    def test_none_at_all(self) -> None:
        from pytest_genaiops import metric

        with pytest.raises(MetricError, match=r"azure names no evaluator; write azure_metric\(F1ScoreEvaluator\)"):
            metric("azure")(["a"])


REAL = """
import socket

def refuse(self, address):
    raise AssertionError(f"connects to {address}")

socket.socket.connect = refuse
from azure.ai.evaluation import F1ScoreEvaluator, RougeScoreEvaluator, RougeType
from pytest_genaiops import azure_metric

f1 = azure_metric(F1ScoreEvaluator)(["the cat sat", "a dog"], ["cat sat down", "a dog"])
assert abs(f1.per_case[0] - 0.8) < 1e-12, f1.per_case  # cat sat | cat sat down: P 2/2, R 2/3
assert f1.per_case[1] == 1.0
assert "azure-ai-evaluation:1." in f1.signature
rouge = azure_metric(RougeScoreEvaluator(rouge_type=RougeType.ROUGE_L))(["a b c"], ["a b d"])
assert abs(rouge.value - 2 / 3) < 1e-12
"""


def _has_azure() -> bool:
    try:
        return find_spec("azure.ai.evaluation") is not None
    except ModuleNotFoundError:
        return False


@pytest.mark.skipif(not _has_azure(), reason="azure-ai-evaluation is not installed; nox -s adapters has it")
def test_the_package_s_own_evaluators_and_no_connection() -> None:
    subprocess.run([sys.executable, "-c", REAL], check=True, env={**os.environ, "PYTHONWARNINGS": "ignore"})
