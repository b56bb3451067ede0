"""Three ways to write a suite, and the test items that come of them."""

from __future__ import annotations

import pytest
from inner import CITIES, Project, outcomes


class TestMetricsAreFixtures:
    def test_called_on_texts_without_dataset_or_marker(self, project: Project) -> None:
        project.suite("""
            def test_greeting(bleu, rouge):
                assert bleu(["the cat sat on the mat"], [["the cat sat on a mat"]]) >= 40
                assert rouge(["the cat sat"], ["the cat sat down"]).rougeL >= 0.8
        """)
        result = project.run()
        result.assert_outcomes(passed=1)
        assert "genaiops -" not in result.stdout.str()

    @pytest.mark.parametrize(
        "name",
        [
            "bleu", "chrf", "ter", "rouge", "exact_match", "token_f1", "classification", "cross_entropy",
            "groundedness", "relevancy", "latency", "tokens", "cost", "error_rate",
        ],
    )  # fmt: skip
    def test_every_metric_has_a_fixture_of_its_name(self, project: Project, name: str) -> None:
        project.suite("def test_it({metric}):\n    assert {metric}.name == {metric!r}\n", metric=name)
        project.run().assert_outcomes(passed=1)

    def test_a_threshold_that_is_missed_fails_like_any_assertion(self, project: Project) -> None:
        project.suite('def test_low(exact_match):\n    assert exact_match(["Oslo"], ["Paris"]) >= 0.5\n')
        result = project.run()
        result.assert_outcomes(failed=1)
        result.stdout.fnmatch_lines(["E *exact_match = 0.0000 (n=1, scale 0-1) >= 0.5"])

    def test_module_scoped_fixtures_of_users_may_ask_for_them(self, project: Project) -> None:
        project.suite("""
            import pytest

            @pytest.fixture(scope="module")
            def judge(exact_match):
                return exact_match

            def test_judge(judge):
                assert judge(["Oslo"], ["Oslo"]) == 1
        """)
        project.run().assert_outcomes(passed=1)


class TestWholeDataset:
    def test_one_item_a_variant(self, project: Project) -> None:
        project.whole('variants=["v1", "v2"]')
        assert project.ids() == ["test_answers[v1]", "test_answers[v2]"]
        project.run().assert_outcomes(passed=2)

    def test_without_variants_there_is_one_called_default(self, project: Project) -> None:
        project.whole()
        assert project.ids() == ["test_answers[default]"]

    def test_responses_stand_in_the_order_of_the_cases(self, project: Project) -> None:
        project.target("time.sleep(0.05 if case.id == 'c1' else 0)\nreturn case.reference")
        project.suite("""
            import pytest

            @pytest.mark.genaiops(dataset="capitals")
            def test_order(responses):
                assert [r.trial.case.id for r in responses] == ["c1", "c2", "c3", "c4"]
                assert [r.text for r in responses] == ["Paris", "Rome", "Madrid", "Vienna"]
        """)
        project.run().assert_outcomes(passed=1)

    def test_trials_are_responses_of_their_own(self, project: Project) -> None:
        project.suite("""
            import pytest

            @pytest.mark.genaiops(dataset="capitals", trials=2)
            def test_count(responses):
                assert [(r.trial.case.id, r.trial.index) for r in responses][:3] == [("c1", 1), ("c1", 2), ("c2", 1)]
                assert len(responses) == 8
        """)
        project.run().assert_outcomes(passed=1)

    def test_an_item_may_ask_for_the_variant_only(self, project: Project) -> None:
        project.suite("""
            import pytest

            @pytest.mark.genaiops(dataset="capitals", variants=["v1", "v2"])
            def test_id(variant):
                assert variant.id in ("v1", "v2")
        """)
        assert project.ids() == ["test_id[v1]", "test_id[v2]"]
        project.run().assert_outcomes(passed=2)
        assert project.calls == []


class TestCaseByCase:
    def test_one_item_a_variant_and_case(self, project: Project) -> None:
        project.by_case('variants=["v1", "v2"]')
        assert project.ids() == [f"test_answer[{v}-{c}]" for v in ("v1", "v2") for c in CITIES]

    def test_trials_are_numbered(self, project: Project) -> None:
        project.by_case('variants="v1", trials=3')
        assert project.ids()[:4] == [f"test_answer[v1-{t}]" for t in ("c1-t1", "c1-t2", "c1-t3", "c2-t1")]

    def test_the_gate_is_one_more_item_a_variant_behind_its_cases(self, project: Project) -> None:
        project.by_case('variants=["v1", "v2"], pass_rate=0.9')
        names = [f"test_answer[{v}-{c}]" for v in ("v1", "v2") for c in (*CITIES, "pass_rate")]
        assert project.ids() == names
        assert outcomes(project.run("-v")) == dict.fromkeys(names, "PASSED")

    def test_a_suite_collected_twice_has_the_same_ids(self, project: Project) -> None:
        project.by_case('variants=["v2", "v1"], trials=2, pass_rate=0.9')
        assert project.ids() == project.ids()

    def test_a_node_id_runs_that_item(self, project: Project) -> None:
        project.by_case('variants=["v1", "v2"], trials=2')
        result = project.run("-v", "test_suite.py::test_answer[v2-c3-t2]")
        assert outcomes(result) == {"test_answer[v2-c3-t2]": "PASSED"}
        assert project.calls == ["v2 c3"]

    def test_case_alone_calls_nothing(self, project: Project) -> None:
        project.suite("""
            import pytest

            @pytest.mark.genaiops(dataset="capitals")
            def test_question(case):
                assert case.inputs["question"].endswith("?") and case.reference
        """)
        assert project.ids() == [f"test_question[default-{key}]" for key in CITIES]
        project.run().assert_outcomes(passed=4)
        assert project.calls == []

    def test_the_baseline_answers_the_same_case(self, project: Project) -> None:
        project.target("return f'{variant.id} {case.id}'")
        project.suite("""
            import pytest

            @pytest.mark.genaiops(dataset="capitals", variants=["v1", "v2"], baseline="v1")
            def test_pair(response, baseline, case, variant):
                assert (response.text, baseline.text) == (f"{variant.id} {case.id}", f"v1 {case.id}")
        """)
        project.run().assert_outcomes(passed=8)
        assert len(project.calls) == 8


class TestOrdinaryPytest:
    def test_a_class_with_the_marker(self, project: Project) -> None:
        project.suite("""
            import pytest

            @pytest.mark.genaiops(dataset="capitals", variants=["v1"])
            class TestCapitals:
                def test_whole(self, responses, exact_match):
                    assert exact_match(responses) == 1

                @pytest.mark.genaiops(pass_rate=1.0)
                def test_each(self, response, exact_match):
                    assert not hasattr(self, "seen"), "every item has an instance of its own"
                    self.seen = True
                    assert exact_match(response) == 1
        """)
        assert project.ids() == [
            "TestCapitals::test_whole[v1]",
            *(f"TestCapitals::test_each[v1-{name}]" for name in (*CITIES, "pass_rate")),
        ]
        project.run().assert_outcomes(passed=6)

    def test_setup_and_teardown_methods_run_for_every_case(self, project: Project) -> None:
        project.suite("""
            import pytest

            class TestCapitals:
                done = []

                def setup_method(self, method):
                    self.done.append("setup")

                def teardown_method(self, method):
                    self.done.append("teardown")

                @pytest.mark.genaiops(dataset="capitals")
                def test_each(self, response):
                    assert self.done[-1] == "setup"

            def test_count():
                assert TestCapitals.done == ["setup", "teardown"] * 4
        """)
        project.run().assert_outcomes(passed=5)

    def test_the_marker_of_a_module(self, project: Project) -> None:
        project.suite("""
            import pytest

            pytestmark = pytest.mark.genaiops(dataset="capitals", variants=["v1", "v2"])

            def test_whole(responses):
                assert len(responses) == 4

            @pytest.mark.genaiops(variants=["v3"])
            def test_other(responses):
                assert len(responses) == 4
        """)
        assert project.ids() == ["test_whole[v1]", "test_whole[v2]", "test_other[v3]"]

    def test_parameters_of_the_users_own(self, project: Project) -> None:
        project.suite("""
            import pytest

            @pytest.mark.genaiops(dataset="capitals", variants=["v1", "v2"], pass_rate=0.5)
            @pytest.mark.parametrize("floor", [0.5, 2.0], ids=["low", "high"])
            def test_answer(response, exact_match, floor):
                assert exact_match(response) >= floor
        """)
        ids = project.ids()
        assert len(ids) == len(set(ids)) == 2 * 2 * 5
        found = outcomes(project.run("-v"))
        assert {name: word for name, word in found.items() if "pass_rate" in name} == {
            name: "FAILED" if "high" in name else "PASSED" for name in ids if "pass_rate" in name
        }
        assert {word for name, word in found.items() if "high" in name and "pass_rate" not in name} == {"MISS"}
        assert len(project.calls) == 8

    @pytest.mark.parametrize("scope", ["function", "class", "module", "package", "session"])
    def test_fixtures_of_every_scope_beside_a_case(self, project: Project, scope: str) -> None:
        project.suite(
            """
            import pytest

            made = []

            @pytest.fixture(scope="{scope}")
            def helper():
                made.append("made")
                yield "help"
                made.append("gone")

            @pytest.mark.genaiops(dataset="capitals")
            def test_each(response, helper, case):
                assert helper == "help" and response.text == case.reference

            def test_count():
                assert made == {expected}
            """,
            scope=scope,
            expected=["made", "gone"] * 4 if scope in ("function", "class") else ["made"],
        )
        project.run().assert_outcomes(passed=5)

    def test_fixtures_that_depend_on_ours(self, project: Project) -> None:
        project.suite("""
            import pytest

            @pytest.fixture
            def question(case):
                return case.inputs["question"]

            @pytest.fixture
            def label(variant, response):
                return f"{variant.id}:{response.text}"

            @pytest.mark.genaiops(dataset="capitals", variants=["v1"])
            def test_each(question, label, case):
                assert question == case.inputs["question"] and label == f"v1:{case.reference}"
        """)
        assert project.ids() == [f"test_each[v1-{key}]" for key in CITIES]
        project.run().assert_outcomes(passed=4)
        assert len(project.calls) == 4

    def test_response_asked_for_only_through_another_fixture(self, project: Project) -> None:
        project.suite("""
            import pytest

            @pytest.fixture
            def text(response):
                return response.text

            @pytest.mark.genaiops(dataset="capitals", pass_rate=1.0)
            def test_each(text):
                assert text in ("Paris", "Rome", "Madrid", "Vienna")
        """)
        project.run().assert_outcomes(passed=5)

    def test_autouse_usefixtures_request_and_tmp_path(self, project: Project) -> None:
        project.suite("""
            import pytest

            order = []

            @pytest.fixture(autouse=True)
            def always(request):
                order.append(request.node.name)

            @pytest.fixture
            def prepared():
                order.append("prepared")

            @pytest.mark.usefixtures("prepared")
            @pytest.mark.genaiops(dataset="capitals")
            def test_each(response, request, tmp_path, monkeypatch, capsys):
                assert request.node.name == f"test_each[default-{response.trial.case.id}]"
                assert order[-2:] == [request.node.name, "prepared"]
                monkeypatch.setenv("ANSWER", response.text)
                (tmp_path / "answer").write_text(response.text)
        """)
        project.run().assert_outcomes(passed=4)

    def test_a_users_own_response_fixture_wins(self, project: Project) -> None:
        project.suite("""
            import pytest

            @pytest.fixture
            def response(response):
                return response.text.upper()

            @pytest.mark.genaiops(dataset="capitals")
            def test_each(response, case):
                assert response == case.reference.upper()
        """)
        project.run().assert_outcomes(passed=4)

    def test_other_marks_hold_for_every_case(self, project: Project) -> None:
        project.suite("""
            import pytest

            @pytest.mark.skip(reason="not today")
            @pytest.mark.genaiops(dataset="capitals")
            def test_skipped(response):
                assert False

            @pytest.mark.xfail(strict=True)
            @pytest.mark.genaiops(dataset="capitals")
            def test_expected(response):
                assert response.text == "Berlin"
        """)
        project.run().assert_outcomes(skipped=4, xfailed=4)

    def test_unittest_and_plain_tests_run_beside_a_suite(self, project: Project) -> None:
        project.whole()
        project.write(
            "test_plain.py",
            """
            import unittest

            class TestOld(unittest.TestCase):
                def test_it(self):
                    self.assertTrue(True)

            def test_new():
                pass
        """,
        )
        project.run().assert_outcomes(passed=3)
