"""Where pytest is started, what its files are called, and several systems under test in one session."""

from __future__ import annotations

import json

import pytest
from inner import Project, outcomes
from twins import PLAIN, Twins


class TestRootdir:
    @pytest.fixture(autouse=True)
    def suite(self, twins: Twins) -> None:
        twins.write("tests/deep/test_suite.py", PLAIN)
        twins.write("tests/test_plain.py", "def test_plain():\n    pass\n")
        twins.write("elsewhere/other.ini", "[pytest]\n")
        twins.wrong("c2")

    @pytest.mark.parametrize(
        ("below", "options"),
        [
            ("tests", []),
            ("tests/deep", []),
            ("tests", ["deep/test_suite.py::test_each[v1-c2]"]),
            ("tests/deep", ["../test_plain.py", "test_suite.py"]),
            ("elsewhere", ["../tests", "--rootdir=.."]),
            ("elsewhere", ["../tests", "-c", "../pytest.ini"]),
            ("elsewhere", ["../tests", "-c", "other.ini", "--rootdir=..", "--confcutdir=.."]),
            (".", ["--rootdir=.", "tests/deep"]),
        ],
        ids=lambda value: " ".join(value) if isinstance(value, list) else value,
    )
    def test_started_from(self, twins: Twins, below: str, options: list[str]) -> None:
        found = twins.same(*options, below=below)
        assert any("test_each[v1-c2]" in name for name in found.outcomes)

    def test_a_rootdir_without_the_dataset_says_where_it_looked(self, twins: Twins) -> None:
        ours, _ = twins.run("../tests/deep", "--rootdir=.", below="elsewhere")
        assert ours.ret != pytest.ExitCode.OK
        assert "dataset 'capitals' is not a file under" in ours.text
        assert "elsewhere" in ours.text

    def test_last_failed_from_another_folder(self, twins: Twins) -> None:
        twins.same()
        twins.same("--lf", below="tests/deep")
        assert list(twins.same("--lf", below="tests").outcomes) == ["test_each[v1-c2]"]


ODD_IDS = [
    "a b",
    "a/b",
    "a::b",
    "a[b]",
    "a-b",
    "ü",
    "猫",
    "it's",
    'say "hi"',
    "50%",
    "-x",
    "--lf",
    "@file",
    "a\\b",
    "#1",
    "a,b",
    "x" * 300,
]


class TestOddIds:
    """Ids of cases become parts of node ids, and node ids are what people paste into the command line."""

    @pytest.fixture
    def odd(self, project: Project) -> Project:
        project.dataset([{"id": odd, "reference": "yes"} for odd in ODD_IDS])
        project.by_case('variants=["v1"]')
        return project

    def test_every_collected_id_runs_that_item_alone(self, odd: Project) -> None:
        ids = odd.ids()
        assert len(ids) == len(set(ids)) == len(ODD_IDS)
        for name in ids:
            result = odd.run(f"test_suite.py::{name}")
            assert result.parseoutcomes() == {"passed": 1}, name
        assert len(odd.calls) == len(ODD_IDS)

    def test_last_failed_finds_them_all_again(self, odd: Project) -> None:
        odd.target("return 'no'")
        odd.run().assert_outcomes(failed=len(ODD_IDS))
        odd.target("return 'yes' if case.id in ('a b', 'ü', '--lf') else 'no'")
        odd.run("--lf").assert_outcomes(passed=3, failed=len(ODD_IDS) - 3)
        odd.run("--lf").assert_outcomes(failed=len(ODD_IDS) - 3)

    def test_deselecting_one(self, odd: Project) -> None:
        result = odd.run("--deselect", "test_suite.py::test_answer[v1-a/b]")
        result.assert_outcomes(passed=len(ODD_IDS) - 1, deselected=1)

    def test_a_node_id_of_a_class_in_a_folder_with_a_space(self, project: Project) -> None:
        project.suite(
            """
            import pytest

            @pytest.mark.genaiops(dataset="capitals", variants=["v1"])
            class TestIt:
                def test_each(self, response, case):
                    assert response.text == case.reference
            """,
            name="my tests/test_it.py",
        )
        result = project.run("-v", "my tests/test_it.py::TestIt::test_each[v1-c3]")
        assert result.parseoutcomes() == {"passed": 1}


class TestSeveralSystems:
    def test_two_suites_with_targets_of_their_own_in_one_session(self, project: Project) -> None:
        for name in ("one", "two"):
            project.target(f"return '{name} ' + case.id", folder=name)
            project.suite(
                """
                import pytest

                @pytest.mark.genaiops(dataset="capitals", variants=["v1"])
                def test_each(response, case):
                    assert response.text == "{name} " + case.id

                @pytest.mark.genaiops(dataset="capitals", variants=["v1"])
                def test_whole(responses):
                    assert [r.text for r in responses] == ["{name} c1", "{name} c2", "{name} c3", "{name} c4"]
                """.replace("{name}", name),
                name=f"{name}/test_{name}.py",
            )
        project.run().assert_outcomes(passed=10)
        assert len(project.calls) == 8

    def test_a_suite_in_a_class_and_a_function_with_other_targets_share_nothing(self, project: Project) -> None:
        project.suite("""
            import pytest

            @pytest.mark.genaiops(dataset="capitals", variants=["v1"])
            def test_function(response, case):
                assert response.text == case.reference

            @pytest.mark.genaiops(dataset="capitals", variants=["v1"])
            class TestShout:
                @pytest.fixture(scope="class")
                def target(self):
                    return lambda case, variant: case.reference.upper()

                def test_each(self, response, case):
                    assert response.text == case.reference.upper()

                def test_whole(self, responses):
                    assert all(r.text.isupper() for r in responses)
        """)
        project.run().assert_outcomes(passed=9)

    def test_a_conftest_below_changes_the_metric(self, project: Project) -> None:
        source = """
            import pytest

            @pytest.mark.genaiops(dataset="capitals", variants=["v1"], pass_rate=1.0)
            def test_each(response, exact_match):
                assert exact_match(response) == 1
        """
        project.target("return case.reference[::-1]")
        project.suite(source, name="test_strict.py")
        project.write(
            "relaxed/conftest.py",
            """
            import pytest

            @pytest.fixture
            def exact_match(exact_match):
                def relaxed(response):
                    return exact_match([response.text[::-1]], [response.trial.case.reference])

                return relaxed
            """,
        )
        project.suite(source, name="relaxed/test_relaxed.py")
        assert outcomes(project.run("-v", "test_strict.py"))["test_each[v1-pass_rate]"] == "FAILED"
        assert project.run("relaxed").parseoutcomes() == {"passed": 5}
        assert project.run().parseoutcomes() == {"passed": 5, "missed": 4, "failed": 1}

    def test_suites_of_several_folders_with_the_same_file_name(self, project: Project) -> None:
        for folder in ("a", "b"):
            project.write(f"{folder}/__init__.py", "")
            project.suite(
                """
                import pytest

                @pytest.mark.genaiops(dataset="capitals", variants=["v1", "v2"], pass_rate=1.0)
                def test_each(response, exact_match):
                    assert exact_match(response) == 1
                """,
                name=f"{folder}/test_same.py",
            )
        project.run().assert_outcomes(passed=20)
        assert len(project.calls) == 8

    def test_a_dataset_written_by_a_conftest_is_read_when_collecting(self, project: Project) -> None:
        rows = "".join(json.dumps({"id": f"n{i}", "reference": "yes"}) + "\n" for i in range(3))
        text = (project.path / "conftest.py").read_text()
        project.write(
            "conftest.py",
            f"{text}\ndef pytest_configure(config):\n"
            f"    (config.rootpath / 'datasets/made.jsonl').write_text({rows!r})\n",
        )
        project.suite("""
            import pytest

            @pytest.mark.genaiops(dataset="made", variants=["v1"])
            def test_each(response, case):
                assert response.text == case.reference
        """)
        assert project.ids() == [f"test_each[v1-n{i}]" for i in range(3)]
