"""Apps over HTTP, and programs, as targets of real runs: asked once, kept, and gone when the session ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

# Imported here so that inner runs in this process find them.
import aiohttp  # noqa: F401, TID253
import jmespath  # noqa: F401, TID253
import pytest
from inner import CITIES, COUNTRIES, Project, outcomes

import pytest_genaiops.targets.http
import pytest_genaiops.targets.process  # noqa: F401

HTTP = """
    import pytest
    from pytest_genaiops.targets import http_target

    @pytest.fixture(scope="session")
    def target():
        return http_target(
            "${env:SHOP_URL}/answer",
            body={"q": "{{ question }}"},
            headers={"Authorization": "Bearer ${env:SHOP_KEY}"},
            answer="result.text",
        )
"""
PROGRAM = """
    import sys
    import pytest
    from pytest_genaiops.targets import process_target

    @pytest.fixture(scope="session")
    def target():
        return process_target([sys.executable, "-S", "app.py"])
"""
SCRIPT = """
    import json, os, sys, time

    def note(text):
        with open("notes.txt", "a") as file:
            file.write(text + "\\n")

    CITIES = {cities}
    note(f"pid {{os.getpid()}}")
    for line in sys.stdin:
        asked = json.loads(line)
        case = asked["case"]["id"]
        note(f"case {{case}}")
        {extra}
        print(json.dumps({{"id": asked["id"], "text": CITIES[case]}}))
"""
KEY = "k3y-that-nobody-may-see"


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What an app was asked that knows every capital; the environment says where it is."""
    asked: list[str] = []
    answers = dict(zip(COUNTRIES.values(), CITIES.values(), strict=True))

    class Shop(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["q"]
            asked.append(question)
            text = next(city for country, city in answers.items() if country in question)
            said: dict[str, Any] = {"result": {"text": text}}
            if self.headers["Authorization"] != f"Bearer {KEY}":
                said = {"error": f"no such key: {self.headers['Authorization']}"}
            body = json.dumps(said).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            """Nothing is printed."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("SHOP_URL", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("SHOP_KEY", KEY)
    yield asked
    server.shutdown()
    server.server_close()


def notes(project: Project, kind: str) -> list[str]:
    """What the program noted."""
    path = project.path / "notes.txt"
    lines = path.read_text().splitlines() if path.exists() else []
    return [line.partition(" ")[2] for line in lines if line.startswith(f"{kind} ")]


def write_program(project: Project, extra: str = "pass") -> None:
    project.write("conftest.py", PROGRAM)
    project.write("app.py", SCRIPT.format(cities=CITIES, extra=extra))


def gone(pid: str) -> bool:
    """Whether a process has ended; whoever adopts it may not have buried it yet."""
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z"


def everything(folder: Path) -> bytes:
    """All that the files of a folder hold."""
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


class TestHttp:
    def test_an_app_is_asked_once_a_trial_and_its_answers_are_kept(self, project: Project, shop: list[str]) -> None:
        project.write("conftest.py", HTTP)
        project.by_case()
        project.whole()
        project.run().assert_outcomes(passed=1)
        project.by_case()
        project.run().assert_outcomes(passed=4)
        assert len(shop) == 4

    def test_a_refusal_is_an_error_of_its_case_and_shows_no_key(
        self, project: Project, shop: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SHOP_KEY", "another-k3y-nobody-may-see")
        project.write("conftest.py", HTTP)
        project.by_case()
        result = project.run("--showlocals", "--junitxml=report.xml")
        result.assert_outcomes(failed=4)
        result.stdout.fnmatch_lines(["*answer='result.text' finds nothing in the reply, whose keys are 'error'*"])
        assert "nobody-may-see" not in result.stdout.str()
        assert b"nobody-may-see" not in everything(project.path)


class TestProgram:
    def test_a_program_answers_and_ends_with_the_session(self, project: Project) -> None:
        write_program(project)
        project.by_case()
        project.run().assert_outcomes(passed=4)
        assert sorted(notes(project, "case")) == sorted(CITIES)
        until(lambda: all(map(gone, notes(project, "pid"))))
        project.run().assert_outcomes(passed=4)
        assert len(notes(project, "case")) == 4

    def test_concurrency_is_the_number_of_processes(self, project: Project) -> None:
        write_program(project, "time.sleep(0.05)")
        project.by_case()
        project.run("--genaiops-concurrency=2").assert_outcomes(passed=4)
        assert len(notes(project, "pid")) == 2

    def test_a_crash_is_an_error_of_its_case(self, project: Project) -> None:
        write_program(project, 'case == "c2" and sys.exit("no index for Rome")')
        project.by_case()
        result = project.run("-v")
        assert outcomes(result) == {
            f"test_answer[default-{case}]": "FAILED" if case == "c2" else "PASSED" for case in CITIES
        }
        result.stdout.fnmatch_lines(["*gave no answer: it ended with status 1; its last words: no index for Rome*"])
        assert notes(project, "case").count("c2") == 1

    def test_one_that_hangs_is_ended_by_the_timeout(self, project: Project) -> None:
        write_program(project, 'case == "c2" and time.sleep(600)')
        project.by_case()
        result = project.run("--genaiops-timeout=5")
        result.assert_outcomes(passed=3, failed=1)
        result.stdout.fnmatch_lines(["*timeout: no answer within 5 s*"])
        until(lambda: all(map(gone, notes(project, "pid"))))

    def test_an_interrupted_session_leaves_no_process(self, project: Project) -> None:
        write_program(project, "time.sleep(600)")
        project.by_case()
        command = [sys.executable, "-m", "pytest", "-p", "genaiops"]
        session = subprocess.Popen(command, cwd=project.path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        until(lambda: len(notes(project, "case")) == 4)
        session.send_signal(signal.SIGINT)
        said, _ = session.communicate(timeout=300)
        assert session.returncode == pytest.ExitCode.INTERRUPTED, said
        assert b"Exception" not in said
        until(lambda: all(map(gone, notes(project, "pid"))))

    def test_a_killed_session_leaves_no_process_that_reads_its_input(self, project: Project) -> None:
        write_program(project, "time.sleep(0.2)")
        project.by_case()
        command = [sys.executable, "-m", "pytest", "-p", "genaiops"]
        session = subprocess.Popen(command, cwd=project.path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(lambda: bool(notes(project, "case")))
        session.kill()
        session.wait()
        until(lambda: all(map(gone, notes(project, "pid"))))


def until(true: Any) -> None:
    """Wait until something is so, for a generous time."""
    end = time.monotonic() + 300
    while not true():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.01)
