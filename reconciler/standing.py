"""How things stand: each region, and all that is known of one clinic. What is asked for that, the line has asked."""

from __future__ import annotations

from datetime import datetime

from reconciler.model import ENROLMENT, MANAGED, REGIONS, HsaId, RegionCode, Settings, State
from reconciler.pipeline import plan
from reconciler.results import ClinicStory, Planned, RegionStatus, Status
from reconciler.rows import Rows


def status(settings: Settings, now: datetime) -> Status:
    """Return each region's board, activity and counts, and the last run."""
    planned = plan(settings, now)
    last_run, state = None, planned.world.observed if planned.world else State()
    if planned.empty_database is None:
        from reconciler import store

        with store.connected(store.reading(settings)) as connection:
            store.check(connection)
            last_run = store.last_run(connection)
            state = state if planned.world else store.observe(connection)
    return Status(_region_statuses(settings, planned, state), last_run, planned.failures, planned.empty_database)


def _region_statuses(settings: Settings, planned: Planned, state: State) -> tuple[RegionStatus, ...]:
    regions = planned.world.declared.regions if planned.world else {}
    managed = Rows.of(MANAGED, state.managed_clinics)
    enrolled: dict[RegionCode, int] = {}
    unmanaged: dict[RegionCode, int] = {}
    for code, names in Rows.of(ENROLMENT, state.clinics).parts.items():
        enrolled[code] = len(names)
        unmanaged[code] = len(names) - sum(len(those) for _group, those in managed.by_group(names.keys(), (code, code)))
    pending: dict[RegionCode, int] = {}
    for change in planned.changes:
        pending[change.region] = pending.get(change.region, 0) + 1
    return tuple(
        RegionStatus(
            code,
            REGIONS[code],
            state.boards.get(code),
            len(regions[code].clinics) if code in regions else None,
            enrolled.get(code, 0),
            pending.get(code, 0) if planned.world else None,
            unmanaged.get(code, 0),
        )
        for code in sorted({*REGIONS} if len(settings.regions) == len(REGIONS) else settings.regions)
    )


def explain_clinic(settings: Settings, now: datetime, hsa_id: HsaId) -> ClinicStory:
    """Return where the clinic is declared, what the world and the database say of it, and what would happen."""
    planned = plan(settings, now)
    regions = planned.world.declared.regions if planned.world else {}
    places = ((code, one) for code, one in sorted(regions.items()) if hsa_id in one.clinics)
    world, judged = planned.world, planned.judged
    entry = world.register.clinics.get(hsa_id) if world else None
    # What is wrong with the file where its line would stand may be why it is not found there.
    unread = entry.region_code if entry and entry.region_code not in regions else None
    return ClinicStory(
        hsa_id,
        declared=tuple((code, one.clinics[hsa_id].name, one.place_of(hsa_id)) for code, one in places),
        register=entry,
        routed=hsa_id in planned.routes.hsa_ids if planned.routes.asked else None,
        enrolled=world.observed.clinics.get(hsa_id) if world else None,
        managed=world.observed.managed_clinics.get(hsa_id) if world else None,
        outcome=judged.settled.outcomes.get(hsa_id) if judged else None,
        changes=tuple(change for change in planned.changes if change.subject == hsa_id),
        findings=tuple(
            finding
            for finding in planned.findings
            if finding.subject == hsa_id or (finding.is_error and unread is not None and finding.region == unread)
        ),
        failures=planned.failures,
    )
