"""A table of LanceDB under the probes: a sound one has no findings, and what was planted is found."""

from __future__ import annotations

import random
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pytest

from pytest_genaiops.adapters.lancedb import LanceIndex, lance_index
from pytest_genaiops.errors import UsageError
from pytest_genaiops.grounding import Entry, IndexProbe, index_probe, manifest_of, text_hash

lancedb: Any = pytest.importorskip("lancedb", reason="needs the extra `rag`: pip install pytest-genaiops[rag]")

WIDTH = 8
COLUMNS = {"id": "id", "document": "document", "text": "text", "embedding": "vector"}
ALL = COLUMNS | {"source": "source", "start": "start", "end": "end", "model": "model", "text_hash": "text_hash"}
WORDS = [
    f"{one}{two}{three}"
    for one in ("ba", "ce", "di", "fo")
    for two in ("ka", "lem", "mi")
    for three in ("no", "pus", "ra")
]
NEW = 'wholly new words nobody knows yet, about the quagga\'s 100% stripes_and "quotes"'
QUERIES = ["bakano cemipus", "dilemra fokano bamira", "cekapus"]


def embed(texts: Sequence[str]) -> list[list[float]]:
    return [[sum(column) for column in zip(*map(_direction, text.split()), strict=True)] for text in texts]


def _direction(word: str) -> list[float]:
    return [byte - 127.5 for byte in blake2b(word.encode(), digest_size=WIDTH).digest()]


def entry(name: str, document: str, text: str) -> Entry:
    about = {"source": document, "start": 0, "end": len(text), "model": "hashed-8", "text_hash": text_hash(text)}
    return Entry(id=name, document=document, text=text, embedding=embed([text])[0], **about)


def chunks_of(documents: int = 6, each: int = 3) -> list[Entry]:
    drawn = random.Random(3)
    return [
        entry(f"d{document}-{number}", f"d{document}", " ".join(drawn.choices(WORDS, k=40)))
        for document in range(documents)
        for number in range(each)
    ]


CHUNKS = chunks_of()


def table_of(folder: Path, chunks: Sequence[Entry], name: str = "chunks") -> Any:
    import pyarrow as pa

    texts = [pa.field(each, pa.string()) for each in ("id", "document", "text", "source", "model", "text_hash")]
    numbers = [pa.field(each, pa.int64()) for each in ("start", "end")]
    schema = pa.schema([*texts, *numbers, pa.field("vector", pa.list_(pa.float32(), WIDTH))])
    table = lancedb.connect(folder / "data").create_table(name, schema=schema)
    lance_index(table, columns=ALL).add(chunks)
    table.create_index("text", config=lancedb.index.FTS())
    return table


@pytest.fixture
def table(tmp_path: Path) -> Any:
    return table_of(tmp_path, CHUNKS)


@pytest.fixture
def index(table: Any) -> LanceIndex:
    return lance_index(table, columns=ALL)


def probe_of(index: Any) -> IndexProbe:
    return index_probe(index, embed=embed, model="hashed-8")


def of(document: str) -> list[Entry]:
    return [each for each in CHUNKS if each.document == document]


def test_a_sound_table_has_no_findings(index: LanceIndex, tmp_path: Path) -> None:
    probe = probe_of(index)
    other = lance_index(table_of(tmp_path, CHUNKS[::-1], "rebuilt"), columns=ALL)
    gone = probe.chunks_of(["d1"])
    for result in (
        probe.fresh(entry("probe-0", "probe", NEW), within=30),
        probe.agrees(manifest_of(CHUNKS)),
        probe.embeddings(),
        probe.modes(),
        probe.same_as(other, QUERIES, k=100),
    ):
        assert result, result.reason
    index.delete(["d1"])
    result = probe.deleted(gone)
    assert result, result.reason
    assert [text.partition(" (")[0] for text in result.looked] == [
        "list() of 15 chunks",
        "exact search",
        "full-text search",
        "vector search",
        "hybrid search",
    ]


def test_entries_come_back_as_they_went_in(index: LanceIndex) -> None:
    listed = {each.id: each for each in index.list()}
    assert listed == {each.id: each for each in CHUNKS}
    assert listed["d1-1"].embedding == pytest.approx(CHUNKS[4].embedding)


def test_a_document_that_was_not_deleted_is_found_by_every_search(index: LanceIndex) -> None:
    result = probe_of(index).deleted(of("d1"))
    assert {finding.mode for finding in result.findings} == {None, "exact", "full-text", "vector", "hybrid"}


def test_a_near_copy_under_another_id_is_found(index: LanceIndex) -> None:
    text = " ".join((CHUNKS[3].text or "").split()[:-3])
    index.add([entry("archive-7", "archive", text.upper())])
    index.delete(["d1"])
    result = probe_of(index).deleted(of("d1"))
    assert result.kinds == {"copy"}
    assert "list()" in {finding.where for finding in result.findings}


def test_an_update_that_never_came_is_found(index: LanceIndex, table: Any, tmp_path: Path) -> None:
    changed = [entry(each.id, "d2", f"{each.text} and a new end of it all") for each in of("d2")]
    index.add(changed[:2])
    wanted = {each.id: each for each in [*CHUNKS, *changed]}
    result = probe_of(index).agrees(manifest_of(wanted.values()))
    assert [(finding.kind, finding.chunk) for finding in result.findings] == [("differs", "d2-2")]
    rebuilt = lance_index(table_of(tmp_path, [*wanted.values()], "rebuilt"), columns=ALL)
    assert "results" in probe_of(index).same_as(rebuilt, ["a new end of it all"], k=3).kinds


def test_rows_that_were_added_twice_are_found(index: LanceIndex, table: Any) -> None:
    table.add(table.search().limit(1).to_arrow())
    assert probe_of(index).agrees(manifest_of(CHUNKS)).kinds == {"duplicate"}


def test_embeddings_of_another_model_or_text_are_found(index: LanceIndex, table: Any) -> None:
    table.update(where="id = 'd3-0'", values={"vector": [1.0] * WIDTH})
    table.update(where="id = 'd3-1'", values={"model": "hashed-9"})
    table.update(where="id = 'd3-2'", values={"text": "the text was edited by hand in the table itself"})
    result = probe_of(index).embeddings()
    assert {(finding.kind, finding.chunk) for finding in result.findings} == {
        ("embedding", "d3-0"),
        ("model", "d3-1"),
        ("embedding", "d3-2"),
    }


def test_a_table_with_embeddings_of_another_width_could_not_be_probed(tmp_path: Path) -> None:
    table = lancedb.connect(tmp_path).create_table(
        "bare", [{"id": "a", "document": "d", "text": "t", "vector": [1.0, 0.0]}]
    )
    result = probe_of(lance_index(table)).deleted(of("d1"))
    unprobed = [finding for finding in result.findings if finding.kind == "unprobed"]
    assert {"vector", "hybrid"} <= {finding.mode for finding in unprobed}


def test_an_embedding_of_another_width_cannot_be_added(index: LanceIndex) -> None:
    result = probe_of(index).fresh(Entry(id="p", document="p", text=NEW, embedding=[1.0] * 3), within=0)
    assert "unprobed" in result.kinds
    assert "add() could not be probed" in result.reason


def test_an_empty_table_is_no_proof_of_embeddings_and_takes_any_k(tmp_path: Path) -> None:
    index = lance_index(table_of(tmp_path, []), columns=ALL)
    probe = probe_of(index)
    assert probe.embeddings().kinds == {"unprobed"}
    assert probe.agrees(manifest_of(CHUNKS[:2])).kinds == {"lost"}
    assert probe.deleted(of("d1"), k=1000)


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({**COLUMNS, "embedding": "embedding"}, "has no column 'embedding'; it has 'id'"),
        ({**COLUMNS, "page": "id"}, "columns has 'page'"),
        ({"id": "id", "text": "text"}, "columns lacks 'document', 'embedding'"),
    ],
)
def test_columns_that_the_table_does_not_have_are_refused(table: Any, columns: dict[str, str], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        lance_index(table, columns=columns)


def test_a_connection_is_no_table(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no table; give"):
        lance_index(lancedb.connect(tmp_path), columns=COLUMNS)
