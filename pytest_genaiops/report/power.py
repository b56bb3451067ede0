"""Plans in words: where the spread of a score comes from, what its cases decide, what others would."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pytest_genaiops.report.listing import paragraph
from pytest_genaiops.statistics.components import Components
from pytest_genaiops.statistics.power import Need, Plan

UNKNOWN = (
    "Each case was run once, which cannot tell difficulty (some cases are harder than others, in every run) from noise "
    "(the same case differs from run to run)."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """The gate that a plan is about, as its author writes it."""

    call: str
    """``not_worse_than(baseline, margin=0.02)``."""
    premise: str
    """What is taken to be true of the system: a sentence."""
    limit: str
    """What a detectable difference is a limit of: ``a margin of``."""
    basis: str = ""
    """How the numbers came about: sentences; empty where there is nothing to say."""
    origin: float | None = None
    """The value that thresholds are told from; None for margins."""
    scale: tuple[float, float] = (0.0, 1.0)
    higher_is_better: bool = True


def origins(found: Components, of: str) -> list[str]:
    """Where the variance of single answers (or changes: ``of``) comes from, in shares of the whole."""
    lines = [f"Why {of} differ"]
    if not found.total:
        return [*lines, *paragraph(f"They do not: all {found.responses:,} are worth the same.", indent=2)]
    parts = []
    if found.cluster_size > 1:
        parts.append((found.cluster, "clusters: cases of one cluster resemble each other"))
    if found.between is None or found.within is None:
        if not parts:
            return [*lines, *paragraph(UNKNOWN, indent=2)]
        parts.append((found.total - found.cluster, "within clusters; difficulty or noise, for each case was run once"))
    else:
        parts.append((found.between, "difficulty: cases differ from each other, in every run alike"))
        parts.append((found.within, "noise: one and the same case differs from run to run"))
    return lines + [f"  {_percent(part / found.total):>5}  {words}" for part, words in parts]


def outlook(plan: Plan, gate: Gate) -> list[str]:
    """How often the gate passes, and what cases would be needed: a heading, a premise and a few lines."""
    lines = [f"{gate.call}, {100 * plan.confidence:g} % confidence", *paragraph(gate.premise, indent=2)]
    rows = [(_runs(plan.n, plan.trials), f"pass in {_percent(plan.present.power)} of runs")]
    for need in plan.present.needs:
        rows.append((_runs(need.n, plan.trials), f"pass in {_percent(need.power)} of runs"))
    width = max(len(cases) for cases, _ in rows)
    lines += [f"    {cases:>{width}}  {words}" for cases, words in rows]
    return lines + paragraph(_detectable(plan, gate), indent=2) + paragraph(gate.basis, indent=2)


def options(plan: Plan) -> list[str]:
    """A table of what 1, 2, 3, 5 and 10 trials of each case would buy; empty where nothing tells."""
    if not plan.options:
        return []
    groups = ("", f"{plan.n:,} cases", "for 80 % of runs", f"with {plan.n * plan.trials:,} calls")
    rows = [("trials", "pass in", "cases", "calls", "cases", "pass in")]
    for each in plan.options:
        need, few = each.needs[0], each.equal_cost_n < 2
        affordable = ("none", "-") if few else (f"{each.equal_cost_n:,}", _percent(each.equal_cost_power))
        rows.append((f"{each.trials}", _percent(each.power), _count(need.n), _count(need.calls), *affordable))
    widths = [max(len(row[i]) for row in rows) for i in range(6)]
    widths[1] = max(widths[1], len(groups[1]))
    for left, group in ((2, groups[2]), (4, groups[3])):
        widths[left] = max(widths[left], len(group) - 2 - widths[left + 1])
    spans = [widths[0], widths[1], widths[2] + 2 + widths[3], widths[4] + 2 + widths[5]]
    head = "    ".join(f"{group:>{span}}" for group, span in zip(groups, spans, strict=True))
    return [
        "What other numbers of trials would do",
        f"  {head}",
        *(_row(row, widths) for row in rows),
        *paragraph("The same calls tell at least as much over more cases as over more trials.", indent=2),
    ]


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    """Cells in groups of one, one, two and two."""
    padded = [f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True)]
    return "  " + "    ".join([*padded[:2], "  ".join(padded[2:4]), "  ".join(padded[4:])])


def _detectable(plan: Plan, gate: Gate) -> str:
    """The margins, or thresholds, that the present cases decide."""
    cases = _runs(plan.n, plan.trials)
    found = [(need.power, limit) for need in plan.present.needs if (limit := _limit(need, gate))]
    if not found:
        return f"{cases} decide nothing in {_percent(plan.present.needs[0].power)} of runs, whatever is asked."
    (power, limit), *others = found
    more = "".join(f", in {_percent(power)} with {limit}" for power, limit in others)
    return f"{cases} pass in {_percent(power)} of runs with {gate.limit} {limit}{more}."


def _limit(need: Need, gate: Gate) -> str:
    """A margin, or the threshold so far from the value; empty where it would leave the scale, or none is known."""
    if need.detectable is None:
        return ""
    if gate.origin is None:
        return _rounded_up(need.detectable)
    threshold = gate.origin - need.detectable if gate.higher_is_better else gate.origin + need.detectable
    return f"{threshold:.3g}" if gate.scale[0] < threshold < gate.scale[1] else ""


def _rounded_up(value: float) -> str:
    """Three significant digits: a margin that is shown too small would not hold what it says."""
    unit = 10.0 ** (math.floor(math.log10(value)) - 2)
    return f"{math.ceil(value / unit - 1e-9) * unit:.3g}"


def _runs(n: int | None, trials: int) -> str:
    cases = "no number of cases" if n is None else f"{n:,} cases"
    return cases if trials == 1 or n is None else f"{cases} x {trials} trials"


def _count(n: int | None) -> str:
    return "none do" if n is None else f"{n:,}"


def _percent(share: float) -> str:
    """Whole per cent, and no certainty: nothing is sure to pass."""
    return "<1 %" if share < 0.005 else ">99 %" if share >= 0.995 else f"{100 * share:.0f} %"
