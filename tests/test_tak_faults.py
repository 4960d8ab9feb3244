"""Every way in which TAK can fail or lie, on a first run and where it was believed before: what comes of it.

`docs/tak-faults.md` is made from this: `UPDATE_FAULTS=1 pytest tests/test_tak_faults.py` writes it.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import register_server
import tak_server
from fault_matrix import (
    ELSEWHERE,
    ON_THE_WIRE,
    SETTINGS,
    TOTAL,
    Ran,
    elsewhere,
    moved,
    ran_under,
    told_faults,
    write_line,
)
from little_country import CODES, Country, clinic
from made_tak import BACK, COMPLAINTS, LISTING, LISTING_EXTRA, OUT, OWN, Route, dump
from tak_server import ROOT, Row, Stand

PAGE = Path(__file__).parent.parent / "docs" / "tak-faults.md"
OWN_SYSTEM = {code: [clinic(100 * n + 50 + more) for more in range(20)] for n, code in enumerate(CODES)}
"""The clinics with systems of their own; the first of each region stands in the region's file all the same."""
REALLY_ROUTED = {hsa_id for clinics in OWN_SYSTEM.values() for hsa_id in clinics}

Change = Callable[[list[Row]], Any]


# ---- how TAK lies: what is done to the rows of one resource as they leave


def _set(**fields: object) -> Change:
    return lambda rows: rows[0].update(fields)


def _lacking(key: str) -> Change:
    return lambda rows: rows[0].pop(key)


def _empty(rows: list[Row]) -> None:
    rows.clear()


def _day_before(rows: list[Row]) -> None:
    made = datetime.strptime(rows[0]["snapshotTime"], "%Y-%m-%dT%H:%M:%S%z") - timedelta(hours=26)
    rows[0]["snapshotTime"] = made.strftime("%Y-%m-%dT%H:%M:%S%z")


def _twice(rows: list[Row]) -> None:
    rows.append({**rows[0], "id": rows[0]["id"] + 1_000_000})


def _lookalike_only(rows: list[Row]) -> None:
    for row in rows:
        row["namespace"] += "extra"


def _without_out(rows: list[Row]) -> None:
    rows[:] = [row for row in rows if row["namespace"] != OUT]


def _bare(rows: list[Row]) -> None:
    for row in rows:
        for key in ("connectionPoint", "logicalAddress", "serviceContract", "serviceProducer"):
            row.pop(key, None)


def _of_another(key: str, **fields: object) -> Change:
    return lambda rows: rows[0][key].update(fields)


def _id_twice(rows: list[Row]) -> None:
    rows[1]["id"] = rows[0]["id"]


def _less(percent: int) -> Change:
    """Lose that share of all routes, those first that a region's file waits for."""

    def waits(row: Row) -> tuple[bool, str]:
        address = row["logicalAddress"]["logicalAddress"]
        return address not in {clinics[0] for clinics in OWN_SYSTEM.values()}, address

    def changed(rows: list[Row]) -> None:
        rows.sort(key=waits)
        del rows[: -(-len(rows) * percent // 100)]

    return changed


def _each_address(change: Callable[[str], str]) -> Change:
    def changed(rows: list[Row]) -> None:
        for row in rows:
            row["logicalAddress"]["logicalAddress"] = change(row["logicalAddress"]["logicalAddress"])

    return changed


POINTS, DOMAINS, CONTRACTS, ROUTES = "connectionPoints", "serviceDomains", "serviceContracts", "serviceProductions"
LIES: dict[str, tuple[str, str, Change]] = {
    "other-platform": ("it has only another platform", POINTS, _set(platform="SLL")),
    "platform-twice": ("it has the platform twice", POINTS, _twice),
    "no-platform": ("it has no platform: `[]`", POINTS, _empty),
    "stale-snapshot": ("its copy is years old", POINTS, _set(snapshotTime="2020-01-01T00:00:00+0100")),
    "older-snapshot": ("its copy is older than the one before, and young enough", POINTS, _day_before),
    "future-snapshot": ("its copy is of in a hundred years", POINTS, _set(snapshotTime="2126-01-01T00:00:00+0100")),
    "no-snapshot": ("it does not say of when its copy is", POINTS, _lacking("snapshotTime")),
    "no-domain": ("it does not know the domain: `[]`", DOMAINS, _empty),
    "lookalike-domain": ("it knows only a domain whose name begins alike", DOMAINS, _lookalike_only),
    "domain-twice": ("it has the domain twice", DOMAINS, _twice),
    "no-contracts": ("the domain has no contract: `[]`", CONTRACTS, _empty),
    "contract-gone": ("the contract that counts is gone", CONTRACTS, _without_out),
    "id-twice": ("two contracts have one id", CONTRACTS, _id_twice),
    "without-include": ("it leaves out what a route refers to", ROUTES, _bare),
    "other-contract": ("it gives a route of another domain", ROUTES, _of_another("serviceContract", namespace=LISTING)),
    "other-point": ("it gives a route of another platform", ROUTES, _of_another("connectionPoint", id=0)),
    "no-address": ("a route has no address", ROUTES, lambda rows: rows[0]["logicalAddress"].pop("logicalAddress")),
    "lower-case": ("addresses in lower case", ROUTES, _each_address(str.lower)),
    "shrunk-1": ("one route is gone", ROUTES, _less(1)),
    "shrunk-10": ("10 % of the routes are gone", ROUTES, _less(10)),
    "shrunk-30": ("30 % of the routes are gone", ROUTES, _less(30)),
    "shrunk-100": ("all routes are gone: `[]`", ROUTES, _empty),
    "other-addresses": ("as many routes, but other addresses", ROUTES, _each_address(lambda text: text + "X")),
}
IMPORTED = {
    "imported-once": "it is imported anew once, in between",
    "imported-always": "it is imported anew again and again",
}
TOLD = {
    "none": "nothing is wrong",
    **ELSEWHERE,
    **ON_THE_WIRE,
    "version-1": "the address is that of version 1, which is closed",
    **IMPORTED,
    **{name: told for name, (told, _resource, _change) in LIES.items()},
}
HONEST = ("none", "imported-once", "lower-case")
UNTOLD_AT_FIRST = ("older-snapshot", "shrunk-1", "shrunk-10", "shrunk-30", "shrunk-100", "other-addresses")
"""What nobody can tell from the truth on a first run, where there is no measure yet."""


# ---- TAK and its country


@pytest.fixture(scope="module")
def stand() -> Iterator[Stand]:
    made = Stand({})
    with register_server.serving(made, handler=tak_server.Handler) as url:
        made.url = url.removesuffix("/register")
        yield made


@pytest.fixture(scope="module")
def addresses(stand: Stand, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with elsewhere(tmp_path_factory.mktemp("tls")) as found:
        yield {**found, "version-1": f'url = "{stand.url}/coop/api/v1"\n'}


@pytest.fixture(scope="module")
def countries(stand: Stand, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Country]:
    """One that was never applied; and one that was, and whose files have changed since."""
    first = Country(tmp_path_factory.mktemp("first"))
    asked = f'platform = "NTJP"\nenvironment = "TEST"\ndomain = "{COMPLAINTS}"\ncontracts = ["{OUT}"]\n'
    with (first.folder / "reconciler.toml").open("a") as settings:
        settings.write(f'[routes]\nsource = "coop"\n{asked}{SETTINGS}url = "{stand.url}{ROOT}"\n')
    for n, code in enumerate(CODES):
        first.declare(code, *range(100 * n, 100 * n + 20))
        first.register |= dict.fromkeys(OWN_SYSTEM[code], ("Vårdcentral", "active", code))
        first.clinics[code].append(OWN_SYSTEM[code][0])
    first.write()
    stand.tak = held(first)
    later = moved(first, tmp_path_factory.mktemp("later"))
    assert later.apply().applied == 60
    later.now += timedelta(days=1)
    for code in CODES:
        later.clinics[code].pop(0)
    later.declare("13", 199)
    return {"first": first, "later": later}


def held(country: Country) -> tak_server.Tak:
    """What an honest TAK holds that day."""
    own = [Route(hsa_id) for hsa_id in sorted(REALLY_ROUTED)]
    others = [Route(OWN, BACK), Route("SE2321000016-EX03", LISTING), Route("SE2321000016-EX04", LISTING_EXTRA)]
    made = (country.now - timedelta(hours=8)).isoformat(timespec="seconds")
    return tak_server.tak(dump(numbers=True, routes=(*own, *others), made=made))


# ---- what comes of a fault


def ran(country: Country, folder: Path, stand: Stand, fault: str, addresses: dict[str, str]) -> Ran:
    here = moved(country, folder)
    stand.tak, stand.asked, stand.change = held(here), [], lambda _resource, rows: rows
    stand.fault = fault if fault in register_server.FAULTS else ""
    if fault in LIES:
        stand.change = lying(*LIES[fault][1:])
    if fault in IMPORTED:
        stand.change = imported_anew(stand, once=fault == "imported-once")
    return ran_under(fault, here, addresses)


def lying(at: str, change: Change) -> Callable[[str, Any], Any]:
    def changed(resource: str, rows: Any) -> Any:
        rows = copy.deepcopy(rows)
        if resource == at:
            change(rows)
        return rows

    return changed


def imported_anew(stand: Stand, *, once: bool) -> Callable[[str, Any], Any]:
    def changed(resource: str, rows: Any) -> Any:
        if resource == ROUTES and (not once or len(stand.asked) == 4):
            stand.tak.number()
        return rows

    return changed


@pytest.mark.parametrize("fault", TOLD)
def test_a_fault_ends_as_the_page_says_in_time_and_without_harm(
    fault: str, countries: dict[str, Country], stand: Stand, addresses: dict[str, str], tmp_path: Path
) -> None:
    first = ran(countries["first"], tmp_path / "first", stand, fault, addresses)
    later = ran(countries["later"], tmp_path / "later", stand, fault, addresses)
    line = f"| {fault} | {TOLD[fault]} | {first.told()} | {later.told()} |\n"
    if os.environ.get("UPDATE_FAULTS"):
        write_line(PAGE, list(TOLD), fault, line)
    assert line in PAGE.read_text(encoding="utf-8")
    assert max(first.seconds, later.seconds) < TOTAL + 4
    for one in (first, later):
        assert one.wrote == (one.applied.applied > 0)
        if one.applied.exit == 69:
            assert not one.wrote
        assert [row for row in one.after if row[0] in one.refused] == [
            row for row in one.before if row[0] in one.refused
        ]
    assert not REALLY_ROUTED & {row[1] for row in later.after}, "nobody is handled in two systems"
    assert not REALLY_ROUTED & {row[1] for row in first.after} or fault in UNTOLD_AT_FIRST
    assert not first.wrote or fault in (*HONEST, *UNTOLD_AT_FIRST)
    assert not later.wrote or fault in (*HONEST, "shrunk-1")


def test_the_page_tells_of_every_fault_and_of_no_other() -> None:
    assert sorted(told_faults(PAGE)) == sorted(TOLD)
    assert len(TOLD) >= 32
    assert {name for name in register_server.FAULTS if "page" not in name and "next" not in name} == set(ON_THE_WIRE)
