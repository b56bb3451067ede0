"""What is asked of a model or service, what one attempt gave, and what it takes to be one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Protocol

from pytest_genaiops.dataset.identity import canonical
from pytest_genaiops.errors import GenaiopsError
from pytest_genaiops.records import ErrorKind, Response

if TYPE_CHECKING:
    from pytest_genaiops.clients.pool import Pool


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """What a request was made for; for people, no part of its key."""

    variant: str = ""
    case: str = ""


@dataclass(frozen=True, kw_only=True)
class Request:
    """One call, with all that its answer depends on and nothing that is secret."""

    service: Mapping[str, Any]
    """The identity of the service that is asked: JSON values."""
    body: Mapping[str, Any]
    """What it is asked: JSON values, as they are sent."""
    trial: int = 1
    """Which trial of its case it is made for, from 1."""
    repeat: int = 1
    """Which of several equal calls within that trial it is, from 1."""
    labels: Labels = field(default=Labels(), compare=False)

    @cached_property
    def key(self) -> bytes:
        """16 bytes that two requests share where one answer stands for both.

        Raises TypeError or ValueError for a body that JSON has no form for.
        """
        return blake2b(self.written, digest_size=16).digest()

    @cached_property
    def written(self) -> bytes:
        """The content as JSON in its canonical form. Raises as :attr:`key` does."""
        return canonical(self.content)

    @property
    def content(self) -> dict[str, Any]:
        """What the key is made of."""
        return {"service": self.service, "body": self.body, "trial": self.trial, "repeat": self.repeat}


def has_key(request: Request) -> bool:
    """Whether JSON has a form for what is asked, so that the answer can be kept."""
    try:
        return bool(request.key)
    except (TypeError, ValueError, RecursionError):
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What a service says of its own limits, in the headers of an answer or a refusal."""

    remaining: int | None = None
    """Calls that it would still admit before ``reset``."""
    reset: float | None = None
    """Seconds until the allowance is full again."""
    limit: int | None = None
    """Calls that it admits in a period."""
    remaining_tokens: int | None = None
    reset_tokens: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one attempt gave: a response without its trial, and the service's word on its limits."""

    response: Response
    allowance: Allowance = field(default=Allowance())


class RefusedError(GenaiopsError):
    """One attempt that gave no answer. The message names the service, and holds no secret."""

    def __init__(
        self,
        message: str,
        *,
        kind: ErrorKind = "target",
        again: bool = False,
        throttled: bool = False,
        wait: float | None = None,
        allowance: Allowance | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.kind: ErrorKind = kind
        self.again = again
        """Whether another attempt may give one: 408, 409, 429, 5xx, a dropped connection, a timeout."""
        self.throttled = throttled
        """Whether the service says that it is asked too often: 429. One that is overloaded (503) does not say that."""
        self.wait = wait
        """Seconds to wait before anybody asks again, as the service says (Retry-After)."""
        self.allowance = allowance or Allowance()


class Service(Protocol):
    """Something that answers requests: an endpoint, a program."""

    @property
    def identity(self) -> Mapping[str, Any]:
        """What its answers depend on beside what it is asked; JSON values, nothing secret."""

    @property
    def name(self) -> str:
        """Who shares its limits: services of one name are asked as one. Shown in messages; nothing secret."""

    @property
    def model(self) -> str | None:
        """The model or deployment that is asked for, by which prices are looked up."""

    async def answer(self, request: Request, pool: Pool) -> Answer:
        """Make one attempt. Raises RefusedError."""
