"""The commands of the line: validate, plan, apply, status."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, NoReturn

import click

from reconciler.cli.shared import check_codes, format_option, now, regions_option, say, settings_of, tell_empty
from reconciler.words import _

if TYPE_CHECKING:
    from types import FrameType

    from reconciler.findings import Exit


@click.command()
@click.option("--live", is_flag=True, help=_("Ask register and routes as well; a clinic not on the base is a new one."))
@click.option("--base", metavar="REV", help=_("Only what is not wrong at this git revision already counts."))
@format_option()
@click.pass_context
def validate(context: click.Context, live: bool, base: str | None, form: str) -> Exit:
    """Tell every fault of every region file, each in its place."""
    from reconciler import pipeline  # noqa: PLC0415

    result = pipeline.validate(settings_of(context), now(), live=live, base=base)
    say(form, "validate", result)
    return result.exit


@click.command()
@regions_option()
@format_option()
@click.option("--detailed-exitcode", is_flag=True, help=_("Exit 2 where there are changes, 0 where there are none."))
@click.option("--all", "everything", is_flag=True, help=_("List every change, however many."))
@click.pass_context
def plan(
    context: click.Context, regions: tuple[str, ...], form: str, detailed_exitcode: bool, everything: bool
) -> Exit:
    """Show what would change, region by region, and why. Changes nothing."""
    from reconciler import pipeline  # noqa: PLC0415

    settings = settings_of(context)
    check_codes(regions, settings)
    result = pipeline.plan(settings, now()).only(regions)
    tell_empty(result.empty_database)
    say(form, "plan", result, **({} if form == "json" else {"everything": everything}))
    return result.exit(detailed=detailed_exitcode)


@click.command()
@regions_option()
@format_option()
@click.option("--all", "everything", is_flag=True, help=_("List every change, however many."))
@click.pass_context
def apply(context: click.Context, regions: tuple[str, ...], form: str, everything: bool) -> Exit:
    """Do what plan shows: one transaction for each region, residents shut out first and let in last."""
    from reconciler import pipeline  # noqa: PLC0415

    settings = settings_of(context)
    check_codes(regions, settings)
    signal.signal(signal.SIGTERM, _terminated)
    result = pipeline.apply(settings, now(), _actor(), regions)
    say(form, "apply", result, **({} if form == "json" else {"everything": everything}))
    return result.exit


def _terminated(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt("SIGTERM")


def _actor() -> str:
    for name in ("GITHUB_ACTOR", "GITLAB_USER_LOGIN", "LOGNAME", "USER"):
        if os.environ.get(name):
            return os.environ[name]
    return f"uid {os.getuid()}"


@click.command()
@format_option()
@click.pass_context
def status(context: click.Context, form: str) -> Exit:
    """Show each region: its patient board, whether it is active, clinics declared and enrolled, what is pending."""
    from reconciler import pipeline  # noqa: PLC0415

    result = pipeline.status(settings_of(context), now())
    tell_empty(result.empty_database)
    say(form, "status", result)
    return result.exit
