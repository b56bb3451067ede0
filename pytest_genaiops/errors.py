"""Every exception that the library raises.

::

    GenaiopsError
    ├── UsageError                 a file, option, marker or call that is wrong; names the place and the mend
    │   ├── DatasetError           a dataset file or row
    │   ├── VariantError           a variant file, template or selection
    │   ├── MetricError            a metric's options or arguments (also a ValueError)
    │   │   └── TokenizerError     a reference that the tokenizer cannot see
    │   └── ExtraMissingError      an optional package is not installed (also an ImportError)
    ├── CoverageError              a comparison that unscored cases make meaningless (also an AssertionError)
    ├── RefusedError               one attempt to call a model failed (clients/); never leaves the library
    └── UnscorableError            one case has no score; never leaves the library: it becomes a reason

Warnings (UserWarning): UndecidedWarning, a verdict that a session lets pass although it is undecided; GateWarning, a
gate that cannot decide; CacheWarning, answers that are not kept, or a file of answers that was set aside.
"""

from __future__ import annotations

from typing import Any, Literal


class GenaiopsError(Exception):
    """Base of everything raised on purpose."""


def of_ours(raised: Any) -> bool:
    """Whether pytest may leave the library's frames out of a traceback: the message says all, the user's line where.

    Modules that users call into bind it to ``__tracebackhide__``; ``raised`` is pytest's ExceptionInfo.
    """
    return isinstance(raised.value, GenaiopsError)


class UsageError(GenaiopsError):
    """Something that the author of a suite can mend. The message is one sentence with the place and the mend."""


class DatasetError(UsageError):
    """A dataset that cannot be read as it stands."""


class VariantError(UsageError):
    """A variant that cannot be read, rendered or found."""


class MetricError(UsageError, ValueError):
    """Options or arguments that a metric cannot take."""


class TokenizerError(MetricError):
    """A reference that the chosen tokenizer cannot see; names one that can."""


class ExtraMissingError(UsageError, ImportError):
    """An optional package that is not installed."""


class CoverageError(GenaiopsError, AssertionError):
    """A comparison against the gate's direction on a score with unscored cases: it could only mislead."""


class UndecidedWarning(UserWarning):
    """A verdict that too few cases leave undecided, in a session that only warns of that."""


class GateWarning(UserWarning):
    """A gate that cannot decide with the cases that its suite has, whatever the answers."""


class CacheWarning(UserWarning):
    """Answers that cannot be kept, or a file of answers that was set aside; the session goes on."""


Kind = Literal["target", "timeout", "missing", "model", "metric", "judge", "budget", "input"]
"""Those of records.ErrorKind; this module imports nothing of ours."""


class UnscorableError(GenaiopsError):
    """Raised by a metric for one response that it has nothing to say about; becomes an unscored case.

    ``kind`` is the :data:`~pytest_genaiops.records.ErrorKind` under which it is counted.
    """

    def __init__(self, reason: str, *, kind: Kind = "metric") -> None:
        super().__init__(reason)
        self.kind: Kind = kind
