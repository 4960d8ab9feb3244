"""The writing alone: what the rows of an apply cost within it, and what the same rows cost by the driver's own way.

`python bench/writing.py OURS RAW` in a folder with everything for one size, where OURS and RAW are the addresses of
two databases without tables. Prints the seconds by the clock, since a server works in a process of its own.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import Table, select

from reconciler import store
from reconciler.cli import run
from reconciler.store import execute, log
from reconciler.store.tables import change, managed_clinic, theirs


class Watch:
    """Adds up how long a function takes, whoever calls it."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def over(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function, watched."""

        def watched(*args: Any) -> Any:
            began = time.perf_counter()
            try:
                return function(*args)
            finally:
                self.seconds += time.perf_counter() - began

        return watched


def within_an_apply(url: str) -> float:
    """Apply everything; return how long the writing of rows took."""
    watch = Watch()
    for module, name in ((execute, "add"), (execute, "alter"), (log, "add")):
        setattr(module, name, watch.over(getattr(module, name)))
    sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  (for as long as the process lives)
    code = run(["--database", url, "apply"])
    sys.stdout = sys.__stdout__
    if code:
        raise SystemExit(code)
    return watch.seconds


def by_the_driver(theirs_url: str, url: str) -> float:
    """Write the rows of one database into the tables of another, in one transaction; return how long that took.

    The run that they name comes first, and is not counted.
    """
    watch = Watch()
    with store.connected(store.engine(theirs_url, writes=False)) as source:
        tables = [log.run, theirs(source).clinic, managed_clinic, change]
        kept = [[tuple(row) for row in source.execute(select(table))] for table in tables]
    with store.connected(store.engine(url, writes=True)) as target:
        for table, rows in zip(tables, kept, strict=True):
            write = _copied if target.dialect.name == "postgresql" else _inserted
            (write if table is log.run else watch.over(write))(target.connection.driver_connection, table, rows)
    return watch.seconds


def _inserted(driver: Any, table: Table, rows: list[Any]) -> None:
    places = ", ".join("?" * len(table.columns))
    driver.executemany(f"INSERT INTO {table.fullname} VALUES ({places})", rows)  # noqa: S608


def _copied(driver: Any, table: Table, rows: list[Any]) -> None:
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    with driver.cursor() as cursor, cursor.copy(f"COPY {table.fullname} ({names}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def main() -> None:
    """Measure both, and print them."""
    ours, raw = sys.argv[1:]
    for url in (ours, raw):
        store.init(url, trial=True)
    print(json.dumps({"ours": within_an_apply(ours), "raw": by_the_driver(ours, raw)}))


if __name__ == "__main__":
    main()
