"""Utilization: which chunks an answer is made of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_genaiops.errors import UnscorableError
from pytest_genaiops.metrics.utilization import Utilization
from pytest_genaiops.records import Case, Explanation, Response

ROOT = Path(__file__).resolve().parents[3]
OPENED = "The tower opened in 1889."
HEIGHT = "It is 330 metres tall."
FRUIT = "Bananas are rich in potassium."


def evidence(answer: str, *contexts: str) -> Explanation:
    return Utilization().explain(Response(text=answer), Case(id="1", contexts=contexts))


def score(answer: str, *contexts: str) -> float:
    return evidence(answer, *contexts).score


class TestTheShare:
    def test_chunks_that_are_in_the_answer_over_all_chunks(self) -> None:
        assert score(f"{OPENED} {HEIGHT}", OPENED, HEIGHT) == 1.0
        assert score(OPENED, OPENED, FRUIT) == 0.5
        assert score(OPENED, FRUIT, HEIGHT) == 0.0

    def test_every_chunk_retrieved_in_vain_lowers_it(self) -> None:
        assert score(OPENED, OPENED, *[FRUIT] * 4) == pytest.approx(1 / 5, abs=1e-6)

    def test_the_order_of_chunks_and_of_sentences_does_not_matter(self) -> None:
        chunks = (OPENED, "The tower is in Paris.", FRUIT)
        assert score(f"{OPENED} A tower in Paris.", *chunks) == score(f"A tower in Paris. {OPENED}", *reversed(chunks))

    def test_two_chunks_that_say_the_same_are_both_used(self) -> None:
        assert evidence(OPENED, OPENED, f"As we said: {OPENED}").features == {"chunk 1": 1.0, "chunk 2": 1.0}

    def test_by_hand(self) -> None:
        """Of tower, opened, 1889 the second chunk holds one; squared, as the first holds all three."""
        assert evidence(OPENED, OPENED, "A tower is high.").features["chunk 2"] == pytest.approx(1 / 9, abs=1e-6)

    def test_half_a_sentence_from_each_of_two_chunks(self) -> None:
        """Of four content words each chunk holds two, and no other holds more: both are used by half."""
        found = evidence("Ravens sing, bananas rot.", "Ravens sing.", "Bananas rot.")
        assert found.features == {"chunk 1": 0.5, "chunk 2": 0.5}

    def test_the_responses_own_contexts_come_first(self) -> None:
        case = Case(id="1", contexts=(FRUIT,))
        assert Utilization().statistics(Response(text=OPENED, contexts=(OPENED,)), case) == (1.0,)
        assert Utilization().statistics(Response(text=OPENED), case) == (0.0,)

    @given(st.permutations([OPENED, HEIGHT, FRUIT, "Paris has a tower."]), st.integers(1, 4))
    def test_a_chunk_that_is_copied_is_used_whatever_the_others(self, chunks: list[str], count: int) -> None:
        found = evidence(chunks[0], *chunks[:count])
        assert found.features["chunk 1"] == 1.0
        assert found.score >= 1 / count - 1e-6


class TestEvidence:
    def test_each_sentence_with_the_support_of_its_best_chunk(self) -> None:
        answer = f"{OPENED} Elephants fly."
        found = evidence(answer, FRUIT, OPENED)
        assert [(s.text, s.support) for s in found.sentences] == [(OPENED, 1.0), ("Elephants fly.", 0.0)]
        assert found.features == {"chunk 1": 0.0, "chunk 2": 1.0}
        assert found.unsupported == ()

    def test_the_score_is_that_of_its_evidence(self) -> None:
        case, response = Case(id="1", contexts=(OPENED, FRUIT)), Response(text="The tower has bananas.")
        assert Utilization().statistics(response, case) == (Utilization().explain(response, case).score,)

    @given(st.text(max_size=60), st.lists(st.text(max_size=40), min_size=1, max_size=4))
    def test_range_and_offsets_hold_on_any_text(self, answer: str, contexts: list[str]) -> None:
        try:
            found = evidence(answer, *contexts)
        except UnscorableError:
            return
        assert 0 <= found.score <= 1
        assert len(found.features) == sum(bool(context.strip()) for context in contexts)
        assert all(answer[part.start : part.end] == part.text for part in found.sentences)
        assert all(0 <= value <= 1 for value in (*found.features.values(), *(s.support for s in found.sentences)))


class TestBadInput:
    def test_blank_chunks_are_left_out(self) -> None:
        assert evidence(OPENED, "", OPENED, " \n").features == {"chunk 1": 1.0}

    @pytest.mark.parametrize("contexts", [(), ("",), (" ", "\n")])
    def test_empty_contexts(self, contexts: tuple[str, ...]) -> None:
        with pytest.raises(UnscorableError, match="contexts are empty"):
            score(OPENED, *contexts)

    def test_no_contexts_at_all(self) -> None:
        with pytest.raises(UnscorableError, match="neither the response nor the case has contexts"):
            Utilization().statistics(Response(text="x"), Case(id="1"))

    @pytest.mark.parametrize(
        ("answer", "reason"),
        [
            ("", "is empty"),
            (" \n", "is empty"),
            ("Yes.", "no content word"),
            ("I don't know.", "declines to answer"),
        ],
    )
    def test_answers_that_claim_nothing(self, answer: str, reason: str) -> None:
        with pytest.raises(UnscorableError, match=reason):
            score(answer, OPENED)

    def test_words_about_the_contexts_and_list_numbers_are_no_use_of_them(self) -> None:
        answer = f"Based on the given passages:\n1. {OPENED}"
        assert evidence(answer, OPENED, "1. Bananas 2. Apples").features == {"chunk 1": 1.0, "chunk 2": 0.0}

    @pytest.mark.parametrize("text", ["埃菲尔铁塔建于1889年。", "หอไอเฟลสร้างขึ้นในปี 1889", "Эйфелева башня, 1889."])
    def test_other_scripts(self, text: str) -> None:
        assert score(text, text, FRUIT) == pytest.approx(0.5, abs=0.05)

    def test_an_answer_in_another_script_cannot_be_compared(self) -> None:
        with pytest.raises(UnscorableError, match="CYRILLIC"):
            score("Башня открыта в Париже.", OPENED, HEIGHT)

    def test_two_hundred_chunks_and_a_long_answer(self) -> None:
        chunks = [f"Word{i} sees thing{i}." for i in range(200)]
        case = Case(id="1", contexts=tuple(chunks))
        assert Utilization().statistics(Response(text=" ".join(chunks * 2)), case) == (1.0,)
        # The others share word (1), sees (0.5) and thing (0.5) with a sentence, and not its number (1).
        used = Utilization().statistics(Response(text=" ".join(chunks[:50])), case)[0]
        assert used == pytest.approx(0.25 + 0.75 * (2 / 3) ** 2, abs=1e-6)


class TestContract:
    def test_every_process_gives_the_same_numbers(self, printed: Callable[[str], set[str]]) -> None:
        """Sets of strings are ordered differently in each process; no score may depend on it."""
        code = (
            "from tests.unit.metrics.test_utilization import evidence, OPENED, HEIGHT;"
            "print(evidence('A tower in Paris opened at noon. It is tall.', OPENED, HEIGHT))"
        )
        assert len(printed(code)) == 1

    def test_the_signature_names_the_method(self) -> None:
        assert Utilization().signature([]) == {"method": "lexical-1"}
        assert hash(Utilization()) == hash(Utilization())
