"""Groundedness by a user's own ONNX cross-encoder: does a passage entail a sentence, as a model of a folder sees it."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar

from pytest_genaiops.adapters.values import said
from pytest_genaiops.dataset.text import listed, quoted
from pytest_genaiops.errors import MetricError, UnscorableError
from pytest_genaiops.extras import require
from pytest_genaiops.metrics.base import Metric
from pytest_genaiops.metrics.groundedness import Groundedness
from pytest_genaiops.metrics.lexical.text import sentences
from pytest_genaiops.records import Case, Explanation, Response, SentenceSupport, Statistics
from pytest_genaiops.run.guard import attempt

EXTRA = "onnx"
LONGEST = 512
"""Tokens of a passage and a sentence together, where ``config.json`` does not say fewer."""
FEWEST = 32
MOST_PAIRS = 5000
"""Pairs of a passage and a sentence that one answer may take: more would take minutes."""
_INPUTS = ("input_ids", "attention_mask", "token_type_ids")


@dataclass(frozen=True, kw_only=True)
class OnnxGroundedness(Metric):
    """How far the contexts entail the sentences of an answer, 0-1, as a cross-encoder in a local folder judges.

    Every sentence that claims something is held against every window of the contexts (as many whole sentences as fit
    into the model beside it) and keeps the highest probability; the value is the mean over the sentences. That is
    SummaC's zero-shot method (Laban et al. 2022), with windows as in AlignScore (Zha et al. 2023). What there is
    to ground, and where there is nothing, is decided as ``groundedness`` decides it.

    ``model`` is a folder with ``model.onnx``, ``tokenizer.json`` and, where the model has several labels, a
    ``config.json`` whose ``id2label`` names them; ``label`` is the one that means support. A model with one output
    gives a logit. ``sha256`` pins ``model.onnx``: what ``sha256sum`` prints and model hubs show. Weights must
    be inside of that file. Pairs are judged one by one, so no value depends on what else is judged.

    Raises :class:`MetricError` where the folder is not what it should be, and :class:`UnscorableError` where there is
    nothing to ground, or an answer takes more than 5000 pairs.
    """

    name: ClassVar[str] = "groundedness_onnx"
    use_case: ClassVar[str] = "RAG, summaries"
    judges: ClassVar[bool] = True
    needs: ClassVar[tuple[str, ...]] = ("contexts",)

    model: str = ""
    sha256: str = ""
    label: str = "entailment"

    def statistics(self, response: Response, case: Case) -> Statistics:
        """The score of one answer as a one-tuple."""
        return (_mean(self._supports(response, case)),)

    def signature(self, cases: object) -> dict[str, str]:
        """The method, the label, the checksums of the model and of the files beside it, and the runtime's version."""
        encoder = self._loaded()
        return {
            "method": "windows-1",
            "label": self.label,
            "model": self.sha256.lower()[:12],
            "tokenizer": encoder.beside[:12],
            "onnxruntime": version("onnxruntime"),
        }

    def explain(self, response: Response, case: Case) -> Explanation:
        """Each sentence with its support; offsets into ``response.text``. No single words are told apart."""
        supports = self._supports(response, case)
        return Explanation(score=_mean(supports), sentences=tuple(supports), unsupported=())

    def _loaded(self) -> Encoder:
        if not self.model:
            raise MetricError("groundedness_onnx names no model; write model='<folder with model.onnx>', sha256='…'")
        return _load(self.model, self.sha256, self.label)

    def _supports(self, response: Response, case: Case) -> list[SentenceSupport]:
        encoder = self._loaded()
        claims = Groundedness().explain(response, case).sentences
        contexts = response.contexts if response.contexts is not None else case.contexts or ()
        pieces = [piece for claim in claims for piece in encoder.pieces(response.text, claim.start, claim.end)]
        longest = max(encoder.length(response.text[start:end]) for start, end in pieces)
        passages = [window for context in contexts for window in encoder.windows(context, longest)]
        if len(pieces) * len(passages) > MOST_PAIRS:
            raise UnscorableError(
                f"{len(pieces)} sentences against {len(passages)} passages are more than the {MOST_PAIRS} pairs judged"
            )
        found = []
        for start, end in pieces:
            text = response.text[start:end]
            best = max(encoder.support(passage, text) for passage in passages)
            found.append(SentenceSupport(start=start, end=end, text=text, support=round(best, 6)))
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoder:
    """A loaded model with its tokenizer: stateless, and safe to use from several threads."""

    session: Any
    tokenizer: Any
    inputs: Mapping[str, str]
    """Name of each input -> its type in numpy's words."""
    room: int
    """Tokens for passage and sentence, those around them taken off."""
    at: int
    """Position of the label that means support among the outputs."""
    outputs: int
    beside: str
    """SHA-256 over ``tokenizer.json`` and ``config.json``."""

    def length(self, text: str) -> int:
        """Tokens of a text."""
        return len(self.tokenizer.encode(text, add_special_tokens=False).ids)

    def pieces(self, text: str, start: int, end: int) -> list[tuple[int, int]]:
        """Offsets of a sentence; of parts of it where it would leave too little room for a passage."""
        found = self._cut(text[start:end], self.room // 2)
        return [(start + left, start + right) for left, right in found]

    def windows(self, context: str, beside: int) -> list[str]:
        """A context in runs of whole sentences, each short enough to stand with ``beside`` other tokens."""
        most = self.room - beside
        parts = [
            (start + left, start + right)
            for start, end in sentences(context)
            for left, right in self._cut(context[start:end], most)
        ]
        found: list[tuple[int, int]] = []
        for start, end in parts:
            if found and self.length(context[found[-1][0] : end]) <= most:
                found[-1] = (found[-1][0], end)
            else:
                found.append((start, end))
        return [context[start:end] for start, end in found]

    def _cut(self, text: str, most: int) -> list[tuple[int, int]]:
        offsets = self.tokenizer.encode(text, add_special_tokens=False).offsets
        if len(offsets) <= most:
            return [(0, len(text))]
        # Half of the room: cut elsewhere, the same characters may take more tokens.
        firsts = [offsets[at][0] for at in range(0, len(offsets), max(1, most // 2))]
        bounds = zip(firsts, [*firsts[1:], len(text)], strict=True)
        return [(start, end) for start, end in bounds if text[start:end].strip()]

    def support(self, passage: str, sentence: str) -> float:
        """The probability that a passage supports a sentence. Raises UnscorableError where the model gives none."""
        import numpy as np

        encoding = self.tokenizer.encode(passage, sentence)
        columns = (encoding.ids, encoding.attention_mask, encoding.type_ids)
        given = dict(zip(_INPUTS, columns, strict=True))
        feed = {name: np.asarray([given[name]], dtype=kind) for name, kind in self.inputs.items()}
        result, error = attempt(self.session.run, None, feed)
        if error is not None:
            raise UnscorableError(f"the ONNX model raised {said(error)}")
        logits = [float(value) for value in np.asarray(result[0], dtype=float).reshape(-1)]
        if len(logits) != self.outputs or not all(map(math.isfinite, logits)):
            raise UnscorableError(f"the ONNX model gave {quoted(logits[:5])}, not {self.outputs} finite numbers")
        if len(logits) == 1:
            return 1 / (1 + math.exp(-logits[0])) if logits[0] > -700 else 0.0
        top = max(logits)
        shares = [math.exp(value - top) for value in logits]
        return shares[self.at] / math.fsum(shares)


def _mean(supports: Sequence[SentenceSupport]) -> float:
    return round(math.fsum(each.support for each in supports) / len(supports), 6)


@lru_cache(maxsize=2)
def _load(model: str, sha256: str, label: str) -> Encoder:
    """The model of a folder, once in a process."""
    runtime, tokenizers = require("onnxruntime", EXTRA), require("tokenizers", EXTRA)
    folder = Path(model)
    weights, written = _read(folder, "model.onnx"), _read(folder, "tokenizer.json")
    _check(folder, weights, sha256)
    told = _read(folder, "config.json") if (folder / "config.json").is_file() else b"{}"
    config = _config(folder, told)
    tokenizer = _opened(partial(tokenizers.Tokenizer.from_buffer, written), folder / "tokenizer.json")
    tokenizer.no_truncation()
    tokenizer.no_padding()
    session = _session(runtime, weights, folder / "model.onnx")
    outputs, at = _labels(folder, session, config, label)
    return Encoder(
        session=session,
        tokenizer=tokenizer,
        inputs=_inputs(folder, session),
        room=_positions(folder, config) - tokenizer.num_special_tokens_to_add(True),
        at=at,
        outputs=outputs,
        beside=hashlib.sha256(written + b"\0" + told).hexdigest(),
    )


def _positions(folder: Path, config: Mapping[str, Any]) -> int:
    """Tokens that the model can take at once."""
    found = config.get("max_position_embeddings", LONGEST)
    if type(found) is not int or found < FEWEST:
        raise MetricError(
            f"groundedness_onnx: max_position_embeddings in {quoted(str(folder / 'config.json'))} is {quoted(found)}; "
            f"a cross-encoder takes at least {FEWEST} tokens"
        )
    return min(found, LONGEST)


def _read(folder: Path, name: str) -> bytes:
    try:
        return (folder / name).read_bytes()
    except OSError as error:
        raise MetricError(
            f"groundedness_onnx cannot read {quoted(str(folder / name))} ({error.strerror}); "
            "model= is a folder with model.onnx and tokenizer.json"
        ) from None


def _check(folder: Path, weights: bytes, sha256: str) -> None:
    found = hashlib.sha256(weights).hexdigest()
    if sha256.lower() != found:
        said_so = f"sha256 is {quoted(sha256)}" if sha256 else "no sha256 pins the model"
        raise MetricError(
            f"groundedness_onnx: {said_so}, and {quoted(str(folder / 'model.onnx'))} has {found}; "
            "write that if it is the model that you mean"
        )


def _config(folder: Path, written: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(written)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise MetricError(f"groundedness_onnx: {quoted(str(folder / 'config.json'))} holds no JSON object")
    return found


def _opened(make: partial[Any], path: Path) -> Any:
    found, error = attempt(make)
    if error is not None:
        raise MetricError(f"groundedness_onnx cannot open {quoted(str(path))}: {said(error)}")
    return found


def _session(runtime: Any, weights: bytes, path: Path) -> Any:
    """The session, from bytes and not from a path: what was hashed is what runs."""
    options = runtime.SessionOptions()
    # Weights in a second file would not be what was hashed: they are looked for where nothing can be.
    options.add_session_config_entry("session.model_external_initializers_file_folder_path", str(path))
    return _opened(partial(runtime.InferenceSession, weights, options, providers=["CPUExecutionProvider"]), path)


def _inputs(folder: Path, session: Any) -> dict[str, str]:
    found = {given.name: str(given.type) for given in session.get_inputs()}
    kinds = {"tensor(int64)": "int64", "tensor(int32)": "int32"}
    if "input_ids" not in found or not set(found) <= set(_INPUTS) or not set(found.values()) <= set(kinds):
        raise MetricError(
            f"groundedness_onnx: {quoted(str(folder / 'model.onnx'))} takes {listed(found)}; "
            f"a cross-encoder takes whole numbers as {listed(_INPUTS)}"
        )
    return {name: kinds[kind] for name, kind in found.items()}


def _order(item: tuple[str, object]) -> tuple[int, str]:
    """Labels are numbered with text: 10 comes after 9."""
    return len(item[0]), item[0]


def _labels(folder: Path, session: Any, config: Mapping[str, Any], label: str) -> tuple[int, int]:
    """The number of outputs, and the place of the label among them."""
    shape = session.get_outputs()[0].shape
    width = shape[-1] if shape else None
    if width == 1:
        return 1, 0
    named = config.get("id2label")
    names = [str(name) for _, name in sorted(named.items(), key=_order)] if isinstance(named, dict) else []
    if not names or (isinstance(width, int) and width != len(names)):
        raise MetricError(
            f"groundedness_onnx: the first output of {quoted(str(folder / 'model.onnx'))} is {width} wide and "
            f"{quoted(str(folder / 'config.json'))} names {len(names)} labels; give id2label one name for each"
        )
    at = [name.lower() for name in names].index(label.lower()) if label.lower() in map(str.lower, names) else None
    if at is None:
        raise MetricError(f"groundedness_onnx: label is {quoted(label)}; the model's are {listed(names)}")
    return len(names), at
