"""Keeps one text up to date on GitHub: a comment, an issue, a pull request. What it finds by its marker it rewrites.

`kept.py comment FILE…`: on the pull request or issue that the job is about, one comment of all the files.
`kept.py ticket CODE FILE`: one open issue of what a run left out; a run that left nothing out (0) closes it.
`kept.py proposal BRANCH [FILE]`: one open pull request from the branch; without a file it is closed.
`kept.py suggestions FILE`: a review with the fixes of `--format github-review`, those that are not there already.
`kept.py approvals`: prints who has approved the pull request as it is now, and has not taken that back.

All else comes from the environment of a job. A `.md` file is taken as it is, any other as text that nothing obeys.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import urllib3

from reconciler.report.escapes import escape, fence
from reconciler.report.markdown import cut
from reconciler.words import speak

MARKER = "<!-- reconciler -->"
LONGEST = 64_000
"""Characters; GitHub refuses a text of more than 65,536."""

_FENCES = re.compile("^::(?:stop-commands::)?[0-9a-f]{64}(?:::)?\n", re.MULTILINE)
"""What keeps the log of a job from obeying what is said."""

TICKETS = {
    "3": "Jobbet lämnade någon region eller mottagning utanför (3)",
    "4": "En nationell spärr stoppade jobbet (4)",
}
_HTTP = urllib3.PoolManager(retries=urllib3.Retry(3, backoff_factor=1, status_forcelist=(502, 503, 504)))


class RefusedError(Exception):
    """GitHub does not let this job do that, as to write in the job of a fork, or on a line that it does not show."""


def ask(method: str, path: str, body: Any = None) -> Any:
    """Ask GitHub's API about the repository of the job."""
    address = f"{os.environ['GITHUB_API_URL']}/repos/{os.environ['GITHUB_REPOSITORY']}/{path}"
    headers = {"Accept": "application/vnd.github+json", "Authorization": f"Bearer {os.environ['TOKEN']}"}
    answer = _HTTP.request(method, address, json=body, headers=headers, timeout=30)
    if answer.status in (403, 404, 422):
        raise RefusedError(f"{method} {path}: {answer.status} {answer.json().get('message', '')}")
    if answer.status >= 400:
        sys.exit(f"{method} {path}: {answer.status} {answer.data.decode(errors='replace')[:500]}")
    return answer.json()


def listed(path: str) -> Iterator[Any]:
    """Yield all of a list, page after page."""
    for page in count(1):
        some = ask("GET", f"{path}{'&' if '?' in path else '?'}per_page=100&page={page}")
        yield from some
        if len(some) < 100:
            return


def found(path: str) -> Any:
    """Return the first of a list that carries the marker and was written by a program, or None."""
    ours = (one for one in listed(path) if (one["body"] or "").startswith(MARKER) and one["user"]["type"] == "Bot")
    return next(ours, None)


def text_of(files: list[str]) -> str:
    """Return what the files say, under one marker, with room for each."""
    parts = [_part(Path(file), LONGEST // len(files) - 100) for file in files]
    return "\n\n".join([MARKER, *parts])


def _part(file: Path, room: int) -> str:
    said = _FENCES.sub("", file.read_text(encoding="utf-8", errors="replace"))
    if file.suffix == ".md":
        return cut(said, room).rstrip()
    plain = "\n".join(map(escape, said.split("\n"))).strip()
    return cut(f"{fence(plain)}\n{plain}\n{fence(plain)}", room).rstrip()


def about() -> Any:
    """Return the pull request or issue that the job is about."""
    event = json.loads(Path(os.environ["GITHUB_EVENT_PATH"]).read_text(encoding="utf-8"))
    return event.get("pull_request") or event["issue"]


def comment(*files: str) -> None:
    """Write the comment, or rewrite it."""
    number = about()["number"]
    there = found(f"issues/{number}/comments")
    if there:
        ask("PATCH", f"issues/comments/{there['id']}", {"body": text_of([*files])})
    else:
        ask("POST", f"issues/{number}/comments", {"body": text_of([*files])})


def ticket(code: str, *files: str) -> None:
    """Open an issue once, keep what it says up to date, close it when a run has left nothing out."""
    there = found("issues?state=open")
    if code in TICKETS:
        said = {"title": TICKETS[code], "body": text_of([*files])}
        ask("PATCH" if there else "POST", f"issues/{there['number']}" if there else "issues", said)
    elif there and code == "0":
        ask("PATCH", f"issues/{there['number']}", {"state": "closed", "state_reason": "completed"})


def proposal(branch: str, *files: str) -> None:
    """Open a pull request once, keep what it says up to date, close it when there is nothing to propose."""
    owner = os.environ["GITHUB_REPOSITORY"].partition("/")[0]
    open_now = ask("GET", f"pulls?state=open&head={owner}:{branch}")
    if not files:
        for one in open_now:
            ask("PATCH", f"pulls/{one['number']}", {"state": "closed"})
        return
    closes = f"\n\nCloses #{os.environ['CLOSES']}" if os.environ.get("CLOSES") else ""
    said = {"title": os.environ["TITLE"], "body": text_of([*files]) + closes}
    if open_now:
        ask("PATCH", f"pulls/{open_now[0]['number']}", said)
    else:
        ask("POST", "pulls", said | {"head": branch, "base": os.environ["GITHUB_REF_NAME"]})


def suggestions(file: str) -> None:
    """Offer each fix on its line, once."""
    number = about()["number"]
    there = {_comment(one) for one in listed(f"pulls/{number}/comments")}
    new = [one for one in json.loads(Path(file).read_text(encoding="utf-8"))["comments"] if _comment(one) not in there]
    if new:
        said = {"event": "COMMENT", "body": "Förslag till rättelser: ett klick för in dem.", "comments": new}
        ask("POST", f"pulls/{number}/reviews", said)


def _comment(one: Any) -> tuple[str, int | None, str]:
    return one["path"], one["line"], one["body"].strip()


def approvals() -> None:
    """Print the names of those whose last word on what is there now is yes."""
    request, said = about(), {}
    for one in listed(f"pulls/{request['number']}/reviews"):
        if one["user"] and one["state"] in ("APPROVED", "CHANGES_REQUESTED", "DISMISSED"):
            said[one["user"]["login"]] = one["state"] == "APPROVED" and one["commit_id"] == request["head"]["sha"]
    print(" ".join(sorted(name for name, approves in said.items() if approves)))


DOES = {one.__name__: one for one in (comment, ticket, proposal, suggestions, approvals)}

if __name__ == "__main__":
    speak(os.environ.get("RECONCILER_LANG", "sv"))
    try:
        DOES[sys.argv[1]](*sys.argv[2:])
    except RefusedError as refusal:
        print(f"::warning title=reconciler::jobbet får inte det hos GitHub: {refusal}", file=sys.stderr)
