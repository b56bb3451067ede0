"""The files of an export: every value comes back, and no cell acts on anything."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Iterable
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from export_cells import as_csv, cells, columns_of
from export_help import RUN, exported, texts, write
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_genaiops.store import Writer
from pytest_genaiops.store.export import Row, What
from pytest_genaiops.store.export_files import write_jsonl, write_parquet

NUMBERS = count()
NASTY = [
    *("=1+1", "+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "'=1", "''", "-5", "1e3", "＝1", "\0", "\ud800", "a\udfffb"),
    *("\u202eevil", "\x1b[31mred", "<script>alert(1)</script>", 'a,"b"\r\nc', "\r", "\u2028", "\\u0000", "é𝒳", ""),
]
hostile = st.one_of(st.sampled_from(NASTY), st.text(st.characters(exclude_categories=[])))
values = (
    st.none() | hostile | st.integers(-(2**65), 2**65) | st.floats() | st.booleans() | st.lists(hostile, max_size=2)
)


def jsonl(given: Iterable[Row]) -> list[Row]:
    stream = io.BytesIO()
    write_jsonl(stream, given)
    return [json.loads(line) for line in stream.getvalue().decode("utf-8").split("\n")[:-1]]


def as_parquet(folder: Path, what: What = "trials") -> Any:
    parquet = pytest.importorskip("pyarrow.parquet")
    stream = io.BytesIO()
    write_parquet(stream, exported(folder, what), columns_of(folder, what))
    return parquet.read_table(io.BytesIO(stream.getvalue()))


def test_json_lines_are_the_rows(tmp_path: Path) -> None:
    write(tmp_path)
    for what in ("trials", "measurements", "verdicts", "items"):
        assert jsonl(exported(tmp_path, what)) == exported(tmp_path, what)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+cmd|'/C calc'!A0", "'+cmd|'/C calc'!A0"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r\n=1", "'\r\n=1"),
        ("＝1", "'＝1"),
        ("'quoted'", "''quoted'"),
        ("-5", "-5"),
        ("+3.5e-2", "+3.5e-2"),
        ("-5 apples", "'-5 apples"),
        ("a=1", "a=1"),
        ("", ""),
        ("a\0b", "a\\u0000b"),
        ("\ud800", "\\ud800"),
        ("\u202etxt.exe", "\\u202etxt.exe"),
        ("\x1b[31mred", "\\u001b[31mred"),
        ("a\rb", "a\\u000db"),
        ("two\r\nlines\nand\ttab", "two\r\nlines\nand\ttab"),
        ('"a", b', '"a", b'),
    ],
)
def test_a_cell_shows_its_text_and_is_no_formula(text: str, cell: str, tmp_path: Path) -> None:
    # https://owasp.org/www-community/attacks/CSV_Injection
    texts(tmp_path, [{"q": text}])
    (row,) = cells(as_csv(tmp_path))
    assert row["genaiops.inputs.q"] == row["genaiops.response.text"] == cell


def test_numbers_stay_numbers(tmp_path: Path) -> None:
    texts(tmp_path, [{"n": -5, "x": -0.5, "b": True, "l": ["=1"]}, {"n": None, "x": 2, "b": False, "l": []}])
    first, second = cells(as_csv(tmp_path))
    names = ("n", "x", "b", "l")
    assert [first[f"genaiops.inputs.{name}"] for name in names] == ["-5", "-0.5", "true", '["=1"]']
    assert [second[f"genaiops.inputs.{name}"] for name in names] == ["", "2.0", "false", "[]"]


@settings(max_examples=60)
@given(st.lists(st.dictionaries(hostile, values, max_size=3), min_size=1, max_size=4))
def test_whatever_a_dataset_holds_is_read_back(tmp_path_factory: pytest.TempPathFactory, given: Any) -> None:
    folder = tmp_path_factory.mktemp(f"run{next(NUMBERS)}")
    texts(folder, given)
    recorded = exported(folder)
    stream = io.BytesIO()
    write_jsonl(stream, recorded)
    data = stream.getvalue()
    lines = data.decode("utf-8").split("\n")
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e]", "".join(lines))
    strict = [json.loads(line, parse_constant=pytest.fail) for line in lines[:-1]]
    for line, row, inputs in zip(strict, recorded, given, strict=True):
        assert line.get("genaiops.inputs") == without_nan(row.get("genaiops.inputs"))
        assert set(line.get("genaiops.inputs", ())) == {rejoined(name) for name in inputs}
        assert line["genaiops.response.text"] == row["genaiops.response.text"]
    known = columns_of(folder)
    head, *body = csv.reader(io.StringIO(as_csv(folder).decode("utf-8"), newline=""))
    assert len(head) == len(known)
    for line, row in zip(body, recorded, strict=True):
        assert len(line) == len(known)
        shown = line[[column.name for column in known].index("genaiops.response.text")]
        text = row["genaiops.response.text"]
        if not re.search("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]", text):
            assert shown.removeprefix("'") == text if text.startswith("'") else shown in (text, f"'{text}")
        assert not shown.startswith(("=", "@", "\t", "\r", "\n"))


def rejoined(text: str) -> str:
    """Two halves that stand side by side are one character in JSON."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


def without_nan(value: Any) -> Any:
    """NaN and the infinities are no JSON: null stands for them."""
    if isinstance(value, dict):
        return {key: without_nan(each) for key, each in value.items()}
    if isinstance(value, list):
        return [without_nan(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


@settings(max_examples=30)
@given(st.lists(st.dictionaries(st.sampled_from("abcd"), values, max_size=3), min_size=1, max_size=4))
def test_parquet_holds_texts_as_they_are(tmp_path_factory: pytest.TempPathFactory, given: Any) -> None:
    folder = tmp_path_factory.mktemp(f"run{next(NUMBERS)}")
    texts(folder, given)
    table = as_parquet(folder)
    for text, row in zip(table["genaiops.response.text"].to_pylist(), exported(folder), strict=True):
        assert text == re.sub("[\ud800-\udfff]", lambda half: f"\\u{ord(half[0]):04x}", row["genaiops.response.text"])
    assert table.num_rows == len(given)


def test_a_column_has_the_type_that_its_values_have(tmp_path: Path) -> None:
    given = [
        {"text": "a", "int": 1, "mixed": 1, "real": 1.5, "flag": True, "list": ["a"], "any": {"a": 1}, "big": 2**60},
        {"text": None, "int": None, "mixed": 0.5, "list": [], "any": "x", "big": 0.5, "huge": 2**70, "none": None},
    ]
    texts(tmp_path, given)
    table = as_parquet(tmp_path)
    prefix = "genaiops.inputs."
    found = {str(f.name)[len(prefix) :]: str(f.type) for f in table.schema if str(f.name).startswith(prefix)}
    assert found == {
        "text": "string",
        "int": "int64",
        "mixed": "double",
        "real": "double",
        "flag": "bool",
        "list": "list<element: string>",
        "any": "string",
        "big": "string",
        "huge": "string",
        "none": "string",
    }
    assert table[f"{prefix}any"].to_pylist() == ['{"a":1}', '"x"']
    assert table[f"{prefix}big"].to_pylist() == [str(2**60), "0.5"]
    assert table[f"{prefix}list"].to_pylist() == [["a"], []]


@pytest.mark.parametrize("what", ["trials", "measurements", "verdicts", "items"])
def test_types_are_the_same_when_everything_is_missing(what: What, tmp_path: Path) -> None:
    write(tmp_path / "full")
    with closing(Writer(tmp_path / "bare", RUN)) as writer:
        writer.begin(0.0, {})
        writer.end(1.0, 0, {})
    full, bare = as_parquet(tmp_path / "full", what).schema, as_parquet(tmp_path / "bare", what).schema
    own = ("genaiops.inputs.", "genaiops.slices.", "genaiops.score.", "genaiops.unscored.")
    assert {f.name: f.type for f in bare} == {f.name: f.type for f in full if not f.name.startswith(own)}
    assert bare.metadata[b"genaiops.semantic_conventions"] == b"1.41"


def test_parquet_and_csv_hold_the_same_numbers_for_pandas(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    write(tmp_path)
    frame, parquet = pandas.read_csv(io.BytesIO(as_csv(tmp_path))), as_parquet(tmp_path).to_pandas()
    for name in ("genaiops.score.tone", "genaiops.score.fluency", "genaiops.latency", "gen_ai.request.temperature"):
        assert frame[name].tolist() == pytest.approx(parquet[name].tolist(), nan_ok=True)
    assert frame["genaiops.score.tone"].tolist()[0] == 0.75
    assert frame["genaiops.unscored.tone"].tolist()[1] == "timeout: no answer"


def test_names_of_a_dataset_and_ours_stand_apart(tmp_path: Path) -> None:
    names = ("run", "genaiops.run", "error.type", "gen_ai.request.model", "=1+1", "a\ud800b")
    texts(tmp_path, [{name: f"mine {place}" for place, name in enumerate(names)}])
    (row,) = cells(as_csv(tmp_path))
    assert row["genaiops.run"] == RUN
    assert row["error.type"] == ""
    assert [row[f"genaiops.inputs.{name}"] for name in names[:-1]] == [f"mine {i}" for i in range(5)]
    assert row["genaiops.inputs.a\\ud800b"] == "mine 5"
    assert as_parquet(tmp_path)["genaiops.inputs.a\\ud800b"].to_pylist() == ["mine 5"]


def test_a_word_of_a_megabyte_is_whole(tmp_path: Path) -> None:
    word = "x\u202e" * 500_000
    texts(tmp_path, [{"q": word}])
    assert [row["genaiops.response.text"] for row in jsonl(exported(tmp_path))] == [word]
    assert as_parquet(tmp_path)["genaiops.response.text"].to_pylist() == [word]
    assert as_csv(tmp_path).count(b"x\\u202e" * 500_000) == 3  # input, answer and message
