"""What a plan starts from: what the e-services say, or said last, and what the database holds.

It asks and reads, and decides nothing but whether the last good register may stand in for one that is away. The
database is read when the register is there: what both say alike is held once, and no network is waited for meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import NamedTuple

from reconciler import git
from reconciler.findings import Failure
from reconciler.judge import last_good
from reconciler.model import (
    ENTRY,
    Declared,
    Register,
    RegisterSettings,
    Remembered,
    Routes,
    RoutesSettings,
    Settings,
    State,
)
from reconciler.rows import Rows
from reconciler.sources import register as register_source
from reconciler.sources import routes as routes_source


class Sources(NamedTuple):
    """Who is asked for register and routes; `simulate` asks somebody who says what is to be imagined."""

    register: Callable[[RegisterSettings, datetime], Register] = register_source.ask
    routes: Callable[[RoutesSettings, datetime], Routes] = routes_source.ask


def register(settings: Settings, now: datetime, sources: Sources, declared: Declared) -> Register | Failure:
    """Return the register, or why there is none: also where the database does not tell what may be believed.

    What it says of activated clinics as they are *declared* is held once.
    """
    asking, untold = settings.register, None
    try:
        asking = _asking(settings)
    except Failure as failure:
        untold = failure
    try:
        found = sources.register(asking, now)
    except Failure as failure:
        return failure
    alike = {(True, code): names for code, names in declared.names.items()}
    return untold or found._replace(clinics=Rows.of(ENTRY, found.clinics).sharing(alike))


def _asking(settings: Settings) -> RegisterSettings:
    """Have no older answer than the last one, and none where a server says that it still is what it would say."""
    from reconciler import store  # sqlalchemy costs 0.3 s

    asking = settings.register
    if not store.exists(settings.database):
        return asking
    with store.connected(store.reading(settings)) as connection:
        store.check(connection)
        last = store.last_answer(connection, register_source.asked(asking))
    return (
        asking._replace(known=last.known, not_before=last.generated_at if asking.max_age else None) if last else asking
    )


def or_last_good(
    found: Register | Failure, held: Held | None, settings: Settings, now: datetime
) -> tuple[Register | None, Failure | None]:
    """Return the register; where nobody answers, the last good one and why, unless that one is too old."""
    if isinstance(found, Register):
        return found, None
    remembered, most = held.remembered if held else Remembered(), settings.register.max_age
    away = found.source == "register" and found.kind in register_source.AWAY
    good = last_good(remembered, settings.regions) if away else None
    return (good if good and (most is None or now - good.generated_at <= most) else None), found


def routes(settings: Settings, now: datetime, sources: Sources, held: Held | None) -> Routes:
    """Return the routes; where no answer may be of any age, none that is older than the one that was believed."""
    asking = settings.routes
    times = [part.generated_at for part in held.remembered.routed.values()] if held else []
    return sources.routes(asking._replace(not_before=max(times)) if times and asking.max_age else asking, now)


class Held(NamedTuple):
    """What the database gave for a plan; `empty_database` names a SQLite file that is not there."""

    state: State = State()
    taken: Mapping[str, int] = {}
    went_back: tuple[str, str] | None = None
    reverts: Mapping[str, int] = {}
    empty_database: str | None = None
    remembered: Remembered = Remembered()


def database(
    settings: Settings, commit: str | None, now: datetime, declared: Declared, register: Register | Failure
) -> Held:
    """Read the database; *declared* and *register* are taken for what it says alike."""
    from reconciler import store  # sqlalchemy costs 0.3 s

    if not store.exists(settings.database):
        return Held(empty_database=store.shown(settings.database))
    engine = store.reading(settings)
    with store.connected(engine) as connection:
        store.check(connection)
        state = store.observe(connection, declared.names)
        taken, last = store.approvals_taken(connection), store.last_commit(connection)
        remembered = store.remembered(connection, register if isinstance(register, Register) else None)
        within = settings.drift.within
        reverts = store.reverts(connection, store.as_text(now - within)) if within else {}
    engine.dispose()
    back = commit is not None and last is not None and git.went_back(settings.config, commit, last)
    return Held(state, taken, (commit, last) if back and commit and last else None, reverts, remembered=remembered)
