"""Rules as text: what a line may say, and that nothing else is taken."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_genaiops.errors import UsageError
from pytest_genaiops.report.text import visible
from pytest_genaiops.runs.rules import BASELINE, LONGEST, Named, Rule, rules_of


def rule(line: str) -> Any:
    (found,) = rules_of(line)
    return found


class TestComparisons:
    @pytest.mark.parametrize(
        "line",
        [
            "bleu >= 30",
            "bleu(responses) >= 30",
            "assert bleu(responses) >= 30",
            "    assert bleu(responses) >= 30, 'a message'  # why",
            "assert bleu(response) >= +30",
            "30 <= bleu",
        ],
    )
    def test_of_a_score_with_a_number(self, line: str) -> None:
        found = rule(line)
        assert found.score == Named(metric="bleu")
        assert (found.test, dict(found.arguments)) == (">=", {"other": 30})
        assert found.baseline is None

    def test_numbers_may_be_negative_or_have_exponents(self) -> None:
        assert rule("f(responses) > -1.5e-3").arguments["other"] == -0.0015

    def test_with_the_baseline(self) -> None:
        found = rule("assert bleu(responses) > bleu(baseline)")
        assert found.arguments["other"] == Named(metric="bleu", of=BASELINE)
        assert found.baseline == BASELINE


class TestScores:
    def test_lead_over_attributes_and_keys(self) -> None:
        assert rule("rouge(responses).rougeL.precision >= 1").score.path == ("rougeL", "precision")
        assert rule('classification.f1["spam"] >= 1').score.path == ("f1", "spam")

    def test_have_options(self) -> None:
        found = rule('bleu(responses, tokenize="char", lowercase=True, weights=[1, 2], more={"a": None}) >= 1')
        options = {"tokenize": "char", "lowercase": True, "weights": (1, 2), "more": {"a": None}}
        assert found.score.options == options

    def test_of_several_trials(self) -> None:
        found = rule("exact_match(responses).pass_at(3) >= 0.9")
        assert found.score == Named(metric="exact_match", then=("pass_at", (3,)))
        assert rule("exact_match.consistency() >= 0.9").score.then == ("consistency", ())


class TestRulesOfScores:
    @pytest.mark.parametrize(
        ("line", "test", "arguments"),
        [
            ("bleu.at_least(28, confidence=0.95)", "at_least", {"threshold": 28, "confidence": 0.95}),
            ("bleu.at_most(threshold=28)", "at_most", {"threshold": 28}),
            ("bleu.within(1, 2, coverage=0.9)", "within", {"low": 1, "high": 2, "coverage": 0.9}),
            ("bleu.not_worse_than(baseline, margin=1.0)", "not_worse_than", {"baseline": BASELINE, "margin": 1.0}),
            ('bleu.not_worse_than("v1", 2)', "not_worse_than", {"baseline": "v1", "margin": 2}),
            ("bleu(responses).better_than(bleu(baseline))", "better_than", {"baseline": BASELINE}),
            (
                'f.not_worse_than(baseline, 1, slice_margins={"topic=law": 2})',
                "not_worse_than",
                {"baseline": BASELINE, "margin": 1, "slice_margins": {"topic=law": 2}},
            ),
        ],
    )
    def test_with_their_arguments(self, line: str, test: str, arguments: dict[str, Any]) -> None:
        found = rule(f"assert {line}")
        assert (found.test, dict(found.arguments)) == (test, arguments)
        assert found.text == line


class TestFiles:
    def test_one_rule_a_line_beside_comments(self) -> None:
        found = rules_of("# gates\n\nbleu >= 30  # why\n\n    assert chrf >= 40\n")
        assert [(each.line, each.text) for each in found] == [(3, "bleu >= 30"), (5, "chrf >= 40")]

    def test_of_none(self) -> None:
        with pytest.raises(UsageError, match="there is no rule; write one a line, such as bleu >= 30"):
            rules_of("# nothing\n")

    def test_of_too_many(self) -> None:
        with pytest.raises(UsageError, match="there are 1001 rules; give at most 1000"):
            rules_of("bleu >= 30\n" * 1001)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("bleu", "line 1, column 1: this is no rule; write a comparison, or a call of at_least"),
        ("bleu >= ", "column 8: this cannot be read (invalid syntax)"),
        ("  bleu >= x.y", "column 11: compare with a number, or with the same score of the baseline"),
        ("1 <= bleu <= 2", "compare once, with one of >= <= > < =="),
        ("bleu != 3", "compare once"),
        ("bleu >= 1; chrf >= 2", "column 12: write one rule a line"),
        ("bleu >= 1 and chrf >= 2", "this is no rule"),
        ("bleu.at_lest(3)", "no rule is called 'at_lest'; did you mean 'at_least'?"),
        ("bleu.at_least()", "at_least needs threshold"),
        ("bleu.at_least(x)", "threshold is to be a number"),
        ("bleu.at_least(1, 2)", "at_least takes threshold, and the rest by keyword"),
        ("bleu.at_least(1, threshold=2)", "threshold is given twice"),
        ("bleu.at_least(1, confidnce=2)", "at_least has no argument 'confidnce'; did you mean 'confidence'?"),
        ("bleu.at_least(**x)", "** is not read"),
        ("bleu.not_worse_than(baseline)", "not_worse_than needs margin"),
        ("bleu.not_worse_than(other, 1)", "name baseline, a variant"),
        ("bleu.not_worse_than(chrf(baseline), 1)", "the two sides are not one score"),
        ("bleu(open) >= 1", "a rule knows responses, baseline and ids of variants"),
        ("bleu(responses, 3) >= 1", "write bleu(responses), with options by keyword"),
        ("bleu(responses, tokenize=x) >= 1", "write the value out, as a number or a text"),
        ("bleu(baseline) >= 1", "a rule is about responses"),
        ("bleu.__class__ >= 1", "this is no score"),
        ("__import__('os').system('true') >= 1", "'system' makes no score"),
        ("[x for x in y] >= 1", "this is no score"),
        ("(lambda: 1)() >= 1", "this is no score"),
        ("f'{x}' >= 1", "this is no score"),
        ("bleu >= 1e999", "the number is too large"),
        ("bleu >= True", "this is no score"),
        ("bleu.a.b.c.d.e.f.g.h.i >= 1", "no score is 8 attributes deep"),
        ("import os", "this is no rule"),
        ("while True: pass", "this is no rule"),
        ("x = 3", "this is no rule"),
        ("bleu >= 1\0", "this cannot be read"),
        ("x" * (LONGEST + 1), "the line has 1001 characters; a rule has at most 1000"),
        ("(" * 900, "this cannot be read"),
        ("-" * 900 + "1 >= bleu", "compare with a number"),
        ("x.pass_at(1.5) >= 1", "pass_at takes one whole number"),
        ("\ud800 >= 1", "this cannot be read"),
        ("näme(õ) >= 1", "column 6: a rule knows responses"),
    ],
)
def test_what_is_no_rule_is_named_with_its_place(line: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        rules_of(line)
    assert said in str(caught.value)
    assert str(caught.value).startswith("rule in line 1, column ")
    assert str(caught.value).isprintable()


def told(text: str) -> list[Rule] | str:
    try:
        return rules_of(text)
    except UsageError as error:
        return str(error)


def fit(found: list[Rule] | str) -> bool:
    """Whether these are rules, or a sentence that does nothing to a terminal."""
    return visible(found) == found if isinstance(found, str) else bool(found)


@given(st.text(max_size=60))
def test_any_text_is_rules_or_a_sentence(text: str) -> None:
    assert fit(told(text))


WORDS = [
    *"()[]{}.,=<:*@#;\\\n\t\0", "bleu", "responses", "baseline", "at_least", "not_worse_than", "margin", "==", ">=",
    "1", "1e400", "-2", "'v1'", "assert", "and", "not", "lambda", "**", "if", "else",
]  # fmt: skip


@given(st.lists(st.sampled_from(WORDS), max_size=14).map(" ".join))
def test_any_line_of_python_s_words_is_rules_or_a_sentence(text: str) -> None:
    assert fit(told(text))
