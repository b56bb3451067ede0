"""Suites over .prompty files: node ids, the baseline, and the sample as a dataset."""

from __future__ import annotations

from inner import Project, outcomes

PROMPT = """\
---
model: small
inputs: {{tone: {tone}}}
sample: {{question: "What is the capital of Peru?", reference: Lima}}
---
system:
Be {{{{ tone }}}}.
user:
{{{{ question }}}}
"""

SUITE = """
    import pytest

    @pytest.mark.genaiops(dataset="{dataset}", variants="prompts/*.prompty", baseline="v1")
    def test_answers(responses, baseline, exact_match):
        assert exact_match(responses).not_worse_than(baseline, margin=0.6)
"""

ECHO = """
    system, user = variant.messages(case)
    assert user["content"].startswith("What is the capital of"), user
    return case.reference if system["content"] == "Be kind." else "no idea"
"""


def write(project: Project) -> None:
    for name, tone in (("v1", "kind"), ("v2", "rude"), ("v10", "kind")):
        path = project.path / "prompts" / f"{name}.prompty"
        path.parent.mkdir(exist_ok=True)
        path.write_text(PROMPT.format(tone=tone), encoding="utf-8")
    project.target(ECHO)


def test_a_suite_over_a_glob(project: Project) -> None:
    write(project)
    project.suite(SUITE, dataset="capitals")
    assert project.ids() == ["test_answers[v1]", "test_answers[v2]", "test_answers[v10]"]
    assert outcomes(project.run("-v")) == {
        "test_answers[v1]": "PASSED",
        "test_answers[v2]": "FAILED",
        "test_answers[v10]": "PASSED",
    }


def test_the_sample_of_a_file_is_a_dataset_of_one_row(project: Project) -> None:
    write(project)
    (project.path / "datasets" / "capitals.jsonl").unlink()
    project.suite(SUITE, dataset="prompts/v1.prompty")
    project.run("-k", "v10")
    assert sorted(project.calls) == ["v1 sample", "v10 sample"]


def test_a_file_without_a_sample_says_so(project: Project) -> None:
    write(project)
    (project.path / "prompts" / "bare.prompty").write_text("user:\nHi\n")
    project.suite(SUITE, dataset="prompts/bare.prompty")
    result = project.run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*prompts/bare.prompty: the file has no sample; add sample: *"])


def test_a_column_that_the_prompt_misses_is_a_collection_error(project: Project) -> None:
    write(project)
    path = project.path / "prompts" / "v2.prompty"
    path.write_text(path.read_text().replace("{{ question }}", "{{ qestion }}"))
    project.suite(SUITE, dataset="capitals")
    result = project.run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*prompts/v2.prompty:6: *'qestion'*did you mean 'question'?*"])
