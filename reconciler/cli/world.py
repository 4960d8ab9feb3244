"""The commands about the world around: simulate, doctor, snapshot."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli.shared import format_option, now, say, settings_of, talk, tell_empty
from reconciler.findings import Exit
from reconciler.words import _, mark

if TYPE_CHECKING:
    from datetime import timedelta

    from reconciler.model import HsaId, RegionCode


def _age(_context: click.Context, _option: click.Parameter, value: str | None) -> timedelta | None:
    from reconciler.settings import age

    if value is None:
        return None
    found = age(value)
    if found is None:
        raise click.BadParameter(_("{value} should be an age such as 36h, 14d or 90m").format(value=value))
    return found


def _percent(_context: click.Context, _option: click.Parameter, value: str) -> int:
    match = re.fullmatch("([0-9]{1,3})%?", value)
    if match is None or int(match[1]) > 100:
        raise click.BadParameter(_("{value} should be a share such as 30%").format(value=value))
    return int(match[1])


def _moves(_context: click.Context, _option: click.Parameter, values: tuple[str, ...]) -> dict[HsaId, RegionCode]:
    from reconciler.model import REGIONS, canonical

    moves = {}
    for value in values:
        hsa_id, _equals, code = value.partition("=")
        if code not in REGIONS:
            raise click.BadParameter(_("{value} should be an HSA-id, = and a region's code").format(value=value))
        moves[canonical(hsa_id)] = code
    return moves


@click.command()
@click.option("--register", metavar="FILE", type=Path, help=mark("As if the register said what this file says."))
@click.option("--register-down", is_flag=True, help=mark("As if the register did not answer."))
@click.option("--register-age", metavar="AGE", callback=_age, help=mark("As if its answer were this old, as 48h."))
@click.option(
    "--register-lose",
    metavar="SHARE",
    default="0",
    callback=_percent,
    help=mark("As if it had lost this share, as 30%."),
)
@click.option(
    "--move", "moves", multiple=True, metavar="HSA-ID=NN", callback=_moves, help=mark("As if the clinic had moved.")
)
@click.option("--deactivate", multiple=True, metavar="HSA-ID", help=mark("As if the clinic were no longer activated."))
@click.option("--tak-down", is_flag=True, help=mark("As if TAK did not answer."))
@click.option(
    "--tak-lose",
    metavar="SHARE",
    default="0",
    callback=_percent,
    help=mark("As if TAK had lost this share, as 30%."),
)
@click.option("--seed", type=int, default=0, show_default=True, help=mark("What draws that which is lost."))
@format_option()
@click.option("--all", "everything", is_flag=True, help=mark("List every change, however many."))
@click.pass_context
def simulate(
    context: click.Context,
    register: Path | None,
    register_down: bool,
    register_age: timedelta | None,
    register_lose: int,
    moves: dict[HsaId, RegionCode],
    deactivate: tuple[str, ...],
    tak_down: bool,
    tak_lose: int,
    seed: int,
    form: str,
    everything: bool,
) -> Exit:
    """Show what the next scheduled run would do, if the world were otherwise. Changes nothing."""
    from reconciler import simulate as simulation
    from reconciler.model import canonical

    inactive = tuple(map(canonical, deactivate))
    imagined = simulation.Imagined(
        register, register_down, register_age, register_lose, moves, inactive, tak_down, tak_lose, seed
    )
    result = simulation.simulate(settings_of(context), now(), imagined)
    tell_empty(result.planned.empty_database)
    say(form, "simulate", result, **({} if form == "json" else {"everything": everything}))
    return Exit.DONE


@click.command()
@format_option()
@click.pass_context
def doctor(context: click.Context, form: str) -> Exit:
    """Look at settings, database, register, TAK, certificates, clocks and git; say what to do about each."""
    from reconciler import doctor as doctors

    result = doctors.examine(settings_of(context), now())
    say(form, "doctor", result)
    return result.exit


@click.command()
@click.option("--out", metavar="DIR", type=Path, required=True, help=mark("The folder to write to."))
@click.pass_context
def snapshot(context: click.Context, out: Path) -> Exit:
    """Write what register and TAK say now as files, for checks without a network."""
    from reconciler import snapshot as snapshots

    for path in snapshots.snapshot(settings_of(context), now(), out):
        talk(_("written: {path}").format(path=path))
    return Exit.DONE
