"""A judge whose replies are written down, behind a real socket."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from pytest_genaiops.clients.assembly import shared_of
from pytest_genaiops.config import Settings
from pytest_genaiops.run import Judging, Measurements, judging_of
from pytest_genaiops.score import MetricHandle
from pytest_genaiops.score.metric import make
from pytest_genaiops.testing import FakeServer

Replies = Mapping[str, Any]
"""Name of a prompt -> a text, a value that is sent as JSON, or a function of the body that gives either."""


class Scripted:
    """Answers by the prompt that it is asked, and keeps the bodies of all requests."""

    def __init__(self, replies: Replies) -> None:
        self.replies = replies
        self.bodies: list[dict[str, Any]] = []

    def __call__(self, body: dict[str, Any]) -> str:
        self.bodies.append(body)
        name = body["response_format"]["json_schema"]["name"].rpartition("_")[0]
        reply = self.replies[name]
        found = reply(body) if callable(reply) else reply
        return found if isinstance(found, str) else json.dumps(found)

    def user(self, call: int = 0) -> str:
        """What the judge was shown in a call."""
        text: str = self.bodies[call]["messages"][1]["content"]
        return text


@pytest.fixture
def judge(tmp_path: Path) -> Iterator[Callable[..., tuple[MetricHandle, Scripted]]]:
    """``judge(name, replies, **options)``: the metric with that judge, and the judge."""
    with ExitStack() as stack:

        def made(name: str, replies: Replies, **options: Any) -> tuple[MetricHandle, Scripted]:
            script = Scripted(replies)
            server = stack.enter_context(FakeServer(script))
            file = {"model": {"name": "m", "base_url": server.url}, "parameters": {"max_tokens": 500}}
            judging: Judging = judging_of(Settings(root=tmp_path, cache="off"), shared_of(None))
            stack.callback(lambda: judging._engine().close())
            return MetricHandle(make(name, judge=file, **options), measurements=Measurements(judging)), script

        yield made
