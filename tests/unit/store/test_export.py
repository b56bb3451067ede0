"""What other programs get of a run: every fact under a name that is published, and no text that acts on anything."""

from __future__ import annotations

import csv
import io
import json
import math
import re
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from export_help import ANSWER, PARTED, PROMPT, RUN, SUITE, exported, plain, texts, value, write
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_genaiops.records import Measurement
from pytest_genaiops.store import NAME, PartRow, Store, Writer
from pytest_genaiops.store.export import Row, What, rows
from pytest_genaiops.store.export_columns import Column, columns
from pytest_genaiops.store.export_files import write_csv, write_jsonl, write_parquet

NUMBERS = count()
NASTY = [
    *("=1+1", "+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "'=1", "''", "-5", "1e3", "＝1", "\0", "\ud800", "a\udfffb"),
    *("\u202eevil", "\x1b[31mred", "<script>alert(1)</script>", 'a,"b"\r\nc', "\r", "\u2028", "\\u0000", "é𝒳", ""),
]
hostile = st.one_of(st.sampled_from(NASTY), st.text(st.characters(exclude_categories=[])))
values = (
    st.none() | hostile | st.integers(-(2**65), 2**65) | st.floats() | st.booleans() | st.lists(hostile, max_size=2)
)


def columns_of(folder: Path, what: What = "trials") -> tuple[Column, ...]:
    with closing(Store(folder)) as store:
        return columns(store, store.run(), what)


def jsonl(given: Iterable[Row]) -> list[Row]:
    stream = io.BytesIO()
    write_jsonl(stream, given)
    return [json.loads(line) for line in stream.getvalue().decode("utf-8").split("\n")[:-1]]


def as_csv(folder: Path, what: What = "trials") -> bytes:
    stream = io.BytesIO()
    write_csv(stream, exported(folder, what), columns_of(folder, what))
    return stream.getvalue()


def cells(data: bytes) -> list[dict[str, str]]:
    """As Python's reader gives them."""
    return list(csv.DictReader(io.StringIO(data.decode("utf-8"), newline="")))


def as_parquet(folder: Path, what: What = "trials") -> Any:
    parquet = pytest.importorskip("pyarrow.parquet")
    stream = io.BytesIO()
    write_parquet(stream, exported(folder, what), columns_of(folder, what))
    return parquet.read_table(io.BytesIO(stream.getvalue()))


# --- names and values ------------------------------------------------------------------------------------------------


def test_a_trial_has_the_names_of_the_conventions(tmp_path: Path) -> None:
    # https://github.com/open-telemetry/semantic-conventions/blob/v1.41.1/docs/gen-ai/gen-ai-spans.md
    write(tmp_path)
    row = exported(tmp_path)[0]
    assert {name: row[name] for name in row if name.startswith("gen_ai.")} == {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "small",
        "gen_ai.request.max_tokens": 50,
        "gen_ai.request.stop_sequences": ["\n"],
        "gen_ai.request.temperature": 0.5,
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.response.model": "small-2026-01-01",
        "gen_ai.response.time_to_first_chunk": 0.25,
        "gen_ai.usage.cache_read.input_tokens": 5,
        "gen_ai.usage.input_tokens": 12,
        "gen_ai.usage.output_tokens": 3,
        "gen_ai.usage.reasoning.output_tokens": 1,
        "gen_ai.input.messages": [
            {"role": each["role"], "parts": [{"type": "text", "content": each["content"]}]} for each in PROMPT
        ],
        "gen_ai.output.messages": [
            {
                "role": "assistant",
                "parts": [
                    {"type": "text", "content": "At nine."},
                    {"type": "tool_call", "id": "call_1", "name": "clock", "arguments": {"zone": "CET"}},
                ],
                "finish_reason": "stop",
            }
        ],
    }


def test_what_the_conventions_do_not_name_is_ours(tmp_path: Path) -> None:
    write(tmp_path)
    row = exported(tmp_path)[0]
    own = {name.removeprefix("genaiops."): row[name] for name in row if name.startswith("genaiops.")}
    assert own == {
        "run": RUN,
        "suite": SUITE,
        "dataset": "hours",
        "dataset.hash": "d1",
        "variant": "v1",
        "variant.hash": "h1",
        "case": "open",
        "position": 0,
        "trial": 1,
        "inputs": {"question": "When?", "run": 3, "floor": None},
        "slices": {"topic": "time"},
        "references": ["At nine."],
        "cluster": "desk",
        "parameters": {"effort": "low"},
        "latency": 1.5,
        "usage": {"image_tokens": 7},
        "response.text": "At nine.",
        "response.contexts": ["We open at nine."],
        "response.tool_calls": list(ANSWER.tool_calls),
        "evaluations": [
            {"gen_ai.evaluation.name": "fluency", "gen_ai.evaluation.score.value": 4.0},
            {
                "gen_ai.evaluation.name": "tone",
                "gen_ai.evaluation.score.value": 0.75,
                "gen_ai.evaluation.explanation": "Kind, and to the point.",
            },
        ],
    }


def test_a_failed_trial_says_why_and_has_no_answer(tmp_path: Path) -> None:
    write(tmp_path)
    row = exported(tmp_path)[1]
    assert (row["error.type"], row["genaiops.error.message"]) == ("timeout", "no answer within 30 s")
    assert "gen_ai.output.messages" not in row
    assert "genaiops.response.text" not in row
    assert row["genaiops.evaluations"] == [
        {"gen_ai.evaluation.name": "fluency", "error.type": "judge", "genaiops.unscored": "said nothing"},
        {"gen_ai.evaluation.name": "tone", "error.type": "timeout", "genaiops.unscored": "no answer"},
    ]


def test_a_function_is_no_model(tmp_path: Path) -> None:
    write(tmp_path)
    first, second = exported(tmp_path)[2:]
    assert (first["genaiops.suite"], first["genaiops.trial"], second["genaiops.trial"]) == (PARTED, 1, 2)
    assert "gen_ai.operation.name" not in first
    assert first["gen_ai.output.messages"][0]["finish_reason"] == "unknown"


def test_measurements_have_a_row_for_each_part(tmp_path: Path) -> None:
    write(tmp_path)
    fluency, _, tone, missing = exported(tmp_path, "measurements")
    assert fluency["gen_ai.evaluation.score.value"] == 4.0
    assert (tone["genaiops.case"], tone["genaiops.metric"], tone["genaiops.metric.signature"]) == (
        "open",
        "tone",
        "tone|judge:x",
    )
    assert tone["genaiops.statistics"] == [0.75]
    assert tone["genaiops.evidence"]["sentences"][0]["support"] == 0.75
    assert (missing["genaiops.case"], missing["error.type"], missing["genaiops.unscored"]) == (
        "park",
        "timeout",
        "no answer",
    )


def test_verdicts_and_items(tmp_path: Path) -> None:
    write(tmp_path)
    (verdict,) = exported(tmp_path, "verdicts")
    known = {"value": 0.75, "label": "failed"}
    assert {name: verdict[f"gen_ai.evaluation.score.{name}"] for name in known} == known
    assert verdict["gen_ai.evaluation.explanation"] == "tone 0.75 is below 0.9"
    assert (verdict["genaiops.interval.low"], verdict["genaiops.interval.high"]) == (0.5, 0.875)
    assert (verdict["genaiops.n"], verdict["genaiops.n.unscored"], verdict["genaiops.required_n"]) == (1, 1, 40)
    assert verdict["genaiops.tolerated"] is False
    limits = {name.rpartition(".")[2]: value for name, value in verdict.items() if ".limit." in name}
    assert (verdict["genaiops.rule"], limits) == ("within", {"low": 0.9, "high": 1.0})
    (item,) = exported(tmp_path, "items")
    assert (item["genaiops.case"], item["genaiops.trial"], item["genaiops.outcome"]) == ("one", 2, "failed")
    assert (item["genaiops.message"], item["genaiops.seconds"]) == ("assert 0", 0.5)


def test_two_configurations_of_a_metric_are_told_apart(tmp_path: Path) -> None:
    texts(tmp_path, [{"q": "a"}])
    with closing(Writer(tmp_path, RUN)) as writer:
        variant = writer.variant(writer.suite(SUITE, {}), "v1", {})
        for options in ("13a", "zh"):
            metric = writer.metric(
                variant, f"bleu|tokenize:{options}", "bleu", {}, [PartRow(name="bleu", scale=(0, 1))]
            )
            writer.measurements(metric, [(0, 1, value(len(options)))])
        writer.flush()
    (row,) = cells(as_csv(tmp_path))
    found = {name: row[name] for name in row if name.startswith("genaiops.score")}
    assert found == {"genaiops.score.bleu (bleu|tokenize:13a)": "3.0", "genaiops.score.bleu (bleu|tokenize:zh)": "2.0"}


def test_a_removed_text_leaves_a_row_that_says_so(tmp_path: Path) -> None:
    write(tmp_path)
    with closing(sqlite3.connect(tmp_path / NAME)) as connection, connection:
        connection.execute("DELETE FROM contents WHERE text LIKE '%At nine.%' OR text LIKE '%Kind, and%'")
        connection.execute("DELETE FROM contents WHERE digest IN (SELECT content FROM verdicts)")
    row, failed, *_ = exported(tmp_path)
    assert row["genaiops.removed"] is True
    assert "genaiops.removed" not in failed
    assert row["genaiops.case"] == "removed-0"
    assert "gen_ai.output.messages" not in row
    assert "genaiops.response.text" not in row
    assert [each["gen_ai.evaluation.score.value"] for each in row["genaiops.evaluations"]] == [4.0, 0.75]
    assert exported(tmp_path, "verdicts")[0]["genaiops.removed"] is True
    assert cells(as_csv(tmp_path))[0]["genaiops.removed"] == "true"
    assert b"nine" not in as_csv(tmp_path)


def test_an_answer_alone_may_be_removed(tmp_path: Path) -> None:
    write(tmp_path)
    with closing(sqlite3.connect(tmp_path / NAME)) as connection, connection:
        connection.execute("DELETE FROM contents WHERE digest IN (SELECT response FROM trials WHERE position = 1)")
    row, removed, *_ = exported(tmp_path)
    assert "genaiops.removed" not in row
    assert (removed["genaiops.case"], removed["genaiops.removed"]) == ("park", True)
    assert "genaiops.response.text" not in removed


def test_what_was_not_scored_stands_with_its_trial(tmp_path: Path) -> None:
    texts(tmp_path, [{"q": "a"}] * 4)
    with closing(Writer(tmp_path, RUN)) as writer:
        variant = writer.variant(writer.suite(SUITE, {}), "v1", {})
        metric = writer.metric(variant, "tone|x", "tone", {}, [PartRow(name="tone", scale=(0, 1))])
        lost = Measurement(kind="judge", reason="said nothing")
        writer.measurements(metric, [(0, 1, lost), (1, 1, value(0.5)), (3, 1, lost)])
        writer.flush()
    found = [row["genaiops.evaluations"] for row in exported(tmp_path)]
    assert [each[0].get("genaiops.unscored") if each else each for each in found] == [
        "said nothing",
        None,
        [],
        "said nothing",
    ]
    assert found[1][0]["gen_ai.evaluation.score.value"] == 0.5


# --- files -----------------------------------------------------------------------------------------------------------


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
    for cells, row in zip(body, recorded, strict=True):
        assert len(cells) == len(known)
        shown = cells[[column.name for column in known].index("genaiops.response.text")]
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


def test_rows_are_made_one_after_the_other(tmp_path: Path) -> None:
    texts(tmp_path, [{"q": str(place)} for place in range(100)])
    with closing(Store(tmp_path)) as store:
        made = rows(store, store.run(), "trials", plain)
        assert next(made)["genaiops.case"] == "c0"
        store.close()  # the second row is not there yet, and cannot be had any more
        with pytest.raises(Exception, match="closed"):
            list(made)
