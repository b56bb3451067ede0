"""A changed dataset cannot pass unseen: what a lock holds, and what is said when it does not fit."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_genaiops import dataset
from pytest_genaiops.dataset.changes import changes, positions
from pytest_genaiops.errors import DatasetError

ROWS = [{"id": name, "question": f"Is it {name}?", "reference": "Yes."} for name in ("a", "b", "c", "d")]


def write(folder: Path, rows: list[dict[str, object]], name: str = "qa") -> dataset.Source:
    path = folder / "datasets" / f"{name}.jsonl"
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return dataset.locate(name, root=folder)


def refusals(source: dataset.Source) -> str:
    """What loading says, which is what checking says."""
    with pytest.raises(DatasetError) as loading:
        dataset.load(source)
    with pytest.raises(DatasetError) as checking:
        dataset.check_lock(source)
    assert str(loading.value) == str(checking.value)
    assert str(loading.value).isprintable()
    return str(loading.value)


@pytest.fixture
def locked(tmp_path: Path) -> dataset.Source:
    source = write(tmp_path, ROWS)
    dataset.write_lock(source)
    return source


class TestLock:
    def test_it_stands_beside_the_dataset_with_a_line_for_each_row(self, locked: dataset.Source) -> None:
        header, *rows = locked.lock.read_text().splitlines()
        assert locked.lock.name == "qa.lock"
        # By hand: the row as docs/datasets.md says it is hashed.
        said = '["a",{"question":"Is it a?"},["Yes."],null,null,null,{},{}]'
        assert rows[0] == f'{hashlib.sha256(said.encode()).hexdigest()[:32]} "a"'
        assert [row[33:] for row in rows] == ['"a"', '"b"', '"c"', '"d"']
        loaded = dataset.load(locked)
        assert json.loads(header)["rows"] == 4
        assert json.loads(header)["hash"] == loaded.hash
        assert json.loads(header)["columns"] == ["id", "question", "reference"]

    def test_a_dataset_that_is_as_locked_passes(self, locked: dataset.Source) -> None:
        assert len(dataset.load(locked).cases) == 4
        content = dataset.check_lock(locked)
        assert content is not None
        assert content.rows == 4

    def test_without_a_lock_there_is_nothing_to_check(self, tmp_path: Path) -> None:
        assert dataset.check_lock(write(tmp_path, ROWS)) is None

    def test_order_line_ends_and_format_do_not_count(self, tmp_path: Path, locked: dataset.Source) -> None:
        write(tmp_path, ROWS[::-1])
        dataset.load(locked)
        locked.path.unlink()
        lines = ["id,question,reference", *(f"{row['id']},{row['question']},Yes." for row in ROWS)]
        locked.path.with_suffix(".csv").write_bytes("\r\n".join(lines).encode())
        dataset.load(dataset.locate("qa", root=tmp_path))

    def test_a_lock_that_is_right_is_left_as_it_is(self, tmp_path: Path, locked: dataset.Source) -> None:
        before = locked.lock.read_bytes()
        write(tmp_path, ROWS[::-1])
        assert dataset.write_lock(locked)[1] is False
        assert locked.lock.read_bytes() == before

    def test_one_edited_row_changes_the_header_and_one_line(self, tmp_path: Path, locked: dataset.Source) -> None:
        before = locked.lock.read_text().splitlines()
        write(tmp_path, [*ROWS[:2], {**ROWS[2], "reference": "No."}, ROWS[3]])
        assert dataset.write_lock(locked)[1] is True
        after = locked.lock.read_text().splitlines()
        assert [old == new for old, new in zip(before, after, strict=True)] == [False, True, True, False, True]

    def test_every_split_has_its_own(self, tmp_path: Path) -> None:
        write(tmp_path, [{**row, "part": "test" if row["id"] == "d" else "train"} for row in ROWS])
        (tmp_path / "datasets" / "qa.yaml").write_text("splits: part")
        for source in dataset.locate_all("qa", root=tmp_path):
            dataset.write_lock(source)
        assert sorted(path.name for path in (tmp_path / "datasets").glob("*.lock")) == ["qa.test.lock", "qa.train.lock"]
        data = tmp_path / "datasets" / "qa.jsonl"
        data.write_text(data.read_text().replace("test", "train"))
        message = refusals(dataset.locate("qa:train", root=tmp_path))
        assert "1 added ('d')" in message
        assert "`genaiops lock qa:train`" in message

    def test_ids_that_could_hide_are_escaped(self, tmp_path: Path) -> None:
        source = write(tmp_path, [{"id": "caf\u00e9"}, {"id": "a\u202eb"}, {"id": "c\u2028d"}])
        dataset.write_lock(source)
        assert [line[33:] for line in source.lock.read_text("utf-8").split("\n")[1:4]] == [
            '"caf\u00e9"',
            '"a\\u202eb"',
            '"c\\u2028d"',
        ]
        dataset.load(source)

    def test_a_dataset_that_cannot_be_read_leaves_the_lock_alone(self, tmp_path: Path, locked: dataset.Source) -> None:
        before = locked.lock.read_bytes()
        write(tmp_path, [*ROWS, ROWS[0]])
        with pytest.raises(DatasetError, match="already the id of"):
            dataset.write_lock(locked)
        write(tmp_path, [])
        with pytest.raises(DatasetError, match="no rows"):
            dataset.write_lock(locked)
        assert locked.lock.read_bytes() == before
        assert sorted(path.name for path in locked.lock.parent.iterdir()) == ["qa.jsonl", "qa.lock"]

    def test_a_lock_that_cannot_be_written(self, tmp_path: Path) -> None:
        source = write(tmp_path, ROWS)
        source.lock.mkdir()
        with pytest.raises(DatasetError, match=r"datasets/qa\.lock: the lock cannot be written"):
            dataset.write_lock(source)
        assert sorted(path.name for path in source.lock.parent.iterdir()) == ["qa.jsonl", "qa.lock"]

    def test_a_lock_that_is_no_file(self, tmp_path: Path) -> None:
        source = write(tmp_path, ROWS)
        os.mkfifo(source.lock)
        assert "datasets/qa.lock: the lock is not a regular file" in refusals(source)
        source.lock.unlink()
        source.lock.symlink_to(tmp_path / "nowhere")
        assert "datasets/qa.lock: the lock is not a regular file" in refusals(source)

    def test_the_mend_names_the_dataset_as_the_suite_does(self, tmp_path: Path) -> None:
        (tmp_path / "raw").mkdir()
        (tmp_path / "raw" / "my data.csv").write_text("id\na\n")
        source = dataset.locate("raw/my data.csv", root=tmp_path)
        dataset.write_lock(source)
        source.path.write_text("id\nb\n")
        assert "run `genaiops lock 'raw/my data.csv'` if" in refusals(source)


class TestChanges:
    @pytest.mark.parametrize(
        ("rows", "said"),
        [
            ([*ROWS, {"id": "e", "question": "?", "reference": ""}], "1 added ('e')"),
            (ROWS[1:], "1 removed ('a')"),
            ([*ROWS[:3], {**ROWS[3], "question": "Is it D?"}], "1 edited ('d')"),
            ([{**ROWS[0], "id": "z"}, *ROWS[1:3]], "1 added ('z'), 2 removed ('a', 'd')"),
            (
                [{**row, "reference": ["Yes."], "topic": "t"} for row in ROWS],
                "4 edited ('a', 'b', 'c', 'd'), columns added: 'topic'",
            ),
            (
                [{"id": "a", "question": "Is it a?"}],
                "3 removed ('b', 'c', 'd'), 1 edited ('a'), columns removed: 'reference'",
            ),
        ],
    )
    def test_what_changed_is_said_by_id(
        self, tmp_path: Path, locked: dataset.Source, rows: list[dict[str, object]], said: str
    ) -> None:
        write(tmp_path, rows)
        assert refusals(locked) == (
            f"datasets/qa.jsonl: the rows are not those of datasets/qa.lock: {said}; "
            "restore them, or run `genaiops lock qa` if the change is meant"
        )

    def test_ten_ids_and_a_count(self, tmp_path: Path, locked: dataset.Source) -> None:
        write(tmp_path, [*ROWS, *({"id": f"n{number}", "question": "?", "reference": ""} for number in range(25))])
        names = ", ".join(f"'n{number}'" for number in range(10))
        assert f"25 added ({names} and 15 more)" in refusals(locked)

    def test_many_rows_in_another_order(self, tmp_path: Path) -> None:
        rows: list[dict[str, object]] = [{"id": f"r{number}", "text": "x" * (number % 7)} for number in range(5000)]
        source = write(tmp_path, rows)
        dataset.write_lock(source)
        rows[17]["text"] = "edited"
        write(tmp_path, [{"id": "new", "text": ""}, *rows[:4000:-1], *rows[:4000]])
        assert "1 added ('new'), 1 removed ('r4000'), 1 edited ('r17')" in refusals(source)

    @given(
        before=st.dictionaries(st.text(max_size=3), st.integers(0, 3), max_size=30),
        after=st.dictionaries(st.text(max_size=3), st.integers(0, 3), max_size=30),
    )
    def test_changes_are_those_of_dictionaries(self, before: dict[str, int], after: dict[str, int]) -> None:
        def side(rows: dict[str, int]) -> Callable[[], list[tuple[str, bytes]]]:
            return lambda: [(name, hashlib.sha256(bytes([value])).digest()) for name, value in rows.items()]

        found = changes(side(before), side(after))
        added = [name for name in after if name not in before]
        removed = [name for name in before if name not in after]
        edited = [name for name in before if name in after and before[name] != after[name]]
        assert (found.added.rows, found.added.names) == (len(added), tuple(added[:10]))
        assert (found.removed.rows, found.removed.names) == (len(removed), tuple(removed[:10]))
        assert (found.edited.rows, found.edited.names) == (len(edited), tuple(edited[:10]))
        places = positions(side(before)(), side(after)())
        later = list(after)
        assert [later[place] for place in places.edited_later] == edited


class TestEditedByHand:
    @pytest.mark.parametrize(
        ("edit", "where", "part"),
        [
            (lambda text: text.replace(' "b"', ' "B"'), "", "its sha256 is not that of its lines"),
            (lambda text: "\n".join(text.splitlines()[:-1]) + "\n", "", "it has 3 rows, and its header says 4"),
            (lambda text: text.replace('"rows": 4', '"rows": 5'), "", "it has 4 rows, and its header says 5"),
            (lambda text: text.replace('"id", ', ""), "", "its sha256"),
            (lambda text: "\n".join([text.splitlines()[0], *sorted(text.splitlines()[1:])[::-1]]) + "\n", "", "sha256"),
            (lambda text: text.replace(' "b"', " b"), ":3", "no row of a lock"),
            (lambda text: text.replace(' "b"', ' "b'), ":3", "no row of a lock"),
            (lambda text: text.replace(' "b"', ' "b" '), "", "edited by hand"),
            (lambda text: text + "\n", ":6", "no row of a lock"),
            (lambda text: text.rstrip("\n"), ":5", "no row of a lock"),
            (lambda text: text + "x" * 99, ":6", "no row of a lock"),
            (lambda text: "<<<<<<< HEAD\n" + text, ":1", "a merge conflict is not resolved"),
            (lambda text: text.replace("{", "{{", 1), ":1", "one JSON object"),
            (lambda text: text.replace("lock 1", "lock 9"), ":1", "'pytest-genaiops lock 9', where this version reads"),
            (lambda text: text.replace('"rows": 4, ', ""), ":1", "the header is not the one of a lock"),
            (lambda text: text.replace('"rows": 4', '"rows": 0'), ":1", "the header is not the one of a lock"),
            (lambda text: text.replace('"rows": 4', '"rows": true'), ":1", "the header is not the one of a lock"),
            (lambda text: text.replace('["id"', "[1"), ":1", "the header is not the one of a lock"),
            (lambda text: text.replace('["id"', r'["\ud800"'), ":1", "one JSON object"),
            (lambda text: "[" * 100_000, ":1", "one JSON object"),
            (lambda text: "[1]", ":1", "the header is not the one of a lock"),
            (lambda text: "", ":1", "one JSON object"),
        ],
    )
    def test_it_is_refused_with_the_line_and_the_mend(
        self, locked: dataset.Source, edit: Callable[[str], str], where: str, part: str
    ) -> None:
        text = locked.lock.read_text()
        assert edit(text) != text
        locked.lock.write_text(edit(text))
        message = refusals(locked)
        assert message.startswith(f"datasets/qa.lock{where}: ")
        assert message.endswith("; run `genaiops lock qa` to write the lock anew")
        assert part in message
        assert dataset.write_lock(locked)[1] is True
        assert locked.lock.read_text() == text

    def test_line_ends_of_another_system_are_no_edit(self, locked: dataset.Source) -> None:
        locked.lock.write_bytes(locked.lock.read_bytes().replace(b"\n", b"\r\n"))
        dataset.load(locked)
        write(locked.path.parents[1], ROWS[1:])
        assert "1 removed ('a')" in refusals(locked)


IN_ONE_FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)


def outcome(source: dataset.Source) -> str:
    """What was said, or nothing where all was well; any other exception is a fault."""
    try:
        dataset.load(source)
    except DatasetError as error:
        return str(error)
    return ""


@given(data=st.data())
@IN_ONE_FOLDER
def test_a_lock_of_any_bytes_is_read_or_refused(tmp_path: Path, data: st.DataObject) -> None:
    source = write(tmp_path, ROWS)
    dataset.write_lock(source)
    good = source.lock.read_bytes()
    start = data.draw(st.integers(0, len(good)))
    end = data.draw(st.integers(start, min(len(good), start + 40)))
    changed = good[:start] + data.draw(st.binary(max_size=40)) + good[end:]
    source.lock.write_bytes(changed)
    said = outcome(source)
    assert said.isprintable()
    if not said:  # nothing but line ends and spaces of the header may differ
        assert json.loads(changed.split(b"\n")[0]) == json.loads(good.split(b"\n")[0])
        assert changed.replace(b"\r", b"").split(b"\n")[1:] == good.split(b"\n")[1:]
    source.lock.unlink()
