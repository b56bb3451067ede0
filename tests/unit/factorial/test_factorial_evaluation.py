"""`Evaluation.factorial()`: effects of a matrix without pytest."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_genaiops import Evaluation, evaluate
from pytest_genaiops.errors import UsageError

ROWS = [{"id": f"c{i}", "reference": "the tram leaves at nine", "cluster": f"d{i // 3}"} for i in range(24)]
ANSWERS = ("the tram leaves at nine", "the tram leaves", "no idea")
VARIANTS = [{"id": f"{search}-{k}", "parameters": {"k": k}} for search in ("vector", "hybrid") for k in (3, 8)]


@pytest.fixture(scope="module")
def evaluation() -> Evaluation:
    def answer(case, variant):  # type: ignore[no-untyped-def]
        place = int(case.id[1:]) + 5 * (variant.id[0] == "v")
        return ANSWERS[0] if variant.id[0] == "h" and place % 3 else ANSWERS[place % 3]

    found = evaluate(ROWS, metrics=["bleu", "token_f1", "latency"], target=answer, variants=VARIANTS)
    variants = [
        replace(variant, axes=dict(zip(("search", "k"), variant.id.split("-"), strict=True)))
        for variant in found.suite.variants
    ]
    return replace(found, suite=replace(found.suite, variants=tuple(variants)))


def test_every_number_with_its_effects(evaluation: Evaluation) -> None:
    view = evaluation.factorial().view
    assert [(row.metric, row.level) for row in view.effects] == [
        (name, level) for name in ("bleu", "token_f1", "latency") for level in ("hybrid", "8")
    ]
    assert {row.clusters for row in view.effects} == {8}
    assert view.front == ("bleu", "latency")
    assert [(each.name, each.higher_is_better) for each in view.numbers] == [
        ("bleu", True), ("token_f1", True), ("latency", False),
    ]  # fmt: skip
    by_level = {(row.metric, row.level): row for row in view.effects}
    assert (by_level["token_f1", "hybrid"].effect or 0) > 0.2
    assert by_level["token_f1", "8"].effect == 0


def test_a_frame_has_a_row_for_each_effect(evaluation: Evaluation) -> None:
    frame = evaluation.factorial(metrics=["token_f1"]).frame()
    assert list(frame.columns) == [
        "metric", "axis", "level", "reference", "effect", "low", "high", "p_value", "adjusted_p_value", "n", "unscored",
        "clusters", "reason",
    ]  # fmt: skip
    assert frame["level"].tolist() == ["hybrid", "8"]
    assert (frame["low"] <= frame["effect"]).all()


def test_as_text(evaluation: Evaluation) -> None:
    found = evaluation.factorial(metrics=["token_f1"])
    assert "hybrid for vector" in str(found)
    assert all(len(line) <= 60 for line in found.text(60).splitlines())
    assert found.text(60, ascii_only=True).isascii()
    assert repr(found) == "<Factorial of 4 variants: search (2) × k (2); 2 effects>"


def test_without_a_matrix_there_is_none(evaluation: Evaluation) -> None:
    plain = [replace(variant, axes={}) for variant in evaluation.suite.variants]
    without = replace(evaluation, suite=replace(evaluation.suite, variants=tuple(plain)))
    with pytest.raises(UsageError, match="no two variants with scores differ on an axis"):
        without.factorial()
