"""What a gate knows of cases that other workers run."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from pytest_genaiops.plugin.outcomes import INPUT, PATIENCE_SECONDS, Outcomes


@pytest.fixture
def controller() -> Iterator[Outcomes]:
    outcomes = Outcomes(None)
    yield outcomes
    outcomes.close()


@pytest.fixture
def worker(controller: Outcomes) -> Outcomes:
    given: dict[str, str] = {}
    controller.share_with(given)
    return Outcomes(Path(given[INPUT]))


def test_a_case_that_is_torn_down_slowly_keeps_the_gate_waiting_for_the_next_one(
    controller: Outcomes, worker: Outcomes
) -> None:
    """The next one would else be run twice: by the gate, which takes it for one that nobody runs, and by its worker."""
    found: list[Mapping[str, str]] = []
    controller.start("c3")
    controller.note("c3", "passed")
    waiting = threading.Thread(target=lambda: found.append(worker.wait_for(["c3", "c4"])), daemon=True)
    waiting.start()
    waiting.join(1.5 * PATIENCE_SECONDS)
    assert waiting.is_alive()
    controller.note("c4", "passed")
    waiting.join(60)
    assert found == [{"c3": "passed", "c4": "passed"}]


def test_nobody_waits_for_what_nobody_runs(controller: Outcomes, worker: Outcomes) -> None:
    controller.start("c3")
    controller.note("c3", "failed")
    controller.finish("c3")
    assert worker.wait_for(["c3", "c4"]) == {"c3": "failed"}
