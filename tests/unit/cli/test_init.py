"""``genaiops init``: what it writes, and that it leaves alone whatever is there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_genaiops.cli import main

SUITE = "eval_suites/test_support_answers.py"
FILES = {"datasets/support.jsonl", "variants/support/plain.yaml", "variants/support/friendly.yaml", SUITE}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def tree(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def complaint(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one sentence with which the command refuses."""
    assert main(["init", *arguments]) == 2
    shown = capsys.readouterr()
    (line,) = shown.err.splitlines()
    assert shown.out == ""
    return line


def test_an_empty_folder_gets_a_suite_and_the_next_three_steps(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init"]) == 0
    assert set(tree(here)) == FILES | {"pytest.ini", ".gitignore"}
    shown = capsys.readouterr()
    assert shown.err == ""
    assert max(map(len, shown.out.splitlines())) <= 80
    assert [line.split(".")[0].strip() for line in shown.out.splitlines() if line[2:3].isdigit()] == ["1", "2", "3"]
    for name in tree(here):
        assert name in shown.out


def test_every_file_can_be_read_by_what_reads_it(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["init"])
    assert main(["doctor"]) == 0
    shown = capsys.readouterr().out
    assert "24 rows, not locked, recorded: 'plain', 'friendly'" in " ".join(shown.split())
    assert main(["variants", "show", "variants/support/friendly.yaml", "--case", "support:norway"]) == 0
    assert "We ship to Norway, Sweden and Denmark." in capsys.readouterr().out


def test_a_second_run_changes_nothing_and_names_what_is_there(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["init"])
    capsys.readouterr()
    before = tree(here)
    line = complaint(capsys)
    assert all(name in line for name in FILES)
    assert tree(here) == before


@pytest.mark.parametrize("name", sorted(FILES))
def test_one_file_in_the_way_keeps_all_others_out(here: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    (here / name).parent.mkdir(parents=True)
    (here / name).write_text("mine\n")
    assert f"nothing was written, for {name} is there already" in complaint(capsys)
    assert tree(here) == {name: b"mine\n"}


@pytest.mark.parametrize("blocking", ["datasets", "variants", "eval_suites", ".gitignore"])
def test_something_else_in_the_way_leaves_nothing_behind(
    here: Path, blocking: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if blocking == ".gitignore":
        (here / blocking).mkdir()
    else:
        (here / blocking).write_text("a file\n")
    before = sorted(here.rglob("*"))
    assert "nothing was written, for" in complaint(capsys)
    assert sorted(here.rglob("*")) == before


def test_a_link_that_leads_nowhere_is_in_the_way(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "datasets").mkdir()
    (here / "datasets" / "support.jsonl").symlink_to(here / "elsewhere")
    assert "datasets/support.jsonl is there already" in complaint(capsys)
    assert not (here / "elsewhere").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "locked").mkdir(mode=0o555)
    assert "locked" in complaint(capsys, "locked")


@pytest.mark.parametrize("failing", ["pytest.ini", "test_support_answers.py", ".gitignore"])
def test_a_disk_that_refuses_in_the_middle_is_left_as_it_was(
    here: Path, failing: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / ".gitignore").write_bytes(b"*.log")
    real = Path.open

    def refusing(path: Path, mode: str = "r", *rest: object, **options: object) -> object:
        if path.name == failing and mode in ("x", "ab"):
            raise OSError(30, "Read-only file system", str(path))
        return real(path, mode, *rest, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", refusing)
    line = complaint(capsys)
    assert line.endswith(f"{failing} does not allow it (Read-only file system); name another folder")
    assert tree(here) == {".gitignore": b"*.log"}
    assert [path.name for path in here.iterdir()] == [".gitignore"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"", b".genaiops/\n"),
        (b"*.log\n", b"*.log\n.genaiops/\n"),
        (b"*.log", b"*.log\n.genaiops/\n"),
        (b"*.log\r\n", b"*.log\r\n.genaiops/\r\n"),
        (b"\xff\xfe\n", b"\xff\xfe\n.genaiops/\n"),
        (b"# .genaiops/\n", b"# .genaiops/\n.genaiops/\n"),
        (b"/.genaiops\nx\n", b"/.genaiops\nx\n"),
        (b".genaiops/  \n", b".genaiops/  \n"),
    ],
)
def test_git_is_told_once(here: Path, before: bytes, after: bytes) -> None:
    (here / ".gitignore").write_bytes(before)
    assert main(["init"]) == 0
    assert (here / ".gitignore").read_bytes() == after


class TestConfiguration:
    """A configuration of the user's own is never written to; what it lacks is said."""

    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("pytest.ini", "[pytest]\n"),
            ("pyproject.toml", "[tool.pytest.ini_options]\n"),
            ("pyproject.toml", "[project]\nname = 'shop'\n"),
            ("setup.cfg", "[tool:pytest]\n"),
            ("tox.ini", "[pytest]\n"),
            ("setup.py", "raise SystemExit\n"),
        ],
    )
    def test_what_tells_pytest_where_the_project_begins_is_enough(self, here: Path, name: str, text: str) -> None:
        (here / name).write_text(text)
        assert main(["init"]) == 0
        assert (here / name).read_text() == text
        assert set(tree(here)) == FILES | {name, ".gitignore"}

    @pytest.mark.parametrize(
        ("keys", "said"),
        [
            ("testpaths = ['tests']", "add eval_suites there"),
            ("testpaths = ['tests', 'eval_suites']", ""),
            ("testpaths = 'tests ./eval_suites/'", ""),
            ("testpaths = ['*']", ""),
            ("python_files = ['check_*.py']", f"or run pytest {SUITE}"),
            ("python_files = 'check_*.py test*.py'", ""),
        ],
    )
    def test_keys_that_leave_the_suite_out(
        self, here: Path, keys: str, said: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (here / "pyproject.toml").write_text(f"[tool.pytest.ini_options]\n{keys}\n")
        assert main(["init"]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert max(map(len, lines)) <= 80
        told = " ".join(lines)
        assert said in told if said else "pyproject.toml" not in told

    def test_a_folder_for_datasets_is_kept_to(self, here: Path) -> None:
        (here / "pytest.ini").write_text("[pytest]\ngenaiops_datasets = data/sets\n    more\n")
        assert main(["init"]) == 0
        assert "data/sets/support.jsonl" in tree(here)

    def test_one_that_cannot_be_read(self, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (here / "pyproject.toml").write_text("[tool.pytest\n")
        assert "the file cannot be read" in complaint(capsys)
        assert set(tree(here)) == {"pyproject.toml"}


class TestFolder:
    def test_a_new_one_is_made(self, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["init", "new/shop"]) == 0
        assert set(tree(here / "new" / "shop")) == FILES | {"pytest.ini", ".gitignore"}
        assert f"cd {here / 'new' / 'shop'} && pytest eval_suites" in capsys.readouterr().out

    def test_a_way_with_dots(self, here: Path) -> None:
        (here / "shop").mkdir()
        (here / "shop" / "pyproject.toml").write_text("[project]\n")
        assert main(["init", "shop/.."]) == 0
        assert (here / "pytest.ini").is_file()

    def test_a_file(self, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (here / "shop").write_text("")
        assert complaint(capsys, "shop").endswith("shop is not a folder; name one, or a new one")

    def test_a_name_that_no_folder_can_have(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert "File name too long" in complaint(capsys, "x" * 300)

    def test_a_part_of_a_project_is_no_project(self, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (here / "pytest.ini").write_text("[pytest]\n")
        (here / "src").mkdir()
        line = complaint(capsys, "src")
        assert f"run `genaiops init {here}`" in line
        assert "empty src/pytest.ini" in line
        (here / "src" / "pytest.ini").touch()
        assert main(["init", "src"]) == 0
        assert set(tree(here / "src")) == FILES | {"pytest.ini", ".gitignore"}
