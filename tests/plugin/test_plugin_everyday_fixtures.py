"""Fixtures and classes on a suite's cases: set up and torn down as on bare items."""

from __future__ import annotations

import pytest
from twins import Twins

EVERY_SCOPE = """
    import pytest

    from world import both, each, note

    {definitions}

    @both
    def test_first(response, case, {names}):
        note("test first", case.id)
        assert response.text == case.reference

    @each
    def test_second(case, {names}):
        note("test second", case.id)

    def test_plain({names}):
        note("plain")
"""
NAMES = [f"a_{scope}" for scope in ("session", "package", "module", "class", "function")]
DEFINITIONS = "\n".join(
    f"""
    @pytest.fixture(scope="{scope}")
    def a_{scope}(request):
        note("+", "{scope}", request.node.name if "{scope}" == "function" else "")
        yield "{scope}"
        note("-", "{scope}")
    """
    for scope in ("session", "package", "module", "class", "function")
)


class TestScopes:
    @pytest.mark.parametrize(
        "options", [[], ["-x"], ["-k", "c2 or plain"], ["--setup-show"], ["-k", "v2-c4 or second"]], ids=" ".join
    )
    def test_fixtures_of_every_scope_on_one_item(self, twins: Twins, options: list[str]) -> None:
        twins.write("test_suite.py", EVERY_SCOPE.format(definitions=DEFINITIONS, names=", ".join(NAMES)))
        twins.wrong("c3")
        found = twins.same(*options)
        assert found.notes.count("+ session ") == found.notes.count("- session") == 1

    def test_fixtures_used_by_mark_or_always(self, twins: Twins) -> None:
        definitions = DEFINITIONS.replace("fixture(scope", "fixture(autouse=True, scope")
        twins.write("test_suite.py", EVERY_SCOPE.format(definitions=definitions, names="request"))
        assert "+ function test_first[v2-c4]" in twins.same().notes
        marked = EVERY_SCOPE.replace("@", f"@pytest.mark.usefixtures(*{NAMES!r})\n    @", 2)
        twins.write("test_suite.py", marked.format(definitions=DEFINITIONS, names="request"))
        assert "+ function test_first[v2-c4]" in twins.same().notes

    def test_parametrized_fixtures_of_wide_scope_are_made_as_seldom(self, twins: Twins) -> None:
        twins.write(
            "test_suite.py",
            """
            import pytest

            from world import each, note

            @pytest.fixture(scope="module", params=["de", "en"])
            def language(request):
                note("+", request.param)
                yield request.param
                note("-", request.param)

            @pytest.fixture(scope="session")
            def machine():
                note("+ machine")
                yield
                note("- machine")

            def test_before(language):
                note("before", language)

            @each
            def test_each(language, case, machine, response):
                note(language, case.id)
                assert response.text == case.reference
            """,
        )
        ours, bare = twins.run("-v")
        assert sorted(ours.outcomes.values()) == sorted(bare.outcomes.values())
        assert len(ours.outcomes) == 10
        assert ours.notes == bare.notes

    def test_parameters_beside_the_cases(self, twins: Twins) -> None:
        twins.write(
            "test_suite.py",
            """
            import pytest

            from world import each, note

            @pytest.fixture
            def tone(request):
                note("+ tone", request.param)
                yield request.param.upper()
                note("- tone", request.param)

            @each
            @pytest.mark.parametrize("tone", ["calm", "loud"], indirect=True)
            @pytest.mark.parametrize(("low", "high"), [(1, 2), pytest.param(3, 4, id="wide")])
            def test_each(tone, low, high, response, case):
                note(tone, low, high, case.id)
                assert response.text == case.reference
            """,
        )
        ours, bare = twins.run("-v")
        assert len(ours.outcomes) == len(bare.outcomes) == 16
        assert sorted(ours.notes) == sorted(bare.notes)

    def test_finalizers_and_late_requests(self, twins: Twins) -> None:
        twins.write(
            "test_suite.py",
            """
            import pytest

            from world import each, note

            @pytest.fixture
            def base(request):
                request.addfinalizer(lambda: note("final 1", request.node.name))
                request.addfinalizer(lambda: note("final 2", request.node.name))
                return 7

            @pytest.fixture
            def late():
                note("+ late")
                yield 8
                note("- late")

            @pytest.fixture(scope="class")
            def wide(request):
                request.addfinalizer(lambda: note("final wide"))

            @each
            def test_each(response, case, request, base):
                request.node.addfinalizer(lambda: note("final node"))
                assert request.getfixturevalue("late") == 8
                request.getfixturevalue("wide")
                assert request.getfixturevalue("base") == base
                note(request.node.name, request.function.__name__, request.module.__name__, request.node.nodeid)
                note(request.node.originalname, sorted(set(request.fixturenames) & {"base", "late", "case"}))
                note(request.scope, request.cls, request.path.name, request.keywords["test_each"] is not None)
            """,
        )
        assert "final wide" in twins.same().notes

    def test_overrides_by_folder_module_and_class(self, twins: Twins) -> None:
        for folder in (".", "sub", "sub/deep"):
            fixture = f"""
                import pytest

                @pytest.fixture
                def place({"place" if folder != "." else ""}):
                    return "{folder} " + {"place" if folder != "." else "''"}
            """
            if folder == ".":
                twins.extend_conftest(fixture)
            else:
                twins.write(f"{folder}/conftest.py", fixture)
            twins.write(
                f"{folder}/test_at_{folder.replace('/', '_').strip('.')}.py",
                """
                import pytest

                from world import each, note

                @each
                def test_each(case, place, response):
                    note(place, case.id)

                class TestOther:
                    @pytest.fixture
                    def place(self, place):
                        return "class " + place

                    @each
                    def test_each(self, case, place):
                        note(place, case.id)
                """,
            )
        assert "class sub/deep sub .  c4" in twins.same().notes


class TestClasses:
    def test_every_kind_of_setup_runs_as_often_and_in_the_same_order(self, twins: Twins) -> None:
        twins.write(
            "test_suite.py",
            """
            import pytest

            from world import each, note

            def setup_module():
                note("setup_module")

            def teardown_module():
                note("teardown_module")

            def setup_function(function):
                note("setup_function", function.__name__)

            def teardown_function():
                note("teardown_function")

            @each
            def test_alone(response):
                note("alone")

            @each
            class TestEach:
                @classmethod
                def setup_class(cls):
                    note("setup_class", cls.__name__)
                    cls.count = 0

                @classmethod
                def teardown_class(cls):
                    note("teardown_class", cls.count)

                def setup_method(self, method):
                    note("setup_method", method.__name__)
                    type(self).count += 1
                    self.mine = 1

                def teardown_method(self):
                    note("teardown_method", self.mine)

                @pytest.fixture(autouse=True)
                def always(self, request):
                    note("+ always", request.node.name, self.mine)
                    yield
                    note("- always")

                @pytest.fixture(scope="class", autouse=True)
                @classmethod
                def once(cls, request):
                    note("+ once", request.cls.__name__)
                    yield
                    note("- once")

                @pytest.mark.parametrize("size", [1, 2])
                def test_sized(self, case, response, size):
                    self.mine += size
                    note("sized", self.mine)

                def test_other(self, case):
                    note("other", self.mine)

                def test_judged(self, response, case):
                    assert response.text == case.reference
            """,
        )
        twins.wrong("c1")
        ours, bare = twins.run("-v")
        assert ours.counts == bare.counts == {"passed": 19, "failed": 1}
        assert ours.notes.count("setup_class TestEach") == 1
        # Parameters beside the cases stand in another order in the ids: what has none is the same line by line.
        assert len(ours.notes) == len(bare.notes)
        assert twins.same("-k", "not sized").notes

    def test_a_method_and_a_function_that_share_a_suite_through_inheritance(self, twins: Twins) -> None:
        twins.write(
            "test_suite.py",
            """
            from world import each, note

            class Base:
                wanted = None

                @each
                def test_each(self, case, response):
                    note(type(self).__name__, self.wanted, case.id)

            class TestA(Base):
                wanted = "a"

            class TestB(Base):
                wanted = "b"
            """,
        )
        assert "TestB b c4" in twins.same().notes


class TestBuiltinFixtures:
    def test_each_case_has_its_own(self, twins: Twins) -> None:
        twins.write(
            "test_suite.py",
            """
            import logging
            import os
            import sys
            import warnings

            import pytest

            from world import each, note

            log = logging.getLogger("mine")

            @pytest.fixture
            def prepared(monkeypatch, tmp_path, case):
                monkeypatch.setenv("CASE", case.id)
                monkeypatch.chdir(tmp_path)
                log.warning("prepared")
                print("prepared")
                yield
                log.warning("after")

            @each
            def test_each(
                response, case, prepared, tmp_path, monkeypatch, caplog, capsys, recwarn, cache, pytestconfig, request,
                tmp_path_factory, record_property, doctest_namespace,
            ):
                note(os.environ["CASE"], tmp_path.name, os.getcwd() == str(tmp_path), list(tmp_path.iterdir()))
                (tmp_path / "file").write_text(case.id)
                note(capsys.readouterr().out)
                with capsys.disabled():
                    pass
                note([record.getMessage() for record in caplog.get_records("setup")], caplog.messages)
                with caplog.at_level(logging.DEBUG):
                    log.debug("during")
                note(caplog.messages, caplog.text.count("during"))
                warnings.warn("mine")
                note(len(recwarn))
                note(cache.get("mine/count", 0))
                cache.set("mine/count", cache.get("mine/count", 0) + 1)
                record_property("case", case.id)
                monkeypatch.setattr(sys, "extra", case.id, raising=False)
                note(request.node.user_properties, pytestconfig.rootpath.name in ("ours", "bare"))

            def test_after():
                assert "CASE" not in os.environ
                assert not hasattr(sys, "extra")
            """,
        )
        found = twins.same()
        assert found.counts == {"passed": 5}
        assert "c3 test_each_v1_c3_0 True []" in found.notes

    def test_output_of_file_descriptors(self, twins: Twins) -> None:
        twins.write(
            "test_suite.py",
            """
            import os

            from world import each, note

            @each
            def test_each(response, case, capfd):
                os.write(1, case.id.encode())
                note(capfd.readouterr().out)
            """,
        )
        assert twins.same().notes == ["c1", "c2", "c3", "c4"]

    @pytest.mark.parametrize(("kept", "folders"), [("all", 4), ("failed", 1)])
    def test_temporary_folders_are_kept_as_configured(self, twins: Twins, kept: str, folders: int) -> None:
        twins.write("pytest.ini", f"[pytest]\ntmp_path_retention_policy = {kept}\n")
        twins.write(
            "test_suite.py",
            """
            from world import each

            @each
            def test_each(response, case, tmp_path):
                (tmp_path / "file").write_text("text")
                assert response.text == case.reference
            """,
        )
        twins.wrong("c2")
        twins.run("--basetemp=kept")
        ours, bare = (
            sorted(path.name for path in (folder / "kept").iterdir() if not path.is_symlink())
            for folder in (twins.ours, twins.bare)
        )
        assert ours == bare
        assert len(ours) == folders
