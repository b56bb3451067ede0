"""The workflows of docs/ci do what docs/ci.md says: every step with a command is run, in order, in a project.

Only the step named ``Install`` is left out: what it would install is what the tests run with. Steps that use an action
have no command; what they hand on (folders, names of secrets) is looked at.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml  # noqa: TID253 - a test

from pytest_genaiops.cli import main
from pytest_genaiops.testing import FakeServer

RECIPES = Path(__file__).parents[2] / "docs" / "ci"
WORKFLOWS = sorted(path.name for path in RECIPES.glob("*.yml") if path.name != "azure-pipelines.yml")
KEY = "sk-of-this-test-0123456789abcdef"
SUITE = "eval_suites/test_support_answers.py"
PROGRAMS = {
    # With our plugin alone: to load all that tests need takes longer than the run.
    "pytest": f'PYTEST_DISABLE_PLUGIN_AUTOLOAD=1 exec "{sys.executable}" -m pytest -p genaiops "$@"',
    "genaiops": f'exec "{sys.executable}" -c "from pytest_genaiops.cli import main; raise SystemExit(main())" "$@"',
    # Where GitHub would be asked for a pull request, its arguments are noted.
    "gh": 'printf "%s\\n" "$@" > "$GH_NOTED"',
}


def recipe(name: str) -> dict[str, Any]:
    return yaml.safe_load((RECIPES / name).read_text(encoding="utf-8"))


def steps(name: str) -> list[dict[str, Any]]:
    tree = recipe(name)
    (job,) = tree.get("jobs", {"": tree}).values()
    return job["steps"]


@dataclass
class Machine:
    """A checkout on a machine of a CI service."""

    root: Path
    url: str
    noted: Path
    path: str
    answers: dict[str, str] = field(default_factory=dict)
    """Expression of the service -> its value."""

    def run(self, name: str, **variables: str) -> list[tuple[str, int, str]]:
        """Name, exit code and output of each command; after a failure only steps that ask for it run."""
        done: list[tuple[str, int, str]] = []
        for step in steps(name):
            command = step.get("run") or step.get("script")
            title = step.get("name") or step.get("displayName")
            wanted = step.get("if") or step.get("condition") or ""
            if command is None or title == "Install":
                continue
            if any(code for _, code, _ in done) and not re.search(r"cancelled\(\)|succeededOrFailed\(\)", wanted):
                continue
            if any(name in wanted and not value for name, value in self.answers.items()):
                continue
            if "Build.Reason" in wanted and ("eq(" in wanted) != (variables["BUILD_REASON"] == "Schedule"):
                continue
            code, output = self._shell(self._filled(command), step.get("env", {}), variables)
            done.append((title, code, output))
        return done

    def _shell(self, command: str, given: Mapping[str, str], variables: Mapping[str, str]) -> tuple[int, str]:
        """As GitHub and Azure run commands on Linux: a file for bash, which ends at the first failure."""
        service = {"CI": "true", "OPENAI_BASE_URL": self.url, "GH_NOTED": str(self.noted), "PATH": self.path}
        own = {key: value for key, value in os.environ.items() if not re.match("PYTEST|CI$|GITHUB|OPENAI", key)}
        step = {key: self._filled(value) for key, value in given.items()}
        script = self.noted.with_name("step.sh")
        script.write_text(command, encoding="utf-8")
        shell = subprocess.run(
            ["bash", "-e", str(script)],
            cwd=self.root,
            env={**own, **service, **variables, **step},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return shell.returncode, shell.stdout

    def _filled(self, text: str) -> str:
        """With the expressions of the service filled in; one that is not known here is a mistake in the recipe."""
        text = re.sub(r"\$\{\{\s*(.*?)\s*\}\}", lambda found: self.answers[found[1]], text)
        return re.sub(r"\$\(([\w.]+)\)", lambda found: self.answers[found[1]], text)

    def git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", "-c", "user.name=A", "-c", "user.email=a@example.org", *arguments],
            cwd=self.root,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout


@pytest.fixture(scope="module")
def model() -> Iterator[FakeServer]:
    """It quotes what it was given to read."""
    with FakeServer(lambda body: "Yes. " + body["messages"][0]["content"].splitlines()[-1]) as running:
        yield running


@pytest.fixture
def server(model: FakeServer) -> FakeServer:
    model.calls.clear()
    return model


@pytest.fixture
def machine(tmp_path: Path, server: FakeServer) -> Machine:
    """A project from ``genaiops init`` whose prompts are asked of a model, with its repository."""
    return begun(tmp_path, server)


@pytest.fixture(scope="module")
def merged(tmp_path_factory: pytest.TempPathFactory, model: FakeServer) -> tuple[Path, list[tuple[str, int, str]]]:
    """Where a baseline was proposed, and what the workflow's steps did; made once, for it takes seconds."""
    folder = tmp_path_factory.mktemp("merged")
    machine = begun(folder, model)
    done = propose(machine)
    shutil.rmtree(machine.root / ".genaiops")
    (machine.root / "pytest.ini").write_text("[pytest]\ngenaiops_cassette = eval_suites/answers.jsonl\n")
    return folder, done


@pytest.fixture
def settled(merged: tuple[Path, list[tuple[str, int, str]]], tmp_path: Path, server: FakeServer) -> Machine:
    """A project whose baseline was proposed and merged."""
    shutil.copytree(merged[0], tmp_path, dirs_exist_ok=True)
    shutil.rmtree(tmp_path / "checkout" / "reports", ignore_errors=True)
    return at(tmp_path, server)


def begun(folder: Path, server: FakeServer) -> Machine:
    machine = at(folder, server)
    assert main(["init", str(machine.root)]) == 0
    suite = machine.root / SUITE
    text = suite.read_text().replace('["plain", "friendly"]', '"variants/support/*.yaml"')
    suite.write_text(text.replace(', baseline="plain"', ""))  # compared with what is committed of them
    programs = folder / "bin"
    programs.mkdir()
    for name, line in PROGRAMS.items():
        (programs / name).write_text(f"#!/bin/sh\n{line}\n")
        (programs / name).chmod(0o755)
    subprocess.run(["git", "init", "--quiet", "--bare", str(folder / "origin")], check=True)
    machine.git("init", "--quiet", "--initial-branch=main")
    machine.git("remote", "add", "origin", "../origin")
    machine.git("add", ".")
    machine.git("commit", "--quiet", "--message", "A first suite")
    return machine


def at(folder: Path, server: FakeServer) -> Machine:
    root = folder / "checkout"
    known = {
        "secrets.OPENAI_API_KEY": KEY,
        "OPENAI_API_KEY": KEY,
        "steps.earlier.outputs.cache-matched-key": "",  # nothing was restored
        "github.token": "token-of-this-test",
        "inputs.reason": 'shorter answers; $(touch "broken")',
        "System.DefaultWorkingDirectory": str(root),
    }
    return Machine(root, server.url, folder / "gh.txt", f"{folder / 'bin'}:{os.environ['PATH']}", known)


def propose(machine: Machine) -> list[tuple[str, int, str]]:
    return machine.run("baseline.yml", GITHUB_ACTIONS="true", GITHUB_RUN_ID="17")


def reports(machine: Machine) -> set[str]:
    return {path.name for path in (machine.root / "reports").iterdir()}


@pytest.mark.parametrize("name", WORKFLOWS)
def test_actions_are_pinned_and_tokens_may_do_little(name: str) -> None:
    uses = [step["uses"] for step in steps(name) if "uses" in step]
    assert all(re.fullmatch(r"actions/[\w/-]+@v\d+", each) for each in uses)
    rights = recipe(name)["permissions"]
    assert rights["contents"] == ("write" if name == "baseline.yml" else "read")
    assert ("OPENAI_API_KEY" in (RECIPES / name).read_text()) == (name != "pull-request.yml")


@pytest.mark.parametrize("name", [*WORKFLOWS, "azure-pipelines.yml"])
def test_what_is_kept_is_what_the_commands_write(name: str) -> None:
    text = (RECIPES / name).read_text()
    written = set(re.findall(r"--(?:junitxml|genaiops-report)=([\w-]+)/", text))
    assert written == {"reports"}
    kept = re.findall(r"^ +(?:path|targetPath): ([\w.-]+)$", text, re.MULTILINE)
    assert set(kept) <= {"reports", ".genaiops"}
    assert name == "baseline.yml" or "reports" in kept


class TestPullRequest:
    NAME = "pull-request.yml"

    def test_answers_are_replayed_without_a_key_or_a_call(self, settled: Machine, server: FakeServer) -> None:
        summary = settled.noted.with_name("summary")
        done = settled.run(self.NAME, GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(summary))
        assert [(title, code) for title, code, _ in done] == [("Gate", 0)], done
        assert server.calls == []
        assert reports(settled) == {"junit.xml", "report.html", "report.json"}
        assert "groundedness" in summary.read_text()
        assert "<testcase" in (settled.root / "reports" / "junit.xml").read_text()
        assert json.loads((settled.root / "reports" / "report.json").read_text())["schema"].startswith("genaiops-")

    def test_a_prompt_without_answers_has_no_result(self, settled: Machine, server: FakeServer) -> None:
        prompt = settled.root / "variants/support/friendly.yaml"
        prompt.write_text(prompt.read_text().replace("friendly voice", "cheerful voice"))
        ((_, code, output),) = settled.run(self.NAME, GITHUB_ACTIONS="true")
        assert code == 69
        assert "no answer is kept for this request" in output
        assert server.calls == []
        assert reports(settled) == {"junit.xml", "report.html", "report.json"}

    def test_a_worse_answer_fails(self, settled: Machine) -> None:
        cassette = settled.root / "eval_suites/answers.jsonl"
        text = re.sub(
            r'("text": )"Yes\. (?!.*Norway)[^"]*"', r'\1"Certainly, whatever pleases everybody!"', cassette.read_text()
        )
        assert text != cassette.read_text()
        cassette.write_text(text)
        ((_, code, output),) = settled.run(self.NAME, GITHUB_ACTIONS="true")
        assert code == 1
        assert "not in the contexts" in output


class TestNightly:
    NAME = "nightly.yml"

    def test_models_are_asked_though_answers_are_kept(self, settled: Machine, server: FakeServer) -> None:
        done = settled.run(self.NAME, GITHUB_ACTIONS="true")
        ((title, code, output),) = done
        assert (title, code) == ("Ask the models", 0), done
        assert len(server.calls) == 48
        assert server.calls[0].headers["Authorization"] == f"Bearer {KEY}"
        assert reports(settled) == {"junit.xml", "report.html", "report.json"}
        kept = [path for path in (settled.root / ".genaiops").rglob("*") if path.is_file()]
        assert kept
        assert KEY not in output
        for path in (*kept, *(settled.root / "reports").iterdir()):
            assert KEY.encode() not in path.read_bytes(), path

    def test_the_second_night_is_held_against_the_first(self, settled: Machine) -> None:
        settled.run(self.NAME, GITHUB_ACTIONS="true")
        settled.answers |= {"steps.earlier.outputs.cache-matched-key": "genaiops-16", "secrets.OPENAI_API_KEY": ""}
        (_, (title, code, output)) = settled.run(self.NAME, GITHUB_ACTIONS="true")
        assert (title, code) == ("What changed since last night", 0)
        assert "groundedness" in output

    def test_a_key_that_is_not_there_is_no_worse_prompt(self, settled: Machine, server: FakeServer) -> None:
        settled.answers["secrets.OPENAI_API_KEY"] = ""
        ((_, code, output),) = settled.run(self.NAME, GITHUB_ACTIONS="true")
        assert code == 69
        assert "::warning title=No result::" in output
        assert server.calls == []


class TestBaseline:
    def test_scores_and_answers_are_proposed_for_review(
        self, merged: tuple[Path, list[tuple[str, int, str]]], settled: Machine
    ) -> None:
        assert [code for _, code, _ in merged[1]] == [0, 0], merged[1]
        proposed = settled.git("ls-tree", "-r", "--name-only", "origin/genaiops/baseline-17").split()
        assert "eval_suites/answers.jsonl" in proposed
        assert "eval_suites/baselines/test_support_answers/test_answers_are_grounded.json" in proposed
        assert not any(name.startswith((".genaiops", "reports")) for name in proposed)
        assert not (settled.root / "broken").exists()  # what somebody typed is text, not a command
        asked = settled.noted.read_text().splitlines()
        assert asked[:2] == ["pr", "create"]
        assert asked[asked.index("--title") + 1] == 'New baseline: shorter answers; $(touch "broken")'
        assert "reports/report.md" in asked

    def test_a_suite_that_fails_proposes_nothing(self, machine: Machine, server: FakeServer) -> None:
        machine.answers["secrets.OPENAI_API_KEY"] = ""
        ((_, code, _),) = propose(machine)
        assert code == 69
        assert server.calls == []
        assert not machine.noted.exists()


class TestAzure:
    NAME = "azure-pipelines.yml"

    def test_a_pull_request_replays(self, settled: Machine, server: FakeServer) -> None:
        done = settled.run(self.NAME, BUILD_REASON="PullRequest", TF_BUILD="True")
        assert [(title, code) for title, code, _ in done] == [("Gate", 0), ("Show the summary", 0)], done
        assert server.calls == []
        assert reports(settled) == {"junit.xml", "report.html", "report.md"}
        shown = done[-1][2].strip().removeprefix("##vso[task.uploadsummary]")
        assert Path(shown).is_file()

    def test_at_night_models_are_asked(self, settled: Machine, server: FakeServer) -> None:
        done = settled.run(self.NAME, BUILD_REASON="Schedule", TF_BUILD="True")
        assert [title for title, _, _ in done] == ["Ask the models", "Show the summary"]
        assert len(server.calls) == 48
