"""A suite over a prompt flow: node ids, the baseline, chains, and columns for what Python gives."""

from __future__ import annotations

from inner import ROWS, Project, outcomes

NODE = """\
type: llm
          source: {{type: code, path: {name}.jinja2}}
          inputs: {{deployment_name: small, temperature: "{temperature}", question: "${{inputs.question}}"}}
"""
FLOW = f"""\
inputs: {{question: {{type: string}}}}
outputs: {{answer: {{reference: "${{answer.output}}"}}}}
nodes:
- name: search
  type: python
- name: rewrite
  use_variants: true
- name: answer
  type: llm
  source: {{path: answer.jinja2}}
  inputs: {{query: "${{rewrite.output}}", found: "${{search.output}}"}}
node_variants:
  rewrite:
    default_variant_id: plain
    variants:
      plain:
        node:
          {NODE.format(name="rewrite", temperature="0")}
      bold:
        node:
          {NODE.format(name="rewrite", temperature="0.7")}
"""
SUITE = """
    import pytest

    @pytest.mark.genaiops(dataset="capitals", variants="flows/web", baseline="web")
    def test_answers(responses, baseline, exact_match):
        assert len(responses[0].steps) == 2
        assert exact_match(responses).not_worse_than(baseline, margin=0.6)
"""
TARGET = """
    chain = variant.chain(case)
    for step in chain:
        if step.id == "rewrite":
            step.answer(f"at {step.parameters['temperature']}")
        else:
            (message,) = step.messages
            step.answer(case.reference if message["content"] == "at 0: a page" else "no idea")
    return chain.response
"""


def write(project: Project) -> None:
    project.write("flows/web/flow.dag.yaml", FLOW)
    project.write("flows/web/rewrite.jinja2", "user:\n{{ question }}")
    project.write("flows/web/answer.jinja2", "user:\n{{ query }}: {{ found }}")
    project.target(TARGET)
    project.suite(SUITE)


def test_a_suite_over_a_flow(project: Project) -> None:
    write(project)
    project.dataset([{**row, "search": "a page"} for row in ROWS])
    assert outcomes(project.run("-v")) == {
        "test_answers[web]": "PASSED",
        "test_answers[web-rewrite=bold]": "FAILED",
    }


def test_the_column_of_a_python_node_is_missed_at_collection(project: Project) -> None:
    write(project)
    result = project.run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*flows/web/answer.jinja2:1: *the Python node 'search' is not run: put what it*"])
    assert not project.calls
