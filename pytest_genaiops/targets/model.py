"""The model that a variant names, asked for every step of the variant's prompt."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from importlib.metadata import version

from pytest_genaiops.clients.chat import ChatEndpoint
from pytest_genaiops.clients.current import ask, running
from pytest_genaiops.clients.endpoint import Endpoint
from pytest_genaiops.dataset.identity import canonical
from pytest_genaiops.errors import UsageError
from pytest_genaiops.records import Case, Response, Trial
from pytest_genaiops.variants import Variant
from pytest_genaiops.variants.chain import Call
from pytest_genaiops.variants.prompt import Prompt


class ModelTarget:
    """Asks the models that variants name; :data:`model_target` is the only one there needs to be.

    A target of your own may call it within: ``response = await model_target(case, variant)``, for a case whose
    contexts it has retrieved. It is called while a trial runs, on the event loop that runs it.
    """

    def __init__(self) -> None:
        self._services: dict[tuple[str, str, str], ChatEndpoint] = {}
        """By the variant's hash, the step, and the only thing that the hash leaves out."""

    async def __call__(self, case: Case, variant: Variant) -> Response:
        """The answer, with every step's prompt and output.

        Raises:
            UsageError: the variant names no model that can be asked, or nobody runs a trial.
            VariantError: the case lacks what the prompt uses.
        """
        chain = variant.chain(case)
        for step in chain:
            service = self._service(variant, step)
            step.answer(await ask(service, service.body(step.messages, step.parameters)))
        run = running()
        # A target of the user's may have changed the case, or asked for more: its trials are not known by this alone.
        if case is run.trial.case and run.only is not None:
            (digest,) = self.digests([(variant, run.trial)])
            if digest is not None:
                run.client.memory.learn([(digest, run.only)])
        return chain.response

    def check(self, variant: Variant) -> None:
        """Raise UsageError where a step of the variant names no model that can be asked."""
        for step in variant.steps:
            self._service(variant, step)

    def digests(self, trials: Sequence[tuple[Variant, Trial]]) -> list[bytes | None]:
        """What the answers to trials are kept under, without rendering a prompt.

        None where that takes several calls, and where the environment does not say where the model is: calls tell.
        """
        identities: dict[str, bytes | None] = {}
        for variant, _ in trials:
            if variant.hash not in identities:
                identities[variant.hash] = None if variant.chained else self._identity(variant)
        known = ((identities[variant.hash], trial) for variant, trial in trials)
        return [None if identity is None else _digest(identity, trial) for identity, trial in known]

    def _identity(self, variant: Variant) -> bytes | None:
        try:
            service = self._service(variant, variant.steps[0])
            return canonical((_version(), variant.hash, service.identity))
        except UsageError:
            return None

    def _service(self, variant: Variant, step: Call | Prompt) -> ChatEndpoint:
        key = (variant.hash, step.id, str(step.model.get("api_key_env")))
        if key not in self._services:
            self._services[key] = ChatEndpoint(Endpoint.of(step.model, variant.source or f"variant {variant.id!r}"))
        return self._services[key]


def _digest(identity: bytes, trial: Trial) -> bytes | None:
    """None for a case that JSON has no form for."""
    case = trial.case
    try:
        seen = canonical((case.id, case.inputs, case.contexts, trial.index))
    except (TypeError, ValueError, RecursionError):
        return None
    return blake2b(identity + seen, digest_size=16).digest()


@lru_cache(maxsize=1)
def _version() -> str:
    """Another version may send another body for the same prompt."""
    return version("pytest-genaiops")


model_target = ModelTarget()
