"""Sequences that hold no items of their own: each item is made when somebody asks for it.

A million rows stay small this way: what is kept is the rows' place in a file, and the numbers
that were counted in them.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, TypeVar, overload

Item = TypeVar("Item")
Source = TypeVar("Source")


class Lazy(Sequence[Item]):
    """What every such sequence does alike: negative indices, and slices that are sequences of the same kind."""

    __slots__ = ()

    @abstractmethod
    def at(self, position: int) -> Item:
        """The item at a position from 0 to the length."""

    @overload
    def __getitem__(self, index: int) -> Item: ...
    @overload
    def __getitem__(self, index: slice[Any, Any, Any]) -> Sequence[Item]: ...
    def __getitem__(self, index: int | slice[Any, Any, Any]) -> Item | Sequence[Item]:
        places = range(len(self))[index]  # as a tuple would take it, with a tuple's errors
        return Chosen(self, places) if isinstance(places, range) else self.at(places)

    def __iter__(self) -> Iterator[Item]:
        return map(self.at, range(len(self)))


class Chosen(Lazy[Item]):
    """The items at some positions of another sequence, in the order given."""

    __slots__ = ("base", "positions")

    def __init__(self, base: Sequence[Item], positions: Sequence[int]) -> None:
        self.base = base
        self.positions = positions

    def __len__(self) -> int:
        return len(self.positions)

    def at(self, position: int) -> Item:
        """The item at a position."""
        return self.base[self.positions[position]]


class Mapped(Lazy[Item], Generic[Source, Item]):
    """What a function makes of each item of another sequence."""

    __slots__ = ("base", "function")

    def __init__(self, function: Callable[[Source], Item], base: Sequence[Source]) -> None:
        self.base = base
        self.function = function

    def __len__(self) -> int:
        return len(self.base)

    def at(self, position: int) -> Item:
        """The item at a position."""
        return self.function(self.base[position])

    def __iter__(self) -> Iterator[Item]:
        return map(self.function, self.base)


def chosen(base: Sequence[Item], positions: Sequence[int]) -> Sequence[Item]:
    """The items at some positions: picked at once from what is held in memory, when asked for from what is not."""
    return Chosen(base, positions) if isinstance(base, Lazy) else tuple(base[position] for position in positions)


def same(one: Sequence[Any], other: Sequence[Any]) -> bool:
    """Whether two sequences are one, or made alike from one; equal items prove nothing and are not looked at."""
    if isinstance(one, Chosen) and isinstance(other, Chosen):
        return one.positions == other.positions and same(one.base, other.base)
    if isinstance(one, Mapped) and isinstance(other, Mapped):
        return one.function is other.function and same(one.base, other.base)
    return one is other
