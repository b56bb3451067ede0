"""What the site is made of is complete: ``nox -s docs`` would say so too, but later."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import pytest_genaiops

DOCS = Path(__file__).parents[2] / "docs"
PAGES = sorted(
    path.relative_to(DOCS).with_suffix("").as_posix()
    for suffix in ("md", "ipynb")
    for path in DOCS.rglob(f"*.{suffix}")
    if path.name != "index.md"
)
NOTEBOOKS = sorted(DOCS.rglob("*.ipynb"))


def listed() -> list[str]:
    """Pages that a list of contents leads to."""
    found = []
    for index in DOCS.rglob("index.md"):
        for block in re.findall(r"^```\{toctree\}\n(.*?)^```$", index.read_text("utf-8"), re.MULTILINE | re.DOTALL):
            for entry in (line for line in block.splitlines() if line and not line.startswith(":")):
                where = index.parent.relative_to(DOCS)
                paths = index.parent.glob(f"{entry}.md") if "*" in entry else [index.parent / entry]
                found += [(where / path.relative_to(index.parent).with_suffix("")).as_posix() for path in paths]
    return found


def test_every_page_is_listed_once() -> None:
    there = [page for page in listed() if page != "decisions/index"]
    assert [page for page in PAGES if there.count(page) != 1] == [], "name it in docs/index.md"
    assert set(there) <= set(PAGES)


def test_the_reference_has_every_public_name() -> None:
    page = (DOCS / "api.md").read_text("utf-8")
    named = re.findall(r"^\.\. auto(?:class|function|exception):: pytest_genaiops\.(\w+)$", page, re.MULTILINE)
    assert sorted(named) == pytest_genaiops.__all__


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_notebooks_are_stored_without_outputs(path: Path) -> None:
    cells = json.loads(path.read_text("utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert code
    assert [cell["id"] for cell in code if cell["outputs"] or cell["execution_count"] is not None] == []
