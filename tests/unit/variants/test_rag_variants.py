"""One file, many variants: combinations of retrieval settings, their ids, exclusions and cap."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rag_help import AXES, FIRST, ids, load, made, refusal

from pytest_genaiops import variants
from pytest_genaiops.errors import VariantError


def _matches(row: Sequence[int], entry: Mapping[str, list[int]]) -> bool:
    return all(row[int(name[1:])] in values for name, values in entry.items())


class TestCombinations:
    def test_every_combination_is_a_variant_and_names_every_axis(self, tmp_path: Path) -> None:
        found = load(tmp_path, AXES)
        assert len(found) == len(set(ids(found))) == len({v.hash for v in found}) == 48
        assert found[0].id == FIRST
        assert ids(found)[1:3] == [FIRST.replace("k=3", "k=5"), FIRST.replace("vector", "full-text")]
        assert found[-1].id == "chunk=512,overlap=32,embedding=large,search=hybrid,k=5"
        assert {v.source for v in found} == {"variants/rag.yaml"}

    def test_levels_go_to_the_target_and_their_names_to_reports(self, tmp_path: Path) -> None:
        last = load(tmp_path, AXES + "rag: {index: main, k: 9}")[-1]
        assert last.rag == {
            "index": "main", "chunk": 512, "overlap": 32, "embedding": {"dimensions": 256}, "search": "hybrid", "k": 5,
        }  # fmt: skip
        assert last.axes == {"chunk": "512", "overlap": "32", "embedding": "large", "search": "hybrid", "k": "5"}
        assert list(last.axes) == ["chunk", "overlap", "embedding", "search", "k"]

    def test_one_is_what_a_file_of_its_own_would_be(self, tmp_path: Path) -> None:
        keys = "user: '{{ question }} {{ rag.k }}'\nparameters: {temperature: 0}\n"
        first = load(tmp_path, f"{keys}rag_variants: {{axes: {{k: [3, 5], search: [vector]}}}}")[0]
        (alone,) = load(tmp_path, f"{keys}rag: {{search: vector, k: 3}}", "alone.yaml")
        assert first.hash == alone.hash
        assert first.parameters == {"temperature": 0}
        assert alone.axes == {}

    def test_a_file_with_an_id_puts_it_before(self, tmp_path: Path) -> None:
        found = load(tmp_path, "id: rewrite\nrag_variants: {axes: {k: [3, 5]}}")
        assert ids(found) == ["rewrite-k=3", "rewrite-k=5"]

    def test_two_files_with_the_same_axes_need_ids(self, tmp_path: Path) -> None:
        load(tmp_path, "user: a\nrag_variants: {axes: {k: [3, 5]}}", "a.yaml")
        load(tmp_path, "user: b\nrag_variants: {axes: {k: [3, 5]}}", "b.yaml")
        with pytest.raises(VariantError, match="have one id, 'k=3'; give one of them another id"):
            variants.select("variants/*.yaml", root=tmp_path)
        load(tmp_path, "id: b\nuser: b\nrag_variants: {axes: {k: [3, 5]}}", "b.yaml")
        assert ids(variants.select("variants/*.yaml", root=tmp_path)) == ["k=3", "k=5", "b-k=3", "b-k=5"]

    def test_dots_lead_into_mappings(self) -> None:
        found = made({"index.probes": [4, 8]}, keys={"rag": {"index": {"kind": "ivf"}}})
        assert [(v.id, v.rag) for v in found] == [
            ("index.probes=4", {"index": {"kind": "ivf", "probes": 4}}),
            ("index.probes=8", {"index": {"kind": "ivf", "probes": 8}}),
        ]

    @pytest.mark.parametrize(
        ("value", "name"),
        [(True, "true"), (None, "null"), (0.5, "0.5"), ({"a": 1}, "2"), ([1, 2], "2"), ("two words", "2"), (1, "1")],
    )
    def test_what_values_are_called(self, value: Any, name: str) -> None:
        second = made({"x": ["first", value]})[1]
        assert (second.id, second.rag["x"], second.axes) == (f"x={name}", value, {"x": name})

    def test_one_and_true_are_two_values(self) -> None:
        assert ids(made({"x": [1, True, 0, False]})) == ["x=1", "x=true", "x=0", "x=false"]

    def test_a_mapping_in_code_is_one_variant(self) -> None:
        with pytest.raises(VariantError, match=r"rag_variants give 2 variants; use variants.select\(\)"):
            variants.from_mapping({"rag_variants": {"axes": {"k": [1, 2]}}})
        assert variants.from_mapping({"rag_variants": {"axes": {"k": [1]}}}).id == "k=1"

    def test_a_matrix_tells_its_axes_too_the_default_s_as_well(self) -> None:
        matrix = {"parameters.temperature": [0, 0.7], "rag.k": [3], "blocks.persona": {"plain": "A.", "kind": "B."}}
        found = variants.select([{"id": "v1", "matrix": matrix}], root=Path())
        assert found[0].axes == {"temperature": "0", "k": "3", "persona": "plain"}
        assert found[-1].axes == {"temperature": "0.7", "k": "3", "persona": "kind"}


class TestExclusions:
    def test_by_value_by_name_and_by_lists_of_either(self) -> None:
        axes = {"search": ["vector", "full-text", "hybrid"], "k": [3, 5], "e": {"small": 1, "large": 2}}
        exclude = [{"search": ["full-text", "hybrid"], "k": 5}, {"e": "large", "search": ["full-text"]}]
        assert ids(made(axes, exclude=exclude)) == [
            "search=vector,k=3,e=small",
            "search=vector,k=3,e=large",
            "search=vector,k=5,e=small",
            "search=vector,k=5,e=large",
            "search=full-text,k=3,e=small",
            "search=hybrid,k=3,e=small",
            "search=hybrid,k=3,e=large",
        ]

    def test_a_list_that_is_itself_a_value(self) -> None:
        assert ids(made({"x": [1, 2, [1, 2]]}, exclude=[{"x": [1, 2]}])) == ["x=1", "x=2"]

    def test_in_a_matrix_a_list_names_several_values_too(self) -> None:
        matrix = {"rag.k": [1, 2, 3], "exclude": [{"rag.k": [2, 3]}]}
        assert ids(variants.select([{"id": "v1", "matrix": matrix}], root=Path())) == ["v1"]

    @given(data=st.data(), sizes=st.lists(st.integers(1, 4), min_size=1, max_size=4))
    @settings(deadline=None)
    def test_what_is_left_is_what_matches_no_entry(self, data: st.DataObject, sizes: list[int]) -> None:
        axes = {f"a{i}": list(range(size)) for i, size in enumerate(sizes)}
        one = st.fixed_dictionaries(
            {}, optional={name: st.lists(st.sampled_from(levels), min_size=1) for name, levels in axes.items()}
        )
        exclude = data.draw(st.lists(one.filter(bool), max_size=3))
        every = list(itertools.product(*axes.values()))
        kept = set(every)
        for entry in exclude:
            without = {row for row in kept if not _matches(row, entry)}
            if without == kept or every[0] not in without:
                refusal(axes, exclude=exclude, cap=256)
                return
            kept = without
        found = made(axes, exclude=exclude, cap=256)
        assert [tuple(variant.rag.values()) for variant in found] == [row for row in every if row in kept]

    def test_it_works_on_more_combinations_than_could_be_made(self) -> None:
        axes: dict[str, Any] = {f"a{i}": list(range(10)) for i in range(12)}
        exclude = [{f"a{i}": list(range(1, 10))} for i in range(11)]
        assert ids(made(axes, exclude=exclude))[1].endswith(",a10=0,a11=1")
        message = refusal(axes, exclude=exclude[:-2])
        assert "gives 1 000 variants, and 64 are allowed" in message

    def test_more_pieces_than_can_be_looked_through(self) -> None:
        """Each entry about two further axes doubles the pieces."""
        axes = {f"a{i}": [0, 1] for i in range(20)}
        exclude = [{f"a{2 * i}": 1, f"a{2 * i + 1}": 1} for i in range(10)]
        assert "too many pieces once exclude[9] is left out; exclude less" in refusal(axes, exclude=exclude)
        assert f"gives {3**9 * 4:,} variants".replace(",", " ") in refusal(axes, exclude=exclude[:9])


class TestCap:
    def test_more_than_the_cap_are_refused_with_their_number(self) -> None:
        axes = {"a": list(range(13)), "b": list(range(10))}
        message = refusal(axes)
        assert (
            '"rag_variants" gives 130 variants, and 64 are allowed; exclude some, allow them with cap: 130' in message
        )
        assert "draw some: sample: {variants: 64, seed: 1}" in message
        assert len(made(axes, cap=130)) == 130
        assert "gives 130 variants, and 129 are allowed" in refusal(axes, cap=129)

    def test_more_than_can_be_allowed_may_only_be_drawn(self) -> None:
        message = refusal({f"a{i}": list(range(10)) for i in range(6)})
        assert (
            "gives 1 000 000 variants, and 64 are allowed; exclude some, or draw some: sample: {variants: 64" in message
        )
        assert "billions of variants" in refusal({f"a{i}": [1, 2] for i in range(64)})


class TestSelection:
    def test_one_of_them_is_found_by_its_id(self, tmp_path: Path) -> None:
        load(tmp_path, AXES)
        last = "chunk=512,overlap=32,embedding=large,search=full-text,k=5"
        (one,) = variants.select(last, root=tmp_path)
        assert (one.id, one.source, one.rag["search"]) == (last, "variants/rag.yaml", "full-text")
        assert len(variants.select(["rag", last], root=tmp_path)) == 48

    def test_one_of_a_file_with_an_id_of_its_own(self, tmp_path: Path) -> None:
        load(tmp_path, f"id: rewrite{AXES}")
        (one,) = variants.select(f"rewrite-{FIRST}", root=tmp_path)
        assert one.id == f"rewrite-{FIRST}"

    def test_one_that_is_not_there_is_no_bare_name(self, tmp_path: Path) -> None:
        load(tmp_path, AXES)
        with pytest.raises(VariantError) as caught:
            variants.select(FIRST.replace("256", "255"), root=tmp_path)
        assert str(caught.value).startswith("no file in variants/ gives a variant 'chunk=255,")
        assert "(did you mean 'chunk=256," in str(caught.value)

    def test_a_recorded_system_may_have_such_a_sign_in_its_name(self, tmp_path: Path) -> None:
        load(tmp_path, AXES)
        assert variants.select("temperature=0", root=tmp_path) == (variants.bare("temperature=0"),)

    def test_one_that_two_files_give(self, tmp_path: Path) -> None:
        for name in ("a.yaml", "b.yaml"):
            load(tmp_path, "rag_variants: {axes: {k: [3, 5]}}", name)
        with pytest.raises(VariantError, match=r"'k=3' could be any of 'variants/a.yaml', 'variants/b.yaml'"):
            variants.select("k=3", root=tmp_path)


class TestMalformed:
    @pytest.mark.parametrize(
        ("content", "line", "parts"),
        [
            ("rag_variants: 3", 1, ('"rag_variants" holds 3, which is not a mapping',)),
            ("rag_variants: {}", 1, ('"rag_variants" has no axes; write axes: {k: [3, 5]',)),
            ("rag_variants:\n  axes:", 2, ("has no axes",)),
            ("rag_variants:\n  axes: [1]", 2, ('"axes" holds [1], which is not a mapping',)),
            ("rag_variants:\n  k: [3, 5]", 2, ("unknown key 'k' (axes stand under axes:)", "'exclude'")),
            ("rag_variants:\n  axis: {k: [1]}", 2, ("unknown key 'axis' (did you mean 'axes'?)",)),
            ("rag_variants:\n  axes:\n    k: []", 3, ("the axis 'k' has no values; write k: [<value>",)),
            ("rag_variants:\n  axes:\n    k: 3", 3, ("has no values",)),
            ("rag_variants:\n  axes:\n    k: {}", 3, ("has no values",)),
            ("rag_variants:\n  axes:\n    k:", 3, ("has no values",)),
            ("rag_variants:\n  axes:\n    k: [1, 1.0]", 3, ("has the value 1.0 twice",)),
            ("rag_variants:\n  axes:\n    k:\n    - 1\n    - 2\n    - 1", 6, ("has the value 1 twice",)),
            ("rag_variants:\n  axes:\n    k: [true, True]", 3, ("has the value True twice",)),
            ("rag_variants:\n  axes:\n    k: [null, ~]", 3, ("has the value None twice",)),
            ("rag_variants:\n  axes:\n    k: [1, '1']", 3, ("would call two values '1'", "name them")),
            ("rag_variants:\n  axes:\n    k: {'a,b': 1}", 3, ("names a value 'a,b'", "it stands in ids")),
            (f"rag_variants:\n  axes:\n    k: {{{'x' * 41}: 1}}", 3, ("up to 40 letters",)),
            ("rag_variants:\n  axes:\n    'a,b': [1]", 3, ("an axis cannot be called 'a,b'", "letters, digits")),
            ("rag_variants:\n  axes:\n    'a=b': [1]", 3, ("an axis cannot be called 'a=b'",)),
            ("rag_variants:\n  axes:\n    '': [1]", 3, ("an axis cannot be called ''",)),
            ("rag_variants:\n  axes:\n    a..b: [1]", 3, ("an axis cannot be called 'a..b'",)),
            ("rag_variants:\n  axes:\n    .a: [1]", 3, ("an axis cannot be called '.a'",)),
            (f"rag_variants:\n  axes:\n    {'x' * 41}: [1]", 3, ("an axis cannot be called", "up to 40")),
            ("rag: {k: 3}\nrag_variants:\n  axes:\n    k.a: [1]", 4, ("leads through 3, which is not a mapping",)),
            ("rag: 3\nrag_variants: {axes: {k: [1]}}", 1, ('"rag" holds 3, which is not a mapping',)),
            ("rag_variants:\n  axes:\n    a: [1]\n    a.b: [1]", 4, ("'a.b' lies within the axis 'a'",)),
            ("rag_variants:\n  axes:\n    k: &ks [1]\n    l: *ks", 4, ("a * refers to another place",)),
            (
                "rag_variants:\n  axes:\n" + "".join(f"    a{i}: [1]\n" for i in range(65)),
                2,
                ('"axes" names 65 settings; vary at most 64',),
            ),
            (f"rag_variants:\n  axes:\n    k: {list(range(4097))}", 3, ("has 4097 values",)),
            ("rag_variants:\n  axes: {k: [1, 2]}\n  exclude: {k: 1}", 3, ('"exclude" is not a list',)),
            ("rag_variants:\n  axes: {k: [1, 2]}\n  exclude:\n  - 2", 4, ("exclude[0] is not a mapping",)),
            ("rag_variants:\n  axes: {k: [1, 2]}\n  exclude: [{}]", 3, ("exclude[0] is not a mapping",)),
            ("rag_variants:\n  axes: {k: [1, 2]}\n  exclude: [{q: 2}]", 3, ("names 'q'", "the axes are 'k'")),
            ("rag_variants:\n  axes: {k: [1, 2]}\n  exclude: [{k: 3}]", 3, ("the value 3", "its values are '1'")),
            ("rag_variants:\n  axes: {k: [1, 2]}\n  exclude: [{k: [2, 3]}]", 3, ("the value 3", "does not take")),
            ("rag_variants:\n  axes: {k: [1, 2]}\n  exclude: [{k: true}]", 3, ("the value True", "does not take")),
            ("rag_variants:\n  axes: {k: [1, 2]}\n  exclude: [{k: []}]", 3, ("exclude[0] has no value for 'k'",)),
            ("rag_variants:\n  axes: {k: [1, 2]}\n  exclude: [{k: 2}, {k: 2}]", 3, ("exclude[1] matches no",)),
            (
                "rag_variants:\n  axes: {k: [1, 2]}\n  exclude: [{k: 1}]",
                3,
                ("exclude[0] leaves out the first combination, which is the reference",),
            ),
            ("rag_variants:\n  axes: {k: [1, 2]}\n  exclude: [{k: [1, 2]}]", 3, ("leaves out everything",)),
            ("rag_variants:\n  axes: {k: [1, 2]}\n  cap: 1", 1, ("gives 2 variants, and 1 are allowed",)),
            ("rag_variants:\n  axes: {k: [1, 2]}\n  cap: true", 3, ("cap: True is not a number of variants",)),
            ("rag_variants:\n  axes: {k: [1, 2]}\n  cap: 4097", 3, ("give 1 to 4096",)),
            ("rag_variants:\n  axes: {k: [1, 2]}\n  sample: 2", 3, ('"sample" holds 2, which is not a mapping',)),
            ("rag_variants:\n  axes: {k: [1, 2]}\n  sample: {}", 3, ('"sample" draws None variants',)),
            ("rag_variants:\n  axes: {k: [1, 2]}\n  sample: {size: 2}", 3, ("unknown key 'size'", "'seed'")),
            ("rag_variants:\n  axes: {k: [1, 2]}\n  sample: {variants: true}", 3, ("draws True variants",)),
            ("rag_variants:\n  axes: {k: [1, 2]}\n  sample: {variants: 0}", 3, ("draws 0 variants",)),
            ("rag_variants:\n  axes: {k: [1, 2]}\n  sample: {variants: 3}", 3, ("draws 3 variants of 2; remove it",)),
            ("rag_variants:\n  axes: {k: [1, 2]}\n  sample: {variants: 65}", 3, ("raise the cap, which is 64",)),
            (
                "rag_variants:\n  axes: {k: [1, 2]}\n  cap: 1000\n  sample: {variants: 257}",
                4,
                ("draws 257 variants, and 256 are allowed; draw at most 256",),
            ),
            ("rag_variants:\n  axes: {k: [1, 2]}\n  sample: {variants: 1, seed: -1}", 3, ("the seed -1",)),
            ("rag_variants:\n  axes: {k: [1, 2]}\n  sample: {variants: 1, seed: yes}", 3, ("the seed 'yes'",)),
            ("matrix: {rag.k: [1]}\nrag_variants: {axes: {k: [1]}}", 2, ('"matrix" and "rag_variants" are two ways',)),
            ("id: 3\nrag_variants: {axes: {k: [1]}}", 1, ("the id 3 is not text",)),
            ("user: '{% if %}'\nrag_variants: {axes: {k: [1]}}", 1, ("not a Jinja2 template",)),
        ],
    )  # fmt: skip
    def test_one_sentence_with_file_line_and_mend(
        self, tmp_path: Path, content: str, line: int, parts: tuple[str, ...]
    ) -> None:
        with pytest.raises(VariantError) as caught:
            load(tmp_path, content)
        message = str(caught.value)
        assert message.startswith(f"variants/rag.yaml:{line}: ")
        assert "\n" not in message
        for part in parts:
            assert part in message

    def test_a_value_that_json_cannot_hold(self) -> None:
        assert "the variant holds what JSON cannot" in refusal({"k": [1, {2, 3}]})

    def test_a_key_in_code_that_is_no_text(self) -> None:
        assert '"axes" has the key 3, which is not text' in refusal({3: [1]})
