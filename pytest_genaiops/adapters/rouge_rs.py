"""ROUGE by the Rust package ``rouge-score-rs``, where it is installed and gives the numbers that we give."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from importlib.metadata import version

from pytest_genaiops.extras import require

Scorer = Callable[[Sequence[str], str], tuple[float, ...]]
"""(references, hypothesis) -> F1, precision and recall of each type in turn."""

TYPES = ("rouge1", "rouge2", "rougeL", "rougeLsum")

_LARGEST = 400_000_000
"""Characters of a reference times those of the hypothesis: beyond that its table takes hundreds of megabytes."""

# What two implementations differ in first: ties between subsequences, lines, stems out of the rules, other letters.
_PROBES = (
    (("the cat sat on the mat",), "the cat the mat sat on"),
    (("a b c d\nb a d c\na a b", "d c b a"), "b a\nd d c b a\na b c a"),
    (("a a b b a b\n\nb b a\na", "a b"), "a b a b\nb a a b\n\n b"),
    (("dying skies innings news howe proceeding", "flies died agreed hopping sized"), "die sky inning proceed"),
    (("generalizations oscillators happily y yy sayings", "relational 2nd 3.5% x-ray"), "general oscillate 2 ray say"),
    (("İstanbul ﬁne Ünlü café naïve K 10\u00b2",), "istanbul fine unlu caf na ve k 10"),
    (("\u2028one\u0085two\vthree\ffour\rfive\r\nsix",), "one two\nthree four five six"),
    (("broken \ud800 half", "x"), "half broken"),
    ((" \n.", "word"), ""),
    (("one",), "... \n\n"),
)  # fmt: skip


def quick(use_stemmer: bool, ours: Scorer) -> Scorer | None:
    """The package's scorer; None, with a warning, where it differs from ``ours`` in any bit of any probe.

    Texts that are too long for its table go to ``ours``.
    """
    found = require("rouge_score_rs.rouge_scorer", "fast").RougeScorer(list(TYPES), use_stemmer=use_stemmer)

    def theirs(references: Sequence[str], hypothesis: str) -> tuple[float, ...]:
        best = found.score_multi(list(references), hypothesis)
        return tuple(
            number for name in TYPES for number in (best[name].fmeasure, best[name].precision, best[name].recall)
        )

    if any(theirs(*probe) != ours(*probe) for probe in _PROBES):
        warnings.warn(
            f"rouge-score-rs {version('rouge-score-rs')} does not give rouge-score's numbers and is left alone; "
            "python -m pip uninstall rouge-score-rs ends this warning",
            stacklevel=2,
        )
        return None
    return lambda references, hypothesis: (theirs if max(map(len, references)) * len(hypothesis) <= _LARGEST else ours)(
        references, hypothesis
    )
