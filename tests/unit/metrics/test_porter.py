"""The stemmer: NLTK's stems, word by word."""

# ruff: noqa: TID253 - the rule is for the package

from __future__ import annotations

import re
from pydoc_data.topics import topics

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nltk.stem.porter import PorterStemmer

from pytest_genaiops.metrics.porter import stem

NLTK = PorterStemmer()

ENDINGS = """
    s es ies sses ss ed eed ied ing at bl iz y ational tional enci anci izer bli alli abli entli eli ousli ization ation
    ator alism iveness fulness ousness aliti iviti biliti fulli logi icate ative alize iciti ical ful ness al ance ence
    er ic able ible ant ement ment ent ion sion tion ou ism ate iti ous ive ize e ll l t
""".split()  # noqa: SIM905 - as the paper lists them


@settings(max_examples=1000, deadline=None)
@given(st.text("aeiouybcdtlsz9", max_size=5), st.lists(st.sampled_from(ENDINGS), max_size=3))
def test_any_word_made_of_known_endings_gets_nltks_stem(root: str, endings: list[str]) -> None:
    word = root + "".join(endings)
    if len(word) > 2:
        assert stem(word) == NLTK.stem(word)


def test_every_word_of_pythons_own_reference_gets_nltks_stem() -> None:
    words = set(re.findall("[a-z0-9]{3,}", " ".join(topics.values()).lower()))
    assert len(words) > 3000
    assert {word: stem(word) for word in words} == {word: NLTK.stem(word) for word in words}


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        # from the paper
        ("caresses", "caress"), ("ponies", "poni"), ("motoring", "motor"), ("hopping", "hop"), ("filing", "file"),
        ("happy", "happi"), ("relational", "relat"), ("vietnamization", "vietnam"), ("adoption", "adopt"),
        # from NLTK's table of irregular forms and its extensions
        ("dying", "die"), ("news", "news"), ("skies", "sky"), ("dies", "die"), ("enjoy", "enjoy"),
    ],
)  # fmt: skip
def test_stems_from_the_paper_and_the_extensions(word: str, expected: str) -> None:
    assert stem(word) == expected
