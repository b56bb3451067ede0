"""Evaluators of ``azure-ai-evaluation`` as metrics: callables with keyword arguments that return a mapping."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from pytest_genaiops.adapters.values import checked_scale, entry, frozen, identifier, on_scale, said, thawed
from pytest_genaiops.clients.endpoint import is_secret
from pytest_genaiops.dataset.text import listed, quoted
from pytest_genaiops.errors import MetricError, UnscorableError
from pytest_genaiops.metrics.base import Metric
from pytest_genaiops.metrics.lexical.text import question_of
from pytest_genaiops.records import Case, Response, Statistics
from pytest_genaiops.run.guard import attempt

PACKAGE = "azure-ai-evaluation"
NAMES = ("response", "ground_truth", "query", "context")
"""Arguments of evaluators that a case fills beside the columns of its own."""


@dataclass(frozen=True, kw_only=True)
class AzureMetric(Metric):
    """The mean over all answers of what an evaluator of ``azure-ai-evaluation`` gives for each of them.

    ``evaluator`` is a class of that package, made with ``options``, or one that is made already; ``key`` the entry of
    its result that counts (without one: the only number that it calls a score); ``scale`` and ``higher_is_better`` are
    what its page says. A value outside of the scale is an error.

    Arguments are filled by name: ``response`` with the answer, ``ground_truth`` with the reference, ``query`` with the
    question, ``context`` with the passages, any other with the column of that name. One that asks a service does so by
    itself, one case after the other: our cache, limits and budget do not apply.
    """

    name = "azure"
    use_case = "Azure evaluators"

    evaluator: Any = field(default=None, hash=False)
    key: str | None = None
    model: str | None = None
    """The model that it asks, for the signature: an evaluator does not tell."""
    scale: tuple[float, float] = (0.0, 1.0)  # type: ignore[misc]  # an option: nobody but the user knows it
    higher_is_better: bool = True  # type: ignore[misc]
    options: str | Mapping[str, Any] = "{}"
    """Kept as JSON."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "options", frozen(self.options, "options of azure_metric()"))
        if secret := _secret(thawed(self.options)):
            mend = "make the evaluator yourself and hand it in"
            raise MetricError(f"azure_metric(): {quoted(secret)} among the options would be shown; {mend}")
        object.__setattr__(self, "scale", checked_scale(self.scale, "azure_metric()"))
        if self.evaluator is None:
            return
        if not callable(self.evaluator):
            raise MetricError(f"azure_metric() takes an evaluator, which can be called, not {quoted(self.evaluator)}")
        if self.options != "{}" and not isinstance(self.evaluator, type):
            raise MetricError("azure_metric(): options go to a class; hand in the class, or the evaluator with them")
        object.__setattr__(self, "name", f"azure_{identifier(self._class.removesuffix('Evaluator'))}")

    def statistics(self, response: Response, case: Case) -> Statistics:
        """What the evaluator gives for this answer, as a one-tuple.

        Raises:
            UnscorableError: the row lacks what the evaluator takes, or it raised or gave no finite number.
            MetricError: nothing to call, no such entry, or a value outside of the scale.
        """
        evaluator = self._made()
        given = _filled(_forms(evaluator), response, case, self.name)
        result, error = attempt(partial(evaluator, **given))
        if error is not None:
            raise UnscorableError(f"{self.name} raised {said(error)}", kind="judge" if self.model else "metric")
        if isinstance(result, Mapping) and self.key is None:
            result = _scores(result)
        return (
            on_scale(entry(result, self.key, self.name), self.scale, self.name, "azure_metric(…, scale=(low, high))"),
        )

    def signature(self, cases: Sequence[Case]) -> dict[str, str]:
        """The class, its options, the model that the user says it asks, and the package's version."""
        named = {"key": self.key, "judge": self.model, "options": str(self.options)}
        found = {"evaluator": self._class}
        found |= {name: value for name, value in named.items() if value not in (None, "{}")}
        try:
            return {**found, PACKAGE: version(PACKAGE)}
        except PackageNotFoundError:  # a callable of the same form
            return found

    @property
    def _class(self) -> str:
        named = self.evaluator if hasattr(self.evaluator, "__name__") else type(self.evaluator)
        return str(named.__name__)

    def _made(self) -> Callable[..., Any]:
        if self.evaluator is None:
            raise MetricError("azure names no evaluator; write azure_metric(F1ScoreEvaluator)")
        made: Callable[..., Any] = self.evaluator
        return _make(made, str(self.options)) if isinstance(made, type) else made


@lru_cache(maxsize=32)
def _make(evaluator: type, options: str) -> Callable[..., Any]:
    found: Callable[..., Any]
    found, error = attempt(partial(evaluator, **thawed(options)))
    if error is not None:
        raise MetricError(f"{evaluator.__name__} cannot be made of these options: {said(error)}")
    return found


def _forms(evaluator: Callable[..., Any]) -> list[Mapping[str, bool]]:
    """The ways to call an evaluator: for each the names of its arguments, and whether one is needed.

    The package's own declare theirs as overloads of ``__call__``.
    """
    function = evaluator if inspect.isroutine(evaluator) else type(evaluator).__call__
    declared = typing.get_overloads(function) or [function]
    forms: list[Mapping[str, bool]] = []
    for each in declared:
        parameters = [p for p in inspect.signature(each).parameters.values() if p.name != "self"]
        named = [p for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
        needed = {p.name: p.default is p.empty for p in named}
        if needed:
            forms.append(needed)
    return forms


def _filled(forms: Sequence[Mapping[str, bool]], response: Response, case: Case, name: str) -> dict[str, Any]:
    """The arguments of the form of which the case can fill most.

    Raises MetricError where there is none at all, and UnscorableError where the case lacks what each of them needs.
    """
    if not forms:
        raise MetricError(f"{name} names no arguments such as {listed(NAMES)}; wrap it in a function that does")
    known = [{key: _argument(key, response, case) for key in form} for form in forms]
    full = [
        {key: value for key, value in given.items() if value is not None}
        for form, given in zip(forms, known, strict=True)
        if all(given[key] is not None or not needed for key, needed in form.items())
    ]
    if not full:
        lacking = [key for key, needed in forms[0].items() if needed and known[0][key] is None]
        raise UnscorableError(f"{name} takes {listed(lacking)}, which the row does not have")
    return max(full, key=len)


def _argument(name: str, response: Response, case: Case) -> Any:
    if name == "response":
        return response.text
    if name == "ground_truth":
        return case.reference
    if name == "query":
        return question_of(case)
    if name == "context":
        passages = case.contexts if response.contexts is None else response.contexts
        return "\n\n".join(passages) if passages else None
    return case.inputs.get(name)


def _scores(result: Mapping[Any, Any]) -> Mapping[Any, Any]:
    """Of a result what it calls a score, where it does: beside it stand thresholds and counts of tokens.

    F1ScoreEvaluator says the same number twice: ``f1_score`` and ``f1_score_score``.
    """
    scores = {key: value for key, value in result.items() if isinstance(key, str) and key.endswith("_score")}
    if len({repr(value) for value in scores.values()}) != 1:
        return result
    first = next(iter(scores))
    return {first: scores[first], **{key: value for key, value in result.items() if isinstance(value, str)}}


def _secret(options: Mapping[str, Any]) -> str | None:
    """The name of an option that holds a key, also within a model's configuration."""
    for name, value in options.items():
        if is_secret(name):
            return name
        if isinstance(value, Mapping) and (found := _secret(value)):
            return found
    return None
