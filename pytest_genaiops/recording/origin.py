"""Where a run comes from: the commit, the command and the packages; nothing that names the machine or its user."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path, PurePath
from typing import Any

PACKAGES = (
    "pytest-genaiops", "pytest", "pytest-xdist", "numpy", "pandas", "sacrebleu", "rouge-score", "rouge-score-rs",
    "rapidfuzz", "nltk", "python-stdnum", "phonenumbers", "ragas", "evaluate", "azure-ai-evaluation", "bert-score",
    "torch", "transformers", "onnxruntime", "tokenizers",
)  # fmt: skip
"""What numbers depend on, where it is installed."""
PATIENCE = 5.0
"""Seconds for git to tell: it looks at every file that is tracked."""
_GIT = ("git", "-c", "core.fsmonitor=false", "status", "--porcelain=v2", "--branch", "--untracked-files=no")


def origin(root: Path) -> dict[str, Any]:
    """``git``, ``python`` and ``versions`` of a run that begins now."""
    return {"git": git(root), "python": platform.python_version(), "versions": versions()}


def versions() -> dict[str, str]:
    """Package -> version, of those that numbers depend on."""
    found: dict[str, str] = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def git(root: Path) -> dict[str, Any]:
    """``sha``, ``branch`` and ``dirty`` (whether a tracked file is changed); empty where there is none, or no git."""
    try:
        told = subprocess.run(  # noqa: S603 - our own arguments
            _GIT,
            cwd=root,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
            capture_output=True,
            timeout=PATIENCE,
            check=True,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.SubprocessError):
        return {}
    lines = told.stdout.decode("utf-8", "replace").splitlines()
    head = dict(line[2:].split(" ", 1) for line in lines if line.startswith("# branch."))
    sha, branch = head.get("branch.oid", ""), head.get("branch.head", "")
    dirty = any(line and not line.startswith("#") for line in lines)
    return {
        # Before the first commit, and where no branch is checked out, git says so in parentheses.
        "sha": "" if sha.startswith("(") else sha,
        "branch": "" if branch.startswith("(") else branch,
        "dirty": dirty,
    }


def command(name: str, arguments: Sequence[str], root: Path) -> list[str]:
    """A command line as it was given: paths below the root relative to it, of others the last name alone."""
    return [name, *(_shown(each, root) for each in arguments)]


def _shown(argument: str, root: Path) -> str:
    option, given, value = argument.partition("=")
    if given and option.startswith("-"):
        return f"{option}={_path(value, root)}"
    return _path(argument, root)


def _path(text: str, root: Path) -> str:
    path = PurePath(text)
    if text.startswith("~") or path.is_absolute():
        return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name
    return text
