"""One ``.prompty`` file to a variant."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pytest_genaiops.dataset import Dataset, from_rows
from pytest_genaiops.dataset.text import listed, place, printable, quoted
from pytest_genaiops.dataset.yaml_tree import parse
from pytest_genaiops.errors import DatasetError, VariantError
from pytest_genaiops.records import Case
from pytest_genaiops.variants.fields import At, Fields
from pytest_genaiops.variants.files import Texts, read_bytes
from pytest_genaiops.variants.prompt import Block, Input, Message, Prompt
from pytest_genaiops.variants.prompty.front_matter import Document, split
from pytest_genaiops.variants.prompty.inputs import Declared, declared, sample
from pytest_genaiops.variants.prompty.model import settings
from pytest_genaiops.variants.prompty.mustache import to_jinja
from pytest_genaiops.variants.roles import THREAD, has_thread
from pytest_genaiops.variants.template import compile_fault, looped_over
from pytest_genaiops.variants.variant import Variant

SUFFIX = ".prompty"
_REFERENCE = re.compile(r"\$\{file:([^}]*)\}", re.IGNORECASE)
_FORMATS = ("jinja2", "nunjucks", "mustache")
"""Nunjucks is what prompty's TypeScript and Rust programs read Jinja2 with."""
_PARSER = "prompty"
_PASSAGES = {"context": Input(column="context")}
"""Undeclared inputs are read as well (spec 12.2), and this one is a dataset's passages."""
_ONE_TEXT = ("completion",)
_TOO_DEEP = "values of the file, or of one that it names, are nested too deeply; flatten them"


def load_prompty(path: Path, root: Path) -> tuple[Variant, ...]:
    """The variant of a ``.prompty`` file; its id is the file's stem.

    Unknown keys are passed over. Raises VariantError with ``file:line`` where the file cannot be read as it stands.
    """
    try:
        return (_File.read(path, root).variant(path.stem),)
    except RecursionError:  # JSON in a file of its own may be nested more deeply than YAML
        raise VariantError(f"{place(path, root)}: {_TOO_DEEP}") from None


def sample_dataset(path: Path, *, root: Path) -> Dataset:
    """The sample that a ``.prompty`` file carries, as a dataset of one row.

    Raises VariantError with the place where the file has none, DatasetError where it is no row.
    """
    try:
        file = _File.read(path, root)
        if not file.row:
            raise VariantError(f"{file.fields.source}: the file has no sample; add sample: {{<input>: <value>}} to it")
        return file.dataset()
    except RecursionError:
        raise VariantError(f"{place(path, root)}: {_TOO_DEEP}") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    """A file that was read and whose references to others are filled in."""

    document: Document
    tree: Mapping[str, Any]
    fields: Fields
    inputs: tuple[Declared, ...]
    row: Mapping[str, Any]

    @staticmethod
    def read(path: Path, root: Path) -> _File:
        shown = place(path, root)
        document = split(read_bytes(path, shown, root), shown)
        fields = Fields(source=shown, lines=document.lines)
        tree = _References(texts=Texts(beside=path, root=root), fields=fields).filled(document.tree)
        inputs = declared(tree, fields)
        return _File(document=document, tree=tree, fields=fields, inputs=inputs, row=sample(tree, inputs, fields))

    def variant(self, variant_id: str) -> Variant:
        model, parameters = settings(self.tree, self.fields)
        thread = {THREAD: Input(column=THREAD, default=[], thread=True)} if has_thread(self.document.body) else {}
        message = self.message(str(model.get("api", "")).lower())
        prompt = Prompt(
            messages=(message,),
            asks=False,
            model=model,
            parameters=parameters,
            inputs={**self.sources(message), **thread},
        )
        description = next((t for t in map(self.tree.get, ("description", "name")) if isinstance(t, str)), "")
        variant = Variant(
            id=variant_id,
            source=self.fields.source,
            description=description,
            model=model,
            parameters=parameters,
            hash=self.fields.identity(variant_id, (prompt,), {}),
            steps=(prompt,),
        )
        return replace(variant, sample=self.case(variant))

    def sources(self, message: Message) -> dict[str, Input]:
        """Where inputs come from: passages as one text, or one by one where the template loops over them."""
        found = {**_PASSAGES, **{each.name: each.source for each in self.inputs}}
        if any("context" in looped_over(block.text) for block in message.blocks):
            found["context"] = replace(found["context"], column="contexts")
        return found

    def message(self, api: str) -> Message:
        """The body: a chat whose markers are in its text, or one text for models that only complete it."""
        text, first = self.document.body, self.document.line
        if not text.strip():
            at = f"{self.fields.source}:{first}"
            raise VariantError(f"{at}: there is no prompt; write it below the front matter, beginning with system:")
        if text.split(maxsplit=1)[0] == "tools:":
            what = 'a "tools:" section in the prompt is read by one version of prompty only'
            raise VariantError(f"{self.fields.source}:{first}: {what}; move the list into the front matter")
        if self.format() == "mustache":
            text = to_jinja(text, self.fields.source, first)
        fault = compile_fault(text)
        if fault:
            at = f"{self.fields.source}:{first + fault[0] - 1}"
            raise VariantError(f"{at}: the prompt is not a Jinja2 template ({printable(fault[1])}); mend it")
        block = Block(name="body", text=text, line=first)
        if api in _ONE_TEXT:
            return Message(role="user", blocks=(block,))
        return Message(role="system", blocks=(block,), marked=True)

    def format(self) -> str:
        """The template language, of those that are read."""
        template = self.tree.get("template")
        written = template if isinstance(template, Mapping) else {"format": template}
        language = _kind(written.get("format", written.get("type"))) or _FORMATS[0]
        parser = _kind(written.get("parser")) or _PARSER
        if language not in _FORMATS:
            what = f"the template format {quoted(language)} is not known"
            self.fields.refuse(f"{what}; the formats are {listed(_FORMATS)}", "template", "format")
        if parser != _PARSER:
            what = f"the template parser {quoted(parser)} is not known"
            self.fields.refuse(f"{what}; the only one is {quoted(_PARSER)}", "template", "parser")
        return language

    def case(self, variant: Variant) -> Case | None:
        """The sample, if it is one: a file may have defaults for some of its inputs and no more."""
        try:
            case = self.dataset().cases[0] if self.row else None
            if case is not None:
                variant.messages(case)
        except (DatasetError, VariantError):
            return None  # the prompt is fine all the same, and who asks for the sample is told
        return case

    def dataset(self) -> Dataset:
        return from_rows([{**self.row, "id": "sample"}], name=self.fields.source)


def _kind(value: Any) -> str:
    """``jinja2``, or ``{kind: jinja2}``; ``*`` means any."""
    kind = value.get("kind") if isinstance(value, Mapping) else value
    return "" if kind is None or kind == "*" else str(kind).lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class _References:
    """Fills in ``${file:…}`` where it is a whole value; ``${env:…}`` stays a name."""

    texts: Texts
    fields: Fields

    def filled(self, tree: Mapping[str, Any]) -> dict[str, Any]:
        filled = {key: self._value(value, (key,)) for key, value in tree.items()}
        written = tree.get("sample")
        if isinstance(written, str) and not _REFERENCE.fullmatch(written.strip()):
            filled["sample"] = self._file(written, ("sample",))
        return filled

    def _value(self, value: Any, at: At) -> Any:
        if isinstance(value, Mapping):
            return {key: self._value(item, (*at, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [self._value(item, (*at, number)) for number, item in enumerate(value)]
        found = _REFERENCE.fullmatch(value.strip()) if isinstance(value, str) else None
        return self._file(found[1].strip(), at) if found else value

    def _file(self, name: str, at: At) -> Any:
        """What a file holds: JSON and YAML by their suffix, else its text."""
        shown = f"{self.fields.source}:{self.fields.lines.get(at, 1)}"
        text, there = self.texts.read(name, shown)
        suffix = Path(name).suffix.lower()
        if suffix in (".yaml", ".yml"):
            return parse(text.encode("utf-8"), there, VariantError, keys="<input>: <value>")[0]
        if suffix != ".json":
            return text
        try:
            return json.loads(text)
        except json.JSONDecodeError as error:
            raise VariantError(f"{there}:{error.lineno}: the file is not JSON ({error.msg}); mend it") from None
        except RecursionError:
            raise VariantError(f"{there}:1: the file is nested too deeply; flatten it") from None
        except ValueError:
            raise VariantError(f"{there}: a number has thousands of digits; write it as text, in quotes") from None
