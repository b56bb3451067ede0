"""BERTScore: bert-score's numbers, each text read once, and nothing said about texts that a model has not read."""

from __future__ import annotations

import hashlib
import math
import random
import socket
import warnings
from pathlib import Path

import pytest
from tiny_models import LIMIT, WORDS, needed, real_model, tiny_model

from pytest_genaiops import metric
from pytest_genaiops.adapters import encoder
from pytest_genaiops.adapters.bert_score import BertScore, _baseline, _matched
from pytest_genaiops.errors import ExtraMissingError, MetricError, UnscorableError
from pytest_genaiops.records import Case, Response

NEAR = 1e-6

PAIRS = (
    ("The cat sat on the mat.", ["A cat was sitting on a mat.", "On the mat there was a dog."]),
    ("Prices rose by 3.5 % in May, more than was expected.", ["In May prices went up 3.5 percent."]),
    ("x", ["The committee has not yet decided whether the bridge will be rebuilt, and nobody knows who would pay."]),
    ("Die Brücke wird nicht wieder aufgebaut.", ["The bridge will not be rebuilt."]),
)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    needed("bert_score")
    return tiny_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(autouse=True)
def _nothing_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoder, "STORE", encoder.Store(1 << 20))


def made_up(n: int, seed: int) -> list[tuple[str, list[str]]]:
    chance, words = random.Random(seed), [word for word in WORDS.split() if not word.startswith("#")]

    def text() -> str:
        return " ".join(chance.choices(words, k=chance.randint(1, LIMIT + 6)))

    return [(text(), [text() for _ in range(chance.randint(1, 3))]) for _ in range(n)]


def rows(pairs: list[tuple[str, list[str]]]) -> list[tuple[Response, Case]]:
    return [(Response(text=text), Case(id=str(i), references=tuple(refs))) for i, (text, refs) in enumerate(pairs)]


def scored(metric: BertScore, pairs: list[tuple[str, list[str]]]) -> list[tuple[float, ...]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = metric.batch(rows(pairs))
    assert all(isinstance(one, tuple) for one in found)
    return list(found)  # type: ignore[arg-type]


LONGEST = ("cat " * (LIMIT + 1), ["cat " * (LIMIT + 1)])


def stock(pairs: list[tuple[str, list[str]]], **options: object) -> list[tuple[float, ...]]:
    """bert-score's own values. A pair of the longest texts ends every batch, so that all others are padded."""
    scorer = needed("bert_score").BERTScorer(nthreads=0, **options)
    found = []
    for text, references in pairs:
        given = list(zip(*[(text, references), LONGEST], strict=True))
        found.append(tuple(column[0].item() for column in scorer.score(*map(list, given))))
    return found


def assert_near(ours: list[tuple[float, ...]], theirs: list[tuple[float, ...]]) -> None:
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs, strict=True):
        assert max(abs(a - b) for a, b in zip(one[:3], other, strict=True)) <= NEAR


@pytest.mark.parametrize("layer", [0, 1, 2])
def test_any_texts_score_as_bert_score_scores_them(model: str, layer: int) -> None:
    pairs = made_up(30, seed=layer)
    assert_near(scored(BertScore(model=model, layer=layer), pairs), stock(pairs, model_type=model, num_layers=layer))


def test_weights_of_rare_tokens_are_bert_scores(model: str) -> None:
    pairs = made_up(20, seed=5)
    texts = [reference for _, references in made_up(30, seed=6) for reference in references]
    expected = stock(pairs, model_type=model, num_layers=2, idf=True, idf_sents=texts)
    assert_near(scored(BertScore(model=model, layer=2, idf=texts), pairs), expected)
    assert scored(BertScore(model=model, layer=2), pairs) != scored(BertScore(model=model, layer=2, idf=texts), pairs)


def test_rescaling_takes_a_file_as_bert_score_does(model: str, tmp_path: Path) -> None:
    file = tmp_path / "baseline.tsv"
    file.write_text("LAYER,P,R,F\n0,0.1,0.1,0.1\n1,0.2,0.21,0.22\n2,0.3,0.31,0.32\n")
    pairs = made_up(20, seed=7)
    options = {"lang": "en", "rescale_with_baseline": True, "baseline_path": str(file)}
    expected = stock(pairs, model_type=model, num_layers=1, **options)
    assert_near(scored(BertScore(model=model, layer=1, rescale=str(file)), pairs), expected)
    group = metric("bertscore", model=model, layer=1, rescale=str(file))(["a cat"], ["it was red"])
    assert group.f1.scale == (-math.inf, 1.0)


def test_a_language_names_the_baseline_that_bert_score_ships() -> None:
    needed("bert_score")
    # As rescale_baseline/en/roberta-large.tsv of bert-score 0.3.13 has them for layer 17, its default.
    assert _baseline(BertScore(rescale="en")) == pytest.approx((0.8315, 0.8315, 0.8312), abs=5e-4)
    with pytest.raises(MetricError, match="no baseline of 'roberta-large' for a language of that name"):
        _baseline(BertScore(rescale="tlh"))


def test_a_real_model_scores_as_in_bert_score() -> None:
    folder = real_model()
    expected = stock(list(PAIRS), model_type=folder, num_layers=6)
    assert_near(scored(BertScore(model=folder, layer=6), list(PAIRS)), expected)


def test_what_else_is_in_a_batch_changes_nothing_but_rounding(model: str, monkeypatch) -> None:
    metric, pairs = BertScore(model=model, layer=2), made_up(30, seed=1)
    together = scored(metric, pairs)
    monkeypatch.setattr(encoder, "STORE", encoder.Store(0))
    monkeypatch.setattr(encoder, "AT_ONCE", 50)
    in_small_windows = scored(BertScore(model=model, layer=2, batch_size=1), pairs)
    for pair, value, other in zip(pairs, together, in_small_windows, strict=True):
        assert scored(metric, [pair]) == [pytest.approx(value, abs=NEAR)]
        assert other == pytest.approx(value, abs=NEAR)


def test_the_padding_of_a_batch_counts_as_a_token_of_cosine_zero() -> None:
    torch = needed("torch")

    def text(*vectors: tuple[float, float]) -> encoder.Encoded:
        return encoder.Encoded(ids=(1,) * len(vectors), vectors=torch.tensor(vectors), cut=False)

    # Of two tokens one is matched in full, and the other one points the other way; the reference has one token.
    assert _matched(text((1.0, 0.0), (-1.0, 0.0)), [1.0, 1.0], text((1.0, 0.0)), [1.0]) == (
        0.5,
        1.0,
        pytest.approx(2 / 3),
    )
    assert _matched(text((-1.0, 0.0)), [1.0], text((1.0, 0.0)), [1.0]) == (0.0, 0.0, 0.0)


def test_each_text_is_read_once_for_all_variants(model: str, monkeypatch) -> None:
    read: list[str] = []
    run = encoder.Encoder._batch
    monkeypatch.setattr(
        encoder.Encoder, "_batch", lambda self, batch: read.extend(text for text, _ in batch) or run(self, batch)
    )
    references = [references for _, references in made_up(10, seed=3)]
    metric = BertScore(model=model, layer=2)
    for seed in (11, 12, 11):
        answers = [text for text, _ in made_up(10, seed=seed)]
        scored(metric, list(zip(answers, references, strict=True)))
    assert len(read) == len(set(read))
    # Another layer has other vectors.
    scored(BertScore(model=model, layer=1), [("a cat", ["a cat"])])
    scored(metric, [("a cat", ["a cat"])])
    assert read.count("a cat") == 2


def test_an_equal_text_scores_one_and_the_best_reference_counts(model: str) -> None:
    group = metric("bertscore", model=model, layer=2)(["the cat sat"], [["a dog ran", "the cat sat"]])
    assert (group.precision.value, group.recall.value, group.f1.value) == pytest.approx((1, 1, 1))
    assert (group.f1.scale, group.truncated) == ((0.0, 1.0), 0)


def test_an_empty_text_is_unscored_with_the_reason(model: str) -> None:
    group = metric("bertscore", model=model, layer=2)(
        ["", " \n", "a cat", "a cat"], [["a cat"], ["a cat"], [" ", ""], ["", "a cat"]]
    )
    assert group.f1.per_case == (None, None, None, pytest.approx(1))
    assert group.f1.unscored == 3
    with pytest.raises(UnscorableError, match="the answer is empty"):
        BertScore(model=model, layer=2).statistics(Response(text=""), Case(id="1", references=("a",)))


def test_texts_that_the_model_cannot_read_are_unscored(model: str) -> None:
    metric = BertScore(model=model, layer=2)
    for answer, reference, reason in (
        ("крем-брюле и чай", "a cat", "most of a text is not in the model's vocabulary"),
        ("a cat", "крем-брюле и чай", "most of a text is not in the model's vocabulary"),
        ("\u200b", "a cat", "no token that the model reads"),
    ):
        (found,) = metric.batch(rows([(answer, [reference])]))
        assert isinstance(found, UnscorableError)
        assert reason in str(found)
    (found,) = BertScore(model=model, layer=2, idf=["a cat"]).batch(rows([("a cat", ["a cat"])]))
    assert "only tokens that are in every text of idf" in str(found)


def test_a_text_that_is_cut_is_counted_and_said(model: str) -> None:
    fits, too_long = "cat " * (LIMIT - 2), "cat " * (LIMIT - 1)
    with pytest.warns(UserWarning, match=rf"2 of 3 rows .* more than the {LIMIT} tokens .*: 'q2', 'q3'"):
        group = metric("bertscore", model=model, layer=2)(
            [fits, too_long, "a cat"], ["a cat", "a cat", too_long], ids=["q1", "q2", "q3"]
        )
    assert group.truncated == 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert metric("bertscore", model=model, layer=2)([fits], ["a cat"]).truncated == 0


def test_a_model_that_is_not_here_is_one_sentence(monkeypatch) -> None:
    hub = needed("huggingface_hub")
    needed("bert_score")
    monkeypatch.setattr(hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(
        MetricError, match=r"'nobody/nothing' is no folder.*HF_HUB_OFFLINE is set.*model= a folder"
    ) as raised:
        metric("bertscore", model="nobody/nothing", layer=1)(["a"], ["a"])
    assert raised.value.__cause__ is None
    assert "\n" not in str(raised.value)
    with pytest.raises(MetricError, match="gives no such model"):
        metric("bertscore", model="../no such folder/\x1b[31m", layer=1)(["a"], ["a"])


def test_a_folder_needs_no_network(tmp_path: Path, monkeypatch) -> None:
    needed("bert_score")
    folder = tiny_model(tmp_path / "model")

    def refuse(*_: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert metric("bertscore", model=folder, layer=1)(["a cat"], ["a cat"]).f1.value == pytest.approx(1)


def test_files_that_are_no_model_are_one_sentence(tmp_path: Path) -> None:
    needed("bert_score")
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(MetricError, match=r"is incomplete; its folder needs config.json and model.safetensors"):
        metric("bertscore", model=str(empty), layer=1)(["a"], ["a"])
    broken = Path(tiny_model(tmp_path / "broken"))
    (broken / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(MetricError, match=r"the model in broken cannot be loaded \(") as raised:
        metric("bertscore", model=str(broken), layer=1)(["a"], ["a"])
    assert raised.value.__cause__ is None


def test_a_layer_has_to_be_known_and_there(model: str) -> None:
    with pytest.raises(MetricError, match="knows no layer for"):
        metric("bertscore", model=model)(["a"], ["a"])
    with pytest.raises(MetricError, match="should be between 0 and 2"):
        metric("bertscore", model=model, layer=3)(["a"], ["a"])


def test_the_signature_names_the_weights_and_what_else_the_number_depends_on(model: str, tmp_path: Path) -> None:
    options = [
        {},
        {"layer": 1},
        {"model": tiny_model(tmp_path / "tiny", seed=1)},
        {"idf": ["a cat"]},
        {"idf": ["a dog"]},
        {"batch_size": 3},
    ]
    signatures = [BertScore(**{"model": model, "layer": 2, **option}).signature([]) for option in options]
    digest = hashlib.sha256((Path(model) / "model.safetensors").read_bytes()).hexdigest()
    assert signatures[0]["weights"] == digest[:12]
    assert signatures[0]["model"] == signatures[2]["model"] == "tiny"
    assert signatures[-1] == signatures[0]
    assert len({tuple(signature.items()) for signature in signatures}) == len(options) - 1
    assert {"bert-score", "transformers", "torch", "idf", "rescale"} <= set(signatures[0])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"model": 7}, "model=7 must be a text"),
        ({"layer": -1}, "layer=-1 must be a whole number of at least 0"),
        ({"layer": True}, "layer=True must be a whole number"),
        ({"batch_size": 0}, "batch_size=0 must be a whole number of at least 1"),
        ({"idf": "a text"}, "idf='a text' must be a list of texts"),
        ({"idf": [" "]}, "idf has no text in it"),
        ({"idf": [1]}, r"idf=\[1\] must be a list of texts"),
        ({"rescale": True}, "rescale=True must be a language or a file"),
    ],
)
def test_a_wrong_option_is_refused(options: dict, message: str) -> None:
    with pytest.raises(MetricError, match=f"bertscore: {message}"):
        BertScore(**options)


@pytest.mark.parametrize("text", ["", "LAYER,P\n1,0.1\n", "LAYER,P,R,F\n1,1,1,1\n", "LAYER,P,R,F\n1,nan,0,0\n", "a\0b"])
def test_a_file_that_is_no_baseline_is_refused(text: str, tmp_path: Path) -> None:
    file = tmp_path / "baseline.tsv"
    file.write_text(text)
    with pytest.raises(MetricError, match=r"'baseline.tsv' has"):
        _baseline(BertScore(model="m", layer=1, rescale=str(file)))


def test_many_texts_of_idf_are_not_shown() -> None:
    assert repr(BertScore(idf=["one", "two", ""]).idf) == "<2 texts>"
    assert hash(BertScore(idf=["one"])) == hash(BertScore(idf=("one",)))


def test_without_the_package_the_extra_is_named(monkeypatch) -> None:
    monkeypatch.setattr("pytest_genaiops.extras.find_spec", lambda _: None)
    with pytest.raises(ExtraMissingError, match=r"pytest-genaiops\[bertscore\]"):
        metric("bertscore", model="m")(["a"], ["a"])


def test_the_store_holds_so_many_bytes_and_forgets_the_longest_unasked() -> None:
    class Vectors:
        nbytes = 40

    def text() -> encoder.Encoded:
        return encoder.Encoded(ids=(), vectors=Vectors(), cut=False)

    store = encoder.Store(100)
    store.keep("a", text())
    store.keep("b", text())
    assert store.known("a") is not None
    store.keep("c", text())
    assert [store.known(key) is None for key in "abc"] == [False, True, False]
    assert store.size == 80
    small = encoder.Store(30)
    small.keep("a", text())
    assert small.known("a") is None
