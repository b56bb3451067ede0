"""Marks and failures on a suite's cases: counted as on bare items."""

from __future__ import annotations

import pytest
from twins import Twins


class TestMarks:
    SUITE = """
        import pytest

        from world import each, note

        {head}

        {marks}
        @each
        def test_each(response, case):
            note("runs", case.id)
            {inside}
            assert response.text == case.reference
    """

    @pytest.mark.parametrize(
        "marks",
        [
            "@pytest.mark.skip(reason='not today')",
            "@pytest.mark.skipif(True, reason='never')",
            "@pytest.mark.skipif('1 < 2', reason='text')",
            "@pytest.mark.skipif(False, reason='runs')",
            "@pytest.mark.xfail",
            "@pytest.mark.xfail(strict=True)",
            "@pytest.mark.xfail(run=False)",
            "@pytest.mark.xfail(raises=OSError)",
            "@pytest.mark.xfail(raises=AssertionError, reason='known')",
            "@pytest.mark.xfail(False, reason='no')",
            "@pytest.mark.usefixtures('tmp_path', 'capsys')",
            "@pytest.mark.filterwarnings('error')",
        ],
    )
    def test_a_mark(self, twins: Twins, marks: str) -> None:
        twins.write("test_suite.py", self.SUITE.format(head="", marks=marks, inside="pass"))
        twins.wrong("c2")
        twins.same("-rA")

    @pytest.mark.parametrize("marks", ["@pytest.mark.xfail", "@pytest.mark.xfail(strict=True)"])
    @pytest.mark.parametrize("options", [["--runxfail"], ["-o", "xfail_strict=true"]], ids=" ".join)
    def test_expected_failures_as_configured(self, twins: Twins, marks: str, options: list[str]) -> None:
        twins.write("test_suite.py", self.SUITE.format(head="", marks=marks, inside="pass"))
        twins.wrong("c2")
        twins.same(*options)

    @pytest.mark.parametrize(
        "inside",
        [
            "pytest.skip('inside')",
            "case.id == 'c1' and pytest.skip('one of them')",
            "pytest.xfail('gives up')",
            "case.id == 'c3' and pytest.fail('said so')",
            "case.id == 'c3' and pytest.fail('said so', pytrace=False)",
            "pytest.importorskip('no_such_package')",
            "case.id == 'c2' and pytest.exit('enough', returncode=7)",
        ],
    )
    def test_decided_inside_the_test(self, twins: Twins, inside: str) -> None:
        twins.write("test_suite.py", self.SUITE.format(head="", marks="", inside=inside))
        twins.same("-rA")

    @pytest.mark.parametrize(
        "head",
        [
            "pytestmark = pytest.mark.skip(reason='module')",
            "pytestmark = [pytest.mark.xfail(strict=True), pytest.mark.usefixtures('tmp_path')]",
            "pytest.skip('the whole module', allow_module_level=True)",
        ],
    )
    def test_for_a_whole_module(self, twins: Twins, head: str) -> None:
        twins.write("test_suite.py", self.SUITE.format(head=head, marks="", inside="pass"))
        twins.wrong("c2")
        twins.same("-rA")

    def test_the_suite_itself_by_the_module(self, twins: Twins) -> None:
        source = """
            from world import each, note

            pytestmark = each

            def test_first(response, case):
                note("first", case.id)

            class TestClass:
                def test_second(self, case):
                    note("second", case.id)
        """
        twins.write("test_suite.py", source)
        assert len(twins.same().outcomes) == 8

    def test_added_by_a_hook(self, twins: Twins) -> None:
        twins.write("test_suite.py", self.SUITE.format(head="", marks="", inside="pass"))
        twins.extend_conftest("""
            def pytest_collection_modifyitems(items):
                for item in items:
                    if "c2" in item.name:
                        item.add_marker(pytest.mark.skip(reason="slow"))
                    if "c3" in item.name:
                        item.add_marker("later")

            def pytest_configure(config):
                config.addinivalue_line("markers", "later: by a hook")
        """)
        assert twins.same().outcomes["test_each[v1-c2]"] == "SKIPPED"
        assert list(twins.same("-m", "later").outcomes) == ["test_each[v1-c3]"]


class TestFailures:
    SUITE = """
        import pytest

        from world import each, note

        @pytest.fixture
        def helper(case):
            {before}
            yield
            {after}

        @each
        def test_each(response, case, helper):
            {inside}
            assert response.text == case.reference

        def test_after():
            pass
    """

    @pytest.mark.parametrize("options", [[], ["-x"]], ids=["all", "x"])
    @pytest.mark.parametrize(
        "phases",
        [
            {"before": "assert case.id != 'c2'"},
            {"before": "raise OSError('no disk')"},
            {"before": "case.id == 'c2' and pytest.skip('in setup')"},
            {"before": "case.id == 'c2' and pytest.fail('in setup')"},
            {"before": "case.id == 'c2' and pytest.xfail('in setup')"},
            {"inside": "raise ValueError(case.id)"},
            {"inside": "raise SystemExit(3)"},
            {"after": "assert case.id != 'c2'"},
            {"after": "raise OSError('no disk')"},
            {"after": "case.id == 'c2' and pytest.skip('in teardown')"},
            {"inside": "assert case.id != 'c2'", "after": "assert case.id != 'c2'"},
        ],
        ids=lambda phases: " and ".join(phases) + " " + next(iter(phases.values()))[:24],
    )
    def test_in_a_phase(self, twins: Twins, phases: dict[str, str], options: list[str]) -> None:
        twins.write(
            "test_suite.py", self.SUITE.format(**{"before": "pass", "inside": "pass", "after": "pass"} | phases)
        )
        twins.wrong("c4")
        twins.same(*options)

    def test_control_c(self, twins: Twins) -> None:
        inside = "case.id == 'c3' and (_ for _ in ()).throw(KeyboardInterrupt)"
        twins.write("test_suite.py", self.SUITE.format(before="note('+')", inside=inside, after="note('-')"))
        found = twins.same(apart=True)
        assert found.ret == pytest.ExitCode.INTERRUPTED
        assert found.notes == ["+", "-"] * 3

    def test_a_wide_fixture_that_fails_fails_every_case_and_is_made_once(self, twins: Twins) -> None:
        twins.write(
            "test_suite.py",
            """
            import pytest

            from world import each, note

            @pytest.fixture(scope="module")
            def broken():
                note("tried")
                raise OSError("no disk")

            @each
            def test_each(response, broken):
                pass
            """,
        )
        found = twins.same()
        assert found.counts == {"errors": 4}
        assert found.notes == ["tried"]
