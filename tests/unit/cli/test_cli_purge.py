"""``genaiops purge``: a person's texts are nowhere afterwards, in no spelling, and the numbers are."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from purge_help import ASKED, NAMED, everything, page, run

from pytest_genaiops.baselines import Baseline, Entry, Rows, Section, Value, line, read
from pytest_genaiops.baselines import write as write_baseline
from pytest_genaiops.cli import main
from pytest_genaiops.clients import cassette
from pytest_genaiops.clients.cache import Cache
from pytest_genaiops.clients.request import Labels, Request
from pytest_genaiops.records import Case, Explanation, Measurement, Response, Verdict
from pytest_genaiops.store import NAME, ItemRow, PartRow, ScoreRow, Store, TrialRow, Writer

ANSWERED = f"Dear {NAMED}, it is on its way to you."


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def record(run: str = "r1", case: str = "zoe-7", *, asked: str = ASKED, answered: str = ANSWERED) -> None:
    """A run over two cases, of which the first is hers; both were answered "yes" in the second trial."""
    writer = Writer(Path(".genaiops"), run)
    writer.begin(0.0, {"kind": "pytest", "command": ["pytest", "-k", case]})
    suite = writer.suite("t.py::test_it", {"dataset": "support", "n": 2})
    cases = [Case(id=case, inputs={"question": asked}), Case(id="other", inputs={"question": "Is it blue?"})]
    writer.cases(suite, enumerate(cases))
    variant = writer.variant(suite, "v1", {"prompt": "Answer.", "place": 0})
    metric = writer.metric(variant, "classification|x", "classification", {}, [PartRow(name="accuracy", scale=(0, 1))])
    for place, said in enumerate((answered, "It is.")):
        for trial, text in enumerate((said, "yes"), 1):
            prompt = [{"role": "user", "content": cases[place].inputs["question"]}]
            row = TrialRow(position=place, trial=trial, response=Response(text=text), prompt=prompt)
            writer.trials(variant, [row])
            evidence = Explanation(score=1.0, sentences=(), unsupported=(), reason=f"It says: {text}")
            measured = Measurement(statistics={(text, "yes"): 1.0}, explanation=evidence)
            writer.measurements(metric, [(place, trial, measured)])
            test = f"t.py::test_it[v1-{cases[place].id}-t{trial}]"
            reason = f"case {cases[place].id} said {text}"
            verdict = Verdict(
                outcome="failed", reason=reason, value=0.5, interval=None, confidence=0.95, n=1, unscored=0
            )
            writer.verdicts(variant, test, [("accuracy", verdict)])
            writer.item(variant, ItemRow(test=test, position=place, trial=trial, outcome="failed", message=reason))
    writer.measurements(metric, [(0, 3, Measurement(kind="judge", reason=f"no verdict on {answered}"))])
    writer.scores(metric, [ScoreRow(name="accuracy", value=0.5, interval=(0.1, 0.9), n=4, unscored=1)])
    writer.end(1.0, 1, {})
    writer.close()


def request(text: str, case: str = "zoe-7") -> Request:
    return Request(
        service={"model": "small"},
        body={"messages": [{"role": "user", "content": text}]},
        labels=Labels(variant="v1", case=case),
    )


def keep(*pairs: tuple[Request, str]) -> None:
    cache = Cache(Path(".genaiops"), mode="use", session="s")
    for asked, answer in pairs:
        cache.claim(asked)
        cache.keep(asked, Response(text=answer))
        cache.learn([(asked.key[:8], asked)])
    cache.why_missing(request(f"And now, {NAMED}?"))
    cache.close()


def write_baselines(path: Path, case: str = "zoe-7") -> Baseline:
    lines = [line(case, 1, {(ANSWERED[:50], "yes"): 1.0}, NAMED), line("other", 1, {("yes", "yes"): 1.0}, "doc")]
    value = Value(value=0.5, scale=(0, 1), higher_is_better=True)
    section = Section(signature="classification|x", scores={"accuracy": value}, rows=Rows.of_lines(lines))
    entry = Entry(
        variant="v1",
        variant_hash="a",
        dataset="support",
        dataset_hash="b",
        trials=1,
        by_case=False,
        metrics={"classification": section},
    )
    made = Baseline(suite="t.py::test_it", entries={"v1": entry})
    write_baseline(path, made, shown=path.name)
    return made


@pytest.fixture
def filled(project: Path) -> Path:
    """A project in which she is everywhere."""
    record()
    keep((request(ASKED), ANSWERED), (request("Is it blue?", "other"), "It is."))
    lines = [
        cassette.Line(request(ASKED), Response(text=ANSWERED)),
        cassette.Line(request("Is it blue?", "other"), Response(text="It is.")),
    ]
    cassette.write(project / "eval_suites/answers.jsonl", lines)
    write_baselines(project / "eval_suites/baselines/test_it.json")
    (project / ".genaiops/reports").mkdir()
    (project / ".genaiops/reports/report.html").write_text(page(ASKED))
    (project / ".genaiops/reports/clean.html").write_text(page("Is it blue?"))
    parcel = project / ".genaiops/mlflow/r1"
    (parcel / "files").mkdir(parents=True)
    (parcel / "entries.json").write_text(json.dumps({"note": ASKED}))
    (parcel / "files/report.md").write_text("nothing of hers")
    (project / "export.csv").write_text(f'id,question\nzoe-7,"{ASKED}"\n')
    return project


@pytest.mark.parametrize("how", [("--match", NAMED), ("--match", NAMED.upper()), ("--id", "zoe-7")])
def test_she_is_nowhere_afterwards(filled: Path, how: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    code, shown = run(capsys, *how, "export.csv")
    assert code == 0, "\n".join(shown)
    assert shown[-1].startswith("proven clean: ")
    content = everything(filled)
    for spelling in (json.dumps(ASKED)[1:-1], json.dumps(ASKED, ensure_ascii=False)[1:-1], ASKED, ANSWERED):
        assert spelling.encode() not in content
    if how[0] == "--match":
        assert b"Brien" not in content
    if how[0] == "--id":
        assert b"zoe-7" not in content.replace(b'-k","zoe-7', b"")  # the command line as it was given
    assert not (filled / ".genaiops/reports/report.html").exists()
    assert (filled / ".genaiops/reports/clean.html").exists()
    assert not (filled / ".genaiops/mlflow/r1").exists()
    assert not (filled / "export.csv").exists()


def test_numbers_stay_and_others_keep_their_texts(filled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = read(filled / "eval_suites/baselines/test_it.json", shown="b")
    assert run(capsys, "--match", NAMED)[0] == 0
    with closing(Store(filled / ".genaiops")) as store:
        (suite,) = store.suites("r1")
        cases = store.cases(suite.id)
        assert cases == {0: Case(id="removed-0"), 1: Case(id="other", inputs={"question": "Is it blue?"})}
        (variant,) = store.variants(suite.id)
        trials = {(row.position, row.trial): row for row in store.trials(variant.id)}
        assert trials[1, 1].response.text == "It is."
        assert trials[1, 2].response.text == "yes"
        for trial in (1, 2):
            error = trials[0, trial].response.error
            assert error is not None  # not an empty answer, which would be judged
            assert error.kind == "missing"
            assert trials[0, trial].prompt is None
        (metric,) = store.metrics(variant.id)
        assert store.scores(metric.id)[0].value == 0.5
        measured = {(place, trial): each for place, trial, each in store.measurements(metric.id)}
        assert measured[0, 1] == Measurement(statistics={("removed", "yes"): 1.0})
        assert measured[0, 2].statistics == {("yes", "yes"): 1.0}
        assert measured[0, 3] == Measurement(kind="judge", reason="")
        assert [(item.test, item.outcome) for item in store.items(variant.id)] == [
            ("t.py::test_it[v1-other-t1]", "failed"),
            ("t.py::test_it[v1-other-t2]", "failed"),
            ("t.py::test_it[v1-removed-0-t2]", "failed"),
            ("t.py::test_it[v1-removed-0]", "failed"),
        ]
        verdicts = {row.test: row.facts for row in store.verdicts(variant.id)}
        assert verdicts["t.py::test_it[v1-removed-0]"]["value"] == 0.5
        assert verdicts["t.py::test_it[v1-removed-0]"]["reason"] == "removed"
        assert verdicts["t.py::test_it[v1-other-t1]"]["reason"] == "case other said It is."
    assert before is not None
    after = read(filled / "eval_suites/baselines/test_it.json", shown="b")  # its checksums hold
    assert after is not None
    section = after.entries["v1"].metrics["classification"]
    assert list(section.rows.lines()) == [
        '["other", 1, [[["yes", "yes"], 1.0]], "doc"]',
        '["zoe-7", 1, [[["removed-1", "yes"], 1.0]], "removed-2"]',
    ]
    assert section.scores == before.entries["v1"].metrics["classification"].scores
    assert [row.response.text for row in cassette.read(filled / "eval_suites/answers.jsonl").values()] == ["It is."]
    cache = Cache(filled / ".genaiops", mode="use")
    assert cache.find(request("Is it blue?", "other")) == Response(text="It is.")
    assert cache.find(request(ASKED)) is None
    cache.close()


def test_a_baseline_forgets_an_id(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = project / "eval_suites/baselines/test_it.json"
    write_baselines(path, "removed-1")  # a name that is taken
    write_baselines(path.with_name("other.json"))
    assert run(capsys, "--id", "zoe-7")[0] == 0
    found = read(path.with_name("other.json"), shown="b")
    assert found is not None
    assert found.entries["v1"].metrics["classification"].rows.ids == ["other", "removed-1"]


def test_a_dry_run_says_what_there_is_and_changes_nothing(filled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {file: file.read_bytes() for file in filled.rglob("*") if file.is_file() and "sqlite" not in file.name}
    code, shown = run(capsys, "--match", NAMED, "export.csv", "--dry-run")
    assert code == 0
    assert shown[0].startswith("record: 1 case of 1 run, ")
    assert shown[0].endswith(" would be removed")
    assert shown[1:7] == [
        "cache: 2 answers would be removed",
        "eval_suites/answers.jsonl: 1 line would be taken out",
        "eval_suites/baselines/test_it.json: 2 names would be taken out, the numbers stay",
        ".genaiops/mlflow/r1/entries.json: would be removed",
        ".genaiops/reports/report.html: would be removed",
        "export.csv: would be removed",
    ]
    assert {file: file.read_bytes() for file in before} == before
    with closing(Store(filled / ".genaiops")) as store:
        assert store.cases(store.suites("r1")[0].id)[0].inputs == {"question": ASKED}


def test_reports_and_cassettes_that_the_configuration_names(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "pytest.ini").write_text(
        "[pytest]\ngenaiops_report =\n  a.html\n  none.md\ngenaiops_cassette = tape.txt\n"
    )
    (project / "a.html").write_text(page(ASKED))
    cassette.write(project / "tape.txt", [cassette.Line(request(ASKED), Response(text=ANSWERED))])
    assert run(capsys, "--match", NAMED)[0] == 0
    assert not (project / "a.html").exists()
    assert (project / "tape.txt").read_text() == ""


def test_reports_anywhere_are_removed_and_exports_that_nobody_named_are_told_of(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record()
    (project / "out/ci").mkdir(parents=True)
    reports = [project / "out/ci" / f"report{suffix}" for suffix in (".html", ".md", ".json")]
    assert main(["report", *(word for path in reports for word in ("-o", str(path)))]) == 0
    assert main(["runs", "export", "-o", "out/run.csv"]) == main(["runs", "export", "-o", "out/run.jsonl"]) == 0
    junit = f'<?xml version="1.0"?><testsuites><testsuite><properties><property name="genaiops.run" value="r"/>{ASKED}'
    (project / "out/junit.xml").write_text(junit)
    own = [project / "out" / name for name in ("own.html", "own.md", "own.json", "own.csv", "own.xml")]
    for path in own:
        path.write_text(f"genaiops {ASKED}")
    capsys.readouterr()
    code, lines = run(capsys, "--match", NAMED)
    assert code == 1
    assert not any(path.exists() for path in reports)
    assert all(path.exists() for path in own)
    left = " ".join(lines).split("LEFT in ")[1:]
    assert [each.split(":")[0] for each in left] == ["out/junit.xml", "out/run.csv", "out/run.jsonl"]
    assert all("it holds the text; name it behind the command to have it removed" in each for each in left)
    assert run(capsys, "--match", NAMED, "out/junit.xml", "out/run.csv", "out/run.jsonl")[0] == 0
    assert sorted(path.name for path in (project / "out").rglob("*.*")) == sorted(path.name for path in own)


def test_an_export_to_parquet_is_known_by_its_columns(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("pyarrow")
    record()
    assert main(["runs", "export", "-o", "run.parquet"]) == 0
    capsys.readouterr()
    code, lines = run(capsys, "--match", NAMED)
    assert code == 1
    assert "LEFT in run.parquet: it holds the text" in " ".join(lines)


def test_a_name_of_two_characters(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record(asked="\u6211\u53eb\u738b\u4f1f\u3002", answered="It is on its way.")
    assert run(capsys, "--match", "\u738b\u4f1f")[0] == 0
    assert "\u738b\u4f1f".encode() not in everything(project)


def test_a_dash_is_a_dash(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record(answered="Dear Mu\u00f1oz\u2011\u00c4rger, it is on its way")
    assert run(capsys, "--match", "MUN\u0303OZ-A\u0308RGER")[0] == 0
    assert b"rger" not in everything(project)


def test_of_a_folder_reports_and_exports_are_removed_and_no_source(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "public").mkdir()
    for name in ("a.md", "b.JSON", "deploy.py"):
        (project / "public" / name).write_text(ASKED)
    code, shown = run(capsys, "--match", NAMED, "public")
    assert code == 0
    assert shown[:3] == ["public/a.md: removed", "public/b.JSON: removed", shown[2]]
    assert [file.name for file in (project / "public").iterdir()] == ["deploy.py"]


def test_datasets_are_named_and_never_changed(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "datasets").mkdir()
    rows = json.dumps({"id": "zoe-7", "question": ASKED}) + "\n"
    (project / "datasets/support.jsonl").write_text(rows)
    code, shown = run(capsys, "--match", NAMED)
    assert code == 1
    assert " ".join(shown[2:]).startswith("LEFT in datasets/support.jsonl: it holds the text; it is yours to edit")
    assert (project / "datasets/support.jsonl").read_text() == rows


def test_what_is_left_is_named(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record()
    Path("eval_suites/baselines").mkdir(parents=True)
    Path("eval_suites/baselines/edited.json").write_text('{"format": 1, "suite": "' + json.dumps(NAMED)[1:-1] + '"}')
    Path(".genaiops/cache.sqlite.aside-1").write_bytes(b"whatever it was")
    code, shown = run(capsys, "--match", NAMED)
    assert code == 1
    left = [line for line in shown if line.startswith("LEFT in")]
    assert left[0].startswith("LEFT in eval_suites/baselines/edited.json: ")
    assert left[1].startswith("LEFT in .genaiops/cache.sqlite.aside-1: it was set aside")


def test_a_reader_keeps_the_old_text_in_the_log_and_that_is_said(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytest_genaiops.store.file.PATIENCE", 0.05)
    record()
    with closing(sqlite3.connect(project / ".genaiops" / NAME, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM contents").fetchone()
        code, shown = run(capsys, "--match", NAMED)
        assert code == 2
        assert "record.sqlite cannot be changed (" in shown[0]
    assert run(capsys, "--match", NAMED)[0] == 0
    assert b"Brien" not in everything(project)


def test_a_cache_of_a_later_version_is_left_alone_and_named(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keep((request(ASKED), ANSWERED))
    with closing(sqlite3.connect(project / ".genaiops/cache.sqlite")) as connection:
        connection.execute("PRAGMA user_version = 99")
    code, (line,) = run(capsys, "--match", NAMED)
    assert code == 2
    assert line.endswith("does not know; upgrade pytest-genaiops, or move the file away")
    assert b"Brien" in everything(project)


def test_nothing_is_found_where_there_is_nothing(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = run(capsys, "--match", NAMED)
    assert (code, said[-1]) == (0, "proven clean: 0 files, 0.0 MB")
    assert not (project / ".genaiops").exists()


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize("more", [(), ("--dry-run",)], ids=["purge", "dry run"])
def test_what_names_nobody_is_said_to(more: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "--id", "Zoe-7", *more)[1][0].startswith(
        "There is nothing to remove of a case with the id 'Zoe-7'"
    )
    assert run(capsys, "--match", "Nobody", *more)[1][0] == "There is nothing to remove that holds 'nobody'."
    assert not any("nothing to remove" in line for line in run(capsys, "--id", "zoe-7", *more)[1])


def test_runs_are_named_whose_answers_alone_have_it(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record("r1", asked="Who sells lamps?")
    record("r2", asked="Who sells lamps?", answered="The shop does.")
    code, said = run(capsys, "--match", NAMED)
    assert code == 0
    assert said[0].startswith("record: 0 cases of 1 run, ")
    assert "genaiops.run = r1;" in " ".join(said)


def test_a_short_text_of_the_case_does_not_take_others_along(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record(answered="yes")
    (project / "notes.md").write_text("He said yes.")
    assert run(capsys, "--id", "zoe-7", "notes.md")[0] == 0
    assert (project / "notes.md").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--match", "abc"), "'abc' is in every other text; give 4 characters or more"),
        (("--match", " \n "), "give 4 characters or more"),
        (("--match", "\u738b"), "give 4 characters or more"),
        (("--id", ""), "--id is empty"),
        ((), "one of the arguments --match --id is required"),
        (("--id", "a", "none.html"), "none.html is not there"),
        (("--id", "a", "."), ". is the whole project; name the folders of its reports and exports"),
    ],
)
@pytest.mark.usefixtures("project")
def test_bad_arguments(arguments: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, (line,) = run(capsys, *arguments)
    assert code == 2
    assert message in line
