"""Modules of Hugging Face's ``evaluate`` as metrics, and our metrics as modules of it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from importlib.metadata import version
from pathlib import PurePath
from typing import Any

from pytest_genaiops.adapters.values import checked_scale, entry, frozen, identifier, on_scale, said, thawed
from pytest_genaiops.dataset.text import quoted
from pytest_genaiops.errors import MetricError, UnscorableError
from pytest_genaiops.extras import require
from pytest_genaiops.metrics.base import Metric
from pytest_genaiops.metrics.lexical.text import question_of
from pytest_genaiops.metrics.rows import references_of
from pytest_genaiops.records import Case, Response, Statistics
from pytest_genaiops.run.guard import attempt
from pytest_genaiops.score import MetricHandle, Score

EXTRA = "hf"
SEED = 0
"""Of numpy's generator while a module computes; evaluate itself would draw another one in every process."""
ROLES = {
    "references": ("references", "references"),
    "label": ("references", "labels"),
    "contexts": ("contexts", "contexts"),
    "question": ("questions", "questions"),
}
"""What a metric of ours needs -> the input of an exported module that brings it, and our own argument for it."""


@dataclass(frozen=True, kw_only=True)
class HfMetric(Metric):
    """The mean over all answers of what a module of Hugging Face's ``evaluate`` gives for each answer alone.

    ``module`` is a folder with the module's script, or its name on the hub; ``config`` a configuration of it; ``key``
    the entry of its result that counts, where it has several numbers; ``options`` are arguments of its ``compute()``.
    ``scale`` and ``higher_is_better`` are what the module's page says of that entry: a value outside of the scale is an
    error.

    Inputs are filled by name: ``predictions`` with the answer, ``references`` with the references, any other with the
    column of that name (``sources``: else the question). Where they are numbers, predicted and true label are taken.
    A module whose value over many rows is no mean (BLEU, F1) gives another number then: the signature says ``per_row``.
    """

    name = "hf"
    use_case = "Hugging Face modules"

    module: str = ""
    key: str | None = None
    config: str | None = None
    scale: tuple[float, float] = (0.0, 1.0)  # type: ignore[misc]  # an option: nobody but the user knows it
    higher_is_better: bool = True  # type: ignore[misc]
    options: str | Mapping[str, Any] = "{}"
    """Kept as JSON."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "options", frozen(self.options, "options of hf_metric()"))
        object.__setattr__(self, "scale", checked_scale(self.scale, "hf_metric()"))
        object.__setattr__(self, "name", f"hf_{self._short}" if self.module else "hf")

    def statistics(self, response: Response, case: Case) -> Statistics:
        """What the module gives for this answer, as a one-tuple.

        Raises:
            UnscorableError: the row lacks what the module takes, or the module raised or gave no finite number.
            MetricError: no such module, no such entry, or a value outside of the scale.
        """
        module = self._loaded()
        kinds = _kinds(module, self.name)
        inputs = {name: [_value(name, kind, response, case)] for name, kind in kinds.items()}
        result, error = attempt(_computed, module, kinds, inputs, thawed(self.options))
        if error is not None:
            raise UnscorableError(f"{self.name} raised {said(error)}")
        return (on_scale(entry(result, self.key, self.name), self.scale, self.name, "hf_metric(…, scale=(low, high))"),)

    def signature(self, cases: Sequence[Case]) -> dict[str, str]:
        """The module with the hash of its source, its entry and options, and that rows are computed one by one."""
        named = {"config": self.config, "key": self.key, "options": str(self.options)}
        return {
            "hash": str(self._loaded()._hash or "none")[:12],
            "aggregate": "per_row",
            **{name: value for name, value in named.items() if value not in (None, "{}")},
            "evaluate": version("evaluate"),
        }

    @property
    def _short(self) -> str:
        return identifier(PurePath(self.module).name.removesuffix(".py"))

    def _loaded(self) -> Any:
        if not self.module:
            raise MetricError("hf names no module of evaluate; write hf_metric('<folder of the module, or its name>')")
        return _load(self.module, self.config)


def as_evaluate(metric: MetricHandle) -> Any:
    """Our metric as an ``evaluate.Metric``: for ``compute()``, ``add_batch()`` and ``evaluate.combine()``.

    ``compute(predictions=…, references=…)`` gives ``{name: value}``, for a group an entry for each of its numbers, and
    ``<name>_unscored``, the number of rows without a score. The value is None where no row has one, and never NaN.
    References of a metric of labels are labels. One that needs contexts or questions takes ``contexts=`` (a list for
    each row) or ``questions=``.

    Raises:
        MetricError: it scores something else than texts or labels.
        ExtraMissingError: ``evaluate`` is not installed.
    """
    if metric._metric.takes not in ("text", "label"):
        raise MetricError(f"{metric.name} scores {metric._metric.takes}, for which modules of evaluate have no form")
    evaluate = _evaluate()
    roles = dict(ROLES[need] for need in metric._metric.needs if need in ROLES)
    information = evaluate.MetricInfo(
        description=f"{metric.name} of pytest-genaiops",
        citation="",
        inputs_description=f"\npredictions{''.join(f', {name}' for name in roles)}\n",
        features=_features(roles),
    )

    class Exported(evaluate.Metric):  # type: ignore[misc, name-defined]
        """evaluate names a module after its class: this one after the metric, below."""

        def _info(self) -> Any:
            return information

        def _compute(self, predictions: Sequence[str], **given: Any) -> dict[str, Any]:
            found = metric(list(predictions), **{roles[name]: list(values) for name, values in given.items()})
            scores = [found] if isinstance(found, Score) else [*found.scores()]
            unscored = min((score.unscored for score in scores), default=len(predictions))
            return {**{score.name: score.value for score in scores}, f"{metric.name}_unscored": unscored}

    Exported.__name__ = metric.name
    return Exported(keep_in_memory=True)


def _evaluate() -> Any:
    """The package, which then tells nobody what is loaded with it."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    require("datasets", EXTRA)  # a project's own folder of that name is not the one that evaluate imports
    evaluate = require("evaluate", EXTRA)
    evaluate.config.HF_UPDATE_DOWNLOAD_COUNTS = False
    return evaluate


@lru_cache(maxsize=32)
def _load(module: str, config: str | None) -> Any:
    evaluate = _evaluate()
    found, error = attempt(partial(evaluate.load, module, config, keep_in_memory=True, seed=SEED))
    if isinstance(error, FileNotFoundError | ConnectionError):
        why = "there is no such folder with a script of its name, and the hub cannot be asked or does not have it"
        raise MetricError(f"no module {quoted(module)} of evaluate: {why}; give the folder of a copy")
    if error is not None:
        raise MetricError(f"the module {quoted(module)} of evaluate cannot be loaded: {said(error)}")
    return found


def _computed(module: Any, kinds: Mapping[str, str], inputs: Mapping[str, Any], options: Mapping[str, Any]) -> Any:
    """What a module gives for these rows, as its ``compute()`` does.

    That writes them to an Arrow table and reads them back: 10 ms a call, and texts and whole numbers are the same after
    it. So these go to the module's own part straight away.
    """
    base = require("evaluate.module", EXTRA)
    plain = module.format is None and "float" not in kinds.values()
    if not plain or type(module).compute is not base.EvaluationModule.compute:
        return module.compute(**inputs, **options)
    with base.temp_seed(module.seed):
        return module._compute(**inputs, **options)


def _kinds(module: Any, name: str) -> dict[str, str]:
    """The module's inputs and what each is: ``text``, ``texts``, ``int`` or ``float``.

    Of several forms the first with lists of references, else the first that a row can fill. Raises MetricError where
    there is none.
    """
    forms = module.features if isinstance(module.features, list) else [module.features]
    known = [{key: _kind(feature) for key, feature in form.items()} for form in forms]
    usable = [form for form in known if all(form.values()) and form.get("predictions") != "texts"]
    if not usable:
        raise MetricError(f"{name} takes {quoted(forms[0])}, which an answer and its references have no form for")
    return next((form for form in usable if form.get("references") == "texts"), usable[0])


def _kind(feature: Any) -> str:
    """Empty for what is no text, list of texts or number."""
    within = getattr(feature, "feature", None)
    if within is not None:
        return "texts" if _kind(within) == "text" else ""
    dtype = str(getattr(feature, "dtype", ""))
    kinds = {"string": "text", "large_string": "text", "int": "int", "uint": "int", "float": "float", "bool": "int"}
    return kinds.get(dtype.rstrip("0123456789"), "")


def _value(name: str, kind: str, response: Response, case: Case) -> Any:
    """What a row gives for an input. Raises UnscorableError where it has nothing for it."""
    if name == "predictions":
        return response.text if kind == "text" else _number(response.label or response.text, kind, "answer")
    if name != "references":
        return _column(name, kind, case)
    if kind in ("int", "float"):
        return _number(case.label or case.reference or "", kind, "label")
    if case.references is None and case.label is not None:
        return case.label if kind == "text" else [case.label]
    references = references_of(case)
    if kind == "text" and len(references) > 1:
        raise UnscorableError(f"the module takes one reference, and the row has {len(references)}; keep one of them")
    return references[0] if kind == "text" else list(references)


def _column(name: str, kind: str, case: Case) -> Any:
    value = case.inputs.get(name, case.inputs.get(name.removesuffix("s")))
    if value is None and name == "sources":
        value = question_of(case)
    if value is None and name == "contexts" and kind == "texts":
        value = case.contexts
    if value is None:
        raise UnscorableError(f"the module takes {quoted(name)}, and the row has no column of that name")
    if kind in ("int", "float"):
        return _number(str(value), kind, name)
    return str(value) if kind == "text" else [str(each) for each in ([value] if isinstance(value, str) else value)]


def _number(text: str, kind: str, what: str) -> float:
    number, _ = attempt(int if kind == "int" else float, text.strip())
    if number is None:
        kinds = "whole numbers" if kind == "int" else "numbers"
        raise UnscorableError(f"the module takes {kinds}, and the {what} is {quoted(text)}; number the classes")
    found: float = number
    return found


def _features(roles: Mapping[str, str]) -> Any:
    """The inputs of an exported module; references one text a row, or a list of them."""
    datasets = require("datasets", EXTRA)
    text = datasets.Value("string")
    many = {"references", "contexts"}
    full = {name: datasets.Sequence(text) if role in many else text for name, role in roles.items()}
    forms = [datasets.Features({"predictions": text, **full})]
    if roles.get("references") == "references":
        forms.append(datasets.Features({"predictions": text, **full, "references": text}))
    return forms if len(forms) > 1 else forms[0]
