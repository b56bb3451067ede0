"""A cross-encoder of one's own as groundedness: what it is asked, what it gives, and what is refused.

The model is made here: it takes a passage and a sentence, and its logit for entailment is 10 times the share of the
sentence's words that the passage has, less 5. The values below follow from that by hand.
"""

# ruff: noqa: TID253 - the rule is for the package

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pytest_genaiops.adapters.onnx import OnnxGroundedness
from pytest_genaiops.errors import ExtraMissingError, MetricError, UnscorableError
from pytest_genaiops.records import Case, Response

onnx = pytest.importorskip("onnx", reason="the extra `onnx` and the package onnx, which makes the model, are missing")
pytest.importorskip("onnxruntime", reason="the extra `onnx` is not installed")
tokenizers = pytest.importorskip("tokenizers", reason="the extra `onnx` is not installed")

WORDS = ["the", "tower", "is", "tall", "opened", "in", "1889", "bananas", "are", "yellow", "ravens", "sing", "."]
TALL, OPENED, YELLOW = "The tower is tall.", "The tower opened in 1889.", "Bananas are yellow."
NLI = {"0": "contradiction", "1": "entailment", "2": "neutral"}


def entailed(share: float) -> float:
    """Softmax of three logits of which two are 0."""
    logit = 10 * share - 5
    return math.exp(logit) / (math.exp(logit) + 2)


def graph(outputs: int, weights: float = 10.0) -> Any:
    """Share of the tokens of the second text that the first has, as one logit or as the second of three."""
    make, kind = onnx.helper.make_node, onnx.TensorProto
    constants = {
        "special": np.array(2, dtype=np.int64),
        "one": np.array(1, dtype=np.int64),
        "rows": np.array([2], dtype=np.int64),
        "columns": np.array([1], dtype=np.int64),
        "scale": np.array(weights, dtype=np.float32),
        "shift": np.array(5, dtype=np.float32),
        "place": np.array([[1.0]] if outputs == 1 else [[0.0, 1.0, 0.0]], dtype=np.float32),
    }
    nodes = [
        make("Greater", ["input_ids", "special"], ["word"]),
        make("Equal", ["token_type_ids", "one"], ["second"]),
        make("Not", ["second"], ["first"]),
        make("And", ["word", "second"], ["asked"]),
        make("And", ["word", "first"], ["given"]),
        make("Unsqueeze", ["input_ids", "rows"], ["tall_ids"]),
        make("Unsqueeze", ["input_ids", "columns"], ["wide_ids"]),
        make("Equal", ["tall_ids", "wide_ids"], ["same"]),
        make("Unsqueeze", ["given", "columns"], ["wide_given"]),
        make("And", ["same", "wide_given"], ["held"]),
        make("Cast", ["held"], ["held_number"], to=kind.FLOAT),
        make("ReduceMax", ["held_number", "rows"], ["found"], keepdims=0),
        make("Cast", ["asked"], ["asked_number"], to=kind.FLOAT),
        make("Mul", ["found", "asked_number"], ["hits"]),
        make("ReduceSum", ["hits", "columns"], ["sum"], keepdims=1),
        make("ReduceSum", ["asked_number", "columns"], ["count"], keepdims=1),
        make("Div", ["sum", "count"], ["share"]),
        make("Mul", ["share", "scale"], ["scaled"]),
        make("Sub", ["scaled", "shift"], ["logit"]),
        make("Mul", ["logit", "place"], ["logits"]),
    ]
    inputs = [onnx.helper.make_tensor_value_info(n, kind.INT64, [1, "n"]) for n in ("input_ids", "token_type_ids")]
    found = onnx.helper.make_tensor_value_info("logits", kind.FLOAT, [1, outputs])
    held = [onnx.numpy_helper.from_array(value, name) for name, value in constants.items()]
    made = onnx.helper.make_graph(nodes, "share", inputs, [found], held)
    return onnx.helper.make_model(made, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=9)


def looked_up() -> Any:
    """Mean over the tokens of three numbers for each: a model most of which is a table."""
    make, kind = onnx.helper.make_node, onnx.TensorProto
    nodes = [
        make("Gather", ["table", "input_ids"], ["rows"]),
        make("ReduceMean", ["rows", "axes"], ["logits"], keepdims=0),
    ]
    constants = {"table": np.ones((100, 3), dtype=np.float32), "axes": np.array([1], dtype=np.int64)}
    held = [onnx.numpy_helper.from_array(value, name) for name, value in constants.items()]
    inputs = [onnx.helper.make_tensor_value_info("input_ids", kind.INT64, [1, "n"])]
    outputs = [onnx.helper.make_tensor_value_info("logits", kind.FLOAT, [1, 3])]
    made = onnx.helper.make_graph(nodes, "table", inputs, outputs, held)
    return onnx.helper.make_model(made, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=9)


def tokenizer() -> Any:
    vocabulary = {name: at for at, name in enumerate(["[UNK]", "[CLS]", "[SEP]", *WORDS])}
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocabulary, unk_token="[UNK]"))
    made.normalizer = tokenizers.normalizers.Lowercase()
    made.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    made.post_processor = tokenizers.processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 1), ("[SEP]", 2)],
    )
    made.enable_truncation(8)  # what a file brings along must not shorten anything
    made.enable_padding(length=8)
    return made


def folder_of(path: Path, outputs: int = 3, **config: Any) -> Path:
    path.mkdir(exist_ok=True)
    (path / "model.onnx").write_bytes(graph(outputs).SerializeToString())
    tokenizer().save(str(path / "tokenizer.json"))
    if outputs > 1 or config:
        (path / "config.json").write_text(json.dumps({"id2label": NLI} | config))
    return path


def digest(folder: Path) -> str:
    return hashlib.sha256((folder / "model.onnx").read_bytes()).hexdigest()


def judge(folder: Path, **options: Any) -> OnnxGroundedness:
    return OnnxGroundedness(**{"model": str(folder), "sha256": digest(folder)} | options)


def score(made: OnnxGroundedness, answer: str, *contexts: str) -> float:
    return float(made.statistics(Response(text=answer), Case(id="1", contexts=contexts))[0])


@pytest.fixture(scope="module")
def nli(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder_of(tmp_path_factory.mktemp("nli"))


class TestTheValue:
    def test_by_hand(self, nli: Path) -> None:
        """All words of the answer; then the, tower and the full stop of its five."""
        assert score(judge(nli), TALL, TALL) == pytest.approx(entailed(1), abs=1e-6)
        assert score(judge(nli), TALL, "The tower opened.") == pytest.approx(entailed(3 / 5), abs=1e-6)

    def test_each_sentence_keeps_its_best_passage_and_the_mean_counts(self, nli: Path) -> None:
        found = score(judge(nli), f"{TALL} {YELLOW}", OPENED, TALL)
        assert found == pytest.approx((entailed(1) + entailed(1 / 4)) / 2, abs=1e-6)

    def test_a_model_of_one_output_gives_a_logit(self, tmp_path: Path) -> None:
        one = folder_of(tmp_path, outputs=1)
        assert score(judge(one), TALL, TALL) == pytest.approx(1 / (1 + math.exp(-5)), abs=1e-6)

    def test_another_label_is_supported(self, nli: Path) -> None:
        named = judge(nli, label="Neutral")
        assert score(named, TALL, TALL) == pytest.approx((1 - entailed(1)) / 2, abs=1e-6)

    def test_the_responses_own_contexts_come_first(self, nli: Path) -> None:
        case = Case(id="1", contexts=(YELLOW,))
        own = judge(nli).statistics(Response(text=TALL, contexts=(TALL,)), case)
        assert own == (round(entailed(1), 6),)

    def test_evidence(self, nli: Path) -> None:
        answer = f"{TALL} {YELLOW}"
        found = judge(nli).explain(Response(text=answer), Case(id="1", contexts=(TALL,)))
        assert [(part.text, answer[part.start : part.end]) for part in found.sentences] == [(TALL,) * 2, (YELLOW,) * 2]
        assert found.worst is not None
        assert found.worst.text == YELLOW
        assert found.score == score(judge(nli), answer, TALL)


class TestLongTexts:
    def test_a_context_longer_than_the_model_is_read_in_windows_to_its_end(self, tmp_path: Path) -> None:
        """Fifty sentences of yellow bananas, and the fact in the last one."""
        small = folder_of(tmp_path, max_position_embeddings=32)
        assert score(judge(small), OPENED, f"{YELLOW} " * 50 + OPENED) == pytest.approx(entailed(1), abs=1e-6)

    def test_a_long_sentence_is_cut_and_loses_no_word(self, tmp_path: Path) -> None:
        small = judge(folder_of(tmp_path, max_position_embeddings=32))
        answer = "ravens sing " * 30 + "in 1889"
        case = Case(id="1", contexts=("ravens sing " * 40,))
        found = small.explain(Response(text=answer), case)
        assert "".join(part.text for part in found.sentences) == answer
        assert found.worst is found.sentences[-1]
        assert found.sentences[0].support == pytest.approx(entailed(1), abs=1e-6)

    def test_pairs_are_bounded(self, nli: Path) -> None:
        with pytest.raises(UnscorableError, match="80 sentences against 100 passages are more than the 5000 pairs"):
            score(judge(nli), f"{TALL} " * 80, *[TALL] * 100)


class TestNothingToGround:
    @pytest.mark.parametrize(
        ("answer", "reason"), [("", "empty"), ("I don't know.", "declines"), ("Yes.", "no content")]
    )
    def test_as_groundedness_decides(self, nli: Path, answer: str, reason: str) -> None:
        with pytest.raises(UnscorableError, match=f"nothing to ground.*{reason}"):
            score(judge(nli), answer, TALL)

    def test_blank_contexts_beside_others_are_passed_over(self, nli: Path) -> None:
        assert score(judge(nli), TALL, "", TALL, " ") == score(judge(nli), TALL, TALL)


class TestWhatIsRefused:
    def refused(self, made: OnnxGroundedness, match: str) -> None:
        with pytest.raises(MetricError, match=match):
            score(made, TALL, TALL)

    def test_no_model(self) -> None:
        self.refused(OnnxGroundedness(), "names no model; write model=")

    def test_another_checksum(self, nli: Path) -> None:
        self.refused(judge(nli, sha256="0" * 64), f"sha256 is '0+', and '.*model.onnx' has {digest(nli)}")

    def test_no_checksum(self, nli: Path) -> None:
        self.refused(judge(nli, sha256=""), f"no sha256 pins the model, and .* has {digest(nli)}")

    @pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json"])
    def test_a_file_is_missing(self, tmp_path: Path, name: str) -> None:
        made = judge(folder_of(tmp_path))
        (tmp_path / name).unlink()
        self.refused(made, f"cannot read '.*{name}' \\(No such file or directory\\)")

    @pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json"])
    def test_a_file_that_is_none(self, tmp_path: Path, name: str) -> None:
        (folder_of(tmp_path) / name).write_bytes(b"nonsense")
        self.refused(judge(tmp_path), f"cannot open '.*{name}'")

    @pytest.mark.parametrize("written", [b"[]", b"{", b"\xff"])
    def test_a_config_that_is_none(self, tmp_path: Path, written: bytes) -> None:
        (folder_of(tmp_path) / "config.json").write_bytes(written)
        self.refused(judge(tmp_path), "config.json' holds no JSON object")

    @pytest.mark.parametrize("positions", [0, 8, "512", True, None])
    def test_a_length_that_is_none(self, tmp_path: Path, positions: object) -> None:
        self.refused(judge(folder_of(tmp_path, max_position_embeddings=positions)), "takes at least 32 tokens")

    def test_an_unknown_label(self, nli: Path) -> None:
        self.refused(judge(nli, label="supported"), "'supported'; the model's are 'contradiction', 'entailment'")

    def test_labels_that_do_not_fit(self, tmp_path: Path) -> None:
        made = judge(folder_of(tmp_path, id2label={"0": "entailment"}))
        self.refused(made, "is 3 wide and '.*config.json' names 1 labels")

    def test_a_model_of_another_kind(self, tmp_path: Path) -> None:
        model = graph(3)
        model.graph.input[1].name = "pixel_values"
        model.graph.node[1].input[0] = "pixel_values"
        (folder_of(tmp_path) / "model.onnx").write_bytes(model.SerializeToString())
        self.refused(judge(tmp_path), "takes 'input_ids', 'pixel_values'; a cross-encoder takes")

    def test_weights_outside_of_the_file(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """They are no part of what the checksum pins. In the model's own folder the runtime would find them."""
        monkeypatch.chdir(folder_of(tmp_path))
        onnx.save_model(looked_up(), "model.onnx")
        assert 0 < score(judge(tmp_path), TALL, TALL) < 1
        outside = {"save_as_external_data": True, "location": "weights.bin", "size_threshold": 1000}
        onnx.save_model(looked_up(), "model.onnx", **outside)
        self.refused(judge(tmp_path), "cannot open '.*model.onnx'")

    def test_no_runtime(self, nli: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def missing(module: str, extra: str) -> None:
            raise ExtraMissingError(f"{module} of {extra}")

        monkeypatch.setattr("pytest_genaiops.adapters.onnx.require", missing)
        with pytest.raises(ExtraMissingError, match="onnxruntime of onnx"):
            score(judge(nli, label="NEUTRAL"), TALL, TALL)


def test_a_model_that_gives_no_number_leaves_the_case_unscored(tmp_path: Path) -> None:
    (folder_of(tmp_path) / "model.onnx").write_bytes(graph(3, weights=math.nan).SerializeToString())
    with pytest.raises(UnscorableError, match="not 3 finite numbers"):
        score(judge(tmp_path), TALL, TALL)


def test_the_signature_tells_models_and_tokenizers_apart(nli: Path, tmp_path: Path) -> None:
    found = judge(nli).signature([])
    assert found["model"] == digest(nli)[:12]
    assert found["label"] == "entailment"
    other = judge(folder_of(tmp_path, max_position_embeddings=64)).signature([])
    assert other["model"] == found["model"]
    assert other["tokenizer"] != found["tokenizer"]
