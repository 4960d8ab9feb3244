"""One run of apply: the regions settled one by one, each in a transaction that decides anew on what it observes.

It knows what was planned and what the store does; it prints nothing and reads no file.
"""

from __future__ import annotations

import gc
import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from itertools import groupby
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from reconciler import signals, store
from reconciler.bookkeeping import Bookkeeping, bookkeeping
from reconciler.findings import Exit, Failure, Finding
from reconciler.judge import proposal
from reconciler.model import ENROLMENT, MANAGED, BoardRow, Enrolment, HsaId, ManagedClinic, RegionCode, Settings, State
from reconciler.plan import Change, diff, in_order, settle, touched_by
from reconciler.results import Applied, Judged, Planned, RegionVerdict, Verdict, World
from reconciler.rows import Rows
from reconciler.rules import guard
from reconciler.rules.guard import Judgement
from reconciler.words import _

if TYPE_CHECKING:
    from sqlalchemy import Engine

log = logging.getLogger("reconciler.run")

K = TypeVar("K")
V = TypeVar("V")


@dataclass
class Run:
    """One run of apply, while it lasts: what is done so far. An *exact* one does what was planned, or nothing."""

    settings: Settings
    planned: Planned
    world: World
    judged: Judged
    engine: Engine
    run: int
    now: datetime
    exact: bool = False
    verdicts: list[RegionVerdict] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    applied: int = 0
    halted: bool = False
    interrupted: Exit | None = None
    spent: set[str] = field(default_factory=set)
    planned_for: dict[RegionCode, tuple[Change, ...]] = field(default_factory=dict)
    books: dict[RegionCode, Bookkeeping] = field(default_factory=dict)
    waiting: frozenset[str] = frozenset()
    left: dict[str, Enrolment | BoardRow | None] = field(default_factory=dict)
    newly_done: list[tuple[Change, ...]] = field(default_factory=list)
    done: dict[RegionCode, tuple[Change, ...]] = field(default_factory=dict)
    held_back: dict[RegionCode, frozenset[str]] = field(default_factory=dict)
    findings: dict[RegionCode, tuple[Finding, ...]] = field(default_factory=dict)

    def settle_all(self, only: Collection[RegionCode]) -> Applied:
        """Settle the regions one by one, close the run, and return what became of them."""
        self.books = bookkeeping(self.world.observed, self.judged.settled, self.judged.changes)
        self.waiting = self.judged.waiting
        due = (change for change in self.judged.changes if guard.row_of(change) not in self.waiting)
        self.planned_for = {code: tuple(found) for code, found in groupby(due, key=lambda change: change.region)}
        self._told("run began", changes=len(self.planned.changes))
        with signals.waiting():
            for verdict in self.planned.regions:
                if not only or verdict.code in only:
                    self._settle(verdict)
            self._close()
        failures = (*self.planned.failures, *self.failures)
        anew = [finding for found in self.findings.values() for finding in found]
        findings = tuple(sorted((*self.planned.findings, *anew), key=Finding.sort_key))
        planned = self.planned._replace(findings=findings).only(only)
        planned = planned._replace(regions=tuple(self.verdicts), failures=failures)
        done = tuple(change for changes in self.done.values() for change in changes)
        return Applied(planned, self.run, self.applied, self.interrupted, done)

    def _settle(self, verdict: RegionVerdict) -> None:
        began, before = monotonic(), self.applied
        after = self._settled(verdict)
        self.verdicts.append(after)
        why = {"because": list(after.because)} if after.because else {}
        took, changes = round(monotonic() - began, 3), self.applied - before
        self._told("region", region=after.code, verdict=after.verdict.value, **why, changes=changes, duration=took)

    def _told(self, event: str, **more: object) -> None:
        """Tell the log; no name of a person goes there."""
        log.info(event, extra={"run": self.run, "commit": self.planned.commit, **more})

    def _close(self) -> None:
        status = "interrupted" if self.interrupted else "failed" if self.failures else "done"
        try:
            store.finish_run(self.engine, self.run, status, self.now, self.applied)
        except Failure as failure:
            if failure.problem not in {one.problem for one in self.failures}:
                self.failures.append(failure)
        self.engine.dispose()

    def _settled(self, verdict: RegionVerdict) -> RegionVerdict:
        if verdict.verdict in (Verdict.STOPPED, Verdict.REFUSED):
            return verdict
        if verdict.verdict is Verdict.UNCHANGED and not self.books.get(verdict.code):
            return verdict
        if self.halted or verdict.code in self.settings.hold:
            return verdict._replace(verdict=Verdict.NOT_ATTEMPTED)
        try:
            with signals.heard():
                return self._in_one_transaction(verdict)
        except Failure as failure:
            self.failures.append(failure)
            return self._failed(verdict, failure)
        except KeyboardInterrupt as interrupt:
            self.halted = True
            self.interrupted = Exit.TERMINATED if interrupt.args == ("SIGTERM",) else Exit.INTERRUPTED
        # The statement that was cut off holds its lock until nobody refers to it, and exceptions do so in a circle.
        gc.collect()
        return self._as_logged(verdict, Verdict.NOT_ATTEMPTED)

    def _failed(self, verdict: RegionVerdict, failure: Failure) -> RegionVerdict:
        if failure.exit is Exit.LOCKED:
            self.halted = store.locks_all(self.engine)
            return verdict._replace(verdict=Verdict.NOT_ATTEMPTED)
        self.halted = failure.kind not in ("differs", "changed-meanwhile", "row")
        return self._as_logged(verdict, Verdict.FAILED)

    def _as_logged(self, verdict: RegionVerdict, otherwise: Verdict) -> RegionVerdict:
        """Ask the log whether the transaction was committed: who is cut off while it commits cannot know."""
        try:
            done = store.logged(self.engine, self.run, verdict.code)
        except Failure:
            done = 0
        self.applied += done
        return verdict._replace(verdict=Verdict.APPLIED if done else otherwise)

    def _in_one_transaction(self, verdict: RegionVerdict) -> RegionVerdict:
        one = self.world.declared.regions.get(verdict.code)
        due = self.planned_for.get(verdict.code, ())
        watched = {HsaId(change.subject) for change in due} | (one.clinics.keys() if one else set())
        decide = partial(self._decide, verdict.code, watched)
        touched = touched_by(due)
        done = store.settle_region(self.engine, self.run, verdict.code, watched, decide, self.now, touched=touched)
        if done.unexpected:
            raise self._no_longer_fits(verdict.code)
        if done.refused:
            because = sorted({one.rule.id for one in self.findings[verdict.code]})
            return verdict._replace(verdict=Verdict.REFUSED, because=tuple(because))
        self.applied += len(done.changes)
        self.done[verdict.code] = done.changes
        self.newly_done.append(done.changes)
        self.spent |= done.taken
        return verdict._replace(verdict=Verdict.APPLIED if done.changes else Verdict.UNCHANGED)

    def _no_longer_fits(self, code: RegionCode) -> Failure:
        """Say that somebody was faster; before the first commit nothing was changed, and the saved plan is stale."""
        problem = _("the saved plan no longer fits: region {region} was changed by somebody else meanwhile")
        return Failure(
            "plan",
            "stale",
            problem=problem.format(region=code),
            remedy=_("look at the plan of now, and save that one: reconciler plan --out FILE"),
            exit=Exit.UNANSWERED if self.done else Exit.PLAN_STALE,
        )

    def _decide(self, code: RegionCode, watched: Collection[HsaId], state: State) -> store.Work:
        """Settle the region again on what its transaction observes; guard it anew where that was not planned.

        Where it observes what the plan was made on, the same would come of it: that is what is done.
        """
        held = self.waiting or code in self.held_back
        if not held and sees_what_was_observed(code, watched, self.world.observed, state):
            own, books = self.planned_for.get(code, ()), self.books.get(code, Bookkeeping())
            return store.Work(own, books, self._taken(code, own, self.judged.judgement))
        own, books = self._due(code, watched, state)
        planned = own == self.planned_for.get(code, ())
        judgement = self.judged.judgement
        seen = self._seen(code, watched, state) if own or self.exact else None
        unexpected = self.exact and (not planned or bool(seen))
        if seen is not None and own and (seen or not planned):
            judgement = self._judged_anew(code, own, seen)
            if judgement.national or code in judgement.regions:
                self.findings[code] = judgement.refusals
                return store.Work((), Bookkeeping(), {}, refused=True, unexpected=unexpected)
            waits = tuple(guard.move_waits(own, judgement.regions))
            rows = {str(one.subject) for one in waits} | (judgement.rows - self.waiting)
            if rows:
                self.findings[code] = (*waits, *(one for one in judgement.refusals if one.values.get("row") in rows))
                self.held_back[code] = frozenset(rows)
                own, books = self._due(code, watched, state)
        return store.Work(own, books, self._taken(code, own, judgement), unexpected=unexpected)

    def _due(
        self, code: RegionCode, watched: Collection[HsaId], state: State
    ) -> tuple[tuple[Change, ...], Bookkeeping]:
        """Return the changes that are due in the region now, and what is to be remembered; without what waits."""
        waiting = self.waiting | self.held_back.get(code, frozenset())
        rows = (Rows.of(ENROLMENT, state.clinics), Rows.of(MANAGED, state.managed_clinics))
        hsa_ids = set(watched).union(*(names for one in rows for names in one.parts.values())) - waiting
        world = self.world
        declared = world.declared
        if code in waiting and code not in declared.stopped:
            declared = replace(declared, boards_held={**declared.boards_held, code: (guard.two_writers.id,)})
        settled = settle(declared, world.register, world.routes, state, self.settings.regions, hsa_ids, code)
        changes = diff(state, settled, world.declared)
        own = tuple(change for change in changes if change.region == code)
        return own, bookkeeping(state, settled, changes).get(code, Bookkeeping())

    def _seen(self, code: RegionCode, watched: Collection[HsaId], state: State) -> Seen:
        """Return what the transaction sees otherwise than this run left it: what somebody else has changed."""
        for changes in self.newly_done:
            self.left.update((guard.row_of(change), change.after) for change in changes)
        self.newly_done.clear()
        observed, left = self.world.observed, self.left
        enrolled, there = Rows.of(ENROLMENT, observed.clinics), Rows.of(ENROLMENT, state.clinics)
        managed = Rows.of(MANAGED, state.managed_clinics).parts.items()
        here = {hsa_id for group, names in managed if code in group for hsa_id in names}
        here |= enrolled.part(code).keys() - left.keys()
        clinics = {}
        for hsa_id in here.union(there, watched):
            row, expected = there.get(hsa_id), left[hsa_id] if hsa_id in left else enrolled.get(hsa_id)
            if row != expected:
                clinics[hsa_id] = row
        board = state.boards.get(code)
        return Seen(clinics, {code: board} if board != observed.boards.get(code) else {}, state)

    def _judged_anew(self, code: RegionCode, own: Sequence[Change], seen: Seen) -> Judgement:
        """Ask the guards about the whole plan once more, had it been made on what is seen now.

        The other regions stand as they were observed at first, with the changes that were done, or are still planned.
        """
        world = self.world
        before = world.observed
        managed_boards = {key: row for key, row in before.managed_boards.items() if key != code}
        if code in seen.state.managed_boards:
            managed_boards[code] = seen.state.managed_boards[code]
        observed = State(
            _with(before.clinics, seen.clinics),
            _with(before.boards, seen.boards),
            {**before.managed_clinics, **seen.state.managed_clinics},
            managed_boards,
        )
        planned = [change for change in self.judged.changes if change.region not in (code, *self.done)]
        done = [change for changes in self.done.values() for change in changes]
        settled = settle(world.declared, world.register, world.routes, observed, self.settings.regions)
        changes = in_order([*planned, *done, *own])
        proposed = proposal(world._replace(observed=observed), self.settings, settled, changes)
        return guard.judge(proposed, world.approvals, world.taken)

    def _taken(self, code: RegionCode, own: Sequence[Change], judgement: Judgement) -> dict[str, store.Taking]:
        """Return what the transaction takes of each approval; what is not counted is taken once in a run."""
        plan = [change for due in self.planned_for.values() for change in due] if judgement.uses else []
        taken = {}
        for approval in (use.approval for use in judgement.uses):
            count = guard.taken_by(approval, code, own, plan, self.world.reverts)
            if count and (approval.guard in guard.COUNTED or approval.digest not in self.spent):
                taken[approval.digest] = store.Taking(count, approval.at_most)
        return taken


class Seen(NamedTuple):
    """What somebody else has changed, as it is now (None: gone), and all that the transaction observes."""

    clinics: Mapping[HsaId, Enrolment | None]
    boards: Mapping[RegionCode, BoardRow | None]
    state: State

    def __bool__(self) -> bool:
        return bool(self.clinics or self.boards)


def sees_what_was_observed(code: RegionCode, watched: Collection[HsaId], observed: State, state: State) -> bool:
    """Whether the transaction sees the region's own rows alone, and all of them as they were *observed* at first.

    In sight are the *watched* clinics, and those that are enrolled or managed at home, wherever their other row is.
    """
    clinics, books = Rows.of(ENROLMENT, observed.clinics), Rows.of(MANAGED, observed.managed_clinics)
    enrolled, managed = clinics.part(code), _at_home(code, books)
    in_sight = set(watched).union(enrolled, *managed.values())
    return (
        observed.boards.get(code) == state.boards.get(code)
        and observed.managed_boards.get(code) == state.managed_boards.get(code)
        and Rows.of(ENROLMENT, state.clinics).parts == ({code: enrolled} if enrolled else {})
        and Rows.of(MANAGED, state.managed_clinics).parts == managed
        and not clinics.holds_any(in_sight.difference(enrolled))
        and not books.holds_any(in_sight.difference(*managed.values()))
    )


def _at_home(
    code: RegionCode, books: Rows[HsaId, ManagedClinic]
) -> dict[tuple[RegionCode, RegionCode], Mapping[HsaId, str]]:
    return {group: names for group, names in books.parts.items() if code in group and names}


def _with(rows: Mapping[K, V], others: Mapping[K, V | None]) -> dict[K, V]:
    """Return *rows*, where *others* are known better; None is a row that is gone."""
    merged = {key: row for key, row in rows.items() if key not in others}
    return merged | {key: row for key, row in others.items() if row is not None}
