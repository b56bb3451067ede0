"""A dataset too large for memory scores exactly as a small one does."""

from __future__ import annotations

import math
import random
from pathlib import Path
from typing import Any

import pytest

from pytest_genaiops import dataset, evaluate, metric
from pytest_genaiops.config import Settings
from pytest_genaiops.dataset import store
from pytest_genaiops.errors import MetricError
from pytest_genaiops.evaluation import Evaluation
from pytest_genaiops.records import Responses
from pytest_genaiops.registry import JUDGED, METRICS
from pytest_genaiops.run import Engine, Measurements, Responder, Spec, make_suite
from pytest_genaiops.score import Score, ScoreGroup

WORDS = [
    "the",
    "old",
    "lamp",
    "on",
    "a",
    "blue",
    "table",
    "was",
    "never",
    "there",
    "before",
    "noon",
    "and",
    "nobody",
    "asked",
    "why",
]
OTHERS = {
    "cross_entropy",  # needs probabilities where the others need texts
    "retrieval",  # needs what was retrieved
    "steps",  # needs steps; its own tests have it
    *("meteor", "bertscore", "similarity"),  # need data or a model
    *(set(JUDGED["endpoint"]) & {name for name in METRICS if METRICS[name] == JUDGED["endpoint"].get(name)}),  # a judge
}
NAMES = sorted(set(METRICS) - OTHERS)


def made(count: int = 60) -> list[dict[str, Any]]:
    """Rows with everything that a row may have or lack, and answers with everything that may be wrong with them."""
    draw, rows = random.Random(5), []
    for i in range(count):
        text = " ".join(draw.choices(WORDS, k=draw.randint(3, 12)))
        answers: dict[str, Any] = {
            "v1": {
                "text": text,
                "latency": draw.random(),
                "tool_calls": [{"name": ["search", "open"][i % 2], "args": {"q": "lamp"}}],
            },
            "v2": draw.choice([text, " ".join(draw.choices(WORDS, k=6)), {"text": text, "label": "no"}]),
        }
        if i % 13 == 5:
            answers["v2"] = draw.choice([None, {"error": "no route"}, {"text": text, "latency": -1}])
        if i % 17 == 3:
            del answers["v2"]
        row = {
            "id": f"row{i}",
            "question": "Where was the lamp?",
            "reference": "" if i == 7 else [text, "the lamp"][: draw.randint(1, 2)],
            "context": [text + " . " + " ".join(draw.choices(WORDS, k=9))],
            "label": draw.choice(["yes", "no"]),
            "slice_size": draw.choice(["big", "small", None]),
            "tool_calls": [[], ["search"], [{"name": "search", "arguments": {"q": "lamp"}}]][i % 3],
            "responses": answers,
        }
        rows.append(row | ({"cluster": draw.choice("xyz")} if i > 20 and i % 3 else {}))
    return rows


ROWS = made()


def evaluation(rows: list[dict[str, Any]], names: list[str], *, large: bool) -> Evaluation:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "HELD_BYTES", 0 if large else 10**9)
        data = dataset.from_rows(rows)
    assert isinstance(data.cases, store.StoredCases) == large
    return evaluate(data, metrics=names)


def scores(found: Score | ScoreGroup) -> list[Score]:
    return [found] if isinstance(found, Score) else list(found.scores())


def told(score: Score) -> tuple[Any, ...]:
    """Everything that a score says, but for its slices."""
    interval = score.interval() if score.n else None
    known = (score.value, score.n, score.unscored, score.scale, score.signature)
    return (*known, score.ids, score.per_case, score.why, score.reasons, interval, score.evidence())


@pytest.mark.parametrize("name", NAMES)
def test_every_metric_scores_the_same(name: str) -> None:
    small, large = (evaluation(ROWS, [name], large=each) for each in (False, True))
    for variant in ("v1", "v2"):
        pairs = list(zip(scores(small.score(name, variant)), scores(large.score(name, variant)), strict=True))
        assert pairs
        for one, other in pairs:
            assert told(one) == told(other)
            parts, others = one.slices(), other.slices()
            assert list(parts) == list(others) == ["size=big", "size=small"]
            assert [told(parts[part]) for part in parts] == [told(others[part]) for part in parts]
            assert str(parts["size=big"].within(0, 0.5)) == str(others["size=big"].within(0, 0.5))


def test_probabilities_and_labels_too() -> None:
    draw = random.Random(2)
    rows = []
    for i in range(40):
        share = draw.random()
        probabilities = {"probabilities": {"a": share, "b": 1 - share}, "label": draw.choice("ab"), "text": ""}
        rows.append({"id": i, "label": draw.choice("ab"), "responses": {"v1": probabilities}})
    names = ["classification", "cross_entropy"]
    small, large = (evaluation(rows, names, large=each) for each in (False, True))
    for name in names:
        pairs = zip(scores(small.score(name, "v1")), scores(large.score(name, "v1")), strict=True)
        assert all(told(one) == told(other) for one, other in pairs)
    assert small.score("classification", "v1").confusion == large.score("classification", "v1").confusion


def test_comparisons_are_the_same() -> None:
    names = ["bleu", "exact_match", "rouge", "classification"]
    small, large = (evaluation(ROWS, names, large=each) for each in (False, True))
    assert small.compare("v2", "v1") == large.compare("v2", "v1")
    assert small.compare("v1", "v1") == large.compare("v1", "v1")
    assert all(change.interval == (0.0, 0.0) for change in large.compare("v1", "v1"))


def test_the_frame_is_the_same() -> None:
    small, large = (evaluation(ROWS, ["rouge", "exact_match"], large=each).frame() for each in (False, True))
    assert small.equals(large)
    assert list(small.dtypes) == list(large.dtypes)


def test_the_frame_of_a_number_about_some_of_the_cases_is_the_same() -> None:
    rows = [{**row, "relevant": [] if number % 3 else ["d1"]} for number, row in enumerate(ROWS)]
    for row in rows:
        row["responses"] = {"v1": {"text": "", "retrieved": ["d1"]}, "v2": {"text": "", "retrieved": []}}
    small, large = (evaluation(rows, ["retrieval"], large=each).frame() for each in (False, True))
    assert small.equals(large)
    recall = large[(large.metric == "recall_at_1") & (large.variant == "v1")]
    assert list(recall.case) == [row["id"] for number, row in enumerate(rows) if not number % 3]
    assert set(recall.value) == {1.0}


def test_slices_of_two_variants_are_compared_row_by_row() -> None:
    small, large = (evaluation(ROWS, ["token_f1"], large=each) for each in (False, True))
    found = []
    for each in (small, large):
        mine, theirs = (each.score("token_f1", v).slices()["size=big"] for v in ("v2", "v1"))
        found.append(str(mine.not_worse_than(theirs, margin=0.1)))
    assert found[0] == found[1]
    with pytest.raises(MetricError, match="the two scores share 0 of 45 cases"):
        mine.difference(large.score("token_f1", "v1").slices()["size=small"])


def test_a_part_of_the_responses_scores_the_same() -> None:
    """A handle without a session: nothing is remembered between calls."""
    small, large = (evaluation(ROWS, ["exact_match"], large=each).responses["v1"] for each in (False, True))
    for part in (slice(10), slice(None, None, -2), slice(50, 10)):
        if small[part]:
            assert told(metric("exact_match")(small[part])) == told(metric("exact_match")(large[part]))
        assert len(small[part]) == len(large[part])


def test_responses_are_a_sequence() -> None:
    for large in (False, True):
        found = evaluation(ROWS, ["exact_match"], large=large).responses["v1"]
        assert isinstance(found, Responses)
        assert len(found) == len(list(found)) == 60
        assert found[-1].trial is not None
        assert found[-1].trial.case.id == "row59"
        assert [r.trial.case.id for r in found[::20] if r.trial] == ["row0", "row20", "row40"]
        assert repr(found) == "<60 responses of v1>"
        assert found != found[:]
        assert found == found  # noqa: PLR0124


def test_each_response_is_measured_once_however_many_suites_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "HELD_BYTES", 0)
    data, settings = dataset.from_rows(ROWS), Settings(root=Path())
    responder, measurements = Responder(Engine(concurrency=1)), Measurements()
    handle = metric("exact_match").remembering(measurements)
    found = []
    for _ in range(2):
        suite = make_suite(Spec(dataset=data, variants="v1"), settings, has_target=False)
        responses = responder.on_record(suite, suite.variants[0])
        handle(responses)
        found.append(measurements.of(metric("exact_match")._metric, responses))
    assert found[0] is found[1]


def test_a_metric_that_no_row_can_serve_is_refused_with_the_first_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "HELD_BYTES", 0)
    data = dataset.from_rows([{"id": i, "responses": {"v1": "x"}} for i in range(5)], name="mine")
    with pytest.raises(MetricError, match=r"bleu needs .* no case has it \(first case: mine:1\)"):
        evaluate(data, metrics=["bleu"]).score("bleu", "v1")


def test_values_of_ones_own_are_kept_as_they_are() -> None:
    """By hand: 0.1 + 0.2 + 0.3 over three is 0.2, and nothing is rounded on the way."""
    score = Score.of([0.1, None, 0.2, 0.3])
    assert (score.value, score.per_case) == (math.fsum([0.1, 0.2, 0.3]) / 3, (0.1, None, 0.2, 0.3))
