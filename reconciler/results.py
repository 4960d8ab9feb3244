"""What the line hands to whoever reports it: the results of validate, plan, apply, status and explain.

Frozen values, and what the process says for each. Nothing here decides what a region gets.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from reconciler.findings import Exit, Failure, Finding, Place, Severity
from reconciler.model import (
    Approval,
    BoardRow,
    Declared,
    Enrolment,
    HsaId,
    ManagedClinic,
    RegionCode,
    Register,
    RegisterClinic,
    Remembered,
    Routes,
    State,
)
from reconciler.outcome import Outcome
from reconciler.plan import Change, Settled, touched_by
from reconciler.rules import guard
from reconciler.rules.guard import Judgement, Use

if TYPE_CHECKING:
    from reconciler.store import LastRun


class Verdict(Enum):
    """What becomes of a region in a run."""

    UNCHANGED = "unchanged"
    APPLY = "apply"
    STOPPED = "stopped"
    REFUSED = "refused"
    APPLIED = "applied"
    FAILED = "failed"
    NOT_ATTEMPTED = "not-attempted"


class RegionVerdict(NamedTuple):
    """One region's verdict, and the ids of the rules that stop or hold something in it."""

    code: RegionCode
    name: str
    verdict: Verdict
    because: tuple[str, ...] = ()


class Validation(NamedTuple):
    """What `validate` found; an error that the base has as well is told, and does not count."""

    findings: tuple[Finding, ...]
    failures: tuple[Failure, ...]
    regions: int
    clinics: int

    @property
    def exit(self) -> Exit:
        """What the process says."""
        errors = (Exit.ERRORS,) if any(one.is_error and one.new is not False for one in self.findings) else ()
        return Exit.first(*errors, *(failure.exit for failure in self.failures))


def strictly(findings: Iterable[Finding]) -> Exit:
    """Return what the process says where warnings fail: those that the base has as well do not count either."""
    warned = any(one.severity is Severity.WARNING and one.new is not False for one in findings)
    return Exit.ERRORS if warned else Exit.DONE


class Judged(NamedTuple):
    """What the pure part of the line makes of files, world and database."""

    settled: Settled
    changes: tuple[Change, ...]
    judgement: Judgement
    findings: tuple[Finding, ...]
    blocked: frozenset[RegionCode]

    @property
    def waiting(self) -> frozenset[str]:
        """The rows that wait: they themselves, or a region that their change concerns, are stopped or refused."""
        if not self.blocked and not self.judgement.rows:
            return frozenset()
        return frozenset(guard.row_of(change) for change in self.changes if self.waits(change))

    def waits(self, change: Change) -> bool:
        """Whether something stops or refuses one of the regions that a change concerns, or the row itself."""
        return bool(change.touches & self.blocked) or guard.row_of(change) in self.judgement.rows


class World(NamedTuple):
    """All that was asked and observed for one run.

    `cached_because`: why the register is the last good one, where it is.
    """

    declared: Declared
    register: Register
    routes: Routes
    observed: State
    approvals: tuple[Approval, ...]
    taken: Mapping[str, int]
    today: date
    went_back: tuple[str, str] | None = None
    remembered: Remembered = Remembered()
    cached_because: Failure | None = None
    reverts: Mapping[str, int] = {}


class Planned(NamedTuple):
    """The plan of a run; `world` and `judged` are None where a failure left nothing to settle."""

    regions: tuple[RegionVerdict, ...]
    findings: tuple[Finding, ...]
    failures: tuple[Failure, ...] = ()
    changes: tuple[Change, ...] = ()
    config_digest: str = ""
    commit: str | None = None
    world: World | None = None
    judged: Judged | None = None
    empty_database: str | None = None
    observed_digest: str | None = None
    settled_digest: str | None = None
    fingerprint: str = ""

    @property
    def register(self) -> Register | None:
        """What the register said."""
        return self.world.register if self.world else None

    @property
    def routes(self) -> Routes:
        """What TAK said."""
        return self.world.routes if self.world else Routes()

    @property
    def uses(self) -> tuple[Use, ...]:
        """The approvals that let a guard pass."""
        return self.judged.judgement.uses if self.judged else ()

    def exit(self, *, detailed: bool = False) -> Exit:
        """Return what the process says; *detailed* tells changes from none."""
        refused = self.judged is not None and self._concerned(self.judged.judgement)
        return Exit.first(
            *(failure.exit for failure in self.failures),
            *([Exit.REFUSED] if refused else []),
            *([Exit.ERRORS] if any(finding.is_error for finding in self.findings) else []),
            *([Exit.CHANGES] if detailed and self.changes else []),
        )

    def _concerned(self, judgement: Judgement) -> bool:
        """Whether something is refused in the regions that it is about, or in one that their changes touch."""
        if not judgement.refusals:
            return False
        codes = {one.code for one in self.regions} | touched_by(self.changes)
        return judgement.national or any(refusal.region in codes for refusal in judgement.refusals)

    def only(self, codes: Collection[RegionCode]) -> Planned:
        """Return the part about the regions *codes*; all of it where there are none."""
        if not codes:
            return self
        return self._replace(
            regions=tuple(one for one in self.regions if one.code in codes),
            changes=tuple(change for change in self.changes if change.region in codes),
            findings=tuple(one for one in self.findings if one.region is None or one.region in codes),
        )


class Applied(NamedTuple):
    """What a run did; `planned.regions` carries the verdicts after it."""

    planned: Planned
    run: int | None = None
    applied: int = 0
    interrupted: Exit | None = None
    done: tuple[Change, ...] = ()

    @property
    def exit(self) -> Exit:
        """What the process says."""
        if self.interrupted is not None:
            return self.interrupted
        planned = self.planned
        national = planned.judged is not None and planned.judged.judgement.national
        left_out = any(finding.stops or finding.rule is guard.move_waits for finding in planned.findings)
        left_out = left_out or any(one.verdict in (Verdict.STOPPED, Verdict.REFUSED) for one in planned.regions)
        return Exit.first(
            *(failure.exit for failure in planned.failures),
            *([Exit.REFUSED] if national else []),
            *([Exit.LEFT_OUT] if left_out else []),
            *([Exit.ERRORS] if any(finding.is_error for finding in planned.findings) else []),
        )


class RegionStatus(NamedTuple):
    """One region as the database holds it; None where that cannot be known now."""

    code: RegionCode
    name: str
    board: BoardRow | None
    declared: int | None
    enrolled: int
    pending: int | None
    unmanaged: int


class Status(NamedTuple):
    """How things stand."""

    regions: tuple[RegionStatus, ...]
    last_run: LastRun | None
    failures: tuple[Failure, ...]
    empty_database: str | None = None

    @property
    def exit(self) -> Exit:
        """What the process says."""
        return Exit.first(*(failure.exit for failure in self.failures))


class ClinicStory(NamedTuple):
    """All that is known of one clinic, and what would happen to it."""

    hsa_id: HsaId
    declared: tuple[tuple[RegionCode, str, Place], ...]
    register: RegisterClinic | None
    routed: bool | None
    enrolled: Enrolment | None
    managed: ManagedClinic | None
    outcome: Outcome | None
    changes: tuple[Change, ...]
    findings: tuple[Finding, ...]
    failures: tuple[Failure, ...]

    @property
    def exit(self) -> Exit:
        """What the process says."""
        return Exit.first(*(failure.exit for failure in self.failures))
