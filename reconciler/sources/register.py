"""The register: for each clinic its name, whether it is activated, and its administrative region.

No public interface of the e-services gives this, so the record is ours: `schemas/register.schema.json`, or CSV or a
SELECT with the same four columns. Every record is checked; a fault is a failure that names the record and its field,
never a guess.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from operator import itemgetter
from pathlib import Path
from typing import Any
from unicodedata import is_normalized, normalize

from reconciler.digests import digest, digest_of
from reconciler.findings import Failure
from reconciler.model import ENTRY, REGIONS, HsaId, RegionCode, Register, RegisterClinic, RegisterSettings, canonical
from reconciler.rows import Rows
from reconciler.sources import register_csv, register_json, register_pages, sql
from reconciler.sources.answer import as_text, checked_time, read_bytes
from reconciler.sources.record import FIELDS, STATUSES, Answer, empty
from reconciler.words import _


def ask(settings: RegisterSettings, now: datetime) -> Register:
    """Return what the e-services say; a `Failure` where that is missing, wrong, incomplete, old or yet to come."""
    how = asked(settings)
    answer = SOURCES[settings.source](settings)
    if answer is None and settings.known:
        checked_time("register", settings.known.generated_at.isoformat(), now, settings)
        return settings.known
    if answer is None:
        raise empty()
    made = checked_time("register", answer.generated_at, now, settings)
    clinics = _checked(answer, settings)
    if not clinics:
        raise empty()
    return Register(clinics, made, known_by(clinics), answer.etag, how)


AWAY = frozenset({"dns", "refused", "reset", "timeout", "server-error", "too-many-requests", "truncated", "unanswered"})
"""The kinds of failure that say that nobody answered. All others are an answer, and a wrong one: somebody must act."""


def known_by(clinics: Mapping[HsaId, RegisterClinic]) -> str:
    """Return the digest of what is said of all clinics, in whatever order."""
    return digest_of(sorted(Rows.of(ENTRY, clinics).parts.items()))


def asked(settings: RegisterSettings) -> str:
    """Return the digest of how the register is asked for and read: another way of asking, another answer."""
    return digest([settings.source, settings.http.url, sorted(settings.region_codes.items())])


def _from_file(settings: RegisterSettings) -> Answer:
    content, path = read_bytes("register", settings.path), settings.path or Path()
    if content.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"[") or path.suffix.lower() == ".json":
        return register_json.read(as_text("register", path, content), path)
    return register_csv.read(content, path)


SOURCES: Mapping[str, Callable[[RegisterSettings], Answer | None]] = {
    "file": _from_file,
    "http": register_pages.read,
    "sql": sql.read,
}


# ---- every record


Parts = dict[tuple[bool, RegionCode], dict[HsaId, str]]
_FIELDS = frozenset(FIELDS)
_BATCH = 2_000
_OF_MISREAD = "\N{REPLACEMENT CHARACTER}ÃÂâ"


def _checked(answer: Answer, settings: RegisterSettings) -> Rows[HsaId, RegisterClinic]:
    """Check the records, many at a time; only those among which something is odd are looked at one by one."""
    # A cell that says nothing is a fault, whatever the settings make of it.
    mapped = {key: code for key, code in settings.region_codes.items() if key.strip() and key.isprintable()}
    codes = {code: code for code in REGIONS} | mapped
    parts: Parts = {}
    seen: set[HsaId] = set()
    for places, records in answer.records:
        for start in range(0, len(records), _BATCH):
            batch = records[start : start + _BATCH]
            if not _put_together(batch, codes, parts, seen):
                for at, record in zip(places[start:], batch, strict=False):
                    _put(answer.where, at, record, codes, parts, seen)
    return Rows(ENTRY, parts)


def _put_together(records: Sequence[Any], codes: Mapping[str, RegionCode], parts: Parts, seen: set[HsaId]) -> bool:
    """Put the records where they belong if there is nothing odd in any of them; say whether there was not."""
    try:
        hsa_ids, names, statuses, regions = _columns(records)
        known = STATUSES.keys() >= set(statuses) and codes.keys() >= set(regions)
        every_id, every_name = "".join(hsa_ids), "".join(names)
    except (AttributeError, TypeError, ValueError):  # not those fields, or not texts
        return False
    if not known or not every_id.isprintable() or not every_name.isprintable() or _is_odd(every_name):
        return False
    hsa_ids = hsa_ids if _is_canonical(every_id) else tuple(map(canonical, hsa_ids))
    names, ids = list(map(str.strip, names)), set(hsa_ids)
    if not (all(names) and all(hsa_ids)) or len(ids) < len(hsa_ids) or not seen.isdisjoint(ids):
        return False
    seen |= ids
    groups = list(zip(statuses, regions, strict=True))
    its_part = {
        (status, code): parts.setdefault((STATUSES[status], codes[code]), {}) for status, code in dict.fromkeys(groups)
    }
    if len(its_part) == 1:
        its_part[groups[0]].update(zip(hsa_ids, names, strict=True))
        return True
    for hsa_id, name, group in zip(hsa_ids, names, groups, strict=True):
        its_part[group][hsa_id] = name
    return True


def _columns(records: Sequence[Any]) -> Sequence[Sequence[Any]]:
    """Return the four columns of the records; an AttributeError or ValueError where one has not those fields."""
    if not isinstance(records[0], tuple):
        if any(record.keys() != _FIELDS for record in records):
            raise ValueError
        records = list(map(itemgetter(*FIELDS), records))
    return list(zip(*records, strict=True))


def _is_canonical(ids: str) -> bool:
    """Whether HSA-ids, here as one text, are in canonical form already, as nearly all are."""
    return " " not in ids and ids == ids.upper()


def _is_odd(names: str) -> bool:
    """Whether a letter may have been misread, or may be written as two characters."""
    return any(letter in names for letter in _OF_MISREAD) or not is_normalized("NFC", names)


def _put(
    where: Callable[[Any, str | None], str],
    at: Any,
    record: Any,
    codes: Mapping[str, RegionCode],
    parts: Parts,
    seen: set[HsaId],
) -> None:
    """Put one record where it belongs; a fault in it is a Failure."""
    record = dict(zip(FIELDS, record, strict=True)) if isinstance(record, tuple) else record
    fault = _fault(record, codes)
    if fault:
        raise _record(where(at, fault[0]), record, fault[1])
    key = canonical(record["hsa_id"])
    if key in seen:
        raise _record(where(at, "hsa_id"), record, _("the HSA-id stands twice"))
    seen.add(key)
    group = STATUSES[record["status"]], codes[record["region_code"]]
    # å is one character or two, as they please; the same name is the same name.
    parts.setdefault(group, {})[key] = normalize("NFC", record["name"]).strip()


def _fault(record: Any, codes: Mapping[str, str]) -> tuple[str | None, str] | None:
    """Return the field that is at fault, None for the whole record, and what is wrong with it."""
    if not isinstance(record, dict) or record.keys() != _FIELDS:
        return None, _("it should have exactly the fields {fields}").format(fields=", ".join(FIELDS))
    for field in FIELDS:
        value = record[field]
        if not isinstance(value, str) or not value.isprintable() or not value or value.isspace():
            return field, _("it is empty, not a text, or holds an invisible character")
    if record["status"] not in STATUSES:
        return "status", _("the status {value} is not one of: active, inactive").format(value=record["status"])
    if record["region_code"] not in codes:
        return "region_code", _not_a_region(record["region_code"])
    if not record["name"].isascii() and _is_misread(record["name"]):
        return "name", _("the name {value} is UTF-8 that was read as something else").format(value=record["name"])
    return None


def _not_a_region(value: str) -> str:
    if value.isdigit() and f"0{value}" in REGIONS:
        return _("{value} is not a region: a spreadsheet has taken its zero away, write 0{value}").format(value=value)
    return _("{value} is not a region; if it is one, map it in region_codes").format(value=value)


def _is_misread(name: str) -> bool:
    """Whether *name* is UTF-8 read as Latin-1 or cp1252, or lost a letter on its way; no Swedish name looks so."""
    if "\N{REPLACEMENT CHARACTER}" in name:
        return True
    if "Ã" not in name and "Â" not in name and "â" not in name:
        return False
    for encoding in ("latin-1", "cp1252"):
        try:
            name.encode(encoding).decode("utf-8")
        except UnicodeError:
            continue
        return True
    return False


def _record(where: str, record: object, reason: str) -> Failure:
    hsa_id = record.get("hsa_id") if isinstance(record, dict) else record
    problem = _("{where} ({hsa_id}): {reason}").format(where=where, hsa_id=hsa_id, reason=reason)
    return Failure("register", "record", problem=problem, remedy=_("nothing is guessed: have the record put right"))
