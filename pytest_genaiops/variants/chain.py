"""The steps of a variant for one case, one call after the other: who calls the model is not its business."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pytest_genaiops.dataset.text import quoted
from pytest_genaiops.errors import UsageError
from pytest_genaiops.records import Case, Response, ResponseError, Step
from pytest_genaiops.variants.prompt import Prompt, Renderer


class Call:
    """One step that waits for its answer."""

    __slots__ = ("_answer", "_name", "id", "messages", "model", "parameters")

    def __init__(self, name: str, prompt: Prompt, messages: list[dict[str, str]]) -> None:
        self._name = name
        self._answer: Response | None = None
        self.id = prompt.id
        self.messages = messages
        """The prompt, with the outputs of earlier steps filled in, as ``{"role", "content"}``."""
        self.model = dict(prompt.model)
        self.parameters = dict(prompt.parameters)

    def answer(self, output: str | Response) -> None:
        """Say what the model answered: its text, or a Response, whose usage, latency and model are then kept.

        A Response that is an error ends the chain. Raises UsageError for anything else, and for a second answer.
        """
        if self._answer is not None:
            raise UsageError(f"{self._name} is answered already; call answer() once a step")
        if not isinstance(output, str | Response):
            raise UsageError(f"{self._name} is answered with {type(output).__name__}; give its text, or a Response")
        self._answer = Response(text=output) if isinstance(output, str) else output


class Chain(Iterator[Call]):
    """Iterates over the calls that one answer takes. Each must be answered before the next one is asked for.

    ::

        chain = variant.chain(case)
        for step in chain:
            step.answer(client(step.messages, **step.parameters))    # or: await client(…)
        return chain.response
    """

    __slots__ = ("_answers", "_case", "_messages", "_open", "_prompts", "_renderer", "_steps")

    def __init__(self, prompts: Sequence[Prompt], case: Case, renderer: Renderer) -> None:
        self._prompts = prompts
        self._case = case
        self._renderer = renderer
        self._open: Call | None = None
        self._steps: list[Step] = []
        self._answers: list[Response] = []

    def __next__(self) -> Call:
        self._settle()
        if len(self._answers) == len(self._prompts) or self._failed:
            raise StopIteration
        prompt = self._prompts[len(self._answers)]
        self._open = Call(self._name(prompt), prompt, self._renderer.messages(prompt, self._case, self._outputs))
        return self._open

    @property
    def response(self) -> Response:
        """The last step's answer with every step's prompt, inputs and output, and the error of one that failed.

        Usage is summed over the steps, and so is latency where every step has one. Raises UsageError while a step is
        unanswered.
        """
        self._settle()
        if len(self._answers) < len(self._prompts) and not self._failed:
            name = self._name(self._prompts[len(self._answers)])
            raise UsageError(f"{name} was not asked; loop over the whole chain before its response")
        seconds = [answer.latency for answer in self._answers]
        usage: dict[str, int] = {}
        for answer in self._answers:
            for kind, count in answer.usage.items():
                usage[kind] = usage.get(kind, 0) + count
        return replace(
            self._answers[-1],
            steps=tuple(self._steps),
            usage=usage,
            latency=None if None in seconds else sum(filter(None, seconds)),
        )

    @property
    def _outputs(self) -> dict[str, str]:
        return {step.id: step.output for step in self._steps}

    @property
    def _failed(self) -> bool:
        return bool(self._answers) and self._answers[-1].error is not None

    def _settle(self) -> None:
        """Take the open call's answer in."""
        call = self._open
        if call is None:
            return
        answer = call._answer
        if answer is None:
            raise UsageError(f"{call._name} has no answer; call step.answer(<text>) before the next step")
        self._open = None
        if answer.error is not None:
            told = ResponseError(kind=answer.error.kind, message=f"{call._name}: {answer.error.message}")
            if self._renderer.chained:
                self._steps.append(replace(self._step(call, answer), error=answer.error.message))
                answer = replace(answer, error=told)
        else:
            self._steps.append(self._step(call, answer))
        self._answers.append(answer)

    def _step(self, call: Call, answer: Response) -> Step:
        prompt = self._prompts[len(self._answers)]
        return Step(
            id=call.id,
            output=answer.text,
            messages=tuple(call.messages),
            inputs=self._renderer.inputs(prompt, self._case, self._outputs),
            parameters=prompt.parameters,
            usage=answer.usage,
            latency=answer.latency,
            model=answer.model,
            deployment=answer.deployment,
        )

    def _name(self, prompt: Prompt) -> str:
        return f"step {quoted(prompt.id)} of {self._renderer.place}"


def placeholders(prompts: Sequence[Prompt]) -> Mapping[str, Any]:
    """Outputs to try templates with before any model has said a word."""
    return {prompt.id: f"output of step {prompt.id}" for prompt in prompts}
