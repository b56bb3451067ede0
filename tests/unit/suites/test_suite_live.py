"""What surrounds the live suites: labels and passages for the model, and the server that is started for it."""

import json
import math
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from eval_suites import live
from eval_suites.live.__main__ import told
from eval_suites.live.classification.app import LABELS, answer, label_of, probabilities_of
from eval_suites.live.rag.app import answer as answer_with_passages
from eval_suites.live.serving import serving
from eval_suites.live.summarization.app import answer as summarize
from pytest_genaiops import evaluate
from pytest_genaiops.config import Settings
from pytest_genaiops.testing import FakeServer

ROOT = Path(__file__).parents[3]
SERVER = """
import http.server, sys

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
    do_POST = do_GET

host, port = sys.argv[2], int(sys.argv[4])
http.server.HTTPServer((host, port), Handler).serve_forever()
"""


class TestLabels:
    @pytest.mark.parametrize(
        ("text", "label"),
        [
            ("Packaging, not types.", "packaging"),
            ('{"subject": "encoding"}', "encoding"),
            ("This report is about threads.", "none"),
            ("", "none"),
        ],
    )
    def test_the_label_named_first_counts(self, text, label):
        assert label_of(text) == label

    def test_probabilities_are_shares_of_the_first_token(self):
        """By hand: syn 0.4 and sy 0.1 begin syntax, en 0.3 begins encoding; the rest gets the least seen, 0.1."""
        seen = [("syn", 0.4), (" En", 0.3), ("sy", 0.1), ("The", 0.2)]
        tokens = [{"token": "syn", "top_logprobs": [{"token": t, "logprob": math.log(p)} for t, p in seen]}]
        found = probabilities_of(tokens)
        assert found == pytest.approx(
            {"syntax": 0.5 / 1.1, "types": 0.1 / 1.1, "packaging": 0.1 / 1.1, "concurrency": 0.1 / 1.1}
            | {"encoding": 0.3 / 1.1}
        )

    @pytest.mark.parametrize("tokens", [(), ({"token": "x", "logprob": -1.0},)])
    def test_without_likeliest_tokens_there_are_none(self, tokens):
        assert probabilities_of(tokens) is None

    def test_no_two_labels_begin_alike(self):
        assert len({label[0] for label in LABELS}) == len(LABELS)


class TestAsked:
    """What a model is asked, seen by a server that answers all alike."""

    def run(self, suite, dataset, target, monkeypatch, **faults):
        with FakeServer(answer="It is about types.", **faults) as server:
            monkeypatch.setenv(live.VARIABLE, server.url)
            settings = Settings(root=ROOT, limit=2, concurrency=4, seed=1, cache="off")
            found = evaluate(
                dataset,
                target=target,
                variants=f"eval_suites/live/{suite}/variants/*.yaml",
                metrics=["error_rate"],
                settings=settings,
            )
            return found.responses, [call.body for call in server.calls]

    @pytest.mark.parametrize(
        ("suite", "dataset", "target"),
        [
            ("rag", "python_unanswerable", answer_with_passages),
            ("summarization", "python_sections", summarize),
        ],
    )
    def test_passages_stand_in_the_prompt_and_beside_the_answer(self, suite, dataset, target, monkeypatch):
        responses, bodies = self.run(suite, dataset, target, monkeypatch)
        assert {body["model"] for body in bodies} == {live.MODEL}
        prompts = ["\n".join(message["content"] for message in body["messages"]) for body in bodies]
        for response in (each for given in responses.values() for each in given):
            assert response.text == "It is about types."
            assert response.model == live.MODEL
            assert any(all(passage in prompt for passage in response.contexts) for prompt in prompts)

    def test_a_report_gets_the_label_that_the_model_names(self, monkeypatch):
        responses, bodies = self.run("classification", "python_reports", answer, monkeypatch)
        assert {response.label for given in responses.values() for response in given} == {"types"}
        assert len(bodies) == 2 * len(responses)
        assert {body["response_format"]["type"] for body in bodies if "response_format" in body} == {"json_object"}

    def test_an_error_of_the_model_stays_one(self, monkeypatch):
        responses, _ = self.run("classification", "python_reports", answer, monkeypatch, fault="status 400")
        found = [response for given in responses.values() for response in given]
        assert {response.error.kind for response in found} == {"target"}
        assert {response.label for response in found} == {None}


class TestServing:
    def test_it_answers_within_and_is_gone_after(self, tmp_path):
        with serving([sys.executable, "-c", SERVER], tmp_path / "log") as server:
            assert server.answered == 0
            urllib.request.urlopen(f"{server.url}/chat/completions", data=b"{}", timeout=10).close()
        assert server.answered == 1
        with pytest.raises(OSError, match="refused"):
            urllib.request.urlopen(f"{server.url}/models", timeout=10)

    def test_it_is_stopped_after_an_error(self, tmp_path):
        with pytest.raises(ZeroDivisionError), serving([sys.executable, "-c", SERVER], tmp_path / "log") as server:
            raise ZeroDivisionError
        with pytest.raises(OSError, match="refused"):
            urllib.request.urlopen(f"{server.url}/models", timeout=10)

    def test_one_that_ends_by_itself_is_told_with_its_last_words(self, tmp_path):
        program = "raise SystemExit('no such model')"
        with (
            pytest.raises(RuntimeError, match=r"(?s)ended with status 1:.*no such model"),
            serving([sys.executable, "-c", program], tmp_path / "log"),
        ):
            pass

    def test_one_that_never_answers_is_given_up_and_stopped(self, tmp_path):
        program = "import os, time; print(os.getpid(), flush=True); time.sleep(1000)"
        with (
            pytest.raises(RuntimeError, match=r"did not answer within 0\.5 s"),
            serving([sys.executable, "-c", program], tmp_path / "log", patience=0.5),
        ):
            pass


@pytest.mark.parametrize(
    ("said", "calls"),
    [
        ("0 calls of models; 12 answers kept from earlier sessions\n", 0),
        ("...\n1 call of models; 9 tokens in, 2 out\n", 1),
        ("1,204 calls of models; 10,240 tokens in, 24 out\n", 1204),
    ],
)
def test_calls_are_read_from_the_summary(said, calls):
    assert told(calls, said)
    assert not told(calls + 10, said)
    assert not told(0, f"1{said}")


def test_without_a_model_the_suites_are_skipped_with_the_reason(monkeypatch):
    monkeypatch.delenv(live.VARIABLE, raising=False)
    assert live.missing() == (
        "no model is named: GENAIOPS_LIVE_URL is not set; `nox -s live` starts one and runs these suites"
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "eval_suites/live", "-q", "-rs", "-p", "no:cacheprovider"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "4 skipped" in done.stdout
    assert live.missing() in " ".join(done.stdout.split())
    assert "error" not in done.stdout.lower()


def test_every_variant_names_the_model_by_the_environment():
    variants = sorted((ROOT / "eval_suites" / "live").glob("*/variants/*.yaml"))
    assert len(variants) >= 8
    named = json.dumps(f"${{env:{live.VARIABLE}}}")
    for path in variants:
        assert f"name: {live.MODEL}, base_url: {named}" in path.read_text(encoding="utf-8"), path
