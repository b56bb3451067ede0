"""One file, several variants: a matrix over settings, its ids, exclusions and cap."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_genaiops import variants
from pytest_genaiops.errors import VariantError
from pytest_genaiops.records import Case

CASE = Case(id="c1", inputs={"question": "Why?"})


def load(folder: Path, content: str, name: str = "v1.yaml") -> tuple[variants.Variant, ...]:
    path = folder / "variants" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(content, encoding="utf-8")
    return variants.load_variants(path, root=folder)


def ids(found: tuple[variants.Variant, ...]) -> list[str]:
    return [variant.id for variant in found]


def made(matrix: Any, **keys: Any) -> tuple[variants.Variant, ...]:
    return variants.select([{"id": "v1", **keys, "matrix": matrix}], root=Path())


TWO_BY_TWO = """
user: "{{ question }}"
matrix:
  parameters.temperature: [0, 0.7]
  rag.k: [3, 5]
"""


class TestCombinations:
    def test_every_combination_is_a_variant_and_the_first_has_the_id_of_the_file(self, tmp_path: Path) -> None:
        found = load(tmp_path, TWO_BY_TWO)
        assert [(v.id, v.parameters["temperature"], v.rag["k"]) for v in found] == [
            ("v1", 0, 3),
            ("v1-k=5", 0, 5),
            ("v1-temperature=0.7", 0.7, 3),
            ("v1-temperature=0.7-k=5", 0.7, 5),
        ]
        assert {v.source for v in found} == {"variants/v1.yaml"}
        assert len({v.hash for v in found}) == 4

    def test_a_variant_of_a_matrix_is_what_a_file_of_its_own_would_be(self, tmp_path: Path) -> None:
        (alone,) = load(tmp_path, "user: '{{ question }}'\nparameters: {temperature: 0.7}\nrag: {k: 5}", "alone.yaml")
        assert load(tmp_path, TWO_BY_TWO)[3].hash == alone.hash

    def test_an_axis_that_is_added_later_leaves_the_ids_as_they_are(self, tmp_path: Path) -> None:
        before = {v.id: v.hash for v in load(tmp_path, TWO_BY_TWO + "parameters: {top_p: 1}")}
        after = {v.id: v.hash for v in load(tmp_path, TWO_BY_TWO + "  parameters.top_p: [1, 0.5]")}
        assert len(after) == 8
        assert before.items() <= after.items()

    def test_what_the_file_says_itself_is_the_default(self) -> None:
        found = made({"parameters.temperature": [0, 0.7, 1]}, parameters={"temperature": 0.7, "seed": 1})
        assert ids(found) == ["v1", "v1-temperature=0", "v1-temperature=1"]
        assert found[0].parameters == {"temperature": 0.7, "seed": 1}

    def test_values_may_have_names(self) -> None:
        texts = {"short": "Be short.", "long": "Be long, and take your time."}
        found = made({"blocks.constraints": texts}, blocks={"persona": "You teach."})
        assert ids(found) == ["v1", "v1-constraints=long"]
        assert [v.messages(CASE)[0]["content"] for v in found] == [f"You teach.\n\n{text}" for text in texts.values()]

    def test_a_setting_may_be_left_out(self) -> None:
        with_it, without = made({"blocks.constraints": ["Be short.", None]}, blocks={"persona": "You teach."})
        assert with_it.messages(CASE)[0]["content"] == "You teach.\n\nBe short."
        assert without.messages(CASE)[0]["content"] == "You teach."
        assert without.id == "v1-constraints=null"

    @pytest.mark.parametrize(
        ("value", "name"),
        [
            (0.25, "0.25"),
            (1e-7, "1e-07"),
            (True, "true"),
            (None, "null"),
            ("gpt-4.1_mini", "gpt-4.1_mini"),
            ("two words", "2"),
            ("x" * 41, "2"),
            ("a::b", "2"),
            (["a", "b"], "2"),
            ({"a": 1}, "2"),
            (10**30, "2"),
        ],
    )
    def test_what_values_are_called(self, value: Any, name: str) -> None:
        assert made({"rag.x": ["first", value]})[1].id == f"v1-x={name}"

    def test_two_axes_that_end_alike_keep_their_paths(self) -> None:
        found = made({"rag.k": [1, 2], "parameters.k": [1, 2]})
        assert ids(found)[3] == "v1-rag.k=2-parameters.k=2"

    def test_paths_lead_into_mappings_and_steps(self) -> None:
        steps = [{"id": "draft", "user": "x"}, {"id": "revise", "user": "y"}]
        found = made(
            {
                "rag.rerank.top": [3, 4],
                "steps.revise.parameters.temperature": [0, 1],
                "steps.draft.user": {"a": "x", "b": "z"},
            },
            rag={"rerank": {"model": "r"}},
            steps=steps,
        )
        last = found[-1]
        assert last.id == "v1-top=4-temperature=1-user=b"
        assert last.rag == {"rerank": {"model": "r", "top": 4}}
        assert (last.steps[1].parameters, last.steps[0].messages[0].blocks[0].text) == ({"temperature": 1}, "z")
        assert found[0].rag == {"rerank": {"model": "r", "top": 3}}

    def test_exclusions_by_value_and_by_name(self) -> None:
        matrix = {"rag.k": [1, 2, 3], "blocks.persona": {"a": "A.", "b": "B."}}
        exclude = [{"rag.k": 2, "blocks.persona": "b"}, {"rag.k": 3}]
        assert ids(made({**matrix, "exclude": exclude})) == ["v1", "v1-persona=b", "v1-k=2"]

    def test_a_cap_may_be_raised(self) -> None:
        assert len(made({"rag.k": list(range(70)), "cap": 70})) == 70

    @given(
        sizes=st.lists(st.integers(1, 4), min_size=1, max_size=3),
        picks=st.lists(st.integers(0, 3), min_size=3, max_size=3),
    )
    def test_ids_and_hashes_are_unique_whatever_the_axes(self, sizes: list[int], picks: list[int]) -> None:
        axes = {f"rag.a{i}": list(range(size)) for i, size in enumerate(sizes)}
        own = {f"a{i}": pick % size for i, (size, pick) in enumerate(zip(sizes, picks, strict=False))}
        found = made(axes, rag=own)
        product = 1
        for size in sizes:
            product *= size
        assert len(found) == len(set(ids(found))) == len({v.hash for v in found}) == product
        assert (found[0].id, found[0].rag) == ("v1", own)


class TestSelection:
    def test_one_of_them_is_found_by_its_id(self, tmp_path: Path) -> None:
        load(tmp_path, TWO_BY_TWO, "my-v1.yaml")
        (one,) = variants.select("my-v1-temperature=0.7", root=tmp_path)
        assert (one.id, one.source, one.parameters) == (
            "my-v1-temperature=0.7",
            "variants/my-v1.yaml",
            {"temperature": 0.7},
        )
        assert len(variants.select("my-v1", root=tmp_path)) == 4

    def test_one_that_is_not_there_is_no_bare_name(self, tmp_path: Path) -> None:
        load(tmp_path, TWO_BY_TWO)
        with pytest.raises(VariantError) as caught:
            variants.select("v1-temperature=0.8", root=tmp_path)
        assert str(caught.value).startswith("variants/v1.yaml has no variant 'v1-temperature=0.8' (did you mean")

    def test_a_recorded_system_may_be_called_like_one(self, tmp_path: Path) -> None:
        load(tmp_path, "user: x")
        assert variants.select("v1-large", root=tmp_path) == (variants.bare("v1-large"),)

    def test_a_mapping_in_code_is_one_variant(self) -> None:
        with pytest.raises(VariantError, match=r"the matrix of 'v1' gives 2 variants; use variants.select\(\)"):
            variants.from_mapping({"id": "v1", "matrix": {"rag.k": [1, 2]}})


class TestMalformed:
    @pytest.mark.parametrize(
        ("content", "line", "parts"),
        [
            ("matrix: 3", 1, ('"matrix" holds 3, which is not a mapping',)),
            ("matrix: {}", 1, ('"matrix" names no setting', "parameters.temperature")),
            ("matrix:\n  cap: 3", 1, ('"matrix" names no setting',)),
            ("matrix:\n  rag.k: []", 2, ("the axis 'rag.k' has no values",)),
            ("matrix:\n  rag.k: 3", 2, ("the axis 'rag.k' has no values", "write rag.k: [<value>")),
            ("matrix:\n  rag.k: {}", 2, ("the axis 'rag.k' has no values",)),
            ("matrix:\n  rag.k:\n  - 1\n  - 2\n  - 1", 5, ("the value 1 twice",)),
            ("matrix:\n  rag.k: [1, 1.0]", 2, ("twice",)),
            ("matrix:\n  rag.k: [1, '1']", 2, ("would call two values '1'", "name them")),
            ("matrix:\n  rag.k: {two words: 1}", 2, ("names a value 'two words'", "letters")),
            ("matrix:\n  paramters.k: [1]", 2, ("no setting", "did you mean 'parameters'?", "steps.<id>")),
            ("matrix:\n  temperature: [1]", 2, ("no setting", "parameters.<name>")),
            ("matrix:\n  parameters: [1]", 2, ("no setting",)),
            ("matrix:\n  parameters.: [1]", 2, ("no setting",)),
            ("matrix:\n  'rag.a b': [1]", 2, ("no setting",)),
            (f"matrix:\n  rag.k: {list(range(4097))}", 2, ("has 4097 values",)),
            ("matrix:\n  user.x: [1]", 2, ("no setting",)),
            ("matrix:\n  excludes: [{rag.k: 1}]\n  rag.k: [1]", 2, ("did you mean 'exclude'?",)),
            ("matrix:\n  steps.a.user: [x]", 2, ("no setting",)),
            ("steps: [{id: a, user: x}]\nmatrix:\n  steps.b.user: [x]", 3, ("a step that is not there", "'a'")),
            ("steps: [{id: a, user: x}]\nmatrix:\n  steps.a.id: [x]", 3, ("no setting",)),
            ("model: small\nmatrix:\n  model.name: [a]", 3, ("leads through 'small', which is not a mapping",)),
            ("rag: {k: 4}\nmatrix:\n  rag.k: [1, 2]", 3, ("lacks the value that the file has itself, 4", "add it")),
            ("rag: {k: 1}\nmatrix:\n  rag.k: [true, 2]", 3, ("lacks the value",)),
            ("matrix:\n  rag.a: [1]\n  rag.a.b: [1]", 3, ("'rag.a.b' lies within the axis 'rag.a'",)),
            ("matrix:\n  rag.k: [1]\n  exclude: {rag.k: 1}", 3, ('"exclude" is not a list',)),
            ("matrix:\n  rag.k: [1, 2]\n  exclude:\n  - 2", 4, ("exclude[0] is not a mapping",)),
            ("matrix:\n  rag.k: [1, 2]\n  exclude: [{}]", 3, ("exclude[0] is not a mapping",)),
            ("matrix:\n  rag.k: [1, 2]\n  exclude: [{rag.q: 2}]", 3, ("names 'rag.q'", "did you mean 'rag.k'?")),
            ("matrix:\n  rag.k: [1, 2]\n  exclude: [{rag.k: 3}]", 3, ("the value 3", "does not take", "'1', '2'")),
            (
                "matrix:\n  rag.k: [1, 2]\n  exclude: [{rag.k: 2}, {rag.k: 2}]",
                3,
                ("exclude[1] matches no combination",),
            ),
            ("matrix:\n  rag.k: [1, 2]\n  exclude: [{rag.k: 1}]", 3, ("exclude[0] leaves out the default",)),
            ("matrix:\n  rag.k: [1]\n  exclude: [{rag.k: 1}]", 3, ("exclude[0] leaves out everything",)),
            (f"matrix:\n  rag.k: {list(range(65))}", 1, ("gives 65 variants, and 64 are allowed", "cap: 65")),
            ("matrix:\n  rag.k: [1, 2]\n  cap: 1", 1, ("gives 2 variants, and 1 are allowed",)),
            ("matrix:\n  rag.k: [1, 2]\n  cap: no", 3, ("cap: 'no' is not a number of variants",)),
            ("matrix:\n  rag.k: [1, 2]\n  cap: 4097", 3, ("give 1 to 4096",)),
            ("matrix:\n" + "".join(f"  rag.a{i}: [1, 2, 3]\n" for i in range(9)), 1, ("has 19683 combinations",)),
            ("matrix:\n" + "".join(f"  rag.a{i}: [1, 2]\n" for i in range(64)), 1, ("has billions of combinations",)),
            ("matrix:\n" + "".join(f"  rag.a{i}: [1, 2]\n" for i in range(20_000)), 1, ("names 20000 settings",)),
            ("matrix:\n  parameters.topP: [1, 2]\nparameters: {top_p: 3}", 2, ("the same parameter",)),
            ("matrix:\n  blocks.personna: [a]", 2, ("did you mean 'persona'?",)),
            ("matrix:\n  blocks.persona:\n  - fine\n  - |\n    {% if %}", 4, ("not a Jinja2 template",)),
            ("messages: [{role: user, content: x}]\nmatrix:\n  user: [x]", 3, ("no place for",)),
            ("matrix:\n  model.api_key: [SECRET]", 2, ("api_key_env",)),
        ],
    )
    def test_one_sentence_with_file_line_and_mend(
        self, tmp_path: Path, content: str, line: int, parts: tuple[str, ...]
    ) -> None:
        with pytest.raises(VariantError) as caught:
            load(tmp_path, content)
        message = str(caught.value)
        assert message.startswith(f"variants/v1.yaml:{line}: ")
        assert "SECRET" not in message
        for part in parts:
            assert part in message

    def test_a_template_of_a_value_is_faulted_on_its_own_line(self, tmp_path: Path) -> None:
        _, second = load(tmp_path, "matrix:\n  user:\n    a: x\n    b: |\n      {{ qestion }}")
        with pytest.raises(VariantError, match=r"^variants/v1\.yaml:5: block \"user\" uses the input 'qestion'"):
            second.check(CASE)
