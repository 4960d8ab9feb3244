"""What TAK's own words mean: service domains, contracts, addresses. The same for every way to ask TAK.

It asks nobody. A namespace is `urn:riv:crm:carelisting:GetListingResponder:1`; its domain, as the TAK API writes it, is
`crm:carelisting`. An application-specific namespace (`urn:riv-application:…`) keeps its prefix.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import NamedTuple

from reconciler.findings import Failure
from reconciler.model import RoutesSettings
from reconciler.words import _

_CONTRACT = re.compile(":[A-Z]")


class Heard(NamedTuple):
    """What TAK routes: addresses in upper case, and when TAK said so: unchecked, and the name of the field."""

    addresses: frozenset[str]
    made: object
    made_key: str


def domain(text: str) -> str:
    """Return the domain as the TAK API writes it, with or without a leading `urn:riv:`."""
    return text.removeprefix("urn:riv:")


def domain_of(namespace: str) -> str:
    """Return the domain that the contract *namespace* belongs to: what stands before the first `:Capital`."""
    return domain(_CONTRACT.split(namespace, maxsplit=1)[0])


def contracts_of_domain(settings: RoutesSettings, namespaces: Iterable[str]) -> frozenset[str]:
    """Return those of *namespaces* that are contracts of the domain; a Failure where there are none."""
    wanted = domain(settings.domain)
    found = frozenset(one for one in namespaces if domain_of(one) == wanted)
    if not found:
        raise no_domain(settings)
    return found


def no_domain(settings: RoutesSettings, found: int = 0) -> Failure:
    """Return the failure of a domain that is not *found* once: no routes would be a lie there, not an answer."""
    problem = _("TAK does not know the domain {domain}, or no contract of it")
    if found:
        problem = _("TAK has the domain {domain} {n} times")
    return Failure(
        "routes",
        "domain",
        problem=problem.format(domain=domain(settings.domain), n=found),
        remedy=_("see how TAK writes it, and put domain in the table [routes] right"),
    )


def wanted_contracts(settings: RoutesSettings, known: Collection[str]) -> frozenset[str]:
    """Return the contracts whose routes count; a Failure where one that is configured is not *known* to TAK."""
    missing = sorted(set(settings.contracts) - set(known))
    if missing:
        problem = _("the domain {domain} has no contract {contract}; it has: {known}").format(
            domain=domain(settings.domain), contract=missing[0], known=", ".join(sorted(known))
        )
        raise Failure("routes", "contract", problem=problem, remedy=_("put contracts in the table [routes] right"))
    return frozenset(settings.contracts or known)


def address(text: object) -> str | None:
    """Return the address in upper case, as TAK compares it; None where *text* is none."""
    fits = isinstance(text, str) and text.strip() and text.isprintable()
    return str(text).strip().upper() if fits else None
