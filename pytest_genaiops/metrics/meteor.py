"""METEOR as nltk computes it: words matched as they stand, by stem and by WordNet's synonyms, less a penalty for order.

Source: Lavie and Agarwal 2007, as ``nltk.translate.meteor_score`` implements it. nltk does the arithmetic; here are
the words that it is given, stems that are worked out once, and the two names that keep numbers with and without
WordNet apart.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from threading import Lock
from typing import Any

from pytest_genaiops.dataset.text import printable, quoted
from pytest_genaiops.errors import MetricError, TokenizerError
from pytest_genaiops.metrics.base import Metric
from pytest_genaiops.metrics.porter import stem
from pytest_genaiops.metrics.rows import place, references_of
from pytest_genaiops.metrics.writing import unspaced_language
from pytest_genaiops.records import Case, Response, Statistics
from pytest_genaiops.registry import did_you_mean

TOKENIZERS = ("13a", "treebank", "none")

_MISSING = (
    "meteor looks synonyms up in WordNet, {}: python -m nltk.downloader wordnet fetches it, or NLTK_DATA names a "
    "folder with corpora/wordnet in it; meteor_stem matches words and stems alone and needs no data"
)


@dataclass(frozen=True, kw_only=True)
class MeteorStem(Metric):
    """METEOR without synonyms: words match in lower case, or by their Porter stems; 0-1, higher is better.

    With several references the best counts. ``tokenize="13a"`` cuts as sacrebleu does; ``"treebank"`` as nltk's
    ``word_tokenize`` cuts one sentence (a full stop within a text stays on its word); ``"none"`` at white space.
    ``alpha``, ``beta`` and ``gamma`` are nltk's: the weight of recall, and the form and size of the penalty.
    """

    name = "meteor_stem"
    use_case = "summaries"
    needs = ("references",)

    tokenize: str = "13a"
    alpha: float = 0.9
    beta: float = 3.0
    gamma: float = 0.5

    def __post_init__(self) -> None:
        if self.tokenize not in TOKENIZERS:
            hint = did_you_mean(str(self.tokenize), list(TOKENIZERS))
            raise MetricError(f"{self.name}: tokenize={quoted(self.tokenize)} is unknown; {hint}")
        for option, most in (("alpha", 1.0), ("beta", math.inf), ("gamma", 1.0)):
            value = getattr(self, option)
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if not number or not (0 <= value <= most and math.isfinite(value)):
                rule = "of at least 0" if most == math.inf else "between 0 and 1"
                raise MetricError(f"{self.name}: {option}={quoted(value)} must be a number {rule}")

    def statistics(self, response: Response, case: Case) -> Statistics:
        """(METEOR with the best reference,).

        Raises:
            UnscorableError: no reference holds anything.
            TokenizerError: a reference without spaces between words.
            MetricError: WordNet is needed and not there.
        """
        references = references_of(case)
        for reference in references:
            _check_spaces(self.name, reference, case)
        score, synonyms = _scorer(), self._synonyms()
        given = _words(response.text, self.tokenize)
        options = {"alpha": self.alpha, "beta": self.beta, "gamma": self.gamma}
        return (
            max(
                score(_words(reference, self.tokenize), given, stemmer=_STEMS, wordnet=synonyms, **options)
                for reference in references
            ),
        )

    def signature(self, cases: Sequence[Case]) -> dict[str, str]:
        """Options, nltk's version, and which synonyms: none, or WordNet's version with the checksum of its files."""
        return {
            "tokenize": self.tokenize,
            "alpha": f"{self.alpha:g}",
            "beta": f"{self.beta:g}",
            "gamma": f"{self.gamma:g}",
            "synonyms": self._synonyms().origin,
            "nltk": version("nltk"),
        }

    def _synonyms(self) -> Synonyms:
        return _NONE


@dataclass(frozen=True, kw_only=True)
class Meteor(MeteorStem):
    """METEOR with WordNet's synonyms, as nltk has it; 0-1, higher is better. English only. Options as ``meteor_stem``.

    Needs nltk's copy of WordNet and says so where it is missing: a number without synonyms has another name.
    """

    name = "meteor"

    def _synonyms(self) -> Synonyms:
        return _wordnet()


class Synonyms:
    """What nltk's METEOR asks of a WordNet: the synsets of a word, looked up once, by one thread at a time."""

    __slots__ = ("_lock", "_look", "origin")

    def __init__(self, origin: str, look: Callable[[str], Sequence[Any]]) -> None:
        self.origin = origin
        """For the signature."""
        self._look = lru_cache(maxsize=50_000)(look)
        self._lock = Lock()  # nltk reads all words from one open file

    def synsets(self, word: str) -> Sequence[Any]:
        """Synsets of a word, as nltk's reader gives them."""
        with self._lock:
            return self._look(word)


_NONE = Synonyms("none", lambda _: ())


@lru_cache(maxsize=1)
def _wordnet() -> Synonyms:
    from nltk.corpus import wordnet

    try:
        wordnet.ensure_loaded()
        origin = f"wordnet-{wordnet.get_version()}-{_checksum(wordnet)}"
    except LookupError:
        raise MetricError(_MISSING.format("which nltk does not find")) from None
    except (OSError, ValueError, AssertionError) as error:
        raise MetricError(_MISSING.format(f"and nltk cannot read its copy ({printable(str(error))})")) from None
    return Synonyms(origin, wordnet.synsets)


def _checksum(reader: Any) -> str:
    """First 12 digits of the SHA-256 over the files with synonyms and base forms, in the order of their names."""
    digest = hashlib.sha256()
    for file in sorted(f for f in reader.fileids() if f.startswith(("data.", "index.")) or f.endswith(".exc")):
        if file == "index.sense":  # never read, and not in every copy
            continue
        with reader.abspath(file).open() as stream:
            digest.update(stream.read())
    return digest.hexdigest()[:12]


class _Stems:
    """nltk's Porter stemmer, with a memory and our quicker one for plain words."""

    def __init__(self) -> None:
        self.stem = lru_cache(maxsize=100_000)(_stem)


def _stem(word: str) -> str:
    if len(word) > 2 and word.isascii() and word.isalnum():
        return stem(word)
    return str(_porter().stem(word))


_STEMS = _Stems()


@lru_cache(maxsize=1)
def _porter() -> Any:
    from nltk.stem.porter import PorterStemmer

    return PorterStemmer()


@lru_cache(maxsize=1)
def _scorer() -> Callable[..., float]:
    from nltk.translate.meteor_score import single_meteor_score

    found: Callable[..., float] = single_meteor_score
    return found


@lru_cache(maxsize=3)
def _tokenizer(name: str) -> Callable[[str], list[str]]:
    if name == "treebank":
        from nltk.tokenize.destructive import NLTKWordTokenizer

        cut: Callable[[str], list[str]] = NLTKWordTokenizer().tokenize
        return cut
    if name == "13a":
        from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a

        tokenizer: Callable[[str], str] = Tokenizer13a()  # type: ignore[no-untyped-call]
        return lambda text: tokenizer(text).split()
    return str.split


def _words(text: str, tokenize: str) -> list[str]:
    return _tokenizer(tokenize)(text)


def _check_spaces(metric: str, reference: str, case: Case) -> None:
    language = unspaced_language(reference)
    if language:
        raise TokenizerError(
            f"{place(case)}: its reference is {language}, which is written without spaces, and {metric} "
            "would take a clause for one word; use chrf instead, or put spaces between the words"
        )
