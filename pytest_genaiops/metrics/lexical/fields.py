"""Yes-no fields of structured contexts (``WiFi: no``, ``"outdoorSeating": false``) and what an answer says of them.

Words alone support "it has outdoor seating" from a record that says ``OutdoorSeating: False``. Here a label is found in
the answer by the words that tell it from the other labels, and "no", "not" and the like before or after it say which
value the answer gives it. A null field supports neither: the source does not know.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pytest_genaiops.metrics.lexical.text import Words, words
from pytest_genaiops.metrics.lexical.words import NEGATIONS

_VALUES: Mapping[str, bool | None] = {
    **dict.fromkeys(("true", "yes", "free", "available", "included"), True),
    **dict.fromkeys(("false", "no", "unavailable"), False),
    **dict.fromkeys(("none", "null", "unknown", "n/a"), None),
}
_VALUE = re.compile(rf"[:=]\s{{0,4}}[\"']?({'|'.join(_VALUES)})(?=[\"']?\s{{0,4}}(?:[.,;}}\])\n]|\Z))", re.IGNORECASE)
_LABEL = re.compile(r"[^\W\d_][\w &/'-]*?[\"']?\s{0,4}\Z")
_LONGEST_LABEL = 60
_MOST_WORDS = 7
_MOST_FIELDS = 2_000
_NEAR = 4
_REACH = 25
_STOP = re.compile(r"[.;:!?()\n]")
_UNSURE = re.compile(r"\b(?:informati|mention|specif|stated?\b|provided|indicat|detail)")
_CONTRAST = frozenset("but however though although while whereas yet except".split())  # noqa: SIM905 - a list of words
_DENIALS = NEGATIONS | {"lack", "lacks", "lacking", "unavailable"}
_COPULAS = frozenset(("is", "are", "was", "were", "be"))
# What opens a new statement after a comma or "and", so that a "not" before it no longer counts.
_OPENERS = frozenset(
    """
    is are has have had offer offers offering provide provides provided does do feature features accept accepts allow
    allows serve serves take takes it they the with there making
    """.split()  # noqa: SIM905 - a list of words
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One label and all values that the contexts give it."""

    label: str
    stems: tuple[str, ...]
    """The words that tell this label from the others."""
    shared: frozenset[str]
    """Words that it has in common with other labels: ``parking`` in ``parking garage`` and ``parking street``."""
    common: bool
    """Whether one very common word tells it apart ("lot"): then a shared word must stand in the same sentence."""
    lower: bool
    """Whether the label is in lower case: a capitalised word of the answer is then a name, as in Main Street."""
    values: frozenset[bool | None]


Fields = Mapping[str, tuple[Field, ...]]
"""Fields by their first stem, and by their words written as one ("takeout")."""


def fields_of(contexts: Iterable[str]) -> Fields:
    """Fields of some contexts. Where records disagree, only what none of them says contradicts a label."""
    values: dict[str, set[bool | None]] = {}
    for context in contexts:
        for match in _VALUE.finditer(context):
            before = _LABEL.search(context[max(0, match.start() - _LONGEST_LABEL) : match.start()])
            if before and len(values) < _MOST_FIELDS:
                values.setdefault(before.group().strip(" \"'"), set()).add(_VALUES[match.group(1).lower()])
    texts = {label: text for label in values if len((text := words(label)).stems) <= _MOST_WORDS}
    counts = Counter(stem for text in texts.values() for stem in set(text.stems))
    found: dict[str, list[Field]] = {}
    for label, text in texts.items():
        for key, field in _entries(label, text, counts, frozenset(values[label])):
            found.setdefault(key, []).append(field)
    return {key: tuple(held) for key, held in found.items()}


def _entries(
    label: str, text: Words, counts: Mapping[str, int], values: frozenset[bool | None]
) -> Iterator[tuple[str, Field]]:
    """A field under its first own stem and under its joined words; nothing where no word is its own."""
    own = [at for at, weight in enumerate(text.weights) if weight and counts[text.stems[at]] == 1]
    if not own:
        return
    first = text.spans[own[0]][0]
    # Grammar words between ("take out", "good for groups") belong to the label as well.
    stems = tuple(s for at, s in enumerate(text.stems) if at in own or (at > own[0] and not text.weights[at]))
    field = Field(
        label=label,
        stems=stems,
        shared=frozenset(s for s, weight in zip(text.stems, text.weights, strict=True) if weight and counts[s] > 1),
        common=len(stems) == 1 and text.weights[own[0]] < 1,
        lower=text.text[first:].islower(),
        values=values,
    )
    yield f"={_joined(text.text[first:])}", field
    if field.shared or not field.common:
        yield field.stems[0], field


def _joined(text: str) -> str:
    return text.lower() if text.isalnum() else "".join(filter(str.isalnum, text)).lower()


def contradicted(
    answer: Words, sentences: Iterable[tuple[int, int, range]], fields: Fields
) -> list[tuple[int, int, str]]:
    """Start, end and label of every place where the answer gives a field a value that no context gives it."""
    found: list[tuple[int, int, str]] = []
    if not fields:
        return found
    for start, end, positions in sentences:
        # "Nothing is said about WiFi" gives it no value.
        if _UNSURE.search(answer.text[start:end].lower()):
            continue
        clause = _Sentence(answer, positions)
        for first, last, field in clause.mentions(fields):
            if (not clause.denied(first, last)) not in field.values:
                found.append((answer.spans[first][0], answer.spans[last][1], field.label))
    return found


class _Sentence:
    """The words of one sentence of an answer, with what stands between them."""

    def __init__(self, answer: Words, positions: range) -> None:
        self._answer = answer
        self._positions = positions
        self._forms = {at: answer.form(at) for at in positions}

    def _gap(self, at: int) -> str:
        """What stands between a word and the next."""
        return self._answer.text[self._answer.spans[at][1] : self._answer.spans[at + 1][0]]

    def mentions(self, fields: Fields) -> list[tuple[int, int, Field]]:
        """First and last word of each place that names a field."""
        stems = self._answer.stems
        present = {stems[at] for at in self._positions}
        found: dict[tuple[int, str], tuple[int, int, Field]] = {}
        for at in self._positions:
            named = [(last, field) for last, key in self._joins(at) for field in fields.get(key, ())]
            for field in fields.get(stems[at], ()):
                last = self._last(at, field.stems)
                named += [(last, field)] if last is not None else []
            for last, field in named:
                if not self._passed_over(at, field, present):
                    found.setdefault((at, field.label), (at, last, field))
        return list(found.values())

    def _joins(self, at: int) -> Iterator[tuple[int, str]]:
        yield at, f"={_joined(self._forms[at])}"
        if at + 1 in self._forms and len(self._gap(at)) <= 1:
            yield at + 1, f"={_joined(self._forms[at] + self._forms[at + 1])}"

    def _last(self, at: int, wanted: Sequence[str]) -> int | None:
        """The last word of a label whose first word is at ``at``, or None where another of its words is not near."""
        near = {self._answer.stems[i]: i for i in range(at + _NEAR, at - _NEAR - 1, -1) if i in self._forms}
        places = [near.get(stem) for stem in wanted[1:]]
        return None if None in places else max([at, *(place for place in places if place is not None)])

    def _passed_over(self, at: int, field: Field, present: set[str]) -> bool:
        start, end = self._answer.spans[at]
        named = field.lower and at > self._positions.start and self._answer.text[start:end].istitle()
        return named or (field.common and present.isdisjoint(field.shared))

    def denied(self, first: int, last: int) -> bool:
        """Whether "no", "not", "without" and the like before these words, or "is not" after them, bear on them."""
        return self._denied_before(first) or self._denied_after(last)

    def _denied_before(self, first: int) -> bool:
        for at in range(first, max(self._positions.start, first - _REACH), -1):
            gap, before = self._gap(at - 1), self._forms[at - 1]
            opens = at < first and self._forms[at] in _OPENERS and ("," in gap or before == "and")
            if opens or _STOP.search(gap) or before in _CONTRAST:
                return False
            if before in _DENIALS or before.endswith("n't"):
                return before not in ("no", "without") or self._listed(at, first)
        return False

    def _listed(self, at: int, first: int) -> bool:
        """Whether a "no" reaches from ``at`` to ``first``: over "or", and over commas in a list that ends in "or"."""
        if "and" in (self._forms[i] for i in range(at, first)):
            return False
        if not any("," in self._gap(i) for i in range(at, first)):
            return True
        for i in range(at, min(self._positions.stop, first + _REACH)):
            if self._forms[i] in ("or", "nor"):
                return True
            if i + 1 in self._forms and _STOP.search(self._gap(i)):
                return False
        return False

    def _denied_after(self, last: int) -> bool:
        for at in range(last + 1, min(self._positions.stop, last + 6)):
            gap, form = self._gap(at - 1), self._forms[at]
            if "," in gap or _STOP.search(gap) or form in _CONTRAST or form == "and":
                return False
            if form == "unavailable" or form in ("isn't", "aren't", "wasn't", "weren't"):
                return True
            if form == "not" and self._forms[at - 1] in _COPULAS:
                return True
        return False
