"""The gates that a test function is sure to ask, read from its source without running it.

Only what stands for certain is taken: an ``assert`` of a rule with literal numbers, on a metric fixture called on
``responses``, before anything in the function could branch. Whatever is written otherwise is passed over.
"""

from __future__ import annotations

import ast
import inspect
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from textwrap import dedent
from tokenize import TokenError
from typing import Any

RULES: Mapping[str, tuple[str, ...]] = {
    "at_least": ("threshold",),
    "at_most": ("threshold",),
    "within": ("low", "high"),
    "not_worse_than": ("baseline", "margin"),
}
"""Name of a rule -> its arguments, in order."""

SIMPLE = (ast.Assert, ast.Assign, ast.AnnAssign, ast.Expr, ast.Import, ast.ImportFrom, ast.Pass)
"""Statements behind which the next one is reached, unless they end the test."""
ENDS = {"skip", "xfail", "fail", "exit", "importorskip"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One gate."""

    source: str
    """As it is written, on one line."""
    line: int
    metric: str
    """Name of the fixture."""
    path: tuple[str, ...]
    """Attributes from its group to the score: ``("accuracy",)``."""
    configured: bool
    """Whether the call has options of its own."""
    rule: str
    numbers: Sequence[float]
    confidence: float | None
    """None for the session's."""


def claims_of(function: Callable[..., Any]) -> Sequence[Claim]:
    """The gates of a test function; none where its source cannot be had, or does not say it for certain."""
    function = inspect.unwrap(function)
    code = getattr(function, "__code__", None)
    if code is None or not set(code.co_names) & RULES.keys():
        return ()
    try:
        lines, first = inspect.getsourcelines(function)
        (found,) = ast.parse(dedent("".join(lines))).body
    except (OSError, TypeError, ValueError, SyntaxError, TokenError):
        return ()
    return list(_Reader(found, max(first, 1)).claims()) if isinstance(found, ast.FunctionDef) else ()


class _Reader:
    """Reads one function."""

    def __init__(self, function: ast.FunctionDef, first: int) -> None:
        self.body = function.body
        self.first = first
        given = function.args
        self.arguments = {each.arg for each in (*given.posonlyargs, *given.args, *given.kwonlyargs)}
        self.bound = _bound(function)
        self.values: dict[str, ast.expr] = {}
        """What a name that is bound once stands for."""

    def claims(self) -> Iterator[Claim]:
        for statement in self.body:
            if not isinstance(statement, SIMPLE) or _ends(statement):
                return
            if isinstance(statement, ast.Assign):
                self._remember(statement)
            if isinstance(statement, ast.Assert):
                for part in _parts(statement.test):
                    claim = self._claim(part)
                    if claim is not None:
                        yield claim

    def _remember(self, statement: ast.Assign) -> None:
        """Note what a name stands for, where that is sure: bound once, to what was known before."""
        target, *others = statement.targets
        names = {node.id for node in ast.walk(statement.value) if isinstance(node, ast.Name)}
        known = all(not self.bound[name] or name in self.values for name in names)
        if known and not others and isinstance(target, ast.Name) and self.bound[target.id] == 1:
            self.values[target.id] = statement.value

    def _claim(self, asserted: ast.expr) -> Claim | None:
        call = self._meant(asserted)
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr in RULES):
            return None
        score, rule = self._score(call.func.value, "responses"), call.func.attr
        given = _arguments(call, RULES[rule])
        if score is None or given is None:
            return None
        if rule == "not_worse_than" and not self._is_baseline(given.pop("baseline", None), score):
            return None
        confidence = given.pop("confidence", None)
        numbers = [_number(given.get(name)) for name in RULES[rule] if name != "baseline"]
        if None in numbers or (confidence is not None and _number(confidence) is None):
            return None
        metric, path, configured = score
        return Claim(
            source=ast.unparse(call),
            line=self.first - 1 + call.lineno,
            metric=metric,
            path=path,
            configured=configured,
            rule=rule,
            numbers=[number for number in numbers if number is not None],
            confidence=None if confidence is None else _number(confidence),
        )

    def _score(self, score: ast.expr, of: str) -> tuple[str, tuple[str, ...], bool] | None:
        """Metric, attributes and whether options are given, where the expression is a metric's score of ``of``."""
        path: list[str] = []
        found = self._meant(score)
        while isinstance(found, ast.Attribute):
            path.insert(0, found.attr)
            found = self._meant(found.value)
        if not (isinstance(found, ast.Call) and len(found.args) == 1):
            return None
        metric, first = found.func, found.args[0]
        if not (self._is_fixture(metric) and self._is_fixture(first, of)):
            return None
        if any(keyword.arg is None for keyword in found.keywords):
            return None
        assert isinstance(metric, ast.Name)
        return metric.id, tuple(path), bool(found.keywords)

    def _is_baseline(self, given: ast.expr | None, score: tuple[str, tuple[str, ...], bool]) -> bool:
        """Whether this is the fixture, or its score under the same metric."""
        return given is not None and (self._is_fixture(given, "baseline") or self._score(given, "baseline") == score)

    def _is_fixture(self, found: ast.expr, name: str | None = None) -> bool:
        """Whether this is an argument of the test that nothing else is called."""
        if not isinstance(found, ast.Name) or found.id not in self.arguments or self.bound[found.id]:
            return False
        return name is None or found.id == name

    def _meant(self, found: ast.expr) -> ast.expr:
        """The expression that a name stands for."""
        return self.values.get(found.id, found) if isinstance(found, ast.Name) else found


def _ends(statement: ast.stmt) -> bool:
    """Whether a statement may skip the rest of the test."""
    called = (node.func for node in ast.walk(statement) if isinstance(node, ast.Call))
    return any(getattr(each, "attr", getattr(each, "id", "")) in ENDS for each in called)


def _bound(function: ast.FunctionDef) -> Counter[str]:
    """How often each name is bound within the function, by whatever: an assignment, a loop, an inner argument."""
    found: Counter[str] = Counter()
    for statement in function.body:
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
                found[node.id] += 1
            elif isinstance(node, ast.arg):
                found[node.arg] += 1
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                found[node.name] += 1
            elif isinstance(node, ast.alias):
                found[(node.asname or node.name).partition(".")[0]] += 1
            elif isinstance(node, ast.Global | ast.Nonlocal):
                found.update(node.names)
    return found


def _parts(test: ast.expr) -> list[ast.expr]:
    """What must hold for an assertion to: every part of an ``and``."""
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
        return [part for value in test.values for part in _parts(value)]
    return [test]


def _arguments(call: ast.Call, names: Sequence[str]) -> dict[str, ast.expr] | None:
    """Arguments by name; None where a star hides some, or one is given twice."""
    if any(isinstance(each, ast.Starred) for each in call.args) or len(call.args) > len(names):
        return None
    found = dict(zip(names, call.args, strict=False))
    for keyword in call.keywords:
        if keyword.arg is None or keyword.arg in found:
            return None
        found[keyword.arg] = keyword.value
    none = found.get("confidence")
    if isinstance(none, ast.Constant) and none.value is None:
        del found["confidence"]
    return found


def _number(found: ast.expr | None) -> float | None:
    """A literal number, finite."""
    sign = 1.0
    if isinstance(found, ast.UnaryOp) and isinstance(found.op, ast.USub):
        sign, found = -1.0, found.operand
    if not isinstance(found, ast.Constant) or isinstance(found.value, bool):
        return None
    if not isinstance(found.value, int | float) or not math.isfinite(found.value):
        return None
    return sign * found.value
