"""Requests and answers for tests of what is kept."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from pytest_genaiops.clients.request import Labels, Request
from pytest_genaiops.records import Response

SERVICE = {"kind": "openai", "url": "https://api.example.com/v1", "model": "small"}


def request(question: str = "Why?", *, trial: int = 1, variant: str = "v1", case: str = "q1", **body: Any) -> Request:
    messages = [{"role": "system", "content": "Answer in one sentence."}, {"role": "user", "content": question}]
    return Request(
        service=SERVICE,
        body={"model": "small", "messages": messages, "temperature": 0.2, **body},
        trial=trial,
        labels=Labels(variant=variant, case=case),
    )


def response(text: str = "Because.", **fields: Any) -> Response:
    usage = {"input_tokens": 20, "output_tokens": 5}
    return Response(**{"text": text, "usage": usage, "latency": 0.25, "deployment": "small", **fields})


def rows(folder: Path, sql: str) -> list[Any]:
    with closing(sqlite3.connect(folder / "cache.sqlite")) as database:
        return database.execute(sql).fetchall()


def change(folder: Path, sql: str, *values: object) -> None:
    with closing(sqlite3.connect(folder / "cache.sqlite")) as database, database:
        database.execute(sql, values)
