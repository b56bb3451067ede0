"""Without pytest the command finds the same root and the same ini key as pytest does."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import pytest
from _pytest.config.findpaths import determine_setup
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_genaiops.cli.project import project_of, settings_of
from pytest_genaiops.errors import UsageError

PYTEST_9 = tuple(map(int, pytest.__version__.split(".")[:1])) >= (9,)

FILES = {
    "pytest.ini": ["", "[pytest]\n", "[pytest]\ngenaiops_datasets =\n    data\n    more data\n"],
    ".pytest.ini": ["[pytest]\ngenaiops_datasets = hidden\n"],
    "pyproject.toml": [
        "",
        '[project]\nname = "x"\n',
        "[tool.pytest.ini_options]\n",
        '[tool.pytest.ini_options]\ngenaiops_datasets = ["rows", "more"]\n',
        '[tool.pytest.ini_options]\ngenaiops_datasets = "rows"\n',
    ],
    "tox.ini": ["[tox]\n", "[pytest]\ngenaiops_datasets = tox data\n"],
    "setup.cfg": ["[metadata]\nname = x\n", "[tool:pytest]\ngenaiops_datasets: cfg\n"],
    "setup.py": [""],
}
if PYTEST_9:
    FILES[".pytest.ini"].append("")
    FILES["pytest.toml"] = ["", '[pytest]\ngenaiops_datasets = ["toml"]\n']
    FILES["pyproject.toml"].append('[tool.pytest]\ngenaiops_datasets = ["native"]\n')

CHOICES = [(name, text) for name, texts in FILES.items() for text in texts]


def by_pytest(here: Path) -> tuple[Path, list[str]]:
    """The rootdir, and the folders as pytest reads a ``linelist``."""
    overrides = {"override_ini": None} if PYTEST_9 else {}
    root, _, keys = determine_setup(inifile=None, args=[], rootdir_cmd_arg=None, invocation_dir=here, **overrides)[:3]
    found = keys.get("genaiops_datasets")
    value = getattr(found, "value", found)
    if value is None:
        return root, ["datasets"]
    return root, value if isinstance(value, list) else [line.strip() for line in value.split("\n") if line.strip()]


@given(
    outer=st.lists(st.sampled_from(CHOICES), max_size=3, unique_by=lambda pair: pair[0]),
    inner=st.lists(st.sampled_from(CHOICES), max_size=3, unique_by=lambda pair: pair[0]),
)
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_root_and_folders_are_pytests(
    outer: list[tuple[str, str]],
    inner: list[tuple[str, str]],
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    root = tmp_path_factory.mktemp("project")
    below = root / "inner" / "deep"
    below.mkdir(parents=True)
    for folder, files in ((root, outer), (root / "inner", inner)):
        for name, text in files:
            (folder / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(below)
    found = settings_of(Namespace(rootdir=None))
    expected_root, folders = by_pytest(below)
    assert (found.root, list(found.datasets)) == (expected_root, folders)


def test_rootdir_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\ngenaiops_datasets = data\n")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "below").mkdir()
    project = project_of(Namespace(rootdir="below"))
    assert (project.root, project.config) == (tmp_path / "below", tmp_path / "pytest.ini")
    assert project.settings.datasets == ("data",)


def test_a_rootdir_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--rootdir .*/nowhere is not a folder; give one that is there"):
        project_of(Namespace(rootdir=str(tmp_path / "nowhere")))


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("pyproject.toml", b"[tool.pytest\n"),
        ("pytest.ini", b"no section\n"),
        ("setup.cfg", b"[tool:pytest]\n= 3\n"),
        ("tox.ini", b"[pytest]\nkey = \xff\n"),
    ],
)
def test_a_configuration_that_cannot_be_read_is_named(
    name: str, data: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / name).write_bytes(data)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=rf"{name}: the file cannot be read \(.+\); mend it, or give --rootdir"):
        project_of(Namespace(rootdir=None))


@pytest.mark.parametrize("text", ["tool = 3\n", "[tool]\npytest = 3\n", "[tool.pytest]\nini_options = 3\n"])
def test_a_pyproject_that_means_something_else(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    monkeypatch.chdir(tmp_path)
    assert project_of(Namespace(rootdir=None)).config is None
