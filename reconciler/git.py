"""Git: which commit the files are at, and whether it comes before another. Only `commit_on` writes, on a branch.

Where the files are in git, an answer that does not come is a failure: without it an old job looks like a new one.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from reconciler.findings import Exit, Failure
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
            raise _shallow(
                _("the clone is shallow, so nobody can tell whether {last} came before").format(last=last[:12])
            )
        return False
    return _git(folder, "merge-base", "--is-ancestor", commit, last) is not None


class Author(NamedTuple):
    """Who wrote or deleted a line: the name that git has, in which commit, and when (seconds since 1970)."""

    name: str
    commit: str
    time: int


def who_wrote(folder: Path, commit: str, name: str, line: int) -> Author | None:
    """Return who wrote a line (1-based) of the file *name* in *folder*, as it stood at *commit*."""
    lines = _blamed(folder, commit, name)
    return lines[line - 1] if 0 < line <= len(lines) else None


@lru_cache(maxsize=64)
def _blamed(folder: Path, commit: str, name: str) -> tuple[Author, ...]:
    authors, found, whole = [], {"name": "", "time": "0"}, ""
    for text in (_git(folder, "blame", "--line-porcelain", commit, "--", name) or "").split("\n"):
        if text.startswith("\t"):
            authors.append(Author(found["name"], whole, int(found["time"])))
        elif re.match("[0-9a-f]{40} ", text):
            whole = text[:40]
        elif text.startswith(("author ", "author-time ")):
            key, _blank, value = text.partition(" ")
            found["name" if key == "author" else "time"] = value
    return tuple(authors)


def who_removed(folder: Path, commit: str, name: str, text: str) -> Author | None:
    """Return who last took *text* away from the file *name* (or put it there), looking back from *commit*."""
    told = _git(folder, "log", "-1", "--format=%an%x00%H%x00%at", f"-S{text}", commit, "--", name)
    if not told:
        return None
    author, whole, time = told.split("\0")
    return Author(author, whole, int(time))


def _is_in_git(folder: Path) -> bool:
    """Whether *folder* lies in a checkout, as git would find it, git being there or not."""
    whole = folder.resolve()
    return "GIT_DIR" in os.environ or any((above / ".git").exists() for above in (whole, *whole.parents))


def files_at(folder: Path, revision: str, largest: int) -> dict[str, bytes | None]:
    """Return what stood in *folder* at *revision*, by name; None is what is no plain file of at most *largest* bytes.

    Nothing is checked out, and all is asked at once. A revision that is not there is a Failure.
    """
    commit = _commit(folder, revision)
    entries = [_entry(line) for line in (_printed(folder, "ls-tree", "-l", "-z", commit) or b"").split(b"\0") if line]
    plain = [(name, blob) for name, blob, size in entries if size is not None and size <= largest]
    asked = "".join(f"{blob}\n" for _name, blob in plain).encode()
    texts = _texts(_printed(folder, "cat-file", "--batch", given=asked) or b"") if plain else []
    return {name: None for name, _blob, _size in entries} | {
        name: text for (name, _blob), text in zip(plain, texts, strict=True)
    }


def _commit(folder: Path, revision: str) -> str:
    if not _is_in_git(folder):
        raise Failure(
            "git",
            "not-in-git",
            problem=_("the region files are not in git, so there is no revision {revision}").format(revision=revision),
            remedy=_("leave --base out, or run the command in a clone"),
            exit=Exit.USAGE,
        )
    commit = _git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if commit is not None:
        return commit
    shallow = _git(folder, "rev-parse", "--is-shallow-repository") == "true"
    raise Failure(
        "git",
        "no-revision",
        problem=_("there is no revision {revision} in this clone").format(revision=revision),
        remedy=_whole_history() if shallow else _("name a branch, tag or commit that is there, such as origin/main"),
        exit=Exit.UNANSWERED if shallow else Exit.USAGE,
    )


def _entry(line: bytes) -> tuple[str, str, int | None]:
    """Take a line of ls-tree apart: name, blob, and the size of what is a plain file."""
    about, _tab, name = line.partition(b"\t")
    mode, _kind, blob, size = about.decode().split()
    return os.fsdecode(name), blob, int(size) if mode.startswith("100") else None


def _texts(answer: bytes) -> list[bytes]:
    """Take apart what cat-file gave: a line that ends with the size, the text, and a line break, each time."""
    texts, start = [], 0
    while start < len(answer):
        end = answer.index(b"\n", start)
        size = int(answer[start:end].split()[-1])
        texts.append(answer[end + 1 : end + 1 + size])
        start = end + size + 2
    return texts


def commit_on(folder: Path, branch: str, files: Mapping[Path, bytes], message: str) -> str:
    """Commit *files* upon HEAD on *branch*, made or put there anew, with nothing checked out; return the commit.

    A branch whose last commit has another subject than *message* is somebody's own, and is a Failure.
    """
    subject, reference = message.partition("\n")[0], f"refs/heads/{branch}"
    there = _git(folder, "log", "-1", "--format=%s", reference, "--") if _has(folder, reference) else None
    if there not in (None, subject) or _git(folder, "symbolic-ref", "--quiet", "HEAD") == reference:
        raise _branch_taken(branch, there)
    if _must(folder, "status", "--porcelain", "--", *(os.path.abspath(path) for path in files)):
        raise _failure(_("the files have changes that are not committed"))
    top = Path(_must(folder, "rev-parse", "--show-toplevel"))
    with tempfile.TemporaryDirectory() as beside:
        index = {"GIT_INDEX_FILE": str(Path(beside) / "index")}
        _must(folder, "read-tree", "HEAD", extra=index)
        for path, content in files.items():
            blob = _must(folder, "hash-object", "-w", "--stdin", given=content)
            name = os.path.realpath(path.parent) / Path(path.name)
            _must(top, "update-index", "--add", "--cacheinfo", f"100644,{blob},{name.relative_to(top)}", extra=index)
        tree = _must(folder, "write-tree", extra=index)
    commit = _must(folder, "commit-tree", tree, "-p", "HEAD", given=message.encode())
    _must(folder, "update-ref", "-m", subject, reference, commit)
    return commit


def _has(folder: Path, reference: str) -> bool:
    return _git(folder, "rev-parse", "--verify", "--quiet", reference) is not None


def _branch_taken(branch: str, subject: str | None) -> Failure:
    what = _("its last commit is {subject}").format(subject=subject) if subject else _("it is checked out")
    return Failure(
        "git",
        "branch-taken",
        problem=_("the branch {branch} is somebody's own: {what}").format(branch=branch, what=what),
        remedy=_("use another name"),
        exit=Exit.USAGE,
    )


# ---- what has changed since a revision


def base_of(folder: Path, revision: str) -> tuple[str, str]:
    """Return the commit of *revision*, and where HEAD left it; a shallow clone that cannot tell is a Failure."""
    commit = _commit(folder, revision)
    since = _git(folder, "merge-base", commit, "HEAD")
    if since is None and _git(folder, "rev-parse", "--is-shallow-repository") == "true":
        problem = _("the clone is shallow, so nobody can tell where {revision} was left")
        raise _shallow(problem.format(revision=revision))
    return commit, since or commit


def changed_since(folder: Path, commit: str) -> list[Path]:
    """Return the files of the whole clone that are otherwise than at *commit*; not those that git does not know."""
    top = Path(_must(folder, "rev-parse", "--show-toplevel"))
    printed = _printed(folder, "diff", *_PLAIN, "--name-only", "-z", commit, "--", ":/") or b""
    return [top / os.fsdecode(name) for name in printed.split(b"\0") if name]


def prefix(folder: Path) -> str:
    """Return what leads from the root of the clone to *folder*: nothing, or a path that ends with a slash."""
    return _must(folder, "rev-parse", "--show-prefix")


def lines_shown(path: Path, base: str, since: str) -> set[int]:
    """Return the lines of a file, 1-based, that a pull request shows: those changed *since*, and three around each.

    A job may be at the commit that would merge it into *base*: of a file that is another one there, none can be told.
    """
    if _git(path.parent, "rev-parse", "--verify", "--quiet", "HEAD^1") == base and _has(path.parent, "HEAD^2"):
        same = _printed(path.parent, "diff", *_PLAIN, "--name-only", "HEAD^2", "--", f"./{path.name}") == b""
        if not same:
            return set()
    printed = (
        _printed(path.parent, "diff", *_PLAIN, "--unified=3", "--inter-hunk-context=0", since, "--", f"./{path.name}")
        or b""
    )
    hunks = re.findall(rb"^@@ -[0-9,]+ \+([0-9]+)(?:,([0-9]+))? @@", printed, re.MULTILINE)
    return {number for first, count in hunks for number in range(int(first), int(first) + int(count or 1))}


def commits_about(folder: Path, commit: str, pattern: str) -> list[str]:
    """Return the commits up to *commit* that added or removed a line like *pattern* (extended regular expression).

    A shallow clone that cannot tell is a Failure.
    """
    if _git(folder, "rev-parse", "--is-shallow-repository") == "true":
        raise _shallow(_("the clone is shallow, so nobody can tell which boards there were before"))
    found = _must(folder, "log", *_EVERY, "--format=%H", f"-G{pattern}", *_PLAIN, commit, "--", ".")
    return list(dict.fromkeys(found.split()))


_EVERY = ("--full-history", "-m", "--no-show-signature")
"""What lets a log tell of merges and of branches of which nothing is left, and of commits alone."""

_PLAIN = ("--no-renames", "--no-ext-diff", "--no-textconv", "--no-color", "--text")
"""What keeps the settings of a clone, and the attributes of its files, out of a difference."""


# ---- how it is asked


def _must(folder: Path, *arguments: str, given: bytes = b"", extra: Mapping[str, str] | None = None) -> str:
    """Return what git printed; that it says no is a Failure as well."""
    printed = _printed(folder, *arguments, given=given, extra=extra)
    if printed is None:
        raise _failure(" ".join(arguments[:1]))
    return os.fsdecode(printed).strip()


def _git(folder: Path, *arguments: str) -> str | None:
    """Return what git printed, or None where it said no; a Failure where it did not answer."""
    printed = _printed(folder, *arguments)
    return None if printed is None else os.fsdecode(printed).strip()


def _printed(folder: Path, *arguments: str, given: bytes = b"", extra: Mapping[str, str] | None = None) -> bytes | None:
    command = ["git", "-C", str(folder), *arguments]
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C", **(extra or {})}
    try:
        done = subprocess.run(  # noqa: S603  (no shell; the arguments are ours)
            command, input=given, capture_output=True, check=False, timeout=_SECONDS, env=environment
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _failure(error) from error
    if done.returncode in (0, _NO):
        return done.stdout if done.returncode == 0 else None
    raise _failure(os.fsdecode(done.stderr).strip().partition("\n")[0])


def _failure(reason: object) -> Failure:
    return Failure(
        "git",
        "unanswered",
        problem=_("git does not answer: {reason}").format(reason=reason),
        remedy=_("see that git is installed, and that whoever runs this may read the clone (safe.directory)"),
    )


def _shallow(problem: str) -> Failure:
    return Failure("git", "shallow", problem=problem, remedy=_whole_history())


def _whole_history() -> str:
    return _("fetch the whole history: git fetch --unshallow, or fetch-depth: 0 in the checkout step")
