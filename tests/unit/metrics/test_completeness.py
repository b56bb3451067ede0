"""Completeness: how much of the reference answer an answer has, by hand and beside people's opinion."""

# ruff: noqa: TID253 - the rule is for the package

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.public_data import rows
from pytest_genaiops.errors import UnscorableError
from pytest_genaiops.metrics.completeness import Completeness
from pytest_genaiops.records import Case, Explanation, Response

ROOT = Path(__file__).resolve().parents[3]
TOWER = "The Eiffel Tower opened in 1889. It is 330 metres tall."
WORDS = ["Eiffel", "Tower", "opened", "1889", "330", "metres", "tall", "the", "is", "one", "new"]


def evidence(answer: str, *references: str) -> Explanation:
    return Completeness().explain(Response(text=answer), Case(id="7", references=references))


def score(answer: str, *references: str) -> float:
    return evidence(answer, *references).score


class TestTheShare:
    def test_by_hand(self) -> None:
        """Of Eiffel, Tower, opened, 1889, 330, metres, tall the answer has 330 and metres."""
        assert score("330 metres.", TOWER) == pytest.approx(2 / 7, abs=1e-6)

    def test_very_common_words_count_half(self) -> None:
        """Content words: good (0.5), nights (1), Rome (1)."""
        assert score("Rome.", "Good nights in Rome.") == pytest.approx(1 / 2.5, abs=1e-6)

    def test_a_word_that_is_repeated_counts_once(self) -> None:
        assert score("Rome.", "Rome, Rome, Rome and Paris.") == 0.5

    def test_everything_is_one_and_nothing_is_zero(self) -> None:
        assert score("Tall it stands: 330 metres, opened 1889, the Eiffel Tower!", TOWER) == 1.0
        assert score("Bananas are yellow.", TOWER) == 0.0

    def test_what_the_answer_says_besides_does_not_matter(self) -> None:
        assert score("330 metres. " + "Bananas are yellow. " * 20, TOWER) == score("330 metres.", TOWER)

    def test_numbers_and_inflections_match_across_spellings(self) -> None:
        assert score("Opens at 5:30 PM with 1000 lamps.", "It opened at 17:30 with 1,000 lamps.") == 1.0

    def test_a_wrong_number_is_missed(self) -> None:
        assert score("The Eiffel Tower opened in 1890.", "The Eiffel Tower opened in 1889.") == 0.75

    def test_the_best_covered_reference_counts(self) -> None:
        assert score("It is 330 metres.", "Around 1083 feet.", "330 metres.", TOWER) == 1.0

    @given(st.lists(st.sampled_from(WORDS), max_size=12), st.sampled_from(WORDS))
    def test_saying_more_never_lowers_it(self, said: list[str], more: str) -> None:
        assert score(" ".join([*said, more]), TOWER) >= score(" ".join(said), TOWER)

    @given(st.text(max_size=60), st.lists(st.text(max_size=40), min_size=1, max_size=3))
    def test_range_and_offsets_hold_on_any_text(self, answer: str, references: list[str]) -> None:
        try:
            found = evidence(answer, *references)
        except UnscorableError:
            return
        assert 0 <= found.score <= 1
        assert found.sentences
        assert all(0 <= value <= 1 for value in found.features.values())
        assert any(
            all(reference[part.start : part.end] == part.text for part in found.sentences) for reference in references
        )


class TestEvidence:
    def test_the_sentence_of_the_reference_that_is_covered_least(self) -> None:
        found = evidence("The Eiffel Tower opened in 1889.", TOWER)
        assert [sentence.support for sentence in found.sentences] == [1.0, 0.0]
        assert found.worst is not None
        assert found.worst.text == TOWER[found.worst.start : found.worst.end] == "It is 330 metres tall."
        assert [span.text for span in found.unsupported] == ["330", "metres", "tall"]
        assert all(TOWER[span.start : span.end] == span.text for span in found.unsupported)

    def test_pairs_of_characters_become_one_span(self) -> None:
        assert [span.text for span in evidence("铁塔位于巴黎。", "铁塔位于东京。").unsupported] == ["于东京"]

    def test_shares_of_numbers_and_names(self) -> None:
        found = evidence("It opened in 1889.", "Built by Gustave Eiffel, it opened in 1889 and has 3 floors.")
        assert found.features["numbers"] == 0.5
        assert found.features["names"] == 0.0
        assert set(evidence("x", "a plain reference").features) == {"words"}

    def test_the_score_is_that_of_its_evidence(self) -> None:
        case = Case(id="7", references=(TOWER,))
        response = Response(text="It opened in 1889.")
        assert Completeness().statistics(response, case) == (Completeness().explain(response, case).score,)


class TestBadInput:
    @pytest.mark.parametrize("answer", ["", "  \n", "I don't know.", "🙂", "Rate this 5 out of 5."])
    def test_an_answer_that_says_nothing_of_it_is_zero(self, answer: str) -> None:
        assert score(answer, TOWER) == 0.0

    @pytest.mark.parametrize("references", [(), ("",), (" ", "\n")])
    def test_no_reference(self, references: tuple[str, ...]) -> None:
        with pytest.raises(UnscorableError, match="row '7' has no reference"):
            score("The tower is tall.", *references)

    @pytest.mark.parametrize("reference", ["Yes.", "🙂", "It is what it is."])
    def test_a_reference_without_content(self, reference: str) -> None:
        with pytest.raises(UnscorableError, match="row '7': the reference has no content word"):
            score("Yes, indeed.", reference)

    def test_references_without_content_are_passed_over_beside_others(self) -> None:
        assert score("Paris.", "Yes.", "In Paris.") == 1.0

    @pytest.mark.parametrize("text", ["埃菲尔铁塔建于1889年。", "หอไอเฟลสร้างขึ้นในปี 1889", "Эйфелева башня, 1889."])
    def test_other_scripts(self, text: str) -> None:
        assert score(text, text) == 1.0

    @pytest.mark.parametrize("answer", ["埃菲尔铁塔高三百三十米。", "Эйфелева башня открыта."])
    def test_an_answer_in_another_script_cannot_be_compared(self, answer: str) -> None:
        with pytest.raises(UnscorableError, match=r"written in (CJK|CYRILLIC) letters and its reference in LATIN"):
            score(answer, TOWER)

    @pytest.mark.parametrize("answer", ["330, 1889.", "Eiffel Tower (埃菲尔铁塔), 330 metres"])
    def test_numbers_and_single_foreign_words_are_no_other_script(self, answer: str) -> None:
        assert score(answer, TOWER) > 0

    def test_one_reference_in_the_script_of_the_answer_is_enough(self) -> None:
        assert score("Башня открыта.", TOWER, "Башня открыта, Париж.") > 0.5

    def test_a_megabyte(self) -> None:
        reference = " ".join(f"Word{i} says thing{i % 977}." for i in range(50_000))
        assert len(reference) > 1_000_000
        case = Case(id="7", references=(reference,))
        assert 0 < Completeness().statistics(Response(text="Word7 says thing7."), case)[0] < 0.001


class TestContract:
    def test_every_process_gives_the_same_numbers(self, printed: Callable[[str], set[str]]) -> None:
        """Sets of strings are ordered differently in each process; no score may depend on it."""
        code = (
            "from tests.unit.metrics.test_completeness import evidence, TOWER;"
            "print(evidence('A new tower of 330 metres, or of 1000, is tall in Paris.', TOWER))"
        )
        assert len(printed(code)) == 1

    def test_the_signature_names_the_method(self) -> None:
        assert Completeness().signature([]) == {"method": "lexical-1"}
        assert hash(Completeness()) == hash(Completeness())


def test_agreement_with_people() -> None:
    """SummEval's experts say how much of what matters a summary has; the plain share of words reaches 0.19 here."""
    from scipy.stats import kendalltau

    folder = Path(os.environ.get("GENAIOPS_PUBLIC_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "summeval_outputs.jsonl").is_file():
        pytest.skip(f"no public data in {folder}; set GENAIOPS_PUBLIC_DATA to its folder")
    references = {row["id"]: tuple(row["references"]) for row in rows(folder, "summeval_documents")}
    outputs = rows(folder, "summeval_outputs")
    taus = []
    for document in list(references)[:50]:
        case = Case(id=document, references=references[document])
        summaries = [row for row in outputs if row["id"] == document]
        scores = [Completeness().statistics(Response(text=row["summary"]), case)[0] for row in summaries]
        taus.append(kendalltau(scores, [row["expert"]["relevance"] for row in summaries])[0])
    assert float(np.nanmean(taus)) >= 0.22
