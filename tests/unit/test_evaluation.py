"""evaluate(): the same evaluation without pytest."""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pytest_genaiops import Case, Evaluation, Score, evaluate, metric
from pytest_genaiops.config import Settings
from pytest_genaiops.dataset import from_rows
from pytest_genaiops.errors import DatasetError, MetricError, UsageError, VariantError

CITIES = ["Paris", "Rome", "Madrid", "Berlin", "Vienna", "Lisbon", "Prague", "Dublin", "Warsaw", "Athens"]
ROWS: list[Mapping[str, Any]] = [
    {"id": f"c{i}", "input": f"city {i}", "reference": city} for i, city in enumerate(CITIES)
]
RECORDED: list[Mapping[str, Any]] = [
    {"id": "a", "reference": "yes", "responses": {"v1": "yes", "v2": "no"}},
    {"id": "b", "reference": "no", "responses": {"v1": "no", "v2": None}},
]


def answer(case: Case, variant: Any) -> str:
    """v1 knows every city, every other variant every second one."""
    number = int(case.id[1:])
    return CITIES[number] if variant.id == "v1" or number % 2 == 0 else "no idea"


def evaluated(**arguments: Any) -> Evaluation:
    given: dict[str, Any] = {"target": answer, "variants": ["v1", "v2"], "metrics": ["exact_match", "token_f1"]}
    return evaluate(ROWS, **given | arguments)


class TestScores:
    def test_of_every_variant_under_every_metric(self) -> None:
        evaluation = evaluated()
        assert evaluation.score("exact_match", "v1") == 1
        assert evaluation.score("exact_match", "v2") == 0.5
        assert list(evaluation.responses) == ["v1", "v2"]
        assert [r.text for r in evaluation.responses["v2"]][:3] == ["Paris", "no idea", "Madrid"]

    def test_is_shown_in_one_line(self) -> None:
        shown = repr(evaluated(variants=["v1", "v2\x1b"]))
        assert shown == (
            f"<Evaluation of {len(ROWS):,} cases: variants 'v1', 'v2\\x1b'; metrics exact_match, token_f1>"
        )

    def test_variants_compare_by_their_scores(self) -> None:
        evaluation = evaluated()
        v1, v2 = (evaluation.score("exact_match", variant) for variant in ("v1", "v2"))
        assert isinstance(v1, Score)
        assert isinstance(v2, Score)
        assert v1.better_than(v2)
        assert not v2.not_worse_than(v1, margin=0.05)

    def test_configured_metrics(self) -> None:
        evaluation = evaluated(metrics=[metric("chrf", word_order=2)])
        assert "nw:2" in evaluation.score("chrf", "v1").signature

    def test_one_metric_by_its_name_alone(self) -> None:
        assert evaluated(metrics="exact_match").score("exact_match", "v1") == 1

    @pytest.mark.parametrize(
        ("name", "variant", "error", "said"),
        [
            ("bleu", "v1", MetricError, "'bleu' was not evaluated; Known: exact_match, token_f1"),
            ("exact_mach", "v1", MetricError, "'exact_mach' was not evaluated; did you mean 'exact_match'?"),
            ("exact_match", "v3", VariantError, "'v3' was not evaluated; Known: v1, v2"),
        ],
    )
    def test_what_was_not_evaluated_is_refused(
        self, name: str, variant: str, error: type[Exception], said: str
    ) -> None:
        with pytest.raises(error) as caught:
            evaluated().score(name, variant)
        assert str(caught.value).startswith(said)


class TestTargets:
    def test_async(self) -> None:
        waiting = together = 0

        async def target(case: Case, variant: Any) -> str:
            nonlocal waiting, together
            waiting += 1
            together = max(together, waiting)
            await asyncio.sleep(0.05)
            waiting -= 1
            return answer(case, variant)

        evaluation = evaluated(target=target, settings=Settings(root=Path.cwd(), concurrency=20))
        assert together > 1, "calls wait side by side"
        assert evaluation.score("exact_match", "v2") == 0.5

    def test_inside_a_running_event_loop_as_in_a_notebook(self) -> None:
        async def target(case: Case, variant: Any) -> str:
            return answer(case, variant)

        async def cell() -> Evaluation:
            return evaluated(target=target)

        assert asyncio.run(cell()).score("exact_match", "v1") == 1

    def test_each_trial_is_called_once(self) -> None:
        calls: list[tuple[str, str]] = []

        def target(case: Case, variant: Any) -> str:
            calls.append((variant.id, case.id))
            return answer(case, variant)

        evaluation = evaluated(target=target, trials=2)
        evaluation.frame()
        evaluation.compare("v2", "v1")
        assert len(calls) == 2 * 10 * 2

    def test_without_variants_there_is_one(self) -> None:
        assert list(evaluated(variants=None).responses) == ["default"]

    def test_a_failing_target_leaves_its_cases_unscored(self) -> None:
        def target(case: Case, variant: Any) -> str:
            if case.id == "c3":
                raise ConnectionError("refused")
            return answer(case, variant)

        score = evaluated(target=target, variants=["v1"]).score("exact_match", "v1")
        assert isinstance(score, Score)
        assert (score.value, score.n, score.unscored) == (1.0, 9, 1)
        assert score.reasons == {"c3": "target: the target raised ConnectionError: refused"}
        assert not score >= 0

    def test_a_hanging_target_is_given_up(self) -> None:
        async def target(case: Case, variant: Any) -> str:
            await asyncio.sleep(30 if case.id == "c3" else 0)
            return answer(case, variant)

        started = time.perf_counter()
        evaluation = evaluated(target=target, settings=Settings(root=Path.cwd(), timeout=0.1), metrics=["error_rate"])
        assert time.perf_counter() - started < 25
        assert evaluation.score("error_rate", "v1") == 0.1


class TestRecorded:
    def test_variants_are_the_recorded_systems(self) -> None:
        evaluation = evaluate(RECORDED, metrics=["exact_match"])
        assert evaluation.score("exact_match", "v1") == 1
        score = evaluation.score("exact_match", "v2")
        assert isinstance(score, Score)
        assert score.reasons == {"b": "missing: rows:2 records null for system 'v2'"}

    def test_nothing_that_answers_is_refused(self) -> None:
        with pytest.raises(UsageError, match="nothing answers the cases"):
            evaluate(ROWS, metrics=["exact_match"])


class TestSources:
    def test_a_name_a_path_rows_or_a_dataset(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "datasets").mkdir()
        path = tmp_path / "datasets/cities.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
        monkeypatch.chdir(tmp_path)
        for source in ("cities", "datasets/cities.jsonl", path, ROWS, tuple(ROWS), from_rows(ROWS)):
            evaluation = evaluate(source, target=answer, variants=["v1"], metrics=["exact_match"])
            assert evaluation.score("exact_match", "v1") == 1, source

    def test_limit_and_variant_of_the_settings(self) -> None:
        evaluation = evaluated(settings=Settings(root=Path.cwd(), limit=4, variants=("*2",)))
        assert {variant: len(found) for variant, found in evaluation.responses.items()} == {"v2": 4}

    @pytest.mark.parametrize(
        ("arguments", "error", "said"),
        [
            ({"metrics": ["blue"]}, MetricError, "no metric is called 'blue'; did you mean 'bleu'?"),
            ({"metrics": [5]}, MetricError, "metrics takes names or metric(...), not int"),
            (
                {"metrics": ["bleu", metric("bleu", lowercase=True)]},
                MetricError,
                "metrics has 'bleu' twice; evaluate each configuration by itself",
            ),
            ({"target": "my_app"}, UsageError, "target is str; give a callable answer(case, variant)"),
            ({"trials": 0}, UsageError, "trials=0: give a whole number of 1 or more"),
            ({"dataset": []}, DatasetError, "rows: the dataset has no rows"),
            ({"dataset": [{"input": "no id"}]}, DatasetError, "rows:1: "),
        ],
    )
    def test_what_is_wrong_is_said_in_a_sentence(
        self, arguments: dict[str, Any], error: type[Exception], said: str
    ) -> None:
        given: dict[str, Any] = {"dataset": ROWS, "target": answer, "metrics": ["exact_match"]}
        with pytest.raises(error) as caught:
            evaluate(**given | arguments)
        assert str(caught.value).startswith(said)

    def test_a_misspelt_dataset(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "datasets").mkdir()
        (tmp_path / "datasets/cities.jsonl").write_text('{"id": "c1"}\n')
        monkeypatch.chdir(tmp_path)
        with pytest.raises(DatasetError, match="cities"):
            evaluate("citys", target=answer, metrics=["exact_match"])


class TestFrame:
    def test_one_row_a_variant_case_trial_and_metric(self) -> None:
        frame = evaluated(trials=2).frame()
        assert list(frame.columns) == ["variant", "case", "trial", "metric", "value", "reason", "text"]
        assert len(frame) == 2 * 10 * 2 * 2
        kinds = {column: str(frame[column].dtype) for column in ("variant", "metric", "value", "trial")}
        assert kinds == {"variant": "category", "metric": "category", "value": "float64", "trial": "int64"}
        assert not frame.duplicated(["variant", "case", "trial", "metric"]).any()

    def test_values_by_case(self) -> None:
        frame = evaluated().frame()
        found = frame[(frame.variant == "v2") & (frame.metric == "exact_match")].set_index("case")
        assert found.loc["c0", "value"] == 1
        assert (found.loc["c1", "value"], found.loc["c1", "text"]) == (0, "no idea")
        assert found.value.mean() == 0.5

    def test_what_is_unscored_has_no_value_and_a_reason(self) -> None:
        frame = evaluate(RECORDED, metrics=["exact_match"]).frame()
        gap = frame[(frame.variant == "v2") & (frame.case == "b")].iloc[0]
        assert math.isnan(gap.value)
        assert gap.reason == "missing: rows:2 records null for system 'v2'"
        assert (frame[frame.value.notna()].reason == "").all()

    def test_members_of_a_group_have_rows_of_their_own(self) -> None:
        frame = evaluated(metrics=["rouge"]).frame()
        assert sorted(frame.metric.unique()) == ["rouge1", "rouge2", "rougeL", "rougeLsum"]


class TestCompare:
    def test_every_metric_of_a_variant_against_another(self) -> None:
        changes = evaluated().compare("v2", "v1")
        assert [change.metric for change in changes] == ["exact_match", "token_f1"]
        first = changes[0]
        assert (first.candidate, first.baseline, first.change, first.n, first.unscored) == (0.5, 1.0, -0.5, 10, 0)
        assert first.interval is not None
        assert first.interval[0] < -0.5 < first.interval[1] < 0

    def test_p_values_are_adjusted_by_holm(self) -> None:
        """The rule of Holm 1979 worked out by hand: the smallest of m times m, and never below the one before."""
        evaluation = evaluated(metrics=["exact_match", "rouge", "chrf", "latency"])
        changes = evaluation.compare("v2", "v1")
        order = sorted(changes, key=lambda change: change.p_value or 0)
        running = 0.0
        for rank, change in enumerate(order):
            assert change.p_value is not None
            running = max(running, min(1.0, (len(order) - rank) * change.p_value))
            assert change.adjusted_p_value == pytest.approx(running)
        assert len(order) == 7

    def test_a_variant_against_itself_has_not_changed(self) -> None:
        assert [change.change for change in evaluated().compare("v1", "v1")] == [0.0, 0.0]

    def test_gaps_on_either_side_are_counted(self) -> None:
        (change,) = evaluate(RECORDED, metrics=["exact_match"]).compare("v2", "v1")
        assert (change.n, change.unscored, change.change) == (1, 1, -1.0)

    def test_a_gap_on_both_sides_is_one(self) -> None:
        (change,) = evaluate(RECORDED, metrics=["exact_match"]).compare("v2", "v2")
        assert (change.n, change.unscored) == (1, 1)

    def test_nothing_scored_on_both_sides_has_no_change(self) -> None:
        rows = [{"id": "a", "reference": "x", "responses": {"v1": "x", "v2": None}}]
        (change,) = evaluate(rows, metrics=["exact_match"]).compare("v2", "v1")
        assert (change.change, change.p_value, change.adjusted_p_value, change.n) == (None, None, None, 0)

    def test_classes_are_compared_with_the_same_class(self) -> None:
        """v2 makes up a class that v1 never predicts: it has nothing to be compared with."""
        rows = [
            {"id": str(i), "label": label, "responses": {"v1": label, "v2": "maybe" if i == 0 else label}}
            for i, label in enumerate(["ham", "spam"] * 4)
        ]
        evaluation = evaluate(rows, metrics=[metric("classification", average=None)])
        changes = {change.metric: change for change in evaluation.compare("v2", "v1")}
        assert "recall[maybe]" not in changes
        assert (changes["recall[ham]"].candidate, changes["recall[ham]"].baseline) == (0.75, 1.0)
        assert changes["recall[spam]"].change == 0

    def test_of_an_unknown_variant_is_refused(self) -> None:
        with pytest.raises(VariantError, match="'v9' was not evaluated"):
            evaluated().compare("v9", "v1")


def test_a_glob_that_matches_no_variant_is_refused() -> None:
    settings = Settings(root=Path(), variants=("zz*",))
    with pytest.raises(VariantError, match=r"no variant's id matches 'zz\*'"):
        evaluate([{"id": "a", "reference": "x", "responses": {"v1": "x"}}], metrics=["exact_match"], settings=settings)


class TestSlices:
    def evaluated(self, *slices: tuple[str, str]) -> list[str]:
        rows = [
            {"id": "a", "reference": "x", "slice_topic": "law", "responses": {"v1": "x"}},
            {"id": "b", "reference": "x", "slice_topic": "art", "slice_size": "big", "responses": {"v1": "y"}},
        ]
        settings = Settings(root=Path(), slices=slices)
        found = evaluate(rows, metrics=["exact_match"], settings=settings).score("exact_match", "v1")
        assert isinstance(found, Score)
        return list(found.ids)

    def test_only_their_cases_are_run(self) -> None:
        assert self.evaluated(("topic", "art")) == ["b"]
        assert self.evaluated(("topic", "art"), ("topic", "law")) == ["a", "b"]

    @pytest.mark.parametrize(
        ("slices", "said"),
        [
            ([("topik", "law")], "rows: there is no slice 'topik' (did you mean 'topic'?); there are 'size', 'topic'"),
            (
                [("topic", "lwa")],
                "rows: the slice 'topic' has no value 'lwa' (did you mean 'law'?); it has 'art', 'law'",
            ),
            ([("topic", "law"), ("size", "big")], "rows: no case is in topic=law and size=big; leave one of them out"),
        ],
    )
    def test_none_is_refused_with_what_there_is(self, slices: list[tuple[str, str]], said: str) -> None:
        with pytest.raises(DatasetError) as caught:
            self.evaluated(*slices)
        assert str(caught.value) == said
