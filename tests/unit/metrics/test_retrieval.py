"""Retrieval: trec_eval's numbers for documents, and numbers for spans that do not depend on how a source is cut."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Sequence
from typing import Any

import ir_measures
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ir_measures import AP, RR, Judged, P, R, Success, nDCG

from pytest_genaiops import evaluate, metric
from pytest_genaiops.dataset import store
from pytest_genaiops.errors import MetricError
from pytest_genaiops.metrics.retrieval import Retrieval
from pytest_genaiops.records import Case, Passage, Relevant, Response, ResponseError, Trial

K = (1, 3, 5, 10)
ORACLE = {
    "mrr": RR,
    "map": AP,
    **{f"precision_at_{k}": P @ k for k in K},
    **{f"recall_at_{k}": R @ k for k in K},
    **{f"hit_at_{k}": Success @ k for k in K},
    **{f"ndcg_at_{k}": nDCG @ k for k in K},
}
DOCUMENTS = [f"d{number}" for number in range(12)]
RANKINGS = st.lists(st.sampled_from(DOCUMENTS), unique=True, max_size=12)
GRADES = st.dictionaries(st.sampled_from(DOCUMENTS), st.integers(0, 3), min_size=1, max_size=6)


def oracle(rankings: Sequence[Sequence[str]], labels: Sequence[dict[str, int]]) -> dict[str, dict[int, float]]:
    """ir-measures' values by our names and the number of the query; queries without a passage are not in its runs."""
    qrels = {f"{number}": grades for number, grades in enumerate(labels)}
    run = {
        f"{number}": {name: float(len(ranking) - place) for place, name in enumerate(ranking)}
        for number, ranking in enumerate(rankings)
        if ranking
    }
    found: dict[str, dict[int, float]] = {}
    names = {measure: name for name, measure in ORACLE.items()}
    for value in ir_measures.iter_calc(list(names), qrels, run):
        found.setdefault(names[value.measure], {})[int(value.query_id)] = value.value
    return found


def scored(labels: Any, *retrieved: Any, **options: Any) -> Any:
    return metric("retrieval", **options)([list(retrieved)], relevant=[labels])


def span(start: int, end: int, source: str = "s", **rest: Any) -> dict[str, Any]:
    return {"source": source, "start": start, "end": end, **rest}


def chunks(edges: Sequence[int], source: str = "s") -> list[Passage]:
    """A source cut at the edges."""
    pairs = itertools.pairwise(edges)
    return [Passage(source=source, start=start, end=end) for start, end in pairs]


def overlapping(cut: Iterable[Passage], labels: Sequence[tuple[int, int]]) -> list[Passage]:
    """What a retriever finds that misses nothing and brings nothing else."""
    return [each for each in cut if any(each.start < end and each.end > start for start, end in labels)]  # type: ignore[operator]


class TestDocuments:
    @settings(max_examples=40, deadline=None)
    @given(st.lists(st.tuples(RANKINGS, GRADES), min_size=1, max_size=4))
    def test_every_query_has_the_values_of_ir_measures(self, rows: list[tuple[list[str], dict[str, int]]]) -> None:
        rankings, labels = zip(*[row for row in rows if any(row[1].values())] or [([], {"d0": 1})], strict=True)
        found = metric("retrieval", k=K)(rankings, relevant=labels)
        expected = oracle(rankings, labels)
        for name in ORACLE:
            wanted = [expected.get(name, {}).get(number, 0.0) for number in range(len(rankings))]
            assert getattr(found, name).per_case == pytest.approx(wanted, abs=1e-12), name

    def test_means_over_200_queries_are_those_of_ir_measures(self) -> None:
        draw = random.Random(4)
        rankings = [draw.sample(DOCUMENTS, draw.randint(1, 12)) for _ in range(200)]
        labels = [{name: draw.randint(1, 3) for name in draw.sample(DOCUMENTS, draw.randint(1, 5))} for _ in range(200)]
        found = metric("retrieval", k=K)(rankings, relevant=labels)
        expected = oracle(rankings, labels)
        for name in ORACLE:
            assert getattr(found, name) == pytest.approx(sum(expected[name].values()) / 200, abs=1e-12), name

    def test_unlabelled_is_what_judged_leaves(self) -> None:
        run = {"0": {"a": 3.0, "b": 2.0, "c": 1.0}}
        (judged,) = ir_measures.iter_calc([Judged @ 5], {"0": {"b": 1, "c": 0, "x": 1}}, run)
        found = scored({"b": 1, "c": 0, "x": 1}, "a", "b", "c", k=5).unlabelled_at_5
        assert found.value == pytest.approx(1 - judged.value) == pytest.approx(1 / 3)
        assert not found.higher_is_better

    def test_by_hand(self) -> None:
        found = scored({"b": 3, "d": 1, "z": 2}, "a", "b", "c", "d", k=3)
        assert (found.precision_at_3, found.recall_at_3, found.hit_at_3) == (1 / 3, 1 / 3, 1)
        assert found.mrr == 1 / 2
        assert found.map == pytest.approx((1 / 2 + 2 / 4) / 3)
        # gains 3 / log2(3) of 3 + 2 / log2(3) + 1 / log2(4)
        assert found.ndcg_at_3.value == pytest.approx(1.8927892607 / 4.7618595071)

    def test_grades_count_for_ndcg_alone_and_a_grade_of_0_is_not_relevant(self) -> None:
        found = scored({"a": 0, "b": 5}, "a", "b", k=2)
        assert (found.precision_at_2, found.recall_at_2, found.mrr, found.unlabelled_at_2) == (0.5, 1, 0.5, 0)

    def test_precision_is_over_k_even_of_a_shorter_ranking(self) -> None:
        assert scored(["a"], "a", k=5).precision_at_5 == 0.2

    def test_the_given_order_counts_and_not_the_retrievers_scores(self) -> None:
        assert scored(["b"], {"id": "a", "score": 0.1}, {"id": "b", "score": 0.9}).mrr == 0.5

    def test_a_document_that_comes_again_keeps_its_place_and_finds_nothing(self) -> None:
        found = scored(["a", "b"], "a", "a", "b", k=3)
        assert (found.precision_at_3, found.recall_at_3) == (2 / 3, 1)
        assert found.map == pytest.approx((1 + 2 / 3) / 2)
        assert scored(["a", "b"], "a", "a", "b", k=2).recall_at_2 == 0.5

    def test_whole_numbers_are_ids(self) -> None:
        assert scored([7], 3, 7).mrr == 0.5

    def test_nothing_retrieved_where_there_was_something_is_0(self) -> None:
        found = scored(["a"], k=5)
        values = [each.value for each in found.scores()]
        assert values == [0.0] * 7
        assert found.recall_at_5.unscored == 0


class TestSpans:
    def test_a_chunk_counts_that_holds_half_of_the_span_or_lies_in_it_by_half(self) -> None:
        label = [span(100, 200)]
        assert scored(label, span(0, 150)).hit_at_1 == 1  # half of the span
        assert scored(label, span(0, 149)).hit_at_1 == 0
        assert scored(label, span(190, 210)).hit_at_1 == 1  # half of the chunk
        assert scored(label, span(191, 211)).hit_at_1 == 0
        assert scored(label, span(120, 130)).hit_at_1 == 1
        assert scored(label, span(100, 200, source="other")).hit_at_1 == 0

    def test_the_share_can_be_another_one(self) -> None:
        assert scored([span(100, 200)], span(0, 149), overlap=0.4).hit_at_1 == 1
        assert scored([span(100, 200)], span(0, 150), overlap=1).hit_at_1 == 0

    def test_a_touch_that_is_too_small_is_labelled_all_the_same(self) -> None:
        found = scored([span(100, 200)], span(0, 101), span(300, 400), k=2)
        assert (found.unlabelled_at_2, found.hit_at_2) == (0.5, 0)

    def test_further_chunks_of_a_span_are_relevant_and_find_nothing_new(self) -> None:
        parts = [span(start, start + 50) for start in range(0, 200, 50)]
        found = scored([span(0, 200), span(900, 950)], *parts, span(900, 950), k=5)
        assert (found.precision_at_5, found.recall_at_5) == (1, 1)
        assert (found.map, found.ndcg_at_5) == (1, 1)

    def test_one_chunk_may_find_several_spans(self) -> None:
        found = scored([span(0, 50, grade=1), span(60, 90, grade=3)], span(0, 1000), k=(1, 2))
        assert (found.recall_at_1, found.map, found.ndcg_at_1, found.ndcg_at_2) == (1, 1, 1, 1)

    def test_coverage_is_the_share_of_labelled_characters_that_were_retrieved(self) -> None:
        found = scored([span(0, 100), span(500, 600)], span(0, 30), span(20, 50), span(0, 30), k=(1, 3))
        assert found.recall_at_1.coverage == 0.15
        assert found.recall_at_3.coverage == 0.25
        assert found.recall_at_3 == 0.5

    def test_of_documents_coverage_is_recall(self) -> None:
        found = scored(["a", "b"], "a", "x", k=2)
        assert found.recall_at_2.coverage == found.recall_at_2.value == 0.5

    def test_labels_may_overlap_and_each_counts(self) -> None:
        found = scored([span(0, 100), span(50, 150)], span(60, 90), k=1)
        assert found.recall_at_1 == 1
        assert found.recall_at_1.coverage == 0.3

    def test_labels_of_both_kinds(self) -> None:
        labels = ["faq", span(0, 100)]
        assert scored(labels, "faq", span(10, 90), k=2).recall_at_2 == 1
        assert scored(labels, {"id": "chunk-1", **span(10, 90)}, {"id": "faq"}, k=2).recall_at_2 == 1

    def test_an_id_and_a_span_that_both_come_again_are_one_passage(self) -> None:
        found = scored([span(0, 100)], {"id": "a", **span(0, 50)}, {"id": "b", **span(0, 50)}, k=2)
        assert found.precision_at_2 == 0.5

    @settings(max_examples=80, deadline=None)
    @given(st.data())
    def test_however_a_source_is_cut_there_is_a_relevant_chunk_for_every_label(self, data: st.DataObject) -> None:
        edges = sorted({0, 300, *data.draw(st.sets(st.integers(1, 299), max_size=40))})
        ends = data.draw(st.lists(st.sets(st.integers(0, 300), min_size=2, max_size=2), min_size=1, max_size=4))
        labels = sorted({(min(pair), max(pair)) for pair in ends})
        found = scored([span(*each) for each in labels], *overlapping(chunks(edges), labels), k=400)
        assert found.recall_at_400 == 1
        assert found.recall_at_400.coverage == pytest.approx(1)
        assert found.hit_at_400 == 1

    @pytest.mark.parametrize("size", [10, 40, 100, 250, 1000])
    def test_the_size_of_chunks_changes_nothing_for_a_perfect_retriever(self, size: int) -> None:
        labels = [(120, 260), (400, 430), (777, 999)]
        cut = chunks(range(0, 1001, size))
        best = [each for each in cut if scored([span(*label) for label in labels], each).hit_at_1 == 1]
        found = scored([span(*each) for each in labels], *best, k=100)
        assert (found.recall_at_100, found.mrr, found.map, found.ndcg_at_100) == (1, 1, 1, 1)

    @pytest.mark.parametrize("size", [10, 50, 200])
    def test_nor_for_one_that_misses_a_span_behind_a_wrong_chunk(self, size: int) -> None:
        first, second, wrong = chunks(range(0, 201, size)), chunks(range(400, 601, size)), [span(2000, 2100)]
        labels = [span(0, 200), span(400, 600), span(800, 900)]
        found = scored(labels, *first, *wrong, *second, k=100)
        assert (found.recall_at_100.value, found.map.value) == pytest.approx((2 / 3, (1 + 2 / 3) / 3))
        assert found.ndcg_at_100.value == pytest.approx(1.5 / 2.1309297536)


class TestNegativeQueries:
    def both(self, **options: Any) -> Any:
        rankings = [["a"], ["x", "b"], [], ["y"], ["z"]]
        return metric("retrieval", k=2, **options)(rankings, relevant=[["a"], ["b"], [], [], {"z": 0}])

    def test_they_count_for_abstention_alone(self) -> None:
        found = self.both()
        assert (found.abstention.value, found.abstention.n) == (1 / 3, 3)
        assert (found.abstention.ids, found.abstention.per_case) == (("2", "3", "4"), (1, 0, 0))
        assert (found.mrr.value, found.mrr.n) == (0.75, 2)
        assert (found.recall_at_2.ids, found.recall_at_2.per_case) == (("0", "1"), (1, 1))
        assert (found.recall_at_2.unscored, found.abstention.unscored) == (0, 0)
        assert found.recall_at_2 >= 1
        assert (found.recall_at_2.coverage.value, found.recall_at_2.coverage.n) == (1, 2)

    def test_what_is_retrieved_for_them_is_unlabelled_or_known_to_be_wrong(self) -> None:
        assert self.both().unlabelled_at_2.per_case == (0, 0.5, 0, 1, 0)

    def test_what_failed_is_missing_on_both_sides(self) -> None:
        error = ResponseError(kind="timeout", message="10 s")
        found = metric("retrieval")([["a"], [], Response(error=error)], relevant=[["a"], [], ["a"]])
        assert (found.mrr.n, found.mrr.unscored) == (found.abstention.n, found.abstention.unscored) == (1, 1)

    def test_slices_and_comparisons_are_of_the_rows_that_count(self) -> None:
        def answers(variant: str, found: bool) -> list[Response]:
            cases = [
                Case(id=f"{n}", relevant=(Relevant(id="d"),) if n % 3 else (), slices={"by": "ab"[n % 2]})
                for n in range(90)
            ]
            passages = (Passage(id="d" if found else "x"),)
            return [
                Response(retrieved=passages, trial=Trial(case=case, variant=variant, dataset="d")) for case in cases
            ]

        ours, theirs = metric("retrieval")(answers("v2", False)), metric("retrieval")(answers("v1", True))
        assert {name: score.n for name, score in ours.mrr.slices().items()} == {"by=a": 30, "by=b": 30}
        verdict = ours.mrr.not_worse_than(theirs.mrr, margin=0.1)
        assert (verdict.outcome, verdict.n, verdict.unscored) == ("failed", 60, 0)
        assert ours.abstention.not_worse_than(theirs.abstention, margin=0.2).n == 30

    def test_without_any_there_is_no_abstention_and_without_others_nothing_else(self) -> None:
        with pytest.raises(AttributeError, match="retrieval has no 'abstention'; it has precision_at_1"):
            _ = scored(["a"], "a").abstention
        found = scored([], k=3)
        assert [score.name for score in found.scores()] == ["unlabelled_at_3", "abstention"]
        assert found.abstention == 1


class TestGates:
    def responses(self, wrong: int, variant: str) -> list[Response]:
        cases = [Case(id=f"q{n}", relevant=(Relevant(id=f"d{n}"),)) for n in range(60)]
        return [
            Response(
                retrieved=(Passage(id=f"d{n}" if n >= wrong else "x"), Passage(id="y")),
                trial=Trial(case=case, variant=variant, dataset="d"),
            )
            for n, case in enumerate(cases)
        ]

    def test_paired_comparisons(self) -> None:
        worse, same, baseline = (
            metric("retrieval")(self.responses(wrong, name))
            for wrong, name in ((25, "worse"), (3, "same"), (3, "baseline"))
        )
        assert same.recall_at_5.not_worse_than(baseline.recall_at_5, margin=0.1).outcome == "passed"
        assert worse.recall_at_5.not_worse_than(baseline.recall_at_5, margin=0.05).outcome == "failed"
        assert worse.ndcg_at_10.not_worse_than(baseline.ndcg_at_10, margin=0.05).outcome == "failed"

    def test_rows_that_are_kept_in_a_file_score_the_same(self, monkeypatch: pytest.MonkeyPatch) -> None:
        labels: list[Any] = [["d1"], {"d2": 2}, [span(0, 50)], []]
        rankings: list[Any] = [["d1", "d2"], ["x", "d2"], [span(40, 60), span(0, 30)], []]
        rows = [
            {"id": f"q{n}", "relevant": labels[n % 4], "responses": {"v1": {"retrieved": rankings[n % 4]}}}
            for n in range(40)
        ]
        held = evaluate(dataset=rows, metrics=["retrieval"]).score("retrieval", "v1")
        monkeypatch.setattr(store, "HELD_BYTES", 0)
        kept = evaluate(dataset=rows, metrics=["retrieval"]).score("retrieval", "v1")
        told = [[(s.name, s.value, s.n, s.per_case, s.interval()) for s in each.scores()] for each in (held, kept)]
        assert told[0] == told[1]
        assert (held.hit_at_1.value, held.hit_at_1.n) == (2 / 3, 30)

    def test_settings_are_in_the_signature(self) -> None:
        assert scored(["a"], "a", k=[5, 1, 5]).mrr.signature == "retrieval|k:1,5|overlap:0.5|part:mrr"
        with pytest.raises(MetricError, match="overlap"):
            _ = scored(["a"], "a").mrr >= scored(["a"], "a", overlap=0.6).mrr


class TestBadInput:
    @pytest.mark.parametrize("k", [0, -1, (), (5, 0), True, 2.5, "5", None, [[5]]])
    def test_a_cut_off_is_a_whole_number_from_1(self, k: Any) -> None:
        with pytest.raises(MetricError, match="is no cut-off; give a whole number from 1"):
            metric("retrieval", k=k)

    @pytest.mark.parametrize("overlap", [0, -0.5, 1.5, float("nan"), True, "half", None])
    def test_an_overlap_is_a_share(self, overlap: Any) -> None:
        with pytest.raises(MetricError, match="is no share"):
            metric("retrieval", overlap=overlap)

    def test_labels_on_some_cases_only_leave_the_others_unscored(self) -> None:
        found = metric("retrieval")([["a"], ["a"]], relevant=[["a"], None])
        assert (found.mrr.value, found.mrr.n, found.mrr.unscored) == (1, 1, 1)
        assert not found.mrr >= 0

    def test_labels_on_no_case_are_the_suites_fault(self) -> None:
        with pytest.raises(MetricError, match="retrieval needs `relevant`, and no case has it"):
            metric("retrieval")([["a"], ["a"]])

    def test_a_response_that_does_not_say_what_it_retrieved_is_unscored(self) -> None:
        found = metric("retrieval")([Response(text="Yes."), ["a"]], relevant=[["a"], ["a"]])
        assert found.mrr.reasons == {
            "0": "metric: the response has no `retrieved`; have the target return its passages, best first"
        }

    def test_a_failed_trial_is_unscored(self) -> None:
        error = ResponseError(kind="timeout", message="10 s")
        assert metric("retrieval")([Response(error=error)], relevant=[["a"]]).mrr.reasons == {"0": "timeout: 10 s"}

    @pytest.mark.parametrize(
        ("labels", "retrieved", "reason"),
        [
            (["a"], ["a", span(0, 5)], "passage 2 has no id, and the labels are ids; have the target return it"),
            ([span(0, 5)], ["a"], "passage 1 has no source, start and end, and labels are spans of sources"),
            ([span(0, 5)], [{"id": "a", "source": "s"}], "passage 1 has no source, start and end"),
        ],
    )
    def test_passages_that_labels_cannot_speak_of_are_unscored_and_not_wrong(
        self, labels: Any, retrieved: Any, reason: str
    ) -> None:
        found = metric("retrieval")([retrieved], relevant=[labels]).mrr
        assert (found.value, found.unscored) == (None, 1)
        assert found.reasons["0"].startswith(f"metric: {reason}")

    @pytest.mark.parametrize(
        ("rankings", "labels", "said"),
        [
            (["a", "b"], [["a"], ["b"]], "retrieval: row 0 is a text; give one list of passages for each query"),
            (
                [[{"sorce": "a"}]],
                [["a"]],
                "retrieval: row 0: passage 1 of 'retrieved' has an unknown key 'sorce'; did you mean 'source'",
            ),
            ([["a"]], [{"a": -1}], "retrieval: row 0: \"relevant\" gives 'a' the grade -1; give a number from 0"),
            ([["a"]], [["a"], ["b"]], "retrieval: 1 responses but 2 relevant"),
        ],
    )
    def test_lists_that_are_wrong_are_refused(self, rankings: Any, labels: Any, said: str) -> None:
        with pytest.raises(MetricError) as caught:
            metric("retrieval")(rankings, relevant=labels)
        assert str(caught.value).startswith(said)

    def test_ids_that_nobody_knows_find_nothing_and_are_unlabelled(self) -> None:
        found = scored(["a"], "A", "a ", k=2)
        assert (found.recall_at_2, found.unlabelled_at_2) == (0, 1)

    def test_10_000_passages_and_labels(self) -> None:
        passages = tuple(Passage(source="s", start=n, end=n + 40) for n in range(10_000))
        labels = tuple(Relevant(source="s", start=n, end=n + 5) for n in range(0, 10_000, 5))
        statistics = Retrieval(k=10_000).statistics(Response(retrieved=passages), Case(id="q", relevant=labels))
        assert statistics[:5] == (1, 0, 1.0, 1.0, 0)

    def test_the_largest_grades_stay_numbers(self) -> None:
        assert scored({"a": 1_000_000, "b": 1e-300}, "b", "a", k=2).ndcg_at_2.value == pytest.approx(0.63092975)
