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


def written(rows: Iterable[Row], missing: Iterable[str]) -> str:
    """Return the page."""
    rows = list(rows)
    parts = [_HEAD, _machine(), _missing(missing)]
    for clinics, alike in groupby(rows, lambda row: row.clinics):
        parts.append(f"## {clinics:,} clinics\n\n" + "\n".join(_table(list(alike))) + "\n")
    return "\n".join(part for part in parts if part)


_HEAD = """\
# Performance

<!-- made by `make bench`; run it again rather than edit this -->

CPU seconds of whole processes, start-up included, the best of the runs; ratios hold within one run, absolute times
drift from machine to machine. Ours does everything it does: all rules, every place known, the register compared where
it is asked. The clinics are invented and spread evenly over the regions; the sizes are chosen, not measured anywhere.
"""


def _machine() -> str:
    packages = ", ".join(f"{name} {version(name)}" for name in _NAMED)
    day = datetime.datetime.now(datetime.UTC).date()
    return (
        f"{day}, {_processor()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"SQLite {sqlite3.sqlite_version}, {packages}.\n"
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
    ours = {row.task: row.cost.cpu for row in rows if row.who == "reconciler" and not row.odd}
    for row in rows:
        task = f"{row.task}, 1 % odd lines" if row.odd else row.task
        ratio = f"{row.cost.cpu / ours[row.task]:.1f} ×" if row.task in ours and row.who != "reconciler" else ""
        cells = (task, row.who, f"{row.cost.cpu:.2f}", f"{row.cost.wall:.2f}", f"{row.cost.memory:.0f}", ratio)
        yield f"| {' | '.join(cells)} |"
