"""Clinics: who may declare one, and what the e-services, TAK and the database say of it.

Upstream rules turn the outcomes of settling into findings; they decide nothing themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from reconciler.findings import Finding, Rule, Severity, Stage, rule
from reconciler.model import ENTRY, Declared, HsaId
from reconciler.outcome import Outcome
from reconciler.rows import Rows
from reconciler.rules.close import meant_clinics
from reconciler.rules.upstream import Upstream, named


@rule(
    Stage.MEANING,
    problem="{subject} is declared in {others} as well",
    remedy="keep the line in the file of the region that the e-services give, and delete the other",
)
def duplicate_clinic(declared: Declared, hsa_ids: Iterable[HsaId]) -> Iterator[Finding]:
    """A clinic is enrolled in one region.

    The e-services give each clinic one administrative region, and cases go there. Where they are asked, and the clinic
    is enrolled, the line in that region's file counts and the other gets clinic-moved.

    Okay:
        clinics: {SE2321000131-E000000000458: Närhälsan Ågårdsskogen}
    Flagged:
        clinics: {SE2321000131-E000000000458: Närhälsan Ågårdsskogen}
        ---
        clinics: {SE2321000131-E000000000458: Närhälsan Ågårdsskogen}
    """
    for hsa_id in hsa_ids:
        owners = [region for _code, region in sorted(declared.regions.items()) if hsa_id in region.clinics]
        *others, last = owners
        names = ", ".join(region.source.path for region in others)
        related = tuple(region.place_of(hsa_id) for region in others)
        place = last.place_of(hsa_id)
        yield duplicate_clinic.finding(place, region=last.code, subject=hsa_id, related=related, others=names)


def _each(found: Rule[...], upstream: Upstream, outcome: Outcome) -> Iterator[Finding]:
    for hsa_id in upstream.with_outcome(outcome):
        owners = upstream.owners.get(hsa_id)
        row = upstream.observed.clinics.get(hsa_id)
        code = owners[0] if owners else row.region_code if row else None
        entry = upstream.register.clinics.get(hsa_id)
        right = entry or row
        known: dict[str, Any] = {
            "clinic": entry.name if entry else row.name if row else hsa_id,
            "right": named(entry.region_code) if entry else "",
            "enrolled": named(row.region_code) if row else "",
            "file": upstream.file_of(right.region_code) if right else "",
            "route": upstream.routes.above.get(hsa_id, hsa_id),
        }
        yield found.finding(upstream.place(hsa_id), region=code, subject=hsa_id, **known)


@rule(
    Stage.UPSTREAM,
    problem="the e-services do not know {subject}",
    remedy="compare the HSA-id with HSA, or have the clinic activated in the e-services first",
)
def clinic_unknown(upstream: Upstream) -> Iterator[Finding]:
    """Only clinics that the e-services know can be added (rule 3).

    Okay:
        register: {}
    Flagged:
        register: {SE2321000131-E000000000458: null}
    """
    found = list(_each(clinic_unknown, upstream, Outcome.UNKNOWN))
    meant = _meant(upstream, [HsaId(str(finding.subject)) for finding in found]) if found else {}
    yield from (finding._replace(suggestion=meant.get(str(finding.subject))) for finding in found)


def _meant(upstream: Upstream, unknown: Iterable[HsaId]) -> dict[str, str]:
    """Return the clinics that were probably meant: of those that the e-services know and no file declares."""
    regions, owners = upstream.declared.regions, upstream.owners
    asked = {hsa_id: regions[owners[hsa_id][0]].clinics[hsa_id].name for hsa_id in unknown}
    free = {hsa_id: entry.name for hsa_id, entry in upstream.register.clinics.items() if hsa_id not in owners}
    return {hsa_id: f"{meant} ({free[meant]})" for hsa_id, meant in meant_clinics(asked, free).items()}


@rule(
    Stage.UPSTREAM,
    problem="{subject} ({clinic}) is administered by {right} in the e-services",
    remedy="delete the line; the clinic is added in {file}",
)
def clinic_of_other_region(upstream: Upstream) -> Iterator[Finding]:
    """A clinic's administrative region in the e-services decides which region may add and manage it (rule 4).

    Okay:
        register: {SE2321000131-E000000000458: {region: "14"}}
    Flagged:
        register: {SE2321000131-E000000000458: {region: "12"}}
    """
    yield from _each(clinic_of_other_region, upstream, Outcome.OTHER_REGION)
    yield from _each(clinic_of_other_region, upstream, Outcome.CLAIMED)


@rule(
    Stage.UPSTREAM,
    problem="{subject} ({clinic}) is not activated in the e-services",
    remedy="have it activated first, or delete the line",
)
def clinic_not_active(upstream: Upstream) -> Iterator[Finding]:
    """Only clinics activated in the e-services can be added (rule 3).

    Okay:
        register: {SE2321000131-E000000000458: {status: active}}
    Flagged:
        register: {SE2321000131-E000000000458: {status: inactive}}
    """
    yield from _each(clinic_not_active, upstream, Outcome.INACTIVE)


@rule(
    Stage.UPSTREAM,
    problem="{subject} ({clinic}) is routed in TAK to a system of its own, by the route of {route}",
    remedy="delete the line, or have the route removed first: a clinic is handled in one system",
)
def clinic_routed_in_tak(upstream: Upstream) -> Iterator[Finding]:
    """A clinic is handled in one system only: 1177, or its own, connected through TAK (rule 6).

    Okay:
        routes: [SE2321000131-E000000009999]
    Flagged:
        routes: [SE2321000131-E000000000458]
    """
    yield from _each(clinic_routed_in_tak, upstream, Outcome.ROUTED)


@rule(
    Stage.UPSTREAM,
    severity=Severity.WARNING,
    problem="{subject} is enrolled, but the e-services no longer know it; it stays enrolled",
    remedy="delete the line when the clinic has closed",
)
def enrolled_clinic_unknown(upstream: Upstream) -> Iterator[Finding]:
    """A clinic that the e-services have forgotten may still have open cases, so it stays until its line is deleted.

    Okay:
        database: {clinics: {SE2321000131-E000000000458: "14"}}
    Flagged:
        database: {clinics: {SE2321000131-E000000000458: "14"}}
        register: {SE2321000131-E000000000458: null}
    """
    yield from _each(enrolled_clinic_unknown, upstream, Outcome.ENROLLED_UNKNOWN)


@rule(
    Stage.UPSTREAM,
    severity=Severity.WARNING,
    problem="{subject} ({clinic}) has moved to {right} in the e-services, and its enrolment follows",
    remedy="move the line to {file}",
)
def clinic_moved(upstream: Upstream) -> Iterator[Finding]:
    """When a clinic changes administrative region in the e-services, its region in the complaints service follows (rule 5).

    The file of the region that it left still lists it; the line belongs in the new region's file.

    Okay:
        database: {clinics: {SE2321000131-E000000000458: "14"}, managed: {SE2321000131-E000000000458: "14"}}
    Flagged:
        database: {clinics: {SE2321000131-E000000000458: "14"}, managed: {SE2321000131-E000000000458: "14"}}
        register: {SE2321000131-E000000000458: {region: "12"}}
    """
    yield from _each(clinic_moved, upstream, Outcome.FOLLOWS)
    for hsa_id in upstream.with_outcome(Outcome.DECLARED_TWICE_FOLLOWS):
        entry = upstream.register.clinics[hsa_id]
        for code in upstream.owners[hsa_id]:
            if code != entry.region_code:
                place = upstream.place(hsa_id, code)
                known: dict[str, Any] = {
                    "clinic": entry.name,
                    "right": named(entry.region_code),
                    "file": upstream.file_of(entry.region_code),
                }
                yield clinic_moved.finding(place, region=code, subject=hsa_id, **known)


@rule(
    Stage.UPSTREAM,
    severity=Severity.WARNING,
    problem="{subject} ({clinic}) is enrolled in {enrolled}, but no file declares it or ever did; it is left as it is",
    remedy="add the line {subject}: {clinic} to {file}, or remove the clinic in the service",
)
def clinic_unmanaged(upstream: Upstream) -> Iterator[Finding]:
    """What this tool did not find in a file it does not take away.

    Somebody enrolled the clinic by hand.

    Okay:
        database: {clinics: {SE2321000131-E000000000458: "14"}}
    Flagged:
        clinics: {}
        database: {clinics: {SE2321000131-E000000000458: "14"}}
    """
    yield from _each(clinic_unmanaged, upstream, Outcome.UNMANAGED)


@rule(
    Stage.UPSTREAM,
    severity=Severity.WARNING,
    problem="{subject} ({clinic}) was taken out by a region that no longer administers it; it stays enrolled",
    remedy="{right} decides: to keep the clinic, add the line {subject}: {clinic} to {file}",
)
def moved_clinic_undeclared(upstream: Upstream) -> Iterator[Finding]:
    """A region may not withdraw what it no longer administers.

    The clinic goes where the register says, and is no longer managed until the region it belongs to declares it.

    Okay:
        clinics: {}
        database: {clinics: {SE2321000131-E000000000458: "14"}, managed: {SE2321000131-E000000000458: "14"}}
        register: {SE2321000131-E000000000458: {region: "14"}}
    Flagged:
        clinics: {}
        database: {clinics: {SE2321000131-E000000000458: "14"}, managed: {SE2321000131-E000000000458: "14"}}
        register: {SE2321000131-E000000000458: {region: "12"}}
    """
    for finding in _each(moved_clinic_undeclared, upstream, Outcome.RELEASED):
        right = finding.values["right"] or finding.values["enrolled"]
        yield finding._replace(place=None, values={**finding.values, "right": right})


@rule(
    Stage.UPSTREAM,
    severity=Severity.WARNING,
    problem="{subject} ({clinic}) is enrolled in {enrolled}, a region that this tool does not keep; it is left as it is",
    remedy="ask that region to release the clinic, or take the region into the setting regions",
)
def clinic_of_unkept_region(upstream: Upstream) -> Iterator[Finding]:
    """A region outside the setting regions is never written to, also when one of its clinics is declared elsewhere.

    Okay:
        database: {clinics: {SE2321000131-E000000000458: "12"}}
    Flagged:
        database: {clinics: {SE2321000131-E000000000458: "12"}}
        regions: ["14"]
    """
    for finding in _each(clinic_of_unkept_region, upstream, Outcome.NOT_KEPT):
        if finding.place is not None:
            yield finding


_STAYS = (Outcome.ENROLLED_UNKNOWN, Outcome.IN_PLACE, Outcome.FOLLOWS, Outcome.DECLARED_TWICE_FOLLOWS, Outcome.CLAIMED)


@rule(
    Stage.UPSTREAM,
    severity=Severity.WARNING,
    problem="{subject} ({clinic}) is enrolled, but no longer activated in the e-services",
    remedy="delete the line when the last case is closed",
)
def enrolled_clinic_inactive(upstream: Upstream) -> Iterator[Finding]:
    """A clinic that closes is inactivated first and finishes its cases after, so it is not withdrawn by itself.

    Okay:
        database: {clinics: {SE2321000131-E000000000458: "14"}}
    Flagged:
        database: {clinics: {SE2321000131-E000000000458: "14"}}
        register: {SE2321000131-E000000000458: {status: inactive}}
    """
    parts = Rows.of(ENTRY, upstream.register.clinics).parts.items()
    inactive = {hsa_id for (active, _code), names in parts if not active for hsa_id in names}
    yield from _beside(enrolled_clinic_inactive, upstream, inactive)


@rule(
    Stage.UPSTREAM,
    severity=Severity.WARNING,
    problem="{subject} ({clinic}) is enrolled, and routed in TAK to a system of its own as well, by the route of {route}",
    remedy="delete the line, or have the route removed: a clinic is handled in one system",
)
def enrolled_clinic_routed_in_tak(upstream: Upstream) -> Iterator[Finding]:
    """A clinic is handled in one system only (rule 6), and which one wins is not known. It stays until somebody decides.

    Okay:
        database: {clinics: {SE2321000131-E000000000458: "14"}}
    Flagged:
        database: {clinics: {SE2321000131-E000000000458: "14"}}
        routes: [SE2321000131-E000000000458]
    """
    yield from _beside(enrolled_clinic_routed_in_tak, upstream, upstream.routes.hsa_ids)


def _beside(found: Rule[...], upstream: Upstream, hsa_ids: Iterable[str]) -> Iterator[Finding]:
    for hsa_id in sorted(map(HsaId, hsa_ids)):
        if upstream.settled.outcomes.get(hsa_id) in _STAYS:
            clinic = upstream.settled.clinics[hsa_id].name
            code = upstream.owners[hsa_id][0]
            route = upstream.routes.above.get(hsa_id, hsa_id)
            yield found.finding(upstream.place(hsa_id), region=code, subject=hsa_id, clinic=clinic, route=route)


@rule(
    Stage.UPSTREAM,
    severity=Severity.WARNING,
    problem="{subject} ({clinic}) moves to {right}, which has no patient board: residents cannot send it anything there",
    remedy="tell {right}; the clinic is reached again when the region has its board",
)
def clinic_moved_to_inactive_region(upstream: Upstream) -> Iterator[Finding]:
    """Without a board a region is not active (rule 2), so a clinic that moves there can no longer be reached.

    Okay:
        database: {clinics: {SE2321000131-E000000000458: "14"}, managed: {SE2321000131-E000000000458: "14"}}
        register: {SE2321000131-E000000000458: {region: "12"}}
    Flagged:
        database: {clinics: {SE2321000131-E000000000458: "14"}, managed: {SE2321000131-E000000000458: "14"}}
        register: {SE2321000131-E000000000458: {region: "12"}}
        ---
        patient_board: null
    """
    for hsa_id in upstream.with_outcome(Outcome.FOLLOWS, Outcome.DECLARED_TWICE_FOLLOWS, Outcome.IN_PLACE):
        after, before = upstream.settled.clinics[hsa_id], upstream.observed.clinics[hsa_id]
        owner = upstream.owners[hsa_id][0]
        if after.region_code in upstream.settled.boards or after.region_code == before.region_code == owner:
            continue
        right = named(after.region_code)
        yield clinic_moved_to_inactive_region.finding(
            upstream.place(hsa_id), region=owner, subject=hsa_id, clinic=after.name, right=right
        )


@rule(
    Stage.UPSTREAM,
    severity=Severity.NOTE,
    problem="{subject} is called {right} in the e-services, not {value}",
    remedy="write {right}",
)
def clinic_name_differs(upstream: Upstream) -> Iterator[Finding]:
    """The name in the file is for people; the name that is enrolled is the register's.

    Okay:
        register: {SE2321000131-E000000000458: {name: Närhälsan Ågårdsskogen}}
    Flagged:
        register: {SE2321000131-E000000000458: {name: Närhälsan Lidköping}}
    """
    known = Rows.of(ENTRY, upstream.register.clinics)
    for code, region in sorted(upstream.declared.regions.items()):
        names, alike = upstream.declared.names[code], known.part((True, code))
        if names.items() <= alike.items():  # as of most regions: in one step
            continue
        for hsa_id, name in names.items():
            entry = None if alike.get(hsa_id) == name else known.get(hsa_id)
            if entry is not None and entry.name != name:
                place = region.place_of(hsa_id)
                yield clinic_name_differs.finding(place, region=code, subject=hsa_id, right=entry.name, value=name)
