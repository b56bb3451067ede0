"""``genaiops cache``: what a user reads about kept answers, and what becomes of them."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from pytest_genaiops.cli import main
from pytest_genaiops.clients.cache import Cache
from pytest_genaiops.clients.request import Labels, Request
from pytest_genaiops.clients.secrets import Secret
from pytest_genaiops.config import CacheMode
from pytest_genaiops.records import Response

DAY = 86_400


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def request(case: str, variant: str = "v1", **body: Any) -> Request:
    messages = [{"role": "user", "content": f"What of {case}?"}]
    labels = Labels(variant=variant, case=case)
    return Request(service={"model": "small"}, body={"messages": messages, "variant": variant, **body}, labels=labels)


def session(name: str, *requests: Request, mode: CacheMode = "use", cassette: Path | None = None) -> None:
    """A session that asks, and calls for what is not kept."""
    cache = Cache(Path(".genaiops"), mode=mode, session=name, cassette=cassette)
    for each in requests:
        if cache.find(each) is None:
            if cache.strict:
                cache.why_missing(each)
            else:
                usage = {"input_tokens": 1000, "output_tokens": 200}
                cache.keep(each, Response(text=f"answer of {name}", usage=usage, deployment="small"))
    cache.close()


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[str], str]:
    code = main(["cache", *arguments])
    shown = capsys.readouterr()
    assert max(map(len, shown.out.splitlines()), default=0) <= 80
    return code, [" ".join(line.split()) for line in shown.out.splitlines()], shown.err


def cases(file: str) -> list[tuple[str, str]]:
    rows = [json.loads(line) for line in Path(file).read_text().splitlines()]
    return [(row["variant"], row["case"]) for row in rows]


def age(days: float, where: str = "1") -> None:
    """Make answers and their uses older than they are."""
    with closing(sqlite3.connect(".genaiops/cache.sqlite")) as database, database:
        database.execute(f"UPDATE answers SET made = made - ? WHERE {where}", [days * DAY])


@pytest.mark.usefixtures("project")
class TestStats:
    def test_by_model_and_variant(self, capsys: pytest.CaptureFixture[str]) -> None:
        session("s1", request("a"), request("b"), request("a", "v2"))
        code, out, _ = run(capsys, "stats")
        assert code == 0
        assert out[0].startswith("3 answers, 0.")
        assert [line.rpartition(" ")[0] for line in out[1:]] == [
            "model variant answers tokens in tokens out",
            "small v1 2 2,000 400",
            "small v2 1 1,000 200",
        ]

    def test_nothing_kept(self, capsys: pytest.CaptureFixture[str]) -> None:
        code, _, err = run(capsys, "stats")
        assert (code, err) == (2, "genaiops: .genaiops holds no answers yet; they come with the first live run\n")
        assert not Path(".genaiops").exists()

    def test_a_file_that_cannot_be_read(self, capsys: pytest.CaptureFixture[str]) -> None:
        Path(".genaiops").mkdir()
        Path(".genaiops/cache.sqlite").write_text("What is this?" * 99)
        code, out, err = run(capsys, "stats")
        assert code == 0
        assert out[0].startswith("0 answers")
        assert "it is set aside as cache.sqlite.aside-1" in err

    def test_labels_are_data(self, capsys: pytest.CaptureFixture[str]) -> None:
        session("s1", request("a", "v\x1b[2J"))
        _, out, _ = run(capsys, "stats")
        assert "v\\x1b[2J" in out[2]


@pytest.mark.usefixtures("project")
class TestExport:
    def test_a_second_export_gives_the_same_bytes(self, capsys: pytest.CaptureFixture[str]) -> None:
        session("s1", request("b"), request("a", "v2"), request("a"))
        code, out, _ = run(capsys, "export", "answers.jsonl")
        assert (code, out) == (0, ["answers.jsonl: 3 answers, 3 new, 0 taken out"])
        first = Path("answers.jsonl").read_bytes()
        assert run(capsys, "export", "answers.jsonl")[1] == ["answers.jsonl: 3 answers, 0 new, 0 taken out"]
        assert Path("answers.jsonl").read_bytes() == first
        assert cases("answers.jsonl") == [("v1", "a"), ("v1", "b"), ("v2", "a")]

    def test_it_replays_without_the_folder(self, capsys: pytest.CaptureFixture[str], project: Path) -> None:
        session("s1", request("a"))
        run(capsys, "export", "answers.jsonl")
        cache = Cache(project / "elsewhere", mode="only", cassette=project / "answers.jsonl")
        found = cache.find(request("a"))
        assert found is not None
        assert found.text == "answer of s1"

    def test_what_is_chosen_is_added_to_what_the_file_has(self, capsys: pytest.CaptureFixture[str]) -> None:
        session("s1", request("a"), request("b"), request("a", "v2"), request("b", "v2"))
        run(capsys, "export", "answers.jsonl", "--variant", "v2", "--case", "b")
        assert cases("answers.jsonl") == [("v2", "b")]
        run(capsys, "export", "answers.jsonl", "--variant", "v1")
        assert cases("answers.jsonl") == [("v1", "a"), ("v1", "b"), ("v2", "b")]

    def test_a_newer_answer_replaces_a_line(self, capsys: pytest.CaptureFixture[str]) -> None:
        session("s1", request("a"))
        run(capsys, "export", "answers.jsonl")
        session("s2", request("a"), mode="refresh")
        run(capsys, "export", "answers.jsonl")
        assert "answer of s2" in Path("answers.jsonl").read_text()

    def test_used_leaves_out_what_the_latest_session_did_not_ask_for(self, capsys: pytest.CaptureFixture[str]) -> None:
        session("s1", request("a"), request("b", temperature=0.2))
        run(capsys, "export", "answers.jsonl")
        session("s2", request("a"), request("b", temperature=0.7))
        _, out, _ = run(capsys, "export", "answers.jsonl", "--used")
        assert out == ["answers.jsonl: 2 answers, 1 new, 1 taken out"]
        assert '"temperature": 0.2' not in Path("answers.jsonl").read_text()

    def test_used_keeps_lines_that_answered_from_the_cassette_itself(
        self, capsys: pytest.CaptureFixture[str], project: Path
    ) -> None:
        """Somebody who has the cassette alone, and asks for one thing more."""
        session("s1", request("a"), request("old"))
        run(capsys, "export", "answers.jsonl")
        for file in Path(".genaiops").iterdir():
            file.unlink()
        session("s2", request("a"), request("b"), cassette=project / "answers.jsonl")
        run(capsys, "export", "answers.jsonl", "--used")
        assert cases("answers.jsonl") == [("v1", "a"), ("v1", "b")]

    def test_nothing_is_meant(self, capsys: pytest.CaptureFixture[str]) -> None:
        session("s1", request("a"))
        code, _, err = run(capsys, "export", "answers.jsonl", "--case", "z*")
        assert code == 2
        assert err == "genaiops: no kept answer is meant; see what there is with: genaiops cache stats\n"
        assert not Path("answers.jsonl").exists()

    def test_a_request_that_held_a_secret(self, capsys: pytest.CaptureFixture[str]) -> None:
        session("s1", request(Secret("planted-in-a-prompt").reveal()), request("b"))
        code, _, err = run(capsys, "export", "answers.jsonl")
        assert code == 2
        assert "held a key or password, which is not kept" in err
        assert "planted" not in err
        assert run(capsys, "export", "answers.jsonl", "--case", "b")[0] == 0

    def test_a_cassette_that_is_broken_stays(self, capsys: pytest.CaptureFixture[str]) -> None:
        session("s1", request("a"))
        Path("answers.jsonl").write_text("<<<<<<< ours\n")
        code, _, err = run(capsys, "export", "answers.jsonl")
        assert code == 2
        assert err.startswith("genaiops: answers.jsonl:1: the line is not JSON")
        assert Path("answers.jsonl").read_text() == "<<<<<<< ours\n"


@pytest.mark.usefixtures("project")
class TestPrune:
    def test_by_age(self, capsys: pytest.CaptureFixture[str]) -> None:
        session("s1", request("a"), request("b"), request("c"))
        age(40, "case_id <> 'c'")
        assert run(capsys, "prune", "--older-than", "30", "--dry-run")[1] == ["2 answers would be thrown away"]
        assert run(capsys, "prune", "--older-than", "30")[1] == ["2 answers thrown away"]
        run(capsys, "export", "answers.jsonl")
        assert cases("answers.jsonl") == [("v1", "c")]

    def test_by_use(self, capsys: pytest.CaptureFixture[str]) -> None:
        session("s1", request("a"), request("b"))
        age(40)
        session("s2", request("a"))
        assert run(capsys, "prune", "--unused", "30")[1] == ["1 answer thrown away"]
        run(capsys, "export", "answers.jsonl")
        assert cases("answers.jsonl") == [("v1", "a")]

    def test_by_labels(self, capsys: pytest.CaptureFixture[str]) -> None:
        session("s1", request("a"), request("b"), request("a", "v2"))
        assert run(capsys, "prune", "--variant", "v1", "--case", "a")[1] == ["1 answer thrown away"]
        assert run(capsys, "prune", "--variant", "v1", "--older-than", "1")[1] == ["0 answers thrown away"]

    def test_the_room_is_given_back_and_a_session_goes_on(self, capsys: pytest.CaptureFixture[str]) -> None:
        cache = Cache(Path(".genaiops"), mode="use")
        for number in range(1200):
            cache.keep(request(str(number)), Response(text="long " * 200))
        cache.claim(request("next"))
        before = sum(file.stat().st_size for file in Path(".genaiops").glob("cache.sqlite*"))
        assert run(capsys, "prune", "--older-than", "0", "--case", "*[0-8]")[1] == ["1,080 answers thrown away"]
        assert cache.find(request("9")) is not None
        assert cache.find(request("8")) is None
        cache.keep(request("next"), Response(text="short"))
        cache.close()
        assert Path(".genaiops/cache.sqlite").stat().st_size < before / 2

    def test_something_must_be_said(self, capsys: pytest.CaptureFixture[str]) -> None:
        session("s1", request("a"))
        code, _, err = run(capsys, "prune")
        assert code == 2
        assert err.startswith("genaiops: say which answers: --older-than DAYS")
        code, _, err = run(capsys, "prune", "--unused", "-3")
        assert (code, "'-3' is no number of days" in err) == (2, True)


@pytest.mark.usefixtures("project")
class TestExplainMiss:
    def test_what_a_strict_session_missed_by_reason(self, capsys: pytest.CaptureFixture[str]) -> None:
        session("s1", *(request(f"case{number:02}") for number in range(12)))
        asked = [request(f"case{number:02}", temperature=0.7) for number in range(12)]
        session("s2", *asked, request("other", "v2"), mode="only")
        code, out, _ = run(capsys, "explain-miss")
        assert code == 1
        assert out[:3] == [
            "not found by the latest session with --genaiops-cache=only: 13",
            "temperature: (none) -> 0.7",
            "v1: case00, case01, case02, case03, case04, case05, case06, case07 and 4",
        ]
        _, out, _ = run(capsys, "explain-miss", "--variant", "v2", "--case", "o*")
        assert out[0].endswith(": 1")
        assert out[-1] == "v2: other"

    def test_what_was_made_anew_although_there_was_an_older_answer(self, capsys: pytest.CaptureFixture[str]) -> None:
        session("s1", request("a"), request("b"))
        session("s2", request("a", temperature=0.7), request("b"), request("c"))
        code, out, _ = run(capsys, "explain-miss")
        assert code == 1
        assert out == [
            "called for by the latest session, although older answers are kept: 1",
            "temperature: (none) -> 0.7",
            "v1: a",
        ]

    def test_the_cassette_counts(self, capsys: pytest.CaptureFixture[str], project: Path) -> None:
        session("s1", request("a"))
        run(capsys, "export", "answers.jsonl")
        for file in Path(".genaiops").iterdir():
            file.unlink()
        session("s2", request("a", seed=1), mode="only", cassette=project / "answers.jsonl")
        assert "nothing like it is kept" in run(capsys, "explain-miss")[1]
        assert "seed: (none) -> 1" in run(capsys, "explain-miss", "--cassette", "answers.jsonl")[1]
        (project / "pytest.ini").write_text("[pytest]\ngenaiops_cassette = answers.jsonl\n")
        assert "seed: (none) -> 1" in run(capsys, "explain-miss")[1]

    def test_nothing_missed(self, capsys: pytest.CaptureFixture[str]) -> None:
        session("s1", request("a"))
        session("s2", request("a"), mode="only")
        assert run(capsys, "explain-miss")[:2] == (0, ["nothing was missed"])
