"""Rules as text: the very lines of a test, read and never run.

One rule a line, such as ``bleu >= 30``, ``assert chrf(responses).not_worse_than(baseline, margin=1)`` or
``rouge.rougeL.at_least(0.4, confidence=0.9)``. Python's parser reads a line, and only what is listed here is taken:
names, attributes, literals, one comparison or one rule of a score. Nothing is evaluated.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pytest_genaiops.dataset.text import quoted
from pytest_genaiops.errors import UsageError
from pytest_genaiops.records import NOTHING
from pytest_genaiops.registry import did_you_mean
from pytest_genaiops.report.text import excerpt

LONGEST = 1000
"""Characters of a line."""
MOST = 1000
"""Rules of one file."""
DEEPEST = 8
"""Attributes that lead to one number."""
OWN, BASELINE = "", "baseline"
"""Whose responses: the variant's own, or those of the suite's baseline."""
_SETTINGS = ("confidence", "coverage")
METHODS: Mapping[str, tuple[str, ...]] = {
    "at_least": ("threshold", *_SETTINGS),
    "at_most": ("threshold", *_SETTINGS),
    "within": ("low", "high", *_SETTINGS),
    "not_worse_than": ("baseline", "margin", *_SETTINGS, "min_shared", "slice_margins"),
    "better_than": ("baseline", *_SETTINGS, "min_shared"),
}
"""Rule of a score -> its arguments, in order; the last ones by keyword only."""
_POSITIONAL = {"threshold", "low", "high", "baseline", "margin"}
SCORES: Mapping[str, int] = {"pass_at": 1, "pass_hat": 1, "consistency": 0}
"""Method that makes another score -> how many whole numbers it takes."""
_OPERATORS: Mapping[type[ast.cmpop], str] = {ast.GtE: ">=", ast.Gt: ">", ast.LtE: "<=", ast.Lt: "<", ast.Eq: "=="}
MIRRORED = {">=": "<=", "<=": ">=", ">": "<", "<": ">", "==": "=="}


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A score by its name."""

    metric: str
    options: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    """Of the call: ``bleu(responses, tokenize="char")``."""
    path: tuple[str, ...] = ()
    """Attributes and keys from the metric's group to the score: ``("rougeL", "precision")``."""
    of: str = OWN
    """Whose responses: the variant's own, the baseline's, or those of the variant of this id."""
    then: tuple[str, tuple[int, ...]] | None = None
    """A method that makes another score of it, with its arguments: ``("pass_at", (3,))``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One line."""

    text: str
    """As it was written, without ``assert`` and comment."""
    line: int
    score: Named
    test: str
    """A comparison (``>=``) or a rule of scores (``at_least``)."""
    arguments: Mapping[str, Any]
    """Of the rule; ``other`` is what a comparison compares with, a number or a :class:`Named`."""

    @property
    def baseline(self) -> str | None:
        """What it compares with: :data:`BASELINE` or the id of a variant; None for a rule about one variant."""
        other = self.arguments.get("other")
        found = other.of if isinstance(other, Named) else self.arguments.get("baseline")
        return None if found is None else str(found)


def rules_of(text: str) -> list[Rule]:
    """The rules of a text, one a line; blank lines and comments are passed over.

    Raises:
        UsageError: a line is no rule, with its number and the column; or there are none, or more than ``MOST``.
    """
    found = [_Line(line, number).rule() for number, line in enumerate(text.splitlines(), start=1) if _says(line)]
    if not found:
        raise UsageError("there is no rule; write one a line, such as bleu >= 30")
    if len(found) > MOST:
        raise UsageError(f"there are {len(found)} rules; give at most {MOST}")
    return found


def _says(line: str) -> bool:
    bare = line.strip()
    return bool(bare) and not bare.startswith("#")


class _Line:
    """Reads one line."""

    def __init__(self, line: str, number: int) -> None:
        self.text = line.strip()
        self.number = number
        self.indent = len(line) - len(line.lstrip())

    def rule(self) -> Rule:
        asserted = self._asserted()
        if isinstance(asserted, ast.Compare):
            score, test, arguments = self._comparison(asserted)
        elif isinstance(asserted, ast.Call) and isinstance(asserted.func, ast.Attribute):
            score, test, arguments = self._method(asserted, asserted.func)
        else:
            raise self._wrong(asserted, "this is no rule; write a comparison, or a call of " + ", ".join(METHODS))
        if score.of != OWN:
            raise self._wrong(asserted, "a rule is about responses; the baseline stands on its other side")
        text = ast.get_source_segment(self.text, asserted) or self.text
        return Rule(text=excerpt(text, LONGEST), line=self.number, score=score, test=test, arguments=arguments)

    def _asserted(self) -> ast.expr:
        if len(self.text) > LONGEST:
            raise self._wrong(None, f"the line has {len(self.text)} characters; a rule has at most {LONGEST}")
        try:
            body = ast.parse(self.text).body
        except SyntaxError as error:
            raise self._wrong(None, f"this cannot be read ({error.msg})", (error.offset or 1) - 1) from None
        except (ValueError, RecursionError, MemoryError):
            raise self._wrong(None, "this cannot be read") from None
        if len(body) != 1:
            raise self._wrong(body[1] if body else None, "write one rule a line")
        statement = body[0]
        if isinstance(statement, ast.Assert):
            return statement.test
        if not isinstance(statement, ast.Expr):
            raise self._wrong(statement, "this is no rule; write a comparison, or a call of " + ", ".join(METHODS))
        return statement.value

    def _comparison(self, found: ast.Compare) -> tuple[Named, str, Mapping[str, Any]]:
        operator = _OPERATORS.get(type(found.ops[0]))
        if len(found.ops) > 1 or operator is None:
            raise self._wrong(found, "compare once, with one of " + " ".join(MIRRORED))
        left, right = found.left, found.comparators[0]
        if self._number(left) is not None:
            left, right, operator = right, left, MIRRORED[operator]
        number = self._number(right)
        if number is not None:
            return self._score(left), operator, {"other": number}
        other = self._score(right)
        if other.of == OWN:
            raise self._wrong(right, "compare with a number, or with the same score of the baseline")
        return self._score(left), operator, {"other": other}

    def _method(self, call: ast.Call, named: ast.Attribute) -> tuple[Named, str, Mapping[str, Any]]:
        if named.attr not in METHODS:
            raise self._wrong(named, f"no rule is called {quoted(named.attr)}; {did_you_mean(named.attr, [*METHODS])}")
        score = self._score(named.value)
        given = self._arguments(call, named.attr)
        arguments: dict[str, Any] = {}
        for name, node in given.items():
            if name == "baseline":
                arguments[name] = self._baseline(node, score)
            elif name == "slice_margins":
                arguments[name] = self._literal(node)
            else:
                arguments[name] = self._required(node, name)
        for name in METHODS[named.attr]:
            if name in _POSITIONAL and name not in arguments:
                raise self._wrong(call, f"{named.attr} needs {name}")
        return score, named.attr, arguments

    def _arguments(self, call: ast.Call, method: str) -> dict[str, ast.expr]:
        names = METHODS[method]
        room = [name for name in names if name in _POSITIONAL]
        if len(call.args) > len(room) or any(isinstance(each, ast.Starred) for each in call.args):
            raise self._wrong(call, f"{method} takes {', '.join(room)}, and the rest by keyword")
        given = dict(zip(room, call.args, strict=False))
        for keyword in call.keywords:
            if keyword.arg not in names:
                what = f"{method} has no argument {quoted(keyword.arg)}" if keyword.arg else "** is not read"
                raise self._wrong(keyword.value, f"{what}; {did_you_mean(keyword.arg or '', [*names])}")
            if keyword.arg in given:
                raise self._wrong(keyword.value, f"{keyword.arg} is given twice")
            given[keyword.arg] = keyword.value
        return given

    def _baseline(self, node: ast.expr, score: Named) -> str:
        if isinstance(node, ast.Name) and node.id == BASELINE:
            return BASELINE
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return node.value
        other = self._score(node)
        if other.of == OWN:
            raise self._wrong(
                node, f'name {BASELINE}, a variant ("v1"), or the score of one: {score.metric}({BASELINE})'
            )
        if (other.metric, other.options, other.path) != (score.metric, score.options, score.path):
            raise self._wrong(node, "the two sides are not one score")
        return other.of

    def _score(self, node: ast.expr) -> Named:
        """The score that an expression names."""
        path: list[str] = []
        then: tuple[str, tuple[int, ...]] | None = None
        found = node
        while not isinstance(found, ast.Name):
            if isinstance(found, ast.Call) and isinstance(found.func, ast.Name):
                return self._called(found, found.func.id, tuple(path), then)
            if isinstance(found, ast.Call) and isinstance(found.func, ast.Attribute) and not path and then is None:
                then = self._then(found, found.func)
                found = found.func.value
                continue
            if isinstance(found, ast.Attribute) and not found.attr.startswith("_"):
                path.insert(0, found.attr)
            elif isinstance(found, ast.Subscript) and isinstance(found.slice, ast.Constant):
                path.insert(0, str(found.slice.value))
            else:
                raise self._wrong(found, "this is no score; write a metric's name, or a call such as bleu(responses)")
            if len(path) > DEEPEST:
                raise self._wrong(found, f"no score is {DEEPEST} attributes deep")
            found = found.value
        return Named(metric=found.id, path=tuple(path), then=then)

    def _called(
        self, call: ast.Call, metric: str, path: tuple[str, ...], then: tuple[str, tuple[int, ...]] | None
    ) -> Named:
        of = OWN
        if len(call.args) > 1:
            raise self._wrong(call, f"write {metric}(responses), with options by keyword")
        for node in call.args:
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value:
                of = node.value
            elif isinstance(node, ast.Name) and node.id in ("responses", "response", BASELINE):
                of = BASELINE if node.id == BASELINE else OWN
            else:
                raise self._wrong(node, f'a rule knows responses, {BASELINE} and ids of variants, such as "v1"')
        if any(keyword.arg is None for keyword in call.keywords):
            raise self._wrong(call, "** is not read; write the options out")
        options = {str(keyword.arg): self._literal(keyword.value) for keyword in call.keywords}
        return Named(metric=metric, options=options, path=path, of=of, then=then)

    def _then(self, call: ast.Call, named: ast.Attribute) -> tuple[str, tuple[int, ...]]:
        count = SCORES.get(named.attr)
        if count is None:
            known = [*SCORES, *METHODS]
            raise self._wrong(named, f"{quoted(named.attr)} makes no score; {did_you_mean(named.attr, known)}")
        numbers = [each.value for each in call.args if isinstance(each, ast.Constant) and type(each.value) is int]
        if len(call.args) != count or len(numbers) != count or call.keywords:
            raise self._wrong(call, f"{named.attr} takes {'one whole number' if count else 'no argument'}")
        return named.attr, tuple(numbers)

    def _required(self, node: ast.expr, name: str) -> float:
        number = self._number(node)
        if number is None:
            raise self._wrong(node, f"{name} is to be a number")
        return number

    def _number(self, node: ast.expr) -> float | None:
        """A literal number; None for anything else."""
        sign = 1
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
            sign, node = -1 if isinstance(node.op, ast.USub) else 1, node.operand
        if not isinstance(node, ast.Constant) or type(node.value) not in (int, float):
            return None
        try:
            number = sign * float(node.value)  # type: ignore[arg-type]
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise self._wrong(node, "the number is too large")
        return int(number) if type(node.value) is int and number.is_integer() and abs(number) < 2**53 else number

    def _literal(self, node: ast.expr) -> Any:
        """A literal value: a number, text, True, False or None, or a list or mapping of these."""
        number = self._number(node)
        if number is not None:
            return number
        if isinstance(node, ast.Constant) and (node.value is None or isinstance(node.value, str | bool)):
            return node.value
        if isinstance(node, ast.List | ast.Tuple):
            return tuple(self._literal(each) for each in node.elts)
        if isinstance(node, ast.Dict) and None not in node.keys:
            keys = [self._literal(key) for key in node.keys if key is not None]
            if all(isinstance(key, str) for key in keys):
                return dict(zip(keys, map(self._literal, node.values), strict=True))
        raise self._wrong(node, "write the value out, as a number or a text")

    def _wrong(self, node: ast.AST | None, what: str, column: int = 0) -> UsageError:
        at = getattr(node, "col_offset", None)
        if at is not None:  # counted in bytes
            column = len(self.text.encode("utf-8", "surrogatepass")[:at].decode("utf-8", "ignore"))
        shown = excerpt(self.text, 80)
        return UsageError(f"rule in line {self.number}, column {column + self.indent + 1}: {what}: {shown}")
