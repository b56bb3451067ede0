"""Texts as words with character offsets, stems and sentences; offsets always point into the original text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from pytest_genaiops.metrics.lexical.words import ABBREVIATIONS, COMMON, FUNCTION, NUMBER_WORDS, PREAMBLE
from pytest_genaiops.records import Case

# Vowel signs and accents with a code point of their own belong to the letter before them, and `\w` leaves them out.
_INDIC = "".join(
    f"{chr(b)}-{chr(b + 3)}{chr(b + 0x3A)}-{chr(b + 0x4F)}{chr(b + 0x51)}-{chr(b + 0x57)}{chr(b + 0x62)}{chr(b + 0x63)}"
    for b in range(0x900, 0xE00, 0x80)
)
_MARKS = f"\u0300-\u036f\u0483-\u0487\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u20d0-\u20f0{_INDIC}"
# Scripts whose words have no spaces between them (Thai, Lao, Myanmar, Khmer, kana, Han) or grow long tails (Hangul).
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff"
    "\U00020000-\U000323af"
)
_LETTER = rf"[^\W\d_{_UNSPACED}]"
_WORD = rf"{_LETTER}+(?:[{_MARKS}]+{_LETTER}*)*"
_TIME = r"\d{1,2}(?::\d{2})? ?[AaPp]\.?[Mm]\b"
_TOKEN = re.compile(rf"{_TIME}|(?:[A-Za-z]\.){{2,}}|\d+(?:[.,:]\d+)*|{_WORD}(?:['\u2019]{_WORD})*|[{_UNSPACED}]+")
_UNSPACED_START = re.compile(rf"[{_UNSPACED}]")
# The one acronym that is a pronoun when lower-cased.
_COUNTRY = frozenset(("US", "U.S."))
_TIME_ONLY = re.compile(_TIME, re.ASCII)
_THOUSANDS = re.compile(r",(?=\d{3}(?!\d))")
_CAMEL = re.compile(r"(?<=[a-z]{2})(?=[A-Z])")
_BREAK = re.compile(r"[.!?…]+[\"'”\u2019)\]]*(?=\s)|[。\uff01\uff1f]+[」』”\u2019\uff09]*|\n+")
# Two words with this many letters in common are one word; whole words of any length would fill the caches.
_LONGEST = 64
_PREAMBLE = re.compile(PREAMBLE, re.IGNORECASE)
_LAST_WORD = re.compile(r"(?:^|[^\w.])([\w.]+)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """The words of one text, in order, as columns of equal length."""

    text: str
    stems: tuple[str, ...]
    spans: tuple[tuple[int, int], ...]
    """Character offsets of each word in ``text``, end exclusive."""
    weights: tuple[float, ...]
    """How much of a claim each word carries: 0 for grammar words, 0.5 for very common ones, 1 for the rest."""

    def form(self, index: int) -> str:
        """The word as written, lower-cased."""
        start, end = self.spans[index]
        return self.text[start:end].lower().replace("\u2019", "'")


def words(text: str) -> Words:
    """Words of a text. Runs of scripts without spaces become overlapping character pairs.

    Linear in the length of the text; never raises, whatever the characters.
    """
    stems: list[str] = []
    spans: list[tuple[int, int]] = []
    weights: list[float] = []
    for match in _TOKEN.finditer(text):
        for start, end in _pieces(match.group(), match.start()):
            stem_, weight = analyse(text[start : min(end, start + _LONGEST)])
            stems.append(stem_)
            spans.append((start, end))
            weights.append(weight)
    return Words(text=text, stems=tuple(stems), spans=tuple(spans), weights=tuple(weights))


def _pieces(token: str, start: int) -> Iterator[tuple[int, int]]:
    """Offsets of the words inside one token: pairs of an unspaced run, parts of a camelCase name, or all of it."""
    end = start + len(token)
    if not token.isascii() and _UNSPACED_START.match(token):
        if len(token) == 1:
            yield start, end
        for i in range(start, end - 1):
            yield i, i + 2
    elif token.islower() or token.istitle() or not token.isascii():
        yield start, end
    else:
        cuts = [0, *(cut.start() for cut in _CAMEL.finditer(token)), len(token)]
        for left, right in pairwise(cuts):
            yield start + left, start + right


@lru_cache(maxsize=1 << 16)
def analyse(word: str) -> tuple[str, float]:
    """Stem and weight of one word as written; numbers come out in one spelling (``1,000.0`` as ``1000``)."""
    form = word.lower() if word.isascii() else unicodedata.normalize("NFKC", word).casefold().replace("\u2019", "'")
    if form[:1].isdigit():
        return _number(form), 1.0
    if word in _COUNTRY:
        return "US", 1.0
    if form[-1] == ".":
        form = form.replace(".", "")
    if form in FUNCTION:
        return form, 0.0
    if form.endswith("'s"):
        form = form[:-2]
    return NUMBER_WORDS.get(form) or stem(form), 0.5 if form in COMMON else 1.0


def _number(form: str) -> str:
    """One spelling for one number: no thousands separators, no empty decimals, times of day on 24 hours."""
    hours, colon, minutes = form.rstrip("apm. ").partition(":")
    if _TIME_ONLY.fullmatch(form):
        return f"{int(hours) % 12 + (12 if 'p' in form else 0)}:{minutes.zfill(2)}"
    if colon:
        return f"{hours.lstrip('0') or '0'}:{minutes.zfill(2)}"
    digits = _THOUSANDS.sub("", form)
    if "." in digits:
        digits = digits.rstrip("0").rstrip(".")
    return digits.lstrip("0") or "0"


_INFLECTIONS = ("ing", "ed", "ly", "er", "est")
_DERIVATIONS = (
    "ization", "isation", "ational", "ation", "ition", "ement", "ment", "ness", "iti", "ion", "ive", "al",
    "able", "ful", "or", "ist", "ism", "at", "ity", "is", "iz",
)  # fmt: skip
_PREFIX = 6
_VOWEL = re.compile(r"[aeiouy]")


@lru_cache(maxsize=1 << 16)
def stem(form: str) -> str:
    """A rough English stem: plural, then one inflection, then one derivation; of other words the first six letters.

    Rougher than Porter's on purpose: joining "organise" to "organisation" matters here, a readable stem does not.
    """
    if not form.isascii():
        return form[:_PREFIX]
    if len(form) <= 3:
        return form
    root = _singular(form)
    for suffix in _INFLECTIONS:
        rest = root[: -len(suffix)]
        if root.endswith(suffix) and len(rest) >= 3 and _VOWEL.search(rest):
            root = rest[:-1] if len(rest) > 3 and rest[-1] == rest[-2] and rest[-1] not in "lsz" else rest
            break
    if len(root) > 3 and root[-1] == "e":
        root = root[:-1]
    if len(root) > 3 and root[-1] == "y":
        root = root[:-1] + "i"
    return next((root[: -len(end)] for end in _DERIVATIONS if root.endswith(end) and len(root) - len(end) >= 4), root)


def _singular(form: str) -> str:
    if form.endswith(("ies", "ied")) and len(form) > 4:
        return form[:-3] + "y"
    if form.endswith(("sses", "xes", "zes", "ches", "shes")) and len(form) > 4:
        return form[:-2]
    return form[:-1] if form[-1] == "s" and form[-2] not in "suai" else form


def sentences(text: str) -> list[tuple[int, int]]:
    """Character offsets of the sentences of a text, trimmed; list items and lines count as sentences.

    An abbreviation, an initial and the number of a list item end no sentence.
    """
    found: list[tuple[int, int]] = []
    start = 0
    for match in _BREAK.finditer(text):
        if match.group() == "." and _abbreviates(text, start, match.start()):
            continue
        _add(found, text, start, match.end())
        start = match.end()
    _add(found, text, start, len(text))
    return found


def _abbreviates(text: str, start: int, stop: int) -> bool:
    last = _LAST_WORD.search(text[max(start, stop - 12) : stop])
    if last is None:
        return False
    word = last.group(1)
    listed = word.isdigit() and len(word) <= 3 and not text[start : stop - len(word)].strip()
    return listed or (len(word) == 1 and word.isalpha()) or "." in word[1:] or word.lower() in ABBREVIATIONS


def _add(found: list[tuple[int, int]], text: str, start: int, end: int) -> None:
    piece = text[start:end]
    left = start + len(piece) - len(piece.lstrip())
    right = end - (len(piece) - len(piece.rstrip()))
    if left < right:
        found.append((left, right))


def preamble(text: str) -> int:
    """Where the answer proper begins: behind a first line that only announces it, else at 0."""
    match = _PREAMBLE.match(text)
    return match.end() if match and text[match.end() :].strip() else 0


def scripts(letters: Iterable[str]) -> frozenset[str]:
    """Scripts of some characters, as the first word of their Unicode names: ``LATIN``, ``CYRILLIC``, ``CJK``."""
    return frozenset(filter(None, map(script, set(letters))))


@lru_cache(maxsize=1 << 14)
def script(letter: str) -> str:
    """Script of one character; empty where it is no letter."""
    return unicodedata.name(letter, "").partition(" ")[0] if letter.isalpha() else ""


def question_of(case: Case) -> str | None:
    """The question of a case: its input ``question``, else ``input``, else ``query``; None where it has none."""
    for name in ("question", "input", "query"):
        value = case.inputs.get(name)
        if isinstance(value, str) and value.strip():
            return value
    return None
