"""What a service says of its own limits, in the headers of a reply. Nothing that it says can raise."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterable, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

from pytest_genaiops.clients.request import Allowance

LONGEST_WAIT = 86_400.0
"""Seconds; a service that asks for more means something else, or no good."""
_MOST = 10**12
_LONGEST_TEXT = 200
_EPOCH = 1e9
"""A time of this many seconds is one since 1970, as some gateways send it."""
_UNITS = {"d": 86_400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_DURATION = re.compile(r"(?:\d+(?:\.\d*)?(?:ms|us|µs|ns|d|h|m|s))+")
_PART = re.compile(r"(\d+(?:\.\d*)?)(ms|us|µs|ns|d|h|m|s)")
_NUMBER = re.compile(r"\d+(?:\.\d*)?|\.\d+")
_ITEM = re.compile(r'^\s*"?([\w.-]*)"?\s*;')
_PARAMETER = re.compile(r'([a-z]+)\s*=\s*"?([\w.-]+)"?')


def wait_of(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait as ``retry-after-ms``, ``x-ms-retry-after-ms`` or ``Retry-After`` (RFC 9110, 10.2.3) say.

    From 0 to a day; None where none of them says anything. Names are looked up in lower case, or in any by a mapping
    that ignores case.
    """
    for name in ("retry-after-ms", "x-ms-retry-after-ms"):
        milliseconds = _number(headers.get(name))
        if milliseconds is not None:
            return _bounded(milliseconds / 1000)
    said = headers.get("retry-after")
    if said is None:
        return None
    seconds = _number(said)
    return _bounded(seconds) if seconds is not None else _until(said, headers.get("date"))


def allowance_of(headers: Mapping[str, str]) -> Allowance:
    """What is left, from ``x-ratelimit-…`` as OpenAI and Azure send it, or ``RateLimit`` of the IETF's drafts.

    Drafts: draft-ietf-httpapi-ratelimit-headers, -03 (three headers), -07 (``limit=…, remaining=…``) and -10
    (``"policy";r=…;t=…``). What cannot be read counts as not said.
    """
    found = Allowance(
        remaining=_count(_first(headers, _REMAINING)),
        reset=_duration(_first(headers, _RESET)),
        limit=_count(_first(headers, _LIMIT)),
        remaining_tokens=_count(headers.get("x-ratelimit-remaining-tokens")),
        reset_tokens=_duration(headers.get("x-ratelimit-reset-tokens")),
    )
    draft = headers.get("ratelimit")
    if draft is None or found.remaining is not None:
        return found
    return _structured(draft[:_LONGEST_TEXT], (headers.get("ratelimit-policy") or "")[:_LONGEST_TEXT])


_REMAINING = ("x-ratelimit-remaining-requests", "ratelimit-remaining", "x-ratelimit-remaining")
_RESET = ("x-ratelimit-reset-requests", "ratelimit-reset", "x-ratelimit-reset")
_LIMIT = ("x-ratelimit-limit-requests", "ratelimit-limit", "x-ratelimit-limit")


def _first(headers: Mapping[str, str], names: Iterable[str]) -> str | None:
    for name in names:
        said = headers.get(name)
        if said is not None:
            return said
    return None


def _structured(said: str, policy: str) -> Allowance:
    """The tightest of the limits that ``RateLimit`` lists, with the quota that ``RateLimit-Policy`` gives it."""
    quotas = {_name(item): dict(_PARAMETER.findall(item)) for item in policy.split(",")}
    found = []
    for item in said.split(",") if ";" in said else [said]:
        given, quota = dict(_PARAMETER.findall(item)), quotas.get(_name(item), {})
        if quota.get("qu", "requests") == "requests":
            remaining = _count(given.get("r", given.get("remaining")))
            reset = _duration(given.get("t", given.get("reset")))
            limit = _count(quota.get("q", given.get("limit")))
            found.append(Allowance(remaining=remaining, reset=reset, limit=limit))
    return min(found, key=lambda each: math.inf if each.remaining is None else each.remaining, default=Allowance())


def _name(item: str) -> str:
    found = _ITEM.match(item)
    return found[1] if found else ""


def _until(said: str, now: str | None) -> float | None:
    """Seconds until a date, by the service's own clock where it tells the time."""
    then = _date(said)
    if then is None:
        return None
    return _bounded(then - (_date(now) or time.time()))


def _date(said: str | None) -> float | None:
    try:
        found = parsedate_to_datetime((said or "")[:_LONGEST_TEXT])
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _number(said: str | None) -> float | None:
    """A decimal number that is not absurdly long; a negative one counts as 0."""
    text = (said or "").strip()
    if len(text) > 30:
        return None
    if text.startswith("-") and _NUMBER.fullmatch(text[1:]):
        return 0.0
    return float(text) if _NUMBER.fullmatch(text) else None


def _count(said: str | None) -> int | None:
    """The number that a header starts with: drafts add ``, 100;w=60`` to a limit."""
    if said is None:
        return None
    number = _number(said.partition(",")[0])
    return None if number is None else int(min(number, _MOST))


def _duration(said: str | None) -> float | None:
    """Seconds of ``6m0s``, ``17ms`` or a number, which is seconds to go, or since 1970 where it is that large."""
    if said is None:
        return None
    number = _number(said)
    if number is not None:
        return _bounded(number - time.time() if number >= _EPOCH else number)
    text = said.strip()
    if len(text) > 60 or not _DURATION.fullmatch(text):
        return None
    return _bounded(sum(float(amount) * _UNITS[unit] for amount, unit in _PART.findall(text)))


def _bounded(seconds: float) -> float:
    return min(max(seconds, 0.0), LONGEST_WAIT)
