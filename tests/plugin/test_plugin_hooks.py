"""Who listens to pytest's hooks hears of a case what it hears of a bare item: as often, in the same order, the same.

The plugin passes over what has nothing to do, hook by hook. So each hook is listened to alone, when all others are
passed over, and all of them together.
"""

from __future__ import annotations

import os
from xml.etree import ElementTree

import pytest
from twins import Twins

HOOKS = {
    "pytest_runtest_protocol": "item, nextitem",
    "pytest_runtest_logstart": "nodeid, location",
    "pytest_runtest_setup": "item",
    "pytest_runtest_call": "item",
    "pytest_runtest_teardown": "item, nextitem",
    "pytest_runtest_makereport": "item, call",
    "pytest_runtest_logreport": "report",
    "pytest_runtest_logfinish": "nodeid, location",
    "pytest_report_teststatus": "report",
    "pytest_pyfunc_call": "pyfuncitem",
    "pytest_exception_interact": "node, call, report",
    "pytest_fixture_setup": "fixturedef, request",
    "pytest_fixture_post_finalizer": "fixturedef, request",
    "pytest_itemcollected": "item",
    "pytest_warning_recorded": "warning_message, when, nodeid",
}

ONCE = ("pytest_exception_interact", "pytest_warning_recorded")

TOLD = """
def told(value):
    import warnings

    import pytest
    if isinstance(value, pytest.Item):
        return value.name
    if isinstance(value, pytest.CallInfo):
        return f"{value.when} {value.excinfo and value.excinfo.typename}"
    if isinstance(value, pytest.TestReport):
        named = sorted(set(value.keywords) - {"genaiops", "parametrize", "pytestmark", "ours", "bare"})
        return f"{value.nodeid} {value.location} {value.when} {value.outcome} {value.sections} {named}"
    if isinstance(value, warnings.WarningMessage):
        return value.message
    if isinstance(value, pytest.FixtureDef):
        return value.argname
    if isinstance(value, pytest.FixtureRequest):
        return value.fixturename
    return value
"""

PLAIN = """
def {hook}({arguments}):
    from world import note
    if "target" not in [getattr(value, "argname", "") for value in [{arguments}]]:
        note("{hook}", *map(told, [{arguments}]))
"""

AROUND = """
import os
from xml.etree import ElementTree

import pytest

@pytest.hookimpl(wrapper=True)
def {hook}({arguments}):
    from world import note
    if "target" in [getattr(value, "argname", "") for value in [{arguments}]]:
        return (yield)
    note("before {hook}", *map(told, [{arguments}]))
    found = yield
    if isinstance(found, pytest.TestReport):
        note("after {hook}", told(found))
    note("after {hook}", *map(told, [{arguments}]))
    return found
"""

RESPONSE = """
@pytest.fixture(scope="session")
def target():
    return answer

@pytest.fixture
def response(request, variant, target):
    return SimpleNamespace(text=target(request.node.callspec.params["case"], variant))
"""
"""Stands on the same fixtures as the plugin's: pytest finalizes along that graph."""

SUITE = """
    import warnings

    import pytest
    from world import each

    @pytest.fixture(scope="session")
    def shared():
        return "shared"

    @each
    def test_each(variant, case, response, shared):
        if case.id == "c3":
            warnings.warn("careful")
        assert response.text == case.reference

    @each
    def test_other(variant, case, response):
        print("other")

    @each
    def test_with_a_fixture(variant, case, response, tmp_path):
        assert tmp_path.exists()
"""


@pytest.mark.parametrize("kind", [PLAIN, AROUND], ids=["plain", "wrapper"])
@pytest.mark.parametrize(
    "hooks", [*([hook] for hook in HOOKS), list(HOOKS)], ids=lambda hooks: hooks[-1] if len(hooks) == 1 else "all"
)
@pytest.mark.parametrize("recorded", [True, False], ids=["recorded", "called"])
class TestAConftest:
    def test_hears_the_same(self, twins: Twins, hooks: list[str], kind: str, recorded: bool) -> None:
        twins.wrong("c2")
        if recorded:
            twins.record()
        conftest = twins.bare / "conftest.py"
        conftest.write_text(conftest.read_text() + RESPONSE)
        twins.extend_conftest(TOLD)
        if kind is AROUND:
            hooks = [hook for hook in hooks if hook != "pytest_warning_recorded"]  # pluggy knows no such wrapper
        for hook in hooks:
            twins.extend_conftest(kind.format(hook=hook, arguments=HOOKS[hook]))
        twins.write("test_suite.py", SUITE)
        ours, bare = twins.run("-v")
        assert ours.notes == bare.notes
        assert ours.counts == bare.counts == {"passed": 11, "failed": 1, "warnings": 1}
        assert len(ours.notes) >= sum(1 if hook in ONCE else 12 for hook in hooks)


EVERYDAY = """
    import logging
    import warnings

    import pytest
    from world import each, note

    @each
    def test_loud(case, response):
        print("said", case.id)
        logging.getLogger("mine").warning("logged %s", case.id)
        assert response.text == case.reference

    @each
    def test_asks_late(request, case, response):
        assert request.getfixturevalue("tmp_path").exists()
        request.addfinalizer(lambda: print("final", case.id))
        assert response.text == case.reference

    @each
    def test_marks_itself(request, case, response):
        if case.id == "c2":
            request.node.add_marker(pytest.mark.xfail(reason="known"))
        assert response.text == case.reference

    @each
    def test_looks(case, response, caplog, capsys, recwarn):
        logging.getLogger("mine").warning("about %s", case.id)
        print(case.id)
        warnings.warn("careful")
        note([record.getMessage() for record in caplog.records], capsys.readouterr().out, len(recwarn))

    @each
    def test_marked_by_a_hook(case, response):
        if case.id == "c4":
            pytest.fail("the fourth")
"""
BY_A_HOOK = """
def pytest_collection_modifyitems(items):
    for item in items:
        if item.name == "test_marked_by_a_hook[v1-c1]":
            item.add_marker(pytest.mark.skip(reason="not today"))
        if item.name == "test_marked_by_a_hook[v1-c4]":
            item.add_marker(pytest.mark.xfail(strict=True, reason="later"))
"""

KEPT = """
def pytest_itemcollected(item):
    item.extra_keyword_matches.add(item.name[:4])

def pytest_terminal_summary(terminalreporter):
    from world import note

    def names(keywords):
        return sorted(name for name in keywords if name.startswith(("named", "test_each", "v1")))

    for kept in ("", "passed", "failed"):
        for report in terminalreporter.stats.get(kept, ()):
            note(report.nodeid, report.fspath, report.location, report.when, report.outcome, report.passed,
                 report.longrepr and "longrepr", report.sections, report.user_properties, names(report.keywords),
                 report.duration >= 0, report.stop >= report.start > 0, report.head_line, report.caplog)
            sent = terminalreporter.config.hook.pytest_report_to_serializable(
                config=terminalreporter.config, report=report
            )
            sent = terminalreporter.config.hook.pytest_report_from_serializable(
                config=terminalreporter.config, data=sent
            )
            note("sent", sent.nodeid, sent.location, sent.when, sent.outcome, sent.sections, sent.user_properties,
                 names(sent.keywords), sent.duration == report.duration, sent.start == report.start)
    for item in terminalreporter._session.items:
        note(item.location, item.callspec.id, len(item.own_markers),
             item.extra_keyword_matches, item.user_properties, names(item.keywords), item.listextrakeywords())
"""


class TestNobodyListens:
    """Answers are on record, so that setups are quiet; nothing that pytest shows is lost with what is passed over."""

    @pytest.fixture(autouse=True)
    def everyday(self, twins: Twins) -> None:
        twins.wrong("c2")
        twins.record()
        twins.extend_conftest(BY_A_HOOK)
        twins.write("test_suite.py", EVERYDAY)

    @pytest.mark.parametrize(
        "options",
        [
            [],
            ["-q"],
            ["-vv", "-rA"],
            ["-s"],
            ["-o", "log_cli=true"],
            ["-x", "--lf"],
            ["--runxfail"],
            ["--show-capture=no"],
            ["-p", "no:logging", "--deselect=test_suite.py::test_looks"],
            ["-p", "no:skipping"],
            ["-p", "no:tmpdir", "--deselect=test_suite.py::test_asks_late"],
            ["--capture=sys", "-W", "error::DeprecationWarning"],
            ["-o", "tmp_path_retention_policy=failed"],
        ],
        ids=" ".join,
    )
    def test_the_same_is_printed(self, twins: Twins, options: list[str]) -> None:
        ours, bare = twins.run(*options)
        assert ours.printed == bare.printed
        assert ours.notes == bare.notes

    def test_the_same_stands_in_the_junit_report(self, twins: Twins) -> None:
        twins.run("--junitxml=report.xml", "-o", "junit_logging=all")

        def parts(case: ElementTree.Element) -> list[tuple[str, str | None]]:
            return [(part.tag, part.get("message")) for part in case if part.tag != "properties"]  # which are ours

        ours, bare = (
            [
                (case.get("name"), case.get("classname"), parts(case))
                for case in ElementTree.parse(folder / "report.xml").iter("testcase")
            ]
            for folder in (twins.ours, twins.bare)
        )
        assert ours == bare
        assert len(ours) == 20

    def test_durations_are_kept_of_every_phase(self, twins: Twins) -> None:
        ours, bare = twins.run("--durations=0", "--durations-min=0")
        phases = [
            sorted(tuple(line.split()[1:]) for line in run.text.splitlines() if line[:1].isdigit() and "s " in line[:9])
            for run in (ours, bare)
        ]
        assert phases[0] == phases[1]
        assert len(phases[0]) == 59  # three phases of twenty cases, one of which is skipped

    def test_what_pytest_keeps_reads_the_same(self, twins: Twins) -> None:
        twins.extend_conftest(KEPT)
        twins.write(
            "test_suite.py",
            """
            import pytest

            from world import each

            @each
            def test_each(request, case, response):
                if case.id == "c3":
                    request.node.user_properties.append(("seen", case.id))
                    request.node.keywords["named"] = True
                assert response.text == case.reference
            """,
        )
        ours, bare = twins.run()
        assert ours.notes == bare.notes
        assert len(ours.notes) == 12 + 12 + 4
        seen = "[('seen', 'c3')] ['named', 'test_each[v1-c3]', 'v1-c3']"
        assert [seen in note for note in ours.notes].count(True) == 5  # call and teardown, kept and sent, and item

    def test_no_case_is_left_behind_for_an_ordinary_test(self, twins: Twins) -> None:
        twins.write(
            "test_suite.py",
            """
            from world import each

            @each
            def test_each(case):
                pass

            def test_ordinary(variant):
                pass
            """,
        )
        ours, _ = twins.run()
        assert ours.counts == {"passed": 4, "errors": 1}
        assert "the test asks for a fixture that belongs to suites" in ours.text

    def test_whoever_comes_while_tests_run_is_called(self, twins: Twins) -> None:
        twins.write("test_suite.py", """
            from world import each, note

            class Late:
                def pytest_runtest_setup(self, item):
                    note("setup", item.name)

                def pytest_runtest_teardown(self, item):
                    note("teardown", item.name)

                def pytest_fixture_setup(self, fixturedef):
                    if fixturedef.argname != "target":
                        note("made", fixturedef.argname)

            @each
            def test_each(variant, case, response, pytestconfig):
                if case.id == "c3":
                    pytestconfig.pluginmanager.register(Late())
        """)  # fmt: skip
        made = ["setup test_each[v1-c4]", "made variant", "made case", "made response", "teardown test_each[v1-c4]"]
        ours, bare = twins.run()
        assert ours.notes == bare.notes == ["teardown test_each[v1-c3]", *made]

    def test_who_records_every_call_finds_every_call(self, twins: Twins) -> None:
        del twins.pytester.make_hook_recorder
        twins.pytester.chdir()
        os.chdir(twins.ours)
        recorded = twins.pytester.inline_run("-p", "genaiops", "-k", "test_loud")
        recorded.assertoutcome(passed=3, failed=1)
        assert len(recorded.getcalls("pytest_runtest_logreport")) == 12
