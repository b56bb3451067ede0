"""The variant that users hold: what is asked of a model, and how, ready to render for a case."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pytest_genaiops.dataset.identity import canonical
from pytest_genaiops.dataset.text import quoted
from pytest_genaiops.errors import VariantError
from pytest_genaiops.records import Case
from pytest_genaiops.variants.chain import Chain, placeholders
from pytest_genaiops.variants.prompt import Prompt, Renderer
from pytest_genaiops.variants.template import CertainError


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One way to ask: prompt, model, parameters and retrieval keys under an id.

    Two variants with one ``hash`` behave the same; the hash leaves out id, description, file
    name, comments, key order and the name of the environment variable that holds the API key.
    """

    id: str
    source: str = ""
    """The file, relative to the root; empty for a variant made in code."""
    description: str = field(default="", compare=False)
    model: Mapping[str, Any] = field(default_factory=dict, compare=False)
    parameters: Mapping[str, Any] = field(default_factory=dict, compare=False)
    """Sampling parameters under one spelling (``max_tokens``, ``top_p``, ``stop`` …), and any others as written."""
    blocks: Mapping[str, Any] = field(default_factory=dict, compare=False)
    """The prompt's blocks as written; empty where the file lists messages or steps, or has no prompt."""
    rag: Mapping[str, Any] = field(default_factory=dict, compare=False)
    axes: Mapping[str, str] = field(default_factory=dict, compare=False)
    """Axis -> name of its level, of a variant that a file makes by varying settings; empty for any other."""
    hash: str
    steps: tuple[Prompt, ...] = field(default=(Prompt(),), compare=False, repr=False)
    """The calls that one answer takes, at least one, in order."""
    sample: Case | None = field(default=None, compare=False, repr=False)
    """A row to try it with, where its file carries one."""

    def messages(self, case: Case) -> list[dict[str, str]]:
        """The chat messages for a case, as ``{"role", "content"}``.

        A variant without a prompt gives the case's question alone. Raises VariantError with the
        file, the block and the missing input where the case lacks what the prompt uses, and for a
        variant of several steps: what a later one asks depends on what earlier ones said.
        """
        if self.chained:
            what = f"{self._place} has {len(self.steps)} steps, and no messages before the first is answered"
            raise VariantError(f"{what}; loop over variant.chain(case)")
        return self._renderer.messages(self.steps[0], case)

    def chain(self, case: Case) -> Chain:
        """The calls that one answer takes, for a case: a loop over them works for every variant, of one step too."""
        return Chain(self.steps, case, self._renderer)

    @property
    def chained(self) -> bool:
        """Whether one answer takes several calls."""
        return len(self.steps) > 1

    @property
    def named(self) -> bool:
        """Whether it is only a name: what it stands for is known to the target, or to the dataset."""
        return _is_name(self.steps, self.rag)

    def check(self, case: Case) -> None:
        """Raise VariantError where a step could not be rendered, except that a variant without a prompt asks nothing.

        Steps after the first are tried with placeholders for what earlier ones say, and faulted only for what no
        output could mend, such as a missing input: a template may well expect a number.
        """
        if not self.steps[0].messages:
            return
        for number, prompt in enumerate(self.steps):
            try:
                self._renderer.messages(prompt, case, placeholders(self.steps[:number]))
            except CertainError:
                raise
            except VariantError:
                if not number:
                    raise
            self._renderer.check_columns(prompt, case)

    @property
    def _place(self) -> str:
        return self.source or f"variant {quoted(self.id)}"

    @property
    def _renderer(self) -> Renderer:
        return Renderer(place=self._place, rag=self.rag, chained=self.chained)


def hash_of(variant_id: str, steps: Sequence[Prompt], rag: Mapping[str, Any]) -> str:
    """The hash of what makes a variant behave as it does; of one that is only a name, of its name.

    Raises TypeError, ValueError or RecursionError for values that JSON has no form for.
    """
    behaviour = [_behaviour(step) for step in steps], rag
    named = _is_name(steps, rag)
    return hashlib.sha256(canonical((variant_id, behaviour) if named else behaviour)).hexdigest()


def _is_name(steps: Sequence[Prompt], rag: Mapping[str, Any]) -> bool:
    return not (rag or any(step.messages or step.model or step.parameters for step in steps))


def _behaviour(step: Prompt) -> object:
    return (
        step.id,
        [(m.role, m.marked, [(block.text, block.trim) for block in m.blocks]) for m in step.messages],
        step.asks,
        {key: value for key, value in step.model.items() if key != "api_key_env"},
        step.parameters,
        {name: wanted.plain() for name, wanted in step.inputs.items()},
    )


def check_inputs(variant: Variant, cases: Iterable[Case]) -> None:
    """Render the variant once for each set of inputs that rows have, so that a missing one is found before a run.

    Raises VariantError as :meth:`Variant.messages` does, for the first row at fault.
    """
    seen: set[tuple[bool, tuple[str, ...]]] = set()
    for case in cases:
        kind = (case.contexts is None, tuple(case.inputs))
        if kind not in seen:
            seen.add(kind)
            variant.check(case)
