"""A review of a pull request, as GitHub's API takes it: what it means as its text, and each fix on its line.

A comment with a suggestion is put in place by one click, where a workflow command can only be read. GitHub refuses a
review of which one comment is on a line that the pull request does not show; those are left out before.
"""

from __future__ import annotations

from posixpath import normpath
from typing import Any

from reconciler.report import escapes
from reconciler.report.excerpt import NOWHERE, Places
from reconciler.report.json import dump
from reconciler.report.markdown import markdown

Document = dict[str, Any]


def github_review(document: Document, places: Places = NOWHERE) -> str:
    """Return the body for `POST /repos/{owner}/{repo}/pulls/{number}/reviews`; it neither approves nor refuses."""
    comments = [_comment(fix, document["folder"]) for fix in document["fixes"]]
    return dump({"event": "COMMENT", "body": markdown(document, places), "comments": comments})


def _comment(fix: Document, folder: str) -> Document:
    fence = escapes.fence(fix["text"])
    said = "\n".join(map(escapes.markdown, fix["problems"]))
    body = f"{said}\n\n{fence}suggestion\n{fix['text']}\n{fence}\n"
    return {"path": normpath(folder + fix["path"]), "line": fix["line"], "side": "RIGHT", "body": body}
