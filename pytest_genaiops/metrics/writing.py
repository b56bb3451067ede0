"""What a tokenizer can and cannot see in a text: scripts without spaces, and words of any script."""

from __future__ import annotations

import re
import unicodedata

_HAN = "\u2e80-\u2fdf\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
_KANA = "\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\uff66-\uff9d"
_OTHERS = {
    "Thai": "\u0e00-\u0e4f",
    "Lao": "\u0e80-\u0ecf\u0edc-\u0edf",
    "Tibetan": "\u0f40-\u0fbc",
    "Burmese": "\u1000-\u103f\u1050-\u109d\uaa60-\uaa7f",
    "Khmer": "\u1780-\u17d3",
}
_SCRIPTS = {name: re.compile(f"[{ranges}]") for name, ranges in {"Han": _HAN, "kana": _KANA, **_OTHERS}.items()}
_UNSPACED = re.compile(f"[{_HAN}{_KANA}{''.join(_OTHERS.values())}]")
_LETTER = re.compile(r"[^\W\d_]")
_ASCII_LETTER = re.compile(r"[A-Za-z]")

# Segmented Chinese or Thai has words of one to four characters; a raw clause between spaces is longer.
_LONGEST_MEAN_WORD = 4


def unspaced_language(text: str) -> str | None:
    """Language of a text whose words are not separated by spaces: "Chinese", "Japanese", "Thai" ...; else None.

    More than half of the letters must be in such a script, so that one quoted Chinese word
    in an English text is nothing. Text that somebody has already cut into words by spaces
    (four characters a word or fewer, on average) counts as spaced.
    """
    if text.isascii():
        return None
    unspaced = _UNSPACED.findall(text)
    if not unspaced:
        return None
    letters_beside = len(_LETTER.findall(_UNSPACED.sub("", text)))
    if len(unspaced) <= letters_beside:
        return None
    chunks = sum(_UNSPACED.search(chunk) is not None for chunk in text.split())
    if chunks > 1 and len(unspaced) <= _LONGEST_MEAN_WORD * chunks:
        return None
    counts = {name: len(pattern.findall(text)) for name, pattern in _SCRIPTS.items()}
    # Japanese prose is up to two thirds Han; Chinese has next to no kana.
    if counts["kana"] * 10 > counts["Han"] + counts["kana"]:
        counts["kana"] += counts["Han"]
    return {"Han": "Chinese", "kana": "Japanese"}.get(name := max(counts, key=lambda key: counts[key]), name)


def letters_beyond_ascii(text: str) -> tuple[int, int]:
    """(letters outside a-z, all letters) of a text."""
    if text.isascii():
        return 0, 1
    every = len(_LETTER.findall(text))
    return every - len(_ASCII_LETTER.findall(text)), every


class _Spelling(dict[int, str]):
    """Code point -> what it becomes: itself in a word, a word of its own, or a gap. Filled as it is asked."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        if _UNSPACED.match(character):
            spelling = f" {character} "
        elif character.isalnum() or unicodedata.category(character).startswith("M"):
            spelling = character
        else:
            spelling = " "
        self[code] = spelling
        return spelling


_SPELLING = _Spelling()


def unicode_words(text: str) -> list[str]:
    """Words of a text in any script: NFKC, case-folded runs of letters, digits and marks.

    In scripts without spaces (Chinese, Japanese, Thai, Lao, Burmese, Khmer, Tibetan) every
    character is a word.
    """
    return unicodedata.normalize("NFKC", text).casefold().translate(_SPELLING).split()
