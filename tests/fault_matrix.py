"""What a table of faults is made of: a country that is planned and applied under each, servers that nobody should
trust, and the page in docs/ that tells what came of it.
"""

from __future__ import annotations

import copy
import re
import shutil
import socket
import ssl
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import trustme
from little_country import Country
from register_server import Stand, serving

from reconciler.results import Applied, Planned

TOTAL = 3.0
WAITED_FOR = ("429-for-an-hour", "silent", "slow-headers", "slow-drip")
"""The faults that only the limit of time ends: it is a second for them, and an answer is not expected."""

SETTINGS = f"""retries = 1
connect_timeout = "1s"
read_timeout = "1s"
total_timeout = "{TOTAL:.0f}s"
max_megabytes = 8
"""
ELSEWHERE = {
    "dns": "its name is not known",
    "refused": "nobody listens",
    "tls-name": "its certificate is for another name",
    "tls-expired": "its certificate has expired",
    "tls-unknown": "its certificate is signed by someone unknown",
}
"""The faults that are not a stand-in's own, as they are told."""
ON_THE_WIRE = {
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
    "key-twice": "a key stands twice in a record",
    "echo": "it says again what it was sent, credentials and all",
} | {str(code): f"it answers {code}" for code in (401, 403, 404, 410, 429, 500, 502, 503)}


@contextmanager
def elsewhere(folder: Path) -> Iterator[dict[str, str]]:
    """Give the settings that lead to each fault which is not a stand-in's own."""
    authority, other = trustme.CA(key_type=trustme.KeyType.ECDSA), trustme.CA(key_type=trustme.KeyType.ECDSA)
    ca = folder / "ca.pem"
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


def moved(country: Country, folder: Path) -> Country:
    """A copy of the country, in another folder."""
    shutil.copytree(country.folder, folder, dirs_exist_ok=True)
    other = copy.deepcopy(country)
    other.folder, other.url = folder, country.url.replace(str(country.folder), str(folder))
    return other


def led_to(country: Country, url: str) -> None:
    """Have the country ask at another address, given as its line in the settings."""
    path = country.folder / "reconciler.toml"
    path.write_text(re.sub(r'url = ".*"\n', lambda _match: url, path.read_text()))


def hurried(country: Country) -> None:
    """Have the country wait a second and no longer."""
    path = country.folder / "reconciler.toml"
    path.write_text(path.read_text().replace(f'total_timeout = "{TOTAL:.0f}s"', 'total_timeout = "1s"'))


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


def ran_under(fault: str, country: Country, addresses: dict[str, str]) -> Ran:
    """Plan and apply where the fault is; of one that is not a stand-in's own the address tells where."""
    if fault in addresses:
        led_to(country, addresses[fault])
    if fault in WAITED_FOR:
        hurried(country)
    return Ran(country)


def write_line(page: Path, every: Sequence[str], fault: str, line: str) -> None:
    """Put the line into the page, in the order of the faults."""
    text = page.read_text(encoding="utf-8")
    head, rule, rest = text.partition("|---|---|---|---|\n")
    lines = {one.split(" | ")[0].strip("| "): one for one in rest.splitlines(keepends=True) if one.startswith("|")}
    tail = "".join(one for one in rest.splitlines(keepends=True) if not one.startswith("|"))
    lines[fault] = line
    ordered = "".join(lines[one] for one in every if one in lines)
    page.write_text(head + rule + ordered + tail, encoding="utf-8")


def told_faults(page: Path) -> list[str]:
    """Return the faults that the page tells of."""
    return re.findall(r"^\| ([\w-]+) \| .*changes \|$", page.read_text(encoding="utf-8"), re.MULTILINE)
