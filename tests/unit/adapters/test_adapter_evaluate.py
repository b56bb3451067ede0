"""Modules of evaluate as metrics, from a folder and without the hub, and our metrics as modules of it."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from pytest_genaiops import Response, hf_metric, metric
from pytest_genaiops.errors import ExtraMissingError, MetricError

here = find_spec("evaluate") is not None
needed = pytest.mark.skipif(not here, reason="evaluate is not installed; nox -s adapters has it")

MODULE = '''
import datasets
import evaluate

TEXT = datasets.Value("string")

class {name}(evaluate.Metric):
    """A module as the hub has them."""

    def _info(self):
        return evaluate.MetricInfo(description="d", citation="", inputs_description="i", features={features})

    def _compute(self, {arguments}):
        {body}
'''
BOTH = """[
            datasets.Features({"predictions": TEXT, "references": TEXT}),
            datasets.Features({"predictions": TEXT, "references": datasets.Sequence(TEXT)}),
        ]"""
SHARED = """
        if "boom" in predictions:
            raise ZeroDivisionError("boom")
        rows = [max(len({*p.split()} & {*r.split()}) / len({*r.split()}) for r in rs)
                for p, rs in zip(predictions, references)]
        return {"shared": weight * sum(rows) / len(rows), "rows": len(rows)}
"""


@pytest.fixture(autouse=True)
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(name: str, features: str, body: str, arguments: str = "predictions, references") -> str:
    folder = Path(name)
    folder.mkdir()
    text = MODULE.format(name=name.title(), features=features, arguments=arguments, body=body.strip())
    (folder / f"{name}.py").write_text(text)
    return f"./{name}"


@pytest.fixture
def shared() -> str:
    return write("shared", BOTH, SHARED, "predictions, references, weight=1.0")


def test_without_the_package_the_way_to_get_it_is_said() -> None:
    if here:
        pytest.skip("evaluate is installed")
    with pytest.raises(ExtraMissingError, match=r'pip install "pytest-genaiops\[hf\]"'):
        hf_metric("bleu")(["a"], ["a"])


def test_a_metric_without_a_module() -> None:
    with pytest.raises(MetricError, match="hf names no module of evaluate; write hf_metric"):
        metric("hf")(["a"], ["a"])


def test_options_that_a_signature_cannot_hold() -> None:
    with pytest.raises(MetricError, match=r"options of hf_metric\(\) hold something"):
        hf_metric("bleu", tokenizer=str.split)


@needed
class TestModules:
    def test_the_value_is_the_mean_of_single_rows(self, shared: str) -> None:
        score = hf_metric(shared, key="shared")(["a b x", "c"], [["a b", "z"], ["c d"]])
        assert (score.per_case, score.value, score.name) == ((1.0, 0.5), 0.75, "hf_shared")
        low, high = score.interval(confidence=0.95)
        assert low < 0.75 < high
        assert "|aggregate:per_row|key:shared|evaluate:0.4" in score.signature

    def test_a_row_that_fails_is_unscored_and_spoils_no_other(self, shared: str) -> None:
        score = hf_metric(shared, key="shared")(["boom", "a"], ["a", "a"])
        assert score.per_case == (None, 1.0)
        assert score.why[0] == "metric: hf_shared raised ZeroDivisionError: boom"

    def test_options_go_to_compute_and_into_the_signature(self, shared: str) -> None:
        score = hf_metric(shared, key="shared", weight=0.5)(["a"], ["a"])
        assert score.value == 0.5
        assert 'options:{"weight":0.5}' in score.signature

    def test_other_source_other_signature(self, shared: str, tmp_path: Path) -> None:
        first = hf_metric(shared, key="shared")(["a"], ["a"]).signature
        (tmp_path / "other").mkdir()
        text = Path("shared/shared.py").read_text()
        Path("other/shared.py").write_text(text.replace("d", "d", 1) + "\n# changed\nCHANGED = 1\n")
        second = hf_metric("./other/shared.py", key="shared")(["a"], ["a"]).signature
        assert first.split("|")[0] == second.split("|")[0] == "hf_shared"
        assert first != second

    def test_several_numbers_need_a_key(self, shared: str) -> None:
        with pytest.raises(MetricError, match="hf_shared gives 'shared', 'rows'; say which counts: key="):
            hf_metric(shared)(["a"], ["a"])
        with pytest.raises(MetricError, match=r"gives no 'sharde' \(did you mean 'shared'\?\)"):
            hf_metric(shared, key="sharde")(["a"], ["a"])

    def test_a_value_outside_of_the_scale_is_an_error(self, shared: str) -> None:
        with pytest.raises(MetricError, match=r"hf_shared gave 1, outside of its scale 0-0\.5; say its real one"):
            hf_metric(shared, key="shared", scale=(0, 0.5))(["a"], ["a"])

    def test_a_row_without_a_reference_is_unscored(self, shared: str) -> None:
        score = hf_metric(shared, key="shared")(["a", "b"], [[""], ["b"]])
        assert (score.per_case, score.unscored) == ((None, 1.0), 1)

    def test_a_module_of_one_reference_does_not_choose_among_several(self) -> None:
        features = 'datasets.Features({"predictions": TEXT, "references": TEXT})'
        module = write("single", features, 'return {"x": float(predictions == references)}')
        score = hf_metric(module)(["a", "a"], [["a"], ["a", "b"]])
        assert score.per_case == (1.0, None)
        assert "takes one reference, and the row has 2" in score.why[1]

    def test_numbers_are_labels(self) -> None:
        whole = 'datasets.Features({"predictions": datasets.Value("int32"), "references": datasets.Value("int32")})'
        module = write("hits", whole, 'return {"hits": float(predictions == references)}')
        score = hf_metric(module)(["1", " 2 ", "spam"], labels=["1", "1", "1"])
        assert score.per_case == (1.0, 0.0, None)
        assert "takes whole numbers, and the answer is 'spam'; number the classes" in score.why[2]

    def test_numbers_with_a_point_are_those_of_evaluate_and_a_row_that_fails_leaves_nothing_behind(self) -> None:
        both = 'datasets.Features({"predictions": datasets.Value("float32"), "references": datasets.Value("float32")})'
        body = """
        if predictions[0] > 1:
            raise ValueError("too large")
        return {"gap": abs(predictions[0] - references[0]) * len(predictions)}"""
        score = hf_metric(write("gap", both, body))(["2.5", "0.1"], labels=["0", "0"])
        assert score.per_case == (None, 0.10000000149011612)  # 0.1 as IEEE 754 has it in 32 bits
        assert score.why[0] == "metric: hf_gap raised ValueError: too large"

    def test_other_inputs_are_columns(self) -> None:
        features = 'datasets.Features({"sources": TEXT, "predictions": TEXT, "tone": TEXT})'
        body = 'return {"x": float((sources, predictions, tone) == (["q"], ["a"], ["kind"]))}'
        module = write("toned", features, body, "sources, predictions, tone")
        from pytest_genaiops import evaluate

        rows = [{"id": "1", "input": "q", "tone": "kind", "responses": {"v": "a"}}]
        assert evaluate(rows, metrics=[hf_metric(module)]).score("hf_toned", "v").value == 1.0
        lacking = hf_metric(module)(["a"], questions=["q"])
        assert "takes 'tone', and the row has no column of that name" in lacking.why[0]

    def test_what_rows_have_no_form_for(self) -> None:
        features = 'datasets.Features({"predictions": {"id": TEXT}, "references": {"id": TEXT}})'
        with pytest.raises(MetricError, match="which an answer and its references have no form for"):
            hf_metric(write("nested", features, 'return {"x": 1.0}'))(["a"], ["a"])

    def test_nan_is_unscored(self) -> None:
        features = 'datasets.Features({"predictions": TEXT})'
        module = write("nothing", features, 'return {"x": float("nan")}', "predictions")
        score = hf_metric(module)(["a"])
        assert (score.value, score.unscored) == (None, 1)

    def test_the_short_way_gives_what_compute_gives(self, shared: str) -> None:
        from pytest_genaiops.adapters import evaluate as adapter

        module = adapter._load(shared, None)
        inputs = {"predictions": ["a b"], "references": [["a c", "b"]]}
        kinds = adapter._kinds(module, "m")
        assert kinds == {"predictions": "text", "references": "texts"}
        assert adapter._computed(module, kinds, inputs, {}) == module.compute(**inputs)

    @pytest.mark.parametrize("fault", ["import nowhere_to_be_found", "raise RuntimeError('old')", "def broken("])
    def test_a_module_that_does_not_load(self, fault: str) -> None:
        Path("bad").mkdir()
        Path("bad/bad.py").write_text(f"import evaluate\n{fault}\n")
        with pytest.raises(MetricError, match=r"the module '\./bad' of evaluate cannot be loaded: \w+Error"):
            hf_metric("./bad")(["a"], ["a"])

    def test_a_folder_that_is_not_there(self) -> None:
        with pytest.raises(MetricError, match=r"no module '\./nowhere' of evaluate: there is no such folder"):
            hf_metric("./nowhere")(["a"], ["a"])


HUB = """
import os
import socket

os.environ["HF_HUB_OFFLINE"] = os.environ["HF_EVALUATE_OFFLINE"] = "1"

def refuse(self, address):
    raise AssertionError(f"connects to {address}")

socket.socket.connect = refuse
from pytest_genaiops import hf_metric
try:
    hf_metric("bleu")(["a"], ["a"])
except ValueError as error:
    print(error)
"""


@needed
def test_a_name_on_the_hub_without_the_hub_is_one_sentence() -> None:
    environment = {**os.environ, "HF_HOME": str(Path.cwd() / "home")}
    done = subprocess.run([sys.executable, "-c", HUB], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.startswith("no module 'bleu' of evaluate: there is no such folder")
    assert "give the folder of a copy" in done.stdout


def exported(name: str, **options: Any) -> Any:
    from pytest_genaiops.adapters.evaluate import as_evaluate

    return as_evaluate(metric(name, **options))


@needed
class TestExports:
    def test_compute_gives_our_value(self) -> None:
        texts, references = ["the cat sat on the mat", "so"], [["the cat sat on a mat", "a cat"], ["so"]]
        ours = metric("bleu")(texts, references).value
        assert exported("bleu").compute(predictions=texts, references=references) == {"bleu": ours, "bleu_unscored": 0}

    def test_one_reference_a_row_may_be_a_text(self) -> None:
        ours = metric("bleu")(["a b c d"], ["a b c d"]).value
        assert exported("bleu").compute(predictions=["a b c d"], references=["a b c d"])["bleu"] == ours

    def test_rows_may_come_in_batches_and_the_module_serves_again(self) -> None:
        module = exported("chrf")
        for text in ("one", "two"):
            module.add_batch(predictions=[text], references=[["one"]])
        both = metric("chrf")(["one", "two"], ["one", "one"]).value
        assert module.compute()["chrf"] == both
        assert module.compute(predictions=["one"], references=["one"])["chrf"] == 100.0

    def test_a_group_has_an_entry_for_each_number(self) -> None:
        found = exported("rouge").compute(predictions=["the cat"], references=["the cat sat"])
        assert found == {
            "rouge1": 0.8,
            "rouge2": pytest.approx(2 / 3),
            "rougeL": 0.8,
            "rougeLsum": 0.8,
            "rouge_unscored": 0,
        }

    def test_labels_are_references(self) -> None:
        found = exported("classification").compute(predictions=["a", "b"], references=["a", "a"])
        assert (found["accuracy"], found["classification_unscored"]) == (0.5, 0)

    def test_contexts_have_a_column_of_their_own(self) -> None:
        found = exported("groundedness").compute(
            predictions=["The sky is blue.", ""], contexts=[["The sky is blue."], ["x"]]
        )
        assert found["groundedness_unscored"] == 1
        assert found["groundedness"] == metric("groundedness")(["The sky is blue."], [["The sky is blue."]]).value

    def test_what_has_no_score_is_none_and_counted_never_nan(self) -> None:
        found = exported("groundedness").compute(predictions=[""], contexts=[["x"]])
        assert found == {"groundedness": None, "groundedness_unscored": 1}

    def test_it_is_combined_with_others(self, shared: str) -> None:
        import evaluate

        both = evaluate.combine([exported("bleu"), exported("rouge"), evaluate.load(shared)])
        found = both.compute(predictions=["a b c d"], references=[["a b c d"]])
        assert (found["bleu"], found["rougeL"], found["shared"]) == (pytest.approx(100.0), 1.0, 1.0)

    def test_numbers_that_no_module_takes(self) -> None:
        with pytest.raises(MetricError, match="latency scores latency, for which modules of evaluate have no form"):
            exported("latency")

    def test_an_answer_s_label_counts_before_its_text(self) -> None:
        whole = 'datasets.Features({"predictions": datasets.Value("int32"), "references": datasets.Value("int32")})'
        module = write("labelled", whole, 'return {"x": float(predictions == references)}')
        assert hf_metric(module)([Response(text="class two", label="2")], labels=["2"]).value == 1.0
