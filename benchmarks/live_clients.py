"""One client of benchmarks/live_calls.py, in a process of its own: asks so many calls, prints what they took as JSON.

    python benchmarks/live_clients.py CLIENT URL CALLS CONCURRENCY

The interpreter needs what the client is made of and nothing else: ``aiohttp``; ``openai``; ``pydantic-evals`` (whose
task asks by the openai SDK, as its users' do); ``evaluate`` (this package). Every client sends the same messages and
has to get the answers whole. Wall and CPU time (user and system, of all threads) are those of the calls, without
imports; what only the first call makes, such as a connection, is part of them.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

ANSWER = "a fake answer"
MODEL = "fake-1"


def messages(number: int) -> list[dict[str, str]]:
    """What is asked in a call, by its number."""
    return [
        {"role": "system", "content": "Answer in one short sentence."},
        {"role": "user", "content": f"What is the meaning of the word number {number} in the list of all words?"},
    ]


def rows(calls: int) -> list[dict[str, str]]:
    """The same as cases of a dataset."""
    return [{"id": f"case{i}", "question": messages(i)[1]["content"], "reference": ANSWER} for i in range(calls)]


def variant(url: str) -> dict[str, Any]:
    """The same as a prompt for :func:`rows`."""
    system, _ = messages(0)
    asked = [system, {"role": "user", "content": "{{ question }}"}]
    return {"id": "v1", "model": {"name": MODEL, "base_url": url, "api_key_env": "BENCHMARK_KEY"}, "messages": asked}


async def by_aiohttp(url: str, calls: int, concurrency: int) -> list[str]:
    """Nothing but the calls."""
    import aiohttp

    gate = asyncio.Semaphore(concurrency)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=concurrency)) as session:

        async def ask(number: int) -> str:
            async with (
                gate,
                session.post(
                    f"{url}/chat/completions",
                    json={"model": MODEL, "messages": messages(number)},
                    headers={"Authorization": "Bearer benchmark-key"},
                ) as response,
            ):
                found = await response.json()
                return str(found["choices"][0]["message"]["content"])

        return await asyncio.gather(*map(ask, range(calls)))


def openai_client(url: str) -> Any:
    """The SDK as it is by default."""
    import openai

    return openai.AsyncOpenAI(base_url=url, api_key="benchmark-key")


async def by_openai(url: str, calls: int, concurrency: int) -> list[str]:
    """The SDK under a semaphore."""
    gate, client = asyncio.Semaphore(concurrency), openai_client(url)

    async def ask(number: int) -> str:
        async with gate:
            found = await client.chat.completions.create(model=MODEL, messages=messages(number))
            return str(found.choices[0].message.content)

    return await asyncio.gather(*map(ask, range(calls)))


async def by_pydantic_evals(url: str, calls: int, concurrency: int) -> list[str]:
    """A dataset of pydantic-evals with its own bound on what runs at once."""
    from pydantic_evals import Case, Dataset
    from pydantic_evals.evaluators import EqualsExpected

    client = openai_client(url)

    async def ask(number: int) -> str:
        found = await client.chat.completions.create(model=MODEL, messages=messages(number))
        return str(found.choices[0].message.content)

    cases = [Case(name=f"case{i}", inputs=i, expected_output=ANSWER) for i in range(calls)]
    dataset = Dataset(name="calls", cases=cases, evaluators=[EqualsExpected()])
    report = await dataset.evaluate(ask, max_concurrency=concurrency, progress=False)
    return [case.output for case in report.cases]


async def by_evaluate(url: str, calls: int, concurrency: int) -> list[str]:
    """``evaluate()`` with answers kept, as by default, in a folder that is new."""
    from pytest_genaiops import evaluate
    from pytest_genaiops.config import Settings

    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(root=Path(folder), concurrency=concurrency)
        found = evaluate(rows(calls), variants=[variant(url)], metrics=["exact_match"], settings=settings)
    return [response.text for response in found.responses["v1"]]


CLIENTS: dict[str, Callable[[str, int, int], Awaitable[list[str]]]] = {
    "aiohttp": by_aiohttp,
    "openai": by_openai,
    "pydantic-evals": by_pydantic_evals,
    "evaluate": by_evaluate,
}
IMPORTS = {
    "aiohttp": ("aiohttp",),
    "openai": ("openai", "openai.resources.chat"),
    "pydantic-evals": ("openai", "openai.resources.chat", "pydantic_evals"),
    "evaluate": ("aiohttp", "pytest_genaiops.evaluation", "pytest_genaiops.targets.model", "sqlite3"),
}


def main() -> None:
    name, url, calls, concurrency = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    os.environ["BENCHMARK_KEY"] = "benchmark-key"
    for module in IMPORTS[name]:
        __import__(module)
    begun, used = time.perf_counter(), time.process_time()
    answers = asyncio.run(_whole(CLIENTS[name](url, calls, concurrency)))
    wall, cpu = time.perf_counter() - begun, time.process_time() - used
    if answers != [ANSWER] * calls:
        raise SystemExit(f"{name}: {answers.count(ANSWER)} of {calls} calls were answered")
    sys.stdout.write(json.dumps({"wall": wall, "cpu": cpu}) + "\n")


async def _whole(answers: Awaitable[list[str]]) -> list[str]:
    return await answers


if __name__ == "__main__":
    main()
