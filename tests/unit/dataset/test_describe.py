"""What is in a dataset: counts, lengths, rows that are alike, and rows that prompts give away."""

from __future__ import annotations

import random
import statistics
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_genaiops import dataset
from pytest_genaiops.dataset.describe import alike, facts, leaks
from pytest_genaiops.dataset.describe import twins as module
from pytest_genaiops.records import Case


def cases(*rows: dict[str, Any]) -> tuple[Case, ...]:
    return tuple(dataset.from_rows(list(rows)).cases)


def questions(*texts: str, **more: Any) -> tuple[Case, ...]:
    return cases(*({"id": number, "question": text, **more} for number, text in enumerate(texts)))


class TestFacts:
    def test_columns_slices_labels_and_systems(self) -> None:
        rows = cases(
            {"id": 1, "question": "one two", "reference": "x", "label": "spam", "cluster": "a", "slice_kind": "k",
             "responses": {"v1": "y", "v2": None}},
            {"id": 2, "question": "", "reference": ["", "long"], "label": "ham", "cluster": "a", "slice_kind": "k",
             "responses": {"v1": "y"}},
            {"id": 3, "depth": 7, "reference": [], "context": "p", "label": "spam", "slice_kind": None},
        )  # fmt: skip
        found = facts(rows, ["v1", "v2"])
        assert found.rows == 3
        assert {column.name: (column.rows, column.empty) for column in found.columns} == {
            "question": (2, 1),
            "reference": (3, 1),
            "label": (3, 0),
            "depth": (1, 0),
            "context": (1, 0),
        }
        by_name = {column.name: column for column in found.columns}
        assert by_name["depth"].characters is None
        assert by_name["question"].words is not None
        assert by_name["question"].words.largest == 2
        assert {tag: values.counts for tag, values in found.slices.items()} == {"kind": {"k": 2}}
        assert found.labels is not None
        assert found.labels.counts == {"spam": 2, "ham": 1}
        assert found.clusters == 1
        assert [(system.name, system.answers, system.missing) for system in found.systems] == [
            ("v1", 2, 1),
            ("v2", 0, 3),
        ]
        assert (found.answerable, found.supported) == (2, 1)

    def test_without_the_columns_nothing_is_said_of_them(self) -> None:
        found = facts(questions("a"), [])
        assert (found.labels, found.answerable, found.supported, found.clusters) == (None, None, None, 0)

    @given(lengths=st.lists(st.integers(1, 300), min_size=1, max_size=60))
    def test_lengths_are_those_of_the_standard_library(self, lengths: list[int]) -> None:
        (column,) = facts(questions(*("x" * length for length in lengths)), []).columns
        assert column.characters is not None
        assert column.characters.median == statistics.median_low(lengths)
        assert column.characters.largest == max(lengths)
        # Nearest rank: the smallest length that at least 95 % of the rows do not exceed.
        assert column.characters.p95 == min(
            n for n in lengths if 20 * sum(m <= n for m in lengths) >= 19 * len(lengths)
        )

    def test_values_without_end_are_counted_together(self) -> None:
        found = facts(cases(*({"id": number, "label": number} for number in range(1500))), [])
        assert found.labels is not None
        assert (len(found.labels.counts), found.labels.more) == (1000, 500)


class TestAlike:
    def test_the_same_words_are_the_same_question(self) -> None:
        found = alike([questions("What is *args?", "what is  ARGS", "Else?", "\uff37hat is args!")])
        assert (found.same, found.conflicting, found.near) == (2, 0, 0)
        assert [(pair.first.id, pair.second.id) for pair in found.pairs] == [("0", "1"), ("0", "3")]
        assert all(pair.same for pair in found.pairs)

    def test_other_references_to_one_question_are_a_conflict(self) -> None:
        rows = cases(
            {"id": "a", "question": "Why?", "reference": "x"},
            {"id": "b", "question": "Why?", "reference": "x"},
            {"id": "c", "question": "Why?", "reference": "y"},
        )
        found = alike([rows])
        assert (found.same, found.conflicting) == (2, 1)
        assert (found.pairs[0].first.id, found.pairs[0].second.id) == ("a", "c")

    def test_rows_without_a_question_are_compared_by_all_they_have(self) -> None:
        rows = cases({"id": 1, "a": "x", "b": 2}, {"id": 2, "a": "x", "b": 2}, {"id": 3, "a": "x", "b": 3})
        assert alike([rows]).same == 1

    def test_rows_that_say_nothing_are_not_alike(self) -> None:
        assert alike([questions("", "?", " ")]).pairs == ()

    def test_nearly_the_same(self) -> None:
        text = "How do I return shoes that I bought in the shop last week?"
        found = alike([questions(text, "Where is my parcel?", text.replace("shoes", "boots"))])
        (pair,) = found.pairs
        assert (pair.first.id, pair.second.id) == ("0", "2")
        assert (found.near, found.complete) == (1, True)

    def test_between_datasets_only_pairs_across_count(self) -> None:
        train = questions("Why is the sky blue today?", "Why is the sky blue today?", "What else is there?")
        test = questions("why is the sky blue, today", "What else is there to eat?", "Why is the sky blue today now?")
        found = alike([train, test])
        assert (found.same, found.near) == (1, 1)
        places = [(pair.first.side, pair.first.id, pair.second.side, pair.second.id) for pair in found.pairs]
        assert places == [(0, "0", 1, "0"), (0, "0", 1, "2")]

    def test_long_texts_with_one_beginning_are_nearly_the_same(self) -> None:
        beginning = " ".join(f"word{number}" for number in range(400))
        found = alike([questions(f"{beginning} one", f"{beginning} two")])
        assert (found.same, found.near) == (0, 1)
        assert not found.pairs[0].same

    def test_almost_all_near_duplicates_are_found_and_nothing_else(self) -> None:
        from rapidfuzz.fuzz import ratio

        draw = random.Random(1)
        words = ["".join(draw.choices("abcdefghijklmnop", k=draw.randint(2, 9))) for _ in range(800)]
        texts = [" ".join(draw.choices(words, k=draw.randint(8, 30))) for _ in range(300)]
        edited = []
        for text in texts[:150]:
            parts = text.split()
            parts[draw.randrange(len(parts))] = draw.choice(words)
            edited.append(" ".join(parts))
        every = [*texts, *edited]
        wanted = {
            (first, 300 + number)
            for number, text in enumerate(edited)
            for first in range(300)
            if module.NEAR <= ratio(texts[first], text) < 100
        }
        found = alike([questions(*every)])
        assert len(wanted) > 100
        assert found.near >= 0.97 * len(wanted)
        for pair in found.pairs:
            assert ratio(every[int(pair.first.id)], every[int(pair.second.id)]) == pytest.approx(pair.likeness)

    def test_what_was_not_compared_is_said(self, monkeypatch: pytest.MonkeyPatch) -> None:
        texts = [f"The same long beginning of a question, and then {number}?" for number in range(60)]
        assert (alike([questions(*texts)]).near, alike([questions(*texts)]).complete) == (60 * 59 // 2, True)
        monkeypatch.setattr(module, "_MOST_SHARED", 100)
        assert alike([questions(*texts)]).complete is False
        monkeypatch.undo()
        monkeypatch.setattr(module, "MOST_ROWS", 2)
        assert alike([questions("one thing", "quite another", "a third")]).complete is False

    @given(texts=st.lists(st.text(max_size=12), min_size=1, max_size=8))
    def test_any_text_can_be_compared(self, texts: list[str]) -> None:
        found = alike([tuple(Case(id=str(number), inputs={"question": text}) for number, text in enumerate(texts))])
        assert len(texts) > found.same


class TestLeaks:
    ROWS = cases(
        {
            "id": "a",
            "question": "What does a with statement call last?",
            "reference": "The __exit__ method of a manager.",
        },
        {"id": "b", "question": "Why?", "reference": "Yes."},
    )

    def test_questions_and_references_in_prompts_are_found(self) -> None:
        prompts = {
            "asks": "Example: what does a `with` statement call last",
            "tells": "Answer like this: the __exit__ method of a manager.",
            "clean": "Why? Yes. What does a with statement call?",
        }
        found = leaks(self.ROWS, prompts)
        assert found.rows == {"asks": 1, "tells": 1}
        assert [(leak.variant, leak.id, leak.what) for leak in found.first] == [
            ("asks", "a", "question"),
            ("tells", "a", "reference"),
        ]

    def test_words_are_not_found_inside_words(self) -> None:
        rows = questions("art of the deal and other books")
        assert leaks(rows, {"v": "smart of the deal and other booksellers"}).rows == {}
        assert leaks(rows, {"v": "the art of the deal and other books"}).rows == {"v": 1}
