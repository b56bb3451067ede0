"""What a RAG system answers from: builds of its indexes, probes of what they hold, and checks of its chunks."""

from pytest_genaiops.grounding.chunks import ChunkChecks as ChunkChecks
from pytest_genaiops.grounding.chunks import chunk_checks as chunk_checks
from pytest_genaiops.grounding.index import Entry as Entry
from pytest_genaiops.grounding.index import Hit as Hit
from pytest_genaiops.grounding.index import Index as Index
from pytest_genaiops.grounding.index import Mode as Mode
from pytest_genaiops.grounding.index import Query as Query
from pytest_genaiops.grounding.index import text_hash as text_hash
from pytest_genaiops.grounding.near import near_copies as near_copies
from pytest_genaiops.grounding.probe import IndexProbe as IndexProbe
from pytest_genaiops.grounding.probe import index_probe as index_probe
from pytest_genaiops.grounding.probe_contents import Expected as Expected
from pytest_genaiops.grounding.probe_contents import manifest_of as manifest_of
from pytest_genaiops.grounding.probe_fresh import Clock as Clock
from pytest_genaiops.grounding.probe_result import Finding as Finding
from pytest_genaiops.grounding.probe_result import ProbeResult as ProbeResult
