"""Packed files, folders of files, and files that are too much."""

from __future__ import annotations

import csv
import gzip
import os
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_genaiops import dataset
from pytest_genaiops.errors import DatasetError

ROWS = '{"id": "a", "q": "one"}\n{"id": "b", "q": "two"}\n'
TABLE = "id,q\na,one\nb,two\n"


def refusal(path: Path) -> str:
    with pytest.raises(DatasetError) as caught:
        dataset.load(path, root=path.parent)
    message = str(caught.value)
    assert message.isprintable()
    return message


class TestGzip:
    @pytest.mark.parametrize(
        ("name", "text"),
        [("qa.jsonl.gz", ROWS), ("qa.csv.gz", TABLE), ("qa.tsv.gz", TABLE.replace(",", "\t")), ("QA.JSONL.GZ", ROWS)],
    )
    def test_it_says_the_same_as_the_plain_file(self, tmp_path: Path, name: str, text: str) -> None:
        (tmp_path / "qa.jsonl").write_text(ROWS)
        (tmp_path / name).write_bytes(gzip.compress(text.encode()))
        plain, packed = (dataset.load(tmp_path / each, root=tmp_path) for each in ("qa.jsonl", name))
        assert packed.hash == plain.hash
        assert packed.name.lower() == plain.name == "qa"
        assert packed.cases[-1].source == f"{name}:{text.count(chr(10))}"

    def test_several_members_are_one_file(self, tmp_path: Path) -> None:
        first, second = ROWS.splitlines(keepends=True)
        (tmp_path / "qa.jsonl.gz").write_bytes(gzip.compress(first.encode()) + gzip.compress(second.encode()))
        assert [case.id for case in dataset.load(tmp_path / "qa.jsonl.gz").cases] == ["a", "b"]

    @pytest.mark.parametrize(
        ("damage", "part"),
        [
            (lambda data: data[:-12], "ended before"),
            (lambda data: data[:14] + b"\xff\xff\xff\xff" + data[18:], "error"),
            (lambda data: data[:-8] + b"\0\0\0\0" + data[-4:], "crc check failed"),
            (lambda data: data + b"more", "not a gzipped file"),
            (lambda data: ROWS.encode(), "not a gzipped file"),
        ],
        ids=["cut short", "bits turned", "check sum", "something behind it", "plain text"],
    )
    def test_damage_is_one_sentence(self, tmp_path: Path, damage: object, part: str) -> None:
        path = tmp_path / "qa.jsonl.gz"
        path.write_bytes(damage(gzip.compress(ROWS.encode(), mtime=0)))  # type: ignore[operator]
        message = refusal(path)
        assert message.startswith("qa.jsonl.gz: the gzip data is damaged or cut short")
        assert part in message
        assert message.endswith("compress the file again, or drop .gz from its name")

    def test_an_empty_file(self, tmp_path: Path) -> None:
        (tmp_path / "qa.jsonl.gz").touch()
        assert "no rows" in refusal(tmp_path / "qa.jsonl.gz")


class TestFolders:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        (tmp_path / "support/more").mkdir(parents=True)
        for number in (10, 2, 1):
            (tmp_path / f"support/part-{number}.jsonl").write_text(f'{{"id": "{number}", "q": "?"}}\n')
        (tmp_path / "support/part-3.csv.gz").write_bytes(gzip.compress(b"id,q\n3,?\n"))
        (tmp_path / "support/README.md").write_text("no data")
        (tmp_path / "support/.part-4.jsonl").write_text("hidden")
        (tmp_path / "support/more/part-5.jsonl").write_text("in a folder of its own")
        return tmp_path / "support"

    def test_files_come_in_natural_order(self, folder: Path) -> None:
        loaded = dataset.load(folder, root=folder.parent)
        assert [case.source for case in loaded.cases] == [
            "support/part-1.jsonl:1",
            "support/part-2.jsonl:1",
            "support/part-3.csv.gz:2",
            "support/part-10.jsonl:1",
        ]
        assert (loaded.name, loaded.path) == ("support", folder)

    def test_the_same_rows_in_one_file_have_the_same_hash(self, folder: Path, tmp_path: Path) -> None:
        (tmp_path / "all.csv").write_text("id,q\n" + "".join(f"{n},?\n" for n in (1, 2, 3, 10)))
        assert dataset.load(folder).hash == dataset.load(tmp_path / "all.csv").hash

    def test_ids_are_unique_across_files(self, folder: Path) -> None:
        (folder / "part-11.jsonl").write_text('\n{"id": "2"}\n')
        message = refusal(folder)
        assert message.startswith("support/part-11.jsonl:2: id '2' is already the id of support/part-2.jsonl:1;")

    def test_a_fault_names_its_file(self, folder: Path) -> None:
        (folder / "part-2.jsonl").write_text("oops")
        assert refusal(folder).startswith("support/part-2.jsonl:1: the line is not JSON")

    def test_an_empty_folder(self, tmp_path: Path) -> None:
        (tmp_path / "support").mkdir()
        (tmp_path / "support/notes.txt").touch()
        assert refusal(tmp_path / "support").startswith("support: the folder holds no data file; add one that ends in")

    def test_a_folder_without_permission(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def denied(folder: object) -> None:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(os, "scandir", denied)
        assert "the folder cannot be read (Permission denied)" in refusal(tmp_path)


@pytest.fixture
def no_limit_on_cells() -> Iterator[None]:
    before = csv.field_size_limit(2**31)
    yield
    csv.field_size_limit(before)


class TestTooMuch:
    """What is refused must not fill the memory first: 100 MiB are enough to say no to a file of any size."""

    @pytest.mark.parametrize("name", ["qa.jsonl", "qa.csv", "qa.jsonl.gz"])
    def test_a_line_of_300_megabytes(self, tmp_path: Path, name: str) -> None:
        path = tmp_path / name
        with gzip.open(path, "wb", 1) if name.endswith(".gz") else path.open("wb") as file:
            file.write(b"id,q\n" if name == "qa.csv" else b'{"id": "a"}\n')
            for _ in range(300):
                file.write(b"x" * 1_000_000)
        assert self.peak(path).startswith(f"{name}:2: the line is longer than 16 MiB; write one row a line")

    @pytest.mark.usefixtures("no_limit_on_cells")
    def test_a_quote_that_is_never_closed(self, tmp_path: Path) -> None:
        (tmp_path / "qa.csv").write_text('id,q\na,"' + ("x" * 999 + "\n") * 200_000)
        assert "qa.csv:2: a quoted cell that begins in this row is never closed" in self.peak(tmp_path / "qa.csv")

    def test_the_same_within_the_limit_of_the_csv_module(self, tmp_path: Path) -> None:
        (tmp_path / "qa.csv").write_text('id,q\na,"' + "twenty characters...\n" * 20_000)
        message = refusal(tmp_path / "qa.csv")
        assert message.startswith("qa.csv:2: a cell is longer than 131,072 characters")
        assert "close its quote" in message

    def peak(self, path: Path) -> str:
        tracemalloc.start()
        try:
            message = refusal(path)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < 100 * 2**20
        return message

    def test_a_row_of_many_lines_is_fine_however_many_rows_there_are(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("pytest_genaiops.dataset.readers.table.LONGEST_LINE", 100)
        cell = "ten chars\n" * 5
        (tmp_path / "qa.csv").write_text("id,q\n" + "".join(f'{number},"{cell}"\n' for number in range(50)))
        assert len(dataset.load(tmp_path / "qa.csv").cases) == 50

    def test_values_that_are_too_large_to_show(self) -> None:
        deep: object = "x"
        for _ in range(100_000):
            deep = [deep]
        for value, part in [(deep, "a list that is too large"), (10**5000, "a int that is too large")]:
            with pytest.raises(DatasetError, match=part):
                dataset.from_rows([{"id": "a", "references": [value]}])


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (gzip.compress(b"id,q\n", mtime=0), "this is gzip data, which its name does not say; add .gz to it"),
        (b"PAR1\x15\x04", "this is a Parquet file, which its name does not say; let it end in .parquet"),
        (b"PK\x03\x04\x14\0\0", "this is a zip archive, which its name does not say; unpack it"),
    ],
)
def test_names_that_do_not_say_what_a_file_is(tmp_path: Path, content: bytes, sentence: str) -> None:
    (tmp_path / "qa.csv").write_bytes(content)
    assert refusal(tmp_path / "qa.csv") == f"qa.csv: {sentence}"


class TestLineEnds:
    def test_bare_carriage_returns(self, tmp_path: Path) -> None:
        (tmp_path / "qa.jsonl").write_bytes(b'{"id": "a"}\r{"id": "b"}\r')
        assert refusal(tmp_path / "qa.jsonl").startswith("qa.jsonl:1: the line holds a bare carriage return; end each")

    def test_a_last_line_that_was_cut_short(self, tmp_path: Path) -> None:
        (tmp_path / "qa.jsonl").write_text(ROWS[:-4])
        assert refusal(tmp_path / "qa.jsonl").startswith("qa.jsonl:2: the line is not JSON (unterminated string")


def test_a_file_name_that_is_not_utf8(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.jsonl"))
    path.write_text(ROWS)
    found = dataset.find(path.name, root=tmp_path)
    loaded = dataset.load(found, root=tmp_path)
    assert loaded.cases[0].source == "caf\\udce9.jsonl:1"
    path.write_text("oops")
    assert refusal(path).startswith("caf\\udce9.jsonl:1: the line is not JSON")


def test_a_file_that_vanishes_while_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "qa.jsonl").write_text(ROWS)
    found = dataset.find("qa.jsonl", root=tmp_path)
    found.unlink()
    assert refusal(found) == (
        "qa.jsonl: the file cannot be read (No such file or directory); check its name and permissions"
    )
