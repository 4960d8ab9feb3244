"""What should become of a country, in plain dicts: written from the table of docs/flow.md, apart from the program.

It holds the service's rows and what is managed, and takes one region after the other, as a run does. What the guards
refuse it is told; it judges nothing.
"""

from __future__ import annotations

import copy
from collections.abc import Collection
from typing import Any, NamedTuple

from little_country import Country
from test_settle_total import row_of_the_table

Row = tuple[str, str]
"""A clinic's row: region, name. A board's: HSA-id, name."""
MANAGED_AFTER = {"in-place", "renames", "enrols", "follows", "declared-twice-follows", "enrolled-unknown"}
AS_BEFORE = {"held", "duplicate", "claimed"}


class Said(NamedTuple):
    """What is said of one clinic: whether its id stands in a file that is stopped, and what the table makes of it."""

    outcome: str
    after: Row | None
    manager: tuple[str, str, str] | None


class Model:
    """The service's tables and what is managed: clinics by id, boards by region."""

    def __init__(self) -> None:
        self.clinics: dict[str, Row] = {}
        self.boards: dict[str, Row] = {}
        self.managed: dict[str, tuple[str, str, str]] = {}
        self.managed_boards: dict[str, tuple[str, str, str]] = {}

    def copy(self) -> Model:
        return copy.deepcopy(self)

    def held(self) -> tuple[object, ...]:
        """Return all that it says, to be compared."""
        return (self.clinics, self.boards, self.managed, self.managed_boards)

    # ---- clinics

    def says(self, country: Country, hsa_id: str, broken: Collection[str]) -> Said:
        """Return what the table makes of a clinic."""
        declared = {code for code, ids in country.clinics.items() if hsa_id in ids}
        row, manager = self.clinics.get(hsa_id), self.managed.get(hsa_id)
        name, status, region = country.register.get(hsa_id, ("", "", None))
        if declared & set(broken) or (manager and manager[0] in broken):
            return Said("held", row, manager)
        owner = manager[0] if manager else None
        outcome, where = row_of_the_table(
            row[0] if row else None, frozenset(declared), owner, region, active=status == "active", routed=False
        )
        after = (
            (where, name if region and outcome not in {*AS_BEFORE, "unmanaged", "released"} else row[1])
            if where
            else None
        )
        if where is None or outcome in ("unmanaged", "released"):
            return Said(outcome, after, None)
        if outcome in AS_BEFORE:
            return Said(outcome, row, manager)
        (declarer,) = declared if len(declared) == 1 else (where,)
        if outcome == "enrolled-unknown" and declarer not in (where, owner):
            return Said(outcome, after, manager)
        return Said(outcome, after, (declarer, *after))

    def settled(self, country: Country, broken: Collection[str]) -> tuple[dict[str, Row], dict[str, Row]]:
        """Return the rows that should hold, of clinics and of boards, were nothing refused."""
        ids = {*self.clinics, *self.managed, *(one for ids in country.clinics.values() for one in ids)}
        after = {hsa_id: self.says(country, hsa_id, broken).after for hsa_id in ids}
        boards = {code: self.board(country, code, broken)[0] for code in country.clinics}
        return {key: row for key, row in after.items() if row}, {code: row for code, row in boards.items() if row}

    # ---- boards

    def board(
        self, country: Country, code: str, broken: Collection[str]
    ) -> tuple[Row | None, tuple[str, str, str] | None]:
        """Return the board that should hold in a region, and what is then managed."""
        row, last = self.boards.get(code), self.managed_boards.get(code)
        if code in broken:
            return row, last
        wanted = country.boards[code]
        if wanted is None:
            return (row, last) if row and not last else (None, None)
        said = (wanted["hsa_id"], wanted["name"], wanted["support_order"])
        same = row is not None and row[0] == said[0]
        if not same and row and not last:
            return row, last
        if not same and last and last[2] == said[2] and last[0] != said[0]:
            return row, last
        return said[:2], said

    # ---- a run

    def run(
        self, country: Country, broken: Collection[str], blocked: Collection[str], rows: Collection[str]
    ) -> list[Model]:
        """Do what a run does, of which the regions *blocked* are stopped or refused, and the *rows* left alone.

        Return what holds before, and after each region.
        """
        ids = {*self.clinics, *self.managed, *(one for ids in country.clinics.values() for one in ids)}
        said = {hsa_id: self.says(country, hsa_id, broken) for hsa_id in sorted(ids)}
        stages = [self.copy()]
        for code in sorted(country.clinics):
            if code not in blocked:
                for hsa_id, one in said.items():
                    if hsa_id not in rows:
                        self._clinic(code, hsa_id, one, blocked)
                if code not in rows:
                    self._board(code, *self.board(country, code, broken))
            stages.append(self.copy())
        return stages

    def _clinic(self, code: str, hsa_id: str, said: Said, blocked: Collection[str]) -> None:
        row, before = self.clinics.get(hsa_id), self.managed.get(hsa_id)
        where = (said.after or row or (None,))[0]
        if said.after == row:
            where = (said.manager or before or (None,))[0]
        elif {where, row[0] if row else where} & set(blocked):
            return
        if where == code:
            _put(self.clinics, hsa_id, said.after)
            _put(self.managed, hsa_id, said.manager)

    def _board(self, code: str, row: Row | None, last: tuple[str, str, str] | None) -> None:
        _put(self.boards, code, row)
        _put(self.managed_boards, code, last)


def _put(rows: dict[str, Any], key: str, value: Any) -> None:
    rows.pop(key, None)
    if value is not None:
        rows[key] = value
