"""What a reader sees under a failed assertion."""

from __future__ import annotations

import math
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from pytest_genaiops import metric
from pytest_genaiops.report.evidence import CaseEvidence, ScoreEvidence, case_lines, comparison_lines, headline


def evidence(**changes: object) -> ScoreEvidence:
    fields: dict[str, object] = {
        "name": "bleu",
        "value": 24.126,
        "n": 300,
        "unscored": 0,
        "scale": (0.0, 100.0),
        "higher_is_better": True,
        "signature": "bleu|tok:13a",
        "worst": (),
        "missing": (),
    }
    return ScoreEvidence(**(fields | changes))  # type: ignore[arg-type]


def missing(count: int) -> list[CaseEvidence]:
    return [CaseEvidence(id=f"c{i}", value=None, text="", reason="timeout: no answer within 2 s") for i in range(count)]


class TestHeadline:
    def test_value_count_and_scale(self) -> None:
        assert headline(evidence()) == "bleu = 24.13 (n=300, scale 0-100)"

    def test_what_is_unscored_is_counted(self) -> None:
        assert headline(evidence(unscored=2)) == "bleu = 24.13 (n=300, 2 unscored, scale 0-100)"
        assert headline(evidence(value=None, n=0, unscored=2)) == "bleu = unscored (n=0, 2 unscored, scale 0-100)"

    def test_a_direction_that_surprises_is_said(self) -> None:
        latency = evidence(name="latency", value=1.5, scale=(0.0, math.inf), higher_is_better=False, n=3)
        assert headline(latency) == "latency = 1.500 (n=3, scale 0-inf, lower is better)"


class TestLines:
    def test_the_sentence_then_the_cases(self) -> None:
        worst = [CaseEvidence(id="c7", value=1.5, text="so bad"), CaseEvidence(id="c9", value=2.25, text="bad\nindeed")]
        assert comparison_lines(evidence(worst=worst), ">=", "30") == [
            "bleu = 24.13 (n=300, scale 0-100) >= 30",
            "worst cases:",
            "  c7: 1.50  'so bad'",
            "  c9: 2.25  'bad indeed'",
            "signature: bleu|tok:13a",
        ]

    def test_the_worst_case_shows_the_steps_that_led_to_it(self) -> None:
        steps = [("draft", "First.\nSecond."), ("revise", "so bad")]
        worst = [CaseEvidence(id=i, value=1.5, text="so bad", steps=steps) for i in ("c7", "c9")]
        assert case_lines(evidence(worst=worst))[:5] == [
            "worst cases:",
            "  c7: 1.50  'so bad'",
            "    draft: 'First. Second.'",
            "    revise: 'so bad'",
            "  c9: 1.50  'so bad'",
        ]

    def test_a_single_step_is_the_answer_itself(self) -> None:
        worst = [CaseEvidence(id="c7", value=1.5, text="bad", steps=[("answer", "bad")])]
        assert case_lines(evidence(worst=worst))[:2] == ["worst cases:", "  c7: 1.50  'bad'"]

    def test_gaps_come_first_with_the_reason(self) -> None:
        lines = comparison_lines(evidence(n=298, unscored=2, missing=missing(2)), ">=", "20")
        assert lines[1:5] == [
            "2 of 300 cases unscored: no comparison passes until every case is scored",
            "unscored:",
            "  c0: timeout: no answer within 2 s",
            "  c1: timeout: no answer within 2 s",
        ]

    def test_five_gaps_are_shown_and_the_rest_is_counted(self) -> None:
        lines = case_lines(evidence(unscored=8, missing=missing(8)))
        assert lines[-2] == "  and 3 more"
        assert len([line for line in lines if "timeout" in line]) == 5

    def test_a_single_case_is_not_called_the_worst(self) -> None:
        assert "the case:" in case_lines(evidence(n=1, worst=[CaseEvidence(id="c1", value=0.0, text="x")]))

    @given(st.text(st.characters(codec=None)), st.text(st.characters(codec=None)))
    def test_whatever_a_model_says_stays_on_its_line(self, said: str, name: str) -> None:
        cases = [CaseEvidence(id=name, value=0.5, text=said)]
        gaps = [CaseEvidence(id=name, value=None, text="", reason=said)]
        shown = comparison_lines(
            evidence(name=f"f1[{said}]", worst=cases, missing=gaps, unscored=1, signature=f"f1|part:{said}"), ">=", "1"
        )
        assert not [c for line in shown for c in line if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")]
        assert not [line for line in shown if len(line) > 1000]

    def test_a_class_that_the_model_made_up_cannot_steer_the_terminal(self) -> None:
        classes = metric("classification", average=None)(["\x1b[2Jspam" + "m" * 5000], ["ham"])
        (made_up,) = [score for name, score in classes.f1.items() if name != "ham"]
        assert "\x1b" not in repr(made_up)
        assert all("\x1b" not in line and len(line) < 500 for line in comparison_lines(made_up.evidence(), ">=", "1"))
