"""A suite over the reference application: a case that the index does not answer is unscored, and the test fails."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("lancedb", reason="needs the extra `rag`")

from importlib import import_module

from eval_suites.rag.app.application import Application
from eval_suites.rag.app.corpus import Document
from eval_suites.rag.app.settings import Settings
from pytest_genaiops import metric
from pytest_genaiops.grounding.builds import Builds
from pytest_genaiops.testing import FakeServer

CONFTEST = """
    import itertools

    import pytest

    from eval_suites.rag.app.application import Application
    from eval_suites.rag.app.folder import from_folder
    from eval_suites.rag.app.store import Store
    from eval_suites.rag.matrix.system import answering


    @pytest.fixture(scope="session")
    def target(index_builds):
        return answering(Application(from_folder("corpus"), index_builds))
"""

FAILING = """

    @pytest.fixture(scope="session", autouse=True)
    def an_index_that_fails_now_and_then():
        queries, search = itertools.count(1), Store.search

        def failing(self, *given, **named):
            if next(queries) % 10 == 0:
                raise OSError("the index is out of reach")
            return search(self, *given, **named)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Store, "search", failing)
            yield
"""

SUITE = """
    import pytest

    @pytest.mark.genaiops(dataset="lamps", variants="variants/*.yaml")
    def test_lamps(responses, retrieval):
        assert retrieval(responses, k=1).recall_at_1 >= 0
"""


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    """All that inner runs in this process use: they forget what they import, and numpy cannot be imported twice."""
    texts = (Document(source=name, title=name, text=f"The lamp of {name} hangs.") for name in ("hall", "yard", "attic"))
    application = Application(tuple(texts), Builds(tmp_path_factory.mktemp("builds")))
    application.answer("Where?", Settings(chunk=100, embedding="lsa-2", search="full-text", k=1))
    metric("retrieval")
    for name in (
        "aiohttp",
        "jinja2",
        "yaml",
        "eval_suites.rag.matrix.system",
        "pandas",
        "pytest_genaiops.plugin.running",
    ):
        import_module(name)


@pytest.fixture
def project(pytester, monkeypatch, imported):
    """Twenty documents, and a question about each."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    for name in ("PYTEST_XDIST_WORKER", "GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    pytester.mkdir("corpus")
    pytester.mkdir("datasets")
    pytester.mkdir("variants")
    colours = [f"colour{number:02}" for number in range(20)]
    for colour in colours:
        (pytester.path / "corpus" / f"{colour}.txt").write_text(f"The lamp of {colour} hangs in room {colour[-2:]}.")
    rows = [
        {
            "id": colour,
            "question": f"Where does the lamp of {colour} hang?",
            "relevant": [{"source": f"{colour}.txt", "start": 0, "end": 30}],
        }
        for colour in colours
    ]
    (pytester.path / "datasets" / "lamps.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    pytester.makepyfile(test_lamps=SUITE)
    return pytester


def run(project, rag, conftest=CONFTEST, **others):
    (project.path / "variants" / "one.yaml").write_text(json.dumps({"rag": rag, **others}))
    project.makeconftest(conftest)
    return project.runpytest_inprocess("-p", "pytest_genaiops.plugin.hooks", "-p", "no:cacheprovider")


GOOD = {"chunk": 100, "embedding": "lsa-5", "search": "full-text", "k": 1}


def test_an_index_that_answers_is_scored(project):
    result = run(project, GOOD)
    result.assert_outcomes(passed=1)


def test_an_index_that_fails_on_every_tenth_query_leaves_cases_unscored_and_fails_the_test(project):
    result = run(project, GOOD, CONFTEST + FAILING)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*the index is out of reach*"])
    result.stdout.re_match_lines([r".*(2 of 20|18 of 20).*"])


def test_a_model_that_the_variants_name_answers_from_the_passages_that_were_found(project):
    project.makepyfile(
        test_lamps=SUITE
        + """
        assert all(response.text == "In a room." for response in responses)
        assert all(response.contexts == (response.retrieved[0].text,) for response in responses)
    """
    )
    with FakeServer("In a room.") as server:
        asks = {"model": {"name": "small", "base_url": server.url}, "user": "{{ contexts[0] }} {{ question }}"}
        run(project, GOOD, **asks).assert_outcomes(passed=1)
    prompts = [call.body["messages"][-1]["content"] for call in server.calls]
    assert len(prompts) == 20
    assert "The lamp of colour07 hangs in room 07. Where does the lamp of colour07 hang?" in prompts


@pytest.mark.parametrize(
    ("rag", "said"),
    [
        ({**GOOD, "k": 21}, "k=21 asks for more passages than the index has chunks (20); lower k"),
        ({**GOOD, "k": 0}, "k=0 makes no sense; give a whole number from 1"),
        ({**GOOD, "search": "fuzzy"}, "search='fuzzy' is unknown; give one of vector, full-text, hybrid"),
        ({**GOOD, "topk": 3}, "the key 'topk' under rag is unknown"),
        ({**GOOD, "embedding": "lsa-99"}, "embedding=lsa-99 has more dimensions than the corpus"),
    ],
)
def test_what_a_variant_asks_for_in_vain_is_said_by_name_and_no_case_is_passed_over(project, rag, said):
    result = run(project, rag)
    result.assert_outcomes(failed=1)
    output = " ".join(result.stdout.str().split())
    assert said in output
    assert "20 of 20" in output or "all 20" in output or "0 of 20" in output
