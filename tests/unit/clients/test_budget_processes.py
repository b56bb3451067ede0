"""The budget of several processes: they stay within the limit together, and nobody waits for a dead one."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from budget_help import BOUND, Model, answer, call, made, request

from pytest_genaiops.clients import budget as module
from pytest_genaiops.clients.budget import Budget
from pytest_genaiops.clients.request import RefusedError
from pytest_genaiops.clients.shared import InFile, InProcess


class TestProcesses:
    def test_what_a_dead_process_had_set_aside_is_spent_and_nobody_waits_for_it(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shared = InProcess()
        dead, alive = (Budget(shared, max_tokens=BOUND.total + 50) for _ in range(2))
        asyncio.run(_left_open(dead))
        later = module.time.time() + 31
        monkeypatch.setattr(module.time, "time", lambda: later)
        with pytest.raises(RefusedError, match="50 are left"):
            asyncio.run(asyncio.wait_for(call(alive, answer()), 30))
        assert alive.totals().calls == 0
        found = alive.totals(ended=True)
        assert (found.calls, found.estimated, found.input_tokens) == (1, 1, BOUND.input)

    def test_one_that_only_seemed_dead_books_what_it_really_took(self, monkeypatch: pytest.MonkeyPatch) -> None:
        shared = InProcess()
        slow, other = (Budget(shared, max_tokens=2 * BOUND.total) for _ in range(2))
        begun = asyncio.run(_left_open(slow))
        later = module.time.time() + 31
        monkeypatch.setattr(module.time, "time", lambda: later)
        made(other, answer())
        begun.spent(answer(10, 5))
        assert other.totals(ended=True).input_tokens == 20
        assert other.totals(ended=True).estimated == 0

    def test_a_process_with_a_long_call_shows_that_it_lives(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "BEAT", 0.0)
        shared = InProcess()
        budget = Budget(shared, max_tokens=10**6)

        async def scenario() -> None:
            async with budget.spending(request(), Model()) as spending:
                before = _seen(shared, budget)
                while _seen(shared, budget) == before:
                    await asyncio.sleep(0)
                spending.spent(answer())

        asyncio.run(asyncio.wait_for(scenario(), 30))

    def test_a_file_that_is_lost_stops_calls_instead_of_limits(self, tmp_path: Path) -> None:
        with_file = InFile(tmp_path / "no such folder" / "state.sqlite")
        with pytest.raises(RefusedError, match="cannot be written"):
            made(Budget(with_file, max_tokens=10**9), answer())
        made(Budget(with_file), answer())

    def test_processes_together_stay_within_the_limit(self, tmp_path: Path) -> None:
        path, limit = tmp_path / "state.sqlite", 12 * BOUND.total
        script = (
            "import asyncio, sys; from pathlib import Path\n"
            "from tests.unit.clients.budget_help import hammered\n"
            "asyncio.run(hammered(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))"
        )
        root = Path(__file__).parents[3]
        workers = [
            subprocess.Popen([sys.executable, "-c", script, str(path), str(limit), str(seed)], cwd=root)
            for seed in range(2)
        ]
        assert [worker.wait(300) for worker in workers] == [0, 0]
        found = Budget(InFile(path)).totals(ended=True)
        assert found.calls + found.refused == 2 * 40
        assert found.refused > 0
        assert limit - BOUND.total < found.input_tokens + found.output_tokens <= limit


async def _left_open(budget: Budget) -> Any:
    """A call that begins and does not end."""
    spending = budget.spending(request(), Model())
    await spending.__aenter__()
    return spending


def _seen(shared: InProcess, budget: Budget) -> float:
    found: float = shared.peek("budget")["owners"][budget.owner]["seen"]
    return found
