"""Processes that build: what each of them runs, and how its answer is read."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

BUILD = """
import os, sys, time
from pathlib import Path
from pytest_genaiops.grounding.builds import Builds

folder, act = Path(sys.argv[1]), sys.argv[2]


def make(part):
    with (folder / "begun.txt").open("a") as file:
        file.write(f"{os.getpid()}\\n")
    (part / "half.txt").write_text("half")
    if act == "hang":
        time.sleep(600)
    if act == "fail":
        raise ValueError("the corpus is empty")
    while not (folder / "go.txt").exists() and act == "wait":
        time.sleep(0.01)
    (part / "whole.txt").write_text("whole")


try:
    print(Builds(folder / "builds").get("index", {"chunk": 256}, make), flush=True)
except ValueError as error:
    print(f"ValueError: {error}", flush=True)
"""


def start(folder: Path, act: str = "build") -> subprocess.Popen[str]:
    """A process that asks for one build; ``act`` says what becomes of it where this process makes it."""
    return subprocess.Popen(
        [sys.executable, "-c", BUILD, str(folder), act], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def answer(process: subprocess.Popen[str]) -> str:
    """What it said; an answer is waited for as long as a busy machine may need."""
    out, _ = process.communicate(timeout=120)
    return out.strip()


def begun(folder: Path) -> list[int]:
    """The processes that began to make the build, in order."""
    file = folder / "begun.txt"
    return [int(line) for line in file.read_text().split()] if file.exists() else []


def until_begun(folder: Path, builders: int) -> None:
    """Wait until so many have begun."""
    end = time.monotonic() + 120
    while len(begun(folder)) < builders:
        assert time.monotonic() < end, "no process began to build"
        time.sleep(0.01)
