"""Program targets: what a program is asked and may say, which processes run, and that none is left."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from textwrap import dedent

import pytest
from asking import Session
from process_help import CASE, ECHO, HEAD, ask, program

from pytest_genaiops.errors import UsageError, VariantError
from pytest_genaiops.records import Case, Response
from pytest_genaiops.targets import process_target, programs
from pytest_genaiops.variants import from_mapping
from pytest_genaiops.variants.prompt import Prompt

PATIENCE = (0.5, 5.0, 40.0)
"""Seconds to give a program, one after the other: on a busy machine it may take longer to start."""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def cases(count: int) -> list[Case]:
    return [Case(id=f"c{n}", inputs={"question": f"q{n}"}) for n in range(count)]


def error(responses: Sequence[Response]) -> str:
    """The message of the only response."""
    (response,) = responses
    assert response.error is not None
    assert response.error.kind == "target"
    return response.error.message


def noted(file: str) -> str:
    """What a program has written into a file; nothing before it did."""
    return Path(file).read_text() if Path(file).exists() else ""


def gone(pid: int) -> bool:
    """Whether a process is no more, not even as a zombie."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def ended(pid: int) -> bool:
    """Whether a process that is not ours has ended: whoever adopts it may take its time to bury it."""
    end = time.monotonic() + 60
    while not gone(pid) and time.monotonic() < end:
        status = Path(f"/proc/{pid}/stat")
        if status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.01)
    return gone(pid)


class TestAnswers:
    def test_a_line_is_answered_with_a_line(self) -> None:
        (response,) = ask(ECHO)
        assert (response.text, response.error) == ("Why?", None)
        assert response.latency is not None

    def test_what_a_program_is_asked(self) -> None:
        variant = from_mapping(
            {"id": "v2", "user": "Say: {{ question }}", "parameters": {"temperature": 0.5}, "rag": {"top_k": 4}}
        )
        target = process_target(program('answer({"text": json.dumps(asked)})'))
        (response,) = Session().answers(target, CASE, variant=variant)
        assert json.loads(response.text) == {
            "id": 1,
            "case": {"id": "c1", "inputs": {"question": "Why?"}, "contexts": ["Because."]},
            "variant": {"id": "v2", "parameters": {"temperature": 0.5}, "rag": {"top_k": 4}},
            "messages": [{"role": "user", "content": "Say: Why?"}],
        }

    def test_a_variant_without_a_prompt_has_no_messages(self) -> None:
        (response,) = ask('answer({"text": repr((asked["messages"], asked["case"]["contexts"]))})', *cases(1))
        assert response.text == "(None, None)"

    def test_fields_of_a_response(self) -> None:
        (response,) = ask('answer({"text": "yes", "contexts": ["one"], "usage": {"output_tokens": 3}, "latency": 0.5})')
        assert response.contexts == ("one",)
        assert response.usage == {"output_tokens": 3}
        assert response.latency == 0.5

    def test_blank_lines_and_error_output_are_no_answers(self) -> None:
        (response,) = ask('print("loading", file=sys.stderr); print(); print("  "); ' + ECHO)
        assert response.text == "Why?"

    def test_any_text_comes_through(self) -> None:
        text = 'Zürich 東京 🎉 \u2028 \x00 \x85 \\ " \r\n end'
        (response,) = ask(ECHO, Case(id="c1", inputs={"question": text}))
        assert response.text == text

    def test_a_large_line_comes_through_both_ways(self) -> None:
        text = "x" * 3_000_000
        (response,) = ask(ECHO, Case(id="c1", inputs={"question": text}))
        assert response.text == text

    def test_much_error_output_does_not_stop_it(self) -> None:
        (response,) = ask('sys.stderr.write("x" * 1_000_000); ' + ECHO)
        assert response.text == "Why?"

    def test_a_last_line_may_lack_its_end(self) -> None:
        (response,) = ask('sys.stdout.write(json.dumps({"id": asked["id"], "text": "yes"})); sys.exit()')
        assert response.text == "yes"


class TestFaults:
    @pytest.mark.parametrize(
        ("body", "message"),
        [
            ('answer({"error": "no index"})', "no index"),
            ('answer({"txt": "yes"})', "the response has an unknown key 'txt'"),
            ("answer({})", "the response has no 'text'"),
            ('answer({"text": 3})', "the response's 'text' is int, not a string"),
            ('print("hello")', "it wrote a line that is no JSON object: 'hello'; other output belongs on stderr"),
            ('print("[1]")', "it wrote a line that is no JSON object: '[1]'"),
            ('print("[" * 100000)', "it wrote a line that is no JSON object: '[[["),
            ('sys.stdout.buffer.write(b"\\xff\\n"); sys.stdout.flush()', "is no JSON object: '\ufffd'"),
            ('print(json.dumps({"text": "yes"}))', "something else than it was asked: the line for 1 has no id"),
            ('print(json.dumps({"id": 7, "text": "yes"}))', "the line for 1 has the id 7"),
            ('print("first", file=sys.stderr); print("then\\x1b[31m", file=sys.stderr); sys.exit(3)',
             "it ended with status 3; its last words: first | then\\x1b[31m"),
            ("os.kill(os.getpid(), 9)", "it was ended by SIGKILL"),
            ("sys.exit()", "it ended with status 0"),
            ("os.close(1); time.sleep(60)", "it closed its output"),
        ],
    )  # fmt: skip
    def test_what_is_no_answer_is_an_error_that_is_not_kept(
        self, body: str, message: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        if "closed its output" not in message:  # its end is heard of behind that, on a busy machine much later
            monkeypatch.setattr(programs, "LAST_WORDS", 60.0)
        session = Session()
        said = error(ask(body, session=session))
        assert message in said
        assert said.startswith("program '")
        assert session.memory.answers == {}
        assert session.free.again == [False]

    def test_a_line_without_end_is_bounded(self) -> None:
        assert "it wrote more than 16 MB" in error(ask('while True: sys.stdout.write("x" * 100_000)'))

    def test_a_crash_costs_the_one_answer_that_it_was_asked_for(self) -> None:
        body = 'sys.exit(1) if asked["case"]["id"] == "c1" else ' + ECHO
        responses = ask(body, *cases(4), session=Session(concurrency=1))
        assert [r.text for r in responses] == ["q0", "", "q2", "q3"]
        assert [r.error is None for r in responses] == [True, False, True, True]

    def test_a_program_that_speaks_out_of_turn_is_not_believed(self) -> None:
        responses = ask('answer({"text": "one"}); answer({"text": "two"})', *cases(2), session=Session(concurrency=1))
        assert responses[0].text == "one"
        assert "the line for 2 has the id 1" in error(responses[1:])

    @pytest.mark.parametrize("command", [["no-such-program"], ["./no/such"], [".", "x"]])
    def test_a_program_that_cannot_be_started(self, command: list[str]) -> None:
        said = error(Session().answers(process_target(command), CASE))
        assert re.search("cannot be started: (No such file or directory|Permission denied)", said)

    def test_a_folder_that_is_not_there_is_named(self) -> None:
        said = error(Session().answers(process_target([sys.executable], cwd="nowhere"), CASE))
        assert "cannot be started in 'nowhere': No such file or directory" in said

    def test_a_case_that_json_has_no_form_for(self) -> None:
        with pytest.raises(UsageError, match=re.escape("inputs.day is b'x', for which JSON has no form")):
            ask(ECHO, Case(id="c1", inputs={"day": b"x"}))

    def test_a_variant_of_several_steps_is_refused(self) -> None:
        variant = from_mapping({"id": "two", "steps": [{"id": "a", "user": "x"}, {"id": "b", "user": "y"}]})
        for each in (variant, replace(variant, steps=(Prompt(id="a"), Prompt(id="b")))):
            with pytest.raises(VariantError, match="has 2 steps"):
                Session().answers(process_target(program(ECHO)), CASE, variant=each)

    def test_a_key_in_its_last_words_is_not_shown(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("APP_KEY", "k3y-that-nobody-may-see")
        session = Session()
        body = 'print("bad key " + os.environ["MODEL_KEY"], file=sys.stderr); sys.exit(1)'
        said = error(ask(body, session=session, env={"MODEL_KEY": "${env:APP_KEY}"}))
        assert "its last words: bad key ***" in said
        assert "nobody-may-see" not in repr(session.memory.requests)

    @pytest.mark.parametrize("before", [0, 12_000])
    @pytest.mark.parametrize("after", [0, 1_500, 16_100])
    def test_half_a_key_is_not_shown_either(self, before: int, after: int, monkeypatch: pytest.MonkeyPatch) -> None:
        key = "".join(f"{n}k3y" for n in range(200))
        monkeypatch.setenv("APP_KEY", key)
        for end in ("print(text); time.sleep(60)", "print(text, file=sys.stderr); sys.exit(1)"):
            body = f'text = "x " * {before // 2} + os.environ["MODEL_KEY"] + " " + "y " * {after // 2}; {end}'
            assert "k3y" not in error(ask(body, env={"MODEL_KEY": "${env:APP_KEY}"}))


class TestProcesses:
    def test_one_at_a_time_is_asked_and_processes_are_reused(self) -> None:
        session = Session(concurrency=3)
        responses = ask('time.sleep(0.02); answer({"text": str(os.getpid())})', *cases(12), session=session)
        assert len({r.text for r in responses}) == 3

    def test_calls_one_after_another_need_one_process(self) -> None:
        session = Session(concurrency=8)
        target = process_target(program('answer({"text": str(os.getpid())})'))

        async def run() -> set[str]:
            async with session.client() as client:
                return {(await session.ask(client, target, case)).text for case in cases(5)}

        assert len(asyncio.run(run())) == 1

    def test_a_program_that_answers_once_is_started_for_every_call(self) -> None:
        responses = ask('answer({"text": str(os.getpid())}); sys.exit()', *cases(8), session=Session(concurrency=2))
        assert len({r.text for r in responses}) == 8

    def test_it_ends_when_its_input_does(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(programs, "GRACE", 60.0)
        body = 'answer({"text": str(os.getpid())})'
        Path("app.py").write_text(HEAD + f"    {body}\nopen('ended', 'w').close()\n")
        (response,) = Session().answers(process_target([sys.executable, "-S", "app.py"]), CASE)
        assert gone(int(response.text))
        assert Path("ended").exists()

    @pytest.mark.parametrize("stubborn", ["time.sleep(60)", "signal.signal(15, signal.SIG_IGN); time.sleep(60)"])
    def test_one_that_does_not_end_is_ended(self, stubborn: str) -> None:
        head = "import signal\n" + HEAD
        (response,) = ask('answer({"text": str(os.getpid())}); ' + stubborn, head=head)
        assert gone(int(response.text))

    def test_one_whose_end_is_heard_of_late_is_waited_for(self, monkeypatch: pytest.MonkeyPatch) -> None:
        wait = os.waitpid

        def late(pid: int, options: int) -> tuple[int, int]:
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
            time.sleep(1.5)  # as on a busy machine
            return wait(pid, options)

        monkeypatch.setattr(os, "waitpid", late)
        (response,) = ask('answer({"text": str(os.getpid())})')
        assert gone(int(response.text))

    def test_one_that_takes_too_long_is_killed(self) -> None:
        body = """
            open("pid", "w").write(str(os.getpid()))
            time.sleep(60)
        """
        for timeout in PATIENCE:
            (response,) = ask(body, session=Session(timeout=timeout))
            assert response.error is not None
            assert response.error.kind == "timeout"
            if noted("pid"):
                break
        assert gone(int(Path("pid").read_text()))

    def test_its_late_line_answers_nobody(self) -> None:
        body = """
            if asked["case"]["id"] == "c0":
                time.sleep(60)
            answer({"text": asked["case"]["id"]})
        """
        target = process_target(program(body))

        async def run(timeout: float) -> list[Response]:
            session = Session(timeout=timeout)
            async with session.client() as client:
                return [await session.ask(client, target, case) for case in cases(3)]

        for timeout in PATIENCE:
            first, *others = asyncio.run(run(timeout))
            assert first.error is not None
            if all(response.error is None for response in others):
                break
        assert [response.text for response in others] == ["c1", "c2"]

    def test_what_it_started_is_killed_with_it(self) -> None:
        body = """
            child = os.fork()
            if not child:
                time.sleep(60)
            open("pid", "w").write(str(child))
            time.sleep(60)
        """
        for timeout in PATIENCE:
            ask(body, session=Session(timeout=timeout))
            if noted("pid"):
                break
        assert ended(int(Path("pid").read_text()))

    def test_a_child_that_holds_its_pipes_does_not_hold_up_the_error(self) -> None:
        body = """
            child = os.fork()
            if not child:
                time.sleep(100)
            open("pid", "w").write(str(child))
            os._exit(3)
        """
        said = error(ask(body, session=Session(timeout=60)))
        os.kill(int(Path("pid").read_text()), signal.SIGKILL)
        assert "it ended with status 3" in said

    def test_neither_processes_nor_descriptors_are_left(self) -> None:
        if not Path("/proc/self/fd").exists():
            pytest.skip("open files can be counted only where there is /proc")
        body = """
            if asked["case"]["id"] == "c1":
                sys.exit(1)
            if asked["case"]["id"] == "c2":
                print("no JSON")
            if asked["case"]["id"] == "c3":
                time.sleep(60)
            answer({"text": str(os.getpid())})
        """
        ask(body, *cases(2), session=Session())  # what is loaded once is loaded
        before = len(os.listdir("/proc/self/fd"))
        for timeout in PATIENCE:
            responses = ask(body, *cases(8), session=Session(timeout=timeout))
            answered = [response for response in responses if response.error is None]
            assert all(gone(int(response.text)) for response in answered)
            assert len(os.listdir("/proc/self/fd")) <= before  # what other tests left open may be closed meanwhile
            if len(answered) == 5:
                break
        assert len(answered) == 5

    def test_a_session_that_is_cancelled_leaves_no_process(self) -> None:
        session = Session()
        target = process_target(program('open("pid", "w").write(str(os.getpid())); time.sleep(60)'))

        async def run() -> None:
            async with session.client() as client:
                asked = asyncio.ensure_future(session.ask(client, target, CASE))
                while not noted("pid"):
                    await asyncio.sleep(0.01)
                for task in asyncio.all_tasks() - {asyncio.current_task()}:
                    task.cancel()
                await asyncio.wait({asked})

        asyncio.run(run())
        assert gone(int(Path("pid").read_text()))

    def test_a_program_under_way_when_this_process_ends_is_killed(self) -> None:
        command = program('open("pid", "w").write(str(os.getpid())); time.sleep(60)')
        script = f"""
            import asyncio, sys, threading, time
            from pathlib import Path
            sys.path[:0] = {sys.path!r}
            from asking import Session
            from pytest_genaiops.records import Case
            from pytest_genaiops.targets import process_target

            target = process_target({command!r})
            threading.Thread(target=Session().answers, args=[target, Case(id="c1")], daemon=True).start()
            while not (Path("pid").exists() and Path("pid").read_text()):
                time.sleep(0.01)
        """
        subprocess.run([sys.executable, "-c", dedent(script)], check=True, timeout=300)
        assert ended(int(Path("pid").read_text()))
