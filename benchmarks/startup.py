"""What the installed plugin costs a project that does not use it.

    python benchmarks/startup.py [--rounds 15]

Times ``pytest --collect-only`` on one trivial test with the plugin and with ``-p no:genaiops``, in
turn; compares what the two print and which modules they import. Needs the package installed.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

MODULES = "import sys\ndef pytest_unconfigure():\n    open('modules.txt', 'w').write('\\n'.join(sorted(sys.modules)))\n"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "pytest.ini").write_text("[pytest]\n")
        (root / "test_trivial.py").write_text("def test_trivial():\n    assert 1 + 1 == 2\n")
        ratios, ours, bare = [], [], []
        run(root, []), run(root, ["-p", "no:genaiops"])  # the first runs write byte code
        for _ in range(rounds):
            ours.append(run(root, ["--collect-only"])[0])
            bare.append(run(root, ["--collect-only", "-p", "no:genaiops"])[0])
            ratios.append(ours[-1] / bare[-1])
        (root / "conftest.py").write_text(MODULES)
        _, printed = run(root, [])
        imported = set((root / "modules.txt").read_text().split())
        _, printed_without = run(root, ["-p", "no:genaiops"])
        imported_without = set((root / "modules.txt").read_text().split())
    show(f"CPU of pytest --collect-only, median of {rounds}: {statistics.median(ours):.3f} s with the plugin, ")
    show(f"{statistics.median(bare):.3f} s without; ratio pair by pair: median {statistics.median(ratios):.3f}, ")
    show(f"{min(ratios):.3f} to {max(ratios):.3f}\n")
    show(f"modules that only the plugin imports: {', '.join(sorted(imported - imported_without))}\n")
    same = normal(printed) == normal(printed_without)
    show(f"printed text {'is the same' if same else 'DIFFERS'} (times and the list of plugins aside)\n")


def run(root: Path, extra: list[str]) -> tuple[float, str]:
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "pytest", *extra]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime, done.stdout + done.stderr


def normal(text: str) -> str:
    kept = [line for line in text.splitlines() if not line.startswith("plugins:")]
    return re.sub(r"\d+\.\d+s", "", "\n".join(kept))


def show(text: str) -> None:
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
