"""What goes into the record comes out of it equal, whatever texts and numbers there are in it."""

from __future__ import annotations

import json
import math
from datetime import date
from itertools import count
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_genaiops.clients.wire import record_of
from pytest_genaiops.records import (
    Case,
    Explanation,
    Measurement,
    Passage,
    Relevant,
    Response,
    ResponseError,
    SentenceSupport,
    Step,
    UnsupportedSpan,
    Verdict,
)
from pytest_genaiops.store import ItemRow, PartRow, ScoreRow, Store, TrialRow, Writer
from pytest_genaiops.store.texts import as_text, fields_of

NUMBERS = count()
NASTY = ["\0", "\ud800", "a\udfffb", "\u202eevil", "</script>", "=1+1", "\x1b[31m", "é\r\n\u2028", "𝒳" * 3, ""]
texts = st.one_of(st.sampled_from(NASTY), st.text(st.characters(exclude_categories=[])))
numbers = st.one_of(st.integers(-(2**70), 2**70), st.floats(allow_nan=False), st.booleans(), st.none())
values = st.recursive(texts | numbers, lambda inner: st.lists(inner) | st.dictionaries(texts, inner), max_leaves=5)
some_texts = st.lists(texts, max_size=3).map(tuple)
optional_texts = st.none() | some_texts
cases = st.builds(
    Case,
    id=texts.filter(lambda text: text.isascii()),
    inputs=st.dictionaries(texts, values, max_size=3),
    references=optional_texts,
    contexts=optional_texts,
    label=st.none() | texts,
    relevant=st.none() | st.lists(st.builds(Relevant, id=texts, grade=st.floats(0, 9)), max_size=2).map(tuple),
    slices=st.dictionaries(texts, texts, max_size=2),
)
steps = st.builds(Step, id=texts, output=texts, messages=st.just(({"role": "user", "content": "\0"},)))
responses = st.builds(
    Response,
    text=texts,
    contexts=optional_texts,
    retrieved=st.none()
    | st.lists(st.builds(Passage, text=texts, score=st.none() | st.floats(0, 1)), max_size=2).map(tuple),
    usage=st.dictionaries(texts, st.integers(0, 10**9), max_size=2),
    latency=st.none() | st.floats(0, 1e6),
    steps=st.lists(steps, max_size=2).map(tuple),
    error=st.none() | st.builds(ResponseError, kind=st.just("timeout"), message=texts),
)
explanations = st.builds(
    Explanation,
    score=st.floats(0, 1),
    sentences=st.lists(
        st.builds(SentenceSupport, start=st.integers(0, 9), end=st.integers(0, 9), text=texts, support=st.floats(0, 1)),
        max_size=2,
    ).map(tuple),
    unsupported=st.lists(
        st.builds(UnsupportedSpan, start=st.integers(0, 9), end=st.integers(0, 9), text=texts), max_size=2
    ).map(tuple),
    reason=texts,
)
keys = st.recursive(
    texts | st.integers(0, 9) | st.booleans() | st.none(), lambda one: st.tuples(one, one), max_leaves=3
)
finite = st.floats(allow_nan=False)
statistics = st.lists(finite, max_size=4).map(tuple) | st.dictionaries(keys, finite, max_size=3)
scored = st.builds(Measurement, statistics=statistics, explanation=st.none() | explanations)
unscored = st.builds(Measurement, kind=st.sampled_from(["target", "judge", "budget"]), reason=texts)


def roundtrip(folder: Path, fill: Any) -> tuple[Store, int]:
    """A new run of one suite with one variant, filled and opened, with the id of the variant."""
    run = f"run-{next(NUMBERS)}"
    writer = Writer(folder, run)
    writer.begin(0.0, {})
    suite = writer.suite("t.py::test", {})
    fill(writer, suite, writer.variant(suite, "v1", {"place": 0}))
    writer.end(1.0, 0, {})
    writer.close()
    store = Store(folder)
    return store, store.variants(store.suites(run)[0].id)[0].id


def cases_of(store: Store, variant: int) -> dict[int, Case]:
    """The cases of the suite of a variant; suites and variants are made together here, hence have equal ids."""
    return store.cases(variant)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("record")


few = settings(max_examples=40, deadline=None)


@few
@given(st.lists(cases, max_size=3))
def test_cases(folder: Path, given_cases: list[Case]) -> None:
    store, variant = roundtrip(folder, lambda writer, suite, _: writer.cases(suite, enumerate(given_cases)))
    assert list(cases_of(store, variant).values()) == given_cases
    store.close()


@few
@given(st.lists(responses, max_size=3), st.none() | st.lists(st.fixed_dictionaries({"role": texts, "content": texts})))
def test_responses_with_their_prompts(folder: Path, answers: list[Response], prompt: Any) -> None:
    rows = [TrialRow(position=0, trial=n, response=each, prompt=prompt) for n, each in enumerate(answers, 1)]
    store, variant = roundtrip(folder, lambda writer, _, variant: writer.trials(variant, rows))
    assert list(store.trials(variant)) == rows
    store.close()


@few
@given(st.lists(scored | unscored, max_size=4))
def test_measurements(folder: Path, measured: list[Measurement]) -> None:
    rows = [(place, 1, each) for place, each in enumerate(measured)]

    def fill(writer: Writer, _: int, variant: int) -> None:
        number = writer.metric(variant, "m|x", "m", {}, [PartRow(name="m", scale=(0, math.inf))])
        writer.measurements(number, rows)

    store, variant = roundtrip(folder, fill)
    (metric,) = store.metrics(variant)
    found = sorted(store.measurements(metric.id), key=lambda row: row[0])
    assert found == rows
    for (_, _, before), (_, _, after) in zip(rows, found, strict=True):
        # Equal mappings may differ in what their keys are: 1, 1.0 and True are one key.
        assert repr(before.statistics) == repr(after.statistics)
    assert metric.parts == [PartRow(name="m", scale=(0, math.inf))]
    store.close()


verdicts = st.builds(
    Verdict,
    outcome=st.sampled_from(["passed", "failed", "undecided"]),
    reason=texts,
    value=st.none() | finite,
    interval=st.none() | st.tuples(finite, finite),
    confidence=st.floats(0.5, 0.99),
    n=st.integers(0, 10**6),
    unscored=st.integers(0, 9),
    p_values=st.dictionaries(texts, st.floats(0, 1), max_size=2),
)


@few
@given(st.lists(st.tuples(st.sampled_from(["bleu", "chrf"]), verdicts), max_size=3), texts)
def test_verdicts_and_items(folder: Path, decided: list[tuple[str, Verdict]], message: str) -> None:
    item = ItemRow(test="t.py::test[v1]", outcome="failed", message=message, seconds=0.5)

    def fill(writer: Writer, _: int, variant: int) -> None:
        writer.verdicts(variant, item.test, decided)
        writer.item(variant, item)

    store, variant = roundtrip(folder, fill)
    assert [(row.metric, record_of(Verdict, row.facts)) for row in store.verdicts(variant)] == decided
    assert store.items(variant) == [item]
    store.close()


def test_scores(folder: Path) -> None:
    rows = [
        ScoreRow(name="m", value=0.5, interval=(0.4, math.inf), n=10, unscored=2),
        ScoreRow(name="m", slice="lang=de", value=None, interval=None, n=0, unscored=3),
    ]

    def fill(writer: Writer, _: int, variant: int) -> None:
        writer.scores(writer.metric(variant, "m|x", "m", {}, []), rows)

    store, variant = roundtrip(folder, fill)
    assert store.scores(store.metrics(variant)[0].id) == rows


def test_a_statistic_that_is_no_number_is_not_lost(folder: Path) -> None:
    def fill(writer: Writer, _: int, variant: int) -> None:
        number = writer.metric(variant, "m|x", "m", {}, [])
        writer.measurements(number, [(0, 1, Measurement(statistics=(math.nan,)))])

    store, variant = roundtrip(folder, fill)
    ((_, _, found),) = store.measurements(store.metrics(variant)[0].id)
    assert isinstance(found.statistics, tuple)
    assert math.isnan(found.statistics[0])


def test_a_megabyte_of_text_is_there_once(tmp_path: Path) -> None:
    folder = tmp_path
    text = "wörd " * 200_000
    rows = [TrialRow(position=place, trial=1, response=Response(text=text)) for place in range(5)]
    store, variant = roundtrip(folder, lambda writer, _, variant: writer.trials(variant, rows))
    assert [row.response.text for row in store.trials(variant)] == [text] * 5
    assert sum(file.stat().st_size for file in folder.iterdir()) < 1.3 * len(text.encode())


def test_recorded_responses_do_not_stand_with_the_case(folder: Path) -> None:
    case = Case(id="a", recorded={"old": "what the system said"})
    store, variant = roundtrip(folder, lambda writer, suite, _: writer.cases(suite, [(0, case)]))
    assert cases_of(store, variant) == {0: Case(id="a")}


CIRCLE: list[Any] = []
CIRCLE.append(CIRCLE)
DEEP: list[Any] = []
for _ in range(100_000):
    DEEP = [DEEP]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (date(2026, 11, 30), '"2026-11-30"'),
        (MappingProxyType({"a": (1, None)}), '{"a":[1,null]}'),
        ({("a", 1): 2}, "{\"('a', 1)\":2}"),
        ({1: "a", None: "b"}, '{"1":"a","null":"b"}'),
        ("\ud800é", '"\\ud800\\u00e9"'),
        ("é", '"é"'),
        ({"n": 10**5000}, f'{{"n":"{hex(10**5000)}"}}'),
    ],
)
def test_what_json_has_no_form_for_becomes_text(value: Any, text: str) -> None:
    assert as_text(value) == text


@pytest.mark.parametrize("value", [CIRCLE, DEEP], ids=["circle", "deep"])
def test_what_has_no_end_is_cut(value: Any) -> None:
    assert json.loads(as_text(value))


def test_fields_at_rest_are_left_out_and_empty_ones_are_not() -> None:
    assert fields_of(Case(id="a")) == {"id": "a"}
    assert fields_of(Case(id="a", contexts=())) == {"id": "a", "contexts": ()}


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 999, 1000, 1001, 6123])
def test_any_number_of_rows(folder: Path, count: int) -> None:
    """They are written by the hundred, taken in by the thousand, and gathered up to five thousand."""
    rows = [(place, 1, Measurement(statistics=(place / 7,))) for place in range(count)]

    def fill(writer: Writer, _: int, variant: int) -> None:
        for name, given_rows in (("list", rows), ("generator", (row for row in rows))):
            writer.measurements(writer.metric(variant, name, name, {}, []), given_rows)

    store, variant = roundtrip(folder, fill)
    for metric in store.metrics(variant):
        assert list(store.measurements(metric.id)) == rows
    store.close()
