"""A stand-in for the TAK API, version 2: a real HTTP server that answers from an export file, traps and all.

    python tests/tak_server.py --port 8802
    python tests/tak_server.py takdump_ntjp_prod.json --port 8802 --user tak --password secret
    python tests/tak_server.py --port 8802 --fault 503

Without a file it loads an invented TAK. It listens on 127.0.0.1 only. Platform and environment come from the file's
name, in upper case, as its model's importer takes them. `--list` lists the faults.

What it does as its model does: ids are made anew at each start; only routes valid when the export was made are there;
fields that are empty are left out, and what `include` does not name as well; `serviceDomains?namespace=` matches
beginnings; `logicalAddresses` takes each condition for itself; a filter by an id that is unknown gives `[]`; addresses
of producers are obfuscated; 401 without `WWW-Authenticate`; 400 and 404 with a body of their own; 410 on version 1.
It writes no XML.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo

import made_tak
import register_server

ROOT = "/coop/api/v2/"
Row = dict[str, Any]


# ---- from the export to rows


@dataclass
class Tak:
    """The rows of every resource, as they are given; each refers to others by the row itself."""

    resources: dict[str, list[Row]] = field(default_factory=dict)

    def number(self) -> None:
        """Give every row an id, each resource a series of its own, other ones at each start."""
        for rows in self.resources.values():
            before = {row.get("id") for row in rows}
            free = [number for number in range(1, 10 * len(rows) + 100) if number not in before]
            numbers = random.sample(free, len(rows))
            for row, number in zip(rows, numbers, strict=True):
                row["id"] = number


def tak(document: Row, name: str = "takdump_ntjp_test.json") -> Tak:
    """Return what its model makes of an export of that name, in either form."""
    platform, environment = re.findall(r"takdump_([a-z]+)_([a-z]+)", name.lower())[0]
    made = datetime.fromisoformat(document["tidpunkt"])
    cet = made.astimezone(ZoneInfo("Europe/Stockholm")).strftime("%Y-%m-%dT%H:%M:%S%z")
    point = {"platform": platform.upper(), "environment": environment.upper(), "snapshotTime": cet}
    data = document["data"]
    contracts = {one["id"]: _contract(one) for one in data["tjanstekontrakt"]}
    addresses = {
        one["id"]: {"description": one["beskrivning"], "logicalAddress": one["hsaId"]} for one in data["logiskadress"]
    }
    parts = [*data.get("tjanstekomponent", ()), *data.get("tjansteproducent", ()), *data.get("tjanstekonsument", ())]
    components = {
        one["id"]: {"description": one["beskrivning"], "hsaId": one["hsaId"], "connectionPoint": point} for one in parts
    }
    profiles = {one["id"]: one["namn"] for one in data["rivtaprofil"]}
    endpoints = {one["id"]: one for one in data["anropsadress"]}
    productions, cooperations = [], []
    for route in _valid(data["vagval"], made):
        refers = route["relationships"]
        endpoint = _of(endpoints, refers["anropsadress"], "adress")
        productions.append(
            {
                "physicalAddress": _obfuscated(endpoint["adress"]),
                "rivtaProfile": profiles.get(endpoint["relationships"]["rivtaprofil"], refers.get("rivtaProfil")),
                "serviceProducer": _of(components, endpoint["relationships"]["tjanstekomponent"], "hsaId"),
                "logicalAddress": _of(addresses, refers["logiskadress"], "logicalAddress"),
                "connectionPoint": point,
                "serviceContract": _of(contracts, refers["tjanstekontrakt"], "namespace"),
            }
        )
    for permission in _valid(data["anropsbehorighet"], made):
        refers = permission["relationships"]
        cooperations.append(
            {
                "serviceConsumer": _of(components, refers["tjanstekonsument"], "hsaId"),
                "logicalAddress": _of(addresses, refers["logiskAdress"], "logicalAddress"),
                "connectionPoint": point,
                "serviceContract": _of(contracts, refers["tjanstekontrakt"], "namespace"),
            }
        )
    domains = sorted({_domain(one["namespace"]) for one in contracts.values()})
    made_rows = Tak(
        {
            "connectionPoints": [point],
            "serviceDomains": [{"name": "namn", "namespace": one} for one in domains],
            "serviceContracts": list(contracts.values()),
            "logicalAddresses": list(addresses.values()),
            "serviceProducers": list(components.values()),
            "serviceConsumers": list(components.values()),
            "serviceProductions": productions,
            "cooperations": cooperations,
            "installedContracts": [{"connectionPoint": point, "serviceContract": one} for one in contracts.values()],
        }
    )
    made_rows.number()
    return made_rows


def _contract(one: Row) -> Row:
    name, major, minor = one["beskrivning"], one["majorVersion"], one["minorVersion"]
    return {"name": name, "namespace": one["namnrymd"], "major": major, "minor": minor}


def _of(rows: dict[int, Row], reference: int | str, key: str) -> Row:
    """Return the row that is meant: by number, or by the value of its key."""
    return (
        rows[reference] if isinstance(reference, int) else next(one for one in rows.values() if one[key] == reference)
    )


def _valid(rows: list[Row], at: datetime) -> list[Row]:
    time = datetime.fromisoformat
    return [one for one in rows if time(one["fromTidpunkt"]) <= at < time(one["tomTidpunkt"])]


def _domain(namespace: str) -> str:
    return re.sub("^urn:riv:", "", re.split(":[A-Z]", namespace)[0])


def _obfuscated(url: str) -> str:
    parts = urlsplit(url)
    last = ".".join((parts.hostname or "").split(".")[-2:])
    return f"{parts.scheme}://....{last}....{parts.port}..../{parts.path.rsplit('/', 1)[-1]}"


# ---- from a question to rows


def _is(*path: str) -> Callable[[Tak, Row, str], bool]:
    """Return the filter by the id of what stands at *path* in the row."""

    def fits(_tak: Tak, row: Row, wanted: str) -> bool:
        for key in path:
            row = row[key]
        return str(row["id"]) == wanted

    return fits


def _text(key: str) -> Callable[[Tak, Row, str], bool]:
    return lambda _tak, row, wanted: row[key] == wanted


def _begins(_tak: Tak, row: Row, wanted: str) -> bool:
    return str(row["namespace"]).startswith(wanted)


def _in_domain(_tak: Tak, row: Row, wanted: str) -> bool:
    domains = {str(one["id"]): one["namespace"] for one in _tak.resources["serviceDomains"]}
    return domains.get(wanted) == _domain(row.get("serviceContract", row)["namespace"])


def _some(resource: str, own: str, other: str) -> Callable[[Tak, Row, str], bool]:
    """Return the filter by there being, somewhere, a row of *resource* with both: each condition for itself."""

    def fits(tak: Tak, row: Row, wanted: str) -> bool:
        rows = tak.resources[resource]
        return any(one[own]["id"] == row["id"] and str(one[other]["id"]) == wanted for one in rows)

    return fits


FILTERS: dict[str, dict[str, Callable[[Tak, Row, str], bool]]] = {
    "connectionPoints": {
        "platform": _text("platform"),
        "environment": _text("environment"),
        "serviceConsumerId": _some("cooperations", "connectionPoint", "serviceConsumer"),
        "logicalAddressId": _some("serviceProductions", "connectionPoint", "logicalAddress"),
        "serviceContractId": _some("installedContracts", "connectionPoint", "serviceContract"),
        "serviceProducerId": _some("serviceProductions", "connectionPoint", "serviceProducer"),
    },
    "serviceDomains": {"namespace": _begins},
    "serviceContracts": {
        "namespace": _text("namespace"),
        "serviceDomainId": _in_domain,
        "logicalAddressId": _some("serviceProductions", "serviceContract", "logicalAddress"),
        "connectionPointId": _some("installedContracts", "serviceContract", "connectionPoint"),
        "serviceConsumerId": _some("cooperations", "serviceContract", "serviceConsumer"),
        "serviceProducerId": _some("serviceProductions", "serviceContract", "serviceProducer"),
    },
    "logicalAddresses": {
        "logicalAdress": _text("logicalAddress"),
        "serviceContractId": _some("serviceProductions", "logicalAddress", "serviceContract"),
        "connectionPointId": _some("serviceProductions", "logicalAddress", "connectionPoint"),
        "serviceProducerId": _some("serviceProductions", "logicalAddress", "serviceProducer"),
        "serviceConsumerId": _some("cooperations", "logicalAddress", "serviceConsumer"),
    },
    "serviceProducers": {
        "hsaId": _text("hsaId"),
        "connectionPointId": _is("connectionPoint"),
        "logicalAddressId": _some("serviceProductions", "serviceProducer", "logicalAddress"),
        "serviceContractId": _some("serviceProductions", "serviceProducer", "serviceContract"),
    },
    "serviceConsumers": {
        "connectionPointId": _is("connectionPoint"),
        "logicalAddressId": _some("cooperations", "serviceConsumer", "logicalAddress"),
        "serviceContractId": _some("cooperations", "serviceConsumer", "serviceContract"),
    },
    "serviceProductions": {
        "physicalAddress": _text("physicalAddress"),
        "rivtaProfile": _text("rivtaProfile"),
        "connectionPointId": _is("connectionPoint"),
        "logicalAddressId": _is("logicalAddress"),
        "serviceContractId": _is("serviceContract"),
        "serviceProducerId": _is("serviceProducer"),
        "serviceDomainId": _in_domain,
    },
    "cooperations": {
        "connectionPointId": _is("connectionPoint"),
        "logicalAddressId": _is("logicalAddress"),
        "serviceContractId": _is("serviceContract"),
        "serviceConsumerId": _is("serviceConsumer"),
        "serviceDomainId": _in_domain,
    },
    "installedContracts": {
        "connectionPointId": _is("connectionPoint"),
        "serviceContractId": _is("serviceContract"),
        "serviceDomainId": _in_domain,
    },
}
NOT_MODELLED = {("serviceProducers", "serviceConsumerId"), ("serviceConsumers", "serviceProducerId")}
"""The filters of its model that nobody here knows the meaning of."""
INCLUDED = {"serviceProductions", "cooperations"}
"""What drops the objects that `include` does not name."""


class Wrong(Exception):
    """A question that gets an error: status, title, detail."""


def answer(tak: Tak, path: str, query: dict[str, str]) -> list[Row] | Row:
    """Return the rows that the question asks for."""
    resource, _slash, number = path.removesuffix(".json").partition("/")
    if resource not in tak.resources:
        raise Wrong(404, "Not Found", f"No static resource {path}.")
    for key, value in query.items():
        if (resource, key) in NOT_MODELLED:
            raise Wrong(501, "Not Implemented", f"{key} of {resource} is not what this stand-in can do")
        if key.endswith("Id") and key != "hsaId" and not value.isdecimal():
            raise Wrong(400, "Bad Request", f"Argument with the value {value} is not valid")
    included = set(query.get("include", "").split(",")) if resource in INCLUDED else None
    rows = tak.resources[resource]
    if number:
        found = [row for row in rows if str(row["id"]) == number]
        if not found:
            raise Wrong(404, "Not Found", f"{resource} with id {number} not found")
        return _shown(found[0], included)
    for key, fits in FILTERS[resource].items():
        if key in query:
            rows = [row for row in rows if fits(tak, row, query[key])]
    return [_shown(row, included) for row in rows]


def _shown(row: Row, included: set[str] | None) -> Row:
    """Return the row as it is sent: id first, without what is empty, without what was not to be included."""
    shown: Row = {"id": row["id"]}
    for key, value in row.items():
        if isinstance(value, dict):
            if included is None or key in included:
                shown[key] = _shown(value, None if included is None else set())
        elif value not in (None, ""):
            shown[key] = value
    return shown


# ---- the server


@dataclass
class Stand(register_server.Stand):
    """What the server gives, to whom, and how it lies; a test may change it while the server runs.

    `fault` strikes at the resource `at` only, or at every one. `change` may alter the rows of a resource as they leave.
    """

    tak: Tak = field(default_factory=lambda: tak(made_tak.dump(numbers=True)))
    at: str = ""
    change: Callable[[str, Any], Any] = field(default=lambda _resource, rows: rows)


class Handler(register_server.Handler):
    """Answers one connection."""

    stand: Stand

    def do_GET(self) -> None:  # noqa: N802  (the library calls it so)
        self.stand.asked.append((self.path, dict(self.headers.items())))
        parts = urlsplit(self.path)
        if parts.path.startswith("/coop/api/v1/"):
            self.give(b"This version of the API is closed.", 410, Content_Type="text/plain")
        elif not self._permitted():
            path = {"timestamp": 1773104400000, "status": 401, "error": "Unauthorized", "path": parts.path}
            self.give(json.dumps(path).encode(), 401)
        else:
            self._answer(parts.path, dict(parse_qsl(parts.query, keep_blank_values=True)))

    def _answer(self, path: str, query: dict[str, str]) -> None:
        stand, resource = self.stand, path.removeprefix(ROOT)
        try:
            rows = stand.change(resource, answer(stand.tak, resource, query))
        except Wrong as wrong:
            if stand.fault and not stand.at:
                register_server.FAULTS[stand.fault](self)
                return
            status, title, detail = wrong.args
            kind = f"http://httpstatus.es/{status}"
            instance = f"http://{self.headers['Host']}{self.path}"
            body = {"type": kind, "title": title, "status": status, "detail": detail, "instance": instance}
            self.give(json.dumps(body).encode(), status)
            return
        stand.document = rows
        if stand.fault and stand.at in ("", resource):
            register_server.FAULTS[stand.fault](self)
        else:
            self.give(json.dumps(rows, ensure_ascii=False).encode())


def run(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, nargs="?", help="an export, takdump_<platform>_<environment>.json")
    parser.add_argument("--port", type=int, default=8802)
    parser.add_argument("--fault", default="", choices=["", *register_server.FAULTS])
    parser.add_argument("--at", default="", help="the only resource that the fault strikes")
    parser.add_argument("--user", default="")
    parser.add_argument("--password", default="")
    parser.add_argument("--list", action="store_true", help="list the faults")
    given = parser.parse_args(arguments)
    if given.list:
        print("\n".join(register_server.FAULTS))
        return 0
    stand = Stand({}, given.fault, user=given.user, password=given.password, at=given.at)
    if given.file:
        stand.tak = tak(json.loads(given.file.read_text(encoding="utf-8-sig")), given.file.name)
    else:
        now = datetime.now(ZoneInfo("Europe/Stockholm")).isoformat(timespec="seconds")
        stand.tak = tak(made_tak.dump(numbers=True, made=now))
    with register_server.serving(stand, port=given.port, handler=Handler) as url:
        stand.url = ""
        print(f"TAK at {url.removesuffix('/register')}{ROOT.rstrip('/')}; control-C ends it", file=sys.stderr)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return 0
    return 0


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
