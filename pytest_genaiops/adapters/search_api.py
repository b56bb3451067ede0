"""Any search API over HTTP as an index that can be probed: JSON posted, and JMESPath for what its replies say."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields as fields_of
from typing import Any, Literal, TypeAlias

from pytest_genaiops.adapters.posting import Poster
from pytest_genaiops.dataset.text import listed, quoted
from pytest_genaiops.errors import UsageError
from pytest_genaiops.grounding import Entry, Hit, Mode, Query
from pytest_genaiops.grounding.index import MODES

Operation: TypeAlias = Literal["add", "delete", "search", "list"]
OPERATIONS: tuple[Operation, ...] = ("add", "delete", "search", "list")
MOST_PAGES = 100_000
_PLACE = "search_api"
_HIT = ("id", "document", "text", "score")
_ENTRY = tuple(field.name for field in fields_of(Entry))


def search_api(
    url: str,
    *,
    headers: Mapping[str, str],
    fields: Mapping[str, str] | None = None,
    replies: Mapping[str, str] | None = None,
    body: Callable[[Operation, Mapping[str, Any]], Mapping[str, Any]] | None = None,
    modes: Sequence[Mode] = MODES,
) -> SearchApi:
    """A search API of one's own.

    It is posted JSON at four paths below ``url``, and answers with JSON::

        /add      {"chunks": [{"id", "document", "text", "embedding", ...}]}
        /delete   {"documents": ["leave-policy"]}
        /search   {"text", "embedding", "mode", "k"}   ->  {"hits": [{"id", "document", "text", "score"}]}
        /list     {"after": null}                      ->  {"entries": [{"id", "document", ...}], "after": "next page"}

    ``body`` is given the operation and that body, and returns the one that the API takes. ``replies`` has JMESPath
    expressions (https://jmespath.org) for ``hits``, ``entries`` and ``after``, which is sent back for the next page
    until it is null; ``fields`` those for what is in one hit or entry: ``{"document": "metadata.file"}``. ``url`` and
    ``headers`` take ``${env:NAME}``. Raises UsageError for what cannot be right.
    """
    found = {"hits": "hits", "entries": "entries", "after": "after", **(replies or {})}
    if unknown := set(found) - {"hits", "entries", "after"}:
        raise UsageError(f"{_PLACE}: replies has {listed(sorted(unknown))}; it takes hits, entries and after")
    named = {name: name for name in (*_ENTRY, "score")} | dict(fields or {})
    if unknown := set(named) - {*_ENTRY, "score"}:
        raise UsageError(f"{_PLACE}: fields has {listed(sorted(unknown))}; it takes {', '.join((*_ENTRY, 'score'))}")
    return SearchApi(
        Poster(url, headers=headers, place=_PLACE, sleep=time.sleep),
        reading={name: _compiled(name, text) for name, text in {**named, **found}.items()},
        body=body or (lambda operation, given: given),
        modes=modes,
    )


class SearchApi:
    """A search API; made by :func:`search_api`."""

    def __init__(
        self,
        poster: Poster,
        *,
        reading: Mapping[str, Any],
        body: Callable[[Operation, Mapping[str, Any]], Mapping[str, Any]],
        modes: Sequence[Mode],
    ) -> None:
        self.modes = tuple(modes)
        self._poster = poster
        self._reading = reading
        self._body = body

    def add(self, chunks: Sequence[Entry]) -> None:
        """Post chunks; fields that they lack are left out."""
        rows = []
        for chunk in chunks:
            row = {name: value for name in _ENTRY if (value := getattr(chunk, name)) is not None}
            if "embedding" in row:
                row["embedding"] = [*map(float, row["embedding"])]
            rows.append({**row, "document": chunk.of})
        self._post("add", {"chunks": rows})

    def delete(self, documents: Sequence[str]) -> None:
        """Post the ids of documents."""
        self._post("delete", {"documents": [*documents]})

    def search(self, query: Query, mode: Mode, k: int) -> Sequence[Hit]:
        """Post a query, and read the hits of the reply."""
        vector = None if query.embedding is None else [*map(float, query.embedding)]
        said = self._post("search", {"text": query.text, "embedding": vector, "mode": mode, "k": k})
        return [Hit(**self._fields(row, _HIT)) for row in self._rows("hits", said)]

    def list(self) -> Iterator[Entry]:
        """Post for page after page, until one says that there is none after it.

        Raises UsageError where pages come again, or never end.
        """
        after, seen = None, set()
        for _ in range(MOST_PAGES):
            said = self._post("list", {"after": after})
            for row in self._rows("entries", said):
                yield Entry(**self._fields(row, _ENTRY))
            after = self._found("after", said)
            if after is None:
                return
            if repr(after) in seen:
                raise UsageError(f"{_PLACE}: {self!r} gives the page after {quoted(after)} again and again")
            seen.add(repr(after))
        raise UsageError(f"{_PLACE}: {self!r} gives more than {MOST_PAGES:,} pages")

    def close(self) -> None:
        """Let go of the connection."""
        self._poster.close()

    def __repr__(self) -> str:
        return f"<search API {self._poster.shown}>"

    def _post(self, operation: Operation, given: Mapping[str, Any]) -> Any:
        return self._poster.post(f"/{operation}", self._body(operation, given))

    def _rows(self, name: str, said: Any) -> Sequence[Any]:
        found = self._found(name, said)
        if isinstance(found, str) or not isinstance(found, Sequence):
            there = f"; it has {listed(map(str, said))}" if isinstance(said, Mapping) else ""
            raise UsageError(f"{_PLACE}: {self!r} sent a reply without a list of {name}{there}")
        return found

    def _fields(self, row: Any, names: Sequence[str]) -> dict[str, Any]:
        return {name: self._found(name, row) for name in names}

    def _found(self, name: str, said: Any) -> Any:
        from jmespath.exceptions import JMESPathError

        try:
            return self._reading[name].search(said)
        except JMESPathError as error:
            raise UsageError(f"{_PLACE}: the expression for {name} fails: {quoted(str(error))}") from None


def _compiled(name: str, text: object) -> Any:
    import jmespath
    from jmespath.exceptions import JMESPathError

    if not isinstance(text, str):
        raise UsageError(f"{_PLACE}: {name}={quoted(text)} is no JMESPath expression; give a text such as 'data.hits'")
    try:
        return jmespath.compile(text)
    except JMESPathError as error:
        why = quoted(" ".join(str(error).split()))
        raise UsageError(f"{_PLACE}: {name}={quoted(text)} is no JMESPath expression: {why}") from None
