"""Guards on what comes in: a register, or routes, that are well-formed, on time, and wrong.

Judged for each region against its last good part, so that one region's trouble does not stop the others. What is
refused does not become the measure; what an approval lets pass does. A region without a last good part has no measure.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from reconciler.findings import Finding, Stage, rule
from reconciler.model import ENTRY, GoodPart, HsaId, RegionCode, Register, RegisterClinic, Remembered
from reconciler.plan import Action, touched_by
from reconciler.rows import Rows, differences
from reconciler.rules.proposal import APPROVE, Proposal, refusal
from reconciler.words import moment

Part = Rows[HsaId, RegisterClinic]


def _measured(proposal: Proposal) -> Iterator[tuple[RegionCode, GoodPart, Part, Part]]:
    """Yield each region that is kept, or touched by a change: its last good part, the clinics of it, and what came in."""
    if proposal.register is None or not proposal.remembered.parts:
        return
    parts, judged = proposal.register.by_region(), _judged(proposal)
    for code, good in sorted(proposal.remembered.parts.items()):
        if code in judged:
            yield code, good, Rows.of(ENTRY, good.clinics), parts.get(code, Rows(ENTRY, {}))


def _judged(proposal: Proposal) -> set[RegionCode]:
    return {*proposal.kept, *touched_by(proposal.changes)}


@rule(
    Stage.GUARD,
    problem="region {region} has lost {count} of its {size} clinics in the register since {since}; {allowed} may go at a time",
    remedy="see whether the e-services really hold so few; " + APPROVE,
)
def register_shrunk(proposal: Proposal) -> Iterator[Finding]:
    """A register that has lost many clinics is more likely to be broken than right.

    Measured by the region's part of the last good register. Until it is whole again, or approved, nothing is changed in
    the region, and the last good part stays the measure.

    Okay:
        remembered: {SE2321000131-E000000000458: "14", SE2321000131-E000000000001: "14"}
    Flagged:
        remembered:
          SE2321000131-E000000000458: "14"
          SE2321000131-E000000000001: "14"
          SE2321000131-E000000000002: "14"
          SE2321000131-E000000000003: "14"
    """
    threshold = proposal.thresholds[register_shrunk.id]
    for code, good, last, part in _measured(proposal):
        count, size = len(last) - len(part), len(last)
        allowed = threshold.allowed(size)
        if count > allowed:
            since = moment(good.generated_at)
            yield refusal(register_shrunk, proposal, code, count, size=size, allowed=allowed, since=since)


@rule(
    Stage.GUARD,
    problem="the register says something else of {count} of region {region}'s {size} clinics than on {since}; {allowed} may change at a time",
    remedy="see whether the e-services really have changed so much; " + APPROVE,
)
def register_churned(proposal: Proposal) -> Iterator[Finding]:
    """As many clinics as before, but other ones, or all moved, inactivated or renamed, is no ordinary day.

    Counted are the clinics of the region's last good part whose region, status or name is another now, or that are gone.

    Okay:
        remembered: {SE2321000131-E000000000458: "14", SE2321000131-E000000000001: "14"}
    Flagged:
        guards: {register-shrunk: {floor: 9, percent: 100, ceiling: 9}}
        remembered:
          SE2321000131-E000000000001: "14"
          SE2321000131-E000000000002: "14"
          SE2321000131-E000000000003: "14"
    """
    threshold = proposal.thresholds[register_churned.id]
    for code, good, last, part in _measured(proposal):
        size = len(last)
        count = sum(before is not None for before, _now in differences(last, part).values())
        allowed = threshold.allowed(size)
        if count > allowed:
            since = moment(good.generated_at)
            yield refusal(register_churned, proposal, code, count, size=size, allowed=allowed, since=since)


@rule(
    Stage.GUARD,
    problem="the register has said exactly the same of region {region} since {since}, though it claims to be made anew",
    remedy="see whether the e-services still feed it; " + APPROVE,
)
def register_unmoved(proposal: Proposal) -> Iterator[Finding]:
    """A register that never changes, with a date that does, may be the copy of a copy that nobody feeds any more.

    Off, unless the setting `unmoved_after` of the register says how long is too long: a small region stands still for weeks.

    Okay:
        unmoved_after: 30
        remembered: {SE2321000131-E000000000458: "14", SE2321000131-PNEXEMPEL: "14"}
    Flagged:
        unmoved_after: 14
        remembered: {SE2321000131-E000000000458: "14", SE2321000131-PNEXEMPEL: "14"}
    """
    if proposal.unmoved_after is None or proposal.register is None:
        return
    for code, good, last, part in _measured(proposal):
        if part == last and proposal.register.generated_at - good.since > proposal.unmoved_after:
            since = moment(good.since)
            yield refusal(register_unmoved, proposal, code, 1, since=since)


def routed_before(remembered: Remembered, register: Register) -> dict[RegionCode, dict[HsaId, datetime]]:
    """Return the clinics that TAK routed when it was last believed, and when that was, by the region of each now.

    A clinic that the register does not know is where it was.
    """
    found: dict[RegionCode, dict[HsaId, datetime]] = {}
    for code, part in sorted(remembered.routed.items(), key=lambda one: one[1].generated_at):
        for hsa_id in part.clinics:
            entry = register.clinics.get(hsa_id)
            found.setdefault(entry.region_code if entry else code, {})[hsa_id] = part.generated_at
    return found


@rule(
    Stage.GUARD,
    problem="TAK no longer routes {count} of region {region}'s {size} clinics that it routed on {since}, such as {subject}; {allowed} may go at a time",
    remedy="see with TAK's owner whether these clinics really have left their own system; " + APPROVE,
)
def routes_shrunk(proposal: Proposal) -> Iterator[Finding]:
    """Routes that vanish are more likely lost than taken away.

    A clinic that still has a system of its own, and whose route nobody sees, could be enrolled: its complaints would go
    to an inbox that nobody reads. Counted are the clinics, not enrolled, that TAK routed when it was last believed and
    does not now, in the region that the register gives them. None may go where one of them would be enrolled now, or
    where TAK has no route left at all.

    Okay:
        routes: [SE2321000131-E000000000458]
        clinics: {}
        routed: [SE2321000131-E000000000458]
    Flagged:
        routes: []
        routed: [SE2321000131-E000000000458]
    """
    if proposal.register is None or not proposal.routes.asked:
        return
    threshold, judged = proposal.thresholds[routes_shrunk.id], _judged(proposal)
    enrolled = {change.subject for change in proposal.changes if change.action is Action.ENROL}
    for code, clinics in sorted(routed_before(proposal.remembered, proposal.register).items()):
        known = (clinics.keys() & proposal.register.clinics.keys()) - proposal.observed.clinics.keys()
        gone, size = sorted(known - proposal.routes.hsa_ids), len(known)
        harmless = proposal.routes.hsa_ids and enrolled.isdisjoint(gone)
        allowed = threshold.allowed(size) if harmless else 0
        if code in judged and len(gone) > allowed:
            since = moment(min(clinics[hsa_id] for hsa_id in gone))
            values = {"size": size, "allowed": allowed, "since": since, "subject": gone[0]}
            yield refusal(routes_shrunk, proposal, code, len(gone), **values)
