"""Optional packages, and the one sentence about a missing one."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pytest_genaiops.errors import ExtraMissingError, UsageError
from pytest_genaiops.extras import require


def test_an_installed_package_is_imported() -> None:
    assert require("json", extra="any").dumps([1]) == "[1]"


def test_a_module_inside_a_package() -> None:
    assert require("xml.dom", extra="any").__name__ == "xml.dom"


def test_a_missing_one_is_named_with_the_way_to_get_it() -> None:
    with pytest.raises(ExtraMissingError) as caught:
        require("no_such_package_at_all.metrics", extra="ragas")
    assert str(caught.value) == (
        "this needs the package 'no_such_package_at_all', which is not installed: "
        'python -m pip install "pytest-genaiops[ragas]"'
    )


def test_the_error_is_a_usage_error_and_an_import_error() -> None:
    assert issubclass(ExtraMissingError, UsageError)
    assert issubclass(ExtraMissingError, ImportError)


def test_a_folder_of_data_does_not_pass_for_a_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "just_a_folder_of_data").mkdir()
    (tmp_path / "just_a_folder_of_data/rows.jsonl").write_text("{}\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ExtraMissingError, match="'just_a_folder_of_data', which is not installed"):
        require("just_a_folder_of_data", extra="hf")
    assert "just_a_folder_of_data" not in sys.modules


def test_a_package_that_fails_to_import_says_so_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken_on_import.py").write_text("import also_not_there_at_all\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ModuleNotFoundError, match="also_not_there_at_all"):
        require("broken_on_import", extra="hf")
