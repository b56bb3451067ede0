"""README and docs do what they say: files are written, Python is run, and consoles print what the page shows."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
PROGRAMS = {
    "pytest": ["-m", "pytest", "-p", "no:randomly", "-p", "no:cacheprovider"],
    "genaiops": ["-c", "import sys; from pytest_genaiops.cli import main; sys.exit(main())"],
}
BLOCK = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_page(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("pytest.ini").write_text("[pytest]\n")
    names: dict[str, Any] = {}
    for language, title, text in BLOCK.findall(page.read_text(encoding="utf-8")):
        if title:
            Path(title).parent.mkdir(parents=True, exist_ok=True)
            Path(title).write_text(text, encoding="utf-8")
        elif language == "console":
            check_console(text)
        elif language == "python":
            exec(compile(text, str(page), "exec"), names)


def check_console(text: str) -> None:
    """Run ``$ command`` and find every line shown below it in the output, in this order; others may stand between."""
    first, *shown = text.splitlines()
    command = shlex.split(first.removeprefix("$ "))
    done = subprocess.run(
        [sys.executable, *PROGRAMS[command[0]], *command[1:]],
        capture_output=True,
        text=True,
        check=False,
        env={**_environment(), "COLUMNS": "80", "PYTHONIOENCODING": "utf-8"},
    )
    lines = iter([squeezed(line) for line in done.stdout.splitlines()])
    for line in filter(None, map(squeezed, shown)):
        assert any(line == printed for printed in lines), f"not printed (any more): {line}\n{done.stdout}{done.stderr}"


def squeezed(line: str) -> str:
    """The line with single spaces and without progress: the column of a percentage is not the page's claim."""
    return " ".join(re.sub(r"\[ *\d+%\]", "", line).split())


def _environment() -> dict[str, str]:
    """A developer's: in CI pytest cuts no lines, and GitHub is told of what fails."""
    return {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("PYTEST", "CI", "BUILD_NUMBER", "GITHUB"))
    }


def test_links_lead_somewhere() -> None:
    for page in [*PAGES, ROOT / "ARCHITECTURE.md"]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.relative_to(ROOT)} links to {target}, which is not there"
