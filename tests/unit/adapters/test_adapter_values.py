"""What adapters share: options that a signature can hold, and numbers out of other packages' results."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_genaiops.adapters.values import checked_scale, entry, frozen, identifier, on_scale, said, thawed
from pytest_genaiops.errors import MetricError, UnscorableError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab|:", max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=2), inner, max_size=3),
    max_leaves=8,
)


class TestOptions:
    @given(st.dictionaries(st.text("abc", max_size=3), JSON, max_size=4))
    def test_they_come_back_as_they_were(self, options: dict[str, Any]) -> None:
        assert thawed(frozen(options, "options")) == options
        assert frozen(frozen(options, "options"), "options") == frozen(options, "options")

    def test_equal_ones_are_written_alike(self) -> None:
        assert frozen({"a": 1, "b": 2}, "options") == frozen({"b": 2, "a": 1}, "options")

    @pytest.mark.parametrize("value", [len, math.nan, {1, 2}, "\ud800"])
    def test_what_a_signature_could_not_tell_is_refused(self, value: object) -> None:
        with pytest.raises(MetricError, match="options of m hold something that JSON has no form for"):
            frozen({"tokenizer": value}, "options of m")

    @pytest.mark.parametrize("options", [3, None, "[1]", "{", ["a"]])
    def test_what_is_no_mapping_is_refused(self, options: object) -> None:
        with pytest.raises(MetricError, match="which is no mapping"):
            frozen(options, "options")


class TestEntries:
    def test_the_only_number_needs_no_key(self) -> None:
        assert entry({"score": 0.5, "passed": True, "reason": "short"}, None, "m") == 0.5
        assert entry({"f1": [0.25]}, None, "m") == 0.25

    def test_of_several_one_is_named(self) -> None:
        found = {"precision": 0.5, "recall": 0.25}
        assert entry(found, "recall", "m") == 0.25
        with pytest.raises(MetricError, match=r"m gives 'precision', 'recall'; say which counts: key="):
            entry(found, None, "m")
        with pytest.raises(MetricError, match=r"m gives no 'recal' \(did you mean 'recall'\?\); it gives"):
            entry(found, "recal", "m")

    def test_numbers_of_numpy_are_numbers(self) -> None:
        numpy = pytest.importorskip("numpy")
        assert entry({"a": numpy.float32(0.5)}, "a", "m") == 0.5
        assert entry({"a": numpy.array([0.5])}, "a", "m") == 0.5

    @pytest.mark.parametrize("value", [math.nan, math.inf, None, "high", [], [0.1, 0.2], {}])
    def test_what_is_no_finite_number_leaves_the_case_unscored(self, value: object) -> None:
        with pytest.raises(UnscorableError, match="for 'a', which is no finite number"):
            entry({"a": value}, "a", "m")

    def test_the_evaluator_s_own_reason_is_told(self) -> None:
        result = {"coherence_score": math.nan, "coherence_reason": "the answer is a tool call"}
        with pytest.raises(UnscorableError, match="no finite number: 'the answer is a tool call'"):
            entry(result, "coherence_score", "m")

    @pytest.mark.parametrize("result", [None, 0.5, [0.5]])
    def test_a_result_without_names_is_refused(self, result: object) -> None:
        with pytest.raises(MetricError, match="a metric returns a mapping"):
            entry(result, None, "m")


class TestScales:
    @pytest.mark.parametrize("scale", [(1, 0), (0, 0), (0,), "01", (0, math.nan), (False, True), None])
    def test_two_numbers_the_lower_first(self, scale: object) -> None:
        with pytest.raises(MetricError, match="give its lowest and highest value"):
            checked_scale(scale, "m")

    def test_infinity_is_an_end(self) -> None:
        assert checked_scale([0, math.inf], "m") == (0.0, math.inf)

    def test_rounding_is_put_right_and_nothing_else(self) -> None:
        assert on_scale(1.0000000000000004, (0, 1), "m", "scale=") == 1.0
        with pytest.raises(MetricError, match=r"m gave 34\.2, outside of its scale 0-1; say its real one: scale="):
            on_scale(34.2, (0, 1), "m", "scale=")


class TestWords:
    @pytest.mark.parametrize(("name", "safe"), [("a/b c|d", "a_b_c_d"), ("F1Score", "F1Score"), ("./x.", "x")])
    def test_names_hold_in_reports_and_signatures(self, name: str, safe: str) -> None:
        assert identifier(name) == safe

    def test_what_others_raise_is_one_bounded_line_without_keys(self) -> None:
        error = LookupError(
            "*****\n  Resource 'punkt'\x1b[2J not found for api_key=abcdefgh12345678\n*****" + "x" * 999
        )
        assert said(error).startswith("LookupError: Resource 'punkt'\\x1b[2J not found for api_key=***")
        assert len(said(error)) < 400
        assert said(KeyError()) == "KeyError"

    def test_an_exception_that_cannot_be_read_is_named(self) -> None:
        class OddError(Exception):
            def __str__(self) -> str:
                raise RuntimeError

        assert said(OddError()) == "OddError"
