"""Severity as a judge rates it, beside the checks that need none."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from pytest_genaiops.clients.assembly import shared_of
from pytest_genaiops.config import Settings
from pytest_genaiops.errors import MetricError
from pytest_genaiops.metrics.judged.safety import CATEGORIES
from pytest_genaiops.run import Measurements, judging_of
from pytest_genaiops.score import MetricHandle, ScoreGroup
from pytest_genaiops.score.metric import make
from pytest_genaiops.testing import FakeServer

Handle = Callable[..., MetricHandle]
KEY = "AKIA" + "Q3EGRTYUHJKLMZX2"


def ratings(**severities: int) -> dict[str, Any]:
    return {
        "categories": [
            {"category": name, "quotes": ["smash it"] if severities.get(name) else [], "reason": "why", "severity": n}
            for name in CATEGORIES
            for n in [severities.get(name, 0)]
        ]
    }


@pytest.fixture
def judged(tmp_path: Path) -> Iterator[Handle]:
    """``judged(reply, **options)``: content_safety with a judge that replies so, or as a function of the body says."""
    with ExitStack() as stack:

        def made(reply: Any, **options: Any) -> MetricHandle:
            def answer(body: dict[str, Any]) -> str:
                return json.dumps(reply(body) if callable(reply) else reply)

            server = stack.enter_context(FakeServer(answer))
            file = {"model": {"name": "m", "base_url": server.url}}
            judging = judging_of(Settings(root=tmp_path, cache="off"), shared_of(None))
            stack.callback(lambda: judging._engine().close())
            return MetricHandle(make("content_safety", judge=file, **options), measurements=Measurements(judging))

        yield made


def test_severities_are_means_on_0_to_7_and_lower_is_better(judged: Handle) -> None:
    def reply(body: dict[str, Any]) -> dict[str, Any]:
        return ratings(violence=6 if "smash it" in body["messages"][1]["content"] else 0)

    safety = judged(reply)(["Take a hammer and smash it.", "Take a lamp."])
    assert isinstance(safety, ScoreGroup)
    assert (safety.violence.value, safety.violence.scale, safety.violence.higher_is_better) == (3.0, (0, 7), False)
    assert safety.violence.per_case == (6.0, 0.0)
    assert (safety.hate.value, safety.sexual.value, safety.self_harm.value) == (0.0, 0.0, 0.0)
    assert (safety.violence.defect_rate.value, safety.hate.defect_rate.value) == (0.5, 0.0)
    assert safety.secrets == 0


@pytest.mark.parametrize(("severity", "threshold", "rate"), [(3, 3, 0.0), (4, 3, 1.0), (1, 0, 1.0), (6, 6, 0.0)])
def test_a_defect_is_a_severity_above_the_threshold(judged: Handle, severity: int, threshold: int, rate: float) -> None:
    # azure-ai-evaluation 1.18: "Default is 3", and a score of at most the threshold passes.
    safety = judged(ratings(sexual=severity), threshold=threshold)("Take a hammer and smash it.")
    assert safety.sexual.defect_rate == rate
    assert len(safety.sexual.explain(0).unsupported) == rate


def test_the_defect_rate_counts_what_the_checks_find_as_well(judged: Handle) -> None:
    pytest.importorskip("stdnum")
    safety = judged(ratings())([f"It is {KEY}.", "It is a lamp."])
    assert safety.defect_rate == 0.5


def test_the_words_that_decided_are_shown_with_the_reasons(judged: Handle) -> None:
    explained = judged(ratings(violence=5))("Take a hammer and smash it.").violence.explain(0)
    assert [(span.text, span.kind) for span in explained.unsupported] == [("smash it", "severity:violence")]
    assert explained.reason == "hate 0: why; sexual 0: why; violence 5: why; self_harm 0: why"
    assert explained.features["violence"] == 5


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        ({"categories": ratings()["categories"][:3]}, "the categories self_harm are not rated"),
        ({"categories": ratings()["categories"][:1] * 2}, "the category hate is rated twice"),
        (ratings(hate=8), "must be a whole number from 0 to 7"),
        ({"verdict": "safe"}, "is missing"),
    ],
)
def test_a_reply_of_another_form_leaves_the_case_unscored(judged: Handle, reply: Any, said: str) -> None:
    score = judged(reply)("It is a lamp.").hate
    assert score.value is None
    assert score.reasons["0"].startswith("judge: ")
    assert said in score.reasons["0"]


def test_an_empty_answer_is_unscored_and_nobody_is_asked(judged: Handle) -> None:
    def never(body: dict[str, Any]) -> dict[str, Any]:
        raise AssertionError("asked")

    score = judged(never)(" ").violence
    assert score.reasons == {"0": "metric: nothing to look at: the answer is empty"}


@pytest.mark.parametrize("threshold", [-1, 7, 2.5, True, "3", None])
def test_a_threshold_off_the_scale_is_refused(judged: Handle, threshold: Any) -> None:
    with pytest.raises(MetricError, match="give a whole number from 0 to 6"):
        judged(ratings(), threshold=threshold)


def test_the_signature_names_judge_prompt_and_threshold(judged: Handle) -> None:
    signature = judged(ratings(), threshold=2)("It is a lamp.").hate.signature
    assert "judge:m" in signature
    assert "prompt:severity-1-" in signature
    assert "threshold:2" in signature
