"""Similarity: the cosines that sentence-transformers gives, by what a model's own files say."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import pytest
from tiny_models import LIMIT, needed, real_model, tiny_model

from pytest_genaiops import metric
from pytest_genaiops.adapters import encoder
from pytest_genaiops.adapters.similarity import Similarity
from pytest_genaiops.errors import MetricError

TEXTS = ("the cat sat on the mat", "a dog ran under the tree and it was fast", "we saw a big red house", "it was old")


@pytest.fixture(autouse=True)
def _nothing_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoder, "STORE", encoder.Store(1 << 20))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(tiny_model(tmp_path / "tiny"))


def pooling(folder: Path, **config: object) -> Path:
    """What sentence-transformers keeps beside a model."""
    steps = [("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize")]
    modules = [
        {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for i, (path, kind) in enumerate(steps)
    ]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "1_Pooling").mkdir(exist_ok=True)
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({"word_embedding_dimension": 16, **config}))
    return folder


def cosines(model: str, pairs: list[tuple[str, str]]) -> list[float]:
    transformers = needed("sentence_transformers").SentenceTransformer(model)
    left, right = (transformers.encode(list(side)) for side in zip(*pairs, strict=True))
    return [float(value) for value in transformers.similarity_pairwise(left, right)]


def measure(model: str, pairs: list[tuple[str, str]]) -> list[float]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = metric("similarity", model=model)([a for a, _ in pairs], [b for _, b in pairs]).per_case
    assert None not in found
    return list(found)  # type: ignore[arg-type]


@pytest.mark.parametrize("mode", ["mean_tokens", "cls_token", "max_tokens"])
def test_pooling_is_sentence_transformers(folder: Path, mode: str) -> None:
    pooling(folder, **{f"pooling_mode_{name}": name == mode for name in ("mean_tokens", "cls_token", "max_tokens")})
    pairs = [(a, b) for a in TEXTS for b in TEXTS]
    assert measure(str(folder), pairs) == pytest.approx(cosines(str(folder), pairs), abs=1e-6)


def test_a_model_without_a_word_on_pooling_takes_the_mean(folder: Path) -> None:
    plain = measure(str(folder), [(TEXTS[0], TEXTS[1])])
    assert Similarity(model=str(folder)).signature([])["pooling"] == "mean"
    assert plain == pytest.approx(cosines(str(folder), [(TEXTS[0], TEXTS[1])]), abs=1e-6)


def test_a_real_model_gives_sentence_transformers_cosines_and_cuts_where_it_does() -> None:
    pairs = [("A man is eating food.", "A man eats something."), ("A man is eating food.", "The bridge is closed.")]
    long = "one two three " * 200
    found, expected = measure(real_model(), [*pairs, (long, "one")]), cosines(real_model(), [*pairs, (long, "one")])
    assert found == pytest.approx(expected, abs=1e-6)
    assert found[0] > 0.5 > found[1]
    assert Similarity(model=real_model()).signature([])["tokens"] == "256"


def test_the_best_reference_counts_on_a_scale_of_minus_one_to_one(folder: Path) -> None:
    score = metric("similarity", model=str(folder))([TEXTS[0]], [[TEXTS[1], TEXTS[0], ""]])
    assert score.value == pytest.approx(1)
    assert (score.scale, score.higher_is_better, score.interval()[1]) == ((-1.0, 1.0), True, 1.0)


def test_what_cannot_be_read_is_unscored(folder: Path) -> None:
    score = metric("similarity", model=str(folder))(
        ["", "крем-брюле", "\u200b", "a cat"], ["a cat", "a cat", "a cat", " "]
    )
    assert score.per_case == (None, None, None, None)
    assert score.unscored == 4


def test_a_text_that_is_cut_is_said(folder: Path) -> None:
    with pytest.warns(UserWarning, match=rf"similarity: 1 of 2 rows .* the {LIMIT} tokens .*: 'q2'"):
        metric("similarity", model=str(folder))(["a cat", "cat " * LIMIT], ["a cat", "a cat"], ids=["q1", "q2"])


def test_the_models_own_length_counts(folder: Path) -> None:
    (folder / "sentence_bert_config.json").write_text('{"max_seq_length": 5}')
    with pytest.warns(UserWarning, match="the 5 tokens"):
        score = metric("similarity", model=str(folder))(["the cat sat on"], ["the cat sat under"])
    assert score.value == pytest.approx(1)


KIND = '[{"type": "sentence_transformers.models.%s", "path": "1_Pooling"}]'


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("modules.json", "{", "'modules.json' of the model cannot be read"),
        ("modules.json", "{}", "'modules.json' of the model holds no list"),
        ("modules.json", KIND % "Dense", "only sentence-transformers can do: Dense"),
        ("modules.json", KIND % "Pooling", "pools its tokens by ''"),
        ("sentence_bert_config.json", '{"max_seq_length": "many"}', "must be a whole number"),
        ("config_sentence_transformers.json", '{"default_prompt_name": "query"}', "puts a prompt before each text"),
    ],
)
def test_what_the_files_of_a_model_say_is_done_or_refused(folder: Path, file: str, text: str, message: str) -> None:
    (folder / file).write_text(text)
    with pytest.raises(MetricError, match=f"similarity: .*{message}"):
        measure(str(folder), [("a", "b")])


def test_pooling_by_several_ways_or_others_is_refused(folder: Path) -> None:
    pooling(folder, pooling_mode_mean_tokens=True, pooling_mode_max_tokens=True)
    with pytest.raises(MetricError, match=r"pools its tokens by 'mean\+max'; known: mean, cls, max"):
        measure(str(folder), [("a", "b")])


def test_wrong_options_are_refused() -> None:
    with pytest.raises(MetricError, match="similarity: model=None must be a text"):
        Similarity(model=None)  # type: ignore[arg-type]
    with pytest.raises(MetricError, match="similarity: batch_size=0 must be"):
        Similarity(batch_size=0)
    with pytest.raises(MetricError, match="similarity: model is empty"):
        metric("similarity", model=" ")(["a"], ["a"])
