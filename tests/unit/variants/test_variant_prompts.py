"""What a model is shown: chat messages from blocks or a list, rendered for a case."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_genaiops import variants
from pytest_genaiops.errors import VariantError
from pytest_genaiops.records import Case

CASE = Case(
    id="c1",
    inputs={"question": "Why?", "tone": "kind"},
    references=("SECRET REFERENCE",),
    label="SECRET LABEL",
    contexts=("one", "two"),
    source="datasets/qa.jsonl:3",
)


def prompt(case: Case = CASE, **keys: Any) -> list[tuple[str, str]]:
    variant = variants.from_mapping({"id": "v", **keys})
    return [(message["role"], message["content"]) for message in variant.messages(case)]


def user(text: str, case: Case = CASE, **keys: Any) -> str:
    return prompt(case, user=text, **keys)[0][1]


def refusal(text: str, case: Case = CASE) -> str:
    with pytest.raises(VariantError) as caught:
        user(text, case)
    assert str(caught.value).isprintable()
    return str(caught.value)


class TestMessages:
    def test_blocks_become_the_system_message_in_a_fixed_order(self) -> None:
        blocks = {
            "examples": ["A first one.", {"input": "2+2", "output": "4"}],
            "constraints": "Be {{ tone }}.\n",
            "instructions": "Answer.",
            "persona": "You teach.",
        }
        assert prompt(blocks=blocks) == [
            ("system", "You teach.\n\nAnswer.\n\nBe kind.\n\nA first one.\n\nInput: 2+2\nOutput: 4"),
            ("user", "Why?"),
        ]

    def test_a_blank_block_leaves_no_gap(self) -> None:
        blocks = {
            "persona": "You teach.",
            "instructions": "{% if tone == 'rude' %}Shout.{% endif %}",
            "constraints": "Go.",
        }
        assert prompt(blocks=blocks)[0] == ("system", "You teach.\n\nGo.")

    def test_a_list_of_messages_is_the_whole_prompt(self) -> None:
        messages = [
            {"role": "developer", "content": "Be {{ tone }}."},
            {"role": "user", "content": "{{ question }}"},
            {"role": "assistant", "content": "Because"},
        ]
        assert prompt(messages=messages) == [("developer", "Be kind."), ("user", "Why?"), ("assistant", "Because")]

    def test_the_user_message_can_be_written_or_left_out(self) -> None:
        blocks = {"persona": "You teach."}
        assert prompt(blocks=blocks, user="Q: {{ question }}")[1] == ("user", "Q: Why?")
        assert prompt(blocks=blocks, user=None) == [("system", "You teach.")]

    @pytest.mark.parametrize(
        ("inputs", "expected"),
        [
            ({"question": "Q", "other": "O"}, "Q"),
            ({"input": "I", "other": "O"}, "I"),
            ({"question": "Q", "input": "I"}, "Q"),
            ({"mail": "M"}, "M"),
            ({"number": 3}, "3"),
            ({"question": "{{ 7 * 7 }}"}, "{{ 7 * 7 }}"),
        ],
    )
    def test_without_one_the_question_is_asked(self, inputs: dict[str, Any], expected: str) -> None:
        assert prompt(Case(id="x", inputs=inputs), blocks={"persona": "P"})[1] == ("user", expected)
        assert variants.bare("b").messages(Case(id="x", inputs=inputs)) == [{"role": "user", "content": expected}]

    @pytest.mark.parametrize(
        "inputs", [{"title": "T", "body": "B"}, {}, {"question": None, "x": "y"}, {"question": ["Q"], "x": "y"}]
    )
    def test_without_a_question_the_file_must_say_what_to_ask(self, inputs: dict[str, Any]) -> None:
        with pytest.raises(VariantError, match='"user:" with a template'):
            prompt(Case(id="x", inputs=inputs), blocks={"persona": "P"})


class TestTemplates:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("{{ question }} & <b>", "Why? & <b>"),
            ("{{ case.id }} {{ case.inputs.tone }} {{ case.inputs['question'] }}", "c1 kind Why?"),
            ("{% for c in contexts %}[{{ loop.index }}] {{ c }} {% endfor %}", "[1] one [2] two "),
            ("{{ case.contexts | join('+') }}", "one+two"),
            ("{{ parameters.temperature }} {{ rag.k }}", "0.5 4"),
            ("{{ missing | default('none') }}", "none"),
            ("{% if missing is defined %}x{% else %}y{% endif %}", "y"),
            ("{% for i in range(3) %}{{ i }}{% endfor %}", "012"),
            ("{{ '-' * 5 }}{{ 2 ** 10 }}", "-----1024"),
            ("text without an end\n", "text without an end"),
        ],
    )
    def test_what_they_see(self, text: str, expected: str) -> None:
        assert user(text, parameters={"temperature": 0.5}, rag={"k": 4}) == expected

    def test_an_input_hides_a_name_of_ours(self) -> None:
        assert user("{{ case }}", Case(id="x", inputs={"case": "Smith v. Jones"})) == "Smith v. Jones"

    @pytest.mark.parametrize(
        "name", ["reference", "references", "label", "case.reference", "case.label", "case.recorded"]
    )
    def test_references_and_labels_are_kept_from_prompts(self, name: str) -> None:
        assert "SECRET" not in refusal(f"{{{{ {name} }}}}")

    def test_the_whole_case_shows_no_reference(self) -> None:
        assert "SECRET" not in user("{{ case }}")

    def test_a_missing_input_is_named_with_file_block_row_and_inputs(self) -> None:
        variant = variants.from_mapping({"blocks": {"instructions": "{{ qestion }}"}}, source="variants/v1.yaml")
        with pytest.raises(VariantError) as caught:
            variant.messages(CASE)
        assert str(caught.value) == (
            "variants/v1.yaml: block \"instructions\" uses the input 'qestion', which row 'c1' (datasets/qa.jsonl:3) "
            "does not have; its inputs are 'question', 'tone' (did you mean 'question'?)"
        )

    def test_context_for_contexts(self) -> None:
        assert "did you mean 'contexts'?" in refusal("{{ context }}")

    def test_contexts_are_missing_where_the_row_has_none(self) -> None:
        assert "uses the input 'contexts'" in refusal("{{ contexts }}", Case(id="x", inputs={"question": "?"}))

    def test_null_never_becomes_the_word_none(self) -> None:
        assert "is null" in refusal("{{ question }}", Case(id="x", inputs={"question": None}))

    @pytest.mark.parametrize(
        "text",
        [
            "{{ ''.__class__.__mro__ }}",
            "{{ question.__init__.__globals__ }}",
            "{{ question['__class__'] }}",
            "{{ (question | attr('__class__')).x }}",
            "{{ '{0.__class__}'.format(question) }}",
            "{{ case.inputs.update(question='changed') }}",
            "{{ case.inputs.clear() }}",
            "{% include 'other' %}",
            "{% import 'os' as os %}",
            "{{ 1 / 0 }}",
            "{{ question + 1 }}",
            "{{ 'a'.index('b') }}",
            "{{ question() }}",
            "{{ lipsum() }}",
            "{% if question | random %}{% endif %}",
        ],
    )
    def test_a_template_reaches_nothing_but_its_data(self, text: str) -> None:
        assert 'block "user" ' in refusal(text)

    @pytest.mark.parametrize(
        "text",
        [
            "{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}{% endfor %}",
            "{% for a in range(10 ** 18) %}{% endfor %}",
            "{{ range(10 ** 30) }}",
            "{{ 'a' * 10 ** 12 }}",
            "{{ 9 ** 60 ** 60 ** 60 ** 60 ** 60 }}",
            "{{ 9 ** 9999999999 }}",
            "{% set n = namespace(x=9) %}{% for i in range(60) %}{% set n.x = n.x * n.x %}{% endfor %}",
            "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
            "{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(60) }}",
        ],
    )
    def test_a_template_that_would_not_end_is_stopped(self, text: str) -> None:
        start = time.process_time()
        refusal(text)
        assert time.process_time() - start < 60

    @given(text=st.text(st.sampled_from("{}%#|.()[]'\" \n-+*/qxif01"), max_size=30))
    @settings(deadline=None, max_examples=150)
    def test_any_text_renders_or_is_refused(self, text: str) -> None:
        try:
            said = user(text)
        except VariantError as error:
            said = str(error) if str(error).isprintable() else None
        assert isinstance(said, str)


class TestCheckInputs:
    def test_the_first_row_of_each_kind_is_tried(self) -> None:
        rows = [Case(id=str(i), inputs={"question": "?"}) for i in range(50)]
        odd = Case(id="odd", inputs={"query": "?"}, source="datasets/qa.jsonl:51")
        variant = variants.from_mapping({"id": "v", "user": "{{ question }}"})
        variants.check_inputs(variant, rows)
        with pytest.raises(VariantError, match=r"row 'odd' \(datasets/qa.jsonl:51\) does not have"):
            variants.check_inputs(variant, [*rows, odd])

    def test_rows_with_the_same_inputs_are_rendered_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        calls: list[str] = []
        monkeypatch.setattr(variants.Variant, "check", lambda self, case: calls.append(case.id))
        rows = [Case(id=str(i), inputs={"a" if i % 2 else "b": ""}) for i in range(20)]
        variants.check_inputs(variants.bare("v"), rows)
        assert calls == ["0", "1"]

    def test_a_variant_without_a_prompt_asks_nothing_of_the_rows(self) -> None:
        two_inputs = [Case(id="x", inputs={"title": "T", "body": "B"})]
        variants.check_inputs(variants.bare("v"), two_inputs)
        variants.check_inputs(variants.from_mapping({"id": "v", "parameters": {"k": 3}}), two_inputs)
        with pytest.raises(VariantError):
            variants.check_inputs(variants.from_mapping({"id": "v", "blocks": {"persona": "P"}}), two_inputs)
