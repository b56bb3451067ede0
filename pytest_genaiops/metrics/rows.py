"""What metrics ask of a row: its name in messages, and references that hold something."""

from __future__ import annotations

from pytest_genaiops.errors import UnscorableError
from pytest_genaiops.records import Case


def place(case: Case) -> str:
    """The row as a message names it: its id, and file and line where it came from a file."""
    return f"row {case.id!r} ({case.source})" if case.source else f"row {case.id!r}"


def references_of(case: Case) -> tuple[str, ...]:
    """References of a row.

    Raises:
        UnscorableError: there is none, or all are blank: there is nothing to compare an answer with.
    """
    references = case.references or ()
    if not any(reference.strip() for reference in references):
        raise UnscorableError(f"{place(case)} has no reference to compare with; fill its reference column")
    return references
