"""The `genaiops` command: what all its sub-commands have in common."""

from __future__ import annotations

import io
import subprocess
import sys
from importlib.metadata import version

import pytest

from pytest_genaiops.cli import command, main
from pytest_genaiops.cli.output import write

PROGRAM = [sys.executable, "-c", "import sys; from pytest_genaiops.cli import main; sys.exit(main(sys.argv[1:]))"]


def test_help_names_every_command_in_one_line_of_at_most_80_columns(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert caught.value.code == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    shown = [line.split() for line in lines if line.startswith("  ")]
    assert [words[0] for words in shown if words[0] in command.COMMANDS] == list(command.COMMANDS)


@pytest.mark.parametrize("arguments", [[], ["metrics"]])
def test_nothing_to_do_shows_the_help_and_is_no_success(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith(" ".join(["usage: genaiops", *arguments]))


def test_a_misspelt_command_ends_with_two_and_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["metric"]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith("genaiops: no command is called 'metric'; did you mean 'metrics'? Known: ")
    assert output.err.count("\n") == 1


def test_an_option_of_commands_in_front_of_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--rootdir", ".", "data", "list"]) == 2
    message = "genaiops: --rootdir stands behind the command: genaiops data list --rootdir DIR\n"
    assert capsys.readouterr().err == message


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["metrics", "lst"], "invalid choice: 'lst'"),
        (["metrics", "show"], "the following arguments are required: name"),
        (["--verbose"], "unrecognized arguments: --verbose"),
    ],
)
def test_arguments_that_make_no_sense(arguments: list[str], problem: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert problem in output.err
    assert output.err.startswith("genaiops: ")
    assert output.err.endswith("--help\n")


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"pytest-genaiops {version('pytest-genaiops')}\n"


def test_it_runs_as_a_program() -> None:
    done = subprocess.run([*PROGRAM, "metrics", "list"], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert done.stdout.startswith("metric ")
    assert done.stderr == ""


def test_a_reader_that_leaves_early_is_no_error_message() -> None:
    with subprocess.Popen([*PROGRAM, "metrics", "list"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.close()
        assert running.stderr.read() == b""
    assert running.returncode == 141


def test_control_c_is_one_sentence(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> list[str]:
        raise KeyboardInterrupt

    monkeypatch.setattr("pytest_genaiops.cli.metrics.metric_names", interrupted)
    assert main(["metrics", "list"]) == 130
    assert capsys.readouterr().err == "genaiops: interrupted\n"


def test_what_the_terminal_cannot_show_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    write(["café ↑"])
    stream.flush()
    assert stream.buffer.getvalue() == rb"caf\xe9 \u2191" + b"\n"
