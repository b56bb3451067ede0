"""Files of committed baselines: what is written comes back bit by bit, and what was changed by hand does not."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_genaiops.baselines import Baseline, Entry, Rows, Section, Value, check_fit, line, named, place, read, write
from pytest_genaiops.errors import UsageError

SUITE = "eval_suites/test_shop.py::test_answers"


def section(signature: str, *lines: str, value: float = 0.5) -> Section:
    scores = {"exact_match": Value(value=value, scale=(0.0, 1.0), higher_is_better=True)}
    return Section(signature=signature, scores=scores, rows=Rows.of_lines(lines))


def entry(*sections: Section, variant: str = "v1") -> Entry:
    return Entry(
        variant=variant,
        variant_hash="a" * 64,
        dataset="shop",
        dataset_hash="d" * 64,
        trials=1,
        by_case=False,
        metrics=named(sections),
    )


EXACT = section("exact_match|data:dddddddddddd", line("c1", 1, (1.0,)), line("c2", 1, (0.0,)))
PAIRS = section("classification|data:dddddddddddd", line("c1", 1, {("yes", "no"): 1}), line("c2", 1, {("no", "no"): 1}))
PLAIN = Baseline(suite=SUITE, entries={"v1": entry(EXACT, PAIRS), "v2": entry(EXACT, variant="v2")})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "baselines" / "test_answers.json"
    write(path, PLAIN, shown="b.json")
    return path


def refusal(path: Path) -> str:
    with pytest.raises(UsageError) as caught:
        read(path, shown="b.json")
    message = str(caught.value)
    assert message.startswith("b.json")
    assert "\n" not in message
    return message


class TestWriting:
    def test_a_case_is_a_line(self, file: Path) -> None:
        lines = [each.strip() for each in file.read_text(encoding="utf-8").splitlines()]
        assert lines.count('["c1", 1, [1.0]],') == 2
        assert '["c1", 1, [[["yes", "no"], 1]]],' in lines
        assert file.read_bytes().endswith(b"}\n")

    def test_equal_scores_are_equal_bytes_whatever_their_order(self, file: Path, tmp_path: Path) -> None:
        again = section("exact_match|data:dddddddddddd", line("c2", 1, (0.0,)), line("c1", 1, (1.0,)))
        entries = {"v2": entry(again, variant="v2"), "v1": entry(PAIRS, again)}
        write(tmp_path / "again.json", Baseline(suite=SUITE, entries=entries), shown="again.json")
        assert (tmp_path / "again.json").read_bytes() == file.read_bytes()

    def test_what_changed_is_all_that_differs(self, file: Path, tmp_path: Path) -> None:
        other = section("exact_match|data:dddddddddddd", line("c1", 1, (1.0,)), line("c2", 1, (1.0,)), value=1.0)
        changed = replace(PLAIN, entries={**PLAIN.entries, "v2": entry(other, variant="v2")})
        write(tmp_path / "changed.json", changed, shown="changed.json")
        pairs = zip(file.read_text().splitlines(), (tmp_path / "changed.json").read_text().splitlines(), strict=True)
        assert sum(a != b for a, b in pairs) == 3  # the case, the value, the checksum

    def test_too_large_a_file_is_refused_and_the_old_one_kept(self, file: Path) -> None:
        before = file.read_bytes()
        with pytest.raises(UsageError, match="would be larger than 100 bytes"):
            write(file, PLAIN, shown="b.json", limit=100)
        assert file.read_bytes() == before
        assert [path.name for path in file.parent.iterdir()] == [file.name]

    def test_a_place_that_cannot_be_written_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(UsageError, match=r"b\.json cannot be written: "):
            write(tmp_path / "file" / "b.json", PLAIN, shown="b.json")

    def test_two_sets_of_options_are_numbered(self) -> None:
        found = named([section("bleu|tok:zh", line("c1", 1, (1,))), section("bleu|tok:13a", line("c1", 1, (2,)))])
        assert {name: each.signature for name, each in found.items()} == {
            "bleu": "bleu|tok:13a",
            "bleu 2": "bleu|tok:zh",
        }

    def test_answers_stay_out_of_the_file(self) -> None:
        answer = "I am sorry, but I cannot tell you anything about your order number 4711."
        kept = line("c1", 1, {(answer, "yes"): 1})
        assert "4711" not in kept
        assert kept != line("c1", 1, {(answer + "!", "yes"): 1})

    def test_a_key_that_json_has_no_form_for_is_refused(self) -> None:
        with pytest.raises(UsageError, match="counted by frozenset, which a baseline cannot hold"):
            line("c1", 1, {frozenset({1}): 1})


numbers = st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.integers(-(2**70), 2**70))
keys = st.recursive(
    st.one_of(st.text(max_size=8), st.integers(), st.none(), st.booleans()),
    lambda inner: st.lists(inner, max_size=3).map(tuple),
    max_leaves=4,
)
widths = st.integers(1, 4)


@st.composite
def statistics(draw: st.DrawFn) -> list[Any]:
    if draw(st.booleans()):
        return draw(st.lists(st.dictionaries(keys, numbers, min_size=1, max_size=3), min_size=1, max_size=5))
    width = draw(widths)
    return draw(st.lists(st.lists(numbers, min_size=width, max_size=width).map(tuple), min_size=1, max_size=5))


class TestReading:
    def test_what_was_written(self, file: Path) -> None:
        assert read(file, shown="b.json") == PLAIN

    @settings(deadline=None, max_examples=60)
    @given(found=statistics(), names=st.lists(st.text(max_size=6), min_size=5, max_size=5, unique=True), data=st.data())
    def test_every_number_and_name_comes_back_bit_by_bit(
        self, tmp_path_factory: pytest.TempPathFactory, found: list[Any], names: list[str], data: st.DataObject
    ) -> None:
        clusters = data.draw(st.lists(st.none() | st.text(max_size=4), min_size=5, max_size=5))
        lines = [line(names[i], 1, each, clusters[i]) for i, each in enumerate(found)]
        baseline = Baseline(suite=SUITE, entries={"v1": entry(section("m|x:1", *lines))})
        path = tmp_path_factory.mktemp("b") / "b.json"
        write(path, baseline, shown="b.json")
        again = read(path, shown="b.json")
        assert again == baseline
        rows = again.entries["v1"].metrics["m"].rows
        for i, each in enumerate(found):
            position = rows.position(names[i], 1)
            assert position is not None
            back = rows.statistics[position]
            assert back == each
            values = each.values() if isinstance(each, dict) else each
            assert sorted(map(repr, back.values() if isinstance(back, dict) else back)) == sorted(map(repr, values))

    def test_there_is_none(self, tmp_path: Path) -> None:
        assert read(tmp_path / "no" / "b.json", shown="b.json") is None

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            (("[1.0]", "[0.0]"), "variants.v1.metrics.exact_match was changed by hand or by a merge"),
            (('"no"], 1', '"no"], 2'), "variants.v1.metrics.classification was changed by hand"),
            (('"value": 0.5', '"value": 0.9'), "variants.v1.metrics.classification was changed by hand"),
            (('"higher"', '"lower"'), "variants.v1.metrics.classification was changed by hand"),
            (("d" * 64, "e" * 64), "variants.v1 was changed by hand"),
            (('"trials": 1', '"trials": 2'), "variants.v1 was changed by hand"),
            (("test_answers", "test_other"), "variants.v1.metrics.classification was changed by hand"),
            (("[1.0]", "[NaN]"), "holds NaN, which is no number"),
            (("[1.0]", "[1e999]"), "variants.v1.metrics.exact_match.cases[0] has inf where a finite number belongs"),
            (("[1.0]", f"[1{'0' * 400}]"), "cases[0] has a number too large where a finite number belongs"),
            (("[1.0]", f"[1{'0' * 5000}]"), "numbers so long"),
            (("[1.0]", "[true]"), "cases[0] has True where a finite number belongs"),
            (("[1.0]", '["1"]'), "cases[0] has '1' where a finite number belongs"),
            (("[1.0]", "[1.0, 2.0]"), "cases[1] (case 'c2') has statistics of another form than the rows above"),
            (("[1.0]", "[]"), "cases[0] (case 'c1') has no list of statistics"),
            (('["c1", 1, [1.0]]', '["c2", 1, [1.0]]'), "cases[1] names case 'c2', trial 1, a second time"),
            (('["c1", 1, [1.0]]', '["c1", 0, [1.0]]'), "(case 'c1') has 0 where the number of a trial belongs"),
            (('["c1", 1, [1.0]]', '[7, 1, [1.0]]'), "cases[0] has 7 where the id of a case belongs"),
            (('["c1", 1, [1.0]]', "null"), "cases[0] is no row"),
            (('["c1", 1, [1.0]]', '["c1", 1, [1.0], 7]'), "cases[0] (case 'c1') has 7 where a cluster belongs"),
            (('"no"], 1]', '"no"]]'), "cases[0] has a count that is no pair of a key and a number"),
            (('["yes", "no"]', "{}"), "cases[0] counts by a key that is neither text nor a number"),
            (('["yes", "no"]', "[" * 200 + "]" * 200), "cases[0] counts by a key that is neither text nor a number"),
            (('"n": 2', '"n": 3'), "variants.v1.metrics.classification.n is 3, and there are 2 cases"),
            (('"trials": 1', '"trials": "1"'), "variants.v1.trials is '1', not a number of trials"),
            (('"trials": 1', '"trials": true'), "variants.v1.trials is True, not a number of trials"),
            (('"items": "dataset"', '"items": 1'), 'variants.v1.items is 1, neither "case" nor "dataset"'),
            (('"id": "v1"', '"id": 1'), "variants.v1.variant.id is 1, not text"),
            (('"id": "v1"', '"id": "v9"'), "variants.v1.variant.id is 'v9'"),
            (('"scale": [0.0, 1.0]', '"scale": [0.0]'), "scores.exact_match.scale is a list, not two ends"),
            (('"value": 0.5', '"value": null'), "scores.exact_match.value is None, not a finite number"),
            (('"better": "higher"', '"better": "more"'), "scores.exact_match.better is 'more', neither"),
            (('"format": 1', '"format": 2'), "format is 2, and this version reads 1; install the version"),
            (('"format": 1,', ""), "format is missing: this is no baseline"),
            (('"suite"', '"tests"'), "suite is missing"),
            (('"format": 1,', '"format": 1, "note": "",'), "note is no field of a baseline"),
            (('"v2": {', '"v1": {'), "the key 'v1' occurs twice"),
            (('"signature": "exact_match', '"signature": "ter'), "metrics.exact_match.signature is of 'ter'"),
        ],
    )  # fmt: skip
    def test_an_edit_is_refused_with_the_field(self, file: Path, change: tuple[str, str], said: str) -> None:
        text = file.read_text(encoding="utf-8")
        assert change[0] in text
        file.write_text(text.replace(*change, 1), encoding="utf-8")
        assert said in refusal(file)

    @pytest.mark.parametrize(
        ("edit", "said"),
        [
            (lambda text: text[: len(text) // 2], "(it ends too early)"),
            (lambda text: "", "b.json:1: no JSON (it ends too early)"),
            (lambda text: "[" * 100_000, "b.json"),
            (lambda text: "[]", "format is missing: this is no baseline"),
            (lambda text: text.replace("\n", "\n<<<<<<< HEAD\n", 1), "b.json:2: git left a merge conflict"),
            (lambda text: text.replace("\n", "\n=======\n", 3), "b.json:2: git left a merge conflict"),
            (lambda text: json.dumps({**json.loads(text), "variants": {}}), "variants is empty, not an object"),
            (lambda text: json.dumps({**json.loads(text), "variants": [1]}), "variants is a list, not an object"),
        ],
    )
    def test_a_broken_file_is_refused(self, file: Path, edit: Callable[[str], str], said: str) -> None:
        file.write_text(edit(file.read_text(encoding="utf-8")), encoding="utf-8")
        assert said in refusal(file)

    def test_sections_that_git_merged_line_by_line_are_refused(self, file: Path, tmp_path: Path) -> None:
        """A row from one branch beside rows from another is a baseline that nobody ever measured."""
        other = section("exact_match|data:dddddddddddd", line("c1", 1, (0.0,)), line("c2", 1, (1.0,)))
        write(tmp_path / "o.json", replace(PLAIN, entries={"v1": entry(other, PAIRS)}), shown="o.json")
        row = '["c1", 1, [0.0]]'
        assert row in (tmp_path / "o.json").read_text()
        file.write_text(file.read_text().replace('["c1", 1, [1.0]]', row, 1))
        assert "variants.v1.metrics.exact_match was changed" in refusal(file)

    def test_an_entry_under_another_name_is_refused(self, file: Path) -> None:
        found = json.loads(file.read_text())
        found["variants"]["v1"]["metrics"]["exact_match"]["cases"][0][2] = [1.0]
        found["variants"]["v3"] = found["variants"].pop("v2")
        file.write_text(json.dumps(found))
        assert "variants.v3" in refusal(file)

    def test_another_layout_of_the_same_is_read(self, file: Path) -> None:
        file.write_text(json.dumps(json.loads(file.read_text()), sort_keys=True, indent=8).replace("\n", "\r\n"))
        assert read(file, shown="b.json") == PLAIN

    def test_bytes_that_are_no_text_are_refused(self, file: Path) -> None:
        file.write_bytes(b"\xff\xfe{}")
        assert "is not UTF-8 text" in refusal(file)

    @pytest.mark.skipif(os.name == "nt", reason="a folder cannot be opened there either, with other words")
    def test_what_cannot_be_opened_is_said(self, tmp_path: Path) -> None:
        assert "cannot be read: Is a directory" in refusal(tmp_path)

    @settings(deadline=None, max_examples=150)
    @given(data=st.data())
    def test_no_edit_of_a_character_goes_unseen(
        self, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
    ) -> None:
        path = tmp_path_factory.mktemp("b") / "b.json"
        write(path, PLAIN, shown="b.json")
        text = path.read_text(encoding="utf-8")
        place = data.draw(st.integers(0, len(text) - 1))
        path.write_text(text[:place] + data.draw(st.sampled_from('019-,"{}[]x \n')) + text[place + 1 :])
        try:
            found = read(path, shown="b.json")
        except UsageError as error:
            said = str(error)
        else:  # white space, or the same character
            said = ""
            assert found == PLAIN
        assert not said or re.match(r"b\.json(:\d+)?:? ", said)


class TestFit:
    now = entry()

    def test_what_fits_is_given(self) -> None:
        assert check_fit(PLAIN, "v1", self.now, shown="b.json") is PLAIN.entries["v1"]

    @pytest.mark.parametrize(
        ("key", "changes", "said"),
        [
            ("v3", {}, r"b\.json: variants has no 'v3' \(it has v1, v2\); write it anew with"),
            ("v1", {"dataset_hash": "e" * 64}, r"variants\.v1\.dataset\.hash is d{12} of 'shop', but .* e{12} of"),
            ("v1", {"trials": 3}, r"variants\.v1\.trials is 1, but the suite has 3"),
        ],
    )
    def test_what_does_not_is_refused_with_the_field(self, key: str, changes: dict[str, Any], said: str) -> None:
        with pytest.raises(UsageError, match=said):
            check_fit(PLAIN, key, replace(self.now, **changes), shown="b.json")

    def test_another_prompt_is_what_a_comparison_is_about(self) -> None:
        assert check_fit(PLAIN, "v1", replace(self.now, variant_hash="b" * 64), shown="b.json")


@pytest.mark.parametrize(
    ("folder", "suite", "file"),
    [
        ("suites/baselines", "suites/rag/test_rag.py::test_x", "suites/baselines/rag/test_rag/test_x.json"),
        ("suites/baselines", "tests/test_rag.py::test_x", "suites/baselines/tests/test_rag/test_x.json"),
        ("baselines", "test_rag.py::TestA::TestB::test_x", "baselines/test_rag/TestA.TestB.test_x.json"),
        ("./a/../b", "../out/test_rag.py::test_x", "a/../b/out/test_rag/test_x.json"),
    ],
)  # fmt: skip
def test_files_stand_as_their_tests_do(folder: str, suite: str, file: str) -> None:
    assert str(place(folder, suite)) == file


def test_a_scale_without_end_comes_back(tmp_path: Path) -> None:
    value = Value(value=1.5, scale=(0.0, math.inf), higher_is_better=False)
    only = replace(EXACT, scores={"latency": value})
    write(tmp_path / "b.json", replace(PLAIN, entries={"v1": entry(only)}), shown="b.json")
    found = read(tmp_path / "b.json", shown="b.json")
    assert found is not None
    assert found.entries["v1"].metrics["exact_match"].scores == {"latency": value}
