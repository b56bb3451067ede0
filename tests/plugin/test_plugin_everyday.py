"""pytest's own options on a suite: the same as on bare parametrized items, option by option."""

from __future__ import annotations

import json

import pytest
from twins import PLAIN, Twins


@pytest.fixture
def mixed(twins: Twins) -> Twins:
    """A suite of four cases, two of which fail, behind a plain test."""
    twins.write("test_suite.py", PLAIN)
    twins.write("test_plain.py", "def test_before():\n    pass\n")
    twins.wrong("c2", "c4")
    return twins


def test_the_twins_are_what_they_should_be(mixed: Twins) -> None:
    found = mixed.same()
    assert found.outcomes == {
        "test_before": "PASSED",
        "test_each[v1-c1]": "PASSED",
        "test_each[v1-c2]": "FAILED",
        "test_each[v1-c3]": "PASSED",
        "test_each[v1-c4]": "FAILED",
    }
    assert found.counts == {"passed": 3, "failed": 2}
    assert found.ret == pytest.ExitCode.TESTS_FAILED


@pytest.mark.parametrize(
    "options",
    [
        ["-k", "c2"],
        ["-k", "v1 and not c2"],
        ["-k", "nothing"],
        ["-x"],
        ["--maxfail=2"],
        ["--deselect", "test_suite.py::test_each[v1-c2]"],
        ["--deselect", "test_suite.py::test_each"],
        ["--deselect", "test_suite.py"],
        ["test_suite.py::test_each[v1-c3]"],
        ["test_suite.py::test_each[v1-c3]", "test_suite.py::test_each[v1-c1]"],
        ["test_suite.py::test_each", "test_plain.py"],
        ["test_suite.py", "test_suite.py"],
        ["test_suite.py::test_each[v1-c9]"],
        ["test_suite.py::test_nothing"],
        ["--ignore=test_suite.py"],
        ["-p", "no:cacheprovider"],
        ["-p", "no:cacheprovider", "-p", "no:stepwise"],
        ["-p", "no:terminal"],
        ["--setup-plan"],
        ["-o", "addopts=-k c1"],
        ["-o", "console_output_style=count"],
        ["--rootdir=."],
        ["-c", "pytest.ini"],
        ["--import-mode=importlib", "-o", "pythonpath=."],
        ["--no-header", "--no-summary", "-rN"],
    ],
    ids=" ".join,
)
def test_outcomes_under(mixed: Twins, options: list[str]) -> None:
    mixed.same(*options)


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["-q"],
        ["-qq"],
        ["-v"],
        ["-vv"],
        ["-rA"],
        ["-rf", "--tb=no"],
        ["--tb=line"],
        ["--tb=short"],
        ["--collect-only"],
        ["--collect-only", "-q"],
        ["--collect-only", "-qq"],
        ["-o", "console_output_style=progress-even-when-capture-no", "-s"],
    ],
    ids=" ".join,
)
def test_what_is_printed_under(mixed: Twins, options: list[str]) -> None:
    ours, bare = mixed.run(*options)
    assert ours.printed == bare.printed
    assert len(ours.printed) >= 2


def test_durations_name_every_phase_of_every_case(mixed: Twins) -> None:
    ours, bare = mixed.run("--durations=0", "--durations-min=0")

    def phases(text: str) -> list[list[str]]:
        return sorted(line.split()[1:] for line in text.splitlines() if line[:1].isdigit() and "s " in line)

    assert phases(ours.text) == phases(bare.text)
    assert ["call", "test_suite.py::test_each[v1-c4]"] in phases(ours.text)


class TestSeveralRuns:
    """Each run builds on what the ones before left in pytest's cache."""

    def test_last_failed(self, mixed: Twins) -> None:
        mixed.same()
        assert list(mixed.same("--lf").outcomes) == ["test_each[v1-c2]", "test_each[v1-c4]"]
        mixed.wrong("c4")
        mixed.same("--lf")
        assert list(mixed.same("--lf").outcomes) == ["test_each[v1-c4]"]
        mixed.wrong()
        mixed.same("--lf")
        assert len(mixed.same("--lf").outcomes) == 5
        assert mixed.same("--lf", "--lfnf=none").counts == {"deselected": 5}

    def test_failed_first(self, mixed: Twins) -> None:
        mixed.same()
        assert list(mixed.same("--ff").outcomes)[:2] == ["test_each[v1-c2]", "test_each[v1-c4]"]

    def test_new_first(self, mixed: Twins) -> None:
        mixed.same("test_plain.py")
        mixed.same("--nf")
        mixed.write("test_a.py", PLAIN.replace("test_each", "test_new"))
        assert next(iter(mixed.same("--nf").outcomes)) == "test_new[v1-c1]"

    def test_stepwise(self, mixed: Twins) -> None:
        first, second, skipping, third = mixed.same_in_turn(["--sw"], ["--sw"], ["--sw", "--sw-skip"], ["--sw"])
        assert list(first.outcomes) == ["test_before", "test_each[v1-c1]", "test_each[v1-c2]"]
        assert list(second.outcomes) == ["test_each[v1-c2]"]
        assert list(skipping.outcomes) == ["test_each[v1-c2]", "test_each[v1-c3]", "test_each[v1-c4]"]
        mixed.wrong()
        mixed.same_in_turn(["--sw"], ["--sw"])
        assert third.outcomes == {"test_each[v1-c4]": "FAILED"}

    def test_the_cache_holds_the_same_node_ids(self, mixed: Twins) -> None:
        mixed.same()
        for name in ("lastfailed", "nodeids"):
            ours, bare = (
                json.loads((folder / ".pytest_cache/v/cache" / name).read_text()) for folder in (mixed.ours, mixed.bare)
            )
            assert ours == bare
            assert ours

    def test_a_case_that_is_no_more_is_forgotten(self, mixed: Twins) -> None:
        mixed.same()
        rows = (mixed.ours / "datasets/capitals.jsonl").read_text().splitlines()
        (mixed.ours / "datasets/capitals.jsonl").write_text("\n".join(row for row in rows if '"c2"' not in row))
        world = (mixed.bare / "world.py").read_text()
        (mixed.bare / "world.py").write_text(world.replace("'c2': 'Rome', ", ""))
        assert list(mixed.same("--lf").outcomes) == ["test_each[v1-c4]"]


class TestWarnings:
    @pytest.fixture(autouse=True)
    def suite(self, twins: Twins) -> None:
        twins.write(
            "test_suite.py",
            """
            import warnings

            from world import each

            @each
            def test_each(response, case):
                if case.id == "c2":
                    warnings.warn("careful", UserWarning)
                if case.id == "c3":
                    warnings.warn("old", DeprecationWarning)
            """,
        )

    @pytest.mark.parametrize(
        "options",
        [
            [],
            ["-W", "error"],
            ["-W", "error::UserWarning"],
            ["-W", "ignore"],
            ["--disable-warnings"],
            ["-o", "filterwarnings=error::DeprecationWarning"],
        ],
        ids=" ".join,
    )
    def test_filters(self, twins: Twins, options: list[str]) -> None:
        twins.same(*options)
        ours, bare = twins.run(*options)
        assert ours.printed == bare.printed

    def test_filters_of_the_environment(self, twins: Twins, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PYTHONWARNINGS", "error::UserWarning")
        assert twins.same(apart=True).counts == {"passed": 3, "failed": 1}


class TestWholeDatasets:
    """A suite of one item a variant, beside items that are parametrized by the variant."""

    @pytest.fixture(autouse=True)
    def suite(self, twins: Twins) -> None:
        for folder, marked in (
            (twins.ours, "pytest.mark.genaiops(dataset='capitals', variants=['v1', 'v2', 'v3'])"),
            (twins.bare, "pytest.mark.parametrize('variant', VARIANTS, indirect=True, ids=['v1', 'v2', 'v3'])"),
        ):
            with (folder / "world.py").open("a") as file:
                file.write("\nVARIANTS = [type('V', (), {'id': f'v{i}'}) for i in (1, 2, 3)]\n")
                file.write(f"whole = {marked}\n")
        with (twins.bare / "conftest.py").open("a") as file:
            file.write(
                "\nfrom world import CASES\n\n@pytest.fixture\ndef responses(variant):\n"
                "    return [SimpleNamespace(text=answer(case, variant)) for case in CASES]\n"
            )
        twins.write(
            "test_suite.py",
            """
            import pytest

            from world import CITIES, note, whole

            @pytest.fixture(scope="module")
            def wide():
                note("+ wide")
                yield
                note("- wide")

            @whole
            def test_whole(responses, variant, wide):
                note(variant.id)
                right = sum(r.text == city for r, city in zip(responses, CITIES.values()))
                assert right == 4 or variant.id == "v3"

            @whole
            class TestClass:
                def test_length(self, responses):
                    assert len(responses) == 4
            """,
        )
        twins.wrong("c2")

    @pytest.mark.parametrize("options", [["-x"], ["-k", "v2"], ["--deselect", "test_suite.py::TestClass"], ["-rA"]])
    def test_options(self, twins: Twins, options: list[str]) -> None:
        assert twins.same(*options).outcomes

    def test_several_runs(self, twins: Twins) -> None:
        twins.same_in_turn([], ["--lf"], ["--sw"], ["--sw", "--sw-skip"], ["--ff", "-x"])


@pytest.mark.parametrize("option", ["--fixtures", "--fixtures-per-test", "--markers", "--cache-show", "--version"])
def test_listings_end_well(mixed: Twins, option: str) -> None:
    ours, bare = mixed.run(option)
    assert ours.ret == bare.ret == pytest.ExitCode.OK
    if option == "--fixtures":
        assert "response" in ours.text
        assert "asking for it makes one test item per variant and case" in ours.text
