"""A probe that could not see a fault says so: searches that find nothing, or little, and what nobody sees in a text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from pytest_genaiops.grounding import Entry, Hit, Mode, Query, index_probe, manifest_of
from pytest_genaiops.grounding.index import MODES
from pytest_genaiops.testing import FakeIndex
from tests.unit.grounding.probe_help import chunk, chunks_of, embed, of

CHUNKS = chunks_of()


class Silent(FakeIndex):
    """A search of it gives less than it should, as that of a misread reply."""

    def __init__(self, *modes: Mode, most: int = 0, twice: bool = False) -> None:
        super().__init__()
        self._silent = modes
        self._most = most
        self._twice = twice

    def search(self, query: Query, mode: Mode, k: int) -> Sequence[Hit]:
        hits = super().search(query, mode, k)
        if mode not in self._silent:
            return hits
        return [hit for hit in hits for _ in range(2)] if self._twice else hits[: self._most]


def filled(index: FakeIndex, chunks: Sequence[Entry] = CHUNKS) -> FakeIndex:
    index.add(chunks)
    return index


@pytest.mark.parametrize("mode", MODES)
def test_a_search_that_finds_nothing_at_all_is_no_proof_of_deletion(mode: Mode) -> None:
    index = filled(Silent(mode))
    probe = index_probe(index, embed=embed)
    gone = probe.chunks_of(["d0"])
    index.delete(["d0"])
    result = probe.deleted(gone)
    assert [(finding.kind, finding.mode) for finding in result.findings] == [("unprobed", mode)]
    assert "finds nothing of" in result.reason


def test_where_nothing_stays_there_is_nothing_to_be_found() -> None:
    index = filled(FakeIndex(), of(CHUNKS, "d0"))
    probe = index_probe(index, embed=embed)
    gone = probe.chunks_of(["d0"])
    index.delete(["d0"])
    assert probe.deleted(gone)


def test_one_chunk_that_no_search_finds_does_not_make_the_search_broken() -> None:
    index = filled(FakeIndex())
    index.add([chunk("longest", "longest", " ".join(f"unsearched{number}" for number in range(200)))])
    del index._parts["exact"]["longest"]
    probe = index_probe(index, embed=embed)
    gone = probe.chunks_of(["d0"])
    index.delete(["d0"])
    assert probe.deleted(gone)


@pytest.mark.parametrize("most", [0, 3, 9])
def test_a_search_by_vector_that_gives_few_results_is_no_proof_of_agreement(most: int) -> None:
    result = index_probe(filled(Silent("vector", most=most))).agrees(manifest_of(CHUNKS))
    assert [finding.kind for finding in result.findings] == ["unprobed"]
    assert f"gives {most} of 18 chunks" in result.reason


def test_ten_results_are_enough_and_a_small_index_has_fewer() -> None:
    assert index_probe(filled(Silent("vector", most=10))).agrees(manifest_of(CHUNKS))
    few = of(CHUNKS, "d0")
    assert index_probe(filled(FakeIndex(), few)).agrees(manifest_of(few))


def test_a_result_that_comes_twice_is_a_duplicate() -> None:
    probe = index_probe(filled(Silent("vector", twice=True)), embed=embed)
    result = probe.agrees(manifest_of(CHUNKS))
    assert {finding.kind for finding in result.findings} == {"duplicate"}
    assert "'d0-0' 2 times" in result.reason
    new = chunk("new-0", "new", "nobody has ever said this before in any of these documents")
    assert [(f.kind, f.mode) for f in probe.fresh(new, within=0).findings] == [("duplicate", "vector")]


def test_what_is_listed_twice_is_told_once() -> None:
    few = of(CHUNKS, "d0")
    index = filled(Silent("vector", twice=True), few)
    index.fault = "duplicate id"
    index.add(few)
    result = index_probe(index).agrees(manifest_of(few))
    assert [(finding.kind, finding.where) for finding in result.findings] == [("duplicate", "list()")] * 3


@pytest.mark.parametrize("unseen", ["\u00ad", "\u200b", "\u200d", "\u2060", "\ufeff", "\u200e"])
def test_a_copy_with_characters_that_nobody_sees_is_a_copy(unseen: str) -> None:
    index = filled(FakeIndex())
    probe = index_probe(index, embed=embed)
    gone = probe.chunks_of(["d0"])
    index.delete(["d0"])
    text = gone[0].text or ""
    copy = unseen.join(text[place : place + 3] for place in range(0, len(text), 3))
    index.add([replace(gone[0], id="copy", document="copy", text=copy)])
    result = probe.deleted(gone, also=[[f"He said: {copy}"]])
    assert {finding.kind for finding in result.findings} == {"copy", "quoted"}


class Whim(FakeIndex):
    """Breaks ties another way for every number of results, as LanceDB does, and fuses the first ``k`` of each part."""

    def search(self, query: Query, mode: Mode, k: int) -> Sequence[Hit]:
        if mode == "vector":
            return [Hit(id=name, score=1 / place) for place, name in enumerate("vwxyz", start=1)][:k]
        names = "cba" if k == 4 and self.modes != MODES else "abc"
        if mode != "hybrid":
            return [Hit(id=name, score=2.0) for name in names][:k]
        fused = {name: 1 / place for part in (names, "vwxyz") for place, name in enumerate(part[:k], start=61)}
        return [Hit(id=name, score=fused[name]) for name in sorted(fused, key=lambda name: (-fused[name], name))][:k]


def test_ties_that_move_with_the_number_of_results_are_no_difference_of_hybrid_search() -> None:
    one, two = Whim(), Whim(modes=("exact", "hybrid", "full-text", "vector"))
    assert [hit.id for hit in one.search(Query(), "hybrid", 4)] != [hit.id for hit in two.search(Query(), "hybrid", 4)]
    result = index_probe(one, embed=embed).same_as(two, ["any"], k=4)
    assert result, result.reason
