"""A person's texts, and all files of a project."""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path

import pytest

from pytest_genaiops.cli import main

NAMED = 'Zoë "Zed" O\'Brien'
ASKED = f"My name is {NAMED}, where is my lamp?"


def everything(project: Path) -> bytes:
    return b"\n".join(file.read_bytes() for file in sorted(project.rglob("*")) if file.is_file())


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[str]]:
    code = main(["purge", *arguments])
    output = capsys.readouterr()
    return code, (output.out if code < 2 else output.err).splitlines()


def page(text: str) -> str:
    """As our HTML reports have it: compressed, in Base64."""
    packed = base64.b64encode(gzip.compress(json.dumps({"text": text}).encode())).decode()
    return f"<html><script>{packed}</script></html>"
