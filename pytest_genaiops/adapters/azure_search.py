"""An index of Azure AI Search, over its REST API (api-version 2024-07-01), as one that can be probed.

Documents - Index, Documents - Search Post: learn.microsoft.com/rest/api/searchservice. The service answers before it
has indexed: give ``within`` seconds to checks that follow a change.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from pytest_genaiops.adapters.posting import Poster
from pytest_genaiops.clients.secrets import without_secrets
from pytest_genaiops.dataset.text import listed, quoted
from pytest_genaiops.errors import UsageError
from pytest_genaiops.grounding import Entry, Hit, Mode, Query
from pytest_genaiops.grounding.index import BY_VECTOR, MODES

API_VERSION = "2024-07-01"
BATCH = 500
"""Documents of a call; 1000 are allowed, and 16 MB."""
PAGE = 200
"""Documents of a page: with embeddings of 3072 numbers still below 16 MB."""
MOST = 100_000
"""Results that the service passes over at most, hence documents that it lists."""
AGAIN = (409, 422, 429, 503)
"""Statuses of one document in a batch that another attempt may mend."""
ATTEMPTS = 5
FIELDS: Mapping[str, str] = {"id": "id", "document": "document", "text": "text", "embedding": "embedding"}
_PLACE = "azure_search"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,127}")
_KNOWN = ("id", "document", "text", "embedding", "source", "start", "end", "model", "text_hash")
_WORD = re.compile(r"\w+")


def azure_search(
    endpoint: str,
    index: str,
    *,
    headers: Mapping[str, str],
    fields: Mapping[str, str] = FIELDS,
    modes: Sequence[Mode] = MODES,
    sleep: Callable[[float], None] = time.sleep,
) -> AzureSearchIndex:
    """An index of Azure AI Search.

    ::

        azure_search(
            "https://acme.search.windows.net",
            "policies",
            headers={"api-key": "${env:AZURE_SEARCH_KEY}"},  # or {"Authorization": "Bearer ${env:AZURE_SEARCH_TOKEN}"}
            fields={"id": "chunk_id", "document": "parent_id", "text": "chunk", "embedding": "text_vector"},
        )

    ``fields`` says under which names the index has an entry's ``id``, ``document``, ``text``, ``embedding``, and where
    it has them ``source``, ``start``, ``end``, ``model`` and ``text_hash``; what is not named is neither written nor
    read. The key must be sortable, ``document`` filterable, and all of them retrievable. Searches by vector are
    exhaustive, so that nothing hides from an approximate one. Raises UsageError for what cannot be right.
    """
    if not isinstance(index, str) or not index:
        raise UsageError(f"{_PLACE}: index={quoted(index)} is no name of an index")
    for name, field in dict(fields).items():
        if name not in _KNOWN or not isinstance(field, str) or not _NAME.fullmatch(field):
            raise UsageError(f"{_PLACE}: fields has {quoted(name)}: {quoted(field)}; map some of {', '.join(_KNOWN)}")
    needed = ["id", "document", "text", *(["embedding"] if set(BY_VECTOR) & set(modes) else [])]
    if lacking := [name for name in needed if name not in fields]:
        raise UsageError(f"{_PLACE}: fields lacks {listed(lacking)}; say what the index calls them")
    poster = Poster(endpoint, headers=headers, place=_PLACE, sleep=sleep)
    return AzureSearchIndex(poster, index, fields=dict(fields), modes=modes, sleep=sleep)


class AzureSearchIndex:
    """An index of Azure AI Search; made by :func:`azure_search`."""

    def __init__(
        self,
        poster: Poster,
        index: str,
        *,
        fields: Mapping[str, str],
        modes: Sequence[Mode],
        sleep: Callable[[float], None],
    ) -> None:
        self.modes = tuple(modes)
        self._poster = poster
        self._path = f"/indexes/{quote(index, safe='')}/docs"
        self._fields = fields
        self._sleep = sleep

    def add(self, chunks: Sequence[Entry]) -> None:
        """Upload chunks. Raises UsageError where the service refuses one, naming it."""
        rows = []
        for chunk in chunks:
            values = {field: getattr(chunk, name) for name, field in self._fields.items()}
            if chunk.embedding is not None and "embedding" in self._fields:
                values[self._fields["embedding"]] = [*map(float, chunk.embedding)]
            values[self._fields["document"]] = chunk.of
            given = {name: value for name, value in values.items() if value is not None}
            rows.append({"@search.action": "upload", **given})
        self._write(rows)

    def delete(self, documents: Sequence[str]) -> None:
        """Find the keys of these documents' chunks, and delete them."""
        key, field = self._fields["id"], self._fields["document"]
        keys = []
        for document in documents:
            wanted = "{} eq '{}'".format(field, document.replace("'", "''"))
            keys += [row[key] for row in self._rows({"search": "*", "filter": wanted}, select=key)]
        self._write([{"@search.action": "delete", key: each} for each in keys])

    def search(self, query: Query, mode: Mode, k: int) -> Sequence[Hit]:
        """The best ``k`` chunks: by a phrase, by any of the words, by the vector, or by words and vector."""
        body: dict[str, Any] = {"select": ",".join(self._fields[name] for name in ("id", "document", "text"))}
        if mode == "exact":
            phrase = query.text.replace("\\", "\\\\").replace('"', '\\"')
            body |= {"search": f'"{phrase}"', "searchFields": self._fields["text"], "queryType": "simple"}
        elif mode != "vector":
            words = " ".join(dict.fromkeys(_WORD.findall(query.text)))
            body |= {"search": words, "searchFields": self._fields["text"], "queryType": "simple", "searchMode": "any"}
        if mode in BY_VECTOR:
            vector = [*map(float, query.embedding or ())]
            body["vectorQueries"] = [
                {"kind": "vector", "vector": vector, "fields": self._fields["embedding"], "k": k, "exhaustive": True}
            ]
        rows = self._said({**body, "top": k})["value"]
        return [self._hit(row) for row in rows]

    def list(self) -> Iterator[Entry]:
        """Every chunk, page after page in the order of their keys.

        Raises UsageError for more than ``MOST`` documents, and where their number changes meanwhile.
        """
        for row in self._rows({"search": "*"}, select=",".join(self._fields.values())):
            yield Entry(**{name: row.get(field) for name, field in self._fields.items()})  # type: ignore[arg-type]

    def close(self) -> None:
        """Let go of the connection."""
        self._poster.close()

    def __repr__(self) -> str:
        return f"<Azure AI Search index {self._poster.shown}{self._path.removesuffix('/docs')}>"

    def _hit(self, row: Mapping[str, Any]) -> Hit:
        found = {name: row.get(self._fields[name]) for name in ("id", "document", "text")}
        return Hit(**found, score=row.get("@search.score"))  # type: ignore[arg-type]  # whoever asks looks at the id

    def _rows(self, body: Mapping[str, Any], *, select: str) -> Iterator[Mapping[str, Any]]:
        """All results of a search that ranks nothing."""
        order = f"{self._fields['id']} asc"
        seen, total = 0, None
        while total is None or seen < total:
            asked = {**body, "select": select, "orderby": order, "top": PAGE, "skip": seen, "count": True}
            said = self._said(asked)
            count = said.get("@odata.count")
            if count is None or (total is not None and count != total):
                raise UsageError(f"{_PLACE}: {self!r} changed while it was listed; try again when nobody writes")
            if count > MOST:
                raise UsageError(f"{_PLACE}: {self!r} has {count:,} documents; the service lists {MOST:,} at most")
            total = count
            if not said["value"] and seen < total:
                raise UsageError(f"{_PLACE}: {self!r} lists {seen} of {total} documents and then no more")
            yield from said["value"]
            seen += len(said["value"])

    def _said(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        said = self._poster.post(f"{self._path}/search?api-version={API_VERSION}", body)
        if not isinstance(said, Mapping) or not _are_objects(said.get("value")):
            raise UsageError(f"{_PLACE}: {self!r} sent a reply without 'value', a list of documents")
        return said

    def _write(self, actions: Sequence[Mapping[str, Any]]) -> None:
        """Send actions in batches; those that the service could not take just now are sent again."""
        for start in range(0, len(actions), BATCH):
            batch = actions[start : start + BATCH]
            for attempt in range(1, ATTEMPTS + 1):
                failed = self._failed(batch)
                lasting = [row for row in failed if row.get("statusCode") not in AGAIN]
                if lasting or (failed and attempt == ATTEMPTS):
                    row = (lasting or failed)[0]
                    why = quoted(without_secrets(str(row.get("errorMessage"))[:4096]))
                    what = f"{_PLACE}: {self!r} refused {len(failed)} of {len(batch)} documents"
                    which = f"{quoted(row.get('key'))} with status {quoted(row.get('statusCode'))}"
                    raise UsageError(f"{what}, {which}: {why}")
                if not failed:
                    break
                keys = {row.get("key") for row in failed}
                batch = [action for action in batch if action[self._fields["id"]] in keys]
                self._sleep(0.5 * 2 ** (attempt - 1))

    def _failed(self, batch: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
        """The results of a batch that say that a document was not taken; statuses are 200 and 207 alike."""
        said = self._poster.post(f"{self._path}/index?api-version={API_VERSION}", {"value": batch})
        results = said.get("value") if isinstance(said, Mapping) else None
        if results is None or not _are_objects(results) or len(results) != len(batch):
            raise UsageError(f"{_PLACE}: {self!r} sent no result for each of {len(batch)} documents")
        return [row for row in results if row.get("status") is not True]


def _are_objects(value: Any) -> bool:
    return isinstance(value, Sequence) and all(isinstance(each, Mapping) for each in value)
