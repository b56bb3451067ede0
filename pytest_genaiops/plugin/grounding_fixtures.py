"""Fixtures of what a RAG system answers from; loaded into every session, so it imports nothing of ours by itself."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture(scope="session")
def index_builds(request: pytest.FixtureRequest) -> Any:
    """Indexes that are built once for all variants, workers and runs: get(name, key, make) -> folder."""
    from pytest_genaiops.plugin.building import builds_of

    return builds_of(request.config)


@pytest.fixture(scope="session")
def index_probe(request: pytest.FixtureRequest) -> Any:
    """Proofs about a search index: fresh, deleted, same_as, agrees, embeddings; called on an index."""
    from pytest_genaiops.plugin.probing import probe_of

    return probe_of(request.config)


@pytest.fixture(scope="session")
def chunk_checks() -> Any:
    """Checks of chunks: sizes, empty, duplicates, overlap, coverage of the sources, ids that stay; called on chunks."""
    from pytest_genaiops.grounding.chunks import chunk_checks

    return chunk_checks


FIXTURES = {"index_builds": index_builds, "chunk_checks": chunk_checks, "index_probe": index_probe}
"""What ``hooks.py`` hands to pytest."""
