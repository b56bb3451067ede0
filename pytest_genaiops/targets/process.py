"""A program as the system under test: one JSON line for each trial on its input, one for each answer on its output."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from stat import S_ISREG
from time import perf_counter
from typing import Any, NamedTuple

from pytest_genaiops.clients.current import ask
from pytest_genaiops.clients.pool import Pool
from pytest_genaiops.clients.request import Answer, RefusedError, Request
from pytest_genaiops.clients.secrets import cleaned, from_environment, looks_secret, without_secrets
from pytest_genaiops.dataset.identity import canonical
from pytest_genaiops.dataset.text import place, quoted
from pytest_genaiops.errors import UsageError
from pytest_genaiops.records import NOTHING, Case, Response, Trial
from pytest_genaiops.targets.body import json_value
from pytest_genaiops.targets.coerce import to_response
from pytest_genaiops.targets.keys import checked_version, holds_key
from pytest_genaiops.targets.programs import Programs, Start
from pytest_genaiops.variants import Variant

_PLACE = "process_target"
_WHOLE = 64 * 2**20
"""Bytes up to which a file is told by its content; a larger one, such as a model's weights, by size and time."""
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

    It is run in ``cwd``, by default the working directory of when the target is made.
    ``env`` adds to the environment; values may hold ``${env:NAME}``. ``version`` tells apart what neither the command
    nor the files that it names show: with another one nothing is answered from the cache. Raises UsageError for a
    command or an environment that cannot be right.
    """
    words, settings = _checked_command(command), _checked_env(env)
    folder = Path.cwd() / ("" if cwd is None else _checked_folder(cwd))
    said: dict[str, Any] = {"kind": "program"}
    for key, value in (
        ("cwd", "" if cwd is None else place(folder, Path.cwd())),
        ("env", settings),
        ("version", checked_version(version, _PLACE)),
    ):
        if value:
            said[key] = value
    arguments = (_first(words[0], folder), *(_argument(word, folder) for word in words[1:]))
    return ProcessTarget(_Program(command=words, folder=str(folder), env=settings, said=said, arguments=arguments))


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


class _Argument(NamedTuple):
    """One word of a command as the identity has it."""

    text: str
    files: tuple[tuple[str, str], ...] = ()
    """The files that it may name, each with what stands before its name."""

    def told(self) -> str:
        """The word; where it names a file, with the content of that as it is now."""
        for head, path in self.files:
            try:
                state = os.stat(path)
            except (OSError, ValueError):
                continue
            if S_ISREG(state.st_mode):
                return f"{head}{os.path.basename(path)} {_digest(path, state.st_size, state.st_mtime_ns)}"
        return self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class _Program:
    """A command as a service."""

    command: tuple[str, ...]
    folder: str
    """Where it is run."""
    env: Mapping[str, str]
    said: Mapping[str, Any]
    """What of its identity does not change."""
    arguments: tuple[_Argument, ...]

    @property
    def identity(self) -> Mapping[str, Any]:
        return {**self.said, "command": [argument.told() for argument in self.arguments]}

    @property
    def name(self) -> str:
        words = [os.path.basename(self.command[0]) or self.command[0], *self.command[1:]]
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
        where = str(self.said.get("cwd", ""))
        start = Start(command=self.command, cwd=self.folder, env=env, name=self.name, where=where)
        return Programs(start, most=pool.concurrency)


def _first(word: str, folder: Path) -> _Argument:
    """The program itself. One that lies outside of its folder, links followed, is known by its name alone.

    So the interpreter of one machine stands for that of another.
    """
    path = folder / word
    own = os.sep in word and path.resolve().is_relative_to(folder.resolve())
    return _Argument(os.path.basename(word), (("", str(path)),) if own else ())


def _argument(word: str, folder: Path) -> _Argument:
    """An argument that may name a file, also as ``--option=file``."""
    option, equals, value = word.partition("=")
    behind = ((f"{option}=", str(folder / value)),) if equals and value else ()
    return _Argument(word, (*behind, ("", str(folder / word))) if word else ())


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
        if holds_key(name, text):
            mend = "leave it out, for the program sees the session's environment, or write ${env:NAME}"
            raise UsageError(f"process_target: env gives {quoted(name)} a key; {mend}")
    return dict(env)
