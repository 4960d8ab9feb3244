"""The commands that edit region files: a diff, and `--write` does it; only `fmt` writes at once."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.shared import check_codes, format_option, now, say, settings_of, talk, tell_empty
from reconciler.findings import reason_of
from reconciler.words import _, mark

if TYPE_CHECKING:
    from reconciler.drafting.draft import Draft
    from reconciler.findings import Exit
    from reconciler.model import Settings

FILE = click.Path(path_type=Path)


def _write_option() -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    return click.option("--write", is_flag=True, help=mark("Do it: write the files, all or none of them."))


def _say(draft: Draft, form: str, *, diffs: bool) -> None:
    from reconciler.report.excerpt import places_of

    options: dict[str, Any] = {"diffs": diffs, "places": places_of(draft.findings)}
    say(form, "draft", draft, **({} if form == "json" else options))


def _shown(draft: Draft, form: str, *, diffs: bool = True) -> Exit:
    _say(draft, form, diffs=diffs)
    if form == "text" and diffs and draft.rewrites and not draft.written and not draft.failures:
        talk(_("nothing is written: a row above cannot be taken") if draft.has_errors else _("--write does it"))
    return draft.exit


@click.command()
@click.argument("files", nargs=-1, type=FILE, metavar="[FILE]…")
@click.option("--check", is_flag=True, help=mark("Write nothing; exit 1 where a file is not in the one form."))
@click.option("--diff", is_flag=True, help=mark("Write nothing; show what would change."))
@click.option("--names", is_flag=True, help=mark("Bring the names up to the register's."))
@format_option()
@click.pass_context
def fmt(context: click.Context, files: tuple[Path, ...], check: bool, diff: bool, names: bool, form: str) -> Exit:
    """Put region files in their one form: keys and clinics in order, comments with their lines. The meaning stays."""
    from dataclasses import replace

    from reconciler.drafting import form as forms

    draft = forms.fmt(settings_of(context), files, names=names, now=now())
    draft = replace(draft, fails_on_change=check) if check or diff else draft.put(partly=True)
    _say(draft, form, diffs=diff)
    if check and not diff and form == "text":
        for one in draft.rewrites:
            talk(_("{path} is not in the one form; reconciler fmt puts it so").format(path=one.path))
    return draft.exit


@click.command()
@click.argument("code", metavar="NN")
@_write_option()
@format_option()
@click.pass_context
def new(context: click.Context, code: str, write: bool, form: str) -> Exit:
    """Make a region's first file: no board, no clinics."""
    from reconciler.drafting import form as forms

    settings = settings_of(context)
    check_codes((code,), settings, "NN")
    draft = forms.new(settings, code)
    return _shown(draft.put() if write else draft, form)


@click.command("import")
@click.argument("file", metavar="FILE", type=click.Path(allow_dash=True, path_type=Path))
@click.option("--region", metavar="NN", help=mark("The region whose file is changed."))
@click.option("--remove", is_flag=True, help=mark("Take the clinics of the list out instead."))
@click.option("--replace", is_flag=True, help=mark("Make the list the region's whole: others are taken out."))
@click.option(
    "--from-issue-form", is_flag=True, help=mark("FILE is the body of an issue form, which says all of this.")
)
@_write_option()
@format_option()
@click.pass_context
def import_(
    context: click.Context,
    file: Path,
    region: str | None,
    remove: bool,
    replace: bool,
    from_issue_form: bool,
    write: bool,
    form: str,
) -> Exit:
    """Take a list of clinics into a region's file: txt or csv, as it comes; - is standard input.

    Names come from the register. A row that cannot be taken is told, and then nothing is written; of an issue form the
    good rows are.
    """
    from reconciler.drafting import imports

    if remove and replace:
        raise click.UsageError(_("--remove and --replace are two things: use one"))
    if from_issue_form == bool(region or remove or replace):
        raise click.UsageError(_("say --region, or --from-issue-form, which says it itself"))
    settings, content = settings_of(context), _content(file)
    if region is None:
        draft = imports.import_form(settings, now(), str(file), content)
    else:
        check_codes((region,), settings)
        mode = imports.Mode.REMOVE if remove else imports.Mode.REPLACE if replace else imports.Mode.ADD
        draft = imports.import_list(settings, now(), str(file), content, region, mode)
    return _shown(draft.put(partly=from_issue_form) if write else draft, form)


def _content(file: Path) -> bytes:
    try:
        return sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        problem = _("{path} cannot be read: {reason}").format(path=file, reason=reason_of(error))
        raise click.BadParameter(problem, param_hint=_("FILE")) from error


@click.command()
@_write_option()
@click.option(
    "--branch", metavar="NAME", help=mark("Commit it on this branch, which is made or updated; no file here changes.")
)
@format_option()
@click.pass_context
def follow(context: click.Context, write: bool, branch: str | None, form: str) -> Exit:
    """Move the lines of clinics that the e-services have moved, with their comments, and bring names up to date.

    Clinics that are gone or inactive are listed, and stay.
    """
    from reconciler.drafting import follow as follows

    settings = settings_of(context)
    planned = follows.planned(settings, now())
    if planned.empty_database:
        talk(_("there is no database at {url}: what the files declare counts").format(url=planned.empty_database))
        planned = follows.as_declared(planned, settings)
    draft = follows.follow(planned, settings)
    if branch:
        draft = follows.on_branch(draft, planned, settings, branch)
    return _shown(draft.put() if write and not branch else draft, form)


@click.command()
@click.argument("run", type=int, metavar="RUN")
@_write_option()
@format_option()
@click.pass_context
def undo(context: click.Context, run: int, write: bool, form: str) -> Exit:
    """Write the region files that would reverse a run, for a pull request. The database is only read.

    Only what still stands as the run left it is reversed.
    """
    from reconciler.drafting import undo as undoing

    draft = undoing.undo(settings_of(context), run)
    return _shown(draft.put() if write else draft, form)


@click.command()
@click.argument("clinics", nargs=-1, metavar="[HSA-ID]…")
@click.option("--region", metavar="NN", required=True, help=mark("The region whose file is changed."))
@_write_option()
@format_option()
@click.pass_context
def adopt(context: click.Context, clinics: tuple[str, ...], region: str, write: bool, form: str) -> Exit:
    """Write what the database holds for a region, and no file declares, into the region's file.

    With HSA-ids: those clinics only. Without: all of them, and the board.
    """
    from reconciler.drafting import follow as follows
    from reconciler.model import canonical

    settings: Settings = settings_of(context)
    check_codes((region,), settings)
    planned = follows.planned(settings, now())
    tell_empty(planned.empty_database)
    draft = follows.adopt(planned, settings, region, [canonical(one) for one in clinics])
    return _shown(draft.put() if write else draft, form)
