"""Git: which commit the files are at, and whether it comes before another. Reads only."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from reconciler.findings import Failure
from reconciler.words import _

_SECONDS = 30


def head(folder: Path) -> str | None:
    """Return the commit that *folder* is at; None where it is not in git, or git is not there."""
    return _git(folder, "rev-parse", "--verify", "--quiet", "HEAD")


def went_back(folder: Path, commit: str, last: str) -> bool:
    """Whether *commit* is an ancestor of *last*; a shallow clone that cannot tell is a Failure."""
    if commit == last:
        return False
    if _git(folder, "cat-file", "-e", f"{last}^{{commit}}") is None:
        if _git(folder, "rev-parse", "--is-shallow-repository") == "true":
            raise Failure(
                "git",
                "shallow",
                problem=_("the clone is shallow, so nobody can tell whether {last} came before").format(last=last[:12]),
                remedy=_("fetch the whole history: git fetch --unshallow, or fetch-depth: 0 in the checkout step"),
            )
        return False
    return _git(folder, "merge-base", "--is-ancestor", commit, last) is not None


def _git(folder: Path, *arguments: str) -> str | None:
    """Return what git printed, or None where it said no."""
    command = ["git", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(  # noqa: S603  (no shell; the arguments are ours)
            command,
            capture_output=True,
            text=True,
            check=False,
            timeout=_SECONDS,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
