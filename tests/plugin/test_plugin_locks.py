"""Manifests, splits and locks as a run meets them."""

from __future__ import annotations

import pytest
from inner import Project, outcomes

from pytest_genaiops import dataset

MAILS = """\
qid,mail,kind,rules,part
1,Where is it?,delivery,delivery,test
2,Money back!,refund,delivery,test
3,Hi,x,x,train
"""
MANIFEST = "columns: {id: qid, label: kind, responses: {rules: rules}}\nslices: [kind]\nsplits: part\nversion: 2\n"
SUITE = """
    import pytest

    @pytest.mark.genaiops(dataset="{dataset}")
    def test_mails(responses, classification):
        assert classification(responses).accuracy == 0.5

    def test_other():
        pass
"""


@pytest.fixture
def mails(project: Project) -> Project:
    (project.path / "conftest.py").unlink()  # answers are recorded
    project.write("datasets/mails.csv", MAILS)
    project.write("datasets/mails.yaml", MANIFEST)
    return project


def lock(project: Project, name: str) -> None:
    dataset.write_lock(dataset.locate(name, root=project.path))


def test_a_file_under_a_manifest_runs_unchanged(mails: Project) -> None:
    mails.suite(SUITE, dataset="mails:test")
    lock(mails, "mails:test")
    result = mails.run("-v")
    assert outcomes(result) == {"test_mails[rules]": "PASSED", "test_other": "PASSED"}
    result.stdout.fnmatch_lines(["*mails:test version 2, 2 cases*"])


def test_a_split_has_to_be_named(mails: Project) -> None:
    mails.suite(SUITE, dataset="mails")
    result = mails.run()
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*datasets/mails.yaml: the dataset has the splits 'test', 'train'; name one*"])


@pytest.mark.parametrize("workers", [[], ["-p", "xdist", "-n", "2"]], ids=["alone", "two workers"])
def test_a_changed_dataset_cannot_pass_unseen(mails: Project, workers: list[str]) -> None:
    mails.suite(SUITE, dataset="mails:test")
    lock(mails, "mails:test")
    mails.write("datasets/mails.csv", MAILS.replace("Money back!", "I want my money back!"))
    result = mails.run_apart(*workers) if workers else mails.run()
    assert result.ret != 0
    result.stdout.fnmatch_lines(
        ["*datasets/mails.csv: the rows are not those of datasets/mails.test.lock: 1 edited ('2'); *"]
    )


def test_a_lock_edited_by_hand_is_refused(mails: Project) -> None:
    mails.suite(SUITE, dataset="mails:test")
    lock(mails, "mails:test")
    path = mails.path / "datasets" / "mails.test.lock"
    path.write_text(path.read_text().replace(' "2"', ' "4"'))
    result = mails.run()
    assert result.ret != 0
    result.stdout.fnmatch_lines(["*datasets/mails.test.lock: the lock was edited by hand*`genaiops lock mails:test`*"])
