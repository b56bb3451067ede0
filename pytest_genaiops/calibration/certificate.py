"""Certificates: that one judge, asked in one way, was held against people's labels, with what came of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from pytest_genaiops.calibration.figures import Figures
from pytest_genaiops.dataset.identity import canonical
from pytest_genaiops.statistics.raters import Figure

FORMAT = 1
"""Version of the file format."""
MIN_KAPPA = 0.2
"""Kappa that the whole interval must lie above, where nobody asks for more: agreement that is more than slight
(Landis and Koch 1977, *Biometrics* 33)."""
MIN_SCORED = 0.95
"""Share of the labelled answers that the judge must have given a value for."""
VALID_DAYS = 180
DIGITS = 16
"""Hexadecimal digits of a checksum."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """What was measured of a judge, and how long that may be relied on."""

    judge: str
    """The metric, or where its values were on record."""
    signature: str
    """Of the metric, without the data: model, prompt, options, versions. Another one is another judge."""
    labels: str
    """Name of the labelled answers."""
    labels_hash: str
    n: int
    """Labelled answers that the judge gave a value for."""
    unscored: int
    """Labelled answers that it gave none for."""
    clusters: int | None
    accepted: int
    """Answers that people accept."""
    threshold: float
    higher_is_better: bool
    """Whether the judge lets pass what is at least the threshold; else what is at most."""
    tested_on: int
    """Answers that the threshold was tested on; none of them had a part in choosing it."""
    confidence: float
    figures: Figures
    min_kappa: float
    issued: date
    expires: date
    """The last day on which it holds."""

    @property
    def faults(self) -> list[str]:
        """Why the judge may not be relied on; empty where it may."""
        found, kappa = [], self.figures.get("kappa", "it was not worked out")
        if isinstance(kappa, str):
            found.append(f"its kappa is not known: {kappa}")
        elif kappa.interval[0] <= self.min_kappa:
            low, high = kappa.interval
            found.append(
                f"kappa is {kappa.value + 0.0:.2f} ({low:.2f} to {high:.2f}), and all of its interval must be above "
                f"{self.min_kappa:g}"
            )
        total = self.n + self.unscored
        if self.n < MIN_SCORED * total:
            found.append(f"the judge gave no value for {self.unscored} of {total} answers")
        return found

    def refusal(self, today: date) -> str:
        """Why it holds for nothing on this day; empty where it does hold."""
        if today < self.issued:
            return f"is of {self.issued}, and the clock of this machine says {today}"
        if today > self.expires:
            return f"expired on {self.expires}"
        return "; ".join(self.faults)


def without_data(signature: str) -> str:
    """A score's signature without the dataset that it was measured on."""
    return "|".join(item for item in signature.split("|") if not item.startswith(("data:", "part:")))


def content_of(certificate: Certificate) -> dict[str, Any]:
    """The fields of its file, the checksum aside."""
    return {
        "format": FORMAT,
        "judge": certificate.judge,
        "signature": certificate.signature,
        "labels": {
            "name": certificate.labels,
            "hash": certificate.labels_hash,
            "n": certificate.n,
            "unscored": certificate.unscored,
            "clusters": certificate.clusters,
            "accepted": certificate.accepted,
        },
        "threshold": {
            "value": certificate.threshold,
            "passes": "at least" if certificate.higher_is_better else "at most",
            "tested_on": certificate.tested_on,
        },
        "confidence": certificate.confidence,
        "figures": {name: _written(figure) for name, figure in certificate.figures.items()},
        "min_kappa": certificate.min_kappa,
        "passed": not certificate.faults,
        "issued": certificate.issued.isoformat(),
        "expires": certificate.expires.isoformat(),
    }


def checksum(content: Mapping[str, Any]) -> str:
    """Over all fields. It tells an edit by hand; it is no signature, and who means to cheat is stopped by review."""
    return hashlib.sha256(canonical(content)).hexdigest()[:DIGITS]


def _written(figure: Figure | str) -> dict[str, Any]:
    if isinstance(figure, str):
        return {"value": None, "why": figure}
    return {"value": figure.value, "low": figure.interval[0], "high": figure.interval[1], "n": figure.n}


def covering(certificates: Sequence[Certificate], signature: str) -> Certificate | None:
    """The certificate of the judge with this signature; None where there is none."""
    wanted = without_data(signature)
    return next((each for each in certificates if each.signature == wanted), None)
