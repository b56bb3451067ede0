"""The `genaiops` command."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version

import pytest

from pytest_genaiops.cli import main
from pytest_genaiops.registry import METRICS


def test_metrics_lists_every_metric(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["metrics"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(METRICS)


def test_one_metric_with_scale_direction_needs_and_options(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["metrics", "chrf", "latency"]) == 0
    chrf, latency = capsys.readouterr().out.splitlines()
    assert chrf == (
        "chrf            0-100, higher is better; needs references; options char_order=6, word_order=0, beta=2, "
        "lowercase=False, whitespace=False, eps_smoothing=False"
    )
    assert latency == "latency         0-inf, lower is better; needs -"


def test_a_misspelt_metric_ends_with_two_and_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["metrics", "blue"])
    assert caught.value.code == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith("genaiops: no metric is called 'blue'; did you mean 'bleu'?")


@pytest.mark.parametrize("arguments", [[], ["mesure"]])
def test_a_command_that_is_missing_or_unknown(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage: genaiops" in capsys.readouterr().err


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"pytest-genaiops {version('pytest-genaiops')}\n"


def test_it_runs_as_a_program() -> None:
    code = "import sys; from pytest_genaiops.cli import main; sys.exit(main(['metrics', 'bleu']))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert done.stdout.startswith("bleu ")
    assert done.stderr == ""
