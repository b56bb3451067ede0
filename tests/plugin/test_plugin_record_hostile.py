"""What answers may hold is on record as it was, and secrets are not."""

from __future__ import annotations

import pytest
from inner import ROWS, Project
from test_plugin_record import rows, stored, texts

from pytest_genaiops.store import NAME

HOSTILE = "\x00\x1b[31mred\x1b[0m \u202egnp.exe <script>alert(1)</script> =1+1 | ` \r\n"
EACH_HOSTILE = """
    import pytest

    @pytest.mark.genaiops(dataset="capitals")
    def test_each(response):
        assert response.text
"""


def test_hostile_texts_of_a_dataset_come_back_as_they_were(project: Project) -> None:
    (project.path / "conftest.py").unlink()
    system, answer = "v \u202e<i>|\x1b[0m", HOSTILE + "x" * 1_000_000
    ids = [f"{row['id']} \u202e<b>|`\x1b[0m" for row in ROWS]
    project.dataset(
        [
            {**row, "id": name, "question": HOSTILE, "responses": {system: answer}}
            for name, row in zip(ids, ROWS, strict=True)
        ]
    )
    project.suite(EACH_HOSTILE)
    project.run().assert_outcomes(passed=4)
    with stored(project) as store:
        (suite,) = store.suites(store.run().id)
        (variant,) = store.variants(suite.id)
        cases, trials = store.cases(suite.id), list(store.trials(variant.id))
        items = store.items(variant.id)
    assert variant.name == system
    assert [case.id for case in cases.values()] == ids
    assert {case.inputs["question"] for case in cases.values()} == {HOSTILE}
    assert {trial.response.text for trial in trials} == {answer}
    assert [item.outcome for item in items] == ["passed"] * 4


def test_half_a_character_in_a_message_is_kept_as_an_escape(project: Project) -> None:
    project.suite(
        """
        import pytest

        @pytest.mark.genaiops(dataset="capitals", variants=["v1"])
        def test_whole(responses):
            assert not responses, "half " + chr(0xD83D)
        """
    )
    project.run().assert_outcomes(failed=1)
    (item,) = rows(project)["test_suite.py::test_whole", "v1", "items"]
    assert item.message.splitlines()[0] == "AssertionError: half \\ud83d"


KEY = "sk-proj-Zq8x2LmN4pRt6vYw1BcD3eFg"


def test_secrets_are_not_in_the_file(project: Project) -> None:
    project.target(f"return 'the key is {KEY}'")
    project.suite(
        f"""
        import pytest

        @pytest.mark.genaiops(dataset="capitals", variants=["v1"])
        def test_each(response, exact_match):
            assert exact_match(response) >= 1, "{KEY}"
        """
    )
    project.run().assert_outcomes(failed=4)
    assert rows(project)["test_suite.py::test_each", "v1", 0, 1][0].text == "the key is ***"
    files = [path for path in (project.path / ".genaiops").iterdir() if path.name.startswith("record")]
    assert files
    assert not any(KEY.encode() in path.read_bytes() for path in files)


class TestRedaction:
    HOOK = """
        def pytest_genaiops_redact(text):
            {body}
    """

    def test_each_listener_is_given_what_the_one_before_left(self, project: Project) -> None:
        project.pytester.syspathinsert()
        project.target("return 'ask Ann in Oslo'")
        project.write("names.py", self.HOOK.format(body="return text.replace('Ann', 'Oslo')"))
        project.write("towns.py", self.HOOK.format(body="return text.replace('Oslo', 'X') if 'Oslo' in text else None"))
        project.whole('variants=["v1"]', threshold=0)
        project.run("-p", "towns", "-p", "names").assert_outcomes(passed=1)
        assert rows(project)["test_suite.py::test_answers", "v1", 0, 1][0].text == "ask X in X"
        assert not any("Ann" in text for text in texts(project))

    @pytest.mark.parametrize("body", ["raise OSError('no list of names')", "return 1"])
    def test_where_a_listener_fails_nothing_unread_is_kept(self, project: Project, body: str) -> None:
        project.pytester.syspathinsert()
        project.write("names.py", self.HOOK.format(body=body))
        project.whole('variants=["v1"]')
        result = project.run("-p", "names")
        result.assert_outcomes(passed=1)
        result.stdout.fnmatch_lines(["record: *: this run is not on record"])
        assert not (project.path / ".genaiops" / NAME).exists()
