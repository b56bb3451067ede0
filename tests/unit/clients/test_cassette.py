"""Cassettes: answers in a file that people read and edit, and that is replayed without anything else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cache_help import SERVICE, request, response
from hypothesis import given
from hypothesis import strategies as st

from pytest_genaiops.clients import cassette
from pytest_genaiops.clients.cache import Cache
from pytest_genaiops.clients.cassette import Line
from pytest_genaiops.clients.request import Labels, Request
from pytest_genaiops.clients.secrets import Secret
from pytest_genaiops.errors import UsageError
from pytest_genaiops.records import Response, Step

ROW = {"variant": "v1", "case": "q1", "service": SERVICE, "request": {"q": "Why?"}, "response": {"text": "Because."}}
TEXT = st.text(st.characters(codec="utf-8"), max_size=8)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "answers.jsonl"


def written(file: Path, *rows: Any) -> Path:
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


class TestWriting:
    def test_a_line_reads_well(self, file: Path) -> None:
        steps = (Step(id="answer", output="Because.", latency=0.123456),)
        cassette.write(file, [Line(request(trial=2), response("Weil — darum.", latency=0.1234567, steps=steps))])
        (line,) = file.read_text(encoding="utf-8").splitlines()
        assert list(json.loads(line).items()) == [
            ("variant", "v1"),
            ("case", "q1"),
            ("trial", 2),
            ("service", SERVICE),
            ("request", dict(request().body)),
            (
                "response",
                {
                    "text": "Weil — darum.",
                    "usage": {"input_tokens": 20, "output_tokens": 5},
                    "latency": 0.123,
                    "deployment": "small",
                    "steps": [{"id": "answer", "output": "Because.", "latency": 0.123}],
                },
            ),
        ]
        assert "Weil — darum." in line, "as people read it, not escaped"

    def test_lines_are_sorted_whatever_their_order(self, file: Path) -> None:
        lines = [
            Line(request(variant=variant, case=case, trial=trial), response())
            for variant in ("v1", "v2")
            for case in ("a", "b")
            for trial in (1, 2, 10)
        ]
        cassette.write(file, lines)
        first = file.read_bytes()
        cassette.write(file, lines[::-1])
        assert file.read_bytes() == first
        rows = [json.loads(line) for line in first.splitlines()]
        assert [(row["variant"], row["case"], row.get("trial", 1)) for row in rows] == [
            (line.request.labels.variant, line.request.labels.case, line.request.trial) for line in lines
        ]

    @pytest.mark.parametrize(
        ("asked", "answered", "field"),
        [
            (request("Use sk-proj-0123456789abcdef"), response(), "request.messages[1].content"),
            (request(), response("Authorization: Bearer 0123456789abcdef"), "response.text"),
            (
                request(),
                response(tool_calls=({"arguments": {"api_key": "x", "q": "api-key=0123456789"}},)),
                "arguments.q",
            ),
            (request(), response(usage={"sk-proj-0123456789abcdef": 1}), "response.usage.***"),
        ],
    )
    def test_what_looks_like_a_key_is_refused(self, file: Path, asked: Request, answered: Response, field: str) -> None:
        file.write_text("as it was")
        with pytest.raises(UsageError, match="answer to case 'q1' under 'v1' holds what looks like a key") as told:
            cassette.write(file, [Line(asked, answered)])
        assert field in str(told.value)
        assert "0123456789" not in str(told.value)
        assert file.read_text() == "as it was"

    def test_a_key_that_was_used_is_refused_whatever_it_looks_like(self, file: Path) -> None:
        Secret("correct horse battery").reveal()
        with pytest.raises(UsageError, match=r"'response\.text'"):
            cassette.write(file, [Line(request(), response("It is correct horse battery."))])

    def test_a_number_that_json_has_no_form_for(self, file: Path) -> None:
        with pytest.raises(UsageError, match="a number that JSON has no form for"):
            cassette.write(file, [Line(request(), response(logprobs=({"token": "a", "logprob": float("-inf")},)))])

    def test_a_place_that_cannot_be_written(self, file: Path) -> None:
        file.mkdir()
        with pytest.raises(
            UsageError, match=r"^answers.jsonl: the cassette cannot be written \(.*choose another place"
        ):
            cassette.write(file, [Line(request(), response())])
        assert [each.name for each in file.parent.iterdir()] == ["answers.jsonl"]


class TestReading:
    @given(
        st.lists(
            st.builds(
                Request,
                service=st.dictionaries(TEXT, TEXT, max_size=2),
                body=st.dictionaries(TEXT, TEXT | st.integers() | st.none(), max_size=3),
                trial=st.integers(1, 3),
                repeat=st.integers(1, 3),
                labels=st.builds(Labels, variant=TEXT, case=TEXT),
            ),
            unique_by=lambda each: each.key,
            max_size=5,
        ),
        TEXT,
    )
    def test_what_was_written_is_read(self, tmp_path_factory: Any, requests: list[Request], text: str) -> None:
        file = tmp_path_factory.mktemp("cassette") / "answers.jsonl"
        lines = [Line(each, response(text)) for each in requests]
        cassette.write(file, lines)
        assert cassette.read(file) == {line.request.key: line for line in lines}

    def test_an_edited_reply_answers_and_an_edited_request_is_another_one(self, file: Path) -> None:
        cassette.write(file, [Line(request(), response())])
        file.write_text(file.read_text().replace("Because.", "Never mind.").replace("Why?", "How?"))
        found = cassette.read(file)
        assert found[request("How?").key].response.text == "Never mind."
        assert request().key not in found

    @pytest.mark.parametrize(
        ("change", "fault"),
        [
            ({"request": None}, "'request' is None; give a JSON object, or export the line anew"),
            ({"trial": True}, "'trial' is True; give a whole number from 1"),
            ({"repeat": 0}, "'repeat' is 0; give a whole number from 1"),
            ({"case": 5}, "'case' is 5; give text"),
            ({"responce": {}}, "'responce' is no key of a line (did you mean 'response'?); it has 'variant', 'case'"),
            ({"response": {"txt": "a"}}, "response has no field 'txt' (did you mean 'text'?)"),
            ({"response": {"text": 5}}, "response.text is 5; give text"),
            ({"response": {"latency": "1 s"}}, "response.latency is '1 s'; give a number"),
            ({"response": {"latency": True}}, "response.latency is True; give a number"),
            ({"response": {"usage": {"input_tokens": 0.5}}}, "response.usage.input_tokens is 0.5; give a whole number"),
            ({"response": {"contexts": "one"}}, "response.contexts is 'one'; give a list"),
            ({"response": {"steps": [{"id": "a"}]}}, "response.steps[0] lacks 'output'; add it"),
            ({"response": {"error": {"kind": "x", "message": ""}}}, "response.error.kind is 'x'; give one of 'target'"),
            ({"response": {"trial": {}}}, "response has no field 'trial'"),
        ],
    )
    def test_a_line_that_is_wrong_is_named(self, file: Path, change: dict[str, Any], fault: str) -> None:
        written(file, ROW, {**ROW, "case": "q2", **change})
        with pytest.raises(UsageError) as told:
            cassette.read(file)
        assert str(told.value).startswith("answers.jsonl:2: ")
        assert fault in str(told.value)

    @pytest.mark.parametrize(
        "line", ["<<<<<<< HEAD", "[1]", '{"a": NaN}', "[" * 100_000, '{"service": {}, "service": 1}']
    )
    def test_a_line_that_is_no_object_is_named(self, file: Path, line: str) -> None:
        file.write_text(json.dumps(ROW) + "\n\n" + line + "\n")
        with pytest.raises(UsageError, match=r"^answers.jsonl:3: "):
            cassette.read(file)

    def test_a_request_stands_there_once(self, file: Path) -> None:
        written(file, ROW, {**ROW, "case": "q2", "request": {"q": "How?"}}, {**ROW, "case": "q3"})
        with pytest.raises(
            UsageError, match=r"answers.jsonl:3: this is the request of answers.jsonl:1; keep one of the"
        ):
            cassette.read(file)

    def test_text_that_is_none(self, file: Path) -> None:
        written(file, {**ROW, "request": {"q": "\ud800"}})
        with pytest.raises(UsageError, match=r"answers.jsonl:1: the request holds text that is not Unicode"):
            cassette.read(file)

    def test_none_there(self, file: Path) -> None:
        with pytest.raises(UsageError, match=r"the cassette answers.jsonl is not there; write it with: genaiops cache"):
            cassette.read(file)


class TestReplay:
    def test_it_answers_where_nothing_else_is_there(self, file: Path) -> None:
        cassette.write(file, [Line(request(), response())])
        cache = Cache(file.parent / ".genaiops", mode="only", cassette=file)
        assert cache.find(request()) == response()
        assert cache.find_all([request("How?"), request()]) == [None, response()]
        assert len(cache.hits) == 1
        cache.close()
        assert [each.name for each in file.parent.iterdir()] == ["answers.jsonl"]
        sentence = cache.why_missing(request("How?"))
        assert 'messages[1].content: "Why?" -> "How?"' in sentence

    def test_it_answers_before_the_cache_and_not_in_mode_refresh(self, file: Path) -> None:
        folder = file.parent / ".genaiops"
        cache = Cache(folder, mode="use")
        for question in ("Why?", "How?"):
            cache.keep(request(question), response("kept"))
        cache.learn([(b"one", request()), (b"two", request("How?"))])
        cache.close()
        cassette.write(file, [Line(request(), response("committed"))])
        cache = Cache(folder, mode="use", cassette=file)
        assert [found and found.text for found in cache.known([b"one", b"two", b"three"])] == [
            "committed",
            "kept",
            None,
        ]
        assert [found and found.text for found in cache.find_all([request(), request("How?")])] == ["committed", "kept"]
        assert len(cache.hits) == 2
        cache.close()
        cache = Cache(folder, mode="refresh", cassette=file)
        assert cache.find(request()) is None

    def test_one_that_is_not_there_yet_is_missing_in_mode_only(self, file: Path) -> None:
        assert Cache(file.parent / ".genaiops", mode="use", cassette=file).find(request()) is None
        with pytest.raises(UsageError, match="is not there"):
            Cache(file.parent / ".genaiops", mode="only", cassette=file)
