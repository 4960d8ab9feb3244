"""Every way in which the register can fail or lie, on a first run and with a last good register: what comes of it.

`docs/register-faults.md` is made from this: `UPDATE_FAULTS=1 pytest tests/test_register_faults.py` writes it.
"""

from __future__ import annotations

import copy
import os
import re
import shutil
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme
from little_country import CODES, Country, clinic
from register_server import DATA_FAULTS, FAULTS, Stand, serving

from reconciler.model import Settings
from reconciler.results import Applied, Planned

PAGE = Path(__file__).parent.parent / "docs" / "register-faults.md"
TOTAL = 3.0
SETTINGS = f"""retries = 1
connect_timeout = "1s"
read_timeout = "1s"
total_timeout = "{TOTAL:.0f}s"
max_megabytes = 8
"""
TOLD = {
    "none": "nothing is wrong",
    "dns": "its name is not known",
    "refused": "nobody listens",
    "tls-name": "its certificate is for another name",
    "tls-expired": "its certificate has expired",
    "tls-unknown": "its certificate is signed by someone unknown",
    "reset": "it resets the connection",
    "closed": "it closes the connection without a word",
    "301-loop": "it sends round in a circle",
    "302-without-end": "it sends on and on",
    "301-elsewhere": "it sends on to another server",
    "304": "it says unchanged to who may hold nothing",
    "418": "it answers with a status that nobody expects",
    "429-for-an-hour": "it asks to be left alone for an hour",
    "silent": "it takes the connection and says nothing",
    "slow-headers": "its headers drip",
    "slow-drip": "its body drips",
    "truncated": "its answer breaks off",
    "wrong-length": "its answer is longer than it says",
    "gzip-bomb": "a small answer unpacks to far too much",
    "not-gzip": "its answer is said to be gzip, and is not",
    "html": "a web page, with status 200",
    "empty-body": "nothing, with status 200",
    "list": "`[]`",
    "null": "`null`",
    "number": "`1`",
    "not-json": "JSON without its last brace",
    "cp1252": "JSON in another encoding than UTF-8",
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
} | {str(code): f"it answers {code}" for code in (401, 403, 404, 410, 429, 500, 502, 503)}
ELSEWHERE = ("dns", "refused", "tls-name", "tls-expired", "tls-unknown")
UNTOLD_AT_FIRST = ("none", "shrunk-1", "shrunk-10", "shrunk-30", "names-unaccented")
"""What nobody can tell from the truth on a first run, where there is no measure yet."""
EVERY = ["none", *ELSEWHERE, *FAULTS, *DATA_FAULTS]


# ---- the register and its country


@pytest.fixture(scope="module")
def stand() -> Iterator[Stand]:
    made = Stand({})
    with serving(made):
        yield made


@pytest.fixture(scope="module")
def addresses(stand: Stand, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The settings that lead to each fault which is not the stand-in's own."""
    authority, other = trustme.CA(key_type=trustme.KeyType.ECDSA), trustme.CA(key_type=trustme.KeyType.ECDSA)
    ca = tmp_path_factory.mktemp("tls") / "ca.pem"
    authority.cert_pem.write_to_path(ca)
    past = datetime(2020, 1, 1, tzinfo=UTC)
    leaves = {
        "tls-name": authority.issue_cert("other.example"),
        "tls-expired": authority.issue_cert("localhost", not_before=past, not_after=past + timedelta(days=1)),
        "tls-unknown": other.issue_cert("localhost"),
    }
    with ExitStack() as servers, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        found = {"dns": 'url = "http://register.invalid/"\n'}
        found["refused"] = f'url = "http://127.0.0.1:{free.getsockname()[1]}/"\n'
        for name, leaf in leaves.items():
            trust = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            leaf.configure_cert(trust)
            url = servers.enter_context(serving(Stand({}), tls=trust))
            found[name] = f'url = "{url}"\nca = "{ca}"\n'
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


def moved(country: Country, folder: Path) -> Country:
    """A copy of the country, in another folder."""
    shutil.copytree(country.folder, folder, dirs_exist_ok=True)
    other = copy.deepcopy(country)
    other.folder = folder
    return other


# ---- what comes of a fault


class Ran:
    """A plan and an apply under a fault, and what the service's tables held before and after."""

    def __init__(self, country: Country) -> None:
        self.before = self.held(country)
        began = time.monotonic()
        self.planned: Planned = country.plan()
        self.applied: Applied = country.apply()
        self.seconds = (time.monotonic() - began) / 2
        self.after = self.held(country)

    @staticmethod
    def held(country: Country) -> list[tuple[Any, ...]]:
        clinics = country.sql("SELECT region_code, hsa_id, name FROM complaints_clinic ORDER BY hsa_id")
        return clinics + country.sql("SELECT region_code, board_hsa_id, board_name FROM complaints_region")

    @property
    def refused(self) -> list[str]:
        return [one.code for one in self.applied.planned.regions if one.verdict.value == "refused"]

    @property
    def wrote(self) -> bool:
        return self.before != self.after

    def told(self) -> str:
        planned, applied = int(self.planned.exit()), int(self.applied.exit)
        because = self.planned.world.cached_because if self.planned.world else None
        kinds = {failure.kind for failure in (*self.planned.failures, *([because] if because else []))}
        rules = {one for region in self.applied.planned.regions for one in region.because}
        parts = [f"plan {planned}{' with the last good one' if because else ''}, apply {applied}"]
        parts += [", ".join(f"`{one}`" for one in sorted(kinds | rules))] if kinds | rules else []
        parts += ["all regions refused" if len(self.refused) == 3 else f"{', '.join(self.refused)} refused"] * bool(
            self.refused
        )
        changes = self.applied.applied
        return ": ".join(parts[:2]) + "".join(f"; {one}" for one in parts[2:]) + f"; {changes} changes"


def ran(country: Country, folder: Path, stand: Stand, fault: str, addresses: dict[str, str]) -> Ran:
    here = moved(country, folder)
    stand.document, stand.fault = document(here), fault
    path = folder / "reconciler.toml"
    if fault in addresses:
        path.write_text(re.sub(r'url = ".*"\n', lambda _match: addresses[fault], path.read_text()))
    return Ran(here)


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
        _write(fault, line)
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
    told = re.findall(r"^\| ([\w-]+) \| .*changes \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(told) == sorted(EVERY)
    assert len(EVERY) >= 32
    assert Settings().register.http.total_timeout == timedelta(seconds=120)


def _write(fault: str, line: str) -> None:
    """Put the line into the page, in the order of the faults."""
    text = PAGE.read_text(encoding="utf-8")
    head, rule, rest = text.partition("|---|---|---|---|\n")
    lines = {one.split(" | ")[0].strip("| "): one for one in rest.splitlines(keepends=True) if one.startswith("|")}
    tail = "".join(one for one in rest.splitlines(keepends=True) if not one.startswith("|"))
    lines[fault] = line
    ordered = "".join(lines[one] for one in EVERY if one in lines)
    PAGE.write_text(head + rule + ordered + tail, encoding="utf-8")
