"""The proof that a person's texts are gone, and what becomes of indexes that held them."""

from __future__ import annotations

import base64
import gzip
import html
import io
import json
import zipfile
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from purge_help import ASKED, NAMED, page

from pytest_genaiops.cli import main
from pytest_genaiops.errors import UsageError
from pytest_genaiops.grounding.builds import Builds
from pytest_genaiops.store.proof import holds, views
from pytest_genaiops.store.wanted import Wanted, folded


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def zipped(text: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.txt", text)
    return stream.getvalue()


SPELLINGS: dict[str, Callable[[str], bytes]] = {
    "utf-8": lambda text: text.encode(),
    "upper case": lambda text: text.upper().encode(),
    "utf-16": lambda text: text.encode("utf-16"),
    "utf-16 at an odd place": lambda text: b"x" + text.encode("utf-16-be"),
    "json": lambda text: json.dumps(text).encode(),
    "json in json": lambda text: json.dumps({"a": json.dumps({"b": text})}).encode(),
    "csv": lambda text: text.replace('"', '""').encode(),
    "json in csv": lambda text: json.dumps({"a": text}).replace('"', '""').encode(),
    "html": lambda text: html.escape(text).encode(),
    "markdown": lambda text: text.replace("'", "\\'").replace('"', '\\"').encode(),
    "url": lambda text: quote(text).encode(),
    "wrapped": lambda text: text.replace(" ", "\n    ").encode(),
    "a typographic apostrophe": lambda text: text.replace("'", "\u2019").encode(),
    "a soft hyphen, and what has no width": lambda text: text.replace("Br", "B\u00adr\u200b").encode(),
    "a mark of direction before an accent": lambda text: text.replace("\u00eb", "e\u200f\u0308").encode(),
    "json of typography": lambda text: json.dumps(text.replace("'", "\u2019")).encode(),
    "gzip": lambda text: gzip.compress(text.encode()),
    "gzip behind others": lambda text: b"junk" + gzip.compress(b"a") + gzip.compress(text.encode()),
    "zlib": lambda text: b"PNG" + zlib.compress(text.encode()),
    "base64": lambda text: base64.b64encode(b"-" * 40 + text.encode()),
    "base64 for urls": lambda text: base64.urlsafe_b64encode(b"-" * 41 + text.encode()).rstrip(b"="),
    "a page": lambda text: page(text).encode(),
    "zip": zipped,
    "zip in base64": lambda text: base64.b64encode(zipped(text)),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_the_proof_sees_every_spelling(spelling: str, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(SPELLINGS[spelling](f"It was {ASKED} She said."))
    assert holds(file, Wanted(texts=(folded(NAMED),)))
    assert not holds(file, Wanted(texts=(folded("Zoë Miller"),)))


def test_the_proof_sees_parquet(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    parquet.write_table(pyarrow.table({"text": [ASKED, "x"], "n": [1, 2]}), tmp_path / "a.parquet")
    assert holds(tmp_path / "a.parquet", Wanted(texts=(folded(NAMED),)))


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200), st.sampled_from([b"", b"\x1f\x8b\x08", b"\x78\x9c", b"A" * 60, b"\0\\u12"]))
def test_the_proof_reads_whatever_there_is(data: bytes, start: bytes) -> None:
    with suppress(UsageError):  # of what only begins like an archive
        assert list(views(start + data))


@pytest.mark.parametrize(
    ("content", "what"), [(zipped(ASKED)[:60], "archive"), (b"PAR1 and no more", "Parquet")], ids=["zip", "parquet"]
)
def test_what_cannot_be_read_proves_nothing(content: bytes, what: str, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    file = tmp_path / "file"
    file.write_bytes(content)
    with pytest.raises(UsageError, match=f"its {what} cannot be read"):
        holds(file, Wanted(texts=("brien",)))


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=4))
def test_the_proof_sees_any_text(text: str) -> None:
    needle = folded(text)
    for data in (json.dumps({"a": [f"x {text} y"]}).encode(), gzip.compress(f"x {text} y".encode())):
        assert any(needle in view for view in views(data))


class TestBuilds:
    """What is removed of indexes: an index is made again, so that nothing has to be proven of it."""

    @pytest.fixture
    def made(self, project: Path) -> dict[str, Path]:
        builds, texts = Builds(project / ".genaiops/builds"), {"hers": ASKED, "other": "Is it blue?"}
        found = {name: builds.get(name, {}, lambda part, text=text: (part / "chunks.txt").write_text(text))
                 for name, text in texts.items()}  # fmt: skip
        found["packed"] = builds.get("packed", {}, lambda part: (part / "data.lance").write_bytes(b"\x00\x01\xfe"))
        return found

    def test_those_that_hold_it_or_cannot_be_searched(
        self, made: dict[str, Path], capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["purge", "--match", NAMED, "--dry-run"]) == 0
        assert all(build.exists() for build in made.values())
        assert main(["purge", "--match", NAMED]) == 0
        said = capsys.readouterr().out
        assert not made["hers"].exists()
        assert not made["packed"].exists()
        assert (made["other"] / "chunks.txt").read_text() == "Is it blue?"
        shown = [f".genaiops/builds/{made[name].name}: " for name in ("hers", "packed")]
        assert f"{shown[0]}would be removed (it holds the text); it is made again when it is needed" in said
        assert f"{shown[1]}removed (it has files that cannot be searched); it is made again" in said

    def test_what_a_killed_builder_left(self, project: Path) -> None:
        left = project / ".genaiops/builds/.hers-3f.1a"
        left.mkdir(parents=True)
        (left / "chunks.txt").write_text(ASKED)
        assert main(["purge", "--match", NAMED]) == 0
        assert not left.exists()
