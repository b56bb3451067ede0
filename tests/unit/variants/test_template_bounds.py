"""A template can neither run for ever nor fill the memory, whoever wrote it, and ordinary ones notice nothing of it."""

from __future__ import annotations

import json
import time

import bombs
import pytest

from pytest_genaiops.errors import VariantError
from pytest_genaiops.variants.template import MOST_TOKENS, compile_fault, render

NAMES = {
    "long": "x" * 1_000_000,
    "words": " ".join(["word"] * 200_000),
    "rows": [{"id": number, "text": f"text {number}"} for number in range(20_000)],
    "case": {"id": "c1"},
}
BOUNDED = {
    f"{group}: {name}": text
    for group in ("WIDTHS", "PRODUCTS", "DOUBLING", "LOOPS")
    for name, text in getattr(bombs, group).items()
}
SAID = ("more than 250000 steps", "more than 4000000 characters", "too large", "calls itself without end")


@pytest.mark.parametrize("name", BOUNDED)
def test_it_is_stopped_before_it_takes_long(name: str) -> None:
    start = time.process_time()
    with pytest.raises(VariantError) as caught:
        render(BOUNDED[name], NAMES)
    assert time.process_time() - start < 60  # unbounded ones take hours
    # Not a MemoryError, nor what Python says when it is too late.
    assert any(part in str(caught.value) for part in SAID), str(caught.value)


@pytest.mark.parametrize("name", bombs.UNSAFE)
def test_methods_that_make_much_of_little_are_out_of_reach(name: str) -> None:
    with pytest.raises(VariantError, match=r"access to attribute '\w+' of '\w+' object is unsafe"):
        render(bombs.UNSAFE[name], NAMES)


@pytest.mark.parametrize(
    "text",
    [
        "{% set x = [" + "1," * MOST_TOKENS + "] %}",
        "{{ " + " ~ ".join(["n"] * MOST_TOKENS) + " }}",
        "{{ n }}" * MOST_TOKENS,
        "{{ n" + " | upper" * MOST_TOKENS + " }}",
        "{{ n" + ".a" * MOST_TOKENS + " }}",
        "{# a #}" * MOST_TOKENS,
    ],
    ids=["list", "concat", "expressions", "filters", "attributes", "comments"],
)
def test_a_template_that_would_take_long_to_compile_is_none(text: str) -> None:
    start = time.process_time()
    assert compile_fault(text) == (1, f"it has {MOST_TOKENS} words and signs, or more")
    assert time.process_time() - start < 60  # unbounded ones take hours


@pytest.mark.parametrize("text", ["{{ 'abcdefg' | truncate(2, true, 'long end') }}", "{{ cycler() }}", "{{ long() }}"])
def test_misuse_of_what_jinja_offers_is_a_sentence(text: str) -> None:
    with pytest.raises(VariantError, match=r"^the template fails: ."):
        render(text, NAMES)


@pytest.mark.parametrize("name", ["pprint", "random", "urlize", "xmlattr", "(charge)"])
def test_filters_that_prompts_have_no_use_for_are_not_there(name: str) -> None:
    assert compile_fault(f"{{{{ 1 | {name} }}}}") is not None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ names | join(', ') }}", "Ann, Bo"),
        ("{{ ', '.join(names) }}", "Ann, Bo"),
        ("{{ names | map('upper') | join('+') }}", "ANN+BO"),
        ("{{ rows | map(attribute='n') | sum }} {{ rows | sum(attribute='n') }}", "3 3"),
        ("{{ rows | selectattr('n', 'gt', 1) | map(attribute='n') | list }}", "[2]"),
        ("{% for a in names if a != 'Ann' %}{{ loop.index }}/{{ loop.length }} {{ a }}{% endfor %}", "1/1 Bo"),
        ("{% for a in names %}{{ a }}{% if not loop.last %}, {% endif %}{% else %}none{% endfor %}", "Ann, Bo"),
        ("{% for a in [] %}{% else %}none{% endfor %}", "none"),
        ("{% for a in tree recursive %}{{ a.n }}({{ loop(a.sub) }}){% endfor %}", "1(2())"),
        ("{% macro q(t) %}<{{ t }}>{% endmacro %}{{ q('a') }}{{ q(t='b') }}", "<a><b>"),
        ("{% macro l() %}[{{ caller() }}]{% endmacro %}{% call l() %}x{% endcall %}", "[x]"),
        ("{% filter upper %}a {{ names[0] }}{% endfilter %}", "A ANN"),
        ("{% set t %}{{ names[0] }}!{% endset %}{{ t }}", "Ann!"),
        ("{{ '%s is %05.1f %%' % ('it', 2.5) }} {{ '%s costs 20000' | format('it') }}", "it is 002.5 % it costs 20000"),
        ("{{ 'a b c'.split()[1:] }} {{ 'abc'[::-1] }} {{ 'Ab'.lower().center(4) }}|", "['b', 'c'] cba  ab |"),
        ("{{ 'a-b' | replace('-', '+') }} {{ 'aaa'.replace('a', 'b', 2) }}", "a+b bba"),
        ("{{ rows | tojson }}", '[{"n": 1}, {"n": 2}]'),
        ("{{ {'a': 1} | tojson(indent=2) }}", '{\n  "a": 1\n}'),
        (
            "{{ 2.567 | round(1) }} {{ 7 // 2 }} {{ 7 % 4 }} {{ 2 ** 10 }} {{ [0] * 3 }} {{ 1 + 2 - 3 }}",
            "2.6 3 3 1024 [0, 0, 0] 0",
        ),
        ("{{ 'one two' | indent(2, first=true) }}", "  one two"),
        ("{{ 'one two three' | wordwrap(7) }}", "one two\nthree"),
        ("{{ odd.update }} {{ odd.title }} {{ odd.items() | list | length }}", "u t 2"),
        ("{% for key, value in odd.items() %}{{ key }}={{ value }};{% endfor %}", "update=u;title=t;"),
        ("{{ odd | dictsort | first | first }}", "title"),
        ("{{ 1 if 'Ann' in names else 2 }} {{ 1 < 2 <= 2 }} {{ names is sequence }}", "1 True True"),
        ("{{ missing | default('-') }}{{ missing is defined }}", "-False"),
    ],
)
def test_what_prompts_do_is_left_alone(text: str, expected: str) -> None:
    names = {
        "names": ["Ann", "Bo"],
        "rows": [{"n": 1}, {"n": 2}],
        "tree": [{"n": 1, "sub": [{"n": 2, "sub": []}]}],
        "odd": {"update": "u", "title": "t"},
    }
    assert render(text, names) == expected


def test_a_long_context_has_room() -> None:
    passages = [f"Passage {number}. " + "All about Python. " * 150 for number in range(1000)]
    text = "{% for p in contexts %}[{{ loop.index }}] {{ p | trim }}\n{% endfor %}{{ contexts | length }}"
    assert len(render(text, {"contexts": passages})) > 2_500_000


def test_a_table_of_thousands_of_rows_has_room() -> None:
    rows = [{"id": number, "name": f"n{number}", "tags": ["a", "b"]} for number in range(5000)]
    line = "{{ r.id }}: {{ r.name | upper }} {{ r.tags | join('/') }}{% if r.id % 2 %}!{% endif %}\n"
    text = "{% for r in rows %}" + line + "{% endfor %}"
    assert len(render(text, {"rows": rows}).splitlines()) == 5000
    assert json.loads(render("{{ rows | tojson }}", {"rows": rows})) == rows
