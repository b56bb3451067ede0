"""Who listens to pytest's hooks hears of a case what it hears of a bare item: as often, in the same order, the same.

The plugin passes over what has nothing to do, hook by hook. So each hook is listened to alone, when all others are
passed over, and all of them together.
"""

from __future__ import annotations

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
