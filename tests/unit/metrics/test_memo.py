"""The bounded memory of work done on texts."""

from __future__ import annotations

from pytest_genaiops.metrics.memo import TextMemo


def test_a_value_is_made_once_while_it_is_remembered() -> None:
    made: list[str] = []
    memo: TextMemo[str] = TextMemo(10)

    def ask(key: str, weight: int) -> str:
        return memo.get(key, weight, lambda: made.append(key) or key.upper())

    assert [ask("a", 4), ask("b", 4), ask("a", 4)] == ["A", "B", "A"]
    assert made == ["a", "b"]


def test_the_oldest_go_when_the_weights_exceed_the_limit_and_the_too_heavy_never_stay() -> None:
    made: list[str] = []
    memo: TextMemo[str] = TextMemo(10)
    for key, weight in (("a", 4), ("b", 4), ("c", 4), ("heavy", 11), ("b", 4), ("c", 4), ("a", 4), ("heavy", 11)):
        memo.get(key, weight, lambda key=key: made.append(key) or key)
    assert made == ["a", "b", "c", "heavy", "a", "heavy"]


def test_a_value_that_looks_empty_is_remembered_too() -> None:
    calls: list[int] = []
    memo: TextMemo[tuple[int, ...]] = TextMemo(10)
    for _ in range(2):
        memo.get("key", 0, lambda: tuple(calls.append(1) or ()))
    assert len(calls) == 1
