"""The commands of the line: validate, plan, apply, status."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from reconciler.cli.formats import Output, formats_option, tell
from reconciler.cli.history import Moment, show_at, show_drift
from reconciler.cli.shards import shard as shard_of
from reconciler.cli.shards import shard_option
from reconciler.cli.shared import (
    check_codes,
    format_option,
    now,
    regions_option,
    say,
    settings_of,
    strict_option,
    tell_empty,
)
from reconciler.cli.timings import timings_option
from reconciler.cli.watch import metrics_option, watched
from reconciler.findings import Exit
from reconciler.words import _, mark

if TYPE_CHECKING:
    from datetime import datetime
    from types import FrameType

    from reconciler.results import Planned
    from reconciler.saved import SavedPlan


@click.command()
@click.option(
    "--live", is_flag=True, help=mark("Ask register and routes as well; a clinic not on the base is a new one.")
)
@click.option("--base", metavar="REV", help=mark("Only what is not wrong at this git revision already counts."))
@strict_option()
@formats_option()
@timings_option()
@click.pass_context
def validate(
    context: click.Context, live: bool, base: str | None, strict: bool, timings: bool, outputs: tuple[Output, ...]
) -> Exit:
    """Tell every fault of every region file, each in its place."""
    from reconciler.results import strictly
    from reconciler.validation import examine

    result = examine(settings_of(context), now(), live=live, base=base).validation
    tell(outputs, "validate", result, result.findings, timings=timings)
    return Exit.first(result.exit, strictly(result.findings)) if strict else result.exit


@click.command()
@regions_option()
@formats_option()
@strict_option()
@timings_option()
@click.option("--detailed-exitcode", is_flag=True, help=mark("Exit 2 where there are changes, 0 where there are none."))
@click.option("--all", "everything", is_flag=True, help=mark("List every change, however many."))
@click.option(
    "--out",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help=mark("Save the whole plan, for apply."),
)
@click.pass_context
def plan(
    context: click.Context,
    regions: tuple[str, ...],
    outputs: tuple[Output, ...],
    strict: bool,
    timings: bool,
    detailed_exitcode: bool,
    everything: bool,
    out: Path | None,
) -> Exit:
    """Show what would change, region by region, and why. Changes nothing."""
    from reconciler import pipeline
    from reconciler.results import strictly

    settings = settings_of(context)
    check_codes(regions, settings)
    whole = pipeline.plan(settings, now())
    if out:
        _save(out, whole)
    result = whole.only(regions)
    tell_empty(result.empty_database)
    tell(outputs, "plan", result, result.findings, timings=timings, everything=everything)
    code = result.exit(detailed=detailed_exitcode)
    return Exit.first(code, strictly(result.findings)) if strict else code


def _save(out: Path, whole: Planned) -> None:
    from reconciler import saved
    from reconciler.report import json

    saved.write(out, json.dump(json.plan(whole)))


@click.command()
@click.argument("plan", required=False, type=click.Path(path_type=Path))
@regions_option()
@format_option()
@click.option("--all", "everything", is_flag=True, help=mark("List every change, however many."))
@click.option(
    "--allow-cached-sources", is_flag=True, help=mark("Go on with the last good register where the source is away.")
)
@click.option("--lock-timeout", metavar="TIME", help=mark("How long to wait for somebody else's lock, such as 30s."))
@click.option("--expect", metavar="sha256:…", help=mark("Apply the plan with this fingerprint, and no other."))
@shard_option()
@metrics_option()
@timings_option()
@click.pass_context
def apply(
    context: click.Context,
    plan: Path | None,
    regions: tuple[str, ...],
    form: str,
    everything: bool,
    lock_timeout: str | None,
    expect: str | None,
    allow_cached_sources: bool,
    shard: str | None,
    metrics: Path | None,
    timings: bool,
) -> Exit:
    """Do what plan shows: one transaction for each region, residents shut out first and let in last.

    PLAN is a file that `plan --out` wrote: that plan is applied, or nothing (exit 5).
    """
    from reconciler import pipeline
    from reconciler.report.excerpt import places_of

    context.obj["lock_timeout"] = lock_timeout
    signal.signal(signal.SIGTERM, _terminated)
    with watched(metrics) as watch:
        settings = watch.settings = settings_of(context)
        check_codes(regions, settings)
        expected = _expected(plan, expect)
        if shard:
            _alone(regions, expected)
            regions = shard_of(shard, os.environ).of(settings.regions)
        if allow_cached_sources:
            settings = settings._replace(register=settings.register._replace(allow_cached=True))
        result = watch.applied = pipeline.apply(settings, now(), _actor(), regions, expected)
        say(form, "apply", result, timings=timings, everything=everything, places=places_of(result.planned.findings))
    return result.exit


def _alone(regions: tuple[str, ...], expected: SavedPlan | None) -> None:
    """Refuse a shard of what is a choice already, or of a saved plan, which another shard would make stale."""
    if regions or expected:
        other = "--region" if regions else "PLAN"
        raise click.UsageError(_("--shard and {other} exclude each other").format(other=other))


def _expected(plan: Path | None, fingerprint: str | None) -> SavedPlan | None:
    """Return what the apply is held to: a saved plan, the fingerprint of one, or both, which must agree."""
    if fingerprint and not re.fullmatch("sha256:[0-9a-f]{64}", fingerprint):
        problem = _("{value} is not a fingerprint: it is sha256: and 64 digits, as plan --format json prints it")
        raise click.BadParameter(problem.format(value=fingerprint), param_hint="'--expect'")
    if plan is None and fingerprint is None:
        return None
    from reconciler import saved

    if plan is None:
        return saved.SavedPlan(str(fingerprint), str(fingerprint))
    read = saved.read(plan)
    if fingerprint and fingerprint != read.fingerprint:
        problem = _("{path} holds the plan {fingerprint}, another than --expect")
        raise click.UsageError(problem.format(path=plan, fingerprint=read.fingerprint))
    return read


def _terminated(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt("SIGTERM")


def _actor() -> str:
    for name in ("GITHUB_ACTOR", "GITLAB_USER_LOGIN", "LOGNAME", "USER"):
        if os.environ.get(name):
            return os.environ[name]
    return f"uid {os.getuid()}"


@click.command()
@format_option()
@click.option("--drift", is_flag=True, help=mark("Tell instead what somebody else has changed; exit 2 if anything."))
@click.option("--at", "moment", type=Moment(end=True), metavar="DATE", help=mark("Tell instead what held that day."))
@click.option("--all", "everything", is_flag=True, help=mark("With --at, list every clinic."))
@click.pass_context
def status(context: click.Context, form: str, drift: bool, moment: datetime | None, everything: bool) -> Exit:
    """Show each region: its patient board, whether it is active, clinics declared and enrolled, what is pending."""
    from reconciler import standing

    if drift:
        return show_drift(context, form)
    if moment:
        return show_at(context, form, moment, everything=everything)
    result = standing.status(settings_of(context), now())
    tell_empty(result.empty_database)
    say(form, "status", result)
    return result.exit
