"""Embeddings by an encoder in ONNX: one that is made here.

Each of its words has three numbers, so that vectors can be worked out by hand.
"""

# ruff: noqa: TID253 - the rule is for the package

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="needs the extra `rag`")

from eval_suites.rag.app import embedding

TABLE = {
    "[PAD]": (9, 9, 9),  # counted, it would turn every vector
    "[UNK]": (0, 0, 0),
    "lamp": (1, 0, 0),
    "warranty": (0, 1, 0),
    "years": (0, 2, 0),
    "refund": (0, 0, 1),
    "broken": (math.nan, 0, 0),
}
TEXTS = {"a": "lamp lamp refund", "b": "warranty years", "c": "refund", "d": "nothing known"}


def graph(onnx: Any, *, pooled: bool) -> Any:
    """A table with a row for each word; and, pooled, the largest number of each column as the embedding of the text."""
    make, kind = onnx.helper.make_node, onnx.TensorProto
    nodes = [make("Gather", ["table", "input_ids"], ["last_hidden_state"])]
    outputs = [onnx.helper.make_tensor_value_info("last_hidden_state", kind.FLOAT, ["b", "n", 3])]
    held = {"table": np.array(list(TABLE.values()), dtype=np.float32)}
    if pooled:
        held["tokens"] = np.array([1], dtype=np.int64)
        nodes.append(make("ReduceMax", ["last_hidden_state", "tokens"], ["sentence_embedding"], keepdims=0))
        outputs.append(onnx.helper.make_tensor_value_info("sentence_embedding", kind.FLOAT, ["b", 3]))
    inputs = [
        onnx.helper.make_tensor_value_info(name, kind.INT64, ["b", "n"]) for name in ("input_ids", "attention_mask")
    ]
    constants = [onnx.numpy_helper.from_array(value, name) for name, value in held.items()]
    made = onnx.helper.make_graph(nodes, "table", inputs, outputs, constants)
    return onnx.helper.make_model(made, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=9)


def folder_of(path: Path, *, pooled: bool = False) -> Path:
    onnx = pytest.importorskip("onnx", reason="makes the model; nox -s rag has it")
    pytest.importorskip("onnxruntime", reason="needs the extra `onnx`")
    tokenizers = pytest.importorskip("tokenizers", reason="needs the extra `onnx`")
    path.mkdir()
    (path / "model.onnx").write_bytes(graph(onnx, pooled=pooled).SerializeToString())
    words = {word: number for number, word in enumerate(TABLE)}
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel(words, unk_token="[UNK]"))
    made.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    made.enable_truncation(1)  # what a file brings along must not shorten anything
    made.save(str(path / "tokenizer.json"))
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return folder_of(tmp_path / "encoder")


def test_a_vector_is_the_mean_of_the_layer_over_the_tokens_with_length_1(folder: Path) -> None:
    vectors = embedding.from_folder(folder).encode(list(TEXTS.values()))
    length = math.sqrt(5)
    assert vectors.tolist() == pytest.approx(
        np.array([(2 / length, 0, 1 / length), (0, 1, 0), (0, 0, 1), (0, 0, 0)]), abs=1e-6
    )


def test_a_model_that_embeds_texts_itself_is_taken_at_its_word(tmp_path: Path) -> None:
    model = embedding.from_folder(folder_of(tmp_path / "pooled", pooled=True))
    assert model.encode(["lamp refund", "lamp years"]).tolist() == pytest.approx(
        np.array([(math.sqrt(0.5), 0, math.sqrt(0.5)), (1 / math.sqrt(5), 2 / math.sqrt(5), 0)]), abs=1e-6
    )


def test_more_texts_than_a_batch_come_back_in_their_order(folder: Path) -> None:
    texts = ["lamp", "refund refund lamp", "warranty"] * embedding.BATCH
    model = embedding.from_folder(folder)
    assert np.array_equal(model.encode(texts), np.concatenate([model.encode([text]) for text in texts]))


def test_a_model_is_known_by_all_of_its_files(folder: Path) -> None:
    first = embedding.identity(str(folder))
    assert embedding.identity(str(folder)) == first
    (folder / "model.onnx_data").write_bytes(b"weights")
    assert embedding.identity(str(folder)) != first


def test_a_folder_that_lacks_a_file_is_refused_with_its_name(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()
    with pytest.raises(embedding.EmbeddingError, match=r"or one that has tokenizer\.json$"):
        embedding.identity(str(folder))


class TestTheApplication:
    """Whole: corpus, vectors, index, answer."""

    @pytest.fixture
    def application(self, tmp_path: Path) -> Any:
        pytest.importorskip("lancedb", reason="needs the extra `rag`")
        from eval_suites.rag.app.application import Application
        from eval_suites.rag.app.corpus import Document
        from pytest_genaiops.grounding.builds import Builds

        documents = tuple(Document(source=name, title=name, text=text) for name, text in TEXTS.items())
        return Application(documents, Builds(tmp_path / "builds"))

    def settings(self, folder: Path, **others: Any) -> Any:
        from eval_suites.rag.app.settings import Settings

        return Settings(chunk=60, embedding=str(folder), k=2, floor=0, **others)

    @pytest.mark.parametrize("index", ["flat", "ivf"])
    def test_the_nearest_is_found(self, application: Any, folder: Path, index: str) -> None:
        found = application.retrieve("lamp", self.settings(folder, search="vector", index=index))
        assert (found[0]["source"], found[0]["score"]) == ("a", pytest.approx(2 / math.sqrt(5), abs=1e-5))
        hybrid = application.answer("years of warranty", self.settings(folder, search="hybrid", index=index))
        assert hybrid["retrieved"][0]["source"] == "b"

    @pytest.mark.parametrize("search", ["vector", "hybrid"])
    def test_a_question_whose_vector_is_no_number_is_an_error_and_no_empty_result(
        self, application: Any, folder: Path, search: str
    ) -> None:
        with pytest.raises(embedding.EmbeddingError, match="the vector of the question holds what is no number"):
            application.answer("broken lamp", self.settings(folder, search=search))
