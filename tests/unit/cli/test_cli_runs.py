"""``genaiops runs``: what a user reads about recorded runs, and what becomes of old ones."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from pytest_genaiops.cli import main
from pytest_genaiops.records import Case, Response, ResponseError, Verdict
from pytest_genaiops.store import ItemRow, PartRow, ScoreRow, TrialRow, Writer

START = 1_790_000_000.0  # 2026-09-21 14:13 UTC
FACTS = {
    "kind": "pytest",
    "command": ["pytest", "-q"],
    "git": {"sha": "4f0a332c9a1b7d5e", "branch": "main", "dirty": True},
    "rules": {"confidence": 0.9},
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def verdict(outcome: str, reason: str) -> Verdict:
    return Verdict(outcome=outcome, reason=reason, value=0.5, interval=(0.4, 0.6), confidence=0.9, n=9, unscored=0)  # type: ignore[arg-type]


def record(run: str, started: float = START, *, code: int | None = 1) -> None:
    writer = Writer(Path(".genaiops"), run)
    writer.begin(started, FACTS)
    suite = writer.suite("tests/test_it.py::test_it", {"dataset": "support", "n": 2})
    writer.cases(suite, [(place, Case(id=f"c{place}")) for place in range(2)])
    variant = writer.variant(suite, "v\x1b[31m1", {"place": 0})
    answers = [
        Response(text="a", usage={"input_tokens": 1200, "output_tokens": 30}, latency=0.25),
        Response(error=ResponseError(kind="timeout", message="too long")),
    ]
    writer.trials(variant, [TrialRow(position=place, trial=1, response=each) for place, each in enumerate(answers)])
    metric = writer.metric(variant, "bleu|x", "bleu", {}, [PartRow(name="bleu", scale=(0, 100))])
    writer.scores(metric, [ScoreRow(name="bleu", value=41.5, interval=(40.25, 43.0), n=1, unscored=1)])
    decided = [("bleu", verdict("passed", "it is good")), ("bleu", verdict("failed", "it is \u202eworse"))]
    writer.verdicts(variant, "tests/test_it.py::test_it[v1]", decided)
    writer.item(variant, ItemRow(test="tests/test_it.py::test_it[v1]", outcome="failed", message="it is worse"))
    if code is None:
        writer.flush()
    else:
        writer.end(started + 12.34, code, {})
    writer.close()


def variants(run: str, named: Sequence[tuple[str, Mapping[str, object]]]) -> None:
    """A run of one suite in which nothing was asked."""
    writer = Writer(Path(".genaiops"), run)
    writer.begin(START, FACTS)
    suite = writer.suite("tests/test_it.py::test_it", {"dataset": "support", "n": 2})
    for place, (name, facts) in enumerate(named):
        writer.variant(suite, name, {"place": place, **facts})
    writer.end(START + 1, 0, {})
    writer.close()


def lines(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> list[str]:
    assert main(["runs", *arguments]) == code
    output = capsys.readouterr()
    return [" ".join(line.split()) for line in (output.err if code == 2 else output.out).splitlines()]


@pytest.mark.usefixtures("project")
class TestList:
    def test_the_newest_first_with_how_they_ended(self, capsys: pytest.CaptureFixture[str]) -> None:
        record("r1")
        record("r2", START + 3600, code=0)
        record("r3", START + 7200, code=None)
        assert lines(capsys, "list") == [
            "run started (UTC) kind end commit suites variants",
            "r3 2026-09-21 16:13 pytest not ended 4f0a332c9+ 1 v\\x1b[31m1",
            "r2 2026-09-21 15:13 pytest passed 4f0a332c9+ 1 v\\x1b[31m1",
            "r1 2026-09-21 14:13 pytest failed 4f0a332c9+ 1 v\\x1b[31m1",
        ]

    def test_a_matrix_is_told_by_its_file_and_axes(self, capsys: pytest.CaptureFixture[str]) -> None:
        axes = [{"chunk": chunk, "search": search} for chunk in "123456" for search in ("vector", "hybrid")]
        facts = [(",".join(f"{a}={b}" for a, b in each.items()), {"axes": each}) for each in axes]
        sourced = [(name, {**own, "source": "variants/rag.yaml"}) for name, own in facts]
        variants("r1", [*sourced, ("plain \x1b", {})])
        assert lines(capsys, "list")[1:] == [
            "r1 2026-09-21 14:13 pytest passed 4f0a332c9+ 1 13",
            "12 of rag.yaml: chunk x search, plain \\x1b",
        ]

    def test_long_lists_are_cut_with_their_number(self, capsys: pytest.CaptureFixture[str]) -> None:
        variants("r1", [(f"a-prompt-with-a-name-{at:02}", {}) for at in range(30)])
        assert main(["runs", "list"]) == 0
        _, row, below = capsys.readouterr().out.splitlines()
        assert row.split()[-1] == "30"
        assert below == "  a-prompt-with-a-name-00, a-prompt-with-a-name-01, and 28 more"

    @pytest.mark.parametrize("axes", [{"x" * 200: "1"}, {f"axis-{at}": "1" for at in range(40)}])
    def test_no_line_below_is_wider_than_the_page(
        self, axes: dict[str, str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        variants("r1", [(f"{at}" * 40, {"axes": axes, "source": "s" * 90}) for at in range(3)])
        assert main(["runs", "list"]) == 0
        assert len(capsys.readouterr().out.splitlines()[-1]) <= 80

    def test_so_many_at_most(self, capsys: pytest.CaptureFixture[str]) -> None:
        for number in range(4):
            record(f"r{number}", START + number)
        assert lines(capsys, "list", "--limit", "1")[1:] == [
            "r3 2026-09-21 14:13 pytest failed 4f0a332c9+ 1 v\\x1b[31m1",
            "and 3 older; show them with --limit 0",
        ]
        assert len(lines(capsys, "list", "--limit", "0")) == 5

    def test_no_record(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert lines(capsys, "list", code=2) == [
            "genaiops: .genaiops holds no record yet; it comes with the first run of a suite"
        ]

    def test_a_limit_that_is_none(self, capsys: pytest.CaptureFixture[str]) -> None:
        (line,) = lines(capsys, "list", "--limit", "-1", code=2)
        assert "'-1' is no number of runs; give a whole number from 0, such as 50" in line


@pytest.mark.usefixtures("project")
class TestShow:
    def test_what_was_found(self, capsys: pytest.CaptureFixture[str]) -> None:
        record("r1")
        assert lines(capsys, "show") == [
            "run r1",
            "started 2026-09-21 14:13 UTC, 12.3 s, failed (exit 1)",
            "commit 4f0a332c9 on main, with changes that are not committed",
            "command pytest -q",
            "",
            "tests/test_it.py::test_it",
            "dataset support, 2 cases, 1 variant",
            "variant score slice value 90 % interval n unscored",
            "v\\x1b[31m1 bleu - 41.50 [40.2, 43.0] 1 1",
            "failed: tests/test_it.py::test_it[v1]",
            "it is \\u202eworse",
            "passed: tests/test_it.py::test_it[v1]",
            "it is good",
            "v\\x1b[31m1 1 failed",
            "variant answers errors tokens seconds (median)",
            "v\\x1b[31m1 1 1 1,200 input, 30 output 0.250",
        ]

    def test_one_by_the_beginning_of_its_id(self, capsys: pytest.CaptureFixture[str]) -> None:
        record("20260921T141320-aaaaaa")
        record("20260922T141320-bbbbbb", START + 86_400)
        assert lines(capsys, "show", "20260921")[0] == "run 20260921T141320-aaaaaa"
        assert lines(capsys, "show", "latest~1")[0] == "run 20260921T141320-aaaaaa"
        assert lines(capsys, "show", "2026", code=2) == ["genaiops: 2 runs begin with 2026; give more of the id"]
        assert lines(capsys, "show", "none\x1b", code=2) == [
            "genaiops: there is no run none\\x1b; `genaiops runs list` names them"
        ]
        assert lines(capsys, "show", "", code=2) == [
            "genaiops: there is no run without a name; `genaiops runs list` names them"
        ]

    @pytest.mark.parametrize(("code", "how"), [(69, "no result (exit 69)"), (4, "exit 4"), (0, "passed (exit 0)")])
    def test_how_it_ended(self, code: int, how: str, capsys: pytest.CaptureFixture[str]) -> None:
        record("r1", code=code)
        assert lines(capsys, "show")[1].endswith(f"12.3 s, {how}")
        assert how.partition(" (")[0] in lines(capsys, "list")[1]

    def test_a_command_can_be_given_again(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(FACTS, "command", ["pytest", "-k", "short or long"])
        record("r1")
        assert "command pytest -k 'short or long'" in lines(capsys, "show")


@pytest.mark.usefixtures("project")
class TestGc:
    def test_old_runs_are_removed(self, capsys: pytest.CaptureFixture[str]) -> None:
        record("old", time.time() - 100 * 86_400)
        record("new", time.time() - 10 * 86_400)
        assert lines(capsys, "gc", "--keep-days", "90", "--dry-run") == ["old", "1 run to remove"]
        first, second = lines(capsys, "gc", "--keep-days", "90")
        assert first == "old"
        assert second.startswith("1 run removed, with ")
        assert lines(capsys, "gc", "--keep-days", "90") == ["0 runs removed"]
        assert [line.split()[0] for line in lines(capsys, "list")] == ["run", "new"]

    def test_with_both_a_run_is_kept_for_either_reason(self, capsys: pytest.CaptureFixture[str]) -> None:
        for days in (100, 95, 10):
            record(f"r{days}", time.time() - days * 86_400)
        assert lines(capsys, "gc", "--keep-days", "90", "--keep", "2", "--dry-run") == ["r100", "1 run to remove"]
        assert lines(capsys, "gc", "--keep", "1", "--dry-run") == ["r100", "r95", "2 runs to remove"]

    def test_one_has_to_say_what(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert lines(capsys, "gc", code=2) == ["genaiops: say what is kept: --keep-days DAYS, --keep N, or both"]

    @pytest.mark.parametrize("days", ["-1", "nan", "inf", "x"])
    def test_days_that_are_none(self, days: str, capsys: pytest.CaptureFixture[str]) -> None:
        (line,) = lines(capsys, "gc", f"--keep-days={days}", code=2)
        assert f"{days!r} is no number of days" in line

    def test_no_record(self, capsys: pytest.CaptureFixture[str], project: Path) -> None:
        assert lines(capsys, "gc", "--keep", "0") == ["no run is on record yet"]
        assert not (project / ".genaiops").exists()
