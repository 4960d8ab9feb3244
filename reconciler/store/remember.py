"""Register and routes as they were: the answers kept, which parts were good, and the last good part of each region.

Whether a part is good is decided elsewhere. A part that was refused is kept as suspect, and is no measure.
"""

from __future__ import annotations

import json
import zlib
from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import Connection, Engine, delete, insert, select, update

from reconciler.model import (
    ENTRY,
    REGIONS,
    GoodPart,
    HsaId,
    RegionCode,
    Register,
    RegisterClinic,
    Remembered,
    RoutedPart,
)
from reconciler.rows import Rows
from reconciler.store.engine import transacted
from reconciler.store.tables import approval_used, as_text, register_part, register_snapshot, routes_part

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_SNAPSHOT = register_snapshot.c
_PART = register_part.c
GOOD, SUSPECT = "good", "suspect"
_NONE: Rows[HsaId, RegisterClinic] = Rows(ENTRY, {})


class Incoming(NamedTuple):
    """What came in, and what was made of it.

    `register` is None where nobody answered. `suspect` are the regions whose part was refused, `restarted` those where
    standing still was approved, `routed` is what is to be remembered of the routes, `taken` is what was taken of
    approvals: (digest, region) → how much.
    """

    register: Register | None
    remembered: Remembered
    suspect: Collection[RegionCode] = ()
    restarted: Collection[RegionCode] = ()
    taken: Mapping[tuple[str, RegionCode], int] = {}
    routed: Mapping[RegionCode, RoutedPart] = {}


def keep_incoming(engine: Engine, run_id: int, incoming: Incoming, now: datetime, most: int) -> None:
    """Keep what came in: of registers the *most* newest, and those that hold a region's last good part."""

    def keep(connection: Connection) -> None:
        if incoming.register is not None:
            _write_snapshot(connection, incoming.register, now)
            _write_parts(connection, run_id, incoming.register, incoming)
        _write_routed(connection, run_id, incoming.routed)
        rows = [
            {"digest": digest, "run": run_id, "region": code, "taken": count}
            for (digest, code), count in sorted(incoming.taken.items())
        ]
        if rows:
            connection.execute(insert(approval_used), rows)
        _forget(connection, most)

    transacted(engine, keep)


class LastAnswer(NamedTuple):
    """When the newest answer was made; the answer itself, where the server gave it a mark to know it by."""

    generated_at: datetime
    known: Register | None


def last_answer(connection: Connection, asked: str) -> LastAnswer | None:
    """Return the newest answer, where it was *asked* for in that way."""
    columns = select(_SNAPSHOT.digest, _SNAPSHOT.generated_at, _SNAPSHOT.etag, _SNAPSHOT.asked)
    row = connection.execute(columns.order_by(_SNAPSHOT.fetched_at.desc()).limit(1)).one_or_none()
    if row is None or row.asked != asked:
        return None
    known = _registers(connection, {row.digest}, None)[row.digest] if row.etag else None
    return LastAnswer(datetime.fromisoformat(row.generated_at), known)


def remembered(connection: Connection, register: Register | None = None) -> Remembered:
    """Return each region's last good part of register and routes, and the newest register as it was given.

    What says the same as *register*, which has come in, is not unpacked.
    """
    parts, routed = _last_good(connection), _routed(connection)
    newest = connection.scalar(select(_SNAPSHOT.digest).order_by(_SNAPSHOT.fetched_at.desc()).limit(1))
    if newest is None:
        return Remembered(routed=routed)
    registers = _registers(connection, {newest, *(snapshot for snapshot, _since in parts.values())}, register)
    divided = {digest: one.by_region() for digest, one in registers.items()}
    found = {
        code: GoodPart(divided[snapshot].get(code, {}), registers[snapshot].generated_at, datetime.fromisoformat(since))
        for code, (snapshot, since) in sorted(parts.items())
    }
    return Remembered(found, registers[newest], routed)


def _last_good(connection: Connection) -> dict[RegionCode, tuple[str, str]]:
    """Return for each region the snapshot with its last good part, and since when it has said that."""
    rows = select(_PART.region, _PART.snapshot, _PART.since).where(_PART.verdict == GOOD).order_by(_PART.run)
    return {code: (snapshot, since) for code, snapshot, since in connection.execute(rows)}


def _routed(connection: Connection) -> dict[RegionCode, RoutedPart]:
    return {
        row.region: RoutedPart(frozenset(map(HsaId, json.loads(row.content))), datetime.fromisoformat(row.generated_at))
        for row in connection.execute(select(routes_part).order_by(routes_part.c.region))
    }


def _registers(connection: Connection, digests: Collection[str], known: Register | None) -> dict[str, Register]:
    """Return the answers by digest; where one says the same as what is *known*, its clinics are those."""
    found = {}
    for row in connection.execute(select(register_snapshot).where(_SNAPSHOT.digest.in_(sorted(digests)))):
        clinics = known.clinics if known and known.digest == row.digest else _unpacked(row.content)
        made = datetime.fromisoformat(row.generated_at)
        found[row.digest] = Register(clinics, made, row.digest, row.etag, row.asked or "")
    return found


def _write_snapshot(connection: Connection, register: Register, now: datetime) -> None:
    row = {
        "generated_at": as_text(register.generated_at),
        "fetched_at": as_text(now),
        "etag": register.etag,
        "asked": register.asked,
    }
    again = connection.execute(update(register_snapshot).where(_SNAPSHOT.digest == register.digest).values(row))
    if not again.rowcount:
        whole = {"content": _packed(register), "counts": _counts(register), "digest": register.digest}
        connection.execute(insert(register_snapshot), {**row, **whole})


def _write_parts(connection: Connection, run_id: int, register: Register, incoming: Incoming) -> None:
    parts = register.by_region()
    rows = []
    for code in REGIONS:
        part, good = parts.get(code, _NONE), incoming.remembered.parts.get(code)
        unmoved = good is not None and Rows.of(ENTRY, good.clinics) == part and code not in incoming.restarted
        rows.append(
            {
                "snapshot": register.digest,
                "region": code,
                "run": run_id,
                "verdict": SUSPECT if code in incoming.suspect else GOOD,
                "clinics": len(part),
                "since": as_text(good.since if good and unmoved else register.generated_at),
            }
        )
    connection.execute(delete(register_part).where(_PART.snapshot == register.digest))
    connection.execute(insert(register_part), rows)


def _write_routed(connection: Connection, run_id: int, parts: Mapping[RegionCode, RoutedPart]) -> None:
    rows = [
        {
            "region": code,
            "generated_at": as_text(part.generated_at),
            "content": json.dumps(sorted(part.clinics)),
            "run_id": run_id,
        }
        for code, part in sorted(parts.items())
    ]
    if rows:
        connection.execute(delete(routes_part))
        connection.execute(insert(routes_part), rows)


def _forget(connection: Connection, most: int) -> None:
    """Delete the old answers that nobody needs any more."""
    newest = connection.scalars(select(_SNAPSHOT.digest).order_by(_SNAPSHOT.fetched_at.desc())).all()
    needed = {snapshot for snapshot, _since in _last_good(connection).values()}
    old = [digest for digest in newest[most:] if digest not in needed]
    if old:
        connection.execute(delete(register_part).where(_PART.snapshot.in_(old)))
        connection.execute(delete(register_snapshot).where(_SNAPSHOT.digest.in_(old)))


# ---- how an answer is stored


def _packed(register: Register) -> bytes:
    """Return the clinics as columns, compressed: for each group its names by id. A group is one text at a time."""
    made, packed, before = zlib.compressobj(level=1), [], "["
    for group, names in sorted(Rows.of(ENTRY, register.clinics).parts.items()):
        text = json.dumps([*group, names], ensure_ascii=False, separators=(",", ":"))
        packed.append(made.compress(f"{before}{text}".encode()))
        before = ","
    return b"".join((*packed, made.compress(b"]" if packed else b"[]"), made.flush()))


def _unpacked(content: bytes) -> Mapping[HsaId, RegisterClinic]:
    stored = json.loads(zlib.decompress(content))
    if stored and not isinstance(stored[0][0], bool):  # as it was stored at first, a clinic at a time
        return {HsaId(hsa_id): RegisterClinic(*entry) for hsa_id, entry in stored}
    return Rows(ENTRY, {(active, code): names for active, code, names in stored})


def _counts(register: Register) -> str:
    """Return for each region how many of its clinics are active and how many there are, as JSON."""
    every, active = Counter[RegionCode](), Counter[RegionCode]()
    for (is_active, code), names in Rows.of(ENTRY, register.clinics).parts.items():
        every[code] += len(names)
        active[code] += len(names) if is_active else 0
    counts = {code: {"clinics": every[code], "active": active[code]} for code in sorted(every)}
    return json.dumps(counts, separators=(",", ":"))
