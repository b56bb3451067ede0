"""What a session puts on record, read back from the file."""

from __future__ import annotations

import json
import sqlite3
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Any

import pytest
from inner import ROWS, Project

from pytest_genaiops.records import Response
from pytest_genaiops.store import NAME, Store

WHOLE = """
    import pytest

    @pytest.mark.genaiops(dataset="capitals", variants=["v1", "v2"], baseline="v1", coverage=0.5)
    def test_whole(responses, baseline, exact_match, rouge):
        assert rouge(responses).rougeL >= 0
        assert exact_match(responses).at_least(0.05)
        assert exact_match(responses).not_worse_than(baseline, margin=0.9)
"""
EACH = """
    import pytest

    @pytest.mark.genaiops(dataset="capitals", variants=["v1", "v2"], trials=2, pass_rate=0.5, coverage=0.5)
    def test_each(response, exact_match):
        assert exact_match(response) >= 1
"""
WRONG = 'return case.reference if (variant.id, case.id) != ("v2", "c2") else "London"'
"""Body of a target that is right about all but one."""
FAILING = """
if variant.id == "v2" and case.id == "c3":
    raise RuntimeError("no route")
return case.reference if (variant.id, case.id) != ("v2", "c2") else "London"
"""


@contextmanager
def stored(project: Project) -> Iterator[Store]:
    with closing(Store(project.path / ".genaiops")) as store:
        yield store


def rows(project: Project, run: str = "latest") -> dict[str, Any]:
    """All that is on record of a run, by names instead of ids, without times."""
    found: dict[str, Any] = {}
    with stored(project) as store:
        for suite in store.suites(store.run(run).id):
            found[suite.title] = (suite.facts, store.cases(suite.id))
            for variant in store.variants(suite.id):
                where = (suite.title, variant.name)
                found[*where] = variant.facts
                for trial in store.trials(variant.id):
                    timeless = replace(trial.response, latency=None)
                    found[*where, trial.position, trial.trial] = timeless, trial.prompt
                for metric in store.metrics(variant.id):
                    there = (*where, metric.signature)
                    found[there] = replace(metric, id=0)
                    found[*there, "measurements"] = list(store.measurements(metric.id))
                    found[*there, "scores"] = store.scores(metric.id)
                found[*where, "verdicts"] = store.verdicts(variant.id)
                found[*where, "items"] = [replace(item, seconds=None) for item in store.items(variant.id)]
    return found


def texts(project: Project) -> Iterator[str]:
    with closing(sqlite3.connect(project.path / ".genaiops" / NAME)) as connection:
        for (text,) in connection.execute("SELECT text FROM contents"):
            yield text


def ids(project: Project) -> list[str]:
    with stored(project) as store:
        return [run.id for run in store.runs()]


class TestAWholeDataset:
    @pytest.fixture
    def found(self, project: Project) -> dict[str, Any]:
        project.target(FAILING)
        project.suite(WHOLE)
        project.run().assert_outcomes(passed=1, failed=1)
        return rows(project)

    def test_suite_and_cases(self, found: Mapping[str, Any]) -> None:
        facts, cases = found["test_suite.py::test_whole"]
        kept = ("dataset", "n", "cases_there", "trials", "coverage", "pass_rate", "baseline", "by_case", "notes")
        assert [facts[name] for name in kept] == ["capitals", 4, 4, 1, 0.5, None, "v1", False, []]
        assert len(facts["dataset_hash"]) == 64
        assert [(case.id, dict(case.inputs), case.references) for case in cases.values()] == [
            (row["id"], {"question": row["question"]}, (row["reference"],)) for row in ROWS
        ]

    def test_responses(self, found: Mapping[str, Any]) -> None:
        title = "test_suite.py::test_whole"
        assert [found[title, "v1", i, 1][0].text for i in range(4)] == [row["reference"] for row in ROWS]
        assert found[title, "v2", 1, 1] == (Response(text="London"), None)
        error = found[title, "v2", 2, 1][0].error
        assert (error.kind, error.message) == ("target", "the target raised RuntimeError: no route")

    def test_metrics_and_measurements(self, found: Mapping[str, Any]) -> None:
        where = ("test_suite.py::test_whole", "v2")
        signature = f"exact_match|data:{found[where[0]][0]['dataset_hash'][:12]}"
        metric = found[*where, signature]
        assert (metric.name, metric.options, [part.name for part in metric.parts]) == (
            "exact_match",
            {},
            ["exact_match"],
        )
        measured = [
            (position, trial, each.statistics) for position, trial, each in found[*where, signature, "measurements"]
        ]
        assert measured == [(0, 1, (1.0,)), (1, 1, (0.0,)), (3, 1, (1.0,)), (2, 1, None)]
        lacking = found[*where, signature, "measurements"][3][2]
        assert (lacking.kind, lacking.reason) == ("target", "the target raised RuntimeError: no route")

    def test_scores_are_those_of_the_session(self, found: Mapping[str, Any]) -> None:
        where = ("test_suite.py::test_whole", "v2")
        scores = {
            score.name: score for key in found if key[:2] == where and key[-1] == "scores" for score in found[key]
        }
        exact = scores["exact_match"]
        assert (exact.value, exact.n, exact.unscored, exact.slice) == (2 / 3, 3, 1, "")
        # Clopper and Pearson (1934): 2 of 3 at 95 %, as R's binom.test(2, 3) prints it.
        assert exact.interval == pytest.approx((0.09429932, 0.99159624))
        assert scores.keys() == {"exact_match", "rouge1", "rouge2", "rougeL", "rougeLsum"}

    def test_verdicts_and_items(self, found: Mapping[str, Any]) -> None:
        where = ("test_suite.py::test_whole", "v2")
        bound, compared = found[*where, "verdicts"]
        assert (compared.test, compared.metric) == ("test_suite.py::test_whole[v2]", "exact_match")
        assert (compared.facts["outcome"], compared.facts["n"], compared.facts["unscored"]) == ("undecided", 3, 1)
        assert compared.facts["value"] == pytest.approx(-1 / 3)
        assert bound.facts["value"] == 2 / 3
        assert bound.facts["interval"] == pytest.approx((0.09429932, 0.99159624))
        (item,) = found[*where, "items"]
        assert (item.test, item.position, item.outcome) == ("test_suite.py::test_whole[v2]", None, "failed")
        assert item.message.startswith("assert <undecided: 1 of 4 cases unscored (1 target)")


def test_a_run_says_where_it_comes_from_and_names_no_machine(project: Project) -> None:
    for arguments in (["init", "-q", "-b", "topic"], ["add", "datasets"], ["commit", "-q", "-m", "data"]):
        who = ["-c", "user.name=nobody", "-c", "user.email=nobody@example.org"]
        subprocess.run(["git", *who, *arguments], cwd=project.path, check=True)
    sha = subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=project.path, text=True).strip()
    project.suite(WHOLE)
    project.run(
        "--genaiops-confidence=0.9", f"--junitxml={project.path / 'out' / 'junit.xml'}", "--basetemp=/nowhere/at/all"
    )
    with stored(project) as store:
        run = store.run()
    facts = run.facts
    assert facts["kind"] == "pytest"
    assert facts["command"][:3] == ["pytest", "-p", "genaiops"]
    assert facts["command"][-3:] == ["--genaiops-confidence=0.9", "--junitxml=out/junit.xml", "--basetemp=all"]
    assert facts["git"] == {"sha": sha, "branch": "topic", "dirty": False}
    assert facts["settings"] == {"confidence": 0.9}
    assert facts["rules"] == {"confidence": 0.9, "seed": 12345, "undecided": "fail"}
    assert facts["versions"]["pytest"] == pytest.__version__
    assert {"pytest-genaiops", "numpy", "pandas", "sacrebleu", "rouge-score"} <= facts["versions"].keys()
    assert run.exit == 0
    assert run.ended is not None
    assert run.ended >= run.started
    assert run.closing["spending"]["calls"] == 0
    assert str(project.path) not in json.dumps([dict(run.facts), dict(run.closing)])


def test_a_changed_file_is_told(project: Project) -> None:
    who = ["-c", "user.name=nobody", "-c", "user.email=nobody@example.org"]
    for arguments in (["init", "-q"], ["add", "datasets"], ["commit", "-q", "-m", "data"]):
        subprocess.run(["git", *who, *arguments], cwd=project.path, check=True)
    project.dataset(ROWS[:2])
    project.whole('variants=["v1"]')
    project.run()
    with stored(project) as store:
        assert store.run().facts["git"]["dirty"] is True


class TestCaseByCase:
    @pytest.fixture
    def found(self, project: Project) -> dict[str, Any]:
        project.target(FAILING)
        project.suite(EACH)
        project.run()
        return rows(project)

    def test_trials_of_each_case(self, found: Mapping[str, Any]) -> None:
        where = ("test_suite.py::test_each", "v2")
        assert found[where[0]][0]["by_case"] is True
        assert found[where[0]][0]["trials"] == 2
        kept = {key[2:]: each[0].text for key, each in found.items() if key[:2] == where and isinstance(key[-1], int)}
        assert kept == {
            (place, trial): text for place, text in enumerate(["Paris", "London", "", "Vienna"]) for trial in (1, 2)
        }

    def test_items_and_the_gate(self, found: Mapping[str, Any]) -> None:
        where = ("test_suite.py::test_each", "v2")
        became = {
            item.test.partition("[")[2]: (item.position, item.trial, item.outcome) for item in found[*where, "items"]
        }
        assert became == {
            "v2-c1-t1]": (0, 1, "passed"),
            "v2-c1-t2]": (0, 2, "passed"),
            "v2-c2-t1]": (1, 1, "missed"),
            "v2-c2-t2]": (1, 2, "missed"),
            "v2-c3-t1]": (2, 1, "lost"),
            "v2-c3-t2]": (2, 2, "lost"),
            "v2-c4-t1]": (3, 1, "passed"),
            "v2-c4-t2]": (3, 2, "passed"),
            "v2-pass_rate]": (None, 1, "lost"),
        }
        message = next(item.message for item in found[*where, "items"] if item.test.endswith("[v2-c2-t1]"))
        assert message.startswith("AssertionError: assert exact_match = 0.0000 (n=1, scale 0-1) >= 1")

    def test_the_gates_numbers(self, found: Mapping[str, Any]) -> None:
        (passed,) = found["test_suite.py::test_each", "v1", "verdicts"]
        assert (passed.test, passed.metric) == ("test_suite.py::test_each[v1-pass_rate]", "")
        kept = ("outcome", "value", "n", "unscored", "clusters")
        assert [passed.facts[name] for name in kept] == ["passed", 1.0, 8, 0, 4]
        (lost,) = found["test_suite.py::test_each", "v2", "verdicts"]
        assert [lost.facts[name] for name in kept] == ["undecided", pytest.approx(4 / 6), 6, 2, 3]
        assert lost.facts["reason"].endswith("but 2 have no result")

    def test_measurements_of_every_trial(self, found: Mapping[str, Any]) -> None:
        (key,) = (key for key in found if key[:2] == ("test_suite.py::test_each", "v2") and key[-1] == "measurements")
        values = {(place, trial): each.statistics and each.statistics[0] for place, trial, each in found[key]}
        expected = [1.0, 0.0, None, 1.0]
        assert values == {(place, trial): value for place, value in enumerate(expected) for trial in (1, 2)}


def test_runs_that_are_older_than_the_project_keeps_them_go(project: Project) -> None:
    project.whole('variants=["v1"]')
    project.run()
    project.run()
    oldest, kept = sorted(ids(project))
    with closing(sqlite3.connect(project.path / ".genaiops" / NAME)) as connection, connection:
        connection.execute("UPDATE runs SET started = started - 31 * 86400 WHERE id = ?", [oldest])
        connection.execute("UPDATE runs SET started = started - 29 * 86400 WHERE id = ?", [kept])
    project.write("pytest.ini", "[pytest]\ngenaiops_keep_days = 30\n")
    project.run().assert_outcomes(passed=1)
    assert oldest not in ids(project)
    assert kept in ids(project)
    assert len(ids(project)) == 2


def test_prompts_as_they_were_sent(project: Project) -> None:
    project.write(
        "variants/short.yaml",
        """
        id: short
        parameters: {temperature: 0}
        messages:
        - {role: system, content: 'Answer {{ question }} in a word.'}
        """,
    )
    project.suite(
        """
        import pytest

        @pytest.mark.genaiops(dataset="capitals", variants="variants/short.yaml")
        def test_whole(responses):
            assert responses
        """
    )
    project.run().assert_outcomes(passed=1)
    found = rows(project)
    facts = found["test_suite.py::test_whole", "short"]
    assert facts["prompt"] == "system:\nAnswer {{ question }} in a word."
    assert (facts["parameters"], facts["source"], facts["differs"]) == ({"temperature": 0}, "variants/short.yaml", "")
    _, prompt = found["test_suite.py::test_whole", "short", 0, 1]
    assert prompt[0] == {"role": "system", "content": "Answer What is the capital of France? in a word."}


def test_values_of_ones_own_and_options(project: Project) -> None:
    project.suite(
        """
        import pytest
        from pytest_genaiops import Score, metric

        @metric
        def shout(response, case):
            return response.text.isupper()

        @pytest.mark.genaiops(dataset="capitals", variants=["v1"])
        def test_whole(responses, rouge):
            assert rouge(responses, use_stemmer=False).rougeL >= 0
            assert shout(responses) <= 1
            mine = Score.of([1, 0, None, 1], ids=["c4", "c3", "c2", "c1"], name="tone")
            mine.at_least(0.5)
        """
    )
    project.run()
    where = ("test_suite.py::test_whole", "v1")
    found = rows(project)
    metrics = {
        each.name: each
        for key, each in found.items()
        if key[:2] == where and len(key) == 3 and "/" not in key[2] and key[2] not in ("verdicts", "items")
    }
    assert {name: each.options for name, each in metrics.items()} == {
        "rouge": {"use_stemmer": False},
        "shout": None,
        "tone": None,
    }
    tone = "tone|scale:0-1|better:higher"
    values = found[*where, tone, "measurements"]
    assert [(place, each.statistics) for place, _, each in values] == [(0, (1.0,)), (2, (0.0,)), (3, (1.0,)), (1, None)]
    (verdict,) = found[*where, "verdicts"]
    assert (verdict.metric, verdict.facts["unscored"]) == ("tone", 1)
    (score,) = found[*where, tone, "scores"]
    assert (score.value, score.n, score.unscored) == (2 / 3, 3, 1)
    assert score.interval == tuple(verdict.facts["interval"])
