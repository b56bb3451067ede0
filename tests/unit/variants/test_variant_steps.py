"""Several prompts in one variant: each is asked in turn, and every prompt, input and output is kept."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from pytest_genaiops import variants
from pytest_genaiops.errors import UsageError, VariantError
from pytest_genaiops.records import Case, Response, ResponseError

CASE = Case(id="c1", inputs={"question": "Why?", "tone": "kind"}, contexts=("one",), source="datasets/qa.jsonl:3")
DRAFT_AND_REVISE: dict[str, Any] = {
    "id": "v",
    "model": {"name": "small", "base_url": "http://models.example"},
    "parameters": {"temperature": 0.2, "max_tokens": 50},
    "steps": [
        {"id": "draft", "blocks": {"persona": "Be {{ tone }}."}},
        {
            "id": "revise",
            "model": {"name": "large"},
            "parameters": {"maxTokens": 90},
            "user": "{{ question }} -> {{ steps.draft.output }}",
        },
    ],
}


def answered(variant: variants.Variant, *outputs: str | Response, case: Case = CASE) -> Response:
    chain = variant.chain(case)
    for step, output in zip(chain, outputs, strict=False):
        step.answer(output)
    return chain.response


class TestChain:
    def test_a_later_step_sees_what_earlier_ones_said(self) -> None:
        asked = []
        chain = variants.from_mapping(DRAFT_AND_REVISE).chain(CASE)
        for step in chain:
            asked.append((step.id, step.messages, step.parameters, step.model["name"]))
            step.answer(f"said by {step.id}")
        system, question = {"role": "system", "content": "Be kind."}, {"role": "user", "content": "Why?"}
        revised = {"role": "user", "content": "Why? -> said by draft"}
        assert asked == [
            ("draft", [system, question], {"temperature": 0.2, "max_tokens": 50}, "small"),
            ("revise", [revised], {"temperature": 0.2, "max_tokens": 90}, "large"),
        ]
        assert chain.response.text == "said by revise"

    def test_every_prompt_input_and_output_is_kept(self) -> None:
        draft, revise = answered(variants.from_mapping(DRAFT_AND_REVISE), "A", "B").steps
        assert (draft.id, draft.output, draft.inputs) == ("draft", "A", {"tone": "kind"})
        assert draft.messages[0] == {"role": "system", "content": "Be kind."}
        assert (revise.output, revise.messages) == ("B", ({"role": "user", "content": "Why? -> A"},))
        assert revise.inputs == {"question": "Why?", "steps.draft.output": "A"}
        assert revise.parameters == {"temperature": 0.2, "max_tokens": 90}

    def test_a_variant_without_steps_is_a_chain_of_one(self) -> None:
        variant = variants.from_mapping({"id": "v", "user": "{{ question }}", "parameters": {"seed": 1}})
        chain = variant.chain(CASE)
        (call,) = [step for step in chain if step.answer("So.") is None]
        assert call.messages == variant.messages(CASE)
        (step,) = chain.response.steps
        assert (step.output, step.parameters, step.inputs) == ("So.", {"seed": 1}, {"question": "Why?"})

    def test_async_targets_run_the_same_loop(self) -> None:
        async def client(messages: list[dict[str, str]]) -> str:
            await asyncio.sleep(0)
            return messages[-1]["content"].upper()

        async def answer() -> Response:
            chain = variants.from_mapping(DRAFT_AND_REVISE).chain(CASE)
            for step in chain:
                step.answer(await client(step.messages))
            return chain.response

        assert asyncio.run(answer()).text == "WHY? -> WHY?"

    def test_usage_and_latency_are_summed_and_the_rest_is_the_last_answers(self) -> None:
        first = Response(text="A", usage={"input": 3, "output": 1}, latency=0.5, model="small-1")
        last = Response(text="B", usage={"output": 2}, latency=0.25, model="large-1", contexts=("p",))
        response = answered(variants.from_mapping(DRAFT_AND_REVISE), first, last)
        assert (response.usage, response.latency) == ({"input": 3, "output": 3}, 0.75)
        assert (response.text, response.model, response.contexts) == ("B", "large-1", ("p",))
        assert [(step.model, step.latency) for step in response.steps] == [("small-1", 0.5), ("large-1", 0.25)]

    def test_an_unmeasured_step_leaves_no_half_of_a_latency(self) -> None:
        response = answered(variants.from_mapping(DRAFT_AND_REVISE), "A", Response(text="B", latency=0.25))
        assert response.latency is None

    def test_an_error_ends_the_chain(self) -> None:
        lost = Response(error=ResponseError(kind="timeout", message="no answer within 3 s"))
        chain = variants.from_mapping(DRAFT_AND_REVISE).chain(CASE)
        assert [step.answer(lost) for step in chain] == [None]
        error = chain.response.error
        assert error == ResponseError(kind="timeout", message="step 'draft' of variant 'v': no answer within 3 s")
        (step,) = chain.response.steps
        assert (step.id, step.output, step.error) == ("draft", "", "no answer within 3 s")

    @pytest.mark.parametrize("said", ["{{ 7 * 7 }}", "{% for a in range(10 ** 18) %}", "${file:/etc/passwd}", "{#"])
    def test_what_a_model_says_is_never_a_template(self, said: str) -> None:
        response = answered(variants.from_mapping(DRAFT_AND_REVISE), said, said)
        assert response.steps[1].messages[0]["content"] == f"Why? -> {said}"
        assert response.text == said

    def test_steps_are_theirs_whatever_the_columns_are_called(self) -> None:
        case = Case(id="x", inputs={"question": "Why?", "tone": "kind", "steps": "stir"})
        variant = variants.from_mapping(DRAFT_AND_REVISE)
        assert answered(variant, "A", "B", case=case).steps[1].messages[0]["content"] == "Why? -> A"
        one = variants.from_mapping({"id": "v", "user": "{{ steps }}"})
        assert one.messages(case) == [{"role": "user", "content": "stir"}]


class TestMisuse:
    def chain(self) -> variants.Chain:
        return variants.from_mapping(DRAFT_AND_REVISE).chain(CASE)

    def test_a_step_left_unanswered(self) -> None:
        chain = self.chain()
        next(chain)
        with pytest.raises(UsageError, match=r"^step 'draft' of variant 'v' has no answer; call step.answer"):
            next(chain)
        with pytest.raises(UsageError, match=r"^step 'draft' of variant 'v' has no answer"):
            _ = chain.response

    def test_a_step_answered_twice(self) -> None:
        step = next(self.chain())
        step.answer("A")
        with pytest.raises(UsageError, match=r"^step 'draft' of variant 'v' is answered already"):
            step.answer("A")

    @pytest.mark.parametrize("output", [None, 3, {"text": "A"}, b"A"])
    def test_a_step_answered_with_no_text(self, output: Any) -> None:
        with pytest.raises(UsageError, match=r"is answered with \w+; give its text, or a Response"):
            next(self.chain()).answer(output)

    def test_a_chain_left_early(self) -> None:
        chain = self.chain()
        with pytest.raises(UsageError, match=r"^step 'draft' of variant 'v' was not asked; loop over the whole chain"):
            _ = chain.response
        next(chain).answer("A")
        with pytest.raises(UsageError, match=r"^step 'revise' of variant 'v' was not asked"):
            _ = chain.response

    def test_messages_of_several_steps(self) -> None:
        with pytest.raises(VariantError, match=r"variant 'v' has 2 steps.*loop over variant.chain\(case\)"):
            variants.from_mapping(DRAFT_AND_REVISE).messages(CASE)


def chained(*later: str) -> variants.Variant:
    steps = [{"id": "one", "user": "{{ question }}"}, *({"id": f"s{i}", "user": text} for i, text in enumerate(later))]
    return variants.from_mapping({"steps": steps}, source="variants/v1.yaml")


class TestChecks:
    def test_a_missing_input_of_a_later_step_is_found_before_the_run(self) -> None:
        with pytest.raises(VariantError) as caught:
            variants.check_inputs(chained("{{ steps.one.output }}", "{{ qestion }}"), [CASE])
        assert str(caught.value) == (
            "variants/v1.yaml: block \"user\" of step 's1' uses the input 'qestion', which row 'c1' "
            "(datasets/qa.jsonl:3) does not have; its inputs are 'question', 'tone' (did you mean 'question'?)"
        )

    @pytest.mark.parametrize("text", ["{{ 1 / (steps.one.output | int) }}", "{{ steps.one.output[99:].split()[0] }}"])
    def test_a_template_that_expects_more_than_a_placeholder_is_not_faulted(self, text: str) -> None:
        variants.check_inputs(chained(text), [CASE])

    @pytest.mark.parametrize(
        ("text", "part"),
        [
            ("{{ steps.won.output }}", "step is called 'won' (did you mean 'one'?); earlier steps are 'one'"),
            ("{{ steps.s0.output }}", "no earlier step is called 's0'"),
            ("{{ steps['items'].output }}", "no earlier step is called 'items'"),
            ("{{ steps.one }}", "a step is not text; write steps.one.output"),
        ],
    )
    def test_a_step_that_is_not_there(self, text: str, part: str) -> None:
        with pytest.raises(VariantError) as caught:
            variants.check_inputs(chained(text), [CASE])
        assert part in str(caught.value)

    def test_the_first_step_has_none_before_it(self) -> None:
        steps = [{"id": "one", "user": "{{ steps.two.output }}"}, {"id": "two", "user": "x"}]
        with pytest.raises(VariantError, match="no earlier step is called 'two'; it is the first step"):
            variants.check_inputs(variants.from_mapping({"id": "v", "steps": steps}), [CASE])


class TestFiles:
    @pytest.mark.parametrize(
        ("content", "line", "parts"),
        [
            ("steps: x", 1, ('"steps" is not a list of steps', "- {id: <name>")),
            ("steps: []", 1, ('"steps" is not a list',)),
            ("steps:\n- x", 2, ("steps[0] holds 'x', not a step",)),
            ("steps:\n- user: x", 2, ("steps[0] has no name", 'add "id"')),
            ("steps:\n- id: 3\n  user: x", 2, ("the id 3", "quotes")),
            ("steps:\n- id: a", 2, ("step 'a' has no prompt",)),
            ("steps:\n- {id: a, user: x}\n- {id: a, user: y}", 3, ("two steps have the id 'a'",)),
            ("steps:\n- id: a\n  user: x\n  rag: {}", 4, ("unknown key 'rag'", "'id', 'model'")),
            ("steps:\n- id: a\n  usr: x", 3, ("did you mean 'user'?",)),
            ("steps:\n- {id: a, user: x}\nuser: y", 3, ("no place for", "user")),
            ("blocks: {persona: x}\nsteps:\n- {id: a, user: x}", 1, ("no place for", "blocks")),
            ("steps:\n- id: a\n  user: |\n    {% if %}", 3, ("not a Jinja2 template",)),
            ("steps:\n- id: a\n  blocks:\n    personna: x", 4, ("did you mean 'persona'?",)),
            ("steps:\n- id: a\n  user: x\n  model: {api_key: SECRET}", 4, ("api_key_env",)),
            ("steps:\n- id: a\n  user: x\n  parameters:\n    topP: 1\n    top_p: 2", 6, ("same parameter",)),
        ],
    )
    def test_one_sentence_with_file_line_and_mend(
        self, tmp_path: Path, content: str, line: int, parts: tuple[str, ...]
    ) -> None:
        (tmp_path / "v1.yaml").write_text(content)
        with pytest.raises(VariantError) as caught:
            variants.load_variants(tmp_path / "v1.yaml", root=tmp_path)
        assert str(caught.value).startswith(f"v1.yaml:{line}: ")
        for part in parts:
            assert part in str(caught.value)

    def test_the_hash_covers_every_step(self) -> None:
        def changed(step: int, **keys: Any) -> str:
            steps = [dict(each) for each in DRAFT_AND_REVISE["steps"]]
            steps[step] |= keys
            return variants.from_mapping({**DRAFT_AND_REVISE, "steps": steps}).hash

        own = variants.from_mapping(DRAFT_AND_REVISE).hash
        hashes = {
            own,
            changed(0, blocks={"persona": "Be {{ tone }}!"}),
            changed(0, id="first"),
            changed(1, parameters={"max_tokens": 91}),
            changed(1, user="{{ steps.draft.output }}"),
            changed(1, model={"name": "larger"}),
        }
        assert len(hashes) == 6
        assert changed(1, model={"name": "large", "api_key_env": "OTHER"}) == own
