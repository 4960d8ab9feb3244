"""The command for pull requests: what one means, and who may do that."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.formats import REVIEW, Output, formats_option, tell
from reconciler.cli.shared import now, settings_of, strict_option
from reconciler.findings import Exit
from reconciler.words import mark

if TYPE_CHECKING:
    from reconciler.review import People


@click.command()
@click.option("--base", metavar="REV", required=True, help=mark("The git revision that it is to be merged into."))
@click.option("--live", is_flag=True, help=mark("Ask register and routes as well: names, and whether a move is shown."))
@click.option("--author", metavar="NAME", help=mark("Who wrote it; in a job of GitHub or GitLab, the job knows."))
@click.option(
    "--approved-by",
    "approved",
    multiple=True,
    metavar="NAME",
    help=mark(
        "Who has approved it; can be repeated. Else RECONCILER_APPROVED_BY, names with blanks or commas between."
    ),
)
@strict_option()
@formats_option(REVIEW)
@click.option("--all", "everything", is_flag=True, help=mark("List every part, however many."))
@click.pass_context
def review(
    context: click.Context,
    base: str,
    live: bool,
    author: str | None,
    approved: tuple[str, ...],
    strict: bool,
    outputs: tuple[Output, ...],
    everything: bool,
) -> Exit:
    """Tell what a pull request means, beside its text: which clinics, boards, approvals; who may do that.

    And whether it changes any outcome at all. What is wrong with the files is told as validate --base tells it.
    """
    from reconciler import review as reviews
    from reconciler.results import strictly

    people = _people(os.environ, author, approved)
    result = reviews.review(settings_of(context), now(), base, people, live=live)
    tell(outputs, "review", result, result.findings, everything=everything)
    return Exit.first(result.exit, strictly(result.findings)) if strict else result.exit


def _people(environ: Mapping[str, str], author: str | None, approved: tuple[str, ...]) -> People:
    """Return who wrote and approved it: flags before our own variables before what the job knows."""
    from reconciler.review import People

    event = _event(environ)
    known = (environ.get(name) for name in ("GITHUB_ACTOR", "GITLAB_USER_LOGIN"))
    wrote = next((name for name in (author, environ.get("RECONCILER_AUTHOR"), event.author, *known) if name), None)
    names = approved or tuple(re.split(r"[\s,]+", environ.get("RECONCILER_APPROVED_BY", "").strip()))
    return People(wrote, tuple(sorted({name for name in (*names, *event.approved_by) if name})))


def _event(environ: Mapping[str, str]) -> People:
    """Return what GitHub says of the pull request that a job is about; an approval counts for its own commit."""
    import json

    from reconciler.review import People

    try:
        told: Any = json.loads(Path(environ.get("GITHUB_EVENT_PATH", "")).read_text(encoding="utf-8"))
        request, given = told["pull_request"], told.get("review") or {}
        counts = given.get("state") == "approved" and given.get("commit_id") == request["head"]["sha"]
        return People(request["user"]["login"], (given["user"]["login"],) if counts else ())
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return People()
