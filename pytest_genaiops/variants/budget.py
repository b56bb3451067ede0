"""What one rendering may spend, and what no operation of a template may make.

A template runs in the session's own process, where nothing can stop a single long operation: every operation is
therefore charged for the size of what it is given *before* it runs, and one whose result could be much larger is worked
out first. Units are steps, about a microsecond each, and characters.
"""

from __future__ import annotations

import re
from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, Sequence, ValuesView
from typing import Any

from pytest_genaiops.errors import VariantError

MOST_STEPS = 250_000
"""Steps of one rendering: iterations, calls, and what lies in the values that operations are given."""
LONGEST = 4_000_000
"""Characters that one rendering may write, or one value may have: a million tokens."""
MOST_BITS = 10_000
"""Size of a whole number that ``*`` or ``**`` may make."""
WIDEST = 9_999
"""Width, count or precision that a filter, a method or ``%`` may be given."""

_MARK = re.compile(r"%(?:\([^)]*\))?[^a-zA-Z%]*")
_NESTED = re.compile(r"%\([^)]*\(")
_BULKY = {"batch", "center", "format", "indent", "round", "slice", "tojson", "wordwrap", "ljust", "rjust", "zfill"}
"""Filters and methods whose numbers say how much they make."""
LIGHT = {
    "length", "count", "first", "last", "default", "d", "list", "reverse", "map", "select", "reject", "selectattr",
    "rejectattr", "items", "attr", "safe",
}  # fmt: skip
"""Filters that do not look into the values that they are given."""

CONTAINERS = (list, tuple, Mapping, KeysView, ValuesView, ItemsView, set, frozenset)
"""What holds other values, and is walked through where they count."""


class Budget:
    """The account of one rendering. Every method raises VariantError where it is overdrawn."""

    __slots__ = ("_characters", "_steps")

    def __init__(self) -> None:
        self._steps = MOST_STEPS
        self._characters = LONGEST

    def spend(self, steps: int, characters: int = 0) -> None:
        """Take steps and written characters off."""
        self._steps -= max(1, steps)
        self._characters -= max(0, characters)
        if self._steps < 0:
            raise VariantError(f"the template takes more than {MOST_STEPS} steps; shorten its loops, or the row")
        if self._characters < 0:
            raise VariantError(f"the template writes more than {LONGEST} characters; shorten its loops, or the row")

    def weigh(self, value: Any) -> int:
        """Charge for all that a value holds, and return its characters; what is too large to work with is refused."""
        if isinstance(value, str):
            return self._text(value)
        self.spend(1)
        if isinstance(value, int) and value.bit_length() > 10 * MOST_BITS:
            raise VariantError("the template makes a number that is too large")
        return self._container(value) if isinstance(value, CONTAINERS) else 8

    def look_through(self, value: Any) -> None:
        """Charge for one pass over a text or a list, as filters and methods make it: slower than operators are."""
        self.spend(1 + (len(value) // 50 if isinstance(value, (str, *CONTAINERS)) else 0))

    def _text(self, text: str) -> int:
        self.spend(1 + len(text) // 1000)
        if len(text) > LONGEST:
            raise VariantError(f"the template makes a text of more than {LONGEST} characters")
        return len(text)

    def _container(self, value: Any) -> int:
        """A value may stand in itself a thousand times over: it is counted as often as it would be written."""
        characters, waiting = 0, [value]
        while waiting:
            each = waiting.pop()
            if isinstance(each, CONTAINERS):
                self.spend(1 + len(each) // 10)
                waiting.extend(each)
                if isinstance(each, Mapping):
                    waiting.extend(each.values())
            else:
                characters += 4 + (len(each) if isinstance(each, str) else 16)
            if characters > LONGEST:
                raise VariantError(f"the template makes a value of more than {LONGEST} characters")
        self.spend(characters // 1000)
        return characters

    def counted(self, values: Iterable[Any]) -> Iterator[Any]:
        """The values, each charged when it is taken."""
        for value in values:
            self.spend(1 + (len(value) // 1000 if isinstance(value, str) else 0))
            yield value

    def range(self, *bounds: int) -> Iterable[int]:
        """The numbers of ``range`` as a list, charged for as long as it is."""
        numbers = range(*bounds)
        self.spend(len(numbers))
        return [*numbers]

    def operate(self, operator: str, left: Any, right: Any) -> None:
        """Charge for an operator before it is applied; a product or power that would be too large is refused."""
        sizes = self.weigh(left), self.weigh(right)
        if operator == "%" and isinstance(left, str):
            self.formatted(left, sizes[1])
        if operator not in ("*", "**"):
            return
        if isinstance(left, int) and isinstance(right, int):
            bits = _bits(left) * max(right, 0) if operator == "**" else _bits(left) + _bits(right)
            self._refuse_if(bits > MOST_BITS, operator)
        for sequence, times, size in ((left, right, sizes[0]), (right, left, sizes[1])):
            if isinstance(sequence, (str, list, tuple)) and isinstance(times, int) and operator == "*":
                self.spend(len(sequence) * max(0, times) // (1000 if isinstance(sequence, str) else 10))
                self._refuse_if(size * times > LONGEST, operator)

    def formatted(self, text: str, size: int) -> None:
        """Refuse a ``%`` whose widths, or whose repeated texts, would make too much; ``size`` is its values'."""
        marks = _MARK.findall(text)
        widths = [number.lstrip("0") for mark in marks for number in re.findall("[0-9]+", mark)]
        wide = any("*" in mark for mark in marks) or any(len(width) > 4 for width in widths)
        # A name in brackets may hold brackets, and then the mark is not all that belongs to it.
        self._refuse_if(wide or bool(_NESTED.search(text)) or len(marks) * (size + 100) > 4 * LONGEST, "%")

    def bulk(self, name: str, value: Any, given: Sequence[Any], named: Mapping[str, Any]) -> None:
        """Refuse a filter or method whose arguments say that it makes too much."""
        arguments = [*given, *named.values()]
        numbers = [abs(a) for a in arguments if isinstance(a, int) and not isinstance(a, bool)]
        longest = max([1, *(len(a) for a in arguments if isinstance(a, str))])
        length = len(value) if isinstance(value, str) else 0
        large = name in _BULKY and max(numbers, default=0) > (100 if name == "round" else WIDEST)
        if name == "format" and length:
            self.formatted(value, sum(map(self.weigh, arguments)))
        elif name == "indent" and length:
            large |= (value.count("\n") + 1) * max([4, longest, *numbers]) > LONGEST
        elif name == "replace" and length:
            old, new = [str(a) for a in (*given, *(named[key] for key in ("old", "new") if key in named))][:2]
            large |= value.count(old) * len(new) > LONGEST
        elif name == "wordwrap":  # it takes a long word apart piece by piece, and copies the rest each time
            large |= length > 20_000 or length * longest > LONGEST
        elif name == "tojson" and numbers:  # an indentation for every level of every value
            large |= max(numbers) > 16 or self.weigh(value) > 100_000
        elif name == "sum":  # of lists, it would copy what it has for each of them
            large |= not all(isinstance(a, (int, float, str)) for a in arguments)
        self._refuse_if(large, name)

    def joined(self, separator: Any, values: Any) -> None:
        """Refuse a join that would be too long."""
        if isinstance(values, (str, *CONTAINERS)):
            self._refuse_if(self.weigh(values) + len(values) * len(str(separator)) > 2 * LONGEST, "join")

    def _refuse_if(self, large: bool, what: str) -> None:
        if large:
            raise VariantError(f"the template makes a value that is too large with {what}")


def _bits(number: int) -> int:
    return (abs(number) - 1).bit_length()
