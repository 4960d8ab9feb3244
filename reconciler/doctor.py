"""Whether a run could work here: settings, database, register, routes, certificates, clocks, git, each looked at once.

It changes nothing, and shows no secret: of a password, only that there is one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from reconciler import git
from reconciler.findings import Exit, Failure, Severity
from reconciler.model import Settings
from reconciler.sources import register as register_source
from reconciler.sources import routes as routes_source
from reconciler.sources.answer import AHEAD
from reconciler.sources.peer import Peer, look_at, own_certificate_until
from reconciler.thresholds import Threshold
from reconciler.words import _, moment, ngettext, number, tenths

SOON = timedelta(days=30)
_SECRETS = frozenset({"password", "token"})


class Check(NamedTuple):
    """One thing that was looked at: what was found, what to do about it, and what the process says."""

    subject: str
    said: str
    remedy: str | None = None
    exit: Exit = Exit.DONE


@dataclass(frozen=True, slots=True)
class Health:
    """All that was looked at, in order."""

    checks: tuple[Check, ...]

    @property
    def exit(self) -> Exit:
        """What the process says: 0, or what the worst of it would end a run with."""
        return Exit.first(*(check.exit for check in self.checks))


def examine(settings: Settings, now: datetime) -> Health:
    """Look at everything once."""
    checks = [Check("settings", line) for line in _settings(settings)]
    checks.append(_looked_at("database", lambda: _database(settings)))
    checks.append(_looked_at("register", lambda: _register(settings, now)))
    checks.append(_looked_at("routes", lambda: _routes(settings, now)))
    for name, source, http in (
        ("register", settings.register.source, settings.register.http),
        ("routes", settings.routes.source, settings.routes.http),
    ):
        if source in ("http", "coop"):
            checks += _peer(name, look_at(http), now)
            checks += _own_certificate(name, own_certificate_until(http), now)
    local = _("{time} here; compared with what the servers say").format(time=moment(now))
    checks.append(Check("clock", local))
    checks.append(_looked_at("git", lambda: _git(settings)))
    return Health(tuple(checks))


def _looked_at(subject: str, look: Callable[[], Check]) -> Check:
    try:
        return look()
    except Failure as failure:
        return Check(subject, failure.problem, failure.remedy, failure.exit)


# ---- settings


def _settings(settings: Settings) -> Iterator[str]:
    from reconciler import store  # sqlalchemy costs 0.3 s

    for key in sorted({"config", "database", "regions", "register.source", "routes.source", *settings.origins}):
        value = _as_set(store.shown(settings.database) if key == "database" else _found(settings, key))
        value = _("(set, and not shown)") if key.rpartition(".")[2] in _SECRETS else value
        yield f"{key} = {value} ({settings.origins.get(key, _('default'))})"


def _found(settings: Settings, key: str) -> object:
    """Return the value of a setting, by the name that it has in the file."""
    here: Any = settings
    for name in key.split("."):
        if isinstance(here, Mapping):
            here = here.get(name)
        elif hasattr(here, name) or hasattr(here, "http"):
            here = getattr(here, name) if hasattr(here, name) else getattr(here.http, name)
    return here


def _as_set(value: object) -> str:
    """Return the value as it is written in the settings, or nearly."""
    if value is None:
        return "off"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, timedelta):
        seconds = int(value.total_seconds())
        size, unit = next(one for one in _UNITS if seconds % one[0] == 0)
        return f"{seconds // size}{unit}"
    if isinstance(value, Threshold):
        return _as_set(value._asdict())
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {one}" for key, one in value.items()) + " }"
    if isinstance(value, (tuple, list)):
        return ", ".join(map(str, value))
    return str(value.value if isinstance(value, Severity) else value)


_UNITS = ((86400, "d"), (3600, "h"), (60, "m"), (1, "s"))


# ---- what is asked


def _database(settings: Settings) -> Check:
    from reconciler import store

    if not store.exists(settings.database):
        problem = _("there is no database at {url}").format(url=store.shown(settings.database))
        return Check("database", problem, _("make it: reconciler db init"), Exit.SETTINGS)
    engine = store.reading(settings)
    with store.connected(engine) as connection:
        store.check(connection)
        missing = store.without_row(connection, settings.regions)
    engine.dispose()
    if missing:
        return Check("database", missing, store.row_wanted(), Exit.SETTINGS)
    url = store.shown(settings.database)
    return Check("database", _("{url}, tables of version {version}").format(url=url, version=store.SCHEMA))


def _register(settings: Settings, now: datetime) -> Check:
    began = time.monotonic()
    found = register_source.ask(settings.register, now)
    count = ngettext("{n} clinic", "{n} clinics", len(found.clinics)).format(n=number(len(found.clinics)))
    return Check("register", _answered(count, began, found.generated_at, now))


def _routes(settings: Settings, now: datetime) -> Check:
    began = time.monotonic()
    found = routes_source.ask(settings.routes, now)
    if found.generated_at is None:
        return Check("routes", _("TAK is not asked: the setting routes.source is off"))
    count = ngettext("{n} address", "{n} addresses", len(found.hsa_ids)).format(n=number(len(found.hsa_ids)))
    return Check("routes", _answered(count, began, found.generated_at, now))


def _answered(count: str, began: float, made: datetime, now: datetime) -> str:
    hours = max((now - made).total_seconds() / 3600, 0)
    return _("{count} in {seconds} s, made {hours} hours ago").format(
        count=count, seconds=tenths(time.monotonic() - began), hours=tenths(hours)
    )


def _peer(name: str, peer: Peer, now: datetime) -> Iterator[Check]:
    if peer.certificate_until:
        left = peer.certificate_until - now
        said = _("its certificate holds until {until}") if left > timedelta(0) else _("its certificate expired {until}")
        said = said.format(until=peer.certificate_until.date().isoformat())
        yield Check(name, said, _("have its owner renew it") if left < SOON else None)
    if peer.clock:
        ahead = (peer.clock - now).total_seconds()
        said = _("its clock differs from ours by {n} s").format(n=f"{ahead:+.0f}")
        wrong = abs(ahead) > AHEAD.total_seconds()
        yield Check(name, said, _("compare the clocks of both machines") if wrong else None)


def _own_certificate(name: str, until: datetime | None, now: datetime) -> Iterator[Check]:
    if until:
        left = until - now
        said = _("our certificate holds until {until}") if left > timedelta(0) else _("our certificate expired {until}")
        remedy = _("have it renewed, and name the new one in certificate and key")
        yield Check(name, said.format(until=until.date().isoformat()), remedy if left < SOON else None)


def _git(settings: Settings) -> Check:
    commit = git.head(settings.config)
    if commit is None:
        return Check("git", _("the region files are not in git, so nobody can tell an old commit from a new one"))
    return Check("git", _("the region files are at commit {commit}").format(commit=commit[:12]))
