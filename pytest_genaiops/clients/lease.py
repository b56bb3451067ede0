"""Who calls what: claims on requests, which end with the process that made them."""

from __future__ import annotations

import os
import platform
import threading
import time
import weakref
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from sqlite3 import Error
from uuid import uuid4

from pytest_genaiops.clients.database import Database

LEASE = 60.0
"""Seconds for which a claim holds without being renewed: for owners whose end cannot be seen from here."""
RENEWALS = 4
"""Renewals within a lease: one that comes late under load does not end it."""

_OWNERS = "SELECT id, host, pid, start, until, until_here FROM owners"
_HOLDER = (
    "SELECT claims.owner, host, pid, start, until, until_here FROM claims LEFT JOIN owners ON id = claims.owner "
    "WHERE claims.key = ?"
)
_REGISTER = "INTO owners VALUES (?, ?, ?, ?, ?, ?)"
_TAKE = (
    "INSERT OR IGNORE INTO claims (key, owner) SELECT ?, ? "
    "WHERE NOT EXISTS (SELECT 1 FROM answers WHERE key = ? AND (session = ? OR ? IS NULL))"
)
_TAKE_REGISTERED = f"{_TAKE} AND EXISTS (SELECT 1 FROM owners WHERE id = ?)"  # noqa: S608 - our own constants
_END = ("DELETE FROM claims WHERE owner = ?", "DELETE FROM owners WHERE id = ?")


@dataclass(frozen=True, slots=True)
class Owner:
    """A process, as others see it, and until when they trust what they see."""

    id: str
    host: str
    """The machine since it was started, and the space that process numbers are of (containers have their own)."""
    pid: int
    start: str
    until: float
    """``time.time()``, for other hosts."""
    until_here: float
    """``time.monotonic()``, which the processes of a host share, and which stands while a laptop sleeps."""

    @property
    def gone(self) -> bool:
        """Whether it has ended, or has not been heard of for too long."""
        if self.host != here():
            return not _holds(self.until - time.time())
        return started(self.pid) not in (self.start, None) or not _holds(self.until_here - time.monotonic())


class Leases:
    """The claims of one cache in one process, under which others do not call the same request."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._id = uuid4().hex
        self._start = started(os.getpid()) or ""
        self._lock = threading.Lock()
        self._stop: threading.Event | None = None

    def claim(self, key: bytes, *, counts: str | None) -> bool:
        """Whether this process may make the call now: nobody else does so, and no answer is there by now.

        Of answers those count that were made in the session ``counts``; in any session where it is None. Raises
        sqlite3.Error.
        """
        values = [key, self._id, key, counts, counts]
        # Mostly nobody is in the way, and one statement says so. After that is asked who it is.
        if self._stop is not None and self._database.write((_TAKE_REGISTERED, [*values, self._id])):
            return True
        held = [row[0] if row[1] is None or Owner(*row).gone else "" for row in self._database.read(_HOLDER, [key])]
        if held == [""]:
            return False
        self._begin()
        for owner in held:
            self._end(owner)
        # Registered with each claim: the file may be another one than before.
        register = (f"INSERT OR IGNORE {_REGISTER}", self._registration())
        return self._database.write(register, (_TAKE, values)) > 0

    def release(self, key: bytes) -> None:
        """Give a claim back. Raises sqlite3.Error."""
        self._database.write(("DELETE FROM claims WHERE key = ? AND owner = ?", [key, self._id]))

    def close(self) -> None:
        """Give all claims back."""
        with self._lock:
            if self._stop is not None:
                self._stop.set()
                self._stop = None
                with suppress(Error):
                    self._end(self._id)

    def renew(self) -> None:
        """Tell the others that this process is alive. Raises sqlite3.Error."""
        self._database.write((f"INSERT OR REPLACE {_REGISTER}", self._registration()))

    def _registration(self) -> tuple[object, ...]:
        return self._id, here(), os.getpid(), self._start, time.time() + LEASE, time.monotonic() + LEASE

    def _begin(self) -> None:
        """Register this process before its first claim, and clear away what dead ones have left."""
        with self._lock:
            if self._stop is None:
                for owner in [Owner(*row) for row in self._database.read(_OWNERS)]:
                    if owner.gone:
                        self._end(owner.id)
                self.renew()
                self._stop = threading.Event()
                threading.Thread(
                    target=_renewing, args=(weakref.ref(self), self._stop), name="genaiops-lease", daemon=True
                ).start()

    def _end(self, owner: str) -> None:
        self._database.write(*((sql, [owner]) for sql in _END))


def _holds(rest: float) -> bool:
    """Whether a lease holds that ends in so many seconds; one that never seems to end is by a clock that was wrong."""
    return 0 < rest <= 2 * LEASE


def _renewing(leases: weakref.ref[Leases], stop: threading.Event) -> None:
    """Renew until the leases are closed or forgotten."""
    while not stop.wait(LEASE / RENEWALS):
        ours = leases()
        if ours is None:
            return
        with suppress(Error):  # the next renewal may find the disk less full
            ours.renew()
        del ours


@cache
def here() -> str:
    """This host; another one after it has been restarted, and in every container."""
    boot, space = "", ""
    with suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        space = os.readlink("/proc/self/ns/pid")
    return f"{platform.node()} {boot} {space}"


def started(pid: int) -> str | None:
    """When a process of this host was started, by its own clock; empty where it has ended, None where nobody tells."""
    if os.name != "posix":
        return None  # os.kill would end it
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return ""
    except OSError:
        return None
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    # proc_pid_stat(5): the third field is the state, the 22nd the start; the second may hold spaces and brackets.
    return "" if fields[0] in "ZX" else fields[19]
