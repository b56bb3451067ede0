"""A metric is called like a function: on texts, lists, arrays and columns, or on responses."""

from __future__ import annotations

import gc
import math
import time
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_genaiops import Case, CoverageError, Response, Score, metric
from pytest_genaiops.config import Rules
from pytest_genaiops.errors import ExtraMissingError, MetricError, TokenizerError
from pytest_genaiops.records import Trial
from pytest_genaiops.run import Measurements
from pytest_genaiops.score import MetricHandle
from pytest_genaiops.score.metric import make
from pytest_genaiops.score.watching import WATCH

HYPOTHESES = ["the cat sat on the mat", "a dog barked at the moon"]
CHINESE = "今天天气很好，我们去公园散步。"
REFERENCES = ["the cat sat on a mat", "the dog barked at the moon"]


def reference_bleu(hypotheses: list[str], streams: list[list[str]]) -> float:
    import sacrebleu

    return float(sacrebleu.corpus_bleu(hypotheses, streams).score)


class TestShapes:
    def test_one_reference_a_hypothesis(self) -> None:
        expected = reference_bleu(HYPOTHESES, [REFERENCES])
        assert metric("bleu")(HYPOTHESES, REFERENCES).value == expected
        assert metric("bleu")(HYPOTHESES, [[reference] for reference in REFERENCES]).value == expected
        assert metric("bleu")(HYPOTHESES, references=REFERENCES).value == expected

    def test_several_references_a_hypothesis(self) -> None:
        several = [["the cat sat on a mat", "the cat sat on the mat"], ["the dog barked", "a dog barked at a moon"]]
        streams = [list(stream) for stream in zip(*several, strict=True)]
        assert metric("bleu")(HYPOTHESES, several).value == reference_bleu(HYPOTHESES, streams)

    def test_a_string_is_one_response(self) -> None:
        score = metric("bleu")(HYPOTHESES[0], REFERENCES[0])
        assert (score.n, score.value) == (1, reference_bleu(HYPOTHESES[:1], [REFERENCES[:1]]))
        assert metric("bleu")(HYPOTHESES[0], [REFERENCES[0], "another"]).n == 1

    def test_tuples_and_generators(self) -> None:
        assert metric("exact_match")(tuple(HYPOTHESES), tuple(HYPOTHESES)) == 1
        assert metric("exact_match")((text for text in HYPOTHESES), iter(HYPOTHESES)) == 1

    def test_arrays_and_columns(self) -> None:
        import numpy as np
        import pandas as pd

        expected = reference_bleu(HYPOTHESES, [REFERENCES])
        frame = pd.DataFrame({"answer": HYPOTHESES, "reference": REFERENCES}, index=[7, 3])
        assert metric("bleu")(np.array(HYPOTHESES), np.array(REFERENCES)).value == expected
        assert metric("bleu")(frame["answer"], frame["reference"]).value == expected
        assert metric("bleu")(frame["answer"].astype("string"), np.array([[r] for r in REFERENCES])).value == expected

    @pytest.mark.parametrize("kind", ["int64", "int8", "bool", "str"])
    def test_arrays_of_classes(self, kind: str) -> None:
        import numpy as np

        predicted, labels = np.array([0, 1, 1, 0]).astype(kind), np.array([0, 1, 0, 0]).astype(kind)
        classes = metric("classification")(predicted, labels)
        assert (classes.accuracy.value, classes.accuracy.unscored) == (0.75, 0)
        assert metric("classification")(predicted.tolist(), labels).accuracy.value == 0.75

    def test_arrays_of_seconds(self) -> None:
        import numpy as np

        score = metric("latency")(np.array([1, 2, 3], dtype="float32"))
        assert (score.value, score.n, score.unscored) == (2.0, 3, 0)
        assert metric("latency")(0.5) == 0.5

    def test_missing_cells_of_a_column_are_unscored(self) -> None:
        import pandas as pd

        answers = pd.Series(["a", None, float("nan"), "d"])
        score = metric("exact_match")(answers, ["a", "b", "c", "d"])
        assert score.per_case == (1.0, None, None, 1.0)
        assert list(score.reasons) == ["1", "2"]
        assert set(score.reasons.values()) <= {f"input: the response is {what}, not text" for what in ("None", "NaN")}
        labels = metric("classification")(["a", "b"], pd.Series(["a", None], dtype="string")).accuracy
        assert labels.per_case == (1.0, None)
        references = metric("exact_match")(["a", "b"], pd.Series(["a", float("nan")]))
        assert references.per_case == (1.0, None)

    @pytest.mark.parametrize("empty", [[], (), iter([])])
    def test_nothing_is_no_score(self, empty: Any) -> None:
        score = metric("exact_match")(empty, [])
        assert (score.value, score.n, score.unscored) == (None, 0, 0)
        assert not score >= 0
        with pytest.raises(CoverageError):
            score < 1  # noqa: B015

    def test_an_empty_answer_is_an_answer(self) -> None:
        assert metric("exact_match")(["", "b"], ["a", "b"]).per_case == (0.0, 1.0)

    def test_ids_and_clusters(self) -> None:
        score = metric("exact_match")(["a", "b"], ["a", "c"], ids=["row 7", 8], clusters=["d1", "d1"])
        assert score.ids == ("row 7", "8")
        assert score.sample().clusters == ["cluster d1", "cluster d1"]

    def test_what_the_second_argument_means(self) -> None:
        assert metric("classification")(["spam"], ["spam"]).accuracy == 1
        assert metric("groundedness")(["The sky is blue."], [["The sky is blue."]]).n == 1
        assert metric("cross_entropy")([{"a": 1.0}], ["a"]).value == 0.0


class TestWrongShapes:
    @pytest.mark.parametrize(
        ("first", "named", "said"),
        [
            (HYPOTHESES, {"references": REFERENCES[:1]}, "bleu: 2 responses but 1 references: one string, or one list"),
            # the shape of sacrebleu's own interface: streams of references instead of rows
            (HYPOTHESES, {"references": [REFERENCES]}, "bleu: 2 responses but 1 references"),
            (HYPOTHESES, {"references": "one string"}, "bleu: references must be a list, one item for each response"),
            (HYPOTHESES, {"references": None}, "bleu: references must be a list"),
            (HYPOTHESES, {"references": [1, 2]}, "bleu: a reference of row 0 is int, not a string"),
            (HYPOTHESES, {"references": [["a"], ["b", None]]}, "bleu: a reference of row 1 is NoneType, not a string"),
            (HYPOTHESES, {"references": REFERENCES, "ids": ["a", "a"]}, "bleu: an id occurs twice"),
            (HYPOTHESES, {"references": REFERENCES, "ids": ["a"]}, "bleu: 2 responses but 1 ids"),
            (b"bytes", {"references": REFERENCES}, "bleu: responses must be a list, one item for each"),
            (object(), {"references": REFERENCES}, "bleu: responses must be a list"),
            (HYPOTHESES, {}, "bleu needs `reference` or `references`, and no case has it (first case: the arguments)"),
        ],
    )
    def test_are_refused_in_a_sentence(self, first: Any, named: dict[str, Any], said: str) -> None:
        with pytest.raises(MetricError) as caught:
            metric("bleu")(first, **named)
        assert str(caught.value).startswith(said)
        assert "\n" not in str(caught.value)

    def test_an_argument_given_twice(self) -> None:
        with pytest.raises(MetricError, match="bleu: references are given twice, by position and by name"):
            metric("bleu")(HYPOTHESES, REFERENCES, references=REFERENCES)

    def test_responses_that_are_no_texts_are_unscored(self) -> None:
        score = metric("exact_match")(["a", 5, ["b"], b"c"], ["a", "5", "b", "c"])
        assert score.per_case == (1.0, None, None, None)
        kinds = ["int", "list", "bytes"]
        assert list(score.reasons.values()) == [f"input: the response is {kind}, not text" for kind in kinds]

    def test_a_case_without_a_reference_is_unscored_beside_others(self) -> None:
        score = metric("exact_match")(["a", "b", "c"], ["a", None, []])
        assert score.per_case == (1.0, None, None)
        assert list(score.reasons) == ["1", "2"]


class TestOptions:
    def test_configure_the_metric_or_one_call(self) -> None:
        lower = metric("bleu", lowercase=True)
        assert lower(["THE CAT SAT ON IT"], ["the cat sat on it"]) == pytest.approx(100)
        assert metric("bleu")(["THE CAT SAT ON IT"], ["the cat sat on it"], lowercase=True) == pytest.approx(100)
        assert metric("bleu")(["THE CAT SAT ON IT"], ["the cat sat on it"]) == 0

    def test_show_in_the_name(self) -> None:
        assert repr(metric("bleu")) == "<metric bleu>"
        assert repr(metric("bleu", tokenize="zh", lowercase=True)) == "<metric bleu(tokenize='zh', lowercase=True)>"
        assert metric("bleu").name == "bleu"

    @pytest.mark.parametrize(
        ("name", "options", "said"),
        [
            ("blue", {}, "no metric is called 'blue'; did you mean 'bleu'? Known: azure, bertscore, bleu"),
            ("bleu", {"tokenise": "zh"}, "bleu has no option 'tokenise'; did you mean 'tokenize'? Known: "),
            ("bleu", {"tokenize": "zhh"}, "bleu: tokenize='zhh' is unknown; did you mean 'zh'?"),
            ("latency", {"unit": "ms"}, "latency has no option 'unit'; it has no options"),
            ("chrf", {"beta": 0}, "chrf: beta=0 must be a whole number of at least 1"),
            ("classification", {"average": "marco"}, "classification: average='marco' is unknown; did you mean 'mac"),
        ],
    )
    def test_a_misspelt_one_is_answered_with_the_nearest(self, name: str, options: dict[str, Any], said: str) -> None:
        with pytest.raises(MetricError) as caught:
            metric(name, **options)
        assert str(caught.value).startswith(said)

    def test_a_misspelt_one_in_a_call(self) -> None:
        with pytest.raises(MetricError, match="bleu has no option 'refs'; "):
            metric("bleu")(HYPOTHESES, refs=REFERENCES)


class TestResponses:
    def responses(self, *texts: str) -> list[Response]:
        cases = [Case(id=f"c{i}", references=("yes",)) for i in range(len(texts))]
        return [Response(text=text, trial=Trial(case=c, variant="v")) for text, c in zip(texts, cases, strict=True)]

    def test_bring_everything_with_them(self) -> None:
        score = metric("exact_match")(self.responses("yes", "no"))
        assert (score.value, score.ids) == (0.5, ("c0", "c1"))

    def test_one_by_itself(self) -> None:
        assert metric("exact_match")(self.responses("yes")[0]) == 1

    def test_refuse_what_they_bring_themselves(self) -> None:
        with pytest.raises(MetricError, match="responses bring their own references; leave the argument out"):
            metric("exact_match")(self.responses("yes"), ["yes"])

    def test_made_by_hand_take_what_stands_beside_them(self) -> None:
        score = metric("exact_match")([Response(text="yes"), Response(text="no")], ["yes", "yes"])
        assert score.per_case == (1.0, 0.0)
        assert metric("latency")(Response(latency=0.5)) == 0.5

    def test_of_a_suite_do_not_stand_among_others(self) -> None:
        with pytest.raises(MetricError, match="exact_match: responses of a suite stand among others"):
            metric("exact_match")([*self.responses("yes"), "no"], ["yes", "yes"])

    def test_are_measured_once_by_a_handle_that_remembers(self) -> None:
        seen: list[Any] = []
        handle = MetricHandle(make("exact_match"), measurements=Measurements())
        watch = SimpleNamespace(
            rules=Rules(),
            score=lambda metric, found: seen.append(found.value),
            verdict=lambda score, verdict: judged.append(verdict.outcome),
        )
        judged: list[str] = []
        token = WATCH.set(watch)
        responses = self.responses("yes", "no")
        first, second = handle(responses), handle(responses[:1])
        assert first.why is not second.why
        assert seen == [0.5, 1.0]
        handle(responses).not_worse_than(self.responses("yes", "yes"), margin=0.5)
        WATCH.reset(token)
        assert judged == ["undecided"]
        assert seen == [0.5, 1.0, 0.5], "a baseline is not what the test is about"

    def test_made_of_texts_are_not_kept(self) -> None:
        handle = MetricHandle(make("exact_match"), measurements=Measurements())
        assert [handle(["kept nowhere", "no"], ["kept nowhere", "yes"]).value for _ in range(2)] == [0.5, 0.5]
        assert [made for made in gc.get_objects() if type(made) is Response and made.text == "kept nowhere"] == []


class TestTextsThatCannotBeScored:
    def test_ten_megabytes_are_unscored_at_once(self) -> None:
        started = time.perf_counter()
        score = metric("bleu")([HYPOTHESES[0], "word " * 2_000_000], REFERENCES)
        assert time.perf_counter() - started < 60  # scored, it would be hours
        assert (score.n, score.unscored) == (1, 1)
        assert score.reasons == {
            "1": "input: the answer has 10,000,000 characters, more than the 100,000 that are scored"
        }
        assert not score >= 0

    @pytest.mark.parametrize("name", ["bleu", "chrf", "ter", "rouge", "exact_match", "token_f1", "groundedness"])
    def test_ten_megabytes_under_every_metric(self, name: str) -> None:
        started = time.perf_counter()
        beside: dict[str, Any] = {"contexts": [["a b"]]} if name == "groundedness" else {"references": ["a b"]}
        found = metric(name)(["x" * 10_000_000], **beside)
        assert time.perf_counter() - started < 60  # scored, it would be hours
        score = found if isinstance(found, Score) else found.rougeL
        assert (score.value, score.unscored) == (None, 1)

    def test_chinese_under_13a_is_an_error_that_names_the_tokenizer(self) -> None:
        with pytest.raises(TokenizerError, match=r'Chinese.*use tokenize="zh"'):
            metric("bleu")([CHINESE], [CHINESE])
        assert metric("bleu", tokenize="zh")([CHINESE], [CHINESE]) == pytest.approx(100)

    def test_chinese_under_rouge_is_an_error(self) -> None:
        with pytest.raises(TokenizerError):
            metric("rouge")(["今天天气很好"], ["今天天气很好"])


class TestGroups:
    def test_members_by_attribute(self) -> None:
        rouge = metric("rouge")(["the cat sat"], ["the cat sat down"])
        assert rouge.rouge1.precision == 1
        assert rouge.rouge1.recall == 0.75
        assert rouge.rougeL.value == pytest.approx(6 / 7)
        assert [score.name for score in rouge.scores()] == ["rouge1", "rouge2", "rougeL", "rougeLsum"]

    def test_a_member_that_it_lacks(self) -> None:
        with pytest.raises(AttributeError, match="rouge has no 'rouge3'; it has rouge1, rouge2, rougeL, rougeLsum"):
            metric("rouge")(["a"], ["a"]).rouge3  # noqa: B018

    def test_a_group_is_no_number(self) -> None:
        group = metric("rouge")(["a b"], ["a b"])
        with pytest.raises(MetricError, match="rouge is a group of scores; compare one: rouge1, rouge2"):
            group >= 0.5  # noqa: B015

    def test_members_are_listed(self) -> None:
        group = metric("rouge")(["a b"], ["a b"])
        assert {"rouge1", "rougeL", "scores"} <= set(dir(group))
        assert repr(group).startswith("<rouge: <rouge1 = 1.0000 (n=1, scale 0-1)>, ")

    def test_classes_and_their_confusion(self) -> None:
        classes = metric("classification")(["a", "b", "b", "c"], ["a", "b", "c", "c"], average=None)
        assert {name: score.value for name, score in classes.recall.items()} == {"a": 1.0, "b": 1.0, "c": 0.5}
        assert classes.f1["b"].value == pytest.approx(2 / 3)
        assert classes.confusion == {("a", "a"): 1, ("b", "b"): 1, ("c", "b"): 1, ("c", "c"): 1}

    def test_a_class_compares_with_the_same_class_of_a_baseline(self) -> None:
        per_class = metric("classification", average=None)
        labels = ["a", "b"] * 10
        better, worse = per_class(labels, labels), per_class(["a"] * 20, labels)
        assert better.f1["a"].better_than(worse.f1["a"])
        with pytest.raises(MetricError, match="part:"):
            better.f1["a"].better_than(worse.f1["b"])

    def test_of_nothing_scored_have_members_without_a_value(self) -> None:
        group = metric("rouge")([None], ["a"])
        assert (group.rougeL.value, group.rougeL.unscored) == (None, 1)


def test_every_metric_refuses_an_incomplete_score() -> None:
    score = metric("latency")([1.0, math.nan])
    assert (score.value, score.unscored) == (1.0, 1)
    assert not score <= 10


def test_a_tokenizer_that_needs_a_package_says_which() -> None:
    try:
        import MeCab  # noqa: F401
    except ImportError:
        with pytest.raises(ExtraMissingError, match=r"pytest-genaiops\[ja\]"):
            metric("bleu", tokenize="ja-mecab")(["猫"], ["猫がいる"])
    else:
        pytest.skip("the optional package MeCab is installed here")
