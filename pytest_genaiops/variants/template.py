"""Jinja2 in a sandbox: prompt text is data that a stranger may have written."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from pytest_genaiops.errors import VariantError

if TYPE_CHECKING:
    from jinja2.sandbox import ImmutableSandboxedEnvironment

MOST_STEPS = 100_000
"""Numbers that ``range`` gives, and calls, in one rendering: nested loops and macros that call themselves add up."""
LONGEST_PRODUCT = 1_000_000
"""Characters or items that ``*`` may make."""
MOST_BITS = 10_000
"""Size of a whole number that ``*`` or ``**`` may make."""

_BUDGET = "<budget>"
_RAW = re.compile(r"(\{%-?\s*(?:end)?raw\b)")
_BLOCK_END = re.compile(r"((?<![-+])[%#]\})\n")
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
        budget = _Budget()
        return str(_compiled(text).render({_BUDGET: budget, "range": budget.range, **names}))
    except UndefinedError as error:
        missing = _UNDEFINED.fullmatch(error.message or "")
        if missing:
            raise MissingInputError(missing[1]) from None
        raise VariantError(error.message or "a value is undefined") from None
    except RecursionError:
        raise VariantError("the template calls itself without end") from None
    except VariantError:
        raise
    except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError, AttributeError, MemoryError) as error:
        raise VariantError(f"the template fails: {str(error).rstrip('.')}") from None


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
def _compiled(text: str) -> Any:
    return _environment().from_string(text)


@functools.lru_cache(maxsize=1)
def _environment() -> ImmutableSandboxedEnvironment:
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Sandbox(ImmutableSandboxedEnvironment):
        """Also bounds what one operator can make, at run time and in constant folding."""

        intercepted_binops = frozenset({"*", "**"})

        def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
            _check_product(operator, left, right)
            return super().call_binop(context, operator, left, right)

        def call(self, context: Any, function: Any, /, *args: Any, **kwargs: Any) -> Any:
            context[_BUDGET].spend(1)
            return super().call(context, function, *args, **kwargs)

    environment = Sandbox(undefined=StrictUndefined, autoescape=False, finalize=_not_null)
    # Both are random: a prompt would differ from one rendering to the next.
    del environment.globals["lipsum"], environment.filters["random"]
    return environment


def _not_null(value: Any) -> Any:
    if value is None:
        raise VariantError("an expression is null, and would put the word None into the prompt; guard it with an if")
    return value


class _Budget:
    """What one rendering may still spend."""

    def __init__(self) -> None:
        self._steps = MOST_STEPS

    def spend(self, steps: int) -> None:
        self._steps -= steps
        if self._steps < 0:
            raise VariantError(f"the template makes more than {MOST_STEPS} loop steps and calls")

    def range(self, *bounds: int) -> Iterable[int]:
        numbers = range(*bounds)
        self.spend(len(numbers))
        return numbers


def _check_product(operator: str, left: Any, right: Any) -> None:
    """Refuse a repetition, product or power before it is made."""
    if isinstance(left, int) and isinstance(right, int):
        too_large = _bits(left) * right > MOST_BITS if operator == "**" else _bits(left) + _bits(right) > MOST_BITS
    else:
        factors = [len(value) if isinstance(value, (str, list, tuple)) else value for value in (left, right)]
        too_large = all(isinstance(factor, int) for factor in factors) and factors[0] * factors[1] > LONGEST_PRODUCT
    if too_large:
        raise VariantError(f"the template makes a value that is too large with {operator}")


def _bits(number: int) -> int:
    return (abs(number) - 1).bit_length()
