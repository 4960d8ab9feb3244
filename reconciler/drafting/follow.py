"""`follow` and `adopt`: the files brought up to what the register has moved, or the database holds."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from reconciler import git, pipeline, revision
from reconciler.check import Files
from reconciler.declare.regions import read_regions
from reconciler.drafting.draft import Desk, Draft, desk
from reconciler.drafting.imports import desk_with
from reconciler.edit import document
from reconciler.edit.document import Document
from reconciler.findings import Finding
from reconciler.judge import judge_plan
from reconciler.model import HsaId, RegionCode, Settings, canonical
from reconciler.outcome import Outcome
from reconciler.results import Judged, Planned, World
from reconciler.rules import clinic, listing

_SUBJECT = "The lines of clinics follow the e-services"
_TOLD = (
    clinic.clinic_moved,
    clinic.enrolled_clinic_unknown,
    clinic.enrolled_clinic_inactive,
    clinic.moved_clinic_undeclared,
)
_FOLLOWS = (Outcome.FOLLOWS, Outcome.DECLARED_TWICE_FOLLOWS)


def follow(planned: Planned, settings: Settings) -> Draft:
    """Move each line to the file of the region that its clinic has moved to, and bring names up to the register."""
    if planned.world is None or planned.judged is None:
        return Draft(failures=planned.failures)
    lying, world = desk(settings), planned.world
    open_documents = {code: lying.document(code) for code in lying.regions if code in world.declared.regions}
    moved = _move(open_documents, world, planned.judged)
    names = {hsa_id: entry.name for hsa_id, entry in world.register.clinics.items()}
    enrolled = {hsa_id: name for hsa_id, name in names.items() if hsa_id in world.observed.clinics}
    documents = {code: document.rename(one, enrolled) for code, one in open_documents.items()}
    return Draft(lying.rewrites(documents), _left(planned.findings, moved), planned.failures)


def _left(findings: Collection[Finding], moved: Collection[str]) -> tuple[Finding, ...]:
    """Return what is for people to decide: clinics that are gone or inactive, and moves that cannot be made."""
    return tuple(
        one for one in findings if one.rule in _TOLD and not (one.rule is clinic.clinic_moved and one.subject in moved)
    )


def _move(documents: dict[RegionCode, Document], world: World, judged: Judged) -> set[str]:
    """Move the lines in *documents*; return the clinics that have found their place."""
    moves: dict[tuple[RegionCode, RegionCode], list[HsaId]] = {}
    owners = world.declared.owners
    for hsa_id, outcome in sorted(judged.settled.outcomes.items()):
        entry = world.register.clinics.get(hsa_id)
        if entry is None or entry.region_code not in documents:
            continue
        if outcome in _FOLLOWS or (outcome is Outcome.IN_PLACE and len(owners.get(hsa_id, ())) > 1):
            for code in owners[hsa_id]:
                if code != entry.region_code:
                    moves.setdefault((code, entry.region_code), []).append(hsa_id)
    for (source, target), hsa_ids in sorted(moves.items()):
        documents[source], lines = document.remove(documents[source], hsa_ids)
        there = documents[target].clinics.lines
        documents[target] = document.put(documents[target], (line for line in lines if _key(line) not in there))
    return {hsa_id for hsa_ids in moves.values() for hsa_id in hsa_ids}


def _key(line: document.Line) -> str:
    return canonical(line.key)


def on_branch(draft: Draft, planned: Planned, settings: Settings, branch: str) -> Draft:
    """Commit the draft on a branch, citing the register that it goes by; where nothing is to do, none is made."""
    if draft.failures or not draft.rewrites or planned.register is None:
        return draft
    message = "\n".join(
        [
            _SUBJECT,
            "",
            f"register: {planned.register.digest}",
            f"generated at: {planned.register.generated_at.isoformat()}",
            "",
            "The e-services have moved or renamed these clinics; their enrolment follows, and so do the files.",
        ]
    )
    git.commit_on(settings.config, branch, {one.path: one.after for one in draft.rewrites}, message + "\n")
    return replace(draft, written=True)


def adopt(planned: Planned, settings: Settings, code: RegionCode, hsa_ids: Collection[HsaId]) -> Draft:
    """Write what the database holds for a region, and no file declares, into its file; of all, the board too."""
    if planned.world is None or planned.judged is None:
        return Draft(failures=planned.failures)
    lying, world, outcomes = desk_with(settings, code), planned.world, planned.judged.settled.outcomes
    held = {
        hsa_id: row
        for hsa_id, row in world.observed.clinics.items()
        if row.region_code == code and outcomes.get(hsa_id) is Outcome.UNMANAGED
    }
    entries = world.register.clinics
    belongs = {hsa_id for hsa_id in held if hsa_id not in entries or entries[hsa_id].region_code == code}
    wanted = set(hsa_ids) or belongs
    names = {one: entries[one].name if one in entries else held[one].name for one in wanted & belongs}
    findings = [finding for one in sorted(wanted - belongs) for finding in listing.clinic_not_adoptable(one, code)]
    if not hsa_ids:
        findings += [
            one
            for one in planned.findings
            if one.rule is clinic.clinic_unmanaged and one.subject in held.keys() - belongs
        ]
    changed = document.add(lying.document(code), names)
    return Draft(
        lying.rewrites({code: changed if hsa_ids else _with_board(changed, lying, world, code)}), tuple(findings)
    )


def _with_board(changed: Document, lying: Desk, world: World, code: RegionCode) -> Document:
    """Declare the board that is there already, without an order, where the file declares none."""
    row = world.observed.boards.get(code)
    if row is None or lying.regions[code].board is not None:
        return changed
    return document.set_board(changed, HsaId(row.hsa_id), row.name, None)


def planned(settings: Settings, now: datetime) -> Planned:
    """Return the plan that both go by."""
    return pipeline.plan(settings, now)


def as_declared(planned: Planned, settings: Settings) -> Planned:
    """Return the plan of a database that holds what the files declare: what is known where there is none."""
    if planned.world is None:
        return planned
    files = Files(read_regions(settings.config / "regions", settings.regions), (), ())
    world = planned.world._replace(observed=revision.known_from(files, planned.world.declared))
    judged = judge_plan(world, settings)
    return planned._replace(world=world, judged=judged, findings=judged.findings)
