"""The order of items: every gate stands right behind the last of its cases."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from pytest_genaiops.plugin.items import CaseItem, PassRateItem


def arrange(items: Sequence[pytest.Item], deselected: tuple[str, ...]) -> list[pytest.Item]:
    """The items with each gate behind its cases, and the cases of every selected gate.

    A gate that is selected alone (by ``--lf`` after a failure, by ``-k``, by node id) brings its
    cases along, for it cannot decide without them; a case that was named in ``--deselect`` stays
    out, and its gate says so. A case whose gate is not selected has no budget: a miss is a failure.
    """
    chosen = set(items)
    gates = {item for item in items if isinstance(item, PassRateItem)}
    order: list[pytest.Item] = []
    for item in items:
        if isinstance(item, CaseItem) and item.gate not in gates:
            item.gate = None
        if isinstance(item, PassRateItem):
            order.extend(c for c in item.order if c not in chosen and not c.nodeid.startswith(deselected or ("\0",)))
        else:
            order.append(item)
    last = {item.gate: item for item in order if isinstance(item, CaseItem) and item.gate is not None}
    arranged: list[pytest.Item] = []
    for item in order:
        arranged.append(item)
        gate = item.gate if isinstance(item, CaseItem) else None
        if gate is not None and last[gate] is item:
            arranged.append(gate)
    # A gate all of whose cases were deselected still runs, and says that it cannot decide.
    return arranged + [gate for gate in items if isinstance(gate, PassRateItem) and gate not in last]
