"""The environment that templates run in: what they can reach, and how each operation finds the budget.

Jinja2's sandbox keeps templates from Python's insides. It does not keep them from taking for ever: text and loops are
charged by statements that are put into the tree of a template; operators, calls, filters and tests by the hooks that
the sandbox has for them.
"""

from __future__ import annotations

from collections.abc import Callable, ItemsView, Iterator, KeysView, Mapping, ValuesView
from typing import TYPE_CHECKING, Any

from pytest_genaiops.errors import VariantError
from pytest_genaiops.variants.budget import LIGHT, Budget

if TYPE_CHECKING:
    from jinja2 import nodes
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    Base = ImmutableSandboxedEnvironment
else:
    Base = object

BUDGET = "<budget>"
"""Where a rendering's budget stands in its context. No template can write this name, nor the next two."""
_CHARGE, _WEIGH = "(charge)", "(weigh)"
_REMOVED = ("pprint", "random", "urlize", "xmlattr")
"""One makes a prompt differ from one rendering to the next; the others are for web pages and programmers."""
_WEIGHED_TESTS = (
    "eq", "equalto", "==", "ne", "!=", "gt", "greaterthan", ">", "ge", ">=", "lt", "lessthan", "<", "le", "<=", "in",
    "divisibleby", "even", "odd",
)  # fmt: skip
_TEXT = """
    capitalize casefold center count endswith find index isalnum isalpha isascii isdecimal isdigit isidentifier islower
    isnumeric isprintable isspace istitle isupper join ljust lower lstrip partition removeprefix removesuffix replace
    rfind rindex rjust rpartition rsplit rstrip split splitlines startswith strip swapcase title upper zfill
"""
_METHODS: dict[type, frozenset[str]] = {
    str: frozenset(_TEXT.split()),
    dict: frozenset({"get", "items", "keys", "values"}),
    list: frozenset({"count", "index"}),
    tuple: frozenset({"count", "index"}),
    float: frozenset({"is_integer"}),
    **dict.fromkeys((int, bytes, bytearray, complex, range, set, frozenset), frozenset()),
}
"""What of Python's own types a template may call: nothing that makes much of little, but for what ``bulk`` knows."""


class Bounded(Base):
    """Also bounds what a template can take of time and memory."""

    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "%", "**"})

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        _charge_bodies(tree)
        _weigh_operands(tree)
        return tree

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Apply an operator, if it is not too much."""
        context[BUDGET].operate(operator, left, right)
        return super().call_binop(context, operator, left, right)

    def call(self, context: Any, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Call a function, a macro or a method, if it is not too much."""
        budget: Budget = context[BUDGET]
        budget.spend(1)
        for argument in (*args, *kwargs.values()):
            budget.weigh(argument)
        owner, name = getattr(function, "__self__", None), getattr(function, "__name__", "")
        if isinstance(owner, (str, list, tuple)):
            budget.look_through(owner)
            if name == "join":
                args = tuple([*budget.counted(each)] for each in args)
                budget.joined(owner, *args)
            budget.bulk(name, owner, args, kwargs)
        return super().call(context, function, *args, **kwargs)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Whether a template may have an attribute; Jinja2 asks."""
        allowed = _methods(obj)
        return super().is_safe_attribute(obj, attr, value) and (allowed is None or attr in allowed)

    def getattr(self, obj: Any, attribute: str) -> Any:
        """``obj.attribute``; of a mapping the item where it has no such method to offer."""
        allowed = _methods(obj)
        if allowed is None or attribute in allowed:
            return super().getattr(obj, attribute)
        if isinstance(obj, Mapping) and attribute in obj:
            return obj[attribute]
        known = hasattr(type(obj), attribute)
        return self.unsafe_undefined(obj, attribute) if known else self.undefined(obj=obj, name=attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """``obj[argument]``."""
        plain = isinstance(argument, str) and not isinstance(obj, Mapping) and _methods(obj) is not None
        return self.getattr(obj, argument) if plain else super().getitem(obj, argument)


def make_sandbox() -> ImmutableSandboxedEnvironment:
    """An environment whose renderings each find their budget in the context."""
    from jinja2 import StrictUndefined, pass_context
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Sandbox(Bounded, ImmutableSandboxedEnvironment):
        """Jinja2's own with our bounds."""

    environment = Sandbox(undefined=StrictUndefined, autoescape=False, finalize=pass_context(_written))
    del environment.globals["lipsum"]  # it is random
    for name in _REMOVED:
        del environment.filters[name]
    for name in list(environment.filters):
        environment.filters[name] = pass_context(_bounded(name, environment.filters[name]))
    tests: dict[str, Any] = environment.tests
    for name in _WEIGHED_TESTS:
        tests[name] = pass_context(_bounded(name, tests[name]))
    environment.filters |= {_CHARGE: pass_context(_charge), _WEIGH: pass_context(_weigh)}
    return environment


def _written(context: Any, value: Any) -> Any:
    """What an expression puts into the text."""
    if value is None:
        raise VariantError("an expression is null, and would put the word None into the prompt; guard it with an if")
    context[BUDGET].spend(1, context[BUDGET].weigh(value))
    return value


def _charge(context: Any, steps: int, characters: int) -> bool:
    context[BUDGET].spend(steps, characters)
    return True


def _weigh(context: Any, value: Any) -> Any:
    context[BUDGET].weigh(value)
    return value


def _methods(obj: Any) -> frozenset[str] | None:
    """The methods of one of Python's own types that a template may use; None for any other type."""
    return next((methods for kind, methods in _METHODS.items() if isinstance(obj, kind)), None)


def _bounded(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """A filter or test that is charged before it runs."""
    wanted = getattr(getattr(function, "jinja_pass_arg", None), "name", "")

    def bounded(context: Any, value: Any = None, *args: Any, **kwargs: Any) -> Any:
        budget: Budget = context[BUDGET]
        budget.look_through(value)
        if name not in LIGHT:
            if isinstance(value, (Iterator, KeysView, ValuesView, ItemsView)):
                value = [*budget.counted(value)]
            budget.weigh(value)
        for argument in (*args, *kwargs.values()):
            budget.weigh(argument)
        budget.bulk(name, value, args, kwargs)
        if name == "join":
            budget.joined(args[0] if args else kwargs.get("d", ""), value)
        first = {"context": (context,), "eval_context": (context.eval_ctx,), "environment": (context.environment,)}
        found = function(*first.get(wanted, ()), value, *args, **kwargs)
        return budget.counted(found) if isinstance(found, Iterator) else found

    return bounded


def _calling(tree: nodes.Template, name: str, node: nodes.Expr, *constants: int) -> nodes.Filter:
    from jinja2 import nodes

    made = nodes.Filter(node, name, [nodes.Const(each) for each in constants], [], None, None)
    made.set_lineno(node.lineno or 1)
    for part in (made, *made.args):
        part.environment = tree.environment
    return made


def _charge_bodies(tree: nodes.Template) -> None:
    """Have every run through a loop or a macro charged for what stands in it."""
    from jinja2 import nodes

    body: Any
    for body in [*tree.find_all((nodes.For, nodes.Macro, nodes.CallBlock, nodes.Block))]:
        steps, characters = _weight(body)
        price = _calling(tree, _CHARGE, nodes.Const(steps, lineno=body.lineno), characters)
        if isinstance(body, nodes.For) and body.test is not None:
            body.test = nodes.And(price, body.test, lineno=body.lineno)
        body.body.insert(0, nodes.ExprStmt(price, lineno=body.lineno))


def _weigh_operands(tree: nodes.Template) -> None:
    """Have operands weighed where Jinja2 has no hook: what is compared, joined with ``~``, sliced or looked up."""
    from jinja2 import nodes

    for concat in [*tree.find_all(nodes.Concat)]:
        concat.nodes = [_calling(tree, _WEIGH, each) for each in concat.nodes]
    compared: Any
    for compared in [*tree.find_all((nodes.Compare, nodes.Operand))]:
        compared.expr = _calling(tree, _WEIGH, compared.expr)
    for pair in [*tree.find_all(nodes.Pair)]:
        pair.key = _calling(tree, _WEIGH, pair.key)
    for item in [*tree.find_all(nodes.Getitem)]:
        if isinstance(item.arg, nodes.Slice):
            item.node = _calling(tree, _WEIGH, item.node)
        elif not isinstance(item.arg, nodes.Const):
            item.arg = _calling(tree, _WEIGH, item.arg)


def _weight(body: nodes.Node) -> tuple[int, int]:
    """Steps and characters of one run through a body, less the loops and macros in it, which are charged themselves."""
    from jinja2 import nodes

    steps, characters, waiting = 1, 0, [*body.iter_child_nodes()]
    while waiting:
        node = waiting.pop()
        steps += 1
        if isinstance(node, nodes.TemplateData):
            characters += len(node.data)
        if not isinstance(node, (nodes.For, nodes.Macro, nodes.CallBlock, nodes.Block)):
            waiting.extend(node.iter_child_nodes())
    return 1 + steps // 4, characters
