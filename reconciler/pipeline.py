"""The line, read top to bottom: declare, check, ask, observe, settle, diff, guard, apply.

Each station is a function of what the one before handed on. `now` and the actor are parameters; nothing here prints,
reads the environment, or knows how a file or a table looks. Not applying is not calling `apply`.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING

from reconciler import ask, expect, git, stations
from reconciler.check import declare, told
from reconciler.declare.beside import read_approvals
from reconciler.declare.regions import read_regions
from reconciler.digests import fingerprint, state_digest
from reconciler.findings import Exit, Failure, Finding
from reconciler.judge import judge_plan, routed_parts, verdict
from reconciler.model import (
    RegionCode,
    Settings,
)
from reconciler.results import Applied, Planned, Verdict, World
from reconciler.rules.guard import Judgement
from reconciler.rules.incoming import register_unmoved
from reconciler.saved import SavedPlan
from reconciler.validation import asked, folder_of
from reconciler.words import _, day

if TYPE_CHECKING:
    from reconciler.store import Incoming

# ---- plan


def plan(settings: Settings, now: datetime, sources: ask.Sources = ask.Sources()) -> Planned:  # noqa: B008  (frozen)
    """Return what an apply would do."""
    stations.at("declare")
    reading = read_regions(settings.config / "regions", settings.regions)
    stations.at("check")
    declared, findings = declare(reading, settings, folder_of(settings))
    approvals, about_approvals = read_approvals(settings.config / "approvals.yaml")
    findings += tuple(about_approvals)
    failures: list[Failure] = []
    stations.at("ask")
    commit = asked(failures, lambda: git.head(settings.config))
    answer = ask.register(settings, now, sources, declared)
    stations.at("observe")
    held = asked(failures, lambda: ask.database(settings, commit, now, declared, answer))
    register, because = ask.or_last_good(answer, held, settings, now)
    if register is None and because is not None and because.source not in {failure.source for failure in failures}:
        failures.append(because)
    stations.at("ask")
    routes = asked(failures, lambda: ask.routes(settings, now, sources, held))
    if failures or register is None or routes is None or held is None:
        regions = tuple(verdict(code, declared, findings, (), Judgement()) for code in settings.regions)
        findings = told(findings, settings, declared, register)
        return Planned(regions, findings, tuple(failures), config_digest=declared.digest, commit=commit)
    world = World(
        declared,
        register,
        routes,
        held.state,
        tuple(approvals),
        held.taken,
        day(now),
        held.went_back,
        held.remembered,
        because,
        held.reverts,
    )
    return _planned(world, settings, findings, commit, held.empty_database)


def _planned(
    world: World, settings: Settings, findings: tuple[Finding, ...], commit: str | None, empty_database: str | None
) -> Planned:
    judged = judge_plan(world, settings)
    findings = told((*findings, *judged.findings), settings, world.declared, world.register)
    stations.at("fingerprint")
    codes = sorted({*settings.regions, *(change.region for change in judged.changes)})
    observed_digest = state_digest(world.observed.clinics, world.observed.boards)
    settled_digest = state_digest(judged.settled.clinics, judged.settled.boards) if judged.changes else observed_digest
    due = {code: tuple(found) for code, found in groupby(judged.changes, lambda change: change.region)}
    return Planned(
        regions=tuple(
            verdict(code, world.declared, findings, due.get(code, ()), judged.judgement, settings.hold)
            for code in codes
        ),
        findings=findings,
        changes=judged.changes,
        config_digest=world.declared.digest,
        commit=commit,
        world=world,
        judged=judged,
        empty_database=empty_database,
        observed_digest=observed_digest,
        settled_digest=settled_digest,
        fingerprint=fingerprint((change[:5] for change in judged.changes), observed_digest, settled_digest),
    )


# ---- apply


def _require_database(settings: Settings) -> None:
    """Refuse to make a database by mistake: a mistyped path enrols nobody."""
    from reconciler import store

    if not store.exists(settings.database):
        raise Failure(
            "database",
            "missing",
            problem=_("there is no database at {url}").format(url=store.shown(settings.database)),
            remedy=_("make it: reconciler db init"),
            exit=Exit.SETTINGS,
        )


def apply(
    settings: Settings,
    now: datetime,
    actor: str,
    only: Collection[RegionCode] = (),
    expected: SavedPlan | None = None,
) -> Applied:
    """Plan, and do it: one transaction for each region, in code order. Guards judge the whole plan.

    What is *expected* was saved before: another plan than that is not applied.
    """
    from reconciler import store

    _require_database(settings)
    planned = plan(settings, now)
    if planned.world is None or planned.judged is None:
        return Applied(_not_attempted(planned).only(only))
    because = planned.world.cached_because
    if because and not settings.register.allow_cached:
        return Applied(_not_attempted(planned)._replace(changes=(), failures=(_not_from_memory(because),)).only(only))
    stale = expect.stale(expected, planned) if expected else None
    if stale:
        return Applied(_not_attempted(planned)._replace(failures=(*planned.failures, stale)).only(only))
    if planned.judged.judgement.national:
        return Applied(planned.only(only))
    stations.at("apply")
    engine = store.writing(settings)
    with store.answering():
        header = store.RunHeader(
            actor=actor,
            # An old job that finds nothing to do must not make its commit the one last applied.
            commit=None if planned.world.went_back and not planned.changes else planned.commit,
            config=planned.config_digest,
            register=planned.world.register.digest,
            routes=planned.routes.digest,
            state_before=planned.observed_digest or "",
            requested=len(planned.changes),
        )
        run = store.begin_run(engine, header, now)
        store.keep_incoming(
            engine, run, _incoming(planned.world, planned.judged.judgement), now, settings.register.keep
        )
    from reconciler.run import Run

    exact = expected is not None
    return Run(settings, planned, planned.world, planned.judged, engine, run, now, exact).settle_all(only)


def _incoming(world: World, judgement: Judgement) -> Incoming:
    from reconciler import store

    uses = [(use, use.approval.region) for use in judgement.approved_parts]
    return store.Incoming(
        None if world.cached_because else world.register,
        world.remembered,
        judgement.suspect,
        {code for use, code in uses if code and use.approval.guard == register_unmoved.id},
        {(use.approval.digest, code): use.takes for use, code in uses if code},
        routed_parts(world, judgement),
    )


def _not_from_memory(failure: Failure) -> Failure:
    """Say how apply may go on with the last good register: not unless somebody says so."""
    remedy = _("{remedy}; to go on with the last good register: --allow-cached-sources")
    return Failure(
        failure.source,
        failure.kind,
        problem=failure.problem,
        remedy=remedy.format(remedy=failure.remedy),
        exit=failure.exit,
    )


def _not_attempted(planned: Planned) -> Planned:
    return planned._replace(regions=tuple(one._replace(verdict=Verdict.NOT_ATTEMPTED) for one in planned.regions))


def check_database(settings: Settings) -> list[str]:
    """Return what is wrong with the rows of regions and with the log; raise a Failure where the tables do not fit."""
    from reconciler import store

    _require_database(settings)
    with store.connected(store.reading(settings)) as connection:
        store.check(connection)
        missing = store.without_row(connection, settings.regions)
        told = [f"{missing}\n    {store.row_wanted()}"] if missing else []
        return [*told, *store.verify_chain(connection)]
