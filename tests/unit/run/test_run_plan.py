"""Which cases, variants and trials a suite runs, worked out before anything is called."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pytest_genaiops.config import Settings
from pytest_genaiops.dataset import Dataset, from_rows
from pytest_genaiops.errors import DatasetError, UsageError, VariantError
from pytest_genaiops.records import Case
from pytest_genaiops.run import Engine, Responder, Spec, Suite, load, make_suite

ROWS: list[Mapping[str, Any]] = [
    {"id": f"c{i}", "input": f"question {i}", "reference": f"answer {i}"} for i in range(1, 11)
]
RECORDED: list[Mapping[str, Any]] = [
    {"id": "c1", "reference": "a", "responses": {"small": "a", "large": "b", "large-2": "c"}},
    {"id": "c2", "reference": "b", "responses": {"small": None, "large": "b", "large-2": "d"}},
]


def suite(
    root: Path, rows: list[Mapping[str, Any]] = ROWS, *, target: bool = True, settings: Any = None, **arguments: Any
) -> Suite:
    data = from_rows(rows, name="qa")
    return make_suite(Spec(dataset=data, **arguments), Settings(root=root, **(settings or {})), has_target=target)


class TestSpec:
    def test_arguments_by_name(self) -> None:
        spec = Spec.of({"dataset": "qa", "trials": 3, "pass_rate": 0.9, "baseline": "v1", "variants": ["v1"]})
        assert spec == Spec(dataset="qa", trials=3, pass_rate=0.9, baseline="v1", variants=["v1"])

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            ({"dataset": "qa", "trails": 3}, "unknown argument 'trails'; did you mean 'trials'? Known: "),
            ({"variants": "v1"}, 'the suite names no dataset; add dataset="<name>"'),
            ({"dataset": "qa", "trials": 0}, "trials=0: give a whole number of 1 or more"),
            ({"dataset": "qa", "trials": True}, "trials=True: give a whole number"),
            ({"dataset": "qa", "trials": 2.0}, "trials=2.0: give a whole number"),
            ({"dataset": "qa", "pass_rate": 90}, "pass_rate=90: give the share of cases that must pass, such as 0.9"),
            ({"dataset": "qa", "pass_rate": 0}, "pass_rate=0: give the share"),
            ({"dataset": "qa", "pass_rate": "90%"}, "pass_rate='90%': give the share"),
            ({"dataset": "qa", "pass_rate": float("nan")}, "pass_rate=nan: give the share"),
            ({"dataset": "qa", "baseline": 1}, "baseline=1: give the id of a variant"),
        ],
    )
    def test_what_is_wrong_is_said_in_a_sentence(self, arguments: dict[str, Any], said: str) -> None:
        with pytest.raises(UsageError) as caught:
            Spec.of(arguments)
        assert str(caught.value).startswith(said)


class TestCalledSuites:
    def test_without_variants_there_is_one_called_default(self, tmp_path: Path) -> None:
        assert [v.id for v in suite(tmp_path).variants] == ["default"]

    def test_trials_of_a_case_stand_together_in_file_order(self, tmp_path: Path) -> None:
        found = suite(tmp_path, ROWS[:2], trials=2)
        trials = found.trials_of(found.variants[0])
        assert [(t.case.id, t.index) for t in trials] == [("c1", 1), ("c1", 2), ("c2", 1), ("c2", 2)]
        assert {(t.variant, t.dataset) for t in trials} == {("default", found.dataset.hash)}

    def test_limit_is_a_seeded_sample_in_file_order(self, tmp_path: Path) -> None:
        ids = [case.id for case in suite(tmp_path, settings={"limit": 4}).cases]
        assert len(ids) == 4
        assert ids == sorted(ids, key=lambda i: int(i[1:]))
        assert ids == [case.id for case in suite(tmp_path, settings={"limit": 4}).cases]
        others = {tuple(c.id for c in suite(tmp_path, settings={"limit": 4, "seed": s}).cases) for s in range(8)}
        assert len(others) > 1

    def test_a_prompt_may_name_passages_that_a_target_retrieves(self, tmp_path: Path) -> None:
        asks = {"id": "v1", "user": "{{ contexts[4] }} {{ input }}", "model": {"name": "m", "base_url": "http://x/v1"}}
        assert [v.id for v in suite(tmp_path, variants=[asks]).variants] == ["v1"]
        with pytest.raises(VariantError, match="uses the input 'contexts', which row 'c1'"):
            suite(tmp_path, target=False, variants=[asks])

    def test_the_glob_selects_variants_and_leaves_the_baseline(self, tmp_path: Path) -> None:
        found = suite(tmp_path, variants=["v1", "v2", "w1"], baseline="v1", settings={"variants": ("w*",)})
        assert [v.id for v in found.variants] == ["w1"]
        assert found.baseline is not None
        assert found.baseline.id == "v1"

    def test_the_baseline_of_the_settings_wins(self, tmp_path: Path) -> None:
        found = suite(tmp_path, variants=["v1", "v2"], baseline="v1", settings={"baseline": "v2"})
        assert found.baseline is not None
        assert found.baseline.id == "v2"

    def test_a_baseline_that_is_no_variant_is_refused_with_the_nearest(self, tmp_path: Path) -> None:
        with pytest.raises(VariantError, match="baseline 'mian' is no variant of this suite; did you mean 'main'"):
            suite(tmp_path, variants=["main", "short"], baseline="mian")

    def test_a_recorded_baseline_beside_a_target_is_refused_with_the_reason(self, tmp_path: Path) -> None:
        why = r"no variant of this suite \(it is on record in the dataset, but your `target` fixture answers instead\)"
        with pytest.raises(VariantError, match=why):
            suite(tmp_path, RECORDED, baseline="small")

    def test_a_target_goes_before_recorded_responses(self, tmp_path: Path) -> None:
        assert not suite(tmp_path, RECORDED).recorded


class TestRecordedSuites:
    def test_variants_are_the_recorded_systems(self, tmp_path: Path) -> None:
        found = suite(tmp_path, RECORDED, target=False)
        assert found.recorded
        assert [v.id for v in found.variants] == ["small", "large", "large-2"]

    @pytest.mark.parametrize(
        ("entries", "ids"),
        [
            ("large*", ["large", "large-2"]),
            (["large", "small"], ["large", "small"]),
            (["large", "large*"], ["large", "large-2"]),
        ],
    )
    def test_systems_by_name_or_glob(self, tmp_path: Path, entries: Any, ids: list[str]) -> None:
        assert [v.id for v in suite(tmp_path, RECORDED, target=False, variants=entries).variants] == ids

    @pytest.mark.parametrize("entry", ["lagre", ["small", "lagre"]])
    def test_a_system_that_is_not_on_record_is_refused(self, tmp_path: Path, entry: Any) -> None:
        with pytest.raises(VariantError) as caught:
            suite(tmp_path, RECORDED, target=False, variants=entry)
        assert str(caught.value) == (
            "no recorded system of 'qa' is called 'lagre'; did you mean 'large'? Known: large, large-2, small "
            "(to run a variant instead, override the `target` fixture)"
        )

    def test_a_suite_of_no_system_is_no_passing_one(self, tmp_path: Path) -> None:
        with pytest.raises(VariantError, match="no variants are named; name at least one recorded system"):
            suite(tmp_path, RECORDED, target=False, variants=[])

    def test_there_are_no_trials_of_a_record(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="trials=3, but 'qa' records one response per case and system"):
            suite(tmp_path, RECORDED, target=False, trials=3)

    def test_nothing_that_answers_is_refused_with_both_ways(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match=r"nothing answers the cases of 'qa': override .* `responses` column"):
            suite(tmp_path, target=False)

    def test_a_recorded_response_is_one_object(self, tmp_path: Path) -> None:
        found, responder = suite(tmp_path, RECORDED, target=False), Responder(Engine(concurrency=1))
        small = found.variants[0]
        first, again = (list(map(responder.recorded, found.trials_of(small))) for _ in range(2))
        assert all(a is b for a, b in zip(first, again, strict=True))
        assert [r.text for r in first] == ["a", ""]
        assert str(first[1].error) == "missing: qa:2 records null for system 'small'"


class TestResponder:
    def test_started_trials_are_not_called_again(self, tmp_path: Path) -> None:
        calls: list[str] = []

        def target(case: Case, variant: Any) -> str:
            calls.append(case.id)
            return f"to {case.inputs['input']}"

        engine = Engine(concurrency=2)
        found, responder = suite(tmp_path), Responder(engine)
        (variant,) = found.variants
        trials = found.trials_of(variant)
        responder.start(target, "app", [(variant, trial) for trial in trials])
        texts = [r.text for r in responder.called(target, "app", variant, list(reversed(trials)))]
        engine.close()
        assert texts == [f"to question {i}" for i in range(10, 0, -1)]
        assert sorted(calls) == sorted(case.id for case in found.cases)


class TestLoad:
    def test_by_name_by_path_and_as_it_is(self, tmp_path: Path) -> None:
        folder = tmp_path / "datasets"
        folder.mkdir()
        (folder / "qa.jsonl").write_text('{"id": "c1", "input": "x"}\n')
        settings = Settings(root=tmp_path)
        by_name, by_path = load("qa", settings), load(Path("datasets/qa.jsonl"), settings)
        assert isinstance(by_name, Dataset)
        assert by_name.hash == by_path.hash
        assert load(by_name, settings) is by_name

    def test_other_folders_of_the_settings(self, tmp_path: Path) -> None:
        (tmp_path / "data").mkdir()
        (tmp_path / "data/qa.jsonl").write_text('{"id": "c1", "input": "x"}\n')
        assert load("qa", Settings(root=tmp_path, datasets=("data",))).name == "qa"

    def test_anything_else_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(DatasetError, match="dataset=5: give a name, a path, a list of rows"):
            load(5, Settings(root=tmp_path))  # type: ignore[arg-type]
