"""Precision, recall, hit, nDCG at a cut-off, MRR and MAP of ranked passages, as trec_eval defines them.

Where documents are labelled by id, the numbers are those of ``trec_eval`` (and of ``pytrec_eval`` and ``ir-measures``,
which ask it): ``P_k``, ``recall_k``, ``success_k``, ``recip_rank``, ``map`` and ``ndcg_cut_k``, the last with linear
gains and a discount of log2(rank + 1) (Järvelin and Kekäläinen 2002). The order of the passages is the given one;
trec_eval would sort by score and, among equals, by name.

Where spans are labelled, a chunk is relevant if it shares at least half (``overlap``) of the shorter of the two with a
labelled span: the overlap coefficient of Szymkiewicz and Simpson. With one half, every way to cut a source into chunks
has a relevant chunk for every label: one that lies within it, or one of the two that share it. Further chunks of a
span that has been found are relevant and find nothing new, so MAP and nDCG are those of the ranking without them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from operator import attrgetter
from typing import Any

from pytest_genaiops.columns import Total
from pytest_genaiops.errors import MetricError, UnscorableError
from pytest_genaiops.metrics.base import Metric, Part
from pytest_genaiops.metrics.retrieval.ranking import At, read
from pytest_genaiops.metrics.rows import place
from pytest_genaiops.records import Case, Response, Statistics

_POSITIVE, _NEGATIVE, _MRR, _MAP, _ABSTAINED = range(5)
_KINDS = {_POSITIVE: "positive", _NEGATIVE: "negative"}
_FIRST = 5
"""Where the numbers of the first cut-off begin, in the order of :class:`At`."""
_AT = tuple(each.name for each in fields(At))
_numbers = attrgetter(*_AT)


@dataclass(frozen=True, kw_only=True)
class Retrieval(Metric):
    """A group of the usual numbers about ranked passages, each 0-1 and the mean over queries.

    At each cut-off of ``k`` (one number or several; 1, 5 and 10): ``precision_at_5``, ``recall_at_5``, ``hit_at_5``
    and ``ndcg_at_5``, with ``recall_at_5.coverage``, the share of the labelled characters that the first 5 passages
    hold, and ``unlabelled_at_5``, the share of the first 5 passages of which no label speaks (lower is better). Over
    the whole ranking: ``mrr`` and ``map``. Queries for which nothing is relevant (negative ones) count for
    ``abstention``, the share of them for which nothing was retrieved, and for ``unlabelled_at_5``; for nothing else.

    Needs the response's ``retrieved`` and the case's ``relevant``: documents by id, or spans of sources. A chunk
    finds a span where the two share at least ``overlap`` of the shorter one. A passage that comes again keeps its
    place and finds nothing.
    """

    name = "retrieval"
    use_case = "RAG"
    needs = ("relevant",)
    takes = "retrieved"

    k: int | tuple[int, ...] = (1, 5, 10)
    overlap: float = 0.5

    def __post_init__(self) -> None:
        object.__setattr__(self, "k", _cutoffs(self.k))
        number = isinstance(self.overlap, int | float) and not isinstance(self.overlap, bool)
        if not number or not 0 < self.overlap <= 1:
            raise MetricError(f"retrieval: overlap={self.overlap!r} is no share; give a number above 0, at most 1")

    def statistics(self, response: Response, case: Case) -> Statistics:
        """(1 for a positive query, 1 for a negative one, reciprocal rank, average precision, 1 for an abstention).

        Behind these, six numbers for each cut-off: precision, recall, hit, nDCG, coverage, unlabelled.

        Raises:
            UnscorableError: the case has no labels, the response no ranking, or its passages do not have what the
                labels speak of.
        """
        if case.relevant is None:
            raise UnscorableError(f"{place(case)} has no `relevant`; label it, with [] if nothing is relevant")
        if response.retrieved is None:
            raise UnscorableError("the response has no `retrieved`; have the target return its passages, best first")
        reading = read(response.retrieved, case.relevant, self.overlap)
        if not reading.ideal:
            zeros = (0.0,) * (len(_AT) - 1)
            shares = [number for k in self._cutoffs for number in (*zeros, reading.unlabelled_at(k))]
            return (0, 1, 0.0, 0.0, int(not response.retrieved), *shares)
        numbers = [number for k in self._cutoffs for number in _numbers(reading.at(k))]
        return (1, 0, reading.reciprocal_rank(), reading.average_precision(), 0, *numbers)

    def score(self, total: Any, n: int) -> float:
        """Mean reciprocal rank."""
        return _mean(_MRR, _POSITIVE, total, n)

    def parts(self, total: Total | None) -> Mapping[str, Part | Mapping[str, Part]]:
        """Those that there are queries for: ``abstention`` for negative ones, ``unlabelled`` for all of them."""
        positive, negative = (1, 1) if total is None else (total[_POSITIVE], total[_NEGATIVE])
        mixed = bool(positive and negative)
        found: dict[str, Part | Mapping[str, Part]] = {}
        for number, k in enumerate(self._cutoffs):
            column = {name: _FIRST + len(_AT) * number + offset for offset, name in enumerate(_AT)}
            if positive:
                coverage = _of_kind("coverage", column["coverage"], _POSITIVE, mixed=mixed)
                for name in ("precision", "recall", "hit", "ndcg"):
                    part = _of_kind(f"{name}_at_{k}", column[name], _POSITIVE, mixed=mixed)
                    found[part.name] = replace(part, children={"coverage": coverage}) if name == "recall" else part
            found[f"unlabelled_at_{k}"] = _of_all(f"unlabelled_at_{k}", column["unlabelled"])
        if positive:
            found["mrr"] = _of_kind("mrr", _MRR, _POSITIVE, mixed=mixed)
            found["map"] = _of_kind("map", _MAP, _POSITIVE, mixed=mixed)
        if negative:
            found["abstention"] = _of_kind("abstention", _ABSTAINED, _NEGATIVE, mixed=mixed)
        return found

    def signature(self, cases: Sequence[Case]) -> dict[str, str]:
        """The options."""
        return {"k": ",".join(map(str, self._cutoffs)), "overlap": f"{self.overlap:g}"}

    @property
    def _cutoffs(self) -> tuple[int, ...]:
        assert isinstance(self.k, tuple)
        return self.k


def _cutoffs(given: Any) -> tuple[int, ...]:
    cutoffs = tuple(given) if isinstance(given, list | tuple) else (given,)
    if not cutoffs or any(not isinstance(k, int) or isinstance(k, bool) or k < 1 for k in cutoffs):
        raise MetricError(f"retrieval: k={given!r} is no cut-off; give a whole number from 1, or several: k=(1, 5, 10)")
    return tuple(sorted(set(cutoffs)))


def _of_all(name: str, column: int) -> Part:
    return Part(
        name=name,
        score=lambda total, n: float(total[column]) / n,
        case_score=lambda statistics: float(statistics[column]),
        higher_is_better=False,
        is_mean=True,
    )


def _of_kind(name: str, column: int, kind: int, *, mixed: bool) -> Part:
    """A mean over the queries of one kind, whether or not there are others among them."""
    return Part(
        name=name,
        score=partial(_mean, column, kind),
        case_score=lambda statistics: float(statistics[column]),
        is_mean=True,
        about=partial(_is_of, kind) if mixed else None,
    )


def _mean(column: int, kind: int, total: Any, n: int) -> float:
    if not total[kind]:
        raise UnscorableError(f"there is no {_KINDS[kind]} query")
    return float(total[column]) / float(total[kind])


def _is_of(kind: int, statistics: Any) -> bool:
    return bool(statistics[kind])
