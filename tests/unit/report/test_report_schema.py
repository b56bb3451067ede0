"""JSON reports and their published schema: the one is what the other says, field by field."""

from __future__ import annotations

import json
import typing
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from pytest_genaiops.errors import UsageError
from pytest_genaiops.report import document as nouns
from pytest_genaiops.report.document import Document, RunFacts, plain
from pytest_genaiops.report.files import SUFFIXES, as_json, write
from tests import report_schema
from tests.documents import HOSTILE, example, filled

SCHEMA = json.loads(report_schema.FILE.read_text(encoding="utf-8"))
VALIDATOR = Draft202012Validator(SCHEMA)
SMALL = example(cases=2, variants=2, metrics=1, context=60)


def test_the_file_is_what_the_dataclasses_make() -> None:
    made = report_schema.as_text()
    assert report_schema.FILE.read_text(encoding="utf-8") == made, "run: python -m tests.report_schema"


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_every_field_of_every_noun_is_in_it_and_no_other() -> None:
    classes = {name: each for name, each in vars(nouns).items() if is_dataclass(each) and isinstance(each, type)}
    written = {**SCHEMA["$defs"], "Document": SCHEMA}
    assert written.keys() == classes.keys()
    for name, cls in classes.items():
        names = [each.name for each in fields(cls)]
        assert list(written[name]["properties"]) == written[name]["required"] == names


def numbers(hint: Any) -> bool:
    return hint in (int, float) or any(numbers(each) for each in typing.get_args(hint))


def test_everything_has_a_title_and_numbers_have_units() -> None:
    for name, found in {**SCHEMA["$defs"], "Document": SCHEMA}.items():
        hints = typing.get_type_hints(getattr(nouns, name))
        for field, described in found["properties"].items():
            assert described["title"], (name, field)
            assert ("x-unit" in described) == numbers(hints[field]), (name, field)


def documents() -> Iterator[Document]:
    yield example(cases=8)
    yield example(cases=3, trials=2, variants=1)
    yield Document(run=RunFacts(id="r", started="2026-11-30T10:29:40Z"))
    yield replace(SMALL, run=replace(SMALL.run, exit=None, seconds=None, kind="evaluate"))


@pytest.mark.parametrize("number", range(4))
def test_reports_are_valid(number: int) -> None:
    made = json.loads(as_json(list(documents())[number]))
    assert [error.message for error in VALIDATOR.iter_errors(made)] == []


@pytest.mark.parametrize(
    "change",
    [
        {"schema": "genaiops-report/2"},
        {"run": {"id": "r"}},
        {"suites": [{"title": 1}]},
        {"suites": "none"},
    ],
)
def test_what_is_no_report_is_refused(change: dict[str, Any]) -> None:
    assert list(VALIDATOR.iter_errors({**json.loads(as_json(SMALL)), **change}))


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_come_back_as_they_were(text: str) -> None:
    made = filled(text, SMALL)
    assert json.loads(as_json(made).encode("utf-8")) == plain(made)


@settings(max_examples=30, deadline=None)
@given(st.text(max_size=30))
def test_any_text_comes_back_as_it_was(text: str) -> None:
    made = replace(SMALL, run=replace(SMALL.run, command=(text,)))
    assert json.loads(as_json(made).encode("utf-8")) == plain(made)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_json_has_not_is_never_written(value: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        as_json(replace(SMALL, run=replace(SMALL.run, seconds=value)))


class TestFiles:
    @pytest.mark.parametrize("suffix", [*SUFFIXES, ".JSON"])
    def test_folders_are_made_and_a_file_is_replaced(self, tmp_path: Path, suffix: str) -> None:
        path = tmp_path / "some" / "where" / f"report{suffix}"
        write(SMALL, path, shown="x")
        first = path.read_bytes()
        write(SMALL, path, shown="x")
        assert path.read_bytes() == first
        assert [each.name for each in path.parent.iterdir()] == [path.name]

    def test_each_suffix_its_own_kind(self, tmp_path: Path) -> None:
        for suffix in SUFFIXES:
            write(filled(HOSTILE[8], SMALL), tmp_path / f"report{suffix}", shown="x")
        assert (tmp_path / "report.html").read_text(encoding="utf-8").lower().startswith("<!doctype html>")
        assert (tmp_path / "report.md").read_text(encoding="utf-8").startswith("## ")
        assert json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["schema"] == "genaiops-report/1"

    def test_a_folder_of_that_name(self, tmp_path: Path) -> None:
        (tmp_path / "report.md").mkdir()
        with pytest.raises(UsageError, match=r"^the report out/report.md cannot be written: Is a directory$"):
            write(SMALL, tmp_path / "report.md", shown="out/report.md")

    def test_a_file_where_a_folder_should_be(self, tmp_path: Path) -> None:
        (tmp_path / "out").touch()
        with pytest.raises(UsageError, match=r"^the report x cannot be written: .*(File exists|Not a directory)$"):
            write(SMALL, tmp_path / "out" / "report.md", shown="x")

    def test_what_was_there_stays_where_the_new_one_cannot_be_written(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = tmp_path / "report.md"
        path.write_text("the old one", encoding="utf-8")

        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("pytest_genaiops.report.files._pour", full)
        with pytest.raises(UsageError, match="No space left on device"):
            write(SMALL, path, shown="report.md")
        assert path.read_text(encoding="utf-8") == "the old one"
        assert list(tmp_path.iterdir()) == [path]


@given(st.characters(categories=["Cc", "Cf", "Cs", "Zl", "Zp"]))
def test_no_character_acts_on_the_terminal_that_shows_the_file(character: str) -> None:
    run = RunFacts(id=f"a{character}b", started="2026-11-30T10:29:40Z")
    shown = as_json(Document(run=run, suites=()))
    assert json.loads(shown)["run"]["id"] == run.id
    acting = "".join(map(chr, [*range(0x20), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A)]))
    assert not set(acting + "\u061c\u200e\u200f\u2028\u2029") & set(shown)
    shown.encode()
