"""Files to baselines; what is not as it was written is refused, with the field that differs."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from pytest_genaiops.baselines import layout
from pytest_genaiops.baselines.entry import FORMAT, Baseline, Entry, Section, Value, entry_key, name_of
from pytest_genaiops.baselines.rows import Rows, is_number
from pytest_genaiops.baselines.write import MAX_BYTES
from pytest_genaiops.errors import UsageError

MEND = "restore it from version control, or write it anew with --genaiops-update-baseline"
_CONFLICT = re.compile(r"^(<{7}|={7}|>{7}|\|{7})( |\r?$)", re.MULTILINE)
_SHOWN = 40
"""Characters of a wrong value that a message shows."""


def read(path: Path, *, shown: str) -> Baseline | None:
    """The baseline in a file; None where there is no such file.

    Args:
        path: of the file.
        shown: the path as messages name it.

    Raises:
        UsageError: the file cannot be read, is no baseline, or was edited by hand; names the field.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UsageError(f"{shown} is larger than {MAX_BYTES:,} bytes, which no baseline is; {MEND}")
        content = path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise UsageError(f"{shown} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{shown} is not UTF-8 text; {MEND}") from None
    return _File(shown).baseline(_parsed(content, shown))


def _parsed(content: str, shown: str) -> Any:
    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(found)
        if len(made) < len(found):
            names = [name for name, _ in found]
            twice = next(name for name in names if names.count(name) > 1)
            raise UsageError(f"{shown}: the key {twice!r} occurs twice; {MEND}")
        return made

    def constant(name: str) -> NoReturn:
        raise UsageError(f"{shown} holds {name}, which is no number; {MEND}")

    conflict = _CONFLICT.search(content)
    if conflict is not None:
        line = content.count("\n", 0, conflict.start()) + 1
        raise UsageError(
            f"{shown}:{line}: git left a merge conflict; take one side, or write the file anew with "
            "--genaiops-update-baseline"
        )
    try:
        return json.loads(content, object_pairs_hook=pairs, parse_constant=constant)
    except json.JSONDecodeError as error:
        ends = " (it ends too early)" if not content[error.pos :].strip() else ""
        raise UsageError(f"{shown}:{error.lineno}: no JSON{ends}: {error.msg}; {MEND}") from None
    except (RecursionError, ValueError):  # nested a thousand times, or a number of thousands of digits
        raise UsageError(f"{shown}: no baseline is nested so deeply or holds numbers so long; {MEND}") from None


class _File:
    """Checks the fields of one file; messages name it."""

    def __init__(self, shown: str) -> None:
        self.shown = shown

    def baseline(self, found: Any) -> Baseline:
        if not isinstance(found, dict) or "format" not in found:
            raise self.wrong("format", "is missing: this is no baseline")
        version = found["format"]
        if isinstance(version, bool) or version != FORMAT:
            raise UsageError(
                f"{self.shown}: format is {_brief(version)}, and this version reads {FORMAT}; install the version of "
                "pytest-genaiops that wrote the file, or write it anew with --genaiops-update-baseline"
            )
        self.fields(found, "", ("format", "suite", "checksum", "variants"))
        suite = self.text(found["suite"], "suite")
        variants = self.mapping(found["variants"], "variants")
        made = Baseline(suite=suite, entries={key: self.entry(suite, key, each) for key, each in variants.items()})
        self.same(found["checksum"], layout.head_checksum(made), "suite")
        return made

    def entry(self, suite: str, key: str, found: Any) -> Entry:
        where = f"variants.{key}"
        self.fields(found, where, ("variant", "dataset", "trials", "items", "checksum", "metrics"))
        for part, names in {"variant": ("id", "hash"), "dataset": ("name", "hash")}.items():
            self.fields(found[part], f"{where}.{part}", names)
            for name in names:
                self.text(found[part][name], f"{where}.{part}.{name}")
        trials = found["trials"]
        if isinstance(trials, bool) or not isinstance(trials, int) or trials < 1:
            raise self.wrong(f"{where}.trials", f"is {_brief(trials)}, not a number of trials")
        if found["items"] not in ("case", "dataset"):
            raise self.wrong(f"{where}.items", f'is {_brief(found["items"])}, neither "case" nor "dataset"')
        metrics = self.mapping(found["metrics"], f"{where}.metrics")
        entry = Entry(
            variant=found["variant"]["id"],
            variant_hash=found["variant"]["hash"],
            dataset=found["dataset"]["name"],
            dataset_hash=found["dataset"]["hash"],
            trials=trials,
            by_case=found["items"] == "case",
            metrics={name: self.section(suite, (key, name), each) for name, each in metrics.items()},
        )
        if not key.startswith(entry_key(entry.variant, "")):
            raise self.wrong(f"{where}.variant.id", f"is {_brief(entry.variant)}")
        self.same(found["checksum"], layout.entry_checksum(suite, key, entry), where)
        return entry

    def section(self, suite: str, place: tuple[str, str], found: Any) -> Section:
        key, name = place
        where = f"variants.{key}.metrics.{name}"
        self.fields(found, where, ("signature", "n", "scores", "checksum", "cases"))
        signature = self.text(found["signature"], f"{where}.signature")
        if name.partition(" ")[0] != name_of(signature).partition(" ")[0]:
            raise self.wrong(f"{where}.signature", f"is of {_brief(name_of(signature))}")
        scores = self.mapping(found["scores"], f"{where}.scores")
        section = Section(
            signature=signature,
            scores={each: self.value(value, f"{where}.scores.{each}") for each, value in scores.items()},
            rows=self.rows(found["cases"], f"{where}.cases"),
        )
        if found["n"] != len(section.rows):
            raise self.wrong(f"{where}.n", f"is {_brief(found['n'])}, and there are {len(section.rows)} cases")
        self.same(found["checksum"], layout.section_checksum(suite, f"{key}\n{name}", section), where)
        return section

    def value(self, found: Any, where: str) -> Value:
        self.fields(found, where, ("value", "scale", "better"))
        if not is_number(found["value"]):
            raise self.wrong(f"{where}.value", f"is {_brief(found['value'])}, not a finite number")
        scale = found["scale"]
        if not isinstance(scale, list) or len(scale) != 2 or not all(end is None or is_number(end) for end in scale):
            raise self.wrong(f"{where}.scale", f"is {_brief(scale)}, not two ends (null for none)")
        if found["better"] not in ("higher", "lower"):
            raise self.wrong(f"{where}.better", f'is {_brief(found["better"])}, neither "higher" nor "lower"')
        low, high = scale
        return Value(
            value=found["value"],
            scale=(-math.inf if low is None else low, math.inf if high is None else high),
            higher_is_better=found["better"] == "higher",
        )

    def rows(self, found: Any, where: str) -> Rows:
        if not isinstance(found, list) or not found:
            raise self.wrong(where, "is no list of cases")
        rows = Rows()
        for i, fields in enumerate(found):
            try:
                rows.append(fields)
            except UsageError as error:
                raise self.wrong(f"{where}[{i}]", str(error)) from None
        return rows

    def fields(self, found: Any, where: str, names: Sequence[str]) -> None:
        """Refuse what is no object with these fields."""
        known = self.mapping(found, where or "the file", empty=True)
        dot = f"{where}." if where else ""
        for name in names:
            if name not in known:
                raise self.wrong(f"{dot}{name}", "is missing")
        for name in known:
            if name not in names:
                raise self.wrong(f"{dot}{name}", "is no field of a baseline")

    def mapping(self, found: Any, where: str, *, empty: bool = False) -> Mapping[str, Any]:
        if not isinstance(found, dict) or not (found or empty):
            raise self.wrong(where, f"is {_brief(found)}, not an object with fields")
        return found

    def text(self, found: Any, where: str) -> str:
        if not isinstance(found, str):
            raise self.wrong(where, f"is {_brief(found)}, not text")
        return found

    def same(self, found: Any, computed: str, where: str) -> None:
        if found != computed:
            raise self.wrong(where, "was changed by hand or by a merge: its checksum does not fit")

    def wrong(self, where: str, why: str) -> UsageError:
        return UsageError(f"{self.shown}: {where} {why}; {MEND}")


def _brief(value: Any) -> str:
    if isinstance(value, dict):
        return "an object" if value else "empty"
    if isinstance(value, list):
        return "a list"
    shown = f"{value:.6g}" if isinstance(value, float) else "a long number" if _is_long(value) else repr(value)
    return shown if len(shown) <= _SHOWN else f"{shown[: _SHOWN - 3]}..."


def _is_long(value: Any) -> bool:
    return isinstance(value, int) and not is_number(value) and not isinstance(value, bool)
