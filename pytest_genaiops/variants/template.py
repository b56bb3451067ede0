"""Jinja2 in a sandbox: prompt text is data that a stranger may have written."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

from pytest_genaiops.errors import VariantError
from pytest_genaiops.variants.budget import Budget
from pytest_genaiops.variants.sandbox import BUDGET, make_sandbox

if TYPE_CHECKING:
    from jinja2.sandbox import ImmutableSandboxedEnvironment

MOST_TOKENS = 20_000
"""Words and signs of one template: half a second and a hundred megabytes to compile, where a million take a minute."""
_RAW = re.compile(r"(\{%-?\s*(?:end)?raw\b)")
_BLOCK_END = re.compile(r"((?<![-+])[%#]\})\n")
_FAULTS = (
    ArithmeticError, AssertionError, AttributeError, LookupError, MemoryError, NameError, RuntimeError, TypeError,
    ValueError,
)  # fmt: skip
"""What operations, filters and Jinja2's own helpers raise when they are misused."""
_UNDEFINED = re.compile(r"'(\w+)' is undefined")


class CertainError(VariantError):
    """A fault of the template itself, whatever the values are that it is rendered with."""


class MissingInputError(CertainError):
    """A template that uses a name which the case does not have."""

    def __init__(self, name: str) -> None:
        super().__init__(f"the input {name!r} is missing")
        self.name = name


def compile_fault(text: str) -> tuple[int, str] | None:
    """Line (from 1) and description of what keeps a text from being a template; None where nothing does."""
    from jinja2 import TemplateSyntaxError

    try:
        if len(text) > MOST_TOKENS // 2:
            tokens = islice(_environment().lex(text), MOST_TOKENS)
            if sum(1 for _ in tokens) == MOST_TOKENS:
                return 1, f"it has {MOST_TOKENS} words and signs, or more"
        _compiled(text)
    except TemplateSyntaxError as error:
        return error.lineno, error.message or "a syntax error"
    except (SyntaxError, RecursionError, ValueError, MemoryError, OverflowError) as error:
        return 1, f"it cannot be compiled: {error}"
    return None


def render(text: str, names: Mapping[str, Any]) -> str:
    """The text with its expressions filled in.

    Raises MissingInputError for an undefined name, and VariantError for everything else that a
    template can do wrong: a null in the text, a forbidden attribute, endless loops or recursion.
    """
    from jinja2 import TemplateError, UndefinedError

    try:
        budget = Budget()
        return str(_compiled(text).render({BUDGET: budget, "range": budget.range, **names}))
    except UndefinedError as error:
        missing = _UNDEFINED.fullmatch(error.message or "")
        if missing:
            raise MissingInputError(missing[1]) from None
        raise VariantError(error.message or "a value is undefined") from None
    except RecursionError:
        raise VariantError("the template calls itself without end") from None
    except VariantError:
        raise
    except (TemplateError, *_FAULTS) as error:
        why = str(error).rstrip(".") or type(error).__name__
        raise VariantError(f"the template fails: {why}") from None


@functools.lru_cache(maxsize=1024)
def trimmed(text: str) -> str:
    """The template under Jinja2's ``trim_blocks``: a newline after a block's tag is no text.

    It goes into a comment, so that lines keep their numbers.
    """
    pieces, raw = [], False
    for number, piece in enumerate(_RAW.split(text)):
        if number % 2:
            raw = not piece.endswith("endraw")
        pieces.append(piece if raw else _BLOCK_END.sub("\\1{#\n#}", piece))
    return "".join(pieces)


@functools.lru_cache(maxsize=1024)
def names_in(text: str) -> frozenset[str]:
    """Names that a template reads and does not make itself. Raises as Jinja2 does for a text that is no template."""
    from jinja2.meta import find_undeclared_variables

    return frozenset(find_undeclared_variables(_environment().parse(text)))


@functools.lru_cache(maxsize=1024)
def looped_over(text: str) -> frozenset[str]:
    """Names whose items a loop of the template takes. Raises as Jinja2 does for a text that is no template."""
    from jinja2 import nodes

    found = set()
    for loop in _environment().parse(text).find_all(nodes.For):
        over = loop.iter
        while isinstance(over, (nodes.Filter, nodes.Getitem)) and isinstance(over.node, nodes.Expr):
            over = over.node
        if isinstance(over, nodes.Name):
            found.add(over.name)
    return frozenset(found)


@functools.lru_cache(maxsize=1024)
def _compiled(text: str) -> Any:
    template = _environment().from_string(text)
    # Jinja2 copies them for every text it makes, and a ChainMap, which they are otherwise, takes long to copy.
    template.globals = dict(template.globals)
    return template


@functools.lru_cache(maxsize=1)
def _environment() -> ImmutableSandboxedEnvironment:
    return make_sandbox()
