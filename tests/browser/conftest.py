"""One Chromium for all tests of the report, and pages whose console has to stay silent."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_genaiops.report.document import Document
from pytest_genaiops.report.html import chunks
from tests.documents import example

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    Opened = Callable[..., Page]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if not os.environ.get("GENAIOPS_BROWSER"):
        pytest.skip("drives a browser: nox -s browser, or GENAIOPS_BROWSER=1 with playwright and chromium installed")
    sync_api = pytest.importorskip("playwright.sync_api")
    program = os.environ.get("GENAIOPS_CHROMIUM") or shutil.which("chromium")
    if program is None:
        pytest.skip("there is no chromium: install Debian's, or name one by GENAIOPS_CHROMIUM")
    with sync_api.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="session")
def screenshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pictures are kept: GENAIOPS_SCREENSHOTS, or pytest's own temporary folder."""
    named = os.environ.get("GENAIOPS_SCREENSHOTS")
    folder = Path(named) if named else tmp_path_factory.mktemp("screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def written(document: Document, path: Path) -> str:
    """The report in a file; its address."""
    with path.open("w", encoding="utf-8") as file:
        file.writelines(chunks(document))
    return path.as_uri()


@pytest.fixture(scope="session")
def document() -> Document:
    return example(cases=60, variants=3)


@pytest.fixture(scope="session")
def address(document: Document, tmp_path_factory: pytest.TempPathFactory) -> str:
    return written(document, tmp_path_factory.mktemp("report") / "report.html")


@pytest.fixture
def opened(browser: Browser, address: str) -> Iterator[Opened]:
    """Opens a report, and waits for its table. Fails a test whose page said something, or asked for something."""
    said: list[str] = []
    contexts = []

    def opening(fragment: str = "", *, at: str = "", **options: object) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: said.append(f"error: {error}"))
        page.on("dialog", lambda dialog: (said.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on("request", lambda request: request.url.startswith("file:") or said.append(f"request: {request.url}"))
        page.goto((at or address) + fragment)
        page.wait_for_selector("html[data-ready]")
        return page

    yield opening
    for context in contexts:
        context.close()
    assert said == []
