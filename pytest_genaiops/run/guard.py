"""The one place where somebody else's exception becomes a value."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any


def attempt(
    function: Callable[..., Any], *arguments: Any, catch: type[BaseException] = Exception
) -> tuple[Any, BaseException | None]:
    """Call a target or a metric and return (result, None), or (None, what it raised).

    Worker threads catch BaseException: a ``sys.exit()`` in a target, or a skip of pytest's, would
    otherwise end the thread, and whoever waits for the trial would wait for ever.
    """
    try:
        return function(*arguments), None
    except catch as error:
        return None, error


async def awaited(result: Awaitable[Any]) -> tuple[Any, BaseException | None]:
    """The same of what a coroutine gives or raises."""
    found = await asyncio.gather(result, return_exceptions=True)
    given: Any = found[0]
    return (None, given) if isinstance(given, BaseException) else (given, None)


def describe(error: BaseException) -> str:
    """An exception in one line: its type and the first line of its message.

    An exception whose own ``__str__`` raises is named by its type: raised here, it would end the
    worker thread, and whoever waits for the trial would wait for ever.
    """
    text, _ = attempt(str, error)
    lines = (text or "").strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
