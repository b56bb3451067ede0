"""Judges held against people: labelled answers, figures of agreement, and certificates that suites can demand."""

from pytest_genaiops.calibration.certificate import (
    MIN_KAPPA,
    VALID_DAYS,
    Certificate,
    covering,
    without_data,
)
from pytest_genaiops.calibration.figures import Asked, Figures, figures_of
from pytest_genaiops.calibration.files import read_certificate, write_certificate
from pytest_genaiops.calibration.labels import LABEL, Labelled, LabelledFile, read_labels
from pytest_genaiops.calibration.ratings import Ratings, best_threshold, halves

__all__ = [
    "LABEL",
    "MIN_KAPPA",
    "VALID_DAYS",
    "Asked",
    "Certificate",
    "Figures",
    "Labelled",
    "LabelledFile",
    "Ratings",
    "best_threshold",
    "covering",
    "figures_of",
    "halves",
    "read_certificate",
    "read_labels",
    "without_data",
    "write_certificate",
]
