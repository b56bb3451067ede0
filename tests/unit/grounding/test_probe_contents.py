"""What a probe says of the contents of an index: against a manifest, and of its embeddings."""

from __future__ import annotations

import math
from dataclasses import replace
from hashlib import md5
from typing import Any

import pytest
from probe_help import CHUNKS, MODEL, WIDTH, chunk, embed, filled

from pytest_genaiops.errors import UsageError
from pytest_genaiops.grounding import index_probe, manifest_of, text_hash
from pytest_genaiops.grounding.index import hash_fits
from pytest_genaiops.testing import FakeIndex

NEW = chunk("probe-0", "probe", "wholly new words nobody knows yet, about the quagga and its stripes")


class TestAgrees:
    def test_hashes_alone_are_a_manifest(self) -> None:
        hashes = {each.id: text_hash(each.text or "") for each in CHUNKS}
        assert index_probe(filled(), embed=embed).agrees(hashes)
        assert index_probe(filled(), embed=embed).agrees(
            {each.id: md5((each.text or "").encode()).hexdigest() for each in CHUNKS}
        )

    def test_an_index_that_lists_hashes_alone_agrees_by_them(self) -> None:
        class Hashes(FakeIndex):
            def list(self) -> Any:
                return [replace(each, text=None) for each in super().list()]

        index = Hashes()
        index.add(CHUNKS)
        assert index_probe(index).agrees(manifest_of(CHUNKS))
        index.add([chunk("d0-0", "d0", "another text altogether")])
        assert index_probe(index).agrees(manifest_of(CHUNKS)).kinds == {"differs"}

    def test_an_index_that_lists_ids_alone_could_not_be_probed(self) -> None:
        class Ids(FakeIndex):
            def list(self) -> Any:
                return [replace(each, text=None, text_hash=None) for each in super().list()]

        index = Ids()
        index.add(CHUNKS)
        result = index_probe(index).agrees(manifest_of(CHUNKS))
        assert result.kinds == {"unprobed"}
        assert len(result.findings) == len(CHUNKS)

    def test_an_empty_index_has_lost_everything(self) -> None:
        result = index_probe(FakeIndex()).agrees(manifest_of(CHUNKS))
        assert [finding.kind for finding in result.findings] == ["lost"] * len(CHUNKS)
        assert f"and {len(CHUNKS) - 10} more" in result.reason

    @pytest.mark.parametrize("manifest", [["a"], {"a": 5}, {5: text_hash("")}, {"a": "no hash"}])
    def test_what_is_no_manifest_is_refused(self, manifest: Any) -> None:
        with pytest.raises(UsageError, match="manifest"):
            index_probe(filled()).agrees(manifest)

    def test_a_manifest_has_every_chunk_once(self) -> None:
        with pytest.raises(UsageError, match="two chunks have the id 'd0-0'"):
            manifest_of([CHUNKS[0], CHUNKS[0]])

    @pytest.mark.parametrize(("name", "value"), [("source", "elsewhere"), ("start", 7), ("end", 10_000)])
    def test_a_chunk_that_is_said_to_stand_elsewhere_differs(self, name: str, value: object) -> None:
        index = filled()
        moved: Any = {name: value}
        index.add([replace(CHUNKS[1], **moved)])
        result = index_probe(index, embed=embed).agrees(manifest_of(CHUNKS))
        (finding,) = result.findings
        assert (finding.kind, finding.chunk) == ("differs", "d0-1")
        assert f"has the {name} {value!r} in the index" in finding.message

    def test_an_index_that_does_not_know_places_agrees_all_the_same(self) -> None:
        index = filled([replace(each, source=None, start=None, end=None) for each in CHUNKS])
        assert index_probe(index, embed=embed).agrees(manifest_of(CHUNKS))


class TestEmbeddings:
    @pytest.mark.parametrize("index", [FakeIndex(), filled([replace(each, embedding=None) for each in CHUNKS])])
    def test_no_embeddings_are_no_proof(self, index: FakeIndex) -> None:
        result = index_probe(index, embed=embed).embeddings()
        assert result.kinds == {"unprobed"}
        assert "nothing is known of them" in result.reason

    def test_hashes_do_where_there_is_no_embed(self) -> None:
        assert index_probe(filled(), model=MODEL).embeddings()
        bare = filled([replace(each, text_hash=None) for each in CHUNKS])
        assert "give embed=, or list text hashes" in index_probe(bare).embeddings().reason

    def test_another_model_than_was_asked_for_is_every_chunks(self) -> None:
        result = index_probe(filled(), embed=embed, model="hashed-9").embeddings()
        assert [finding.kind for finding in result.findings] == ["model"] * len(CHUNKS)
        assert "was embedded by 'hashed-8', it should be by 'hashed-9'" in result.reason

    def test_a_model_that_nobody_names_could_not_be_compared(self) -> None:
        bare = filled([replace(each, model=None) for each in CHUNKS])
        assert "names no embedding model" in index_probe(bare, embed=embed, model=MODEL).embeddings().reason
        assert index_probe(bare, embed=embed).embeddings()

    def test_one_chunk_without_an_embedding_is_named(self) -> None:
        index = filled([replace(CHUNKS[0], embedding=None), *CHUNKS[1:]])
        result = index_probe(index, embed=embed).embeddings()
        assert [(finding.kind, finding.chunk) for finding in result.findings] == [("embedding", "d0-0")]

    def test_rounding_is_within_the_tolerance_and_another_text_is_not(self) -> None:
        rounded = [replace(each, embedding=[round(x, 3) for x in each.embedding or ()]) for each in CHUNKS]
        assert index_probe(filled(rounded), embed=embed).embeddings(tolerance=0.01)
        swapped = [replace(CHUNKS[0], embedding=CHUNKS[1].embedding), *CHUNKS[1:]]
        result = index_probe(filled(swapped), embed=embed).embeddings()
        assert [(finding.kind, finding.chunk) for finding in result.findings] == [("embedding", "d0-0")]
        assert "cosine" in result.reason

    def test_one_of_another_width_is_named_without_embed(self) -> None:
        index = filled([replace(CHUNKS[0], embedding=[1.0]), *CHUNKS[1:]])
        result = index_probe(index).embeddings()
        assert [(finding.kind, finding.chunk) for finding in result.findings] == [("width", "d0-0")]

    def test_an_index_of_another_width_than_embeds_is_named(self) -> None:
        wide = filled([replace(each, embedding=[*(each.embedding or ()), 1.0]) for each in CHUNKS])
        result = index_probe(wide, embed=embed).embeddings()
        assert result.kinds == {"width"}
        assert f"of width {WIDTH + 1}, embed gives {WIDTH}" in result.reason

    @pytest.mark.parametrize(
        ("broken", "words"),
        [
            (lambda texts: [[1.0] * WIDTH], "embed gave 1 vector for 12 texts"),
            (lambda texts: 1 / 0, "embed could not be probed: ZeroDivisionError"),
            (lambda texts: ["abc"] * len(texts), "embed could not be probed: ValueError"),
        ],
    )
    def test_an_embed_that_fails_could_not_be_probed(self, broken: Any, words: str) -> None:
        result = index_probe(filled(), embed=broken).embeddings()
        assert result.kinds == {"unprobed"}
        assert words in result.reason

    @pytest.mark.parametrize("tolerance", [-0.1, 1, math.nan, True, "0.1"])
    def test_a_tolerance_that_is_none_is_refused(self, tolerance: Any) -> None:
        with pytest.raises(UsageError, match="tolerance="):
            index_probe(filled()).embeddings(tolerance=tolerance)


class TestHashes:
    def test_a_hash_is_that_of_its_text(self) -> None:
        # FIPS 180-4's example of SHA-256
        assert text_hash("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

    @pytest.mark.parametrize(
        ("written", "fits"),
        [
            ("900150983cd24fb0d6963f7d28e17f72", True),  # RFC 1321
            ("A9993E364706816ABA3E25717850C26C9CD0D89D", True),  # RFC 3174
            ("sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", True),
            ("900150983cd24fb0d6963f7d28e17f73", False),
            ("v17", None),
            ("", None),
            ("z" * 32, None),
        ],
    )
    def test_digests_are_told_by_their_length(self, written: str, fits: bool | None) -> None:
        assert hash_fits(written, "abc") is fits

    def test_half_a_character_has_a_hash(self) -> None:
        assert len(text_hash("\ud83d")) == 64
