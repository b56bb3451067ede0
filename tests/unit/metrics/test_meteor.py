"""METEOR: nltk's numbers to the last bit, and two names for numbers with and without WordNet."""

# ruff: noqa: TID253 - the rule is for the package

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import nltk
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nltk.corpus import wordnet
from nltk.stem.porter import PorterStemmer
from nltk.translate.meteor_score import meteor_score

from pytest_genaiops import metric
from pytest_genaiops.errors import MetricError, TokenizerError, UnscorableError
from pytest_genaiops.metrics import meteor as module
from pytest_genaiops.metrics.base import Metric
from pytest_genaiops.metrics.meteor import Meteor, MeteorStem
from pytest_genaiops.records import Case, Response

# The examples of nltk's own documentation of meteor_score.
GUIDE = "It is a guide to action which ensures that the military always obeys the commands of the party"
INSURE = "It is to insure the troops forever hearing the activity guidebook that party direct"
REFERENCES = (
    "It is a guide to action that ensures that the military will forever heed Party commands",
    "It is the guiding principle which guarantees the military forces always being under the command of the Party",
    "It is the practical guide for the army always to heed the directions of the party",
)

words = st.lists(
    st.sampled_from(["the", "The", "running", "runs", "of", "naïve", "2nd", "dying", "don't", "x-y", ".", "ÉS"]),
    max_size=25,
).map(" ".join)


class NoSynonyms:
    def synsets(self, word: str) -> list:
        return []


def measure(metric: Metric, hypothesis: str, *references: str) -> float:
    (value,) = metric.statistics(Response(text=hypothesis), Case(id="17", references=references))
    return value


@settings(max_examples=100, deadline=None)
@given(words, st.lists(words.filter(str.strip), min_size=1, max_size=3))
def test_without_synonyms_any_pair_scores_as_nltk_scores_it(hypothesis: str, references: list[str]) -> None:
    expected = meteor_score(
        [reference.split() for reference in references],
        hypothesis.split(),
        stemmer=PorterStemmer(),
        wordnet=NoSynonyms(),
    )
    assert measure(MeteorStem(tokenize="none"), hypothesis, *references) == expected


def test_values_by_hand() -> None:
    # All four words match in one piece: no more is lost than gamma (1/4)^3.
    assert measure(MeteorStem(), "the cat sat down", "The cat sat down") == 1 - 0.5 / 4**3
    # "cats" matches "cat" by its stem; 2 of 2 words, 2 of 4: in two pieces.
    recall_mean = (1 * 0.5) / (0.9 * 1 + 0.1 * 0.5)
    assert measure(MeteorStem(), "cats down", "the cat sat down") == pytest.approx(recall_mean * (1 - 0.5 * 1**3))
    assert measure(MeteorStem(gamma=0), "cats down", "the cat sat down") == pytest.approx(recall_mean)
    assert measure(MeteorStem(), "", "the cat") == 0.0
    assert measure(MeteorStem(), "dog", "the cat") == 0.0


def test_a_full_stop_within_a_text_is_no_part_of_a_word_by_default() -> None:
    values = {
        tokenize: measure(MeteorStem(tokenize=tokenize), "It sat. It slept", "It slept, it sat")
        for tokenize in module.TOKENIZERS
    }
    assert values["13a"] > values["treebank"] >= values["none"]


def test_treebank_is_what_nltk_makes_of_one_sentence() -> None:
    # From nltk's documentation of its word tokenizer.
    given = module._words("Good muffins cost $3.88\nin New York.  Please don't buy", "treebank")
    assert given == ["Good", "muffins", "cost", "$", "3.88", "in", "New", "York.", "Please", "do", "n't", "buy"]


def test_without_wordnet_meteor_says_how_to_get_it_and_names_the_other_one(nowhere: None) -> None:
    with pytest.raises(MetricError, match=r"nltk\.downloader wordnet.*meteor_stem matches words") as raised:
        metric("meteor")(["a cat"], ["the cat"])
    assert raised.value.__cause__ is None
    assert metric("meteor_stem")(["a cat"], ["the cat"]).value > 0


def test_a_wordnet_that_lacks_files_is_told_from_none(tiny: Path) -> None:
    (tiny / "corpora" / "wordnet" / "lexnames").unlink()
    with pytest.raises(MetricError, match=r"nltk cannot read its copy \(.*lexnames.*meteor_stem"):
        measure(Meteor(), "a car", "a car")


def test_a_synonym_counts_for_meteor_alone(tiny: Path) -> None:
    pair = ("the auto stopped", "the car stopped")
    assert measure(Meteor(), *pair) == pytest.approx(1 - 0.5 / 3**3)
    # 2 of 3 words, in two pieces.
    assert measure(MeteorStem(), *pair) == pytest.approx(2 / 3 * (1 - 0.5))


def test_synonyms_are_looked_up_by_stem_as_nltk_does(tiny: Path) -> None:
    index = tiny / "corpora" / "wordnet" / "index.noun"
    index.write_text(index.read_text().replace("auto", "machine"))
    nouns = tiny / "corpora" / "wordnet" / "data.noun"
    nouns.write_text(nouns.read_text().replace("auto", "machine"))
    # The stem of machine is no word, and WordNet has words.
    assert measure(Meteor(), "the machine", "the car") == measure(MeteorStem(), "the machine", "the car")


def test_signatures_keep_the_two_and_every_wordnet_apart(tiny: Path) -> None:
    with_synonyms, without = Meteor().signature([]), MeteorStem().signature([])
    assert with_synonyms["synonyms"].startswith("wordnet-3.0-")
    assert without["synonyms"] == "none"
    assert with_synonyms["nltk"] == nltk.__version__
    forget()
    nouns = tiny / "corpora" / "wordnet" / "data.noun"
    nouns.write_text(nouns.read_text().replace("auto", "taxi"))
    assert Meteor().signature([])["synonyms"] != with_synonyms["synonyms"]
    options = [{}, {"tokenize": "none"}, {"alpha": 0.5}, {"beta": 1}, {"gamma": 0.1}]
    assert len({tuple(MeteorStem(**option).signature([]).items()) for option in options}) == len(options)


def test_a_score_of_one_name_refuses_the_other(tiny: Path) -> None:
    texts = (["the auto stopped"] * 4, ["the car stopped"] * 4)
    with pytest.raises(MetricError, match="meteor"):
        metric("meteor")(*texts).not_worse_than(metric("meteor_stem")(*texts), margin=0.1)


def test_the_real_wordnet_gives_the_values_of_nltks_documentation(whole: Path) -> None:
    assert round(measure(Meteor(tokenize="none"), GUIDE, REFERENCES[0]), 4) == 0.6944
    for hypothesis in (GUIDE, INSURE):
        expected = meteor_score([text.split() for text in REFERENCES], hypothesis.split())
        assert measure(Meteor(tokenize="none"), hypothesis, *REFERENCES) == expected
    pairs = [(a, b) for a in REFERENCES for b in (GUIDE, INSURE)]
    assert [measure(Meteor(tokenize="none"), *pair) for pair in pairs] == [
        meteor_score([b.split()], a.split()) for a, b in pairs
    ]
    pair = ("the auto stopped", "the car stopped")
    assert measure(Meteor(), *pair) == pytest.approx(1 - 0.5 / 3**3)
    assert measure(MeteorStem(), *pair) < 0.5


def test_nothing_to_compare_with_is_unscorable() -> None:
    for references in (None, (), ("",), (" \n",)):
        with pytest.raises(UnscorableError, match="row 'x' has no reference"):
            MeteorStem().statistics(Response(text="a"), Case(id="x", references=references))


def test_a_reference_without_spaces_is_refused() -> None:
    with pytest.raises(TokenizerError, match=r"is Chinese.*use chrf instead"):
        measure(MeteorStem(), "今天天气很好", "今天的天气非常好")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tokenize": "13b"}, "tokenize='13b' is unknown; did you mean '13a'"),
        ({"alpha": 1.5}, "alpha=1.5 must be a number between 0 and 1"),
        ({"beta": float("nan")}, "beta=nan must be a number of at least 0"),
        ({"gamma": "half"}, "gamma='half' must be a number between 0 and 1"),
        ({"gamma": True}, "gamma=True must be a number between 0 and 1"),
    ],
)
def test_a_wrong_option_is_refused(options: dict, message: str) -> None:
    with pytest.raises(MetricError, match=f"meteor_stem: {message}"):
        MeteorStem(**options)


def forget() -> None:
    """nltk keeps the first WordNet that it loads, and so do we."""
    module._wordnet.cache_clear()
    if "_unload" in vars(wordnet):
        wordnet._unload()


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """nltk's data are in no place where it looks."""
    forget()
    monkeypatch.setattr(nltk.data, "path", [str(tmp_path)])
    yield
    forget()


@pytest.fixture
def tiny(nowhere: None, tmp_path: Path) -> Path:
    """A WordNet of one noun with two names, in the format of wndb(5WN), where nltk looks for it."""
    folder = tmp_path / "corpora" / "wordnet"
    folder.mkdir(parents=True)
    header = "  1 WordNet 3.0 Copyright of nobody\n"
    for part in ("adj", "adv", "verb", "noun"):
        (folder / f"data.{part}").write_text(header)
        (folder / f"index.{part}").write_text(header)
        (folder / f"{part}.exc").touch()
    place = f"{len(header):08}"
    with (folder / "data.noun").open("a") as file:
        file.write(f"{place} 06 n 02 car 0 auto 0 000 | it has four wheels\n")
    with (folder / "index.noun").open("a") as file:
        file.writelines(f"{word} n 1 0 1 0 {place}\n" for word in ("auto", "car"))
    complete(folder)
    return tmp_path


@pytest.fixture
def whole(nowhere: None, tmp_path: Path) -> Path:
    """Princeton's WordNet 3.0, as Debian's wordnet-base installs or unpacks it."""
    found = Path(os.environ.get("GENAIOPS_WORDNET", "/usr/share/wordnet"))
    if "GENAIOPS_WORDNET" not in os.environ and not (found / "data.noun").is_file():
        pytest.skip("WordNet is not here; point GENAIOPS_WORDNET at the folder of Debian's wordnet-base")
    folder = tmp_path / "corpora" / "wordnet"
    shutil.copytree(found, folder)
    complete(folder)
    return tmp_path


def complete(folder: Path) -> None:
    """Files that nltk's reader opens, and whose contents METEOR does not ask for."""
    (folder / "lexnames").write_text("".join(f"{i:02}\tfile{i}\t1\n" for i in range(45)))
    (folder / "index.sense").touch()
    (folder / "cntlist.rev").touch()
