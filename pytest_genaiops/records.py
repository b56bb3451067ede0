"""The nouns of the library: frozen records that every room reads and none changes.

Data flows one way: a :class:`Case` and a variant make a :class:`Trial`; the target
answers it with a :class:`Response`; a metric turns that into a :class:`Measurement`;
a gate turns scores into a :class:`Verdict`.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, NoReturn, TypeAlias, overload


class ReadOnly(dict[str, Any]):
    """A dict that nobody can change: a target that wrote into a case would change it for every later variant.

    It is a dict still, so that ``json.dumps(case.inputs)`` works; a copy of it is an ordinary one.
    """

    __slots__ = ()

    def _refuse(self, *_: object, **__: object) -> NoReturn:
        raise TypeError("a case is read-only; change a copy: dict(case.inputs)")

    __setitem__ = __delitem__ = update = setdefault = pop = popitem = clear = __ior__ = _refuse

    def __copy__(self) -> dict[str, Any]:
        return dict(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> dict[str, Any]:
        return deepcopy(dict(self), memo)

    def __reduce__(self) -> tuple[type, tuple[dict[str, Any]]]:
        return ReadOnly, (dict(self),)


NOTHING: Mapping[str, Any] = MappingProxyType({})


def _nothing() -> Mapping[str, Any]:
    """Default of a mapping field; a factory because Python 3.11 takes a read-only mapping for a mutable default."""
    return NOTHING


Statistics: TypeAlias = tuple[float, ...] | Mapping[Hashable, float]
"""Sufficient statistics of one response: numbers that add up over responses.

A tuple of fixed width (BLEU's n-gram counts), or a mapping where the keys are not known
before the data is seen (classification counts pairs of predicted and true label).
"""

ErrorKind: TypeAlias = Literal["target", "timeout", "missing", "model", "metric", "judge", "budget", "input"]
"""Why a case has no score: the target failed, took too long or gave nothing; another model than
the declared one answered; the metric or judge failed; the budget was spent; or the case lacks
what the metric needs."""

Outcome: TypeAlias = Literal["passed", "failed", "undecided"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Relevant:
    """What a row says should be found: a document by its id, or a span of a source, with its grade.

    A span is ``source`` with ``start`` and ``end``, offsets of characters (or of whatever the passages count), the end
    not included. A grade of 0 says that it is *not* relevant, and has been looked at.
    """

    id: str | None = None
    source: str | None = None
    start: int | None = None
    end: int | None = None
    grade: float = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """One document or chunk that the system retrieved: it has an id, or stands in a source, or both."""

    id: str | None = None
    text: str | None = None
    source: str | None = None
    start: int | None = None
    """Where it begins and ends in its source, as labels count; the end is not included."""
    end: int | None = None
    score: float | None = None
    """The retriever's own, for people to read: the order of the passages is what counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One row of a dataset.

    ``references``, ``contexts`` and ``label`` are None where the row has no such column, and
    empty where the column is there and holds nothing: a metric tells the two apart.
    """

    id: str
    inputs: Mapping[str, Any] = field(default_factory=_nothing)
    references: tuple[str, ...] | None = None
    contexts: tuple[str, ...] | None = None
    label: str | None = None
    relevant: tuple[Relevant, ...] | None = None
    """What a retriever should find; empty where there is nothing to find, None where the row does not say."""
    tool_calls: tuple[Mapping[str, Any], ...] | None = None
    """The calls that an agent should make, in their order, as ``{"name", "arguments"}``, without ``arguments`` where
    any are right; empty where it should make none, None where the row does not say."""
    cluster: str | None = None
    slices: Mapping[str, str] = field(default_factory=_nothing)
    recorded: Mapping[str, Any] = field(default_factory=_nothing)
    """System name -> its response as the dataset has it (text, or a mapping of Response fields)."""
    source: str = ""
    """Where the row stands, as ``file:line``, for messages."""

    @property
    def reference(self) -> str | None:
        """The first reference, or None."""
        return self.references[0] if self.references else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One call of the system under test: a case, under a variant, for the ``index``-th time (from 1)."""

    case: Case
    variant: str
    index: int = 1
    dataset: str = ""
    """Content hash of the dataset that the case came from; empty for a case made in code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseError:
    """Why a trial has no answer."""

    kind: ErrorKind
    message: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.message}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step on the way to an answer, such as a call of a model: what it was asked, and what it said."""

    id: str
    output: str
    messages: tuple[Mapping[str, str], ...] = ()
    """The prompt as it was sent, as ``{"role", "content"}``."""
    inputs: Mapping[str, Any] = field(default_factory=_nothing)
    """What the prompt's templates named, by that name: columns of the case, ``steps.<id>.output`` of earlier steps."""
    parameters: Mapping[str, Any] = field(default_factory=_nothing)
    usage: Mapping[str, int] = field(default_factory=_nothing)
    latency: float | None = None
    """Seconds; None where nobody measured it."""
    model: str | None = None
    deployment: str | None = None
    agent: str | None = None
    """Which agent, or part of the system, took the step; None where it is the only one of its id."""
    error: str | None = None
    """Why the step failed; the answer may have come all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What the system under test gave for one trial: an answer, or an error with its kind."""

    text: str = ""
    contexts: tuple[str, ...] | None = None
    """Passages that the system retrieved; None means that the case's own contexts apply."""
    retrieved: tuple[Passage, ...] | None = None
    """What the system retrieved, best first, with ids or places; None where it does not tell, empty where it found
    nothing. Where ``contexts`` is not given, the texts of these are the contexts."""
    label: str | None = None
    """Predicted class; None means that the stripped text is the label."""
    probabilities: Mapping[str, float] | None = None
    """Class -> predicted probability."""
    tool_calls: tuple[Mapping[str, Any], ...] | None = None
    """The tools that were called on the way to the answer, in their order, as ``{"name", "arguments"}``; empty where
    none was, None where the target does not tell."""
    logprobs: tuple[Mapping[str, Any], ...] = ()
    """One mapping a token of the answer: ``token``, ``logprob`` (natural logarithm), and what else the model gave."""
    usage: Mapping[str, int] = field(default_factory=_nothing)
    """Token counts by kind. Live models give ``input_tokens`` and ``output_tokens``, and of these ``cached_tokens``
    and ``reasoning_tokens`` where the endpoint tells."""
    latency: float | None = None
    """Seconds from call to full answer; None where nobody measured it."""
    first_token: float | None = None
    """Seconds from call to the first piece of a streamed answer."""
    model: str | None = None
    """The model that really answered, as the endpoint names it."""
    deployment: str | None = None
    """The model or deployment that was asked for, by which prices are looked up."""
    finish_reason: str | None = None
    """Why the model stopped, as the endpoint names it: ``stop``, ``length``, ``tool_calls`` …"""
    steps: tuple[Step, ...] = ()
    """Every call that led to the answer, where the target or the dataset tells."""
    error: ResponseError | None = None
    trial: Trial | None = None

    def __repr__(self) -> str:
        """Short, for tracebacks: where it belongs, and its text or error."""
        # Names and messages come from data: escaped, for a traceback shows them as they are.
        where = repr(f" of {self.trial.variant} to {self.trial.case.id}")[1:-1] if self.trial else ""
        return f"<response{where}: {repr(str(self.error))[1:-1] if self.error else repr(self.text)}>"


class Responses(Sequence[Response]):
    """Responses of one variant, in the order of the cases; a sequence with a short name for tracebacks.

    They may be many: recorded ones are made from their rows when they are asked for, each time anew.
    Two such sequences are equal only where they are one.
    """

    __slots__ = ("_responses", "cases")

    def __init__(self, responses: Iterable[Response], *, cases: Sequence[Case] | None = None) -> None:
        self._responses = responses if isinstance(responses, Sequence) else tuple(responses)
        self.cases = cases
        """The cases they answer, one each and in this order, where they are recorded; None where they were called."""

    def __len__(self) -> int:
        return len(self._responses)

    @overload
    def __getitem__(self, index: int) -> Response: ...
    @overload
    def __getitem__(self, index: slice[Any, Any, Any]) -> Responses: ...
    def __getitem__(self, index: int | slice[Any, Any, Any]) -> Response | Responses:
        if not isinstance(index, slice):
            return self._responses[index]
        return Responses(self._responses[index], cases=None if self.cases is None else self.cases[index])

    def __iter__(self) -> Iterator[Response]:
        return iter(self._responses)

    def __repr__(self) -> str:
        trial = self._responses[0].trial if self._responses else None
        # A system's name comes from data: escaped, for a traceback shows it as it is.
        return f"<{len(self)} responses of {repr(trial.variant)[1:-1] if trial else 'nobody'}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One response under one metric: its sufficient statistics, or the reason why there are none."""

    statistics: Statistics | None = None
    reason: str = ""
    kind: ErrorKind | None = None
    explanation: Explanation | None = None
    """The evidence, where it came with the value: what a judge said cannot be worked out again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SentenceSupport:
    """One sentence of an answer: where it stands (character offsets) and how well it is supported (0-1)."""

    start: int
    end: int
    text: str
    support: float
    note: str = ""
    """Why, in words, where somebody said it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsupportedSpan:
    """A word or number of an answer that the contexts do not contain, by character offsets."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The evidence behind one score: each sentence with its support, and what is unsupported in it."""

    score: float
    sentences: tuple[SentenceSupport, ...]
    unsupported: tuple[UnsupportedSpan, ...]
    features: Mapping[str, float] = field(default_factory=_nothing)
    reason: str = ""
    """The judge's own words on the whole answer, where a judge was asked."""

    @property
    def worst(self) -> SentenceSupport | None:
        """The sentence with the least support; the first of equals."""
        return min(self.sentences, key=lambda sentence: sentence.support, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The decision of one gate with the numbers behind it. Truthy only when passed (or tolerated by the session)."""

    outcome: Outcome
    reason: str
    value: float | None
    """The score, or candidate minus baseline for a comparison; None where nothing was scored."""
    interval: tuple[float, float] | None
    confidence: float
    n: int
    unscored: int
    required_n: int | None = None
    """Cases that would decide it at the observed effect and spread; None where no number would."""
    detectable: float | None = None
    """Smallest difference that this many cases can tell, on the metric's scale, at 80 % power."""
    signature: str = ""
    method: str = ""
    """How the interval was made: ``Clopper-Pearson``, ``paired t`` ..."""
    clusters: int | None = None
    """Independent clusters that the n cases form; None where every case stands for itself."""
    p_values: Mapping[str, float] = field(default_factory=_nothing)
    """Name of a test -> its two-sided p-value of no difference; empty where nothing is compared."""
    parts: Mapping[str, Verdict] = field(default_factory=_nothing)
    """``tag=value`` -> the verdict on this slice, where slices have margins of their own."""
    not_needed: int = 0
    """Cases that were left out because the verdict was certain without them."""
    tolerated: bool = False
    """True where it is undecided for lack of cases alone, and the session only warns of that."""
    rule: str = ""
    """What was asked: ``at_least``, ``at_most``, ``within``, ``not_worse_than``, ``better_than``, ``pass_rate``, or a
    plain comparison such as ``>=``."""
    limits: Mapping[str, float] = field(default_factory=_nothing)
    """The numbers that the rule went by, on the metric's scale: ``threshold``, ``low`` and ``high``, or ``margin``;
    slices that have margins of their own have them in ``parts``."""

    def __bool__(self) -> bool:
        return self.outcome == "passed" or self.tolerated

    def __repr__(self) -> str:
        return f"<{self.outcome}: {self.reason}>"
