"""A bounded memory of work done on texts, so that each text is read once however many tests ask."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

Value = TypeVar("Value")


class TextMemo(Generic[Value]):
    """Remembers values under hashable keys until their weights add up to ``limit``; then drops the oldest.

    ``functools.lru_cache`` counts entries, and one entry may be a word or a book: here the
    caller says how heavy each is (characters, n-grams). Safe to use from several threads; two
    that miss at once both compute, and get equal values.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._weight = 0
        self._held: dict[Hashable, tuple[Value, int]] = {}
        self._lock = Lock()

    def get(self, key: Hashable, weight: int, make: Callable[[], Value]) -> Value:
        """The remembered value of ``key``, or what ``make()`` gives. A value heavier than the limit is not kept."""
        held = self._held.get(key)
        if held is not None:
            return held[0]
        value = make()
        if weight <= self._limit:
            with self._lock:
                self._keep(key, value, weight)
        return value

    def _keep(self, key: Hashable, value: Value, weight: int) -> None:
        if key in self._held:
            return
        self._held[key] = (value, weight)
        self._weight += weight
        while self._weight > self._limit:
            self._weight -= self._held.pop(next(iter(self._held)))[1]
