"""What is chosen of contexts that are too long to be shown."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_genaiops.metrics.judged.material import PIECE, _pieces, contexts_of
from pytest_genaiops.records import Case, Response

WORDS = st.sampled_from(["Lamps are blue. ", "x" * 900, "\n\n", "A word ", "今天天气很好。", " " * 50, "Desks? "])


@given(st.lists(WORDS, max_size=40).map("".join))
def test_pieces_are_whole_sentences_or_cut_and_leave_out_only_spaces(text: str) -> None:
    spans = list(_pieces(text))
    assert all(0 < end - start <= PIECE for start, end in spans)
    assert all(a[1] <= b[0] for a, b in pairwise(spans))
    covered = "".join(text[a:b] for a, b in spans)
    assert "".join(covered.split()) == "".join(text.split())


@given(st.integers(1, 3), st.lists(WORDS, min_size=1, max_size=30).map("".join))
def test_what_is_shown_is_bounded_and_of_the_contexts(count: int, text: str) -> None:
    context = f"Lamp 7. {text}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pytest_genaiops.metrics.judged.material.LONGEST", 2_000)
        shown = contexts_of(Response(contexts=(context,) * count), Case(id="1"), ["Lamp 7"])
    pieces = [piece for each in shown.texts.values() for piece in each.split("\n[…]\n")]
    assert all(piece in context for piece in pieces)
    assert sum(map(len, pieces)) + shown.left_out == shown.characters == count * len(context)
    assert sum(map(len, pieces)) <= 2_000 * 1.1
    assert shown.count == count
    assert (shown.note == "") == (shown.left_out == 0)


def test_blank_contexts_are_left_out_under_their_numbers() -> None:
    shown = contexts_of(Response(), Case(id="1", contexts=("", "A lamp.", " ", "A desk.")))
    assert (dict(shown.texts), shown.count) == ({2: "A lamp.", 4: "A desk."}, 2)


def test_those_of_the_response_come_before_those_of_the_case() -> None:
    case = Case(id="1", contexts=("A lamp.",))
    assert dict(contexts_of(Response(contexts=("A desk.",)), case).texts) == {1: "A desk."}
