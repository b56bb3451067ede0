"""Metrics of one's own: a function that gives a number, as a metric like any other."""

from __future__ import annotations

import hashlib
import inspect
import math
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from numbers import Real
from typing import Any, ClassVar

from pytest_genaiops.clients.current import ask
from pytest_genaiops.dataset.text import listed, quoted
from pytest_genaiops.errors import MetricError, UnscorableError
from pytest_genaiops.metrics.base import Metric
from pytest_genaiops.metrics.judged import Judge, Judged
from pytest_genaiops.metrics.lexical.text import question_of
from pytest_genaiops.records import Case, Response, Statistics

NEEDS = ("references", "contexts", "label", "question")
"""Roles that a function may say it needs."""
Function = Callable[..., Any]


class AskJudge:
    """What an async function with a third argument is handed: ``reply = await judge("Is this polite? …")``."""

    __slots__ = ("_judge",)

    def __init__(self, judge: Judge) -> None:
        self._judge = judge

    async def __call__(self, prompt: str | Sequence[Mapping[str, Any]], **parameters: Any) -> str:
        """The text of the judge's reply to a prompt, or to chat messages; ``parameters`` go over the judge's own.

        Raises UnscorableError where there is none: the case is unscored then, under the kind of the failure.
        """
        messages = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt
        response = await ask(self._judge.service, self._judge.body(messages, **parameters))
        if response.error is not None:
            kind = response.error.kind
            raise UnscorableError(response.error.message, kind=kind if kind in ("budget", "missing") else "judge")
        return response.text


@dataclass(frozen=True, kw_only=True)
class FunctionMetric(Metric):
    """A metric whose value of one response is what a function gives; the score is the mean."""

    name: ClassVar[str] = ""
    function: ClassVar[Function]
    """Called as ``function(response, case)``."""
    place: ClassVar[str]
    """Module and qualified name of the function."""
    source: ClassVar[str]
    """Changes with every change of the function's text."""

    def statistics(self, response: Response, case: Case) -> Statistics:
        """The function's value as a one-tuple. Raises UnscorableError where it gave None or a number off the scale."""
        _check_question(self, case)
        return (_number(self, type(self).function(response, case)),)

    def signature(self, cases: object) -> dict[str, str]:
        """Which function it is, and the hash of its source code."""
        return {"function": self.place, "source": self.source}

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, tuple(self.place.split(":"))


@dataclass(frozen=True, kw_only=True)
class AsyncFunctionMetric(Judged):
    """The same for an async function, which may take the session's judge as its third argument."""

    name: ClassVar[str] = ""
    function: ClassVar[Function]
    place: ClassVar[str]
    source: ClassVar[str]
    asks: ClassVar[bool]
    """Whether it takes the judge."""

    async def judged(self, response: Response, case: Case) -> Statistics:
        """The function's value as a one-tuple, as :meth:`FunctionMetric.statistics` has it."""
        _check_question(self, case)
        judge = (AskJudge(self.required()),) if self.asks else ()
        return (_number(self, await type(self).function(response, case, *judge)),)

    def required(self) -> Any:
        """The judge; None where the function asks none."""
        return super().required() if self.asks else None

    def signature(self, cases: object) -> dict[str, str]:
        """Which function it is, the hash of its source code, and the judge that it asks."""
        judge = self.required().signature if self.asks else {}
        return {**judge, "function": self.place, "source": self.source}

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (*self.place.split(":"), self.judge)


def metric_of(given: Any, options: Mapping[str, Any]) -> Metric:
    """The metric that a function or class makes.

    Args:
        given: ``function(response, case)`` giving a number, a bool, or None for a response that has no value; an
            async one may take a judge as third argument. Or a class on :class:`~pytest_genaiops.metrics.base.Metric`.
        options: of a function: ``name``, ``scale`` (default 0 to 1), ``higher_is_better`` (default True), ``needs``
            (of ``references``, ``contexts``, ``label``, ``question``). Of a class: its own.

    Raises:
        MetricError: neither of these, or an option makes no sense; the message says what to write.
    """
    if isinstance(given, type):
        return _instance(given, options)
    if not callable(given) or not hasattr(given, "__qualname__") or not hasattr(given, "__code__"):
        raise MetricError(f"metric() takes a name, a function or a class, not {type(given).__name__}")
    return _function_class(given, **_checked(given, options))()


def _instance(cls: type[Any], options: Mapping[str, Any]) -> Metric:
    if not issubclass(cls, Metric):
        base = "pytest_genaiops.metrics.base.Metric"
        raise MetricError(f"the class {cls.__name__} is no metric; derive it from {base}, with a name and statistics()")
    if left := sorted(getattr(cls, "__abstractmethods__", ())):
        raise MetricError(f"the metric class {cls.__name__} does not define {listed(left)}")
    try:
        found: Metric = cls(**options)
    except TypeError as error:
        what = f"the metric class {cls.__name__} cannot be made ({error})"
        raise MetricError(f"{what}; give every option a default, in a frozen dataclass") from None
    return found


def _checked(function: Function, options: Mapping[str, Any]) -> dict[str, Any]:
    where = f"{function.__module__}.{function.__qualname__}"
    known = ("name", "scale", "higher_is_better", "needs")
    for option in options:
        if option not in known:
            raise MetricError(f"{where}: @metric has no option {quoted(option)}; it has {listed(known)}")
    name = options.get("name") or function.__name__
    if not isinstance(name, str) or not name.isidentifier():
        raise MetricError(f'{where}: {quoted(name)} cannot be a fixture; write @metric(name="…") with letters and _')
    higher = options.get("higher_is_better", True)
    if not isinstance(higher, bool):
        raise MetricError(f"{where}: higher_is_better is {quoted(higher)}; write True or False")
    _check_arguments(function, where)
    return {
        "name": name,
        "scale": _scale(options.get("scale", (0.0, 1.0)), where),
        "higher_is_better": higher,
        "needs": _needs(options.get("needs", ()), where),
    }


def _check_arguments(function: Function, where: str) -> None:
    most = 3 if inspect.iscoroutinefunction(function) else 2
    shape = "response, case, judge" if most == 3 else "response, case"
    parameters = inspect.signature(function).parameters.values()
    given = [each for each in parameters if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)]
    needed = [each for each in parameters if each.default is each.empty and each.kind is not each.VAR_POSITIONAL]
    if not 2 <= len(given) <= most or any(each not in given for each in needed):
        raise MetricError(f"{where} takes {len(given)} arguments; write it as {function.__name__}({shape})")


def _scale(scale: Any, where: str) -> tuple[float, float]:
    numbers = isinstance(scale, tuple | list) and len(scale) == 2 and all(_is_number(end) for end in scale)
    if not numbers or math.isnan(scale[0]) or math.isnan(scale[1]) or not scale[0] < scale[1]:
        raise MetricError(f"{where}: scale is {quoted(scale)}; write the lowest and the highest value, such as (0, 10)")
    return float(scale[0]), float(scale[1])


def _needs(needs: Any, where: str) -> tuple[str, ...]:
    given = (needs,) if isinstance(needs, str) else needs
    if not isinstance(given, tuple | list) or any(need not in NEEDS for need in given):
        raise MetricError(f"{where}: needs is {quoted(needs)}; it may hold {listed(NEEDS)}")
    return tuple(given)


def _function_class(function: Function, **facts: Any) -> type[Metric]:
    """A class of its own, as every metric is one: its name, scale and direction are facts of it, and not options."""
    base: type[Metric] = FunctionMetric
    if inspect.iscoroutinefunction(function):
        base = AsyncFunctionMetric
        facts["asks"] = sum(each.kind is not each.KEYWORD_ONLY for each in _parameters(function)) == 3
    own = {
        "__doc__": function.__doc__ or f"What {function.__qualname__} gives, its mean over responses.",
        "__module__": function.__module__,
        "__qualname__": function.__qualname__,
        "use_case": "one's own",
        "function": staticmethod(function),
        "place": f"{function.__module__}:{function.__qualname__}",
        "source": _digest(function),
    }
    return type(function.__name__, (base,), {**own, **facts})


def _parameters(function: Function) -> Sequence[inspect.Parameter]:
    return list(inspect.signature(function).parameters.values())


def _digest(function: Function) -> str:
    try:
        text = textwrap.dedent(inspect.getsource(function))
    except (OSError, TypeError):  # typed into a console: its compiled form tells changes as well
        code = function.__code__
        text = f"{code.co_code.hex()} {code.co_consts!r} {code.co_names!r}"
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def _restored(module: str, qualname: str, judge: Judge | None = None) -> Metric:
    """The metric of a function in another process: what stands under its name there."""
    found: Any = import_module(module)
    for name in qualname.split("."):
        found = getattr(found, name)
    metric: Metric = found.metric
    return metric if judge is None else type(metric)(judge=judge)  # type: ignore[call-arg]


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _check_question(metric: Metric, case: Case) -> None:
    if "question" in metric.needs and question_of(case) is None:
        raise UnscorableError(f"no `question` or `input`, which {metric.name} needs")


def _number(metric: Metric, value: Any) -> float:
    """What the function gave, where it is a number on the scale.

    Raises UnscorableError for None, NaN, and numbers off the scale, and MetricError for what is no number at all.
    """
    if value is None:
        raise UnscorableError(f"{metric.name} gave None: it has no value for this response")
    if not isinstance(value, Real):
        what = "a coroutine; make the function async" if inspect.iscoroutine(value) else type(value).__name__
        raise MetricError(f"{metric.name} gave {what}; return a number, a bool, or None where there is no value")
    low, high = metric.scale
    number = float(value)
    if not math.isfinite(number):
        raise UnscorableError(f"{metric.name} gave {number}, which is not a finite number")
    if not low <= number <= high:
        mend = "write its scale as @metric(scale=(lowest, highest))"
        raise UnscorableError(f"{metric.name} gave {number:g}, which is not on its scale {low:g} to {high:g}; {mend}")
    return number
