"""A certificate in words: what was measured, and whether the judge may be relied on."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_genaiops.calibration import Certificate
from pytest_genaiops.report.listing import paragraph, table
from pytest_genaiops.report.text import visible
from pytest_genaiops.statistics.raters import Figure

MEANINGS = {
    "kappa": "agreement beyond chance, at the threshold",
    "sensitivity": "of the answers that people accept, passed by the judge",
    "specificity": "of the others, stopped by the judge",
    "quadratic_kappa": "of ratings, by squared distance",
    "auroc": "an accepted answer scores higher than another",
    "spearman": "rank correlation with people",
    "kendall": "the same, by pairs",
    "self_consistency": "two answers of the judge agree",
    "length_bias": "above 0: it favours long answers",
    "position_bias": "above 0: it favours the first of two",
}


def lines(certificate: Certificate) -> Iterator[str]:
    """The figures as a table, and the verdict."""
    yield f"{visible(certificate.judge)} against {certificate.n} labels of {visible(certificate.labels)}"
    yield from paragraph(_about(certificate), indent=2)
    yield ""
    rows = [(name, *_cells(figure), MEANINGS.get(name, "")) for name, figure in certificate.figures.items()]
    yield from table(rows, head=("figure", "value", f"{100 * certificate.confidence:.6g} % interval", "n", "meaning"))
    for name, figure in certificate.figures.items():
        if isinstance(figure, str):
            yield from paragraph(f"{name}: {visible(figure)}.", indent=2)
    yield ""
    if certificate.faults:
        yield from paragraph(f"Not certified: {visible('; '.join(certificate.faults))}.")
    else:
        yield from paragraph(
            f"Certified until {certificate.expires}, for this judge alone: {visible(certificate.signature)}"
        )


def _about(certificate: Certificate) -> str:
    share = certificate.accepted / certificate.n
    found = f"People accept {certificate.accepted} of them ({share:.0%})"
    if certificate.clusters is not None:
        found += f"; they are of {certificate.clusters} clusters"
    if certificate.unscored:
        found += f"; {certificate.unscored} more have no value"
    side = "at least" if certificate.higher_is_better else "at most"
    how = "chosen on the other rows" if certificate.tested_on < certificate.n else "as asked for"
    return f"{found}. The judge passes {side} {certificate.threshold:g}, {how} and tested on {certificate.tested_on}."


def _cells(figure: Figure | str) -> tuple[str, str, str]:
    if isinstance(figure, str):
        return ("-", "-", "-")
    low, high = figure.interval
    return (f"{figure.value:.3f}", f"{low:.3f} to {high:.3f}", str(figure.n))
