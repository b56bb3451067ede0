"""What is sent to MLflow: without MLflow, whose own limits and rules are written out here.

Against a real server: tests/tracking, which ``nox -s mlflow`` runs.
"""

from __future__ import annotations

import json
import math
import posixpath
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from documents import HOSTILE, example, filled
from hypothesis import given
from hypothesis import strategies as st
from mlflow_help import DOCUMENT, RUN, SUITE

from pytest_genaiops.adapters import mlflow as adapter
from pytest_genaiops.adapters.mlflow_entries import Entry, Keys, entries_of, text_of


def absent(name: str, *_: Any) -> None:
    """As ``find_spec`` answers where nothing is installed."""


@pytest.fixture
def no_mlflow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_genaiops.extras.find_spec", absent)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.delenv("MLFLOW_EXPERIMENT_NAME", raising=False)
    return tmp_path


def keys(*names: str) -> list[str]:
    found = Keys(lambda value: value)
    for name in names:
        found.put(name, 1)
    return list(found.found)


class TestKeys:
    @pytest.mark.parametrize(
        ("name", "key"),
        [
            ("rougeL.low", "rougeL.low"),
            ("bleu.lang=de", "bleu.lang_de"),
            ("bleu.lang=中文", "bleu.lang_中文"),
            ("a/../b:c", "a_.._b_c"),
            ("..", "_."),
            ("", "_"),
            ("a\x00\u202eb", "a__b"),
        ],
    )
    def test_what_mlflow_does_not_take_becomes_an_underscore(self, name: str, key: str) -> None:
        assert keys(name) == [key]

    def test_a_taken_key_is_told_apart_by_a_hash_of_the_name(self) -> None:
        plain, other, upper = keys("lang=de", "lang/de", "LANG_de")
        assert plain == "lang_de"
        assert re.fullmatch(r"lang_de_[0-9a-f]{8}", other)
        assert re.fullmatch(r"LANG_de_[0-9a-f]{8}", upper)  # some databases do not tell cases apart

    def test_long_names_that_begin_alike_stay_apart(self) -> None:
        first, second = keys("x" * 300 + "a", "x" * 300 + "b")
        assert len(first) == len(second) == 250
        assert first != second

    @given(st.lists(st.text(max_size=400), unique=True, max_size=6))
    def test_every_name_gets_a_key_of_its_own_that_mlflow_takes(self, names: list[str]) -> None:
        """The rules of ``mlflow.utils.validation``: characters (on Windows, the narrower), paths, length."""
        found = keys(*names)
        assert len({key.casefold() for key in found}) == len(names)
        for key in found:
            assert re.fullmatch(r"[/\w.\- ]+", key)
            assert posixpath.normpath(key) == key
            assert key != "."
            assert not key.startswith(("..", "/"))
            assert len(key) <= 250

    def test_nothing_is_put_for_what_says_nothing(self) -> None:
        found = Keys(lambda value: value)
        for name, value in (("none", None), ("empty", ""), ("zero", 0.0)):
            found.put(name, value)
        assert found.found == {"zero": 0.0}


class TestTexts:
    def test_values_are_json_but_for_text(self) -> None:
        values = ("as it is", 0.5, True, ["\n"], {"b": 1, "a": None})
        assert [text_of(value, 100) for value in values] == [
            "as it is",
            "0.5",
            "true",
            r'["\n"]',
            '{"a": null, "b": 1}',
        ]

    @pytest.mark.parametrize("length", [101, 20_000])
    def test_a_long_text_is_cut_with_a_note(self, length: int) -> None:
        found = text_of("x" * length, 100)
        assert len(found) == 100
        assert found.endswith(f"x … (cut, {length:,} characters)")

    def test_what_looks_like_a_key_is_not_sent(self) -> None:
        assert text_of("pytest --genaiops-mlflow=http://me:secret-word@host", 500) == (
            "pytest --genaiops-mlflow=http://***@host"
        )

    @pytest.mark.parametrize("text", HOSTILE)
    def test_hostile_text_is_one_printable_line(self, text: str) -> None:
        found = text_of(text, 500)
        found.encode("utf-8")
        assert not {"\x00", "\n", "\r", "\x1b", "\u2028", "\u202e", "\ud800"} & set(found)


class TestEntries:
    def test_a_parent_and_a_run_for_each_variant_of_each_suite(self) -> None:
        other = replace(SUITE, title="tests/test_other.py::test_other")
        found = entries_of(replace(DOCUMENT, suites=(SUITE, other)))
        assert [entry.name for entry in found] == [
            RUN.id,
            "tests/test_hello.py::test_hello · v1",
            "tests/test_hello.py::test_hello · v2",
            "tests/test_other.py::test_other · v1",
            "tests/test_other.py::test_other · v2",
        ]
        assert found[0].part == "session"
        assert len({entry.part for entry in found}) == 5

    def test_the_parent(self) -> None:
        parent = entries_of(DOCUMENT)[0]
        assert (parent.started, parent.ended) == (86_400_000, 86_401_500)
        assert parent.params == {
            "python": "3.11.7",
            "version.sacrebleu": "2.5.1",
            "setting.cache": "only",
            "rule.confidence": "0.95",
        }
        assert parent.metrics == {
            "seconds": 1.5,
            "verdicts.failed": 0,
            "verdicts.undecided": 1,
            "verdicts.passed": 2,
            "items.passed": 1,
            "items.lost": 1,
        }
        assert parent.tags == {
            "genaiops.run": RUN.id,
            "genaiops.part": "session",
            "genaiops.outcome": "no result",
            "genaiops.conclusion": "1 without a result, of 4 tests in 1 suite",
            "genaiops.kind": "pytest",
            "genaiops.exit": "1",
            "genaiops.git.dirty": "false",
            "mlflow.source.git.commit": "4f1c2a9b",
            "mlflow.source.git.branch": "main",
            "mlflow.source.name": "pytest -k greeting",
            "mlflow.source.type": "LOCAL",
        }

    def test_a_variant(self) -> None:
        first = entries_of(DOCUMENT)[1]
        assert first.params == {
            "suite": SUITE.title,
            "variant": "v1",
            "variant.hash": "1a",
            "model": "m",
            "dataset": "hello",
            "dataset.hash": SUITE.dataset_hash,
            "n": "20",
            "trials": "2",
            "baseline": "v1",
            "parameter.temperature": "0.5",
            "parameter.stop": r'["\n"]',
            "signature.bleu": "bleu|tok:13a",
        }
        assert first.metrics == {
            "bleu": 31.5,
            "bleu.low": 28.0,
            "bleu.n": 18,
            "bleu.unscored": 2,
            "bleu.lang_de.n": 0,
            "bleu.lang_de.unscored": 4,
            "spent.answers": 18,
            "spent.errors": 2,
            "spent.input_tokens": 90,
            "spent.latency.median": 0.25,
        }
        assert first.texts == {"prompt.txt": "Say hello."}
        assert first.dataset["name"] == "hello"
        assert first.dataset["digest"] == "ab" * 18  # the 36 characters that MLflow takes
        assert json.loads(first.dataset["profile"]) == {"num_rows": 20}

    def test_what_has_no_value_is_a_tag_and_no_metric(self) -> None:
        tags = entries_of(DOCUMENT)[1].tags
        assert tags["genaiops.unscored.bleu"] == "2 of 20 unscored: late (2)"
        assert tags["genaiops.unscored.bleu.lang_de"] == "4 of 4 unscored"

    def test_no_number_is_sent_that_is_none(self) -> None:
        second = entries_of(DOCUMENT)[2]
        assert second.metrics == {
            "bleu.high": 40.0,
            "bleu.n": 20,
            "bleu.unscored": 0,
            "bleu.change": -0.5,
            "bleu.change.low": -1.0,
            "bleu.change.high": 0.25,
            "bleu.change.n": 18,
        }

    def test_verdicts_by_metric_the_worst_first(self) -> None:
        _, first, second = entries_of(DOCUMENT)
        assert first.tags["genaiops.verdict.pass_rate"] == "passed"
        assert first.tags["genaiops.reason.pass_rate"] == "9 of 10"
        assert second.tags["genaiops.verdict.bleu"] == "undecided"
        assert second.tags["genaiops.reason.bleu"] == "too few (tolerated); high enough"
        assert (first.tags["genaiops.outcome"], second.tags["genaiops.outcome"]) == ("no result", "passed")

    @pytest.mark.parametrize(
        ("code", "status"),
        [
            (0, "FINISHED"),
            (1, "FINISHED"),
            (5, "FINISHED"),
            (2, "KILLED"),
            (None, "KILLED"),
            (3, "FAILED"),
            (4, "FAILED"),
        ],
    )
    def test_the_status_says_whether_the_session_ran_to_its_end(self, code: int | None, status: str) -> None:
        found = entries_of(replace(DOCUMENT, run=replace(RUN, exit=code)))
        assert {entry.status for entry in found} == {status}

    def test_an_evaluation_has_no_exit_code(self) -> None:
        found = entries_of(replace(DOCUMENT, run=replace(RUN, exit=None, kind="evaluate")))
        assert {entry.status for entry in found} == {"FINISHED"}

    def test_nothing_decided_has_no_outcome(self) -> None:
        found = entries_of(replace(DOCUMENT, suites=(replace(SUITE, verdicts=(), items=()),)))
        assert [entry.tags.get("genaiops.outcome") for entry in found] == [None, None, None]

    @pytest.mark.parametrize("text", [*HOSTILE, "x" * 300, "long " * 4_000])
    def test_hostile_text_stays_within_what_mlflow_takes(self, text: str) -> None:
        for entry in entries_of(filled(text)):
            assert len(entry.name) <= 250
            assert all(len(value) <= 6_000 for value in entry.params.values())
            assert all(len(value) <= 8_000 for value in entry.tags.values())
            assert all(math.isfinite(value) for value in entry.metrics.values())
            for name, value in {**entry.params, **entry.tags, "name": entry.name}.items():
                assert re.fullmatch(r"[\w.\- ]{1,250}", name)
                value.encode("utf-8")
                assert "\x00" not in value


class TestBatches:
    def test_at_most_so_many_items(self) -> None:
        found = list(adapter.batches(range(250), 100, size=lambda _: 1))
        assert [len(batch) for batch in found] == [100, 100, 50]
        assert [item for batch in found for item in batch] == list(range(250))

    def test_at_most_900_kilobytes(self) -> None:
        """MLflow refuses requests of more than 1 000 000 bytes."""
        found = list(adapter.batches([400_000, 400_000, 400_000, 950_000, 1], 100, size=lambda size: size))
        assert found == [[400_000, 400_000], [400_000], [950_000], [1]]

    def test_nothing_is_no_batch(self) -> None:
        assert list(adapter.batches([], 100, size=len)) == []


def test_entries_are_the_same_for_the_same_report() -> None:
    """Else a run that was half sent could not be completed."""
    assert entries_of(example(cases=5, context=50)) == entries_of(example(cases=5, context=50))
    assert all(isinstance(entry, Entry) for entry in entries_of(DOCUMENT))
