"""BLEU, chrF and TER with sacrebleu's own numbers, options, 0-100 scale and signatures.

Statistics of a segment and the score of their sum come from sacrebleu's own methods. Those are
private, hence the pinned range (>=2.5,<3) and the tests that hold every number equal to
``corpus_score``. What is ours is the bookkeeping: n-grams of a reference are taken once for all
systems, and statistics of a segment once for all tests.

Sources: Papineni et al. 2002 (BLEU), Popović 2015 and 2017 (chrF, chrF++), Snover et al. 2006
(TER), Post 2018 (sacrebleu and its signatures).
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, ClassVar

from pytest_genaiops.errors import MetricError, TokenizerError, UnscorableError
from pytest_genaiops.extras import require
from pytest_genaiops.metrics.base import Metric
from pytest_genaiops.metrics.memo import TextMemo
from pytest_genaiops.metrics.rows import place, references_of
from pytest_genaiops.metrics.writing import unspaced_language
from pytest_genaiops.records import Case, Response, Statistics
from pytest_genaiops.registry import did_you_mean

TOKENIZERS = (
    "13a", "intl", "zh", "char", "none", "ja-mecab", "ko-mecab", "spm", "flores101", "flores200",
)  # fmt: skip
_PACKAGES = {
    "ja-mecab": ("MeCab", "ja"),
    "ko-mecab": ("mecab_ko", "ko"),
    "spm": ("sentencepiece", "spm"),
    "flores101": ("sentencepiece", "spm"),
    "flores200": ("sentencepiece", "spm"),
}
"""Tokenizer -> what it imports, and the extra that brings it."""
SMOOTH_METHODS = ("exp", "floor", "add-k", "none")

# One chrF reference costs about 330 bytes a character, so 65 MB here; BLEU's a quarter of that.
_REFERENCE_INFO: TextMemo[Any] = TextMemo(200_000)
_SEGMENT_BYTES = 600  # what a remembered segment takes beside its texts
_SEGMENTS: TextMemo[tuple[float, ...]] = TextMemo(32_000_000)

_LOG_OF_ZERO = -9999999999.0
"""What sacrebleu takes for the logarithm of a precision of 0."""

_LONGEST_TEXT = 500_000
_VARIABLE = -1
"""sacrebleu's number of references where rows differ in it."""
# TER tries shifts of every phrase: a thousand words against a thousand take about 20 s.
_LARGEST_TER = 1_000_000

_SPACED_ONLY = frozenset({"13a", "intl", "none", "ko-mecab"})
_MENDS = {
    "Chinese": 'tokenize="zh"',
    "Japanese": 'tokenize="char" (or "ja-mecab", which needs the extra ja)',
}


class Translation(Metric):
    """What the three metrics share: sacrebleu does the counting, this class remembers it."""

    name = ""
    scale: ClassVar[tuple[float, float]] = (0.0, 100.0)
    needs: ClassVar[tuple[str, ...]] = ("references",)

    @abstractmethod
    def engine(self) -> Any:
        """A new sacrebleu metric object with these options."""

    def check_reference(self, reference: str, case: Case) -> None:
        """Raise TokenizerError where the tokenizer cannot see the words of a reference."""

    def check_length(self, hypothesis: str, references: tuple[str, ...]) -> None:
        """Raise UnscorableError where counting would take more memory or time than a test may."""
        longest = max(len(text) for text in (hypothesis, *references))
        if longest > _LONGEST_TEXT:
            raise UnscorableError(
                f"a text of {longest} characters is too long for {self.name}; cut it to {_LONGEST_TEXT} or fewer"
            )

    def statistics(self, response: Response, case: Case) -> Statistics:
        """sacrebleu's statistics of one segment against all its references.

        Raises:
            UnscorableError: no reference holds anything, or a text is longer than 500 000 characters.
            TokenizerError: a reference is in a script that the tokenizer cannot cut into words.
        """
        references, hypothesis = references_of(case), response.text
        length = len(hypothesis) + sum(map(len, references))

        def count() -> tuple[float, ...]:
            self.check_length(hypothesis, references)
            for reference in references:
                self.check_reference(reference, case)
            engine = _engine(self)
            info = _REFERENCE_INFO.get(
                (self, references),
                length - len(hypothesis),
                lambda: engine._extract_reference_info([engine._preprocess_segment(r) for r in references]),
            )
            return tuple(engine._compute_segment_statistics(engine._preprocess_segment(hypothesis), info))

        return _SEGMENTS.get((self, hypothesis, references), length + _SEGMENT_BYTES, count)

    def score(self, total: Any, n: int) -> float:
        """Corpus score of summed statistics; equal to sacrebleu's ``corpus_score`` of the same segments."""
        return float(_engine(self)._compute_score_from_stats(list(total)).score)

    def signature(self, cases: Sequence[Case]) -> dict[str, str]:
        """sacrebleu's signature, item by item: ``"|".join(f"{k}:{v}" ...)`` is its long form."""
        engine = _engine(self)
        counts = {len(case.references) for case in cases if case.references}
        nrefs = counts.pop() if len(counts) == 1 else _VARIABLE
        formatted = engine._SIGNATURE_TYPE({**vars(engine), "num_refs": nrefs}).format()
        return {key: value for key, _, value in (item.partition(":") for item in formatted.split("|"))}


@lru_cache(maxsize=64)
def _engine(metric: Translation) -> Any:
    try:
        return metric.engine()
    except OSError as error:
        raise MetricError(
            f'{metric} needs a model file that sacrebleu could not download ({error}); tokenize="char" needs none'
        ) from error


@dataclass(frozen=True, kw_only=True)
class Bleu(Translation):
    """BLEU of a corpus, 0-100, higher is better; options and defaults are sacrebleu's.

    A case's own value is sentence BLEU with effective order, as ``sacrebleu.sentence_bleu`` has
    it; the corpus score is not their mean. Statistics: hypothesis length, reference length, then
    matches and totals of each n-gram order (10 integers).
    """

    name = "bleu"
    use_case = "translation"

    tokenize: str = "13a"
    lowercase: bool = False
    smooth_method: str = "exp"
    smooth_value: float | None = None
    max_ngram_order: int = 4
    effective_order: bool = False

    def __post_init__(self) -> None:
        _one_of("bleu", "tokenize", self.tokenize, TOKENIZERS)
        _one_of("bleu", "smooth_method", self.smooth_method, SMOOTH_METHODS)
        _at_least("bleu", "max_ngram_order", self.max_ngram_order, 1)
        if self.smooth_value is not None and not (math.isfinite(self.smooth_value) and self.smooth_value >= 0):
            raise MetricError(f"bleu: smooth_value={self.smooth_value!r} must be a number of at least 0")

    def engine(self) -> Any:
        """sacrebleu's BLEU with these options."""
        from sacrebleu.metrics.bleu import BLEU

        if self.tokenize in _PACKAGES:
            require(*_PACKAGES[self.tokenize])
        return BLEU(
            tokenize=self.tokenize,
            lowercase=self.lowercase,
            smooth_method=self.smooth_method,
            smooth_value=self.smooth_value,
            max_ngram_order=self.max_ngram_order,
            effective_order=self.effective_order,
        )

    def check_reference(self, reference: str, case: Case) -> None:
        """Refuse scripts without spaces under a tokenizer that cuts at spaces."""
        language = unspaced_language(reference)
        blind = self.tokenize in _SPACED_ONLY
        blind |= self.tokenize == "zh" and language != "Chinese"
        blind |= self.tokenize == "ja-mecab" and language not in ("Japanese", "Chinese")
        if language and blind:
            mend = _MENDS.get(language, 'tokenize="char"')
            raise TokenizerError(
                f"{place(case)}: its reference is {language}, which is written without spaces, and bleu's "
                f"tokenizer {self.tokenize!r} would take a clause for one word; use {mend}"
            )

    def score(self, total: Any, n: int) -> float:
        """Corpus BLEU of summed statistics; equal to sacrebleu's ``corpus_score`` of the same segments."""
        # A bootstrap asks thousands of times: sacrebleu would write thousands of sentences around the number.
        plain = self.smooth_method == "exp" and not self.effective_order
        return _bleu(total, self.max_ngram_order) if plain else super().score(total, n)

    def case_score(self, statistics: Any) -> float:
        """Sentence BLEU with effective order, as ``sacrebleu.sentence_bleu`` gives it."""
        return float(_engine(_by_sentence(self))._compute_score_from_stats(list(statistics)).score)

    def signature(self, cases: Sequence[Case]) -> dict[str, str]:
        """sacrebleu's items; ``max_ngram_order``, which it leaves out, is added where it is not 4."""
        extra = {} if self.max_ngram_order == 4 else {"max_ngram_order": str(self.max_ngram_order)}
        return super().signature(cases) | extra


def _bleu(total: Sequence[float], order: int) -> float:
    """BLEU (Papineni et al. 2002) with exponential smoothing (Chen and Cherry 2014, method 3).

    In sacrebleu's order of operations, so that not a bit differs.
    """
    hypothesis, reference, matches, ngrams = total[0], total[1], total[2 : 2 + order], total[2 + order :]
    if not any(matches):
        return 0.0
    penalty = math.exp(1 - reference / hypothesis) if hypothesis < reference else 1.0
    smoothing, logarithms = 1.0, [_LOG_OF_ZERO] * order
    for i, (match, ngram) in enumerate(zip(matches, ngrams, strict=True)):
        if ngram == 0:
            break
        if match == 0:
            smoothing *= 2
        logarithms[i] = math.log(100.0 * match / ngram if match else 100.0 / (smoothing * ngram))
    return penalty * math.exp(sum(logarithms) / order)


@lru_cache(maxsize=64)
def _by_sentence(metric: Bleu) -> Bleu:
    return replace(metric, effective_order=True)


@dataclass(frozen=True, kw_only=True)
class Chrf(Translation):
    """chrF of a corpus, 0-100, higher is better; ``word_order=2`` is chrF++. Any script: it counts characters.

    Options and defaults are sacrebleu's. Statistics: hypothesis, reference and matching n-grams
    of each order (18 integers; 24 for chrF++), against the best reference.
    """

    name = "chrf"
    use_case = "translation"

    char_order: int = 6
    word_order: int = 0
    beta: int = 2
    lowercase: bool = False
    whitespace: bool = False
    eps_smoothing: bool = False

    def __post_init__(self) -> None:
        _at_least("chrf", "char_order", self.char_order, 1)
        _at_least("chrf", "word_order", self.word_order, 0)
        _at_least("chrf", "beta", self.beta, 1)

    def engine(self) -> Any:
        """sacrebleu's CHRF with these options."""
        from sacrebleu.metrics.chrf import CHRF

        return CHRF(
            char_order=self.char_order,
            word_order=self.word_order,
            beta=self.beta,
            lowercase=self.lowercase,
            whitespace=self.whitespace,
            eps_smoothing=self.eps_smoothing,
        )

    def signature(self, cases: Sequence[Case]) -> dict[str, str]:
        """sacrebleu's items; ``beta``, which it puts in the score's name, is added where it is not 2."""
        return super().signature(cases) | ({} if self.beta == 2 else {"beta": str(self.beta)})


@dataclass(frozen=True, kw_only=True)
class Ter(Translation):
    """Translation edit rate of a corpus: edits per 100 reference words, lower is better.

    0 is a perfect match. The scale has no upper end: a long hypothesis can need more edits than its
    reference has words, the rate then exceeds 100, and an interval cut off there would pass what
    is worse. Options and defaults are sacrebleu's. Statistics: edits to the nearest reference, mean
    length of the references.
    """

    name = "ter"
    use_case = "translation"
    scale = (0.0, math.inf)
    higher_is_better = False

    normalized: bool = False
    no_punct: bool = False
    asian_support: bool = False
    case_sensitive: bool = False

    def engine(self) -> Any:
        """sacrebleu's TER with these options."""
        from sacrebleu.metrics.ter import TER

        return TER(
            normalized=self.normalized,
            no_punct=self.no_punct,
            asian_support=self.asian_support,
            case_sensitive=self.case_sensitive,
        )

    def check_reference(self, reference: str, case: Case) -> None:
        """Refuse scripts without spaces, but for Chinese with the two options that cut it into characters."""
        language = unspaced_language(reference)
        if language is None or (language == "Chinese" and self.normalized and self.asian_support):
            return
        # Tercom cuts Han into characters but leaves runs of kana, Thai and the like whole.
        mend = "ter with normalized=True and asian_support=True" if language == "Chinese" else "chrf instead"
        raise TokenizerError(
            f"{place(case)}: its reference is {language}, which is written without spaces, and ter "
            f"as configured would take a clause for one word; use {mend}"
        )

    def check_length(self, hypothesis: str, references: tuple[str, ...]) -> None:
        """Refuse also word lists on which the search for shifts would take minutes."""
        super().check_length(hypothesis, references)
        words, longest = len(hypothesis.split()), max(len(reference.split()) for reference in references)
        if words * longest > _LARGEST_TER:
            raise UnscorableError(
                f"ter of {words} words against {longest} would take minutes; cut the texts to 1000 words or fewer"
            )


def _one_of(metric: str, option: str, value: object, known: Sequence[str]) -> None:
    if value not in known:
        raise MetricError(f"{metric}: {option}={value!r} is unknown; {did_you_mean(str(value), list(known))}")


def _at_least(metric: str, option: str, value: object, least: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise MetricError(f"{metric}: {option}={value!r} must be a whole number of at least {least}")
