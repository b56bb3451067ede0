"""What tests print and log on a suite: captured, shown and filed as for bare parametrized items."""

from __future__ import annotations

import logging
import re

import pytest
from twins import Twins

SUITE = """
    import logging
    import sys
    import warnings

    import pytest

    from world import each, note

    log = logging.getLogger("mine")

    @pytest.fixture(scope="module")
    def wide():
        print("wide begins")
        yield
        print("wide ends")

    @pytest.fixture
    def helper(case, wide):
        print("before", case.id)
        log.info("before %s", case.id)
        yield
        print("after", case.id, file=sys.stderr)
        log.warning("after %s", case.id)

    @each
    def test_each(response, case, helper):
        print("during", case.id)
        log.error("during %s", case.id)
        assert response.text == case.reference

    @each
    def test_quiet(case):
        pass
"""


@pytest.fixture
def loud(twins: Twins) -> Twins:
    twins.write("test_suite.py", SUITE)
    twins.wrong("c2")
    logging.getLogger("mine").disabled = False  # --log-disable outlives the run
    return twins


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["-s"],
        ["-rP"],
        ["-rx", "-rN"],
        ["-v", "-s"],
        ["--capture=sys", "-rP"],
        ["--capture=tee-sys"],
        ["--show-capture=no"],
        ["--show-capture=log"],
        ["-p", "no:logging", "-rP"],
        ["--log-level=DEBUG", "-rP"],
        ["--log-cli-level=INFO"],
        ["--log-cli-level=INFO", "-v", "-s"],
        ["-o", "log_cli=true", "-o", "log_cli_level=WARNING", "-x"],
        ["--log-format=%(levelname)s: %(message)s", "-rA"],
        ["--log-disable=mine", "-rP"],
        ["--tb=short", "--show-capture=stderr"],
        ["--setup-show", "-k", "nothing"],
    ],
    ids=" ".join,
)
def test_what_is_printed_under(loud: Twins, options: list[str]) -> None:
    ours, bare = loud.run(*options)
    assert without_places(ours.printed) == without_places(bare.printed)
    assert ours.ret == bare.ret


def without_places(lines: list[str]) -> list[str]:
    """Without the times of day in log lines, and the rules that fill what they leave."""
    return [re.sub(r"-{2,}|\d\d:\d\d:\d\d(\.\d+)?", "", line) for line in lines if "SETUP" not in line]


def test_log_files_hold_the_same(loud: Twins) -> None:
    loud.run("--log-file=log.txt", "--log-file-level=INFO", "--log-file-format=%(levelname)s %(message)s")
    ours, bare = ((folder / "log.txt").read_text().splitlines() for folder in (loud.ours, loud.bare))
    assert ours == bare
    assert ours[:3] == ["INFO before c1", "ERROR during c1", "WARNING after c1"]


def test_what_cannot_be_caught_is_told_of_alike(twins: Twins) -> None:
    twins.write(
        "test_suite.py",
        """
        import gc
        import threading

        from world import each

        class Breaks:
            def __del__(self):
                raise OSError("in a destructor")

        @each
        def test_destructor(response, case):
            if case.id == "c2":
                Breaks()
                gc.collect()

        @each
        def test_thread(response, case):
            def run():
                raise OSError("in a thread")

            if case.id == "c3":
                started = threading.Thread(target=run)
                started.start()
                started.join()
        """,
    )
    assert twins.same().counts == {"passed": 8, "warnings": 2}
    assert twins.same("-W", "error").counts == {"passed": 6, "failed": 2}


def test_verbose_progress_by_count_and_reports_by_section(loud: Twins) -> None:
    loud.extend_conftest("""
        @pytest.hookimpl(wrapper=True)
        def pytest_runtest_makereport(item, call):
            report = yield
            if call.when == "call" and "c3" in item.name:
                report.sections.append(("mine", "about " + item.name))
            return report

        def pytest_report_header(config):
            return "header of the project"

        def pytest_terminal_summary(terminalreporter, exitstatus):
            counts = {key: len(found) for key, found in sorted(terminalreporter.stats.items()) if key}
            terminalreporter.write_sep("=", f"exit {int(exitstatus)}: {counts}")

        def pytest_report_teststatus(report, config):
            if report.when == "call" and report.passed and "c4" in report.nodeid:
                return "passed", "4", "FOUR"
    """)
    ours, bare = loud.run("-rA", "-o", "console_output_style=count")
    assert ours.printed == bare.printed
    assert "exit 1: {'failed': 1, 'passed': 7}" in ours.text
    assert "- mine -" in ours.text
