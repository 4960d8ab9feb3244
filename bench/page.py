"""The page of one run: a table for each size, with ratios against ours, the machine and the date."""

from __future__ import annotations

import datetime
import os
import platform
import sqlite3
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from bench.measure import Cost

OURSELVES = "reconciler"
_NAMED = ("pyyaml", "sqlalchemy", "jsonschema-rs")


class Row(NamedTuple):
    """What one program cost on one size."""

    clinics: int
    odd: bool
    task: str
    who: str
    cost: Cost

    def __str__(self) -> str:
        found, kind = self.cost, " (odd lines)" if self.odd else ""
        return (
            f"{self.clinics:>9,}{kind}  {self.task:<16} {self.who:<26}"
            f" {found.cpu:8.2f} s CPU {found.wall:8.2f} s {found.memory:7.0f} MB"
        )


class Writing(NamedTuple):
    """What it took by the clock to write the rows of an apply, in seconds: within it, and by the driver's own way."""

    database: str
    ours: float
    raw: float


class Measured(NamedTuple):
    """All that was found: what each program cost, the peers that are missing, where the time goes."""

    rows: list[Row]
    missing: list[str]
    stations: dict[int, dict[str, str]]
    writing: list[Writing]


def written(found: Measured) -> str:
    """Return the page."""
    parts = [_HEAD, _machine(), _missing(found.missing), _targets(found)]
    for clinics, alike in groupby(found.rows, lambda row: row.clinics):
        parts.append(f"## {clinics:,} clinics\n\n" + "\n".join(_table(list(alike))) + "\n")
        for command, told in found.stations.get(clinics, {}).items():
            parts.append(f"Where the time of `{command}` goes:\n\n```\n{told.rstrip()}\n```\n")
    return "\n".join(part for part in parts if part)


_HEAD = """\
# Performance

<!-- made by `make bench`; run it again rather than edit this -->

CPU seconds of whole processes, start-up included, the best of the runs; ratios hold within one run, absolute times
drift from machine to machine. Ours does everything it does: all rules, every place known, the register compared where
it is asked. With PostgreSQL the CPU is that of the program alone, without the server's. The clinics are invented and
spread evenly over the regions; the sizes are chosen, not measured anywhere.
"""


def _targets(measured: Measured) -> str:
    """Return what was asked for beside what was measured, as far as it was."""
    rows = measured.rows
    found = {(row.clinics, row.task, row.who.partition(" ")[0]): row.cost for row in rows if not row.odd}
    starts = sorted((row for row in rows if row.task == "start"), key=lambda row: -row.cost.cpu)
    start = {row.who: row.cost.cpu for row in starts}  # the least of all: a start is the same at every size
    told = [*_starts(start), *_against_peers(found), *_of_a_million(found), *_of_writing(measured.writing)]
    lines = [f"| {what} | {wanted} | {measured} |" for what, wanted, measured in told]
    return (
        "\n".join(["## What was asked for", "", "| | asked | measured |", "|---|---:|---:|", *lines]) + "\n"
        if told
        else ""
    )


Told = Iterator[tuple[str, str, str]]
Found = dict[tuple[int, str, str], Cost]


def _starts(start: dict[str, float]) -> Told:
    for flag, most in (("--version", 25), ("--help", 80)):
        if f"reconciler {flag}" in start:
            spent = 1000 * (start[f"reconciler {flag}"] - start["python"])
            yield f"`{flag}` over bare Python", f"≤ {most} ms", f"{spent:.0f} ms"


def _against_peers(found: Found) -> Told:
    """Yield how many times less ours costs than each peer."""
    for clinics, task, peer, least in (
        (100_000, "validate", "check-jsonschema", 50.0),
        (100_000, "validate", "yamllint", 60.0),
        (100_000, "validate", "ajv-cli", 1.5),
        (10_000, "plan", "octodns", 12.0),
        (100_000, "plan", "octodns", 50.0),
    ):
        ours, theirs = found.get((clinics, task, OURSELVES)), found.get((clinics, task, peer))
        if ours and theirs:
            yield f"`{task}`, {clinics:,}, less than {peer}", f"≥ {least:g} ×", f"{theirs.cpu / ours.cpu:.1f} ×"
    library, plan, peer = (
        found.get((10_000, *one)) for one in (("start", "sqlalchemy"), ("plan", OURSELVES), ("plan", "octodns"))
    )
    if library and plan and peer:
        yield (
            "`plan`, 10,000: the part of it that is the import of sqlalchemy",
            f"{peer.cpu / 12:.2f} s in all",
            f"{library.cpu:.2f} s of {plan.cpu:.2f} s",
        )


def _of_a_million(found: Found) -> Told:
    """Yield what a million cost: against the floors, in seconds and memory, and against a tenth of them."""
    large = {task: found[1_000_000, task, OURSELVES] for task in _GROWS if (1_000_000, task, OURSELVES) in found}
    small = {task: found[100_000, task, OURSELVES] for task in _GROWS if (100_000, task, OURSELVES) in found}
    libyaml = found.get((1_000_000, "floor", "libyaml"))
    if "plan" in large and libyaml:
        yield "`plan`, 1,000,000, over libyaml's events", "≤ 4.5 ×", f"{large['plan'].cpu / libyaml.cpu:.1f} ×"
    for task, most in (("plan", 600), ("apply", 700)):
        if task in large:
            yield f"`{task}`, 1,000,000, memory", f"≤ {most} MB", f"{large[task].memory:.0f} MB"
    if "apply" in large:
        raw = found.get((1_000_000, "floor", "raw"))
        beside = f"; the rows alone, by the driver: {raw.cpu:.0f} s" if raw else ""
        yield "`apply` of all, 1,000,000", "≤ 15 s", f"{large['apply'].cpu:.0f} s{beside}"
    for task in (task for task in _GROWS if task in large and task in small):
        time, memory = large[task].cpu / small[task].cpu, large[task].memory / small[task].memory
        yield f"`{task}`, 1,000,000 over 100,000: time, memory", "≤ 11 ×", f"{time:.1f} ×, {memory:.1f} ×"


def _of_writing(writing: Iterable[Writing]) -> Told:
    """Yield how many times more the writing of rows takes than the driver alone takes for it."""
    for one in writing:
        raw = "COPY" if one.database == "PostgreSQL" else "executemany"
        asked = f"the writing of `apply`, 100,000, {one.database}, over raw {raw}"
        yield asked, "≤ 1.5 ×", f"{one.ours / one.raw:.2f} ×"


_GROWS = ("validate", "validate --live", "plan", "apply", "status")


def _machine() -> str:
    packages = ", ".join(f"{name} {version(name)}" for name in _NAMED)
    day = datetime.datetime.now(datetime.UTC).date()
    return (
        f"{day}, {_processor()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"SQLite {sqlite3.sqlite_version}, {packages}; {os.getloadavg()[2]:.0f} processes at a time wanted to run.\n"
    )


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _missing(missing: Iterable[str]) -> str:
    named = ", ".join(missing)
    return f"Could not be installed, and so is missing: {named}.\n" if named else ""


def _table(rows: list[Row]) -> Iterator[str]:
    yield "| task | program | CPU, s | wall, s | memory, MB | against ours |"
    yield "|---|---|---:|---:|---:|---:|"
    ours = {row.task: row.cost.cpu for row in rows if row.who == OURSELVES and not row.odd}
    for row in rows:
        task = f"{row.task}, 1 % odd lines" if row.odd else row.task
        ratio = f"{row.cost.cpu / ours[row.task]:.1f} ×" if row.task in ours and row.who != OURSELVES else ""
        cells = (task, row.who, f"{row.cost.cpu:.2f}", f"{row.cost.wall:.2f}", f"{row.cost.memory:.0f}", ratio)
        yield f"| {' | '.join(cells)} |"
