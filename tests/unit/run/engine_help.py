"""What the engine's tests share: jobs, engines that are closed afterwards, a target that counts."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from pytest_genaiops.records import Case, Response, Trial
from pytest_genaiops.run import Engine, Job
from pytest_genaiops.variants import bare

Target = Callable[[Case, Any], Any]


def job(target: Target, case: str = "a", *, variant: str = "v1", index: int = 1, identity: object = "app") -> Job:
    trial = Trial(case=Case(id=case), variant=variant, index=index, dataset="d")
    return Job(target=target, identity=identity, variant=bare(variant), trial=trial)


def answers(engine: Engine, jobs: list[Job]) -> list[Response]:
    engine.start(jobs)
    return [engine.response(each) for each in jobs]


def answered(engine: Engine, asked: Job, seconds: float = 10.0) -> str | None:
    """The text of the response to a trial; None where it does not come."""
    found: list[str] = []
    waiting = threading.Thread(target=lambda: found.append(engine.response(asked).text), daemon=True)
    waiting.start()
    waiting.join(seconds)
    return found[0] if found else None


class Counted:
    """A sync target that counts its calls and how many were under way at once."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.calls: list[tuple[str, str]] = []
        self.under_way = self.most = 0
        self.lock = threading.Lock()

    def __call__(self, case: Case, variant: Any) -> str:
        with self.lock:
            self.calls.append((variant.id, case.id))
            self.under_way += 1
            self.most = max(self.most, self.under_way)
        time.sleep(self.seconds)
        with self.lock:
            self.under_way -= 1
        return f"{variant.id}:{case.id}"


def settle(condition: Callable[[], bool]) -> None:
    limit = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < limit, "nothing happened for a minute"
        time.sleep(0.005)
