"""A project with runs on record."""

from __future__ import annotations

from pathlib import Path

import pytest
from record_help import Command, evaluated, recorded

from pytest_genaiops.cli import main


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def genaiops(project: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    def run(*arguments: str) -> tuple[int, list[str], str]:
        capsys.readouterr()
        code = main(arguments)
        said = capsys.readouterr()
        return code, said.out.splitlines(), said.err

    return run


@pytest.fixture
def run(project: Path) -> str:
    """The id of a run with exact_match and token_f1 over 24 cases, of which v1 has 16 right and v2 has 18."""
    return recorded(project, evaluated(project, ["exact_match", "token_f1"]))
