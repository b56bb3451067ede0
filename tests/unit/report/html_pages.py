"""Pages of the HTML report, read back as a browser reads them, and small suites to make them of."""

from __future__ import annotations

import base64
import gzip
import json
import re
from html.parser import HTMLParser
from typing import Any

from pytest_genaiops.report.document import (
    AnswerView,
    Document,
    MetricView,
    RunFacts,
    SuiteView,
    VariantView,
    VerdictView,
)
from pytest_genaiops.report.html import page

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
