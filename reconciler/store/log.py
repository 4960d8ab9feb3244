"""What was done, and that nobody altered it since: runs, and the log of changes with its hash chains.

Each region's changes are a chain: a change's hash covers the hash before it. A run holds the length and the head of
every chain when it began, and of those that it touched when it ended: so what was cut off, or added, is found too.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import Connection, Engine, func, insert, select, update

import reconciler
from reconciler.findings import Failure
from reconciler.model import RegionCode
from reconciler.plan import Change, digest, state_digest
from reconciler.store.engine import connected, transacted
from reconciler.store.observe import FORGOT, NOBODY, observe
from reconciler.store.tables import as_text, change, run
from reconciler.words import _

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import Row

STARTED = "started"
"""The status of a run that has not ended yet, or never will: it was killed."""


class RunHeader(NamedTuple):
    """What is known of a run before its first change: by whom, on what (digests), how many changes are planned."""

    actor: str
    commit: str | None
    config: str
    register: str
    routes: str | None
    state_before: str
    requested: int


class Head(NamedTuple):
    """The end of a chain: how many changes, and the hash of the last."""

    length: int
    hash: str


_EMPTY = Head(0, "")


def begin_run(engine: Engine, header: RunHeader, now: datetime) -> int:
    """Record that a run begins, and return its number; a crash is seen by it, for no end is recorded."""
    row = {
        "actor": header.actor,
        "commit": header.commit,
        "config_digest": header.config,
        "register_digest": header.register,
        "routes_digest": header.routes,
        "state_before": header.state_before,
        "requested": header.requested,
        "started": as_text(now),
        "status": STARTED,
        "tool": reconciler.__version__,
        "applied": 0,
    }

    def begin(connection: Connection) -> int:
        begins = insert(run).values({**row, "chains": _json(chain_heads(connection))}).returning(run.c.id)
        return int(connection.execute(begins).scalar_one())

    return transacted(engine, begin)


def finish_run(engine: Engine, run_id: int, status: str, now: datetime, applied: int) -> None:
    """Record how a run ended, and what the service's tables hold then.

    *status* is any word; those in `observe.IN_VAIN` do not count for `last_commit`.
    """

    def end(connection: Connection) -> None:
        touched = set(connection.scalars(select(change.c.region).where(change.c.run == run_id)))
        begun = json.loads(connection.scalar(select(run.c.chains).where(run.c.id == run_id)) or "{}")
        heads = begun | {code: head for code, head in chain_heads(connection).items() if code in touched}
        row = {
            "finished": as_text(now),
            "status": status,
            "applied": applied,
            "state_after": _state_now(connection),
            "chains": _json(heads),
        }
        connection.execute(update(run).where(run.c.id == run_id).values(row))

    transacted(engine, end)


def logged(engine: Engine, run_id: int, code: RegionCode) -> int:
    """Return how many changes of a region the log holds of a run: what was committed, whatever became of the answer."""
    theirs = (change.c.run == run_id) & (change.c.region == code)
    with connected(engine) as connection:
        return int(connection.scalar(select(func.count()).select_from(change).where(theirs)) or 0)


def _state_now(connection: Connection) -> str | None:
    """Return the digest of the state; None where it cannot be read, which must not keep the run from its end."""
    try:
        state = observe(connection)
    except Failure:
        return None
    return state_digest(state.clinics, state.boards)


def append_changes(connection: Connection, run_id: int, code: RegionCode, changes: Sequence[Change]) -> None:
    """Add *changes* to the end of the region's chain."""
    length, previous = _head(connection, code)
    rows = []
    for sequence, step in enumerate(changes, length + 1):
        row = _logged(run_id, code, sequence, step)
        following = _hash(previous, row)
        rows.append({**row, "previous_hash": previous, "hash": following})
        previous = following
    if rows:
        connection.execute(insert(change), rows)


def chain_heads(connection: Connection) -> dict[RegionCode, Head]:
    """Return the length and the last hash of every region's chain."""
    column = change.c
    ends = select(column.region, func.max(column.sequence).label("last")).group_by(column.region).subquery()
    last = (column.region == ends.c.region) & (column.sequence == ends.c.last)
    rows = select(column.region, column.sequence, column.hash).join(ends, last).order_by(column.region)
    return {code: Head(length, end) for code, length, end in connection.execute(rows)}


def verify_chain(connection: Connection) -> list[str]:
    """Return what is wrong with the log, one sentence for each chain at most; an empty list if it is whole."""
    problems: dict[RegionCode, str] = {}
    cut = forgotten(connection)
    before, ends = dict(cut), {(code, length): end for code, (length, end) in cut.items()}
    for row in connection.execute(select(change).order_by(change.c.region, change.c.sequence)):
        length, previous = before.get(row.region, _EMPTY)
        if row.region not in problems and not _follows(row, length, previous):
            text = _("the log of region {region} does not fit from change {sequence} on")
            problems[row.region] = text.format(region=row.region, sequence=length + 1)
        before[row.region] = Head(row.sequence, row.hash)
        ends[row.region, row.sequence] = row.hash
    for code, problem in _cut_short(connection, ends, cut):
        problems.setdefault(code, problem)
    if not problems:  # what is cut off or missing is told once
        problems.update(_added(connection))
    return [problems[code] for code in sorted(problems)]


def _head(connection: Connection, code: RegionCode) -> Head:
    column = change.c
    newest = select(column.sequence, column.hash).where(column.region == code).order_by(column.sequence.desc()).limit(1)
    row = connection.execute(newest).one_or_none()
    return Head(*row) if row else _EMPTY


_COVERED = ("run", "region", "sequence", "action", "subject", "before", "after", "cause", "path", "line")


def _logged(run_id: int, code: RegionCode, sequence: int, step: Change) -> dict[str, object]:
    return {
        "run": run_id,
        "region": code,
        "sequence": sequence,
        "action": step.action.value,
        "subject": step.subject,
        "before": step.before and _json(step.before._asdict()),
        "after": step.after and _json(step.after._asdict()),
        "cause": step.cause.value,
        "path": step.path,
        "line": step.line,
    }


def _hash(previous: str, row: dict[str, object]) -> str:
    """Return the hash of a change: over the one before it and all that is stored of it, before and after as stored."""
    return digest([previous, *(row[name] for name in _COVERED)])


def _follows(row: Row[tuple[object, ...]], length: int, previous: str) -> bool:
    stored = row._asdict()
    expected = (length + 1, previous, _hash(previous, stored))
    return (stored["sequence"], stored["previous_hash"], stored["hash"]) == expected


def forgotten(connection: Connection) -> dict[RegionCode, Head]:
    """Return the last change of each chain that was forgotten on purpose."""
    heads: dict[RegionCode, Head] = {}
    for chains in connection.scalars(select(run.c.chains).where(run.c.status == FORGOT).order_by(run.c.id)):
        heads |= {code: Head(*head) for code, head in json.loads(chains).items()}
    return heads


def _cut_short(
    connection: Connection, ends: dict[tuple[RegionCode, int], str], cut: dict[RegionCode, Head]
) -> Iterator[tuple[RegionCode, str]]:
    """Yield the chains that are not, or no longer reach, what a run recorded of them when it ended."""
    for number, chains in connection.execute(select(run.c.id, run.c.chains).order_by(run.c.id)):
        try:
            recorded = {code: Head(*head) for code, head in json.loads(chains).items()}
        except (ValueError, TypeError, AttributeError):
            yield "", _("what run {run} recorded of its chains cannot be read").format(run=number)
            continue
        for code, (length, end) in recorded.items():
            if length >= cut.get(code, _EMPTY).length and ends.get((code, length)) != end:
                text = _("the log of region {region} does not hold change {sequence} as run {run} left it")
                yield code, text.format(region=code, sequence=length, run=number)


def _added(connection: Connection) -> Iterator[tuple[RegionCode, str]]:
    """Yield the chains with changes that no run made: of a run that has ended, more or fewer than it recorded."""
    counts = select(change.c.run, func.count().label("held")).group_by(change.c.run).subquery()
    held = func.coalesce(counts.c.held, 0)
    ended = select(run.c.id, run.c.applied, held).outerjoin(counts, counts.c.run == run.c.id)
    whole = (run.c.finished.is_not(None), run.c.actor != NOBODY)
    for number, applied, there in connection.execute(ended.where(*whole).order_by(run.c.id)):
        if applied != there:
            text = _("the log holds {there} changes of run {run}, which made {applied}")
            yield f"run {number}", text.format(there=there, run=number, applied=applied)
    strays = select(change.c.run).where(change.c.run.not_in(select(run.c.id))).distinct().order_by(change.c.run)
    for number in connection.scalars(strays):
        yield f"run {number}", _("the log holds changes of run {run}, and there is no such run").format(run=number)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
