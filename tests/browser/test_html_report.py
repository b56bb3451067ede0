"""The report as a person uses it: in Chromium, from a file, without network."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_genaiops.report.document import AnswerView, CaseView, Document, MetricView, RunFacts, SuiteView, VariantView
from tests.browser.conftest import written
from tests.documents import HOSTILE, example, filled

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

    Opened = Callable[..., Page]

WITHOUT_MARKS = """shown => {
  const kept = shown.cloneNode(true);
  kept.querySelectorAll("del, ins").forEach(each => each.remove());
  return kept.textContent;
}"""
ANSWERS, EACH = "#test_answers", "#test_each_answer"


def table(page: Page, suite: str = ANSWERS) -> Locator:
    return page.locator(f"{suite} .cases")


def ids(page: Page, suite: str = ANSWERS) -> list[str]:
    return table(page, suite).locator("tbody th a").all_inner_texts()


def column(page: Page, number: int) -> list[str]:
    return table(page).locator(f"tbody td:nth-of-type({number})").all_inner_texts()


def status(page: Page, suite: str = ANSWERS) -> str:
    return table(page, suite).get_by_role("status").inner_text()


def picked(page: Page, name: str, suite: str = ANSWERS) -> Locator:
    return table(page, suite).get_by_role("combobox", name=name, exact=True)


def numbers(texts: list[str]) -> list[float | None]:
    return [float(found[0].replace("−", "-")) if (found := re.findall(r"[−+\d.]+\d", text)) else None for text in texts]


def link(case: str, *variants: str, suite: str = ANSWERS) -> str:
    return f"{suite}/{case}/{','.join(variants)}"


# First sight.


def test_the_verdict_comes_first(opened: Opened, document: Document, screenshots: Path) -> None:
    page = opened()
    assert page.get_by_role("heading", level=1).inner_text().startswith("1 gate failed")
    assert page.locator(".decision").first.inner_text().startswith("✕ failed")
    assert page.title().endswith(document.run.id)
    page.screenshot(path=screenshots / "light.png", full_page=True)


def test_the_table_begins_with_what_lost_most_under_the_gate_that_failed(opened: Opened) -> None:
    page = opened()
    assert picked(page, "Variant").input_value() == "2"  # v3
    changes = numbers(table(page).locator("td.change").all_inner_texts())
    assert changes == sorted(changes, key=lambda value: value if value is not None else 9)
    assert (changes[0] or 0) < 0


@pytest.mark.parametrize("width", [360, 800])
def test_a_narrow_window_needs_no_sideways_scrolling(opened: Opened, screenshots: Path, width: int) -> None:
    for fragment in ("", link("billing-0002", "v1", "v3")):
        page = opened(fragment, viewport={"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.screenshot(path=screenshots / f"narrow-{width}{'-case' if fragment else ''}.png")


def test_print_leaves_the_controls_out(opened: Opened, screenshots: Path) -> None:
    page = opened()
    page.emulate_media(media="print")
    assert not table(page).locator(".filters").is_visible()
    assert page.get_by_role("heading", level=1).is_visible()
    page.pdf(path=screenshots / "print.pdf")


# Sorting and filtering.


def test_a_header_sorts_up_and_down(opened: Opened) -> None:
    page = opened()
    header = table(page).get_by_role("columnheader", name="v2")
    header.get_by_role("button").click()
    assert header.get_attribute("aria-sort") == "ascending"
    up = numbers(column(page, 4))
    assert up == sorted(up)
    header.get_by_role("button").click()
    assert header.get_attribute("aria-sort") == "descending"
    down = numbers(column(page, 4))
    assert down == sorted(down, reverse=True)
    assert down[0] > up[0]


def test_what_has_no_value_is_last_whichever_way(opened: Opened, document: Document) -> None:
    failing = [case.id for case in document.suites[0].cases if any(a.error for a in case.answers if a.variant == "v2")]
    page = opened()
    for _ in range(2):
        table(page).get_by_role("columnheader", name="v2").get_by_role("button").click()
        table(page).get_by_role("button", name="Last").click()
        assert ids(page)[-len(failing) :] == failing
        assert column(page, 4)[-1] == "error"


def test_the_table_is_searched_by_id_and_question(opened: Opened, document: Document) -> None:
    page = opened()
    table(page).get_by_role("searchbox").fill("GRAZ")
    expected = {case.id for case in document.suites[0].cases if "graz" in str(case.inputs).lower()}
    assert set(ids(page)) == expected
    assert status(page).startswith(str(len(expected)))
    table(page).get_by_role("searchbox").fill("no such words")
    assert status(page) == "0 cases of 60"
    table(page).get_by_role("button", name="Show all cases").click()
    assert status(page) == "60 cases"


def test_answers_and_contexts_are_searched_when_asked(opened: Opened, document: Document) -> None:
    case = document.suites[0].cases[7]
    words = case.contexts[1][-40:] if case.contexts else ""
    page = opened()
    table(page).get_by_role("searchbox").fill(words)
    assert status(page) == "0 cases of 60"
    table(page).get_by_label("in answers and contexts too").check()
    page.wait_for_function("document.querySelector('#test_answers [role=status]').textContent.startsWith('1 case')")
    assert ids(page) == [case.id]


def test_the_table_is_filtered_by_slice_change_and_answer(opened: Opened, document: Document) -> None:
    cases = document.suites[0].cases
    page = opened()
    picked(page, "language").select_option("de")
    assert status(page) == f"{sum(case.slices['language'] == 'de' for case in cases)} cases of 60"
    picked(page, "Change").select_option("worse")
    assert all((value or 0) < 0 for value in numbers(table(page).locator("td.change").all_inner_texts()))
    picked(page, "language").select_option("all")
    picked(page, "Change").select_option("any change")
    picked(page, "Variant").select_option("v2")
    picked(page, "Answers").select_option("errors")
    assert set(ids(page)) == {case.id for case in cases if case.answers[1].error}
    assert set(column(page, 4)) == {"error"}


def test_only_flips_are_shown_when_asked(opened: Opened, document: Document) -> None:
    view = document.suites[1]

    def passed(case: CaseView, variant: str) -> bool:
        return all(each.outcome == "passed" for each in case.answers if each.variant == variant)

    page = opened()
    picked(page, "Change", EACH).select_option("flips only")
    assert set(ids(page, EACH)) == {case.id for case in view.cases if passed(case, "v1") != passed(case, "v3")}


def test_outcomes_are_shown_and_sorted_where_no_metric_is(browser: Browser, tmp_path: Path) -> None:
    said = {"a": "passed", "b": "lost", "c": "missed"}
    cases = [
        CaseView(id=name, inputs={}, answers=tuple(AnswerView(variant=v, text="x", outcome=end) for v in ("v1", "v2")))
        for name, end in said.items()
    ]
    variants = (VariantView(id="v1"), VariantView(id="v2"))
    suite = SuiteView(title="test_answers", dataset="d", dataset_hash="", n=3, variants=variants, cases=cases)
    page = browser.new_page()
    page.goto(
        written(Document(run=RunFacts(id="r", started="2026-11-30T10:29:40Z"), suites=(suite,)), tmp_path / "r.html")
    )
    table(page).get_by_role("button", name="v2").click()
    assert ids(page) == ["a", "c", "b"]
    assert [text.split()[-1] for text in column(page, 2)] == ["passed", "missed", "lost"]
    assert table(page).get_by_text("unscored", exact=True).count() == 1  # the filter's
    page.close()


def test_pages_are_turned(opened: Opened) -> None:
    page = opened()
    first = ids(page)
    table(page).get_by_role("button", name="Next").click()
    second = ids(page)
    assert len(first) == len(second) == 25
    assert not set(first) & set(second)
    assert table(page).get_by_text("Page 2 of 3").is_visible()


# One case.


def test_two_answers_are_compared_word_by_word(opened: Opened, document: Document, screenshots: Path) -> None:
    case = next(
        case for case in document.suites[0].cases
        if not any(a.error for a in case.answers)
        and case.answers[0].text not in case.answers[2].text
        and case.answers[2].text not in case.answers[0].text
    )  # fmt: skip
    page = opened(link(case.id, "v1", "v3"))
    sides = page.locator("dialog .answer .passage")
    common = []
    for side, answer, mark in ((0, case.answers[0], "ins"), (1, case.answers[2], "del")):
        assert sides.nth(side).text_content() == answer.text
        assert sides.nth(side).locator(mark).count() == 0
        common.append(sides.nth(side).evaluate(WITHOUT_MARKS))
    assert common[0] == common[1]
    assert sides.nth(0).locator("del").count() > 0
    assert sides.nth(1).locator("ins").count() > 0
    page.screenshot(path=screenshots / "case.png")
    page.get_by_label("mark differences").uncheck()
    assert page.locator("dialog .answer").locator("del, ins").count() == 0


def test_unsupported_words_are_marked(opened: Opened, document: Document) -> None:
    case, answer = next(
        (case, answer)
        for case in document.suites[0].cases
        for answer in case.answers
        if answer.variant == "v3" and answer.evidence and answer.evidence["groundedness"].unsupported
    )
    page = opened(link(case.id, "v3"))
    expected = [answer.text[start:end] for start, end in answer.evidence["groundedness"].unsupported]
    assert page.locator("dialog .answer mark").all_inner_texts() == expected
    assert page.get_by_text("unsupported: not in the contexts").is_visible()
    page.get_by_label("mark unsupported words").uncheck()
    assert page.locator("dialog .answer mark").count() == 0


def test_an_error_is_an_error_and_never_a_number(opened: Opened, document: Document) -> None:
    case, failed = next((c, a) for c in document.suites[0].cases for a in c.answers if a.error)
    page = opened(link(case.id, failed.variant))
    assert failed.error in page.locator("dialog .failure").inner_text()
    assert set(page.locator("dialog .values td").all_inner_texts()) == {"error"}


def test_reasons_and_sentences_stand_with_the_answer(opened: Opened, document: Document) -> None:
    case = next(c for c in document.suites[0].cases if "correctness" in c.answers[0].evidence)
    answer = case.answers[0]
    page = opened(link(case.id, "v1"))
    assert answer.evidence["correctness"].reason in page.locator("dialog .reasons").inner_text()
    page.locator("dialog summary", has_text="support of").click()
    assert page.locator("dialog .sentences li").count() == len(answer.evidence["groundedness"].sentences)
    assert page.locator("dialog .sentences li").first.is_visible()


def test_next_and_previous_follow_the_table(opened: Opened) -> None:
    page = opened()
    order = ids(page)[:3]
    table(page).get_by_role("link", name=order[0]).click()
    for name in (order[1], order[2]):
        page.get_by_role("button", name="Next").last.click()
        page.wait_for_selector(f"dialog h2:text-is('{name}')")
        assert f"/{name}/" in page.url
    page.get_by_role("button", name="Previous").last.click()
    page.wait_for_selector(f"dialog h2:text-is('{order[1]}')")


def test_other_variants_and_trials_are_chosen(opened: Opened, document: Document) -> None:
    case = document.suites[1].cases[0]
    page = opened(link(case.id, "v1", "v3", suite=EACH))
    page.locator("dialog").get_by_label("Right").select_option("v2")
    assert page.url.endswith(link(case.id, "v1", "v2", suite=EACH))
    page.locator("dialog").get_by_label("Trial").select_option("2")
    expected = next(a for a in case.answers if (a.variant, a.trial) == ("v2", 2))
    assert (expected.error or expected.text) in (page.locator("dialog .answer").nth(1).text_content() or "")


def test_two_prompts_are_compared(opened: Opened, document: Document) -> None:
    page = opened()
    place = page.locator("#test_answers .prompts")
    place.get_by_label("Right").select_option("v3")
    shown = place.locator(".passage").nth(1)
    assert shown.text_content() == document.suites[0].variants[2].prompt
    assert "warm" in " ".join(shown.locator("ins").all_inner_texts())


# Links.


def test_a_link_to_a_case_survives_a_reload(opened: Opened) -> None:
    page = opened(link("billing-0002", "v1", "v3"))
    for _ in range(2):
        assert page.locator("dialog h2").inner_text() == "billing-0002"
        assert page.locator("dialog .answer h3").all_inner_texts() == ["v1 baseline", "v3"]
        page.reload()
        page.wait_for_selector("dialog[open] .answer")
    page.keyboard.press("Escape")
    assert page.locator("dialog[open]").count() == 0
    assert page.url.endswith(ANSWERS)


def test_a_link_keeps_filters_and_order(opened: Opened) -> None:
    page = opened()
    picked(page, "Metric").select_option("bleu")
    picked(page, "topic").select_option("returns")
    table(page).get_by_role("columnheader", name="Case").get_by_role("button").click()
    before = ids(page)
    page.reload()
    page.wait_for_selector("html[data-ready]")
    assert ids(page) == before
    assert picked(page, "topic").locator("option:checked").inner_text() == "returns"


@pytest.mark.parametrize("fragment", ["#nobody/x/y", "#test_answers/nobody/v1", "#test_answers?metric=no&page=x", "#%"])
def test_a_link_to_nothing_opens_the_report(opened: Opened, fragment: str) -> None:
    page = opened(fragment)
    assert page.locator("dialog[open]").count() == 0
    assert status(page) == "60 cases"


def test_a_link_with_an_unknown_variant_shows_the_usual_two(opened: Opened) -> None:
    page = opened(link("billing-0002", "nobody"))
    assert page.locator("dialog .answer h3").all_inner_texts() == ["v1 baseline", "v3"]


# Keyboard, colours, accessibility.


def test_everything_is_done_by_keyboard(opened: Opened) -> None:
    page = opened()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the results"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
    table(page).get_by_role("searchbox").focus()
    page.keyboard.type("billing")
    assert all(name.startswith("billing") for name in ids(page))
    name = ids(page)[0]
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == name:
            break
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog[open] .answer")
    assert page.evaluate("document.activeElement.id") == "case-title"
    for _ in range(40):
        page.keyboard.press("Tab")
        assert page.evaluate(
            "document.activeElement === document.body || document.activeElement.closest('dialog') !== null"
        )
    page.keyboard.press("Escape")
    assert page.locator("dialog[open]").count() == 0
    assert page.evaluate("document.activeElement.textContent") == name


def background(page: Page) -> int:
    """Brightness of the paper, from 0 to 255."""
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return int(sum(map(int, re.findall(r"\d+", colour)[:3])) / 3)


def test_dark_follows_the_system_and_the_switch(opened: Opened, screenshots: Path) -> None:
    page = opened(color_scheme="dark")
    assert background(page) < 60
    page.screenshot(path=screenshots / "dark.png", full_page=True)
    page.get_by_role("button", name="Light colours").click()
    assert background(page) > 200
    page.reload()
    assert background(page) > 200
    page.get_by_role("button", name="Dark colours").click()
    assert background(page) < 60


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("fragment", ["", link("billing-0002", "v1", "v3")], ids=["overview", "case"])
def test_axe_finds_nothing_serious(opened: Opened, scheme: str, fragment: str) -> None:
    found = find_spec("axe_playwright_python")
    if found is None or found.origin is None:
        pytest.skip("axe is not installed: python -m pip install axe-playwright-python")
    page = opened(fragment, color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
    page.evaluate((Path(found.origin).parent / "axe.min.js").read_text("utf-8"))
    report = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    serious = [
        (each["id"], each["help"], [node["html"][:200] for node in each["nodes"]][:3])
        for each in report["violations"]
        if each["impact"] in ("serious", "critical")
    ]
    assert serious == []
    assert report["testEngine"]["name"] == "axe-core"


# Hostile content.


def test_hostile_texts_are_shown_and_never_run(opened: Opened, tmp_path: Path, screenshots: Path) -> None:
    document = filled("".join(HOSTILE))
    page = opened(at=written(document, tmp_path / "hostile.html"))
    page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
    for suite in page.locator(".cases").all():
        suite.locator("tbody a").first.click()
        page.wait_for_selector("dialog[open] .answer")
        shown = page.locator("dialog .answer .passage").first.inner_text()
        for words in ("<script>window.hacked = 1</script>", "\\x1b[31m", "a\\x00b", "\\ud800", "\\u202e", "=HYPERLINK"):
            assert words in shown
        page.keyboard.press("Escape")
    assert page.evaluate("typeof window.hacked") == "undefined"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.screenshot(path=screenshots / "hostile.png")


@pytest.mark.parametrize("text", HOSTILE)
def test_links_work_whatever_the_ids(opened: Opened, tmp_path: Path, text: str) -> None:
    page = opened(at=written(filled(text), tmp_path / "hostile.html"))
    first = page.locator(".cases tbody a").first
    first.click()
    page.wait_for_selector("dialog[open] .answer")
    page.reload()
    page.wait_for_selector("dialog[open] .answer")
    assert page.evaluate("typeof window.hacked") == "undefined"


def test_the_policy_stops_what_would_run_all_the_same(browser: Browser, address: str) -> None:
    page = browser.new_page()
    page.goto(address)
    blocked: list[str] = []
    page.on("console", lambda message: blocked.append(message.text))
    page.evaluate(
        "() => { const made = document.createElement('script'); made.append('window.hacked = 1');"
        " try { document.body.append(made) } catch {} }"
    )
    with pytest.raises(Exception, match="TrustedHTML"):
        page.evaluate("() => { document.body.innerHTML = '<img src=x onerror=window.hacked=1>' }")
    assert page.evaluate("typeof window.hacked") == "undefined"
    page.close()


def test_a_word_of_a_megabyte_breaks_neither_layout_nor_browser(opened: Opened, tmp_path: Path) -> None:
    words = ("x" * 1_000_000, "y " * 500_000)
    answers = [AnswerView(variant=name, text=text) for name, text in zip("ab", words, strict=True)]
    view = SuiteView(
        title="long", dataset="", dataset_hash="", n=1, baseline="a",
        variants=[VariantView(id=name, prompt=text) for name, text in zip("ab", words, strict=True)],
        cases=[CaseView(id="c", inputs={"q": words[0]}, answers=answers)],
    )  # fmt: skip
    document = Document(run=RunFacts(id="r", started="2026-11-30T10:29:40Z"), suites=[view])
    page = opened("#long/c/a,b", at=written(document, tmp_path / "long.html"))
    page.wait_for_selector("dialog[open] .answer")
    assert page.get_by_text("Too long or too different to be compared word by word.").last.is_visible()
    assert page.locator("dialog").evaluate("node => node.scrollWidth <= node.clientWidth")
    assert len(page.locator("dialog .answer .passage").first.inner_text()) < 25_000
    page.locator("dialog .answer").get_by_role("button", name="Show all 1,000,000 characters").first.click()
    assert len(page.locator("dialog .answer .passage").first.text_content() or "") == 1_000_000
    assert page.locator("dialog").evaluate("node => node.scrollWidth <= node.clientWidth")


# Size.


@pytest.mark.parametrize("cases", [1_000, 10_000])
def test_a_large_report_opens(browser: Browser, tmp_path: Path, cases: int, record_property: Any) -> None:
    path = tmp_path / "large.html"
    address = written(example(cases=cases, variants=3), path)
    page = browser.new_page()
    began = time.perf_counter()
    page.goto(address, wait_until="commit")
    page.wait_for_selector("#test_answers .cases tbody tr")
    usable = time.perf_counter() - began
    table(page).get_by_role("columnheader", name="v1").get_by_role("button").click()
    page.wait_for_selector("#test_answers th[aria-sort]:has-text('v1')")
    ordered = time.perf_counter() - began
    table(page).locator("tbody a").first.click()
    page.wait_for_selector("dialog[open] .answer")
    shown = time.perf_counter() - began
    page.close()
    times = {"megabytes": path.stat().st_size / 1e6, "usable": usable, "sorted": ordered, "case shown": shown}
    record_property("times", {name: round(value, 2) for name, value in times.items()})
    print(cases, "cases:", ", ".join(f"{name} {value:.2f}" for name, value in times.items()))  # noqa: T201
    assert shown < float(os.environ.get("GENAIOPS_BROWSER_SECONDS", "60"))


def test_only_what_is_opened_is_unpacked(browser: Browser, tmp_path: Path) -> None:
    document = example(cases=450, variants=2, metrics=1, context=300)
    document = replace(document, suites=document.suites[:1])
    page = browser.new_page()
    page.add_init_script(
        "window.unpacked = 0; const Real = DecompressionStream;"
        " DecompressionStream = class { constructor(kind) { window.unpacked++; return new Real(kind); } };"
    )
    page.goto(written(document, tmp_path / "blocks.html"))
    page.wait_for_selector("html[data-ready]")
    assert page.evaluate("window.unpacked") == 1  # the index
    table(page).locator("tbody a").first.click()
    page.wait_for_selector("dialog[open] .answer")
    assert page.evaluate("window.unpacked") == 2
    page.close()


def test_names_that_javascript_knows_are_names_like_others(opened: Opened, tmp_path: Path) -> None:
    names = ("__proto__", "constructor", "toString")
    view = SuiteView(
        title="hasOwnProperty", dataset="", dataset_hash="", n=2, baseline="__proto__",
        variants=[VariantView(id=name, prompt=name) for name in names],
        metrics=[MetricView(name=name, metric=name, signature="", scale=(0.0, 1.0)) for name in names],
        cases=[
            CaseView(
                id=name, slices={"constructor": "valueOf", "__proto__": name}, inputs={"__proto__": "asked"},
                answers=[AnswerView(variant=each, text=each, values={"__proto__": 0.5}) for each in names],
            )
            for name in names
        ],
    )  # fmt: skip
    document = Document(run=RunFacts(id="r", started="2026-11-30T10:29:40Z"), suites=[view])
    page = opened(at=written(document, tmp_path / "names.html"))
    suite = "#hasOwnProperty"
    assert status(page, suite) == "3 cases"
    picked(page, "__proto__", suite).select_option("toString")
    assert ids(page, suite) == ["toString"]
    table(page, suite).locator("tbody a").first.click()
    page.wait_for_selector("dialog[open] .answer")
    assert page.locator("dialog .values td").all_inner_texts()[:2] == ["0.5000", "0.5000"]
    assert page.locator("dialog .values td").all_inner_texts()[3] == "unscored"
