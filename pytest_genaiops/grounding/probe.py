"""Proofs about a search index, each one call that gives a :class:`ProbeResult`: truthy only without findings."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from pytest_genaiops.config import Settings
from pytest_genaiops.dataset.text import listed, quoted
from pytest_genaiops.errors import UsageError, of_ours
from pytest_genaiops.grounding import probe_contents, probe_deleted, probe_fresh, probe_modes, probe_places, probe_same
from pytest_genaiops.grounding.index import MODES, Entry, Index, Query
from pytest_genaiops.grounding.probe_asking import Asked, Embed
from pytest_genaiops.grounding.probe_contents import Manifest
from pytest_genaiops.grounding.probe_fresh import Clock
from pytest_genaiops.grounding.probe_places import Place
from pytest_genaiops.grounding.probe_result import ProbeResult, distinct

__tracebackhide__ = of_ours

METHODS = ("add", "delete", "search", "list")


def index_probe(
    index: Index,
    *,
    embed: Embed | None = None,
    model: str | None = None,
    clock: Clock | None = None,
    settings: Settings | None = None,
) -> IndexProbe:
    """Proofs about an index.

    ``embed`` turns a list of texts into their vectors, as the application does when it adds them; without it searches
    by vector go by the embeddings that chunks bring along. ``model`` is the embedding model that the index should
    name. ``clock`` is how time passes, and ``settings`` say where the project keeps its cache, record and cassette
    (default: the working directory).

    Raises UsageError for what is no index, or has no search.
    """
    lacking = [name for name in METHODS if not callable(getattr(index, name, None))]
    if lacking:
        raise UsageError(
            f"index_probe: {quoted(index)} has no {', '.join(lacking)}(); see pytest_genaiops.grounding.Index"
        )
    modes = getattr(index, "modes", None)
    if isinstance(modes, str) or not isinstance(modes, Iterable) or not (given := tuple(modes)):
        raise UsageError(f"index_probe: the index's modes are {quoted(modes)}; give some of {', '.join(MODES)}")
    for mode in given:
        if mode not in MODES:
            raise UsageError(f"index_probe: the index has a mode {quoted(mode)}; known are {', '.join(MODES)}")
    if embed is not None and not callable(embed):
        raise UsageError(f"index_probe: embed={quoted(embed)} cannot be called; give a function of a list of texts")
    return IndexProbe(
        index, embed=embed, model=model, clock=clock or Clock(), settings=settings or Settings(root=Path.cwd())
    )


class IndexProbe:
    """The proofs; made by :func:`index_probe`."""

    __slots__ = ("_clock", "_embed", "_model", "_settings", "index")

    def __init__(
        self, index: Index, *, embed: Embed | None, model: str | None, clock: Clock, settings: Settings
    ) -> None:
        self.index = index
        self._embed = embed
        self._model = model
        self._clock = clock
        self._settings = settings

    def chunks_of(self, documents: Collection[str]) -> tuple[Entry, ...]:
        """The chunks that the index has of these documents now, to be handed to :meth:`deleted` later.

        Raises UsageError for a document that it does not have, and where it cannot be listed.
        """
        asked = self._asked()
        if isinstance(documents, str):
            raise UsageError(f"chunks_of: {quoted(documents)} is no list of documents; write [{quoted(documents)}]")
        wanted = set(documents)
        entries = asked.entries()
        if entries is None:
            raise UsageError(f"chunks_of: {asked.faults[0].message}")
        found = tuple(entry for entry in entries if entry.of in wanted)
        if missing := wanted - {entry.of for entry in found}:
            raise UsageError(
                f"chunks_of: the index does not have {listed(sorted(missing))}; name documents that it has"
            )
        return found

    def fresh(self, document: Entry | Sequence[Entry], *, within: float, k: int = 10) -> ProbeResult:
        """Add a document, and see that every search retrieves each of its chunks among the first ``k`` in time.

        ``document`` is a chunk or all of them, with text of their own; ``within`` seconds begin when they are added,
        and the last look comes when they are over. Whatever comes out, the document is removed again. Raises
        UsageError where the index has such a document already.
        """
        chunks = _entries(document, "fresh")
        within = probe_fresh.checked_seconds(within)
        return probe_fresh.fresh(self._asked(), chunks, within=within, k=_checked_k(k), clock=self._clock)

    def deleted(
        self,
        documents: Sequence[Entry],
        *,
        also: Iterable[Place] = (),
        within: float = 0.0,
        k: int = 10,
        threshold: float = 0.8,
        allowed: Collection[str] = (),
    ) -> ProbeResult:
        """See that nothing brings deleted documents back: no search, no listing, no copy under another id.

        ``documents`` are their chunks as they were (:meth:`chunks_of`). Every search is asked for passages of each
        chunk and for its embedding; its first ``k`` results, and all that is listed, are compared with the chunks by
        id, by document and by text. A copy has the same words, or ``threshold`` of the word triples of the shorter
        text in common; ``allowed`` are ids of documents that may. ``also`` are further places: ``"cache"``,
        ``"record"``, ``"cassette"``, paths of files and folders, lists of answers; there 8 words in a row count, unless
        documents that stay have them as well. Within ``within`` seconds the index may catch up.
        """
        chunks, places = _entries(documents, "deleted"), probe_places.checked(also)
        if isinstance(threshold, bool) or not isinstance(threshold, int | float) or not 0 < threshold <= 1:
            raise UsageError(f"deleted: threshold={quoted(threshold)} is no share; give a number above 0, at most 1")
        if isinstance(allowed, str):
            raise UsageError(f"deleted: allowed={quoted(allowed)} is no list of documents; write [{quoted(allowed)}]")
        manner = probe_deleted.Manner(k=_checked_k(k), threshold=threshold, allowed=frozenset(allowed))
        gone = probe_deleted.Gone(chunks=chunks, manner=manner)
        waiting = probe_fresh.Waiting(self._clock, probe_fresh.checked_seconds(within))
        asked = self._asked()
        findings = probe_deleted.look(asked, gone, waiting)
        seen = probe_places.look_into(places, gone.wanted(), self._settings)
        return ProbeResult(
            check="deleted", findings=distinct([*findings, *seen.findings]), looked=(*asked.looked, *seen.looked)
        )

    def same_as(self, other: Index | IndexProbe, queries: Iterable[str | Query], *, k: int = 10) -> ProbeResult:
        """See that another index, such as one that was built anew, gives the same results on the same queries.

        The same ids in the same order by every search; hits with equal scores (to a relative 1e-5) in any order.
        Texts are embedded by ``embed``.
        """
        two = other.index if isinstance(other, IndexProbe) else index_probe(other).index
        asked = self._asked()
        return probe_same.same(asked, Asked(two, name="other index"), self._queries(asked, queries), _checked_k(k))

    def agrees(self, manifest: Manifest) -> ProbeResult:
        """See that the index lists what a manifest says: no chunk lost, orphaned, twice or with another text.

        The manifest maps ids of chunks to hashes of their texts, or to what
        :func:`~pytest_genaiops.grounding.manifest_of` says of them.
        """
        if not hasattr(manifest, "items"):
            raise UsageError(f"agrees: {quoted(manifest)} is no manifest; write manifest_of(chunks)")
        return probe_contents.agrees(self._asked(), manifest)

    def embeddings(self, *, tolerance: float = probe_contents.TOLERANCE) -> ProbeResult:
        """See that stored embeddings are those of the stored texts, by the model that they should be by.

        The cosine of each with what ``embed`` gives for its text is at least 1 - ``tolerance``; all are numbers, of one
        width, none is zero; models and text hashes are right where the index lists them.
        """
        if isinstance(tolerance, bool) or not isinstance(tolerance, int | float) or not 0 <= tolerance < 1:
            raise UsageError(f"embeddings: tolerance={quoted(tolerance)}; give a number from 0, below 1")
        return probe_contents.embeddings(self._asked(), model=self._model, tolerance=tolerance)

    def modes(self) -> ProbeResult:
        """See that each search is the one that it is asked for, without another index to compare with.

        Each is asked for the words of one chunk with the embedding of another, and for a word that no chunk has. Full
        text and exact search find nothing of such a word; search by vector does not care about words, and hybrid search
        does, and both find chunks by their embeddings.
        """
        return probe_modes.told_apart(self._asked())

    def __repr__(self) -> str:
        return f"<index probe of {quoted(self.index)}>"

    def _asked(self) -> Asked:
        return Asked(self.index, self._embed)

    def _queries(self, asked: Asked, given: Iterable[str | Query]) -> list[Query]:
        queries = [] if isinstance(given, str) else [Query(text=q) if isinstance(q, str) else q for q in given]
        if not queries or not all(isinstance(query, Query) for query in queries):
            raise UsageError(f"same_as: queries={quoted(given)} are none; give a list of texts")
        lacking = [query.text for query in queries if query.embedding is None]
        made = iter(asked.vectors(lacking) or ()) if lacking else iter(())
        return [q if q.embedding is not None else Query(text=q.text, embedding=next(made, None)) for q in queries]


def _entries(given: Entry | Iterable[Entry], check: str) -> tuple[Entry, ...]:
    if isinstance(given, Entry):
        return (given,)
    if isinstance(given, str) or not isinstance(given, Iterable):
        given = [given]
    found = tuple(given)
    for each in found:
        if not isinstance(each, Entry):
            what = f"{check}: {quoted(each)} is no chunk"
            raise UsageError(f"{what}; give pytest_genaiops.grounding.Entry(id=…, document=…, text=…)")
    if not found:
        mend = "give chunks, for what was deleted as they were before: probe.chunks_of(['leave-policy'])"
        raise UsageError(f"{check}: there is no chunk to look for; {mend}")
    return found


def _checked_k(k: object) -> int:
    if isinstance(k, bool) or not isinstance(k, int) or k < 1:
        raise UsageError(f"k={quoted(k)} is no number of results; give a whole number of at least 1")
    return k
