"""`genaiops rescore`: new metrics over recorded answers are a run of their own, with all that the old one has."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from record_help import TITLE, Command, evaluated, recorded

from pytest_genaiops import Run, Score
from pytest_genaiops.errors import ExtraMissingError
from pytest_genaiops.store import ItemRow, Store


def score(name: str, metric: str, root: Path, variant: str = "v1") -> Score:
    found = Run.open(name, root=root).evaluation().score(metric, variant)
    return found if isinstance(found, Score) else next(found.scores())


def sql(root: Path, statement: str) -> list[Any]:
    with closing(sqlite3.connect(root / ".genaiops" / "record.sqlite")) as connection, connection:
        return connection.execute(statement).fetchall()


class TestNewMetrics:
    def test_score_as_if_the_session_had_asked_for_them(self, project: Path, run: str, genaiops: Command) -> None:
        code, lines, _ = genaiops("rescore", run, "--metric", "chrf", "--metric", "bleu:tokenize=char,lowercase=true")
        assert code == 0
        new = lines[-1].removeprefix("run ")
        was = evaluated(project, ["chrf"]).score("chrf", "v1")
        now = score(new, "chrf", project)
        assert isinstance(was, Score)
        assert (now.value, now.per_case, now.signature, now.interval()) == (
            was.value,
            was.per_case,
            was.signature,
            was.interval(),
        )
        assert "tok:char" in score(new, "bleu", project).signature
        assert lines[0] == TITLE
        assert lines[2].split()[:3] == ["v1", "chrf", f"{was.value:.2f}"]

    def test_are_in_a_run_that_has_the_rest_as_well(self, project: Path, genaiops: Command) -> None:
        was = evaluated(project, ["exact_match"])
        verdict = was.score("exact_match", "v1").at_least(0.5)
        test = f"{TITLE}[v1]"
        old = recorded(
            project,
            was,
            verdicts={test: [("exact_match", verdict)]},
            items={"v1": [ItemRow(test=test, outcome="failed", message="why")]},
        )
        new = genaiops("rescore", "--metric", "token_f1")[1][-1].removeprefix("run ")
        before, after = (Run.open(name, root=project).document() for name in (old, new))
        assert (after.run.kind, after.run.parent, after.run.exit) == ("rescore", old, 0)
        mine, theirs = before.suites[0], after.suites[0]
        assert theirs.verdicts == mine.verdicts
        assert theirs.items == mine.items
        assert [s for s in theirs.scores if s.metric == "exact_match"] == list(mine.scores)
        assert {s.metric for s in theirs.scores} == {"exact_match", "token_f1"}
        assert [case.id for case in theirs.cases] == [case.id for case in mine.cases]

    def test_share_the_texts_of_the_old_run(self, project: Path, run: str, genaiops: Command) -> None:
        referred = (
            "SELECT DISTINCT response FROM trials UNION SELECT content FROM cases UNION SELECT content FROM variants"
        )
        before = set(sql(project, referred))
        genaiops("rescore", "--metric", "chrf")
        assert set(sql(project, referred)) == before

    def test_only_where_they_are_asked_for(self, project: Path, run: str, genaiops: Command) -> None:
        recorded(project, evaluated(project, ["exact_match"], count=4), title="b.py::test_two", run=run)
        new = genaiops("rescore", run, "--metric", "token_f1", "--suite", "two", "--variant", "v2")[1][-1][4:]
        store = Store(project / ".genaiops")
        found = {
            (suite.title, variant.name): [metric.name for metric in store.metrics(variant.id)]
            for suite in store.suites(new)
            for variant in store.variants(suite.id)
        }
        store.close()
        assert found["b.py::test_two", "v1"] == ["exact_match"]
        assert found["b.py::test_two", "v2"] == ["exact_match", "token_f1"]
        assert found[TITLE, "v2"] == ["exact_match", "token_f1"]

    def test_of_a_suite_by_case_are_shown_as_means(self, project: Path, genaiops: Command) -> None:
        was = evaluated(project, ["exact_match"], count=8)
        recorded(project, was, facts={"by_case": True})
        new = genaiops("rescore", "--metric", "bleu")[1][-1][4:]
        found = evaluated(project, ["bleu"], count=8).score("bleu", "v1")
        assert isinstance(found, Score)
        values = [value for value in found.per_case if value is not None]
        assert score(new, "bleu", project).value == pytest.approx(sum(values) / len(values))


class TestWhatIsMeasuredAlready:
    def test_stays_and_only_gaps_are_filled(self, project: Path, run: str, genaiops: Command) -> None:
        sql(project, "UPDATE measurements SET statistics = 0.25 WHERE position = 0")
        sql(project, "DELETE FROM measurements WHERE position IN (1, 2)")
        digest = "(SELECT digest FROM contents LIMIT 1)"
        sql(project, f"INSERT INTO unscored SELECT id, 2, 1, 'judge', {digest} FROM metrics")
        assert score("latest", "exact_match", project).unscored == 2
        new = genaiops("rescore", "--metric", "exact_match")[1][-1][4:]
        found = score(new, "exact_match", project)
        assert (found.n, found.unscored) == (24, 0)
        assert found.per_case[:3] == (0.25, 1.0, 1.0)
        document = Run.open(new, root=project).document()
        (shown,) = [s for s in document.suites[0].scores if (s.variant, s.metric, s.slice) == ("v1", "exact_match", "")]
        assert (shown.value, shown.n) == (found.value, 24)
        store = Store(project / ".genaiops")
        (row,) = store.suites(new)
        metrics = [each for variant in store.variants(row.id) for each in store.metrics(variant.id)]
        again = [each for each in metrics if each.name == "exact_match"]
        assert {each.n for metric in again for each in store.scores(metric.id) if not each.slice} == {24}
        assert all(each.statistics for metric in again for _, _, each in store.measurements(metric.id))
        store.close()

    def test_answers_that_were_removed_are_not_judged_as_empty(
        self, project: Path, run: str, genaiops: Command
    ) -> None:
        sql(project, "DELETE FROM contents WHERE digest = (SELECT response FROM trials LIMIT 1)")
        new = genaiops("rescore", "--metric", "chrf")[1][-1][4:]
        found = score(new, "chrf", project)
        assert found.unscored >= 1
        assert "missing: the response was removed from the record" in found.why


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["20001130", "--metric", "chrf"], "there is no run 20001130"),
        (["--metric", "chrg"], "no metric is called 'chrg'; did you mean 'chrf'?"),
        (["--metric", "chrf:word=2"], "chrf has no option 'word'; Known: beta"),
        (["--metric", "chrf:"], "names no option behind the colon"),
        (["--metric", "chrf:=2"], "write options as NAME:OPTION=VALUE"),
        (["--metric", "chrf:word_order=1,word_order=2"], "write options as NAME:OPTION=VALUE"),
        (["--metric", "chrf", "--suite", "nothing"], "has no suite 'nothing'"),
        (["--metric", "chrf", "--variant", "v9"], "no variant's id matches 'v9'; Known: v1, v2"),
        (["--metric", "correctness"], "correctness needs a model to judge"),
        (["--metric", "correctness", "--judge", "judges/none.yaml"], "there is no judge 'judges/none.yaml'"),
        (["--metric", "retrieval"], "retrieval needs `relevant`, and no case has it"),
        (["--metric", "prefer"], "prefer compares two answers"),
    ],
)
def test_what_makes_no_sense_is_one_sentence_and_no_run(
    project: Path, run: str, genaiops: Command, arguments: list[str], said: str
) -> None:
    code, lines, told = genaiops("rescore", *arguments)
    assert (code, lines) == (2, [])
    assert said in told
    assert told.count("\n") == 1
    assert sql(project, "SELECT count(*) FROM runs") == [(1,)]


def test_a_metric_whose_package_is_missing(run: str, genaiops: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: Any) -> None:
        raise ExtraMissingError("chrf needs sacrebleu; pip install it")

    monkeypatch.setattr("pytest_genaiops.metrics.translation.Chrf.statistics", missing)
    code, _, said = genaiops("rescore", "--metric", "chrf")
    assert (code, said) == (2, "genaiops: chrf needs sacrebleu; pip install it\n")


def test_values_of_options_are_numbers_words_or_texts(run: str, genaiops: Command) -> None:
    _, lines, _ = genaiops("rescore", "--metric", 'bleu:tokenize="char",lowercase=TRUE,max_ngram_order=2')
    assert lines[-1].startswith("run ")
