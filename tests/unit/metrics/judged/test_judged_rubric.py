"""Criteria of one's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pytest_genaiops import metric
from pytest_genaiops.errors import MetricError
from pytest_genaiops.score.metric import make

POLITE = "The answer is polite."


def rating(number: int) -> dict[str, Any]:
    return {"quotes": [], "reason": "because", "rating": number}


def test_a_rubric_is_called_with_its_criteria_and_then_on_answers(judge: Callable[..., Any]) -> None:
    rubric, script = judge("rubric", {"rubric": rating(4)})
    polite = rubric(POLITE)
    score = polite(["Please wait.", "Wait!"])
    assert score.value == 4
    assert score.scale == (1, 5)
    assert POLITE in script.bodies[0]["messages"][0]["content"]
    assert polite("Please wait.").value == 4  # one text, as with every other metric
    assert rubric(POLITE, scale=(0, 10))(["Please wait."]).scale == (0, 10)


def test_the_scale_is_the_users_and_its_levels_are_told(judge: Callable[..., Any]) -> None:
    rubric, script = judge(
        "rubric", {"rubric": rating(2)}, criteria=POLITE, scale=(0, 2), levels={0: "rude", 2: "kind"}
    )
    assert rubric(["Please wait."]).value == 2
    body = script.bodies[0]
    assert "from 0 (worst) to 2 (best):\n2: kind\n0: rude" in body["messages"][0]["content"]
    assert body["response_format"]["json_schema"]["schema"]["properties"]["rating"]["enum"] == [0, 1, 2]
    assert "A secret." not in script.user()


def test_what_it_needs_is_shown_and_a_case_without_it_unscored(judge: Callable[..., Any]) -> None:
    rubric, script = judge("rubric", {"rubric": rating(2)}, criteria=POLITE, needs=("contexts", "references"))
    score = rubric(["Wait.", "Wait."], contexts=[["A rule."], None], references=["Please wait.", "Please wait."])
    assert score.per_case == (2, None)
    assert "A rule." in script.user()
    assert "Please wait." in script.user()


def test_every_option_is_in_the_signature() -> None:
    file = {"model": {"name": "m"}}
    made = [
        make("rubric", judge=file, criteria=POLITE),
        make("rubric", judge=file, criteria="The answer is short."),
        make("rubric", judge=file, criteria=POLITE, scale=(1, 3)),
        make("rubric", judge=file, criteria=POLITE, levels={1: "rude"}),
        make("rubric", judge=file, criteria=POLITE, levels={1: "impolite"}),
        make("rubric", judge=file, criteria=POLITE, needs=("contexts",)),
        make("rubric", judge=file, criteria=POLITE, samples=3),
        make("rubric", judge={"model": {"name": "other"}}, criteria=POLITE),
    ]
    assert len({tuple(each.signature([]).items()) for each in made}) == len(made)
    assert len({hash(each) for each in made}) == len(made)
    assert make("rubric", judge=file, criteria=POLITE, levels=((1, "rude"),)) == made[3]
    assert made[0].signature([])["criteria"] == POLITE
    assert len(make("rubric", judge=file, criteria="long " * 100).signature([])["criteria"]) <= 61


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"scale": (5, 1)}, "give the lowest and the highest rating"),
        ({"scale": (1, 1)}, "give the lowest and the highest rating"),
        ({"scale": (0, 101)}, "at most 100 apart"),
        ({"scale": (0.0, 1.0)}, "give the lowest and the highest rating"),
        ({"scale": 5}, "give the lowest and the highest rating"),
        ({"scale": "15"}, "give the lowest and the highest rating"),
        ({"levels": {6: "best"}}, "the level 6 is not on the scale from 1 to 5"),
        ({"levels": {"5": "best"}}, "the level '5' is not on the scale"),
        ({"levels": {5: ""}}, "write what such an answer is like"),
        ({"levels": "12345"}, "describe ratings as in"),
        ({"needs": ("label",)}, "needs names 'label'; a judge can be shown 'contexts', 'references'"),
        ({"criteria": 7}, "write what a good answer is"),
    ],
)
def test_options_that_mean_nothing_are_refused(options: dict[str, Any], why: str) -> None:
    with pytest.raises(MetricError, match=why):
        metric("rubric", **options)


def test_criteria_that_cannot_be_sent_as_they_are_are_sent_all_the_same(judge: Callable[..., Any]) -> None:
    rubric, script = judge("rubric", {"rubric": rating(4)}, criteria="Half a \ud83d character.", levels={5: "\ud83d"})
    assert rubric(["Please wait."]).value == 4
    assert "Half a \ufffd character." in script.bodies[0]["messages"][0]["content"]


def test_without_criteria_nothing_can_be_rated(judge: Callable[..., Any]) -> None:
    rubric, script = judge("rubric", {"rubric": rating(4)})
    with pytest.raises(MetricError, match="rubric has no criteria; write rubric"):
        rubric(["Please wait."])
    assert script.bodies == []
