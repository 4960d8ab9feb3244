"""The TAK export file, `takdump_<platform>_<environment>.json`, as TAK writes it or as the TAK API's importer does.

As TAK writes it, a route refers to other lists by number; in the importer's form it holds HSA-id and namespace
themselves. The file carries routes of the past and of the future: only those valid now count.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from reconciler.model import RoutesSettings
from reconciler.sources.answer import as_json, as_text, malformed, read_bytes
from reconciler.sources.tak import Heard, address, contracts_of_domain, domain, domain_of, wanted_contracts
from reconciler.words import _

MOST = 256 * 2**20
"""How many bytes the file may hold, unpacked: far more than a national TAK."""

_GZIP = b"\x1f\x8b"
_LISTS = {"tjanstekontrakt": "namnrymd", "logiskadress": "hsaId"}
"""The lists that a route refers to, and the field of theirs that is meant."""


def ask(settings: RoutesSettings, now: datetime) -> Heard:
    """Return the addresses that the file routes now within the domain."""
    path = settings.path or Path()
    document = _document(_unpacked(read_bytes("routes", settings.path), path), path)
    rows = {name: _rows(document["data"], name, path) for name in (*_LISTS, "vagval")}
    if not rows["vagval"]:
        raise malformed("routes", path, _("it holds no route at all, which no TAK does"))
    known = {row["namnrymd"] for row in rows["tjanstekontrakt"] if isinstance(row.get("namnrymd"), str)}
    contracts = wanted_contracts(settings, contracts_of_domain(settings, known))
    numbers = {name: {row.get("id"): row.get(field) for row in rows[name]} for name, field in _LISTS.items()}
    _demand_listed(rows["vagval"], known, settings, path)
    routed = frozenset(_routed(rows["vagval"], numbers, contracts, now, path))
    return Heard(routed, document.get("tidpunkt"), "tidpunkt")


def _demand_listed(routes: list[dict[str, Any]], known: set[str], settings: RoutesSettings, path: Path) -> None:
    """Refuse a file whose list of contracts lacks one of the domain that a route refers to: then the list is cut."""
    for route in routes:
        refers = route.get("relationships")
        contract = refers.get("tjanstekontrakt") if isinstance(refers, dict) else None
        if isinstance(contract, str) and contract not in known and domain_of(contract) == domain(settings.domain):
            reason = _("{where}: {key} refers to {value}, which is not in the file")
            where = f"data.vagval {route.get('id')}"
            raise malformed("routes", path, reason.format(where=where, key="tjanstekontrakt", value=contract))


def _unpacked(content: bytes, path: Path) -> bytes:
    if not content.startswith(_GZIP):
        return content
    unpacker = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        text = unpacker.decompress(content, MOST + 1)
    except zlib.error as error:
        raise malformed("routes", path, _("this is not gzip: {reason}").format(reason=error)) from error
    if len(text) > MOST:
        raise malformed("routes", path, _("unpacked it holds more than {most} MB").format(most=MOST // 2**20))
    if not unpacker.eof:
        raise malformed("routes", path, _("it ends too early"))
    return text


def _document(content: bytes, path: Path) -> dict[str, Any]:
    document = as_json("routes", path, as_text("routes", path, content))
    if not isinstance(document, dict) or str(document.get("formatVersion")) != "1":
        raise malformed("routes", path, _("it is not a TAK export of formatVersion 1"))
    if not isinstance(document.get("data"), dict):
        raise malformed("routes", path, _("{key} is missing").format(key="data"))
    return document


def _rows(lists: dict[str, Any], name: str, path: Path) -> list[dict[str, Any]]:
    rows = lists.get(name)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise malformed("routes", path, _("{key} is missing, or not a list of objects").format(key=f"data.{name}"))
    numbers = [row["id"] for row in rows if "id" in row]
    if len(set(map(str, numbers))) != len(numbers):
        twice = next(one for one in numbers if numbers.count(one) > 1)
        raise malformed("routes", path, _("{where}: the number stands twice").format(where=f"data.{name} {twice}"))
    return rows


def _routed(
    routes: list[dict[str, Any]],
    numbers: dict[str, dict[Any, Any]],
    contracts: frozenset[str],
    now: datetime,
    path: Path,
) -> Iterator[str]:
    for route in routes:
        where = f"data.vagval {route.get('id')}"
        refers = route.get("relationships")
        if not isinstance(refers, dict):
            raise malformed("routes", path, _("{where}: {key} is missing").format(where=where, key="relationships"))
        if _meant(refers, "tjanstekontrakt", numbers, where, path) not in contracts:
            continue
        if _time(route, "fromTidpunkt", where, path) <= now < _time(route, "tomTidpunkt", where, path):
            found = address(_meant(refers, "logiskadress", numbers, where, path))
            if found is None:
                raise malformed("routes", path, _("{where}: it has no logical address").format(where=where))
            yield found


def _meant(refers: dict[str, Any], name: str, numbers: dict[str, dict[Any, Any]], where: str, path: Path) -> object:
    """Return what a route refers to: by number as TAK writes it, itself in the importer's form."""
    value = refers.get(name)
    if isinstance(value, str) and value:
        return value
    if type(value) is not int or value not in numbers[name]:
        reason = _("{where}: {key} refers to {value}, which is not in the file")
        raise malformed("routes", path, reason.format(where=where, key=name, value=value))
    return numbers[name][value]


def _time(route: dict[str, Any], key: str, where: str, path: Path) -> datetime:
    try:
        time = datetime.fromisoformat(str(route.get(key)))
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        reason = _("{where}: {key} is {value}, not a time with its zone")
        raise malformed("routes", path, reason.format(where=where, key=key, value=route.get(key)))
    return time
