"""A search API of one's own: JSON at four paths, tried against a server on this machine."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import pytest
from probe_help import MODEL, Watch, chunk, chunks_of, embed, of

from pytest_genaiops.adapters.search_api import SearchApi, search_api
from pytest_genaiops.errors import UsageError
from pytest_genaiops.grounding import Entry, Query, index_probe, manifest_of
from pytest_genaiops.testing import FakeIndex
from pytest_genaiops.testing.serving import Serving

CHUNKS = chunks_of(documents=4)
PAGE = 5


class Shelf:
    """Speaks the plain form strictly, over an index in memory."""

    def __init__(self) -> None:
        self.index = FakeIndex()
        self.asked: list[tuple[str, Any, str]] = []

    def answer(self, path: str, body: Any) -> tuple[int, Any]:
        wanted = {"/add": {"chunks"}, "/delete": {"documents"}, "/list": {"after"}}
        wanted["/search"] = {"text", "embedding", "mode", "k"}
        if path not in wanted or set(body) != wanted[path]:
            return 400, {"error": f"{path} does not take {sorted(body)}"}
        if path == "/add":
            self.index.add([Entry(**row) for row in body["chunks"]])
        elif path == "/delete":
            self.index.delete(body["documents"])
        elif path == "/list":
            rows = [asdict(entry) for entry in self.index.list()]
            start = int(body["after"] or 0)
            more = start + PAGE < len(rows)
            return 200, {"entries": rows[start : start + PAGE], "after": str(start + PAGE) if more else None}
        else:
            hits = self.index.search(Query(text=body["text"], embedding=body["embedding"]), body["mode"], body["k"])
            return 200, {"hits": [asdict(hit) for hit in hits]}
        return 200, {}


@contextmanager
def served(answer: Callable[[str, Any], tuple[int, Any]], seen: list[Mapping[str, str]] | None = None) -> Iterator[str]:
    async def handle(request: Any) -> Any:
        from aiohttp.web import Response

        if seen is not None:
            seen.append(request.headers)
        status, said = answer(request.path, json.loads(await request.read()))
        return Response(status=status, text=said if isinstance(said, str) else json.dumps(said))

    serving = Serving(handle)
    try:
        yield serving.start()
    finally:
        serving.stop()


def test_a_sound_service_has_no_findings() -> None:
    with served(Shelf().answer) as url:
        index = search_api(url, headers={})
        index.add(CHUNKS)
        probe = index_probe(index, embed=embed, model=MODEL, clock=Watch().clock)
        gone = probe.chunks_of(["d1"])
        new = chunk("probe-0", "probe", "wholly new words nobody knows yet, about the quagga")
        rebuilt = FakeIndex()
        rebuilt.add(CHUNKS)
        for result in (
            probe.fresh(new, within=2),
            probe.agrees(manifest_of(CHUNKS)),
            probe.embeddings(),
            probe.modes(),
            probe.same_as(rebuilt, [(each.text or "")[:30] for each in CHUNKS]),
        ):
            assert result, result.reason
        index.delete(["d1"])
        assert probe.deleted(gone)
        index.close()


def test_what_the_service_still_finds_is_found() -> None:
    shelf = Shelf()
    with served(shelf.answer) as url:
        index = search_api(url, headers={})
        index.add(CHUNKS)
        shelf.index.fault = "full-text kept"
        index.delete(["d1"])
        assert "found" in index_probe(index, embed=embed).deleted(of(CHUNKS, "d1")).kinds


def test_bodies_and_replies_may_have_another_form(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELF_KEY", "key-of-the-shelf-0123")
    asked: list[Any] = []
    seen: list[Mapping[str, str]] = []

    def answer(path: str, body: Any) -> tuple[int, Any]:
        asked.append((path, body))
        return 200, {"data": {"found": [{"_id": "a", "meta": {"file": "p"}, "body": "t", "score": 2}]}}

    with served(answer, seen) as url:
        index = search_api(
            f"{url}/v2",
            headers={"Authorization": "Bearer ${env:SHELF_KEY}"},
            fields={"id": "_id", "document": "meta.file", "text": "body"},
            replies={"hits": "data.found"},
            body=lambda operation, given: {"q": given["text"], "size": given["k"], "op": operation},
        )
        (hit,) = index.search(Query(text="what is it"), "full-text", 3)
    assert (hit.id, hit.document, hit.text, hit.score) == ("a", "p", "t", 2)
    assert asked == [("/v2/search", {"q": "what is it", "size": 3, "op": "search"})]
    assert seen[0]["Authorization"] == "Bearer key-of-the-shelf-0123"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"results": []}, "without a list of entries; it has 'results'"),
        ([], "without a list of entries"),
        ("no json", "a reply that is no JSON: 'no json'"),
        ({"entries": ["a"]}, "are not texts"),
        ({"entries": [], "after": "x"}, "again and again"),
    ],
)
def test_replies_that_make_no_sense_could_not_be_probed(said: Any, words: str) -> None:
    with served(lambda path, body: (200, said)) as url:
        result = index_probe(search_api(url, headers={}, modes=["exact"])).agrees(manifest_of(CHUNKS))
    assert result.kinds == {"unprobed"}
    assert words in result.reason


def test_a_failing_expression_is_named() -> None:
    with served(lambda path, body: (200, {"hits": 5})) as url:
        index = search_api(url, headers={}, replies={"hits": "sort(hits)"})
        with pytest.raises(UsageError, match="the expression for hits fails"):
            index.search(Query(text="a"), "exact", 1)


def test_a_service_that_refuses_is_told_in_its_words() -> None:
    refused = pytest.raises(UsageError, match='answered 400 Bad Request: "no such tenant"')
    with served(lambda path, body: (400, {"error": {"message": "no such tenant"}})) as url, refused:
        search_api(url, headers={}).delete(["d1"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"replies": {"rows": "rows"}}, "replies has 'rows'"),
        ({"replies": {"hits": "data["}}, "is no JMESPath expression"),
        ({"replies": {"hits": 5}}, "is no JMESPath expression"),
        ({"fields": {"page": "page"}}, "fields has 'page'"),
        ({"headers": {"Authorization": "Bearer 0123456789abcdef"}}, "holds a key"),
    ],
)
def test_what_cannot_be_right_is_refused(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        search_api("https://search.example", **{"headers": {}, **arguments})


def test_a_variable_that_is_not_set_could_not_be_probed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOT_SET_AT_ALL", raising=False)
    index: SearchApi = search_api("${env:NOT_SET_AT_ALL}", headers={}, modes=["exact"])
    assert "'NOT_SET_AT_ALL' is not set" in index_probe(index).agrees(manifest_of(CHUNKS)).reason
