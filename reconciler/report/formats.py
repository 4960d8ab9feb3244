"""The formats by name: which function makes a document into which text."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from typing import Any

from reconciler.report import json, text
from reconciler.report.excerpt import Places
from reconciler.report.github import github
from reconciler.report.github_review import github_review
from reconciler.report.gitlab import gitlab
from reconciler.report.junit import junit
from reconciler.report.markdown import markdown
from reconciler.report.sarif import sarif

Document = dict[str, Any]

_MAKERS: dict[str, Callable[[Document, Places], str]] = {
    "json": lambda document, _places: json.dump(document),
    "markdown": markdown,
    "github": github,
    "github-review": github_review,
    "sarif": sarif,
    "gitlab": gitlab,
    "junit": junit,
}


def made(form: str, name: str, document: Document, places: Places, **options: Any) -> str:
    """Return the *document* of the command *name* in the format *form*; *options* are for text."""
    if form != "text":
        return _MAKERS[form](document, places)
    stream = StringIO()
    getattr(text, name)(document, text.console(stream), places=places, **options)
    return stream.getvalue()
