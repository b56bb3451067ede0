"""The index: a LanceDB table in a folder, with a vector and a full-text index."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eval_suites.rag.app.chunks import Chunk
from eval_suites.rag.app.embedding import EmbeddingError

TABLE = "chunks"
DEPTH = 4
"""How many times ``k`` either search of a hybrid one finds before their ranks are fused."""
_COLUMNS = ["id", "source", "start", "end", "text"]


class StoreError(ValueError):
    """A question that an index cannot answer."""


def build(folder: Path, chunks: Sequence[Chunk], indexed: Sequence[str], vectors: Any, kind: str) -> None:
    """Write chunks, what is indexed of them and their vectors; ``kind`` is ``flat`` or ``ivf``."""
    import lancedb
    import pyarrow
    from lancedb.index import FTS, IvfFlat

    values = pyarrow.array(vectors.ravel(), type=pyarrow.float32())
    rows = {name: [getattr(chunk, name) for chunk in chunks] for name in _COLUMNS}
    rows |= {"indexed": list(indexed), "vector": pyarrow.FixedSizeListArray.from_arrays(values, vectors.shape[1])}
    table = lancedb.connect(folder).create_table(TABLE, pyarrow.table(rows))
    table.create_index("indexed", config=FTS())
    if kind == "ivf":
        partitions = max(1, math.isqrt(len(chunks)))
        table.create_index("vector", config=IvfFlat(distance_type="dot", num_partitions=partitions))


class Store:
    """An index that was built. Threads may share it."""

    def __init__(self, folder: Path) -> None:
        import lancedb

        self._table = lancedb.connect(folder).open_table(TABLE)
        self.size: int = self._table.count_rows()
        self.width: int = self._table.schema.field("vector").type.list_size

    def search(self, question: str, vector: Any, *, search: str, k: int, probes: int) -> list[dict[str, Any]]:
        """The ``k`` best chunks, or as many as there are that match, best first, each with a ``score``.

        ``vector`` is that of the question; without a direction it is near to nothing, and finds nothing. Raises
        StoreError for a ``k`` above the number of chunks, and EmbeddingError for a vector of another width.
        """
        if k > self.size:
            raise StoreError(f"k={k} asks for more passages than the index has chunks ({self.size}); lower k")
        if len(vector) != self.width:
            raise EmbeddingError(f"the question's vector has {len(vector)} numbers, those of the index {self.width}")
        if not vector.any() and search != "full-text":
            if search == "vector":
                return []
            search = "full-text"
        if search == "full-text":
            query, score = self._table.search(question, query_type="fts", fts_columns="indexed").limit(k), "_score"
        elif search == "vector":
            query, score = self._near(self._table.search(vector, vector_column_name="vector"), probes, k), "_distance"
        else:
            query, score = self._fused(question, vector, probes, k), "_relevance_score"
        # A hybrid query hands the columns on to either search, which warns of each score that they leave out.
        hits = (query if search == "hybrid" else query.select([*_COLUMNS, score])).to_list()[:k]
        return [{**{name: hit[name] for name in _COLUMNS}, "score": _score(hit[score], search)} for hit in hits]

    @staticmethod
    def _near(query: Any, probes: int, count: int) -> Any:
        # Vectors have length 1: their product is the cosine. Without an index `probes` is passed over.
        return query.distance_type("dot").nprobes(probes).limit(count)

    def _fused(self, question: str, vector: Any, probes: int, k: int) -> Any:
        from lancedb.rerankers import RRFReranker

        query = self._table.search(query_type="hybrid", vector_column_name="vector", fts_columns="indexed")
        return self._near(query.vector(vector).text(question), probes, DEPTH * k).rerank(RRFReranker())


def _score(value: float, search: str) -> float:
    """Higher is nearer: LanceDB's distance by product is 1 minus it."""
    return round(1 - value if search == "vector" else value, 6)
