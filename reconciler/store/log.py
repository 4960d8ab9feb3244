"""What was done, and that nobody altered it since: runs, and the log of changes with its hash chains.

Each region's changes are a chain: a change's hash covers the hash before it. A run holds the length and the head of
every chain when it began, and of those that it touched when it ended: so what was cut off, or added, is found too.
"""

from __future__ import annotations

import json
from hashlib import sha256
from json.encoder import encode_basestring as _quoted
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import Connection, Engine, func, insert, select, update

import reconciler
from reconciler.digests import state_digest_of
from reconciler.findings import Failure
from reconciler.model import BoardRow, Enrolment, RegionCode
from reconciler.plan import Change
from reconciler.store.engine import connected, transacted
from reconciler.store.many import add
from reconciler.store.observe import FORGOT, NOBODY, boards, enrolled_by_region
from reconciler.store.tables import as_text, change, run
from reconciler.words import _

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

STARTED = "started"
"""The status of a run that has not ended yet, or never will: it was killed."""


_AT_ONCE = 5_000
"""Changes that are read or written at once: the log may be longer than what fits into memory."""


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
        touched = set(connection.scalars(select(change.c.region).where(change.c.run == run_id).distinct()))
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
        return state_digest_of(enrolled_by_region(connection), boards(connection))
    except Failure:
        return None


def append_changes(connection: Connection, run_id: int, code: RegionCode, changes: Sequence[Change]) -> None:
    """Add *changes* to the end of the region's chain."""
    length, previous = _head(connection, code)
    for start in range(0, len(changes), _AT_ONCE):
        rows = []
        for sequence, step in enumerate(changes[start : start + _AT_ONCE], length + start + 1):
            covered = _covered(run_id, code, sequence, step)
            following = _hash(previous, covered)
            rows.append((*covered, previous, following))
            previous = following
        add(connection, change, (*_COVERED, "previous_hash", "hash"), rows)


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
    cut, (recorded, unread) = forgotten(connection), _recorded(connection)
    before, ends = dict(cut), {(code, head.length): "" for _run, code, head in recorded}
    ends |= {(code, length): end for code, (length, end) in cut.items()}
    columns = [change.c[name] for name in (*_COVERED, "previous_hash", "hash")]
    rows = select(*columns).order_by(change.c.region, change.c.sequence).execution_options(yield_per=_AT_ONCE)
    for *covered, stated, end in connection.execute(rows):
        _run, code, sequence = covered[:3]
        length, previous = before.get(code, _EMPTY)
        if code not in problems and (sequence, stated, end) != (length + 1, previous, _hash(previous, covered)):
            text = _("the log of region {region} does not fit from change {sequence} on")
            problems[code] = text.format(region=code, sequence=length + 1)
        before[code] = Head(sequence, end)
        if (code, sequence) in ends:
            ends[code, sequence] = end
    for code, problem in (*unread, *_cut_short(recorded, ends, cut)):
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


def _covered(run_id: int, code: RegionCode, sequence: int, step: Change) -> tuple[object, ...]:
    """Return what is stored of a change, and covered by its hash, in the order of `_COVERED`."""
    _region, action, subject, before, after, cause, path, line = step
    rows = _row_text(before), _row_text(after)
    return (run_id, code, sequence, str(action), subject, *rows, str(cause), path, line)


def _row_text(row: Enrolment | BoardRow | None) -> str | None:
    if row is None:
        return None
    first, second = row._fields
    return f'{{"{first}":{_quoted(row[0])},"{second}":{_quoted(row[1])}}}'


def _hash(previous: str, covered: Sequence[object]) -> str:
    """Return the hash of a change: over the one before it and all that is stored of it, before and after as stored.

    It is the digest of them as a list, written here by hand: that of a million changes is most of what the log costs.
    """
    said = [
        _quoted(one) if isinstance(one, str) else "null" if one is None else str(one) for one in (previous, *covered)
    ]
    return "sha256:" + sha256(f"[{','.join(said)}]".encode()).hexdigest()


def forgotten(connection: Connection) -> dict[RegionCode, Head]:
    """Return the last change of each chain that was forgotten on purpose."""
    heads: dict[RegionCode, Head] = {}
    for chains in connection.scalars(select(run.c.chains).where(run.c.status == FORGOT).order_by(run.c.id)):
        heads |= {code: Head(*head) for code, head in json.loads(chains).items()}
    return heads


def _recorded(connection: Connection) -> tuple[list[tuple[int, RegionCode, Head]], list[tuple[RegionCode, str]]]:
    """Return the ends of chains that the runs recorded, and what is wrong with a record that cannot be read."""
    found, unread = [], []
    for number, chains in connection.execute(select(run.c.id, run.c.chains).order_by(run.c.id)):
        try:
            found += [(number, code, Head(*head)) for code, head in json.loads(chains).items()]
        except (ValueError, TypeError, AttributeError):
            unread.append(("", _("what run {run} recorded of its chains cannot be read").format(run=number)))
    return found, unread


def _cut_short(
    recorded: Iterable[tuple[int, RegionCode, Head]],
    ends: Mapping[tuple[RegionCode, int], str],
    cut: Mapping[RegionCode, Head],
) -> Iterator[tuple[RegionCode, str]]:
    """Yield the chains that are not, or no longer reach, what a run recorded of them when it ended."""
    for number, code, (length, end) in recorded:
        if length >= cut.get(code, _EMPTY).length and ends[code, length] != end:
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
