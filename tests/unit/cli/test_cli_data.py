"""``genaiops data``: what a user reads about datasets."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_genaiops.cli import main

SHOP = """id,question,reference,label,part
a,What does the refund policy say about shoes?,You may return shoes within 30 days.,x,train
b,what does the refund policy say about shoes,Never.,x,test
c,What does the refund policy say about boots?,"You may return shoes, within thirty days!",y,test
d,,,,train
"""
V1 = """blocks:
  examples:
    - input: What does the refund policy say about shoes?
      output: You may return shoes within thirty days.
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "datasets").mkdir()
    (tmp_path / "datasets" / "shop.csv").write_text(SHOP)
    (tmp_path / "datasets" / "shop.yaml").write_text(
        "description: Shop mails\nversion: 2\nlanguage: en\nsplits: part\n"
    )
    (tmp_path / "datasets" / "one.jsonl").write_text(
        '{"id": "a", "question": "Why is it so?", "responses": {"v1": null}}\n'
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(["data", *arguments])
    shown = capsys.readouterr()
    assert max(map(len, shown.out.splitlines()), default=0) <= 80
    return code, shown.out, shown.err


def lines(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines()]


class TestList:
    def test_every_dataset_has_a_line_with_its_lock(self, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
        main(["lock", "shop"])
        (project / "datasets" / "shop.csv").write_text(SHOP.replace("Never", "Always"))
        (project / "datasets" / "bad.jsonl").write_text("{")
        capsys.readouterr()
        code, out, _ = run(capsys, "list")
        assert code == 1  # as docs/command.md says of a broken file
        head, bad, *rest = lines(out)
        assert head == "dataset rows lock what it is"
        assert bad.startswith("bad - - cannot be read: datasets/bad.jsonl:1: the line is not")
        assert rest[-3:] == ["one 1 none -", "shop:train 2 fits Shop mails", "shop:test 2 changed Shop mails"]

    def test_no_datasets(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        code, _, err = run(capsys, "list", "--rootdir", str(tmp_path))
        assert (code, err) == (2, "genaiops: datasets/ holds no dataset; add one\n")


class TestDiff:
    def test_the_same_rows(self, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
        code, out, _ = run(capsys, "diff", "one", "datasets/one.jsonl")
        assert code == 0
        assert out.startswith("the same 1 row, hash ")

    def test_what_changed_reads_well(self, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
        later = (
            SHOP.replace("Never.", "Never ever.").replace("d,,,,train", "e,Hello?,,y,test").replace("x,test", "y,test")
        )
        (project / "later.csv").write_text(later)
        (project / "later.yaml").write_text("splits: part")
        code, out, _ = run(capsys, "diff", "shop:test", "later.csv:test")
        assert code == 1
        assert [line.rpartition(" ")[0] for line in lines(out)[:2]] == ["--- shop:test 2 rows", "+++ later:test 3 rows"]
        assert lines(out)[2:] == [
            "",
            "added 1 'e'",
            "edited 1 'b'",
            "changed columns: reference in 1, label in 1",
            "",
            "'b'",
            "reference [-Never.-] {+Never ever.+}",
            "label [-x-] {+y+}",
        ]

    def test_a_lock_that_does_not_fit_is_no_hindrance(self, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
        main(["lock", "one"])
        (project / "datasets" / "one.jsonl").write_text('{"id": "b", "question": "Why?"}\n')
        capsys.readouterr()
        (project / "old.jsonl").write_text('{"id": "a", "question": "Why is it so?"}\n')
        code, out, _ = run(capsys, "diff", "old.jsonl", "one")
        assert code == 1
        assert "removed 1 'a'" in lines(out)

    def test_text_that_came_or_went_and_white_space(self, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (project / "old.jsonl").write_text('{"id": "a", "q": "x y", "old": "was\\u001b here"}\n')
        (project / "new.jsonl").write_text('{"id": "a", "q": "x  y", "new": 5}\n')
        _, out, _ = run(capsys, "diff", "old.jsonl", "new.jsonl")
        assert lines(out)[-3:] == ["q white space only", "new {+5+} (was not there)", "old [-was\\x1b here-] (is gone)"]

    def test_ten_edits_are_shown_and_the_rest_counted(self, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
        for name in ("old", "new"):
            (project / f"{name}.csv").write_text("id,q\n" + "".join(f"r{number},{name}\n" for number in range(25)))
        _, out, _ = run(capsys, "diff", "old.csv", "new.csv")
        names = ", ".join(f"'r{number}'" for number in range(10))
        assert f"edited 25 {names}, and 15 more" in " ".join(lines(out))
        assert out.endswith("and 15 more edited rows\n")

    def test_a_name_that_is_none(self, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
        code, _, err = run(capsys, "diff", "one", "onne")
        assert code == 2
        assert "did you mean 'one'?" in err


class TestDescribe:
    def test_a_dataset_without_anything_special(self, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
        code, out, _ = run(capsys, "describe", "one")
        assert code == 0
        head, _, *rest = lines(out)
        assert head.startswith("one: 1 row of datasets/one.jsonl, hash ")
        assert head.endswith(", no lock")
        assert rest == [
            "column rows empty characters: median, 95 %, most words",
            "question 1 - 13 13 13 4 4 4",
            "",
            "recorded v1 0 answers, 1 missing",
            "duplicates none",
        ]

    def test_splits_share_rows_and_prompts_give_them_away(
        self, project: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (project / "variants").mkdir()
        (project / "variants" / "v1.yaml").write_text(V1)
        (project / "variants" / "broken.yaml").write_text("a: [")
        code, out, err = run(capsys, "describe", "shop")
        shown = " ".join(lines(out))
        assert code == 0
        assert "shop:train: 2 rows of datasets/shop.csv" in shown
        assert "Shop mails version 2 language en" in shown
        assert "reference 2 1 36 36 36 7 7 7" in shown
        assert "answerable 1 of 2 rows have a reference" in shown
        assert "nearly the same 1 pair: 'b' ~ 'c' (93 %)" in shown
        assert "in variants/v1.yaml 2 rows: question of 'b', reference of 'c'" in shown
        assert (
            "between shop:train, shop:test: the same question 1 row, 1 with another reference or label: "
            "shop:train 'a' = shop:test 'b'" in shown
        )
        assert err.startswith("genaiops: prompts that were not searched: variants/broken.yaml:1: ")

    def test_one_split_and_chosen_variants(self, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (project / "prompts").mkdir()
        (project / "prompts" / "v1.yaml").write_text(V1)
        (project / "prompts" / "v2.yaml").write_text(V1)
        _, out, _ = run(capsys, "describe", "shop:train")
        assert "in prompts/v2.yaml 1 row: question of 'a'" in lines(out)
        _, out, _ = run(capsys, "describe", "shop:train", "--variants", "prompts/v1.yaml")
        assert "prompts/v2.yaml" not in out
        assert "in prompts/v1.yaml 1 row: question of 'a'" in lines(out)
        assert "between" not in out
        _, out, _ = run(capsys, "describe", "one", "--variants", "prompts/v1.yaml")
        assert lines(out)[-1] == "in prompts no question or reference stands in those of 1 variant"
        assert run(capsys, "describe", "one", "--variants", "none/*.yaml")[0] == 2

    def test_a_lock_is_told_of(self, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
        main(["lock", "one"])
        capsys.readouterr()
        assert lines(run(capsys, "describe", "one")[1])[0].endswith("as locked")
        (project / "datasets" / "one.jsonl").write_text('{"id": "b", "question": "Why?"}\n')
        assert "not as locked" in " ".join(lines(run(capsys, "describe", "one")[1])[:2])
