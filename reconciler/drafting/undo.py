"""`undo`: the region files written so that the next apply reverses what a run did; the database is only read."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import PurePosixPath

from reconciler import logbook
from reconciler.drafting.draft import Desk, Draft, desk
from reconciler.drafting.imports import required
from reconciler.edit import document
from reconciler.edit.document import Document
from reconciler.findings import Finding, Place
from reconciler.model import BoardRow, Enrolment, HsaId, RegionCode, Settings
from reconciler.rules import undo as rules
from reconciler.store import LoggedChange


def undo(settings: Settings, number: int) -> Draft:
    """Draft the files that would reverse a run: lines it followed are taken out, lines it lost are put back.

    Only what still stands as the run left it is touched.
    """
    undoing = _Undoing(number, desk(settings))
    for change in logbook.changes_of(settings, number):
        undoing.reverse(change)
    return Draft(undoing.desk.rewrites(undoing.documents), tuple(sorted(undoing.findings, key=Finding.sort_key)))


@dataclass
class _Undoing:
    """The files as they become, one change after the other."""

    number: int
    desk: Desk
    documents: dict[RegionCode, Document] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def reverse(self, change: LoggedChange) -> None:
        """Reverse one change in the file that declared it, or say why that is not done."""
        code = self._declared_in(change)
        if change.is_board:
            self._board(code, change)
        elif isinstance(change.before, Enrolment) and isinstance(change.after, Enrolment):
            self.findings += rules.change_not_of_files(self.number, change.subject, change.region)
        elif isinstance(change.before, Enrolment):
            self._put_back(code, HsaId(change.subject), change.before.name)
        else:
            self._take_out(code, HsaId(change.subject))

    def _declared_in(self, change: LoggedChange) -> RegionCode:
        """Return the region whose file declared it, by the file's name; else the region that was changed."""
        name = PurePosixPath(change.path or "").name
        return next((code for code, path in self.desk.paths.items() if path.name == name), change.region)

    def _document(self, code: RegionCode) -> Document:
        required(self.desk, code)
        return self.documents.setdefault(code, self.desk.document(code))

    def _take_out(self, code: RegionCode, hsa_id: HsaId) -> None:
        changed, lines = document.remove(self._document(code), [hsa_id])
        self.documents[code] = changed
        if not lines:
            self.findings += rules.changed_since(self.number, hsa_id, code, self._where(hsa_id))

    def _put_back(self, code: RegionCode, hsa_id: HsaId, name: str) -> None:
        if where := self._where(hsa_id):
            self.findings += rules.changed_since(self.number, hsa_id, code, where)
        else:
            self.documents[code] = document.add(self._document(code), {hsa_id: name})

    def _where(self, hsa_id: HsaId) -> Place | None:
        """Return the line that declares a clinic, if there is any."""
        declared = (one for one in self.desk.regions.values() if hsa_id in one.clinics)
        return next((one.place_of(hsa_id) for one in declared), None)

    def _board(self, code: RegionCode, change: LoggedChange) -> None:
        there, region, before = self._document(code), self.desk.regions[code], change.before
        board = region.board
        if (BoardRow(board.hsa_id, board.name) if board else None) != change.after:
            self.findings += rules.changed_since(self.number, change.subject, code, region.board_place)
        elif not isinstance(before, BoardRow):
            self.documents[code] = document.remove_board(there)
        else:
            same = board if board and board.hsa_id == before.hsa_id else None
            order = same.support_order if same else None
            self.documents[code] = document.set_board(there, HsaId(before.hsa_id), before.name, order)
            if not same:
                self.findings += rules.order_to_be_made(before.hsa_id, code, region.board_place)
