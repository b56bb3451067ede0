"""DataFrames, Hugging Face datasets and rows as datasets."""

from __future__ import annotations

import datetime
import enum
import uuid
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np  # noqa: TID253
import pandas as pd  # noqa: TID253
import pytest

import datasets as hub  # noqa: TID253
from pytest_genaiops import dataset, evaluate
from pytest_genaiops.errors import DatasetError

ROWS = [
    {"id": "a", "question": "Why?", "reference": "So.", "contexts": ["p", "q"], "depth": 1},
    {"id": "b", "question": "How?", "reference": None, "contexts": [], "depth": 2},
]
EXPECTED = dataset.from_rows(ROWS)


def refusal(value: object) -> str:
    with pytest.raises(DatasetError) as caught:
        dataset.coerce(value)
    message = str(caught.value)
    assert message.isprintable()
    return message


@pytest.mark.parametrize(
    "make",
    [
        list,
        tuple,
        pd.DataFrame,
        lambda rows: pd.DataFrame(rows).convert_dtypes(),
        lambda rows: pd.DataFrame(rows).set_index("id"),
        lambda rows: pd.DataFrame(rows).iloc[::-1],
        hub.Dataset.from_list,
        lambda rows: hub.Dataset.from_list(rows).with_format("numpy"),
        lambda rows: hub.Dataset.from_list(rows).to_iterable_dataset(),
        dataset.from_rows,
    ],
    ids=["list", "tuple", "frame", "nullable", "index", "reversed", "hub", "formatted", "streamed", "Dataset"],
)
def test_all_say_the_same(make: Callable[[list[dict[str, Any]]], object]) -> None:
    made = dataset.coerce(make(ROWS))
    assert made.hash == EXPECTED.hash
    assert sorted(case.id for case in made.cases) == ["a", "b"]


def test_values_in_rows_become_what_a_file_would_hold() -> None:
    class Kind(str, enum.Enum):  # noqa: UP042 - as most people write it; its str() is not its text
        SPAM = "spam"

    day = datetime.date(2024, 5, 1)
    rows = [{"id": np.int64(3), "label": Kind.SPAM, "kind": Kind.SPAM, "slice_kind": Kind.SPAM, "day": day}]
    (case,) = dataset.coerce(rows).cases
    assert (case.id, case.label, case.slices) == ("3", "spam", {"kind": "spam"})
    assert case.inputs == {"kind": "spam", "day": "2024-05-01"}
    assert {type(text) for text in (case.label, case.inputs["kind"], case.slices["kind"])} == {str}
    assert dataset.coerce(pd.DataFrame(rows)).cases[0] == case


def test_what_is_no_dataset() -> None:
    for value in (5, None, {"id": ["a"]}, {1, 2}, iter(ROWS), pd.Series(["a"])):
        assert "give a name, a path, a list of rows, a pandas DataFrame, a Hugging Face dataset" in refusal(value)


def test_rows_are_counted_and_ids_compared_as_in_a_file() -> None:
    frame = pd.DataFrame({"id": ["a", "b", "a"]}, index=[7, 8, 9])
    with pytest.raises(DatasetError, match="mine:3: id 'a' is already the id of mine:1"):
        dataset.coerce(frame, name="mine")
    assert dataset.coerce(frame[:2], name="mine").cases[1].source == "mine:2"


def test_frames_of_several_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_genaiops.dataset.frames._AT_ONCE", 3)
    frame = pd.DataFrame({"id": range(10), "q": [f"q{n}" if n % 4 else None for n in range(10)]})
    for given in (frame, hub.Dataset.from_pandas(frame)):
        made = dataset.coerce(given)
        assert [(case.id, case.inputs["q"], case.source) for case in made.cases] == [
            (str(n), f"q{n}" if n % 4 else None, f"rows:{n + 1}") for n in range(10)
        ]


class TestFrames:
    def test_missing_values_are_null(self) -> None:
        frame = pd.DataFrame(
            {
                "id": ["a", "b"],
                "float": [1.5, np.nan],
                "text": ["x", np.nan],
                "when": [pd.Timestamp("2024-05-01 12:30"), pd.NaT],
                "whole": pd.array([1, None], dtype="Int64"),
                "label": pd.Categorical(["yes", None]),
                "list": [["x", pd.NA], None],
            }
        )
        first, second = dataset.coerce(frame).cases
        inputs = {"float": 1.5, "text": "x", "when": "2024-05-01T12:30:00", "whole": 1, "list": ["x", None]}
        assert first.inputs == inputs
        assert second.inputs == dict.fromkeys(inputs)
        assert (first.label, second.label) == ("yes", "")
        assert [type(value) for value in first.inputs.values()] == [float, str, str, int, list]

    def test_columns_of_responses_as_in_a_table(self) -> None:
        frame = pd.DataFrame({"id": ["a"], "response_v1": ["x"], "response_v2": [None]})
        made = dataset.coerce(frame)
        assert made.systems == ("v1", "v2")
        assert made.cases[0].recorded == {"v1": "x", "v2": None}

    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            (np.int64(3), 3),
            (np.bool_(True), True),
            (np.str_("x"), "x"),
            (np.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
            (np.array(["x", None], dtype=object), ["x", None]),
            (datetime.date(2024, 5, 1), "2024-05-01"),
            (datetime.time(12, 30), "12:30:00"),
            (datetime.datetime(2024, 5, 1, tzinfo=datetime.UTC), "2024-05-01T00:00:00+00:00"),
            (Decimal("12.50"), "12.50"),
            (Decimal("1200"), 1200),
            (Decimal("1.2E+3"), 1200),
            (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
            (("x", {"y": np.float64(0.5)}), ["x", {"y": 0.5}]),
        ],
        ids=str,
    )
    def test_objects_that_have_a_plain_form(self, value: object, expected: object) -> None:
        (case,) = dataset.coerce(pd.DataFrame({"id": ["a"], "q": pd.Series([value], dtype=object)})).cases
        assert case.inputs["q"] == expected
        assert type(case.inputs["q"]) is type(expected)

    @pytest.mark.parametrize(
        "value",
        [
            b"x",
            object(),
            datetime.timedelta(1),
            {1},
            Decimal("Infinity"),
            np.array([b"x"]),
            1j,
            pd.Timedelta(1),
            pd.Period("2024"),
            np.timedelta64(1, "s"),
            [[b"x"]],
            {"x": b"x"},
            Decimal("1E+5000"),
        ],
        ids=lambda value: type(value).__name__,
    )
    def test_objects_that_have_none(self, value: object) -> None:
        message = refusal(pd.DataFrame({"id": ["a"], "q": pd.Series([value], dtype=object)}))
        assert message.startswith("rows:1: column 'q' holds ")
        assert message.endswith("which no prompt can show; write it as text or numbers, or drop the column")

    def test_a_list_that_holds_itself(self) -> None:
        endless: list[object] = []
        endless.append(endless)
        assert "column 'q' holds" in refusal(pd.DataFrame({"id": ["a"], "q": [endless]}))

    @pytest.mark.parametrize("column", ["id", "label", "cluster", "slice_kind"])
    def test_whole_numbers_that_became_floats(self, column: str) -> None:
        frame = pd.DataFrame({"id": ["a", "b"], column: [1, None]})
        message = refusal(frame)
        assert message.startswith(f'rows: column "{column}" holds whole numbers as floats')
        frame[column] = frame[column].astype("Int64")
        if column != "id":
            assert len(dataset.coerce(frame).cases) == 2

    @pytest.mark.parametrize(
        ("frame", "part"),
        [
            (pd.DataFrame(), "no rows"),
            (pd.DataFrame({"id": []}), "no rows"),
            (pd.DataFrame({"q": ["x"]}), 'rows:1: the row has no "id"'),
            (pd.DataFrame([["a", "x"]], columns=["id", "id"]), "the column 'id' twice"),
            (pd.DataFrame({"id": ["a"], 3: ["x"]}), "column name 3 is not text"),
            (pd.DataFrame({"id": ["a"], ("x", "y"): ["x"]}), "column name ('x', 'y') is not text"),
            (pd.DataFrame({"id": ["a", None]}), "rows:2: the id is empty"),
            (pd.DataFrame({"id": [1.5]}), "id 1.5 is a float"),
            (pd.DataFrame({"id": ["a"], "x": [np.inf]}), "rows:1: row 'a' holds what JSON cannot"),
            (pd.DataFrame({"id": ["a"], "Reference": ["x"]}), "did you mean 'reference'?"),
            (pd.DataFrame({"id": ["a"], "response_": ["x"]}), "names no system"),
        ],
    )
    def test_refused(self, frame: pd.DataFrame, part: str) -> None:
        assert part in refusal(frame)


class TestHub:
    def test_labels_have_their_names(self) -> None:
        features = hub.Features(
            {
                "id": hub.Value("int64"),
                "label": hub.ClassLabel(names=["no", "yes"]),
                "tags": hub.List(hub.ClassLabel(names=["O", "PER"])),
                "topic": hub.ClassLabel(names=["x", "y"]),
            }
        )
        rows = {"id": [1, 2, 3], "label": [1, 0, -1], "tags": [[0, 1], [], None], "topic": [0, None, 1]}
        made = hub.Dataset.from_dict(rows, features=features)
        for given in (made, made.to_iterable_dataset()):
            cases = dataset.coerce(given).cases
            assert [(case.label, case.inputs["tags"], case.inputs["topic"]) for case in cases] == [
                ("yes", ["O", "PER"], "x"),
                ("no", [], None),
                ("", None, "y"),
            ]

    def test_other_features(self) -> None:
        when = datetime.datetime(2024, 5, 1, 12, 30)
        made = hub.Dataset.from_dict(
            {"id": ["a"], "when": [when], "answers": [{"text": ["x"], "start": [1]}], "half": [0.5]},
            features=hub.Features(
                {
                    "id": hub.Value("string"),
                    "when": hub.Value("timestamp[us]"),
                    "answers": {"text": hub.List(hub.Value("string")), "start": hub.List(hub.Value("int32"))},
                    "half": hub.Value("float16"),
                }
            ),
        )
        (case,) = dataset.coerce(made).cases
        answers = {"text": ["x"], "start": [1]}
        assert case.inputs == {"when": "2024-05-01T12:30:00", "answers": answers, "half": 0.5}

    def test_a_transform_is_not_left_out_in_silence(self) -> None:
        made = hub.Dataset.from_list(ROWS).with_transform(lambda rows: {**rows, "question": ["?"] * len(rows["id"])})
        assert "rows: the dataset has a transform" in refusal(made)

    def test_a_mapping_of_splits(self) -> None:
        split = hub.Dataset.from_list(ROWS)
        assert "DatasetDict of the splits 'train', 'test'; choose one" in refusal(
            hub.DatasetDict({"train": split, "test": split})
        )

    def test_bytes_and_pictures(self) -> None:
        binary = hub.Dataset.from_dict({"id": ["a"], "data": [b"x"]})
        assert "rows:1: column 'data' holds b'x' (bytes)" in refusal(binary)
        features = hub.Features({"id": hub.Value("string"), "picture": hub.Image()})
        picture = hub.Dataset.from_dict({"id": ["a"], "picture": [None]}, features=features)
        assert 'column "picture" holds Image data' in refusal(picture)
        assert len(dataset.coerce(picture.remove_columns("picture")).cases) == 1

    def test_not_a_number(self) -> None:
        assert "rows:1: row 'a' holds what JSON cannot" in refusal(
            hub.Dataset.from_dict({"id": ["a"], "x": [float("nan")]})
        )


@pytest.mark.parametrize("make", [pd.DataFrame, hub.Dataset.from_list, list])
def test_evaluate_takes_them(make: Callable[[list[dict[str, Any]]], Any], tmp_path: Path) -> None:
    rows = [{"id": "a", "reference": "x"}, {"id": "b", "reference": "y"}]
    done = evaluate(make(rows), metrics=["exact_match"], target=lambda case, variant: "x")
    assert done.score("exact_match", "default").per_case == (1.0, 0.0)  # type: ignore[union-attr]
