"""Approvals: each lets one guard pass, for a while, for so many; what is said when one does not help."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from reconciler.findings import Finding, Place, Severity, Stage, rule
from reconciler.model import Approval
from reconciler.rules.close import close
from reconciler.rules.guard import GUARDS, NATIONAL, Judgement
from reconciler.words import _


@rule(
    Stage.SHAPE,
    severity=Severity.WARNING,
    problem="{value} is not a guard that can be approved",
    remedy="use one of: {guards}",
)
def approval_of_unknown_guard(value: str, place: Place) -> Iterator[Finding]:
    """An approval names the guard that it lets pass.

    Okay:
        approvals: []
    Flagged:
        approvals: [{guard: withdraw-too-many, region: "14", at_most: 2, until: 2026-12-31, reason: a, approved_by: b}]
    """
    suggestion = close(value, GUARDS)
    yield approval_of_unknown_guard.finding(
        place, subject=value, suggestion=suggestion, value=value, guards=", ".join(GUARDS)
    )


@rule(
    Stage.SHAPE,
    severity=Severity.WARNING,
    problem="{guard} is a guard of {scope}, but the approval {has}",
    remedy="{do}",
)
def approval_of_wrong_scope(guard: str, place: Place) -> Iterator[Finding]:
    """A guard of one region is approved for that region; a national one for the country, without a region.

    Okay:
        approvals: []
    Flagged:
        approvals: [{guard: withdraws-too-many, at_most: 2, until: 2026-12-31, reason: a, approved_by: b}]
    """
    if guard in NATIONAL:
        values: dict[str, Any] = {
            "scope": _("the country"),
            "has": _("names a region"),
            "do": _("delete the line region"),
        }
    else:
        values = {"scope": _("one region"), "has": _("names none"), "do": _('add a line such as region: "14"')}
    yield approval_of_wrong_scope.finding(place, subject=guard, guard=guard, **values)


@rule(
    Stage.GUARD,
    severity=Severity.WARNING,
    problem="the approval of {subject} ended on {until}",
    remedy="delete it, or have it approved anew with a later date",
)
def approval_expired(approvals: Iterable[Approval], today: date) -> Iterator[Finding]:
    """An approval holds to the end of its day in Stockholm, and passes nothing after that.

    Okay:
        approvals: [{guard: deactivates-region, region: "14", at_most: 1, until: 2026-12-31, reason: a, approved_by: b}]
        patient_board: null
        database: {boards: {"14": {hsa_id: SE2321000131-PNEXEMPEL, name: Kansliet, support_order: X-1}}}
    Flagged:
        approvals: [{guard: deactivates-region, region: "14", at_most: 1, until: 2026-01-01, reason: a, approved_by: b}]
    """
    for approval in approvals:
        if approval.until < today:
            yield approval_expired.finding(
                approval.place, region=approval.region, subject=approval.guard, until=approval.until
            )


@rule(
    Stage.GUARD,
    severity=Severity.WARNING,
    problem="the approval of {subject} is for {at_most} in all, of which {taken} are taken, and {count} are needed",
    remedy="raise at_most to {enough}, if that is meant",
)
def approval_exhausted(
    approvals: Iterable[Approval], today: date, judgement: Judgement, taken: Mapping[str, int]
) -> Iterator[Finding]:
    """An approval is a budget: what a run takes of it is gone, so that it cannot be used twice.

    Okay:
        approvals: []
    Flagged:
        approvals: [{guard: withdraws-too-many, region: "14", at_most: 1, until: 2026-12-31, reason: a, approved_by: b}]
        clinics: {}
        patient_board: null
        database:
          clinics: {SE2321000131-E000000000001: "14", SE2321000131-E000000000002: "14"}
          managed: {SE2321000131-E000000000001: "14", SE2321000131-E000000000002: "14"}
    """
    needed = {(refusal.rule.id, refusal.region): int(str(refusal.values["count"])) for refusal in judgement.refusals}
    for approval in approvals:
        count, gone = needed.get((approval.guard, approval.region)), taken.get(approval.digest, 0)
        if count is not None and approval.until >= today:
            yield approval_exhausted.finding(
                approval.place,
                region=approval.region,
                subject=approval.guard,
                at_most=approval.at_most,
                taken=gone,
                count=count,
                enough=gone + count,
            )


@rule(
    Stage.GUARD,
    severity=Severity.WARNING,
    problem="the approval of {subject} is for region {region}, and what is refused is in {refused}",
    remedy="write the region that was meant; an approval passes no other",
)
def approval_for_other_region(approvals: Iterable[Approval], today: date, judgement: Judgement) -> Iterator[Finding]:
    """An approval passes its guard in the region that it names, and in no other.

    Okay:
        approvals: []
    Flagged:
        approvals: [{guard: withdraws-too-many, region: "12", at_most: 2, until: 2026-12-31, reason: a, approved_by: b}]
        clinics: {}
        patient_board: null
        database:
          clinics: {SE2321000131-E000000000001: "14", SE2321000131-E000000000002: "14"}
          managed: {SE2321000131-E000000000001: "14", SE2321000131-E000000000002: "14"}
    """
    for approval in _for_others(approvals, judgement):
        if approval.until >= today:
            regions = {str(one.region) for one in judgement.refusals if one.rule.id == approval.guard}
            yield approval_for_other_region.finding(
                approval.place, region=approval.region, subject=approval.guard, refused=", ".join(sorted(regions))
            )


def _for_others(approvals: Iterable[Approval], judgement: Judgement) -> list[Approval]:
    """Return the approvals that nothing asks for in their region, while their guard refuses another."""
    used = {use.approval.digest for use in judgement.uses}
    refused = {(one.rule.id, one.region) for one in judgement.refusals}
    guards = {guard for guard, region in refused if region is not None}
    return [
        one
        for one in approvals
        if one.guard in guards and one.digest not in used and (one.guard, one.region) not in refused
    ]


@rule(
    Stage.GUARD,
    severity=Severity.NOTE,
    problem="the approval of {subject} is not needed by this plan",
    remedy="delete it when what it was for is done",
)
def approval_unused(approvals: Collection[Approval], today: date, judgement: Judgement) -> Iterator[Finding]:
    """An approval that lies about lets something pass that nobody thought of.

    Okay:
        approvals: []
    Flagged:
        approvals: [{guard: deactivates-region, region: "14", at_most: 1, until: 2026-12-31, reason: a, approved_by: b}]
    """
    used = {use.approval.digest for use in judgement.uses}
    wanted = {(refusal.rule.id, refusal.region) for refusal in judgement.refusals}
    others = {one.digest for one in _for_others(approvals, judgement)}
    for approval in approvals:
        asked_for = approval.digest in used | others or (approval.guard, approval.region) in wanted
        if not asked_for and approval.until >= today:
            yield approval_unused.finding(approval.place, region=approval.region, subject=approval.guard)
