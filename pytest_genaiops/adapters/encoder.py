"""Texts to vectors with a transformer model from a folder: each text once, whoever asks for it."""

from __future__ import annotations

import hashlib
import os
import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

from pytest_genaiops.dataset.text import listed, printable, quoted
from pytest_genaiops.errors import MetricError, UnscorableError
from pytest_genaiops.extras import require
from pytest_genaiops.metrics.rows import references_of
from pytest_genaiops.records import Case, Response
from pytest_genaiops.run.guard import attempt

EXTRA = "bertscore"
MOST_TOKENS = 4096
"""That are worked on at once."""
AT_ONCE = 200_000
"""Characters of answers and references whose vectors are held together, beside those that are remembered."""

_FILES = ["*.json", "*.txt", "*.model", "*.safetensors"]
_OLDER = ["pytorch_model*.bin", "pytorch_model*.json"]
_UNLIMITED = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Encoded:
    """One text as a model sees it."""

    ids: tuple[int, ...]
    """Its tokens, with those that the model puts at the ends."""
    vectors: Any
    """A tensor on the CPU: one row for each token, or one for all."""
    cut: bool
    """Whether the model reads only its beginning."""


class Store:
    """Encoded texts up to ``limit`` bytes of vectors; those that nobody has asked for longest go first."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.size = 0
        """Bytes of the vectors that are held."""
        self._held: OrderedDict[object, Encoded] = OrderedDict()
        self._lock = Lock()

    def known(self, key: object) -> Encoded | None:
        """What is held under a key."""
        with self._lock:
            if key not in self._held:
                return None
            self._held.move_to_end(key)
            return self._held[key]

    def keep(self, key: object, encoded: Encoded) -> None:
        """Hold a text; one that alone is over the limit is not held."""
        with self._lock:
            if key in self._held or encoded.vectors.nbytes > self._limit:
                return
            self._held[key] = encoded
            self.size += encoded.vectors.nbytes
            while self.size > self._limit:
                self.size -= self._held.popitem(last=False)[1].vectors.nbytes


STORE = Store(512 << 20)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Encoder:
    """A model with its tokenizer. ``key`` says which, and what becomes of its output: equal keys, equal vectors."""

    key: tuple[object, ...]
    model: Any
    tokenize: Callable[[str], list[int]]
    """A text's tokens, cut to what the model reads."""
    is_cut: Callable[[str, Sequence[int]], bool]
    """Whether tokens are fewer than the text has."""
    limit: int
    """Tokens that the model reads of a text, with those at the ends."""
    ends: frozenset[int]
    """Tokens that the model puts at the ends of every text."""
    unknown: int | None
    """The token that stands for whatever the model does not know."""
    padding: int
    """The token that fills a batch up, and that the model is told to look past."""
    finish: Callable[[Any], Any]
    """(token, dimension) tensor of the model's output for one text -> what is kept of it."""

    def encoded(self, texts: Iterable[str], batch_size: int) -> dict[str, Encoded]:
        """Every distinct text, encoded. Those of like length are worked on together, so that little is padding.

        What else is in a batch moves a value by what rounding moves it, and no further.
        """
        found: dict[str, Encoded] = {}
        new: list[tuple[str, list[int]]] = []
        for text in dict.fromkeys(texts):
            known = STORE.known((self.key, text))
            if known is not None:
                found[text] = known
            else:
                new.append((text, self.tokenize(text)))
        new.sort(key=lambda one: len(one[1]), reverse=True)
        start = 0
        while start < len(new):
            size = max(1, min(batch_size, MOST_TOKENS // max(len(new[start][1]), 1)))
            found |= self._batch(new[start : start + size])
            start += size
        return found

    def check_known(self, text: Encoded) -> None:
        """Raise UnscorableError where the model can read too little of a text to tell it from another."""
        told = [token for token in text.ids if token not in self.ends]
        if not told:
            raise UnscorableError("a text has no token that the model reads")
        if 2 * sum(token == self.unknown for token in told) > len(told):
            raise UnscorableError("most of a text is not in the model's vocabulary, and all that is not looks the same")

    def _batch(self, batch: Sequence[tuple[str, list[int]]]) -> dict[str, Encoded]:
        torch = require("torch", EXTRA)
        found, longest = {}, len(batch[0][1])
        filled = [ids + [self.padding] * (longest - len(ids)) for _, ids in batch]
        mask = [[1] * len(ids) + [0] * (longest - len(ids)) for _, ids in batch]
        device = next(self.model.parameters()).device
        with torch.inference_mode():
            given, seen = torch.tensor(filled, device=device), torch.tensor(mask, device=device)
            output = self.model(given, attention_mask=seen)[0].float().cpu()
            for (text, ids), tokens in zip(batch, output, strict=True):
                # A new tensor for each text: a view would keep the whole batch alive.
                vectors = self.finish(tokens[: len(ids)])
                found[text] = Encoded(ids=tuple(ids), vectors=vectors, cut=self.is_cut(text, ids))
                STORE.keep((self.key, text), found[text])
        return found


Row = tuple[Response, Case]


def texts_of(row: Row) -> tuple[str, list[str]] | UnscorableError:
    """An answer and the references that hold anything; the reason where either is missing."""
    response, case = row
    try:
        references = [reference for reference in references_of(case) if reference.strip()]
    except UnscorableError as error:
        return error
    if not response.text.strip():
        return UnscorableError("the answer is empty, and a model has nothing to say about no text")
    return response.text, references


def windows(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """The rows in order, in parts whose vectors fit into memory together."""
    start = size = 0
    for index, (response, case) in enumerate(rows):
        size += len(response.text) + sum(map(len, case.references or ()))
        if size >= AT_ONCE:
            yield rows[start : index + 1]
            start, size = index + 1, 0
    if start < len(rows):
        yield rows[start:]


def shown(model: str) -> str:
    """The model as a signature names it: a folder by its last part, for others keep it elsewhere."""
    return Path(model).expanduser().resolve().name if Path(model).expanduser().is_dir() else model


def say_what_was_cut(metric: str, cut: Sequence[str], rows: int, limit: int) -> None:
    """Warn of rows of which the model has read only a part."""
    if cut:
        warnings.warn(
            f"{metric}: {len(cut)} of {rows} rows have a text of more than the {limit} tokens that the model reads; "
            f"the rest of it counts for nothing: {listed(cut)}",
            stacklevel=2,
        )


@lru_cache(maxsize=32)
def folder_of(metric: str, model: str) -> Path:
    """The folder that holds a model: the one named, or the hub's, fetched once.

    Raises:
        MetricError: there is no such folder, and the hub gives none; or it holds no weights.
    """
    _quiet()
    if not model.strip():
        raise MetricError(f"{metric}: model is empty; give a folder or a name on the Hugging Face hub")
    folder = Path(model).expanduser()
    if not folder.is_dir():
        folder = _from_hub(metric, model)
    if not (folder / "config.json").is_file() or not weights_of(folder):
        needed = "config.json and model.safetensors or pytorch_model.bin"
        raise MetricError(f"{metric}: the model {quoted(model)} is incomplete; its folder needs {needed}")
    return folder.resolve()


def _from_hub(metric: str, model: str) -> Path:
    hub = require("huggingface_hub", EXTRA)
    found, error = attempt(lambda: hub.snapshot_download(model, allow_patterns=_FILES))
    if error is None and not weights_of(Path(found)):
        found, error = attempt(lambda: hub.snapshot_download(model, allow_patterns=_FILES + _OLDER))
    if error is not None:
        offline = " while HF_HUB_OFFLINE is set" if hub.constants.HF_HUB_OFFLINE else ""
        raise MetricError(
            f"{metric}: {quoted(model)} is no folder, and the Hugging Face hub gives no such model{offline} "
            f"({type(error).__name__}); fetch it once where there is a network, or give model= a folder with the model"
        )
    return Path(found)


def weights_of(folder: Path) -> list[Path]:
    """The files of a model's weights, in the order of their names."""
    return sorted(folder.glob("*.safetensors")) or sorted(folder.glob("pytorch_model*.bin"))


@lru_cache(maxsize=32)
def checksum(folder: Path) -> str:
    """First 12 digits of the SHA-256 of a model's weights; of several files, of their digests by order of name."""
    digests = []
    for file in weights_of(folder):
        with file.open("rb") as stream:
            digests.append(hashlib.file_digest(stream, "sha256").hexdigest())
    whole = digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()
    return whole[:12]


def loaded(metric: str, folder: Path, load: Callable[[], Any]) -> Any:
    """What ``load`` makes of a model's files, without bars of progress.

    Raises MetricError where they cannot be read, in one sentence instead of the package's traceback.
    """
    with _without_progress():
        found, error = attempt(load)
    if error is not None:
        said = printable(" ".join(str(error).split()))[:200]
        place = printable(folder.name)
        raise MetricError(f"{metric}: the model in {place} cannot be loaded ({type(error).__name__}: {said})")
    return found


def on_device(model: Any) -> Any:
    """The model, ready, on a GPU where there is one."""
    torch = require("torch", EXTRA)
    return model.eval().to("cuda" if torch.cuda.is_available() else "cpu")


def limit_of(tokenizer: Any, model: Any, given: int | None = None) -> int:
    """Tokens that a model reads, as its tokenizer says, or where that says nothing, as its position embeddings do."""
    says = given or tokenizer.model_max_length
    positions = getattr(model.config, "max_position_embeddings", None)
    if says > _UNLIMITED and isinstance(positions, int) and positions > 2:
        return positions - 2  # RoBERTa's begin at 2
    return int(min(says, _UNLIMITED))


def at_least(metric: str, option: str, value: object, least: int) -> None:
    """Raise MetricError where an option is no whole number of at least ``least``."""
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise MetricError(f"{metric}: {option}={quoted(value)} must be a whole number of at least {least}")


def _quiet() -> None:
    """The hub's library reads these when it is imported: nothing is told to anybody."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


@contextmanager
def _without_progress() -> Iterator[None]:
    logging = require("transformers", EXTRA).utils.logging
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()
