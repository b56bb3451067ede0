"""Mustache to Jinja2, as far as both mean the same (https://mustache.github.io/mustache.5.html).

Text is never HTML-escaped: prompts are no markup (prompty's specification demands it of its other template
language and is silent on this one).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NoReturn

from pytest_genaiops.errors import VariantError

_TAG = re.compile(
    r"^[ \t]*+\{\{(?P<block>[#^/!])(?P<line>[^{}]*+)\}\}[ \t]*+(?:\n|\Z)"  # alone on its line, which goes with it
    r"|\{\{\{(?P<raw>[^{}]*+)\}\}\}|\{\{(?P<kind>[#^/!&>=]?)(?P<name>[^{}]*+)\}\}",
    re.MULTILINE,
)
_NAME = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")
_JINJA = re.compile(r"\{(?=[%#])")
_REFUSED = {">": "a partial", "=": "a change of delimiters"}
_ITEM = "mustache_item"
DEEPEST = 8
"""Sections inside one another: each name in them is looked up in all."""
LONGEST = 2**19
"""Characters of the translation: Jinja2 takes seconds to compile as many."""


def to_jinja(text: str, shown: str, line: int) -> str:
    """The same template in Jinja2.

    Variables, comments, sections and inverted sections are translated. Raises VariantError, with
    ``file:line`` (``line`` is the number of the text's first), for partials, other delimiters, names that are none
    and sections that do not close.
    """
    return _Translation(text=text, shown=shown, line=line).jinja()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Section:
    kind: str
    name: str
    at: int
    """Position of the tag that opens it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Translation:
    """One text on its way, and the sections that are open."""

    text: str
    shown: str
    line: int
    sections: list[_Section] = field(default_factory=list)

    def refuse(self, at: int, problem: str) -> NoReturn:
        line = self.line + self.text.count("\n", 0, at)
        raise VariantError(f"{self.shown}:{line}: {problem}")

    def jinja(self) -> str:
        pieces, at, size = list[str](), 0, 0
        for found in _TAG.finditer(self.text):
            name = next(found[group] for group in ("line", "raw", "name") if found[group] is not None)
            pieces += [self.literal(at, found.start()), self.tag(found["block"] or found["kind"], name.strip(), found)]
            at, size = found.end(), size + len(pieces[-1])
            if size > LONGEST:
                self.refuse(found.start(), "the template has too many tags; write it in Jinja2")
        if self.sections:
            last = self.sections[-1]
            self.refuse(last.at, f"the section {{{{{last.kind}{last.name}}}}} has no end; write {{{{/{last.name}}}}}")
        return "".join(pieces) + self.literal(at, len(self.text))

    def literal(self, start: int, end: int) -> str:
        wrong = self.text.find("{{", start, end)
        if wrong >= 0:
            self.refuse(wrong, "{{ opens no Mustache tag here; close it with }} after a name")
        return _JINJA.sub("{{ '{' }}", self.text[start:end])

    def tag(self, kind: str | None, name: str, found: re.Match[str]) -> str:
        at = found.start() + found[0].index("{{")
        if kind == "!":
            return ""
        if kind in _REFUSED:
            tag = f"{{{{{kind} {name} }}}}" if len(name) < 40 else f"{{{{{kind}"
            self.refuse(at, f"{_REFUSED[kind]} ({tag!r}) has no translation to Jinja2; write the text out")
        if name != "." and not _NAME.fullmatch(name):
            self.refuse(at, f"{name[:40]!r} is no name; Mustache tags hold names such as {{{{user.name}}}}")
        if kind == "/":
            return self.end(name, at)
        value = self.value(name, at)
        if kind not in ("#", "^"):
            return f"{{{{ {value} }}}}"
        self.sections.append(_Section(kind=kind, name=name, at=at))
        if len(self.sections) > DEEPEST:
            self.refuse(at, f"more than {DEEPEST} sections stand inside one another; flatten them")
        return f"{{% if not ({value}) %}}" if kind == "^" else f"{{% for {_ITEM}{self.depth} in ({_items(value)}) %}}"

    @property
    def depth(self) -> int:
        """How many sections that have items are open."""
        return sum(section.kind == "#" for section in self.sections)

    def end(self, name: str, at: int) -> str:
        if not self.sections:
            self.refuse(at, f"{{{{/{name}}}}} ends no section; remove it, or open one with {{{{#{name}}}}}")
        last = self.sections.pop()
        if last.name != name:
            self.refuse(at, f"{{{{/{name}}}}} stands where {{{{/{last.name}}}}} belongs; end the inner section first")
        return "{% endfor %}" if last.kind == "#" else "{% endif %}"

    def value(self, name: str, at: int) -> str:
        """A name is looked up in the innermost section's item that has it, and then among the inputs."""
        depth = self.depth
        if name == ".":
            if not depth:
                self.refuse(at, "{{.}} stands in no section; name an input")
            return f"{_ITEM}{depth}"
        first, value = name.partition(".")[0], name
        for level in range(1, depth + 1):
            item = f"{_ITEM}{level}"
            value = f"{item}.{name} if {item} is mapping and '{first}' in {item} else {value}"
        return value


def _items(value: str) -> str:
    """What a section runs over: the items of a list, a true value itself, nothing else."""
    is_list = f"is sequence and ({value}) is not string and ({value}) is not mapping"
    return f"({value}) if ({value}) {is_list} else ([{value}] if ({value}) else [])"
