"""Git: the commit of the files, and whether it comes before the one last applied. Real repositories."""

import os
import subprocess
from pathlib import Path

import pytest

from reconciler import git
from reconciler.findings import Failure


def run(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def commit(folder: Path, text: str) -> str:
    (folder / "file").write_text(text, encoding="utf-8")
    run(folder, "add", "file")
    run(folder, "commit", "-qm", text)
    return run(folder, "rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    run(folder, "init", "-q", "-b", "main")
    return folder


def test_the_commit_is_told(repository: Path) -> None:
    assert git.head(repository) is None
    assert git.head(repository) != commit(repository, "one") == git.head(repository)


def test_outside_git_there_is_no_commit(tmp_path: Path) -> None:
    assert git.head(tmp_path) is None


def test_a_clone_that_git_will_not_read_is_a_failure_and_not_no_commit(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit(repository, "one")
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    with pytest.raises(Failure, match="dubious ownership") as caught:
        git.head(repository)
    assert "safe.directory" in caught.value.remedy


def test_a_clone_without_git_installed_is_a_failure_too(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(Failure, match="git does not answer"):
        git.head(repository)


def test_a_git_that_does_not_come_to_an_end_is_not_waited_for(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = tmp_path / "slow"
    slow.mkdir()
    (slow / "git").write_text("#!/bin/sh\nexec sleep 5\n", encoding="utf-8")
    (slow / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{slow}:{os.environ['PATH']}")
    monkeypatch.setattr(git, "_SECONDS", 0.2)
    with pytest.raises(Failure, match="git does not answer"):
        git.head(repository)


def test_only_an_ancestor_went_back(repository: Path) -> None:
    first, second = commit(repository, "one"), commit(repository, "two")
    assert git.went_back(repository, first, second)
    assert not git.went_back(repository, second, first)
    assert not git.went_back(repository, second, second)


def test_a_revert_is_a_new_commit_and_has_not_gone_back(repository: Path) -> None:
    commit(repository, "one")
    second = commit(repository, "two")
    run(repository, "revert", "--no-edit", "HEAD")
    assert not git.went_back(repository, run(repository, "rev-parse", "HEAD"), second)


def test_a_history_that_was_written_anew_has_not_gone_back(repository: Path) -> None:
    assert not git.went_back(repository, commit(repository, "one"), "1" * 40)


def test_a_shallow_clone_says_so(repository: Path, tmp_path: Path) -> None:
    first = commit(repository, "one")
    commit(repository, "two")
    run(tmp_path, "clone", "-q", "--depth=1", f"file://{repository}", "shallow")
    with pytest.raises(Failure, match="the clone is shallow") as caught:
        git.went_back(tmp_path / "shallow", run(tmp_path / "shallow", "rev-parse", "HEAD"), first)
    assert "fetch-depth: 0" in caught.value.remedy


def test_the_files_of_a_folder_are_read_as_they_were_without_checking_anything_out(repository: Path) -> None:
    folder = repository / "config" / "regions"
    (folder / "14-folder.yaml").mkdir(parents=True)
    (folder / "14-folder.yaml" / "kept").write_text("inside", encoding="utf-8")
    (folder / "14-å\n.yaml").write_bytes(b"one\n\xff\0 blob 3\n")
    (folder / "12-empty.yaml").write_bytes(b"")
    (folder / "13-link.yaml").symlink_to("12-empty.yaml")
    (folder / "10-big.yaml").write_bytes(b"x" * 101)
    (repository / "config" / "beside").write_text("not of this folder", encoding="utf-8")
    run(repository, "add", ".")
    run(repository, "commit", "-qm", "one")
    (folder / "14-å\n.yaml").write_text("edited since", encoding="utf-8")
    assert git.files_at(folder, "main", largest=100) == {
        "10-big.yaml": None,
        "12-empty.yaml": b"",
        "13-link.yaml": None,
        "14-folder.yaml": None,
        "14-å\n.yaml": b"one\n\xff\0 blob 3\n",
    }
    assert (folder / "14-å\n.yaml").read_text(encoding="utf-8") == "edited since"


def test_a_folder_that_was_not_there_had_no_files(repository: Path) -> None:
    first = commit(repository, "one")
    (repository / "config").mkdir()
    assert git.files_at(repository / "config", first, largest=100) == {}
    run(repository, "commit", "--allow-empty", "-qm", "two")


@pytest.mark.parametrize("revision", ["nowhere", "-rf", "--all", "HEAD:file", "", "main\n"])
def test_a_revision_that_is_not_there_is_wrong_usage(repository: Path, revision: str) -> None:
    commit(repository, "one")
    with pytest.raises(Failure, match="there is no revision") as caught:
        git.files_at(repository, revision, largest=100)
    assert (caught.value.exit, "such as origin/main" in caught.value.remedy) == (64, True)


def test_a_revision_that_a_shallow_clone_lacks_is_to_be_fetched(repository: Path, tmp_path: Path) -> None:
    first = commit(repository, "one")
    commit(repository, "two")
    run(tmp_path, "clone", "-q", "--depth=1", f"file://{repository}", "shallow")
    with pytest.raises(Failure, match="there is no revision") as caught:
        git.files_at(tmp_path / "shallow", first, largest=100)
    assert (caught.value.exit, "fetch-depth: 0" in caught.value.remedy) == (69, True)
