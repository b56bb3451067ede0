"""Which model judges: a file with the same keys as a variant's ``model`` and ``parameters``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from pytest_genaiops.clients.chat import ChatEndpoint
from pytest_genaiops.clients.embeddings import EmbeddingEndpoint
from pytest_genaiops.clients.endpoint import Endpoint
from pytest_genaiops.dataset.identity import canonical
from pytest_genaiops.dataset.text import listed, near, quoted
from pytest_genaiops.dataset.yaml_tree import parse
from pytest_genaiops.errors import MetricError, UsageError, of_ours

__tracebackhide__ = of_ours

EMBEDDED = "embedded"
"""What names no model: the metrics that need none."""
RAGAS = "ragas"
FOLDER = "judges"
"""Where a judge is looked for that is named without a path."""
KEYS = ("model", "parameters", "embeddings")
STEADY: Mapping[str, Any] = {"temperature": 0}
"""Parameters of a judge whose file names none: as little chance as the model allows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """A model that judges. Two are equal where they would be asked in the same way."""

    source: str = field(compare=False)
    """The file, or what else it came from, as messages name it."""
    written: bytes
    """``model`` and ``parameters``, and ``embeddings`` where it has them, in their canonical form."""
    through: Literal["endpoint", "ragas"] = "endpoint"
    """Whose prompts it is asked: ours, or those of ragas."""

    def __repr__(self) -> str:
        """Short, for tracebacks: they show the options of every metric that a test uses."""
        return f"<judge {quoted(self.source)}>"

    @property
    def parameters(self) -> dict[str, Any]:
        """What is sent beside the messages."""
        return dict(STEADY | self._content["parameters"])

    @property
    def service(self) -> ChatEndpoint:
        """The endpoint to ask; the same one for equal judges."""
        return _service(self)

    @property
    def embeddings(self) -> EmbeddingEndpoint | None:
        """The model that turns texts into vectors, for metrics that compare them; None where the judge names none."""
        return _embeddings(self) if "embeddings" in self._content else None

    def body(self, messages: Sequence[Mapping[str, Any]], **parameters: Any) -> dict[str, Any]:
        """What is sent for these messages; ``parameters`` go over the file's own, and None takes one away."""
        return self.service.body(messages, {**self.parameters, **parameters})

    @property
    def signature(self) -> dict[str, str]:
        """The judge's part of a score's signature: the model that is asked, where, and with which parameters."""
        content = self._content
        place = content["model"].get("base_url") or content["model"].get("azure_endpoint") or ""
        found = {"judge": str(content["model"].get("name") or content["model"].get("deployment"))}
        if place:
            found["at"] = str(place)
        found |= {key: json.dumps(value) for key, value in sorted(self.parameters.items())}
        return found

    @property
    def _content(self) -> Any:
        return json.loads(self.written)


def judge_of(given: Any, root: Path, *, default: str | None = None) -> Judge | None:
    """The judge that an option or argument names; None for ``embedded``.

    Args:
        given: ``embedded``; a YAML file with ``model`` and ``parameters`` (and ``embeddings``, a second model, for what
            compares vectors), or the name of one in ``judges/``; ``ragas`` or ``ragas:FILE`` for the metrics of ragas;
            such a mapping in code; or a Judge.
        root: what paths are relative to.
        default: the file that ``ragas`` alone means.

    Raises:
        MetricError: nothing of the kind is there, or the file names no model that can be asked.
    """
    if given is None or given == EMBEDDED or isinstance(given, Judge):
        return given if isinstance(given, Judge) else None
    if isinstance(given, Mapping):
        return _checked(given, "judge", "endpoint")
    if not isinstance(given, str | Path) or not str(given).strip():
        raise MetricError(f"judge is {quoted(given)}; name a file such as {FOLDER}/mini.yaml, or {EMBEDDED}")
    through, name = _split(str(given))
    if not name:
        if default is None or default in (EMBEDDED, RAGAS):
            raise MetricError(f"judge {RAGAS} names no model to ask; write {RAGAS}:{FOLDER}/<name>.yaml")
        name = _split(default)[1]
    file = _file(name, root)
    tree, _ = parse(file.read_bytes(), _shown(file, root), MetricError, keys=listed(KEYS))
    return _checked(tree, _shown(file, root), through)


def _split(given: str) -> tuple[Literal["endpoint", "ragas"], str]:
    if given == RAGAS:
        return "ragas", ""
    if given.startswith(f"{RAGAS}:"):
        return "ragas", given.removeprefix(f"{RAGAS}:")
    return "endpoint", given


def _file(name: str, root: Path) -> Path:
    tried = [root / name, *(root / FOLDER / f"{name}{suffix}" for suffix in (".yaml", ".yml"))]
    for file in tried:
        if file.is_file():
            return file
    there = sorted(file.stem for file in (root / FOLDER).glob("*.y*ml")) if (root / FOLDER).is_dir() else []
    hint = near(name, [*there, EMBEDDED, RAGAS]) or "; write it with model: {name: <model>, base_url: <address>}"
    raise MetricError(f"there is no judge {quoted(name)}: no such file, and none in {FOLDER}/{hint}")


def _shown(file: Path, root: Path) -> str:
    return file.relative_to(root).as_posix() if file.is_relative_to(root) else file.as_posix()


def _checked(tree: Mapping[str, Any], source: str, through: Literal["endpoint", "ragas"]) -> Judge:
    for key in tree:
        if key not in KEYS:
            raise MetricError(f"{source}: unknown key {quoted(key)}{near(str(key), KEYS)}; a judge has {listed(KEYS)}")
    model, parameters = tree.get("model"), tree.get("parameters") or {}
    if not isinstance(model, Mapping):
        raise MetricError(f"{source}: a judge needs model: {{name: <model>, base_url: <address>}}")
    if not isinstance(parameters, Mapping):
        raise MetricError(f'{source}: "parameters" is not a mapping; write {{temperature: 0}}')
    given = {"model": model, "parameters": parameters}
    if (embeddings := tree.get("embeddings")) is not None:
        if not isinstance(embeddings, Mapping):
            raise MetricError(f'{source}: "embeddings" is no model; write {{name: <model>, base_url: <address>}}')
        given["embeddings"] = embeddings
    try:
        written = canonical(given)
        for each in (model, embeddings or model):
            Endpoint.of(each, source)
    except (TypeError, ValueError) as error:
        if isinstance(error, UsageError):
            raise
        raise MetricError(
            f"{source}: the judge holds something that JSON has no form for; use text and numbers"
        ) from None
    return Judge(source=source, written=written, through=through)


@lru_cache(maxsize=64)
def _service(judge: Judge) -> ChatEndpoint:
    return ChatEndpoint(Endpoint.of(judge._content["model"], judge.source))


@lru_cache(maxsize=64)
def _embeddings(judge: Judge) -> EmbeddingEndpoint:
    return EmbeddingEndpoint(Endpoint.of(judge._content["embeddings"], judge.source))
