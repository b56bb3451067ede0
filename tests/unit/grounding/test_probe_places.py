"""Deleted text in answers, the cache, the record, cassettes and other files."""

from __future__ import annotations

import base64
import gzip
import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from probe_help import VOCABULARY, chunk, chunks_of, embed, of

from pytest_genaiops.clients import cassette
from pytest_genaiops.clients.cache import Cache
from pytest_genaiops.clients.request import Request
from pytest_genaiops.config import Settings
from pytest_genaiops.errors import UsageError
from pytest_genaiops.grounding import IndexProbe, ProbeResult, index_probe
from pytest_genaiops.grounding.probe_texts import QUOTED, Copies, phrases, quoted_of, words_of
from pytest_genaiops.records import Case, Passage, Response, ResponseError, Step
from pytest_genaiops.store import TrialRow, Writer
from pytest_genaiops.testing import FakeIndex

CHUNKS = chunks_of(documents=4)
GONE = of(CHUNKS, "d1")
WORDS = (GONE[1].text or "").split()
QUOTE = " ".join(WORDS[10:20])
"""Ten words in a row of what was deleted."""
HARMLESS = " ".join(WORDS[10:16]) + " and then something else"
"""Six of them."""


@pytest.fixture
def probe(tmp_path: Path) -> IndexProbe:
    index = FakeIndex()
    index.add(CHUNKS)
    index.delete(["d1"])
    return index_probe(index, embed=embed, settings=Settings(root=tmp_path))


def look(probe: IndexProbe, *places: Any) -> ProbeResult:
    return probe.deleted(GONE, also=places)


def record(folder: Path, answer: Response, asked: str = "What is left?") -> None:
    writer = Writer(folder, "r1")
    writer.begin(0.0, {"kind": "pytest"})
    suite = writer.suite("t.py::test_it", {"dataset": "support", "n": 1})
    writer.cases(suite, enumerate([Case(id="one", inputs={"question": asked})]))
    variant = writer.variant(suite, "v1", {"prompt": "Answer.", "place": 0})
    writer.trials(variant, [TrialRow(position=0, trial=1, response=answer, prompt=None)])
    writer.end(1.0, 0, {})
    writer.close()


def keep(folder: Path, answer: str) -> None:
    cache = Cache(folder, mode="use", session="s")
    asked = Request(service={"model": "small"}, body={"messages": [{"role": "user", "content": "What is left?"}]})
    cache.claim(asked)
    cache.keep(asked, Response(text=answer))
    cache.close()


class TestAnswers:
    @pytest.mark.parametrize(
        "answer",
        [
            QUOTE,
            Response(text=f"They say: “{QUOTE.upper()}”."),
            Response(text="no", contexts=(GONE[0].text or "",)),
            Response(text="no", retrieved=(Passage(id="x", text=QUOTE),)),
            Response(text="no", tool_calls=({"name": "tell", "arguments": {"of": [QUOTE]}},)),
            Response(text="no", steps=(Step(id="s", output=QUOTE),)),
            Response(text="no", steps=(Step(id="s", output="-", messages=({"role": "user", "content": QUOTE},)),)),
        ],
        ids=["text", "response", "contexts", "retrieved", "tool call", "step", "prompt of a step"],
    )
    def test_an_answer_that_quotes_is_found(self, probe: IndexProbe, answer: Any) -> None:
        result = look(probe, ["fine", answer, "fine"])
        assert [(finding.kind, finding.where) for finding in result.findings] == [("quoted", "answers")]
        assert "answer 2 quotes deleted text" in result.reason
        assert "3 answers" in result.looked

    def test_fewer_words_are_no_quote(self, probe: IndexProbe) -> None:
        assert look(probe, [HARMLESS, Response(text=CHUNKS[0].text or "")])

    def test_an_answer_that_failed_proves_nothing(self, probe: IndexProbe) -> None:
        failed = Response(error=ResponseError(kind="target", message="no connection"))
        result = look(probe, failed)
        assert result.kinds == {"unprobed"}
        assert "answer 1 could not be probed" in result.reason

    @pytest.mark.parametrize("answers", [[5], {"a": 1}])
    def test_what_is_no_answer_is_refused(self, probe: IndexProbe, answers: Any) -> None:
        with pytest.raises(UsageError, match=r"is no (answer|place)"):
            look(probe, answers)

    def test_what_documents_that_stay_say_as_well_tells_nothing(self, tmp_path: Path) -> None:
        shared = " ".join(VOCABULARY[:12])
        own = chunk("a-0", "a", f"{shared} {' '.join(WORDS)}")
        index = FakeIndex()
        index.add([own, chunk("b-0", "b", f"{' '.join(VOCABULARY[100:180])} {shared}")])
        index.delete(["a"])
        probe = index_probe(index, embed=embed, settings=Settings(root=tmp_path))
        assert probe.deleted([own], also=[[f"As all know, {shared}."]])
        assert not probe.deleted([own], also=[[QUOTE]])

    def test_a_short_text_is_looked_for_as_a_whole(self, tmp_path: Path) -> None:
        probe = index_probe(FakeIndex(), embed=embed, settings=Settings(root=tmp_path))
        gone = [chunk("z-0", "z", "Zoe Example, Lamp Street 9")]
        assert not probe.deleted(gone, also=[["Send it to zoe example,  lamp street 9 please"]])
        assert probe.deleted(gone, also=[["Send it to Zoe Example"]])


class TestFiles:
    def test_places_that_are_clean_are_named_with_their_files(self, probe: IndexProbe, tmp_path: Path) -> None:
        keep(tmp_path / ".genaiops", HARMLESS)
        record(tmp_path / ".genaiops", Response(text=HARMLESS))
        result = look(probe, "cache", "record")
        assert result, result.reason
        seen = [text for text in result.looked if text.startswith(("cache (", "record ("))]
        assert len(seen) == 2
        assert all("0 files" not in text for text in seen)

    def test_places_that_are_not_there_hold_nothing_and_it_is_said(self, probe: IndexProbe) -> None:
        result = look(probe, "cache", "record")
        assert result
        assert "looked at: list() of 9 chunks" in result.reason
        assert result.looked[-2:] == ("cache (there is none)", "record (there is none)")

    def test_an_answer_in_the_cache_is_found(self, probe: IndexProbe, tmp_path: Path) -> None:
        keep(tmp_path / ".genaiops", f"They say: {QUOTE}")
        result = look(probe, "cache", "record")
        assert ("quoted", "cache") in [(finding.kind, finding.where) for finding in result.findings]
        assert "cache.sqlite holds deleted text in answers.response" in result.reason

    def test_an_answer_on_record_is_found_and_so_is_a_question(self, probe: IndexProbe, tmp_path: Path) -> None:
        record(tmp_path / ".genaiops", Response(text="no", contexts=(GONE[2].text or "",)))
        assert "record.sqlite holds deleted text in contents.text" in look(probe, "record").reason
        record(tmp_path / "other", Response(text="no"), asked=f"What of {QUOTE}?")
        assert look(probe, Path("other")).kinds == {"quoted"}

    def test_text_that_was_removed_and_still_stands_in_the_file_is_found(
        self, probe: IndexProbe, tmp_path: Path
    ) -> None:
        keep(tmp_path / ".genaiops", f"They say: {QUOTE}")
        file = tmp_path / ".genaiops" / "cache.sqlite"
        with closing(sqlite3.connect(file, isolation_level=None)) as connection:
            connection.execute("PRAGMA secure_delete = OFF")
            connection.execute("DELETE FROM answers")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        assert look(probe, "cache").kinds == {"quoted"}

    def test_a_cassette_is_looked_into(self, probe: IndexProbe, tmp_path: Path) -> None:
        asked = Request(service={"model": "small"}, body={"messages": []})
        cassette.write(tmp_path / "answers.jsonl", [cassette.Line(asked, Response(text=QUOTE))])
        assert look(probe, Path("answers.jsonl")).findings[0].where == "answers.jsonl"
        settings = Settings(root=tmp_path, cassette="answers.jsonl")
        named = index_probe(probe.index, embed=embed, settings=settings)
        assert look(named, "cassette").kinds == {"quoted"}
        with pytest.raises(UsageError, match="'cassette', and none is configured"):
            look(probe, "cassette")

    @pytest.mark.parametrize(
        "data",
        [
            QUOTE.encode(),
            QUOTE.upper().replace(" ", "\n").encode(),
            json.dumps({"a": QUOTE.replace(" ", "\u2003")}).encode(),
            QUOTE.encode("utf-16"),
            gzip.compress(QUOTE.encode()),
            base64.b64encode(QUOTE.encode()),
            b"\0\1\2" + QUOTE.encode(),
        ],
        ids=["plain", "capitals and lines", "json", "utf-16", "gzip", "base64", "binary"],
    )
    def test_any_file_is_looked_into_in_any_spelling(self, probe: IndexProbe, tmp_path: Path, data: bytes) -> None:
        (tmp_path / "reports").mkdir()
        (tmp_path / "reports" / "a.bin").write_bytes(b"nothing at all")
        (tmp_path / "reports" / "b.bin").write_bytes(data)
        result = look(probe, Path("reports"))
        assert [(finding.kind, finding.where) for finding in result.findings] == [("quoted", "reports/b.bin")]
        assert "reports (2 files)" in result.looked

    @pytest.mark.skipif(not hasattr(os, "geteuid"), reason="links need rights on Windows")
    def test_a_file_that_cannot_be_read_is_never_clean(self, probe: IndexProbe, tmp_path: Path) -> None:
        (tmp_path / "reports").mkdir()
        (tmp_path / "reports" / "gone.html").symlink_to(tmp_path / "nowhere")
        result = look(probe, Path("reports"))
        assert result.kinds == {"unprobed"}
        assert "reports/gone.html could not be probed: it cannot be read" in result.reason
        assert "reports (0 files)" in result.looked

    @pytest.mark.parametrize("name", ["cache.sqlite", "record.sqlite"])
    def test_a_database_that_is_spoilt_is_never_clean(self, probe: IndexProbe, tmp_path: Path, name: str) -> None:
        folder = tmp_path / ".genaiops"
        folder.mkdir()
        (folder / name).write_bytes(b"SQLite format 3\0" + b"\xff" * 4096)
        result = look(probe, name.partition(".")[0])
        assert result.kinds == {"unprobed"}

    def test_a_cache_that_was_set_aside_is_never_clean(self, probe: IndexProbe, tmp_path: Path) -> None:
        (tmp_path / ".genaiops").mkdir()
        (tmp_path / ".genaiops" / "cache.sqlite.aside-1").write_bytes(b"whatever")
        assert "it was set aside because it cannot be read" in look(probe, "cache").reason

    def test_a_path_that_is_not_there_is_refused(self, probe: IndexProbe) -> None:
        with pytest.raises(UsageError, match="also has reports, which is not there"):
            look(probe, Path("reports"))


class TestTexts:
    def test_passages_stand_in_the_text_as_they_are(self) -> None:
        text = "One  two,\nthree; four five six seven eight nine — ten eleven twelve."
        assert phrases(text, width=4, most=3) == [
            "One  two,\nthree; four",
            "five six seven eight",
            "nine — ten eleven twelve",
        ]
        assert phrases(text, width=100, most=3) == [
            "One  two,\nthree; four five six seven eight nine — ten eleven twelve"
        ]
        assert phrases("", width=4, most=3) == phrases(" …", width=4, most=3) == []

    def test_passages_that_others_have_are_taken_last(self) -> None:
        text = " ".join(VOCABULARY[:48])
        common = frozenset(zip(*(VOCABULARY[start:24] for start in range(QUOTED)), strict=False))
        assert phrases(text, width=8, most=9, common=common)[0] == " ".join(VOCABULARY[20:28])

    @given(st.text(max_size=300), st.integers(1, 12), st.integers(1, 5))
    def test_passages_are_parts_of_the_text_and_no_more_than_asked(self, text: str, width: int, most: int) -> None:
        found = phrases(text, width=width, most=most)
        assert len(found) <= most
        assert all(each in text for each in found)
        # one word may fold to several, as ¼ does
        assert all(len(each.split()) <= max(width, 1) * 4 for each in found)

    @given(st.lists(st.sampled_from(VOCABULARY), min_size=QUOTED, max_size=40), st.data())
    def test_eight_words_in_a_row_are_always_found(self, words: list[str], data: Any) -> None:
        start = data.draw(st.integers(0, len(words) - QUOTED))
        wanted = quoted_of([" ".join(words)], frozenset())
        assert wanted.in_text(f"He said: {'  '.join(words[start : start + QUOTED]).upper()}!")

    @given(st.lists(st.sampled_from(VOCABULARY), min_size=12, max_size=60, unique=True), st.data())
    def test_a_piece_of_a_text_is_its_copy_and_other_words_are_not(self, words: list[str], data: Any) -> None:
        start = data.draw(st.integers(0, len(words) - 12))
        stop = data.draw(st.integers(start + 12, len(words)))
        copies = Copies([("a", " ".join(words))], threshold=0.8)
        assert copies.of(" ".join(words[start:stop])) == ("a", 1.0)
        assert copies.of(" ".join(words[::-1])) is None

    def test_the_share_is_of_the_shorter_text(self) -> None:
        copies = Copies([("a", " ".join(VOCABULARY[:22]))], threshold=0.5)
        # 20 triples, of which the last 10 words hold 8, in a text of 18 triples
        other = " ".join([*VOCABULARY[12:22], *VOCABULARY[100:110]])
        assert copies.of(other) is None
        assert Copies([("a", " ".join(VOCABULARY[:22]))], threshold=0.4).of(other) == ("a", pytest.approx(8 / 18))

    def test_scripts_without_spaces_are_compared_by_characters(self) -> None:
        assert words_of("東京は大きい city") == ["東", "京", "は", "大", "き", "い", "city"]
        text = "吾輩は猫である。名前はまだ無い。どこで生れたか頓と見当がつかぬ。"
        assert Copies([("a", text)], threshold=0.8).of(text[:-6]) == ("a", 1.0)
