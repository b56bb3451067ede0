"""Certificates: written and read, and refused where they do not hold."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pytest_genaiops.calibration import Certificate, covering, read_certificate, without_data, write_certificate
from pytest_genaiops.calibration.certificate import checksum
from pytest_genaiops.errors import UsageError
from pytest_genaiops.statistics.raters import Figure

GOOD = Certificate(
    judge="groundedness",
    signature="groundedness|judge:mini|temperature:0",
    labels="audit",
    labels_hash="ab" * 32,
    n=200,
    unscored=3,
    clusters=40,
    accepted=120,
    threshold=0.5,
    higher_is_better=True,
    tested_on=100,
    confidence=0.95,
    figures={"kappa": Figure(value=0.6, interval=(0.45, 0.75), n=100), "auroc": "all 3 cases are good"},
    min_kappa=0.2,
    issued=date(2026, 3, 1),
    expires=date(2026, 8, 28),
)


def kappa(low: float, value: float = 0.5) -> dict[str, Figure | str]:
    return {"kappa": Figure(value=value, interval=(low, 0.9), n=100)}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "certificates" / "g.json"
    write_certificate(path, GOOD, shown="g.json")
    return path


def test_are_read_as_they_were_written(file: Path) -> None:
    assert read_certificate(file, shown="g.json") == GOOD
    assert json.loads(file.read_text())["passed"] is True


class TestHold:
    @pytest.mark.parametrize("day", [date(2026, 3, 1), date(2026, 5, 1), date(2026, 8, 28)])
    def test_from_their_first_day_to_their_last(self, day: date) -> None:
        assert GOOD.refusal(day) == ""

    @pytest.mark.parametrize(
        ("day", "why"),
        [
            (date(2026, 8, 29), "expired on 2026-08-28"),
            (date(2026, 2, 28), "is of 2026-03-01, and the clock of this machine says 2026-02-28"),
        ],
    )
    def test_on_no_other_day(self, day: date, why: str) -> None:
        assert GOOD.refusal(day) == why

    @pytest.mark.parametrize(
        ("change", "why"),
        [
            ({"figures": kappa(0.2)}, "must be above 0.2"),
            ({"figures": kappa(-0.05, 0.0), "min_kappa": 0.0}, "must be above 0"),
            ({"figures": {"kappa": "one and the same"}}, "its kappa is not known: one and the same"),
            ({"figures": {}}, "its kappa is not known"),
            ({"unscored": 20}, "gave no value for 20 of 220 answers"),
        ],
    )
    def test_for_no_judge_that_people_do_not_agree_with(self, change: dict[str, Any], why: str) -> None:
        assert why in replace(GOOD, **change).refusal(date(2026, 5, 1))

    def test_for_one_signature_on_any_data(self) -> None:
        signature = "groundedness|judge:mini|temperature:0|data:abcdef"
        assert without_data(signature) == GOOD.signature
        assert covering([GOOD], signature) is GOOD
        assert covering([GOOD], "groundedness|judge:mini|temperature:1|data:abcdef") is None
        assert covering([], signature) is None


class TestRead:
    @pytest.mark.parametrize(
        ("path", "value"),
        [
            (("expires",), "2099-01-01"),
            (("figures", "kappa", "low"), 0.8),
            (("min_kappa",), 0.0),
            (("signature",), "groundedness|judge:other"),
            (("passed",), False),
            (("labels", "n"), "many"),
            (("figures",), []),
            (("threshold",), None),
            (("threshold", "value"), True),
            (("issued",), "yesterday"),
            (("more",), 1),
        ],
    )
    def test_no_edit_by_hand(self, file: Path, path: tuple[str, ...], value: object) -> None:
        content = json.loads(file.read_text())
        place = content
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value
        file.write_text(json.dumps(content))
        with pytest.raises(UsageError, match=r"g\.json was changed after it was written"):
            read_certificate(file, shown="g.json")

    def test_no_claim_that_its_figures_do_not_bear_out(self, file: Path) -> None:
        content = json.loads(file.read_text())
        content.pop("checksum")
        content["figures"]["kappa"] = {"value": 0.0, "low": -0.1, "high": 0.1, "n": 100}
        file.write_text(json.dumps({**content, "checksum": checksum(content)}))
        with pytest.raises(UsageError, match="was changed after"):
            read_certificate(file, shown="g.json")

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ("", "is no JSON"),
            ("[1]", "is no certificate"),
            ("{}", "is no certificate"),
            ('{"checksum": 1, "format": 2}', "is of format 2, and this version reads 1"),
            ('{"checksum": 1, "format": NaN}', "is no JSON"),
            ('{"checksum": 1, "format": 1}', "was changed after"),
            ("[" * 100_000, "is no JSON"),
        ],
    )
    def test_nothing_else(self, file: Path, text: str, why: str) -> None:
        file.write_text(text)
        with pytest.raises(UsageError, match=why):
            read_certificate(file, shown="g.json")

    def test_no_other_encoding(self, file: Path) -> None:
        file.write_bytes(b"\xff\xfe{}")
        with pytest.raises(UsageError, match="not UTF-8"):
            read_certificate(file, shown="g.json")

    def test_nothing_large(self, file: Path) -> None:
        file.write_text(" " * (2 << 20))
        with pytest.raises(UsageError, match="which no certificate is"):
            read_certificate(file, shown="g.json")

    def test_no_file(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match=r"there is no certificate g\.json"):
            read_certificate(tmp_path / "g.json", shown="g.json")

    def test_no_folder(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="cannot be read"):
            read_certificate(tmp_path, shown="certificates")


def test_are_not_written_where_a_folder_is(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be written"):
        write_certificate(tmp_path, GOOD, shown="here")
    assert not list(tmp_path.parent.glob(f".{tmp_path.name}.*"))
