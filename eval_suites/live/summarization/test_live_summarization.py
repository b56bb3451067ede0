"""A language model summarizes sections of the language reference, in one piece and streamed."""

import pytest

from eval_suites import live

if reason := live.missing():
    pytest.skip(reason, allow_module_level=True)

VARIANTS = "eval_suites/live/summarization/variants"

suite = pytest.mark.genaiops(dataset="python_sections", variants=f"{VARIANTS}/*.yaml", baseline="one_sentence")


@suite
def test_every_section_is_summarized(responses, error_rate, latency):
    assert error_rate(responses) == 0
    assert all(response.text.strip() for response in responses)
    assert {response.model for response in responses} == {live.MODEL}
    assert 0 < latency(responses) < 60


@pytest.mark.genaiops(dataset="python_sections", variants=f"{VARIANTS}/streamed.yaml")
def test_the_first_token_comes_before_the_last(responses):
    assert all(0 < response.first_token < response.latency for response in responses)
    assert {response.finish_reason for response in responses} <= {"stop", "length"}


@suite
def test_summaries_are_supported(responses, groundedness):
    assert groundedness(responses) >= 0.3


@suite
def test_summaries_share_words_with_the_references(responses, rouge):
    assert rouge(responses).rouge1 >= 0.15


@suite
def test_summaries_are_not_worse_supported_than_the_baseline(responses, baseline, groundedness):
    # Twelve sections without a single change leave room for a loss of 0.26: no smaller margin could pass.
    assert groundedness(responses).not_worse_than(baseline, margin=0.3)
