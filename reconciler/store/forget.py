"""The log, cut off at the old end: changes that are older than they have to be, and who was behind old runs.

What is left can still be verified: a run of its own records that something was forgotten, and each chain's last change
of that. The newest change of each region stays, however old. Who applies may not do this; the owner of the tables may.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import Connection, and_, delete, func, insert, or_, select, update

import reconciler
from reconciler.store.engine import engine, transacted
from reconciler.store.log import Head
from reconciler.store.observe import FORGOT, NOBODY
from reconciler.store.tables import as_text, change, run

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.model import RegionCode


class Forgotten(NamedTuple):
    """How much was forgotten: changes, and runs of which it is no longer known who was behind them."""

    changes: int
    runs: int


def forget(url: str, before: datetime, now: datetime) -> Forgotten:
    """Forget what runs that began before that moment have done, and who was behind them."""
    return transacted(engine(url, writes=True), lambda connection: _forget(connection, as_text(before), as_text(now)))


def _forget(connection: Connection, before: str, now: str) -> Forgotten:
    ends = _ends(connection, before)
    old = [and_(change.c.region == code, change.c.sequence <= head.length) for code, head in ends.items()]
    changes = connection.execute(delete(change).where(or_(*old))).rowcount if old else 0
    known = (run.c.started < before) & (run.c.actor != NOBODY)
    runs = connection.execute(update(run).where(known).values(actor=NOBODY)).rowcount
    if changes or runs:
        connection.execute(insert(run).values(_record(ends, before, now)))
    return Forgotten(changes, runs)


def _ends(connection: Connection, before: str) -> dict[RegionCode, Head]:
    """Return for each region the last change that is forgotten: all up to it are old, and it is not the newest."""
    column = change.c
    newer = select(column.region, func.min(column.sequence).label("first")).join(run, run.c.id == column.run)
    kept = newer.where(run.c.started >= before).group_by(column.region).subquery()
    newest = select(column.region, func.max(column.sequence).label("last")).group_by(column.region).subquery()
    limit = func.coalesce(kept.c.first, newest.c.last)
    rows = (
        select(column.region, column.sequence, column.hash)
        .join(newest, newest.c.region == column.region)
        .outerjoin(kept, kept.c.region == column.region)
        .where(column.sequence == limit - 1)
    )
    return {code: Head(length, end) for code, length, end in connection.execute(rows)}


def _record(ends: dict[RegionCode, Head], before: str, now: str) -> dict[str, object]:
    """Return the run that records it; `state_before` holds the moment from which on the log is whole."""
    return {
        "started": now,
        "finished": now,
        "status": FORGOT,
        "actor": NOBODY,
        "tool": reconciler.__version__,
        "config_digest": "",
        "register_digest": "",
        "state_before": before,
        "requested": 0,
        "applied": 0,
        "chains": json.dumps(ends),
    }
