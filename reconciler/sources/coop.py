"""The TAK API ("cooperation"), version 2: the nightly copy of what TAK routes.

Ids in it are made anew each night, so they are looked up in each run and never kept; an unknown one gives `[]`, not an
error. So `[]` is believed only for the routes, when platform, domain and contracts have all been found, and the night's
import has not come in between.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode

from reconciler.findings import Failure
from reconciler.model import RoutesSettings
from reconciler.sources.answer import as_json, as_text
from reconciler.sources.tak import Heard, address, contracts_of_domain, domain, no_domain, wanted_contracts
from reconciler.words import _

if TYPE_CHECKING:
    from reconciler.sources.http import Session

INCLUDE = "connectionPoint,logicalAddress,serviceContract,serviceProducer"
"""Asked for always: what is not named here is left out of the answer, whatever the API's own page says."""

_ROUNDS = 2
"""How often the import may come in between before it is a failure."""

_KEYS = {
    "connectionPoints": ("platform", "environment", "snapshotTime"),
    "serviceDomains": ("namespace",),
    "serviceContracts": ("namespace",),
    "serviceProductions": ("connectionPoint", "logicalAddress", "serviceContract"),
}

Row = dict[str, Any]
Get = Callable[..., list[Row]]


class _Point(NamedTuple):
    """A platform and its environment, as of one import."""

    id: int
    snapshot: object


def ask(settings: RoutesSettings, _now: datetime) -> Heard:
    """Return the addresses that TAK routes within the domain; a Failure where an answer does not fit the question."""
    from reconciler.sources import http  # wanted only where a server is asked

    with http.session("routes", settings.http) as session:

        def get(path: str, **parameters: object) -> list[Row]:
            return _rows(session, settings.http.url, path, parameters)

        for _round in range(_ROUNDS):
            point = _point(get, settings)
            routed = _routed(get, settings, point)
            if _point(get, settings) == point:
                return Heard(routed, point.snapshot, "snapshotTime")
    raise Failure(
        "routes",
        "changed-meanwhile",
        problem=_("TAK was imported anew while it was asked"),
        remedy=_("ask again in some minutes"),
    )


# ---- the four questions


def _point(get: Get, settings: RoutesSettings) -> _Point:
    found = get("connectionPoints")
    wanted = (settings.platform.upper(), settings.environment.upper())
    fits = [one for one in found if (str(one["platform"]).upper(), str(one["environment"]).upper()) == wanted]
    if len(fits) == 1:
        return _Point(fits[0]["id"], fits[0]["snapshotTime"])
    there = ", ".join(sorted(f"{one['platform']} {one['environment']}" for one in found))
    raise Failure(
        "routes",
        "connection-point",
        problem=_("{wanted} is found {n} times among what TAK has: {there}").format(
            wanted=f"{settings.platform} {settings.environment}", n=len(fits), there=there or _("nothing")
        ),
        remedy=_("put platform and environment in the table [routes] right; if TAK has nothing, ask its owner"),
    )


def _routed(get: Get, settings: RoutesSettings, point: _Point) -> frozenset[str]:
    wanted = domain(settings.domain)
    # The filter matches beginnings, so that crm:carelisting finds crm:carelistingextra as well.
    domains = [one for one in get("serviceDomains", namespace=wanted) if one["namespace"] == wanted]
    if len(domains) != 1:
        raise no_domain(settings, len(domains))
    number = domains[0]["id"]
    known = contracts_of_domain(
        settings, (str(one["namespace"]) for one in get("serviceContracts", serviceDomainId=number))
    )
    contracts = wanted_contracts(settings, known)
    rows = get("serviceProductions", connectionPointId=point.id, serviceDomainId=number, include=INCLUDE)
    return frozenset(_address(row, point) for row in rows if _contract(row, known) in contracts)


def _contract(row: Row, known: frozenset[str]) -> str:
    """Return the row's contract; one of another domain shows that the question was not understood."""
    contract = row["serviceContract"].get("namespace")
    if contract not in known:
        raise _unlike(row, _("it is of the contract {contract}, which was not asked for").format(contract=contract))
    return str(contract)


def _address(row: Row, point: _Point) -> str:
    if row["connectionPoint"].get("id") != point.id:
        raise _unlike(row, _("it is of another platform than was asked for"))
    found = address(row["logicalAddress"].get("logicalAddress"))
    if found is None:
        raise _unlike(row, _("it has no logical address"))
    return found


# ---- an answer, and what is wrong with it


def _rows(session: Session, base: str, path: str, parameters: dict[str, object]) -> list[Row]:
    query = f"?{urlencode(parameters, safe=':,')}" if parameters else ""
    url = f"{base.rstrip('/')}/{path}{query}"
    try:
        rows = as_json("routes", url, as_text("routes", url, session.get(url).body))
    except Failure as failure:
        raise _told(failure) from failure
    if not isinstance(rows, list):
        raise _malformed(url, _("this is not a list"))
    for n, row in enumerate(rows):
        _demand_shape(row, path, f"{url} [{n}]")
    if len({row["id"] for row in rows}) != len(rows):
        raise _malformed(url, _("one id stands twice"))
    return rows


def _demand_shape(row: object, path: str, where: str) -> None:
    if not isinstance(row, dict) or type(row.get("id")) is not int:
        raise _malformed(where, _("it has no id"))
    kind = dict if path == "serviceProductions" else str
    for key in _KEYS[path]:
        if not isinstance(row.get(key), kind):
            raise _malformed(where, _("{key} is missing").format(key=key))


def _told(failure: Failure) -> Failure:
    """Return the failure with what to do about it where TAK is what was asked."""
    remedies = {
        "malformed": _("nothing is guessed: ask TAK's owner"),
        "unauthorized": _("give the account for the TAK API: RECONCILER_ROUTES_USER and RECONCILER_ROUTES_PASSWORD"),
        "forbidden": _("TAK lets in only the addresses that it knows: have this machine's added"),
        "not-found": _("write url as far as the version, as https://server/coop/api/v2"),
        "gone": _("version 1 of the TAK API is closed: write url as https://server/coop/api/v2"),
    }
    remedy = remedies.get(failure.kind, failure.remedy)
    return Failure("routes", failure.kind, problem=failure.problem, remedy=remedy, exit=failure.exit)


def _unlike(row: Row, reason: str) -> Failure:
    return _malformed(f"serviceProductions {row['id']}", reason)


def _malformed(where: str, reason: str) -> Failure:
    problem = _("{where}: {reason}").format(where=where, reason=reason)
    return Failure("routes", "malformed", problem=problem, remedy=_("nothing is guessed: ask TAK's owner"))
