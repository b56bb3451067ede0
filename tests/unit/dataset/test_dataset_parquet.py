"""Parquet files: the same rows as in JSON Lines, few at a time, and one sentence where they cannot be read."""

from __future__ import annotations

import datetime
import importlib.util
import json
import uuid
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd  # noqa: TID253
import pyarrow as pa  # noqa: TID253
import pyarrow.parquet as pq  # noqa: TID253
import pytest

from pytest_genaiops import dataset
from pytest_genaiops.errors import DatasetError, ExtraMissingError

ROWS: list[dict[str, Any]] = [
    {"id": "a", "question": "Why?", "references": ["So.", "Thus."], "label": "x", "responses": {"v1": "A", "v2": None}},
    {"id": "b", "question": None, "references": [], "label": None, "responses": {"v1": None, "v2": "B"}},
    {"id": "c", "question": "", "references": None, "label": "", "responses": {"v1": "", "v2": ""}},
]


def written(folder: Path, table: pa.Table | dict[str, Any], **options: Any) -> Path:
    path = folder / "qa.parquet"
    pq.write_table(table if isinstance(table, pa.Table) else pa.table(table), path, **options)
    return path


def refusal(path: Path) -> str:
    with pytest.raises(DatasetError) as caught:
        dataset.load(path, root=path.parent)
    message = str(caught.value)
    assert message.isprintable()
    return message


def only(folder: Path, array: pa.Array) -> Any:
    """The one input of the one row."""
    (case,) = dataset.load(written(folder, pa.table({"id": ["a"], "q": array}))).cases
    return case.inputs["q"]


@pytest.mark.parametrize("size", [1, 2, 1000], ids=["row groups of one row", "of two", "one"])
@pytest.mark.parametrize("dictionary", [True, False])
def test_it_says_the_same_as_json_lines(tmp_path: Path, size: int, dictionary: bool) -> None:
    (tmp_path / "qa.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    path = written(tmp_path, pa.Table.from_pylist(ROWS), row_group_size=size, use_dictionary=dictionary)
    found, expected = dataset.load(path, root=tmp_path), dataset.load(tmp_path / "qa.jsonl", root=tmp_path)
    assert found.hash == expected.hash
    assert (found.name, found.columns, found.systems) == ("qa", expected.columns, expected.systems)
    assert [case.source for case in found.cases] == ["qa.parquet:1", "qa.parquet:2", "qa.parquet:3"]


def test_columns_of_responses_as_in_a_table(tmp_path: Path) -> None:
    path = written(tmp_path, {"id": [1, 2], "response_v1": ["x", None]})
    assert [case.recorded for case in dataset.load(path).cases] == [{"v1": "x"}, {"v1": None}]


def test_a_map_of_responses(tmp_path: Path) -> None:
    maps = pa.array([[("v1", "x"), ("v2", "y")], None], pa.map_(pa.string(), pa.string()))
    path = written(tmp_path, {"id": [1, 2], "responses": maps})
    assert [case.recorded for case in dataset.load(path).cases] == [{"v1": "x", "v2": "y"}, {}]


def test_maps_inside_lists_structs_and_maps_are_mappings(tmp_path: Path) -> None:
    maps = pa.map_(pa.string(), pa.int64())
    nested = pa.array([[[("a", 1)], None], None], pa.list_(maps))
    fields = pa.array([{"m": [("a", 1)]}, {"m": None}], pa.struct([("m", maps)]))
    inner = pa.array([[("x", [("a", 1)])], []], pa.map_(pa.string(), maps))
    path = written(tmp_path, {"id": [1, 2], "nested": nested, "fields": fields, "inner": inner})
    assert [case.inputs for case in dataset.load(path).cases] == [
        {"nested": [{"a": 1}, None], "fields": {"m": {"a": 1}}, "inner": {"x": {"a": 1}}},
        {"nested": None, "fields": {"m": None}, "inner": {}},
    ]


def test_an_index_of_pandas(tmp_path: Path) -> None:
    frame = pd.DataFrame({"id": ["a", "b", "c"], "q": ["x", "y", "z"]}, index=[3, 1, 4])
    frame.to_parquet(tmp_path / "qa.parquet")
    assert "__index_level_0__" in pq.read_schema(tmp_path / "qa.parquet").names
    loaded = dataset.load(tmp_path / "qa.parquet")
    assert loaded.columns == ("id", "q")
    assert loaded.hash == dataset.coerce(frame).hash
    frame.set_index("id").to_parquet(tmp_path / "named.parquet")
    assert dataset.load(tmp_path / "named.parquet").hash == loaded.hash


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (pa.array([7], pa.uint8()), 7),
        (pa.array([0.5], pa.float32()), 0.5),
        (pa.array([True]), True),
        (pa.nulls(1), None),
        (pa.array(["x"], pa.large_string()), "x"),
        (pa.array(["x"]).dictionary_encode(), "x"),
        (pa.array([[1, None]]), [1, None]),
        (pa.array([[["x"], []]]), [["x"], []]),
        (pa.array([{"a": {"b": [1]}}]), {"a": {"b": [1]}}),
        (pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int64())), {"k": 1}),
        (pa.array([datetime.date(2024, 5, 1)]), "2024-05-01"),
        (pa.array([datetime.datetime(2024, 5, 1, 12, 30)], pa.timestamp("ms")), "2024-05-01T12:30:00"),
        (pa.array([1], pa.timestamp("ns")), "1970-01-01T00:00:00.000000001"),
        (pa.array([0], pa.timestamp("us", "UTC")), "1970-01-01T00:00:00+00:00"),
        (pa.array([datetime.time(12, 30)], pa.time64("us")), "12:30:00"),
        (pa.array([1], pa.time64("ns")), "00:00:00.000000001"),
        (pa.array([Decimal("12.50")], pa.decimal128(10, 2)), "12.50"),
        (pa.array([Decimal("12")], pa.decimal128(38, 0)), 12),
        (pa.array([uuid.UUID(int=5).bytes], pa.binary(16)).cast(pa.uuid()), "00000000-0000-0000-0000-000000000005"),
    ],
    ids=lambda value: str(value.type) if isinstance(value, pa.Array) else None,
)
def test_values(tmp_path: Path, array: pa.Array, expected: object) -> None:
    found = only(tmp_path, array)
    assert found == expected
    assert type(found) is type(expected)


def test_whole_decimals_are_ids(tmp_path: Path) -> None:
    """Snowflake writes whole numbers as decimal(38, 0)."""
    path = written(tmp_path, {"id": pa.array([Decimal(1), Decimal(2)], pa.decimal128(38, 0))})
    assert [case.id for case in dataset.load(path).cases] == ["1", "2"]


@pytest.mark.parametrize(
    ("array", "parts"),
    [
        (pa.array([b"x"]), ("column 'q' holds b'x' (bytes)", "write it as text or numbers, or drop the column")),
        (pa.array([[b"x"]]), ("column 'q' holds [b'x'] (list)",)),
        (pa.array([5], pa.duration("s")), ("column 'q' holds", "timedelta")),
        (pa.array([float("nan")]), ("row 'a' holds what JSON cannot",)),
        (pa.array([2**55], pa.timestamp("ms")), ("column 'q' holds a value that cannot be read", "write it as text")),
        (pa.array([b"caf\xe9"]).view(pa.string()), ("column 'q' holds a value that cannot be read", "utf-8")),
        (pa.array([[("k", 1), ("k", 2)]], pa.map_(pa.string(), pa.int64())), ("a key is there twice",)),
    ],
    ids=lambda value: str(value.type) if isinstance(value, pa.Array) else None,
)
def test_values_that_are_refused(tmp_path: Path, array: pa.Array, parts: tuple[str, ...]) -> None:
    message = refusal(written(tmp_path, {"id": ["a"], "q": array}))
    assert message.startswith("qa.parquet:1: ")
    for part in parts:
        assert part in message


@pytest.mark.parametrize(
    ("table", "part"),
    [
        ({"id": pa.array([], pa.string())}, "qa.parquet: the dataset has no rows"),
        ({"q": ["x"]}, 'qa.parquet:1: the row has no "id"'),
        ({"id": ["a", "a"]}, "qa.parquet:2: id 'a' is already the id of qa.parquet:1"),
        ({"id": ["a", None]}, "qa.parquet:2: the id is empty"),
        ({"id": [1.0]}, "qa.parquet:1: id 1.0 is a float"),
        ({"id": ["a"], "responses": ["x"]}, "qa.parquet:1: \"responses\" holds 'x', which is not a mapping"),
        ({"id": ["a"], "contexts": [{"text": "x"}]}, 'qa.parquet:1: "contexts" holds'),
        ({"id": ["a"], "responses": [{"v1": {"txt": "x"}}]}, "unknown field 'txt' (did you mean 'text'?)"),
        (pa.table([["a"], ["b"]], names=["id", "id"]), "qa.parquet: the header names the column 'id' twice"),
    ],
)
def test_refused(tmp_path: Path, table: Any, part: str) -> None:
    assert part in refusal(written(tmp_path, table))


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: b'{"id": "a"}',
        lambda data: data[:-20],
        lambda data: data[:40] + data[60:],
        lambda data: b"PAR1" + b"\xff" * 50 + data[54:],
    ],
    ids=["nothing", "JSON", "cut short", "a hole", "bytes turned"],
)
def test_damage_is_one_sentence(tmp_path: Path, damage: Any) -> None:
    path = written(tmp_path, pa.Table.from_pylist(ROWS))
    path.write_bytes(damage(path.read_bytes()))
    message = refusal(path)
    assert message.startswith("qa.parquet: the file is no Parquet file, or is damaged behind row 0 (")
    assert message.endswith("); write it again")


def test_a_directory_and_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert "the file cannot be read (No such file or directory)" in refusal(tmp_path / "absent.parquet")
    (tmp_path / "parts").mkdir()
    written(tmp_path, {"id": ["a"]}).rename(tmp_path / "parts/1.parquet")
    written(tmp_path, {"id": ["b"]}).rename(tmp_path / "parts/2.parquet")
    loaded = dataset.load(tmp_path / "parts", root=tmp_path)
    assert [case.source for case in loaded.cases] == ["parts/1.parquet:1", "parts/2.parquet:1"]


def test_one_large_row_group_is_read_in_parts(tmp_path: Path) -> None:
    """64 MB in one row group, of which a tenth is in memory at a time."""
    table = pa.table({"id": range(64_000), "q": [f"{number:01000}" for number in range(64_000)]})
    path = written(tmp_path, table, row_group_size=64_000, compression="none", use_dictionary=False)
    assert pq.ParquetFile(path).metadata.num_row_groups == 1
    before, pool = pa.default_memory_pool(), pa.proxy_memory_pool(pa.system_memory_pool())
    pa.set_memory_pool(pool)
    try:
        assert sum(1 for _ in dataset.iter_cases(path)) == 64_000
    finally:
        pa.set_memory_pool(before)
    assert 0 < pool.max_memory() < 10_000_000


def test_without_pyarrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, {"id": ["a"]})
    found = importlib.util.find_spec
    monkeypatch.setattr("pytest_genaiops.extras.find_spec", lambda name: None if name == "pyarrow" else found(name))
    with pytest.raises(ExtraMissingError, match=r'python -m pip install "pytest-genaiops\[parquet\]"'):
        dataset.load(path)
