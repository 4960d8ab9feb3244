"""What a region's transaction remembers beside its changes: the clinics and the board that are managed.

Pure. A changed clinic's row goes with the change, into the transaction of that region; all else into that of the region
that declares it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from reconciler.model import MANAGED, HsaId, ManagedBoard, ManagedClinic, RegionCode, State
from reconciler.plan import OF_BOARDS, Change, Settled
from reconciler.rows import Rows


class Bookkeeping(NamedTuple):
    """What one region's transaction remembers as managed: rows to write, rows to forget. Not a change."""

    clinics: Rows[HsaId, ManagedClinic] = Rows(MANAGED, {})
    forgotten: tuple[HsaId, ...] = ()
    board: ManagedBoard | None = None
    board_differs: bool = False

    def __bool__(self) -> bool:
        return bool(self.clinics or self.forgotten or self.board_differs)


def bookkeeping(observed: State, settled: Settled, changes: Iterable[Change]) -> dict[RegionCode, Bookkeeping]:
    """Return for each region what its transaction remembers: a changed clinic's row goes with the change."""
    written: dict[RegionCode, dict[tuple[RegionCode, RegionCode], Mapping[HsaId, str]]] = {}
    forgotten: dict[RegionCode, list[HsaId]] = {}
    was, will = Rows.of(MANAGED, observed.managed_clinics), Rows.of(MANAGED, settled.managed_clinics)
    elsewhere = _changed_elsewhere(changes, will)
    for group in sorted({**was.parts, **will.parts}):
        before, after = was.part(group), will.part(group)
        if before is after:
            continue
        differs = {hsa_id: name for hsa_id, name in after.items() if before.get(hsa_id) != name} if before else after
        for code, names in _by_transaction(differs, group[0], elsewhere).items():
            written.setdefault(code, {})[group] = names
        for hsa_id in before.keys() - after.keys():
            if hsa_id not in will:
                forgotten.setdefault(elsewhere.get(hsa_id, group[0]), []).append(hsa_id)
    return {
        code: Bookkeeping(
            Rows(MANAGED, written.get(code, {})),
            tuple(sorted(forgotten.get(code, ()))),
            settled.managed_boards.get(code),
            observed.managed_boards.get(code) != settled.managed_boards.get(code),
        )
        for code in written.keys() | forgotten.keys() | settled.board_outcomes.keys()
    }


def _changed_elsewhere(changes: Iterable[Change], managed: Rows[HsaId, ManagedClinic]) -> dict[str, RegionCode]:
    """Return by clinic the regions of those changes that are not simply of the region that manages it.

    A board may have the HSA-id of a clinic: its change is none of that clinic's.
    """
    elsewhere: dict[str, RegionCode] = {}
    for (code, action), its in groupby(changes, itemgetter(0, 1)):
        if action not in OF_BOARDS:
            at_home = managed.part((code, code))
            elsewhere.update((change[2], code) for change in its if change[2] not in at_home)
    return elsewhere


def _by_transaction(
    names: Mapping[HsaId, str], usual: RegionCode, elsewhere: Mapping[str, RegionCode]
) -> Mapping[RegionCode, Mapping[HsaId, str]]:
    """Return the names by the region whose transaction remembers them; all are one where none are *elsewhere*."""
    if elsewhere.keys().isdisjoint(names.keys()):
        return {usual: names} if names else {}
    parts: dict[RegionCode, dict[HsaId, str]] = {}
    for hsa_id, name in names.items():
        parts.setdefault(elsewhere.get(hsa_id, usual), {})[hsa_id] = name
    return parts
