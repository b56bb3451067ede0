"""Mustache to Jinja2, as far as both mean the same (https://mustache.github.io/mustache.5.html).

Text is never HTML-escaped: prompts are no markup (prompty's specification demands it of its other template
language and is silent on this one).
"""

from __future__ import annotations

import re

from pytest_genaiops.errors import VariantError

_TAG = re.compile(r"\{\{\{(?P<raw>[^{}]*)\}\}\}|\{\{(?P<kind>[#^/!&>=]?)(?P<body>[^{}]*)\}\}")
_ALONE = re.compile(r"^[ \t]*(\{\{[#^/!][^{}]*\}\})[ \t]*(?:\n|\Z)", re.MULTILINE)
_NAME = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")
_JINJA = re.compile(r"\{(?=[%#])")
_REFUSED = {">": "a partial", "=": "a change of delimiters"}


def to_jinja(text: str, shown: str, line: int) -> str:
    """The same template in Jinja2; its lines keep their numbers.

    Variables, comments, sections and inverted sections are translated. Raises VariantError, with
    ``file:line`` (``line`` is the number of the text's first), for partials, other delimiters, names that are none
    and sections that do not close.
    """
    # A section's tag alone on its line takes the line's end with it; a comment keeps the count.
    text = _ALONE.sub(lambda found: f"{found[1]}{{{{!\n}}}}" if found[0].endswith("\n") else found[1], text)
    pieces, open_sections, at = [], list[tuple[str, str]](), 0
    for tag in _TAG.finditer(text):
        here = f"{shown}:{line + text.count(chr(10), 0, tag.start())}"
        pieces += [_literal(text[at : tag.start()], here), _tag(tag, open_sections, here)]
        at = tag.end()
    here = f"{shown}:{line + text.count(chr(10))}"
    if open_sections:
        raise VariantError(f"{here}: the section {{{{#{open_sections[-1][1]}}}}} does not end; write {{{{/…}}}}")
    return "".join(pieces) + _literal(text[at:], here)


def _literal(text: str, here: str) -> str:
    if "{{" in text:
        raise VariantError(f"{here}: {{{{ opens no Mustache tag here; close it with }}}} after a name")
    return _JINJA.sub("{{ '{' }}", text)


def _tag(tag: re.Match[str], open_sections: list[tuple[str, str]], here: str) -> str:
    kind, name = tag["kind"] or "", (tag["raw"] if tag["raw"] is not None else tag["body"]).strip()
    if kind == "!":
        return "{#" + "\n" * tag[0].count("\n") + "#}"
    if kind in _REFUSED:
        raise VariantError(f"{here}: {_REFUSED[kind]} ({tag[0]!r}) has no translation to Jinja2; write the text out")
    if name != "." and not _NAME.fullmatch(name):
        raise VariantError(f"{here}: {name!r} is no name; Mustache tags hold names such as {{{{user.name}}}}")
    if kind == "/":
        return _end(name, open_sections, here)
    value = _value(name, len([kind for kind, _ in open_sections if kind == "#"]), here)
    if kind in ("#", "^"):
        open_sections.append((kind, name))
        depth = len([kind for kind, _ in open_sections if kind == "#"])
        if kind == "^":
            return f"{{% if not ({value}) %}}"
        return f"{{% for item{depth} in ({_items(value)}) %}}"
    return f"{{{{ {value} }}}}"


def _end(name: str, open_sections: list[tuple[str, str]], here: str) -> str:
    if not open_sections or open_sections[-1][1] != name:
        wanted = f"{{{{/{open_sections[-1][1]}}}}}" if open_sections else "no end: no section is open"
        raise VariantError(f"{here}: {{{{/{name}}}}} ends no section; here belongs {wanted}")
    return "{% endfor %}" if open_sections.pop()[0] == "#" else "{% endif %}"


def _value(name: str, depth: int, here: str) -> str:
    """A name is looked up in the innermost section's item that has it, and then among the inputs."""
    if name == "." and not depth:
        raise VariantError(f"{here}: {{{{.}}}} stands in no section; name an input")
    if name == ".":
        return f"item{depth}"
    first, value = name.partition(".")[0], name
    for level in range(1, depth + 1):
        value = f"item{level}.{name} if item{level} is mapping and '{first}' in item{level} else {value}"
    return value


def _items(value: str) -> str:
    """What a section runs over: the items of a list, a true value itself, nothing else."""
    is_list = "is sequence and ({0}) is not string and ({0}) is not mapping".format(value)
    return f"({value}) if ({value}) {is_list} else ([{value}] if ({value}) else [])"
