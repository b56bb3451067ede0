"""`genaiops runs diff`: what changed between two runs, paired by case and trial."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from record_help import TITLE, Command, evaluated, options_of, recorded, rows

from pytest_genaiops import Case, Evaluation, Run, Score, evaluate
from pytest_genaiops.config import Settings
from pytest_genaiops.runs.diff import RunDifference, run_difference
from pytest_genaiops.runs.paired import ScoreChange
from pytest_genaiops.statistics.pairwise import pairwise
from pytest_genaiops.store import ItemRow, Store

ROWS = [{name: value for name, value in row.items() if name != "responses"} for row in rows(30)]
EVERY = ["exact_match", "token_f1", "bleu", "ter", "rouge", "error_rate", "groundedness"]


def answered(root: Path, wrong: set[int], metrics: Any = ("exact_match",), trials: int = 1, **rest: Any) -> Evaluation:
    """An evaluation of one variant, which answers some cases wrongly."""

    def answer(case: Case, variant: Any) -> str:
        return "the red house" if int(case.id[1:]) in wrong else str(case.reference)

    asked: dict[str, Any] = {"target": answer, "variants": [{"id": "v1"}], "trials": trials}
    return evaluate(rest.get("data", ROWS), metrics=metrics, settings=Settings(root=root), **asked)


def difference(root: Path, before: str, after: str) -> RunDifference:
    return run_difference(Run.open(before, root=root), Run.open(after, root=root))


def only(found: RunDifference) -> ScoreChange:
    (change,) = found.scores
    return change


class TestScores:
    @pytest.mark.parametrize("name", EVERY)
    def test_are_those_that_scores_themselves_compare_to(self, tmp_path: Path, name: str) -> None:
        sides = [answered(tmp_path, wrong, [name]) for wrong in ({1, 2, 3}, {3, 4, 5, 6, 7})]
        ids = [recorded(tmp_path, each, facts={"baseline": None}) for each in sides]
        found = {each.metric: each for each in difference(tmp_path, *ids).scores}
        scores = []
        for each in sides:
            score = each.score(name, "v1")
            scores.append({s.name: s for s in ([score] if isinstance(score, Score) else score.scores())})
        assert found.keys() == scores[1].keys()
        for key, after in scores[1].items():
            before, change = scores[0][key], found[key]
            (expected,) = pairwise([after.sample(), before.sample()], [(0, 1)])
            assert expected is not None
            assert (change.change, change.interval, change.p_value, change.n) == (
                expected.value,
                expected.interval,
                expected.p_value,
                30,
            )
            assert (change.before, change.after) == (before.value, after.value)
            sign = 1 if after.higher_is_better else -1
            pairs = list(zip(before.per_case, after.per_case, strict=True))
            gains = [sign * (y - x) for x, y in pairs if x is not None and y is not None]
            assert (change.better, change.worse) == (sum(g > 0 for g in gains), sum(g < 0 for g in gains))

    def test_name_the_cases_that_lost_most(self, tmp_path: Path) -> None:
        ids = [recorded(tmp_path, answered(tmp_path, wrong)) for wrong in ({1}, {1, 7, 4})]
        change = only(difference(tmp_path, *ids))
        assert [(drop.case, drop.before, drop.after) for drop in change.drops] == [("c4", 1.0, 0.0), ("c7", 1.0, 0.0)]
        assert (change.better, change.worse) == (0, 2)
        # McNemar's exact test of two cases lost and none gained: twice a half squared.
        assert change.p_value == 0.5

    def test_of_trials_are_means_of_their_case(self, tmp_path: Path) -> None:
        ids = [recorded(tmp_path, answered(tmp_path, wrong, trials=3)) for wrong in ({1}, {7})]
        change = only(difference(tmp_path, *ids))
        assert (change.n, change.better, change.worse) == (90, 1, 1)
        assert [(drop.case, drop.before, drop.after) for drop in change.drops] == [("c7", 1.0, 0.0)]

    def test_join_by_case_and_not_by_position(self, tmp_path: Path) -> None:
        sides = [answered(tmp_path, {1}), answered(tmp_path, {1, 2}, data=list(reversed(ROWS)))]
        ids = [recorded(tmp_path, each) for each in sides]
        change = only(difference(tmp_path, *ids))
        assert (change.n, change.better, change.worse) == (30, 0, 1)
        assert [drop.case for drop in change.drops] == ["c2"]

    def test_are_adjusted_over_the_suite(self, tmp_path: Path) -> None:
        names = ["exact_match", "token_f1"]
        ids = [recorded(tmp_path, answered(tmp_path, wrong, names)) for wrong in ({1}, {1, 7, 4})]
        found = difference(tmp_path, *ids).scores
        smaller, larger = sorted(found, key=lambda each: each.p_value or 0)
        assert smaller.p_value is not None
        assert smaller.adjusted_p_value == pytest.approx(min(1.0, 2 * smaller.p_value))
        assert larger.adjusted_p_value is not None

    def test_count_what_either_run_has_no_score_for(self, tmp_path: Path) -> None:
        ids = [recorded(tmp_path, answered(tmp_path, wrong)) for wrong in ({1}, {7})]
        _sql(tmp_path, "DELETE FROM measurements WHERE position = 7 AND metric = (SELECT min(id) FROM metrics)")
        _sql(tmp_path, "DELETE FROM measurements WHERE position = 1 AND metric = (SELECT max(id) FROM metrics)")
        change = only(difference(tmp_path, *ids))
        assert (change.n, change.unscored, change.better, change.worse) == (28, 2, 0, 0)

    def test_of_the_very_same_answers_are_certain_not_to_differ(self, tmp_path: Path) -> None:
        was = answered(tmp_path, {1})
        ids = [recorded(tmp_path, was), recorded(tmp_path, was), recorded(tmp_path, answered(tmp_path, {1}, trials=2))]
        assert only(difference(tmp_path, *ids[:2])).interval == (0.0, 0.0)
        low, high = only(difference(tmp_path, ids[0], ids[2])).interval or (0, 0)
        assert low < 0 < high, "one right answer more or less is no proof that two sets of answers are one"

    def test_of_suites_by_case_are_means(self, tmp_path: Path) -> None:
        sides = [answered(tmp_path, wrong, ["bleu"]) for wrong in ({1}, {1, 2})]
        ids = [recorded(tmp_path, each, facts={"by_case": True}) for each in sides]
        change = only(difference(tmp_path, *ids))
        after = sides[1].score("bleu", "v1")
        assert isinstance(after, Score)
        assert change.after == pytest.approx(sum(v for v in after.per_case if v is not None) / 30)

    def test_of_another_dataset_are_over_the_cases_that_are_the_same(self, tmp_path: Path) -> None:
        changed = [ROWS[0] | {"reference": "another"}, *ROWS[1:]]
        ids = [recorded(tmp_path, answered(tmp_path, {1}, data=data)) for data in (ROWS, changed)]
        found = difference(tmp_path, *ids)
        change = only(found)
        assert (change.n, change.unscored, change.change, change.reason) == (len(ROWS) - 1, 0, 0.0, "")
        assert [fact[0] for fact in found.facts[TITLE]] == ["dataset_hash"]

    def test_of_answers_in_the_dataset_are_over_all_cases_wherever_their_rows_stand(self, tmp_path: Path) -> None:
        texts = [("right", "right"), ("right", "wrong"), ("wrong", "wrong")]
        rows = [
            [{"id": str(n), "reference": "right", "responses": {"v1": pair[run]}} for n, pair in enumerate(texts)]
            for run in range(2)
        ]
        sides = [evaluate(dataset=data, metrics=["exact_match"]) for data in (rows[0], list(reversed(rows[1])))]
        change = only(difference(tmp_path, *(recorded(tmp_path, each) for each in sides)))
        assert (change.n, change.unscored, change.worse) == (3, 0, 1)
        assert change.change == pytest.approx(-1 / 3)
        assert [drop.case for drop in change.drops] == ["1"]


class TestScoresThatAreNotCompared:
    def test_because_no_case_is_the_same(self, tmp_path: Path) -> None:
        changed = [row | {"reference": f"another {row['reference']}"} for row in ROWS]
        ids = [recorded(tmp_path, answered(tmp_path, {1}, data=data)) for data in (ROWS, changed)]
        change = only(difference(tmp_path, *ids))
        assert (change.change, change.reason) == (None, "no response is scored in both runs")

    def test_because_one_run_did_not_measure_them(self, tmp_path: Path) -> None:
        ids = [recorded(tmp_path, answered(tmp_path, {1}, [name])) for name in ("exact_match", "token_f1")]
        reasons = {each.metric: each.reason for each in difference(tmp_path, *ids).scores}
        assert reasons == {
            "token_f1": "not measured in the earlier run",
            "exact_match": "not measured in the later run",
        }

    def test_because_the_code_makes_other_numbers_now(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        ids = [recorded(tmp_path, answered(tmp_path, wrong, ["bleu"])) for wrong in ({1}, {2})]
        monkeypatch.setattr("pytest_genaiops.metrics.translation.Bleu.score", lambda self, total, n: 12.0)
        assert only(difference(tmp_path, *ids)).reason == (
            "bleu makes another value of the recorded numbers than the run did"
        )

    def test_unless_they_are_means_whose_code_is_not_needed(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ids = [recorded(tmp_path, answered(tmp_path, wrong)) for wrong in ({1}, {1, 2})]
        _sql(tmp_path, """UPDATE metrics SET facts = replace(facts, '"options":{}', '"options":null')""")
        change = only(difference(tmp_path, *ids))
        assert (change.reason, change.worse) == ("", 1)

    def test_because_nothing_is_scored_in_both(self, tmp_path: Path) -> None:
        ids = [recorded(tmp_path, answered(tmp_path, wrong)) for wrong in ({1}, {7})]
        _sql(tmp_path, "DELETE FROM measurements WHERE metric = (SELECT min(id) FROM metrics)")
        assert only(difference(tmp_path, *ids)).reason == "no response is scored in both runs"


def _sql(root: Path, statement: str) -> None:
    with closing(sqlite3.connect(root / ".genaiops" / "record.sqlite")) as connection, connection:
        connection.execute(statement)


class TestTheRest:
    def test_items_and_verdicts_that_came_out_otherwise(self, tmp_path: Path) -> None:
        test = f"{TITLE}[v1]"
        ids = []
        for wrong, outcome in (({1}, "passed"), (set(range(20)), "failed")):
            was = answered(tmp_path, wrong)
            score = was.score("exact_match", "v1")
            assert isinstance(score, Score)
            verdicts = {test: [("exact_match", score.at_least(0.5)), ("exact_match", score.at_most(1))]}
            items = {"v1": [ItemRow(test=test, outcome=outcome), ItemRow(test="same", outcome="passed")]}
            ids.append(recorded(tmp_path, was, verdicts=verdicts, items=items))
        found = difference(tmp_path, *ids)
        assert [(each.test, each.before, each.after) for each in found.items] == [(test, "passed", "failed")]
        (verdict,) = found.verdicts
        assert (verdict.metric, verdict.before, verdict.after) == ("exact_match", "passed", "undecided")
        assert "is not clearly at least 0.5" in verdict.reason

    def test_what_was_run(self, tmp_path: Path, genaiops: Command) -> None:
        was = answered(tmp_path, {1})
        ids = [recorded(tmp_path, was), recorded(tmp_path, was), recorded(tmp_path, was, title="other")]
        _sql(
            tmp_path,
            "UPDATE runs SET facts = json_set(facts, '$.git.sha', 'abc', '$.versions.numpy', '9') "
            f"WHERE id = '{ids[1]}'",
        )
        found = difference(tmp_path, ids[0], ids[1])
        assert found.facts == {"run": [("git.sha", None, "abc", False), ("versions.numpy", None, "9", False)]}
        assert difference(tmp_path, ids[0], ids[2]).alone == {ids[0]: [TITLE], ids[2]: ["other"]}
        _, lines, _ = genaiops("runs", "diff", ids[0], ids[1])
        assert "  git.sha added (abc)" in lines

    def test_what_a_variant_was_told(self, tmp_path: Path, project: Path, genaiops: Command) -> None:
        was = answered(tmp_path, {1})
        ids = [recorded(tmp_path, was)]
        (variant,) = was.suite.variants
        again = replace(was, suite=replace(was.suite, variants=(replace(variant, hash="new"),)))
        ids.append(recorded(tmp_path, again))
        _sql(
            tmp_path,
            "UPDATE contents SET text = json_set(text, '$.prompt', 'Answer in one word.', '$.parameters.top_p', 0.5) "
            'WHERE text LIKE \'%"hash":"new"%\'',
        )
        facts = difference(tmp_path, *ids).facts[f"{TITLE}[v1]"]
        assert facts == [("parameters.top_p", None, "0.5", False), ("prompt", None, "Answer in one word.", True)]

    def test_nothing(self, tmp_path: Path, genaiops: Command) -> None:
        was = answered(tmp_path, {1})
        for _ in range(2):
            recorded(tmp_path, was)
        code, lines, _ = genaiops("runs", "diff", "latest~1")
        assert code == 0
        assert lines[-1] == "nothing changed"

    def test_is_shown_with_numbers_and_names(self, tmp_path: Path, genaiops: Command) -> None:
        for wrong in ({1}, {1, 7, 4}):
            recorded(tmp_path, answered(tmp_path, wrong))
        _, lines, _ = genaiops("runs", "diff", "latest~1", "latest")
        assert genaiops("runs", "diff")[1] == lines
        shown = " ".join(" ".join(lines).split())
        assert "exact_match v1 0.9667 0.9000 -0.0667" in shown
        assert "worse under exact_match, v1: c4 (1.0000 to 0.0000), c7 (1.0000 to 0.0000)" in shown

    def test_runs_that_are_not_there(self, tmp_path: Path, genaiops: Command) -> None:
        assert genaiops("runs", "diff", "latest")[0] == 2
        recorded(tmp_path, answered(tmp_path, {1}))
        code, _, said = genaiops("runs", "diff", "latest~1")
        assert (code, said) == (2, "genaiops: there is no run latest~1: 1 are on record\n")

    def test_texts_are_not_needed(self, tmp_path: Path) -> None:
        ids = [recorded(tmp_path, answered(tmp_path, wrong)) for wrong in ({1}, {1, 2})]
        _sql(tmp_path, "DELETE FROM contents WHERE digest IN (SELECT response FROM trials)")
        _sql(tmp_path, "DELETE FROM contents WHERE digest IN (SELECT content FROM cases WHERE position = 2)")
        change = only(difference(tmp_path, *ids))
        assert (change.n, change.worse, change.drops[0].case) == (30, 1, "removed-2")


def test_the_helper_s_options_are_those_of_the_recording(tmp_path: Path) -> None:
    name = recorded(tmp_path, evaluated(tmp_path, ["exact_match"], count=3))
    store = Store(tmp_path / ".genaiops")
    (suite,) = store.suites(name)
    (metric,) = store.metrics(store.variants(suite.id)[0].id)
    store.close()
    assert metric.options == {}
    assert options_of(evaluated(tmp_path, ["bleu"], count=3).handles["bleu"].metric) == {}


def test_nothing_that_runs_a_suite_is_loaded_for_it(tmp_path: Path) -> None:
    for wrong in ({1}, {1, 2}):
        recorded(tmp_path, answered(tmp_path, wrong, ["exact_match", "token_f1"]))
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    statement = (
        "import sys\n"
        "from pytest_genaiops.cli.command import main\n"
        "assert main(['runs', 'diff', '--rootdir', sys.argv[1]]) == 0\n"
        "print(*sorted(sys.modules))"
    )
    told = subprocess.run(
        [sys.executable, "-c", statement, str(tmp_path)], capture_output=True, text=True, check=True
    ).stdout
    loaded = told.splitlines()[-1].split()
    assert "pytest_genaiops.runs.diff" in loaded
    rooms = {name.split(".")[1] for name in loaded if name.startswith("pytest_genaiops.")}
    assert not rooms & {"run", "score", "evaluation", "comparison", "variants", "targets", "factorial", "plugin"}
    assert not {"asyncio", "pandas"} & set(loaded)
