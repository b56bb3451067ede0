"""How eval_suites/public joins long files into datasets with recorded responses."""

import json

import pytest

from eval_suites.public import joined


def test_outputs_join_their_segments_by_id_and_not_by_position():
    segments = [
        {"id": "a", "source": "one", "references": ["eins"]},
        {"id": "b", "source": "two", "references": ["zwei"]},
    ]
    outputs = [
        {"id": "b", "system": "x", "translation": "zwo", "mqm": 0.0},
        {"id": "a", "system": "x", "translation": "eins", "mqm": 0.0},
        {"id": "a", "system": "y", "translation": "ein", "mqm": -1.0},
    ]
    assert joined.translations(segments, outputs) == [
        {"id": "a", "source": "one", "references": ["eins"], "responses": {"x": "eins", "y": "ein"}},
        {"id": "b", "source": "two", "references": ["zwei"], "responses": {"x": "zwo"}},
    ]


def test_questions_that_a_model_was_not_asked_or_declined_are_left_out():
    def answer(group, model):
        return {
            "group": group,
            "question": f"{group}?",
            "context": "c",
            "model": model,
            "answer": f"{model} on {group}",
        }

    rows = [answer("q1", "x"), answer("q1", "y"), answer("q2", "x"), answer("q3", "x")]
    rows.append({**answer("q3", "y"), "answer": "Unable to answer based on given passages.\n"})
    assert joined.answers(rows) == [
        {"id": "q1", "question": "q1?", "context": "c", "responses": {"x": "x on q1", "y": "y on q1"}}
    ]


def test_judge_prompts_say_consistent_where_they_give_full_marks():
    ratings = [
        {"id": "a", "system": "M1", "judge_consistency": {"rts": 5, "mcq": 4}},
        {"id": "a", "system": "M2", "judge_consistency": {"rts": None, "mcq": 5}},
    ]
    outputs = [{"id": "a", "system": "M2", "consistent": 0}, {"id": "a", "system": "M1", "consistent": 1}]
    assert joined.judgements(ratings, outputs) == [
        {
            "id": "a-M1",
            "cluster": "a",
            "label": "consistent",
            "responses": {"rts": "consistent", "mcq": "inconsistent"},
        },
        {"id": "a-M2", "cluster": "a", "label": "inconsistent", "responses": {"rts": None, "mcq": "consistent"}},
    ]


def test_a_dataset_is_written_whole_below_the_root(tmp_path, monkeypatch):
    monkeypatch.setattr(joined, "ROOT", tmp_path)
    monkeypatch.setattr(joined, "JOINED", tmp_path / "cache" / "public")
    rows = [{"id": "a", "references": ["schön"]}]
    assert joined.write("words", rows) == "cache/public/words.jsonl"
    assert joined.write("words", rows) == "cache/public/words.jsonl"
    assert [path.name for path in (tmp_path / "cache" / "public").iterdir()] == ["words.jsonl"]
    assert list(joined.rows(tmp_path / "cache" / "public" / "words.jsonl")) == rows


def test_an_absent_folder_is_one_clear_line(tmp_path, monkeypatch):
    monkeypatch.setenv("GENAIOPS_PUBLIC_DATA", str(tmp_path / "nowhere"))
    reason = joined.missing(joined.folder())
    assert str(tmp_path / "nowhere") in reason
    assert "GENAIOPS_PUBLIC_DATA" in reason
    assert "\n" not in reason


def test_only_the_files_that_are_absent_are_named(tmp_path):
    for name in joined.FILES[1:]:
        (tmp_path / name).write_text(json.dumps({"id": "a"}), encoding="utf-8")
    assert joined.FILES[0] in joined.missing(tmp_path)
    assert joined.FILES[1] not in joined.missing(tmp_path)


@pytest.mark.skipif(bool(joined.missing(joined.folder())), reason=joined.missing(joined.folder()) or "present")
def test_the_public_files_give_what_the_readme_promises():
    data = joined.folder()
    segments = joined.translations(joined.rows(data / joined.FILES[0]), joined.rows(data / joined.FILES[1]))
    articles = joined.summaries(joined.rows(data / joined.FILES[2]), joined.rows(data / joined.FILES[3]))
    questions = joined.answers(joined.rows(data / joined.FILES[4]))
    assert (len(segments), {len(row["responses"]) for row in segments}) == (529, {13})
    assert (len(articles), {len(row["responses"]) for row in articles}) == (100, {12})
    assert {len(row["references"]) for row in articles} == {11}
    assert (len(questions), {len(row["responses"]) for row in questions}) == (61, {6})
    judged = joined.judgements(joined.rows(data / joined.FILES[5]), joined.rows(data / joined.FILES[3]))
    assert (len(judged), len({row["cluster"] for row in judged})) == (1200, 100)
    assert sum(row["label"] == "consistent" for row in judged) == 921
