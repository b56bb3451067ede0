"""BLEU, chrF and TER: equal to sacrebleu to the last bit, on real systems and on made-up corners."""

# ruff: noqa: TID253 - the rule is for the package

from __future__ import annotations

import json
import math
import os
from collections.abc import Sequence
from pathlib import Path

import pytest
import sacrebleu
from hypothesis import given, settings
from hypothesis import strategies as st
from sacrebleu.metrics import BLEU, CHRF, TER

from pytest_genaiops.errors import ExtraMissingError, MetricError, TokenizerError, UnscorableError
from pytest_genaiops.metrics import translation
from pytest_genaiops.metrics.base import Metric, add_up
from pytest_genaiops.metrics.translation import SMOOTH_METHODS, TOKENIZERS, Bleu, Chrf, Ter
from pytest_genaiops.records import Case, Response

DATA = Path(os.environ.get("GENAIOPS_PUBLIC_DATA", Path(__file__).parents[4] / "shared" / "data"))

CHINESE = "今天的天气非常好,我们去公园散步。"
JAPANESE = "今日はとても天気が良いので公園を散歩します。"
THAI = "วันนี้อากาศดีมากเราไปเดินเล่นที่สวนสาธารณะ"

CONFIGURATIONS: list[tuple[Metric, object]] = [
    (Bleu(), BLEU()),
    (Bleu(tokenize="intl", lowercase=True), BLEU(tokenize="intl", lowercase=True)),
    (Bleu(tokenize="char", max_ngram_order=6), BLEU(tokenize="char", max_ngram_order=6)),
    (Bleu(smooth_method="floor"), BLEU(smooth_method="floor")),
    (Bleu(smooth_method="add-k", smooth_value=2), BLEU(smooth_method="add-k", smooth_value=2)),
    (Bleu(smooth_method="none", effective_order=True), BLEU(smooth_method="none", effective_order=True)),
    (Chrf(), CHRF()),
    (Chrf(word_order=2, lowercase=True), CHRF(word_order=2, lowercase=True)),
    (Chrf(beta=3, eps_smoothing=True), CHRF(beta=3, eps_smoothing=True)),
    (Chrf(char_order=4, whitespace=True), CHRF(char_order=4, whitespace=True)),
    (Ter(), TER()),
    (Ter(normalized=True, no_punct=True), TER(normalized=True, no_punct=True)),
    (Ter(case_sensitive=True), TER(case_sensitive=True)),
]
IDS = [str(metric) for metric, _ in CONFIGURATIONS]

HYPOTHESES = ["The cat sat on the mat.", "It's 3.5 & rising &amp; so on -- Yes!", "", "a b", "The Dog, the dog!", "no"]
REFERENCES = [
    ("The cat sat on a mat.", "A cat was sitting on the mat."),
    ("It is 3.5 and rising, and so on. Yes!", "It's at 3.5 -- rising."),
    ("Something is here.", "There is something here now."),
    ("a b c", "b a"),
    ("the dog, The dog!", "The Dog, the dog."),
    ("yes", "yes indeed it was"),
]


def case(*references: str) -> Case:
    return Case(id="17", references=references)


def corpus(metric: Metric, hypotheses: Sequence[str], references: Sequence[Sequence[str]]) -> float:
    rows = [metric.statistics(Response(text=h), case(*r)) for h, r in zip(hypotheses, references, strict=True)]
    return metric.score(add_up(rows), len(rows))


def streams(references: Sequence[Sequence[str]]) -> list[list[str | None]]:
    """sacrebleu's shape: one list per reference number, None where a segment has fewer."""
    most = max(map(len, references))
    return [[row[i] if i < len(row) else None for row in references] for i in range(most)]


@pytest.mark.parametrize(("metric", "engine"), CONFIGURATIONS, ids=IDS)
def test_corpus_score_equals_sacrebleu_with_one_and_with_two_references(metric: Metric, engine: BLEU) -> None:
    for references in ([row[:1] for row in REFERENCES], REFERENCES):
        assert corpus(metric, HYPOTHESES, references) == engine.corpus_score(HYPOTHESES, streams(references)).score


@pytest.mark.parametrize(("metric", "engine"), CONFIGURATIONS, ids=IDS)
def test_rows_may_differ_in_their_number_of_references(metric: Metric, engine: BLEU) -> None:
    references = [row[: 1 + index % 2] for index, row in enumerate(REFERENCES)]
    expected = engine.corpus_score(HYPOTHESES, streams(references)).score
    assert corpus(metric, HYPOTHESES, references) == expected
    assert metric.signature([case(*row) for row in references])["nrefs"] == "var"


@pytest.mark.parametrize(("metric", "engine"), CONFIGURATIONS, ids=IDS)
def test_signature_is_sacrebleus_item_by_item(metric: Metric, engine: BLEU) -> None:
    engine.corpus_score(HYPOTHESES, streams(REFERENCES))
    ours = metric.signature([case(*row) for row in REFERENCES])
    ours.pop("max_ngram_order", None)
    ours.pop("beta", None)
    assert "|".join(f"{key}:{value}" for key, value in ours.items()) == str(engine.get_signature())


def test_signature_tells_apart_what_sacrebleus_does_not() -> None:
    assert Bleu(max_ngram_order=2).signature([]) != Bleu().signature([])
    assert Chrf(beta=3).signature([]) != Chrf().signature([])


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.text("ab .,-é", max_size=30), st.text("ab .,-é", min_size=1, max_size=30).filter(str.strip)),
        min_size=1,
        max_size=4,
    )
)
def test_any_small_corpus_scores_as_sacrebleu_scores_it(rows: list[tuple[str, str]]) -> None:
    hypotheses, references = [h for h, _ in rows], [(r,) for _, r in rows]
    for metric, engine in ((Bleu(), BLEU()), (Chrf(word_order=2), CHRF(word_order=2)), (Ter(), TER())):
        assert corpus(metric, hypotheses, references) == engine.corpus_score(hypotheses, streams(references)).score


@pytest.mark.parametrize("options", [{}, {"smooth_method": "floor"}, {"lowercase": True, "tokenize": "intl"}])
def test_a_cases_own_bleu_is_sentence_bleu_with_effective_order(options: dict[str, object]) -> None:
    metric = Bleu(**options)  # type: ignore[arg-type]
    for hypothesis, references in zip(HYPOTHESES, REFERENCES, strict=True):
        own = metric.case_score(metric.statistics(Response(text=hypothesis), case(*references)))
        assert own == sacrebleu.sentence_bleu(hypothesis, list(references), **options).score


def test_scoring_does_not_change_the_sums_it_is_given() -> None:
    metric = Bleu(smooth_method="add-k")
    total = add_up([metric.statistics(Response(text="a b c"), case("a b d"))])
    assert metric.score(total, 1) == metric.score(total, 1) > 0


def test_real_systems_score_as_sacrebleu_scores_them() -> None:
    if not DATA.is_dir():
        pytest.skip("public data is not here; point GENAIOPS_PUBLIC_DATA at it")
    lines = (DATA / "wmt21_ted_ende_segments.jsonl").read_text(encoding="utf-8").splitlines()
    references = {row["id"]: tuple(row["references"]) for row in map(json.loads, lines)}
    systems: dict[str, dict[str, str]] = {}
    for line in (DATA / "wmt21_ted_ende_outputs.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        systems.setdefault(row["system"], {})[row["id"]] = row["translation"]
    assert len(systems) == 13
    for texts in systems.values():
        hypotheses = [texts[row] for row in references]
        expected = [[row[0] for row in references.values()]]
        for metric, engine in ((Bleu(), BLEU()), (Chrf(), CHRF())):
            score = corpus(metric, hypotheses, list(references.values()))
            assert score == engine.corpus_score(hypotheses, expected).score


def test_a_reference_is_cut_once_for_all_systems_and_a_segment_once_for_all_tests(monkeypatch) -> None:
    calls: list[str] = []

    class Counting(BLEU):
        def _preprocess_segment(self, sent: str) -> str:
            calls.append(sent)
            return super()._preprocess_segment(sent)

    engine = Counting()
    monkeypatch.setattr(translation, "_engine", lambda metric: engine)
    metric = Bleu(smooth_value=0.125)  # a configuration that no other test has filled the memory with
    for _ in range(3):
        for hypothesis in ("one two", "two three", "three four"):
            metric.statistics(Response(text=hypothesis), case("one two three"))
    assert sorted(calls) == ["one two", "one two three", "three four", "two three"]


@pytest.mark.parametrize(
    ("metric", "reference", "mend"),
    [
        (Bleu(), CHINESE, 'tokenize="zh"'),
        (Bleu(tokenize="intl"), CHINESE, 'tokenize="zh"'),
        (Bleu(tokenize="none"), CHINESE, 'tokenize="zh"'),
        (Bleu(), JAPANESE, 'tokenize="char"'),
        (Bleu(tokenize="zh"), JAPANESE, 'tokenize="char"'),
        (Bleu(), THAI, 'tokenize="char"'),
        (Ter(), CHINESE, "normalized=True and asian_support=True"),
        (Ter(normalized=True), CHINESE, "normalized=True and asian_support=True"),
        (Ter(normalized=True, asian_support=True), THAI, "chrf"),
    ],
)
def test_a_reference_that_the_tokenizer_cannot_see_is_refused_with_the_mend(
    metric: Metric, reference: str, mend: str
) -> None:
    row = Case(id="r9", references=("visible text", reference), source="datasets/zh.jsonl:9")
    with pytest.raises(TokenizerError, match=r"row 'r9' \(datasets/zh.jsonl:9\)") as error:
        metric.statistics(Response(text="anything"), row)
    assert mend in str(error.value)


@pytest.mark.parametrize(
    ("metric", "reference"),
    [
        (Bleu(tokenize="zh"), CHINESE),
        (Bleu(tokenize="char"), CHINESE),
        (Bleu(tokenize="char"), JAPANESE),
        (Bleu(tokenize="char"), THAI),
        (Chrf(), CHINESE),
        (Chrf(), THAI),
    ],
)
def test_the_named_mend_gives_identical_texts_the_top_score(metric: Metric, reference: str) -> None:
    assert corpus(metric, [reference], [(reference,)]) == pytest.approx(100)


def test_ter_sees_chinese_characters_once_told_to() -> None:
    metric = Ter(normalized=True, asian_support=True)
    assert corpus(metric, [CHINESE], [(CHINESE,)]) == 0
    one_of_seventeen = corpus(metric, [CHINESE.replace("好", "坏")], [(CHINESE,)])
    assert one_of_seventeen == pytest.approx(100 / 17)


def test_a_quoted_foreign_word_a_segmented_text_and_a_wrong_answer_are_scored() -> None:
    assert corpus(Bleu(), ["She said 你好 to me."], [("She said 你好 to me.",)]) == pytest.approx(100)
    assert corpus(Bleu(), ["今天 的 天气 非常 好"], [("今天 的 天气 非常 好",)]) == pytest.approx(100)
    assert corpus(Bleu(), [CHINESE], [("A visible reference of six words.",)]) == 0


def test_nothing_to_compare_with_is_unscorable_and_an_empty_answer_scores_zero() -> None:
    for references in (None, (), ("",), (" ", "\n")):
        with pytest.raises(UnscorableError, match="row 'x' has no reference"):
            Bleu().statistics(Response(text="a"), Case(id="x", references=references))
    assert corpus(Bleu(), [""], [("a b c d e",)]) == corpus(Chrf(), [""], [("a b c d e",)]) == 0
    assert corpus(Ter(), [""], [("a b c d e",)]) == 100


def test_a_rate_of_edits_can_exceed_a_hundred() -> None:
    assert corpus(Ter(), ["a b c d"], [("x y",)]) == 200
    assert not Ter().higher_is_better
    assert Ter.scale == (0.0, math.inf)  # an interval cut off at 100 would let it pass "at most 100"


def test_texts_that_would_take_minutes_or_all_memory_are_unscorable() -> None:
    with pytest.raises(UnscorableError, match="600000 characters is too long for chrf"):
        Chrf().statistics(Response(text="x" * 600_000), case("short"))
    with pytest.raises(UnscorableError, match="ter of 2000 words against 1000"):
        Ter().statistics(Response(text="x " * 2000), case("y " * 1000))


def test_the_names_of_options_are_sacrebleus() -> None:
    newer_than_the_oldest_supported = {"spBLEU-1K"}
    assert set(TOKENIZERS) == set(BLEU.TOKENIZERS) - newer_than_the_oldest_supported
    assert set(SMOOTH_METHODS) == set(BLEU.SMOOTH_DEFAULTS)


@pytest.mark.parametrize(
    ("metric", "options", "message"),
    [
        (Bleu, {"tokenize": "13"}, "did you mean '13a'"),
        (Bleu, {"smooth_method": "expo"}, "did you mean 'exp'"),
        (Bleu, {"max_ngram_order": 0}, "at least 1"),
        (Bleu, {"smooth_value": float("nan")}, "at least 0"),
        (Chrf, {"char_order": 2.5}, "whole number"),
        (Chrf, {"beta": True}, "whole number"),
        (Chrf, {"word_order": -1}, "at least 0"),
    ],
)
def test_wrong_options_are_refused_where_they_are_given(metric: type, options: dict, message: str) -> None:
    with pytest.raises(MetricError, match=message):
        metric(**options)


def test_a_tokenizer_whose_package_is_missing_says_so(monkeypatch) -> None:
    monkeypatch.setattr("pytest_genaiops.extras.find_spec", lambda name: None)
    with pytest.raises(ExtraMissingError, match=r"'MeCab'.*pytest-genaiops\[ja\]"):
        Bleu(tokenize="ja-mecab", smooth_value=0.5).statistics(Response(text="x"), case("x"))


@given(
    data=st.data(),
    order=st.integers(1, 6),
    reference=st.integers(0, 5000),
    effective=st.booleans(),
    smoothing=st.sampled_from(["exp", "floor", "none"]),
)
def test_bleu_of_any_sums_is_sacrebleu_s_to_the_last_bit(
    data: st.DataObject, order: int, reference: int, effective: bool, smoothing: str
) -> None:
    hypothesis = data.draw(st.integers(0, 5000))
    ngrams = [max(0, hypothesis - i * data.draw(st.integers(0, 300))) for i in range(order)]
    matches = [data.draw(st.integers(0, count)) for count in ngrams]
    total = (hypothesis, reference, *matches, *ngrams)
    options = {"max_ngram_order": order, "effective_order": effective, "smooth_method": smoothing}
    theirs = BLEU(**options)._compute_score_from_stats(list(total)).score
    assert Bleu(**options).score(total, 1) == theirs
