"""``genaiops purge``: a person's texts are removed from whatever this project keeps, and it is proven."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path

from pytest_genaiops.cli.output import write
from pytest_genaiops.cli.project import Project, add_rootdir, project_of
from pytest_genaiops.cli.purge import builds, files, renaming
from pytest_genaiops.dataset.text import place, quoted
from pytest_genaiops.errors import UsageError
from pytest_genaiops.report.listing import paragraph
from pytest_genaiops.report.text import excerpt, visible
from pytest_genaiops.store import proof
from pytest_genaiops.store.purge import Purged, left_in, purge_cache, purge_record
from pytest_genaiops.store.wanted import Wanted, folded

FOUND = 1
_SHORTEST = 4
"""Bytes of a text that is looked for: a shorter one is in every other word."""
_SHOWN = 5


def add(parser: ArgumentParser) -> None:
    """It takes what is to be removed, and further files that may hold it."""
    wanted = parser.add_mutually_exclusive_group(required=True)
    wanted.add_argument("--match", metavar="TEXT", help="every case, answer and reason that holds this text")
    wanted.add_argument("--id", metavar="ID", help="everything of the case with this id")
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="reports and exports, or folders of them")
    parser.add_argument("--dry-run", action="store_true", help="only say what would be removed")
    add_rootdir(parser)
    parser.epilog = (
        "Numbers stay, so that sizes and scores of earlier runs stay what they were. Datasets are searched, and never "
        "changed. Exits with 0 where all is proven clean, with 1 where something is left: it is named."
    )
    parser.set_defaults(run=_run)


def _run(arguments: Namespace) -> int:
    project, wanted, dry_run = project_of(arguments), _wanted(arguments), arguments.dry_run
    known = files.found_in(project, arguments.files)
    folder = project.root / project.settings.folder
    record = purge_record(folder, wanted, dry_run=dry_run)
    # What the record had of a case is looked for where nothing knows its id.
    wider = Wanted(texts=(*wanted.texts, *sorted(record.said)), id=wanted.id)
    answers = purge_cache(folder, wider, dry_run=dry_run)
    would = "would be " if dry_run else ""
    write(_of_databases(record, answers, would))
    trouble, touched = _in_files(project, known, wider, sorted(record.runs), dry_run=dry_run)
    write(_elsewhere(record, would))
    if not (record.cases or record.texts or answers or touched):
        write(paragraph(_nothing(wanted)))
    if dry_run:
        return 0
    return _proven(project, known, wider, trouble)


def _wanted(arguments: Namespace) -> Wanted:
    if arguments.id is not None:
        if not arguments.id:
            raise UsageError("--id is empty; give the id of a case")
        return Wanted(id=arguments.id)
    text = folded(arguments.match)
    # In bytes: a whole name has two characters in Chinese, Japanese and Korean, each as telling as a syllable.
    if len(text) < 2 or len(text.encode("utf-8", "surrogatepass")) < _SHORTEST:
        raise UsageError(f"--match {arguments.match!r} is in every other text; give {_SHORTEST} characters or more")
    return Wanted(texts=(text,))


def _of_databases(record: Purged, answers: int, would: str) -> Iterator[str]:
    if record.cases or record.texts:
        runs = f" of {_counted(len(record.runs), 'run')}" if record.runs else ""
        yield f"record: {_counted(record.cases, 'case')}{runs}, {_counted(record.texts, 'text')} {would}removed"
    if answers:
        yield f"cache: {_counted(answers, 'answer')} {would}removed"


def _in_files(
    project: Project, known: files.Files, wanted: Wanted, runs: Sequence[str], *, dry_run: bool
) -> tuple[dict[Path, str], int]:
    """Free files of the texts, telling what was done.

    Gives those with which that did not work, and why; and how many had something.
    """
    trouble: dict[Path, str] = {}
    touched = 0
    folder = project.root / project.settings.folder
    would = "would be " if dry_run else ""
    for path in (*known.cassettes, *known.baselines, *known.removable, *known.builds):
        try:
            if path in known.cassettes:
                done = files.of_cassette(path, wanted, dry_run=dry_run)
                what = f"{_counted(done, 'line')} {would}taken out" if done else ""
            elif path in known.baselines:
                done = renaming.of_baseline(path, wanted, dry_run=dry_run)
                what = f"{_counted(done, 'name')} {would}taken out, the numbers stay" if done else ""
            elif path in known.builds:
                what = _of_build(path, wanted, dry_run=dry_run)
            else:
                meant = path.exists() and proof.holds(path, Wanted(texts=(*wanted.texts, *map(folded, runs))))
                gone = path if dry_run or not meant else files.removed(path, folder)
                what = f"{would}removed{'' if gone == path else f' with all of {place(gone, project.root)}'}" * meant
        except UsageError as error:
            trouble[path] = str(error)
            continue
        touched += bool(what)
        write([f"{place(path, project.root)}: {what}"] if what else [])
    pages = [path for path in known.removable if path.suffix in (".html", ".md", ".json") and not path.exists()]
    write(["Reports are written anew from the record: genaiops report RUN"] if pages else [])
    return trouble, touched


def _of_build(build: Path, wanted: Wanted, *, dry_run: bool) -> str:
    why = builds.why_removed(build, wanted)
    if why and not dry_run:
        builds.remove_build(build)
    return f"{'would be ' if dry_run else ''}removed ({why}); it is made again when it is needed" if why else ""


def _nothing(wanted: Wanted) -> str:
    """What is said where nothing was found, so that a slip of the pen is not taken for a clean record."""
    if wanted.id is not None:
        return f"There is nothing to remove of a case with the id {quoted(wanted.id)}; ids are taken letter by letter."
    return f"There is nothing to remove that holds {quoted(wanted.texts[0])}."


def _elsewhere(record: Purged, would: str) -> Iterator[str]:
    if record.runs:
        named = sorted(record.runs)
        rest = f" and {len(named) - _SHOWN} more" if len(named) > _SHOWN else ""
        yield from paragraph(
            f"What was sent elsewhere is not reached: at an MLflow server, runs with the tag genaiops.run = "
            f"{', '.join(map(visible, named[:_SHOWN]))}{rest}; reports that were uploaded or mailed; backups"
        )


def _proven(project: Project, known: files.Files, wanted: Wanted, trouble: dict[Path, str]) -> int:
    """Look into every file once more, and say which are clean and which are not."""
    clean, size = 0, 0
    for path in dict.fromkeys(known.every()):
        if path in trouble or not path.exists():
            continue
        try:
            left = _left(path, wanted)
        except UsageError as error:
            left = str(error)
        if left and path in known.datasets:
            left = f"{left}; it is yours to edit, and its lock to write anew (genaiops lock)"
        elif left and path in known.exports:
            left = f"{left}; name it behind the command to have it removed"
        if left:
            trouble[path] = left
        else:
            clean, size = clean + 1, size + path.stat().st_size
    write([f"proven clean: {_counted(clean, 'file')}, {size / 1e6:,.1f} MB"])
    for path, why in trouble.items():
        write(paragraph(f"LEFT in {place(path, project.root)}: {excerpt(why, 300)}"))
    return FOUND if trouble else 0


def _left(path: Path, wanted: Wanted) -> str:
    """Why a file is not clean; empty where it is."""
    if files.is_aside(path):
        return "it was set aside because it cannot be read, so nothing is proven of it; remove it"
    if files.is_live(path):
        tables = left_in(path, wanted)
        if tables:
            return f"its {', '.join(tables)} still has it; if a session is running, purge again when it has ended"
    return "it holds the text" if proof.holds(path, wanted) else ""


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
