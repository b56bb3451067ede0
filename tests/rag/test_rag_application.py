"""The reference application on a small corpus: its searches, its builds, and what it refuses."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

pytest.importorskip("lancedb", reason="needs the extra `rag`")

from eval_suites.rag.app import embedding, store
from eval_suites.rag.app.application import Application
from eval_suites.rag.app.corpus import Document
from eval_suites.rag.app.settings import Settings
from eval_suites.rag.lexical import DECLINED
from pytest_genaiops.grounding.builds import Builds

numpy = pytest.importorskip("numpy")

TEXTS = {
    "returns": "A lamp may be returned within thirty days. Keep the receipt, for no refund is paid without one.",
    "delivery": "Orders are delivered to Norway, Sweden and Denmark. Delivery to islands takes a week longer.",
    "payment": "Invoices are paid within ten days. Cards of all kinds are accepted, and cheques are not.",
    "warranty": "The warranty of a lamp is two years. It covers the switch and the cable, but no bulbs.",
    "repairs": "Repairs are made in our own workshop. Send the lamp there, with a note that tells what is broken.",
}
DOCUMENTS = tuple(Document(source=name, title=name, text=text) for name, text in TEXTS.items())
SETTINGS = Settings(chunk=60, embedding="lsa-3", k=3, floor=0)


@pytest.fixture(scope="module")
def builds(tmp_path_factory):
    return Builds(tmp_path_factory.mktemp("builds"))


@pytest.fixture(scope="module")
def application(builds):
    return Application(DOCUMENTS, builds)


@pytest.mark.parametrize("search", ["full-text", "hybrid"])
@pytest.mark.parametrize("index", ["flat", "ivf"])
def test_the_passage_that_answers_is_found(application, search, index):
    settings = replace(SETTINGS, search=search, index=index)
    given = application.answer("How long is the warranty of a lamp?", settings)
    assert given["text"] == "The warranty of a lamp is two years."
    assert given["retrieved"][0]["source"] == "warranty"
    assert given["latency"] > 0


@pytest.mark.parametrize("search", ["vector", "full-text", "hybrid"])
@pytest.mark.parametrize("enrichment", ["none", "title", "keywords"])
def test_a_passage_is_shown_as_it_stands_in_its_source_and_the_best_is_first(application, search, enrichment):
    settings = replace(SETTINGS, search=search, enrichment=enrichment)
    found = application.retrieve("When is an invoice paid?", settings)
    assert found
    assert len(found) <= 3
    assert all(TEXTS[each["source"]][each["start"] : each["end"]] == each["text"] for each in found)
    scores = [each["score"] for each in found]
    assert scores == sorted(scores, reverse=True)
    assert len({each["id"] for each in found}) == len(found)


def test_vector_search_is_by_the_cosine(application):
    settings = replace(SETTINGS, search="vector", k=5)
    question = "Which cards are accepted?"
    ready = application._opened(settings)
    found = application.retrieve(question, settings)
    vectors = ready.model.encode([question, *(each["text"] for each in found)])
    assert [each["score"] for each in found] == pytest.approx(list(vectors[1:] @ vectors[0]), abs=1e-5)


def test_the_title_is_searched_but_not_shown(application):
    question = "payment"
    assert not application.retrieve(question, replace(SETTINGS, search="full-text"))
    found = application.retrieve(question, replace(SETTINGS, search="full-text", enrichment="title"))
    assert {each["source"] for each in found} == {"payment"}
    assert not any(each["text"].startswith("payment") for each in found)


def test_a_question_without_a_known_word_finds_nothing_and_is_declined(application):
    for search in ("vector", "full-text", "hybrid"):
        given = application.answer("Qwertz?", replace(SETTINGS, search=search))
        assert given["retrieved"] == []
        assert given["text"] == DECLINED


def test_tokens_are_words_and_marks_of_question_and_passages_and_of_the_answer(application):
    given = application.answer("Are cheques accepted?", replace(SETTINGS, search="full-text", k=1))
    assert [each["text"] for each in given["retrieved"]] == ["Cards of all kinds are accepted, and cheques are not."]
    assert given["usage"] == {"input_tokens": 4 + 12, "output_tokens": 12}


def test_a_search_for_more_passages_than_there_are_is_refused(application):
    with pytest.raises(store.StoreError, match=r"k=99 asks for more passages than the index has chunks \(\d+\)"):
        application.retrieve("lamp", replace(SETTINGS, k=99))


def test_a_model_with_more_dimensions_than_the_corpus_is_refused(application):
    with pytest.raises(embedding.EmbeddingError, match="embedding=lsa-500 has more dimensions than the corpus"):
        application.retrieve("lamp", replace(SETTINGS, embedding="lsa-500"))


@pytest.mark.parametrize("name", ["lsa-0", "lsa", "no/such/folder"])
def test_a_model_that_is_none_is_refused(application, name):
    with pytest.raises(
        embedding.EmbeddingError, match=r"is no model: give lsa-<dimensions>, a folder of sentence-transformers, or one"
    ):
        application.retrieve("lamp", replace(SETTINGS, embedding=name))


class Broken:
    """A model whose vectors are wrong."""

    width = 3

    def __init__(self, vectors):
        self.vectors = vectors

    def encode(self, texts):
        return self.vectors(len(texts))


def nan(count):
    vectors = numpy.ones((count, 3), dtype="float32")
    vectors[1, 2] = numpy.nan
    return vectors


@pytest.mark.parametrize(
    ("vectors", "said"),
    [
        (
            lambda count: numpy.ones((count, 4), dtype="float32"),
            r"the model gave \d+ x 4 numbers for \d+ texts of width 3",
        ),
        (lambda count: numpy.ones((count - 1, 3), dtype="float32"), r"the model gave \d+ x 3 numbers for \d+ texts"),
        (nan, r"the vector of returns:\d+ holds what is no number \(1 of \d+ do\)"),
    ],
)
def test_vectors_of_another_width_or_of_no_numbers_make_no_index(monkeypatch, tmp_path, vectors, said):
    monkeypatch.setattr(embedding, "Lsa", lambda folder: Broken(vectors))
    application = Application(DOCUMENTS, Builds(tmp_path))
    with pytest.raises(embedding.EmbeddingError, match=said):
        application.retrieve("lamp", SETTINGS)
    assert {path.name.rsplit("-", 1)[0] for path in tmp_path.iterdir() if path.is_dir()} == {"chunks", "model"}


def test_a_question_is_embedded_as_wide_as_the_index(application):
    opened = application._opened(SETTINGS).store
    with pytest.raises(embedding.EmbeddingError, match="the question's vector has 4 numbers, those of the index 3"):
        opened.search("lamp", numpy.ones(4, dtype="float32"), search="hybrid", k=1, probes=1)


def test_variants_share_what_they_have_in_common_and_nothing_is_built_twice(tmp_path):
    builds = Builds(tmp_path)
    application = Application(DOCUMENTS, builds)
    variants = [
        replace(SETTINGS, chunk=chunk, embedding=model, index=index, search=search, k=k)
        for chunk in (60, 100)
        for model in ("lsa-2", "lsa-3")
        for index in ("flat", "ivf")
        for search in ("vector", "full-text", "hybrid")
        for k in (1, 2)
    ]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda settings: application.retrieve("lamp", settings), variants))
    Application(DOCUMENTS, Builds(tmp_path)).retrieve("lamp", variants[0])
    made = [build.folder for build in builds.made()]
    assert len(made) == len(set(made))
    assert Counter(name.rsplit("-", 1)[0] for name in made) == {"chunks": 2, "model": 2, "vectors": 4, "index": 8}


def test_another_corpus_is_built_anew(tmp_path):
    builds = Builds(tmp_path)
    Application(DOCUMENTS, builds).retrieve("lamp", SETTINGS)
    Application((*DOCUMENTS[:-1], replace(DOCUMENTS[-1], text="No repairs at all.")), builds).retrieve("lamp", SETTINGS)
    assert Counter(build.folder.rsplit("-", 1)[0] for build in builds.made())["index"] == 2
