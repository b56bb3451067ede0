"""Running the cases of some slices, and what the summary says of slices."""

from __future__ import annotations

from typing import Any

import pytest
from inner import CITIES, ROWS, Project, outcomes

ROMANCE = {"c1": "north", "c2": "south", "c3": "south"}
SLICED: list[dict[str, Any]] = [
    {**row, "slice_climate": ROMANCE.get(row["id"], "north"), "slice_size": "big" if row["id"] < "c3" else "small"}
    for row in ROWS
]


@pytest.fixture
def sliced(project: Project) -> Project:
    """Four cities in two climates and two sizes; v2 does not know Rome."""
    project.dataset(SLICED)
    project.target('return "London" if variant.id == "v2" and case.id == "c2" else case.reference')
    return project


def ids(project: Project, *arguments: str) -> list[str]:
    return [name.removeprefix("test_answer[default-").removesuffix("]") for name in project.ids(*arguments)]


class TestChoosing:
    @pytest.mark.parametrize(
        ("options", "expected"),
        [
            (["climate=south"], ["c2", "c3"]),
            (["climate=south", "climate=north"], list(CITIES)),
            (["climate=south", "size=big"], ["c2"]),
        ],
    )
    def test_several_tags_must_all_hold_and_one_value_of_each(
        self, sliced: Project, options: list[str], expected: list[str]
    ) -> None:
        sliced.by_case()
        assert ids(sliced, *(f"--genaiops-slice={each}" for each in options)) == expected

    def test_the_limit_is_drawn_from_the_slice(self, sliced: Project) -> None:
        sliced.by_case()
        (one,) = ids(sliced, "--genaiops-slice=climate=south", "--genaiops-limit=1")
        assert one in ("c2", "c3")

    def test_a_whole_dataset_and_its_gate_see_the_slice_alone(self, sliced: Project) -> None:
        sliced.whole('variants=["v1"]')
        result = sliced.run("--genaiops-slice=climate=south")
        result.assert_outcomes(passed=1)
        assert sorted(sliced.calls) == ["v1 c2", "v1 c3"]
        result.stdout.fnmatch_lines(["*capitals, 2 of 4 cases, climate=south"])

    def test_the_pass_rate_is_that_of_the_slice(self, sliced: Project) -> None:
        sliced.by_case('variants=["v2"], pass_rate=0.7')
        found = outcomes(sliced.run("-v", "--genaiops-slice=climate=south"))
        assert found == {
            "test_answer[v2-c2]": "MISS",
            "test_answer[v2-c3]": "PASSED",
            "test_answer[v2-pass_rate]": "FAILED",
        }

    def test_values_hold_what_a_value_may_hold(self, project: Project) -> None:
        project.dataset([{**ROWS[0], "slice_topic": "a=b c"}, ROWS[1]])
        project.target()
        project.by_case()
        assert ids(project, "--genaiops-slice=topic=a=b c") == ["c1"]


class TestSuitesWithoutTheSlice:
    def other(self, project: Project, test: str) -> None:
        project.dataset(name="plain")
        project.suite(
            f"""
            import pytest

            @pytest.mark.genaiops(dataset="plain", pass_rate=0.5)
            def test_plain({test}):
                assert False, "it must not run"
            """.replace(", pass_rate=0.5", ", pass_rate=0.5" if test == "response" else ""),
            name="test_other.py",
        )

    @pytest.mark.parametrize("test", ["response", "responses"])
    def test_are_deselected(self, sliced: Project, test: str) -> None:
        sliced.by_case()
        self.other(sliced, test)
        result = sliced.run("--genaiops-slice=climate=south")
        result.assert_outcomes(passed=2, deselected=1)
        assert len(sliced.calls) == 2

    def test_a_session_of_which_nothing_is_left_is_not_green(self, sliced: Project) -> None:
        sliced.dataset([*SLICED[:1], {**SLICED[1], "slice_climate": "dry"}])
        sliced.by_case()
        result = sliced.run(
            "--genaiops-slice=climate=dry", "--genaiops-slice=climate=north", "--genaiops-slice=size=big"
        )
        result.assert_outcomes(passed=2)
        sliced.dataset([{**SLICED[0], "slice_size": "small"}, {**SLICED[1], "slice_climate": "dry"}])
        result = sliced.run("--genaiops-slice=climate=dry", "--genaiops-slice=size=small")
        result.assert_outcomes(deselected=1)
        assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED


class TestUsage:
    @pytest.mark.parametrize(
        ("option", "said"),
        [
            ("climat=south", "there is no slice 'climat' (did you mean 'climate'?); there are 'climate', 'size'"),
            (
                "climate=suoth",
                "the slice 'climate' has no value 'suoth' (did you mean 'south'?); it has 'north', 'south'",
            ),
        ],
    )
    def test_what_no_suite_has_is_refused_with_what_there_is(self, sliced: Project, option: str, said: str) -> None:
        sliced.by_case()
        result = sliced.run("--genaiops-slice=climate=north", f"--genaiops-slice={option}")
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        result.stderr.fnmatch_lines([f"ERROR: --genaiops-slice: in the collected suites {said}".replace("[", "[[]")])
        assert sliced.calls == []

    def test_data_without_slices_is_told_how_to_get_them(self, project: Project) -> None:
        project.target()
        project.by_case()
        result = project.run("--genaiops-slice=topic=law")
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        result.stderr.fnmatch_lines(["*no case is in a slice; add a column slice_topic to the dataset"])

    @pytest.mark.parametrize("option", ["climate", "=south", "climate="])
    def test_what_is_no_pair_is_refused(self, sliced: Project, option: str) -> None:
        sliced.by_case()
        result = sliced.run(f"--genaiops-slice={option}")
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        result.stderr.fnmatch_lines([f"*--genaiops-slice={option}: give a tag and its value, such as topic=law"])


class TestSummary:
    def test_cases_of_their_own_show_their_slices(self, sliced: Project) -> None:
        """By hand: v2 misses Rome alone, one of two southern and one of two big cities."""
        sliced.by_case('variants=["v1", "v2"], pass_rate=0.5')
        lines = [line.split() for line in sliced.run().outlines]
        found = {line[0]: [word for word in line[1:] if word[0] != "[" and word[-1] != "]"] for line in lines if line}
        assert found["climate=north"] == found["size=small"] == ["1.0000", "1.0000"]
        assert found["climate=south"] == found["size=big"] == ["1.0000", "0.5000"]

    @pytest.mark.parametrize("grain", ["whole", "by_case"])
    def test_more_slices_than_a_table_shows_are_counted(self, project: Project, grain: str) -> None:
        project.dataset([{"id": f"c{i}", "reference": "yes", "slice_n": f"{i:02}"} for i in range(15)])
        project.target()
        getattr(project, grain)()
        result = project.run()
        result.stdout.fnmatch_lines(["*capitals, 15 cases, 3 further slices not shown*", "*n=11*"])
        result.stdout.no_fnmatch_line("*n=12*")
