"""Texts to vectors: latent semantic analysis fitted on the corpus, or a transformer from a folder."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from hashlib import file_digest, sha256
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer

from eval_suites.rag.app.corpus import Document

SEED = 7
BATCH = 32
LONGEST = 512
"""Tokens of a text that an encoder in ONNX reads; what comes after them is not in its vector."""
ONNX = ("model.onnx", "tokenizer.json")
_LSA = re.compile(r"lsa-([1-9][0-9]{0,3})")
_PARAGRAPH = re.compile(r"\n\s*\n")


class EmbeddingError(ValueError):
    """A model that there is not, or vectors that cannot be compared."""


class Model(Protocol):
    """What turns texts into vectors."""

    width: int

    def encode(self, texts: Sequence[str]) -> Any:
        """(text, dimension) floats of length 1, or 0 for a text in which the model knows nothing."""


def dimensions(embedding: str) -> int | None:
    """Those of ``lsa-<dimensions>``; None for a folder."""
    found = _LSA.fullmatch(embedding)
    return int(found[1]) if found else None


def identity(embedding: str) -> str:
    """What a model is: its name, or the hash of its folder's files. Raises EmbeddingError for what is neither."""
    if dimensions(embedding):
        return embedding
    folder = Path(embedding)
    if not _of_sentence_transformers(folder):
        missing = [name for name in ONNX if not (folder / name).is_file()]
        if missing:
            raise EmbeddingError(
                f"embedding={embedding!r} is no model: give lsa-<dimensions>, a folder of sentence-transformers, "
                f"or one that has {' and '.join(missing)}"
            )
    # All files, for weights and pooling may have files of their own.
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    return sha256("".join(f"{path.relative_to(folder)} {_digest(path)}\n" for path in files).encode()).hexdigest()


def from_folder(folder: Path) -> Model:
    """The model of a folder that :func:`identity` knows."""
    return SentenceTransformers(folder) if _of_sentence_transformers(folder) else Onnx(folder)


def _of_sentence_transformers(folder: Path) -> bool:
    return (folder / "modules.json").is_file()


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def fit(documents: Sequence[Document], width: int, folder: Path) -> None:
    """Fit LSA on the paragraphs of the corpus (however it is cut, the model is one), and write it into a folder.

    Deerwester et al. (1990), with logarithmic term frequencies. Raises EmbeddingError where the corpus has not so many
    dimensions.
    """
    import numpy

    paragraphs = [part for document in documents for part in _PARAGRAPH.split(document.text) if part.strip()]
    vectorizer = TfidfVectorizer(sublinear_tf=True, stop_words="english")
    weights = vectorizer.fit_transform(paragraphs)
    if width >= min(weights.shape):
        what = f"{weights.shape[0]} paragraphs with {weights.shape[1]} words"
        raise EmbeddingError(f"embedding=lsa-{width} has more dimensions than the corpus ({what}); give fewer")
    components = TruncatedSVD(width, random_state=SEED).fit(weights).components_
    numpy.savez(folder / "lsa.npz", idf=vectorizer.idf_, components=components.astype("float32"))
    words = {word: int(column) for word, column in vectorizer.vocabulary_.items()}
    (folder / "vocabulary.json").write_text(json.dumps(words), encoding="utf-8")


class Lsa:
    """A fitted model, from its folder."""

    def __init__(self, folder: Path) -> None:
        import numpy

        vocabulary = json.loads((folder / "vocabulary.json").read_text(encoding="utf-8"))
        with numpy.load(folder / "lsa.npz", allow_pickle=False) as kept:
            self._components = numpy.ascontiguousarray(kept["components"].T)
            # Of the components' own type: else all of them would be converted for every question.
            kind = self._components.dtype
            self._vectorizer = TfidfVectorizer(
                sublinear_tf=True, stop_words="english", vocabulary=vocabulary, dtype=kind
            )
            self._vectorizer.idf_ = kept["idf"].astype(kind)
        self.width = self._components.shape[1]

    def encode(self, texts: Sequence[str]) -> Any:
        """See :class:`Model`."""
        return normalised(self._vectorizer.transform(texts) @ self._components)


class Onnx:
    """An encoder in a folder: its own embedding of a text, or else the mean of its last layer over the tokens."""

    def __init__(self, folder: Path) -> None:
        try:
            from onnxruntime import InferenceSession
            from tokenizers import Tokenizer
        except ImportError as error:
            raise EmbeddingError(f"{folder} needs {error.name}; pip install onnxruntime tokenizers") from None
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.enable_padding()
        self._tokenizer.enable_truncation(LONGEST)
        self._session = InferenceSession(str(folder / "model.onnx"), providers=["CPUExecutionProvider"])
        self._inputs = [given.name for given in self._session.get_inputs()]
        outputs = [made.name for made in self._session.get_outputs()]
        self._output = "sentence_embedding" if "sentence_embedding" in outputs else outputs[0]
        self.width = self.encode(["width"]).shape[1]

    def encode(self, texts: Sequence[str]) -> Any:
        """See :class:`Model`."""
        import numpy

        batches = [self._batch(texts[start : start + BATCH]) for start in range(0, len(texts), BATCH)]
        return normalised(numpy.concatenate(batches))

    def _batch(self, texts: Sequence[str]) -> Any:
        import numpy

        encoded = self._tokenizer.encode_batch(list(texts))
        columns = {
            "input_ids": numpy.array([one.ids for one in encoded], dtype="int64"),
            "attention_mask": numpy.array([one.attention_mask for one in encoded], dtype="int64"),
            "token_type_ids": numpy.array([one.type_ids for one in encoded], dtype="int64"),
        }
        (states,) = self._session.run([self._output], {name: columns[name] for name in self._inputs})
        if states.ndim == 2:
            return states
        mask = columns["attention_mask"][:, :, None]
        return (states * mask).sum(axis=1) / numpy.maximum(mask.sum(axis=1), 1)


class SentenceTransformers:
    """A model as sentence-transformers keep it, pooled as its own files say."""

    def __init__(self, folder: Path) -> None:
        try:
            from sentence_transformers import SentenceTransformer
        except ImportError as error:
            raise EmbeddingError(f"{folder} needs {error.name}; pip install sentence-transformers") from None
        self._model = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
        self._lock = Lock()  # a tokenizer in use cannot be borrowed by another thread
        self.width = self.encode(["width"]).shape[1]

    def encode(self, texts: Sequence[str]) -> Any:
        """See :class:`Model`."""
        with self._lock:
            vectors = self._model.encode(list(texts), batch_size=BATCH, show_progress_bar=False)
        return normalised(vectors)


def normalised(vectors: Any) -> Any:
    """Vectors of length 1, as 32-bit floats; those without a direction stay 0."""
    import numpy

    lengths = numpy.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / numpy.where(lengths > 0, lengths, 1)).astype("float32")


def check(vectors: Any, names: Sequence[str], width: int) -> None:
    """Raise EmbeddingError unless there is one vector for each text, as wide as the model, and all of it numbers."""
    import numpy

    if vectors.shape != (len(names), width):
        given = " x ".join(map(str, vectors.shape))
        raise EmbeddingError(f"the model gave {given} numbers for {len(names)} texts of width {width}")
    wrong = ~numpy.isfinite(vectors).all(axis=1)
    if wrong.any():
        first = names[int(numpy.flatnonzero(wrong)[0])]
        raise EmbeddingError(f"the vector of {first} holds what is no number ({int(wrong.sum())} of {len(names)} do)")
