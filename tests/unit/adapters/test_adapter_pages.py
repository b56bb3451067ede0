"""The page on adapters does what it says, as far as the packages are there."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[3] / "docs/metrics/adapters.md"
FILES = re.compile(r'^```\w+ title="([^"]+)"\n(.*?)^```$', re.MULTILINE | re.DOTALL)


def is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # nor what it lies in
        return False


@pytest.mark.parametrize(
    ("package", "module"), [("evaluate", "evaluate"), ("ragas", "ragas"), ("azure", "azure.ai.evaluation")]
)
def test_an_example_of_the_page(package: str, module: str, tmp_path: Path) -> None:
    if not is_there(module):
        pytest.skip(f"{module} is not installed; nox -s adapters has it")
    files = dict(FILES.findall(PAGE.read_text(encoding="utf-8")))
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    subprocess.run([sys.executable, f"with_{package}.py"], check=True, cwd=tmp_path)
