"""A run as a collector of OpenTelemetry receives it, read with opentelemetry-proto."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from pytest_genaiops.adapters import otlp
from pytest_genaiops.cli import main
from pytest_genaiops.errors import ExtraMissingError, UsageError
from pytest_genaiops.records import Case, Explanation, Measurement, Response, ResponseError, Verdict
from pytest_genaiops.store import PartRow, Store, TrialRow, Writer
from pytest_genaiops.testing.serving import Serving

trace_service = pytest.importorskip("opentelemetry.proto.collector.trace.v1.trace_service_pb2")
logs_service = pytest.importorskip("opentelemetry.proto.collector.logs.v1.logs_service_pb2")
trace_pb2 = pytest.importorskip("opentelemetry.proto.trace.v1.trace_pb2")

RUN, SUITE = "20261130T102940-3f9a1c", "test_hours.py::test_hours"
STARTED, ENDED = 1796034580.25, 1796034590.5
NASTY = "=1+1\0\ud800\u202e\x1b[31m<script>"
HEADERS = "OTEL_EXPORTER_OTLP_HEADERS"
Answer = tuple[int, bytes, Mapping[str, str]]


class Collector:
    """Takes OTLP over HTTP, unless it is told to answer otherwise."""

    def __init__(self, answer: Callable[[int, str], Answer | None] = lambda number, path: None) -> None:
        self.answer = answer
        self.url = ""
        self.calls: list[tuple[str, Mapping[str, str], bytes]] = []

    async def handle(self, request: Any) -> Any:
        from aiohttp import web

        body = await request.read()
        self.calls.append((request.path, dict(request.headers), body))
        told = self.answer(len(self.calls), request.path)
        status, said, headers = told or (200, b"", {"Content-Type": "application/x-protobuf"})
        return web.Response(status=status, body=said, headers=headers)

    @property
    def spans(self) -> list[Any]:
        read = trace_service.ExportTraceServiceRequest.FromString
        found = [read(body) for path, _, body in self.calls if path == "/v1/traces"]
        return [span for each in found for one in each.resource_spans for two in one.scope_spans for span in two.spans]

    @property
    def events(self) -> list[Any]:
        read = logs_service.ExportLogsServiceRequest.FromString
        found = [read(body) for path, _, body in self.calls if path == "/v1/logs"]
        return [
            log for each in found for one in each.resource_logs for two in one.scope_logs for log in two.log_records
        ]


@contextmanager
def collecting(answer: Callable[[int, str], Answer | None] = lambda number, path: None) -> Iterator[Collector]:
    collector = Collector(answer)
    serving = Serving(collector.handle)
    collector.url = serving.start()
    try:
        yield collector
    finally:
        serving.stop()


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (HEADERS, "OTEL_SERVICE_NAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(otlp, "WAITS", (0.0, 0.0))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def record(folder: Path, *, cases: int = 1, end: bool = True) -> Path:
    """A case that a model answered, one that it did not, and further ones."""
    folder = folder / ".genaiops"
    with closing(Writer(folder, RUN)) as writer:
        writer.begin(STARTED, {"kind": "pytest", "git": {"sha": "abc"}})
        suite = writer.suite(SUITE, {"dataset": "hours"})
        writer.cases(suite, ((i, Case(id=f"c{i}", inputs={"question": NASTY, "n": i})) for i in range(cases + 1)))
        variant = writer.variant(suite, "v1", {"model": "small", "parameters": {"temperature": 0.5, "stop": "\n"}})
        answer = Response(text=NASTY, latency=1.5, usage={"input_tokens": 7}, model="small-1", finish_reason="stop")
        trials = [TrialRow(position=i, trial=1, response=answer) for i in range(1, cases + 1)]
        lost = Response(error=ResponseError(kind="timeout", message="no answer within 30 s"))
        writer.trials(variant, [TrialRow(position=0, trial=1, response=lost), *trials])
        metric = writer.metric(variant, "tone|x", "tone", None, [PartRow(name="tone", scale=(0, 1))])
        said = Explanation(score=0.75, sentences=(), unsupported=(), reason="Kind.")
        scored = Measurement(statistics=(0.75,), explanation=said)
        missed = Measurement(kind="timeout", reason="no answer")
        writer.measurements(metric, [(0, 1, missed), *((i, 1, scored) for i in range(1, cases + 1))])
        verdict = Verdict(
            outcome="failed", reason="too low", value=0.75, interval=None, confidence=0.95, n=cases, unscored=1
        )
        writer.verdicts(variant, f"{SUITE}[v1]", [("tone", verdict)])
        if end:
            writer.end(ENDED, 1, {})
        else:
            writer.flush()
    return folder


def sent(folder: Path, url: str) -> tuple[int, int]:
    def first(statistics: Any) -> float:
        return float(statistics[0])

    with closing(Store(folder)) as store:
        return otlp.send(store, store.run(), lambda metric: {part.name: first for part in metric.parts}, url)


def known(message: Any) -> dict[str, Any]:
    """The attributes of a span or event as Python's values."""
    return {each.key: value(each.value) for each in message.attributes}


def value(given: Any) -> Any:
    kind = given.WhichOneof("value")
    return [value(each) for each in given.array_value.values] if kind == "array_value" else getattr(given, kind)


def test_a_run_is_one_trace_with_a_span_for_each_trial(tmp_path: Path) -> None:
    with collecting() as collector:
        assert sent(record(tmp_path), collector.url) == (4, 3)
    run, variant, failed, answered = collector.spans
    assert {each.trace_id for each in collector.spans} == {otlp.trace_id(RUN)}
    assert len(otlp.trace_id(RUN)) == 16
    assert all(len(each.span_id) == 8 for each in collector.spans)
    assert len({each.span_id for each in collector.spans}) == 4
    assert run.parent_span_id == b""
    assert variant.parent_span_id == run.span_id
    assert failed.parent_span_id == answered.parent_span_id == variant.span_id
    assert [each.name for each in collector.spans] == ["run", "variant", "chat small", "chat small"]
    assert known(run)["genaiops.git"] == '{"sha":"abc"}'


def test_times_are_those_that_are_known(tmp_path: Path) -> None:
    with collecting() as collector:
        sent(record(tmp_path), collector.url)
    run, _, failed, answered = collector.spans
    begun = round(STARTED * 1e9)
    assert (run.start_time_unix_nano, run.end_time_unix_nano) == (begun, round(ENDED * 1e9))
    assert (answered.start_time_unix_nano, answered.end_time_unix_nano) == (begun, begun + 1_500_000_000)
    assert failed.end_time_unix_nano == failed.start_time_unix_nano == begun


def test_a_span_has_the_attributes_of_the_conventions(tmp_path: Path) -> None:
    with collecting() as collector:
        sent(record(tmp_path), collector.url)
    _, _, failed, answered = collector.spans
    found = known(answered)
    assert {name: each for name, each in found.items() if name.startswith("gen_ai.") and "messages" not in name} == {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "small",
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.stop_sequences": ["\n"],
        "gen_ai.response.model": "small-1",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.usage.input_tokens": 7,
    }
    shown = NASTY.replace("\ud800", "\\ud800")
    (message,) = json.loads(found["gen_ai.output.messages"])
    assert message["parts"] == [{"type": "text", "content": NASTY}]
    assert (found["genaiops.inputs.question"], found["genaiops.inputs.n"]) == (shown, 1)
    assert found["genaiops.score.tone"] == 0.75
    assert answered.kind == trace_pb2.Span.SPAN_KIND_CLIENT
    assert answered.status.code == trace_pb2.Status.STATUS_CODE_UNSET
    assert (failed.status.code, failed.status.message) == (trace_pb2.Status.STATUS_CODE_ERROR, "no answer within 30 s")
    assert known(failed)["error.type"] == "timeout"


def test_evaluations_are_events_of_their_spans(tmp_path: Path) -> None:
    # https://github.com/open-telemetry/semantic-conventions/blob/v1.41.1/docs/gen-ai/gen-ai-events.md
    with collecting() as collector:
        sent(record(tmp_path), collector.url)
    _, variant, failed, answered = collector.spans
    missing, scored, verdict = collector.events
    assert {each.event_name for each in collector.events} == {"gen_ai.evaluation.result"}
    assert {each.trace_id for each in collector.events} == {otlp.trace_id(RUN)}
    assert [each.span_id for each in collector.events] == [failed.span_id, answered.span_id, variant.span_id]
    assert scored.time_unix_nano == answered.end_time_unix_nano
    assert known(scored) == {
        "gen_ai.evaluation.name": "tone",
        "gen_ai.evaluation.score.value": 0.75,
        "gen_ai.evaluation.explanation": "Kind.",
    }
    assert known(missing) == {
        "gen_ai.evaluation.name": "tone",
        "error.type": "timeout",
        "genaiops.unscored": "no answer",
    }
    decided = known(verdict)
    assert (decided["gen_ai.evaluation.score.label"], decided["gen_ai.evaluation.explanation"]) == ("failed", "too low")


def test_what_is_sent_twice_is_the_same(tmp_path: Path) -> None:
    with collecting() as collector:
        folder = record(tmp_path)
        sent(folder, f"{collector.url}/")
        sent(folder, f"{collector.url}/v1/traces")
    bodies = [(path, body) for path, _, body in collector.calls]
    assert bodies[:2] == bodies[2:]
    assert [path for path, _ in bodies] == ["/v1/traces", "/v1/logs"] * 2


def test_a_large_run_goes_in_parts(tmp_path: Path) -> None:
    with collecting() as collector:
        assert sent(record(tmp_path, cases=1500), collector.url) == (1503, 1502)
    assert len(collector.calls) == 6
    assert len({each.span_id for each in collector.spans}) == 1503


def test_a_run_that_was_killed_is_sent_as_far_as_it_came(tmp_path: Path) -> None:
    with collecting() as collector:
        assert sent(record(tmp_path, end=False), collector.url) == (4, 3)
    assert collector.spans[0].end_time_unix_nano == collector.spans[0].start_time_unix_nano


def test_headers_come_from_the_environment_and_are_no_part_of_messages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(HEADERS, "x-api-key=a%20secret%2Fkey, x-team = red")
    with (
        collecting(lambda number, path: (401, b"no: a secret/key", {})) as collector,
        pytest.raises(UsageError, match="401 Unauthorized") as caught,
    ):
        sent(record(tmp_path), collector.url)
    assert "secret" not in str(caught.value)
    (call,) = collector.calls
    assert (call[1]["x-api-key"], call[1]["x-team"]) == ("a secret/key", "red")
    assert call[1]["Content-Type"] == "application/x-protobuf"


@pytest.mark.parametrize("given", ["nonsense", "bad name=secret", "=secret", "x=secret%0aset-cookie: 1", "x="])
def test_headers_that_are_none_are_refused_unseen(given: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HEADERS, given)
    with pytest.raises(UsageError, match="OTEL_EXPORTER_OTLP_HEADERS is no list of name=value") as caught:
        sent(record(tmp_path), "http://127.0.0.1:1")
    assert "secret" not in str(caught.value)


def test_a_collector_that_is_busy_is_asked_again(tmp_path: Path) -> None:
    busy: Answer = (503, b"", {"Retry-After": "0"})
    with collecting(lambda number, path: busy if number < 3 else None) as collector:
        assert sent(record(tmp_path), collector.url) == (4, 3)
    assert [path for path, _, _ in collector.calls] == ["/v1/traces"] * 3 + ["/v1/logs"]


def test_a_collector_that_stays_busy_is_given_up(tmp_path: Path) -> None:
    with (
        collecting(lambda number, path: (503, b"later", {})) as collector,
        pytest.raises(UsageError, match=r'503 Service Unavailable: "later"; 0 spans and 0 events were taken'),
    ):
        sent(record(tmp_path), collector.url)
    assert len(collector.calls) == 3


def test_what_a_collector_rejects_is_told(tmp_path: Path) -> None:
    reply = trace_service.ExportTraceServiceResponse()
    reply.partial_success.rejected_spans, reply.partial_success.error_message = 2, "too \x1b[31mold"
    answer: Answer = (200, reply.SerializeToString(), {"Content-Type": "application/x-protobuf"})
    with (
        collecting(lambda number, path: answer) as collector,
        pytest.raises(UsageError, match="rejected 2 of 4 spans: ") as caught,
    ):
        sent(record(tmp_path), collector.url)
    assert "\x1b" not in str(caught.value)


def test_a_reply_that_is_none_of_otlp_is_told(tmp_path: Path) -> None:
    answer: Answer = (200, b"\xff\xff\xff", {"Content-Type": "application/x-protobuf"})
    with (
        collecting(lambda number, path: answer) as collector,
        pytest.raises(UsageError, match="sent a reply that is none of OTLP"),
    ):
        sent(record(tmp_path), collector.url)


def test_a_service_that_takes_traces_alone_has_the_values(tmp_path: Path) -> None:
    with (
        collecting(lambda number, path: (404, b"", {}) if path == "/v1/logs" else None) as collector,
        pytest.raises(UsageError, match="/v1/logs answered 404 Not Found; 4 spans and 0 events were taken"),
    ):
        sent(record(tmp_path), collector.url)
    assert known(collector.spans[-1])["genaiops.score.tone"] == 0.75


def test_nobody_there_is_one_sentence_and_no_success(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record(project)
    with collecting() as collector:
        pass
    assert main(["runs", "export", "--otlp", collector.url]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith(f"genaiops: {collector.url}/v1/traces cannot be reached: ")
    assert shown.err.count("\n") == 1


def test_the_command_says_what_went(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record(project)
    with collecting() as collector:
        assert main(["runs", "export", RUN[:12], "--otlp", collector.url]) == 0
    assert capsys.readouterr().out == f"{RUN}: 4 spans and 3 events sent\n"
    assert known(collector.events[1])["gen_ai.evaluation.score.value"] == 0.75


@pytest.mark.parametrize("url", ["collector:4318", "ftp://host", "http://user:secret@host", "http://", "http://h h"])
def test_what_is_no_address_is_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not the address of a collector") as caught:
        sent(record(tmp_path), url)
    assert "secret" not in str(caught.value)


def test_without_the_package_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_genaiops.extras.find_spec", lambda name: None)
    with pytest.raises(ExtraMissingError, match=r'pip install "pytest-genaiops\[otel\]"'):
        sent(record(tmp_path), "http://127.0.0.1:4318")
