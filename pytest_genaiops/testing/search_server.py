"""A fake of Azure AI Search's REST API (api-version 2024-07-01) behind a real socket, which refuses what that would."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import fields
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from pytest_genaiops.grounding import Entry, Mode, Query
from pytest_genaiops.testing.index import FakeIndex
from pytest_genaiops.testing.serving import Serving

if TYPE_CHECKING:
    from aiohttp.web import BaseRequest, StreamResponse

API_VERSION = "2024-07-01"
MOST_ACTIONS, MOST_RESULTS, MOST_SKIPPED = 1_000, 1_000, 100_000
FIELDS = tuple(field.name for field in fields(Entry))
"""Fields of the fake's documents: those of an entry; ``id`` is the key, sortable, and ``document`` filterable."""

_ASKED = {
    "search": str,
    "searchFields": str,
    "searchMode": str,
    "queryType": str,
    "select": str,
    "filter": str,
    "orderby": str,
    "top": int,
    "skip": int,
    "count": bool,
    "vectorQueries": list,
}
_OF_VECTOR = {"kind": str, "vector": list, "fields": str, "k": int, "exhaustive": bool}
_ACTIONS = ("upload", "delete", "merge", "mergeOrUpload")
_KEY = re.compile(r"[A-Za-z0-9_\-=]+")
_FILTER = re.compile(r"document eq '((?:[^']|'')*)'")
_PHRASE = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)


class _Refusal(Exception):  # noqa: N818 - a reply
    """A request that the service would not take: a status, and why."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class FakeSearchServer:
    """Serves an index on 127.0.0.1, on a free port, within a ``with`` block, at :attr:`url`.

    Args:
        index: what it holds; a new :class:`FakeIndex` unless given.
        name: the index's name in paths.
        key: what callers must send as ``api-key``, or as a bearer token.
        width: numbers of an embedding; others are refused.
        refuse: number of a call (from 1) -> what it gets instead of an answer: a status such as 429 or 503, with
            ``Retry-After: 0``, or 207, where the first document of a batch fails with 503.
    """

    def __init__(
        self,
        index: FakeIndex | None = None,
        *,
        name: str = "docs",
        key: str = "fake-search-key",
        width: int = 8,
        refuse: Mapping[int, int] | None = None,
    ) -> None:
        self.index = FakeIndex() if index is None else index
        self.url = ""
        """The service's address, such as ``http://127.0.0.1:54321``, once it serves."""
        self.calls: list[tuple[str, int]] = []
        """(path, status) of every call."""
        self._name = name
        self._key = key
        self._width = width
        self._refuse = dict(refuse or {})
        self._serving = Serving(self._handle)

    def __enter__(self) -> Self:
        self.url = self._serving.start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._serving.stop()

    def __repr__(self) -> str:
        return f"<FakeSearchServer at {self.url or 'rest'}, {len(self.calls)} calls>"

    async def _handle(self, request: BaseRequest) -> StreamResponse:
        from aiohttp.web import Response as Reply

        number = len(self.calls) + 1
        status = 200
        said: dict[str, Any] = {}
        try:
            if self._refuse.get(number, 207) != 207:
                raise _Refusal(self._refuse[number], "The fake service is busy.")
            operation, body = self._understood(request, await request.read())
            if operation == "index":
                status, said = self._indexed(body, fails=self._refuse.get(number) == 207)
            else:
                said = self._searched(body)
        except _Refusal as refused:
            status, said = refused.status, {"error": {"code": "", "message": str(refused)}}
        except (ConnectionError, ValueError) as error:  # of the index
            status, said = 500, {"error": {"code": "", "message": str(error)}}
        self.calls.append((request.path, status))
        headers = {"Retry-After": "0"} if status in (429, 503) else {}
        return Reply(status=status, body=json.dumps(said).encode(), content_type="application/json", headers=headers)

    def _understood(self, request: BaseRequest, data: bytes) -> tuple[str, dict[str, Any]]:
        """The operation, and its body."""
        if self._key not in (
            request.headers.get("api-key"),
            request.headers.get("Authorization", "").removeprefix("Bearer "),
        ):
            raise _Refusal(403, "Forbidden")
        found = re.fullmatch(r"/indexes/([^/]+)/docs/(index|search)", request.path)
        if found is None or found[1] != self._name or request.method != "POST":
            raise _Refusal(404, f"No HTTP resource was found: {request.path}")
        if request.query.get("api-version") != API_VERSION:
            raise _Refusal(400, "The api-version is invalid or missing.")
        if request.content_type != "application/json":
            raise _Refusal(415, "Unsupported Media Type")
        try:
            body = json.loads(data)
        except ValueError:
            raise _Refusal(400, "The request body is no JSON.") from None
        if not isinstance(body, dict):
            raise _Refusal(400, "The request body is no object.")
        return found[2], body

    def _indexed(self, body: dict[str, Any], *, fails: bool) -> tuple[int, dict[str, Any]]:
        """Carry out a batch; a status of its own for each document."""
        actions = body.get("value")
        if set(body) != {"value"} or not isinstance(actions, list) or not 0 < len(actions) <= MOST_ACTIONS:
            raise _Refusal(400, f"'value' holds 1 to {MOST_ACTIONS} actions, and nothing stands beside it.")
        for action in actions:
            self._check_action(action)
        results = []
        for place, action in enumerate(actions):
            key = action["id"]
            if fails and not place:
                error = "The fake service is busy."
                results.append({"key": key, "status": False, "errorMessage": error, "statusCode": 503})
                continue
            if action.get("@search.action", "upload") == "delete":
                self.index.delete_chunk(key)
            else:
                self.index.add([Entry(**{name: value for name, value in action.items() if not name.startswith("@")})])
            results.append({"key": key, "status": True, "errorMessage": None, "statusCode": 200})
        return (207 if fails else 200), {"value": results}

    def _check_action(self, action: Any) -> None:
        if not isinstance(action, dict) or action.get("@search.action", "upload") not in _ACTIONS:
            raise _Refusal(400, f"An action is an object with '@search.action' {', '.join(_ACTIONS)}.")
        key = action.get("id")
        if not isinstance(key, str) or not _KEY.fullmatch(key):
            raise _Refusal(400, "Invalid document key. Keys have letters, digits, underscores, dashes and equal signs.")
        for name in action:
            if name not in (*FIELDS, "@search.action"):
                raise _Refusal(400, f"The property '{name}' does not exist on type 'search.documentFields'.")
        embedding = action.get("embedding")
        if embedding is not None and (not isinstance(embedding, list) or len(embedding) != self._width):
            raise _Refusal(400, f"The vector field 'embedding' has {self._width} dimensions.")

    def _searched(self, body: dict[str, Any]) -> dict[str, Any]:
        _check_types(body, _ASKED, "the request")
        top, skip = body.get("top", 50), body.get("skip", 0)
        if not 0 <= top <= MOST_RESULTS or not 0 <= skip <= MOST_SKIPPED:
            raise _Refusal(400, f"'top' is at most {MOST_RESULTS}, 'skip' at most {MOST_SKIPPED}.")
        names = body.get("select", ",".join(FIELDS)).split(",")
        for name in (*names, *(body.get("searchFields") or "text").split(",")):
            if name not in FIELDS:
                raise _Refusal(400, f"Could not find a property named '{name}'.")
        if body.get("orderby", "id asc") != "id asc":
            raise _Refusal(400, "The fake's only sortable field is 'id'.")
        known = {entry.id: entry for entry in self.index.list()}
        found = self._found(body, known)
        if (wanted := body.get("filter")) is not None:
            matched = _FILTER.fullmatch(wanted)
            if matched is None:
                raise _Refusal(400, f"Invalid expression: {wanted}")
            document = matched[1].replace("''", "'")
            found = [(entry, score) for entry, score in found if entry.document == document]
        if "orderby" in body:
            found.sort(key=lambda pair: pair[0].id)
        page = found[skip : skip + top]
        value = [{"@search.score": score, **{name: getattr(entry, name) for name in names}} for entry, score in page]
        return {**({"@odata.count": len(found)} if body.get("count") else {}), "value": value}

    def _found(self, body: dict[str, Any], known: Mapping[str, Entry]) -> list[tuple[Entry, float]]:
        """(document, score) of everything that is found."""
        text, vectors = body.get("search", ""), body.get("vectorQueries", [])
        if not vectors and text in ("", "*"):
            return [(entry, 1.0) for entry in self.index.list()]
        vector = self._vector(vectors) if vectors else None
        phrase = _PHRASE.fullmatch(text)
        mode: Mode = "exact" if phrase else "full-text"
        if vectors:
            mode = "hybrid" if text else "vector"
        if phrase:
            text = re.sub(r"\\(.)", r"\1", phrase[1], flags=re.DOTALL)
        elif not vectors and not re.fullmatch(r"[\w\s]*", text):
            raise _Refusal(400, "The fake's simple syntax has phrases, and words without operators.")
        most = vectors[0]["k"] if mode == "vector" else 10**6
        hits = self.index.search(Query(text=text, embedding=vector), mode, most)
        entries = (known.get(hit.id, Entry(id=hit.id, document=hit.document, text=hit.text)) for hit in hits)
        return [(entry, hit.score or 0.0) for entry, hit in zip(entries, hits, strict=True)]

    def _vector(self, vectors: Sequence[Any]) -> list[float]:
        if len(vectors) != 1 or not isinstance(vectors[0], dict):
            raise _Refusal(400, "The fake takes one vector query.")
        query = vectors[0]
        _check_types(query, _OF_VECTOR, "a vector query")
        if query.get("kind") != "vector" or query.get("fields") != "embedding" or query.get("k", 0) < 1:
            raise _Refusal(400, "A vector query has kind 'vector', fields 'embedding' and k.")
        vector: list[float] = query.get("vector", [])
        if len(vector) != self._width:
            raise _Refusal(400, f"The vector field 'embedding' has {self._width} dimensions.")
        return vector


def _check_types(given: Mapping[str, Any], known: Mapping[str, type], what: str) -> None:
    for name, value in given.items():
        if name not in known:
            raise _Refusal(400, f"The parameter '{name}' is not valid for {what}.")
        if not isinstance(value, known[name]):
            raise _Refusal(400, f"The parameter '{name}' has the wrong type.")
