"""Real .prompty and flow.dag.yaml files, read from where the packages that ship them are installed.

They run in ``nox -s formats``; elsewhere the packages are missing, and the tests are skipped. What a file's messages
are is asked of prompty's own program.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Any

import pytest

from pytest_genaiops import variants
from pytest_genaiops.errors import VariantError
from pytest_genaiops.records import Case

PACKAGES = ("azure-ai-evaluation", "promptflow-evals", "promptflow-devkit", "prompty")


def installed(ending: str) -> list[Path]:
    found: list[Path] = []
    for package in PACKAGES:
        try:
            found += [Path(str(file.locate())) for file in files(package) or () if file.name.endswith(ending)]
        except PackageNotFoundError:
            continue
    return sorted(found)


PROMPTS, FLOWS = installed(".prompty"), installed("flow.dag.yaml")
MISSING = f"{', '.join(PACKAGES)} are not installed: nox -s formats"


def asked(path: Path) -> tuple[variants.Variant, dict[str, Any]]:
    """The variant of a file, and a row with a value for every name that its prompt uses."""
    (variant,) = variants.load_variants(path, root=path.parent)
    row: dict[str, Any] = dict(variant.sample.inputs) if variant.sample else {}
    while True:
        try:
            variant.messages(Case(id="c1", inputs=row))
        except VariantError as error:
            name = str(error).partition("uses the input '")[2].partition("'")[0]
            if not name or name in row:
                raise
            row[name] = f"<{name}>"
        else:
            return variant, row


def reference(path: Path, row: dict[str, Any]) -> list[dict[str, str]]:
    """What prompty's own program and Jinja2 make of a file; of version 1, its loader (2.1.0) takes the text only."""
    import yaml
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    text = pytest.importorskip("prompty.core.utils", reason=MISSING).load_prompty(path)["instructions"]
    parser = pytest.importorskip("prompty.parsers.prompty", reason=MISSING).PromptyChatParser()
    agent = pytest.importorskip("prompty.model", reason=MISSING).Agent()
    declared = yaml.safe_load(path.read_text(encoding="utf-8").split("---")[1]).get("inputs") or {}
    defaults = {name: told["default"] for name, told in declared.items() if "default" in told}
    rendered = ImmutableSandboxedEnvironment(keep_trailing_newline=True).from_string(text).render(defaults | row)
    return [{"role": m.role, "content": m.parts[0].value.strip()} for m in parser.parse(agent, rendered)]


@pytest.mark.skipif(not PROMPTS, reason=MISSING)
@pytest.mark.parametrize("path", PROMPTS, ids=[path.stem for path in PROMPTS])
def test_a_prompt_reads_as_its_own_program_reads_it(path: Path) -> None:
    variant, row = asked(path)
    found = [{**m, "content": m["content"].strip()} for m in variant.messages(Case(id="c1", inputs=row))]
    assert found == reference(path, row)
    assert "temperature" in variant.parameters


@pytest.mark.skipif(not FLOWS, reason=MISSING)
@pytest.mark.parametrize("path", FLOWS, ids=[path.parent.name for path in FLOWS])
def test_a_flow_is_read_or_says_why_not(path: Path) -> None:
    if path.parent.name == "evaluation_flow":
        with pytest.raises(VariantError, match="no node of the flow asks a model"):
            variants.load_variants(path, root=path.parent)
        return
    (variant,) = variants.load_variants(path, root=path.parent)
    assert variant.id == path.parent.name
    assert variant.messages(Case(id="c1", inputs={"text": "Hi"}))[-1]["role"] == "user"
