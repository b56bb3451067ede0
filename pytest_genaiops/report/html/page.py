"""The page put together: template, styles and scripts inlined, each script allowed by its hash and no other."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from pytest_genaiops.report.document import CaseView, Document
from pytest_genaiops.report.html import pack, wording
from pytest_genaiops.report.html.factors import MOST_NAMES
from pytest_genaiops.report.html.overview import LOUD, overview

if TYPE_CHECKING:
    from jinja2 import Environment

STYLES = ("style.css", "verdicts.css", "tables.css", "factorial.css", "case.css", "print.css")
SCRIPTS = ("data.js", "text.js", "table.js", "filters.js", "diff.js", "case.js", "main.js")
"""The page's own, in the order in which they build on each other."""


def page(document: Document) -> str:
    """One HTML file with everything in it, as text that any encoding of Unicode can hold.

    It is the same for the same document. A long report is better written from :func:`chunks`.
    """
    return "".join(chunks(document))


def chunks(document: Document) -> Iterator[str]:
    """The same, piece by piece: no more than one block of cases is held at a time."""
    suites, names = document.suites, wording.slugs([suite.title for suite in document.suites])
    blocks = [pack.blocks(suite.cases) for suite in suites]
    values = [pack.own_values(suite) for suite in suites]
    styles, scripts = _joined(STYLES), [*_vendored(), _program()]
    tone, words = wording.headline(suites)
    shared = pack.Shared(block for own in blocks for block in own)
    index = [pack.index(*each) for each in zip(suites, names, blocks, values, strict=True)]
    return (
        _environment()
        .get_template("page.html.jinja")
        .generate(
            run=document.run,
            tone=tone,
            words=words,
            suites=[overview(*each) for each in zip(suites, names, values, strict=True)],
            policy=_policy(styles, scripts),
            styles=_trusted(styles),
            scripts=[_trusted(script) for script in scripts],
            libraries=_libraries(),
            index=_trusted(pack.packed(index)),
            blocks=_blocks(blocks, shared),
        )
    )


def _blocks(found: Sequence[Sequence[Sequence[CaseView]]], shared: pack.Shared) -> Iterator[tuple[str, Any]]:
    """(element id, packed texts) of each block, made when the template comes to it."""
    for at, texts in enumerate(shared.blocks):
        yield f"passages-{at}", _trusted(pack.packed(texts))
    for suite, blocks in enumerate(found):
        for at, block in enumerate(blocks):
            yield f"texts-{suite}-{at}", _trusted(pack.packed(pack.texts(block, shared.places)))


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("pytest_genaiops.report.html"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        finalize=_finalize,
    )
    made.globals.update(
        figure=wording.figure,
        interval=wording.interval,
        p_value=wording.p_value,
        duration=wording.duration,
        plural=wording.plural,
        part=wording.part,
        most_names=MOST_NAMES,
        most_loud=LOUD,
    )
    return made


def _finalize(value: Any) -> Any:
    """Every text that a template puts in: what is not the page's own is made visible, then escaped."""
    return wording.shown(value) if type(value) is str else value


def _trusted(text: str) -> Any:
    from markupsafe import Markup

    return Markup(text)  # noqa: S704 - our own files, libraries of known hashes, and base64


def _read(name: str) -> str:
    return files("pytest_genaiops.report.html").joinpath(name).read_text("utf-8")


@cache
def _joined(names: Sequence[str]) -> str:
    return "\n".join(_read(f"static/{name}") for name in names)


@cache
def _program() -> str:
    """The page's own scripts as one, with names that nobody outside sees."""
    return f'(() => {{\n"use strict";\n{_joined(SCRIPTS)}\n}})();'


@cache
def _libraries() -> list[dict[str, str]]:
    """The vendored libraries: name, version, file, sha256, licence and its text."""
    found: list[dict[str, str]] = json.loads(_read("vendor/manifest.json"))
    return [{**each, "text": _read(f"vendor/{each['licence_file']}")} for each in found]


def _vendored() -> list[str]:
    return [_read(f"vendor/{each['file']}") for each in _libraries()]


def _policy(styles: str, scripts: Sequence[str]) -> str:
    """Nothing is loaded from anywhere, and only these texts are styles and scripts."""
    allowed = " ".join(_hash(script) for script in scripts)
    return (
        f"default-src 'none'; script-src {allowed}; style-src {_hash(styles)}; "
        "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"
