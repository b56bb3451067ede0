"""A table of LanceDB as an index that can be probed; the table is opened by the user, with any version of theirs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pytest_genaiops.dataset.text import listed, quoted
from pytest_genaiops.errors import UsageError
from pytest_genaiops.grounding import Entry, Hit, Mode, Query
from pytest_genaiops.grounding.index import BY_VECTOR, MODES

COLUMNS: Mapping[str, str] = {"id": "id", "document": "document", "text": "text", "embedding": "vector"}
_KNOWN = ("id", "document", "text", "embedding", "source", "start", "end", "model", "text_hash")
_SCORES = ("_score", "_relevance_score")
_WORD = re.compile(r"\w+")
_ROWS = 1_000
"""Rows of a batch that are turned into entries together."""


def lance_index(table: Any, *, columns: Mapping[str, str] = COLUMNS, modes: Sequence[Mode] = MODES) -> LanceIndex:
    """A table of LanceDB.

    ::

        table = lancedb.connect("data").open_table("policies")
        lance_index(table, columns={"id": "chunk", "document": "source", "text": "text", "embedding": "vector"})

    ``columns`` says in which columns the table has an entry's ``id``, ``document``, ``text``, ``embedding``, and where
    it has them ``source``, ``start``, ``end``, ``model`` and ``text_hash``. Full text and hybrid search need a
    full-text index on the column of the text. Raises UsageError for what is no table, and for columns that it does not
    have.
    """
    has = list(getattr(getattr(table, "schema", None), "names", ()))
    if not has:
        mend = "give lancedb.connect('data').open_table('policies')"
        raise UsageError(f"lance_index: {quoted(table)} is no table; {mend}")
    for name, column in dict(columns).items():
        if name not in _KNOWN:
            raise UsageError(f"lance_index: columns has {quoted(name)}; map some of {', '.join(_KNOWN)}")
        if column not in has:
            raise UsageError(f"lance_index: the table has no column {quoted(column)}; it has {listed(has)}")
    needed = ["id", "document", "text", *(["embedding"] if set(BY_VECTOR) & set(modes) else [])]
    if lacking := [name for name in needed if name not in columns]:
        raise UsageError(f"lance_index: columns lacks {listed(lacking)}; say what the table calls them")
    return LanceIndex(table, columns=dict(columns), modes=modes)


class LanceIndex:
    """A table of LanceDB; made by :func:`lance_index`. What LanceDB raises is raised."""

    def __init__(self, table: Any, *, columns: Mapping[str, str], modes: Sequence[Mode]) -> None:
        self.modes = tuple(modes)
        self._table = table
        self._columns = columns

    def add(self, chunks: Sequence[Entry]) -> None:
        """Add chunks, or replace those of the same id."""
        rows = []
        for chunk in chunks:
            row = {column: getattr(chunk, name) for name, column in self._columns.items()}
            row[self._columns["document"]] = chunk.of
            if chunk.embedding is not None and "embedding" in self._columns:
                row[self._columns["embedding"]] = [*map(float, chunk.embedding)]
            rows.append(row)
        if rows:
            merging = self._table.merge_insert(self._columns["id"])
            merging.when_matched_update_all().when_not_matched_insert_all().execute(rows)

    def delete(self, documents: Sequence[str]) -> None:
        """Remove the chunks of these documents."""
        if documents:
            self._table.delete(f"{_named(self._columns['document'])} IN ({', '.join(map(_literal, documents))})")

    def search(self, query: Query, mode: Mode, k: int) -> Sequence[Hit]:
        """The best ``k`` chunks: by a passage as it stands, by words, by the vector, or by both."""
        vector = None if query.embedding is None else [*map(float, query.embedding)]
        words = " ".join(_WORD.findall(query.text))
        text, embedding = self._columns["text"], self._columns.get("embedding")
        if mode == "exact":
            asked = self._table.search().where(f"contains({_named(text)}, {_literal(query.text)})")
        elif mode == "full-text":
            asked = self._table.search(words, query_type="fts", fts_columns=text)
        elif mode == "vector":
            asked = self._table.search(vector, query_type="vector", vector_column_name=embedding)
        else:
            both = self._table.search(query_type="hybrid", vector_column_name=embedding, fts_columns=text)
            asked = both.vector(vector).text(words)
        return [self._hit(row, 1.0 if mode == "exact" else None) for row in asked.limit(k).to_list()]

    def list(self) -> Iterator[Entry]:
        """Every chunk, in the table's order."""
        rows = self._table.count_rows()
        if not rows:
            return
        for batch in self._table.search().select([*self._columns.values()]).limit(rows).to_batches(_ROWS):
            for row in batch.to_pylist():
                yield Entry(**{name: row[column] for name, column in self._columns.items()})

    def __repr__(self) -> str:
        return f"<LanceDB table {getattr(self._table, 'name', '')}>"

    def _hit(self, row: Mapping[str, Any], score: float | None) -> Hit:
        score = next((row[name] for name in _SCORES if row.get(name) is not None), score)
        if score is None and row.get("_distance") is not None:
            score = -row["_distance"]
        found = {name: row[self._columns[name]] for name in ("id", "document", "text")}
        return Hit(**found, score=score)


def _named(column: str) -> str:
    """A column as SQL names it."""
    return f"`{column}`"


def _literal(text: str) -> str:
    """A text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"
