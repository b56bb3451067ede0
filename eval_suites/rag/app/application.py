"""The application: a corpus, made into indexes as variants need them, and answers from what they find."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

from eval_suites.rag.app import chunks, embedding, enrichment, store
from eval_suites.rag.app.answers import Extractive, tokens
from eval_suites.rag.app.corpus import Document
from eval_suites.rag.app.settings import Settings


class Builds(Protocol):
    """Where what takes long to make is kept: the fixture ``index_builds``."""

    def get(self, name: str, key: Mapping[str, Any], make: Callable[[Path], object]) -> Path:
        """The folder that ``make`` filled, now or before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """An index that is open, and the model whose vectors it holds."""

    store: store.Store
    model: embedding.Model


class Application:
    """Answers questions from documents. Threads may share it."""

    def __init__(self, documents: Sequence[Document], builds: Builds) -> None:
        self._documents = documents
        self._corpus = sha256(json.dumps([asdict(document) for document in documents]).encode()).hexdigest()
        self._builds = builds
        self._ready: dict[tuple[object, ...], Ready] = {}
        self._models: dict[Path, embedding.Model] = {}
        self._lock = Lock()
        self._extractive = Extractive(documents)

    def answer(self, question: str, settings: Settings) -> dict[str, Any]:
        """An answer with ``text``, ``retrieved`` (best first), ``usage`` and ``latency``.

        ``latency`` is the seconds that this question took, without what was built or opened for the first one.
        ``usage`` counts words and punctuation marks: of question and passages in, of the answer out.
        """
        ready = self._opened(settings)
        begun = time.perf_counter()
        found = self._search(ready, question, settings)
        contexts = [passage["text"] for passage in found]
        text = self._extractive.answer(question, contexts, take=settings.take, floor=settings.floor)
        usage = {"input_tokens": tokens(question, *contexts), "output_tokens": tokens(text)}
        return {"text": text, "retrieved": found, "usage": usage, "latency": time.perf_counter() - begun}

    def retrieve(self, question: str, settings: Settings) -> list[dict[str, Any]]:
        """The passages alone, best first: ``id``, ``source``, ``start``, ``end``, ``text``, ``score``."""
        return self._search(self._opened(settings), question, settings)

    @staticmethod
    def _search(ready: Ready, question: str, settings: Settings) -> list[dict[str, Any]]:
        vectors = ready.model.encode([question])
        embedding.check(vectors, ["the question"], ready.model.width)
        return ready.store.search(question, vectors[0], search=settings.search, k=settings.k, probes=settings.probes)

    def _opened(self, settings: Settings) -> Ready:
        key = (settings.chunk, settings.overlap, settings.enrichment, settings.embedding, settings.index)
        if key not in self._ready:  # what is open need not wait for what is being built
            with self._lock:
                if key not in self._ready:
                    self._ready[key] = self._open(settings)
        return self._ready[key]

    def _open(self, settings: Settings) -> Ready:
        """Each stage under a key of what it depends on alone, so that variants share all that they can."""
        cut = self._cut(settings)
        folder, model = self._model(settings.embedding)
        texts = {"chunks": cut.name, "enrichment": settings.enrichment, "code": _code(enrichment)}
        vectors = self._builds.get(
            "vectors",
            {**texts, "model": folder.name if folder else embedding.identity(settings.embedding)},
            lambda made: _embed(made, cut, settings.enrichment, model),
        )
        index = self._builds.get(
            "index",
            {"vectors": vectors.name, "index": settings.index, "lancedb": version("lancedb"), "code": _code(store)},
            lambda made: _index(made, cut, vectors, settings),
        )
        return Ready(store=store.Store(index), model=model)

    def _cut(self, settings: Settings) -> Path:
        key = {
            "corpus": self._corpus,
            "chunk": settings.chunk,
            "overlap": settings.overlap,
            "semantic-text-splitter": version("semantic-text-splitter"),
            "code": _code(chunks),
        }
        return self._builds.get(
            "chunks", key, lambda made: _write(made, chunks.cut(self._documents, settings.chunk, settings.overlap))
        )

    def _model(self, name: str) -> tuple[Path | None, embedding.Model]:
        """The folder of a model that was fitted, and the model; of one in a folder of its own, the model alone."""
        width = embedding.dimensions(name)
        if width is None:
            embedding.identity(name)
            folder = Path(name)
        else:
            key = {
                "corpus": self._corpus,
                "dimensions": width,
                "scikit-learn": version("scikit-learn"),
                "code": _code(embedding),
            }
            folder = self._builds.get("model", key, lambda made: embedding.fit(self._documents, width, made))
        if folder not in self._models:
            self._models[folder] = embedding.from_folder(folder) if width is None else embedding.Lsa(folder)
        return (None if width is None else folder), self._models[folder]


def _write(folder: Path, found: Sequence[chunks.Chunk]) -> None:
    lines = (json.dumps(asdict(chunk)) + "\n" for chunk in found)
    (folder / "chunks.jsonl").write_text("".join(lines), encoding="utf-8")


def _read(folder: Path) -> list[chunks.Chunk]:
    with (folder / "chunks.jsonl").open(encoding="utf-8") as lines:
        return [chunks.Chunk(**json.loads(line)) for line in lines]


def _embed(folder: Path, cut: Path, how: str, model: embedding.Model) -> None:
    import numpy

    found = _read(cut)
    vectors = model.encode(enrichment.indexed(found, how))
    embedding.check(vectors, [chunk.id for chunk in found], model.width)
    numpy.save(folder / "vectors.npy", vectors)


def _index(folder: Path, cut: Path, vectors: Path, settings: Settings) -> None:
    import numpy

    found = _read(cut)
    texts = enrichment.indexed(found, settings.enrichment)
    store.build(folder, found, texts, numpy.load(vectors / "vectors.npy", allow_pickle=False), settings.index)


def _code(module: Any) -> str:
    """The hash of what makes a build: changed code makes it anew."""
    return sha256(Path(module.__file__).read_bytes()).hexdigest()
