"""`import`: a list that people have, into a region's file or out of it; names come from the register."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any

from reconciler.drafting.draft import Desk, Draft, desk
from reconciler.edit import document
from reconciler.edit.issue_form import BOARD_ID, BOARD_NAME, ORDER, REGION, IssueForm, Wish, read_form
from reconciler.edit.listing import Row, decoded, is_workbook, read_list
from reconciler.findings import Exit, Failure, Finding, Place
from reconciler.model import HsaId, RegionCode, Register, Routes, Settings, canonical
from reconciler.rules import clinic, listing, shape
from reconciler.rules.close import close_id
from reconciler.rules.upstream import file_of, named
from reconciler.sources import register as register_source
from reconciler.sources import routes as routes_source
from reconciler.words import _


class Mode(Enum):
    """What a list is to the region's clinics."""

    ADD = "add"
    REMOVE = "remove"
    REPLACE = "replace"


@dataclass
class _Listing:
    """A list being gone through: which of its clinics can be taken, and what is said of the other rows."""

    path: str
    code: RegionCode
    desk: Desk
    register: Register | None
    routes: Routes
    taken: dict[HsaId, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def go_through(self, rows: Iterable[Row], mode: Mode) -> None:
        """Take the clinics of the rows, and say why where one cannot be taken."""
        for row in rows:
            place = Place(self.path, row.number, 1, row.number, len(row.text) + 1, row.text)
            if row.malformed is not None:
                self.findings += shape.hsa_id_malformed(row.malformed, place)
            elif not row.hsa_ids:
                self.findings += listing.row_without_id(row.text[:60], place)
            for hsa_id in row.hsa_ids:
                self._take(hsa_id, row.number, place, mode)

    def _take(self, hsa_id: HsaId, number: int, place: Place, mode: Mode) -> None:
        if hsa_id in self.taken:
            self.findings += listing.row_repeated(hsa_id, place, self.taken[hsa_id])
            return
        self.taken[hsa_id] = number
        region = self.desk.regions[self.code]
        there = hsa_id in region.clinics
        if mode is Mode.REMOVE:
            self.findings += [] if there else listing.clinic_not_declared(hsa_id, place, self.code)
        elif there:
            told = listing.clinic_declared_already(hsa_id, place, region.place_of(hsa_id))
            self.findings += told if mode is Mode.ADD else []
        else:
            self.findings += (refused := [*self._refused(hsa_id, place)])
            if refused:
                del self.taken[hsa_id]

    def _refused(self, hsa_id: HsaId, place: Place) -> Iterator[Finding]:
        """Say why a clinic that is new here cannot be declared here, as settling would."""
        other = next((one for one in self.desk.regions.values() if hsa_id in one.clinics), None)
        entry = self.register.clinics.get(hsa_id) if self.register else None
        if other:
            yield from listing.clinic_declared_elsewhere(hsa_id, place, other.place_of(hsa_id))
        elif entry is None:
            known = self.register.clinics if self.register else {}
            meant = close_id(hsa_id, known)
            suggestion = f"{meant} ({known[HsaId(meant)].name})" if meant else None
            yield clinic.clinic_unknown.finding(place, region=self.code, subject=hsa_id, suggestion=suggestion)
        elif entry.region_code != self.code:
            right = entry.region_code
            values: dict[str, Any] = {"right": named(right), "file": file_of(self.desk.regions, right)}
            values |= {"clinic": entry.name}
            yield clinic.clinic_of_other_region.finding(place, region=self.code, subject=hsa_id, **values)
        elif not entry.active:
            yield clinic.clinic_not_active.finding(place, region=self.code, subject=hsa_id, clinic=entry.name)
        elif hsa_id in self.routes.hsa_ids:
            route = self.routes.above.get(hsa_id, hsa_id)
            told: dict[str, Any] = {"clinic": entry.name, "route": route}
            yield clinic.clinic_routed_in_tak.finding(place, region=self.code, subject=hsa_id, **told)


def import_list(settings: Settings, now: datetime, path: str, content: bytes, code: RegionCode, mode: Mode) -> Draft:
    """Draft the region's file with the clinics of a txt or csv added or removed, or with those and no others."""
    if is_workbook(content):
        return Draft(findings=tuple(listing.list_not_text(path)))
    return _imported(settings, now, path, read_list(content), code, mode)


def import_form(settings: Settings, now: datetime, path: str, content: bytes) -> Draft:
    """Draft what the body of an issue form asks for; what cannot be done is told, and the rest is drafted."""
    form, place = read_form(decoded(content)), Place(path)
    wanted = {REGION: form.region if form.region in settings.regions else None}
    if form.wish is Wish.BOARD:
        wanted |= {BOARD_ID: form.board_id, BOARD_NAME: form.board_name, ORDER: form.order}
    missing = [
        finding for key, said in wanted.items() if said is None for finding in listing.form_incomplete(key, place)
    ]
    if form.wish is None:
        missing += listing.form_incomplete(_("a heading of one of the forms"), place)
    if missing or form.region is None:
        return Draft(findings=tuple(missing))
    if form.wish is Wish.BOARD:
        return _with_board(settings, form, form.region, place)
    mode = Mode.ADD if form.wish is Wish.CONNECT else Mode.REMOVE
    return _imported(settings, now, path, form.rows, form.region, mode)


def _with_board(settings: Settings, form: IssueForm, code: RegionCode, place: Place) -> Draft:
    hsa_id, name, order = canonical(str(form.board_id)), str(form.board_name), str(form.order)
    if not shape.is_hsa_id(hsa_id):
        return Draft(findings=tuple(shape.hsa_id_malformed(str(form.board_id), place)))
    lying = desk_with(settings, code)
    board = document.set_board(lying.document(code), hsa_id, name, order)
    return Draft(lying.rewrites({code: board}))


def _imported(settings: Settings, now: datetime, path: str, rows: Sequence[Row], code: RegionCode, mode: Mode) -> Draft:
    if not rows:
        return Draft(findings=tuple(listing.list_empty(path)))
    lying = desk_with(settings, code)
    asks = mode is not Mode.REMOVE
    register = register_source.ask(settings.register, now) if asks else None
    routes = routes_source.ask(settings.routes, now) if asks else Routes()
    found = _Listing(path, code, lying, register, routes)
    found.go_through(rows, mode)
    names = {hsa_id: entry.name for hsa_id, entry in register.clinics.items()} if register else {}
    changed = _changed(lying.document(code), found.taken, names, mode)
    return Draft(lying.rewrites({code: changed}), tuple(sorted(found.findings, key=Finding.sort_key)))


def _changed(
    before: document.Document, taken: Iterable[HsaId], names: Mapping[HsaId, str], mode: Mode
) -> document.Document:
    listed = set(taken)
    if mode is Mode.REMOVE:
        return document.remove(before, listed)[0]
    if mode is Mode.REPLACE:
        before = document.remove(before, (HsaId(key) for key in before.clinics.lines if key not in listed))[0]
    return document.add(before, {hsa_id: names[hsa_id] for hsa_id in listed if hsa_id not in before.clinics.lines})


def desk_with(settings: Settings, code: RegionCode) -> Desk:
    """Open the files; one of the region *code* that is not there or not good is a Failure."""
    lying = desk(settings)
    required(lying, code)
    return lying


def required(lying: Desk, code: RegionCode) -> None:
    """Raise a Failure where the file of the region *code* is not there, or not good."""
    if code in lying.regions:
        return
    wrong = any(finding.region == code for finding in lying.findings)
    raise Failure(
        "files",
        "faulty" if wrong else "missing",
        problem=_("the file of region {region} has faults").format(region=named(code))
        if wrong
        else _("region {region} has no file").format(region=named(code)),
        remedy=_("see what reconciler validate says")
        if wrong
        else _("make it: reconciler new {code}").format(code=code),
        exit=Exit.ERRORS if wrong else Exit.SETTINGS,
    )
