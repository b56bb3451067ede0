"""Every planted fault is found by the check that is named for it, and a sound index by none of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from probe_help import MODEL, Watch, chunk, chunks_of, embed, of

from pytest_genaiops.grounding import Entry, IndexProbe, ProbeResult, index_probe, manifest_of
from pytest_genaiops.testing import INDEX_FAULTS, FakeIndex

CHUNKS = chunks_of()
NEW = chunk("probe-0", "probe", "wholly new words nobody knows yet, about the quagga and its stripes")
CHANGED = [chunk(each.id, each.of, f"{each.text} and a new end of it all") for each in of(CHUNKS, "d2")]
QUERIES = ["a new end of it all", *(" ".join((each.text or "").split()[:6]) for each in CHUNKS)]


def probe_of(index: FakeIndex, watch: Watch | None = None) -> IndexProbe:
    return index_probe(index, embed=embed, model=MODEL, clock=(watch or Watch()).clock)


def filled(fault: str | None, watch: Watch | None = None) -> FakeIndex:
    watch = watch or Watch()
    index = FakeIndex(fault=fault, delay=5, now=lambda: watch.time)
    index.add(CHUNKS)
    return index


def updated(fault: str | None) -> FakeIndex:
    index = filled(fault)
    index.add(CHANGED)
    return index


def expected() -> list[Entry]:
    changed = {each.id: each for each in CHANGED}
    return [changed.get(each.id, each) for each in CHUNKS]


def fresh(fault: str | None) -> ProbeResult:
    watch = Watch()
    index = filled(fault, watch)
    return probe_of(index, watch).fresh(NEW, within=2)


def deleted(fault: str | None) -> ProbeResult:
    index = filled(fault)
    probe = probe_of(index)
    gone = of(CHUNKS, "d1")
    index.delete(["d1"])
    return probe.deleted(gone)


def same_as(fault: str | None) -> ProbeResult:
    rebuilt = FakeIndex()
    rebuilt.add(expected())
    return probe_of(updated(fault)).same_as(rebuilt, QUERIES)


def agrees(fault: str | None) -> ProbeResult:
    return probe_of(updated(fault)).agrees(manifest_of(expected()))


def embeddings(fault: str | None) -> ProbeResult:
    return probe_of(updated(fault)).embeddings()


def modes(fault: str | None) -> ProbeResult:
    return probe_of(filled(fault)).modes()


Check = Callable[[str | None], ProbeResult]
CHECKS: list[Check] = [fresh, deleted, same_as, agrees, embeddings, modes]
CAUGHT: list[tuple[str, Check, str]] = [
    ("stale text", agrees, "differs"),
    ("stale text", embeddings, "embedding"),
    ("stale text", same_as, "results"),
    ("lost update", agrees, "differs"),
    ("lost update", same_as, "results"),
    ("lost chunk", agrees, "lost"),
    ("lost chunk", same_as, "results"),
    ("duplicate id", agrees, "duplicate"),
    ("tombstone", deleted, "found"),
    ("full-text kept", deleted, "found"),
    ("vector kept", deleted, "found"),
    ("copy kept", deleted, "copy"),
    ("copy kept", agrees, "orphan"),
    ("orphan embedding", agrees, "orphan"),
    ("wrong model", embeddings, "embedding"),
    ("wrong model", same_as, "results"),
    ("other model", embeddings, "model"),
    ("old hash", embeddings, "embedding"),
    ("wrong width", embeddings, "width"),
    ("no number", embeddings, "number"),
    ("zero", embeddings, "number"),
    ("late", fresh, "late"),
    ("tenth fails", deleted, "unprobed"),
    ("tenth fails", same_as, "unprobed"),
    ("order", same_as, "results"),
    ("vector only", modes, "mode"),
    ("words only", modes, "mode"),
]


@pytest.mark.parametrize(("fault", "check", "kind"), CAUGHT, ids=[f"{f}-{c.__name__}" for f, c, _ in CAUGHT])
def test_a_fault_is_found_by_the_check_for_it(fault: str, check: Check, kind: str) -> None:
    result = check(fault)
    assert not result
    assert kind in result.kinds, result.reason


def test_every_fault_is_found_by_some_check() -> None:
    assert {fault for fault, *_ in CAUGHT} == set(INDEX_FAULTS)


def test_the_page_shows_what_finds_each_fault() -> None:
    page = (Path(__file__).parents[3] / "docs" / "index-probes.md").read_text("utf-8")
    found = {
        fault: [f"`{check.__name__}`: `{kind}`" for name, check, kind in CAUGHT if name == fault]
        for fault in INDEX_FAULTS
    }
    rows = [f"| `{fault}` | {what} | {'; '.join(found[fault])} |" for fault, what in INDEX_FAULTS.items()]
    assert [row for row in rows if row not in page] == []


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_a_sound_index_has_no_findings(check: Check) -> None:
    result = check(None)
    assert result, result.reason
    assert "nothing found" in result.reason


@pytest.mark.parametrize(
    ("fault", "modes"),
    [
        ("full-text kept", {"full-text"}),
        ("vector kept", {"vector"}),
        ("tombstone", {"exact", "full-text", "vector", "hybrid"}),
    ],
)
def test_what_was_deleted_is_found_by_the_searches_that_still_have_it(fault: str, modes: set[str]) -> None:
    result = deleted(fault)
    # Fusion may bring up what one of its two parts still has.
    assert modes <= {finding.mode for finding in result.findings} <= modes | {"hybrid"}
    for mode in modes - {"hybrid"}:
        found = {finding.chunk for finding in result.findings if finding.mode == mode}
        assert found == {"d1-0", "d1-1", "d1-2"}


def test_an_index_that_fails_on_every_tenth_search_is_told_by_name() -> None:
    finding = deleted("tenth fails").findings[0]
    assert finding.kind == "unprobed"
    assert "could not be probed: ConnectionError: a fake drop of the connection" in finding.message


def test_a_copy_that_was_there_under_another_id_is_named_with_its_share() -> None:
    index = filled(None)
    near = " ".join((CHUNKS[3].text or "").split()[:-2])
    index.add([chunk("archive-7", "archive", near.upper())])
    index.delete(["d1"])
    result = probe_of(index).deleted(of(CHUNKS, "d1"))
    assert result.kinds == {"copy"}
    assert result.findings[0].chunk == "archive-7"
    assert "100% of the shorter" in result.findings[0].message
    assert probe_of(index).deleted(of(CHUNKS, "d1"), allowed=["archive"])


def test_a_few_words_are_a_copy_where_they_are_all_the_same() -> None:
    index = filled(None)
    gone = [chunk("z-0", "z", "Zoe Example, Lamp Street 9")]
    index.add([chunk("archive-7", "archive", "ZOE example – lamp street, 9")])
    assert probe_of(index).deleted(gone).kinds == {"copy"}


def test_what_is_found_under_a_new_id_of_the_same_document_was_not_deleted() -> None:
    index = filled(None)
    index.delete(["d1"])
    index.add([chunk("d1-new", "d1", "other words altogether, and none of the old ones")])
    assert probe_of(index).deleted(of(CHUNKS, "d1")).kinds == {"found"}


def test_a_text_that_merely_shares_words_is_no_copy() -> None:
    index = filled(None)
    words = (CHUNKS[3].text or "").split()
    index.add([chunk("archive-7", "archive", " ".join(words[::-1]))])
    index.delete(["d1"])
    assert probe_of(index).deleted(of(CHUNKS, "d1"))


def test_a_deleted_document_that_was_cut_anew_is_found() -> None:
    whole = " ".join(each.text or "" for each in of(CHUNKS, "d1")).split()
    index = filled(None)
    index.add([chunk("e-0", "e", " ".join(whole[25:65]))])  # over the border of two chunks
    index.delete(["d1"])
    result = probe_of(index).deleted(of(CHUNKS, "d1"))
    assert result.kinds == {"copy"}
    assert {finding.chunk for finding in result.findings} == {"e-0"}


def test_an_index_that_catches_up_in_time_has_deleted() -> None:
    watch = Watch()

    class Slow(FakeIndex):
        def delete(self, documents):  # type: ignore[no-untyped-def]
            self.pending = [*documents]

        def search(self, query, mode, k):  # type: ignore[no-untyped-def]
            if watch.time >= 103 and self.pending:
                super().delete(self.pending)
            return super().search(query, mode, k)

    index = Slow()
    index.add(CHUNKS)
    index.delete(["d1"])
    assert not probe_of(index, watch).deleted(of(CHUNKS, "d1"), within=1)
    assert probe_of(index, watch).deleted(of(CHUNKS, "d1"), within=5)
    assert watch.time < 110


def test_a_lost_update_in_one_batch_of_an_incremental_build_is_named() -> None:
    index = filled(None)
    index.add(CHANGED[:2])  # the third never came
    result = probe_of(index).agrees(manifest_of(expected()))
    assert [(finding.kind, finding.chunk) for finding in result.findings] == [("differs", "d2-2")]


def test_a_manifest_names_what_belongs_to_another_document() -> None:
    index = filled(None)
    index.add([replace(CHUNKS[0], document="d5")])
    result = probe_of(index).agrees(manifest_of(CHUNKS))
    assert "'d0-0' belongs to 'd5' in the index, to 'd0' in the manifest" in result.reason
