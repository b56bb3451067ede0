"""Checks of chunks: each planted fault is found and named, and a correct cut has none."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_genaiops.errors import MetricError
from pytest_genaiops.grounding import chunk_checks
from pytest_genaiops.records import Passage

SOURCES = {"a": "The cat sat on the mat. It slept.", "b": "Dogs bark at night, mostly."}


def cut(source: str, text: str, size: int, step: int) -> list[dict[str, Any]]:
    """Windows of ``size`` characters, one every ``step``."""
    return [
        {
            "id": f"{source}-{at}",
            "source": source,
            "start": at,
            "end": min(at + size, len(text)),
            "text": text[at : at + size],
        }
        for at in range(0, len(text), step)
    ]


def chunks(size: int = 12, step: int = 10) -> list[dict[str, Any]]:
    return [chunk for name, text in SOURCES.items() for chunk in cut(name, text, size, step)]


class TestSizes:
    def test_in_characters(self) -> None:
        sizes = chunk_checks(["a" * n for n in range(1, 101)]).sizes
        assert (sizes.n, sizes.min, sizes.p05, sizes.median, sizes.p95, sizes.max, sizes.mean) == (
            100,
            1,
            5,
            50,
            95,
            100,
            50.5,
        )

    @pytest.mark.parametrize(("size", "expected"), [("words", 3), (str.split, 3), (lambda text: len(text) * 2, 22)])
    def test_in_other_units(self, size: Any, expected: int) -> None:
        assert chunk_checks(["one two six"], size=size).sizes.max == expected

    def test_outside_a_range_the_farthest_first(self) -> None:
        found = chunk_checks(["a" * 5, "b" * 50, "c" * 30, "d" * 10]).outside(10, 20)
        assert [flaw.position for flaw in found] == [1, 2, 0]
        assert (found.share, found[0].reason) == (0.75, "it has 50 characters")

    def test_a_tokenizer_that_gives_neither_tokens_nor_a_number(self) -> None:
        with pytest.raises(MetricError, match="the tokenizer gave None; return the tokens"):
            _ = chunk_checks(["a"], size=lambda _: None).sizes

    def test_a_range_in_the_wrong_order(self) -> None:
        with pytest.raises(MetricError, match="no size is from 20 to 10"):
            chunk_checks(["a"]).outside(20, 10)


class TestTexts:
    def test_empty_ones(self) -> None:
        assert [flaw.position for flaw in chunk_checks(["a", "", " \n\t", "b"]).empty] == [1, 2]

    def test_exact_copies_name_the_first_one(self) -> None:
        found = chunk_checks(
            [{"id": "x", "text": "same"}, {"id": "y", "text": "other"}, {"id": "z", "text": "same"}, ""]
        )
        assert repr(found.duplicates) == "<1 in 4 chunks: chunk 'z': it has the text of chunk number 0>"

    def test_empty_ones_are_no_copies(self) -> None:
        checks = chunk_checks(["", "", " "])
        assert not checks.duplicates
        assert not checks.near_duplicates

    def test_near_copies_without_the_exact_ones(self) -> None:
        text = " ".join(f"word{i}" for i in range(40))
        found = chunk_checks([text, text, f"{text} more", "something else altogether"]).near_duplicates
        assert [(flaw.position, flaw.reason) for flaw in found] == [(2, "it is nearly chunk number 0 (0.97)")]

    def test_what_is_no_character(self) -> None:
        found = chunk_checks(["fine", "half \ud800", "lost \ufffd", "nul \0"]).garbled
        assert [flaw.reason for flaw in found] == [
            "it holds '\\ud800' at character 5",
            "it holds '\\ufffd' at character 5",
            "it holds '\\x00' at character 4",
        ]
        assert repr(found).isascii()

    @pytest.mark.parametrize("wrong", ["latin-1", "cp1252"])
    @pytest.mark.parametrize("text", ["Café fermé", "it’s", "an “aside”", "naïve, Größe"])
    def test_utf_8_that_was_read_in_another_encoding(self, wrong: str, text: str) -> None:
        misread = text.encode().decode(wrong, "replace")
        assert [flaw.position for flaw in chunk_checks([text, misread]).garbled] == [1]

    def test_what_looks_a_little_like_it_is_not_garbled(self) -> None:
        assert not chunk_checks(["SÃO PAULO, AÇÃO", "château €5, â €", "a line\x85and the next", "Â« ou non »"]).garbled

    def test_ids_that_come_twice(self) -> None:
        found = chunk_checks(
            [{"id": 7, "text": "a"}, {"id": "7", "text": "b"}, {"id": "", "text": "c"}, {"id": "", "text": "d"}]
        )
        assert [flaw.position for flaw in found.duplicate_ids] == [1, 3]

    def test_ids_that_are_not_there(self) -> None:
        with pytest.raises(MetricError, match="chunk number 0 has no id; give every chunk one"):
            _ = chunk_checks(["a"]).duplicate_ids


class TestPlaces:
    def test_a_correct_cut_has_no_flaw(self) -> None:
        checks = chunk_checks(chunks(), SOURCES)
        assert not checks.misplaced
        assert not checks.differing
        assert not checks.duplicate_ids
        assert (checks.coverage.share, checks.coverage.gaps) == (1.0, ())

    def test_overlap_of_neighbours(self) -> None:
        overlap = chunk_checks(chunks(size=12, step=10), SOURCES).overlap
        # a: 0-12, 10-22, 20-32, 30-33; b: 0-12, 10-22, 20-27. The last chunk of a has 3 characters and shares 2.
        assert (overlap.characters.n, overlap.characters.min, overlap.characters.max) == (5, 2, 2)
        assert (overlap.share.min, overlap.share.max) == (2 / 12, 2 / 3)

    def test_gaps_are_named_with_their_places(self) -> None:
        kept = [chunk for chunk in chunks(size=10) if chunk["id"] != "a-10"]
        found = chunk_checks(kept, SOURCES).coverage
        # Without "t on the m" source a lacks 7 of its 26 characters that are not white.
        assert [(gap.start, gap.end, gap.characters, gap.text) for gap in found.gaps] == [(10, 20, 7, "t on the m")]
        assert found.by_source["a"] == 19 / 26
        assert found.by_source["b"] == 1.0
        assert found.worst == found.by_source["a"]

    def test_a_chunk_within_another_one(self) -> None:
        spans = [(0, 20), (5, 10), (15, 30)]
        given = [{"source": "s", "start": start, "end": end, "text": "x" * (end - start)} for start, end in spans]
        checks = chunk_checks(given, {"s": "x" * 40})
        assert [(gap.start, gap.end) for gap in checks.coverage.gaps] == [(30, 40)]
        assert checks.coverage.share == 0.75
        # 5 to 10 is shared with the chunk around it; what comes next begins behind it.
        assert (checks.overlap.characters.min, checks.overlap.characters.max) == (0, 5)
        assert checks.overlap.share.max == 1

    def test_white_space_between_chunks_is_no_gap(self) -> None:
        text = "one\n\n\ntwo"
        checks = chunk_checks(
            [
                {"source": "s", "start": 0, "end": 3, "text": "one"},
                {"source": "s", "start": 6, "end": 9, "text": "two"},
            ],
            {"s": text},
        )
        assert checks.coverage.share == 1.0

    def test_a_source_without_chunks_and_one_without_text(self) -> None:
        found = chunk_checks(chunks(), {**SOURCES, "c": "lost", "d": " \n"}).coverage
        assert (found.worst, found.by_source["c"], found.empty) == (0.0, 0.0, ("d",))
        assert "'c' from 0 to 4 ('lost')" in repr(found)

    @pytest.mark.parametrize(
        ("start", "end", "reason"),
        [
            (5, 5, "it goes from 5 to 5, which is no span"),
            (9, 3, "it goes from 9 to 3, which is no span"),
            (-2, 3, "it goes from -2 to 3, which is no span"),
            (0.0, 3, "it goes from 0.0 to 3, which is no span"),
            ("0", 3, "it goes from '0' to 3, which is no span"),
            (True, 3, "it goes from True to 3, which is no span"),
            (0, 34, "it ends at 34, and its source 'a' has 33 characters"),
        ],
    )
    def test_places_that_are_none(self, start: object, end: object, reason: str) -> None:
        checks = chunk_checks([{"id": "x", "text": "The", "source": "a", "start": start, "end": end}], SOURCES)
        assert [flaw.reason for flaw in checks.misplaced] == [reason]
        assert checks.coverage.share == 0.0
        assert not checks.differing

    def test_a_source_that_is_not_there(self) -> None:
        found = chunk_checks([{"text": "x", "source": "z", "start": 0, "end": 1}], SOURCES).misplaced
        assert [flaw.reason for flaw in found] == ["its source 'z' is not among those given"]

    def test_text_that_differs_from_its_source(self) -> None:
        given = chunks()
        given[0]["text"] = "The dog sat "
        given[1]["text"] = given[1]["text"].replace(" ", "\n")
        found = chunk_checks(given, SOURCES).differing
        assert [flaw.reason for flaw in found] == [
            "its text has 'dog sat ' at character 4, where the source has 'cat sat '",
            "its text differs from its place in the source in white space alone",
        ]

    @pytest.mark.parametrize("check", ["coverage", "differing"])
    def test_what_needs_the_sources(self, check: str) -> None:
        with pytest.raises(MetricError, match="this check needs the sources"):
            getattr(chunk_checks(chunks()), check)

    @pytest.mark.parametrize("check", ["coverage", "differing", "overlap", "misplaced"])
    def test_what_needs_places(self, check: str) -> None:
        with pytest.raises(MetricError, match="chunk number 7 does not tell its source, start and end"):
            getattr(chunk_checks([*chunks(), "homeless"], SOURCES), check)

    def test_nothing_to_cover_and_no_neighbours(self) -> None:
        checks = chunk_checks([{"text": "x", "source": "s", "start": 0, "end": 1}], {"s": " "})
        with pytest.raises(MetricError, match="all sources are empty"):
            _ = checks.coverage
        with pytest.raises(MetricError, match="no source has two chunks"):
            _ = checks.overlap

    @given(st.text("ab \n", min_size=1, max_size=40), st.integers(1, 10), st.integers(1, 10))
    def test_windows_cover_what_their_steps_leave(self, text: str, size: int, step: int) -> None:
        held = [any(at <= i < at + size for at in range(0, len(text), step)) for i in range(len(text))]
        solid = [not character.isspace() for character in text]
        if not any(solid):
            return
        expected = sum(h and s for h, s in zip(held, solid, strict=True)) / sum(solid)
        assert chunk_checks(cut("s", text, size, step), {"s": text}).coverage.share == pytest.approx(expected)


class TestStability:
    def test_the_same_build_twice(self) -> None:
        assert chunk_checks(chunks(), SOURCES).stable_with(chunk_checks(list(reversed(chunks())), SOURCES))

    def test_ids_by_a_running_number(self) -> None:
        mine = [{**chunk, "id": f"chunk-{number}"} for number, chunk in enumerate(chunks()[1:])]
        theirs = [{**chunk, "id": f"chunk-{number}"} for number, chunk in enumerate(chunks())]
        found = chunk_checks(mine).stable_with(theirs)
        assert not found
        assert found.altered.share == 1.0
        assert (
            found.altered[0].reason == "the same id has another place in the other build"
            or "text" in found.altered[0].reason
        )

    def test_ids_that_are_drawn_anew(self) -> None:
        theirs = [{**chunk, "id": f"new-{chunk['id']}"} for chunk in chunks()]
        found = chunk_checks(chunks()).stable_with(theirs)
        assert (len(found.renamed), len(found.lost), len(found.added)) == (7, 0, 0)
        assert found.renamed[0].reason == "the other build calls it 'new-a-0'"

    def test_sources_that_changed_do_not_count(self) -> None:
        later = {**SOURCES, "b": "Cats sleep."}
        mine = chunk_checks(cut("a", SOURCES["a"], 12, 10) + cut("b", later["b"], 12, 10), later)
        found = mine.stable_with(chunk_checks(chunks(), SOURCES))
        assert found
        assert found.n == 4

    def test_chunks_that_came_and_went(self) -> None:
        found = chunk_checks(chunks()[1:], SOURCES).stable_with(chunk_checks(chunks()[:-1], SOURCES))
        assert ([f.chunk for f in found.added], [f.chunk for f in found.lost]) == (["'b-20'"], ["'a-0'"])
        assert repr(found).startswith("<not stable: added <1 in 6 chunks: chunk 'b-20'")

    def test_nothing_to_compare(self) -> None:
        with pytest.raises(MetricError, match="no source is the same in both builds"):
            chunk_checks(chunks(), SOURCES).stable_with(chunk_checks(chunks(), {"a": "x", "b": "y"}))

    def test_chunks_without_ids(self) -> None:
        with pytest.raises(MetricError, match="chunk number 0 has no id"):
            chunk_checks(["a"]).stable_with(["a"])


class TestInput:
    def test_passages_and_objects(self) -> None:
        given = [Passage(id="x", text="The", source="a", start=0, end=3)]
        assert chunk_checks(given, SOURCES).differing.n == 1

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ([], "there is no chunk, so there is nothing to check"),
            (None, "the chunks are NoneType; give a list of chunks"),
            ("text", "the chunks are str; give a list of chunks"),
            ({"a": "text"}, "the chunks are dict; give a list of chunks"),
            ([{"id": "a"}], "chunk number 0 has NoneType as its text; give a string"),
            (["a", {"text": float("nan")}], "chunk number 1 has float as its text"),
            (["a", b"bytes"], "chunk number 1 has NoneType as its text"),
            ([Passage(id="x")], "chunk number 0 has NoneType as its text"),
        ],
    )
    def test_chunks_that_are_none(self, given: Any, message: str) -> None:
        with pytest.raises(MetricError, match=message):
            chunk_checks(given)

    @pytest.mark.parametrize("sources", [{}, [], "text", {"a": None}, {"a": b"x"}])
    def test_sources_that_are_none(self, sources: Any) -> None:
        with pytest.raises(MetricError, match="source"):
            chunk_checks(["a"], sources)

    def test_a_unit_that_is_none(self) -> None:
        with pytest.raises(MetricError, match="size='tokens' is unknown; give 'characters', 'words' or a tokenizer"):
            chunk_checks(["a"], size="tokens")

    def test_names_from_outside_are_escaped(self) -> None:
        found = chunk_checks([{"id": "evil\x1b[31m" + "x" * 200, "text": ""}]).empty
        assert repr(found).isprintable()
        assert len(repr(found)) < 200

    def test_one_huge_chunk(self) -> None:
        text = "word " * 200_000
        checks = chunk_checks(
            [{"id": "big", "text": text, "source": "s", "start": 0, "end": len(text)}, "small"], {"s": text}
        )
        assert [flaw.chunk for flaw in checks.outside(0, 10_000)] == ["'big'"]
        assert not checks.near_duplicates
