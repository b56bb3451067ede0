"""Near copies: what the join finds is what comparing all with all finds."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_genaiops.errors import MetricError
from pytest_genaiops.grounding import near, near_copies

WORDS = st.lists(st.sampled_from("abcd"), max_size=12)


def by_brute_force(texts: list[str], threshold: float) -> list[tuple[int, int, float]]:
    """Broder's resemblance of every pair, with triples of words as shingles."""
    sets = []
    for text in texts:
        words = re.findall(r"\w+", text.lower())
        sets.append({tuple(words[i : i + 3]) for i in range(max(len(words) - 2, min(1, len(words))))})
    found = []
    for later, right in enumerate(sets):
        for earlier, left in enumerate(sets[:later]):
            if left and right and (index := len(left & right) / len(left | right)) >= threshold:
                found.append((earlier, later, index))
    return sorted(found)


@given(st.lists(WORDS.map(" ".join), max_size=12), st.sampled_from([0.1, 0.25, 0.5, 2 / 3, 0.8, 1.0]))
def test_no_pair_is_passed_over_and_none_is_invented(texts: list[str], threshold: float) -> None:
    assert near_copies(texts, threshold=threshold) == by_brute_force(texts, threshold)


def test_one_word_of_a_long_text() -> None:
    text = [f"w{i}" for i in range(50)]
    # 48 triples each; a word in the middle stands in 3 of them: 45 shared of 51.
    assert near_copies([" ".join(text), " ".join([*text[:25], "other", *text[26:]])]) == [(0, 1, 45 / 51)]


def test_case_and_punctuation_do_not_count() -> None:
    assert near_copies(["The cat, sat down.", "the CAT sat down"]) == [(0, 1, 1.0)]


def test_a_script_without_spaces_is_cut_into_characters() -> None:
    assert near_copies(["我们今天去公园散步吧", "我们今天去公园散步吗"], threshold=0.7) == [(0, 1, 7 / 9)]


@pytest.mark.parametrize("texts", [[], ["only one"], ["", " \n", "..."]])
def test_nothing_to_compare(texts: list[str]) -> None:
    assert near_copies(texts) == []


@pytest.mark.parametrize("threshold", [0, -1, 1.1, float("nan"), True, "0.8", None])
def test_a_threshold_that_is_no_share(threshold: object) -> None:
    with pytest.raises(MetricError, match="is no share; give a number above 0, at most 1"):
        near_copies(["a"], threshold=threshold)  # type: ignore[arg-type]


def test_where_there_are_too_many_pairs_every_copy_is_in_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(near, "MOST_PAIRS", 10)
    found = near_copies(["one and the same text"] * 50)
    assert len(found) < 60
    assert {later for _, later, _ in found} == set(range(1, 50))


def test_half_characters_and_pieces_of_a_large_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(near, "_PIECE", 7)
    text = "a large text \ud800 is cut into pieces between words"
    assert near_copies([text, text.upper()]) == [(0, 1, 1.0)]


@pytest.mark.parametrize(
    "spelt",
    [
        pytest.param(lambda text: unicodedata.normalize("NFD", text), id="NFD"),
        pytest.param(lambda text: text.replace("fi", "\ufb01"), id="ligatures"),
        pytest.param(lambda text: text.replace("o", "o\u00ad"), id="soft hyphens"),
        pytest.param(lambda text: text.replace(" ", "\u200b "), id="zero width"),
    ],
)
def test_another_spelling_of_characters_is_no_other_text(spelt: Callable[[str], str]) -> None:
    text = "Chaque employé a droit à trente jours de congés payés, dont dix peuvent être reportés; c'est fixé."
    assert spelt(text) != text
    assert near_copies([text, spelt(text)]) == [(0, 1, 1.0)]
