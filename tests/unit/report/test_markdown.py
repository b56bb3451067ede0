"""The page for a pull request: read back by a Markdown parser, whatever the data wrote."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from pytest_genaiops.report.document import (
    AnswerView,
    CaseView,
    Document,
    ItemView,
    MetricView,
    RunFacts,
    ScoreView,
    SuiteView,
    VariantView,
    VerdictView,
)
from pytest_genaiops.report.gfm import block, code, inert, table
from pytest_genaiops.report.markdown import LIMIT, page
from pytest_genaiops.report.text import visible
from tests.documents import HOSTILE, example, filled

GITHUB = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
OURS = re.compile(r"</?details>|<br>|<summary>(?:[A-Z][\w,: ]*)</summary>")
ALIVE = re.compile(r"@\w|#\d|GH-\d|://|www\.|:[a-z]+:|\$[^ ]|\b[0-9a-f]{7,40}\b", re.IGNORECASE)
"""What GitHub makes links, emoji and formulas of, outside of code."""
RUN = RunFacts(id="r1", started="2026-11-30T10:29:40Z", exit=1)


def tokens(text: str) -> list[Token]:
    return [each for token in GITHUB.parse(text) for each in (token, *(token.children or ()))]


def shown(text: str) -> str:
    """What a reader sees, code and all, without the marks of formatting."""
    kinds = {"text", "code_inline", "fence"}
    return "\n".join(each.content for each in tokens(text) if each.type in kinds)


def assert_harmless(text: str) -> None:
    found = tokens(text)
    assert {each.type for each in found} & {"link_open", "image", "code_block", "hr", "s_open"} == set()
    for each in found:
        if each.type.startswith("html"):
            assert OURS.sub("", each.content).strip() == ""
        elif each.type == "text":
            assert ALIVE.search(each.content) is None, each.content
    assert not set(text) & {chr(code) for code in range(32) if code != 10}
    assert not re.search(r"[\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", text)
    assert len(text.encode("utf-8")) <= LIMIT


class TestText:
    @pytest.mark.parametrize("text", HOSTILE)
    @pytest.mark.parametrize("show", [inert, code])
    def test_hostile_text_is_text_in_a_paragraph_a_cell_and_a_list(self, show: object, text: str) -> None:
        made = show(text)  # type: ignore[operator]
        assert_harmless(made)
        rows = table(["a", "b"], [[made, "1"]])
        assert [each.type for each in tokens("\n".join(rows))].count("td_open") == 2
        assert [each.type for each in GITHUB.parse(f"- {made}")] == [
            "bullet_list_open", "list_item_open", "paragraph_open", "inline", "paragraph_close", "list_item_close",
            "bullet_list_close",
        ]  # fmt: skip

    @pytest.mark.parametrize(
        ("text", "made"),
        [
            ("plain words, and 3.5 of them", "plain words, and 3.5 of them"),
            ("ask @octocat about #12", "ask `@octocat` about `#12`"),
            ("see http://example.com/x now", "see `http://example.com/x` now"),
            ("<b>bold</b> & *more*", r"&lt;b&gt;bold&lt;/b&gt; &amp; \*more\*"),
            ("a|b", "a&#124;b"),
            ("- item", "&#45; item"),
            ("1. item", "&#49;. item"),
            ("two\nlines", "two lines"),
            ("turned \u202e round", "turned &#92;u202e round"),
            ("commit 4f1c2a9be07d", "commit `4f1c2a9be07d`"),
            (":tada: costs $5", "`:tada:` costs `$5`"),
        ],
    )
    def test_what_becomes_of_it(self, text: str, made: str) -> None:
        assert inert(text) == made

    @given(st.text(max_size=60))
    def test_nothing_is_lost_but_white_space(self, text: str) -> None:
        """Read back by the parser it is the text, with escapes for what is not seen."""
        made = inert(text, 1000)
        back = "".join(each.content for each in tokens(made) if each.type in ("text", "code_inline"))
        assert back == visible(" ".join(text.split()))

    @given(st.text(alphabet=list("`|\\ <>*_[]()#@-+=~!&;:$1a\n"), max_size=40))
    def test_any_mixture_of_marks_stays_in_its_cell(self, text: str) -> None:
        lines = table(["a", "b"], [[inert(text), code(text)]])
        found = tokens("\n".join(lines))
        assert [each.type for each in found].count("td_open") == 2
        assert_harmless("\n".join(lines))

    def test_no_line_closes_a_block(self) -> None:
        lines = ["before", "```", "````", "after"]
        (found,) = (each for each in tokens("\n".join(block(lines))) if each.type == "fence")
        assert found.content == "before\n```\n````\nafter\n"


class TestPage:
    def test_the_verdict_comes_first(self) -> None:
        first, _, reason, *_ = page(example()).splitlines()
        assert first == "## ❌ genaiops: failed – 4 failed, 3 undecided, of 80 tests in 2 suites"
        assert reason.startswith("- ❌ **failed** `eval_suites/test_support.py::test_answers[v3]`: groundedness -0.062")

    def test_a_row_has_value_interval_n_change_and_verdict(self) -> None:
        text = page(example()).replace("\N{NO-BREAK SPACE}", " ")
        row = next(line for line in text.splitlines() if line.startswith("| `correctness` ↑ | `v3` |"))
        assert [cell.strip() for cell in row.strip("|").split(" | ")] == [
            "`correctness` ↑",
            "`v3`",
            r"**0.6229** \[0.569, 0.676\]",
            "59 of 60",
            r"**-0.0776** \[-0.129, -0.026\]<br>9 better, 24 worse",
            "⚠️ undecided, 174 cases would decide",
        ]

    def test_missing_scores_are_told_with_their_reasons(self) -> None:
        assert "- `v2`: 1 × target: HTTP 503 from the model, 4 attempts" in page(example()).splitlines()

    def test_the_command_is_shown_as_a_shell_takes_it(self) -> None:
        run = replace(RUN, command=("pytest", "-k", "con or bold"))
        assert "pytest -k 'con or bold'" in page(replace(example(), run=run))

    def test_it_renders_as_tables_and_folded_parts(self) -> None:
        text = page(example())
        kinds = [each.type for each in tokens(text)]
        assert kinds.count("table_open") == 7  # scores, slices and spending of two suites, and the run
        titles = re.findall(r"<summary>(.*)</summary>", text)
        assert titles == [
            *["Worst changes against the baseline: 5 cases", "Slices", "Prompts", "Tokens, cost and latency"] * 2,
            "Run",
        ]

    @pytest.mark.parametrize("text", HOSTILE)
    def test_hostile_data_is_text_everywhere(self, text: str) -> None:
        assert_harmless(page(filled(text)))

    @settings(max_examples=25, deadline=None)
    @given(st.text(alphabet=st.one_of(st.characters(), st.sampled_from("`|\\<>*_[]()#@-+=~!&;:$\n\r\t")), max_size=40))
    def test_any_data_is_text_everywhere(self, text: str) -> None:
        assert_harmless(page(filled(text, example(cases=1, variants=2, metrics=1, context=40))))

    def test_a_word_of_a_megabyte(self) -> None:
        assert_harmless(page(filled("x" * 1_000_000, example(cases=1, variants=2, metrics=1, context=40))))

    def test_the_control_characters_of_an_answer_are_seen(self) -> None:
        assert r"a\x00b" in page(filled("a\x00b"))
        assert r"evil \u202e txt.exe" in page(filled("evil \u202e txt.exe"))

    def test_the_size_is_bounded_and_what_is_missing_is_said(self) -> None:
        one = example(cases=20, variants=6, metrics=7, context=200).suites[0]
        suites = [replace(one, title=f"suite {number}") for number in range(30)]
        text = page(Document(run=RUN, suites=suites))
        assert 50_000 < len(text.encode("utf-8")) <= LIMIT
        missing = text.splitlines()[-1]
        assert re.match(
            r"Left out, for a comment holds no more: tables of scores \(\d\d suites\), worst changes", missing
        )
        assert missing.endswith("prompts (30 suites). `genaiops report` makes a page with all of it.")
        assert "### `suite 0`" in text

    def test_suites_that_did_not_pass_are_left_out_last(self) -> None:
        one = example(cases=20, variants=6, metrics=7, context=200).suites[0]
        passed = replace(one, verdicts=[replace(each, outcome="passed") for each in one.verdicts])
        suites = [replace(passed, title=f"suite {number}") for number in range(29)]
        text = page(Document(run=RUN, suites=[*suites, replace(one, title="the last")]))
        assert "### `the last`" in text
        assert "### `suite 28`" not in text

    def test_equal_documents_make_equal_pages(self) -> None:
        assert page(example(cases=5)) == page(example(cases=5))


def suite(*, verdicts: tuple[VerdictView, ...] = (), items: tuple[ItemView, ...] = (), **more: object) -> SuiteView:
    base = {
        "title": "test_a.py::test_a", "dataset": "d", "dataset_hash": "h", "n": 2, "verdicts": verdicts, "items": items,
        **more,
    }  # fmt: skip
    return SuiteView(**base)  # type: ignore[arg-type]


def item(outcome: str, message: str = "", variant: str = "v1") -> ItemView:
    return ItemView(test=f"test_a.py::test_a[{variant}]", variant=variant, outcome=outcome, message=message)


def verdict(outcome: str, reason: str = "why", **more: object) -> VerdictView:
    base = {"test": "test_a.py::test_a[v1]", "variant": "v1", "metric": "bleu", "outcome": outcome, "reason": reason}
    return VerdictView(**{**base, **more})  # type: ignore[arg-type]


def headline(*suites: SuiteView, **run: object) -> str:
    facts = {"id": "r1", "started": "2026-11-30T10:29:40Z", "exit": 1, **run}
    return page(Document(run=RunFacts(**facts), suites=suites)).splitlines()[0]  # type: ignore[arg-type]


class TestTheVerdictOfARun:
    def test_passed(self) -> None:
        found = headline(suite(items=(item("passed"), item("passed", variant="v2"))), exit=0)
        assert found == "## ✅ genaiops: passed – 2 tests passed in 1 suite"

    def test_failed_by_a_plain_assertion(self) -> None:
        found = page(Document(run=RUN, suites=[suite(items=(item("failed", "assert 0.1 >= 0.5"),))]))
        assert found.splitlines()[:3] == [
            "## ❌ genaiops: failed – 1 failed, of 1 test in 1 suite",
            "",
            "- ❌ **failed** `test_a.py::test_a[v1]`: assert 0.1 &gt;= 0.5",
        ]

    def test_undecided_where_the_verdict_of_a_failed_test_is(self) -> None:
        found = headline(suite(items=(item("failed"),), verdicts=(verdict("undecided"), verdict("passed"))))
        assert found == "## ⚠️ genaiops: undecided – 1 undecided, of 1 test in 1 suite"

    def test_a_failed_verdict_outweighs_an_undecided_one(self) -> None:
        found = headline(suite(items=(item("failed"),), verdicts=(verdict("undecided"), verdict("failed"))))
        assert found == "## ❌ genaiops: failed – 1 failed, of 1 test in 1 suite"

    def test_no_result(self) -> None:
        found = headline(suite(items=(item("lost", "no route"), item("passed", variant="v2"))), exit=69)
        assert found == "## ⚠️ genaiops: no result – 1 without a result, of 2 tests in 1 suite"

    def test_undecided_verdicts_that_only_warn(self) -> None:
        found = headline(suite(items=(item("passed"),), verdicts=(verdict("undecided", tolerated=True),)), exit=0)
        assert found == "## ✅ genaiops: passed – 1 test passed in 1 suite; 1 verdict undecided, which only warns"

    def test_misses_are_the_gates(self) -> None:
        gate = verdict("passed", test="test_a.py::test_a[v1-pass_rate]", metric="")
        cases = (replace(item("missed"), case="c1"), replace(item("passed"), case="c2"))
        found = headline(suite(items=cases, verdicts=(gate,), pass_rate=0.5, by_case=True), exit=0)
        assert found == "## ✅ genaiops: passed – 1 test passed in 1 suite"

    def test_other_tests_of_the_session_failed(self) -> None:
        found = headline(suite(items=(item("passed"),)), exit=1)
        assert found == "## ❌ genaiops: failed – no test of a suite failed, but the session did (exit code 1)"

    def test_a_session_that_was_killed(self) -> None:
        assert headline(suite(items=(item("passed"),)), exit=None).startswith("## ⚠️ genaiops: not finished – ")

    def test_a_session_that_was_interrupted_is_not_finished(self) -> None:
        found = headline(suite(items=(item("passed"),)), exit=2)
        assert found == "## ⚠️ genaiops: not finished – interrupted, 1 test passed in 1 suite"
        assert headline(exit=2) == "## ⚠️ genaiops: not finished – interrupted, nothing was judged"
        assert headline(suite(items=(item("failed"),)), exit=2).startswith("## ❌ genaiops: failed – 1 failed, ")

    def test_rules_over_recorded_responses(self) -> None:
        verdicts = (verdict("passed", test="bleu >= 1"), verdict("failed", test="chrf >= 9"))
        assert headline(suite(verdicts=verdicts), kind="gate", exit=None) == (
            "## ❌ genaiops: failed – 1 failed, of 2 rules in 1 suite"
        )

    def test_no_suite(self) -> None:
        assert headline(exit=0) == "## ✅ genaiops: passed – nothing was judged"


class TestFlips:
    def made(self, **more: object) -> str:
        def answer(variant: str, text: str, value: float | None, outcome: str = "") -> AnswerView:
            return AnswerView(variant=variant, text=text, values={"m": value}, outcome=outcome)

        def case(name: str, old: AnswerView, new: AnswerView) -> CaseView:
            return CaseView(id=name, inputs={"question": f"What is {name}?"}, answers=(old, new))

        cases = (
            case("better", answer("v1", "bad", 0.1), answer("v2", "good", 0.9)),
            case("little", answer("v1", "old", 0.9), answer("v2", "new", 0.8)),
            case("much", answer("v1", "right", 0.9), answer("v2", "wrong", 0.0)),
            case("unscored", answer("v1", "old", 0.9), answer("v2", "new", None)),
            case("flipped", answer("v1", "yes", 0.5, "passed"), answer("v2", "no", 0.5, "missed")),
        )
        metric = MetricView(name="m", metric="m", signature="m|v:1", scale=(0.0, 1.0))
        variants = (VariantView(id="v1"), VariantView(id="v2"))
        base = {"cases": cases, "metrics": (metric,), "variants": variants, "baseline": "v1"}
        made = suite(**{**base, **more})  # type: ignore[arg-type]
        return page(Document(run=RUN, suites=[made]))

    def test_those_that_fell_first_then_by_their_loss(self) -> None:
        found = [line for line in self.made().splitlines() if line.startswith("**Case**")]
        assert found == [
            "**Case** `flipped` under `v2`: outcome passed → missed",
            "**Case** `much` under `v2`: m 0.9000 → 0.0000",
            "**Case** `little` under `v2`: m 0.9000 → 0.8000",
        ]

    def test_both_answers_are_shown(self) -> None:
        assert "> What is much?\n\n```diff\n- right\n+ wrong\n```" in self.made()

    def test_an_answer_that_is_the_same_is_shown_once(self) -> None:
        answers = [
            AnswerView(variant=name, text="same", values={"m": value}) for name, value in (("v1", 1.0), ("v2", 0.5))
        ]
        text = self.made(cases=(CaseView(id="c", answers=answers),))
        assert "**Case** `c` under `v2`: m 1.0000 → 0.5000\n\nBoth answered:\n\n```\nsame\n```" in text

    def test_an_error_stands_for_the_answer(self) -> None:
        old = AnswerView(variant="v1", text="fine", values={"m": 1.0}, outcome="passed")
        new = AnswerView(variant="v2", text="", error="timeout: 30 s", values={"m": None}, outcome="lost")
        text = self.made(cases=(CaseView(id="c", answers=(old, new)),))
        assert "**Case** `c` under `v2`: outcome passed → no result\n\n```diff\n- fine\n+ timeout: 30 s\n```" in text

    def test_of_several_trials_the_mean_counts(self) -> None:
        answers = [
            AnswerView(variant=variant, trial=trial, text=f"{variant} {trial}", values={"m": value})
            for variant, values in (("v1", (1.0, 0.5)), ("v2", (0.75, 0.25)))
            for trial, value in enumerate(values, start=1)
        ]
        text = self.made(cases=(CaseView(id="c", answers=answers),))
        assert "m 0.7500 → 0.5000" in text
        assert "- v1 1\n+ v2 2\n" in text  # the best before, the worst after

    def test_where_lower_is_better_a_rise_is_a_loss(self) -> None:
        metric = MetricView(name="m", metric="m", signature="m|v:1", scale=(0.0, 1.0), higher_is_better=False)
        found = [line for line in self.made(metrics=(metric,)).splitlines() if line.startswith("**Case**")]
        assert found[-1] == "**Case** `better` under `v2`: m 0.1000 → 0.9000"

    def test_none_without_a_baseline(self) -> None:
        assert "**Case**" not in self.made(baseline=None)


def test_prompts_that_changed_are_shown_line_by_line() -> None:
    variants = (VariantView(id="v1", prompt="Be kind.\nAnswer."), VariantView(id="v2", prompt="Be brief.\nAnswer."))
    text = page(Document(run=RUN, suites=[suite(variants=variants, baseline="v1")]))
    assert "`v1` → `v2`\n\n```diff\n@@ -1,2 +1,2 @@\n-Be kind.\n+Be brief.\n Answer.\n```" in text


def test_an_interval_without_an_end() -> None:
    metric = MetricView(name="m", metric="m", signature="m|v:1", scale=(0.0, None))
    score = ScoreView(variant="v1", metric="m", value=2.0, interval=(1.5, None), n=4, unscored=0)
    made = suite(variants=(VariantView(id="v1"),), metrics=(metric,), scores=(score,))
    text = page(Document(run=RUN, suites=[made])).replace("\N{NO-BREAK SPACE}", " ")
    assert r"| `m` ↑ | `v1` | **2.000** \[1.50, ∞\] | 4 |  |" in text
