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

from reconciler.model import REGIONS, GoodPart, HsaId, RegionCode, Register, RegisterClinic, Remembered, RoutedPart
from reconciler.store.engine import transacted
from reconciler.store.tables import approval_used, as_text, register_part, register_snapshot, routes_part

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_SNAPSHOT = register_snapshot.c
_PART = register_part.c
GOOD, SUSPECT = "good", "suspect"


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


def remembered(connection: Connection) -> Remembered:
    """Return each region's last good part of register and routes, and the newest register as it was given."""
    parts, routed = _last_good(connection), _routed(connection)
    newest = connection.scalar(select(_SNAPSHOT.digest).order_by(_SNAPSHOT.fetched_at.desc()).limit(1))
    if newest is None:
        return Remembered(routed=routed)
    registers = _registers(connection, {newest, *(snapshot for snapshot, _since in parts.values())})
    divided = {digest: register.by_region() for digest, register in registers.items()}
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


def _registers(connection: Connection, digests: Collection[str]) -> dict[str, Register]:
    rows = select(register_snapshot).where(_SNAPSHOT.digest.in_(sorted(digests)))
    return {
        row.digest: Register(
            _unpacked(row.content), datetime.fromisoformat(row.generated_at), row.digest, row.etag, row.asked or ""
        )
        for row in connection.execute(rows)
    }


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
        part, good = parts.get(code, {}), incoming.remembered.parts.get(code)
        unmoved = good is not None and good.clinics == part and code not in incoming.restarted
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
    text = json.dumps(sorted(register.clinics.items()), ensure_ascii=False, separators=(",", ":"))
    return zlib.compress(text.encode(), level=1)


def _unpacked(content: bytes) -> dict[HsaId, RegisterClinic]:
    return {HsaId(hsa_id): RegisterClinic(*entry) for hsa_id, entry in json.loads(zlib.decompress(content))}


def _counts(register: Register) -> str:
    """Return for each region how many of its clinics are active and how many there are, as JSON."""
    every = Counter(clinic.region_code for clinic in register.clinics.values())
    active = Counter(clinic.region_code for clinic in register.clinics.values() if clinic.active)
    counts = {code: {"clinics": every[code], "active": active[code]} for code in sorted(every)}
    return json.dumps(counts, separators=(",", ":"))
