"""A small TAK, invented: what it routes, as the two forms of the export file. Every address in it is made up.

It holds what trips those who read it: a domain whose name begins like another's, a contract back to 1177, routes of the
past and of the future, addresses in lower case and addresses that are no HSA-id, a route on a parent unit.
"""

from __future__ import annotations

from typing import Any, NamedTuple

COMPLAINTS = "urn:riv-application:supportprocess:logistics:complaintsandfeedback"
OUT = f"{COMPLAINTS}:ExampleOutResponder:1"
"""From 1177 to the region's system: its routes are the clinics'."""
BACK = f"{COMPLAINTS}:ExampleBackResponder:1"
"""Back to 1177: its route is 1177's own address."""
LISTING = "urn:riv:crm:carelisting:GetListingResponder:1"
LISTING_TYPES = "urn:riv:crm:carelisting:GetListingTypesResponder:1"
LISTING_EXTRA = "urn:riv:crm:carelistingextra:GetListingResponder:1"
OWN = "SE5560000000-1177"
"""1177's own address, invented."""
ALWAYS = ("2016-01-31T23:00:00+0000", "2116-01-31T23:00:00+0000")
MADE = "2026-11-24T00:00:00Z"


class Route(NamedTuple):
    address: str
    contract: str = OUT
    producer: str = "SE2321000016-EX0P"
    valid: tuple[str, str] = ALWAYS


ROUTES = (
    Route("SE2321000016-EX01"),
    Route("se2321000016-ex02", producer="se2321000016-ex0p"),
    Route("SE2321000255-EXPARENT", producer="SE2321000255-EX0P"),
    Route(OWN, BACK, "SE5560000000-EX0P"),
    Route("SE2321000016-EXPAST", valid=("2016-01-31T23:00:00+0000", "2026-11-23T23:00:00+0000")),
    Route("SE2321000016-EXSOON", valid=("2026-12-31T23:00:00+0000", "2116-01-31T23:00:00+0000")),
    Route("SE2321000016-EX03", LISTING),
    Route("01", LISTING, "EXAMPLE-SC"),
    Route("5560000000", LISTING_TYPES, "EXAMPLE-SC"),
    Route("SE2321000016-EX04", LISTING_EXTRA),
)
NOW_ROUTED = frozenset({"SE2321000016-EX01", "SE2321000016-EX02", "SE2321000255-EXPARENT", OWN})
"""What is routed in the domain of complaints."""


def dump(*, numbers: bool, routes: tuple[Route, ...] = ROUTES, made: str = MADE) -> dict[str, Any]:
    """Return the export: as TAK writes it, with *numbers*, or as its importer does, without."""
    contracts = _numbered(17, sorted({route.contract for route in routes}))
    addresses = _numbered(585, sorted({route.address for route in routes}))
    producers = _numbered(1052, sorted({route.producer for route in routes}))
    data: dict[str, Any] = {
        "rivtaprofil": [{"id": 5, "namn": "RIVTABP21", "beskrivning": "RIV TA BP version 2.1"}],
        "tjanstekontrakt": [
            {"id": n, "namnrymd": one, "beskrivning": "Exempel", "majorVersion": 1, "minorVersion": 0}
            for one, n in contracts.items()
        ],
        "logiskadress": [{"id": n, "hsaId": one, "beskrivning": "Mottagningen i Åre"} for one, n in addresses.items()],
        "tjanstekomponent" if numbers else "tjansteproducent": [
            {"id": n, "hsaId": one, "beskrivning": ""} for one, n in producers.items()
        ],
        "anropsadress": [
            {
                "id": 2000 + n,
                "adress": f"https://producer{n}.example.org:8443/complaints/v1",
                "relationships": {
                    "rivtaprofil": 5 if numbers else "RIVTABP21",
                    "tjanstekomponent": n if numbers else one,
                },
            }
            for one, n in producers.items()
        ],
        "vagval": [],
        "anropsbehorighet": [],
    }
    for n, route in enumerate(routes, 205):
        begins, ends = route.valid
        row = {"id": n, "fromTidpunkt": begins, "tomTidpunkt": ends}
        producer = producers[route.producer]
        named = {"logiskadress": route.address, "tjanstekontrakt": route.contract}
        by_number = {"logiskadress": addresses[route.address], "tjanstekontrakt": contracts[route.contract]}
        full = {
            **named,
            "tjansteproducent": route.producer,
            "rivtaProfil": "RIVTABP21",
            "anropsadress": f"https://producer{producer}.example.org:8443/complaints/v1",
        }
        relationships = {**by_number, "anropsadress": 2000 + producer} if numbers else full
        data["vagval"].append({**row, "relationships": relationships})
        consumer = {"tjanstekonsument": producer if numbers else route.producer}
        asked = by_number if numbers else named
        permission = {"logiskAdress": asked["logiskadress"], "tjanstekontrakt": asked["tjanstekontrakt"], **consumer}
        data["anropsbehorighet"].append({**row, "relationships": permission})
    if not numbers:
        return {"formatVersion": "1", "tidpunkt": made, "beskrivning": "invented", "data": data}
    # What TAK writes besides, and nobody needs.
    data = {name: [{**row, "pubversion": "0"} for row in rows] for name, rows in data.items()}
    data |= {"filter": [], "filtercategorization": []}
    more = {"version": "0", "utforare": "TakExport", "kommentar": "invented"}
    return {"formatVersion": "1", "tidpunkt": made, **more, "data": data}


def _numbered(first: int, texts: list[str]) -> dict[str, int]:
    return {text: first + n for n, text in enumerate(texts)}
