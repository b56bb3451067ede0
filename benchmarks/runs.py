"""What reading recorded runs back takes: diff, document, gate and frame, at 10 000 cases x 3 variants x 5 metrics.

Two runs of one dataset are put on record, of which the second answers some cases otherwise. Each figure is of the
fastest of three fresh processes: of all of it for ``runs diff``, start-up included, else of one call.

    python benchmarks/runs.py [--cases 10000]
"""

from __future__ import annotations

import argparse
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from pytest_genaiops import Case, Response, evaluate
from pytest_genaiops.config import Settings

COMMAND = "from pytest_genaiops.cli.command import main; raise SystemExit(main())"
METRICS = ("exact_match", "token_f1", "rouge", "bleu", "latency")
WORDS = [f"{first}{last}" for first in ("re", "gre", "blu", "pin") for last in ("d", "en", "e", "k", "ow")]
CALL = """
import time
from pytest_genaiops import Run
from pytest_genaiops.runs.gating import gate_run
from pytest_genaiops.runs.rules import rules_of
run = Run.open(root={root!r})
start = time.process_time()
{call}
print(time.process_time() - start)
"""


def rows(cases: int) -> list[dict[str, Any]]:
    draw = random.Random(1)
    texts = (" ".join(draw.choices(WORDS, k=12)) for _ in range(cases))
    return [{"id": f"c{i}", "input": f"what {i}?", "reference": text} for i, text in enumerate(texts)]


def answering(seed: int) -> Any:
    def answer(case: Case, variant: Any) -> Response:
        draw = random.Random(f"{case.id}{variant.id}{seed if case.id.endswith('7') else 0}")
        said = (case.reference or "").split()
        for _ in range(draw.randrange(3)):
            said[draw.randrange(12)] = draw.choice(WORDS)
        return Response(text=" ".join(said), latency=round(draw.lognormvariate(0, 0.4), 4))

    return answer


def best(command: list[str]) -> tuple[float, float, str]:
    """Seconds of CPU and of the clock, and what was written."""
    taken, out = [], ""
    for _ in range(3):
        start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        taken.append((cpu, time.perf_counter() - start))
    return *min(taken), out


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--cases", type=int, default=10_000)
    cases = parser.parse_args().cases
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        (root / "pytest.ini").write_text("[pytest]\n")
        for seed in (1, 2):
            start = time.process_time()
            asked: dict[str, Any] = {"target": answering(seed), "variants": [{"id": f"v{n}"} for n in (1, 2, 3)]}
            evaluation = evaluate(rows(cases), metrics=METRICS, settings=Settings(root=root), **asked)
            responses = evaluation.responses
            for each in METRICS:
                for variant in responses:
                    evaluation.score(each, variant)
            measured = time.process_time() - start
            evaluation.record(root=root)
            sys.stdout.write(f"run {seed}: measured in {measured:.1f} s, recorded in ")
            sys.stdout.write(f"{time.process_time() - start - measured:.1f} s of CPU\n")
        size = (root / ".genaiops" / "record.sqlite").stat().st_size
        sys.stdout.write(f"record: {size / 1e6:.1f} MB\n")
        command = [sys.executable, "-c", COMMAND, "runs", "diff", "latest~1", "--rootdir", name]
        cpu, seconds, _ = best(command)
        sys.stdout.write(f"genaiops runs diff: {cpu:.2f} s of CPU, {seconds:.2f} s by the clock, whole process\n")
        for what, call in (
            ("document()", "run.document()"),
            ("document(cases=False)", "run.document(cases=False)"),
            ("frame()", "run.frame()"),
            ("gate, 3 rules", "gate_run(run, rules_of('bleu >= 1\\nexact_match.at_least(.1)\\nrouge.rougeL >= .1'))"),
        ):
            out = best([sys.executable, "-c", CALL.format(root=name, call=call)])[2]
            sys.stdout.write(f"{what}: {float(out):.2f} s of CPU\n")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    sys.stdout.write(f"largest process: {peak:.0f} MB\n")


if __name__ == "__main__":
    main()
