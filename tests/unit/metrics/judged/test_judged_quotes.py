"""Quotes are found where the text holds them, and nowhere else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_genaiops.metrics.judged.quotes import Quoted

TEXT = "Lamps  can be “returned”\nwithin 30 days — not later. Straße und Haus."


@pytest.mark.parametrize(
    ("quote", "found"),
    [
        ("within 30 days", "within 30 days"),
        ("lamps can be", "Lamps  can be"),
        ('"returned" within', "returned”\nwithin"),
        ('can be "returned" within', "can be “returned”\nwithin"),
        ("30 days - not", "30 days — not"),
        ("'within 30 days'", "within 30 days"),
        ("STRASSE UND", "Straße und"),
        ("Lamps ... 30 days", "Lamps  can be “returned”\nwithin 30 days"),
        ("Lamps […] later", "Lamps  can be “returned”\nwithin 30 days — not later"),
        ("… not later …", "not later"),
    ],
)
def test_a_quote_is_found_but_for_spaces_case_and_the_shape_of_quotes(quote: str, found: str) -> None:
    place = Quoted(TEXT).find(quote)
    assert place is not None
    assert TEXT[slice(*place)] == found


@pytest.mark.parametrize("quote", ["within 99 years", "", " ", '""', "...", "later ... Lamps", "days Lamps", "\ud800"])
def test_what_is_not_there_is_not_found(quote: str) -> None:
    assert Quoted(TEXT).find(quote) is None


@given(st.text(), st.integers(0, 50), st.integers(1, 50))
def test_every_piece_of_a_text_is_found_in_it_and_reads_the_same(text: str, start: int, length: int) -> None:
    piece = text[start : start + length]
    place = Quoted(text).find(piece)
    if place is not None:
        assert 0 <= place[0] < place[1] <= len(text)
    if piece.strip(" \t\r\n\"'`“”‘’«»"):
        assert place is not None
