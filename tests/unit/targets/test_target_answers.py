"""What a target may return, and what is said about the rest."""

from __future__ import annotations

import datetime
import enum
import types
from typing import Any

import pytest

from pytest_genaiops.records import Case, Response, ResponseError, Step, Trial
from pytest_genaiops.targets import from_error, recorded_response, to_response
from pytest_genaiops.variants import bare

TRIAL = Trial(case=Case(id="c1", source="qa.jsonl:7"), variant="v1")


def message(value: object) -> str:
    response = to_response(value, TRIAL, seconds=1.5)
    assert response.error is not None
    assert response.error.kind == "target"
    assert (response.text, response.trial, response.latency) == ("", TRIAL, 1.5)
    return response.error.message


class TestStrings:
    def test_a_string_is_the_text(self) -> None:
        response = to_response("Paris", TRIAL, seconds=0.25)
        assert (response.text, response.latency, response.trial, response.error) == ("Paris", 0.25, TRIAL, None)

    def test_an_empty_string_is_an_answer(self) -> None:
        response = to_response("", TRIAL)
        assert (response.text, response.error) == ("", None)


class TestMappings:
    def test_every_field(self) -> None:
        response = to_response(
            {
                "text": "Paris",
                "contexts": ["one", "two"],
                "label": "city",
                "probabilities": {"city": 0.9, "river": 0.1},
                "tool_calls": [{"name": "search"}],
                "usage": {"total": 12},
                "latency": 2,
                "model": "small-1",
            },
            TRIAL,
        )
        assert response == Response(
            text="Paris",
            contexts=("one", "two"),
            label="city",
            probabilities={"city": 0.9, "river": 0.1},
            tool_calls=({"name": "search"},),
            usage={"total": 12},
            latency=2.0,
            model="small-1",
            trial=TRIAL,
        )

    def test_any_mapping_will_do(self) -> None:
        assert to_response(types.MappingProxyType({"text": "x"}), TRIAL).text == "x"

    def test_latency_of_its_own_wins_over_the_measured_one(self) -> None:
        assert to_response({"text": "x", "latency": 0.5}, TRIAL, seconds=3.0).latency == 0.5

    def test_null_fields_count_as_absent(self) -> None:
        response = to_response({"text": "x", "contexts": None, "latency": None}, TRIAL, seconds=3.0)
        assert (response.contexts, response.latency) == (None, 3.0)

    def test_one_context_may_be_a_string(self) -> None:
        assert to_response({"text": "x", "contexts": "passage"}, TRIAL).contexts == ("passage",)

    @pytest.mark.parametrize(("label", "text"), [(True, "true"), (False, "false"), (3, "3"), ("spam", "spam")])
    def test_labels(self, label: object, text: str) -> None:
        assert to_response({"label": label}, TRIAL).label == text

    def test_a_label_or_probabilities_need_no_text(self) -> None:
        assert to_response({"label": "spam"}, TRIAL).error is None
        assert to_response({"probabilities": {"spam": 1.0}}, TRIAL).error is None

    @pytest.mark.parametrize(
        ("value", "field"),
        [
            ("Par\ud800is", "text"),
            ({"text": "Par\ud800is"}, "text"),
            ({"text": "Paris", "contexts": ["a", "\ud800"]}, "contexts"),
            ({"label": "\ud800"}, "label"),
            (Response(text="\ud800"), "text"),
        ],
    )
    def test_half_a_character_is_refused_for_no_report_could_carry_it(self, value: object, field: str) -> None:
        assert message(value) == f"the response's {field!r} holds a lone surrogate ('\\ud800'), which is no character"

    def test_half_a_character_in_an_error_is_written_as_an_escape(self) -> None:
        assert message({"error": "lost \ud800"}) == "lost \\ud800"

    def test_an_error_without_a_message_is_an_error_still(self) -> None:
        assert message({"error": ""}) == "an error without a message"

    def test_an_error_that_the_target_reports(self) -> None:
        response = to_response({"error": "rate limit", "text": "half an ans"}, TRIAL)
        assert (str(response.error), response.text) == ("target: rate limit", "")

    @pytest.mark.parametrize(
        ("value", "said"),
        [
            (
                {"txet": "x"},
                "the response has an unknown key 'txet'; did you mean 'text'? Known: contexts, deployment, error, "
                "finish_reason, first_token, label, latency, logprobs, model, probabilities, retrieved, steps, text, ",
            ),
            ({"text": "x", 3: "y"}, "the response has an unknown key 3; Known: "),
            ({}, "the response has no 'text'"),
            ({"text": None}, "the response has no 'text'"),
            ({"usage": {}}, "the response has no 'text'"),
            ({"text": 5}, "the response's 'text' is int, not a string"),
            ({"text": b"x"}, "the response's 'text' is bytes, not a string"),
            ({"text": "x", "contexts": [1]}, "the response's 'contexts' must be a string or a list of strings"),
            ({"text": "x", "contexts": {"a": 1}}, "the response's 'contexts' must be a string or a list of strings"),
            ({"label": 0.5}, "the response's 'label' is float, not a string, integer or boolean"),
            ({"text": "x", "latency": "fast"}, "the response's 'latency' is 'fast', not a number of seconds"),
            ({"text": "x", "latency": -1}, "the response's 'latency' is -1, not a number of seconds"),
            ({"text": "x", "latency": float("nan")}, "the response's 'latency' is nan, not a number of seconds"),
            ({"text": "x", "latency": True}, "the response's 'latency' is True, not a number of seconds"),
            ({"text": "x", "usage": 12}, "the response's 'usage' is int, not a mapping"),
            ({"probabilities": [0.5]}, "the response's 'probabilities' is list, not a mapping"),
            ({"text": "x", "tool_calls": 5}, "the response's 'tool_calls' must be a list of mappings, and is int"),
            ({"text": "x", "tool_calls": ""}, "the response's 'tool_calls' must be a list of mappings, and is str"),
            (
                {"text": "x", "tool_calls": ["a"]},
                "the response's 'tool_calls' must be a list of mappings, and holds str",
            ),
            (
                {"text": "x", "tool_calls": [{}, None]},
                "the response's 'tool_calls' must be a list of mappings, and holds",
            ),
        ],
    )
    def test_a_field_that_is_wrong_is_named(self, value: dict[Any, Any], said: str) -> None:
        assert message(value).startswith(said)


class Dumped:
    """As clients of models give a tool call: an object of pydantic."""

    def __init__(self, **fields: Any) -> None:
        self.fields = fields

    def model_dump(self) -> dict[str, Any]:
        return self.fields


def test_tool_calls_may_be_the_objects_that_a_client_gives() -> None:
    called = {"id": "call-1", "type": "function", "function": {"name": "look", "arguments": '{"q": "lamp"}'}}
    response = to_response({"text": "", "tool_calls": [Dumped(**called), called]}, TRIAL, seconds=0)
    assert response.tool_calls == (called, called)


class Colour(enum.StrEnum):
    RED = "red"


class TestPlainData:
    """A response means the same to every process of a session; they hand it on as JSON."""

    def test_numbers_of_numpy_become_pythons(self) -> None:
        numpy = pytest.importorskip("numpy")
        found = to_response(
            {
                "label": "a",
                "probabilities": {"a": numpy.float32(0.25), "b": numpy.float64(0.1)},
                "usage": {"total": numpy.int64(7)},
                "tool_calls": [{"scores": (numpy.float64(0.5), True, None)}],
            },
            TRIAL,
        )
        assert repr((found.probabilities, found.usage, found.tool_calls)) == (
            "({'a': 0.25, 'b': 0.1}, {'total': 7}, ({'scores': [0.5, True, None]},))"
        )

    def test_the_names_of_classes_are_labels(self) -> None:
        assert to_response({"probabilities": {True: 0.75, False: 0.25}}, TRIAL).probabilities == {
            "true": 0.75,
            "false": 0.25,
        }
        assert to_response({"probabilities": {0: 0.75, 1: 0.25}}, TRIAL).probabilities == {"0": 0.75, "1": 0.25}

    def test_steps_tell_their_inputs_as_text_where_they_are_not_plain(self) -> None:
        step = Step(id="s", output="x", inputs={"day": datetime.date(2026, 1, 2), "n": 3}, usage={"total": 2})
        found = to_response(Response(text="x", steps=(step,)), TRIAL).steps
        assert found == (Step(id="s", output="x", inputs={"day": "2026-01-02", "n": 3}, usage={"total": 2}),)

    def test_subclasses_of_str_become_str(self) -> None:
        found = to_response({"text": Colour.RED, "label": Colour.RED, "contexts": [Colour.RED]}, TRIAL)
        assert repr((found.text, found.label, found.contexts)) == "('red', 'red', ('red',))"

    @pytest.mark.parametrize("wrap", [dict, lambda fields: Response(**fields)], ids=["mapping", "Response"])
    @pytest.mark.parametrize(
        ("fields", "said"),
        [
            ({"tool_calls": [{"at": datetime.date(2026, 1, 2)}]}, "the response's 'tool_calls' holds date; give"),
            ({"tool_calls": [{"raw": b"x"}]}, "the response's 'tool_calls' holds bytes; give"),
            ({"tool_calls": [{"by": {1: "x"}}]}, "the response's 'tool_calls' holds a mapping whose keys are not"),
            ({"tool_calls": [{"said": "\ud800"}]}, "the response's 'tool_calls' holds a lone surrogate"),
            ({"usage": {"total": object()}}, "the response's 'usage' holds object; give strings, numbers, lists and"),
            ({"probabilities": {"a": {1, 2}}}, "the response's 'probabilities' holds set; give"),
            ({"probabilities": {0.5: 1.0}}, "the response's 'probabilities' has a class that is float, not a string"),
            ({"probabilities": {1: 0.5, "1": 0.5}}, "the response's 'probabilities' name one class twice"),
            ({"model": 3}, "the response's 'model' is int, not a string"),
        ],
    )
    def test_what_is_not_plain_is_refused(self, wrap: Any, fields: dict[str, Any], said: str) -> None:
        assert message(wrap({"text": "x", **fields})).startswith(said)


class TestResponses:
    def test_a_response_is_taken_as_it_is(self) -> None:
        given = Response(text="x", label="a", usage={"total": 3}, model="m")
        assert to_response(given, TRIAL, seconds=1.0) == Response(
            text="x", label="a", usage={"total": 3}, model="m", latency=1.0, trial=TRIAL
        )

    def test_it_belongs_to_the_trial_that_was_asked(self) -> None:
        other = Trial(case=Case(id="other"), variant="v9")
        assert to_response(Response(text="x", trial=other), TRIAL).trial == TRIAL

    def test_its_error_stays_an_error(self) -> None:
        error = ResponseError(kind="budget", message="spent")
        assert to_response(Response(error=error), TRIAL).error == error

    @pytest.mark.parametrize("contexts", ["passage", ["passage"], ("passage",)])
    def test_contexts_in_any_shape_become_a_tuple(self, contexts: Any) -> None:
        assert to_response(Response(text="x", contexts=contexts), TRIAL).contexts == ("passage",)

    def test_an_error_of_the_wrong_type_is_refused(self) -> None:
        odd: Any = "quota"
        assert message(Response(error=odd)) == (
            "the response's 'error' is str, not a ResponseError; return {'error': '<what failed>'}"
        )

    def test_an_error_of_an_unknown_kind_is_refused(self) -> None:
        odd: Any = "timeuot"
        assert message(Response(error=ResponseError(kind=odd, message="x"))).startswith(
            "the response's error is of kind 'timeuot'; did you mean 'timeout'?"
        )

    @pytest.mark.parametrize("latency", [float("nan"), -1.0, "slow"])
    def test_a_latency_that_is_no_number_of_seconds_is_refused(self, latency: Any) -> None:
        assert message(Response(text="Paris", latency=latency)) == (
            f"the response's 'latency' is {latency!r}, not a number of seconds"
        )

    def test_a_response_with_the_wrong_text_is_refused(self) -> None:
        assert message(Response(text=None)) == "the response's 'text' is NoneType, not a string"  # type: ignore[arg-type]


class TestSteps:
    def test_steps_of_a_mapping_and_of_a_response(self) -> None:
        recorded = [{"id": "draft", "output": "A", "messages": [{"role": "user", "content": "Q"}]}]
        step = Step(id="draft", output="A", messages=({"role": "user", "content": "Q"},))
        assert to_response({"text": "B", "steps": recorded}, TRIAL).steps == (step,)
        assert to_response(Response(text="B", steps=[step]), TRIAL).steps == (step,)  # type: ignore[arg-type]

    @pytest.mark.parametrize(
        ("steps", "said"),
        [
            ("draft", "the response's 'steps' is str, not a list of steps"),
            (3, "the response's 'steps' is int, not a list of steps"),
            (["draft"], "a step is str; give a mapping with 'id' and 'output'"),
            ([{"id": "draft"}], "a step's 'output' is NoneType, not a string"),
            ([{"output": "A"}], "a step's 'id' is NoneType, not a string"),
            ([{"id": "draft", "outptu": "A"}], "a step has an unknown key 'outptu'; did you mean 'output'?"),
            (
                [{"id": "a", "output": "A", "messages": 5}],
                "the step 'a': a step's 'messages' is int, not a list of messages",
            ),
            (
                [{"id": "a", "output": "A", "latency": -1}],
                "the step 'a': the response's 'latency' is -1, not a number of seconds",
            ),
            ([{"id": "a", "output": "\ud800"}], "the step 'a': the response's 'output' holds a lone surrogate"),
        ],
    )
    def test_steps_that_are_none(self, steps: Any, said: str) -> None:
        assert message({"text": "B", "steps": steps}).startswith(said)
        assert message(Response(text="B", steps=steps)).startswith(said)

    def test_the_chain_itself_is_no_answer(self) -> None:
        assert message(bare("v").chain(TRIAL.case)) == "the target returned the chain itself; return chain.response"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "the target returned None instead of an answer; return str, dict or Response"),
        (float("nan"), "the answer is NaN, not text; an empty cell was read as a number"),
        (7, "the target returned int; return str, dict or Response"),
        (["a", "b"], "the target returned list; return str, dict or Response"),
        (b"bytes", "the target returned bytes; return str, dict or Response"),
    ],
)
def test_other_types_are_refused(value: object, said: str) -> None:
    assert message(value) == said


def test_from_error() -> None:
    response = from_error("timeout", "no answer within 2 s", TRIAL, seconds=2.0)
    assert (str(response.error), response.latency, response.trial) == ("timeout: no answer within 2 s", 2.0, TRIAL)


class TestRecorded:
    case = Case(
        id="c1",
        source="qa.jsonl:7",
        recorded={"plain": "Paris", "full": {"text": "Lyon", "latency": 0.5}, "gap": None, "broken": {"txt": ""}},
    )

    def recorded(self, system: str, index: int = 1) -> Response:
        return recorded_response(Trial(case=self.case, variant=system, index=index))

    def test_a_text_and_a_mapping(self) -> None:
        assert self.recorded("plain").text == "Paris"
        assert self.recorded("plain").latency is None
        assert (self.recorded("full").text, self.recorded("full").latency) == ("Lyon", 0.5)

    @pytest.mark.parametrize(
        ("system", "index", "said"),
        [
            ("gap", 1, "missing: qa.jsonl:7 records null for system 'gap'"),
            ("absent", 1, "missing: qa.jsonl:7 records no response for system 'absent'"),
            ("plain", 2, "missing: qa.jsonl:7 records one response a system, no trial 2"),
        ],
    )
    def test_what_is_not_on_record_is_missing_with_its_place(self, system: str, index: int, said: str) -> None:
        assert str(self.recorded(system, index).error) == said

    def test_a_case_without_a_file_is_named_by_its_id(self) -> None:
        found = recorded_response(Trial(case=Case(id="c9"), variant="v"))
        assert str(found.error) == "missing: c9 records no response for system 'v'"

    def test_a_record_of_the_wrong_shape_is_an_error(self) -> None:
        assert self.recorded("broken").error is not None
