"""Flows of prompt flow, written and read."""

from __future__ import annotations

from pathlib import Path

from pytest_genaiops import variants

SUMMARY = """\
# system:
Summarize in {{ words }} words.

# user:
{{ text }}"""
CLASSIFY = """\
# system:
Classify.
{% for example in examples %}
- {{ example }}
{% endfor %}
# user:
{{ url }}: {{ summary }}"""
WEB = """\
$schema: https://azuremlschemas.azureedge.net/promptflow/latest/Flow.schema.json
environment: {python_requirements_txt: requirements.txt}
inputs:
  url: {type: string, default: "https://example.org"}
outputs:
  category: {type: string, reference: "${to_dict.output.category}"}
nodes:
- name: to_dict
  type: python
  source: {type: code, path: to_dict.py}
  inputs: {text: "${classify.output}"}
- name: classify
  type: llm
  source: {type: code, path: classify.jinja2}
  inputs:
    deployment_name: small
    model: gpt-small
    max_tokens: "128"
    temperature: 0.2
    stop: ""
    url: ${inputs.url}
    summary: ${summarize.output}
    examples: ${prepare.output.list}
  connection: my_connection
  provider: AzureOpenAI
  api: chat
- name: fetch
  type: python
  source: {type: code, path: fetch.py}
  inputs: {url: "${inputs.url}"}
- name: prepare
  type: python
  source: {type: code, path: prepare.py}
  inputs: {}
- name: summarize
  use_variants: true
node_variants:
  summarize:
    default_variant_id: variant_0
    variants:
      variant_0:
        node: &like
          type: llm
          source: {type: code, path: summarize.jinja2}
          inputs: {deployment_name: small, temperature: "0.7", top_p: "1", words: 100, text: "${fetch.output}"}
          connection: my_connection
          api: chat
      variant_1:
        node:
          type: llm
          source: {type: code, path: summarize.jinja2}
          inputs: {deployment_name: small, temperature: "0.3", top_p: "1", words: 50, text: "${fetch.output}"}
          connection: my_connection
          api: chat
""".replace(" &like", "")


def write(folder: Path, flow: str, **prompts: str) -> Path:
    path = folder / "flows" / "web" / "flow.dag.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(flow, encoding="utf-8")
    for name, text in {"summarize": SUMMARY, "classify": CLASSIFY, **prompts}.items():
        (path.parent / f"{name}.jinja2").write_text(text, encoding="utf-8")
    return path


def load(folder: Path, flow: str = WEB, **prompts: str) -> tuple[variants.Variant, ...]:
    return variants.load_variants(write(folder, flow, **prompts), root=folder)


def nodes(*entries: str, rest: str = "inputs: {question: {type: string}}") -> str:
    return f"{rest}\nnodes:\n" + "\n".join(f"- {{{entry}}}" for entry in entries)


def asks(name: str, more: str = "", inputs: str = 'text: "${inputs.question}"') -> str:
    return f"name: {name}, type: llm, source: {{type: code, path: {name}.jinja2}}, inputs: {{{inputs}}}{more}"


def python(name: str, inputs: str = "") -> str:
    return f"name: {name}, type: python, source: {{type: code, path: {name}.py}}, inputs: {{{inputs}}}"
