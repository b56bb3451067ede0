"""Nodes with variants are the axes of a flow, so that reports tell what each of them does."""

from __future__ import annotations

from pathlib import Path

import pytest
from flow_help import nodes, write

from pytest_genaiops import evaluate, variants

FLOW = """
inputs: {x: {type: string}}
outputs: {y: {type: string, reference: "${last.output}"}}
nodes:
- {name: first, use_variants: true}
- {name: last, use_variants: true}
- {name: aside, use_variants: true}
node_variants:
  first:
    default_variant_id: plain
    variants:
      kind: {node: {type: llm, source: {type: code, path: a.jinja2}, inputs: {temperature: 1, q: "${inputs.x}"}, api: chat}}
      plain: {node: {type: llm, source: {type: code, path: a.jinja2}, inputs: {temperature: 0, q: "${inputs.x}"}, api: chat}}
  last:
    default_variant_id: v0
    variants:
      v0: {node: {type: llm, source: {type: code, path: b.jinja2}, inputs: {top_p: 1, q: "${first.output}"}, api: chat}}
      v1: {node: {type: llm, source: {type: code, path: b.jinja2}, inputs: {top_p: 0.5, q: "${first.output}"}, api: chat}}
      v2: {node: {type: llm, source: {type: code, path: b.jinja2}, inputs: {top_p: 0.2, q: "${first.output}"}, api: chat}}
  aside:
    default_variant_id: x
    variants: {x: {node: {type: python}}, y: {node: {type: python}}}
"""  # noqa: E501 - as prompt flow writes it


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write(tmp_path, FLOW, a="{{ q }}", b="{{ q }}")
    return tmp_path


def test_the_default_has_the_default_variant_of_each_node(root: Path) -> None:
    found = variants.select("flows/web", root=root)
    assert {variant.id: dict(variant.axes) for variant in found} == {
        "web": {"first": "plain", "last": "v0"},
        "web-first=kind": {"first": "kind", "last": "v0"},
        "web-last=v1": {"first": "plain", "last": "v1"},
        "web-last=v2": {"first": "plain", "last": "v2"},
    }


def test_every_combination_has_axes(root: Path) -> None:
    found = variants.select({"flow": "flows/web", "combine": "product"}, root=root)
    assert len({tuple(variant.axes.items()) for variant in found}) == len(found) == 6


@pytest.mark.parametrize(("combine", "interactions"), [("one", 0), ("product", 2)])
def test_a_report_tells_what_each_node_does(root: Path, combine: str, interactions: int) -> None:
    rows = [{"id": f"c{number}", "x": "hello", "reference": "yes"} for number in range(8)]
    found = evaluate(
        rows,
        target=lambda case, variant: "no" if variant.axes["last"] == "v2" else "yes",
        variants=variants.select({"flow": "flows/web", "combine": combine}, root=root),
        metrics=["exact_match"],
    ).factorial()
    effects = {(row.axis, row.level, row.reference): row.effect for row in found.view.effects}
    assert effects == {
        ("first", "kind", "plain"): pytest.approx(0),
        ("last", "v1", "v0"): pytest.approx(0),
        ("last", "v2", "v0"): pytest.approx(-1),
    }
    assert len(found.view.interactions) == interactions


def test_a_node_that_is_none_of_its_variants_is_called_as_it_is_written(tmp_path: Path) -> None:
    own = '{name: first, type: llm, source: {type: code, path: a.jinja2}, inputs: {q: "${inputs.x}"}, api: chat}'
    write(tmp_path, FLOW.replace("{name: first, use_variants: true}", own), a="{{ q }}", b="{{ q }}")
    found = variants.select("flows/web", root=tmp_path)
    assert found[0].axes["first"] == "as written"
    assert {each.axes["first"] for each in found} == {"as written", "kind", "plain"}


def test_a_flow_without_variants_has_no_axes(tmp_path: Path) -> None:
    write(
        tmp_path,
        nodes("name: a, type: llm, source: {type: code, path: a.jinja2}, api: chat, inputs: {q: Hi}"),
        a="{{ q }}",
    )
    (variant,) = variants.select("flows/web", root=tmp_path)
    assert dict(variant.axes) == {}
