"""From what is declared and what the world says to what would be done: settle, diff and guards.

Pure: it calls the rules in their order and gathers what they say. It asks nobody and writes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from reconciler import stations
from reconciler.findings import Finding
from reconciler.model import (
    REGIONS,
    Declared,
    HsaId,
    RegionCode,
    Register,
    RegisterClinic,
    Remembered,
    RoutedPart,
    Routes,
    Settings,
    State,
)
from reconciler.outcome import Outcome
from reconciler.plan import Change, Settled, diff, settle
from reconciler.results import Judged, RegionVerdict, Verdict, World
from reconciler.rules import approval as approval_rules
from reconciler.rules import board, clinic, guard, route
from reconciler.rules.guard import Judgement
from reconciler.rules.incoming import routed_before
from reconciler.rules.proposal import Proposal
from reconciler.rules.upstream import Upstream
from reconciler.sources.register import known_by


def judge_plan(world: World, settings: Settings) -> Judged:
    """Settle, take the difference, and ask the guards; pure."""
    stations.at("settle")
    settled = settle(world.declared, world.register, world.routes, world.observed, settings.regions)
    stations.at("diff")
    changes = diff(world.observed, settled, world.declared)
    stations.at("guard")
    judgement = guard.judge(proposal(world, settings, settled, changes), world.approvals, world.taken)
    stations.at("check")
    blocked = frozenset(world.declared.stopped) | judgement.regions | frozenset(settings.hold)
    findings = (
        *upstream_findings(world.declared, world.register, world.routes, world.observed, settled),
        *judgement.refusals,
        *guard.move_waits(changes, blocked),
        *guard.region_held(changes, settings.hold),
        *approval_rules.approval_expired(world.approvals, world.today),
        *approval_rules.approval_exhausted(world.approvals, world.today, judgement, world.taken),
        *approval_rules.approval_for_other_region(world.approvals, world.today, judgement),
        *approval_rules.approval_unused(world.approvals, world.today, judgement),
    )
    return Judged(settled, tuple(changes), judgement, findings, blocked)


def proposal(world: World, settings: Settings, settled: Settled, changes: Sequence[Change]) -> Proposal:
    """Return what the guards are shown."""
    paths = {code: one.source.path for code, one in world.declared.regions.items()}
    return Proposal(
        changes,
        world.observed,
        settled,
        settings.guards,
        world.today,
        paths,
        world.went_back,
        world.register,
        world.remembered,
        settings.regions,
        settings.register.unmoved_after,
        fought={row: times for row, times in world.reverts.items() if times >= settings.drift.reverts},
        routes=world.routes,
    )


def last_good(remembered: Remembered, kept: Collection[RegionCode]) -> Register | None:
    """Return the register that the last good parts make together; it is as old as the oldest part of a kept region.

    Where two parts know a clinic, the newer one counts: it has moved.
    """
    if not remembered.parts:
        return None
    clinics: dict[HsaId, RegisterClinic] = {}
    for part in sorted(remembered.parts.values(), key=lambda part: part.generated_at):
        clinics.update(part.clinics)
    times = [part.generated_at for code, part in remembered.parts.items() if code in kept]
    whole = known_by(clinics)
    return Register(clinics, min(times, default=max(part.generated_at for part in remembered.parts.values())), whole)


def routed_parts(world: World, judgement: Judgement) -> dict[RegionCode, RoutedPart]:
    """Return what is to be remembered of the routes: for each region what TAK says, or said when last believed."""
    if world.routes.generated_at is None:
        return {}
    routed = {hsa_id: one for hsa_id, one in world.register.clinics.items() if hsa_id in world.routes.hsa_ids}
    before = routed_before(world.remembered, world.register)
    parts = {}
    for code in REGIONS:
        if code not in judgement.unbelieved:
            clinics = frozenset(hsa_id for hsa_id, one in routed.items() if one.region_code == code)
            parts[code] = RoutedPart(clinics, world.routes.generated_at)
        elif code in before:
            parts[code] = RoutedPart(frozenset(before[code]), min(before[code].values()))
    return parts


_OF_UPSTREAM = (
    clinic.clinic_unknown,
    clinic.clinic_of_other_region,
    clinic.clinic_not_active,
    clinic.clinic_routed_in_tak,
    clinic.enrolled_clinic_unknown,
    clinic.clinic_moved,
    clinic.clinic_unmanaged,
    clinic.moved_clinic_undeclared,
    clinic.clinic_of_unkept_region,
    clinic.enrolled_clinic_inactive,
    clinic.enrolled_clinic_routed_in_tak,
    clinic.clinic_moved_to_inactive_region,
    clinic.clinic_name_differs,
    board.board_not_in_register,
    board.board_order_missing,
    board.board_order_reused,
    board.board_unmanaged,
)
"""The rules about what the e-services, TAK and the database say of what is declared, in the order of asking."""


def upstream_findings(
    declared: Declared, register: Register, routes: Routes, observed: State, settled: Settled
) -> tuple[Finding, ...]:
    """Turn outcomes into findings: what the e-services, TAK and the database say of what is declared."""
    by_outcome: dict[Outcome, list[HsaId]] = {}
    for hsa_id, outcome in settled.outcomes.singly.items():
        by_outcome.setdefault(outcome, []).append(hsa_id)
    seen = Upstream(declared, register, routes, observed, settled, by_outcome)
    return (
        *clinic.duplicate_clinic(declared, seen.with_outcome(Outcome.DUPLICATE)),
        *(finding for rule in _OF_UPSTREAM for finding in rule(seen)),
        *route.route_covers_everybody(routes),
        *route.routes_without_parents(routes),
        *(route.parents_incomplete(routes, seen.owners) if routes.placed is not None else ()),
        *route.routes_empty(routes),
    )


_SAID = (guard.move_waits, guard.region_held)
"""What holds something in a region, and is no error."""


def verdict(
    code: RegionCode,
    declared: Declared,
    findings: Iterable[Finding],
    changes: Iterable[Change],
    judgement: Judgement,
    held: Collection[RegionCode] = (),
) -> RegionVerdict:
    """Return what a run would make of a region with its *changes*, and the rules that stop or hold something in it."""
    name = REGIONS.get(code, code)
    if code in declared.stopped:
        return RegionVerdict(code, name, Verdict.STOPPED, declared.stopped[code])
    if judgement.national or code in judgement.regions:
        refused = {one.rule.id for one in judgement.refusals if one.region in (None, code)}
        return RegionVerdict(code, name, Verdict.REFUSED, tuple(sorted(refused)))
    errors = {one.rule.id for one in findings if one.region == code and (one.stops or one.rule in _SAID)}
    blocked = (declared.stopped.keys() | judgement.regions | set(held)) - {code}
    rows = judgement.rows
    pending = any(not change.touches & blocked and guard.row_of(change) not in rows for change in changes)
    return RegionVerdict(code, name, Verdict.APPLY if pending else Verdict.UNCHANGED, tuple(sorted(errors)))
