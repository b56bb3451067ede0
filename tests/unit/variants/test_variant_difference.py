"""In which settings and blocks two variants differ."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_genaiops import variants

BASE: dict[str, Any] = {
    "id": "v1",
    "model": {"name": "small", "api_key_env": "KEY"},
    "parameters": {"temperature": 0},
    "blocks": {"persona": "You teach.", "examples": ["One.", "Two."]},
    "rag": {"rerank": {"top": 3}, "k": 4},
}
STEPS: dict[str, Any] = {
    "id": "v1",
    "parameters": {"temperature": 0},
    "steps": [{"id": "draft", "user": "x"}, {"id": "revise", "user": "y"}],
}


def changes(base: dict[str, Any], **keys: Any) -> list[tuple[Any, ...]]:
    found = variants.difference(variants.from_mapping({**base, **keys}), variants.from_mapping(base))
    return [(change.path, change.before, change.after) for change in found]


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"id": "v2", "description": "other", "model": {"name": "small", "api_key_env": "OTHER"}}, []),
        ({"parameters": {"temperature": 0.7}}, [("parameters.temperature", "0", "0.7")]),
        (
            {"parameters": {"seed": 1}},
            [("parameters.temperature", "0", None), ("parameters.seed", None, "1")],
        ),
        ({"parameters": {}}, [("parameters.temperature", "0", None)]),
        ({"model": {"name": "large"}}, [("model.name", "small", "large")]),
        ({"rag": {"rerank": {"top": 5}, "k": 4}}, [("rag.rerank.top", "3", "5")]),
        ({"rag": {"rerank": {"top": 3}, "k": "4"}}, [("rag.k", "4", '"4"')]),
        ({"rag": {"rerank": {"top": 3}, "k": [4, None]}}, [("rag.k", "4", "[4, null]")]),
        (
            {"blocks": {"persona": "You learn.", "examples": ["One."]}},
            [("block persona", "You teach.", "You learn."), ("block examples[1]", "Two.", None)],
        ),
        ({"user": "Q: {{ question }}"}, [("block user", "(the case's question)", "Q: {{ question }}")]),
        ({"user": None}, [("block user", "(the case's question)", None)]),
    ],
)
def test_settings_and_blocks(keys: dict[str, Any], expected: list[tuple[Any, ...]]) -> None:
    assert changes(BASE, **keys) == expected


def test_the_texts_of_prompts_are_told_from_settings() -> None:
    found = variants.difference(variants.from_mapping({**BASE, "user": "Q", "rag": {}}), variants.from_mapping(BASE))
    assert [(change.path, change.prose) for change in found] == [
        ("block user", True),
        ("rag.rerank.top", False),
        ("rag.k", False),
    ]


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"parameters": {"temperature": 1}}, [("parameters.temperature", "0", "1")]),
        (
            {"steps": [{"id": "draft", "user": "x"}, {"id": "revise", "user": "z", "parameters": {"seed": 1}}]},
            [("step revise: parameters.seed", None, "1"), ("step revise: block user", "y", "z")],
        ),
        (
            {"steps": [*STEPS["steps"], {"id": "check", "blocks": {"persona": "a", "constraints": "b"}}]},
            [("step check", None, "a\n\nb\n\n(the case's question)")],
        ),
        ({"steps": STEPS["steps"][:1]}, [("step revise", "y", None)]),
        ({"steps": STEPS["steps"][::-1]}, [("order of steps", "draft, revise", "revise, draft")]),
    ],
)
def test_steps(keys: dict[str, Any], expected: list[tuple[Any, ...]]) -> None:
    assert changes(STEPS, **keys) == expected


def test_one_prompt_instead_of_steps() -> None:
    alone = variants.from_mapping({"id": "v", "parameters": {"temperature": 0}, "user": "x"})
    found = variants.difference(alone, variants.from_mapping(STEPS))
    assert [change.path for change in found] == ["step draft", "step revise", "step answer"]


def test_roles() -> None:
    def said(role: str) -> variants.Variant:
        return variants.from_mapping({"id": "v", "messages": [{"role": role, "content": "x"}]})

    (change,) = variants.difference(said("user"), said("system"))
    assert (change.path, change.before, change.after) == ("roles", "system (1)", "user (1)")


def test_nothing_is_known_of_a_bare_name() -> None:
    assert variants.difference(variants.bare("a"), variants.bare("b")) == ()
    assert variants.difference(variants.from_mapping(BASE), variants.bare("b")) == ()


VALUES = st.sampled_from([0, 1, "1", "x", None, True, [1], {"a": 1}, {"a": {"b": 1}}, {"a.b": 1}, {}])
SETTINGS = st.dictionaries(st.sampled_from(["a", "b", "a.b"]), VALUES, max_size=2)
WORDS = st.sampled_from(["x", "y", "(the case's question)"])
PROMPTS = st.one_of(
    st.fixed_dictionaries({"user": WORDS}),
    st.fixed_dictionaries({"blocks": st.dictionaries(st.sampled_from(["persona", "examples"]), WORDS, min_size=1)}),
    st.lists(st.sampled_from(["system", "user"]), min_size=1, max_size=2).map(
        lambda roles: {"messages": [{"role": role, "content": "x"} for role in roles]}
    ),
)
STEP_LISTS = st.lists(PROMPTS, min_size=1, max_size=2).flatmap(
    lambda prompts: st.permutations([{"id": f"s{i}", **prompt} for i, prompt in enumerate(prompts)])
)
VARIANTS = st.builds(
    lambda settings, rag, prompt: variants.from_mapping({"id": "v", "parameters": settings, "rag": rag, **prompt}),
    SETTINGS,
    SETTINGS,
    PROMPTS | STEP_LISTS.map(lambda steps: {"steps": steps}),
)


@given(one=VARIANTS, other=VARIANTS)
def test_they_differ_in_something_exactly_if_they_behave_differently(
    one: variants.Variant, other: variants.Variant
) -> None:
    assert (variants.difference(one, other) == ()) == (one.hash == other.hash)
