"""What the next scheduled run would do, if the world were otherwise. Nothing is written anywhere.

What is imagined is put in the place of what the sources say; the line itself is the one that `plan` goes.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

from reconciler.ask import Sources
from reconciler.digests import digest
from reconciler.findings import Exit, Failure
from reconciler.model import (
    HsaId,
    RegionCode,
    Register,
    RegisterClinic,
    RegisterSettings,
    Routes,
    RoutesSettings,
    Settings,
)
from reconciler.pipeline import plan
from reconciler.results import Applied, Planned
from reconciler.sources import register as register_source
from reconciler.sources import routes as routes_source
from reconciler.sources.answer import checked_time
from reconciler.words import _

K = TypeVar("K", bound=str)


@dataclass(frozen=True, slots=True)
class Imagined:
    """What is otherwise. *lose* and *lose_routes* are shares in percent; what is lost is drawn by *seed*."""

    register: Path | None = None
    register_down: bool = False
    register_age: timedelta | None = None
    lose: int = 0
    moves: Mapping[HsaId, RegionCode] = field(default_factory=dict)
    inactive: tuple[HsaId, ...] = ()
    tak_down: bool = False
    lose_routes: int = 0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Simulation:
    """The plan in a world that is imagined, and how an apply would end there."""

    planned: Planned
    exit_of_apply: Exit


def simulate(settings: Settings, now: datetime, imagined: Imagined) -> Simulation:
    """Plan as if the world were as *imagined*."""

    def register(asked: RegisterSettings, at: datetime) -> Register:
        return _register(asked, at, imagined)

    def routes(asked: RoutesSettings, at: datetime) -> Routes:
        if imagined.tak_down:
            raise _away("routes", _("TAK does not answer, as was imagined"))
        return _fewer(routes_source.ask(asked, at), imagined)

    planned = plan(settings, now, Sources(register, routes))
    for failure in planned.failures:
        if failure.exit is Exit.USAGE:
            raise failure
    return Simulation(planned, _exit_of_apply(planned, settings))


def _exit_of_apply(planned: Planned, settings: Settings) -> Exit:
    """Return what `apply` would say: it makes no database, and is careful with what is remembered."""
    from reconciler import store  # sqlalchemy costs 0.3 s

    if not store.exists(settings.database):
        return Exit.SETTINGS
    because = planned.world.cached_because if planned.world else None
    if because and not settings.register.allow_cached:
        return because.exit
    return Applied(planned).exit


def _register(settings: RegisterSettings, now: datetime, imagined: Imagined) -> Register:
    if imagined.register_down:
        raise _away("register", _("the register does not answer, as was imagined"))
    if imagined.register:
        # How old such a file is says nothing: it stands for what would be said then.
        settings = settings._replace(source="file", path=imagined.register, max_age=None, not_before=None)
    found = register_source.ask(settings, now)
    if imagined.register_age is not None:
        made = (now - imagined.register_age).isoformat()
        found = found._replace(generated_at=checked_time("register", made, now, settings._replace(not_before=None)))
    clinics = _changed(found.clinics, imagined)
    if clinics == found.clinics:
        return found
    return found._replace(clinics=clinics, digest=register_source.known_by(clinics))


def _changed(clinics: Mapping[HsaId, RegisterClinic], imagined: Imagined) -> dict[HsaId, RegisterClinic]:
    unknown = sorted({*imagined.moves, *imagined.inactive} - clinics.keys())
    if unknown:
        raise Failure(
            "register",
            "imagined",
            problem=_("{hsa_id} is not in the register, so nothing about it can be imagined").format(hsa_id=unknown[0]),
            remedy=_("name a clinic that is: reconciler explain HSA-ID"),
            exit=Exit.USAGE,
        )
    changed = dict(clinics)
    for hsa_id, code in imagined.moves.items():
        changed[hsa_id] = changed[hsa_id]._replace(region_code=code)
    for hsa_id in imagined.inactive:
        changed[hsa_id] = changed[hsa_id]._replace(active=False)
    for hsa_id in _drawn(changed, imagined.lose, imagined.seed):
        del changed[hsa_id]
    return changed


def _fewer(routes: Routes, imagined: Imagined) -> Routes:
    hsa_ids = routes.hsa_ids - set(_drawn(routes.hsa_ids, imagined.lose_routes, imagined.seed))
    return routes._replace(hsa_ids=hsa_ids, digest=digest(sorted(hsa_ids))) if imagined.lose_routes else routes


def _drawn(of: Collection[K], share: int, seed: int) -> list[K]:
    """Return that share of *of*, in percent and rounded up: always the same for the same seed."""
    return random.Random(seed).sample(sorted(of), -(-len(of) * share // 100))  # noqa: S311


def _away(source: str, problem: str) -> Failure:
    return Failure(source, "unanswered", problem=problem, remedy=_("the next run asks again"))
