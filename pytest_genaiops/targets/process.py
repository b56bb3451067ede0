"""A program as the system under test: one JSON line for each trial on its input, one for each answer on its output."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from time import perf_counter
from typing import Any

from pytest_genaiops.clients.current import ask
from pytest_genaiops.clients.pool import Pool
from pytest_genaiops.clients.request import Answer, RefusedError, Request
from pytest_genaiops.clients.secrets import REFERENCE, cleaned, from_environment, looks_secret, without_secrets
from pytest_genaiops.dataset.identity import canonical
from pytest_genaiops.dataset.text import place, quoted
from pytest_genaiops.errors import UsageError
from pytest_genaiops.records import NOTHING, Case, Response, Trial
from pytest_genaiops.targets.body import checked_version, json_value
from pytest_genaiops.targets.coerce import to_response
from pytest_genaiops.targets.programs import Programs, Start
from pytest_genaiops.variants import Variant

_PLACE = "process_target"
_WHOLE = 64 * 2**20
"""Bytes up to which a file is told by its content; a larger one, such as a model's weights, by size and time."""
_KEYS = re.compile(r"auth|credential|key|password|secret|token", re.IGNORECASE)
_NOBODY = Trial(case=Case(id=""), variant="")


def process_target(
    command: Sequence[str],
    *,
    version: str = "",
    cwd: str | os.PathLike[str] | None = None,
    env: Mapping[str, str] = NOTHING,
) -> ProcessTarget:
    """A target that asks a program.

    The program reads lines ``{"id", "case": {"id", "inputs", "contexts"}, "variant": {"id", "parameters", "rag"},
    "messages"}`` from its input and answers each with a line ``{"id", "text"}``, with other fields of a Response, or
    ``{"id", "error"}``. ``messages`` is the variant's rendered prompt, null where it has none. One process is asked one
    line at a time; as many run as there are calls at once. It ends when its input does. Never run by a shell.

    ``env`` adds to the environment; values may hold ``${env:NAME}``. ``version`` tells apart what neither the command
    nor the files that it names show: with another one nothing is answered from the cache. Raises UsageError for a
    command or an environment that cannot be right.
    """
    return ProcessTarget(
        _Program(
            command=_checked_command(command),
            version=checked_version(version, _PLACE),
            cwd=None if cwd is None else _checked_folder(cwd),
            env=_checked_env(env),
        )
    )


class ProcessTarget:
    """Asks a program; made by :func:`process_target`."""

    __slots__ = ("_program",)

    def __init__(self, program: _Program) -> None:
        self._program = program

    async def __call__(self, case: Case, variant: Variant) -> Response:
        """The program's answer.

        Raises UsageError for a case with values that JSON has no form for, VariantError for one that lacks what the
        prompt uses, and for a variant of several steps.
        """
        prompted = variant.chained or variant.steps[0].messages
        row = {"id": case.id, "inputs": json_value(case.inputs, "inputs"), "contexts": case.contexts}
        body = {
            "case": {**row, "contexts": None if case.contexts is None else [*case.contexts]},
            "variant": json_value({"id": variant.id, "parameters": variant.parameters, "rag": variant.rag}, "variant"),
            "messages": variant.messages(case) if prompted else None,
        }
        return await ask(self._program, body)

    def __repr__(self) -> str:
        return f"<process target {self._program.name}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Program:
    """A command as a service."""

    command: tuple[str, ...]
    version: str
    cwd: str | None
    env: Mapping[str, str]

    @property
    def identity(self) -> Mapping[str, Any]:
        """The command with the content of the files that it names, and what it is run with.

        The program itself is known by its name alone where it lies outside of the working directory: the interpreter
        of one machine stands for that of another. So are files, by name and content.
        """
        folder = Path(self.cwd or ".").absolute()
        first, *rest = self.command
        path = folder / first
        own = os.sep in first and path.is_relative_to(folder) and path.is_file()
        said: dict[str, Any] = {
            "kind": "program",
            "command": [_told(first, path) if own else Path(first).name, *(_argument(text, folder) for text in rest)],
        }
        for name, value in (("cwd", self.cwd), ("env", dict(self.env)), ("version", self.version)):
            if value:
                said[name] = place(Path(self.cwd), Path.cwd()) if name == "cwd" and self.cwd else value
        return said

    @property
    def name(self) -> str:
        words = [Path(self.command[0]).name, *self.command[1:]]
        return f"program {quoted(without_secrets(' '.join(words)))}"

    @property
    def model(self) -> str | None:
        return None

    async def answer(self, request: Request, pool: Pool) -> Answer:
        """Ask a process. Raises RefusedError."""
        programs = await pool.get((_PLACE, canonical(request.service)), lambda: self._opened(pool))
        begun = perf_counter()
        said = await programs.ask(request.body)
        response = to_response(cleaned(said), _NOBODY, seconds=perf_counter() - begun)
        if response.error is not None:
            raise RefusedError(without_secrets(f"{self.name}: {response.error.message}"))
        return Answer(response=replace(response, trial=None))

    async def _opened(self, pool: Pool) -> Programs:
        env = {name: from_environment(text, _PLACE, hide=True) for name, text in self.env.items()}
        return Programs(Start(command=self.command, cwd=self.cwd, env=env, name=self.name), most=pool.concurrency)


def _argument(text: str, folder: Path) -> str:
    """An argument as the identity has it; one that names a file, also as ``--option=file``, with its content."""
    option, equals, value = text.partition("=")
    for head, name in ((f"{option}=", value) if equals else ("", ""), ("", text)):
        if name and "\0" not in name and len(name) < 4096 and (path := folder / name).is_file():
            return head + _told(name, path)
    return text


def _told(name: str, path: Path) -> str:
    state = path.stat()
    return f"{Path(name).name} {_digest(str(path), state.st_size, state.st_mtime_ns)}"


@lru_cache(maxsize=256)
def _digest(path: str, size: int, changed: int) -> str:
    """What a file says, read again only when it has changed."""
    digest = blake2b(digest_size=16)
    if size > _WHOLE:
        digest.update(f"{size} {changed}".encode())
    else:
        digest.update(Path(path).read_bytes())
    return digest.hexdigest()


def _checked_command(command: object) -> tuple[str, ...]:
    if isinstance(command, str | bytes):
        raise UsageError(
            f"process_target: the command {quoted(command)} is one text; give a list, as shlex.split() does"
        )
    if not isinstance(command, Sequence) or not command:
        raise UsageError(f"process_target: the command is {quoted(command)}; give a list such as ['python', 'app.py']")
    words: list[str] = []
    for word in command:
        text = os.fspath(word) if isinstance(word, str | os.PathLike) else ""
        if not isinstance(text, str) or not (text or word == "") or "\0" in text or (not words and not text):
            raise UsageError(f"process_target: the command holds {quoted(word)}, which is no argument; give texts")
        words.append(text)
    if looks_secret(" ".join(words)):
        raise UsageError("process_target: the command holds a key; hand it over by env={'NAME': '${env:NAME}'}")
    return tuple(words)


def _checked_folder(cwd: object) -> str:
    text = os.fspath(cwd) if isinstance(cwd, str | os.PathLike) else None
    if not isinstance(text, str) or not text or "\0" in text:
        raise UsageError(f"process_target: cwd={quoted(cwd)} is no folder; give its path")
    return text


def _checked_env(env: object) -> dict[str, str]:
    if not isinstance(env, Mapping) or not all(isinstance(text, str) for pair in env.items() for text in pair):
        raise UsageError("process_target: env is no mapping of texts; write env={'MODE': 'fast'}")
    for name, text in env.items():
        if not name or "=" in name or "\0" in name + text:
            raise UsageError(f"process_target: env holds {quoted(name)}, which is no variable; mend its name or value")
        if not REFERENCE.search(text) and text and (_KEYS.search(name) or looks_secret(f"{name}={text}")):
            mend = "leave it out, for the program sees the session's environment, or write ${env:NAME}"
            raise UsageError(f"process_target: env gives {quoted(name)} a key; {mend}")
    return dict(env)
