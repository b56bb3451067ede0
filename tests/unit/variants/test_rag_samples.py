"""Samples of a large product: levels and pairs of levels equally often, the same in every process."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rag_help import AXES, ids, load, made

from pytest_genaiops import variants


def spread(found: Sequence[variants.Variant], axes: Mapping[str, Sequence[Any]], together: int) -> int:
    """The largest difference between how often two levels of an axis occur, or two pairs of levels of two axes."""
    worst = 0
    for names in itertools.combinations(axes, together):
        there = Counter(tuple(variant.axes[name] for name in names) for variant in found)
        counts = [there[level] for level in itertools.product(*(map(str, axes[name]) for name in names))]
        worst = max(worst, max(counts) - min(counts))
    return worst


class TestSample:
    AXES: Mapping[str, list[Any]] = {
        "chunk": [128, 256, 512], "overlap": [0, 32], "enrich": ["none", "title", "summary"],
        "embedding": ["s", "m", "l"], "exact": [True, False], "search": ["vector", "full-text", "hybrid"],
    }  # fmt: skip

    def draw(self, variants: int, seed: int = 7, **options: Any) -> list[Any]:
        return made(self.AXES, sample={"variants": variants, "seed": seed}, cap=256, **options)

    def test_48_of_324_have_every_level_equally_often_and_every_pair_nearly_so(self) -> None:
        """48/(3·3) is no whole number: pairs of two axes with three levels can be 5 or 6 times there."""
        named = {name: [json.dumps(v) if isinstance(v, bool) else v for v in vs] for name, vs in self.AXES.items()}
        found = self.draw(48)
        assert len(set(ids(found))) == 48
        assert spread(found, named, 1) == 0
        assert spread(found, named, 2) <= 1

    def test_twelve_of_24_are_an_orthogonal_array(self) -> None:
        """There is one of 12 rows for an axis of three levels and three of two: every pair of levels equally often."""
        axes = {"a": [0, 1], "b": [0, 1], "c": [0, 1], "d": [0, 1, 2]}
        found = made(axes, sample={"variants": 12, "seed": 3})
        assert (spread(found, axes, 1), spread(found, axes, 2)) == (0, 0)

    def test_the_reference_is_in_it_and_comes_first(self) -> None:
        for seed in range(5):
            found = self.draw(4, seed)
            assert found[0].axes == {name: json.dumps(v[0]).strip('"') for name, v in self.AXES.items()}

    def test_they_stand_in_the_order_of_the_product(self) -> None:
        whole, some = ids(made(self.AXES, cap=324)), ids(self.draw(48))
        assert [one for one in whole if one in some] == some

    def test_another_seed_draws_others(self) -> None:
        assert set(ids(self.draw(48, 1))) != set(ids(self.draw(48, 2)))
        assert ids(self.draw(48, 0)) == ids(made(self.AXES, sample={"variants": 48}))

    def test_all_of_them_are_all_of_them(self) -> None:
        assert ids(made({"a": [1, 2], "b": [1, 2]}, sample={"variants": 4})) == [
            "a=1,b=1", "a=1,b=2", "a=2,b=1", "a=2,b=2",
        ]  # fmt: skip

    def test_all_but_one(self) -> None:
        axes = {"a": [1, 2, 3], "b": [1, 2, 3], "c": [1, 2]}
        found = made(axes, sample={"variants": 17})
        assert len(set(ids(found))) == 17
        assert spread(found, axes, 1) == 1

    def test_one_is_the_reference(self) -> None:
        assert ids(made(self.AXES, sample={"variants": 1}))[0].startswith("chunk=128,overlap=0,enrich=none")

    def test_it_is_the_same_whatever_the_order_of_axes_and_of_levels_but_the_first(self) -> None:
        other = {name: [levels[0], *reversed(levels[1:])] for name, levels in reversed(self.AXES.items())}
        again = made(other, sample={"variants": 48, "seed": 7})
        assert {frozenset(v.axes.items()) for v in again} == {frozenset(v.axes.items()) for v in self.draw(48)}

    def test_an_exclusion_is_not_made_up_for(self) -> None:
        """Overlap 32 is allowed with chunk 512 alone. As many with it as without would be one axis, not two."""
        axes = {"chunk": [256, 512], "overlap": [0, 32], "k": [1, 2, 3, 4], "search": ["a", "b", "c"]}
        found = made(axes, exclude=[{"chunk": 256, "overlap": 32}], sample={"variants": 18, "seed": 1})
        there = Counter((v.axes["chunk"], v.axes["overlap"]) for v in found)
        assert there == {("256", "0"): 6, ("512", "0"): 6, ("512", "32"): 6}

    @pytest.mark.parametrize("seed", [1, 2, 3])
    def test_rows_that_are_made_even_stay_allowed(self, seed: int) -> None:
        axes, exclude = {"a": [0, 1], "b": [0, 1], "c": [0, 1, 2], "d": [0, 1, 2]}, [{"a": 0, "b": 1, "c": [1, 2]}]
        found = made(axes, exclude=exclude, sample={"variants": 20, "seed": seed})
        assert set(ids(found)) <= set(ids(made(axes, exclude=exclude)))

    @pytest.mark.parametrize("seed", [0, 11])
    def test_levels_stay_even_where_what_is_left_to_choose_from_is_not(self, seed: int) -> None:
        axes = {"a0": [0, 1, 2], "a1": [0, 1, 2, 3], "a2": [0, 1, 2, 3]}
        assert spread(made(axes, sample={"variants": 24, "seed": seed}), axes, 1) == 0

    def test_some_of_billions(self) -> None:
        axes = {f"a{i}": list(range(10)) for i in range(10)}
        found = made(axes, sample={"variants": 20, "seed": 5}, exclude=[{"a0": 1, "a9": [1, 2, 3]}])
        assert len(set(ids(found))) == 20
        assert not [v for v in found if v.rag["a0"] == 1 and v.rag["a9"] in (1, 2, 3)]
        assert spread(found, {name: levels for name, levels in axes.items() if name not in ("a0", "a9")}, 1) <= 1

    @given(sizes=st.lists(st.integers(1, 4), min_size=1, max_size=4), share=st.floats(0, 1), seed=st.integers(0, 2**70))
    @settings(deadline=None, max_examples=40)
    def test_levels_are_as_even_as_they_can_be(self, sizes: list[int], share: float, seed: int) -> None:
        axes = {f"a{i}": list(range(size)) for i, size in enumerate(sizes)}
        product = len(list(itertools.product(*axes.values())))
        size = max(1, min(64, round(share * product)))
        found = made(axes, sample={"variants": size, "seed": seed})
        assert len(set(ids(found))) == len({v.hash for v in found}) == size
        assert set(found[0].rag.values()) == {0}
        assert spread(found, axes, 1) <= 1

    def test_every_process_draws_the_same(self, tmp_path: Path) -> None:
        load(tmp_path, AXES + "  sample: {variants: 12, seed: 7}")
        code = (
            "import sys; from pathlib import Path; from pytest_genaiops import variants\n"
            "print(*(v.id for v in variants.select('rag', root=Path(sys.argv[1]))), sep='\\n')"
        )
        said = []
        for seed in ("0", "1"):
            done = subprocess.run(
                [sys.executable, "-c", code, str(tmp_path)],
                capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": seed},
            )  # fmt: skip
            said.append(done.stdout.split())
        assert said[0] == said[1] == ids(variants.select("rag", root=tmp_path))

    def test_what_a_seed_draws_stays_what_it_is(self) -> None:
        """Written down when it was first drawn: histories of variants, and committed baselines, go by these ids."""
        assert ids(made({"a": [0, 1], "b": [0, 1], "c": [0, 1]}, sample={"variants": 4, "seed": 7})) == [
            "a=0,b=0,c=0", "a=0,b=1,c=1", "a=1,b=0,c=1", "a=1,b=1,c=0",
        ]  # fmt: skip
