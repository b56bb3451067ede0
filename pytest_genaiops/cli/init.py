"""``genaiops init``: a first suite for a project that has none, which runs green as it is written."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from fnmatch import fnmatchcase
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

from pytest_genaiops.cli.output import write
from pytest_genaiops.cli.project import Project, project_at
from pytest_genaiops.dataset.text import printable
from pytest_genaiops.errors import UsageError
from pytest_genaiops.report.listing import paragraph, table

SUITE = "eval_suites/test_support_answers.py"
_IGNORED = b".genaiops/"
_SPELLINGS = (b".genaiops", b"/.genaiops", b"/.genaiops/", _IGNORED)


def add(parser: ArgumentParser) -> None:
    """The folder alone: nothing is asked, and nothing that is there is changed."""
    parser.add_argument("folder", metavar="DIR", nargs="?", default=".", help="the project's folder (default: this)")
    parser.set_defaults(run=_run)


def _run(arguments: Namespace) -> int:
    root = Path(os.path.abspath(arguments.folder))
    try:
        project = _project(root)
        texts = _texts(project)
        there = [name for name in texts if os.path.lexists(root / name)]
        if there:
            verb = "is" if len(there) == 1 else "are"
            mend = "remove or rename what is in the way, or name another folder"
            raise UsageError(f"nothing was written, for {_and(there)} {verb} there already; {mend}")
        ignored = _write(root, texts)
    except OSError as error:
        where, why = printable(str(error.filename or root)), error.strerror
        raise UsageError(f"nothing was written, for {where} does not allow it ({why}); name another folder") from None
    told = table(list(_told(texts, ignored=ignored)), indent=2)
    write(["Written:", *told, "", *_next(project, here=root == Path.cwd())])
    return 0


def _project(root: Path) -> Project:
    """The project that pytest sees in a folder, which must begin there, for that is where datasets are looked for."""
    if root.exists() and not root.is_dir():
        raise UsageError(f"{printable(str(root))} is not a folder; name one, or a new one")
    project = project_at(root)
    if project.root != root:
        above = printable(str(project.root))
        raise UsageError(
            f"for pytest {printable(root.name)}/ is a part of {above}, where datasets are looked for; run "
            f"`genaiops init {above}`, or make it a project of its own with an empty {printable(root.name)}/pytest.ini"
        )
    return project


def _texts(project: Project) -> Mapping[str, str]:
    """What is to be written: path below the root -> text."""
    templates = files("pytest_genaiops.cli") / "scaffold"
    sources = {
        f"{project.settings.datasets[0]}/support.jsonl": "support.jsonl",
        "variants/support/plain.yaml": "plain.yaml",
        "variants/support/friendly.yaml": "friendly.yaml",
        SUITE: "test_support_answers.py.txt",
    }
    marked = (project.root / "pyproject.toml").is_file() or (project.root / "setup.py").is_file()
    if project.config is None and not marked:
        sources["pytest.ini"] = "pytest.ini"
    return {path: (templates / name).read_text(encoding="utf-8") for path, name in sources.items()}


def _write(root: Path, texts: Mapping[str, str]) -> bool:
    """Write all of it or nothing; says whether git had to be told what to ignore. Raises OSError."""
    with ExitStack() as undo:
        for name, text in texts.items():
            path = root / name
            _make_folder(path.parent, undo)
            # Exclusive: what another program has made in this moment is not overwritten either.
            with path.open("x", encoding="utf-8", newline="\n") as file:
                undo.callback(path.unlink, missing_ok=True)
                file.write(text)
        ignored = _ignore(root / ".gitignore", undo)
        undo.pop_all()
    return ignored


def _make_folder(folder: Path, undo: ExitStack) -> None:
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    for each in reversed(missing):
        each.mkdir()
        undo.callback(each.rmdir)


def _ignore(path: Path, undo: ExitStack) -> bool:
    """Append the line that keeps the store out of git, unless the file has it."""
    found = path.read_bytes() if path.exists() else b""
    if any(line.strip() in _SPELLINGS for line in found.splitlines()):
        return False
    end = b"\r\n" if b"\r\n" in found else b"\n"
    undo.callback(partial(os.truncate, path, len(found)) if path.exists() else partial(path.unlink, missing_ok=True))
    with path.open("ab") as file:
        file.write((end if found and not found.endswith(b"\n") else b"") + _IGNORED + end)
    return True


def _told(texts: Mapping[str, str], *, ignored: bool) -> Iterator[tuple[str, str]]:
    data, *prompts, suite = (name for name in texts if name != "pytest.ini")
    yield data, "24 questions, two answers to each"
    yield from ((name, "a prompt, and the model it asks") for name in prompts)
    yield suite, "the tests; one of them is a gate"
    if "pytest.ini" in texts:
        yield "pytest.ini", "tells where the project begins"
    if ignored:
        yield ".gitignore", ".genaiops/ stays out of git"


def _next(project: Project, *, here: bool) -> Iterator[str]:
    go = "" if here else f"cd {printable(str(project.root))} && "
    yield "Next:"
    yield f"  1. Run it, without a key and without a network:  {go}pytest eval_suites"
    yield from _step("Spoil an answer in the dataset, and see the gate close.")
    yield "  2. Make it yours: rows in the dataset, prompts in variants/support."
    yield from _step(
        'With PROMPTS = "variants/support/*.yaml" in the test the models answer that the files name (here with the key '
        "in OPENAI_API_KEY); a fixture `target` in eval_suites/conftest.py lets your own code answer."
    )
    yield "  3. Let it guard merges: commit it, and have CI run pytest eval_suites."
    yield from _step("Its exit status is the gate. `genaiops doctor` says what is to be mended.")
    yield from _amiss(project)


def _step(text: str) -> list[str]:
    return paragraph(text, indent=5)


def _amiss(project: Project) -> Iterator[str]:
    """What in the user's own configuration keeps the suite from running; it is theirs to change."""
    file = printable(project.config.name) if project.config else ""
    paths, patterns = _words(project.keys.get("testpaths")), _words(project.keys.get("python_files"))
    if paths and not any(fnmatchcase("eval_suites", path.strip("./")) for path in paths):
        text = f"`pytest` alone runs what testpaths in {file} names; add eval_suites there to have this suite in it."
        yield from ("", *paragraph(text))
    if patterns and not any(fnmatchcase(Path(SUITE).name, pattern) for pattern in patterns):
        text = f"python_files in {file} leaves out test_*.py; add it there, or run pytest {SUITE}"
        yield from ("", *paragraph(text))


def _words(value: Any) -> list[str]:
    return value.split() if isinstance(value, str) else [str(each) for each in value or ()]


def _and(names: list[str]) -> str:
    return " and ".join([*([", ".join(map(printable, names[:-1]))] if names[1:] else []), printable(names[-1])])
