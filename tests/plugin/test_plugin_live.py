"""Suites whose variants name a model: asked over HTTP, once, with what that took in the summary."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from io import StringIO
from types import SimpleNamespace
from typing import Any

import pytest
from inner import CITIES, Project

from pytest_genaiops.clients.ledger import Totals
from pytest_genaiops.plugin.progress import Progress
from pytest_genaiops.testing import FakeServer

VARIANT = """
    model: {name: small, base_url: "${env:LLM_URL}"}
    parameters: {max_tokens: 20}
    blocks: {instructions: Answer in %s.}
"""
CLI = "import sys; from pytest_genaiops.cli import main; sys.exit(main())"
CHAIN = """
    model: {name: small, base_url: "${env:LLM_URL}"}
    steps:
      - {id: draft, user: "{{ question }}"}
      - {id: revise, user: "Mend this: {{ steps.draft.output }}"}
"""


def knows(body: dict[str, Any]) -> str:
    """The capital that the last message asks for."""
    asked = body["messages"][-1]["content"]
    return next((CITIES[key] for key, country in COUNTRIES.items() if country in asked), asked)


COUNTRIES = {"c1": "France", "c2": "Italy", "c3": "Spain", "c4": "Austria"}


@pytest.fixture
def live(project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Project, FakeServer]]:
    """A project without a target, whose variants name a model on a server that knows every capital."""
    (project.path / "conftest.py").unlink()
    project.write("variants/v1.yaml", VARIANT % "one word")
    project.write("variants/v2.yaml", VARIANT % "a word")
    with FakeServer(answer=knows) as server:
        monkeypatch.setenv("LLM_URL", server.url)
        yield project, server


def run(project: Project, *options: str) -> pytest.RunResult:
    return project.pytester.runpytest("-p", "pytest_genaiops.plugin.hooks", *options)


class TestModels:
    def test_the_model_that_a_variant_names_answers(self, live: tuple[Project, FakeServer]) -> None:
        project, server = live
        project.whole('variants="variants/*.yaml"')
        result = run(project)
        result.assert_outcomes(passed=2)
        assert len(server.calls) == 8
        assert {call.body["messages"][0]["content"] for call in server.calls} == {
            "Answer in one word.",
            "Answer in a word.",
        }
        assert re.search(r"^8 calls of models; \d+ tokens in, 8 out$", result.stdout.str(), re.MULTILINE)

    def test_one_item_per_case_and_trials(self, live: tuple[Project, FakeServer]) -> None:
        project, server = live
        project.by_case('variants="variants/v1.yaml", trials=2, pass_rate=0.9')
        run(project).assert_outcomes(passed=9)
        assert len(server.calls) == 8

    def test_a_second_session_calls_nothing(self, live: tuple[Project, FakeServer]) -> None:
        project, server = live
        project.whole('variants="variants/*.yaml"')
        run(project)
        result = run(project)
        result.assert_outcomes(passed=2)
        result.stdout.fnmatch_lines(["0 calls of models; 8 answers kept from earlier sessions"])
        assert len(server.calls) == 8

    def test_a_changed_prompt_is_called_and_the_rest_is_not(self, live: tuple[Project, FakeServer]) -> None:
        project, server = live
        project.whole('variants="variants/*.yaml"')
        run(project)
        project.write("variants/v2.yaml", VARIANT % "one short word")
        run(project).stdout.fnmatch_lines(["4 calls of models; *; 4 answers kept from earlier sessions"])
        assert len(server.calls) == 12

    def test_every_step_of_a_chain_is_a_call(self, live: tuple[Project, FakeServer]) -> None:
        project, server = live
        project.write("variants/v2.yaml", CHAIN)
        project.suite(
            """
            import pytest

            @pytest.mark.genaiops(dataset="capitals", variants="variants/v2.yaml")
            def test_steps(response, case):
                draft, revise = response.steps
                assert draft.output == case.reference
                assert revise.messages[0]["content"] == f"Mend this: {case.reference}"
                assert revise.deployment == revise.model == "small"
                assert response.usage["output_tokens"] == draft.usage["output_tokens"] + revise.usage["output_tokens"]
            """
        )
        run(project).assert_outcomes(passed=4)
        assert len(server.calls) == 8

    def test_a_target_may_ask_the_model_about_passages_of_its_own(self, live: tuple[Project, FakeServer]) -> None:
        project, server = live
        project.write(
            "conftest.py",
            """
            import dataclasses
            import pytest
            from pytest_genaiops.targets import model_target

            @pytest.fixture(scope="session")
            def target():
                async def answer(case, variant):
                    passages = (f"A passage about {case.id}.",)
                    response = await model_target(dataclasses.replace(case, contexts=passages), variant)
                    return dataclasses.replace(response, contexts=passages)

                return answer
            """,
        )
        prompt = "instructions: \"{{ contexts | join(' ') }}\""
        project.write("variants/v1.yaml", f'model: {{name: small, base_url: "${{env:LLM_URL}}"}}\nblocks: {{{prompt}}}')
        project.suite(
            """
            import pytest

            @pytest.mark.genaiops(dataset="capitals", variants="variants/v1.yaml")
            def test_passages(response, case):
                assert response.contexts == (f"A passage about {case.id}.",)
            """
        )
        run(project).assert_outcomes(passed=4)
        assert server.calls[0].body["messages"][0]["content"].startswith("A passage about c")
        run(project).assert_outcomes(passed=4)
        assert len(server.calls) == 4

    def test_recorded_responses_come_first(self, live: tuple[Project, FakeServer]) -> None:
        project, server = live
        project.dataset([{"id": "c1", "question": "?", "reference": "Paris", "responses": {"v1": "Paris"}}])
        project.whole()
        run(project).assert_outcomes(passed=1)
        assert not server.calls

    def test_variants_beside_recorded_systems_are_asked(self, live: tuple[Project, FakeServer]) -> None:
        project, server = live
        rows = [{"id": "c1", "question": "Of France?", "reference": "Paris", "responses": {"old": "Lyon"}}]
        project.dataset(rows)
        project.whole('variants="variants/*.yaml"')
        run(project).assert_outcomes(passed=2)
        assert len(server.calls) == 2

    def test_neither_record_nor_model_nor_target(self, project: Project) -> None:
        (project.path / "conftest.py").unlink()
        project.write("variants/v1.yaml", "blocks: {instructions: Answer.}")
        project.whole('variants="variants/v1.yaml"')
        result = run(project)
        assert result.ret != pytest.ExitCode.OK
        result.stdout.fnmatch_lines(["*nothing answers the cases of 'capitals': override the `target` fixture*"])

    def test_a_model_that_cannot_be_asked_is_refused_at_collection(self, project: Project) -> None:
        (project.path / "conftest.py").unlink()
        project.write("variants/v1.yaml", 'model: {name: small, base_url: "ftp://x"}')
        project.whole('variants="variants/v1.yaml"')
        run(project).stdout.fnmatch_lines(["*variants/v1.yaml*ftp*"])

    @pytest.mark.parametrize("options", [[], ["--genaiops-max-tokens=1000"], ["--genaiops-cache=only"]])
    def test_an_address_that_is_not_set_is_an_error_of_every_case(
        self, live: tuple[Project, FakeServer], monkeypatch: pytest.MonkeyPatch, options: list[str]
    ) -> None:
        project, _ = live
        monkeypatch.delenv("LLM_URL")
        project.whole('variants="variants/*.yaml"')
        result = run(project, *options)
        result.assert_outcomes(failed=2)  # both variants: the second must not wait for what the first has queued
        result.stdout.fnmatch_lines(["*c1: target: *LLM_URL*is not set*"])


class TestBudget:
    def test_nothing_is_called_past_it(self, live: tuple[Project, FakeServer]) -> None:
        project, server = live
        project.whole('variants="variants/v1.yaml"')
        result = run(project, "--genaiops-max-tokens=1")
        result.assert_outcomes(failed=1)
        assert not server.calls
        result.stdout.fnmatch_lines(["*budget*", "budget: 4 calls not made"])

    def test_money_needs_prices(self, live: tuple[Project, FakeServer]) -> None:
        project, server = live
        project.whole('variants="variants/v1.yaml"')
        run(project, "--genaiops-max-cost=1").stdout.fnmatch_lines(["*small*genaiops_prices*"])
        assert not server.calls
        project.write("pytest.ini", "[pytest]\ngenaiops_prices =\n    small: input 1, output 2\n")
        result = run(project, "--genaiops-max-cost=1")
        result.assert_outcomes(passed=1)
        result.stdout.fnmatch_lines(["4 calls of models; 40 tokens in, 4 out; cost 0.000048"])

    def test_the_estimate_goes_by_earlier_answers(self, live: tuple[Project, FakeServer]) -> None:
        project, _ = live
        project.whole('variants="variants/v1.yaml"')
        first = run(project, "--genaiops-max-tokens=1000")
        first.stdout.fnmatch_lines(
            ["genaiops: 4 calls of models ahead; no earlier answers to tell what they will take"]
        )
        project.write("variants/v1.yaml", VARIANT % "one")
        again = run(project, "--genaiops-max-tokens=1000")
        again.stdout.fnmatch_lines(["genaiops: 4 calls of models ahead, about * tokens, going by 4 earlier answers"])

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            (["--genaiops-max-tokens=0"], "--genaiops-max-tokens=0: give a number above 0"),
            (["--genaiops-max-cost=-1"], "--genaiops-max-cost=-1.0: give a number above 0"),
            (["-o", "genaiops_cache=perhaps"], "ini key genaiops_cache=perhaps: give one of use, refresh, only, off"),
            (["-o", "genaiops_prices=small"], "*genaiops_prices: line 1: *"),
            (["--genaiops-cache=only", "--genaiops-cassette=nowhere.jsonl"], "*nowhere.jsonl*"),
        ],
    )
    def test_options_that_make_no_sense(self, project: Project, options: list[str], message: str) -> None:
        project.whole()
        result = run(project, *options)
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        assert re.search(re.escape(message).replace(r"\*", ".*"), result.stderr.str() + result.stdout.str())


class TestCassette:
    def test_replayed_without_a_server(self, live: tuple[Project, FakeServer], monkeypatch: pytest.MonkeyPatch) -> None:
        project, server = live
        project.whole('variants="variants/v1.yaml"')
        run(project)
        done = project.pytester.run(sys.executable, "-c", CLI, "cache", "export", "answers.jsonl")
        assert done.ret == 0
        lines = (project.path / "answers.jsonl").read_text().splitlines()
        assert [json.loads(line)["case"] for line in lines] == ["c1", "c2", "c3", "c4"]
        for file in (project.path / ".genaiops").iterdir():
            file.unlink()
        (project.path / ".genaiops").rmdir()
        result = run(project, "--genaiops-cache=only", "--genaiops-cassette=answers.jsonl", "--genaiops-record=off")
        result.assert_outcomes(passed=1)
        assert len(server.calls) == 4
        assert not (project.path / ".genaiops").exists()


class TestProgress:
    def test_written_behind_the_cursor_and_taken_back(self, monkeypatch: pytest.MonkeyPatch) -> None:
        now = 100.0
        monkeypatch.setattr("pytest_genaiops.plugin.progress.time.monotonic", lambda: now)
        file = StringIO()
        writer = SimpleNamespace(fullwidth=80, width_of_current_line=10, _file=file)
        spent = Totals(
            calls=3, input_tokens=20, output_tokens=5, cost=0.5, estimated=0, unknown=0, refused=0, unpriced=()
        )
        purse = SimpleNamespace(totals=lambda: spent)
        engine: Any = SimpleNamespace(done=(2, 10), judged=(0, 0), client=SimpleNamespace(purse=purse))
        progress = Progress(writer, engine, StringIO)
        progress.look()
        assert file.getvalue() == ""  # nobody has waited for long
        now += 1.0
        engine.done = (4, 10)
        progress.look()
        text = " 4/10 answered, 3 calls, 25 tokens, cost 0.5"
        assert file.getvalue() == f"\x1b[K\x1b[2m{text}\x1b[0m\x1b[{len(text)}D"
        now += 1.0
        engine.done = (6, 10)
        progress.look()
        assert " 6/10 answered, 3 calls, 25 tokens, cost 0.5, 2/s, 2 s left" in file.getvalue()
        now += 1.0
        engine.judged = (1, 20)
        progress.look()
        assert " 6/10 answered, 1/20 judged, 3 calls" in file.getvalue()
        file.truncate(0)
        progress.clear()
        assert file.getvalue().endswith("\x1b[K")

    def test_only_as_much_as_there_is_room_for(self, monkeypatch: pytest.MonkeyPatch) -> None:
        now = 100.0
        monkeypatch.setattr("pytest_genaiops.plugin.progress.time.monotonic", lambda: now)
        for width, written in ((66, True), (70, False)):
            file = StringIO()
            writer = SimpleNamespace(fullwidth=80, width_of_current_line=width, _file=file)
            engine: Any = SimpleNamespace(done=(2, 10), judged=(0, 0), client=None)
            progress = Progress(writer, engine, StringIO)
            progress.look()
            now += 1.0
            progress.look()
            assert bool(file.getvalue()) is written
            assert len(file.getvalue().replace("\x1b[K\x1b[2m", "").partition("\x1b")[0]) <= 78 - width


class TestWorkers:
    def test_workers_call_once_and_count_together(self, live: tuple[Project, FakeServer]) -> None:
        project, server = live
        project.by_case('variants="variants/*.yaml"')
        options = ["-p", "xdist.plugin", "-n", "2"]
        first = run(project, *options)
        first.assert_outcomes(passed=8)
        first.stdout.fnmatch_lines(["8 calls of models; *"])
        assert len(server.calls) == 8
        again = run(project, *options)
        again.stdout.fnmatch_lines(["0 calls of models; 8 answers kept from earlier sessions"])
        assert len(server.calls) == 8
