"""Orders with ties: rank ranges and compact letters."""

from __future__ import annotations

import re
from itertools import combinations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pytest_genaiops.errors import MetricError
from pytest_genaiops.statistics.ranking import letters, rank_ranges


@st.composite
def orders(draw: st.DrawFn) -> tuple[int, list[tuple[int, int]]]:
    """Items with any separations whatever, each pair in one direction."""
    size = draw(st.integers(1, 9))
    pairs = list(combinations(range(size), 2))
    chosen = draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    return size, [pair if draw(st.booleans()) else pair[::-1] for pair in chosen]


def shared(one: str, other: str) -> bool:
    return bool(set(re.findall(r"[a-z]\d*", one)) & set(re.findall(r"[a-z]\d*", other)))


class TestLetters:
    def test_a_chain_of_ties(self) -> None:
        """The first and the third differ, the second is like both."""
        assert letters(3, [(0, 2)]) == ("a", "ab", "b")

    def test_nobody_differs_and_everybody_does(self) -> None:
        assert letters(3, []) == ("a", "a", "a")
        assert letters(3, [(0, 1), (0, 2), (1, 2)]) == ("a", "b", "c")
        assert letters(1, []) == ("a",)
        assert letters(0, []) == ()

    def test_the_example_of_the_paper_s_kind(self) -> None:
        """Four items of which 0-3, 1-3 and 0-2 differ: the ties 0-1, 1-2 and 2-3 need three letters."""
        assert letters(4, [(0, 3), (1, 3), (0, 2)]) == ("a", "ab", "bc", "c")

    def test_the_direction_of_a_win_does_not_matter(self) -> None:
        assert letters(3, [(2, 0)]) == letters(3, [(0, 2)])

    def test_after_z_comes_a2(self) -> None:
        found = letters(28, list(combinations(range(28), 2)))
        assert (found[0], found[25], found[26], found[27]) == ("a", "z", "a2", "b2")

    @given(orders())
    @example((4, [(0, 1), (2, 3)]))
    def test_two_share_a_letter_if_and_only_if_nothing_separates_them(
        self, order: tuple[int, list[tuple[int, int]]]
    ) -> None:
        size, wins = order
        found = letters(size, wins)
        assert all(found)
        separated = {frozenset(pair) for pair in wins}
        for a, b in combinations(range(size), 2):
            assert shared(found[a], found[b]) is (frozenset((a, b)) not in separated)

    @given(orders())
    def test_no_letter_is_held_by_a_part_of_another_s_items(self, order: tuple[int, list[tuple[int, int]]]) -> None:
        size, wins = order
        holders: dict[str, set[int]] = {}
        for item, text in enumerate(letters(size, wins)):
            for letter in re.findall(r"[a-z]\d*", text):
                holders.setdefault(letter, set()).add(item)
        assert not any(one <= other for a, one in holders.items() for b, other in holders.items() if a != b)


class TestRanks:
    def test_ties_share_a_range(self) -> None:
        assert rank_ranges(3, [(0, 2)]) == ((1, 2), (1, 3), (2, 3))
        assert rank_ranges(3, []) == ((1, 3),) * 3
        assert rank_ranges(3, [(2, 0), (2, 1), (1, 0)]) == ((3, 3), (2, 2), (1, 1))
        assert rank_ranges(0, []) == ()

    def test_a_pair_counts_once(self) -> None:
        assert rank_ranges(2, [(0, 1), (0, 1)]) == ((1, 1), (2, 2))

    @given(st.permutations(range(6)), st.data())
    def test_the_order_that_the_wins_come_from_lies_within_the_ranges(
        self, order: list[int], data: st.DataObject
    ) -> None:
        true_wins = [(order[i], order[j]) for i, j in combinations(range(6), 2)]
        wins = data.draw(st.lists(st.sampled_from(true_wins), unique=True))
        for item, (first, last) in enumerate(rank_ranges(6, wins)):
            assert first <= order.index(item) + 1 <= last


@pytest.mark.parametrize("function", [letters, rank_ranges])
@pytest.mark.parametrize("pair", [(0, 0), (0, 3), (-1, 0)])
def test_what_is_no_pair_is_refused(function: object, pair: tuple[int, int]) -> None:
    with pytest.raises(MetricError, match=r"is no pair of two among 3 items; count items from 0"):
        function(3, [pair])  # type: ignore[operator]
