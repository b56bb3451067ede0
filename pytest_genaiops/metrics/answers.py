"""Short answers against reference answers: exact match and token F1 as SQuAD defines them.

Source: Rajpurkar et al. 2016 and the official evaluation script of SQuAD v1.1: lower-case, take
out ASCII punctuation and the words "a", "an", "the", squeeze white space; the best reference counts.

One step beyond it: a reference of which nothing is left ("A" in a multiple-choice test, "!") is
compared as it stands, without case. The script would call an empty answer right there.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from dataclasses import dataclass

from pytest_genaiops.errors import MetricError, TokenizerError
from pytest_genaiops.metrics.base import Metric
from pytest_genaiops.metrics.rows import place, references_of
from pytest_genaiops.metrics.writing import unicode_words, unspaced_language
from pytest_genaiops.records import Case, Response, Statistics
from pytest_genaiops.registry import did_you_mean

TOKENIZERS = ("squad", "unicode")

_WITHOUT_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ARTICLES = re.compile(r"\b(a|an|the)\b")


def normalized(text: str) -> str:
    """SQuAD v1.1's normal form of an answer."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_WITHOUT_PUNCTUATION)).split())


@dataclass(frozen=True, kw_only=True)
class ExactMatch(Metric):
    """Share of answers that equal a reference after SQuAD's normalisation; 0-1, higher is better."""

    name = "exact_match"
    use_case = "short answers"
    needs = ("references",)

    def statistics(self, response: Response, case: Case) -> Statistics:
        """(1.0,) where a reference matches, else (0.0,). Raises UnscorableError without a reference."""
        return (max(_equal(response.text, reference) for reference in references_of(case)),)


@dataclass(frozen=True, kw_only=True)
class TokenF1(Metric):
    """Mean F1 of the words that answer and best reference share; 0-1, higher is better.

    ``tokenize="squad"`` (default) cuts at white space, as SQuAD does. ``"unicode"`` cuts words of
    any script, one character a word where a script has no spaces (Chinese, Japanese, Thai ...).
    """

    name = "token_f1"
    use_case = "short answers"
    needs = ("references",)

    tokenize: str = "squad"

    def __post_init__(self) -> None:
        if self.tokenize not in TOKENIZERS:
            raise MetricError(
                f"token_f1: tokenize={self.tokenize!r} is unknown; {did_you_mean(str(self.tokenize), list(TOKENIZERS))}"
            )

    def statistics(self, response: Response, case: Case) -> Statistics:
        """(F1 with the best reference,).

        Raises:
            UnscorableError: no reference holds anything.
            TokenizerError: a reference without spaces between words, under ``tokenize="squad"``.
        """
        references = references_of(case)
        if self.tokenize == "squad":
            for reference in references:
                _check_spaces(reference, case)
        return (max(self._f1(response.text, reference) for reference in references),)

    def _f1(self, answer: str, reference: str) -> float:
        expected = self._words(reference)
        if not expected:
            return _equal(answer, reference)
        given = self._words(answer)
        same = sum((Counter(given) & Counter(expected)).values())
        if not same:
            return 0.0
        precision, recall = same / len(given), same / len(expected)
        return 2 * precision * recall / (precision + recall)

    def _words(self, text: str) -> list[str]:
        if self.tokenize == "squad":
            return normalized(text).split()
        return [word for word in unicode_words(text) if not _ARTICLES.fullmatch(word)]


def _equal(answer: str, reference: str) -> float:
    expected = normalized(reference)
    if not expected:
        return float(bool(reference.strip()) and answer.strip().lower() == reference.strip().lower())
    return float(normalized(answer) == expected)


def _check_spaces(reference: str, case: Case) -> None:
    language = unspaced_language(reference)
    if language:
        raise TokenizerError(
            f"{place(case)}: its reference is {language}, which is written without spaces, and token_f1 "
            f'would take a clause for one word; use tokenize="unicode"'
        )
