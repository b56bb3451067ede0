"""Builds that are damaged, and keys: when a build is made anew."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from build_help import KEY, Maker, leftovers, refusal, refuse
from hypothesis import given
from hypothesis import strategies as st

from pytest_genaiops.errors import UsageError
from pytest_genaiops.grounding.builds import MANIFEST, Builds


@pytest.fixture
def make() -> Maker:
    return Maker()


@pytest.fixture
def builds(tmp_path: Path) -> Builds:
    return Builds(tmp_path / "builds")


def emptied(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()


class TestDamage:
    @pytest.mark.parametrize(
        ("damage", "why"),
        [
            (lambda f: (f / "rows.json").unlink(), "the file 'rows.json' is gone"),
            (lambda f: (f / "table" / "data.bin").write_text(""), "the file 'table/data.bin' has 0 bytes, and had 7"),
            (lambda f: (f / "table" / "2.bin").write_text("more"), "the file 'table/2.bin' came later"),
            (lambda f: (f / MANIFEST).write_text("{"), f"its {MANIFEST} cannot be read"),
            (lambda f: (f / MANIFEST).write_text('{"files": 3}'), f"its {MANIFEST} cannot be read"),
            (lambda f: (f / MANIFEST).unlink(), f"its {MANIFEST} cannot be read"),
            (emptied, f"its {MANIFEST} cannot be read"),
            (lambda f: (emptied(f), f.rmdir(), f.write_text("a file")), f"its {MANIFEST} cannot be read"),
        ],
        ids=["gone", "emptied file", "added", "torn manifest", "other manifest", "no manifest", "emptied", "a file"],
    )
    def test_it_is_noticed_and_made_anew(
        self, builds: Builds, make: Maker, damage: Callable[[Path], object], why: str
    ) -> None:
        folder = builds.get("index", KEY, make)
        damage(folder)
        later = Builds(builds.folder)
        assert later.get("index", KEY, make) == folder
        assert (folder / "table" / "data.bin").read_text() == "vectors"
        assert not (folder / "table" / "2.bin").exists()
        assert [build.again for build in builds.made()] == ["", why]
        assert leftovers(builds) == []
        assert Builds(builds.folder).get("index", KEY, refuse) == folder

    def test_one_that_goes_while_the_session_runs(self, builds: Builds, make: Maker) -> None:
        folder = builds.get("index", KEY, make)
        emptied(folder)
        folder.rmdir()
        builds.get("index", KEY, make)
        assert make.times == 2

    def test_the_build_of_another_key_under_this_one_s_name(self, builds: Builds, make: Maker) -> None:
        one, other = builds.get("index", KEY, make), builds.get("index", {"chunk": 1}, Maker("other"))
        emptied(one)
        one.rmdir()
        other.rename(one)
        Builds(builds.folder).get("index", KEY, make)
        assert (one / "table" / "data.bin").read_text() == "vectors"
        assert builds.made()[-1].again == "it was made for something else"

    @pytest.mark.parametrize(
        "name", [".DS_Store", "table/.nfs01", "rows.json-wal", "rows.json-shm", "rows.json-journal"]
    )
    def test_what_comes_and_goes_while_it_is_read_is_no_damage(self, builds: Builds, make: Maker, name: str) -> None:
        folder = builds.get("index", KEY, make)
        (folder / name).write_text("x")
        assert Builds(builds.folder).get("index", KEY, refuse) == folder

    def test_links_are_told_by_themselves(self, builds: Builds, tmp_path: Path) -> None:
        (tmp_path / "far").mkdir()
        (tmp_path / "far" / "big.bin").write_text("x" * 1000)

        def make(part: Path) -> None:
            (part / "far").symlink_to(tmp_path / "far")
            (part / "round").symlink_to(part)

        folder = builds.get("index", KEY, make)
        assert sorted(json.loads((folder / MANIFEST).read_bytes())["files"]) == ["far", "round"]
        (tmp_path / "far" / "more.bin").write_text("x")
        assert Builds(builds.folder).get("index", KEY, refuse) == folder


class TestKeys:
    @pytest.mark.parametrize(
        ("key", "part"),
        [
            ({"path": Path("corpus")}, "a PosixPath is not a JSON value"),
            ({"size": float("nan")}, "holds what JSON cannot"),
            ({"names": {"a", "b"}}, "a set is not a JSON value"),
            ({"text": "\ud800"}, "holds what JSON cannot"),
            ({1: "one"}, "names something 1, which is not text"),
            ({"a": [{"b": {None: 1}}]}, "names something None, which is not text"),
            ("chunk=256", "is 'chunk=256', not a mapping"),
            (None, "is None, not a mapping"),
        ],
    )
    def test_one_that_has_no_form(self, builds: Builds, make: Maker, key: Any, part: str) -> None:
        message = refusal(lambda: builds.get("index", key, make))
        assert message.startswith("the key of a build ")
        assert part in message
        assert make.times == 0

    def test_one_that_holds_itself(self, builds: Builds, make: Maker) -> None:
        key: dict[str, Any] = {}
        key["key"] = key
        assert "holds what JSON cannot" in refusal(lambda: builds.get("index", key, make))

    @pytest.mark.parametrize("name", ["", "a/b", "..", ".hidden", "a b", "x" * 61, "a\nb", "é", "\x1b[31m", None, 3])
    def test_a_name_that_is_no_folder(self, builds: Builds, make: Maker, name: Any) -> None:
        message = refusal(lambda: builds.get(name, KEY, make))
        assert message.startswith("a build cannot be called ")
        assert message.isprintable()

    @given(
        keys=st.lists(
            st.dictionaries(
                st.text(max_size=3), st.none() | st.booleans() | st.integers() | st.text(max_size=3), max_size=3
            ),
            min_size=2,
            max_size=2,
        )
    )
    def test_two_keys_are_one_build_only_where_they_say_the_same(self, keys: list[dict[str, Any]]) -> None:
        from pytest_genaiops.grounding.builds import _folder_name, _said

        try:
            one, other = (_folder_name("index", _said(key)) for key in keys)
        except UsageError:  # half a character
            return
        assert (one == other) == (json.dumps(keys[0], sort_keys=True) == json.dumps(keys[1], sort_keys=True))
