"""A recorded run as OpenTelemetry sees it: one trace, a span for each trial, an event for each evaluation.

Sent as OTLP over HTTP (https://opentelemetry.io/docs/specs/otlp/#otlphttp) in the messages of opentelemetry-proto, by
the HTTP client that asks models: its bounds and its words for what goes wrong hold here too. The exporters of
OpenTelemetry's own SDK are not used: they say in a log alone why a batch was lost, and not at all which spans of one
the collector rejected.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from hashlib import blake2b
from importlib.metadata import version
from typing import Any
from urllib.parse import unquote

from pytest_genaiops.clients.endpoint import check_url
from pytest_genaiops.clients.http import post, shown, words
from pytest_genaiops.clients.pool import Pool
from pytest_genaiops.clients.request import RefusedError
from pytest_genaiops.clients.secrets import Headers, remember
from pytest_genaiops.errors import UsageError
from pytest_genaiops.extras import require
from pytest_genaiops.store import RunRow, Store
from pytest_genaiops.store.export import CONVENTIONS, ERROR, EVALUATIONS, INPUTS, NAME, SLICES, VALUE, Reader, Row, rows
from pytest_genaiops.store.export_columns import SCORE, as_json
from pytest_genaiops.store.export_files import whole

EXTRA = "otel"
_PROTO = "opentelemetry.proto"
EVENT = "gen_ai.evaluation.result"
HEADERS = "OTEL_EXPORTER_OTLP_HEADERS"
"""Variable of the environment with ``name=value,name=value``, values percent-encoded, as OpenTelemetry defines it."""
_TOKEN = re.compile(r"[\w!#$%&'*+.^`|~-]{1,100}", re.ASCII)
WAITS = (0.5, 2.0)
"""Seconds before a call is tried again, where the collector names none; after the last of them it is given up."""
_LONGEST_WAIT = 30.0
_TIMEOUT = 60.0
_TOGETHER = 512
_BYTES = 4 * 2**20
"""A request holds so many spans or events, or bytes, at most; one that is larger goes alone."""
_INFO = 9
_INTERNAL, _CLIENT = 1, 3
_SAMPLED = 1
_ERROR = 2


def send(store: Store, run: RunRow, reader: Reader, endpoint: str) -> tuple[int, int]:
    """Send a run to a collector; gives how many spans and events it took.

    Args:
        store: the record.
        run: which of its runs.
        reader: how metrics are read.
        endpoint: address of the collector, to which ``/v1/traces`` and ``/v1/logs`` are added.

    All spans go before the first event: a service that takes traces alone has the values, which stand on the spans
    too. Ids are made of what a span stands for, so a run that is sent twice is one trace.

    Raises:
        UsageError: the address is none, the collector cannot be reached or refused something.
        ExtraMissingError: opentelemetry-proto is not installed.
    """
    base, headers = _base(endpoint), _headers()
    return asyncio.run(_sent(_Wire.load(), (store, run, reader), base, headers))


def trace_id(run: str) -> bytes:
    """The id of a run's trace: 16 bytes."""
    return blake2b(run.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def span_id(*place: str | int) -> bytes:
    """The id of the span of a run, of a variant (run, suite, variant) or of a trial (… position, trial): 8 bytes."""
    return blake2b(as_json(place).encode("utf-8", "surrogatepass"), digest_size=8).digest()


async def _sent(wire: _Wire, recorded: tuple[Store, RunRow, Reader], base: str, headers: Headers) -> tuple[int, int]:
    store, run, reader = recorded
    pool = Pool(concurrency=1, timeout=None)
    spans = _Signal(wire, pool, f"{base}/v1/traces", headers)
    events = _Signal(wire, pool, f"{base}/v1/logs", headers)
    try:
        for signal, messages in ((spans, _spans), (events, _events)):
            with closing(messages(wire, store, run, reader)) as given:
                for part in _parts(given):
                    await signal.send(part)
    except RefusedError as error:
        taken = f"{spans.taken:,} spans and {events.taken:,} events were taken before"
        raise UsageError(f"{error.message}; {taken}, and a run that is sent again is the same trace") from None
    finally:
        await pool.close()
    return spans.taken, events.taken


def _spans(wire: _Wire, store: Store, run: RunRow, reader: Reader) -> Generator[Any, None, None]:
    begun, ended = _span_of(run)
    about = {
        "genaiops.run": run.id,
        "genaiops.kind": run.facts.get("kind"),
        "genaiops.git": run.facts.get("git") or None,
        "genaiops.exit": run.exit,
    }
    trace = trace_id(run.id)
    root = wire.span(trace_id=trace, span_id=span_id(run.id), name="run", kind=_INTERNAL)
    yield wire.timed(root, begun, ended, about)
    for suite in store.suites(run.id):
        for variant in store.variants(suite.id):
            mine = span_id(run.id, suite.title, variant.name)
            span = wire.span(trace_id=trace, span_id=mine, parent_span_id=root.span_id, name="variant", kind=_INTERNAL)
            where = {"genaiops.run": run.id, "genaiops.suite": suite.title, "genaiops.variant": variant.name}
            yield wire.timed(span, begun, ended, where)
    for row in rows(store, run, "trials", reader):
        yield _trial(wire, row, begun)


def _trial(wire: _Wire, row: Row, begun: int) -> Any:
    """The span of a trial. When it began is not on record: it begins with the run, and lasts as long as it took."""
    operation, model = row.get("gen_ai.operation.name"), row.get("gen_ai.request.model")
    run, suite, variant = (row[f"genaiops.{name}"] for name in ("run", "suite", "variant"))
    span = wire.span(
        trace_id=trace_id(run),
        span_id=_of_trial(row),
        parent_span_id=span_id(run, suite, variant),
        name=whole(" ".join(filter(None, (operation, model))) if operation else "trial"),
        kind=_CLIENT if operation else _INTERNAL,
    )
    if row.get(ERROR):
        span.status.code = _ERROR
        span.status.message = whole(row.get("genaiops.error.message", ""))
    attributes = {name: value for name, value in row.items() if name not in (INPUTS, SLICES, EVALUATIONS)}
    for group in (INPUTS, SLICES):
        attributes |= {f"{group}.{name}": value for name, value in row.get(group, {}).items()}
    attributes |= {f"{SCORE}.{each[NAME]}": each[VALUE] for each in row[EVALUATIONS] if VALUE in each}
    return wire.timed(span, begun, begun + _lasted(row), attributes)


def _events(wire: _Wire, store: Store, run: RunRow, reader: Reader) -> Generator[Any, None, None]:
    begun, ended = _span_of(run)
    for row in rows(store, run, "trials", reader):
        mine = _of_trial(row)
        for each in row[EVALUATIONS]:
            yield wire.event(trace_id(run.id), mine, begun + _lasted(row), each)
    for row in rows(store, run, "verdicts", reader):
        mine = span_id(run.id, row["genaiops.suite"], row["genaiops.variant"])
        yield wire.event(trace_id(run.id), mine, ended, row)


def _of_trial(row: Row) -> bytes:
    place = (row[f"genaiops.{name}"] for name in ("run", "suite", "variant", "position", "trial"))
    return span_id(*place)


def _span_of(run: RunRow) -> tuple[int, int]:
    """When a run began and ended, in nanoseconds since 1970; one that did not end lasted no time."""
    return _nanoseconds(run.started), _nanoseconds(run.started if run.ended is None else run.ended)


def _lasted(row: Row) -> int:
    latency = row.get("genaiops.latency")
    return _nanoseconds(latency) if isinstance(latency, int | float) and 0 <= latency < 1e8 else 0


def _nanoseconds(seconds: float) -> int:
    return max(0, round(seconds * 1e9))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wire:
    """The messages of opentelemetry-proto."""

    common: Any
    resource: Any
    trace: Any
    logs: Any
    trace_service: Any
    logs_service: Any
    about: Mapping[str, str] = field(
        default_factory=lambda: {
            "service.name": os.environ.get("OTEL_SERVICE_NAME") or "pytest-genaiops",
            "service.version": version("pytest-genaiops"),
        }
    )

    @classmethod
    def load(cls) -> _Wire:
        """Raises ExtraMissingError where the package is missing."""
        names = {
            "common": "common.v1.common_pb2",
            "resource": "resource.v1.resource_pb2",
            "trace": "trace.v1.trace_pb2",
            "logs": "logs.v1.logs_pb2",
            "trace_service": "collector.trace.v1.trace_service_pb2",
            "logs_service": "collector.logs.v1.logs_service_pb2",
        }
        modules: dict[str, Any] = {name: require(f"{_PROTO}.{module}", EXTRA) for name, module in names.items()}
        return cls(**modules)

    def span(self, **fields: Any) -> Any:
        """A span that its sampler kept."""
        return self.trace.Span(flags=_SAMPLED, **fields)

    def timed(self, span: Any, begun: int, ended: int, attributes: Mapping[str, Any]) -> Any:
        """The span with its times and what is known of it."""
        span.start_time_unix_nano, span.end_time_unix_nano = begun, max(begun, ended)
        span.attributes.extend(self.attributes(attributes))
        return span

    def event(self, trace: bytes, span: bytes, at: int, attributes: Mapping[str, Any]) -> Any:
        """An evaluation's result, as an event of the span that was evaluated."""
        return self.logs.LogRecord(
            time_unix_nano=at,
            observed_time_unix_nano=at,
            severity_number=_INFO,
            event_name=EVENT,
            trace_id=trace,
            span_id=span,
            flags=_SAMPLED,
            attributes=self.attributes(attributes),
        )

    def attributes(self, given: Mapping[str, Any]) -> list[Any]:
        """What is known of the given ones."""
        known = ((name, value) for name, value in given.items() if value is not None)
        return [self.common.KeyValue(key=whole(name), value=self.value(value)) for name, value in known]

    def value(self, value: Any) -> Any:
        """A text, number, truth value or list of texts; of what else there is the JSON text."""
        kind = self.common.AnyValue
        if isinstance(value, bool):
            return kind(bool_value=value)
        if isinstance(value, int) and -(2**63) <= value < 2**63:
            return kind(int_value=value)
        if isinstance(value, float):
            return kind(double_value=value)
        if isinstance(value, list) and all(isinstance(each, str) for each in value):
            return kind(array_value=self.common.ArrayValue(values=map(self.value, value)))
        return kind(string_value=whole(value if isinstance(value, str) else as_json(value)))

    def request(self, batch: list[Any]) -> Any:
        """The request that sends some spans, or some events."""
        scope = self.common.InstrumentationScope(name="pytest_genaiops", version=self.about["service.version"])
        resource = self.resource.Resource(attributes=self.attributes(self.about))
        schema = f"https://opentelemetry.io/schemas/{CONVENTIONS}.0"
        if isinstance(batch[0], self.trace.Span):
            inner = self.trace.ScopeSpans(scope=scope, spans=batch, schema_url=schema)
            group = self.trace.ResourceSpans(resource=resource, scope_spans=[inner], schema_url=schema)
            return self.trace_service.ExportTraceServiceRequest(resource_spans=[group])
        inner = self.logs.ScopeLogs(scope=scope, log_records=batch, schema_url=schema)
        group = self.logs.ResourceLogs(resource=resource, scope_logs=[inner], schema_url=schema)
        return self.logs_service.ExportLogsServiceRequest(resource_logs=[group])

    def rejected(self, url: str, body: bytes, count: int) -> str:
        """What a reply says of parts that were not taken, as a sentence; empty where all were."""
        spans = url.endswith("traces")
        service = (
            self.trace_service.ExportTraceServiceResponse if spans else self.logs_service.ExportLogsServiceResponse
        )
        try:
            partial = service.FromString(body).partial_success
        except require("google.protobuf.message", EXTRA).DecodeError:
            return f"{shown(url)} sent a reply that is none of OTLP"
        number = partial.rejected_spans if spans else partial.rejected_log_records
        said = words(partial.error_message)[0]
        of = f"{number:,} of {count:,} {'spans' if spans else 'events'}"
        return f"{shown(url)} rejected {of}{f': {said}' if said else ''}" if number else ""


class _Signal:
    """One of the paths of a collector."""

    def __init__(self, wire: _Wire, pool: Pool, url: str, headers: Headers) -> None:
        self._wire = wire
        self._pool = pool
        self._url = url
        self._headers = headers
        self.taken = 0

    async def send(self, batch: list[Any]) -> None:
        """Send some. Raises RefusedError where they were not all taken, after further attempts if that may help."""
        body = self._wire.request(batch).SerializeToString()
        for wait in (*WAITS, None):
            try:
                reply = await self._posted(body)
                break
            except RefusedError as error:
                if wait is None or not error.again:
                    raise
                await asyncio.sleep(min(error.wait if error.wait is not None else wait, _LONGEST_WAIT))
        if "protobuf" in reply.headers.get("content-type", "") and (
            why := self._wire.rejected(self._url, reply.body, len(batch))
        ):
            raise RefusedError(why)
        self.taken += len(batch)

    async def _posted(self, body: bytes) -> Any:
        try:
            async with asyncio.timeout(_TIMEOUT):
                return await post(self._pool, self._url, headers=self._headers, body=body)
        except TimeoutError:
            raise RefusedError(f"{shown(self._url)} did not answer within {_TIMEOUT:g} s", again=True) from None


def _parts(messages: Iterable[Any]) -> Iterator[list[Any]]:
    part: list[Any] = []
    size = 0
    for message in messages:
        more = message.ByteSize()
        if part and (len(part) >= _TOGETHER or size + more > _BYTES):
            yield part
            part, size = [], 0
        part.append(message)
        size += more
    if part:
        yield part


def _base(endpoint: str) -> str:
    try:
        check_url(endpoint, "--otlp")
    except UsageError:
        mend = f"write http://<host>:4318 without user or key; keys belong into {HEADERS}"
        raise UsageError(f"--otlp {shown(endpoint)} is not the address of a collector; {mend}") from None
    base = endpoint.rstrip("/")
    for path in ("/v1/traces", "/v1/logs"):
        base = base.removesuffix(path)
    return base


def _headers() -> Headers:
    found = {"Content-Type": "application/x-protobuf"}
    for pair in filter(None, map(str.strip, os.environ.get(HEADERS, "").split(","))):
        name, _, value = (unquote(each.strip()) for each in pair.partition("="))
        # What is wrong is not shown: it may be a key.
        if not _TOKEN.fullmatch(name) or not value or not value.isprintable():
            raise UsageError(
                f"{HEADERS} is no list of name=value; separate several by commas, and percent-encode values"
            )
        remember(value)
        found[name] = value
    return Headers(found)
