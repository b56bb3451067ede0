"""Whatever a file holds, it is read or refused in one sentence; nothing else is ever raised."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd  # noqa: TID253
import pyarrow as pa  # noqa: TID253
import pyarrow.parquet as pq  # noqa: TID253
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_genaiops import dataset
from pytest_genaiops.errors import DatasetError

ROWS = [
    {"id": f"r{number}", "q": 'why é 中 "x"', "n": number, "reference": ["a"], "responses": {"v1": "t", "v2": None}}
    for number in range(5)
]
LINES = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS).encode()
TABLE = ("id,q,contexts,response_v1\n" + "".join(f'r{n},"why ""x""\nmore","[""a""]",so\n' for n in range(5))).encode()


def parquet(**options: object) -> bytes:
    stream = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(ROWS), stream, **options)
    return stream.getvalue()


FILES = {
    "qa.jsonl": LINES,
    "qa.csv": TABLE,
    "qa.tsv": TABLE.replace(b",", b"\t"),
    "qa.jsonl.gz": gzip.compress(LINES, mtime=0),
    "qa.csv.gz": gzip.compress(TABLE, mtime=0),
    "qa.parquet": parquet(),
    "plain.parquet": parquet(compression="none", use_dictionary=False, row_group_size=2, data_page_version="2.0"),
}
ENCODING = [b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\r", b"\n", b"\t", b"\\ud800", b"\xed\xa0\x80", b"\x1b[31m"]
FORMAT = [b'"', b"[" * 1200, b"NaN", b"1e999", b"9" * 4301, b"ID", b"PAR1", b"\x80" * 9 + b"\x01"]
PIECES = st.binary(min_size=1, max_size=8) | st.sampled_from(ENCODING) | st.sampled_from(FORMAT)
EDITS = st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 40), st.just(b"") | PIECES), min_size=1, max_size=4)
"""Where to cut (modulo the length), how many bytes to leave out, and what to put there."""

MANY = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)


SCALARS = st.one_of(
    *[st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.binary(max_size=5), st.uuids()],
    *[st.decimals(allow_nan=False), st.dates(), st.datetimes(), st.times(), st.timedeltas(), st.complex_numbers()],
)
NAMES = st.sampled_from(["id", "Id", "q", "contexts", "label", "responses", "response_", "response_v1", "slice_x"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.tuples(inner) | st.dictionaries(NAMES | SCALARS, inner, max_size=3),
    max_leaves=4,
)


def edited(content: bytes, edits: list[tuple[int, int, bytes]]) -> bytes:
    for at, length, piece in edits:
        start = at % (len(content) + 1)
        content = content[:start] + piece + content[start + length :]
    return content


def refusal(make: Callable[[], dataset.Dataset]) -> str:
    """What was said; the empty text where there was a dataset."""
    try:
        return "" if make().cases else "a dataset without cases"
    except DatasetError as error:
        return str(error)


def read_or_refused(folder: Path, name: str, content: bytes) -> None:
    (folder / name).write_bytes(content)
    message = refusal(lambda: dataset.load(folder / name, root=folder))
    assert not message or message.startswith(name)
    assert message.isprintable()
    assert len(message) < 600


@given(name=st.sampled_from(sorted(FILES)), edits=EDITS)
@MANY
def test_damaged_files(tmp_path: Path, name: str, edits: list[tuple[int, int, bytes]]) -> None:
    read_or_refused(tmp_path, name, edited(FILES[name], edits))


@given(edits=EDITS)
@MANY
def test_damage_inside_of_what_is_packed(tmp_path: Path, edits: list[tuple[int, int, bytes]]) -> None:
    read_or_refused(tmp_path, "qa.jsonl.gz", gzip.compress(edited(LINES, edits)))


@given(name=st.sampled_from(sorted(FILES)), content=st.binary(max_size=300))
@MANY
def test_any_bytes(tmp_path: Path, name: str, content: bytes) -> None:
    read_or_refused(tmp_path, name, content)


@given(
    column=st.sampled_from(["q", "id", "reference", "label", "slice_x", "responses"]),
    depth=st.integers(1, 1100) | st.integers(1100, 100_000),
    brackets=st.sampled_from([("[", "]"), ('{"a":', "}")]),
)
@MANY
def test_nesting(tmp_path: Path, column: str, depth: int, brackets: tuple[str, str]) -> None:
    opening, closing = brackets
    value = f"{opening * depth}1{closing * depth}"
    read_or_refused(tmp_path, "qa.jsonl", f'{{"_": 0, "id": "a", "{column}": {value}}}'.encode())


@given(columns=st.dictionaries(NAMES | st.text(max_size=3), VALUES, max_size=4), identified=st.booleans())
@MANY
def test_frames_and_rows(columns: dict[str, object], identified: bool) -> None:
    row = {"id": "a", **columns} if identified else columns
    frame = pd.DataFrame({name: pd.Series([value], dtype=object) for name, value in row.items()})
    assert refusal(lambda: dataset.coerce(frame)).isprintable()
    assert refusal(lambda: dataset.coerce([row])).isprintable()
