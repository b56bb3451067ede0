"""Which file a name means, and which rows a limited run takes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_genaiops import dataset
from pytest_genaiops.errors import DatasetError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("datasets/support_rag.jsonl", "datasets/mails.csv", "datasets/de/talks.tsv", "other/mine.jsonl"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("support_rag", "datasets/support_rag.jsonl"),
        ("mails", "datasets/mails.csv"),
        ("mails.csv", "datasets/mails.csv"),
        ("de/talks", "datasets/de/talks.tsv"),
        ("other/mine.jsonl", "other/mine.jsonl"),
        ("de", "datasets/de"),
        ("de/", "datasets/de"),
        ("other", "other"),
    ],
)
def test_names_and_paths(root: Path, name: str, file: str) -> None:
    assert dataset.find(name, root=root) == root / file


def test_a_suffix_in_capitals(root: Path) -> None:
    (root / "datasets/export.CSV").touch()
    assert dataset.find("export", root=root) == dataset.find("export.CSV", root=root) == root / "datasets/export.CSV"


def test_other_folders(root: Path) -> None:
    assert dataset.find("mine", root=root, folders=["datasets", "other"]) == root / "other/mine.jsonl"


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("suport_rag", ("did you mean 'support_rag'?", "'mails'")),
        ("missing.jsonl", ("was not found",)),
        ("", ("is no name",)),
        ("a\0b", ("'a\\x00b'",)),
        ("x" * 5000, ("is no name",)),
        (".", ("is a directory of datasets", "'support_rag'")),
        ("datasets/", ("is a directory of datasets", "'mails'")),
        ("/", ("is a directory of datasets",)),
    ],
)
def test_what_is_not_there(root: Path, name: str, parts: tuple[str, ...]) -> None:
    with pytest.raises(DatasetError) as caught:
        dataset.find(name, root=root)
    for part in parts:
        assert part in str(caught.value)


def test_two_files_of_one_name(root: Path) -> None:
    (root / "datasets/mails.jsonl").touch()
    with pytest.raises(DatasetError, match=r"datasets/mails\.jsonl and datasets/mails\.csv"):
        dataset.find("mails", root=root)


def test_a_file_and_a_folder_of_one_name(root: Path) -> None:
    (root / "datasets/mails").mkdir()
    with pytest.raises(DatasetError, match=r"could be datasets/mails\.csv and datasets/mails/; .* a slash behind it"):
        dataset.find("mails", root=root)
    assert dataset.find("mails/", root=root) == root / "datasets/mails"
    assert dataset.find("mails.csv", root=root) == root / "datasets/mails.csv"


class TestLinks:
    """A symbolic link must not lead out of the root in silence; a path that says so may."""

    @pytest.fixture
    def outside(self, tmp_path_factory: pytest.TempPathFactory) -> Path:
        file = tmp_path_factory.mktemp("outside") / "rows.jsonl"
        file.write_text('{"id": "a"}')
        return file

    @pytest.mark.parametrize("name", ["linked", "linked.jsonl", "datasets/linked.jsonl"])
    def test_a_file(self, root: Path, outside: Path, name: str) -> None:
        (root / "datasets/linked.jsonl").symlink_to(outside)
        with pytest.raises(DatasetError) as caught:
            dataset.find(name, root=root)
        problem = f"this is a symbolic link out of the project, to {outside}; copy the data into the project"
        assert str(caught.value).startswith(f"datasets/linked.jsonl: {problem}")

    def test_a_folder(self, root: Path, outside: Path) -> None:
        (root / "datasets/linked").symlink_to(outside.parent)
        with pytest.raises(DatasetError, match="datasets/linked: this is a symbolic link"):
            dataset.find("linked", root=root)

    def test_a_file_in_a_folder(self, root: Path, outside: Path) -> None:
        (root / "datasets/de/more.jsonl").symlink_to(outside)
        with pytest.raises(DatasetError, match=r"datasets/de/more\.jsonl: this is a symbolic link"):
            dataset.find("de", root=root)

    def test_a_file_beside_its_manifest(self, root: Path, outside: Path) -> None:
        (root / "datasets/linked.yaml").write_text("description: not ours\n")
        (root / "datasets/linked.jsonl").symlink_to(outside)
        with pytest.raises(DatasetError, match=r"datasets/linked\.jsonl: this is a symbolic link"):
            dataset.load(dataset.find("linked", root=root), root=root)

    def test_inside_the_root_they_are_fine(self, root: Path) -> None:
        (root / "datasets/linked.csv").symlink_to(root / "datasets/mails.csv")
        assert dataset.find("linked", root=root) == root / "datasets/linked.csv"

    def test_a_root_that_is_itself_a_link_is_fine(self, root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
        link = tmp_path_factory.mktemp("links") / "root"
        link.symlink_to(root)
        assert dataset.find("mails", root=link) == link / "datasets/mails.csv"

    def test_a_loop_is_a_file_that_cannot_be_read(self, root: Path) -> None:
        (root / "datasets/loop.jsonl").symlink_to(root / "datasets/loop.jsonl")
        with pytest.raises(DatasetError, match=r"datasets/loop\.jsonl: the file cannot be read"):
            dataset.load(dataset.find("loop", root=root), root=root)

    def test_a_path_that_leads_out_openly(self, root: Path, outside: Path) -> None:
        assert dataset.find(str(outside), root=root) == outside
        beside = os.path.relpath(outside, root)
        assert dataset.find(beside, root=root).read_text() == outside.read_text()


def test_a_file_of_another_kind(root: Path) -> None:
    (root / "rows.json").touch()
    with pytest.raises(DatasetError, match=r"'\.jsonl', '\.csv', '\.tsv'"):
        dataset.find("rows.json", root=root)


def test_no_dataset_at_all(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="datasets/ holds no dataset"):
        dataset.find("mails", root=tmp_path)


CASES = dataset.from_rows({"id": f"case{i}"} for i in range(200)).cases


def test_a_sample_is_seeded_and_in_file_order() -> None:
    drawn = dataset.sample(CASES, 20, seed=1)
    assert len(drawn) == 20
    assert list(drawn) == [case for case in CASES if case in drawn]
    assert drawn == dataset.sample(CASES, 20, seed=1)
    assert drawn != dataset.sample(CASES, 20, seed=2)


def test_an_appended_row_displaces_at_most_one() -> None:
    before = {case.id for case in dataset.sample(CASES[:199], 20, seed=1)}
    after = {case.id for case in dataset.sample(CASES, 20, seed=1)}
    assert len(before - after) <= 1


def test_a_larger_sample_holds_the_smaller_one() -> None:
    smaller, larger = ({case.id for case in dataset.sample(CASES, n, seed=3)} for n in (10, 11))
    assert smaller < larger


def test_every_case_has_an_equal_chance() -> None:
    """Each case is drawn in about a tenth of 400 samples: 40, give or take five standard deviations of 6."""
    counts = dict.fromkeys((case.id for case in CASES), 0)
    for seed in range(400):
        for case in dataset.sample(CASES, 20, seed=seed):
            counts[case.id] += 1
    assert 10 <= min(counts.values()) <= max(counts.values()) <= 70


def test_a_limit_beyond_the_end_takes_all() -> None:
    assert dataset.sample(CASES, 200, seed=1) == dataset.sample(CASES, 10**9, seed=1) == CASES


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_that_leaves_nothing(limit: int) -> None:
    with pytest.raises(DatasetError, match="1 or more"):
        dataset.sample(CASES, limit, seed=1)
