"""What the questions of the RAG matrix claim, checked against the corpus of the Python that runs the tests."""

import json
import re
import sys
from collections import Counter
from itertools import combinations
from pathlib import Path

from eval_suites.rag.app.corpus import documents, span
from eval_suites.rag.lexical import DECLINED
from eval_suites.reference_text import words

WRITTEN_FOR = {(3, 11, 7), (3, 12, 1), (3, 13, 0)}
DATASETS = Path(__file__).parents[3] / "datasets"
ANSWERED_BY = {
    "argon2-password": (r"argon", r""),
    "argparse-environment": (r"environ", r"modules/argparse"),
    "big-integer-storage": (r"(15|30)[- ]bit|bits (per|in each) digit|array of digits|limb", r""),
    "child-priority": (r"priorit|niceness|\bnice\b", r"modules/subprocess"),
    "circular-import": (r"circular import|partially initiali|import cycle|cyclic import", r""),
    "collector-threshold": (r"threshold|generations?\b.{0,30}(garbage|collect)", r""),
    "csv-byte-order-mark": (r"utf-8-sig|byte.order.mark|\bbom\b", r""),
    "dataclass-nested-dict": (r"from_?dict|deserializ", r"modules/dataclasses"),
    "dict-hash-collisions": (r"collision|open addressing|probing", r"topics/"),
    "event-loop-windows": (r"proactor|selector event", r""),
    "exception-speed": (r"slow|faster|expensive|cheap", r"topics/(exceptions|try|raise|compound)"),
    "file-lock": (r"flock|fcntl|msvcrt|(lock|locking|locked) (a|the|an open) file|file lock", r""),
    "folder-watch": (r"inotify|watch(ed|er|ing)?\b.{0,40}(file|folder|director)", r""),
    "generator-memory": (r"memory", r"topics/(yield|function|return)|modules/types"),
    "glob-order": (r"\border|sorted", r"modules/glob"),
    "heap-change-key": (r"decrease.?key|change.{0,40}priorit|updat", r"modules/heapq"),
    "html-strip-tags": (r"\btags?\b|htmlparser", r"modules/html"),
    "http-retry": (r"retry|retries|repeat", r"modules/http.client"),
    "iterator-back": (r"previous|step back|peek|rewind|backward", r"modules/itertools"),
    "json-comments": (r"comment", r"modules/json"),
    "list-growth": (
        r"growth|grows? by|over-?allocat\w+ (factor|by)|amorti[sz]ed",
        r"topics/|modules/(collections|heapq|bisect)",
    ),
    "locals-faster": (r"faster|slower|speed", r"topics/(global|naming|execmodel|nonlocal|function)"),
    "log-rotation": (r"rotatingfile|maxbytes|roll.?over", r""),
    "lru-cache-age": (r"expire|time.to.live|\bttl\b|seconds|minutes", r"modules/functools"),
    "match-speed": (r"jump table|dispatch table|branch table", r""),
    "mean-interval": (r"confidence", r""),
    "pdb-other-machine": (r"remote|socket|another machine|network", r"topics/debugger"),
    "pickle-lambda": (r"lambda", r"modules/pickle"),
    "queue-across-processes": (r"\bprocesses\b|multiprocess", r"modules/queue"),
    "re-exponential": (r"exponential time|catastroph|backtrack", r""),
    "skewness": (r"skew|kurtosis|third moment", r""),
    "sort-algorithm": (r"timsort|powersort|merge ?sort|quicksort", r""),
    "sqlite-write-ahead": (r"\bwal\b|write-ahead|journal", r""),
    "struct-bits": (r"\bbits?\b|bit.?field", r"modules/struct"),
    "temporary-wipe": (r"overwrit|shred|wipe|eras", r"modules/tempfile"),
    "thread-pool-size": (
        r"max_workers|worker threads|number of (workers|threads|process)",
        r"modules/concurrent.futures",
    ),
    "thread-stop": (r"(stop|kill|destroy)\w* (a|the|another|running)? ?thread", r"modules/threading"),
    "threads-cores": (r"\bgil\b|interpreter lock|free.thread|processor cores|multi.?core|multiprocessor", r""),
    "three-way-merge": (r"three-?way|ancestor|merge|diff3", r"modules/difflib"),
    "timeit-memory": (r"memory|tracemalloc", r"modules/timeit"),
    "typing-marker-file": (r"py\.typed|marker file|pep 561", r""),
    "umlaut-domain": (r"punycode|\bidna?\b|internationali[sz]ed", r""),
    "unittest-parallel": (r"parallel|concurren", r"modules/unittest"),
    "unknown-encoding": (r"chardet|charset.?normalizer|guess.{0,40}encoding|detect.{0,40}encoding", r""),
    "uuid-coincidence": (r"collision|likel|probability", r"modules/uuid"),
    "wrap-syllables": (r"syllab", r"modules/textwrap"),
    "zip-volumes": (r"volume|multi-?(disk|part)|split", r"modules/zipfile"),
    "zone-by-name": (r"zoneinfo|olson|tz database|\biana\b|summer time|daylight", r""),
}
"""What an answer to an unanswerable question could not do without, and the documents in which to look for it."""


def read(name):
    return [json.loads(line) for line in (DATASETS / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


QUESTIONS = read("python_library_questions")
ANSWERABLE = [row for row in QUESTIONS if row["slice_answerable"] == "yes"]
UNANSWERABLE = [row for row in QUESTIONS if row["slice_answerable"] == "no"]
EVIDENCE = [(row["id"], place["source"], place["quote"]) for row in ANSWERABLE for place in row["evidence"]]


def allowed(total):
    """How many rows another release of Python may belie; none in those that the data was written for."""
    return 0 if sys.version_info[:3] in WRITTEN_FOR else total // 10


def long_words(text):
    return {word for word in words(text) if len(word) > 3}


def kind(row):
    """``multi`` with two places; else by the share of the question's longer words that stand in the evidence."""
    if len(row["evidence"]) > 1:
        return "multi"
    told = long_words(row["question"])
    share = len(told & set(words(row["evidence"][0]["quote"]))) / len(told)
    return "lexical" if share >= 0.5 else "paraphrase"


class TestSizes:
    def test_there_are_enough_of_both_kinds(self):
        assert len(ANSWERABLE) >= 104
        assert len(UNANSWERABLE) >= len(QUESTIONS) / 5
        assert len(ANSWERABLE) + len(UNANSWERABLE) == len(QUESTIONS) >= 130

    def test_both_halves_of_the_corpus_are_asked_about(self):
        halves = Counter(row["cluster"].partition("/")[0] for row in ANSWERABLE)
        assert set(halves) == {"topics", "modules"}
        assert min(halves.values()) >= 0.4 * len(ANSWERABLE)

    def test_many_documents_are_asked_about(self):
        assert len({source for _, source, _ in EVIDENCE}) >= 50

    def test_each_kind_has_enough_rows_to_be_looked_at(self):
        kinds = Counter(row["slice_kind"] for row in QUESTIONS)
        assert set(kinds) == {"lexical", "paraphrase", "multi", "unanswerable"}
        assert min(kinds.values()) >= 10

    def test_neither_yes_nor_no_is_a_good_guess(self):
        first_words = [words(row["reference"])[0] for row in ANSWERABLE]
        yes, no = first_words.count("yes"), first_words.count("no")
        assert 0.4 <= yes / (yes + no) <= 0.6

    def test_the_data_card_tells_the_number_of_rows(self):
        assert f"`python_library_questions.jsonl` | {len(QUESTIONS)} |" in (DATASETS / "README.md").read_text("utf-8")

    def test_the_first_rows_are_a_sample_of_all(self):
        first = QUESTIONS[: len(QUESTIONS) // 2]
        share = sum(row["slice_answerable"] == "no" for row in first) / len(first)
        assert 0.1 < share < 0.3


class TestRows:
    def test_questions_and_references_are_written_out(self):
        assert not [row["id"] for row in QUESTIONS if not re.fullmatch(r"[A-Za-z0-9\"'\[{(].*\?", row["question"])]
        assert not [row["id"] for row in QUESTIONS if not row["reference"].strip()]

    def test_clusters_are_documents(self):
        """That of the first evidence, or the one that an unanswerable question is nearest to."""
        assert {row["cluster"] for row in QUESTIONS} <= {document.source for document in documents()}
        assert all(row["cluster"] == row["evidence"][0]["source"] for row in ANSWERABLE)

    def test_kinds_are_what_the_words_say(self):
        kinds = {row["id"]: row["slice_kind"] for row in ANSWERABLE}
        assert kinds == {row["id"]: kind(row) for row in ANSWERABLE}

    def test_what_is_unanswerable_has_no_evidence_and_is_declined(self):
        assert all(row["evidence"] == [] and row["reference"] == DECLINED for row in UNANSWERABLE)
        assert {row["slice_kind"] for row in UNANSWERABLE} == {"unanswerable"}

    def test_no_answerable_question_is_declined(self):
        assert not [row["id"] for row in ANSWERABLE if row["reference"] == DECLINED]

    def test_ids_are_unique_and_kebab_case(self):
        assert len({row["id"] for row in QUESTIONS}) == len(QUESTIONS)
        assert not [row["id"] for row in QUESTIONS if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", row["id"])]

    def test_no_question_stands_twice_nor_in_a_near_copy(self):
        """Not even in the questions of the older suite."""
        older = read("python_questions") + read("python_unanswerable")
        told = [(row["id"], frozenset(words(row["question"]))) for row in QUESTIONS + older]
        near = [(a, b) for (a, one), (b, other) in combinations(told, 2) if len(one & other) > 0.75 * len(one | other)]
        assert not near


class TestEvidence:
    def test_every_quote_stands_once_in_its_document(self):
        lost = [name for name, source, quote in EVIDENCE if span(source, quote) is None]
        assert len(lost) <= allowed(len(EVIDENCE)), lost

    def test_no_other_document_has_the_words(self):
        """Otherwise a retriever that finds them there would be called wrong."""
        texts = {document.source: " ".join(document.text.split()) for document in documents()}
        elsewhere = [
            (name, other)
            for name, source, quote in EVIDENCE
            for other, text in texts.items()
            if other != source and " ".join(quote.split()) in text
        ]
        assert len(elsewhere) <= allowed(len(EVIDENCE)), elsewhere

    def test_quotes_are_short(self):
        assert not [name for name, _, quote in EVIDENCE if not 20 <= len(quote) <= 250]

    def test_no_question_is_its_quote(self):
        asked = {row["id"]: set(words(row["question"])) for row in ANSWERABLE}
        assert not [name for name, _, quote in EVIDENCE if set(words(quote)) <= asked[name]]


class TestUnanswerable:
    def test_each_is_looked_up(self):
        assert set(ANSWERED_BY) == {row["id"] for row in UNANSWERABLE}

    def test_no_document_has_what_an_answer_would_need(self):
        texts = {document.source: " ".join(document.text.lower().split()) for document in documents()}
        answered = [
            (name, source)
            for name, (pattern, sources) in ANSWERED_BY.items()
            for source, text in texts.items()
            if re.match(sources, source) and re.search(pattern, text)
        ]
        assert len(answered) <= allowed(len(ANSWERED_BY)), answered
