"""One run of apply: the regions settled one by one, each in a transaction that decides anew on what it observes.

It knows what was planned and what the store does; it prints nothing and reads no file.
"""

from __future__ import annotations

import gc
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from reconciler import store
from reconciler.check import proposal
from reconciler.findings import Exit, Failure
from reconciler.model import HsaId, RegionCode, Settings, State
from reconciler.plan import Bookkeeping, Change, bookkeeping, diff, settle
from reconciler.results import Applied, Judged, Planned, RegionVerdict, Verdict, World
from reconciler.rules import guard

if TYPE_CHECKING:
    from sqlalchemy import Engine


@dataclass
class Run:
    """One run of apply, while it lasts: what is done so far."""

    settings: Settings
    planned: Planned
    world: World
    judged: Judged
    engine: Engine
    run: int
    now: datetime
    verdicts: list[RegionVerdict] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    applied: int = 0
    halted: bool = False
    interrupted: Exit | None = None
    spent: set[str] = field(default_factory=set)

    def settle_all(self, only: Collection[RegionCode]) -> Applied:
        """Settle the regions one by one, close the run, and return what became of them."""
        books = bookkeeping(self.world.observed, self.judged.settled, self.judged.changes)
        for verdict in self.planned.regions:
            if not only or verdict.code in only:
                self.verdicts.append(self._settled(verdict, books.get(verdict.code, Bookkeeping())))
        self._close()
        failures = (*self.planned.failures, *self.failures)
        planned = replace(self.planned.only(only), regions=tuple(self.verdicts), failures=failures)
        return Applied(planned, self.run, self.applied, self.interrupted)

    def _close(self) -> None:
        if self.interrupted:
            # The statement that was cut off holds its lock until nobody refers to it, and exceptions do so in a circle.
            gc.collect()
        status = "interrupted" if self.interrupted else "failed" if self.failures else "done"
        try:
            store.finish_run(self.engine, self.run, status, self.now, self.applied)
        except Failure as failure:
            self.failures.append(failure)
        self.engine.dispose()

    def _settled(self, verdict: RegionVerdict, books: Bookkeeping) -> RegionVerdict:
        if verdict.verdict in (Verdict.STOPPED, Verdict.REFUSED):
            return verdict
        if verdict.verdict is Verdict.UNCHANGED and not books:
            return verdict
        if self.halted:
            return verdict._replace(verdict=Verdict.NOT_ATTEMPTED)
        try:
            return self._in_one_transaction(verdict)
        except Failure as failure:
            self.failures.append(failure)
            self.halted = failure.kind not in ("differs", "changed-meanwhile")
            return verdict._replace(verdict=Verdict.NOT_ATTEMPTED if failure.exit is Exit.LOCKED else Verdict.FAILED)
        except KeyboardInterrupt as interrupt:
            self.halted, self.interrupted = (
                True,
                Exit.TERMINATED if interrupt.args == ("SIGTERM",) else Exit.INTERRUPTED,
            )
            return verdict._replace(verdict=Verdict.NOT_ATTEMPTED)

    def _in_one_transaction(self, verdict: RegionVerdict) -> RegionVerdict:
        one = self.world.declared.regions.get(verdict.code)
        watched = {HsaId(change.subject) for change in self._planned_for(verdict.code)} | (
            one.clinics.keys() if one else set()
        )
        decide = partial(self._decide, verdict.code, watched)
        done = store.settle_region(self.engine, self.run, verdict.code, watched, decide, self.now)
        if done.refused:
            return verdict._replace(verdict=Verdict.REFUSED)
        self.applied += len(done.changes)
        if done.changes:
            self.spent |= {
                use.approval.digest for use in self.judged.judgement.uses if use.approval.guard not in guard.COUNTED
            }
        return verdict._replace(verdict=Verdict.APPLIED if done.changes else Verdict.UNCHANGED)

    def _planned_for(self, code: RegionCode) -> tuple[Change, ...]:
        return tuple(one for one in self.judged.changes if one.region == code and not one.touches & self.judged.blocked)

    def _decide(self, code: RegionCode, watched: Collection[HsaId], state: State) -> store.Work:
        """Settle the region again on what its transaction observes; guard it anew where that was not planned."""
        hsa_ids = (state.clinics.keys() | state.managed_clinics.keys() | set(watched)) - self.judged.waiting
        world = self.world
        settled = settle(world.declared, world.register, world.routes, state, self.settings.regions, hsa_ids)
        changes = diff(state, settled, world.declared)
        own = tuple(change for change in changes if change.region == code)
        books = bookkeeping(state, settled, changes).get(code, Bookkeeping())
        refused = bool(own) and own != self._planned_for(code) and self._refused_anew(code, own, state)
        uses = [use for use in self.judged.judgement.uses if use.approval.digest not in self.spent]
        taken = {use.approval.digest: guard.taken_by(use.approval, code, own) for use in uses}
        return store.Work(own, books, {key: count for key, count in taken.items() if count}, refused)

    def _refused_anew(self, code: RegionCode, own: Sequence[Change], state: State) -> bool:
        world = self.world
        observed = State(
            {**world.observed.clinics, **state.clinics},
            state.boards,
            world.observed.managed_clinics,
            state.managed_boards,
        )
        others = [change for change in self.judged.changes if change.region != code]
        settled = settle(world.declared, world.register, world.routes, observed, self.settings.regions)
        judgement = guard.judge(
            proposal(replace(world, observed=observed), self.settings, settled, [*others, *own]),
            world.approvals,
            world.taken,
        )
        return judgement.national or any(change.touches & judgement.regions for change in own)
