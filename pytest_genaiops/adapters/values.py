"""What adapters share: options as JSON, entries of other packages' results, and values that lie on a scale."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from pytest_genaiops.clients.secrets import without_secrets
from pytest_genaiops.dataset.identity import canonical
from pytest_genaiops.dataset.text import listed, near, printable, quoted
from pytest_genaiops.errors import MetricError, UnscorableError
from pytest_genaiops.run.guard import attempt

ROUNDING = 1e-6
"""How far a value may lie beyond its scale and still be meant for its end: cosines of 1.0000000000000004."""
_LONGEST = 300
"""Characters of another package's own words in a message."""
_MOST = 16_384
"""Characters in which keys are looked for: in megabytes that takes seconds."""


def frozen(options: object, what: str) -> str:
    """Options as JSON in its canonical form: hashable, and the same for equal ones.

    Raises MetricError for what is no mapping, and for what JSON has no form for: a signature could not tell it.
    """
    if isinstance(options, str):
        try:
            options = json.loads(options)
        except (ValueError, RecursionError):
            options = None
    if not isinstance(options, Mapping):
        raise MetricError(f"{what} are {quoted(options)}, which is no mapping; write {{'name': value}}")
    try:
        return canonical(options).decode("utf-8")
    except (TypeError, ValueError, RecursionError):
        mend = "use text, numbers, lists and mappings, which a signature can tell apart"
        raise MetricError(f"{what} hold something that JSON has no form for: {quoted(options)}; {mend}") from None


def thawed(options: object) -> dict[str, Any]:
    """The options that :func:`frozen` has written down."""
    found: dict[str, Any] = json.loads(str(options))
    return found


def checked_scale(scale: object, what: str) -> tuple[float, float]:
    """The ends of a scale. Raises MetricError where they are not two numbers, the lower first; infinity is one."""
    ends = tuple(scale) if isinstance(scale, tuple | list) else ()
    if len(ends) != 2 or not all(_is_number(end) for end in ends) or not ends[0] < ends[1]:
        raise MetricError(f"{what}: scale is {quoted(scale)}; give its lowest and highest value, such as (0, 1)")
    return float(ends[0]), float(ends[1])


def identifier(name: str) -> str:
    """A name that reports, baselines and signatures can hold."""
    return re.sub(r"\W+", "_", name).strip("_")


def entry(result: object, key: str | None, name: str) -> float:
    """The number under ``key`` in what another package returned; without a key, its only number.

    Raises:
        MetricError: it is no mapping, has no such entry, or several numbers and no key says which.
        UnscorableError: the entry is no finite number.
    """
    if not isinstance(result, Mapping):
        raise MetricError(f"{name} gave {type(result).__name__}; a metric returns a mapping of names to numbers")
    if key is None:
        key = _only(result, name)
    elif key not in result:
        raise MetricError(f"{name} gives no {quoted(key)}{near(key, map(str, result))}; it gives {listed(result)}")
    value = result[key]
    if isinstance(value, list | tuple) and len(value) == 1:  # a list of one value a row
        value = value[0]
    if not isinstance(value, bool) and hasattr(value, "item") and getattr(value, "size", 1) == 1:
        value = value.item()
    if not isinstance(value, int | float) or not math.isfinite(value):
        said = result.get(f"{key.removesuffix('_score')}_reason") if isinstance(key, str) else None
        why = f": {quoted(said)}" if isinstance(said, str) and said else ""
        raise UnscorableError(f"{name} gave {quoted(value)} for {quoted(key)}, which is no finite number{why}")
    return float(value)


def on_scale(value: float, scale: tuple[float, float], name: str, mend: str) -> float:
    """The value, at an end of the scale where only rounding put it beyond. Raises MetricError for one far outside."""
    low, high = scale
    if not low - ROUNDING <= value <= high + ROUNDING:
        raise MetricError(f"{name} gave {value:g}, outside of its scale {low:g}-{high:g}; say its real one: {mend}")
    return min(max(value, low), high)


def said(error: BaseException) -> str:
    """What another package raised, on one line, bounded and without keys."""
    text, _ = attempt(str, error)
    words = " ".join(re.sub(r"[*=-]{5,}", " ", without_secrets((text or "")[:_MOST])).split())  # nltk draws lines
    return printable(f"{type(error).__name__}: {words[:_LONGEST]}" if words else type(error).__name__)


def _only(result: Mapping[Any, Any], name: str) -> str:
    """The key of the one number that a result holds."""
    numbers = [key for key, value in result.items() if _is_number(value) or _is_one(value)]
    if len(numbers) != 1:
        which = listed(map(str, numbers or result)) or "nothing"
        raise MetricError(f"{name} gives {which}; say which counts: key=")
    return str(numbers[0])


def _is_number(value: object) -> bool:
    """Whether it is a number, NaN and infinity too; what numpy calls a float is one."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_one(value: object) -> bool:
    return isinstance(value, list | tuple) and len(value) == 1 and _is_number(value[0])
