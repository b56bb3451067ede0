"""Azure AI Search's REST shape (api-version 2024-07-01), spoken to a local server that refuses all else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from probe_help import MODEL, WIDTH, Watch, chunk, chunks_of, embed, of

from pytest_genaiops.adapters.azure_search import AzureSearchIndex, azure_search
from pytest_genaiops.errors import UsageError
from pytest_genaiops.grounding import Entry, IndexProbe, Query, index_probe, manifest_of
from pytest_genaiops.testing import FakeIndex, FakeSearchServer

KEY = "key-of-the-fake-0123456789"
FIELDS = {
    name: name for name in ("id", "document", "text", "embedding", "source", "start", "end", "model", "text_hash")
}
CHUNKS = chunks_of()
NEW = chunk("probe-0", "probe", 'wholly new words, "nobody" knows (yet) about the quagga + its stripes')


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_SEARCH_KEY", KEY)


@pytest.fixture
def server() -> Iterator[FakeSearchServer]:
    with FakeSearchServer(key=KEY) as served:
        yield served


def client_of(server: FakeSearchServer, **options: Any) -> AzureSearchIndex:
    given = {"headers": {"api-key": "${env:FAKE_SEARCH_KEY}"}, "fields": FIELDS, "sleep": lambda _: None, **options}
    return azure_search(server.url, "docs", **given)


def probe_of(index: AzureSearchIndex) -> IndexProbe:
    return index_probe(index, embed=embed, model=MODEL, clock=Watch().clock)


def test_a_sound_service_has_no_findings(server: FakeSearchServer) -> None:
    index = client_of(server)
    index.add(CHUNKS)
    probe = probe_of(index)
    rebuilt = FakeIndex()
    rebuilt.add(CHUNKS)
    gone = probe.chunks_of(["d1"])
    assert [each.id for each in gone] == ["d1-0", "d1-1", "d1-2"]
    for result in (
        probe.fresh(NEW, within=2),
        probe.agrees(manifest_of(CHUNKS)),
        probe.embeddings(),
        probe.modes(),
        probe.same_as(rebuilt, [" ".join((each.text or "").split()[:6]) for each in CHUNKS], k=50),
    ):
        assert result, result.reason
    index.delete(["d1"])
    result = probe.deleted(gone)
    assert result, result.reason
    assert {status for _, status in server.calls} == {200}


@pytest.mark.parametrize("fault", ["full-text kept", "vector kept", "tombstone"])
def test_what_the_service_still_finds_is_found(server: FakeSearchServer, fault: str) -> None:
    index = client_of(server)
    index.add(CHUNKS)
    server.index.fault = fault
    index.delete(["d1"])
    assert "found" in probe_of(index).deleted(of(CHUNKS, "d1")).kinds


def test_entries_come_back_as_they_went_in(server: FakeSearchServer) -> None:
    index = client_of(server)
    index.add(CHUNKS)
    listed = {entry.id: entry for entry in index.list()}
    assert listed == {each.id: each for each in CHUNKS}
    assert listed["d3-1"].embedding == pytest.approx(CHUNKS[10].embedding)


def test_fields_have_the_names_that_the_index_gives_them() -> None:
    sent: list[Any] = []

    class Kept:
        def post(self, path: str, body: Any) -> Any:
            sent.append((path, body))
            rows = [{"key": each["chunk_id"], "status": True} for each in body.get("value", ())]
            return {"value": rows or [{"chunk_id": "a", "parent_id": "p", "chunk": "t", "@search.score": 2.5}]}

    fields = {"id": "chunk_id", "document": "parent_id", "text": "chunk", "embedding": "text_vector"}
    index = AzureSearchIndex(Kept(), "my index", fields=fields, modes=("hybrid",), sleep=lambda _: None)  # type: ignore[arg-type]
    index.add([Entry(id="a", document="p", text="t", embedding=[0, 1], source="not asked for")])
    (hit,) = index.search(Query(text='the "end" of it', embedding=[0.5, 1]), "hybrid", 3)
    assert (hit.id, hit.document, hit.text, hit.score) == ("a", "p", "t", 2.5)
    row = {"@search.action": "upload", "chunk_id": "a", "parent_id": "p", "chunk": "t", "text_vector": [0.0, 1.0]}
    asked = {
        "select": "chunk_id,parent_id,chunk",
        "search": "the end of it",
        "searchFields": "chunk",
        "queryType": "simple",
        "searchMode": "any",
        "vectorQueries": [
            {"kind": "vector", "vector": [0.5, 1.0], "fields": "text_vector", "k": 3, "exhaustive": True}
        ],
        "top": 3,
    }
    assert sent == [
        ("/indexes/my%20index/docs/index?api-version=2024-07-01", {"value": [row]}),
        ("/indexes/my%20index/docs/search?api-version=2024-07-01", asked),
    ]


def test_more_than_a_page_is_listed_and_more_than_a_batch_is_written(server: FakeSearchServer) -> None:
    index = client_of(server)
    many = [
        Entry(id=f"c{number:04}", document=f"d{number % 3}", text=f"text number {number}") for number in range(1203)
    ]
    index.add(many)
    assert [entry.id for entry in index.list()] == [entry.id for entry in many]
    index.delete(["d1"])
    assert {entry.document for entry in index.list()} == {"d0", "d2"}
    writing = [path for path, _ in server.calls if path.endswith("/index")]
    assert len(writing) == 3 + 1


def test_a_document_whose_name_has_quotes_is_deleted(server: FakeSearchServer) -> None:
    index = client_of(server)
    index.add([Entry(id="c", document="it's 'here'", text="some text")])
    index.delete(["it's 'here'"])
    assert list(index.list()) == []


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_service_is_asked_again(status: int) -> None:
    slept: list[float] = []
    with FakeSearchServer(key=KEY, refuse={1: status, 2: status}) as server:
        client_of(server, sleep=slept.append).add(CHUNKS)
        assert [code for _, code in server.calls] == [status, status, 200]
    assert len(slept) == 2


def test_documents_of_a_batch_that_were_not_taken_are_sent_again() -> None:
    with FakeSearchServer(key=KEY, refuse={1: 207}) as server:
        client_of(server).add(CHUNKS)
        assert [code for _, code in server.calls] == [207, 200]
        assert len(list(server.index.list())) == len(CHUNKS)


def test_a_document_that_is_never_taken_is_named() -> None:
    refused = pytest.raises(UsageError, match="refused 1 of 1 documents, 'd0-0' with status 503")
    with FakeSearchServer(key=KEY, refuse=dict.fromkeys(range(1, 10), 207)) as server, refused:
        client_of(server).add(CHUNKS)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (Entry(id="a/b#1", document="d", text="t"), "Invalid document key"),
        (Entry(id="a", document="d", text="t", embedding=[1.0] * (WIDTH + 1)), "has 8 dimensions"),
    ],
)
def test_what_the_service_refuses_is_told_in_its_words(server: FakeSearchServer, entry: Entry, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        client_of(server).add([entry])


def test_a_wrong_key_is_refused_and_shown_nowhere(server: FakeSearchServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_SEARCH_KEY", "another-key-9876543210")
    index = client_of(server)
    result = probe_of(index).agrees(manifest_of(CHUNKS))
    assert result.kinds == {"unprobed"}
    assert "403 Forbidden" in result.reason
    assert "9876543210" not in f"{result.reason} {index!r} {result!r}"


def test_a_bearer_token_does_as_well(server: FakeSearchServer) -> None:
    index = client_of(server, headers={"Authorization": "Bearer ${env:FAKE_SEARCH_KEY}"})
    assert list(index.list()) == []


def test_an_index_that_is_not_there_could_not_be_probed(server: FakeSearchServer) -> None:
    index = azure_search(server.url, "other", headers={"api-key": "${env:FAKE_SEARCH_KEY}"}, sleep=lambda _: None)
    result = index_probe(index, embed=embed).deleted(of(CHUNKS, "d1"))
    assert result.kinds == {"unprobed"}
    assert len(result.findings) >= 4


def test_a_service_that_cannot_be_reached_could_not_be_probed() -> None:
    with FakeSearchServer() as served:
        url = served.url
    index = azure_search(url, "docs", headers={"api-key": "${env:FAKE_SEARCH_KEY}"}, modes=["exact"])
    index._poster._sleep = lambda _: None
    result = index_probe(index).agrees(manifest_of(CHUNKS))
    assert result.kinds == {"unprobed"}
    assert "cannot be reached" in result.reason


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ([], "without 'value'"),
        ({"value": "abc"}, "without 'value'"),
        ({"value": []}, "changed while it was listed"),
        ({"value": [], "@odata.count": 3}, "lists 0 of 3 documents and then no more"),
        ({"value": [], "@odata.count": 100_001}, "the service lists 100,000 at most"),
    ],
)
def test_replies_that_make_no_sense_are_named(said: Any, words: str) -> None:
    class Odd:
        shown = "https://acme.search.windows.net"

        def post(self, path: str, body: Any) -> Any:
            return said

    index = AzureSearchIndex(Odd(), "docs", fields=FIELDS, modes=("exact",), sleep=lambda _: None)  # type: ignore[arg-type]
    result = index_probe(index).agrees(manifest_of(CHUNKS))
    assert result.kinds == {"unprobed"}
    assert words in result.reason


def test_values_of_the_wrong_type_are_a_finding() -> None:
    class Odd:
        shown = "https://acme.search.windows.net"

        def post(self, path: str, body: Any) -> Any:
            return {"value": [{"id": 5, "document": "d", "text": None}], "@odata.count": 1}

    index = AzureSearchIndex(Odd(), "docs", fields=FIELDS, modes=("exact",), sleep=lambda _: None)  # type: ignore[arg-type]
    assert "are not texts" in index_probe(index).agrees(manifest_of(CHUNKS)).reason


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"headers": {"api-key": "0123456789abcdef"}}, "the header 'api-key' holds a key"),
        ({"headers": {"api key": "${env:X}"}}, "the header 'api key' is none"),
        ({"headers": "api-key"}, "headers are no mapping"),
        ({"fields": {"id": "id", "document": "d", "text": "t"}}, "fields lacks 'embedding'"),
        ({"fields": {**FIELDS, "page": "page"}}, "fields has 'page'"),
        ({"fields": {**FIELDS, "text": "a,b"}}, "fields has 'text': 'a,b'"),
    ],
)
def test_what_cannot_be_right_is_refused(arguments: dict[str, Any], words: str) -> None:
    given = {"headers": {"api-key": "${env:FAKE_SEARCH_KEY}"}, **arguments}
    with pytest.raises(UsageError, match=words):
        azure_search("https://acme.search.windows.net", "docs", **given)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("acme.search.windows.net", "is none; write"),
        ("https://user:secret-of-mine@acme", "holds a password or key"),
        ("https://acme/?sig=abcdefghij", "holds a password or key"),
        ("http://[::1", "is none; mend its host"),
    ],
)
def test_addresses_that_are_none_are_refused(url: str, words: str) -> None:
    with pytest.raises(UsageError, match=words) as raised:
        azure_search(url, "docs", headers={})
    assert "secret-of-mine" not in str(raised.value)


def test_an_embedding_that_is_not_finite_is_not_sent(server: FakeSearchServer) -> None:
    with pytest.raises(UsageError, match="no form in JSON"):
        client_of(server).add([replace(CHUNKS[0], embedding=[float("nan")] * WIDTH)])
