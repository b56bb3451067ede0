"""When two program targets are the same, and what is refused when one is made."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from asking import Session
from process_help import CASE, ECHO, ask, program

from pytest_genaiops.errors import UsageError
from pytest_genaiops.targets import process, process_target


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


class TestIdentity:
    def asked_twice(self, change: Any, command: Sequence[str] = (), **options: Any) -> int:
        """How many calls are made where something changes in between."""
        session = Session()
        command = command or program(ECHO)
        session.answers(process_target(command, **options), CASE)
        session.answers(process_target(command, **(change() or options)), CASE)
        return len(session.memory.requests)

    def test_the_same_program_is_asked_once(self) -> None:
        assert self.asked_twice(lambda: None) == 1

    def test_a_changed_script_is_another_program(self) -> None:
        assert self.asked_twice(lambda: program("x = 1; " + ECHO) and None) == 2

    def test_a_changed_file_behind_an_option_is_another_program(self) -> None:
        Path("conf.json").write_text("1")
        command = [*program(ECHO), "--conf=conf.json"]
        assert self.asked_twice(lambda: Path("conf.json").write_text("2") and None, command) == 2

    def test_a_changed_executable_of_the_project_is_another_program(self) -> None:
        script = "#!/bin/sh\n" + "exec " + " ".join(program(ECHO)) + "\n"
        Path("run.sh").write_text(script)
        Path("run.sh").chmod(0o755)
        assert self.asked_twice(lambda: Path("run.sh").write_text(script + "# 2\n") and None, ["./run.sh"]) == 2

    def test_an_interpreter_that_the_project_links_to_is_known_by_its_name(self) -> None:
        Path("bin").mkdir()
        Path("bin/python").symlink_to(sys.executable)
        session = Session()
        command = [str(Path("bin/python").absolute()), *program(ECHO)[1:]]
        session.answers(process_target(command), CASE)
        (request,) = session.memory.requests
        assert request.service["command"][:2] == ["python", "-S"]

    def test_it_runs_where_it_was_made(self, monkeypatch: pytest.MonkeyPatch) -> None:
        target = process_target(program('answer({"text": os.getcwd()})'))
        made = os.getcwd()
        Path("elsewhere").mkdir()
        monkeypatch.chdir("elsewhere")
        assert Session().answers(target, CASE)[0].text == made

    def test_a_large_file_is_known_by_its_size_and_time(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(process, "_WHOLE", 10)
        Path("weights.bin").write_bytes(b"x" * 100)
        command = [*program(ECHO), "weights.bin"]
        assert self.asked_twice(lambda: None, command) == 1
        assert self.asked_twice(lambda: os.utime("weights.bin", ns=(1, 1)), command) == 2

    @pytest.mark.parametrize("change", [{"version": "2"}, {"env": {"MODE": "fast"}}, {"cwd": "."}])
    def test_another_version_environment_or_folder_is_another_program(self, change: dict[str, Any]) -> None:
        assert self.asked_twice(lambda: {"version": "1", **change}, version="1") == 2

    def test_neither_the_interpreters_place_nor_a_key_is_in_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("APP_KEY", "k3y-that-nobody-may-see")
        session = Session()
        ask(ECHO, session=session, env={"MODEL_KEY": "${env:APP_KEY}"})
        (request,) = session.memory.requests
        assert request.service["command"][0] == Path(sys.executable).name
        assert request.service["env"] == {"MODEL_KEY": "${env:APP_KEY}"}
        assert str(Path.cwd()) not in repr(request.content)


@pytest.mark.parametrize(
    ("command", "options", "message"),
    [
        ("python app.py", {}, "the command 'python app.py' is one text; give a list, as shlex.split() does"),
        ([], {}, "the command is []; give a list"),
        (None, {}, "the command is None; give a list"),
        ([""], {}, "the command holds '', which is no argument"),
        (["a", 3], {}, "the command holds 3, which is no argument"),
        (["a", "b\0c"], {}, "the command holds 'b\\x00c', which is no argument"),
        (["a", "--api-key=sk-0123456789abcdef"], {}, "the command holds a key; hand it over by env="),
        (["a"], {"env": ["X"]}, "env is no mapping of texts"),
        (["a"], {"env": {"X": 1}}, "env is no mapping of texts"),
        (["a"], {"env": {"X=Y": "1"}}, "env holds 'X=Y', which is no variable"),
        (["a"], {"env": {"API_KEY": "0123456789"}}, "env gives 'API_KEY' a key; leave it out"),
        (["a"], {"version": None}, "version=None is no version"),
        (["a"], {"cwd": 3}, "cwd=3 is no folder"),
    ],
)
def test_what_cannot_be_right_is_refused_when_the_target_is_made(command: Any, options: Any, message: str) -> None:
    with pytest.raises(UsageError, match=re.escape(message)) as raised:
        process_target(command, **options)
    assert "0123456789" not in str(raised.value)


def test_what_is_no_key_may_be_written_out() -> None:
    process_target(["a", "--max-tokens=100"], env={"TOKENIZERS_PARALLELISM": "false", "MAX_TOKENS": "9", "API_KEY": ""})


def test_a_variable_that_is_not_set_is_named() -> None:
    with pytest.raises(UsageError, match="'NO_SUCH_KEY' is not set"):
        ask(ECHO, env={"MODEL_KEY": "${env:NO_SUCH_KEY}"})


def test_it_shows_its_command() -> None:
    shown = f"<process target program '{Path(sys.executable).name} app.py'>"
    assert repr(process_target([sys.executable, "app.py"])) == shown
