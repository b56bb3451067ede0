"""Templates that would take hours or gigabytes, by what they try; the names they see are in test_template_bounds.py."""

from __future__ import annotations


def twice(start: str, doubled: str, end: str = "") -> str:
    """A value that is doubled sixty times, by a few lines."""
    loop = "{% for i in range(60) %}{% set n.x = A %}{% set n.y = B %}{% endfor %}"
    once, again = doubled, doubled.replace("n.x", "n.y")
    head = "{% set n = namespace(x=X, y=X) %}".replace("X", start)
    return head + loop.replace("A", once).replace("B", again) + end


def often(statement: str) -> str:
    """A statement in a long loop."""
    return "{% for i in range(90000) %}" + statement + "{% endfor %}"


WIDTHS = {
    "filter": "{{ 'a' | center(10 ** 9) }}",
    "method": "{{ 'a'.center(1000000000) }}",
    "ljust": "{{ 'a'.ljust(10 ** 9) }}",
    "zfill": "{{ 'a'.zfill(10 ** 9) }}",
    "map": "{{ [1] | map('center', 10 ** 9) | list }}",
    "percent": "{{ '%1000000000d' % 1 }}",
    "percent precision": "{{ '%.1000000000f' % 1 }}",
    "percent star": "{{ '%*d' % (10 ** 9, 1) }}",
    "percent zeros": "{{ '%000000000999999999d' % 1 }}",
    "percent blank": "{{ '% 999999999d' % 1 }}",
    "percent name": "{{ '%(a)999999999d' % {'a': 1} }}",
    "percent brackets": "{{ '%(a(b)c)999999999d' % {'a(b)c': 1} }}",
    "percent filter": "{{ '%1000000000d' | format(1) }}",
    "percent map": "{{ ['%1000000000d'] | map('format', 1) | list }}",
    "percent markup": "{{ ('%1000000000d' | safe) % 1 }}",
    "percent again": "{{ ('%(a)s' * 100000) % {'a': long} }}",
    "batch": "{{ [1] | batch(10 ** 9, 'x') | list }}",
    "slice": "{{ [1] | slice(10 ** 9) | list }}",
    "round": "{{ 1.5 | round(10 ** 9, 'ceil') }}",
    "round by name": "{{ 1 | round(precision=10 ** 9, method='floor') }}",
    "indent": "{{ 'a\nb' | indent(10 ** 9) }}",
    "indent lines": "{{ words | replace(' ', '\n') | indent(1000) }}",
    "indent text": "{{ words | replace(' ', '\n') | indent(words) }}",
    "tojson": "{{ rows | tojson(indent=10 ** 9) }}",
    "tojson deep": "{{ rows | tojson(indent=1000) }}",
}
PRODUCTS = {
    "text": "{{ 'a' * 10 ** 12 }}",
    "turned": "{{ 10 ** 9 * 'a' }}",
    "tuple": "{{ (1,) * 10 ** 9 }}",
    "list of text": "{{ [long] * 100000 }}",
    "markup": "{{ ('&' | safe) * 10 ** 9 }}",
    "power": "{{ 9 ** 9999999999 }}",
    "tower": "{{ 9 ** 60 ** 60 ** 60 ** 60 ** 60 }}",
    "squares": "{% set n = namespace(x=9) %}{% for i in range(60) %}{% set n.x = n.x * n.x %}{% endfor %}",
    "division": "{{ (('f' * 1000000) | int(0, 16)) // (('f' * 500000) | int(0, 16)) }}",
    "divisible": "{{ (('f' * 1000000) | int(0, 16)) is divisibleby (('f' * 500000) | int(0, 16)) }}",
    "replace": "{{ long | replace('x', long) }}",
    "replace by name": "{{ long | replace(new=long, old='x') }}",
    "replace method": "{{ long.replace('x', long) }}",
    "replace nothing": "{{ long.replace('', long) }}",
    "join": "{{ (['x'] * 100000) | join(long) }}",
    "join by name": "{{ (['x'] * 100000) | join(d=long) }}",
    "join letters": "{{ long | join(long) }}",
    "join method": "{{ long.join(['x'] * 100000) }}",
    "join letters method": "{{ long.join(long) }}",
    "join generator": "{{ (rows | map(attribute='text') | map('replace', 't', long)) | join }}",
    "sum": "{{ ([[1] * 1000] * 1000) | sum(start=[]) }}",
    "wordwrap": "{{ long | wordwrap(1) }}",
    "wordwrap text": "{{ words | wordwrap(1, wrapstring=long) }}",
    "escape": "{{ ('&' * 3000000) | e | e | e | e }}",
}
DOUBLING = {
    "tilde": twice("'ab'", "n.x ~ n.x"),
    "plus": twice("'ab'", "n.x + n.x"),
    "markup": twice("'&' | safe", "n.x + n.x"),
    "list": twice("[1]", "n.x + n.x"),
    "block": "{% set n = namespace(x='ab') %}{% for i in range(60) %}{% set y %}{{ n.x }}{{ n.x }}{% endset %}"
    "{% set n.x = y %}{% endfor %}",
    "written": twice("[1]", "[n.x, n.x]", "{{ n.x }}"),
    "string": twice("[1]", "[n.x, n.x]", "{{ n.x | string }}"),
    "concat": twice("[1]", "[n.x, n.x]", "{{ n.x ~ '' }}"),
    "json": twice("[1]", "{'a': n.x, 'b': n.x}", "{{ n.x | tojson }}"),
    "dict": twice("{}", "dict(a=n.x, b=n.x)", "{{ n.x }}"),
    "equal": twice("[1]", "[n.x, n.x]", "{{ n.x == n.y }}"),
    "test": twice("[1]", "[n.x, n.x]", "{{ [n.x] is in [n.y] }}"),
    "select": twice("[1]", "[n.x, n.x]", "{{ [n.x] | select('eq', n.y) | list }}"),
    "changed": twice("[1]", "[n.x, n.x]", "{% for a in [n.x, n.y] %}{{ loop.changed(a) }}{% endfor %}"),
    "count": twice("[1]", "[n.x, n.x]", "{{ [n.x].count(n.y) }}"),
    "sort": twice("[1]", "[n.x, n.x]", "{{ [n.x, n.y] | sort | first | length }}"),
    "hash": twice("(1,)", "(n.x, n.x)", "{% set d = {n.x: 1} %}"),
    "item": twice("(1,)", "(n.x, n.x)", "{{ case[n.x] }}"),
    "get": twice("(1,)", "(n.x, n.x)", "{{ {1: 1}.get(n.x) }}"),
}
LOOPS = {
    "range": "{% for a in range(10 ** 18) %}{% endfor %}",
    "range list": "{{ range(10 ** 9) | list }}",
    "range join": "{{ 'a'.join(range(10 ** 9)) }}",
    "range again": "{% set r = range(90000) %}" + often("{% set x = r | sort %}"),
    "range within": "{% set r = range(90000) %}" + often("{% set x = 'x' in r %}"),
    "views": "{% set d = {"
    + ", ".join(f"'{n}': 1" for n in range(5000))
    + "} %}"
    + often("{% set x = 'x' in d.values() %}"),
    "view join": "{{ {" + ", ".join(f"'{n}': 1" for n in range(10)) + "}.keys() | join(long) }}",
    "ranges": "{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}{% endfor %}",
    "rows": "{% for a in rows %}{% for b in rows %}{% endfor %}{% endfor %}",
    "rows left out": "{% for a in rows %}{% for b in rows if false %}{% endfor %}{% endfor %}",
    "rows in filters": "{% for a in rows %}{% set x = rows | map(attribute='id') | list %}{% endfor %}",
    "recursive": "{% for a in rows recursive %}{{ loop(rows) }}{% endfor %}",
    "macro": "{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(60) }}",
    "macro for ever": "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
    "block": "{% block a %}{{ self.a() }}{{ self.a() }}{% endblock %}",
    "literal": often("{% set x = [" + "1," * 20000 + "] %}"),
    "text": often("y" * 5000),
    "text in a block": "{% set z %}" + often("y" * 5000) + "{% endset %}",
    "text in a macro": "{% macro m() %}" + "y" * 5000 + "{% endmacro %}" + often("{% set x = m() %}"),
    "text in a filter": often("{% filter upper %}" + "y" * 5000 + "{% endfilter %}"),
    "input": often("{{ long }}"),
    "cycle": often("{{ loop.cycle(long, long) }}"),
    **{name: often("{% set x = " + f"long | {name}" + " %}") for name in ("upper", "title", "wordcount", "list", "e")},
    "method": often("{% set x = long.upper() %}"),
    "part": often("{% set x = long[1:] %}"),
    "split": often("{% set x = words.split() %}"),
    "within": often("{% if 'zz' in long %}{% endif %}"),
    "within rows": often("{% if 'zz' in rows %}{% endif %}"),
    "sorted": often("{% set x = rows | sort(attribute='text') %}"),
    "grouped": often("{% set x = rows | groupby('text') %}"),
    "refund": often("{{ 1 | int }}") + "{{ [1] | map('(charge)', -10 ** 9) | list }}" + often("x"),
}
UNSAFE = {
    "format": "{{ '{:1000000000}'.format(1) }}",
    "format nested": "{{ '{:{}}'.format(1, 10 ** 9) }}",
    "format_map": "{{ '{x:999999999}'.format_map({'x': 1}) }}",
    "format by attr": "{{ ('{:1000000000}' | attr('format'))(1) }}",
    "format by item": "{{ '{:1000000000}'['format'](1) }}",
    "to_bytes": "{{ (1).to_bytes(10 ** 9, 'big') }}",
    "encode": "{{ long.encode('punycode') }}",
    "translate": "{{ long.translate({120: long}) }}",
    "expandtabs": "{{ '\t'.expandtabs(10 ** 9) }}",
}
