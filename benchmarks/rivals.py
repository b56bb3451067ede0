"""What the metrics are compared with: plain overlap, and two packages from PyPI where they are installed.

``grounded-check`` looks for quotes, numbers, citations and names of an answer in its sources, and rates sentences by
shared words; ``argus-llm`` goes by the share of words of four letters and more. Both are asked with their defaults.
"""

# ruff: noqa: TID253 - the rule is for the package; these scripts compute at once

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from itertools import pairwise
from pathlib import Path

from rapidfuzz.distance import LCSseq

Rival = Callable[[str, str], float]
"""(answer, context) -> how far the answer is that of the context; higher is better."""
PEERS = ("grounded-check", "argus-llm")


@lru_cache(maxsize=20_000)
def plain_words(text: str) -> tuple[str, ...]:
    """What the baselines see: lower-case runs of word characters."""
    return tuple(re.findall(r"\w+", text.lower()))


def unigram_precision(answer: str, context: str) -> float:
    """Share of the answer's words that the context has."""
    known = set(plain_words(context))
    said = plain_words(answer)
    return sum(word in known for word in said) / max(len(said), 1)


def bigram_precision(answer: str, context: str) -> float:
    """Share of the answer's pairs of neighbouring words that the context has."""
    known = set(pairwise(plain_words(context)))
    said = list(pairwise(plain_words(answer)))
    return sum(pair in known for pair in said) / max(len(said), 1)


def rouge_l_precision(answer: str, context: str) -> float:
    """Longest common subsequence of words over the answer's length."""
    said = plain_words(answer)
    return float(LCSseq.similarity(said, plain_words(context))) / max(len(said), 1)


BASELINES: Mapping[str, Rival] = {
    "unigram precision": unigram_precision,
    "bigram precision": bigram_precision,
    "ROUGE-L precision": rouge_l_precision,
}


def installed(package: str) -> str | None:
    """The version of a peer, or None where it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def peers() -> dict[str, Rival]:
    """The peers that are installed, by the name of a column."""
    found: dict[str, Rival] = {}
    if installed("grounded-check"):
        found |= {"grounded-check, claims": _claims, "grounded-check, sentences": _sentences}
    if installed("argus-llm"):
        found["argus-llm"] = _argus()
    return found


def _claims(answer: str, context: str) -> float:
    """Its own rate: exact claims that are found over all exact claims; 1 where there are none."""
    return float(_verified(answer, context)[0])


def _sentences(answer: str, context: str) -> float:
    """The mean of its scores of sentences; 1 where there are none."""
    return float(_verified(answer, context)[1])


@lru_cache(maxsize=20_000)
def _verified(answer: str, context: str) -> tuple[float, float]:
    from grounded import Kind, Source, extract, verify

    found = verify(extract(answer, kinds=set(Kind)), [Source(path=Path("context"), raw=context)])
    scores = [finding.score for finding in found.heuristic if finding.score is not None]
    return found.rate, sum(scores) / len(scores) if scores else 1.0


def _argus() -> Rival:
    from argus_ai.scoring.metrics import GroundednessScorer
    from argus_ai.types import EvalRequest

    scorer = GroundednessScorer()
    return lambda answer, context: float(scorer.score(EvalRequest(prompt="", response=answer, context=context)).score)
