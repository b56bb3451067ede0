"""`genaiops power`: what a committed baseline says about cases, trials and margins."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from pytest_genaiops.baselines import Baseline, Entry, Rows, Section, Value, line, place, write
from pytest_genaiops.cli import main
from pytest_genaiops.statistics import Sample
from pytest_genaiops.statistics.power import plan, spread_of_change, spread_of_rerun, spread_of_score

SUITE = "eval_suites/rag/test_rag.py::test_grounded"
HEAD = {"variant_hash": "a" * 64, "dataset": "support", "dataset_hash": "d" * 64}
Values = Sequence[Sequence[float]]
"""Of each case its trials."""


def section(values: Values, name: str = "exact_match", clusters: Sequence[str | None] = (), **fields: Any) -> Section:
    flat = [value for trials in values for value in trials]
    rows = [
        line(f"c{i:04}", k, (value,), clusters[i] if clusters else None)
        for i, trials in enumerate(values)
        for k, value in enumerate(trials, 1)
    ]
    value = Value(
        value=sum(flat) / len(flat),
        scale=fields.get("scale", (0.0, 1.0)),
        higher_is_better=fields.get("higher_is_better", True),
    )
    return Section(signature=f"{name}|data:{'d' * 12}", scores={name: value}, rows=Rows.of_lines(rows))


def entry(*sections: Section, variant: str = "v1", trials: int = 1, by_case: bool = False) -> Entry:
    metrics = {found.signature.partition("|")[0]: found for found in sections}
    return Entry(variant=variant, trials=trials, by_case=by_case, metrics=metrics, **HEAD)


def committed(*entries: Entry, suite: str = SUITE, folder: str = "eval_suites/baselines") -> Path:
    path = Path(place(folder, suite))
    write(path, Baseline(suite=suite, entries={each.variant: each for each in entries}), shown=str(path))
    return path


def flaky(n: int, trials: int, seed: int = 7) -> list[list[float]]:
    """Answers right or wrong: a third of the cases fails now and then, a tenth always."""
    draw = random.Random(seed)
    chances = [0.0 if i % 10 == 9 else 0.7 if i % 3 == 0 else 1.0 for i in range(n)]
    return [[float(draw.random() < chance) for _ in range(trials)] for chance in chances]


def sample_of(values: Values) -> tuple[Sample, list[int]]:
    """The values as the statistics room takes them."""
    flat = [value for trials in values for value in trials]
    cases = [i for i, trials in enumerate(values) for _ in trials]
    clusters = cases if len(flat) > len(values) else None
    return Sample(
        statistics=[(v,) for v in flat], values=flat, score=lambda t, n: t[0] / n, is_mean=True, clusters=clusters
    ), cases


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    return tmp_path


@pytest.fixture
def shown(capsys: pytest.CaptureFixture[str]) -> Any:
    def run(*arguments: str) -> str:
        code = main(["power", *arguments])
        output = capsys.readouterr()
        assert (code, output.err) == (0, "")
        assert max(map(len, output.out.splitlines())) <= 80
        assert not re.search(r"nan|inf\b|None", output.out)
        return output.out

    return run


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Any:
    def run(*arguments: str) -> str:
        assert main(["power", *arguments]) == 2
        output = capsys.readouterr()
        assert output.out == ""
        (sentence,) = output.err.splitlines()
        return sentence.removeprefix("genaiops: ")

    return run


def runs(text: str) -> list[tuple[int, str]]:
    """(cases, per cent of runs) of every line that says so."""
    found = re.findall(r"^ +([\d,]+) cases(?: x \d+ trials)? +pass in (\S+) % of runs$", text, re.MULTILINE)
    return [(int(cases.replace(",", "")), share) for cases, share in found]


def table(text: str) -> dict[int, list[str]]:
    """Trials -> the cells of their row."""
    lines = text.partition("What other numbers")[2].splitlines()[3:]
    rows = [line.replace(" %", "%").split() for line in lines if re.match(r" +\d+ ", line)]
    return {int(trials): cells for trials, *cells in rows}


def one_line(text: str) -> str:
    return " ".join(text.split())


class TestAMargin:
    def test_is_planned_from_the_noise_of_trials(self, shown: Any) -> None:
        values = flaky(60, 3)
        committed(entry(section(values), trials=3))
        text = shown("test_grounded", "--margin", "0.05")
        expected = plan(spread_of_rerun(*sample_of(values)), n=60, trials=3, margin=0.05)
        least, more = expected.present.needs
        now = f"{100 * expected.present.power:.0f}"
        assert runs(text) == [(60, now), (least.n, "80"), (more.n, "90")]
        assert text.startswith(f"{SUITE}\n  v1: exact_match 0.8278, 60 cases of support, 3 trials each\n")
        assert "not_worse_than(baseline, margin=0.05), 95 % confidence" in text
        assert least.detectable is not None
        assert f"in 80 % of runs with a margin of {least.detectable:.3f}"[:-1] in one_line(text)
        assert {k: cells[1:3] for k, cells in table(text).items()} == {
            each.trials: [f"{each.needs[0].n:,}", f"{each.needs[0].calls:,}"] for each in expected.options
        }
        assert [cells[3] for cells in table(text).values()] == ["180", "90", "60", "36", "18"]

    def test_says_what_is_difficulty_and_what_is_noise(self, shown: Any) -> None:
        committed(entry(section([[1, 1], [0, 0], [1, 1], [0, 0], [1, 0]] * 10), trials=2))
        text = shown("test_grounded", "--margin", "0.1")
        shares = [int(each) for each in re.findall(r"^ +(\d+) %  (?:difficulty|noise)", text, re.MULTILINE)]
        # By hand: mean squares within and between are 5 / 50 and 20 / 49, so 0.154 of 0.254 is difficulty.
        assert shares == [61, 39]

    def test_without_trials_names_the_bound_and_the_way_to_know(self, shown: Any) -> None:
        committed(entry(section(flaky(60, 1))))
        text = one_line(shown("test_grounded", "--margin", "0.05"))
        assert "Each case was run once, which cannot tell difficulty" in text
        assert "These numbers are an upper bound" in text
        assert "give the marker trials=2" in text
        assert "What other numbers" not in text

    def test_of_a_change_like_that_between_two_variants(self, shown: Any) -> None:
        old, new = flaky(60, 2, seed=1), flaky(60, 2, seed=2)
        committed(entry(section(old), trials=2), entry(section(new), variant="v2", trials=2))
        text = shown("test_grounded", "--margin", "0.1", "--variant", "v2", "--against", "v1")
        ours, cases = sample_of(new)
        expected = plan(spread_of_change(ours, sample_of(old)[0], cases), n=60, trials=2, margin=0.1)
        assert [n for n, _ in runs(text)] == [60, *(need.n for need in expected.present.needs)]
        assert "as large as from v1 to v2" in one_line(text)
        assert "Why changes differ" in text

    def test_of_other_cases_trials_and_confidence(self, shown: Any) -> None:
        values = flaky(60, 2)
        committed(entry(section(values), trials=2))
        asked = ("--cases", "400", "--trials", "5", "--confidence", "0.9")
        text = shown("test_grounded", "--margin", "0.05", *asked)
        expected = plan(spread_of_rerun(*sample_of(values)), n=400, trials=5, margin=0.05, confidence=0.9)
        assert [n for n, _ in runs(text)] == [400, *(need.n for need in expected.present.needs)]
        assert "90 % confidence" in text
        assert "400 cases x 5 trials" in text

    def test_where_all_trials_agree_counts_what_no_case_shows(self, shown: Any) -> None:
        """Without a changed case the rule of three reaches 1 - 0.025 ** (1 / n): below 0.05 from 72 cases on."""
        committed(entry(section([[1.0, 1.0]] * 30 + [[0.0, 0.0]] * 10), trials=2))
        text = shown("test_grounded", "--margin", "0.05")
        ((now, share), (least, _), (more, _)) = runs(text)
        assert (now, share) == (40, "<1")
        assert 72 <= least == more <= 82
        assert re.search(r"<1 %  noise", text)

    def test_where_every_value_is_the_same(self, shown: Any) -> None:
        committed(entry(section([[1.0]] * 40)))
        text = shown("test_grounded", "--margin", "0.2")
        assert "They do not: all 40 are worth the same." in one_line(text)
        assert runs(text)[0] == (40, ">99")

    def test_of_graded_values(self, shown: Any) -> None:
        draw = random.Random(3)
        values = [[min(1.0, max(0.0, hard + draw.gauss(0, 0.1))) for _ in range(2)] for hard in [0.2, 0.5, 0.8] * 20]
        committed(entry(section(values, "groundedness"), trials=2))
        text = shown("test_grounded", "--margin", "0.02")
        expected = plan(spread_of_rerun(*sample_of(values)), n=60, trials=2, margin=0.02)
        assert [n for n, _ in runs(text)] == [60, *(need.n for need in expected.present.needs)]

    def test_of_seconds_which_have_no_upper_end(self, shown: Any) -> None:
        draw = random.Random(3)
        values = [[draw.uniform(1, 3) for _ in range(2)] for _ in range(50)]
        committed(entry(section(values, "latency", scale=(0.0, float("inf")), higher_is_better=False), trials=2))
        assert runs(shown("test_grounded", "--margin", "0.3"))[0][0] == 50

    def test_of_a_test_that_judges_case_by_case(self, shown: Any) -> None:
        committed(entry(section(flaky(60, 2)), trials=2, by_case=True))
        assert runs(shown("test_grounded", "--margin", "0.1"))[0][0] == 60

    def test_with_clusters_says_how_much_they_share(self, shown: Any) -> None:
        values = [[1.0, 1.0] if i // 5 % 4 else [0.0, 1.0] for i in range(60)]
        clusters = [f"d{i // 5}" for i in range(60)]
        committed(entry(section(values, clusters=clusters), trials=2))
        assert re.search(r"\d %  clusters: cases of one cluster", shown("test_grounded", "--margin", "0.1"))


class TestAThreshold:
    def test_of_a_share_is_counted(self, shown: Any) -> None:
        values = [[1.0]] * 45 + [[0.0]] * 5
        committed(entry(section(values)))
        text = shown("test_grounded", "--threshold", "0.8")
        expected = plan(spread_of_score(*sample_of(values)), n=50, margin=0.1)
        assert [n for n, _ in runs(text)] == [50, *(need.n for need in expected.present.needs)]
        assert "at_least(0.8), 95 % confidence" in text
        assert "If 0.9000 is the true value of v1," in text

    def test_that_is_missed_already(self, shown: Any) -> None:
        committed(entry(section([[1.0]] * 45 + [[0.0]] * 5)))
        text = one_line(shown("test_grounded", "--threshold", "0.95"))
        assert "v1 scores 0.9000, below 0.95: no number of cases makes at_least(0.95) pass." in text
        assert "v1 scores 0.9000, at 0.9:" in one_line(shown("test_grounded", "--threshold", "0.9"))

    def test_that_no_dataset_tells_from_the_value(self, shown: Any) -> None:
        committed(entry(section([[1.0]] * 45 + [[0.0]] * 5)))
        text = one_line(shown("test_grounded", "--threshold", "0.8999"))
        assert text.endswith("v1 scores 0.9000, so close to 0.8999 that no dataset tells them apart; ask for less.")

    def test_beyond_the_end_of_the_scale_is_not_named(self, shown: Any) -> None:
        """Five cases prove next to nothing, and no threshold lies below 0."""
        committed(entry(section([[0.4], [0.5], [0.6], [0.5], [0.4]], "groundedness")))
        text = one_line(shown("test_grounded", "--threshold", "0.1"))
        assert "5 cases decide nothing in 80 % of runs, whatever is asked." in text

    def test_of_what_is_better_when_it_is_lower(self, shown: Any) -> None:
        committed(entry(section([[0.0]] * 48 + [[1.0]] * 2, "error_rate", higher_is_better=False)))
        assert "at_most(0.1)" in shown("test_grounded", "--threshold", "0.1")
        assert "v1 scores 0.0400, above 0.02" in one_line(shown("test_grounded", "--threshold", "0.02"))

    def test_of_graded_values_is_found_by_drawing(self, shown: Any) -> None:
        """Values that lean to the upper end need more cases than their variance says."""
        draw = random.Random(5)
        values = [[1 - min(0.9, draw.expovariate(12))] for _ in range(60)]
        committed(entry(section(values, "groundedness")))
        text = shown("test_grounded", "--threshold", "0.87")
        sample, cases = sample_of(values)
        mean = sum(sample.values) / 60
        by_variance = plan(spread_of_score(sample, cases), n=60, margin=mean - 0.87).present.needs[0].n
        assert by_variance is not None
        assert runs(text)[1][0] > by_variance
        assert "Found by drawing data sets" in text

    def test_of_many_graded_values_goes_by_their_spread(self, shown: Any) -> None:
        draw = random.Random(5)
        committed(entry(section([[draw.random()] for _ in range(1500)], "groundedness")))
        assert "goes by the spread" in one_line(shown("test_grounded", "--threshold", "0.45")).replace(
            "go by", "goes by"
        )


class TestTheSuite:
    @pytest.mark.parametrize(
        "name",
        [
            SUITE,
            f"{SUITE}[v2]",
            "eval_suites/baselines/rag/test_rag/test_grounded.json",
            "rag/test_rag.py::test_grounded",
            "test_rag.py::test_grounded",
            "test_grounded",
            "rag/test_rag/test_grounded",
            "grounded",
        ],
    )
    def test_may_be_named_in_many_ways(self, shown: Any, name: str) -> None:
        values = section(flaky(40, 2))
        committed(entry(values, trials=2), entry(values, variant="v2", trials=2))
        committed(entry(values, trials=2), suite="eval_suites/rag/test_rag.py::test_other")
        text = shown(name, "--margin", "0.1")
        assert text.startswith(f"{SUITE}\n  {'v2' if 'v2' in name else 'v1'} (of 2 in the file; choose by --variant)")

    def test_of_a_class_and_elsewhere(self, shown: Any, project: Path) -> None:
        (project / "pytest.ini").write_text("[pytest]\ngenaiops_baselines = kept\ngenaiops_confidence = 0.8\n")
        suite = "tests/test_rag.py::TestRag::test_it"
        committed(entry(section(flaky(40, 2)), trials=2), suite=suite, folder="kept")
        for name in (suite, "TestRag::test_it", "TestRag.test_it", "test_it"):
            assert "80 % confidence" in shown(name, "--margin", "0.1")

    def test_a_whole_name_wins_over_a_part(self, shown: Any) -> None:
        for name in ("test_it", "test_it_again"):
            committed(entry(section(flaky(40, 1))), suite=f"eval_suites/test_a.py::{name}")
        assert shown("test_it", "--margin", "0.1").startswith("eval_suites/test_a.py::test_it\n")

    def test_that_may_be_several_is_refused(self, refused: Any) -> None:
        for name in ("test_it", "test_it_again"):
            committed(entry(section(flaky(40, 1))), suite=f"eval_suites/test_a.py::{name}")
        assert (
            refused("it", "--margin", "0.1")
            == "'it' may be test_a/test_it, test_a/test_it_again; give more of the name"
        )

    def test_that_is_misspelt_is_refused(self, refused: Any) -> None:
        committed(entry(section(flaky(40, 1))))
        sentence = "no committed baseline has 'test_gruonded' in its name; did you mean 'test_grounded'? Known: "
        assert refused("test_gruonded", "--margin", "0.1").startswith(sentence)

    def test_without_a_baseline_is_told_how_to_write_one(self, refused: Any) -> None:
        assert "write it with pytest --genaiops-update-baseline" in refused(SUITE, "--margin", "0.1")

    def test_whose_file_was_edited_is_refused(self, refused: Any) -> None:
        path = committed(entry(section(flaky(40, 1))))
        path.write_text(path.read_text().replace('"c0003", 1, [1.0]', '"c0003", 1, [0.0]'))
        assert "checksum does not fit" in refused("test_grounded", "--margin", "0.1")


class TestTheScore:
    @pytest.fixture(autouse=True)
    def several(self) -> None:
        first, second = flaky(40, 1), [[value[0] / 2] for value in flaky(40, 1)]
        for name in ("v1", "v2"):
            committed(
                entry(section(first), section(second, "token_f1"), variant="v1"), entry(section(first), variant=name)
            )

    def test_is_to_be_chosen_where_there_are_several(self, refused: Any, shown: Any) -> None:
        assert refused("test_grounded", "--margin", "0.1").endswith("choose one with --metric: exact_match, token_f1")
        assert "token_f1 0.4" in shown("test_grounded", "--margin", "0.1", "--metric", "token_f1")

    @pytest.mark.parametrize(
        ("arguments", "sentence"),
        [
            (["--metric", "exakt_match"], "did you mean 'exact_match'?"),
            (["--metric", "token_f1", "--variant", "v3"], "--variant 'v3' is not in eval_suites/baselines"),
            (["--metric", "token_f1", "--against", "v9"], "--against 'v9' is not in eval_suites/baselines"),
            (["--metric", "token_f1", "--against", "v2"], "variants.v2.metrics has no token_f1; it has exact_match"),
        ],
    )
    def test_that_is_not_there_is_refused(self, refused: Any, arguments: list[str], sentence: str) -> None:
        assert sentence in refused("test_grounded", "--margin", "0.1", *arguments)


def test_of_a_group_by_its_name_or_with_the_group_before_it(shown: Any, refused: Any) -> None:
    pairs = [("yes", "yes")] * 30 + [("no", "yes")] * 6 + [("no", "no")] * 14
    rows = Rows.of_lines(line(f"c{i:02}", 1, {pair: 1}) for i, pair in enumerate(pairs))
    # scikit-learn 1.7: accuracy 0.88; macro F1 of 30 of 36 recalled for yes, 14 of 20 precise for no
    scores = {
        "accuracy": Value(value=0.88, scale=(0.0, 1.0), higher_is_better=True),
        "f1": Value(value=(60 / 66 + 28 / 34) / 2, scale=(0.0, 1.0), higher_is_better=True),
    }
    made = Section(signature="classification|average:macro|data:d", scores=scores, rows=rows)
    committed(entry(made))
    assert "jackknife" in shown("test_grounded", "--margin", "0.1", "--metric", "f1")
    assert runs(shown("test_grounded", "--margin", "0.1", "--metric", "classification.accuracy"))
    assert refused("test_grounded", "--margin", "0.1", "--metric", "classification").endswith("accuracy, f1")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "one of the arguments --margin --threshold is required; see genaiops power --help"),
        (["--margin", "0.1", "--threshold", "0.5"], "not allowed with argument"),
        (["--margin", "0"], "margin is 0.0; a plan needs the smallest difference that matters, above 0"),
        (["--margin", "-1"], "margin is -1.0; a plan needs the smallest difference that matters, above 0"),
        (["--margin", "nan"], "margin is nan; a plan needs"),
        (["--margin", "0.0001"], "--margin 0.0001 is too narrow for any dataset on the scale of exact_match, 0 to 1"),
        (["--margin", "2"], "--margin 2 is as wide as the scale of exact_match, 0 to 1"),
        (["--margin", "much"], "argument --margin: invalid float value: 'much'"),
        (["--threshold", "95"], "--threshold 95 lies outside the scale of exact_match, 0 to 1"),
        (["--threshold", "nan"], "--threshold nan lies outside the scale"),
        (["--threshold", "0.5", "--against", "v1"], "--against is about a margin; with --threshold leave it out"),
        (["--margin", "0.1", "--confidence", "1"], "confidence is 1.0; it must lie between 0 and 1"),
        (["--margin", "0.1", "--confidence", "0"], "confidence is 0.0; it must lie between 0 and 1"),
        (["--margin", "0.1", "--cases", "1"], "n is 1; a plan needs at least 2 cases"),
        (["--margin", "0.1", "--trials", "0"], "trials is 0; each case needs at least 1"),
        (["--margin", "0.1", "--trials", "3"], "--trials 3 cannot be planned: each case was run once; give the marker"),
    ],
)
def test_what_cannot_be_planned_is_refused_in_one_sentence(refused: Any, arguments: list[str], sentence: str) -> None:
    committed(entry(section(flaky(40, 1))))
    assert sentence in refused("test_grounded", *arguments)


def test_one_case_has_no_spread_to_plan_by(refused: Any) -> None:
    committed(entry(section([[1.0, 0.0]]), trials=2))
    assert refused("test_grounded", "--margin", "0.1").startswith("all values belong to one case; ")


def test_a_confidence_in_the_configuration_that_is_no_number(refused: Any, project: Path) -> None:
    (project / "pytest.ini").write_text("[pytest]\ngenaiops_confidence = high\n")
    committed(entry(section(flaky(40, 1))))
    assert "ini key genaiops_confidence=high" in refused("test_grounded", "--margin", "0.1")


def test_names_from_files_cannot_steer_a_terminal(shown: Any) -> None:
    name = "v\x1b[31m1"
    committed(entry(section(flaky(40, 1)), variant=name))
    assert "\x1b" not in shown("test_grounded", "--margin", "0.1")
    assert "\x1b" not in shown("test_grounded", "--threshold", "0.99")
