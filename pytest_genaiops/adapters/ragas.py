"""Metrics of ragas, asked over our own client: its cache, limits, budget and replay apply, and failures stay failures.

Alone, ragas turns an error into NaN and leaves it out of the mean, and may spend 40 calls on one malformed reply.
"""

from __future__ import annotations

import asyncio
import inspect
import math
import os
import re
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from importlib.metadata import version
from typing import Any, ClassVar, Literal

from pytest_genaiops.adapters.values import ROUNDING, frozen, identifier, said, thawed
from pytest_genaiops.clients.current import ask
from pytest_genaiops.clients.embeddings import EmbeddingEndpoint, vector_of
from pytest_genaiops.clients.endpoint import Endpoint
from pytest_genaiops.dataset.text import quoted
from pytest_genaiops.errors import MetricError, UnscorableError, UsageError
from pytest_genaiops.extras import require
from pytest_genaiops.metrics.base import Part
from pytest_genaiops.metrics.judged import Judge, Judged
from pytest_genaiops.metrics.lexical.text import question_of
from pytest_genaiops.records import Case, Response, Statistics
from pytest_genaiops.registry import did_you_mean
from pytest_genaiops.run.guard import attempt

EXTRA = "ragas"
ATTEMPTS = 2
"""Times that a model is asked for one reply: once more, with what was wrong, where it is not of the form."""
LONGEST = 4000
"""Characters of a malformed reply that are shown to the model again."""
LOWER_IS_BETTER = ("noisesensitivity",)
COSINES = ("answerrelevancy", "semanticsimilarity")
"""Metrics whose values may lie below 0 although ragas says 0-1: vectors that point apart have nothing in common."""
NOBODY = Judge(source="nobody", written=b'{"model":{},"parameters":{}}')
"""Whom metrics ask that ragas works out without a model."""


class _Asked:
    """What has failed while one response is judged; after that nothing more is asked for it."""

    def __init__(self) -> None:
        self.failure: UnscorableError | None = None

    def fail(self, reason: str, kind: Literal["judge", "budget", "missing"] = "judge") -> UnscorableError:
        """The failure, which is kept: ragas would try again, or take it for a number."""
        self.failure = self.failure or UnscorableError(reason, kind=kind)
        return self.failure


ASKED: ContextVar[_Asked] = ContextVar("genaiops_ragas")


@dataclass(frozen=True, kw_only=True)
class _Ragas(Judged):
    """A metric of ragas; which one, subclasses say."""

    @abstractmethod
    def _choice(self) -> tuple[str, str, str | None]:
        """Name of the metric, its options as JSON, and the model for vectors as JSON, where it is not the judge's."""

    async def judged(self, response: Response, case: Case) -> Statistics:
        """What ragas gives for this answer, as a one-tuple.

        Raises:
            UnscorableError: the row lacks what the metric takes; or of kind ``judge``: ragas raised or gave NaN, or a
                reply was not of the form that it asks for, twice.
            MetricError: no such metric, or one that no case can fill.
        """
        metric = self._built()
        arguments = _arguments(metric, response, case, self.name)
        asked = _Asked()
        ASKED.set(asked)
        task = asyncio.ensure_future(metric.ascore(**arguments))
        try:
            await asyncio.wait({task})
        finally:
            task.cancel()
        if asked.failure is not None:
            raise asked.failure
        error = task.exception()
        if isinstance(error, UsageError):
            raise error
        if error is not None:
            raise UnscorableError(f"ragas raised {said(error)}", kind="judge")
        return (self._valued(task.result().value, metric),)

    def required(self) -> Judge:
        """The judge, with ragas loaded: not on the event loop, where the others would wait. Raises MetricError."""
        self._built()
        return self.judge or NOBODY

    def part(self) -> Part:
        """The number, on the scale that ragas gives for it."""
        scale = _scale(self._built()) if self.judge is not None else self.scale
        name = _plain(self._choice()[0])
        return replace(super().part(), scale=scale, higher_is_better=name not in LOWER_IS_BETTER)

    def signature(self, cases: Sequence[Case]) -> dict[str, str]:
        """The metric of ragas with its version and options, the judge, and the model for vectors where there is one."""
        name, options, _ = self._choice()
        found = {"method": f"ragas {version('ragas')} {_class(name).__name__}"}
        if options != "{}":
            found["options"] = options
        if self.judge is not None:
            found |= self.judge.signature
        if "embeddings" in _parameters(_class(name)) and (endpoint := self._embeddings()) is not None:
            found["embeddings"] = endpoint.endpoint.model
        return found

    def _built(self) -> Any:
        name, options, _ = self._choice()
        takes = _parameters(_class(name))
        judge = super().required() if "llm" in takes else None
        return _build(name, options, judge, self._embeddings() if "embeddings" in takes else None)

    def _embeddings(self) -> EmbeddingEndpoint | None:
        given = self._choice()[2]
        if given is not None:
            return _endpoint(given)
        return None if self.judge is None else self.judge.embeddings

    def _valued(self, value: object, metric: Any) -> float:
        """The number in a result. Raises UnscorableError for one that is not finite, or outside of the scale."""
        low, high = _scale(metric)
        if isinstance(value, float) and math.isnan(value):
            raise UnscorableError(f"ragas gave NaN: {type(metric).__name__} found nothing to score", kind="judge")
        if not isinstance(value, int | float) or not math.isfinite(value):
            raise UnscorableError(f"ragas gave {quoted(value)}, which is no finite number", kind="judge")
        least = -1.0 if _plain(type(metric).__name__) in COSINES else low
        if not least - ROUNDING <= value <= high + ROUNDING:
            raise UnscorableError(f"ragas gave {value:g}, outside of its own scale {low:g}-{high:g}", kind="judge")
        return min(max(float(value), low), high)


@dataclass(frozen=True, kw_only=True)
class RagasMetric(_Ragas):
    """The mean of any metric of ``ragas.metrics.collections``, over an OpenAI-compatible endpoint.

    ``metric`` is its name there (``"faithfulness"``, ``"ContextRecall"``), ``options`` are arguments of its class,
    ``embeddings`` names the model for vectors, where the judge's file does not. Its scale is what ragas says, and
    higher is better but for ``noise_sensitivity``.

    Filled by name: ``user_input`` with the question, ``response`` with the answer, ``retrieved_contexts`` with the
    passages, ``reference`` with the reference, any other with the column of that name.
    """

    name = "ragas"
    use_case = "metrics of ragas"

    metric: str = ""
    options: str | Mapping[str, Any] = "{}"
    """Kept as JSON."""
    embeddings: str | Mapping[str, Any] | None = None
    """A mapping as under ``model`` in a judge's file; kept as JSON."""

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "options", frozen(self.options, "options of ragas_metric()"))
        if self.embeddings is not None:
            object.__setattr__(self, "embeddings", frozen(self.embeddings, "embeddings of ragas_metric()"))
            _endpoint(str(self.embeddings))
        snake = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", self.metric).lower()
        object.__setattr__(self, "name", f"ragas_{identifier(snake)}" if self.metric else "ragas")

    def _choice(self) -> tuple[str, str, str | None]:
        if not self.metric:
            raise MetricError("ragas names no metric of it; write ragas_metric('faithfulness', judge=…)")
        return self.metric, str(self.options), None if self.embeddings is None else str(self.embeddings)


@dataclass(frozen=True, kw_only=True)
class RagasGroundedness(_Ragas):
    """Share of an answer's statements that follow from the passages: ragas' Faithfulness, 0-1, two calls."""

    name: ClassVar[str] = "groundedness"
    use_case: ClassVar[str] = "RAG"
    needs: ClassVar[tuple[str, ...]] = ("contexts", "question")

    def _choice(self) -> tuple[str, str, str | None]:
        return "Faithfulness", "{}", None


@dataclass(frozen=True, kw_only=True)
class RagasRelevancy(_Ragas):
    """Likeness of the question to questions that a model guesses from the answer: ragas' AnswerRelevancy, 0-1.

    Three calls of the judge and four of its ``embeddings``, which its file has to name.
    """

    name: ClassVar[str] = "relevancy"
    use_case: ClassVar[str] = "RAG"
    needs: ClassVar[tuple[str, ...]] = ("question",)

    def _choice(self) -> tuple[str, str, str | None]:
        return "AnswerRelevancy", "{}", None


@dataclass(frozen=True, kw_only=True)
class RagasCorrectness(_Ragas):
    """F1 of the claims of answer and reference against each other: ragas' FactualCorrectness, 0-1 in steps of 0.01.

    Four calls. AnswerCorrectness of ragas would mix in how alike two vectors are, and calls no statements a full match.
    """

    name: ClassVar[str] = "correctness"
    use_case: ClassVar[str] = "RAG"
    needs: ClassVar[tuple[str, ...]] = ("references",)

    def _choice(self) -> tuple[str, str, str | None]:
        return "FactualCorrectness", "{}", None


def _collections() -> Any:
    """The metrics of ragas, which then tells nobody that they are used."""
    os.environ["RAGAS_DO_NOT_TRACK"] = "true"  # read once, at its first event
    return require("ragas.metrics.collections", EXTRA)


def _class(name: str) -> Any:
    """The metric of this name, in snake or camel case. Raises MetricError where there is none."""
    found = _collections()
    known = {_plain(each): each for each in found.__all__ if hasattr(getattr(found, each), "ascore")}
    known.pop("basemetric", None)
    if _plain(name) not in known:
        raise MetricError(f"ragas has no metric {quoted(name)}; {did_you_mean(name, list(known.values()))}")
    return getattr(found, known[_plain(name)])


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


def _parameters(cls: Any) -> Mapping[str, inspect.Parameter]:
    return inspect.signature(cls.__init__).parameters


@lru_cache(maxsize=32)
def _endpoint(written: str) -> EmbeddingEndpoint:
    return EmbeddingEndpoint(Endpoint.of(thawed(written), "embeddings of ragas_metric()"))


@lru_cache(maxsize=32)
def _build(name: str, options: str, judge: Judge | None, embeddings: EmbeddingEndpoint | None) -> Any:
    cls, model, vectors = _class(name), *_bridges()
    given: dict[str, Any] = thawed(options)
    if judge is not None:
        given["llm"] = model(judge)
    if embeddings is not None:
        given["embeddings"] = vectors(embeddings)
    elif (parameter := _parameters(cls).get("embeddings")) is not None and parameter.default is parameter.empty:
        mend = "write embeddings: {name: <model>, base_url: <address>} in the judge's file"
        raise MetricError(f"{cls.__name__} of ragas compares vectors, and no model makes them; {mend}")
    found, error = attempt(partial(cls, **given))
    if error is not None:
        raise MetricError(f"{cls.__name__} of ragas cannot be made of these options: {said(error)}")
    return found


@lru_cache(maxsize=1)
def _bridges() -> tuple[type[Any], type[Any]]:
    """What ragas takes for a model and for a model of vectors; both ask our client."""
    llms, embeddings = require("ragas.llms.base", EXTRA), require("ragas.embeddings.base", EXTRA)

    class Model(llms.InstructorBaseRagasLLM):  # type: ignore[misc, name-defined]
        def __init__(self, judge: Judge) -> None:
            self.judge = judge

        def generate(self, prompt: str, response_model: Any) -> Any:
            raise ASKED.get().fail(f"ragas asks for {response_model.__name__} outside of the event loop")

        async def agenerate(self, prompt: str, response_model: Any) -> Any:
            return await _reply(self.judge, prompt, response_model)

    class Vectors(embeddings.BaseRagasEmbedding):  # type: ignore[misc, name-defined]
        def __init__(self, endpoint: EmbeddingEndpoint) -> None:
            super().__init__()
            self.endpoint = endpoint

        def embed_text(self, text: str, **kwargs: Any) -> list[float]:
            raise ASKED.get().fail("ragas asks for a vector outside of the event loop")

        async def aembed_text(self, text: str, **kwargs: Any) -> list[float]:
            return vector_of(await _answer(self.endpoint, self.endpoint.request_body(text)))

    return Model, Vectors


async def _reply(judge: Judge, prompt: str, form: Any) -> Any:
    """The model's reply as a record of pydantic. Raises UnscorableError where it gives none, twice."""
    schema = {"name": identifier(form.__name__), "schema": _strict(form.model_json_schema()), "strict": True}
    messages = [{"role": "user", "content": prompt}]
    wrong = ""
    for _ in range(ATTEMPTS):
        # A file that says how replies are formed knows its endpoint better than we do.
        own = "response_format" in judge.parameters
        form_asked = {} if own else {"response_format": {"type": "json_schema", "json_schema": schema}}
        text = (await _answer(judge.service, judge.body(messages, **form_asked))).text
        found, error = attempt(form.model_validate_json, _json_in(text))
        if error is None:
            return found
        wrong = said(error)
        again = f"That is not the JSON that was asked for ({wrong}). Reply with that JSON alone."
        messages = [
            *messages[:1],
            {"role": "assistant", "content": text[:LONGEST] or "(nothing)"},
            {"role": "user", "content": again},
        ]
    raise ASKED.get().fail(f"the judge's reply is not of the form {form.__name__}, {ATTEMPTS} times: {wrong}")


async def _answer(service: Any, body: Mapping[str, Any]) -> Response:
    """The answer of a service. Raises UnscorableError where it gave none, and where an earlier one did not."""
    asked = ASKED.get()
    if asked.failure is not None:
        raise asked.failure
    response = await ask(service, body)
    if response.error is not None:
        kind: Literal["judge", "budget", "missing"] = "judge"
        if response.error.kind in ("budget", "missing"):
            kind = response.error.kind
        raise asked.fail(response.error.message, kind)
    return response


def _json_in(text: str) -> str:
    """The JSON of a reply, which some models put into a code fence."""
    fenced = re.fullmatch(r"\s*```[a-z]*\n(.*)\n\s*```\s*", text, re.DOTALL)
    return fenced[1] if fenced else text


def _strict(schema: Any) -> Any:
    """A schema as strict mode takes it: all properties required, no others (OpenAI, "Structured outputs")."""
    if isinstance(schema, list):
        return [_strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: _strict(value) for key, value in schema.items() if key != "default"}
    if isinstance(found.get("properties"), dict):
        found |= {"required": list(found["properties"]), "additionalProperties": False}
    return found


def _arguments(metric: Any, response: Response, case: Case, name: str) -> dict[str, Any]:
    """What a metric is called with. Raises UnscorableError where the row lacks something, MetricError where all do."""
    found = {}
    for key, parameter in inspect.signature(metric.ascore).parameters.items():
        if any(kind in str(parameter.annotation) for kind in ("Message", "ToolCall")):
            raise MetricError(f"{type(metric).__name__} of ragas takes conversations of agents, which no case holds")
        value = _argument(key, response, case)
        if value is not None:
            found[key] = value
        elif parameter.default is parameter.empty:
            raise UnscorableError(f"{name} takes {quoted(key)}, which the row does not have")
    return found


def _argument(key: str, response: Response, case: Case) -> Any:
    if key == "response":
        if not response.text.strip():
            raise UnscorableError("nothing to judge: the answer is empty")
        return response.text
    if key == "user_input":
        return question_of(case)
    if key == "reference":
        return case.reference
    if key == "retrieved_contexts":
        return list((case.contexts if response.contexts is None else response.contexts) or ()) or None
    return case.inputs.get(key)


def _scale(metric: Any) -> tuple[float, float]:
    ends = metric.allowed_values
    return (float(ends[0]), float(ends[1])) if isinstance(ends, tuple) and len(ends) == 2 else (0.0, 1.0)
