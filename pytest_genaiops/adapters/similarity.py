"""Cosine of the sentence embeddings of an answer and its reference, as sentence-transformers makes them.

Source: Reimers and Gurevych 2019. A model's own files say how the vectors of its tokens become one for a sentence
(``modules.json``, ``1_Pooling/config.json``); transformers is enough to follow them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from importlib.metadata import version
from itertools import chain
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
from pytest_genaiops.dataset.text import quoted
from pytest_genaiops.errors import MetricError, UnscorableError
from pytest_genaiops.extras import require
from pytest_genaiops.metrics.base import Metric
from pytest_genaiops.records import Case, Response, Statistics

POOLING = ("mean", "cls", "max")

_STEPS = ("Transformer", "Pooling", "Normalize")


@dataclass(frozen=True, kw_only=True)
class Similarity(Metric):
    """Mean cosine between the embeddings of answer and reference; -1 to 1, higher is better; the best reference counts.

    ``model`` is a folder or a name on the Hugging Face hub of a model as sentence-transformers keeps them; how tokens
    become a sentence (mean, first token or maximum) is read there, and is the mean where nothing is said.
    """

    name = "similarity"
    use_case = "answers"
    needs = ("references",)
    scale = (-1.0, 1.0)
    batched = True

    model: str = "sentence-transformers/all-MiniLM-L6-v2"
    batch_size: int = 32

    def __post_init__(self) -> None:
        if not isinstance(self.model, str):
            raise MetricError(f"similarity: model={quoted(self.model)} must be a text")
        at_least("similarity", "batch_size", self.batch_size, 1)

    def statistics(self, response: Response, case: Case) -> Statistics:
        """(cosine with the nearest reference,).

        Raises:
            UnscorableError: the answer or every reference is empty, or has no token that the model knows.
            MetricError: the model is not to be had, or makes sentences in another way.
        """
        (found,) = self.batch([(response, case)])
        if isinstance(found, UnscorableError):
            raise found
        return found

    def batch(self, rows: Sequence[Row]) -> Sequence[Statistics | UnscorableError]:
        """What :meth:`statistics` gives for each row; every distinct text is read once."""
        encoder = _encoder(folder_of(self.name, self.model))
        found: list[Statistics | UnscorableError] = []
        cut = []
        for window in windows(rows):
            texts = [texts_of(row) for row in window]
            wanted = chain.from_iterable([one[0], *one[1]] for one in texts if not isinstance(one, UnscorableError))
            encoded = encoder.encoded(wanted, self.batch_size)
            for (_, case), one in zip(window, texts, strict=True):
                if isinstance(one, UnscorableError):
                    found.append(one)
                    continue
                answer, references = encoded[one[0]], [encoded[text] for text in one[1]]
                found.append(_nearest(encoder, answer, references))
                if any(text.cut for text in (answer, *references)):
                    cut.append(case.id)
        say_what_was_cut(self.name, cut, len(rows), encoder.limit)
        return found

    def signature(self, cases: Sequence[Case]) -> dict[str, str]:
        """Model with the checksum of its weights, how it makes a sentence, and versions."""
        folder = folder_of(self.name, self.model)
        recipe = _recipe(folder)
        return {
            "model": shown(self.model),
            "weights": checksum(folder),
            "pooling": recipe.pooling,
            "tokens": str(recipe.tokens or "model"),
            **{package: version(package) for package in ("transformers", "torch")},
        }


def _nearest(encoder: Encoder, answer: Encoded, references: Sequence[Encoded]) -> Statistics | UnscorableError:
    try:
        for text in (answer, *references):
            encoder.check_known(text)
    except UnscorableError as error:
        return error
    cosines = [float(answer.vectors @ reference.vectors) for reference in references]
    return (max(-1.0, min(1.0, max(cosines))),)


@lru_cache(maxsize=4)
def _encoder(folder: Path) -> Encoder:
    transformers, recipe = require("transformers", EXTRA), _recipe(folder)
    tokenizer = loaded("similarity", folder, lambda: transformers.AutoTokenizer.from_pretrained(folder))
    model = on_device(loaded("similarity", folder, lambda: transformers.AutoModel.from_pretrained(folder)))
    limit = limit_of(tokenizer, model, recipe.tokens)

    def ids(text: str, **options: Any) -> list[int]:
        text = text.strip()
        found: list[int] = tokenizer.encode(text.lower() if recipe.lower else text, verbose=False, **options)
        return found

    return Encoder(
        key=("similarity", folder),
        model=model,
        tokenize=partial(ids, truncation=True, max_length=limit),
        is_cut=lambda text, kept: len(kept) >= limit and len(ids(text, truncation=False)) > limit,
        limit=limit,
        ends=frozenset(
            (tokenizer.cls_token_id, tokenizer.sep_token_id, tokenizer.bos_token_id, tokenizer.eos_token_id)
        ),
        unknown=tokenizer.unk_token_id,
        padding=tokenizer.pad_token_id or 0,
        finish=partial(_sentence, recipe.pooling),
    )


def _sentence(pooling: str, output: Any) -> Any:
    """(token, dimension) -> (dimension,), of length one: products of such are cosines."""
    ways = {"cls": lambda: output[0], "mean": lambda: output.mean(dim=0), "max": lambda: output.max(dim=0).values}
    vector = ways[pooling]()
    return vector / vector.norm()


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How a model makes a vector of a sentence."""

    pooling: str = "mean"
    tokens: int | None = None
    """That it reads; None where its tokenizer says it."""
    lower: bool = False


@lru_cache(maxsize=32)
def _recipe(folder: Path) -> Recipe:
    """What sentence-transformers' files in a folder say; mean pooling where there are none, as it has it too.

    Raises:
        MetricError: the files ask for something else than pooling by mean, first token or maximum.
    """
    steps = _json(folder / "modules.json", list)
    kinds = [str(step.get("type")).rpartition(".")[2] for step in steps if isinstance(step, dict)]
    if other := [kind for kind in kinds if kind not in _STEPS]:
        raise MetricError(
            f"similarity: {quoted(folder.name)} has a step that only sentence-transformers can do: {other[0]}"
        )
    settings = _json(folder / "sentence_bert_config.json", dict)
    if _json(folder / "config_sentence_transformers.json", dict).get("default_prompt_name"):
        raise MetricError(
            f"similarity: {quoted(folder.name)} puts a prompt before each text; choose a model without one"
        )
    places = [
        step.get("path") for step in steps if isinstance(step, dict) and str(step.get("type")).endswith("Pooling")
    ]
    pooling = _pooling(folder.name, _json(folder / str(places[0]) / "config.json", dict)) if places else "mean"
    tokens = settings.get("max_seq_length")
    if tokens is not None:
        at_least("similarity", "max_seq_length of the model", tokens, 1)
    return Recipe(pooling=pooling, tokens=tokens, lower=bool(settings.get("do_lower_case")))


def _pooling(model: str, settings: Mapping[str, Any]) -> str:
    """One of :data:`POOLING`, from either spelling of the configuration."""
    found = settings.get("pooling_mode")
    if found is None:
        modes = [key for key, value in settings.items() if key.startswith("pooling_mode_") and value is True]
        found = "+".join(
            key.removeprefix("pooling_mode_").removesuffix("_tokens").removesuffix("_token") for key in modes
        )
    if found not in POOLING:
        raise MetricError(
            f"similarity: {quoted(model)} pools its tokens by {quoted(found)}; known: {', '.join(POOLING)}"
        )
    return str(found)


def _json(file: Path, kind: type[Any]) -> Any:
    """What is in a file of a model's folder; an empty ``kind`` where there is none."""
    if not file.is_file():
        return kind()
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise MetricError(
            f"similarity: {quoted(file.name)} of the model cannot be read ({type(error).__name__})"
        ) from None
    if not isinstance(found, kind):
        raise MetricError(f"similarity: {quoted(file.name)} of the model holds no {kind.__name__}")
    return found
