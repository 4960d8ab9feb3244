"""The command of the log: who changed what, when and why, and whether the log is whole."""

from __future__ import annotations

from datetime import datetime, time, timedelta

import click

from reconciler.cli.shared import check_codes, format_option, now, print_logged, regions_option, settings_of
from reconciler.findings import Exit
from reconciler.words import _, mark


class Moment(click.ParamType[datetime]):
    """A date, or a date and time; without a zone it is Stockholm's. A date is its *end* or its beginning."""

    name = "date"

    def __init__(self, *, end: bool) -> None:
        self.end = end

    def convert(self, value: str, param: click.Parameter | None, context: click.Context | None) -> datetime:
        """Return the moment."""
        from zoneinfo import ZoneInfo

        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            problem = _("{value} is not a date such as 2026-05-01")
            self.fail(problem.format(value=value), param, context)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=ZoneInfo("Europe/Stockholm"))
        only_a_date = len(value) <= len("2026-05-01") and moment.time() == time()
        return moment + timedelta(days=1) - timedelta(microseconds=1) if only_a_date and self.end else moment


@click.command()
@regions_option()
@click.option("--clinic", metavar="HSA-ID", help=mark("Only this clinic, or the board with this HSA-id."))
@click.option("--run", "number", type=int, metavar="N", help=mark("Only what this run did."))
@click.option(
    "--since", type=Moment(end=False), metavar="DATE", help=mark("Only runs that began on this day or later.")
)
@click.option("--verify", is_flag=True, help=mark("Tell instead whether the log is as it was written; exit 1 if not."))
@format_option()
@click.pass_context
def history(
    context: click.Context,
    regions: tuple[str, ...],
    clinic: str | None,
    number: int | None,
    since: datetime | None,
    verify: bool,
    form: str,
) -> Exit:
    """Tell what was changed: who, when and why."""
    from reconciler import logbook, store
    from reconciler.model import canonical

    settings = settings_of(context)
    check_codes(regions, settings)
    if verify:
        result = logbook.verify(settings)
    else:
        begun = store.as_text(since) if since else None
        result = logbook.history(settings, store.Wanted(regions, canonical(clinic) if clinic else None, number, begun))
    print_logged(form, "history", result)
    return result.exit


def show_drift(context: click.Context, form: str) -> Exit:
    """Tell what somebody else has changed in the database."""
    from reconciler import logbook

    result = logbook.drift(settings_of(context), now())
    print_logged(form, "drift", result)
    return result.exit


def show_at(context: click.Context, form: str, moment: datetime, *, everything: bool) -> Exit:
    """Tell what was enrolled at a moment."""
    from reconciler import logbook

    print_logged(form, "at", logbook.at(settings_of(context), moment), everything=everything)
    return Exit.DONE
