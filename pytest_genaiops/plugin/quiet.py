"""What pytest keeps of a case to the end of the session, in a third of the room.

Most of an item and its three reports is containers that stay empty, and what is the same for all of them.
Everything can be read and written as ever; what is not there is made when it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


class Later:
    """An attribute that is made when it is asked for, and kept from then on; without ``keep``, made each time anew."""

    def __init__(self, make: Callable[[Any], Any], *, keep: bool = True) -> None:
        self._make = make
        self._keep = keep

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: Any, owner: type) -> Any:
        if instance is None:
            return self
        made = self._make(instance)
        if self._keep:
            setattr(instance, self._name, made)
        return made


class QuietReport(pytest.TestReport):
    """The report of a phase that passed and left no output: its times, and the rest as its item has it."""

    __slots__ = ("_item", "duration", "start", "stop", "when")

    nodeid = Later(lambda report: report._item.nodeid)
    _id = Later(lambda report: report._item.id)  # pytest 9 keeps node ids taken apart
    location = Later(lambda report: report._item.location)
    outcome = "passed"
    longrepr = None
    keywords = Later(lambda report: report._item.recipe.names_of(report._item))
    sections = Later(lambda report: [])
    user_properties = Later(lambda report: [])

    def __init__(self, item: Any, call: pytest.CallInfo[None]) -> None:
        self._item = item
        assert call.when != "collect"
        self.when, self.duration, self.start, self.stop = call.when, call.duration, call.start, call.stop

    def _to_json(self) -> dict[str, Any]:
        """What goes into files and to other processes: pytest looks for it in what a report keeps itself."""
        names = ("nodeid", "location", "keywords", "outcome", "longrepr", "sections", "user_properties")
        more = {name: value for name, value in vars(self).items() if name not in (*names, "_id")}
        known = {name: getattr(self, name) for name in (*names, *self.__slots__) if name != "_item"}
        return pytest.TestReport(**known, **more)._to_json()


QuietReport.__name__ = pytest.TestReport.__name__  # by which pytest knows a report again that was written somewhere


def says_nothing(report: pytest.TestReport) -> bool:
    """Whether there is nothing in a report of a passed phase but that it passed."""
    return isinstance(report, QuietReport) or not report.sections
