"""Responses on their way between processes: what arrives equals what was sent."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pytest_genaiops.clients.wire import from_json, to_json
from pytest_genaiops.records import Case, Response, ResponseError, Trial
from pytest_genaiops.targets import to_response

TRIAL = Trial(case=Case(id="c1"), variant="v1")
TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
NUMBERS = st.integers() | st.floats(allow_nan=False)
PLAIN = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
STEPS = st.fixed_dictionaries(
    {"id": TEXT, "output": TEXT},
    optional={
        "messages": st.lists(st.dictionaries(TEXT, TEXT, max_size=2), max_size=2),
        "inputs": st.dictionaries(TEXT, PLAIN, max_size=2),
        "parameters": st.dictionaries(TEXT, PLAIN, max_size=2),
        "latency": st.floats(0, 10),
    },
)
ANSWERS = st.fixed_dictionaries(
    {"text": TEXT},
    optional={
        "contexts": st.lists(TEXT, max_size=3),
        "label": TEXT | st.integers() | st.booleans(),
        "probabilities": st.dictionaries(TEXT, st.floats(0, 1), max_size=3),
        "tool_calls": st.lists(st.dictionaries(TEXT, PLAIN, max_size=3), max_size=3),
        "usage": st.dictionaries(TEXT, NUMBERS, max_size=3),
        "latency": st.floats(0, 1e6),
        "model": TEXT,
        "steps": st.lists(STEPS, max_size=2),
    },
)


@given(ANSWERS, st.floats(0, 100))
def test_what_arrives_equals_what_was_sent(answer: dict[str, Any], seconds: float) -> None:
    sent = to_response(answer, TRIAL, seconds=seconds)
    arrived = from_json(to_json(sent), TRIAL)
    assert arrived == sent
    assert repr((arrived.contexts, arrived.tool_calls)) == repr((sent.contexts, sent.tool_calls))


@given(st.sampled_from(["target", "timeout", "budget"]), TEXT, st.none() | st.floats(0, 10))
def test_errors_arrive_with_their_kind(kind: Any, message: str, latency: float | None) -> None:
    sent = Response(error=ResponseError(kind=kind, message=message), latency=latency, trial=TRIAL)
    assert from_json(to_json(sent), TRIAL) == sent


def test_fields_at_rest_are_left_out() -> None:
    assert json.loads(to_json(Response(text="x", latency=0.25, trial=TRIAL))) == {"text": "x", "latency": 0.25}


def test_the_trial_is_the_receivers_own() -> None:
    other = replace(TRIAL, index=2)
    assert from_json(to_json(Response(text="x", trial=TRIAL)), other).trial is other


def test_empty_contexts_are_not_none() -> None:
    assert from_json(to_json(Response(contexts=(), trial=TRIAL)), TRIAL).contexts == ()
