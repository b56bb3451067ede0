"""The fake server in a process of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest
from fake_help import asked

from pytest_genaiops.testing.__main__ import main


def test_it_writes_its_url_and_ends_with_its_input() -> None:
    command = [
        sys.executable,
        "-m",
        "pytest_genaiops.testing",
        "--answer",
        "hello",
        "--admit",
        "1",
        "--limit",
        "window",
    ]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdin
        url = process.stdout.readline().strip()
        got = [asked(url) for _ in range(8)]
        process.stdin.close()
        assert process.wait(60) == 0
    assert got[0].text == "hello"
    assert {each.status for each in got} == {200, 429}


@pytest.mark.parametrize("arguments", [["--fault", "dorp"], ["--admit", "0.1"], ["--latency", "-1"], ["--limit", "x"]])
def test_what_means_nothing_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*arguments])
    assert ended.value.code == 2
    assert "error: " in capsys.readouterr().err
