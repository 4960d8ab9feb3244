"""Guards: what a plan may not do without an approval, however right each single change is.

A guard never depends on the size of the set alone: a small region is guarded too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from reconciler.findings import Finding, Place, Rule, Severity, Stage, rule
from reconciler.model import ENROLMENT, Approval, Enrolment, HsaId, RegionCode
from reconciler.plan import Action, Cause, Change, board_differs
from reconciler.rows import Rows
from reconciler.rules.incoming import register_churned, register_shrunk, register_unmoved, routes_shrunk
from reconciler.rules.proposal import APPROVE, Proposal, refusal


class Use(NamedTuple):
    """An approval that lets a guard pass: what was taken of it before, and what this plan takes."""

    approval: Approval
    taken: int
    takes: int


class Judgement(NamedTuple):
    """What the guards refuse, and the approvals that let others pass."""

    refusals: tuple[Finding, ...] = ()
    uses: tuple[Use, ...] = ()

    @property
    def national(self) -> bool:
        """Whether everything is refused."""
        return any(one.region is None for one in self.refusals)

    @property
    def regions(self) -> frozenset[RegionCode]:
        """The regions that are refused."""
        whole = (one for one in self.refusals if one.rule.id != two_writers.id)
        return frozenset(one.region for one in whole if one.region is not None)

    @property
    def rows(self) -> frozenset[str]:
        """The rows that are left alone, though their regions go on."""
        return frozenset(str(one.values["row"]) for one in self.refusals if one.rule.id == two_writers.id)

    @property
    def suspect(self) -> frozenset[RegionCode]:
        """The regions whose part of the register is refused."""
        return self._refused_by(INCOMING - {routes_shrunk.id})

    @property
    def unbelieved(self) -> frozenset[RegionCode]:
        """The regions of which nobody knows whether TAK has told all: its part, or the register's, is refused."""
        return self._refused_by(INCOMING)

    def _refused_by(self, guards: Collection[str]) -> frozenset[RegionCode]:
        return frozenset(one.region for one in self.refusals if one.rule.id in guards and one.region is not None)

    @property
    def approved_parts(self) -> tuple[Use, ...]:
        """The approvals that let a region's part of register or routes pass."""
        return tuple(use for use in self.uses if use.approval.guard in INCOMING)


_BOARD_ACTIONS = frozenset({Action.REMOVE_BOARD, Action.CHANGE_BOARD, Action.SET_BOARD})


def row_of(change: Change) -> str:
    """Return the name of the row that a change is about: a clinic's HSA-id, or the region whose board it is."""
    return change.region if change.action in _BOARD_ACTIONS else change.subject


def _leaving(changes: Iterable[Change]) -> dict[RegionCode, int]:
    """Count for each region the clinics it loses: withdrawn, or moved away."""
    counts: dict[RegionCode, int] = {}
    for change in changes:
        if change.before is not None and (code := change.leaves) is not None:
            counts[code] = counts.get(code, 0) + 1
    return counts


def _sizes(clinics: Mapping[HsaId, Enrolment]) -> dict[RegionCode, int]:
    return {code: len(names) for code, names in Rows.of(ENROLMENT, clinics).parts.items()}


@rule(
    Stage.GUARD,
    problem="region {region} would lose {count} of {size} clinics; {allowed} may go at a time",
    remedy=APPROVE,
)
def withdraws_too_many(proposal: Proposal) -> Iterator[Finding]:
    """A region loses a few clinics at a time.

    Counted are withdrawals and moves away. More is let through by an approval; a file cut in half, or a list pasted
    over another, is not.

    Okay:
        clinics: {SE2321000131-E000000000458: Närhälsan Ågårdsskogen}
        database: {clinics: {SE2321000131-E000000000458: "14", SE2321000131-E000000000001: "14"}, managed: {SE2321000131-E000000000001: "14"}}
    Flagged:
        clinics: {SE2321000131-E000000000458: Närhälsan Ågårdsskogen}
        database:
          clinics: {SE2321000131-E000000000458: "14", SE2321000131-E000000000001: "14", SE2321000131-E000000000002: "14"}
          managed: {SE2321000131-E000000000001: "14", SE2321000131-E000000000002: "14"}
    """
    threshold, sizes = proposal.thresholds[withdraws_too_many.id], _sizes(proposal.observed.clinics)
    for code, count in sorted(_leaving(proposal.changes).items()):
        size = sizes.get(code, 0)
        allowed = threshold.allowed(size)
        if count > allowed:
            yield refusal(withdraws_too_many, proposal, code, count, size=size, allowed=allowed)


@rule(
    Stage.GUARD,
    problem="region {region} is active, and would be left without clinics",
    remedy=APPROVE,
)
def withdraws_last_clinic(proposal: Proposal) -> Iterator[Finding]:
    """An active region keeps a clinic, or its residents find nobody to write to but the board.

    Okay:
        database: {clinics: {SE2321000131-E000000000458: "14"}, managed: {SE2321000131-E000000000458: "14"}}
    Flagged:
        clinics: {}
        database:
          clinics: {SE2321000131-E000000000458: "14"}
          managed: {SE2321000131-E000000000458: "14"}
          boards: {"14": {hsa_id: SE2321000131-PNEXEMPEL, name: Patientnämndernas kansli, support_order: EXEMPEL-14}}
    """
    left = _sizes(proposal.settled.clinics)
    for code in sorted(_leaving(proposal.changes)):
        if code in proposal.settled.boards and code in proposal.observed.boards and not left.get(code):
            yield refusal(withdraws_last_clinic, proposal, code, 1)


@rule(
    Stage.GUARD,
    problem="region {region} would lose its patient board {subject}, and with it everything that residents can send",
    remedy=APPROVE,
)
def deactivates_region(proposal: Proposal) -> Iterator[Finding]:
    """Without a board a region is not active (rule 2): nobody there can send a complaint.

    Okay:
        database: {boards: {"14": {hsa_id: SE2321000131-PNEXEMPEL, name: Patientnämndernas kansli, support_order: EXEMPEL-14}}}
    Flagged:
        patient_board: null
        database: {boards: {"14": {hsa_id: SE2321000131-PNEXEMPEL, name: Patientnämndernas kansli, support_order: EXEMPEL-14}}}
    """
    for change in proposal.changes:
        if change.action is Action.REMOVE_BOARD:
            yield refusal(deactivates_region, proposal, change.region, 1, subject=change.subject)


@rule(
    Stage.GUARD,
    problem="region {region}'s patient board was changed by someone else: the database holds {held}, this tool last wrote {last}",
    remedy="declare the board that is right; " + APPROVE,
)
def board_changed_elsewhere(proposal: Proposal) -> Iterator[Finding]:
    """A board that somebody changed by hand is not overwritten.

    Whoever changed it had a reason, such as shutting a region in a hurry.

    Okay:
        database: {boards: {"14": {hsa_id: SE2321000131-OLD, name: Kansliet, support_order: X-1}}}
    Flagged:
        database:
          boards: {"14": {hsa_id: SE2321000131-OTHER, name: Kansliet}}
          managed_boards: {"14": {hsa_id: SE2321000131-OLD, name: Kansliet, support_order: X-1}}
    """
    for change in proposal.changes:
        if change.action not in _BOARD_ACTIONS:
            continue
        row, last = proposal.observed.boards.get(change.region), proposal.observed.managed_boards.get(change.region)
        if last is not None and board_differs(row, last):
            held = f"{row.hsa_id} ({row.name})" if row else "–"
            values: dict[str, Any] = {"held": held, "last": f"{last.hsa_id} ({last.name})"}
            yield refusal(board_changed_elsewhere, proposal, change.region, 1, **values)


@rule(
    Stage.GUARD,
    problem="all regions together would lose {count} of {size} clinics; {allowed} may go at a time",
    remedy=APPROVE,
)
def withdraws_too_many_nationally(proposal: Proposal) -> Iterator[Finding]:
    """The country loses a few clinics at a time, however they are spread over the regions.

    Okay:
        clinics: {SE2321000131-E000000000458: Närhälsan Ågårdsskogen}
    Flagged:
        clinics: {SE2321000131-E000000000458: Närhälsan Ågårdsskogen}
        guards: {withdraws-too-many-nationally: {floor: 0, percent: 0, ceiling: 0}}
        database: {clinics: {SE2321000131-E000000000001: "14"}, managed: {SE2321000131-E000000000001: "14"}}
    """
    count, size = sum(_leaving(proposal.changes).values()), len(proposal.observed.clinics)
    allowed = proposal.thresholds[withdraws_too_many_nationally.id].allowed(size)
    if count > allowed:
        yield refusal(withdraws_too_many_nationally, proposal, None, count, size=size, allowed=allowed)


@rule(
    Stage.GUARD,
    problem="the files are at commit {commit}, but {last}, which came after it, is applied already",
    remedy="apply the newest commit; to undo something, commit the revert. " + APPROVE,
)
def config_went_back(proposal: Proposal) -> Iterator[Finding]:
    """An old job that is run again would bring an old state back.

    A revert is a new commit, and passes.

    Okay:
        went_back: null
    Flagged:
        went_back: [1111111, 2222222]
    """
    if proposal.went_back and proposal.changes:
        commit, last = proposal.went_back
        yield refusal(config_went_back, proposal, None, 1, commit=commit[:12], last=last[:12])


@rule(
    Stage.GUARD,
    problem="{subject} was put back {times} times lately, and is changed again: two writers are fighting",
    remedy="find out who else writes to the database, and let the file say what is right; " + APPROVE,
)
def two_writers(proposal: Proposal) -> Iterator[Finding]:
    """A row that somebody else changes again and again is left alone, until people have decided whose word counts.

    How often, and within how long, stands in the settings: `[drift]`. Only that row waits; its region goes on.

    Okay:
        database: {clinics: {SE2321000131-E000000000458: "14"}, managed: {SE2321000131-E000000000458: "14"}}
    Flagged:
        database: {managed: {SE2321000131-E000000000458: "14"}}
        fought: {SE2321000131-E000000000458: 3}
    """
    fights = [one for one in proposal.changes if one.cause is Cause.DRIFT and row_of(one) in proposal.fought]
    for change in fights:
        count = sum(other.region == change.region for other in fights)
        values: dict[str, Any] = {"times": proposal.fought[row_of(change)], "row": row_of(change)}
        yield refusal(two_writers, proposal, change.region, count, subject=change.subject, **values)


@rule(
    Stage.GUARD,
    severity=Severity.WARNING,
    relied_on=True,
    problem="{subject} moves from {leaves} to {region}, and waits: {waits_for} is stopped, refused or on hold",
    remedy="see what stops it",
)
def move_waits(changes: Iterable[Change], blocked: frozenset[RegionCode]) -> Iterator[Finding]:
    """A move concerns two regions, and waits until neither is stopped, refused or on hold.

    Okay:
        database: {clinics: {SE2321000131-E000000000458: "12"}}
    Flagged:
        database: {clinics: {SE2321000131-E000000000458: "12"}}
        ---
        name: not the region's name
    """
    for change in changes:
        waits_for = sorted(change.touches & blocked) if change.action is Action.MOVE else []
        if waits_for:
            place = Place(change.path, change.line) if change.path else None
            values: dict[str, Any] = {"leaves": change.leaves, "waits_for": ", ".join(waits_for)}
            yield move_waits.finding(place, region=change.region, subject=change.subject, **values)


@rule(
    Stage.GUARD,
    severity=Severity.NOTE,
    problem="region {region} is on hold; changes planned and not applied: {changes}",
    remedy="take it out of [hold] in the settings to have them applied",
)
def region_held(changes: Iterable[Change], held: Collection[RegionCode]) -> Iterator[Finding]:
    """A region on hold is planned, and never applied: for as long as something is being looked into.

    Okay:
        hold: []
    Flagged:
        hold: ["14"]
    """
    counted = Counter(change.region for change in changes if change.region in held)
    for code, count in sorted(counted.items()):
        yield region_held.finding(region=code, changes=count)


GUARDS: Mapping[str, Rule[[Proposal]]] = {
    guard.id: guard
    for guard in (
        withdraws_too_many,
        withdraws_last_clinic,
        deactivates_region,
        board_changed_elsewhere,
        withdraws_too_many_nationally,
        config_went_back,
        two_writers,
        register_shrunk,
        register_churned,
        register_unmoved,
        routes_shrunk,
    )
}
NATIONAL = frozenset({withdraws_too_many_nationally.id, config_went_back.id})
INCOMING = frozenset({register_shrunk.id, register_churned.id, register_unmoved.id, routes_shrunk.id})
"""The guards on what comes in: taken of their approvals is when the answers are kept, not when a region is changed."""
COUNTED = frozenset({withdraws_too_many.id, withdraws_too_many_nationally.id, two_writers.id})


_ASKS_FOR: Mapping[str, frozenset[Action]] = {
    deactivates_region.id: frozenset({Action.REMOVE_BOARD}),
    board_changed_elsewhere.id: _BOARD_ACTIONS,
    config_went_back.id: frozenset(Action),
}
"""The changes that a guard which counts nothing is about."""


def judge(proposal: Proposal, approvals: Iterable[Approval], taken: Mapping[str, int]) -> Judgement:
    """Ask every guard; *taken* is what earlier transactions took of each approval, by its digest."""
    refusals, uses = [], []
    valid = [approval for approval in approvals if approval.until >= proposal.today]
    for guard in GUARDS.values():
        for refused in guard(proposal):
            count = int(str(refused.values["count"]))
            use = next((use for use in _uses(refused, valid, taken) if use.taken + count <= use.approval.at_most), None)
            if use is None:
                refusals.append(refused)
            elif use._replace(takes=count) not in uses:  # one approval is for all rows that two writers fight over
                uses.append(use._replace(takes=count))
    return Judgement(tuple(refusals), tuple(uses))


def _uses(refused: Finding, approvals: Iterable[Approval], taken: Mapping[str, int]) -> Iterator[Use]:
    for approval in approvals:
        if approval.guard == refused.rule.id and approval.region == refused.region:
            yield Use(approval, taken.get(approval.digest, 0), 0)


def taken_by(
    approval: Approval,
    region: RegionCode,
    changes: Sequence[Change],
    plan: Iterable[Change] = (),
    fought: Collection[str] = (),
) -> int:
    """Return what one region's transaction with *changes* takes of *approval*.

    *plan* is all that the run would do, *fought* the rows that two writers fight over. A permission that is not counted
    is taken by the transaction that needs it: for the last clinic, the last one that takes a clinic away. So a run that
    was killed before that goes on with the same approval.
    """
    if approval.guard in INCOMING:
        return 0
    leaves = [change.leaves for change in changes if change.leaves is not None]
    if approval.guard == withdraws_last_clinic.id:
        regions = [change.region for change in (*plan, *changes) if change.leaves == approval.region]
        return int(approval.region in leaves and region == max(regions))
    if approval.guard == two_writers.id:
        fights = sum(change.cause is Cause.DRIFT and row_of(change) in fought for change in changes)
        return fights if approval.region == region else 0
    if approval.guard in COUNTED:
        return len(leaves) if approval.region is None else leaves.count(approval.region)
    actions = {change.action for change in changes}
    return int(bool(actions & _ASKS_FOR[approval.guard]) and approval.region in (None, region))
