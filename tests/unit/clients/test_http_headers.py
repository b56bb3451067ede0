"""What the headers of a reply say of limits; garbage says nothing, and nothing raises."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_genaiops.clients.headers import LONGEST_WAIT, allowance_of, wait_of

NAMES = [
    "retry-after", "retry-after-ms", "x-ms-retry-after-ms", "date", "ratelimit", "ratelimit-policy", "ratelimit-limit",
    "ratelimit-remaining", "ratelimit-reset", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset",
    "x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests",
    "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens",
]  # fmt: skip
SAID = st.one_of(
    st.text(max_size=40),
    st.floats().map(str),
    st.integers().map(str),
    st.from_regex(r"(\d{1,3}(\.\d)?(ms|us|d|h|m|s)){1,3}", fullmatch=True),
    st.from_regex(r'"[a-z]{1,3}";r=\d{1,3};t=\d{1,3}(, "[a-z]";r=\d)?', fullmatch=True),
    st.sampled_from(
        ["nan", "inf", "-1", "1e999", "٣", "Wed, 21 Oct 2015 07:28:00 GMT", "Wed, 99 Foo", "²", "9" * 5000]
    ),
)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "2"}, 2.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "86401"}, LONGEST_WAIT),
        ({"retry-after-ms": "250"}, 0.25),
        ({"x-ms-retry-after-ms": "1500", "retry-after": "2"}, 1.5),
        ({"retry-after-ms": "soon", "retry-after": "2"}, 2.0),
        # RFC 9110, 10.2.3 and 5.6.7: a date, measured by the service's own clock, in any of three forms
        ({"retry-after": "Fri, 31 Dec 1999 23:59:59 GMT", "date": "Fri, 31 Dec 1999 23:59:50 GMT"}, 9.0),
        ({"retry-after": "Fri, 31 Dec 1999 23:59:59 GMT", "date": "Fri, 31 Dec 1999 23:59:59 GMT"}, 0.0),
        ({"retry-after": "Fri, 31 Dec 1999 23:59:59 GMT"}, 0.0),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "1e3"}, None),
        ({"retry-after": "soon"}, None),
        ({}, None),
    ],
)
def test_the_time_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    assert wait_of(headers) == seconds


def test_a_date_without_the_services_clock_is_measured_by_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: 946684795.0)  # 1999-12-31T23:59:55Z
    assert wait_of({"retry-after": "Fri, 31 Dec 1999 23:59:59 GMT"}) == 4.0


def test_openais_headers() -> None:
    """https://platform.openai.com/docs/guides/rate-limits#rate-limits-in-headers, its own example."""
    found = allowance_of(
        {
            "x-ratelimit-limit-requests": "60",
            "x-ratelimit-limit-tokens": "150000",
            "x-ratelimit-remaining-requests": "59",
            "x-ratelimit-remaining-tokens": "149984",
            "x-ratelimit-reset-requests": "1s",
            "x-ratelimit-reset-tokens": "6m0s",
        }
    )
    assert (found.limit, found.remaining, found.reset) == (60, 59, 1.0)
    assert (found.remaining_tokens, found.reset_tokens) == (149984, 360.0)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("17ms", 0.017),
        ("1h2m3.5s", 3723.5),
        ("2m59.56s", 179.56),
        ("250µs", 0.00025),
        ("30", 30.0),
        ("9d", LONGEST_WAIT),
        ("1784000010", 10.0),  # some gateways send the time itself
        ("1m junk", None),
        ("", None),
        ("-5", 0.0),
    ],
)
def test_durations(said: str, seconds: float | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: 1784000000.0)
    assert allowance_of({"x-ratelimit-reset-requests": said}).reset == pytest.approx(seconds)


@pytest.mark.parametrize(
    "headers",
    [
        # draft-ietf-httpapi-ratelimit-headers-03
        {"ratelimit-limit": "100, 100;w=60", "ratelimit-remaining": "50", "ratelimit-reset": "30"},
        # -07
        {"ratelimit": "limit=100, remaining=50, reset=30"},
        # -10
        {"ratelimit-policy": '"default";q=100;w=60', "ratelimit": '"default";r=50;t=30'},
        # -10 with several: the tightest, and none that counts other things than requests
        {
            "ratelimit-policy": '"day";q=5000;w=86400, "minute";q=100;w=60, "size";q=9;qu="content-bytes"',
            "ratelimit": '"day";r=4000;t=900, "minute";r=50;t=30, "size";r=1;t=1',
        },
    ],
)
def test_the_ietfs_drafts(headers: dict[str, str]) -> None:
    found = allowance_of(headers)
    assert (found.limit, found.remaining, found.reset) == (100, 50, 30.0)


@given(st.dictionaries(st.sampled_from(NAMES), SAID, max_size=8))
@settings(max_examples=50)
def test_whatever_they_say_is_bounded_and_raises_nothing(headers: dict[str, str]) -> None:
    wait, found = wait_of(headers), allowance_of(headers)
    for seconds in (wait, found.reset, found.reset_tokens):
        assert seconds is None or (math.isfinite(seconds) and 0 <= seconds <= LONGEST_WAIT)
    for count in (found.limit, found.remaining, found.remaining_tokens):
        assert count is None or 0 <= count <= 10**12


@given(st.integers(0, 10**6), st.integers(0, 86_400))
def test_plain_numbers_are_read_as_they_stand(remaining: int, seconds: int) -> None:
    said: dict[str, Any] = {
        "x-ratelimit-remaining-requests": str(remaining),
        "x-ratelimit-reset-requests": str(seconds),
    }
    found = allowance_of(said)
    assert (found.remaining, found.reset) == (remaining, seconds)
