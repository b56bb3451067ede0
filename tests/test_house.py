"""The house rules, read from the source itself."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from pytest_genaiops import registry
from pytest_genaiops.plugin import hooks

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "pytest_genaiops"
MODULES = sorted(PACKAGE.rglob("*.py"))
HEAVY = {
    "aiohttp", "azure", "bert_score", "datasets", "evaluate", "jinja2", "jmespath", "nltk", "numpy", "onnxruntime",
    "pandas", "phonenumbers", "pyarrow", "ragas", "rapidfuzz", "rouge_score", "rouge_score_rs", "sacrebleu", "scipy",
    "sklearn", "stdnum", "tokenizers", "torch", "transformers", "yaml",
}  # fmt: skip
NEVER = {"scipy", "sklearn", "statsmodels"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def place(path: Path, node: ast.AST) -> str:
    return f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"


def everywhere(*kinds: type[ast.AST]) -> Iterator[tuple[Path, ast.AST]]:
    for path in MODULES:
        for node in ast.walk(tree(path)):
            if isinstance(node, kinds):
                yield path, node


def imported(node: ast.AST) -> set[str]:
    """Top names of the packages that an import statement loads."""
    if isinstance(node, ast.Import):
        return {alias.name.partition(".")[0] for alias in node.names}
    if isinstance(node, ast.ImportFrom) and not node.level:
        return {(node.module or "").partition(".")[0]}
    return set()


def at_import(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements that run when the module is loaded: not those of functions, nor of type checking alone."""
    for node in body:
        if isinstance(node, Function) or (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)):
            continue
        yield node
        for field in ("body", "orelse", "finalbody"):
            yield from at_import(getattr(node, field, []))


def test_modules_have_at_most_400_lines() -> None:
    lengths = {str(path.relative_to(ROOT)): len(path.read_text("utf-8").splitlines()) for path in MODULES}
    assert {path: length for path, length in lengths.items() if length > 400} == {}


def test_the_hooks_module_has_at_most_150_lines() -> None:
    lines = (PACKAGE / "plugin/hooks.py").read_text("utf-8").count("\n")
    assert lines <= 150


def test_functions_have_at_most_40_lines() -> None:
    long = [
        f"{place(path, node)} {node.name}: {node.end_lineno - node.lineno + 1} lines"
        for path, node in everywhere(ast.FunctionDef, ast.AsyncFunctionDef)
        if isinstance(node, Function) and node.end_lineno and node.end_lineno - node.lineno >= 40
    ]
    assert long == []


def test_functions_take_at_most_6_parameters() -> None:
    wide = []
    for path, node in everywhere(ast.FunctionDef, ast.AsyncFunctionDef):
        assert isinstance(node, Function)
        given = node.args
        names = [each.arg for each in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
        count = len(names) - (bool(names) and names[0] in ("self", "cls"))
        if count > 6:
            wide.append(f"{place(path, node)} {node.name}: {count}")
    assert wide == []


def test_nothing_is_printed() -> None:
    calls = [
        place(path, node)
        for path, node in everywhere(ast.Call)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert calls == []


def test_there_is_no_global_state() -> None:
    assert [place(path, node) for path, node in everywhere(ast.Global)] == []


def test_exceptions_are_caught_by_name_except_in_the_guard() -> None:
    broad, by_argument = [], []
    for path, node in everywhere(ast.ExceptHandler):
        assert isinstance(node, ast.ExceptHandler)
        kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
        names = [kind.id for kind in kinds if isinstance(kind, ast.Name)]
        if node.type is None or {"Exception", "BaseException"} & set(names):
            broad.append(place(path, node))
        if any(name.islower() for name in names):
            by_argument.append(path.relative_to(PACKAGE).as_posix())
    assert broad == []
    assert by_argument == ["run/guard.py"]


def test_the_data_folder_holds_no_code() -> None:
    assert list((ROOT / "datasets").rglob("*.py")) == [], "a .py here would shadow Hugging Face's package `datasets`"


def test_only_the_plugin_room_knows_pytest() -> None:
    knowing = {
        path.relative_to(PACKAGE).parts[0]
        for path, node in everywhere(ast.Import, ast.ImportFrom)
        if imported(node) & {"pytest", "_pytest", "pluggy", "xdist"}
    }
    assert knowing == {"plugin"}


def test_heavy_packages_are_imported_where_they_are_used() -> None:
    early = [place(path, node) for path in MODULES for node in at_import(tree(path).body) if imported(node) & HEAVY]
    assert early == []


def test_oracles_of_the_tests_are_never_imported() -> None:
    assert [place(path, node) for path, node in everywhere(ast.Import, ast.ImportFrom) if imported(node) & NEVER] == []


def test_rooms_import_in_one_direction() -> None:
    command = shutil.which("lint-imports", path=str(Path(sys.executable).parent)) or shutil.which("lint-imports")
    if command is None:
        pytest.skip("import-linter is not installed: python -m pip install import-linter")
    done = subprocess.run([command, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_every_metric_has_a_fixture_and_every_fixture_a_metric() -> None:
    assert sorted(hooks.METRICS) == sorted(registry.METRICS)


def test_metrics_are_registered_under_their_own_names() -> None:
    assert {name: registry.metric_class(name).name for name in registry.METRICS} == {n: n for n in registry.METRICS}


def test_change_notes_are_named_by_kind() -> None:
    folder = ROOT / "changelog.d"
    if not folder.is_dir():
        pytest.skip("this checkout has no changelog.d folder")
    pattern = re.compile(r"[a-z0-9][a-z0-9-]*\.(added|changed|fixed)\.md")
    names = [path.name for path in folder.iterdir() if path.name != "README.md" and not path.name.startswith(".")]
    assert [name for name in names if not pattern.fullmatch(name)] == []
