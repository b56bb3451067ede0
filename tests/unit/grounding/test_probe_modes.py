"""Whether each search is the one that it is asked for: every pair of searches that may stand for each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from probe_help import CHUNKS, chunk, embed, filled

from pytest_genaiops.grounding import Entry, Hit, Mode, Query, index_probe
from pytest_genaiops.grounding.probe_modes import FEWEST, unknown_word
from pytest_genaiops.testing import FakeIndex

MODES: tuple[Mode, ...] = ("exact", "full-text", "vector", "hybrid")
NO_WORDS, NO_VECTORS = "for a word that no chunk has", "does not go by vectors"


class Instead(FakeIndex):
    """One search answers in place of another."""

    def __init__(self, asked: Mode, instead: Mode) -> None:
        super().__init__()
        self.swapped = {asked: instead}
        self.add(CHUNKS)

    def search(self, query: Query, mode: Mode, k: int) -> Sequence[Hit]:
        return super().search(query, self.swapped.get(mode, mode), k)


def seen(index: Any) -> list[tuple[str, Mode | None, str]]:
    result = index_probe(index, embed=embed).modes()
    assert bool(result) is not bool(result.findings)
    return [(finding.kind, finding.mode, finding.message) for finding in result.findings]


@pytest.mark.parametrize(
    ("asked", "instead", "said"),
    [
        ("exact", "vector", NO_WORDS),
        ("exact", "hybrid", NO_WORDS),
        ("full-text", "vector", NO_WORDS),
        ("full-text", "hybrid", NO_WORDS),
        ("vector", "exact", NO_VECTORS),
        ("vector", "full-text", NO_VECTORS),
        ("vector", "hybrid", "it goes by words as well"),
        ("hybrid", "exact", NO_VECTORS),
        ("hybrid", "full-text", NO_VECTORS),
        ("hybrid", "vector", "it goes by vectors alone"),
    ],
)
def test_a_search_that_is_another_one_is_found(asked: Mode, instead: Mode, said: str) -> None:
    ((kind, mode, message),) = seen(Instead(asked, instead))
    assert (kind, mode) == ("mode", asked)
    assert said in message


@pytest.mark.parametrize("modes", [MODES, ("exact",), ("full-text",), ("vector",), ("hybrid",), ("vector", "hybrid")])
def test_a_sound_index_has_no_findings_whichever_searches_it_has(modes: Sequence[Mode]) -> None:
    result = index_probe(filled(modes=modes), embed=embed).modes()
    assert result, result.reason
    assert [text.partition(" search")[0] for text in result.looked[1:]] == list(modes)


@pytest.mark.parametrize("number", range(FEWEST, len(CHUNKS) + 1))
def test_a_few_chunks_will_do(number: int) -> None:
    assert seen(filled(CHUNKS[:number])) == []


def test_an_index_that_lists_no_embeddings_is_asked_with_those_of_embed() -> None:
    class Shy(FakeIndex):
        def list(self) -> Any:
            return (replace(entry, embedding=None) for entry in super().list())

    index = Shy()
    index.add(CHUNKS)
    assert seen(index) == []
    (finding,) = index_probe(index).modes().findings
    assert (finding.kind, "give embed=" in finding.message) == ("unprobed", True)


def test_two_chunks_are_too_few_to_tell() -> None:
    ((kind, _, message),) = seen(filled(CHUNKS[:2]))
    assert kind == "unprobed"
    assert message.startswith("fewer than 3 chunks have a text and an embedding")


def test_a_search_by_words_that_finds_nothing_at_all_is_not_known_to_be_one() -> None:
    class Silent(FakeIndex):
        def search(self, query: Query, mode: Mode, k: int) -> Sequence[Hit]:
            return () if mode == "full-text" else super().search(query, mode, k)

    index = Silent()
    index.add(CHUNKS)
    ((kind, mode, message),) = seen(index)
    assert (kind, mode) == ("unprobed", "full-text")
    assert "does not find" in message


def test_a_search_that_always_fails_is_told_as_such_alone() -> None:
    class Down(FakeIndex):
        def search(self, query: Query, mode: Mode, k: int) -> Sequence[Hit]:
            if mode == "vector":
                raise OSError("down")
            return super().search(query, mode, k)

    index = Down()
    index.add(CHUNKS)
    assert {(kind, mode) for kind, mode, _ in seen(index)} == {("unprobed", "vector")}


def test_a_list_that_fails_is_told() -> None:
    class Unlisted(FakeIndex):
        def list(self) -> Any:
            raise OSError("down")

    ((kind, _, message),) = seen(Unlisted())
    assert kind == "unprobed"
    assert "list() could not be probed" in message


def test_chunks_of_the_same_words_are_no_fault() -> None:
    copies = [chunk(f"c-{number}", "c", CHUNKS[0].text or "") for number in range(30)]
    assert seen(filled([*CHUNKS, *copies])) == []


def test_texts_without_words_and_hostile_ones_are_passed_over() -> None:
    odd: list[Entry] = [Entry(id="a", text=None), Entry(id="b", text=" "), chunk("c\x1b[31m", "c", "…")]
    assert seen(filled([*CHUNKS, *odd])) == []


@given(st.lists(st.text("jkqvwxz ", max_size=60)))
def test_the_unknown_word_is_in_no_text(texts: list[str]) -> None:
    word = unknown_word(texts)
    assert not any(word in text for text in texts)


def test_no_three_letters_of_the_unknown_word_stand_in_a_text() -> None:
    texts = ["jkqvwxz", "xxxzzzQQQ"]
    word = unknown_word(texts)
    assert not any(word[at : at + 3] in text.lower() for text in texts for at in range(len(word) - 2))


def test_where_texts_hold_all_letter_groups_the_word_is_unknown_all_the_same() -> None:
    letters = "jkqvwxz"
    every = "".join(one + two + three for one in letters for two in letters for three in letters)
    first = unknown_word([every])
    assert first not in every
    assert unknown_word([every, first]) not in every + " " + first
