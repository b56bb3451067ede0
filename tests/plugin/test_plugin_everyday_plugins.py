"""Other people's plugins on a suite: they do to its cases what they do to bare parametrized items."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from twins import PLAIN, Twins

PYTEST_9 = int(pytest.__version__.partition(".")[0]) >= 9


class TestJUnit:
    @staticmethod
    def cases(folder: Path) -> list[Any]:
        """Every test case as JUnit has it, without its time and our properties; texts where both sides say the same."""
        suite = ElementTree.parse(folder / "out.xml").getroot()[0]
        found: list[Any] = [[suite.get(key) for key in ("name", "errors", "failures", "skipped", "tests")]]
        for case in suite.iter("testcase"):
            attributes = {key: value for key, value in case.items() if key != "time"}
            parts = [(part.tag, part.get("message"), part.get("type")) for part in case if part.tag != "properties"]
            properties = [(each.get("name"), each.get("value")) for each in case.iter("property")]
            properties = [each for each in properties if not str(each[0]).startswith("genaiops.")]
            found.append((attributes, parts, properties))
        return found

    @pytest.mark.parametrize(("family", "logging"), [("xunit1", "all"), ("xunit2", "no"), ("xunit2", "all")])
    def test_the_same_cases_with_the_same_results(self, twins: Twins, family: str, logging: str) -> None:
        twins.write(
            "test_suite.py",
            """
            import pytest

            from world import each

            @pytest.fixture
            def breaks_after(case):
                yield
                if case.id == "c3":
                    raise OSError("no disk")

            @each
            def test_each(response, case, record_property, breaks_after):
                print("printed", case.id)
                record_property("city", case.reference)
                if case.id == "c4":
                    pytest.skip("not this one")
                assert response.text == case.reference

            @each
            class TestClass:
                @pytest.mark.xfail
                def test_expected(self, response):
                    assert response.text == "Rome"
            """,
        )
        twins.wrong("c2")
        twins.run("--junitxml=out.xml", "-o", f"junit_family={family}", "-o", f"junit_logging={logging}")
        assert self.cases(twins.ours) == self.cases(twins.bare)
        assert self.cases(twins.ours)[0][:4] == ["pytest", "1", "1", "5"]

    def test_control_characters_leave_the_file_well_formed(self, twins: Twins) -> None:
        twins.write(
            "test_suite.py",
            r"""
            from world import each

            @each
            def test_each(response, case, record_property):
                ugly = "\x00\x1b[31m\x07\ud800\ufffe" + response.text
                record_property("ugly", ugly)
                print(ugly.encode("ascii", "replace").decode())
                assert ugly == case.reference
            """,
        )
        ours, bare = twins.run("--junitxml=out.xml", "-o", "junit_logging=all")
        assert ours.counts["failed"] == bare.counts["failed"] == 4
        text = (twins.ours / "out.xml").read_bytes()
        assert not re.search(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]", text)
        assert len(list(ElementTree.fromstring(text).iter("failure"))) == 4

    def test_misses_and_gates(self, twins: Twins) -> None:
        world = (twins.ours / "world.py").read_text()
        (twins.ours / "world.py").write_text(world.replace('variants=["v1"]', 'variants=["v1"], pass_rate=0.7'))
        twins.write("test_suite.py", PLAIN)
        twins.wrong("c2")
        ours, _ = twins.run("--junitxml=out.xml")
        assert ours.counts == {"passed": 4, "missed": 1}
        suite = ElementTree.parse(twins.ours / "out.xml").getroot()[0]
        assert [suite.get(key) for key in ("errors", "failures", "skipped", "tests")] == ["0", "0", "1", "5"]
        cases = {case.get("name"): case for case in suite.iter("testcase")}
        missed = cases["test_each[v1-c2]"].find("skipped")
        assert missed is not None
        assert "a miss within the budget" in str(missed.get("message"))
        gate = {each.get("name"): each.get("value") for each in cases["test_each[v1-pass_rate]"].iter("property")}
        assert str(gate["genaiops"]).startswith("passed: 3 of 4 cases passed (75.0%")


class TestAsyncio:
    """A suite's own test is a plain function; asynchronous tests and fixtures stand beside it."""

    SUITE = """
        import asyncio

        import pytest
        import pytest_asyncio

        from world import each, note

        @{fixture}
        async def connection(case):
            await asyncio.sleep(0)
            note("+", case.id)
            yield case.id
            note("-", case.id)

        @{fixture}(scope="session")
        async def server():
            note("+ server")
            yield asyncio.get_running_loop()
            note("- server")

        @each
        def test_each(response, case, connection, server):
            assert connection == case.id
            assert response.text == case.reference

        @pytest.mark.asyncio(loop_scope="session")
        async def test_beside(server):
            assert asyncio.get_running_loop() is server
            await asyncio.sleep(0)

        {mark}
        async def test_other():
            await asyncio.sleep(0)
    """

    @pytest.mark.parametrize("mode", ["strict", "auto"])
    def test_fixtures_and_tests_beside_a_suite(self, twins: Twins, mode: str) -> None:
        pytest.importorskip("pytest_asyncio")
        twins.write("pytest.ini", "[pytest]\nasyncio_default_fixture_loop_scope = session\n")
        auto = mode == "auto"
        source = self.SUITE.format(
            fixture="pytest.fixture" if auto else "pytest_asyncio.fixture",
            mark="" if auto else "@pytest.mark.asyncio",
        )
        twins.write("test_suite.py", source)
        twins.wrong("c2")
        found = twins.same("-p", "asyncio", f"--asyncio-mode={mode}")
        assert (found.counts["passed"], found.counts["failed"]) == (5, 1)
        assert found.notes == ["+ server", *(f"{sign} c{i}" for i in (1, 2, 3, 4) for sign in "+-"), "- server"]

    def test_a_target_that_is_asynchronous_has_a_loop_of_its_own(self, twins: Twins) -> None:
        pytest.importorskip("pytest_asyncio")
        (twins.ours / "conftest.py").write_text(
            "import asyncio, threading\n"
            "import pytest\n"
            "from world import answer as plain\n\n"
            "async def answer(case, variant):\n"
            "    await asyncio.sleep(0.001)\n"
            "    assert threading.current_thread() is not threading.main_thread()\n"
            "    return plain(case, variant)\n\n"
            "@pytest.fixture(scope='session')\n"
            "def target():\n    return answer\n"
        )
        source = self.SUITE.format(fixture="pytest_asyncio.fixture", mark="@pytest.mark.asyncio")
        twins.write("test_suite.py", source)
        assert twins.same("-p", "asyncio", "--asyncio-mode=strict").counts["passed"] == 6

    def test_anyio(self, twins: Twins) -> None:
        pytest.importorskip("anyio")
        twins.write(
            "test_suite.py",
            """
            import anyio
            import pytest

            from world import each, note

            @pytest.fixture(scope="session")
            def anyio_backend():
                return "asyncio"

            @pytest.fixture(scope="session")
            async def server(anyio_backend):
                note("+ server")
                yield 1
                note("- server")

            @pytest.fixture
            async def connection(anyio_backend, case, server):
                await anyio.sleep(0)
                yield case.id
                note("-", case.id)

            @each
            def test_each(response, case, connection):
                assert connection == case.id
                assert response.text == case.reference

            @pytest.mark.anyio
            async def test_beside(server):
                await anyio.sleep(0)
            """,
        )
        assert twins.same("-p", "anyio").counts == {"passed": 5}


class TestReruns:
    FLAKY = """
        import pytest

        from world import each, note

        tries = {{}}

        @pytest.fixture
        def helper(case):
            note("+", case.id)
            yield
            note("-", case.id)

        {mark}
        @each
        def test_each(response, case, helper):
            tries[case.id] = tries.get(case.id, 0) + 1
            if case.id == "c2" and tries[case.id] < 3:
                raise {error}("flaky")
            assert response.text == case.reference
    """

    @pytest.mark.parametrize(
        ("error", "mark", "options"),
        [
            ("OSError", "", ["--reruns=2"]),
            ("AssertionError", "", ["--reruns=1"]),
            ("OSError", "", ["--reruns=2", "--only-rerun=OSError"]),
            ("AssertionError", "", ["--reruns=2", "--rerun-except=AssertionError"]),
            ("AssertionError", "", ["--reruns=2", "-x"]),
            ("OSError", "", ["--reruns=2", "--reruns-delay=0.01"]),
            ("AssertionError", "@pytest.mark.flaky(reruns=2)", []),
            ("OSError", "@pytest.mark.flaky(reruns=2, condition=False)", []),
            ("AssertionError", "@pytest.mark.flaky(reruns=2, only_rerun=['OSError'])", []),
            ("OSError", "@pytest.mark.flaky(reruns=1)", ["--reruns=2"]),
        ],
    )
    def test_reruns(self, twins: Twins, error: str, mark: str, options: list[str]) -> None:
        pytest.importorskip("pytest_rerunfailures")
        twins.write("test_suite.py", self.FLAKY.format(mark=mark, error=error))
        twins.wrong("c4")
        twins.same("-p", "rerunfailures", *options)

    def test_a_rerun_calls_nothing_again(self, twins: Twins) -> None:
        pytest.importorskip("pytest_rerunfailures")
        (twins.ours / "conftest.py").write_text(
            (twins.ours / "conftest.py").read_text().replace("    return answer\n", "    return noted\n")
            + "\nfrom world import note\n\ndef noted(case, variant):\n"
            "    note('call', case.id)\n    return answer(case, variant)\n"
        )
        twins.write("test_suite.py", self.FLAKY.format(mark="", error="OSError"))
        ours, bare = twins.run("-p", "rerunfailures", "--reruns=3")
        assert ours.counts == bare.counts == {"passed": 4, "rerun": 2}
        assert sorted(note for note in ours.notes if "call" in note) == [f"call c{i}" for i in (1, 2, 3, 4)]


class TestTimeouts:
    SLOW = """
        import time

        import pytest

        from world import each, note

        {mark}
        @each
        def test_each(response, case):
            time.sleep(60 if case.id == "c2" else 0)
            note("done", case.id)
            assert response.text == case.reference
    """

    @pytest.mark.parametrize(
        ("mark", "options"),
        [
            ("", ["--timeout=2", "--timeout-method=signal"]),
            ("@pytest.mark.timeout(2, method='signal')", []),
            ("@pytest.mark.timeout(2)", ["--timeout=9", "-o", "timeout_func_only=true"]),
        ],
    )
    def test_a_case_that_takes_too_long_fails_and_the_rest_runs(
        self, twins: Twins, mark: str, options: list[str]
    ) -> None:
        pytest.importorskip("pytest_timeout")
        twins.write("test_suite.py", self.SLOW.format(mark=mark))
        found = twins.same("-p", "timeout", *options)
        assert found.counts == {"passed": 3, "failed": 1}
        assert found.notes == ["done c1", "done c3", "done c4"]

    def test_the_thread_method_ends_the_session(self, twins: Twins) -> None:
        pytest.importorskip("pytest_timeout")
        twins.write("test_suite.py", self.SLOW.format(mark="@pytest.mark.timeout(2, method='thread')"))
        found = twins.same("-p", "timeout", apart=True)
        assert found.ret == pytest.ExitCode.TESTS_FAILED
        assert found.notes == ["done c1"]
        assert "Timeout" in found.text + found.result.stderr.str()


class TestRandomOrder:
    @pytest.mark.parametrize("seed", [1, 2, 31, 404])
    def test_the_same_order_and_the_same_random_numbers(self, twins: Twins, seed: int) -> None:
        pytest.importorskip("pytest_randomly")
        source = """
            import random

            from world import {mark}, note

            @{mark}
            def test_each(response, case, variant):
                note(variant.id, case.id, random.random())
                assert response.text == case.reference

            class TestOther:
                @{mark}
                def test_other(self, case):
                    note("other", case.id)
        """
        twins.write("test_one.py", source.format(mark="both"))
        twins.write("test_two.py", source.format(mark="each"))
        twins.wrong("c3")
        options = ("-p", "randomly", f"--randomly-seed={seed}")
        shuffled = twins.same(*options)
        assert shuffled.notes != twins.same(*options, "--randomly-dont-reorganize").notes
        assert shuffled.notes == twins.same(*options).notes


@pytest.mark.skipif(not PYTEST_9, reason="pytest has the `subtests` fixture from 9 on")
class TestSubtests:
    @pytest.mark.parametrize("options", [[], ["-x"], ["--lf"], ["-rA"]], ids=["all", "x", "lf", "rA"])
    def test_subtests_of_a_case(self, twins: Twins, options: list[str]) -> None:
        twins.write(
            "test_suite.py",
            """
            import pytest

            from world import each, note

            @each
            def test_each(response, case, subtests):
                with subtests.test("length"):
                    assert len(response.text) > 3
                with subtests.test("first letter", letter=case.reference[0]):
                    assert response.text[0] == case.reference[0]
                with subtests.test(msg="skipped"):
                    pytest.skip("not now")
                note("behind", case.id)
            """,
        )
        twins.wrong("c2")
        ours, bare = twins.run(*options)
        assert (ours.counts, ours.ret, ours.notes) == (bare.counts, bare.ret, bare.notes)
        assert ours.printed == bare.printed


class TestCoverage:
    APP = """
        def reply(city, polite):
            if polite:
                return "Please: " + city
            if city == "Rome":
                city = "London"
            return city

        def unused():
            return 1
    """

    @pytest.mark.parametrize("workers", [[], ["-p", "xdist", "-n2"]], ids=["alone", "two workers"])
    def test_lines_of_the_target_are_counted_although_threads_run_them(
        self, twins: Twins, workers: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pytest.importorskip("pytest_cov")
        if workers:
            pytest.importorskip("xdist")
        for name in ("COV_CORE_SOURCE", "COV_CORE_CONFIG", "COV_CORE_DATAFILE", "COVERAGE_PROCESS_START"):
            monkeypatch.delenv(name, raising=False)
        twins.write("app.py", self.APP)
        for folder in (twins.ours, twins.bare):
            world = (folder / "world.py").read_text()
            right = world.replace(
                '"London" if case.id in wrong else case.reference', "app.reply(case.reference, False)"
            )
            (folder / "world.py").write_text(f"import app\n{right}")
        twins.write("test_suite.py", PLAIN)
        ours, bare = twins.run("-p", "pytest_cov", *workers, "--cov=app", "--cov-report=term-missing", apart=True)
        assert ours.counts == bare.counts == {"passed": 3, "failed": 1}
        lines = [[line.split() for line in run.result.outlines if line.startswith("app.py")] for run in (ours, bare)]
        assert lines[0] == lines[1] == [["app.py", "8", "2", "75%", "4,", "10"]]
