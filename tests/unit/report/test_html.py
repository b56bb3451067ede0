"""The HTML report: one file, what a reviewer reads first, and where the parts of its plots stand."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
from dataclasses import replace
from pathlib import Path

import pytest
from html_pages import RUN, Page, answer, shown, suite, verdict
from hypothesis import given
from hypothesis import strategies as st

from pytest_genaiops.report import html
from pytest_genaiops.report.document import (
    CaseView,
    ChangeView,
    Document,
    ItemView,
    MetricView,
    ScoreView,
)
from pytest_genaiops.report.html import chunks, page, plots, wording
from tests.documents import example

FOLDER = Path(html.__file__).parent
OWN = sorted((FOLDER / "static").iterdir())


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
