"""`genaiops metrics`: what can be measured."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

import pytest_genaiops
from pytest_genaiops import registry
from pytest_genaiops.cli import main
from pytest_genaiops.registry import ADAPTERS, METRICS
from pytest_genaiops.run.judging import own_judging
from pytest_genaiops.testing import FakeServer


def test_list_has_one_line_for_every_metric(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["metrics", "list"]) == 0
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.split() == ["metric", "scale", "better", "needs", "for"]
    assert [line.split()[0] for line in lines] == [*METRICS, *ADAPTERS]
    rows = {line.split()[0]: line.split() for line in lines}
    assert rows["ter"] == ["ter", "0-inf", "lower", "references", "translation"]
    assert rows["cross_entropy"] == ["cross_entropy", "0-inf", "lower", "label,", "probabilities", "labels"]
    assert rows["error_rate"] == ["error_rate", "0-1", "lower", "-", "operations"]


def test_show_says_scale_direction_needs_options_and_definition(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["metrics", "show", "chrf"]) == 0
    shown = capsys.readouterr().out
    assert shown.splitlines()[:5] == [
        "chrf",
        "  for     translation",
        "  scale   0-100",
        "  better  higher",
        "  needs   references",
    ]
    assert "    word_order=0         int\n" in shown
    assert "chrF of a corpus" in shown
    assert "sacrebleu" in shown


def test_several_are_shown_one_below_the_other(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["metrics", "show", "latency", "bleu"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "latency"
    assert lines[lines.index("bleu") - 1] == ""


@pytest.fixture
def judge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A folder with a judge, which is content with everything."""
    said = {"rating": 5, "reason": "fine", "quotes": [], "better": "tie"}
    (tmp_path / "judges").mkdir()
    monkeypatch.chdir(tmp_path)
    own_judging.cache_clear()
    with FakeServer(json.dumps(said)) as server:
        model = f'model: {{name: mini, base_url: "{server.url}"}}'
        (tmp_path / "judges" / "mini.yaml").write_text(model, encoding="utf-8")
        yield
    own_judging.cache_clear()


OUTSIDE = {"meteor", "bertscore", "similarity", *ADAPTERS}
"""What takes more than the package itself: data, a model, another package."""


@pytest.mark.usefixtures("judge")
@pytest.mark.parametrize("name", [*METRICS, *ADAPTERS])
def test_what_is_shown_fits_80_columns_and_the_example_runs(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["metrics", "show", name]) == 0
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 80
    assert ":class:" not in shown
    assert ":func:" not in shown
    example = shown.partition("  example:\n")[2].replace("\n    ", "\n").strip()
    names = {"pytest_genaiops": pytest_genaiops}
    if name in OUTSIDE:
        made, _, call = example.rpartition("score = ")
        exec(made or "metric = " + call.partition("(\n")[0], names)
        assert repr(names["metric"]).startswith(f"<metric {name}")
        return
    exec(example, names)
    found = names["score"]
    scores = list(found.scores()) if hasattr(found, "scores") else [found]
    assert all(score.n == 2 and score.unscored == 0 for score in scores)


def test_a_misspelt_metric_ends_with_two_and_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["metrics", "show", "latency", "blue"]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith("genaiops: no metric is called 'blue'; did you mean 'bleu'?")


def test_other_packages_metrics_are_listed_and_one_that_does_not_load_hides_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    group = registry.ENTRY_POINT_GROUP
    points = [
        EntryPoint(name="exactly", value="pytest_genaiops.metrics.answers:ExactMatch", group=group),
        EntryPoint(name="broken", value="no_such_package:Metric", group=group),
    ]
    monkeypatch.setattr(registry, "entry_points", lambda group: points)
    assert main(["metrics", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2].split()[:3] == ["exactly", "0-1", "higher"]
    assert lines[-1] == "broken cannot be loaded: ModuleNotFoundError: No module named 'no_such_package'"
