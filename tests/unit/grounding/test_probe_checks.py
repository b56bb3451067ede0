"""What the checks of a probe take, how long they wait, and what they say."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from probe_help import CHUNKS, Watch, chunk, embed, filled, of

from pytest_genaiops.errors import UsageError
from pytest_genaiops.grounding import Entry, Hit, Query, index_probe, manifest_of
from pytest_genaiops.grounding.probe_same import differing
from pytest_genaiops.testing import FakeIndex

NEW = chunk("probe-0", "probe", "wholly new words nobody knows yet, about the quagga and its stripes")


class _Fused:
    """Answers as it is told: ``words`` with equal scores, ``vector`` with falling ones, and their fusion by ranks."""

    modes = ("full-text", "vector", "hybrid")

    def __init__(self, *, words: str, vector: str, spoilt: bool = False) -> None:
        self.hits = {"full-text": [Hit(id=name, score=1.0) for name in words]}
        self.hits["vector"] = [Hit(id=name, score=1 / place) for place, name in enumerate(vector, start=1)]
        scores: dict[str, float] = {}
        for ranking in (words, vector):
            for place, name in enumerate(ranking, start=61):
                scores[name] = scores.get(name, 0.0) + 1 / place
        ranked = sorted(scores, key=lambda name: -scores[name])
        self.hits["hybrid"] = [Hit(id=name, score=scores[name]) for name in (ranked[::-1] if spoilt else ranked)]

    def search(self, query: Query, mode: str, k: int) -> Sequence[Hit]:
        return self.hits[mode][:k]

    def add(self, chunks: Sequence[Entry]) -> None: ...

    def delete(self, documents: Sequence[str]) -> None: ...

    def list(self) -> Sequence[Entry]:
        return []


class TestFresh:
    def test_a_document_that_comes_within_the_time_is_fresh_and_removed_again(self) -> None:
        watch = Watch()
        index = filled(fault="late", delay=3, now=lambda: watch.time)
        watch.time += 10
        result = index_probe(index, embed=embed, clock=watch.clock).fresh(NEW, within=4)
        assert result, result.reason
        assert result.seconds.keys() == {"exact", "full-text", "vector", "hybrid"}
        assert all(3 <= seconds <= 3.5 for seconds in result.seconds.values())
        assert [entry.id for entry in index.list()] == [each.id for each in CHUNKS]

    @pytest.mark.parametrize(("within", "in_time"), [(2.99, False), (3, True)])
    def test_the_last_look_comes_when_the_time_is_over(self, within: float, in_time: bool) -> None:
        watch = Watch()
        index = filled(fault="late", delay=3, now=lambda: watch.time)
        watch.time += 10
        result = index_probe(index, embed=embed, clock=watch.clock).fresh(NEW, within=within)
        assert bool(result) is in_time
        assert sum(watch.slept) == pytest.approx(within)
        assert in_time or result.kinds == {"late"}
        assert max(watch.slept) <= 0.5

    def test_late_chunks_are_named_with_their_searches_and_removed(self) -> None:
        watch = Watch()
        index = filled(fault="late", delay=3, now=lambda: watch.time)
        result = index_probe(index, embed=embed, clock=watch.clock).fresh(NEW, within=1)
        assert [(finding.chunk, finding.mode) for finding in result.findings] == [
            ("probe-0", mode) for mode in ("exact", "full-text", "vector", "hybrid")
        ]
        assert "'probe-0' is not among the first 10 of exact search 1 s after it was added" in result.reason
        assert "probe-0" not in {entry.id for entry in index.list()}

    def test_embeddings_are_made_for_chunks_that_have_none(self) -> None:
        index = filled()
        assert index_probe(index, embed=embed).fresh(replace(NEW, embedding=None), within=0)
        result = index_probe(index).fresh(replace(NEW, embedding=None), within=0)
        assert [(finding.kind, finding.mode) for finding in result.findings] == [
            ("unprobed", "vector"),
            ("unprobed", "hybrid"),
        ]

    def test_a_document_of_several_chunks_is_looked_for_chunk_by_chunk(self) -> None:
        class Last(FakeIndex):
            def add(self, chunks: Sequence[Entry]) -> None:
                super().add(chunks[:-1])

        more = chunk("probe-1", "probe", "and a second piece of it that speaks of zebras alone")
        result = index_probe(Last(), embed=embed, clock=Watch().clock).fresh([NEW, more], within=0)
        assert {finding.chunk for finding in result.findings} == {"probe-1"}

    def test_a_document_that_is_the_users_own_is_never_touched(self) -> None:
        index = filled()
        for own in (replace(NEW, document="d1"), replace(NEW, id="d1-0")):
            with pytest.raises(UsageError, match="the index has 'd1' already, and the probe would remove it"):
                index_probe(index, embed=embed).fresh(own, within=0)
        assert len(list(index.list())) == len(CHUNKS)

    def test_another_text_than_was_added_is_a_finding(self) -> None:
        class Cut(FakeIndex):
            def search(self, query: Query, mode: Any, k: int) -> Sequence[Hit]:
                return [replace(hit, text=(hit.text or "")[:20]) for hit in super().search(query, mode, k)]

        assert index_probe(Cut(), embed=embed).fresh(NEW, within=0).kinds == {"differs"}

    def test_what_cannot_be_removed_is_named(self) -> None:
        class Stuck(FakeIndex):
            def delete(self, documents: Sequence[str]) -> None:
                raise PermissionError("read only")

        result = index_probe(Stuck(), embed=embed).fresh(NEW, within=0)
        assert result.kinds == {"left"}
        assert "'probe' could not be removed: PermissionError: read only; remove it by hand" in result.reason

    def test_the_document_is_removed_even_when_the_test_is_interrupted(self) -> None:
        class Stopped(FakeIndex):
            def search(self, query: Query, mode: Any, k: int) -> Sequence[Hit]:
                raise KeyboardInterrupt

        index = Stopped()
        with pytest.raises(KeyboardInterrupt):
            index_probe(index, embed=embed).fresh(NEW, within=0)
        assert list(index.list()) == []

    @pytest.mark.parametrize("text", [None, "", "  \n", "…!?"])
    def test_a_document_without_text_is_refused(self, text: str | None) -> None:
        with pytest.raises(UsageError, match="the chunk 'probe-0' has no text to look for"):
            index_probe(filled(), embed=embed).fresh(replace(NEW, text=text), within=1)

    @pytest.mark.parametrize("within", [-1, math.nan, math.inf, True, "1", None])
    def test_a_time_that_is_none_is_refused(self, within: Any) -> None:
        with pytest.raises(UsageError, match="is no time to wait"):
            index_probe(filled()).fresh(NEW, within=within)

    def test_an_index_that_cannot_be_listed_is_not_written_to(self) -> None:
        class Blind(FakeIndex):
            def list(self) -> Any:
                raise OSError("no listing")

        index = Blind()
        result = index_probe(index, embed=embed).fresh(NEW, within=0)
        assert result.kinds == {"unprobed"}
        assert index.search(Query(text="quagga"), "full-text", 1) == []

    def test_a_document_that_is_found_under_another_ones_name_is_told(self) -> None:
        class Misnaming(FakeIndex):
            def search(self, query: Query, mode: Any, k: int) -> Sequence[Hit]:
                return [replace(hit, document="handbook") for hit in super().search(query, mode, k)]

        index = Misnaming(modes=["exact"])
        index.add(CHUNKS)
        (finding,) = index_probe(index, embed=embed, clock=Watch().clock).fresh(NEW, within=0).findings
        assert finding.kind == "differs"
        assert finding.message == "'probe-0' of 'probe' comes from exact search as a part of 'handbook'"


class TestDeleted:
    def test_k_may_be_larger_than_the_index_and_the_index_empty(self) -> None:
        gone = of(CHUNKS, "d1")
        assert index_probe(FakeIndex(), embed=embed).deleted(gone, k=1_000)
        index = filled()
        index.delete(["d1"])
        assert index_probe(index, embed=embed).deleted(gone, k=1_000)

    def test_a_document_without_text_cannot_be_proved_gone_by_its_words(self) -> None:
        index = filled()
        result = index_probe(index, embed=embed).deleted([Entry(id="x-0", document="x", text="")])
        assert result.kinds == {"unprobed"}
        assert "'x' has no text to look for; its ids alone were looked for" in result.reason

    def test_an_empty_chunk_among_others_is_no_trouble(self) -> None:
        index = filled()
        gone = [*of(CHUNKS, "d1"), Entry(id="d1-9", document="d1", text="")]
        index.delete(["d1"])
        assert index_probe(index, embed=embed).deleted(gone)

    def test_a_text_too_short_to_tell_goes_by_its_id(self) -> None:
        index = filled()
        index.add([chunk("other-0", "other", "see below")])
        gone = [chunk("x-0", "x", "see below")]
        assert index_probe(index, embed=embed).deleted(gone)
        index.add(gone)
        assert index_probe(index, embed=embed).deleted(gone).kinds == {"found"}

    def test_searches_by_vector_need_embeddings(self) -> None:
        index = filled()
        index.delete(["d1"])
        gone = [replace(each, embedding=None) for each in of(CHUNKS, "d1")]
        result = index_probe(index).deleted(gone)
        assert {(finding.kind, finding.mode) for finding in result.findings} == {
            ("unprobed", "vector"),
            ("unprobed", "hybrid"),
        }
        assert index_probe(index, embed=embed).deleted(gone)

    def test_hits_without_texts_are_read_from_the_listing(self) -> None:
        class Ids(FakeIndex):
            def search(self, query: Query, mode: Any, k: int) -> Sequence[Hit]:
                return [Hit(id=hit.id) for hit in super().search(query, mode, k)]

        index = Ids()
        index.add(CHUNKS)
        index.delete(["d1"])
        assert index_probe(index, embed=embed).deleted(of(CHUNKS, "d1"))

    def test_hits_that_nobody_knows_could_not_be_probed(self) -> None:
        class Ghost(FakeIndex):
            def search(self, query: Query, mode: Any, k: int) -> Sequence[Hit]:
                return [Hit(id="ghost")]

        result = index_probe(Ghost(), embed=embed).deleted(of(CHUNKS, "d1"))
        assert result.kinds == {"unprobed"}
        assert "gives 'ghost' at rank 1 without a text, and list() has none either" in result.reason

    def test_chunks_are_taken_before_they_are_deleted(self) -> None:
        probe = index_probe(filled(), embed=embed)
        assert probe.chunks_of(["d1"]) == tuple(of(CHUNKS, "d1"))
        with pytest.raises(UsageError, match="the index does not have 'd9'; name documents that it has"):
            probe.chunks_of(["d1", "d9"])
        with pytest.raises(UsageError, match=r"'d1' is no list of documents; write \['d1'\]"):
            probe.chunks_of("d1")

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            ({"documents": []}, "there is no chunk to look for"),
            ({"documents": ["d1"]}, "'d1' is no chunk"),
            ({"documents": "d1"}, "'d1' is no chunk"),
            ({"documents": CHUNKS, "k": 0}, "k=0 is no number of results"),
            ({"documents": CHUNKS, "k": True}, "k=True is no number of results"),
            ({"documents": CHUNKS, "threshold": 0}, "threshold=0 is no share"),
            ({"documents": CHUNKS, "threshold": math.nan}, "threshold=nan is no share"),
            ({"documents": CHUNKS, "allowed": "d2"}, "'d2' is no list of documents"),
            ({"documents": CHUNKS, "also": "cache"}, "'cache' is no list of places"),
            ({"documents": CHUNKS, "also": ["cashe"]}, "did you mean 'cache'"),
            ({"documents": CHUNKS, "also": [5]}, "5, which is no place"),
        ],
    )
    def test_what_means_nothing_is_refused(self, arguments: dict[str, Any], words: str) -> None:
        with pytest.raises(UsageError, match=words):
            index_probe(filled(), embed=embed).deleted(**arguments)


class TestSameAs:
    @pytest.mark.parametrize(
        ("left", "right", "difference"),
        [
            ("a1 b1", "b1 a1", ""),
            ("a2 b1", "b2 a1", "'a' is at rank 1 in the first, at 2 in the second"),
            ("a3 b2 c2", "a3 c2 b2", ""),
            ("a3 b2 c2", "a3 b2 d2", ""),  # tied where the results were cut off
            ("a3 b2 c2", "a3 b2 d1", "only the first has 'c'; only the second has 'd'"),
            ("a3 b2 c2", "a3 d2.5 b2", "only the second has 'd'"),
            ("a3 b2", "a3 b2 c1", "only the second has 'c'"),
            ("a b", "b a", "'a' is at rank 1 in the first, at 2 in the second"),
            ("a3 b2", "a3.00000001 b2", ""),
            ("", "", ""),
        ],
    )
    def test_ties_alone_may_change_places(self, left: str, right: str, difference: str) -> None:
        one, two = (
            [Hit(id=word[0], score=float(word[1:]) if word[1:] else None) for word in text.split()]
            for text in (left, right)
        )
        assert differing(one, two, 3) == difference

    @given(st.lists(st.sampled_from([3.0, 2.0, 1.0]), max_size=8), st.randoms(use_true_random=False))
    def test_shuffles_within_equal_scores_are_the_same(self, scores: list[float], drawn: Any) -> None:
        hits = [Hit(id=str(place), score=score) for place, score in enumerate(sorted(scores, reverse=True))]
        shuffled = sorted(drawn.sample(hits, len(hits)), key=lambda hit: -(hit.score or 0))
        assert differing(hits, shuffled, 20) == ""

    def test_an_index_built_in_another_order_is_the_same(self) -> None:
        queries = [" ".join((each.text or "").split()[:6]) for each in CHUNKS]
        assert index_probe(filled(), embed=embed).same_as(filled(CHUNKS[::-1]), queries)

    @pytest.mark.parametrize(("places", "same"), [("ab", True), ("ba", True), ("cab", False)])
    def test_ties_of_a_part_are_no_difference_of_hybrid_search(self, places: str, same: bool) -> None:
        # a and b have equal scores by words, and fusion by ranks gives whichever comes first the better one
        one, two = _Fused(words="ab", vector="dabc"), _Fused(words=places, vector="dabc")
        result = index_probe(one, embed=embed).same_as(two, ["any"], k=4)
        assert {finding.mode for finding in result.findings} == (set() if same else {"full-text", "hybrid"})

    def test_other_hybrid_results_over_the_same_parts_are_a_difference(self) -> None:
        one, two = _Fused(words="ab", vector="dabc"), _Fused(words="ba", vector="dabc", spoilt=True)
        result = index_probe(one, embed=embed).same_as(two, ["any"], k=4)
        assert [(finding.kind, finding.mode) for finding in result.findings] == [("results", "hybrid")]

    def test_searches_that_only_one_has_were_not_compared(self) -> None:
        result = index_probe(filled(), embed=embed).same_as(filled(modes=("exact", "vector")), [CHUNKS[0].text or ""])
        assert {(finding.kind, finding.mode) for finding in result.findings} == {
            ("unprobed", "full-text"),
            ("unprobed", "hybrid"),
        }

    def test_two_empty_indexes_prove_nothing(self) -> None:
        result = index_probe(FakeIndex(), embed=embed).same_as(FakeIndex(), ["anything"])
        assert result.kinds == {"unprobed"}
        assert "nothing was compared" in result.reason

    def test_another_probe_may_be_given_and_queries_with_embeddings(self) -> None:
        probe = index_probe(filled())
        query = Query(text=CHUNKS[0].text or "", embedding=CHUNKS[0].embedding)
        assert probe.same_as(index_probe(filled()), [query], k=100)
        assert probe.same_as(filled(), [CHUNKS[0].text or ""]).kinds == {"unprobed"}

    @pytest.mark.parametrize("queries", [[], "a text", [5]])
    def test_queries_that_are_none_are_refused(self, queries: Any) -> None:
        with pytest.raises(UsageError, match="are none; give a list of texts"):
            index_probe(filled(), embed=embed).same_as(filled(), queries)


class TestTheIndexItself:
    @pytest.mark.parametrize(
        ("index", "words"),
        [
            (object(), r"has no add, delete, search, list\(\)"),
            (FakeIndex(modes=()), r"modes are \(\)"),
            (FakeIndex(modes=["fuzzy"]), "has a mode 'fuzzy'; known are exact, full-text, vector, hybrid"),  # type: ignore[list-item]
        ],
    )
    def test_what_is_no_index_is_refused(self, index: Any, words: str) -> None:
        with pytest.raises(UsageError, match=words):
            index_probe(index)

    @pytest.mark.parametrize("hits", [None, 5, [5], [Hit(id=5)], [Hit(id="a", text=5)], "abc"])  # type: ignore[arg-type]
    def test_results_that_are_none_are_findings(self, hits: Any) -> None:
        class Odd(FakeIndex):
            def search(self, query: Query, mode: Any, k: int) -> Any:
                return hits

        assert "unprobed" in index_probe(Odd(), embed=embed).deleted(of(CHUNKS, "d1")).kinds

    def test_results_and_lists_without_an_end_are_cut(self, monkeypatch: pytest.MonkeyPatch) -> None:
        class Endless(FakeIndex):
            def search(self, query: Query, mode: Any, k: int) -> Any:
                return (Hit(id=f"x{number}", text="nothing of it") for number in count())

            def list(self) -> Any:
                return (Entry(id=f"x{number}", text="nothing of it") for number in count())

        monkeypatch.setattr("pytest_genaiops.grounding.probe_asking.MOST", 1_000)
        result = index_probe(Endless(), embed=embed).deleted(of(CHUNKS, "d1"))
        assert result.kinds == {"unprobed"}
        assert "list() gives more than 1,000 chunks" in result.reason

    def test_a_search_that_fails_again_and_again_is_given_up_and_it_is_said(self) -> None:
        class Down(FakeIndex):
            def search(self, query: Query, mode: Any, k: int) -> Any:
                asked.append(mode)
                raise TimeoutError("nobody there")

        asked: list[str] = []
        result = index_probe(Down(modes=["exact", "vector"]), embed=embed).deleted(CHUNKS)
        assert result.kinds == {"unprobed"}
        assert asked == ["exact"] * 5 + ["vector"] * 5
        assert "vector search failed 5 times in a row, and was not asked any more" in result.reason

    def test_what_an_index_raises_is_shown_on_one_line_bounded_and_without_keys(self) -> None:
        class Loud(FakeIndex):
            def list(self) -> Any:
                raise RuntimeError("Authorization: Bearer abcdefghijklmnop \x1b[31m" + "x" * 9_000)

        reason = index_probe(Loud(), embed=embed).agrees(manifest_of(CHUNKS)).reason
        assert "abcdefghijklmnop" not in reason
        assert "\x1b" not in reason
        assert len(reason) < 600

    def test_findings_are_told_in_the_message_of_an_assert(self) -> None:
        result = index_probe(filled(), embed=embed).deleted(of(CHUNKS, "d1"))
        assert repr(result).startswith("<deleted: ")
        assert len(repr(result)) < 240
        assert "'d1-0' of 'd1' was deleted and is still listed" in repr(result)
