"""What changed between two texts, word by word, for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from pytest_genaiops.report.text import visible

LONGEST = 5_000
"""Changed words of a text that are compared one by one; more are counted as written anew."""
CONTEXT = 3
"""Words shown on either side of a change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One run of words that both texts have, or that one has where the other has another."""

    common: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()


def edits(before: str, after: str) -> list[Edit]:
    """The texts as runs of common and of changed words, in order, with as many common words as there can be."""
    old, new = before.split(), after.split()
    head = _shared(old, new)
    tail = _shared(old[head:][::-1], new[head:][::-1])
    middle = _middle(old[head : len(old) - tail], new[head : len(new) - tail])
    found = [Edit(common=tuple(old[:head])), *middle, Edit(common=tuple(old[len(old) - tail :]))]
    return [edit for edit in found if edit.common or edit.removed or edit.added]


def counts(before: str, after: str) -> tuple[int, int]:
    """Words added and words removed."""
    found = edits(before, after)
    return sum(len(edit.added) for edit in found), sum(len(edit.removed) for edit in found)


def marked(before: str, after: str, *, most: int = 60) -> str:
    """The changes with a little text around them, as in ``… answer [-briefly-] {+at length+} and …``.

    At most ``most`` words of any run are shown; words are made fit for a terminal. Empty where no word differs.
    """
    found = edits(before, after)
    if not any(edit.removed or edit.added for edit in found):
        return ""
    last = len(found) - 1
    return " ".join(part for number, edit in enumerate(found) for part in _parts(edit, number, last, most))


def _parts(edit: Edit, number: int, last: int, most: int) -> Iterator[str]:
    words = edit.common
    if words:
        room = CONTEXT * ((number > 0) + (number < last))
        start, end = words[:CONTEXT] if number else (), words[-CONTEXT:] if number < last else ()
        yield _joined(words) if len(words) <= room else " ".join(filter(None, (_joined(start), "…", _joined(end))))
    for words, left, right in ((edit.removed, "[-", "-]"), (edit.added, "{+", "+}")):
        if words:
            cut = f" … {len(words) - most} more" if len(words) > most else ""
            yield f"{left}{_joined(words[:most])}{cut}{right}"


def _joined(words: Sequence[str]) -> str:
    return visible(" ".join(words))


def _shared(old: Sequence[str], new: Sequence[str]) -> int:
    """Length of the common beginning."""
    for number, (a, b) in enumerate(zip(old, new, strict=False)):
        if a != b:
            return number
    return min(len(old), len(new))


def _middle(old: list[str], new: list[str]) -> list[Edit]:
    from rapidfuzz.distance import LCSseq

    if max(len(old), len(new)) > LONGEST or not old or not new:
        return [Edit(removed=tuple(old), added=tuple(new))]
    found: list[Edit] = []
    for step in LCSseq.opcodes(old, new):
        a, b = tuple(old[step.src_start : step.src_end]), tuple(new[step.dest_start : step.dest_end])
        if step.tag == "equal":
            found.append(Edit(common=a))
        elif found and not found[-1].common:  # a removal beside an insertion is one change
            found[-1] = Edit(removed=found[-1].removed + a, added=found[-1].added + b)
        else:
            found.append(Edit(removed=a, added=b))
    return found


def money(amount: float) -> str:
    """An amount with its first four digits, without an exponent however small it is: ``0.00004812``."""
    return format(Decimal(f"{amount:.4g}"), "f")
