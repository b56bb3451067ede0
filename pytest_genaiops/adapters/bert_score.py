"""BERTScore as the package bert-score computes it, with each text read by the model once.

Source: Zhang et al. 2020; ``bert-score`` 0.3.13 brings tokenizers, layers and baselines. The embeddings are matched
here, pair by pair.
"""

from __future__ import annotations

import csv
import hashlib
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from importlib.metadata import version
from itertools import chain
from operator import mul
from pathlib import Path
from typing import Any

from pytest_genaiops.adapters.encoder import (
    EXTRA,
    Encoded,
    Encoder,
    Row,
    at_least,
    checksum,
    folder_of,
    limit_of,
    loaded,
    on_device,
    say_what_was_cut,
    shown,
    texts_of,
    windows,
)
from pytest_genaiops.columns import Total
from pytest_genaiops.dataset.text import quoted
from pytest_genaiops.errors import MetricError, UnscorableError
from pytest_genaiops.extras import require
from pytest_genaiops.metrics.base import Metric, Part
from pytest_genaiops.records import Case, Response, Statistics

PARTS = ("precision", "recall", "f1")

Triple = tuple[float, float, float]
"""Precision, recall and F1."""


class Texts(tuple[str, ...]):
    """Texts as an option: hashable, and short where a metric is shown."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{len(self)} texts>"


@dataclass(frozen=True, kw_only=True)
class BertScore(Metric):
    """A group: mean ``precision``, ``recall`` and ``f1`` of the tokens' best cosines, and ``truncated``.

    ``model`` is a folder or a name on the Hugging Face hub, ``layer`` the one whose output is compared (bert-score
    knows it for the models that it was tuned on). ``idf`` are the texts, such as all references of a dataset, in which
    it is counted how rare a token is; by default every token weighs the same. ``rescale`` is a language for which
    bert-score ships a baseline of this model, or a file of such baselines. With several references the best counts,
    for each of the three by itself. ``truncated`` is the number of rows with a text that is longer than the model
    reads. 0-1, mostly above 0.3; rescaled, 0 is what unrelated texts get, and there is no lower end. Higher is better.
    """

    name = "bertscore"
    use_case = "summaries"
    needs = ("references",)
    batched = True

    model: str = "roberta-large"
    layer: int | None = None
    idf: Sequence[str] | None = None
    rescale: str | None = None
    batch_size: int = 32

    def __post_init__(self) -> None:
        if not isinstance(self.model, str):
            raise MetricError(f"bertscore: model={quoted(self.model)} must be a text")
        if self.rescale is not None and not isinstance(self.rescale, str):
            raise MetricError(f"bertscore: rescale={quoted(self.rescale)} must be a language or a file")
        if self.layer is not None:
            at_least("bertscore", "layer", self.layer, 0)
        at_least("bertscore", "batch_size", self.batch_size, 1)
        if self.idf is not None:
            object.__setattr__(self, "idf", _texts(self.idf))

    def statistics(self, response: Response, case: Case) -> Statistics:
        """(precision, recall, F1, 1 where a text was cut, else 0).

        Raises:
            UnscorableError: the answer or every reference is empty, or has no token that counts.
            MetricError: the model, its layer or its baseline is not to be had.
        """
        (found,) = self.batch([(response, case)])
        if isinstance(found, UnscorableError):
            raise found
        return found

    def batch(self, rows: Sequence[Row]) -> Sequence[Statistics | UnscorableError]:
        """What :meth:`statistics` gives for each row; every distinct text is read once."""
        encoder = _encoder(self)
        weights, baseline = _weights(self), _baseline(self)
        found: list[Statistics | UnscorableError] = []
        for window in windows(rows):
            texts = [texts_of(row) for row in window]
            wanted = chain.from_iterable([one[0], *one[1]] for one in texts if not isinstance(one, UnscorableError))
            encoded = encoder.encoded(wanted, self.batch_size)
            for one in texts:
                found.append(one if isinstance(one, UnscorableError) else _best(one, encoded, weights, baseline))
        cut = [case.id for (_, case), one in zip(rows, found, strict=True) if isinstance(one, tuple) and one[3]]
        say_what_was_cut(self.name, cut, len(rows), encoder.limit)
        return found

    def parts(self, total: Total | None) -> Mapping[str, Part | Mapping[str, Part]]:
        """``precision``, ``recall`` and ``f1``: means over rows."""
        scale = (-math.inf, 1.0) if self.rescale else self.scale
        return {
            name: Part(
                name=name,
                score=partial(_mean, column),
                case_score=partial(_value, column),
                scale=scale,
                is_mean=True,
            )
            for column, name in enumerate(PARTS)
        }

    def tables(self, total: Total) -> Mapping[str, Any]:
        """``truncated``: rows of which the model has read only a part."""
        assert isinstance(total, tuple)
        return {"truncated": int(total[3])}

    def signature(self, cases: Sequence[Case]) -> dict[str, str]:
        """Model with the checksum of its weights, layer, weights of tokens, baseline, and versions."""
        folder = folder_of(self.name, self.model)
        idf = "none"
        if self.idf is not None:
            idf = f"{len(self.idf)}-{hashlib.sha256(repr(tuple(self.idf)).encode()).hexdigest()[:12]}"
        return {
            "model": shown(self.model),
            "weights": checksum(folder),
            "layer": str(_layer(self)),
            "idf": idf,
            "rescale": "none" if self.rescale is None else "/".join(f"{value:g}" for value in _baseline(self)),
            **{package: version(package) for package in ("bert-score", "transformers", "torch")},
        }


def _texts(given: object) -> Texts:
    if isinstance(given, str) or not isinstance(given, Sequence) or not all(isinstance(text, str) for text in given):
        raise MetricError(
            f"bertscore: idf={quoted(given)} must be a list of texts, such as all references of a dataset"
        )
    texts = Texts(text for text in given if text.strip())
    if not texts:
        raise MetricError("bertscore: idf has no text in it; without it every token weighs the same")
    return texts


def _layer(metric: BertScore) -> int:
    if metric.layer is not None:
        return metric.layer
    known: Mapping[str, int] = require("bert_score.utils", EXTRA).model2layers
    if metric.model not in known:
        raise MetricError(f"bertscore: bert-score knows no layer for {quoted(metric.model)}; give layer= a number")
    return known[metric.model]


def _encoder(metric: BertScore) -> Encoder:
    return _loaded(folder_of(metric.name, metric.model), _layer(metric))


@lru_cache(maxsize=4)
def _loaded(folder: Path, layer: int) -> Encoder:
    utils, transformers = require("bert_score.utils", EXTRA), require("transformers", EXTRA)
    config = loaded("bertscore", folder, lambda: transformers.AutoConfig.from_pretrained(folder))
    if "t5" in str(folder) and "t5" not in config.model_type:
        raise MetricError("bertscore: bert-score takes every path with 't5' in it for a T5 model; rename the folder")
    tokenizer = loaded("bertscore", folder, lambda: utils.get_tokenizer(str(folder)))
    model = on_device(loaded("bertscore", folder, lambda: utils.get_model(str(folder), layer)))
    limit = tokenizer.model_max_length = limit_of(tokenizer, model)

    def is_cut(text: str, ids: Sequence[int]) -> bool:
        return len(ids) >= limit and len(tokenizer.encode(text.strip(), truncation=False, verbose=False)) > limit

    return Encoder(
        key=("bertscore", folder, layer),
        model=model,
        tokenize=partial(utils.sent_encode, tokenizer),
        is_cut=is_cut,
        limit=limit,
        ends=frozenset((tokenizer.sep_token_id, tokenizer.cls_token_id)),
        unknown=tokenizer.unk_token_id,
        padding=tokenizer.pad_token_id or 0,
        finish=_normalized,
    )


def _normalized(output: Any) -> Any:
    return output / output.norm(dim=-1, keepdim=True)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Weights:
    """How much each token counts."""

    encoder: Encoder
    known: Mapping[int, float]
    other: float

    def of(self, encoded: Encoded) -> list[float]:
        """One weight for each token. Raises UnscorableError where the model can read nothing that counts."""
        self.encoder.check_known(encoded)
        weights = [self.known.get(token, self.other) for token in encoded.ids]
        if not any(weights):
            raise UnscorableError("a text has only tokens that are in every text of idf, and these count for nothing")
        return weights


@lru_cache(maxsize=8)
def _weights(metric: BertScore) -> Weights:
    """Weights by inverse document frequency in the texts of ``idf``, plus one (Zhang et al. 2020); else all equal."""
    encoder = _encoder(metric)
    if metric.idf is None:
        return Weights(encoder=encoder, known=dict.fromkeys(encoder.ends, 0.0), other=1.0)
    n = len(metric.idf)
    counts = Counter(chain.from_iterable(set(encoder.tokenize(text)) for text in metric.idf))
    known = {token: math.log((n + 1) / (count + 1)) for token, count in counts.items()}
    return Weights(encoder=encoder, known=known, other=math.log(n + 1))


@lru_cache(maxsize=8)
def _baseline(metric: BertScore) -> Triple:
    """What bert-score takes off and stretches by: the values of unrelated texts."""
    if metric.rescale is None:
        return 0.0, 0.0, 0.0
    file = Path(metric.rescale)
    if not file.is_file():
        package = Path(str(require("bert_score", EXTRA).__file__)).parent
        file = package / "rescale_baseline" / metric.rescale / f"{metric.model}.tsv"
    try:
        with file.open(encoding="utf-8", newline="") as stream:
            found = [row for row in csv.DictReader(stream) if row["LAYER"] == str(_layer(metric))]
        precision, recall, f1 = (float(found[0][name]) for name in ("P", "R", "F"))
    except OSError:
        raise MetricError(
            f"bertscore: rescale={quoted(metric.rescale)} is no file, and bert-score has no baseline of "
            f"{quoted(metric.model)} for a language of that name; leave rescale out or give a file"
        ) from None
    except (KeyError, ValueError, IndexError, TypeError):
        raise MetricError(
            f"bertscore: {quoted(file.name)} has no baseline of layer {_layer(metric)}; it needs the columns "
            "LAYER, P, R and F, separated by commas"
        ) from None
    if max(precision, recall, f1) >= 1 or not all(map(math.isfinite, (precision, recall, f1))):
        raise MetricError(f"bertscore: {quoted(file.name)} has a baseline that is not below 1")
    return precision, recall, f1


def _best(
    texts: tuple[str, list[str]], encoded: Mapping[str, Encoded], weights: Weights, baseline: Triple
) -> Statistics | UnscorableError:
    answer, references = encoded[texts[0]], [encoded[text] for text in texts[1]]
    try:
        given = weights.of(answer)
        found = [_matched(answer, given, reference, weights.of(reference)) for reference in references]
    except UnscorableError as error:
        return error
    best = (max(column) for column in zip(*found, strict=True))
    cut = any(one.cut for one in (answer, *references))
    return (*((value - zero) / (1 - zero) for value, zero in zip(best, baseline, strict=True)), float(cut))


def _matched(answer: Encoded, given: list[float], reference: Encoded, expected: list[float]) -> Triple:
    """Each token's best cosine in the other text, weighted.

    A best cosine below 0 counts as 0: bert-score takes the maximum over the padding of its batch too, whose cosines it
    sets to 0, and so has no token below it but in the longest text of a batch.
    """
    cosines = answer.vectors @ reference.vectors.T
    precision, recall = _average(cosines.amax(dim=1), given), _average(cosines.amax(dim=0), expected)
    if precision + recall == 0:
        return 0.0, 0.0, 0.0
    return precision, recall, 2 * precision * recall / (precision + recall)


def _average(cosines: Any, weights: Sequence[float]) -> float:
    weighted: float = sum(map(mul, cosines.clamp(0, 1).tolist(), weights))
    return weighted / sum(weights)


def _mean(column: int, total: Any, n: int) -> float:
    return float(total[column]) / n


def _value(column: int, statistics: Any) -> float:
    return float(statistics[column])
