"""`genaiops doctor`: what is installed, what is found, and what is to be mended."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from email.message import Message
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from pytest_genaiops.cli import installed, main

Doctor = Callable[..., tuple[int, str]]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A sound project, and an environment without anything that matters."""
    for name in ("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "PYTHONDONTWRITEBYTECODE", "OPENAI_API_KEY", "AZURE_OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    write(tmp_path, "pytest.ini", "[pytest]\n")
    write(tmp_path, "datasets/support.jsonl", json.dumps({"id": "a", "question": "When?", "reference": "Now."}) + "\n")
    write(tmp_path, "prompts/rag/v1.yaml", "blocks: {instructions: 'Answer {{ question }}'}\n")
    return tmp_path


def write(root: Path, name: str, text: str) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text, encoding="utf-8")


@pytest.fixture
def doctor(project: Path, capsys: pytest.CaptureFixture[str]) -> Doctor:
    """Exit code, and what was printed with single spaces: a sentence may be broken anywhere."""

    def run(*arguments: str) -> tuple[int, str]:
        code = main(["doctor", *arguments])
        output = capsys.readouterr()
        assert output.err == ""
        assert [line for line in output.out.splitlines() if len(line) > 80 and "/" not in line] == []
        return code, " ".join(output.out.split())

    return run


def test_a_sound_project(doctor: Doctor, project: Path) -> None:
    code, text = doctor()
    assert code == 0
    assert text.endswith("nothing to mend")
    assert f"rootdir {project} configuration pytest.ini datasets in datasets/" in text
    assert "Datasets support 1 row, not locked" in text
    assert "Variants prompts/rag/ 'v1'" in text
    assert f"pytest {pytest.__version__}" in text
    assert "OPENAI_API_KEY absent" in text
    assert "!" not in text


def test_an_empty_folder_is_no_fault(
    tmp_path_factory: pytest.TempPathFactory, doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("empty"))
    code, text = doctor()
    assert code == 0
    assert "configuration none" in text
    assert "Datasets none Variants none" in text


class TestDatasets:
    def test_a_broken_one_is_named_with_its_line_and_hides_no_other(self, doctor: Doctor, project: Path) -> None:
        write(project, "datasets/broken.jsonl", '{"id": "a"}\n{"id": "a"}\n')
        code, text = doctor()
        assert code == 1
        assert "! broken datasets/broken.jsonl:2: id 'a' is already the id of datasets/broken.jsonl:1" in text
        assert "support 1 row" in text
        assert text.endswith("1 to mend, marked with !")

    def test_a_locked_one(self, doctor: Doctor, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["lock"]) == 0
        capsys.readouterr()
        assert "support 1 row, locked" in doctor()[1]
        write(project, "datasets/support.jsonl", json.dumps({"id": "b", "question": "Why?"}) + "\n")
        code, text = doctor()
        assert code == 1
        assert "! support " in text

    def test_recorded_systems_and_splits(self, doctor: Doctor, project: Path) -> None:
        write(project, "datasets/said.jsonl", json.dumps({"id": "a", "responses": {"gpt": "x", "mine": "y"}}) + "\n")
        assert "said 1 row, not locked, recorded: 'gpt', 'mine'" in doctor()[1]

    def test_in_other_folders(self, doctor: Doctor, project: Path) -> None:
        write(project, "pytest.ini", "[pytest]\ngenaiops_datasets = data\n    more\n")
        write(project, "more/other.csv", "id,question\n1,x\n2,y\n")
        text = doctor()[1]
        assert "datasets in data/ or more/" in text
        assert "Datasets other 2 rows, not locked" in text

    def test_of_another_rootdir(self, doctor: Doctor, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(project.parent)
        code, text = doctor("--rootdir", str(project))
        assert code == 0
        assert "support 1 row" in text


class TestVariants:
    def test_a_broken_one_is_named_with_its_line(self, doctor: Doctor, project: Path) -> None:
        write(project, "prompts/rag/v2.yaml", "\nblokcs: {instructions: Hello}\n")
        code, text = doctor()
        assert code == 1
        assert "! prompts/rag/v2.yaml prompts/rag/v2.yaml:2: unknown key 'blokcs' (did you mean 'blocks'?)" in text
        assert "prompts/rag/ 'v1'" in text

    def test_one_whose_inputs_no_dataset_has_is_told_of_but_may_have_another_dataset(
        self, doctor: Doctor, project: Path
    ) -> None:
        write(project, "variants/v2.yaml", "blocks: {instructions: 'About {{ topic }}'}\n")
        code, text = doctor()
        assert code == 0
        assert "variants/v2.yaml fits no dataset here; in the first, variants/v2.yaml:1" in text
        assert "'topic'" in text

    def test_prompty_files_and_flows_are_found_anywhere(self, doctor: Doctor, project: Path) -> None:
        write(project, "src/app/ask.prompty", "---\nname: ask\n---\nsystem:\nAnswer.\n\nuser:\n{{question}}\n")
        write(project, "src/app/settings.yaml", "neither: a variant\n")
        write(project, "flows/chat/flow.dag.yaml", "inputs: {}\noutputs: {}\nnodes: [\n")
        write(project, "flows/chat/connection.yaml", "neither: a variant\n")
        code, text = doctor()
        assert code == 1
        assert "src/app/ 'ask'" in text
        assert "! flows/chat/flow.dag.yaml flows/chat/flow.dag.yaml:" in text
        assert "settings.yaml" not in text
        assert "connection.yaml" not in text

    def test_installed_packages_and_hidden_folders_are_not_looked_through(self, doctor: Doctor, project: Path) -> None:
        for folder in (".git/variants", "node_modules/x/prompts", "env/lib/prompts", "lib/site-packages/prompts"):
            write(project, f"{folder}/bad.yaml", "nonsense: [\n")
        write(project, "env/pyvenv.cfg", "")
        assert doctor()[0] == 0


class TestKeys:
    def test_there_or_not_and_never_their_content(
        self, doctor: Doctor, project: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for number, name in enumerate(("MY_KEY", "OTHER_KEY", "BLANK_KEY", "PADDED_KEY")):
            write(project, f"variants/n{number}.yaml", f"model: {{name: m, api_key_env: {name}}}\n")
        monkeypatch.setenv("MY_KEY", "hunter2")
        monkeypatch.setenv("BLANK_KEY", "  ")
        monkeypatch.setenv("PADDED_KEY", "hunter2\n")
        monkeypatch.setenv("OPENAI_API_KEY", "hunter2")
        code, text = doctor()
        assert code == 0
        assert "hunter2" not in text
        assert "MY_KEY present, named by variants/n0.yaml" in text
        assert "OTHER_KEY absent, named by variants/n1.yaml" in text
        assert "BLANK_KEY empty, named by" in text
        assert "PADDED_KEY present, but with white space at an end" in text
        assert "OPENAI_API_KEY present" in text

    def test_those_that_a_prompty_file_takes_from_the_environment(self, doctor: Doctor, project: Path) -> None:
        write(
            project,
            "ask.prompty",
            "---\nname: ask\nmodel:\n  api: chat\n  configuration:\n    type: azure_openai\n"
            "    azure_endpoint: ${env:SHOP_ENDPOINT}\n    api_key: ${env:SHOP_KEY}\n---\nuser:\n{{question}}\n",
        )
        text = doctor()[1]
        assert "SHOP_ENDPOINT absent, named by ask.prompty" in text
        assert "SHOP_KEY absent, named by ask.prompty" in text

    def test_a_key_in_the_place_of_its_name_is_not_shown(self, doctor: Doctor, project: Path) -> None:
        write(project, "variants/v2.yaml", "model: {name: m, api_key_env: sk-hunter2}\n")
        code, text = doctor()
        assert code == 1
        assert "hunter2" not in text
        assert "! a name named by variants/v2.yaml is no usual name of a variable, and not shown" in text


class TestInstallation:
    REQUIREMENTS = (
        "pandas<4,>=2.2",
        "jinja2>=3.1",
        "pyyaml>=6",
        "tokens[fast]>=1; extra == 'tok'",
        "absent>=1; extra == 'hf'",
        "windows-only; sys_platform == 'no-such-system'",
    )

    @pytest.fixture(autouse=True)
    def packages(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        versions = {"pytest-genaiops": "0.1.0", "pandas": "1.5.3", "pyyaml": "6.0.1", "tokens": "1.2"}

        def version(name: str) -> str:
            if name not in versions:
                raise PackageNotFoundError(name)
            return versions[name]

        def requires(name: str) -> list[str]:
            return list(self.REQUIREMENTS) if name == "pytest-genaiops" else ["rusty; extra == 'fast'", "plain"]

        page = Message()
        for extra in ("tok", "hf", "none"):
            page["Provides-Extra"] = extra
        monkeypatch.setattr(installed, "version", version)
        monkeypatch.setattr(installed, "requires", requires)
        monkeypatch.setattr(installed, "metadata", lambda name: page)
        monkeypatch.setattr(installed, "_SOURCES", tmp_path)

    def test_what_does_not_fit_or_is_missing(self, doctor: Doctor) -> None:
        code, text = doctor()
        assert code == 1
        assert (
            '! pandas lacks pandas <4,>=2.2 (1.5.3 is installed): python -m pip install "pandas<4,>=2.2" '
            '! jinja2 lacks jinja2: python -m pip install "jinja2>=3.1" pyyaml 6.0.1'
        ) in text
        assert "windows-only" not in text
        assert text.endswith("2 to mend, marked with !")

    def test_extras_say_what_they_lack_down_to_extras_of_packages(self, doctor: Doctor) -> None:
        text = doctor()[1]
        assert 'Extras: python -m pip install "pytest-genaiops[NAME]" hf not installed' in text
        assert "hf not installed: lacks absent none installed tok not installed: lacks rusty" in text

    def test_extras_that_came_after_an_editable_installation(
        self, doctor: Doctor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        extras = '[project.optional-dependencies]\nnone = []\nlater = ["later-one>=2"]\nsoon = ["tokens"]\n'
        write(tmp_path, "checkout/pyproject.toml", f'[project]\nname = "pytest-genaiops"\n{extras}')
        monkeypatch.setattr(installed, "_SOURCES", tmp_path / "checkout")
        monkeypatch.setattr(installed, "metadata", lambda name: Message())  # from before there were any
        text = doctor()[1]
        assert "later not installed: lacks later-one none installed soon installed" in text
        assert "knows nothing of 'later', 'none', 'soon', which came later: python -m pip install -e" in text


class TestConflicts:
    @pytest.mark.parametrize("name", ["datasets/__init__.py", "datasets.py"])
    def test_code_that_shadows_hugging_faces_package(self, doctor: Doctor, project: Path, name: str) -> None:
        write(project, name, "")
        code, text = doctor()
        assert code == 1
        assert f"! {name} would be imported instead of Hugging Face's package `datasets`" in text

    def test_other_code_among_the_data_is_told_of(self, doctor: Doctor, project: Path) -> None:
        write(project, "datasets/make.py", "")
        code, text = doctor()
        assert code == 0
        assert "datasets/ holds code ('make.py'); it is for data only" in text

    def test_environment_variables(self, doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
        monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
        code, text = doctor()
        assert code == 1
        assert "! PYTEST_DISABLE_PLUGIN_AUTOLOAD is set: pytest loads the plugin only with -p genaiops" in text
        assert "PYTHONDONTWRITEBYTECODE is set" in text

    def test_plugins_older_than_any_that_was_tried(self, doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
        class Distribution:
            name, version = "pytest-xdist", "3.5.0"

        class Point:
            dist = Distribution()

        monkeypatch.setattr(installed, "entry_points", lambda group: [Point()])
        code, text = doctor()
        assert code == 1
        assert (
            '! pytest-xdist 3.5.0; 3.6 is the oldest that was tried: python -m pip install "pytest-xdist>=3.6"' in text
        )


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
class TestGit:
    def test_what_runs_leave_behind_should_be_ignored(self, doctor: Doctor, project: Path) -> None:
        (project / ".genaiops").mkdir()
        assert ".genaiops/" not in doctor()[1], "a project without git has nothing to keep it out of"
        subprocess.run(["git", "init", "--quiet", str(project)], check=True)
        code, text = doctor()
        assert code == 1
        assert "! .genaiops/ not ignored by git; add the line .genaiops/ to .gitignore" in text
        write(project, ".gitignore", ".genaiops/\n")
        code, text = doctor()
        assert code == 0
        assert ".genaiops/ ignored by git" in text
