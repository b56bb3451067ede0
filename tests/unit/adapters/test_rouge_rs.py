"""The extra `fast`: rouge-score-rs is used where it gives rouge-score's numbers to the last bit, else left alone."""

# ruff: noqa: TID253 - the rule is for the package

from __future__ import annotations

import json
import os
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rouge_score.rouge_scorer import RougeScorer
from tiny_models import needed

from pytest_genaiops.adapters import rouge_rs
from pytest_genaiops.metrics import rouge as module
from pytest_genaiops.metrics.rouge import TYPES, Rouge
from pytest_genaiops.records import Case, Response

DATA = Path(os.environ.get("GENAIOPS_PUBLIC_DATA", Path(__file__).parents[4] / "shared" / "data"))
ORACLES = {stem: RougeScorer(list(TYPES), use_stemmer=stem) for stem in (True, False)}

texts = st.one_of(
    st.text("aab bc\n\n", max_size=60),
    st.text(max_size=60),
    st.lists(
        st.sampled_from(["running", "Runner", "the", "é", "2nd", "x-y", "\n", "dying", "İ", "skies", "\u2028"]),
        max_size=30,
    ).map(" ".join),
)


@pytest.fixture(autouse=True)
def _first_use() -> Iterator[None]:
    module._quick.cache_clear()
    yield
    module._quick.cache_clear()


def measure(metric: Rouge, hypothesis: str, *references: str) -> tuple[float, ...]:
    return tuple(metric.statistics(Response(text=hypothesis), Case(id="17", references=references)))


def expected(stem: bool, hypothesis: str, *references: str) -> tuple[float, ...]:
    scores = ORACLES[stem].score_multi(list(references), hypothesis)
    return tuple(number for t in TYPES for number in (scores[t].fmeasure, scores[t].precision, scores[t].recall))


@settings(max_examples=300, deadline=None)
@given(texts, st.lists(texts, min_size=1, max_size=3), st.booleans())
def test_any_texts_score_as_rouge_score_scores_them(hypothesis: str, references: list[str], stem: bool) -> None:
    needed("rouge_score_rs")
    quick = module._quick(Rouge(use_stemmer=stem))
    assert quick is not None
    assert quick(references, hypothesis) == expected(stem, hypothesis, *references)


def test_real_answers_score_as_rouge_score_scores_them() -> None:
    needed("rouge_score_rs")
    if not DATA.is_dir():
        pytest.skip("public data is not here; point GENAIOPS_PUBLIC_DATA at it")
    lines = (DATA / "ragtruth_qa_dev.jsonl").read_text(encoding="utf-8").splitlines()[::20]
    quick = module._quick(Rouge())
    assert quick is not None
    for row in map(json.loads, lines):
        context = row["context"] if isinstance(row["context"], str) else "\n".join(row["context"])
        assert quick([context], row["answer"]) == expected(True, row["answer"], context)


def test_the_metric_uses_the_package_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    needed("rouge_score_rs")
    assert module._quick(Rouge()) is not None  # its check has asked ours
    monkeypatch.setattr(Rouge, "_compared", lambda *_: pytest.fail("our own way was taken"))
    assert measure(Rouge(), "two sheets", "three sheets") == expected(True, "two sheets", "three sheets")


def installed(monkeypatch: pytest.MonkeyPatch, change: float) -> list[str]:
    """A package of this name that gives rouge-score's numbers, every F1 moved by ``change``; what it was asked."""
    asked: list[str] = []

    class Scorer:
        def __init__(self, types: list[str], use_stemmer: bool) -> None:
            self._theirs = ORACLES[use_stemmer]

        def score_multi(self, references: list[str], hypothesis: str) -> dict[str, object]:
            asked.append(hypothesis)
            found = self._theirs.score_multi(references, hypothesis)
            return {
                name: SimpleNamespace(fmeasure=score.fmeasure + change, precision=score.precision, recall=score.recall)
                for name, score in found.items()
            }

    package = ModuleType("rouge_score_rs.rouge_scorer")
    package.RougeScorer = Scorer  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "rouge_score_rs.rouge_scorer", package)
    monkeypatch.setattr(rouge_rs, "require", lambda *_: package)
    monkeypatch.setattr(rouge_rs, "version", lambda _: "9.9")
    monkeypatch.setattr(module, "find_spec", lambda _: package)
    return asked


def test_an_equal_package_is_asked_and_long_texts_are_not_given_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = installed(monkeypatch, 0.0)
    assert measure(Rouge(), "two sheets", "three sheets") == expected(True, "two sheets", "three sheets")
    assert asked[-1] == "two sheets"
    monkeypatch.setattr(rouge_rs, "_LARGEST", 20)
    assert measure(Rouge(), "two long sheets", "three sheets") == expected(True, "two long sheets", "three sheets")
    assert asked[-1] == "two sheets"


def test_a_package_that_differs_is_left_alone_and_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = installed(monkeypatch, 1e-15)
    with pytest.warns(UserWarning, match=r"rouge-score-rs 9\.9 does not give rouge-score's numbers and is left alone"):
        found = measure(Rouge(), "two sheets", "three sheets")
    assert found == expected(True, "two sheets", "three sheets")
    assert "two sheets" not in asked
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        measure(Rouge(), "four sheets", "three sheets")


def test_other_words_are_not_its_business(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = installed(monkeypatch, 0.0)
    measure(Rouge(tokenize="unicode"), "two sheets", "three sheets")
    assert asked == []


def test_without_the_package_ours_does_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda _: None)
    assert module._quick(Rouge()) is None
    assert measure(Rouge(), "two sheets", "three sheets") == expected(True, "two sheets", "three sheets")


@pytest.mark.parametrize("stem", [True, False])
def test_ours_gives_rouge_scores_numbers_for_every_probe(stem: bool) -> None:
    for references, hypothesis in rouge_rs._PROBES:
        assert Rouge(use_stemmer=stem)._compared(references, hypothesis) == expected(stem, hypothesis, *references)
