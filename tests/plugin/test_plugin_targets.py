"""Systems under test: which ``target`` a test gets, what it may be, and what it is called with."""

from __future__ import annotations

import pytest
from inner import CITIES, ROWS, Project


class TestTargets:
    def test_a_conftest_in_a_sub_folder_overrides_the_one_above(self, project: Project) -> None:
        project.write(
            "sub/conftest.py",
            """
            import pytest

            @pytest.fixture(scope="session")
            def target():
                return lambda case, variant: "from the sub-folder"
        """,
        )
        source = """
            import pytest

            @pytest.mark.genaiops(dataset="capitals")
            def test_texts(responses):
                assert {r.text for r in responses} == %s
        """
        project.suite(source % set(CITIES.values()), name="test_top.py")
        project.suite(source % {"from the sub-folder"}, name="sub/test_sub.py")
        project.run().assert_outcomes(passed=2)
        assert len(project.calls) == 4

    def test_a_module_or_class_may_override_it_too(self, project: Project) -> None:
        project.suite("""
            import pytest

            @pytest.fixture
            def target():
                return lambda case, variant: "module"

            @pytest.mark.genaiops(dataset="capitals")
            def test_module(response):
                assert response.text == "module"

            class TestOne:
                @pytest.fixture
                def target(self):
                    return lambda case, variant: "class"

                @pytest.mark.genaiops(dataset="capitals")
                def test_class(self, response):
                    assert response.text == "class"
        """)
        project.run().assert_outcomes(passed=8)

    def test_a_parametrized_target_is_one_system_a_parameter(self, project: Project) -> None:
        project.suite("""
            import pytest

            @pytest.fixture(params=["upper", "lower"])
            def target(request):
                return lambda case, variant: getattr(case.reference, request.param)()

            @pytest.mark.genaiops(dataset="capitals")
            def test_each(response, request):
                way = request.node.callspec.params["target"]
                assert response.text == getattr(response.trial.case.reference, way)()
        """)
        project.run().assert_outcomes(passed=8)

    @pytest.mark.parametrize("scope", ["function", "session"])
    def test_a_target_made_of_a_parametrized_fixture_is_one_system_a_parameter(
        self, project: Project, scope: str
    ) -> None:
        project.write(
            "conftest.py",
            f"""
            import pytest

            @pytest.fixture(scope="{scope}", params=["upper", "lower"])
            def backend(request):
                return request.param

            @pytest.fixture(scope="{scope}")
            def target(backend):
                return lambda case, variant: getattr(case.reference, backend)()
        """,
        )
        project.suite("""
            import pytest

            @pytest.mark.genaiops(dataset="capitals", variants=["v1"])
            def test_each(response, case, request):
                way = request.node.callspec.params["backend"]
                assert response.text == getattr(case.reference, way)()

            @pytest.mark.genaiops(dataset="capitals", variants=["v1"])
            def test_whole(responses, request):
                way = request.node.callspec.params["backend"]
                assert responses[0].text == getattr("Paris", way)()
        """)
        project.run().assert_outcomes(passed=10)

    @pytest.mark.parametrize(
        ("head", "tail"),
        [
            ("def answer(case, variant):", "answer"),
            ("async def answer(case, variant):", "answer"),
            ("async def answer(case, variant):", "lambda case, variant: answer(case, variant)"),
            ("async def answer(case, variant):", "functools.partial(answer, variant=None)"),
            ("async def answer(case, variant):", "Bot()"),
        ],
        ids=["sync", "async", "lambda around async", "partial", "async __call__"],
    )
    def test_sync_and_async_callables(self, project: Project, head: str, tail: str) -> None:
        called = tail if "partial" not in tail else "lambda case, variant: functools.partial(answer, case)(variant)"
        project.write(
            "conftest.py",
            f"""
            import asyncio, functools
            import pytest

            {head}
                {"await asyncio.sleep(0.001)" if head.startswith("async") else "pass"}
                return case.reference

            class Bot:
                async def __call__(self, case, variant):
                    return await answer(case, variant)

            @pytest.fixture(scope="session")
            def target():
                return {called}
        """,
        )
        project.by_case()
        project.run().assert_outcomes(passed=4)

    def test_what_a_target_may_return(self, project: Project) -> None:
        project.target("""
            from pytest_genaiops import Response
            return {
                "c1": "Paris",
                "c2": {"text": "Rome", "contexts": ["Italy's capital is Rome."]},
                "c3": Response(text="Madrid"),
                "c4": {"text": "Vienna", "usage": {"output": 3}},
            }[case.id]
        """)
        project.by_case()
        project.run().assert_outcomes(passed=4)

    def test_variant_files_reach_the_target(self, project: Project) -> None:
        for name, tone in (("v1", "kind"), ("v2", "rude")):
            project.write(
                f"variants/{name}.yaml",
                f"""
                id: {name}
                parameters: {{temperature: 0.5}}
                blocks:
                  instructions: "Be {tone}. {{{{ question }}}}"
            """,
            )
        project.target("return variant.messages(case)[0]['content']")
        project.suite("""
            import pytest

            @pytest.mark.genaiops(dataset="capitals", variants="variants/*.yaml")
            def test_prompt(response, variant, case):
                tone = {"v1": "kind", "v2": "rude"}[variant.id]
                assert response.text == f"Be {tone}. {case.inputs['question']}"
                assert variant.parameters["temperature"] == 0.5
        """)
        assert project.ids() == [f"test_prompt[{v}-{c}]" for v in ("v1", "v2") for c in CITIES]
        project.run().assert_outcomes(passed=8)


CHAIN = """
    id: two
    steps:
    - {id: draft, user: "{{ question }}"}
    - {id: revise, user: "Shorter: {{ steps.draft.output }}"}
"""


@pytest.mark.parametrize(("head", "call"), [("def", ""), ("async def", "await ")])
def test_a_variant_of_several_steps_is_one_answer(project: Project, head: str, call: str) -> None:
    project.write("variants/two.yaml", CHAIN)
    body = f"""
        {head} model(messages):
            return "<" + messages[-1]["content"][:9] + ">"
        chain = variant.chain(case)
        for step in chain:
            step.answer({call}model(step.messages))
        return chain.response
    """
    project.target(body, head=f"{head} answer(case, variant):")
    project.suite("""
        import pytest

        @pytest.mark.genaiops(dataset="capitals", variants="two")
        def test_steps(response):
            assert [(s.id, s.output) for s in response.steps] == [("draft", "<What is t>"), ("revise", "<Shorter: >")]
            assert response.steps[1].messages == ({"role": "user", "content": "Shorter: <What is t>"},)
            assert response.text == "<Shorter: >" and response.latency >= 0

        @pytest.mark.genaiops(dataset="capitals", variants="two")
        def test_score(responses, exact_match):
            assert exact_match(responses) >= 1
    """)
    result = project.run()
    result.assert_outcomes(passed=4, failed=1)
    result.stdout.fnmatch_lines(["E *c1: 0.0000  '<Shorter: >'", "E *draft: '<What is t>'", "E *revise: '<Shorter: >'"])


def test_a_chain_that_is_not_run_to_its_end_is_an_error_of_its_trial(project: Project) -> None:
    project.write("variants/two.yaml", CHAIN)
    project.target("chain = variant.chain(case)\nnext(chain).answer('x')\nreturn chain.response")
    project.by_case('variants="two"')
    result = project.run()
    result.assert_outcomes(failed=4)
    result.stdout.fnmatch_lines(["*step 'revise' of variants/two.yaml was not asked; loop over the whole chain*"])


def test_the_target_gets_the_case_as_the_dataset_has_it(project: Project) -> None:
    project.dataset([{**ROWS[0], "context": ["one", "two"], "label": "city", "slice_kind": "easy"}])
    project.target("return f'{case.contexts} {case.label} {dict(case.slices)} {variant.id}'")
    project.suite("""
        import pytest

        @pytest.mark.genaiops(dataset="capitals")
        def test_case(response):
            assert response.text == "('one', 'two') city {'kind': 'easy'} default"
    """)
    project.run().assert_outcomes(passed=1)
