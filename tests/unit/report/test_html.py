from __future__ import annotations

import base64
import gzip
import hashlib
import json
import math
import re
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example as given_example
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_genaiops.report import html
from pytest_genaiops.report.document import (
    AnswerView,
    CaseView,
    ChangeView,
    Document,
    Evidence,
    ItemView,
    MetricView,
    RunFacts,
    ScoreView,
    SuiteView,
    VariantView,
    VerdictView,
    plain,
)
from pytest_genaiops.report.html import chunks, pack, page, plots, wording
from tests.documents import HOSTILE, example, filled

FOLDER = Path(html.__file__).parent
OWN = sorted((FOLDER / "static").iterdir())
SHOWN_BY_NOBODY = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff]")


class Page(HTMLParser):
    """The elements, attributes and texts of a page, as a browser would find them."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.inside: list[str] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.styles: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.inside.append(tag)
        if tag == "script":
            self.scripts.append((dict(attrs), ""))
        if tag == "style":
            self.styles.append("")

    def handle_endtag(self, tag: str) -> None:
        while self.inside and self.inside.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        place = self.inside[-1] if self.inside else ""
        if place == "script":
            self.scripts[-1] = (self.scripts[-1][0], self.scripts[-1][1] + data)
        elif place == "style":
            self.styles[-1] += data
        else:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def data(self, name: str) -> Any:
        (packed,) = [text for attributes, text in self.scripts if attributes.get("id") == name]
        return json.loads(gzip.decompress(base64.b64decode(packed, validate=True)))

    def cases(self, suite: int = 0) -> list[Any]:
        names = [str(attributes.get("id")) for attributes, _ in self.scripts]
        blocks = [self.data(name) for name in names if name.startswith(f"texts-{suite}-")]
        index = self.data("index")[suite]
        found = [_with_passages(case, self.pool(block)) for block in blocks for case in block["cases"]]
        return [_with_values(case, at, index) for at, case in enumerate(found)]

    def pool(self, block: Any) -> list[str]:
        """Passages of a block, those that it shares with others among them."""
        return [each if isinstance(each, str) else self.data(f"passages-{each[0]}")[each[1]] for each in block["pool"]]


def _with_values(case: Any, at: int, index: Any) -> Any:
    """As the page's script finds values of an answer that has none of its own."""

    def values(answer: Any) -> Any:
        variant = index["variants"].index(answer["variant"])
        columns = zip(index["metrics"], index["values"], strict=True)
        return {metric["name"]: column[variant][at] for metric, column in columns}

    return {**case, "answers": [{"values": values(each), **each} for each in case["answers"]]}


def _with_passages(case: Any, pool: list[str]) -> Any:
    """As the page's script reads a case: numbers of passages become the passages."""

    def passages(numbers: list[int] | None) -> list[str] | None:
        return None if numbers is None else [pool[number] for number in numbers]

    answers = [{**each, "contexts": passages(each["contexts"])} for each in case["answers"]]
    return {**case, "contexts": passages(case["contexts"]), "answers": answers}


RUN = RunFacts(id="r1", started="2026-11-30T10:29:40Z")


def suite(**fields: Any) -> SuiteView:
    """A suite of one metric ``m`` from 0 to 1 and two variants, unless something else is said."""
    base: dict[str, Any] = {
        "title": "tests/test_a.py::test_a",
        "dataset": "d.jsonl",
        "dataset_hash": "",
        "n": 1,
        "baseline": "a",
        "variants": (VariantView(id="a"), VariantView(id="b")),
        "metrics": (MetricView(name="m", metric="m", signature="m|v:1", scale=(0.0, 1.0)),),
    }
    return SuiteView(**{**base, **fields})


def shown(**fields: Any) -> Page:
    return Page(page(Document(run=RUN, suites=(suite(**fields),))))


def answer(variant: str = "a", value: float | None = 0.5, **fields: Any) -> AnswerView:
    return AnswerView(**{"variant": variant, "text": "yes", "values": {"m": value}, **fields})


def verdict(outcome: str, **fields: Any) -> VerdictView:
    base = {"test": "t", "variant": "b", "metric": "m", "outcome": outcome, "reason": f"because {outcome}"}
    return VerdictView(**{**base, **fields})


# One file, which asks nobody for anything and runs nothing but its own scripts.


def test_nothing_is_loaded_from_anywhere() -> None:
    found = Page(page(example(cases=5)))
    links = [(tag, name, value) for tag, attributes in found.elements for name, value in attributes.items()]
    loading = [each for each in links if each[1] in ("src", "href", "srcset", "data", "action", "xlink:href")]
    assert [each for each in loading if not str(each[2]).startswith("#")] == []
    assert {tag for tag, _ in found.elements} & {"link", "img", "iframe", "object", "embed", "base", "form"} == set()
    assert [style for style in found.styles if "url(" in style or "@import" in style] == []


def test_only_the_pages_own_scripts_and_styles_may_run() -> None:
    found = Page(page(example(cases=5)))
    (policy,) = [
        str(attributes["content"])
        for tag, attributes in found.elements
        if tag == "meta" and attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    rules = dict(rule.strip().partition(" ")[::2] for rule in policy.split(";"))
    running = [text for attributes, text in found.scripts if "type" not in attributes]

    def hashed(text: str) -> str:
        return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

    assert rules["default-src"] == "'none'"
    assert rules["script-src"].split() == [hashed(text) for text in running]
    assert rules["style-src"].split() == [hashed(text) for text in found.styles]
    assert "unsafe" not in policy
    assert rules["trusted-types"] == "'none'"
    assert [attributes for _, attributes in found.elements if any(name.startswith("on") for name in attributes)] == []
    assert [attributes for _, attributes in found.elements if "style" in attributes] == []


def test_the_own_scripts_never_make_markup_of_data() -> None:
    for path in OWN:
        text = path.read_text("utf-8")
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacent|document\.write|dangerously|eval\(|new Function", text
        )
        assert "</script" not in text
        assert "</style" not in text


def test_own_files_are_short_enough_to_read() -> None:
    templates = sorted((FOLDER / "templates").iterdir())
    assert {path.name: lines for path in (*OWN, *templates) if (lines := path.read_text().count("\n")) > 400} == {}


def test_every_own_file_is_in_the_page() -> None:
    text = page(example(cases=1))
    assert [path.name for path in OWN if path.read_text("utf-8") not in text] == []


def test_vendored_files_are_those_of_the_release() -> None:
    manifest = json.loads((FOLDER / "vendor/manifest.json").read_text("utf-8"))
    named = {"manifest.json"}
    for each in manifest:
        data = (FOLDER / "vendor" / each["file"]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == each["sha256"], each["name"]
        assert "Copyright" in (FOLDER / "vendor" / each["licence_file"]).read_text("utf-8")
        named |= {each["file"], each["licence_file"]}
    there = {
        path.relative_to(FOLDER / "vendor").as_posix() for path in (FOLDER / "vendor").rglob("*") if path.is_file()
    }
    assert there == named


def test_licences_of_the_libraries_go_with_the_file() -> None:
    text = Page(page(example(cases=1))).text
    assert "preact 10.29.8 (MIT)" in text
    assert "Copyright (c) 2009-2015, Kevin Decker" in text


def test_a_thousand_cases_with_contexts_of_two_kilobytes_take_less_than_two_megabytes() -> None:
    assert len(page(example(cases=1_000, variants=3)).encode("utf-8")) < 2_000_000


def test_the_same_document_gives_the_same_page() -> None:
    assert page(example(cases=5)) == page(example(cases=5))


def test_chunks_are_the_page_piece_by_piece() -> None:
    document = example(cases=450, variants=2, metrics=1, context=400)
    pieces = list(chunks(document))
    assert "".join(pieces) == page(document)
    assert max(map(len, pieces)) < sum(map(len, pieces)) / 3


# Data comes back as it was.


def test_values_of_cases_are_in_the_index() -> None:
    document = example(cases=30)
    view = document.suites[0]
    index = Page(page(document)).data("index")[0]
    assert index["ids"] == [case.id for case in view.cases]
    for number, metric in enumerate(view.metrics):
        for at, variant in enumerate(view.variants):
            expected = [
                each.values[metric.name] for case in view.cases for each in case.answers if each.variant == variant.id
            ]
            assert index["values"][number][at] == expected


def test_texts_of_cases_are_in_blocks() -> None:
    document = example(cases=450, variants=2, context=100)
    found = Page(page(document))
    assert found.data("index")[0]["blocks"] == [200, 200, 50]
    for given_, back in zip(document.suites[0].cases, found.cases(), strict=True):
        assert {**back, "answers": []} == {**plain(given_), "answers": []}
        for one, other in zip(given_.answers, back["answers"], strict=True):
            assert other == plain(one)


def test_a_block_ends_where_its_texts_are_long() -> None:
    cases = [CaseView(id=str(at), contexts=(str(at) * 400_000,)) for at in range(6)]
    assert [len(block) for block in pack.blocks(cases)] == [3, 3]


def test_a_passage_that_many_found_stands_once_in_a_block() -> None:
    same, other = "a passage", "another one"
    answers = (answer(contexts=(same, other)), answer("b", contexts=(other, same, same)), answer("c", contexts=()))
    cases = [CaseView(id=str(at), contexts=(same,), answers=answers) for at in range(3)]
    found = pack.texts(cases)
    assert found["pool"] == [same, other]
    assert [each["contexts"] for each in found["cases"][2]["answers"]] == [[0, 1], [1, 0, 0], []]
    assert [len(block) for block in pack.blocks([replace(each, contexts=("x" * 700_000,)) for each in cases])] == [3]


def test_a_passage_that_several_blocks_have_stands_once_in_the_page() -> None:
    common = "a passage of the corpus that every case has"
    cases = [CaseView(id=str(at), contexts=(common, f"own {at}"), answers=(answer(),)) for at in range(450)]
    found = shown(cases=cases)
    assert found.data("passages-0") == [common]
    assert found.data("texts-0-2")["pool"] == [[0, 0], *(f"own {at}" for at in range(400, 450))]
    assert [case["contexts"] for case in found.cases()] == [list(case.contexts or ()) for case in cases]


def test_suites_share_passages() -> None:
    case = CaseView(id="1", contexts=("a passage",), answers=(answer(),))
    both = (suite(cases=[case]), suite(cases=[case]))
    found = Page(page(Document(run=RUN, suites=both)))
    assert found.data("passages-0") == ["a passage"]
    assert found.cases(0) == found.cases(1)
    assert found.cases(0)[0]["contexts"] == ["a passage"]


def test_values_of_several_trials_stand_with_the_answers() -> None:
    twice = CaseView(id="1", answers=(answer(value=0.25), answer(value=0.75, trial=2), answer("b", value=0.5)))
    (case,) = pack.texts([twice])["cases"]
    assert [each.get("values") for each in case["answers"]] == [{"m": 0.25}, {"m": 0.75}, None]


def test_a_case_with_several_trials_has_their_mean_and_the_worst_outcome() -> None:
    case = CaseView(
        id="c",
        answers=(
            answer(value=0.2, trial=1, outcome="passed"),
            answer(value=0.6, trial=2, outcome="missed"),
            answer("b", value=0.2, trial=1, outcome="lost"),
            answer("b", value=None, trial=2, outcome="passed", error="timeout: no answer"),
        ),
    )
    index = shown(cases=(case,), trials=2).data("index")[0]
    assert index["values"] == [[[0.4], [None]]]
    assert index["outcomes"] == [[pack.OUTCOMES.index("missed")], [pack.OUTCOMES.index("lost")]]
    assert index["errors"] == [[0], [1]]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_no_number_is_none(value: float) -> None:
    cases = (CaseView(id="c", inputs={"x": value}, answers=(answer(value=value, latency=value),)),)
    scores = (ScoreView(variant="a", metric="m", value=value, interval=(value, value), n=0, unscored=1),)
    found = shown(cases=cases, scores=scores)
    assert found.data("index")[0]["values"] == [[[None], [None]]]
    assert found.cases()[0]["answers"][0]["latency"] is None
    assert not re.search(r"\b(nan|inf)\b", found.text, re.IGNORECASE)


def test_inputs_of_any_kind_are_texts() -> None:
    circle: list[Any] = []
    circle.append(circle)
    inputs = {"text": "a\nb", "list": [1, {"x": None}], "object": object, "circle": circle}
    back = shown(cases=(CaseView(id="c", inputs=inputs),)).cases()[0]["inputs"]
    assert back["text"] == "a\nb"
    assert json.loads(back["list"]) == [1, {"x": None}]
    assert back["circle"] == "a list that cannot be shown"


def test_offsets_are_those_of_a_browser() -> None:
    # One character above U+FFFF is two units in JavaScript: "a😀b" has b at 3, not at 2.
    spans = Evidence(unsupported=((2, 3), (0, 99)), sentences=((1, 3, 0.5, "note"),))
    cases = (CaseView(id="c", answers=(answer(text="a😀b", evidence={"m": spans}),)),)
    evidence = shown(cases=cases).cases()[0]["answers"][0]["evidence"]["m"]
    assert evidence == {"reason": "", "unsupported": [[3, 4], [0, 4]], "sentences": [[1, 4, 0.5, "note"]]}


# Hostile content.


@settings(max_examples=15)
@given(st.text(alphabet=st.characters(), min_size=1, max_size=60))
@given_example("\ud83d\ude00 two halves")
@given_example("</script><script>window.hacked = 1</script>")
@given_example("".join(HOSTILE))
def test_hostile_texts_are_texts(text: str) -> None:
    document = filled(text)
    written = page(document)
    assert written.encode("utf-8").decode("utf-8") == written
    found, calm = Page(written), _calm()
    values = [str(value) for _, attributes in found.elements for value in attributes.values()]
    assert SHOWN_BY_NOBODY.search("\n".join((*found.words, *values))) is None
    assert [tag for tag, _ in found.elements] == [tag for tag, _ in calm.elements]
    assert [each for each in found.scripts if "type" not in each[0]] == [
        each for each in calm.scripts if "type" not in each[0]
    ]
    for given_, back in zip(document.suites[0].cases, found.cases(), strict=True):
        # A browser joins two halves that stand together, as JSON readers do.
        assert _joined(back["answers"][0]["text"]) == _joined(given_.answers[0].text)
        assert [_joined(each) for each in back["contexts"]] == [_joined(each) for each in given_.contexts or ()]


@cache
def _calm() -> Page:
    return Page(page(filled("calm")))


def _joined(text: str) -> str:
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def test_control_and_direction_characters_are_shown_as_escapes() -> None:
    text = shown(notes=("a\x1b[31m\x00b \u202e evil \ud800 end",)).text
    assert "a\\x1b[31m\\x00b \\u202e evil \\ud800 end" in text


def test_a_megabyte_in_one_word_is_cut_in_the_overview_and_kept_for_the_case() -> None:
    word = "x" * 1_000_000
    cases = (CaseView(id="c", inputs={"q": word}, answers=(answer(text=word),)),)
    found = shown(cases=cases, verdicts=(verdict("failed", reason=word),))
    assert "980,000 more characters" in found.text
    assert len(found.text) < 60_000
    assert found.cases()[0]["answers"][0]["text"] == word
    assert len(found.data("index")[0]["heads"][0]) == pack.HEAD


# What a reviewer reads first.


@pytest.mark.parametrize(
    ("outcomes", "tone", "words"),
    [
        (["passed", "failed", "failed"], "failed", "2 gates failed, 1 passed"),
        (["undecided", "passed"], "undecided", "1 gate undecided, 1 passed"),
        (["passed"], "passed", "1 gate passed"),
        ([], "", "No gate was asked for"),
    ],
)
def test_the_headline_counts_verdicts(outcomes: list[str], tone: str, words: str) -> None:
    assert wording.headline([suite(verdicts=[verdict(each) for each in outcomes])]) == (tone, words)


def test_the_headline_tells_tolerated_verdicts_and_failed_items() -> None:
    tolerated = [verdict("undecided", tolerated=True), verdict("passed")]
    assert wording.headline([suite(verdicts=tolerated)]) == ("passed", "1 gate undecided (1 tolerated), 1 passed")
    items = [ItemView(test="t", variant="a", outcome=each) for each in ("failed", "lost", "missed", "passed")]
    assert wording.headline([suite(items=items)]) == ("failed", "1 item failed, 1 without a result")
    assert wording.headline([suite(items=items[1:])]) == ("failed", "1 item without a result")
    assert wording.headline([suite(items=items[2:])]) == ("", "2 items, 1 missed")
    assert wording.headline([suite(items=items[3:])]) == ("passed", "1 item, none failed")
    skipped = [ItemView(test="t", variant="a", outcome="skipped")]
    assert wording.headline([suite(items=skipped)]) == ("", "1 item, none failed")


def test_verdicts_stand_with_their_numbers_and_failed_ones_first() -> None:
    numbers = {"value": -0.04, "interval": (-0.07, -0.01), "confidence": 0.95, "n": 1_200, "unscored": 3}
    failed = verdict("failed", **numbers, detectable=0.03, required_n=4_000, method="Tango", p_values={"worse": 0.0004})
    text = shown(verdicts=(verdict("passed"), verdict("undecided"), failed)).text
    assert text.index("because failed") < text.index("because undecided") < text.index("because passed")
    for words in ("95 % interval −0.070 to −0.010", "n 1,200", "unscored 3", "detectable 0.0300", "n to decide 4,000"):
        assert words in text
    assert "p, worse < 0.001" in text
    assert "method Tango" in text


def test_a_verdict_that_did_not_pass_names_the_cases_that_lost_most() -> None:
    values = {"up": (0.1, 0.9), "little": (0.8, 0.7), "much": (0.9, 0.1), "none": (None, 0.2)}
    cases = tuple(
        CaseView(id=name, answers=(answer("a", old), answer("b", new))) for name, (old, new) in values.items()
    )
    found = shown(cases=cases, verdicts=(verdict("failed"),))
    links = [attributes["href"] for tag, attributes in found.elements if tag == "a"]
    assert [link for link in links if "/" in str(link)] == ["#test_a/much/a,b", "#test_a/little/a,b"]
    assert found.data("index")[0]["focus"] == {"metric": 0, "variant": 1}


def test_what_has_no_score_is_said_and_is_no_number() -> None:
    scores = (
        ScoreView(variant="a", metric="m", value=None, interval=None, n=0, unscored=7, reasons={"timeout: x": 7}),
    )
    changes = (
        ChangeView(
            variant="b", baseline="a", metric="m", change=None, interval=None, p_value=None,
            adjusted_p_value=None, n=0, unscored=7, reason="no case that both sides scored",
        ),
    )  # fmt: skip
    text = shown(scores=scores, changes=changes).text
    assert "a baseline unscored none 0 7" in text
    assert "7 × timeout: x" in text
    assert "b no case that both sides scored" in text


def test_directions_follow_the_metric() -> None:
    metric = MetricView(name="m", metric="m", signature="", scale=(0.0, None), higher_is_better=False)
    numbers = {"baseline": "a", "metric": "m", "p_value": 0.01, "adjusted_p_value": 0.02, "n": 9, "unscored": 0}
    changes = (
        ChangeView(variant="b", change=0.2, interval=(0.1, 0.3), **numbers),
        ChangeView(variant="c", change=-0.2, interval=(-0.3, -0.1), **numbers),
        ChangeView(variant="d", change=0.2, interval=(None, 0.3), **numbers),
    )
    text = shown(metrics=(metric,), changes=changes).text
    assert "b +0.200 worse +0.10 to +0.30" in text
    assert "c −0.200 better −0.30 to −0.10" in text
    assert "d +0.200 unclear unbounded to +0.30" in text


def test_a_run_that_did_not_end_says_so() -> None:
    text = Page(page(Document(run=RUN))).text
    assert "the run did not end" in text
    assert "This run has no suite on record." in text


def test_a_suite_without_anything_still_has_a_page() -> None:
    found = shown(variants=(), metrics=(), baseline=None, n=0)
    assert "0 cases 0 variants" in found.text
    assert found.data("index")[0]["ids"] == []


def test_the_facts_of_the_run_are_there() -> None:
    text = Page(page(example(cases=2))).text
    for words in ("4f1c2a9be0", "shorter-prompt, with uncommitted changes", "sacrebleu 2.5.1", "1 min 23 s"):
        assert words in text
    assert "pytest eval_suites --genaiops-report=report.html" in text


def test_every_plot_has_words_and_every_table_a_caption() -> None:
    found = Page(page(example(cases=20)))
    plots_ = [attributes for tag, attributes in found.elements if tag == "svg"]
    assert plots_
    assert [each for each in plots_ if each.get("aria-hidden") != "true" and not each.get("aria-label")] == []
    tags = [tag for tag, _ in found.elements]
    assert tags.count("table") == tags.count("caption") > 0


# Words, links and geometry.


def test_names_in_links_are_as_javascript_writes_them() -> None:
    # encodeURIComponent: unreserved are letters, digits and - _ . ! ~ * ' ( )   (ECMAScript, 19.2.6.4)
    assert wording.part("a-_.!~*'() /,?#é😀") == "a-_.!~*'()%20%2F%2C%3F%23%C3%A9%F0%9F%98%80"
    assert wording.part("\ud800") == "%EF%BF%BD"  # as String.prototype.toWellFormed does


def test_slugs_are_short_and_distinct() -> None:
    assert wording.slugs(["a.py::test_x", "b.py::test_x", "An evaluation!", "<>"]) == [
        "test_x", "test_x-2", "An-evaluation", "suite",
    ]  # fmt: skip


def test_numbers_for_people() -> None:
    assert wording.figure(-0.04321, (0.0, 1.0), signed=True) == "−0.0432"
    assert wording.figure(12.345, (0.0, 100.0)) == "12.35"
    assert wording.figure(None, (0.0, 1.0)) == "none"
    assert wording.interval((0.0081, 0.0702), (0.0, None), signed=True) == "+0.008 to +0.070"
    assert wording.interval((0.0000011, 0.0000024), (0.0, None)) == "0.0000011 to 0.0000024"
    assert wording.interval((0.5, None), (0.0, 1.0)) == "0.500 to unbounded"
    assert wording.duration(59.94) == "59.9 s"
    assert wording.duration(3_725.0) == "1 h 02 min"
    assert wording.p_value(0.0004) == "< 0.001"


def test_a_bar_stands_where_its_numbers_are() -> None:
    on = plots.Axis(low=0.0, high=1.0)
    inner = plots.WIDTH - 2 * plots.MARGIN
    found = plots.bar(0.5, (0.25, None), on, 0.0)
    assert found is not None
    assert (found.low, found.value, found.high) == (7 + inner / 4, 7 + inner / 2, 7 + inner)
    assert (found.open_low, found.open_high, found.line) == (False, True, 7)
    assert plots.bar(None, None, on) is None


def test_an_axis_goes_no_further_than_the_scale() -> None:
    found = plots.axis([0.2, 0.99], scale=(0.0, 1.0))
    assert found is not None
    assert found.high == 1.0
    assert 0.0 < found.low < 0.2
    assert plots.axis([None, math.nan]) is None
    assert plots.axis([], line=0.0) is None


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=50))
def test_a_histogram_counts_every_value(values: list[float]) -> None:
    on = plots.axis(values)
    assert on is not None
    assert sum(plots.binned(values, on)) == len(values)
    found = plots.histogram(values, on)
    assert found is not None
    low, middle, high = found.quartiles
    assert min(values) <= low <= middle <= high <= max(values)
    assert all(y >= 0 and y + tall <= plots.BOX[1] + 0.11 for _, y, _, tall in found.bars)


def test_one_value_alone_has_an_axis_around_it() -> None:
    assert page(Document(run=RUN, suites=(suite(cases=(CaseView(id="c", answers=(answer(value=0.0),)),)),)))
    assert page(Document(run=replace(RUN, exit=0, seconds=1.0), suites=(suite(), suite())))
