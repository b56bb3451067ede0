"""What changed between two texts."""

from __future__ import annotations

import functools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_genaiops.report.words import counts, edits, marked

TEXTS = st.lists(st.sampled_from("abcd"), max_size=9).map(" ".join)


@given(before=TEXTS, after=TEXTS)
def test_the_runs_make_up_both_texts(before: str, after: str) -> None:
    found = edits(before, after)
    assert [word for edit in found for word in edit.common + edit.removed] == before.split()
    assert [word for edit in found for word in edit.common + edit.added] == after.split()
    assert all(bool(edit.common) != bool(edit.removed or edit.added) for edit in found)


@given(before=TEXTS, after=TEXTS)
def test_as_many_words_are_common_as_can_be(before: str, after: str) -> None:
    a, b = before.split(), after.split()

    @functools.cache
    def longest(i: int, j: int) -> int:
        if not i or not j:
            return 0
        same = longest(i - 1, j - 1) + 1 if a[i - 1] == b[j - 1] else 0
        return max(same, longest(i - 1, j), longest(i, j - 1))

    common = longest(len(a), len(b))
    assert counts(before, after) == (len(b) - common, len(a) - common)


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        ("Answer briefly and cite.", "Answer at length and cite.", "Answer [-briefly-] {+at length+} and cite."),
        ("a b c d e f", "a b c d X f", "… b c d [-e-] {+X+} f"),
        ("x 1 2 3 4 5 6 7 y", "X 1 2 3 4 5 6 7 Y", "[-x-] {+X+} 1 2 3 … 5 6 7 [-y-] {+Y+}"),
        ("", "new text", "{+new text+}"),
        ("old\ntext", "", "[-old text-]"),
        ("the same", " the  same\n", ""),
        ("a", "\x1b[31mb", "[-a-] {+\\x1b[31mb+}"),
    ],
)
def test_marks(before: str, after: str, shown: str) -> None:
    assert marked(before, after) == shown


def test_a_long_run_is_cut() -> None:
    assert marked("", " ".join(map(str, range(100))), most=3) == "{+0 1 2 … 97 more+}"


def test_long_texts_take_no_long_time() -> None:
    start = time.process_time()
    before, after = " ".join(map(str, range(100_000))), " ".join(map(str, range(100_000, 0, -1)))
    assert counts(before, after)[0] > 0
    assert counts(before + " end", before)[1] == 1
    assert time.process_time() - start < 60
