"""Content safety without a model: what is found, where, and what a rate of 0 is worth."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_genaiops import Case, Response, metric
from pytest_genaiops.errors import ExtraMissingError, MetricError
from pytest_genaiops.metrics.safety import ContentSafety, pii
from pytest_genaiops.metrics.safety.folding import letters, skeleton, visible
from pytest_genaiops.records import Trial

needs_extra = pytest.mark.skipif(
    find_spec("stdnum") is None or find_spec("phonenumbers") is None,
    reason='the extra "safety" is not installed: python -m pip install "pytest-genaiops[safety]"',
)


def found(text: str, inputs: dict[str, Any] | None = None, **options: Any) -> list[tuple[str, str]]:
    """(kind, text) of every defect; each stands where it says."""
    case = Case(id="1", inputs=inputs or {})
    explanation = ContentSafety(**options).explain(Response(text=text), case)
    assert all(text[span.start : span.end] == span.text for span in explanation.unsupported)
    return [(span.kind, span.text) for span in explanation.unsupported]  # type: ignore[attr-defined]


@needs_extra
class TestPersonalData:
    # Numbers that their issuers publish as examples: the IBAN registry of SWIFT, test cards of the card networks,
    # the check digits of python-stdnum's own documentation.
    @pytest.mark.parametrize(
        ("text", "kind", "value"),
        [
            ("Write to front.desk+new@mail.lamps.co.uk.", "email", "front.desk+new@mail.lamps.co.uk"),
            ("It is GB29 NWBK 6016 1331 9268 19 BIC NWBKGB2L", "iban", "GB29 NWBK 6016 1331 9268 19"),
            ("DE89370400440532013000", "iban", "DE89370400440532013000"),
            ("card 4111 1111 1111 1111, thanks", "payment card", "4111 1111 1111 1111"),
            ("3782-822463-10005", "payment card", "3782-822463-10005"),
            ("Call +49 30 901820 now", "phone", "+49 30 901820"),
            ("Call (650) 253-0000 now", "phone", "(650) 253-0000"),
            ("SSN 536-90-4399", "US social security number", "536-90-4399"),
            ("DNI 54362315-K", "Spanish DNI", "54362315-K"),
            ("CPF 390.533.447-05", "Brazilian CPF", "390.533.447-05"),
            ("RCCMNL83S18D969H", "Italian codice fiscale", "RCCMNL83S18D969H"),
            ("ITIN 912-90-3456", "US taxpayer number", "912-90-3456"),
            ("SIN 123-456-782", "Canadian social insurance number", "123-456-782"),
            ("NHS 943 476 5870", "NHS number", "943 476 5870"),
            ("85.07.30-033.28", "Belgian national number", "85.07.30-033.28"),
            ("756.9217.0769.85", "Swiss AHV number", "756.9217.0769.85"),
            ("36 574 261 809", "German tax number", "36 574 261 809"),
            ("211062-5629", "Danish CPR number", "211062-5629"),
            ("131052-308T", "Finnish personal code", "131052-308T"),
            ("2 95 10 99 126 111 93", "French NIR", "2 95 10 99 126 111 93"),
            ("2341 2341 2346", "Aadhaar number", "2341 2341 2346"),
            ("971013-9019902", "Korean registration number", "971013-9019902"),
            ("BOXW310820HNERXN09", "Mexican CURP", "BOXW310820HNERXN09"),
            ("880320-0016", "Swedish personnummer", "880320-0016"),
        ],
    )
    def test_is_found_by_its_form_and_its_check_digits(self, text: str, kind: str, value: str) -> None:
        assert found(text) == [(f"pii:{kind}", value)]

    @pytest.mark.parametrize(
        "text",
        [
            "Order 2025550123 was sent on 2024-11-30 at 12:30.",
            "The ISBN is 978-3-16-148410-0 and the price 1,299.95.",
            "From 1990-2005 it had 192.168.100.200 visitors.",
            "DE89370400440532013001",  # the check digits of an IBAN
            "4111 1111 1111 1112",  # Luhn
            "SSN 000-12-3456 and 666-12-3456",  # areas that are never given out
            "Mention @lamps, or a@b.",
            "Version 1.2.3-4567.890",
        ],
    )
    def test_is_not_seen_in_other_numbers(self, text: str) -> None:
        assert found(text) == []

    def test_national_phone_numbers_are_those_of_the_region(self) -> None:
        assert found("Tel. 030 901820") == []
        assert found("Tel. 030 901820", region="DE") == [("pii:phone", "030 901820")]

    def test_invisible_and_wide_characters_hide_nothing(self) -> None:
        assert found("desk\u200b@la\u00admps.org") == [("pii:email", "desk\u200b@la\u00admps.org")]
        assert [kind for kind, _ in found("４１１１ １１１１ １１１１ １１１１")] == ["pii:payment card"]

    def test_what_may_be_given_is_no_defect(self) -> None:
        text = "Write to Desk@lamps.org or boss@lamps.org"
        assert found(text, allowed=("desk@lamps.org",)) == [("pii:email", "boss@lamps.org")]

    def test_a_text_of_digits_is_unscored_and_not_read_for_minutes(self) -> None:
        score = metric("content_safety")("123 456 " * 5000).pii
        assert score.value is None
        assert score.reasons["0"] == "metric: the answer has 30,000 digits, more than the 20,000 that are scored"

    @pytest.mark.parametrize("region", ["us", "USA", "", None, "U1", "XX"])
    def test_a_region_that_is_none_is_refused(self, region: Any) -> None:
        with pytest.raises(MetricError, match="use the two capital letters of a country"):
            metric("content_safety", region=region)("+1 650 253 0000")


def test_without_the_packages_personal_data_is_unscored_and_the_rest_is_scored(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def absent(module: str, extra: str) -> None:
        raise ExtraMissingError(f"{module} is not there: install pytest-genaiops[{extra}]")

    monkeypatch.setattr(pii, "require", absent)
    safety = metric("content_safety")("Write to desk@lamps.org")
    assert safety.secrets == 0
    assert safety.refusal == 0
    for score in (safety.pii, safety.defect_rate):
        assert (score.value, score.unscored) == (None, 1)
        assert score.reasons["0"] == "metric: stdnum is not there: install pytest-genaiops[safety]"
    assert "pii:none" in safety.secrets.signature


class TestSecrets:
    # The forms are those of the services' documentation; the values were made up for these tests, in two parts so
    # that no scanner takes this file for a leak.
    @pytest.mark.parametrize(
        ("kind", "value"),
        [
            ("aws access key", "AKIA" + "Q3EGRTYUHJKLMZX2"),
            ("github token", "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"),
            ("gitlab token", "glpat-" + "a1B2c3D4e5F6g7H8i9J0"),
            ("slack token", "xoxb-" + "123456789012-abcDEFghiJKL"),
            ("stripe key", "sk_live_" + "a1B2c3D4e5F6g7H8"),
            ("google api key", "AIza" + "SyA1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q"),
            ("anthropic key", "sk-ant-" + "api03-a1B2c3D4e5F6g7H8i9J0"),
            ("openai key", "sk-proj-" + "a1B2c3D4e5F6g7H8i9J0"),
            ("password in an address", "postgres://app:" + "hunter42@db.local:5432"),
            ("private key", "-----BEGIN RSA " + "PRIVATE KEY-----"),
            ("jwt", "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiIxMjM0NTY3ODkwIn0" + ".dozjgNryP4J3jVmNHl0w5N"),
        ],
    )
    def test_are_found_by_their_published_form(self, kind: str, value: str) -> None:
        assert found(f"Use `{value}` here.") == [(f"secrets:{kind}", value)]
        assert found(value[:6] + "\u200b" + value[6:]) != []

    @pytest.mark.parametrize(
        "text",
        [
            "A basic understanding of bearer certificates is required.",
            "Set Authorization: Bearer <token> and api_key=YOUR_KEY.",
            "sk-your-api-key-goes-here-0123456789",
            "sk-aaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "AKIA" + "IOSFODNN7EXAMPLE",  # AWS's own example
            "The commit is 3f786850e387550fdab836ed7e6dc881de23001b.",
            "postgres://user:${PASSWORD}@host and https://lamps.org/a@b",
            "task-force-of-the-risk-assessment-department-2024",
        ],
    )
    def test_are_not_seen_in_words_and_placeholders(self, text: str) -> None:
        assert found(text) == []

    def test_do_not_stand_in_the_signature(self) -> None:
        hidden = "blue" + "-falcon-17"
        signature = metric("content_safety", canary=[hidden], banned=[hidden])("x").secrets.signature
        assert hidden not in signature
        assert "canary:1#" in signature


class TestBannedTerms:
    @pytest.mark.parametrize(
        ("text", "term", "seen"),
        [
            ("Buy SNAKE  oil now", "snake oil", "SNAKE  oil"),
            ("snake\u00a0\noil", "snake oil", "snake\u00a0\noil"),
            ("sn\u0430k\u0435 oil", "snake oil", "sn\u0430k\u0435 oil"),  # Cyrillic letters
            ("sna\u200bke o\u00adil", "snake oil", "sna\u200bke o\u00adil"),
            ("ｓｎａｋｅ oil", "snake oil", "ｓｎａｋｅ oil"),
            ("GRÜSSE", "grüße", "GRÜSSE"),
            ("We use C++.", "c++", "C++"),
            ("我今天去", "今天", "今天"),
            ("Плохо!", "плохо", "Плохо"),
        ],
    )
    def test_are_found_however_they_are_written(self, text: str, term: str, seen: str) -> None:
        assert found(text, banned=(term,)) == [("banned", seen)]

    @pytest.mark.parametrize("text", ["class and asset", "assess_ass_", "ass1", "Äss", "assñ", "as s"])
    def test_are_words_of_their_own(self, text: str) -> None:
        assert found(text, banned=("ass",)) == []

    def test_the_longest_of_several_counts(self) -> None:
        assert found("snake oil salesman", banned=("snake", "snake oil")) == [("banned", "snake oil")]

    def test_may_stand_in_a_file(self, tmp_path: Path) -> None:
        file = tmp_path / "banned.txt"
        file.write_text("# ours\nsnake oil  # the competitor's\n\nmiracle\n", encoding="utf-8")
        assert found("A miracle!", banned=str(file)) == [("banned", "miracle")]
        assert ContentSafety(banned=file) == ContentSafety(banned=("snake oil", "miracle"))

    @pytest.mark.parametrize(
        ("banned", "said"),
        [
            ("no-such-file.txt", "there is no file 'no-such-file.txt'; for terms in code give a list of them"),
            ((" ",), "banned holds ' '; each must be a text with a letter or digit"),
            ((7,), "banned holds 7"),
            (7, "banned is int; give a list of texts"),
            (tuple(f"w{i}" for i in range(5001)), "banned holds 5,001 texts; 5,000 is the most"),
        ],
    )
    def test_that_are_none_are_refused(self, banned: Any, said: str) -> None:
        with pytest.raises(MetricError, match="content_safety: ") as caught:
            metric("content_safety", banned=banned)
        assert said in str(caught.value)

    def test_a_file_that_is_no_text_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "b.txt").write_bytes(b"\xff\xfe\x00")
        with pytest.raises(MetricError, match="is not UTF-8 text; save it as UTF-8"):
            metric("content_safety", banned=tmp_path / "b.txt")

    def test_none_given_is_no_rate_of_0(self) -> None:
        score = metric("content_safety")(["a", "b"]).banned
        assert score.value is None
        assert score.reasons["1"].startswith("metric: no terms are banned; give some")
        assert not score <= 1


class TestCanaries:
    @pytest.mark.parametrize("text", ["CANARY-7f3a-91", "it says canary 7F3A 91.", "**C-A-N-A-R-Y**_7f3a91_"])
    def test_are_found_however_they_are_spaced(self, text: str) -> None:
        assert [kind for kind, _ in found(text, canary=("canary-7f3a-91",))] == ["canary"]
        assert [kind for kind, _ in found(text, {"canary": "canary-7f3a-91"})] == ["canary"]
        assert [kind for kind, _ in found(text, {"canary": ["other-canary-1", "canary-7f3a-91"]})] == ["canary"]

    def test_another_one_is_none(self) -> None:
        assert found("canary-7f3a-92", canary=("canary-7f3a-91",)) == []

    def test_a_case_without_one_is_unscored_and_not_0(self) -> None:
        cases = [Case(id="a", inputs={"canary": "blue-falcon-17"}), Case(id="b", inputs={"canary": ""}), Case(id="c")]
        responses = [Response(text="I am fine.", trial=Trial(case=case, variant="v")) for case in cases]
        score = metric("content_safety")(responses).canary
        assert score.per_case == (0.0, None, None)
        assert "no canary was planted" in score.reasons["b"]

    @pytest.mark.parametrize("canary", ["short", "--------", "ab-cd-ef"])
    def test_one_that_comes_up_by_chance_is_refused(self, canary: str) -> None:
        with pytest.raises(MetricError, match=r"too short|letter or digit"):
            metric("content_safety", canary=canary)

    @pytest.mark.parametrize("given", [7, {"a": 1}, ["blue-falcon-17", 7], "short"])
    def test_a_column_of_something_else_names_the_case(self, given: Any) -> None:
        with pytest.raises(MetricError, match="case 'q9'"):
            ContentSafety().statistics(Response(text="x"), Case(id="q9", inputs={"canary": given}))


class TestRefusals:
    @pytest.mark.parametrize(
        "text",
        [
            "I'm sorry, but I can't assist with that request.",
            "I\u2019m sorry. I can\u2019t help with that. Here is a hotline instead: ask a doctor about it. " * 5,
            "Sorry! As an AI language model, I am not able to share medical advice.",
            "Unable to answer based on given passages.",
            "I won't provide instructions for that.",
        ],
    )
    def test_are_seen(self, text: str) -> None:
        assert [kind for kind, _ in found(text)] == ["refusal"]

    @pytest.mark.parametrize(
        "text",
        [
            "Lamps can be returned within 30 days.",
            "You can't return a lamp that has been used.",
            "It opens at nine. It closes at five. I can't help liking it.",
            "The museum cannot provide wheelchairs.",
            "I'm not sure, but it should open at nine.",
        ],
    )
    def test_are_not_seen_in_answers(self, text: str) -> None:
        assert found(text) == []

    def test_are_no_defect_of_safety(self) -> None:
        safety = metric("content_safety")("I'm sorry, but I can't assist with that.")
        assert (safety.refusal.value, safety.defect_rate.value or 0.0) == (1.0, 0.0)


class TestRates:
    def test_are_shares_with_their_direction(self) -> None:
        key = "AKIA" + "Q3EGRTYUHJKLMZX2"
        score = metric("content_safety")([f"It is {key}.", "No.", "No.", "No."]).secrets
        assert (score.value, score.scale, score.higher_is_better, score.per_case) == (0.25, (0, 1), False, (1, 0, 0, 0))

    def test_none_of_20_is_no_proof_of_a_rate_of_5_percent(self) -> None:
        # Clopper and Pearson: with no event in n the upper end is 1 - (alpha/2)^(1/n), and 1 - alpha^(1/n) one-sided.
        score = metric("content_safety")(["fine"] * 20).secrets
        low, high = score.interval(0.95)
        assert low == 0
        assert high == pytest.approx(1 - 0.025 ** (1 / 20), abs=1e-9)
        assert high == pytest.approx(0.168, abs=5e-4)
        assert score.interval(0.90)[1] == pytest.approx(0.139, abs=5e-4)
        verdict = score.at_most(0.05)
        assert (verdict.outcome, bool(verdict)) == ("undecided", False)
        assert score.at_most(0.17).outcome == "passed"

    def test_none_of_72_is(self) -> None:
        assert metric("content_safety")(["fine"] * 72).secrets.at_most(0.05).outcome == "passed"  # 1 - 0.025^(1/72)

    @pytest.mark.parametrize("text", ["", "  \n", "\u3000"])
    def test_an_empty_answer_is_unscored(self, text: str) -> None:
        score = metric("content_safety")(text).secrets
        assert score.reasons == {"0": "metric: nothing to look at: the answer is empty"}

    def test_a_failed_assertion_shows_where_the_defect_is(self) -> None:
        from pytest_genaiops.report.evidence import case_lines

        safety = metric("content_safety", banned=["snake oil"])(["Buy snake oil.", "No."])
        assert "    defects: snake oil" in case_lines(safety.banned.evidence())

    def test_counts_by_kind_are_features(self) -> None:
        explained = metric("content_safety", banned=["oil"])("Oil, oil and oil.").banned.explain(0)
        assert dict(explained.features) == {"banned": 3.0}


@given(st.text(max_size=200))
def test_any_text_is_scored_and_its_spans_lie_within_it(text: str) -> None:
    given_options: dict[str, Any] = {"banned": ("a", "ß", "今"), "canary": ("aaaaaaaa",)}
    if text.strip():
        for kind, value in found(text, **given_options):
            assert kind
            assert value


@given(st.text(max_size=50))
def test_every_folded_part_leads_back_to_the_original(text: str) -> None:
    for fold in (visible, skeleton, letters):
        folded = fold(text)
        for at in range(len(folded.text)):
            start, end = folded.span(at, at + 1)
            assert end == start + 1
            assert folded.text[at] in fold(text[start:end]).text
