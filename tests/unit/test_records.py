"""The nouns: what users may rely on beside their fields."""

from __future__ import annotations

import copy
import json
import pickle

import pytest

from pytest_genaiops.dataset import from_rows
from pytest_genaiops.records import Case, Response, ResponseError, Trial

(CASE,) = from_rows([{"id": "c1", "question": "why?", "tags": ["a"]}]).cases


@pytest.mark.parametrize(
    "change",
    [
        lambda inputs: inputs.__setitem__("question", "x"),
        lambda inputs: inputs.__delitem__("question"),
        lambda inputs: inputs.update(question="x"),
        lambda inputs: inputs.pop("question"),
        lambda inputs: inputs.setdefault("more", 1),
        lambda inputs: inputs.clear(),
        lambda inputs: inputs.__ior__({"more": 1}),
    ],
)
def test_a_target_cannot_change_a_case_for_those_that_come_later(change) -> None:
    with pytest.raises(TypeError, match=r"a case is read-only; change a copy: dict\(case.inputs\)"):
        change(CASE.inputs)
    assert CASE.inputs == {"question": "why?", "tags": ["a"]}


def test_inputs_are_a_dict_for_everything_that_reads_them() -> None:
    assert json.loads(json.dumps(CASE.inputs)) == {"question": "why?", "tags": ["a"]}
    assert pickle.loads(pickle.dumps(CASE.inputs)) == CASE.inputs
    for mine in (dict(CASE.inputs), copy.copy(CASE.inputs), copy.deepcopy(CASE.inputs), CASE.inputs | {"x": 1}):
        mine["question"] = "mine"
    assert CASE.inputs["question"] == "why?"


def test_a_response_is_short_in_a_traceback() -> None:
    trial = Trial(case=Case(id="c1"), variant="v2")
    assert repr(Response(text="Paris\x1b[31m", trial=trial)) == "<response of v2 to c1: 'Paris\\x1b[31m'>"
    error = ResponseError(kind="timeout", message="no answer within 3 s")
    assert repr(Response(error=error, trial=trial)) == "<response of v2 to c1: timeout: no answer within 3 s>"
    assert repr(Response(text="Paris")) == "<response: 'Paris'>"
