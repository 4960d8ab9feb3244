"""The commands of the database: made, migrated, checked."""

from __future__ import annotations

import click

from reconciler.cli.shared import now, settings_of, talk
from reconciler.findings import Exit
from reconciler.words import _, mark


@click.group()
def db() -> None:
    """Make, migrate and check the database."""


@db.command("init")
@click.option("--with-service-tables", "trial", is_flag=True, help=mark("Make the service's tables too, for a trial."))
@click.pass_context
def db_init(context: click.Context, trial: bool) -> Exit:
    """Make the tables; what is there already is left as it is."""
    from reconciler import store

    settings = settings_of(context)
    store.init(settings.database, trial=trial, names=settings.service)
    talk(_("the database at {url} is ready").format(url=store.shown(settings.database)))
    return Exit.DONE


@db.command("upgrade")
@click.pass_context
def db_upgrade(context: click.Context) -> Exit:
    """Bring the tables of an older version up to this one."""
    from reconciler import store

    settings = settings_of(context)
    store.upgrade(settings.database)
    talk(_("the database at {url} is ready").format(url=store.shown(settings.database)))
    return Exit.DONE


@db.command("grants")
@click.option(
    "--writer", metavar="ROLE", default="reconciler", show_default=True, help=mark("The role of the apply job.")
)
@click.option("--reader", metavar="ROLE", default="reconciler_read", show_default=True, help=mark("The role of plan."))
@click.pass_context
def db_grants(context: click.Context, writer: str, reader: str) -> Exit:
    """Print the GRANTs for PostgreSQL: for the role that applies, and for one that only reads. Runs nothing.

    The roles are there already, and whoever owns the tables runs it: reconciler db grants | psql
    """
    from reconciler import store

    for statement in store.grants(writer, reader, settings_of(context).service):
        click.echo(statement)
    return Exit.DONE


@db.command("forget")
@click.pass_context
def db_forget(context: click.Context) -> Exit:
    """Delete what the log holds that is older than the setting log.keep, and who was behind those runs.

    The owner of the tables does it, now and then; who applies may not.
    """
    from reconciler import store

    settings = settings_of(context)
    if settings.log is None:
        raise click.UsageError(_("the setting log.keep is off: the log is kept for ever"))
    forgotten = store.forget(settings.database, now() - settings.log, now())
    said = _("older than {moment}: {changes} changes are deleted, and who was behind {runs} runs")
    talk(said.format(moment=str(now() - settings.log)[:10], changes=forgotten.changes, runs=forgotten.runs))
    return Exit.DONE


@db.command("check")
@click.pass_context
def db_check(context: click.Context) -> Exit:
    """Tell whether the tables are there, in this version, with a row for each region, and the log is whole."""
    from reconciler import pipeline, store

    settings = settings_of(context)
    problems = pipeline.check_database(settings)
    for problem in problems:
        click.echo(problem)
    if not problems:
        talk(_("the database at {url} is in order").format(url=store.shown(settings.database)))
    return Exit.SETTINGS if problems else Exit.DONE
