"""What `import pytest_genaiops` gives, and what it does not load."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import entry_points

import pytest

import pytest_genaiops

HEAVY = {
    "aiohttp", "evaluate", "httpx", "jinja2", "nltk", "numpy", "openai", "pandas", "ragas", "rapidfuzz", "rouge_score",
    "sacrebleu", "scipy", "torch", "yaml",
}  # fmt: skip

# Other plugins of the environment load what they like: only what our import adds counts.
ADDED = """
import json, sys
{before}
known = set(sys.modules)
{statement}
sys.stdout.write(json.dumps(sorted(set(sys.modules) - known)))
"""


def added(statement: str, before: str = "") -> list[str]:
    """Modules that a statement loads, in an interpreter of its own."""
    code = ADDED.format(statement=statement, before=before)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    found: list[str] = json.loads(done.stdout)
    return found


def tops(modules: list[str]) -> set[str]:
    return {module.partition(".")[0] for module in modules}


class TestImports:
    def test_the_package_loads_nothing_but_itself(self) -> None:
        assert [name for name in added("import pytest_genaiops") if name.startswith("pytest_genaiops")] == [
            "pytest_genaiops"
        ]
        assert not tops(added("import pytest_genaiops")) & HEAVY

    def test_the_plugin_s_module_loads_nothing_of_the_library(self) -> None:
        loaded = added("import pytest_genaiops.plugin.hooks", before="import pytest")
        ours = [name for name in loaded if name.startswith("pytest_genaiops.")]
        assert "pytest_genaiops.plugin.hooks" in ours
        assert [name for name in ours if not name.startswith("pytest_genaiops.plugin")] == []
        room = ["", ".asked", ".grounding_fixtures", ".hooks", ".hookspecs", ".names"]
        assert sorted(ours) == [f"pytest_genaiops.plugin{module}" for module in room], "small modules that load nothing"
        assert not tops(loaded) & HEAVY
        assert tops(loaded) - set(sys.stdlib_module_names) == {"pytest_genaiops"}

    def test_asking_for_every_public_name_loads_nothing_heavy(self) -> None:
        statement = "import pytest_genaiops\nfor name in pytest_genaiops.__all__: getattr(pytest_genaiops, name)"
        assert not tops(added(statement)) & HEAVY

    def test_a_score_of_one_s_own_values_needs_no_metric_package(self) -> None:
        loaded = tops(added("from pytest_genaiops import Score\nassert Score.of([1.0, 0.5]) >= 0.5"))
        assert not loaded & (HEAVY - {"numpy"})

    def test_the_plugin_is_found_by_pytest(self) -> None:
        (point,) = [point for point in entry_points(group="pytest11") if point.name == "genaiops"]
        assert point.value == "pytest_genaiops.plugin.hooks"


class TestNames:
    def test_all_is_what_is_there(self) -> None:
        for name in pytest_genaiops.__all__:
            assert getattr(pytest_genaiops, name).__module__.startswith("pytest_genaiops.")
        assert set(pytest_genaiops.__all__) <= set(dir(pytest_genaiops))

    def test_all_is_what_is_visible(self) -> None:
        """In a fresh interpreter nothing else public stands in the package but its rooms."""
        code = (
            "import json, sys, pytest_genaiops as package\n"
            "sys.stdout.write(json.dumps([name for name in dir(package) if not name.startswith('_')]))"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        visible = set(json.loads(done.stdout))
        helpers = {"Any", "TYPE_CHECKING", "annotations", "import_module"}
        assert visible - helpers == set(pytest_genaiops.__all__)

    def test_the_contract(self) -> None:
        assert pytest_genaiops.__all__ == [
            "Builds", "CacheWarning", "Case", "CoverageError", "Evaluation", "GateWarning", "GenaiopsError", "Passage",
            "Relevant", "Response", "Run", "Score", "ScoreGroup", "UndecidedWarning", "UsageError", "Variant",
            "Verdict", "azure_metric", "evaluate", "hf_metric", "metric", "ragas_metric",
        ]  # fmt: skip

    def test_star_import(self) -> None:
        namespace: dict[str, object] = {}
        exec("from pytest_genaiops import *", namespace)
        assert set(pytest_genaiops.__all__) <= set(namespace)

    def test_metric_stays_the_function_whatever_is_imported(self) -> None:
        import pytest_genaiops.score.metric

        assert pytest_genaiops.metric is pytest_genaiops.score.metric
        assert callable(pytest_genaiops.metric)

    def test_a_name_that_is_not_there(self) -> None:
        with pytest.raises(AttributeError, match="module 'pytest_genaiops' has no attribute 'metrix'"):
            pytest_genaiops.metrix  # noqa: B018
