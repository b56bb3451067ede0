"""ROUGE: equal to rouge-score to the last bit, whatever the texts; and honest about text that it cannot see."""

# ruff: noqa: TID253 - the rule is for the package

from __future__ import annotations

import json
import os
import re
import tracemalloc
import warnings
from math import fsum
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rouge_score.rouge_scorer import RougeScorer

from pytest_genaiops.errors import MetricError, TokenizerError, UnscorableError
from pytest_genaiops.metrics import rouge as module
from pytest_genaiops.metrics import subsequence
from pytest_genaiops.metrics.base import Part, add_up
from pytest_genaiops.metrics.rouge import TYPES, Rouge
from pytest_genaiops.records import Case, Response

DATA = Path(os.environ.get("GENAIOPS_PUBLIC_DATA", Path(__file__).parents[4] / "shared" / "data"))

ORACLES = {stem: RougeScorer(list(TYPES), use_stemmer=stem) for stem in (True, False)}

# Few words and many line breaks: ties between subsequences, which the union depends on, are the rule.
texts = st.text("aab bc\n\n", max_size=60)
words = st.lists(
    st.sampled_from(["running", "runs", "Runner", "the", "é", "naïve", "2nd", "x-y", "\n", ".\n", "dying", "İ"]),
    max_size=40,
).map(" ".join)


def measure(metric: Rouge, hypothesis: str, *references: str) -> tuple[float, ...]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return tuple(metric.statistics(Response(text=hypothesis), Case(id="17", references=references)))


def expected(scorer: RougeScorer, hypothesis: str, *references: str) -> tuple[float, ...]:
    scores = scorer.score_multi(list(references), hypothesis)
    return tuple(number for t in TYPES for number in (scores[t].fmeasure, scores[t].precision, scores[t].recall))


@settings(max_examples=400, deadline=None)
@given(texts, texts.filter(str.strip), st.booleans())
def test_any_pair_scores_as_rouge_score_scores_it(hypothesis: str, reference: str, stem: bool) -> None:
    assert measure(Rouge(use_stemmer=stem), hypothesis, reference) == expected(ORACLES[stem], hypothesis, reference)


@settings(max_examples=200, deadline=None)
@given(words, st.lists(words.filter(lambda text: re.search("[a-z]", text)), min_size=1, max_size=3))
def test_the_best_of_several_references_counts_type_by_type(hypothesis: str, references: list[str]) -> None:
    try:
        ours = measure(Rouge(), hypothesis, *references)
    except TokenizerError:
        return
    assert ours == expected(ORACLES[True], hypothesis, *references)


@settings(max_examples=200, deadline=None)
@given(texts, texts.filter(str.strip))
def test_walking_back_block_by_block_finds_the_same_subsequences(hypothesis: str, reference: str) -> None:
    def hits(most_bits: int) -> int:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(subsequence, "_MOST_BITS", most_bits)
            patch.setattr(subsequence, "_SHORTEST_BLOCK", 2)
            lines = [text.split() for text in reference.split("\n")]
            others = [text.split() for text in hypothesis.split("\n")]
            return subsequence.union_hits([line for line in lines if line], others, module.Counter(hypothesis.split()))

    assert hits(1) == hits(1 << 28)


def test_values_by_hand() -> None:
    # 4 words against 6: 3 in common, 2 of them as one bigram, and in one order.
    metric = Rouge(use_stemmer=False)
    row = measure(metric, "the cat sat here", "the cat is over there sat")
    assert row[:3] == (2 * 0.75 * 0.5 / 1.25, 3 / 4, 3 / 6)
    assert row[3:6] == (2 * (1 / 3) * (1 / 5) / (1 / 3 + 1 / 5), 1 / 3, 1 / 5)
    assert row[6:9] == row[9:12] == row[:3]


def test_the_group_gives_mean_f1_with_precision_and_recall_under_it() -> None:
    metric = Rouge()
    pairs = [("the cat sat", "the cat sat down"), ("a dog", "the dog ran off"), ("x", "y")]
    rows = [measure(metric, *pair) for pair in pairs]
    total, parts = add_up(rows), metric.parts(None)
    assert tuple(parts) == TYPES
    for name, part in parts.items():
        assert isinstance(part, Part)
        assert part.is_mean
        scores = [ORACLES[True].score(reference, hypothesis)[name] for hypothesis, reference in pairs]
        assert part.score(total, 3) == fsum(score.fmeasure for score in scores) / 3
        assert part.children["precision"].score(total, 3) == fsum(score.precision for score in scores) / 3
        assert part.children["recall"].score(total, 3) == fsum(score.recall for score in scores) / 3
        assert [part.case_score(row) for row in rows] == [score.fmeasure for score in scores]


@pytest.mark.parametrize(
    ("file", "limit"),
    [("ragtruth_qa_dev", 60), ("ragtruth_summary_dev", 30), ("ragtruth_data2txt_dev", 30), ("summeval", 150)],
)
def test_real_answers_score_as_rouge_score_scores_them(file: str, limit: int) -> None:
    if not DATA.is_dir():
        pytest.skip("public data is not here; point GENAIOPS_PUBLIC_DATA at it")
    for hypothesis, reference in real_pairs(file, limit):
        assert measure(Rouge(), hypothesis, reference) == expected(ORACLES[True], hypothesis, reference)


def real_pairs(file: str, limit: int) -> list[tuple[str, str]]:
    """Pairs spread over a file; ``benchmarks/rouge.py`` compares all of them."""

    def rows(name: str) -> list[dict]:
        return [json.loads(line) for line in (DATA / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]

    if file == "summeval":
        references = {row["id"]: row["references"] for row in rows("summeval_documents")}
        found = [(row["summary"], text) for row in rows("summeval_outputs") for text in references[row["id"]]]
    else:
        contexts = [(row["answer"], row["context"]) for row in rows(file)]
        found = [(answer, text if isinstance(text, str) else "\n".join(text)) for answer, text in contexts]
    return found[:: len(found) // limit]


def test_each_text_is_cut_once_however_many_ask(monkeypatch) -> None:
    calls: list[str] = []
    cut = module._read
    monkeypatch.setattr(module, "_read", lambda text, *options: calls.append(text) or cut(text, *options))
    for _ in range(3):
        for hypothesis in ("one sheet counted", "two sheets counted"):
            measure(Rouge(), hypothesis, "three sheets counted", "four sheets counted")
    assert len(calls) == len(set(calls)) == 4


@pytest.mark.parametrize("reference", ["今天的天气非常好。", "Сегодня хорошая погода", "오늘 날씨가 좋다", "อากาศดีมาก"])
def test_a_reference_of_letters_that_are_dropped_is_refused_and_unicode_sees_it(reference: str) -> None:
    row = Case(id="r9", references=(reference,), source="datasets/x.jsonl:9")
    with pytest.raises(TokenizerError, match=r'row \'r9\' \(datasets/x.jsonl:9\).*tokenize="unicode"'):
        Rouge().statistics(Response(text=reference), row)
    assert measure(Rouge(tokenize="unicode"), reference, reference) == (1.0,) * 12


def test_some_dropped_letters_keep_rouge_scores_value_and_warn_once_for_a_configuration() -> None:
    module._warn_once.cache_clear()
    metric, row = Rouge(), Case(id="1", references=("Beyoncé sang at the café",))
    with pytest.warns(UserWarning, match='tokenize="unicode"'):
        found = metric.statistics(Response(text="Beyoncé sang"), row)
    assert found == expected(ORACLES[True], "Beyoncé sang", "Beyoncé sang at the café")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        metric.statistics(Response(text="Beyoncé"), row)
        metric.statistics(
            Response(text="x"), Case(id="2", references=("curly ‘quotes’ – and dashes … are no letters",))
        )


class UnicodeTokens:
    """The documented definition of tokenize="unicode", for RougeScorer's own tokenizer seam."""

    def tokenize(self, text: str) -> list[str]:
        return re.findall(r"[一-鿿]|(?:(?![一-鿿])[^\W_])+", text.casefold())


@settings(max_examples=100, deadline=None)
@given(st.text("ab ÉéßЖ今天\n", max_size=40), st.text("ab ÉéßЖ今天\n", max_size=40).filter(str.strip))
def test_unicode_words_score_as_rouge_score_with_such_a_tokenizer(hypothesis: str, reference: str) -> None:
    scorer = RougeScorer(list(TYPES), tokenizer=UnicodeTokens())
    metric = Rouge(tokenize="unicode", use_stemmer=False)
    assert measure(metric, hypothesis, reference) == expected(scorer, hypothesis, reference)


def test_ascii_text_scores_the_same_under_both_tokenizers() -> None:
    pair = ("The runners were running, 2 by 2.", "A runner runs by the 2nd mile.")
    assert measure(Rouge(tokenize="unicode"), *pair) == measure(Rouge(), *pair)


def test_nothing_to_compare_with_is_unscorable_and_an_empty_answer_scores_zero() -> None:
    for references in (None, (), ("",), (" \n",)):
        with pytest.raises(UnscorableError, match="row 'x' has no reference"):
            Rouge().statistics(Response(text="a"), Case(id="x", references=references))
    assert measure(Rouge(), "", "a reference") == (0.0,) * 12


def test_long_texts_stay_within_memory_and_absurd_ones_are_unscorable() -> None:
    reference = "\n".join(f"alpha beta {i % 7} gamma {i % 11}" for i in range(600))
    hypothesis = " ".join(f"beta {i % 7} delta {i % 5}" for i in range(1_000))
    tracemalloc.start()
    try:
        measure(Rouge(), hypothesis, reference)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 20_000_000  # rouge-score's table of 3000 by 4000 words alone takes 96 MB
    with pytest.raises(UnscorableError, match="40000 words against 40000"):
        measure(Rouge(), "a " * 40_000, "b " * 40_000)


def test_a_wrong_option_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(MetricError, match="did you mean 'unicode'"):
        Rouge(tokenize="unicod")


def test_the_signature_tells_options_apart() -> None:
    signatures = [Rouge(**options).signature([]) for options in ({}, {"use_stemmer": False}, {"tokenize": "unicode"})]
    assert len({tuple(signature.items()) for signature in signatures}) == 3
