"""Why an answer is missing: the one part of the request that is new, in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cache_help import SERVICE, request, response
from hypothesis import given
from hypothesis import strategies as st

from pytest_genaiops.clients.cache import Cache
from pytest_genaiops.clients.missing import Nearest, differences, why_missing
from pytest_genaiops.clients.request import Labels, Request

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8"), max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=2), inner, max_size=3),
    max_leaves=6,
)


def shown(before: Request, after: Request) -> list[str]:
    return [str(difference) for difference in differences(before, after)]


class TestDifferences:
    @pytest.mark.parametrize(
        ("before", "after", "said"),
        [
            (request(), request(temperature=0.7), "temperature: 0.2 -> 0.7"),
            (request(), request(temperature=None), "temperature: 0.2 -> null"),
            (request(seed=1), request(), "seed: 1 -> (none)"),
            (request(), request(stop=["x"]), 'stop: (none) -> ["x"]'),
            (request(seed=1), request(seed=True), "seed: 1 -> true"),
            (request(stop=["a"]), request(stop=["a", "b"]), "stop: 1 item -> 2 items"),
            (request(), request(trial=3), "trial: 1 -> 3"),
            (request("Why?"), request("Why not?"), 'messages[1].content: "Why?" -> "Why not?"'),
            (
                request("a" * 100 + "cat" + "b" * 200),
                request("a" * 100 + "dog" + "b" * 200),
                f'messages[1].content: "…{"a" * 24}cat{"b" * 45}…" -> "…{"a" * 24}dog{"b" * 45}…"',
            ),
            (request("a\x1b[2J"), request("a\u202e"), 'messages[1].content: "a\\u001b[2J" -> "a\\u202e"'),
            (
                request("sk-proj-0123456789abcdef"),
                request("sk-proj-0123456789abcxyz"),
                'messages[1].content: "***" -> "***"',
            ),
        ],
    )
    def test_each_says_where_and_what(self, before: Request, after: Request, said: str) -> None:
        assert shown(before, after) == [said]

    def test_the_service_and_the_repeat(self) -> None:
        other = Request(service={**SERVICE, "model": "large"}, body=request().body, repeat=2)
        assert shown(request(), other) == ['service.model: "small" -> "large"', "repeat: 1 -> 2"]

    @given(JSON, JSON)
    def test_there_is_one_exactly_where_the_keys_differ(self, one: Any, other: Any) -> None:
        before, after = Request(service={}, body={"x": one}), Request(service={}, body={"x": other})
        assert bool(differences(before, after)) == (before.key != after.key)


class TestNearest:
    @pytest.fixture
    def cache(self, tmp_path: Path) -> Cache:
        return Cache(tmp_path / ".genaiops", mode="use")

    def test_nothing_kept_at_all(self) -> None:
        sentence = why_missing(request(), Nearest(lambda *_: []))
        assert sentence == (
            "no answer is kept for this request, nor for any other; run once with --genaiops-cache=use to get them"
        )

    def test_the_same_labels_come_first(self, cache: Cache) -> None:
        cache.keep(request("Why?", temperature=0.9), response())
        cache.keep(request("Why not?", variant="v2"), response())
        assert cache.why_missing(request("Why not?")) == (
            'no answer is kept for this request: messages[1].content: "Why?" -> "Why not?", temperature: 0.9 -> 0.2 '
            "(against the one that is kept, of variant 'v1', case 'q1')"
        )

    def test_then_the_same_case_under_another_variant(self, cache: Cache) -> None:
        cache.keep(request("Why?", variant="v2"), response())
        cache.keep(request("Why!", case="q2"), response())
        assert cache.why_missing(request("Why!", temperature=0.9)).endswith(
            ': messages[1].content: "Why?" -> "Why!", temperature: 0.2 -> 0.9 '
            "(against the nearest one that is kept, of variant 'v2', case 'q1')"
        )

    def test_then_the_most_similar_of_the_same_service(self, cache: Cache) -> None:
        other = Request(service={"kind": "other"}, body=request("When does the museum open?").body)
        cache.keep(other, response())
        for case, question in (
            ("a", "When does the garden close?"),
            ("b", "When does the museum open"),
            ("c", "Where?"),
        ):
            cache.keep(request(question, case=case), response())
        assert "of variant 'v1', case 'b')" in cache.why_missing(request("When does the museum open?"))

    def test_of_several_calls_for_a_case_the_one_that_is_nearest(self, cache: Cache) -> None:
        for number in range(3):
            cache.keep(request(f"step {number}: something long enough to tell", trial=2), response())
        sentence = cache.why_missing(request("step 1: something long enough to tell", trial=3))
        assert "request: trial: 2 -> 3 (against" in sentence

    def test_many_differences_are_counted(self, cache: Cache) -> None:
        cache.keep(request(), response())
        sentence = cache.why_missing(request(**{f"parameter_{number}": number for number in range(9)}))
        assert "parameter_4: (none) -> 4, and 4 more (against" in sentence

    def test_labels_are_data(self, cache: Cache) -> None:
        cache.keep(request(variant="v\x1b[2J", case="q" * 500), response())
        sentence = cache.why_missing(request("How?"))
        assert sentence.isprintable()
        assert len(sentence) < 400

    def test_requests_without_labels(self, cache: Cache) -> None:
        cache.keep(Request(service={}, body={"q": 1}), response())
        sentence = cache.why_missing(Request(service={}, body={"q": 2}, labels=Labels()))
        assert "q: 1 -> 2" in sentence
