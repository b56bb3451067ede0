"""Places beside an index where deleted text may live on: answers, the cache, cassettes, the record, other files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from pytest_genaiops.clients.database import NAME as CACHE
from pytest_genaiops.config import Settings
from pytest_genaiops.dataset.text import place, quoted
from pytest_genaiops.errors import UsageError
from pytest_genaiops.grounding.probe_result import Finding
from pytest_genaiops.grounding.probe_texts import Quoted
from pytest_genaiops.records import Response
from pytest_genaiops.registry import did_you_mean
from pytest_genaiops.store import NAME as RECORD
from pytest_genaiops.store.proof import holds
from pytest_genaiops.store.purge import left_in
from pytest_genaiops.store.wanted import texts_of

Place: TypeAlias = str | Path | Response | Sequence[Response | str]
"""``cache``, ``record``, ``cassette``; a file or folder; answers."""

NAMED = ("cache", "record", "cassette")
_ASIDE = f"{CACHE}.aside-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What looking into places came to."""

    findings: tuple[Finding, ...]
    looked: tuple[str, ...]


def look_into(places: Iterable[Place], wanted: Quoted, settings: Settings) -> Seen:
    """Look for deleted words in each place, as ``genaiops purge`` proves that they are gone.

    A place that cannot be read is a finding. Raises UsageError for what is no place.
    """
    findings: list[Finding] = []
    looked: list[str] = []
    for each in places:
        if isinstance(each, Response) or not isinstance(each, str | Path):
            answers = list(_answers(each))
            findings += [finding for answer in answers for finding in _in_answer(*answer, wanted)]
            looked.append(f"{len(answers):,} answer{'' if len(answers) == 1 else 's'}")
            continue
        name, files = _files(each, settings)
        found = [finding for file in files for finding in _in_file(file, name, wanted, settings.root)]
        findings += found
        unread = sum(finding.kind == "unprobed" for finding in found)
        read = len(files) - unread
        looked.append(f"{name} ({read} file{'' if read == 1 else 's'})" if files else f"{name} (there is none)")
    return Seen(findings=tuple(findings), looked=tuple(looked))


def checked(places: object) -> tuple[Place, ...]:
    """The places to look into. Raises UsageError for what is none."""
    if isinstance(places, str | Path | Response | Mapping) or not isinstance(places, Iterable):
        raise UsageError(f"also={quoted(places)} is no list of places; write also=['cache', 'record', answers]")
    found = tuple(places)
    for each in found:
        if isinstance(each, str) and each not in NAMED:
            mend = "a file or folder is a pathlib.Path, and answers are a list"
            raise UsageError(f"also has {quoted(each)}, which is no place; {did_you_mean(each, list(NAMED))}; {mend}")
        if not isinstance(each, str | Path | Response | Sequence):
            raise UsageError(f"also has {quoted(each)}, which is no place; give names, files as pathlib.Path, answers")
    return found


def _files(each: str | Path, settings: Settings) -> tuple[str, list[Path]]:
    """A place's name, and its files.

    Raises UsageError for a path that is not there, and for a cassette where the configuration names none.
    """
    folder = settings.root / settings.folder
    if each == "cassette":
        if settings.cassette is None:
            raise UsageError(
                "also has 'cassette', and none is configured; give its path: pathlib.Path('answers.jsonl')"
            )
        each = Path(settings.cassette)
    if isinstance(each, str):
        stem = CACHE if each == "cache" else RECORD
        return each, sorted(path for path in folder.glob(f"{stem}*") if path.is_file())
    path = settings.root / each
    shown = place(path, settings.root)
    if path.is_dir():
        return shown, sorted(file for file in path.rglob("*") if file.is_file() or file.is_symlink())
    if not path.exists():
        raise UsageError(f"also has {shown}, which is not there; name files or folders that are")
    return shown, [path]


def _in_file(file: Path, name: str, wanted: Quoted, root: Path) -> Iterator[Finding]:
    where = name if name in NAMED else place(file, root)
    shown = place(file, root)
    try:
        if file.name.startswith(_ASIDE) and "-" not in file.name.removeprefix(_ASIDE):
            raise UsageError("it was set aside because it cannot be read")
        tables = left_in(file, wanted) if file.name in (CACHE, RECORD) else []
        found = bool(tables) or holds(file, wanted)
    except UsageError as error:
        message = f"{shown} could not be probed: {error}"
        yield Finding(kind="unprobed", message=message, where=where)
        return
    if found:
        tell = f" in {', '.join(tables)}" if tables else ""
        yield Finding(kind="quoted", message=f"{shown} holds deleted text{tell}", where=where)


def _answers(given: Any) -> Iterator[tuple[str, Response]]:
    """(whose, answer) of answers that were handed in."""
    answers = [given] if isinstance(given, Response) else given
    for number, answer in enumerate(answers, start=1):
        if not isinstance(answer, Response | str):
            raise UsageError(
                f"also has {quoted(answer)}, which is no answer; give texts or Responses, and files as Path"
            )
        named = answer.trial.case.id if isinstance(answer, Response) and answer.trial is not None else None
        whose = f"answer {number}" if named is None else f"the answer to {quoted(named)}"
        yield whose, Response(text=answer) if isinstance(answer, str) else answer


def _texts(answer: Response) -> Iterator[str]:
    """Everything that an answer says, or was made of."""
    yield answer.text
    yield from answer.contexts or ()
    yield from (passage.text for passage in answer.retrieved or () if passage.text)
    yield from texts_of([dict(call) for call in answer.tool_calls or ()])
    for step in answer.steps:
        yield step.output
        yield from texts_of([dict(message) for message in step.messages])


def _in_answer(whose: str, answer: Response, wanted: Quoted) -> Iterator[Finding]:
    if answer.error is not None:
        message = f"{whose} could not be probed: there is none ({quoted(str(answer.error))})"
        yield Finding(kind="unprobed", message=message, where="answers")
    if any(map(wanted.in_text, _texts(answer))):
        yield Finding(kind="quoted", message=f"{whose} quotes deleted text", where="answers")
