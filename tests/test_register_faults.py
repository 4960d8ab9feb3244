"""Every way in which the register can fail or lie, on a first run and with a last good register: what comes of it.

`docs/register-faults.md` is made from this: `UPDATE_FAULTS=1 pytest tests/test_register_faults.py` writes it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
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
from register_server import DATA_FAULTS, FAULTS, Stand, serving

from reconciler.model import Settings

PAGE = Path(__file__).parent.parent / "docs" / "register-faults.md"
TOLD = {
    "none": "nothing is wrong",
    **ELSEWHERE,
    **ON_THE_WIRE,
    "endless-pages": "every page names a next one",
    "repeated-page": "the next page is the same one",
    "next-elsewhere": "the next page is on another server",
    "next-of-another-day": "it is made anew between two pages",
    "wrong-type": "`clinics` is no list",
    "missing-field": "a record lacks a field",
    "duplicate-record": "a record stands twice",
    "unknown-status": "a status that nobody knows",
    "unknown-region": "a region that is none",
    "incomplete": "it says that it is not complete",
    "stale-date": "it was made years ago",
    "older-date": "it is older than the one before, and young enough",
    "future-date": "it was made in a hundred years",
    "no-date": "it does not say when it was made",
    "shrunk-1": "1 % of the clinics are gone",
    "shrunk-10": "10 % of the clinics are gone",
    "shrunk-30": "30 % of the clinics are gone",
    "shrunk-100": "all clinics are gone",
    "other-ids": "as many clinics, but other ids",
    "all-shifted": "every clinic is in the next region",
    "all-inactive": "every clinic is inactive",
    "names-misread": "all names are UTF-8 read as Latin-1",
    "names-unaccented": "all names are written in another way",
}
UNTOLD_AT_FIRST = ("none", "older-date", "shrunk-1", "shrunk-10", "shrunk-30", "names-unaccented")
"""What nobody can tell from the truth on a first run, where there is no measure yet."""
EVERY = ["none", *ELSEWHERE, *FAULTS, *DATA_FAULTS]


# ---- the register and its country


@pytest.fixture(scope="module")
def stand() -> Iterator[Stand]:
    made = Stand({})
    with serving(made):
        yield made


@pytest.fixture(scope="module")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with elsewhere(tmp_path_factory.mktemp("tls")) as found:
        yield found


def document(country: Country) -> dict[str, Any]:
    clinics = [
        {"hsa_id": hsa_id, "name": name, "status": status, "region_code": code}
        for hsa_id, (name, status, code) in country.register.items()
    ]
    made = (country.now - timedelta(hours=8)).isoformat()
    return {"format": "reconciler/register/1", "generated_at": made, "complete": True, "clinics": clinics}


@pytest.fixture(scope="module")
def countries(stand: Stand, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Country]:
    """One that was never applied; and one that was, and whose files and register have changed since."""
    first = Country(tmp_path_factory.mktemp("first"))
    asked = (first.folder / "reconciler.toml").read_text().replace('max_age = "off"', 'max_age = "36h"')
    (first.folder / "reconciler.toml").write_text(f'{asked}source = "http"\n{SETTINGS}url = "{stand.url}"\n')
    for n, code in enumerate(CODES):
        first.declare(code, *range(100 * n, 100 * n + 20))
        for more in range(20):
            first.register[clinic(100 * n + 50 + more)] = ("Vårdcentral", "active", code)
    stand.document = document(first)
    later = moved(first, tmp_path_factory.mktemp("later"))
    assert later.apply().exit == 0
    later.now += timedelta(days=1)
    for code in CODES:
        later.clinics[code].pop()
    later.clinics["13"].append(clinic(150))
    later.write()
    return {"first": first, "later": later}


# ---- what comes of a fault


def ran(country: Country, folder: Path, stand: Stand, fault: str, addresses: dict[str, str]) -> Ran:
    here = moved(country, folder)
    stand.document, stand.fault = document(here), fault
    return ran_under(fault, here, addresses)


@pytest.mark.parametrize("fault", EVERY)
def test_a_fault_ends_as_the_page_says_in_time_and_without_harm(
    fault: str,
    countries: dict[str, Country],
    stand: Stand,
    addresses: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("reconciler.sources.register_pages._MOST_PAGES", 20)
    first = ran(countries["first"], tmp_path / "first", stand, fault, addresses)
    later = ran(countries["later"], tmp_path / "later", stand, fault, addresses)
    line = f"| {fault} | {TOLD[fault]} | {first.told()} | {later.told()} |\n"
    if os.environ.get("UPDATE_FAULTS"):
        write_line(PAGE, EVERY, fault, line)
    assert line in PAGE.read_text(encoding="utf-8")
    assert max(first.seconds, later.seconds) < TOTAL + 4
    assert not first.wrote or fault in UNTOLD_AT_FIRST
    for one in (first, later):
        if one.applied.exit == 69:
            assert not one.wrote
    assert [row for row in later.after if row[0] in later.refused] == [
        row for row in later.before if row[0] in later.refused
    ]
    assert not later.wrote or fault in ("none", "304", "shrunk-1", "shrunk-10")


def test_the_page_tells_of_every_fault_and_of_no_other() -> None:
    assert sorted(told_faults(PAGE)) == sorted(EVERY)
    assert len(EVERY) >= 32
    assert Settings().register.http.total_timeout == timedelta(seconds=120)
