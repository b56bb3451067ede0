"""ROUGE-1, ROUGE-2, ROUGE-L and ROUGE-Lsum: rouge-score's numbers to the last bit, some thirty times as fast.

Source: Lin 2004, as Google's ``rouge-score`` 0.1.2 implements it (``RougeScorer``). What makes it
fast: a text is cut, stemmed and counted once and remembered; longest common subsequences work on
rows of bits instead of a table of numbers.
"""

from __future__ import annotations

import re
import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from itertools import chain, pairwise
from typing import Any

from pytest_genaiops.columns import Total
from pytest_genaiops.errors import MetricError, TokenizerError, UnscorableError
from pytest_genaiops.metrics.base import Metric, Part
from pytest_genaiops.metrics.memo import TextMemo
from pytest_genaiops.metrics.porter import stem
from pytest_genaiops.metrics.rows import place, references_of
from pytest_genaiops.metrics.subsequence import common_length, union_hits
from pytest_genaiops.metrics.writing import letters_beyond_ascii, unicode_words
from pytest_genaiops.records import Case, Response, Statistics
from pytest_genaiops.registry import did_you_mean

TYPES = ("rouge1", "rouge2", "rougeL", "rougeLsum")
TOKENIZERS = ("rouge-score", "unicode")

_LARGEST_TABLE = 10**9

Triple = tuple[float, float, float]
"""F1, precision and recall of one type."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Text:
    """A text as ROUGE sees it: its words, counted, and its lines (which Lsum takes for sentences)."""

    words: tuple[str, ...]
    lines: tuple[tuple[str, ...], ...]
    unigrams: Counter[str]
    bigrams: Counter[tuple[str, str]]


@dataclass(frozen=True, kw_only=True)
class Rouge(Metric):
    """A group: ``rouge1``, ``rouge2``, ``rougeL``, ``rougeLsum``; each is mean F1 with ``.precision`` and ``.recall``.

    All are 0-1, higher is better. With several references the best F1 counts, type by type, as
    ``RougeScorer.score_multi`` does. Lsum takes lines for sentences.

    ``use_stemmer=True`` is the default, other than in rouge-score: it is ROUGE-1.5.5's ``-m``, with
    which summarization results are published. ``tokenize="unicode"`` sees words of any script;
    the default ``"rouge-score"`` sees ``[a-z0-9]`` alone, and refuses references that are mostly
    something else instead of giving two equal texts 0.
    """

    name = "rouge"
    use_case = "summaries"
    needs = ("references",)

    use_stemmer: bool = True
    tokenize: str = "rouge-score"

    def __post_init__(self) -> None:
        if self.tokenize not in TOKENIZERS:
            raise MetricError(
                f"rouge: tokenize={self.tokenize!r} is unknown; {did_you_mean(str(self.tokenize), list(TOKENIZERS))}"
            )

    def statistics(self, response: Response, case: Case) -> Statistics:
        """(F1, precision, recall) of each type in turn: 12 floats.

        Raises:
            UnscorableError: no reference holds anything, or the texts are too long to align.
            TokenizerError: most letters of a reference are invisible to the tokenizer.
        """
        references = references_of(case)
        if self.tokenize == "rouge-score":
            for reference in references:
                self._check_letters(reference, case)
            if (quick := _quick(self)) is not None:
                return quick(references, response.text)
        return self._compared(references, response.text)

    def parts(self, total: Total | None) -> Mapping[str, Part | Mapping[str, Part]]:
        """``rouge1``, ``rouge2``, ``rougeL``, ``rougeLsum``: mean F1, with ``precision`` and ``recall`` under each."""
        return _parts()

    def signature(self, cases: Sequence[Case]) -> dict[str, str]:
        """Options, and the version of rouge-score whose definitions these are."""
        stemmer = "porter" if self.use_stemmer else "none"
        return {"tokenize": self.tokenize, "stemmer": stemmer, "sentences": "lines", "version": _version()}

    def _compared(self, references: Sequence[str], text: str) -> tuple[float, ...]:
        hypothesis = self._read(text)
        return _best([_triples(self._read(reference), hypothesis) for reference in references])

    def _read(self, text: str) -> Text:
        return _TEXTS.get((self, text), len(text), lambda: _read(text, self.use_stemmer, self.tokenize))

    def _check_letters(self, reference: str, case: Case) -> None:
        if reference.isascii():
            return
        unseen, letters = _LETTERS.get(reference, len(reference), lambda: letters_beyond_ascii(reference))
        if 2 * unseen > letters:
            raise TokenizerError(
                f"{place(case)}: rouge-score's tokenizer keeps only a-z and 0-9 and drops {unseen} of the "
                f'{letters} letters of its reference; use tokenize="unicode"'
            )
        if unseen:
            _warn_once(self)


_TEXTS: TextMemo[Text] = TextMemo(8_000_000)
_LETTERS: TextMemo[tuple[int, int]] = TextMemo(8_000_000)


@lru_cache(maxsize=4)
def _quick(metric: Rouge) -> Callable[[Sequence[str], str], tuple[float, ...]] | None:
    """The extra `fast`, where it is installed and equal; None where this module has to do the work."""
    if find_spec("rouge_score_rs") is None:
        return None
    # By name, as the registry does: rooms import downwards.
    adapter: Any = import_module("pytest_genaiops.adapters.rouge_rs")
    found: Callable[[Sequence[str], str], tuple[float, ...]] | None
    found = adapter.quick(metric.use_stemmer, metric._compared)
    return found


@lru_cache(maxsize=64)
def _warn_once(metric: Rouge) -> None:
    warnings.warn(
        "rouge-score's tokenizer keeps only a-z and 0-9, and some references have other letters (é, ß, ...), "
        'at which it cuts words; tokenize="unicode" sees them',
        stacklevel=2,
    )


def _read(text: str, use_stemmer: bool, tokenize: str) -> Text:
    cut = unicode_words if tokenize == "unicode" else _rouge_score_words
    lines = [tuple(map(_stem, cut(line)) if use_stemmer else cut(line)) for line in text.split("\n")]
    lines = [line for line in lines if line]
    words = lines[0] if len(lines) == 1 else tuple(chain.from_iterable(lines))
    return Text(words=words, lines=tuple(lines), unigrams=Counter(words), bigrams=Counter(pairwise(words)))


@lru_cache(maxsize=1)
def _version() -> str:
    return version("rouge-score")


@lru_cache(maxsize=1)
def _separators() -> re.Pattern[str]:
    """What rouge-score's own tokenizer takes for the space between words: everything but a-z and 0-9."""
    from rouge_score.tokenize import NON_ALPHANUM_RE

    pattern: re.Pattern[str] = NON_ALPHANUM_RE
    return pattern


def _rouge_score_words(text: str) -> list[str]:
    return _separators().sub(" ", text.lower()).split()


@lru_cache(maxsize=100_000)
def _stem(word: str) -> str:
    # Porter's rules are for English: rouge-score never shows them another letter, nor a word of three.
    return stem(word) if len(word) > 3 and word.isascii() else word


def _triples(reference: Text, hypothesis: Text) -> tuple[Triple, ...]:
    given, expected = len(hypothesis.words), len(reference.words)
    if given * expected > _LARGEST_TABLE:
        raise UnscorableError(f"rouge of {given} words against {expected} would take minutes; cut the texts")
    if not given or not expected:
        return ((0.0, 0.0, 0.0),) * len(TYPES)
    common = common_length(reference.words, hypothesis.words)
    # One line against one line: the union of subsequences is the one subsequence itself.
    one_line = len(reference.lines) == len(hypothesis.lines) == 1
    summary = common if one_line else union_hits(reference.lines, hypothesis.lines, hypothesis.unigrams)
    return (
        _triple(_overlap(reference.unigrams, hypothesis.unigrams), given, expected),
        _triple(_overlap(reference.bigrams, hypothesis.bigrams), given - 1, expected - 1),
        _triple(common, given, expected),
        _triple(summary, given, expected),
    )


def _overlap(left: Counter[Any], right: Counter[Any]) -> int:
    shared = left.keys() & right.keys()
    return sum(map(min, map(left.__getitem__, shared), map(right.__getitem__, shared)))


def _triple(hits: int, given: int, expected: int) -> Triple:
    precision, recall = hits / max(given, 1), hits / max(expected, 1)
    if not hits:
        return 0.0, precision, recall
    return 2 * precision * recall / (precision + recall), precision, recall


def _best(rows: Sequence[tuple[Triple, ...]]) -> tuple[float, ...]:
    by_type = zip(*rows, strict=True)
    return tuple(number for triples in by_type for number in max(triples, key=lambda triple: triple[0]))


@lru_cache(maxsize=1)
def _parts() -> Mapping[str, Part]:
    parts = {}
    for index, name in enumerate(TYPES):
        children = {
            child: _mean_of(f"{name}.{child}", 3 * index + offset)
            for offset, child in ((1, "precision"), (2, "recall"))
        }
        parts[name] = _mean_of(name, 3 * index, children)
    return parts


def _mean_of(name: str, column: int, children: Mapping[str, Part] | None = None) -> Part:
    score, case_score = partial(_mean, column), partial(_value, column)
    return Part(name=name, score=score, case_score=case_score, is_mean=True, children=children or {})


def _mean(column: int, total: Any, n: int) -> float:
    return float(total[column]) / n


def _value(column: int, statistics: Any) -> float:
    return float(statistics[column])
