"""Who may do what a pull request means: a region its clinics, a national administrator all of it (rules 1 and 4).

They see the parts of a pull request, who wrote and who approved it, and the rights that the base gives.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from reconciler.findings import Finding, Place, Rule, Stage, rule
from reconciler.meaning import APPROVALS, BOARDS, CLINICS, RIGHTS, Access, Kind, Part
from reconciler.model import RegionCode
from reconciler.rules.upstream import named
from reconciler.words import _

_MOST_NAMED = 10

APPROVED = "have it approved by {who}"


class Request(NamedTuple):
    """A pull request: its parts, the rights that hold, and the accounts, in lower case, that wrote or approved it."""

    parts: Sequence[Part]
    access: Access
    people: Collection[str]


def without_right(request: Request) -> Iterator[Finding]:
    """Yield a finding for each part that lacks a right person."""
    for found in (
        clinic_changed_without_right,
        clinic_moved_without_right,
        board_changed_without_right,
        approval_changed_without_right,
        access_changed_without_right,
        settings_changed_without_right,
        unread_changed_without_right,
    ):
        yield from found(request)


@rule(
    Stage.REVIEW,
    problem="nobody who may change the clinics of {region_name} has written or approved this: {subject}",
    remedy=APPROVED,
)
def clinic_changed_without_right(request: Request) -> Iterator[Finding]:
    """A region's clinics are changed by that region's administrators, or by national ones (rule 4).

    Okay:
        before: {clinics: {}}
        author: region-14-forvaltare
    Flagged:
        before: {clinics: {}}
        author: region-12-forvaltare
    """
    yield from _lacking(clinic_changed_without_right, request, CLINICS)


@rule(
    Stage.REVIEW,
    problem="nobody who may move {subject} from {left} to {region_name} has written or approved it",
    remedy="have it approved by {who}; where the e-services show the move, as --live asks, either region may do it alone",
)
def clinic_moved_without_right(request: Request) -> Iterator[Finding]:
    """A clinic that the e-services have moved is moved between files by either region; any other move takes both.

    Okay:
        before: {clinics: {}}
        author: region-12-forvaltare
        register: {SE2321000131-E000000000458: {region: "14"}}
        ---
        before: {clinics: {SE2321000131-E000000000458: Närhälsan Ågårdsskogen}}
    Flagged:
        before: {clinics: {}}
        author: region-12-forvaltare
        ---
        before: {clinics: {SE2321000131-E000000000458: Närhälsan Ågårdsskogen}}
    """
    yield from _lacking(clinic_moved_without_right, request, {Kind.MOVE})


@rule(
    Stage.REVIEW,
    problem="no national administrator has written or approved this about the patient board of {region_name}: {subject}",
    remedy=APPROVED,
)
def board_changed_without_right(request: Request) -> Iterator[Finding]:
    """A patient board is set, changed and removed nationally, on an order to the e-services support (rule 1).

    Okay:
        before: {patient_board: null}
        author: region-14-forvaltare
        approved_by: [nationell-forvaltare]
    Flagged:
        before: {patient_board: null}
        author: region-14-forvaltare
    """
    yield from _lacking(board_changed_without_right, request, BOARDS)


@rule(
    Stage.REVIEW,
    problem="no national administrator has written or approved this approval of {subject}",
    remedy=APPROVED,
)
def approval_changed_without_right(request: Request) -> Iterator[Finding]:
    """What lets a guard pass is given, changed and taken back nationally.

    Okay:
        approvals: [{guard: deactivates-region, region: "14", at_most: 1, until: 2026-12-31, reason: a, approved_by: b}]
        before: {}
        author: nationell-forvaltare
    Flagged:
        approvals: [{guard: deactivates-region, region: "14", at_most: 1, until: 2026-12-31, reason: a, approved_by: b}]
        before: {}
        author: region-14-forvaltare
    """
    yield from _lacking(approval_changed_without_right, request, APPROVALS)


@rule(
    Stage.REVIEW,
    problem="no national administrator has written or approved this change of the rights of {subject}",
    remedy=APPROVED,
)
def access_changed_without_right(request: Request) -> Iterator[Finding]:
    """Rights are given and taken nationally, and those of the base hold: who edits them gains nothing by it at once.

    Okay:
        access: {national: [nationell-forvaltare], regions: {"14": [region-14-forvaltare, en-till]}}
        before: {}
        author: nationell-forvaltare
    Flagged:
        access: {national: [nationell-forvaltare, region-14-forvaltare], regions: {"14": [region-14-forvaltare]}}
        before: {}
        author: region-14-forvaltare
    """
    yield from _lacking(access_changed_without_right, request, RIGHTS)


@rule(
    Stage.REVIEW,
    problem="no national administrator has written or approved this change of the settings in {subject}",
    remedy=APPROVED,
)
def settings_changed_without_right(request: Request) -> Iterator[Finding]:
    """The settings decide what guards let pass, what findings weigh and which regions are kept: they are national.

    Okay:
        before: {settings: "demo = true"}
        author: nationell-forvaltare
    Flagged:
        before: {settings: "demo = true"}
        author: region-14-forvaltare
    """
    yield from _lacking(settings_changed_without_right, request, {Kind.CHANGE_SETTINGS})


@rule(
    Stage.REVIEW,
    problem="{subject} had faults before and still has, so nobody can tell what was changed in it",
    remedy="put right what is wrong in it, or have it approved by {who}",
)
def unread_changed_without_right(request: Request) -> Iterator[Finding]:
    """What was slipped into a file while it could not be read would be taken for what always stood there.

    Okay:
        before: {unread: 14-vastra-gotaland.yaml}
        author: nationell-forvaltare
    Flagged:
        before: {unread: 14-vastra-gotaland.yaml}
        author: region-14-forvaltare
    """
    yield from _lacking(unread_changed_without_right, request, {Kind.CHANGE_UNREAD})


@rule(
    Stage.REVIEW,
    problem="the order {order} was that of another patient board: {others}",
    remedy="another board takes another order: write its number after support_order:",
)
def board_order_used(
    parts: Sequence[Part], places: Mapping[RegionCode, Place], earlier: Mapping[str, Sequence[tuple[RegionCode, str]]]
) -> Iterator[Finding]:
    """One order sets one board (rule 1), also when that board is long gone: the history of the files tells.

    Okay:
        before: {patient_board: null}
        author: nationell-forvaltare
    Flagged:
        before: {patient_board: {hsa_id: SE2321000131-NAMND, name: Patientnämnden, support_order: EXEMPEL-14}}
        author: nationell-forvaltare
    """
    for part in parts:
        order = (part.after or {}).get("support_order")
        others = [one for one in earlier.get(order or "", ()) if one != (part.region, part.subject)]
        if part.kind in BOARDS and part.region and others:
            told = ", ".join(f"{hsa_id} ({named(code)})" for code, hsa_id in others)
            yield board_order_used.finding(
                places.get(part.region), region=part.region, subject=part.subject, order=order, others=told
            )


# ---- what is said of a part


def _lacking(found: Rule[...], request: Request, kinds: Collection[Kind]) -> Iterator[Finding]:
    for part in request.parts:
        if part.kind in kinds and not request.access.permits(part, request.people):
            values: dict[str, Any] = {"region_name": named(part.region or ""), "left": named(part.leaves or "")}
            yield found.finding(part.place, region=part.region, subject=part.subject, who=_who(request, part), **values)


def _who(request: Request, part: Part) -> str:
    """Return who has the rights that a part lacks: of each right some accounts."""
    lacking = [one for one in part.needs if not request.access.accounts(one) & set(request.people)]
    return _(", and by ").join(_some(sorted(request.access.accounts(one))) for one in lacking)


def _some(accounts: Sequence[str]) -> str:
    if not accounts:
        return _("somebody with that right, whom the access.yaml of the base does not name yet")
    more = len(accounts) - _MOST_NAMED
    shown = _(" or ").join(accounts[:_MOST_NAMED])
    return shown if more <= 0 else _("{accounts}, or one of {n} more").format(accounts=shown, n=more)
