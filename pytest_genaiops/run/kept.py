"""Trials that need no call, because an earlier session has kept their answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from pytest_genaiops.clients.request import Labels, Request, has_key
from pytest_genaiops.dataset.relevance import written
from pytest_genaiops.errors import UsageError
from pytest_genaiops.records import Case, Response, Trial
from pytest_genaiops.run.slot import Slot
from pytest_genaiops.targets import from_error, to_response

if TYPE_CHECKING:
    from pytest_genaiops.clients.client import Client


@runtime_checkable
class Remembered(Protocol):
    """A target that asks through the client, which keeps what it is asked, and that finds its own trials again."""

    def digests(self, trials: Sequence[tuple[Any, Trial]]) -> list[bytes | None]:
        """What each (variant, trial) is known by to the client's memory; None: not at all."""


def recall(client: Client, slots: Sequence[Slot]) -> None:
    """Answer the trials whose answers are kept, and have those kept that will be called under a fingerprint."""
    by_target: dict[Any, list[Slot]] = {}
    for slot in slots:
        by_target.setdefault(id(slot.target), []).append(slot)
    for group in by_target.values():
        target = group[0].target
        if isinstance(target, Remembered):
            _look_up(client, target, group)
        elif (mark := getattr(target, "fingerprint", None)) is not None:
            _ask(client, target, mark, group)


def _look_up(client: Client, target: Remembered, slots: Sequence[Slot]) -> None:
    digests = target.digests([(slot.variant, slot.trial) for slot in slots])
    wanted = [(slot, digest) for slot, digest in zip(slots, digests, strict=True) if digest is not None]
    found = client.memory.known([digest for _, digest in wanted])
    for (slot, _), response in zip(wanted, found, strict=True):
        if response is not None:
            slot.response = to_response(response, slot.trial)


def _ask(client: Client, target: Callable[..., Any], mark: object, slots: Sequence[Slot]) -> None:
    if not isinstance(mark, str) or not mark:
        raise UsageError(
            f"the target's fingerprint is {mark!r}; give a text that changes whenever its answers may, such as a "
            "version or a hash of what it reads"
        )
    name = f"{getattr(target, '__module__', '')}.{getattr(target, '__qualname__', type(target).__qualname__)}"
    service = {"kind": "target", "name": name, "fingerprint": mark}
    # A case that JSON has no form for (a date in a column) is called as if its target had no fingerprint.
    able = [(slot, request) for slot in slots if has_key(request := _request(service, slot))]
    found = client.recall([request for _, request in able])
    for (slot, request), response in zip(able, found, strict=True):
        if response is not None:
            slot.response = to_response(response, slot.trial)
        elif client.memory.strict:
            slot.response = from_error("missing", client.memory.why_missing(request), slot.trial)
        else:
            slot.keep = partial(_keep, client, request)


def _keep(client: Client, request: Request, response: Response) -> None:
    client.memory.keep(request, response)


def _request(service: dict[str, str], slot: Slot) -> Request:
    trial = slot.trial
    body = {"variant": slot.variant.hash, "case": _seen(trial.case)}
    return Request(
        service=service, body=body, trial=trial.index, labels=Labels(variant=trial.variant, case=trial.case.id)
    )


def _seen(case: Case) -> dict[str, Any]:
    """All of a case that a target may look at."""
    seen: dict[str, Any] = {
        "id": case.id,
        "inputs": dict(case.inputs),
        "references": case.references,
        "contexts": case.contexts,
        "label": case.label,
    }
    # Only where there are any: what was kept before there could be some is found again.
    seen |= {} if case.relevant is None else {"relevant": written(case.relevant)}
    return seen if case.tool_calls is None else {**seen, "tool_calls": case.tool_calls}
