"""The hook, as pre-commit itself runs it in the repository that holds the region files."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
FILE = Path("config/regions/14-vastra-gotaland.yaml")


def ran(*command: str | Path) -> subprocess.CompletedProcess[str]:
    # The names of GIT_… are those of a repository that this very test may be run for.
    environ = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environ |= {"PATH": f"{BIN}:{environ['PATH']}", "PRE_COMMIT_HOME": str(Path.cwd() / ".cache")}
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False)


def git(*arguments: str) -> None:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    done = ran("git", *identity, *arguments)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with region files and our hooks; they run in this environment, so that none has to be built."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "config", "config")
    shutil.copy(ROOT / "reconciler.toml", ".")
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    local = {"repos": [{"repo": "local", "hooks": [hook | {"language": "system"} for hook in hooks]}]}
    Path(".pre-commit-config.yaml").write_text(yaml.safe_dump(local), encoding="utf-8")
    git("init", "-q")
    git("add", "config", "reconciler.toml", ".pre-commit-config.yaml")
    git("commit", "-qm", "one")
    return tmp_path


def test_the_hooks_are_such_as_pre_commit_knows(files: Path) -> None:
    done = ran(BIN / "pre-commit", "validate-manifest", ROOT / ".pre-commit-hooks.yaml")
    assert (done.returncode, done.stdout) == (0, "")


def test_a_commit_with_a_fault_is_stopped_and_the_fault_is_told(files: Path) -> None:
    FILE.write_text(FILE.read_text(encoding="utf-8").replace("name: Västra", "name: Östra", 1), encoding="utf-8")
    git("add", str(FILE))
    done = ran(BIN / "pre-commit", "run")
    assert done.returncode == 1
    assert f"{FILE}:7:7: error: region 14 is called Västra Götalandsregionen" in done.stdout


def test_a_good_commit_passes_and_other_files_are_none_of_its_business(files: Path) -> None:
    with FILE.open("a", encoding="utf-8") as file:
        file.write("# a word\n")
    git("add", str(FILE))
    assert "Passed" in ran(BIN / "pre-commit", "run").stdout
    git("commit", "-qm", "two")
    Path("notes.txt").write_text("a\n", encoding="utf-8")
    git("add", "notes.txt")
    assert "Skipped" in ran(BIN / "pre-commit", "run").stdout
