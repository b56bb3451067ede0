"""Programs that answer, and what is asked of them."""

from __future__ import annotations

import sys
from pathlib import Path
from textwrap import dedent
from typing import Any

from asking import Session

from pytest_genaiops.records import Case, Response
from pytest_genaiops.targets import process_target

CASE = Case(id="c1", inputs={"question": "Why?"}, contexts=("Because.",))
ECHO = 'answer({"text": asked["case"]["inputs"]["question"]})'
HEAD = """
import json, os, sys, time

def answer(said):
    print(json.dumps({"id": asked["id"], **said}))

for line in sys.stdin:
    asked = json.loads(line)
"""


def program(body: str, name: str = "app.py", *, head: str = HEAD) -> list[str]:
    """The command of a program that runs these lines for every line that it reads, as ``asked``."""
    Path(name).write_text(head + "".join(f"    {line}\n" for line in dedent(body).strip().splitlines()))
    return [sys.executable, "-S", name]


def ask(body: str, *cases: Case, session: Session | None = None, head: str = HEAD, **options: Any) -> list[Response]:
    return (session or Session()).answers(process_target(program(body, head=head), **options), *(cases or [CASE]))
