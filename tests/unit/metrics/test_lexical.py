"""Words, sentences and stems point into the original text and treat all scripts alike."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_genaiops.metrics.lexical.features import index_of, measures, overlap
from pytest_genaiops.metrics.lexical.text import analyse, question_of, sentences, stem, words
from pytest_genaiops.records import Case

TRICKY = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from("aeiouAEIOU019.,:!?'\u2019 \n\t-"),
        st.sampled_from("的東京タワーไทยกขက한국어"),
        st.sampled_from("\u0301\u0308\u093f\u0e34\u200d\ufe0f🙂👩İßﬁ²½①٣"),
    ),
    max_size=80,
)


def texts_of(text: str) -> list[str]:
    return [text[start:end] for start, end in words(text).spans]


@given(TRICKY)
def test_words_lie_inside_the_text_in_order_whatever_the_characters(text: str) -> None:
    found = words(text)
    assert len(found.stems) == len(found.spans) == len(found.weights)
    assert all(0 <= start < end <= len(text) for start, end in found.spans)
    assert all(a[0] < b[0] and a[1] <= b[1] for a, b in pairwise(found.spans))
    assert all(found.stems)


@given(TRICKY)
def test_every_letter_and_digit_is_in_a_word(text: str) -> None:
    covered = {at for start, end in words(text).spans for at in range(start, end)}
    plain = [at for at, character in enumerate(text) if character.isalpha() or character.isdecimal()]
    assert [text[at] for at in plain if at not in covered] == []


@given(TRICKY)
def test_sentences_are_trimmed_apart_and_lose_nothing_but_space(text: str) -> None:
    found = sentences(text)
    assert all(text[start:end] == text[start:end].strip() != "" for start, end in found)
    assert all(a[1] <= b[0] for a, b in pairwise(found))
    assert "".join("".join(text[start:end].split()) for start, end in found) == "".join(text.split())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ("Dr. Smith met J. R. Hart in the U.S. today. Fine.", ["Dr. Smith met J. R. Hart in the U.S. today.", "Fine."]),
        ("It costs 3.5 dollars. Cheap.", ["It costs 3.5 dollars.", "Cheap."]),
        ("1. First step.\n2. Second step.", ["1. First step.", "2. Second step."]),
        ('He said "no." Then he left.', ['He said "no."', "Then he left."]),
        ("第一句。第二句！", ["第一句。", "第二句！"]),
        ("  \n ", []),
    ],
)  # fmt: skip
def test_sentences(text: str, expected: list[str]) -> None:
    assert [text[start:end] for start, end in sentences(text)] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Don't panic", ["Don't", "panic"]),
        ("BusinessParking: WiFi", ["Business", "Parking", "WiFi"]),
        ("open 5:30 PM, pay $1,000.50", ["open", "5:30 PM", "pay", "1,000.50"]),
        ("cafe\u0301 हिन्दी", ["cafe\u0301", "हिन्दी"]),
        ("東京都", ["東京", "京都"]),
        ("京 ok", ["京", "ok"]),
        ("🙂 … —", []),
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    assert texts_of(text) == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1,000", "1000"), ("4.0", "4"), ("07", "7"), ("seven", "7"), ("5:30 PM", "17:30"), ("5 p.m", "17:00"),
        ("12 AM", "0:00"), ("12 pm", "12:00"), ("17:0", "17:00"), ("１２", "12"), ("Café", "cafe\u0301"),
        ("organised", "organisation"), ("cities", "city"), ("running", "runs"), ("Paris's", "Paris"),
        ("Москве", "Москве"), ("Straße", "STRASSE"),
        ("US", "U.S."), ("USA", "U.S.A."), ("e.g.", "eg"),
    ],
)  # fmt: skip
def test_spellings_of_one_word_share_a_stem(one: str, other: str) -> None:
    assert analyse(one)[0] == analyse(other)[0]


@pytest.mark.parametrize(
    ("one", "other"), [("1889", "1925"), ("5 PM", "5 AM"), ("3.5", "35"), ("sing", "sang"), ("US", "us")]
)
def test_different_words_keep_different_stems(one: str, other: str) -> None:
    assert analyse(one)[0] != analyse(other)[0]


@given(st.text(st.characters(), min_size=1, max_size=30))
def test_a_stem_is_never_empty(form: str) -> None:
    assert stem(form)


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ({"question": "q", "input": "i", "query": "k"}, "q"),
        ({"input": "i", "query": "k"}, "i"),
        ({"query": "k"}, "k"),
        ({"question": "  ", "query": "k"}, "k"),
        ({"question": 3}, None),
        ({}, None),
    ],
)
def test_the_question_of_a_case(inputs: dict[str, object], expected: str | None) -> None:
    assert question_of(Case(id="1", inputs=inputs)) == expected


def test_measures_by_hand() -> None:
    """Context: red fox / jumped / lazy dog; answer: the content words fox, jumped, moon (novel)."""
    context = "The red fox jumped over the lazy dog."
    found = measures(overlap("A fox jumped over the moon.", index_of((context,))))
    assert found["words"] == pytest.approx(2 / 3)
    assert found["order"] == pytest.approx(4 / 6)  # fox jumped over the
    assert found["neighbours"] == pytest.approx(1 / 2)  # fox-jumped yes, jumped-moon no
    assert found["sentences"] == pytest.approx(2 / 3)
    assert found["novel_passage"] == pytest.approx(-1)  # moon, among fewer than ten content words
    assert found["novel_numbers"] == found["novel_names"] == found["personal"] == found["negation"] == 0


def test_missing_numbers_and_names_are_counted_but_not_list_numbers() -> None:
    context = "Visit the market in Leeds on 3 May. Bring cash."
    found = measures(overlap("1. Visit Leeds on 4 May.\n2. Bring Thomas.", index_of((context,))))
    assert found["novel_numbers"] == pytest.approx(-0.6931471805599453)
    assert found["novel_names"] == pytest.approx(-0.6931471805599453)


def test_passages_keep_apart() -> None:
    answer = "green apples"
    apart = measures(overlap(answer, index_of(("It is green", "apples fall"))))
    together = measures(overlap(answer, index_of(("It is green apples fall",))))
    assert (apart["neighbours"], together["neighbours"]) == (0.0, 1.0)
    assert (apart["sentences"], together["sentences"]) == (0.5, 1.0)


def test_time_grows_with_the_length_not_with_its_square() -> None:
    """A hundred times the text may take a few hundred times the time; a square would take ten thousand times."""
    context = " ".join(f"Word{i} says thing{i % 977} about the house {i}." for i in range(150))

    def seconds(times: int) -> float:
        text = (context + " ") * times
        start = time.perf_counter()
        measures(overlap(text, index_of((text,))))
        return time.perf_counter() - start

    seconds(1)
    assert seconds(100) < 1000 * min(seconds(1) for _ in range(3))
