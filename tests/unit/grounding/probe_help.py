"""Chunks, an embedding of them, and a clock that stands still, for tests of probes."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from pytest_genaiops.grounding import Clock, Entry, text_hash
from pytest_genaiops.testing import FakeIndex

WIDTH = 8
MODEL = "hashed-8"
_SYLLABLES = ("ba", "ce", "di", "fo", "gu", "ka", "le", "mi", "no", "pu", "ra", "se", "ti", "vo", "zu")
_DRAWN = random.Random(7)
VOCABULARY = sorted({"".join(_DRAWN.choices(_SYLLABLES, k=3)) for _ in range(600)})


def embed(texts: Sequence[str]) -> list[list[float]]:
    """The mean of a fixed direction for each word: another text, another vector."""
    return [[sum(column) for column in zip(*map(_direction, text.split() or ["-"]), strict=True)] for text in texts]


def chunks_of(documents: int = 6, each: int = 3, words: int = 40, seed: int = 1) -> list[Entry]:
    """Chunks of documents ``d0``, ``d1`` …, as an application would add them."""
    drawn = random.Random(seed)
    made = []
    for document in range(documents):
        start = 0
        for number in range(each):
            text = " ".join(drawn.choices(VOCABULARY, k=words))
            made.append(chunk(f"d{document}-{number}", f"d{document}", text, start=start))
            start += len(text) + 1
    return made


def chunk(name: str, document: str, text: str, *, start: int = 0) -> Entry:
    """One chunk with all that an index may know of it."""
    return Entry(
        id=name,
        document=document,
        text=text,
        embedding=embed([text])[0],
        source=document,
        start=start,
        end=start + len(text),
        model=MODEL,
        text_hash=text_hash(text),
    )


def of(chunks: Sequence[Entry], document: str) -> list[Entry]:
    return [each for each in chunks if each.document == document]


@dataclass
class Watch:
    """A clock that goes on only while somebody sleeps."""

    time: float = 100.0
    slept: list[float] = field(default_factory=list)

    @property
    def clock(self) -> Clock:
        return Clock(now=lambda: self.time, sleep=self.sleep)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds


def _direction(word: str) -> list[float]:
    digest = blake2b(word.encode(), digest_size=WIDTH).digest()
    return [(byte - 127.5) / 127.5 / math.sqrt(WIDTH) for byte in digest]


CHUNKS = chunks_of(documents=4)


def filled(chunks: Sequence[Entry] = CHUNKS, **options: Any) -> FakeIndex:
    """An index that has these chunks."""
    index = FakeIndex(**options)
    index.add(chunks)
    return index
