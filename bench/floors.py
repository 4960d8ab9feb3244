"""The floors: what cannot be cheaper, each as a program of a few lines that is run like the others.

`python bench/floors.py NAME` does the work of one in the current folder.
"""

from __future__ import annotations

import csv
import sqlite3
import sys
from pathlib import Path

import yaml.cyaml

_NOW = "2026-05-01T00:00:00.000000+00:00"


def _files() -> list[Path]:
    return sorted(Path("config/regions").iterdir())


def read_bytes() -> None:
    """Read every byte of the region files."""
    for path in _files():
        path.read_bytes()


def libyaml_events() -> None:
    """Let libyaml parse the region files, with no Python object made of an event."""
    for path in _files():
        yaml.cyaml.CParser(path.read_text(encoding="utf-8")).raw_parse()  # type: ignore[attr-defined]


def raw_executemany() -> None:
    """Write the rows that an apply of everything writes (service, managed, log) by the driver alone."""
    with Path("register.csv").open(encoding="utf-8", newline="") as lines:
        next(lines)
        rows = [(row[0], row[3], row[1]) for row in csv.reader(lines)][1:]
    connection = sqlite3.connect("floor.db")
    connection.executescript(_TABLES)
    connection.executemany("INSERT INTO clinic VALUES (?, ?, ?, ?, ?)", [(*row, _NOW, _NOW) for row in rows])
    connection.executemany(
        "INSERT INTO managed VALUES (?, ?, ?, ?, 1)", [(one, code, code, name) for one, code, name in rows]
    )
    connection.executemany(
        "INSERT INTO change VALUES (NULL, 1, ?, ?, 'enrol', ?, NULL, ?, 'config', ?, ?, ?, ?)",
        [(code, n, one, name, _PATH, n, _HASH, _HASH) for n, (one, code, name) in enumerate(rows)],
    )
    connection.commit()


_PATH = "config/regions/14-region.yaml"
_HASH = "sha256:" + 64 * "0"
_TABLES = """
CREATE TABLE clinic (hsa_id TEXT PRIMARY KEY, region_code, name, enrolled_at, updated_at);
CREATE INDEX by_region ON clinic (region_code);
CREATE TABLE managed (hsa_id TEXT PRIMARY KEY, declared_in, region_code, name, run_id);
CREATE INDEX by_declared ON managed (declared_in);
CREATE INDEX by_managed_region ON managed (region_code);
CREATE TABLE change (id INTEGER PRIMARY KEY, run, region, sequence, action, subject, before, after, cause, path, line,
    previous_hash, hash, UNIQUE (region, sequence));
CREATE INDEX by_run ON change (run);
"""

FLOORS = {
    "reading bytes": read_bytes,
    "libyaml events": libyaml_events,
    "raw executemany, SQLite": raw_executemany,
}


def main() -> None:
    """Do the work of the floor that is named."""
    FLOORS[sys.argv[1]]()


if __name__ == "__main__":
    main()
