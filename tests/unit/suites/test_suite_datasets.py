"""What the suites' own datasets claim, checked against the Python that runs the tests."""

import json
import sys
from pathlib import Path
from pydoc_data.topics import topics

import pytest

from eval_suites.rag.lexical import DECLINED
from eval_suites.reference_text import words
from eval_suites.translation.glossary import translate

WRITTEN_FOR = {(3, 11, 7), (3, 12, 1), (3, 13, 0)}
DATASETS = Path(__file__).parents[3] / "datasets"


def rows(name):
    return [json.loads(line) for line in (DATASETS / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


def squeezed(text):
    return " ".join(text.split())


def test_the_reference_documents_hold_the_quotes():
    """All of them in the releases that the data was written for; patch releases may reword the documentation."""
    questions = rows("python_questions")
    lost = [row["id"] for row in questions if squeezed(row["quote"]) not in squeezed(topics[row["topic"]])]
    allowed = 0 if sys.version_info[:3] in WRITTEN_FOR else len(questions) // 10
    assert len(lost) <= allowed, lost


def test_there_are_enough_questions_about_enough_sections():
    questions = rows("python_questions")
    assert len({row["question"] for row in questions}) == len(questions) >= 40
    assert len({row["topic"] for row in questions}) >= 20


@pytest.mark.parametrize("row", rows("python_unanswerable"), ids=lambda row: row["id"])
def test_no_document_can_answer_what_is_called_unanswerable(row):
    """Each question turns on a name that the language reference does not use, or uses in passing only."""
    subjects = {"pip", "smtplib", "matplotlib", "venv", "panda", "flask", "django", "numpy", "docker", "pytest"}
    subject = subjects.intersection(words(row["question"]))
    mentions = [name for name, text in topics.items() if subject.intersection(words(text))]
    assert len(subject) == 1
    assert row["reference"] == DECLINED
    assert len(mentions) <= 1


@pytest.mark.parametrize("row", rows("python_sections"), ids=lambda row: row["id"])
def test_every_summarized_section_exists_and_is_longer_than_its_summary(row):
    assert len(topics[row["topic"]].split()) > len(row["reference"].split())


def test_training_and_test_reports_are_different_texts_with_the_same_labels():
    train, test = rows("python_reports_train"), rows("python_reports")
    assert not {row["text"].lower() for row in train} & {row["text"].lower() for row in test}
    assert {row["label"] for row in train} == {row["label"] for row in test}
    assert len(train) + len(test) >= 60


def test_the_recorded_glossary_system_is_what_the_program_says():
    sentences = rows("python_sentences_en_de")
    assert len(sentences) >= 20
    assert [row["responses"]["glossary"] for row in sentences] == [translate(row["source"]) for row in sentences]


@pytest.mark.parametrize("path", sorted(DATASETS.glob("*.jsonl")), ids=lambda path: path.stem)
def test_ids_are_unique(path):
    ids = [row["id"] for row in rows(path.stem)]
    assert len(set(ids)) == len(ids)


def test_the_datasets_folder_holds_no_code():
    """A module in a folder of this name could be imported in place of the Hugging Face package."""
    assert not list(DATASETS.rglob("*.py"))
