"""Git: which commit the files are at, and whether it comes before another. Reads only.

Where the files are in git, an answer that does not come is a failure: without it an old job looks like a new one.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from reconciler.findings import Failure
from reconciler.words import _

_SECONDS = 30
_NO = 1
"""How git says no; what it cannot do it says with another code."""


def head(folder: Path) -> str | None:
    """Return the commit that *folder* is at; None where it is not in git, or nothing is committed yet."""
    return _git(folder, "rev-parse", "--verify", "--quiet", "HEAD") if _is_in_git(folder) else None


def went_back(folder: Path, commit: str, last: str) -> bool:
    """Whether *commit* is an ancestor of *last*; a shallow clone that cannot tell is a Failure."""
    if commit == last:
        return False
    if _git(folder, "rev-list", "--max-count=1", "--ignore-missing", last) != last:
        if _git(folder, "rev-parse", "--is-shallow-repository") == "true":
            raise Failure(
                "git",
                "shallow",
                problem=_("the clone is shallow, so nobody can tell whether {last} came before").format(last=last[:12]),
                remedy=_("fetch the whole history: git fetch --unshallow, or fetch-depth: 0 in the checkout step"),
            )
        return False
    return _git(folder, "merge-base", "--is-ancestor", commit, last) is not None


def _is_in_git(folder: Path) -> bool:
    """Whether *folder* lies in a checkout, as git would find it, git being there or not."""
    whole = folder.resolve()
    return "GIT_DIR" in os.environ or any((above / ".git").exists() for above in (whole, *whole.parents))


def _git(folder: Path, *arguments: str) -> str | None:
    """Return what git printed, or None where it said no; a Failure where it did not answer."""
    command = ["git", "-C", str(folder), *arguments]
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
    try:
        done = subprocess.run(  # noqa: S603  (no shell; the arguments are ours)
            command, capture_output=True, text=True, check=False, timeout=_SECONDS, env=environment
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _failure(error) from error
    if done.returncode in (0, _NO):
        return done.stdout.strip() if done.returncode == 0 else None
    raise _failure(done.stderr.strip().partition("\n")[0])


def _failure(reason: object) -> Failure:
    return Failure(
        "git",
        "unanswered",
        problem=_("git does not answer: {reason}").format(reason=reason),
        remedy=_("see that git is installed, and that whoever runs this may read the clone (safe.directory)"),
    )
