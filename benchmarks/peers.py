"""What ragas, azure-ai-evaluation and prompt flow give for the same pairs, and what this package gives.

    python benchmarks/peers.py --ragas PYTHON --azure PYTHON --promptflow PYTHON

Each PYTHON is an interpreter of an environment of its own, for their dependencies clash: with ``ragas==0.4.3
langchain-community<0.4.2``, ``azure-ai-evaluation==1.18.10`` and ``promptflow-evals==0.3.5``. The latter two would
download NLTK's data: they get it out of ``llama-index-core`` and ``sacremoses`` (install both with ``--no-deps``). A
package that is not given is left out.

Nothing is asked of the network. The judge is a fake one on this machine, which says yes to everything in the form that
each prompt asks for, fails for an answer with the word FAILS, and talks nonsense for one with the word GARBLED.

docs/peers.md shows the tables that it prints.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent

PAIRS: dict[str, tuple[str, Any]] = {
    "identical": ("The cat sat on the mat.", "The cat sat on the mat."),
    "second sentence is garbage": (
        "The cat sat on the mat. Zorp quib flun drab wix.",
        "The cat sat on the mat. The dog slept all day.",
    ),
    "identical, in Chinese": ("今天天气很好,我们去公园。", "今天天气很好,我们去公园。"),
    "empty answer": ("", "The cat sat on the mat."),
    "refusal": ("I cannot help with that.", "The cat sat on the mat."),
    "second of two references": ("The cat sat on the mat.", ["A dog slept all day long.", "The cat sat on the mat."]),
}
JUDGED = {
    "supported": ("It opens at nine.", "It opens at nine."),
    "empty answer": ("", "It opens at nine."),
    "no contexts": ("It opens at nine.", ""),
    "refusal": ("I cannot help with that.", "It opens at nine."),
    "the call fails": ("FAILS at nine.", "It opens at nine."),
    "the reply is nonsense": ("GARBLED at nine.", "It opens at nine."),
}
MEANS = ("supported", "the call fails")
"""Rows of which a mean is taken, as the package's own batch function does."""
QUESTION = "When does it open?"


def shown(value: object) -> str:
    if isinstance(value, float) and math.isnan(value):
        return "NaN"
    return f"{value:.3g}" if isinstance(value, int | float) else str(value)


def tried(call: Callable[[], object]) -> str:
    """What a call gives, or what it raises."""
    try:
        return shown(call())
    except Exception as error:  # whatever a peer raises is what it gives
        return f"raises {type(error).__name__}"


def nltk_data() -> None:
    """NLTK's data out of packages that ship copies; the peers would download it."""
    import nltk
    from sacremoses._data_perluniprops import PERLUNIPROPS

    folder = Path(tempfile.mkdtemp())
    (folder / "misc/perluniprops").mkdir(parents=True)
    for name, characters in PERLUNIPROPS.items():
        (folder / f"misc/perluniprops/{name}.txt").write_text(characters, encoding="utf-8")
    (place,) = find_spec("llama_index.core").submodule_search_locations
    shipped = Path(place) / "_static/nltk_cache"
    nltk.data.path[:] = [str(folder), str(shipped)]
    nltk.download = lambda *given, **named: True


def of_ragas(url: str) -> dict[str, Any]:
    os.environ["RAGAS_DO_NOT_TRACK"] = "true"
    import warnings

    warnings.simplefilter("ignore")
    from openai import AsyncOpenAI
    from ragas import EvaluationDataset, evaluate
    from ragas.llms import llm_factory
    from ragas.metrics import Faithfulness as Faithful
    from ragas.metrics.collections import BleuScore, Faithfulness, RougeScore

    def text(metric: Any) -> Callable[[str, Any], str]:
        return lambda answer, reference: tried(
            lambda: asyncio.run(metric.ascore(response=answer, reference=reference)).value
        )

    def model() -> Any:
        return llm_factory("judge", client=AsyncOpenAI(base_url=url, api_key="none", max_retries=0))

    def judged(answer: str, context: str) -> str:
        row = {"user_input": QUESTION, "response": answer, "retrieved_contexts": [context] if context else []}
        return tried(lambda: asyncio.run(Faithfulness(llm=model()).ascore(**row)).value)

    def mean() -> object:
        rows = [
            {"user_input": QUESTION, "response": JUDGED[name][0], "retrieved_contexts": [JUDGED[name][1]]}
            for name in MEANS
        ]
        found = evaluate(
            EvaluationDataset.from_list(rows),
            metrics=[Faithful(llm=model())],
            show_progress=False,
            raise_exceptions=False,
        )
        return f"{shown(found._repr_dict['faithfulness'])} of {[shown(value) for value in found['faithfulness']]}"

    texts = {"BLEU": text(BleuScore()), "ROUGE-L": text(RougeScore(rouge_type="rougeL"))}
    return {"name": f"ragas {version('ragas')}", "texts": texts, "judged": judged, "mean": mean}


def of_azure(url: str) -> dict[str, Any]:
    nltk_data()
    import logging

    logging.disable(logging.CRITICAL)
    from azure.ai import evaluation as azure

    scale = {"BLEU": "bleu_score", "ROUGE-L": "rouge_score", "F1": "f1_score"}
    made = {
        "BLEU": azure.BleuScoreEvaluator(),
        "ROUGE-L": azure.RougeScoreEvaluator(rouge_type=azure.RougeType.ROUGE_L),
        "F1": azure.F1ScoreEvaluator(),
    }
    texts = {
        name: lambda answer, reference, name=name: tried(
            lambda: made[name](response=answer, ground_truth=reference)[scale[name]]
        )
        for name in made
    }
    configuration = {"type": "openai", "base_url": url, "api_key": "none", "model": "judge"}
    groundedness = azure.GroundednessEvaluator(configuration)

    def mean() -> object:
        rows = [{"response": JUDGED[name][0], "context": JUDGED[name][1]} for name in MEANS]
        found = azure.evaluate(data=_written(rows), evaluators={"groundedness": groundedness})
        each = [row.get("outputs.groundedness.groundedness") for row in found["rows"]]
        return f"{shown(found['metrics'].get('groundedness.groundedness'))} of {[shown(value) for value in each]}"

    def judged(answer: str, context: str) -> str:
        return tried(lambda: groundedness(response=answer, context=context)["groundedness"])

    return {
        "name": f"azure-ai-evaluation {version('azure-ai-evaluation')}",
        "texts": texts,
        "judged": judged,
        "mean": mean,
    }


def of_promptflow(url: str) -> dict[str, Any]:
    nltk_data()
    import logging

    logging.disable(logging.CRITICAL)
    from promptflow.core import OpenAIModelConfiguration
    from promptflow.evals import evaluators
    from promptflow.evals.evaluate import evaluate

    scale = {"BLEU": "bleu_score", "ROUGE-L": "rouge_f1_score", "F1": "f1_score"}
    made = {
        "BLEU": evaluators.BleuScoreEvaluator(),
        "ROUGE-L": evaluators.RougeScoreEvaluator(rouge_type=evaluators.RougeType.ROUGE_L),
        "F1": evaluators.F1ScoreEvaluator(),
    }
    texts = {
        name: lambda answer, reference, name=name: tried(
            lambda: made[name](answer=answer, ground_truth=reference)[scale[name]]
        )
        for name in made
    }
    groundedness = evaluators.GroundednessEvaluator(
        OpenAIModelConfiguration(base_url=url, api_key="none", model="judge")
    )

    def mean() -> object:
        rows = [{"answer": JUDGED[name][0], "context": JUDGED[name][1]} for name in MEANS]
        found = evaluate(data=_written(rows), evaluators={"groundedness": groundedness})
        each = [row.get("outputs.groundedness.gpt_groundedness") for row in found["rows"]]
        stop = [str(Path(sys.executable).parent / "pf"), "service", "stop"]
        subprocess.run(stop, capture_output=True, check=False)  # its evaluate() leaves a server behind
        return f"{shown(found['metrics'].get('groundedness.gpt_groundedness'))} of {[shown(value) for value in each]}"

    def judged(answer: str, context: str) -> str:
        return tried(lambda: groundedness(answer=answer, context=context)["gpt_groundedness"])

    return {"name": f"promptflow-evals {version('promptflow-evals')}", "texts": texts, "judged": judged, "mean": mean}


def of_ours(url: str) -> dict[str, Any]:
    from pytest_genaiops import metric
    from pytest_genaiops.errors import TokenizerError

    def text(name: str, part: str = "", *, tokenize: str) -> Callable[[str, Any], str]:
        def named(found: Any) -> Any:
            return getattr(found, part) if part else found

        def given(answer: str, reference: Any) -> str:
            def score() -> object:
                try:
                    found = metric(name)([answer], [reference])
                except TokenizerError:
                    return (
                        f"refused; {shown(named(metric(name, tokenize=tokenize)([answer], [reference])).value)} as told"
                    )
                return named(found).value

            return tried(score)

        return given

    judge = {"model": {"name": "judge", "base_url": url}}

    def scored(names: tuple[str, ...]) -> Any:
        answers, contexts = zip(*(JUDGED[name] for name in names), strict=True)
        return metric("groundedness", judge=judge)(
            list(answers),
            contexts=[[context] if context else [] for context in contexts],
            questions=[QUESTION] * len(names),
        )

    def judged(answer: str, context: str) -> str:
        name = next(name for name, pair in JUDGED.items() if pair == (answer, context))
        found = scored((name,))
        return shown(found.value) if found.value is not None else f"unscored ({found.why[0].partition(':')[0]})"

    def mean() -> object:
        found = scored(MEANS)
        gate = "a gate passes" if found >= 0 else "no gate passes"
        return f"{shown(found.value)}, {found.unscored} of {len(MEANS)} unscored: {gate}"

    texts = {
        "BLEU": text("bleu", tokenize="zh"),
        "ROUGE-L": text("rouge", "rougeL", tokenize="unicode"),
        "F1": text("token_f1", tokenize="unicode"),
    }
    return {"name": "pytest-genaiops", "texts": texts, "judged": judged, "mean": mean}


def _written(rows: list[dict[str, str]]) -> str:
    path = Path(tempfile.mkdtemp()) / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


PEERS = {"ours": of_ours, "ragas": of_ragas, "azure": of_azure, "promptflow": of_promptflow}


def run(peer: str, url: str) -> dict[str, Any]:
    """All tables of one package; for judged rows with the number of calls that the judge got."""
    from urllib.request import urlopen

    def calls() -> int:
        with urlopen(f"{url.removesuffix('/v1')}/seen") as reply:
            return int(json.load(reply)["calls"])

    package = PEERS[peer](url)
    texts = {pair: {name: call(*texts) for name, call in package["texts"].items()} for pair, texts in PAIRS.items()}
    judged = {}
    for name, pair in JUDGED.items():
        before = calls()
        judged[name] = {"value": package["judged"](*pair), "calls": calls() - before}
    return {"name": package["name"], "texts": texts, "judged": judged, "mean": tried(package["mean"])}


def reply(body: Mapping[str, Any]) -> str:
    """What the fake judge says, in the form that each prompt asks for: yes to everything, and no claim in a refusal."""
    prompt = "\n".join(str(message.get("content")) for message in body["messages"])
    if "GARBLED" in prompt:
        return "Well, that depends."
    form = body.get("response_format") or {}
    claims = [] if "I cannot help with that." in prompt else ["It opens at nine."]
    if form.get("type") == "json_schema":  # ours
        if "claims" in form["json_schema"]["schema"]["properties"]:
            return json.dumps({"claims": [{"claim": claim, "quote": claim} for claim in claims]})
        verdict = {"claim": 1, "quote": "It opens at nine.", "reason": "said", "verdict": "supported"}
        return json.dumps({"verdicts": [verdict]})
    if '"statements"' in prompt:  # ragas: first a list of them, then one with verdicts
        judged = [{"statement": each, "reason": "said", "verdict": 1} for each in claims]
        return json.dumps({"statements": judged if '"verdict"' in prompt else claims})
    if form.get("type") == "json_object":  # azure-ai-evaluation
        return json.dumps({"reason": "said", "score": 5, "status": "completed"})
    return "5"


def fault(number: int, body: Mapping[str, Any]) -> str | None:
    return "status 400" if any("FAILS" in str(message.get("content")) for message in body["messages"]) else None


def found(peer: str, python: str) -> dict[str, Any]:
    """The tables of one package, run in its own environment beside a fake judge of its own."""
    from pytest_genaiops.testing import FakeServer

    with FakeServer(reply, fault=fault) as server, tempfile.TemporaryDirectory() as folder:
        command = [python, str(Path(__file__).resolve()), "--child", peer, server.url]
        environment = {**os.environ, "HOME": folder, "PYTHONWARNINGS": "ignore"}
        environment |= {"PYTHONPATH": str(ROOT)} if peer == "ours" else {}
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, env=environment)
    if done.returncode:
        raise SystemExit(f"{peer}: {done.stderr.strip().splitlines()[-1]}")
    table: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return table


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def tables(packages: list[dict[str, Any]]) -> str:
    """Markdown."""
    names = [each["name"] for each in packages]
    parts = []
    for metric in ("BLEU", "ROUGE-L", "F1"):
        rows = [[pair, *(each["texts"][pair].get(metric, "-") for each in packages)] for pair in PAIRS]
        parts.append(table([metric, *names], rows))
    rows = [
        [name, *(f"{each['judged'][name]['value']} ({each['judged'][name]['calls']})" for each in packages)]
        for name in JUDGED
    ]
    rows.append(["mean of first and fifth", *(each["mean"] for each in packages)])
    parts.append(table(["groundedness (calls)", *names], rows))
    return "\n".join(parts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for peer in ("ragas", "azure", "promptflow"):
        parser.add_argument(f"--{peer}", metavar="PYTHON")
    parser.add_argument("--child", nargs=2, metavar=("PEER", "URL"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        sys.stdout.write("\n" + json.dumps(run(*arguments.child)) + "\n")
        return
    sys.path.insert(0, str(ROOT))
    pythons = {"ours": sys.executable, "ragas": arguments.ragas, "azure": arguments.azure}
    pythons["promptflow"] = arguments.promptflow
    sys.stdout.write(tables([found(peer, python) for peer, python in pythons.items() if python]))


if __name__ == "__main__":
    main()
