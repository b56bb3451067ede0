"""What the reference application refuses of documents, splitters, models and settings, each by its name."""

from __future__ import annotations

import pytest

pytest.importorskip("semantic_text_splitter", reason="needs the extra `rag`")

from hypothesis import given
from hypothesis import strategies as st

from eval_suites.rag.app.chunks import PIECE, ChunkError, cut, semantic
from eval_suites.rag.app.corpus import Document, documents
from eval_suites.rag.app.folder import CorpusError, from_folder
from eval_suites.rag.app.settings import Settings, SettingsError


def document(text):
    return Document(source="guide", title="guide", text=text)


def test_a_folder_is_a_corpus(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "b.txt").write_bytes("\ufeffSecond\r\ntext.".encode())
    (tmp_path / "sub" / "a.md").write_text("First.", encoding="utf-8")
    (tmp_path / "picture.png").write_bytes(b"\xff\xd8")
    found = from_folder(tmp_path)
    assert [each.source for each in found] == ["b.txt", "sub/a.md"]
    assert found[0].text == "Second\r\ntext."


def test_an_empty_file_is_refused_by_name(tmp_path):
    (tmp_path / "empty.txt").write_text(" \n")
    with pytest.raises(CorpusError, match=r"empty\.txt is empty"):
        from_folder(tmp_path)


def test_a_folder_without_documents_is_refused(tmp_path):
    with pytest.raises(CorpusError, match="holds no document"):
        from_folder(tmp_path)


def test_a_document_of_50_mb_is_refused_before_it_is_read(tmp_path):
    with (tmp_path / "dump.txt").open("wb") as file:
        file.truncate(50_000_000)
    with pytest.raises(CorpusError, match=r"dump\.txt has 50\.0 MB, more than 5 MB"):
        from_folder(tmp_path)


def test_what_is_no_utf8_is_refused_with_the_byte(tmp_path):
    (tmp_path / "old.txt").write_bytes("naïve".encode("latin-1"))
    with pytest.raises(CorpusError, match=r"old\.txt is no UTF-8: byte 2 \(0xef\)"):
        from_folder(tmp_path)


def test_a_link_that_leads_nowhere_is_refused_by_name(tmp_path):
    (tmp_path / "here.txt").write_text("Here.")
    (tmp_path / "gone.txt").symlink_to(tmp_path / "away.txt")
    with pytest.raises(CorpusError, match=r"gone\.txt is no file, or a link that leads to none"):
        from_folder(tmp_path)


@pytest.mark.parametrize(("size", "overlap"), [(300, 0), (900, 100)])
def test_the_chunks_of_the_corpus_are_the_corpus(size, overlap):
    chunks = cut(documents(), size, overlap)
    texts = {each.source: each.text for each in documents()}
    assert {chunk.source for chunk in chunks} == set(texts)
    assert all(texts[chunk.source][chunk.start : chunk.end] == chunk.text for chunk in chunks)
    assert len({chunk.id for chunk in chunks}) == len(chunks)


@given(st.text(st.sampled_from("aé漢😀 \n.\r\t"), max_size=400), st.integers(5, 60), st.integers(0, 4))
def test_no_character_of_any_text_is_lost_or_repeated_beyond_the_overlap(text, size, overlap):
    reached = 0
    for chunk in cut([document(text)], size, overlap):
        assert text[chunk.start : chunk.end] == chunk.text
        assert not text[reached : chunk.start].strip()
        assert reached - chunk.start <= overlap
        reached = max(reached, chunk.end)
    assert not text[reached:].strip()


def test_a_splitter_sees_no_more_than_a_piece_at_once():
    """It would take hours over five million characters without a space."""
    seen = []

    def splitter(text):
        seen.append(len(text))
        return [(start, text[start : start + 300]) for start in range(0, len(text), 300)]

    chunks = cut([document("x" * (3 * PIECE + 7))], 300, 0, splitter)
    assert seen == [PIECE, PIECE, PIECE, 7]
    assert "".join(chunk.text for chunk in chunks) == "x" * (3 * PIECE + 7)


def test_a_piece_ends_with_a_paragraph_where_one_does():
    seen = []

    def splitter(text):
        seen.append(text)
        return semantic(400, 0)(text)

    cut([document("One line of a paragraph.\n\n" * 4000)], 400, 0, splitter)
    assert len(seen) > 1
    assert all(piece.endswith("\n\n") for piece in seen)


def dropping(text):
    return [(at, piece) for at, piece in semantic(40, 0)(text) if "second" not in piece]


def repeating(text):
    found = semantic(40, 0)(text)
    return [found[0], found[0], *found[1:]]


def changing(text):
    return [(at, piece.upper()) for at, piece in semantic(40, 0)(text)]


def uncut(text):
    return [(0, text)]


@pytest.mark.parametrize(
    ("splitter", "said"),
    [
        (dropping, "no chunk holds characters 22 to 49 of guide: 'The second one says more.'; the splitter drops text"),
        (repeating, "guide:0 repeats 22 characters of guide, more than 0"),
        (changing, "guide:0 does not say what stands there in guide"),
        (uncut, "guide:0 has 74 characters, more than chunk=40"),
    ],
)
def test_a_splitter_that_is_wrong_is_found_out(splitter, said):
    text = "The first sentence is. The second one says more. The third says it's over."
    with pytest.raises(ChunkError) as raised:
        cut([document(text)], 40, 0, splitter)
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("rag", "said"),
    [
        ({"chunks": 300}, "the key 'chunks' under rag is unknown; there are chunk, overlap"),
        ({"k": 0}, "k=0 makes no sense; give a whole number from 1"),
        ({"k": True}, "k=True makes no sense"),
        ({"k": 2.5}, "k=2.5 makes no sense"),
        ({"chunk": "300"}, "chunk='300' makes no sense"),
        ({"overlap": 600}, "overlap=600 is not below chunk=600"),
        ({"search": "fuzzy"}, "search='fuzzy' is unknown; give one of vector, full-text, hybrid"),
        ({"index": "hnsw"}, "index='hnsw' is unknown; give one of flat, ivf"),
        ({"enrichment": None}, "enrichment=None is unknown"),
        ({"embedding": 384}, "embedding=384 is no model"),
        ({"floor": float("nan")}, "floor=nan is no share"),
    ],
)
def test_settings_that_make_no_sense_are_refused_by_name(rag, said):
    with pytest.raises(SettingsError) as raised:
        Settings.of(rag)
    assert said in str(raised.value)
