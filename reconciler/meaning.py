"""What a change to the files means, part by part, and whose right each part takes.

Pure: it compares what two revisions declare. Comments, order, form and the names beside the ids are no part: nothing in
the service comes of them. It knows no rule, no git and no format.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from enum import Enum
from typing import Any, NamedTuple

from reconciler.findings import Place
from reconciler.model import Approval, Board, Clinic, Declared, HsaId, Region, RegionCode, Register


class Kind(Enum):
    """What a part does; those that a plan has as well have its words."""

    ENROL = "enrol"
    WITHDRAW = "withdraw"
    MOVE = "move"
    SET_BOARD = "set-board"
    CHANGE_BOARD = "change-board"
    REMOVE_BOARD = "remove-board"
    ADD_APPROVAL = "add-approval"
    CHANGE_APPROVAL = "change-approval"
    REMOVE_APPROVAL = "remove-approval"
    GRANT_RIGHT = "grant-right"
    REVOKE_RIGHT = "revoke-right"
    CHANGE_SETTINGS = "change-settings"
    CHANGE_UNREAD = "change-unread"


CLINICS = frozenset({Kind.ENROL, Kind.WITHDRAW})
BOARDS = frozenset({Kind.SET_BOARD, Kind.CHANGE_BOARD, Kind.REMOVE_BOARD})
APPROVALS = frozenset({Kind.ADD_APPROVAL, Kind.CHANGE_APPROVAL, Kind.REMOVE_APPROVAL})
RIGHTS = frozenset({Kind.GRANT_RIGHT, Kind.REVOKE_RIGHT})

Row = Mapping[str, Any]
"""What is declared of a clinic, a board or an approval, by the names of its columns or keys."""


class Part(NamedTuple):
    """One thing that a change means; `before` and `after` are None where there is nothing.

    `leaves` is the region whose file a clinic leaves, `others` are those that declare it besides. `shown` is the region
    that the e-services give it; None where they were not asked, or do not know it.
    """

    kind: Kind
    region: RegionCode | None
    subject: str
    before: Row | None
    after: Row | None
    place: Place | None
    leaves: RegionCode | None = None
    others: tuple[RegionCode, ...] = ()
    shown: RegionCode | None = None

    @property
    def needs(self) -> tuple[frozenset[RegionCode], ...]:
        """Whose right it takes: of each set one of these regions, or a national one; an empty set is national only."""
        if self.region is None or self.kind not in CLINICS | {Kind.MOVE}:
            return (frozenset(),)
        known = {self.region, *self.others, *([self.leaves] if self.leaves else [])}
        if self.kind is Kind.WITHDRAW:
            return (frozenset({self.region, self.shown or self.region}),)
        if self.shown == self.region:
            return (frozenset(known),)
        return tuple(frozenset({code}) for code in sorted({self.region, self.leaves or self.region}))

    def sort_key(self) -> tuple[str, int, str]:
        """By region, what is of none last; then by kind and subject."""
        return (self.region or "99", list(Kind).index(self.kind), self.subject)


class Access(NamedTuple):
    """Who has which right: accounts in lower case, each with where it stands."""

    national: Mapping[str, Place]
    regions: Mapping[RegionCode, Mapping[str, Place]]

    def accounts(self, regions: Iterable[RegionCode]) -> frozenset[str]:
        """Return those that have the right of one of *regions*, or a national one."""
        return frozenset(self.national).union(*(self.regions.get(code, {}) for code in regions))

    def rights(self) -> dict[tuple[RegionCode | None, str], Place]:
        """Return every right: whose it is, by region (None: national) and account."""
        every: list[tuple[RegionCode | None, Mapping[str, Place]]] = [(None, self.national), *self.regions.items()]
        return {(code, one): place for code, some in every for one, place in some.items()}

    def permits(self, part: Part, people: Collection[str]) -> bool:
        """Whether *people*, in lower case, have all the rights that a part takes."""
        return all(self.accounts(regions) & set(people) for regions in part.needs)


class Stand(NamedTuple):
    """What the files say at one moment; `mentioned` are the HSA-ids in the text of those that cannot be read."""

    declared: Declared
    approvals: tuple[Approval, ...] = ()
    access: Access | None = None
    mentioned: Mapping[RegionCode, Collection[HsaId]] = {}

    def clinics(self, code: RegionCode) -> Mapping[HsaId, Clinic]:
        """Return the clinics of a region; of a file that cannot be read, those in its text, without a name."""
        region = self.declared.regions.get(code)
        return region.clinics if region else dict.fromkeys(self.mentioned.get(code, ()), _UNREAD)


_UNREAD = Clinic("", 0, 0, 0)


def parts(before: Stand, here: Stand, register: Register | None = None) -> list[Part]:
    """Return what it means to come from one stand to the other, sorted; with a *register*, what that says of it.

    Of a region whose file cannot be read *here* nothing is told.
    """
    codes = sorted(before.declared.regions.keys() | before.mentioned.keys() | here.declared.regions.keys())
    codes = [code for code in codes if code not in here.declared.stopped]
    boards = (_board_part(code, before, here) for code in codes)
    found = [
        *_clinic_parts(codes, before, here, register),
        *(part for part in boards if part is not None),
        *_approval_parts(before.approvals, here.approvals),
        *_right_parts(before.access, here.access),
    ]
    return sorted(found, key=Part.sort_key)


# ---- clinics


def _clinic_parts(
    codes: Collection[RegionCode], before: Stand, here: Stand, register: Register | None
) -> Iterator[Part]:
    was = {code: before.clinics(code) for code in codes}
    now = {code: here.clinics(code) for code in codes}
    for hsa_id in sorted({hsa_id for code in codes for hsa_id in was[code].keys() ^ now[code].keys()}):
        entry = register.clinics.get(hsa_id) if register else None
        shown = entry.region_code if entry else None
        there = {code: clinics[hsa_id].name for code, clinics in was.items() if hsa_id in clinics}
        names = {code: clinics[hsa_id].name for code, clinics in now.items() if hsa_id in clinics}
        if entry:
            names = dict.fromkeys(names, entry.name)
        yield from _parts_of_clinic(hsa_id, there, names, shown, (before, here))


def _parts_of_clinic(
    hsa_id: HsaId,
    was: Mapping[RegionCode, str],
    now: Mapping[RegionCode, str],
    shown: RegionCode | None,
    stands: tuple[Stand, Stand],
) -> Iterator[Part]:
    """Yield the parts of one clinic: a line that goes and one that comes, or stays, are a move."""
    come = sorted(now.keys() - was.keys(), key=lambda code: (code != shown, code))
    stay = sorted(now.keys() & was.keys())
    for left in sorted(was.keys() - now.keys()):
        to = come.pop(0) if come else stay[0] if stay else None
        row = {"region_code": left, "name": was[left]}
        if to is None:
            place = _file(left, *reversed(stands))
            yield Part(Kind.WITHDRAW, left, hsa_id, row, None, place, shown=shown)
        else:
            after = {"region_code": to, "name": now[to]}
            place = stands[1].declared.regions[to].place_of(hsa_id)
            yield Part(Kind.MOVE, to, hsa_id, row, after, place, left, shown=shown)
    for code in come:
        after = {"region_code": code, "name": now[code]}
        place = stands[1].declared.regions[code].place_of(hsa_id)
        yield Part(Kind.ENROL, code, hsa_id, None, after, place, others=tuple(sorted(was)), shown=shown)


def _file(code: RegionCode, *stands: Stand) -> Place | None:
    """Return the file of a region, where one of *stands* has it."""
    regions = (stand.declared.regions.get(code) for stand in stands)
    return next((Place(region.source.path) for region in regions if region), None)


# ---- boards, approvals, rights


def _board_part(code: RegionCode, before: Stand, here: Stand) -> Part | None:
    region = here.declared.regions.get(code)
    was, now = _board(before.declared.regions.get(code)), _board(region)
    if was == now:
        return None
    kind = Kind.SET_BOARD if was is None else Kind.REMOVE_BOARD if now is None else Kind.CHANGE_BOARD
    place = region.board.place if region and region.board else region.board_place if region else None
    subject = now or was or {}
    return Part(kind, code, subject["board_hsa_id"], was, now, place or _file(code, before))


def _board(region: Region | None) -> Row | None:
    board: Board | None = region.board if region else None
    if board is None:
        return None
    return {"board_hsa_id": board.hsa_id, "board_name": board.name, "support_order": board.support_order}


def _approval_parts(before: Collection[Approval], here: Collection[Approval]) -> Iterator[Part]:
    gone = [*_without(before, here)]
    for one in _without(here, before):
        old = next((each for each in gone if (each.guard, each.region) == (one.guard, one.region)), None)
        if old:
            gone.remove(old)
        kind = Kind.CHANGE_APPROVAL if old else Kind.ADD_APPROVAL
        yield Part(kind, one.region, one.guard, _approval(old) if old else None, _approval(one), one.place)
    for one in gone:
        yield Part(Kind.REMOVE_APPROVAL, one.region, one.guard, _approval(one), None, Place(one.place.path))


def _without(some: Iterable[Approval], others: Iterable[Approval]) -> Iterator[Approval]:
    """Yield those of *some* that *others* lack; of several alike, as many as are too many."""
    left = Counter(one.digest for one in others)
    for one in some:
        if left[one.digest]:
            left[one.digest] -= 1
        else:
            yield one


def _approval(one: Approval) -> Row:
    return {
        "at_most": one.at_most,
        "until": one.until.isoformat(),
        "reason": one.reason,
        "approved_by": one.approved_by,
    }


def _right_parts(before: Access | None, here: Access | None) -> Iterator[Part]:
    was, now = before.rights() if before else {}, here.rights() if here else {}
    for code, account in now.keys() - was.keys():
        yield Part(Kind.GRANT_RIGHT, code, account, None, {"account": account}, now[code, account])
    for code, account in was.keys() - now.keys():
        yield Part(Kind.REVOKE_RIGHT, code, account, {"account": account}, None, Place(was[code, account].path))
