"""Real systems on public data with human labels, each system as a variant. Reads the data, never copies it.

The thresholds are floors that every one of these published systems clears.
"""

import pytest

from eval_suites.public import joined

DATA = joined.folder()
if reason := joined.missing(DATA):
    pytest.skip(reason, allow_module_level=True)

TRANSLATIONS = joined.write(
    "wmt21_ted_ende",
    joined.translations(
        joined.rows(DATA / "wmt21_ted_ende_segments.jsonl"), joined.rows(DATA / "wmt21_ted_ende_outputs.jsonl")
    ),
)
SUMMARIES = joined.write(
    "summeval",
    joined.summaries(joined.rows(DATA / "summeval_documents.jsonl"), joined.rows(DATA / "summeval_outputs.jsonl")),
)
ANSWERS = joined.write("ragtruth_qa", joined.answers(joined.rows(DATA / "ragtruth_qa_dev.jsonl")))


@pytest.mark.genaiops(dataset=TRANSLATIONS, baseline="Online-W")
def test_translation(responses, bleu, chrf):
    assert bleu(responses) >= 25
    assert chrf(responses) >= 55


@pytest.mark.genaiops(dataset=SUMMARIES)
def test_summarization(responses, rouge):
    scores = rouge(responses)
    assert scores.rouge1 >= 0.35
    assert scores.rougeL >= 0.25


@pytest.mark.genaiops(dataset=ANSWERS)
def test_question_answering(responses, groundedness, relevancy):
    assert groundedness(responses) >= 0.4
    assert relevancy(responses) >= 0.75


@pytest.mark.genaiops(dataset=ANSWERS, baseline="llama-2-7b-chat")
def test_groundedness_sees_what_people_saw(responses, baseline, groundedness):
    """People found an unsupported span in 57 % of the baseline's answers, and in no more than 36 % of any other's."""
    assert groundedness(responses).not_worse_than(baseline, margin=0.05)
