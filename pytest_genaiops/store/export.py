"""A recorded run as rows for other programs, one after the other: nothing of it is held but the names of its cases.

Names are those of OpenTelemetry's semantic conventions for generative AI where they have one (``gen_ai.…``,
``error.type``), as of version 1.41 and its successor, the repository semantic-conventions-genai (status:
Development, so they may change). Everything else stands under ``genaiops.…``. What is not known is left out.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from typing import Any, Literal, TypeAlias

from pytest_genaiops.records import NOTHING, Statistics
from pytest_genaiops.store.read import Store, unpacked
from pytest_genaiops.store.rows import MetricRow, RunRow, SuiteRow, VariantRow

What: TypeAlias = Literal["trials", "measurements", "verdicts", "items"]
Row: TypeAlias = dict[str, Any]
Own: TypeAlias = Callable[[Statistics], float | str | None]
"""Statistics of one response -> its own value; in words why it has none; None where the metric is not about it."""
Reader: TypeAlias = Callable[[MetricRow], Mapping[str, Own]]
"""A metric -> how each of its parts is read, by name; those that nobody can read are left out."""

CONVENTIONS = "1.41"
"""Version of the semantic conventions whose names are used."""
INPUTS, SLICES, EVALUATIONS = "genaiops.inputs", "genaiops.slices", "genaiops.evaluations"
"""Where a row holds several values of the dataset's or the suite's own names."""
NAME, VALUE = "gen_ai.evaluation.name", "gen_ai.evaluation.score.value"
LABEL, EXPLANATION = "gen_ai.evaluation.score.label", "gen_ai.evaluation.explanation"
ERROR, UNSCORED, REMOVED = "error.type", "genaiops.unscored", "genaiops.removed"
SIGNATURE = "genaiops.metric.signature"
USAGE = {
    "input_tokens": "gen_ai.usage.input_tokens",
    "output_tokens": "gen_ai.usage.output_tokens",
    "cached_tokens": "gen_ai.usage.cache_read.input_tokens",
    "reasoning_tokens": "gen_ai.usage.reasoning.output_tokens",
}
PARAMETERS = {
    "frequency_penalty": "gen_ai.request.frequency_penalty",
    "max_tokens": "gen_ai.request.max_tokens",
    "presence_penalty": "gen_ai.request.presence_penalty",
    "seed": "gen_ai.request.seed",
    "stop": "gen_ai.request.stop_sequences",
    "temperature": "gen_ai.request.temperature",
    "top_k": "gen_ai.request.top_k",
    "top_p": "gen_ai.request.top_p",
}
_CASE = ("references", "contexts", "label", "relevant", "tool_calls", "cluster")
_RESPONSE = ("contexts", "retrieved", "label", "probabilities", "tool_calls", "logprobs", "steps")
_VERDICT = ("confidence", "n", "required_n", "detectable", "signature", "method", "clusters", "p_values")
LIMITS = ("threshold", "low", "high", "margin")
"""Numbers that a rule goes by."""
_TRIALS = (
    "SELECT t.position, t.trial, asked.text, answers.text, prompts.text, t.prompt IS NULL FROM trials AS t "
    "LEFT JOIN cases AS c ON c.suite = ? AND c.position = t.position "
    "LEFT JOIN contents AS asked ON asked.digest = c.content "
    "LEFT JOIN contents AS answers ON answers.digest = t.response "
    "LEFT JOIN contents AS prompts ON prompts.digest = t.prompt "
    "WHERE t.variant = ? ORDER BY t.position, t.trial"
)
# Both halves are read in the order of their keys and merged: nothing is sorted, however many there are.
_MEASUREMENTS = (
    "SELECT position, trial, statistics, NULL AS kind, text FROM measurements "
    "LEFT JOIN contents ON digest = evidence WHERE metric = ? "
    "UNION ALL SELECT position, trial, NULL, kind, text FROM unscored "
    "LEFT JOIN contents ON digest = reason WHERE metric = ? ORDER BY 1, 2"
)
_CASES = "SELECT position, text FROM cases LEFT JOIN contents ON digest = content WHERE suite = ? ORDER BY position"


def rows(store: Store, run: RunRow, what: What, reader: Reader) -> Generator[Row, None, None]:
    """The rows of a run: by suite, variant, case and trial; nested, in JSON values.

    A text that was removed from the record leaves a row with ``genaiops.removed``. Who does not read them to their end
    closes them before the store.
    Raises UsageError where the record cannot be read.
    """
    make = {"trials": _trials, "measurements": _measurements, "verdicts": _verdicts, "items": _items}[what]
    for suite in store.suites(run.id):
        for variant in store.variants(suite.id):
            yield from make(store, suite, variant, _place(run, suite, variant), reader)


def cases(store: Store, suite: SuiteRow) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """(position, fields) of every case; the fields of a removed one are empty."""
    for position, text in store.each(_CASES, suite.id):
        yield position, _loaded(text)


def case_id(position: int, case: Mapping[str, Any]) -> str:
    """The id of a case, or what stands for it where its text was removed."""
    return str(case.get("id", f"removed-{position}"))


def _place(run: RunRow, suite: SuiteRow, variant: VariantRow) -> Row:
    """What all rows of a variant begin with."""
    return _known(
        {
            "genaiops.run": run.id,
            "genaiops.suite": suite.title,
            "genaiops.dataset": suite.facts.get("dataset"),
            "genaiops.dataset.hash": suite.facts.get("dataset_hash"),
            "genaiops.variant": variant.name,
            "genaiops.variant.hash": variant.facts.get("hash"),
        }
    )


def _trials(store: Store, suite: SuiteRow, variant: VariantRow, place: Row, reader: Reader) -> Iterator[Row]:
    asked, metrics = request(variant), store.metrics(variant.id)
    streams = [_Stream(store, metric, reader, shared_names(metrics)) for metric in metrics]
    for position, trial, case, answer, prompt, unprompted in store.each(_TRIALS, suite.id, variant.id):
        removed = case is None or answer is None or (prompt is None and not unprompted)
        evaluations = [each for stream in streams for each in stream.at(position, trial)]
        yield {
            **place,
            **_case(position, _loaded(case)),
            "genaiops.trial": trial,
            **({REMOVED: True} if removed else {}),
            **asked,
            **_answer(_loaded(answer), None if prompt is None else json.loads(prompt), asked, removed=answer is None),
            EVALUATIONS: evaluations,
        }


def shared_names(metrics: Sequence[MetricRow]) -> frozenset[str]:
    """Names of parts that several metrics of a variant have: two configurations, told apart by their signatures."""
    counts = Counter(part.name for metric in metrics for part in metric.parts)
    return frozenset(name for name, count in counts.items() if count > 1)


def request(variant: VariantRow) -> Row:
    """What a variant asks for: its model and parameters."""
    model, given = variant.facts.get("model"), variant.facts.get("parameters")
    name = model.get("name") if isinstance(model, Mapping) else model
    parameters = dict(given) if isinstance(given, Mapping) else {}
    found: Row = {}
    for key, attribute in PARAMETERS.items():
        value = parameters.pop(key, None)
        found[attribute] = [value] if key == "stop" and isinstance(value, str) else value
    return _known({"gen_ai.request.model": name or None, **found, "genaiops.parameters": parameters or None})


def _case(position: int, case: Mapping[str, Any]) -> Row:
    known = {f"genaiops.{name}": case.get(name) for name in _CASE}
    own = {INPUTS: case.get("inputs"), SLICES: case.get("slices")}
    return _known({"genaiops.case": case_id(position, case), "genaiops.position": position, **own, **known})


def _answer(answer: Mapping[str, Any], prompt: Any, asked: Row, *, removed: bool) -> Row:
    usage = dict(answer.get("usage") or {})
    finish = answer.get("finish_reason")
    error = answer.get("error") or {}
    text = None if removed or error else answer.get("text", "")
    model = answer.get("deployment") or asked.get("gen_ai.request.model")
    return _known(
        {
            # A target of the user's own is no inference that the conventions know.
            "gen_ai.operation.name": "chat" if model or prompt else None,
            "gen_ai.request.model": model,
            "gen_ai.response.model": answer.get("model"),
            "gen_ai.response.finish_reasons": None if finish is None else [finish],
            "gen_ai.response.time_to_first_chunk": answer.get("first_token"),
            **{name: usage.pop(key, None) for key, name in USAGE.items()},
            "gen_ai.input.messages": None if prompt is None else [_message(each) for each in prompt],
            "gen_ai.output.messages": None if text is None else [_said(text, answer)],
            ERROR: error.get("kind"),
            "genaiops.error.message": error.get("message"),
            "genaiops.latency": answer.get("latency"),
            "genaiops.usage": usage or None,
            "genaiops.response.text": text,
            **{f"genaiops.response.{name}": answer.get(name) for name in _RESPONSE},
        }
    )


def _message(message: Mapping[str, Any]) -> Row:
    parts = [{"type": "text", "content": message.get("content", "")}]
    return {"role": message.get("role", "user"), "parts": parts}


def _said(text: str, answer: Mapping[str, Any]) -> Row:
    """The answer as a message of the conventions, whose schema demands a reason for its end."""
    parts: list[Row] = [{"type": "text", "content": text}] if text else []
    for call in answer.get("tool_calls") or ():
        known = {"id": call.get("id"), "name": call.get("name", ""), "arguments": call.get("arguments")}
        parts.append(_known({"type": "tool_call", **known}))
    return {"role": "assistant", "parts": parts, "finish_reason": answer.get("finish_reason") or "unknown"}


class _Stream:
    """The measurements of one metric, read beside the trials."""

    def __init__(self, store: Store, metric: MetricRow, reader: Reader, shared: frozenset[str] = frozenset()) -> None:
        self.metric = metric
        self._shared = shared
        self._own = reader(metric)
        self._rows = store.each(_MEASUREMENTS, metric.id, metric.id)
        self._next: Any = next(self._rows, None)

    def at(self, position: int, trial: int) -> list[Row]:
        """What was measured of one trial, a row for each part; empty where nothing was."""
        while self._next is not None and self._next[:2] < (position, trial):
            self._next = next(self._rows, None)
        if self._next is None or self._next[:2] != (position, trial):
            return []
        return self.evaluated(*self._next[2:])

    def all(self) -> Iterator[tuple[int, int, list[Row], Row]]:
        """(position, trial, a row for each part, what all parts share) of every measurement."""
        while self._next is not None:
            position, trial, statistics, _, text = self._next
            shared = {} if statistics is None else {"genaiops.statistics": _plain(unpacked(statistics))}
            if statistics is not None and text is not None:
                shared["genaiops.evidence"] = json.loads(text)
            yield position, trial, self.evaluated(*self._next[2:]), shared
            self._next = next(self._rows, None)

    def evaluated(self, statistics: Any, kind: str | None, text: str | None) -> list[Row]:
        """One measurement as a row for each part."""
        said = None if text is None else json.loads(text)
        found = []
        for part in self.metric.parts:
            row: Row = {NAME: part.name}
            if part.name in self._shared:
                row[SIGNATURE] = self.metric.signature
            if statistics is None:
                row |= {ERROR: kind, UNSCORED: said or ""}
            else:
                value = self._own[part.name](unpacked(statistics)) if part.name in self._own else ""
                if value is None:
                    continue
                row |= {VALUE: value} if isinstance(value, float) else {UNSCORED: value} if value else {}
                row |= {EXPLANATION: said["reason"]} if isinstance(said, dict) and said.get("reason") else {}
            found.append(row)
        return found


def _measurements(store: Store, suite: SuiteRow, variant: VariantRow, place: Row, reader: Reader) -> Iterator[Row]:
    ids = {position: case_id(position, case) for position, case in cases(store, suite)}
    for metric in store.metrics(variant.id):
        stream = _Stream(store, metric, reader)
        named = {"genaiops.metric": metric.name, SIGNATURE: metric.signature}
        for position, trial, evaluations, shared in stream.all():
            case = {"genaiops.case": ids.get(position, f"removed-{position}"), "genaiops.position": position}
            for each in evaluations:
                yield {**place, **case, "genaiops.trial": trial, **named, **each, **shared}


def _verdicts(store: Store, suite: SuiteRow, variant: VariantRow, place: Row, reader: Reader) -> Iterator[Row]:
    for row in store.verdicts(variant.id):
        facts = row.facts
        low, high = facts.get("interval") or (None, None)
        limits = facts.get("limits") or {}
        yield _known(
            {
                **place,
                "genaiops.test": row.test,
                NAME: row.metric or "pass_rate",
                VALUE: facts.get("value"),
                LABEL: facts.get("outcome"),
                EXPLANATION: facts.get("reason"),
                "genaiops.rule": facts.get("rule"),
                **{f"genaiops.limit.{name}": limits.get(name) for name in LIMITS},
                "genaiops.interval.low": low,
                "genaiops.interval.high": high,
                **{f"genaiops.{name}": facts.get(name) for name in _VERDICT},
                "genaiops.n.unscored": facts.get("unscored"),
                "genaiops.n.not_needed": facts.get("not_needed"),
                "genaiops.tolerated": facts.get("tolerated", False) if facts else None,
                "genaiops.parts": facts.get("parts"),
                REMOVED: None if facts else True,
            }
        )


def _items(store: Store, suite: SuiteRow, variant: VariantRow, place: Row, reader: Reader) -> Iterator[Row]:
    ids = {position: case_id(position, case) for position, case in cases(store, suite)}
    for item in store.items(variant.id):
        named = None if item.position is None else ids.get(item.position, f"removed-{item.position}")
        yield _known(
            {
                **place,
                "genaiops.test": item.test,
                "genaiops.case": named,
                "genaiops.position": item.position,
                "genaiops.trial": item.trial,
                "genaiops.outcome": item.outcome,
                "genaiops.message": item.message or None,
                "genaiops.seconds": item.seconds,
            }
        )


def _loaded(text: str | None) -> Mapping[str, Any]:
    found: Mapping[str, Any] = NOTHING if text is None else json.loads(text)
    return found


def _plain(statistics: Statistics) -> Sequence[Any]:
    """Numbers, or pairs of key and number: a key may be more than a name."""
    return [[k, n] for k, n in statistics.items()] if isinstance(statistics, Mapping) else list(statistics)


def _known(row: Row) -> Row:
    return {name: value for name, value in row.items() if value is not None}
