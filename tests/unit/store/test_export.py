"""What other programs get of a run: every fact under a name that is published."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from export_cells import as_csv, cells
from export_help import ANSWER, PARTED, PROMPT, RUN, SUITE, exported, plain, texts, value, write

from pytest_genaiops.records import Measurement
from pytest_genaiops.store import NAME, PartRow, Store, Writer
from pytest_genaiops.store.export import rows


def test_a_trial_has_the_names_of_the_conventions(tmp_path: Path) -> None:
    # https://github.com/open-telemetry/semantic-conventions/blob/v1.41.1/docs/gen-ai/gen-ai-spans.md
    write(tmp_path)
    row = exported(tmp_path)[0]
    assert {name: row[name] for name in row if name.startswith("gen_ai.")} == {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "small",
        "gen_ai.request.max_tokens": 50,
        "gen_ai.request.stop_sequences": ["\n"],
        "gen_ai.request.temperature": 0.5,
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.response.model": "small-2026-01-01",
        "gen_ai.response.time_to_first_chunk": 0.25,
        "gen_ai.usage.cache_read.input_tokens": 5,
        "gen_ai.usage.input_tokens": 12,
        "gen_ai.usage.output_tokens": 3,
        "gen_ai.usage.reasoning.output_tokens": 1,
        "gen_ai.input.messages": [
            {"role": each["role"], "parts": [{"type": "text", "content": each["content"]}]} for each in PROMPT
        ],
        "gen_ai.output.messages": [
            {
                "role": "assistant",
                "parts": [
                    {"type": "text", "content": "At nine."},
                    {"type": "tool_call", "id": "call_1", "name": "clock", "arguments": {"zone": "CET"}},
                ],
                "finish_reason": "stop",
            }
        ],
    }


def test_what_the_conventions_do_not_name_is_ours(tmp_path: Path) -> None:
    write(tmp_path)
    row = exported(tmp_path)[0]
    own = {name.removeprefix("genaiops."): row[name] for name in row if name.startswith("genaiops.")}
    assert own == {
        "run": RUN,
        "suite": SUITE,
        "dataset": "hours",
        "dataset.hash": "d1",
        "variant": "v1",
        "variant.hash": "h1",
        "case": "open",
        "position": 0,
        "trial": 1,
        "inputs": {"question": "When?", "run": 3, "floor": None},
        "slices": {"topic": "time"},
        "references": ["At nine."],
        "cluster": "desk",
        "parameters": {"effort": "low"},
        "latency": 1.5,
        "usage": {"image_tokens": 7},
        "response.text": "At nine.",
        "response.contexts": ["We open at nine."],
        "response.tool_calls": list(ANSWER.tool_calls),
        "evaluations": [
            {"gen_ai.evaluation.name": "fluency", "gen_ai.evaluation.score.value": 4.0},
            {
                "gen_ai.evaluation.name": "tone",
                "gen_ai.evaluation.score.value": 0.75,
                "gen_ai.evaluation.explanation": "Kind, and to the point.",
            },
        ],
    }


def test_a_failed_trial_says_why_and_has_no_answer(tmp_path: Path) -> None:
    write(tmp_path)
    row = exported(tmp_path)[1]
    assert (row["error.type"], row["genaiops.error.message"]) == ("timeout", "no answer within 30 s")
    assert "gen_ai.output.messages" not in row
    assert "genaiops.response.text" not in row
    assert row["genaiops.evaluations"] == [
        {"gen_ai.evaluation.name": "fluency", "error.type": "judge", "genaiops.unscored": "said nothing"},
        {"gen_ai.evaluation.name": "tone", "error.type": "timeout", "genaiops.unscored": "no answer"},
    ]


def test_a_function_is_no_model(tmp_path: Path) -> None:
    write(tmp_path)
    first, second = exported(tmp_path)[2:]
    assert (first["genaiops.suite"], first["genaiops.trial"], second["genaiops.trial"]) == (PARTED, 1, 2)
    assert "gen_ai.operation.name" not in first
    assert first["gen_ai.output.messages"][0]["finish_reason"] == "unknown"


def test_measurements_have_a_row_for_each_part(tmp_path: Path) -> None:
    write(tmp_path)
    fluency, _, tone, missing = exported(tmp_path, "measurements")
    assert fluency["gen_ai.evaluation.score.value"] == 4.0
    assert (tone["genaiops.case"], tone["genaiops.metric"], tone["genaiops.metric.signature"]) == (
        "open",
        "tone",
        "tone|judge:x",
    )
    assert tone["genaiops.statistics"] == [0.75]
    assert tone["genaiops.evidence"]["sentences"][0]["support"] == 0.75
    assert (missing["genaiops.case"], missing["error.type"], missing["genaiops.unscored"]) == (
        "park",
        "timeout",
        "no answer",
    )


def test_verdicts_and_items(tmp_path: Path) -> None:
    write(tmp_path)
    (verdict,) = exported(tmp_path, "verdicts")
    known = {"value": 0.75, "label": "failed"}
    assert {name: verdict[f"gen_ai.evaluation.score.{name}"] for name in known} == known
    assert verdict["gen_ai.evaluation.explanation"] == "tone 0.75 is below 0.9"
    assert (verdict["genaiops.interval.low"], verdict["genaiops.interval.high"]) == (0.5, 0.875)
    assert (verdict["genaiops.n"], verdict["genaiops.n.unscored"], verdict["genaiops.required_n"]) == (1, 1, 40)
    assert verdict["genaiops.tolerated"] is False
    limits = {name.rpartition(".")[2]: value for name, value in verdict.items() if ".limit." in name}
    assert (verdict["genaiops.rule"], limits) == ("within", {"low": 0.9, "high": 1.0})
    (item,) = exported(tmp_path, "items")
    assert (item["genaiops.case"], item["genaiops.trial"], item["genaiops.outcome"]) == ("one", 2, "failed")
    assert (item["genaiops.message"], item["genaiops.seconds"]) == ("assert 0", 0.5)


def test_two_configurations_of_a_metric_are_told_apart(tmp_path: Path) -> None:
    texts(tmp_path, [{"q": "a"}])
    with closing(Writer(tmp_path, RUN)) as writer:
        variant = writer.variant(writer.suite(SUITE, {}), "v1", {})
        for options in ("13a", "zh"):
            metric = writer.metric(
                variant, f"bleu|tokenize:{options}", "bleu", {}, [PartRow(name="bleu", scale=(0, 1))]
            )
            writer.measurements(metric, [(0, 1, value(len(options)))])
        writer.flush()
    (row,) = cells(as_csv(tmp_path))
    found = {name: row[name] for name in row if name.startswith("genaiops.score")}
    assert found == {"genaiops.score.bleu (bleu|tokenize:13a)": "3.0", "genaiops.score.bleu (bleu|tokenize:zh)": "2.0"}


def test_a_removed_text_leaves_a_row_that_says_so(tmp_path: Path) -> None:
    write(tmp_path)
    with closing(sqlite3.connect(tmp_path / NAME)) as connection, connection:
        connection.execute("DELETE FROM contents WHERE text LIKE '%At nine.%' OR text LIKE '%Kind, and%'")
        connection.execute("DELETE FROM contents WHERE digest IN (SELECT content FROM verdicts)")
    row, failed, *_ = exported(tmp_path)
    assert row["genaiops.removed"] is True
    assert "genaiops.removed" not in failed
    assert row["genaiops.case"] == "removed-0"
    assert "gen_ai.output.messages" not in row
    assert "genaiops.response.text" not in row
    assert [each["gen_ai.evaluation.score.value"] for each in row["genaiops.evaluations"]] == [4.0, 0.75]
    assert exported(tmp_path, "verdicts")[0]["genaiops.removed"] is True
    assert cells(as_csv(tmp_path))[0]["genaiops.removed"] == "true"
    assert b"nine" not in as_csv(tmp_path)


def test_an_answer_alone_may_be_removed(tmp_path: Path) -> None:
    write(tmp_path)
    with closing(sqlite3.connect(tmp_path / NAME)) as connection, connection:
        connection.execute("DELETE FROM contents WHERE digest IN (SELECT response FROM trials WHERE position = 1)")
    row, removed, *_ = exported(tmp_path)
    assert "genaiops.removed" not in row
    assert (removed["genaiops.case"], removed["genaiops.removed"]) == ("park", True)
    assert "genaiops.response.text" not in removed


def test_what_was_not_scored_stands_with_its_trial(tmp_path: Path) -> None:
    texts(tmp_path, [{"q": "a"}] * 4)
    with closing(Writer(tmp_path, RUN)) as writer:
        variant = writer.variant(writer.suite(SUITE, {}), "v1", {})
        metric = writer.metric(variant, "tone|x", "tone", {}, [PartRow(name="tone", scale=(0, 1))])
        lost = Measurement(kind="judge", reason="said nothing")
        writer.measurements(metric, [(0, 1, lost), (1, 1, value(0.5)), (3, 1, lost)])
        writer.flush()
    found = [row["genaiops.evaluations"] for row in exported(tmp_path)]
    assert [each[0].get("genaiops.unscored") if each else each for each in found] == [
        "said nothing",
        None,
        [],
        "said nothing",
    ]
    assert found[1][0]["gen_ai.evaluation.score.value"] == 0.5


def test_rows_are_made_one_after_the_other(tmp_path: Path) -> None:
    texts(tmp_path, [{"q": str(place)} for place in range(100)])
    with closing(Store(tmp_path)) as store:
        made = rows(store, store.run(), "trials", plain)
        assert next(made)["genaiops.case"] == "c0"
        store.close()  # the second row is not there yet, and cannot be had any more
        with pytest.raises(Exception, match="closed"):
            list(made)
