"""Processes of one program that answer a line with a line: started on demand, reused, and never left behind."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast
from weakref import finalize

from pytest_genaiops.clients.request import RefusedError
from pytest_genaiops.clients.secrets import without_secrets
from pytest_genaiops.dataset.text import printable, quoted
from pytest_genaiops.targets.keys import LOOKED_AT

LONGEST_LINE = 16 * 2**20
"""Bytes that an answer may have."""
LAST_WORDS = 0.5
"""Seconds for what a process wrote to arrive when it has ended: a child of its own may hold its pipes open for ever."""
GRACE = 0.3
"""Seconds to end by itself after its input has ended, and again after it was told to."""
DEATH = 10.0
"""Seconds for a process that was killed to be gone: on a busy machine its end is heard of late."""
_CUT = LOOKED_AT // 4
"""Bytes left out where error output is cut, up to the end of a line: half a key would not be found."""
_SHOWN = 3
"""Lines of these that a message shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """How a process is started."""

    command: Sequence[str]
    cwd: str
    env: Mapping[str, str]
    name: str
    """The program as messages show it."""
    where: str = ""
    """The folder as they do."""


class FaultError(Exception):
    """A process that is not to be asked again: it has ended, or does not keep to the protocol."""


class Process(asyncio.SubprocessProtocol):
    """One process of the program. It answers one line at a time."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.SubprocessTransport
        self._at_exit: finalize[..., Process]
        """Kills it where this process ends before the loop has done so."""
        self._asked = 0
        self._written = bytearray()
        self._looked = 0
        """Bytes of what was written that hold no end of a line."""
        self._tail = b""
        self._waiting: asyncio.Future[bytes] | None = None
        self.over = self._loop.create_future()
        """Done when it has ended and no more of what it wrote will arrive."""
        self.used = False
        """Whether it has answered before."""

    async def ask(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Write a line and read the next one that is not blank, without its id.

        Raises FaultError where the process ends first, or writes something else.
        """
        self._asked += 1
        self._waiting = self._loop.create_future()
        line = json.dumps({"id": self._asked, **body})
        cast("asyncio.WriteTransport", self._transport.get_pipe_transport(0)).write(f"{line}\n".encode())
        self._look()
        try:
            said = _parsed(await self._waiting)
        finally:
            self._waiting = None
        number = said.pop("id", None)
        if number != self._asked:
            has = "no id" if number is None else f"the id {quoted(number)}"
            raise FaultError(f"answered something else than it was asked: the line for {self._asked} has {has}")
        self.used = True
        return said

    async def end(self) -> None:
        """Let it end by itself, then tell it to, then kill it; and wait until it is gone."""
        try:
            cast("asyncio.WriteTransport", self._transport.get_pipe_transport(0)).close()
            await asyncio.wait({self.over}, timeout=GRACE)
            self._signal("SIGTERM")
            await asyncio.wait({self.over}, timeout=GRACE)
        finally:
            self.kill()
        await asyncio.wait({self.over}, timeout=DEATH)

    def kill(self) -> None:
        """End it at once, with the processes that it started."""
        self._signal("SIGKILL")

    @property
    def ended_well(self) -> bool:
        """Whether it has ended by itself and without fault."""
        return self._transport.get_returncode() == 0

    def obituary(self) -> str:
        """How it ended, with the last lines of its error output."""
        code = self._transport.get_returncode()
        how = "closed its output" if code is None else f"ended with status {code}"
        if code is not None and code < 0:
            how = f"was ended by {_signal_name(-code)}"
        start = 0 if len(self._tail) < LOOKED_AT else self._tail.find(b"\n", 0, _CUT) % _CUT
        lines = without_secrets(self._tail[start:].decode("utf-8", "replace")).split("\n")
        last = [printable(line.strip())[:300] for line in lines if line.strip()][-_SHOWN:]
        return how + (f"; its last words: {' | '.join(last)}" if last else "")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It has started; asyncio calls this and what follows."""
        self._transport = cast("asyncio.SubprocessTransport", transport)
        self._at_exit = finalize(self, _send, "SIGKILL", self._transport.get_pid())

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """It has written something."""
        if fd == 2:
            self._tail = (self._tail + data)[-LOOKED_AT:]
            return
        self._written += data
        if len(self._written) > LONGEST_LINE:
            self._fail(f"wrote more than {LONGEST_LINE // 2**20} MB")
            self._written.clear()
            self._looked = 0
            self.kill()
        self._look()

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        """It has closed a pipe; without its output it is of no use."""
        if fd == 1:
            self._loop.call_later(LAST_WORDS, self._useless)

    def process_exited(self) -> None:
        """It has ended; what it wrote may still be on its way."""
        self._at_exit.detach()  # its number may soon be another's
        self._loop.call_later(LAST_WORDS, self._bury)

    def connection_lost(self, exc: Exception | None) -> None:
        """It has ended, and all that it wrote is here."""
        self._bury()

    def _useless(self) -> None:
        self._fail(self.obituary())
        self.kill()

    def _look(self) -> None:
        """Hand over a line, if somebody waits for one."""
        while self._waiting is not None and not self._waiting.done():
            end = self._written.find(b"\n", self._looked)
            if end < 0:
                self._looked = len(self._written)
                break
            line = bytes(self._written[:end])
            del self._written[: end + 1]
            self._looked = 0
            if line.strip():
                self._waiting.set_result(line)
        if self.over.done():
            self._fail(self.obituary())

    def _bury(self) -> None:
        if not self.over.done():
            self.over.set_result(None)
            self._written += b"\n"  # the last line may have no end
            self._look()
            self._transport.close()

    def _fail(self, why: str) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(FaultError(why))

    def _signal(self, name: str) -> None:
        if self._transport.get_returncode() is None:
            _send(name, self._transport.get_pid())


class Programs:
    """The processes of one program, at most so many at once."""

    def __init__(self, start: Start, *, most: int) -> None:
        self._start = start
        self._free = asyncio.Semaphore(most)
        self._all: set[Process] = set()
        self._idle: list[Process] = []

    async def ask(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """A process's answer to a line. Raises RefusedError where the program cannot start, or ends instead.

        A process that is given up while it works, and one that ends, is no more asked; the next line starts another.
        One that has answered before and then ends without fault is taken for a program that answers once: the line
        goes to another process. After any other end it does not: what crashed one would crash the next.
        """
        async with self._free:
            while True:
                process = self._idle.pop() if self._idle else await self._started()
                if process.over.done():
                    continue
                answered = False
                try:
                    answer = await process.ask(body)
                    answered = True
                except FaultError as error:
                    if process.used and process.ended_well:
                        continue
                    raise RefusedError(f"{self._start.name} gave no answer: it {error}") from None
                finally:
                    if answered:
                        self._idle.append(process)
                    else:
                        process.kill()
                return answer

    async def close(self) -> None:
        """End all processes and wait until they are gone."""
        self._idle.clear()
        if self._all:
            await asyncio.gather(*(process.end() for process in [*self._all]))

    async def _started(self) -> Process:
        try:
            _, process = await asyncio.get_running_loop().subprocess_exec(
                Process,
                *self._start.command,
                cwd=self._start.cwd,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **self._start.env},
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or str(error)
            where = f" in {quoted(self._start.where)}" if self._start.where else ""
            raise RefusedError(f"{self._start.name} cannot be started{where}: {printable(why)}") from None
        self._all.add(process)
        process.over.add_done_callback(lambda _: self._all.discard(process))
        return process


def _parsed(line: bytes) -> dict[str, Any]:
    """The answer on a line. Raises FaultError where there is none."""
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        start = quoted(without_secrets(line[:LOOKED_AT].decode("utf-8", "replace")))
        raise FaultError(f"wrote a line that is no JSON object: {start}; other output belongs on stderr")
    return said


def _send(name: str, pid: int) -> None:
    """Send a signal to a process and to those that it started."""
    try:
        if hasattr(os, "killpg"):
            os.killpg(pid, getattr(signal, name))
        elif name == "SIGKILL":
            os.kill(pid, signal.SIGTERM)  # on Windows it ends a process at once
    except (ProcessLookupError, PermissionError):
        pass  # it has ended meanwhile


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
