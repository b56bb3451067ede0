"""A language model answers questions from retrieved passages; it hardly ever says that they do not answer."""

import pytest

from eval_suites import live

if reason := live.missing():
    pytest.skip(reason, allow_module_level=True)

VARIANTS = "eval_suites/live/rag/variants/*.yaml"

suite = pytest.mark.genaiops(dataset="python_questions", variants=VARIANTS, baseline="passage")


@suite
def test_every_question_is_answered(responses, error_rate):
    assert error_rate(responses) == 0
    assert all(response.text.strip() for response in responses)
    assert all(response.contexts for response in responses)
    assert {response.model for response in responses} == {live.MODEL}


@suite
def test_time_and_tokens_are_measured(responses, latency, tokens):
    assert 0 < latency(responses) < 60
    assert 50 < tokens(responses) < 600


@pytest.mark.genaiops(dataset="python_questions", variants=VARIANTS, baseline="passage", coverage=0.75)
def test_answers_are_supported(responses, groundedness):
    # "The answer is no." claims nothing that a passage could support.
    assert groundedness(responses) >= 0.3


@suite
def test_answers_are_not_worse_than_the_baseline(responses, baseline, token_f1):
    assert token_f1(responses).not_worse_than(baseline, margin=0.3)


@pytest.mark.genaiops(dataset="python_questions", variants=VARIANTS, pass_rate=0.5)
def test_answer_has_something_of_its_reference(response, token_f1):
    assert token_f1(response) > 0


@pytest.mark.xfail(strict=True, raises=AssertionError, reason="it answers what no passage says: the gate must stop it")
@pytest.mark.genaiops(dataset="python_unanswerable", variants=VARIANTS)
def test_the_gate_of_the_program_stops_it(responses, exact_match):
    assert exact_match(responses) >= 0.8
