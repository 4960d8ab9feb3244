"""The register: for each clinic its name, whether it is activated, and its administrative region.

No public interface of the e-services gives this, so the record is ours: `schemas/register.schema.json`, or CSV with the
same four columns. Every record is checked; a fault is a failure that names the record, never a guess.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from reconciler.findings import Failure
from reconciler.model import REGIONS, HsaId, Register, RegisterClinic, RegisterSettings, canonical
from reconciler.plan import digest
from reconciler.sources.answer import checked_time, malformed, read_text
from reconciler.words import _

FIELDS = ("hsa_id", "name", "status", "region_code")
FORMAT = "reconciler/register/1"
STATUSES = {"active": True, "inactive": False}


class Answer(NamedTuple):
    """What a source gave: when it was made, and the records, each with the words for where it stands."""

    generated_at: object
    records: Iterable[tuple[str, Mapping[str, Any]]]


def ask(settings: RegisterSettings, now: datetime) -> Register:
    """Return what the e-services say; a `Failure` where that is missing, wrong, incomplete, old or yet to come."""
    answer = SOURCES[settings.source](settings)
    made = checked_time("register", answer.generated_at, now, settings.max_age)
    clinics = _checked(answer.records, settings)
    return Register(clinics, made, digest([[hsa_id, *entry] for hsa_id, entry in sorted(clinics.items())]))


def _from_file(settings: RegisterSettings) -> Answer:
    text = read_text("register", settings.path)
    path = settings.path or Path()
    return _from_json(text, path) if text.lstrip().startswith("{") else _from_csv(text, path)


SOURCES: Mapping[str, Callable[[RegisterSettings], Answer]] = {"file": _from_file}


def _from_json(text: str, path: Path) -> Answer:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise malformed("register", path, _("this is not JSON: {reason}").format(reason=error)) from error
    records = document.get("clinics")
    if document.get("format") != FORMAT or not isinstance(records, list):
        raise malformed("register", path, _("it has not the format {format}").format(format=FORMAT))
    unknown = sorted(document.keys() - {"format", "generated_at", "complete", "clinics"})
    if unknown:
        raise malformed("register", path, _("{key} is not a key that belongs here").format(key=unknown[0]))
    if document.get("complete") is not True:
        raise Failure(
            "register",
            "incomplete",
            problem=_("it does not say that it is complete"),
            remedy=_("a part of the register would look like clinics that are gone: have all of it made"),
        )
    return Answer(document.get("generated_at"), ((f"clinics[{n}]", record) for n, record in enumerate(records)))


def _from_csv(text: str, path: Path) -> Answer:
    lines = text.splitlines()
    said: dict[str, str] = {}
    while lines[len(said) :] and lines[len(said)].startswith("#"):
        key, _colon, value = lines[len(said)].lstrip("# ").partition(":")
        if key in said:
            raise malformed("register", path, _("the line # {key}: stands twice").format(key=key))
        said[key] = value.strip()
    if "generated_at" not in said:
        raise malformed("register", path, _("the first line should be # generated_at: and a time"))
    try:
        rows = list(csv.reader(lines[len(said) :], strict=True))
    except csv.Error as error:
        raise malformed("register", path, _("this is not CSV: {reason}").format(reason=error)) from error
    if not rows or tuple(rows[0]) != FIELDS:
        raise malformed("register", path, _("the header should be {header}").format(header=",".join(FIELDS)))
    _demand_count(said.get("clinics"), len(rows) - 1)
    return Answer(said["generated_at"], _rows(rows[1:], len(said) + 2, path))


def _rows(rows: Iterable[list[str]], first: int, path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for number, row in enumerate(rows, first):
        if len(row) != len(FIELDS):
            reason = _("row {n} has {count} fields, not {right}").format(n=number, count=len(row), right=len(FIELDS))
            raise malformed("register", path, reason)
        yield _("row {n}").format(n=number), dict(zip(FIELDS, row, strict=True))


def _demand_count(said: str | None, count: int) -> None:
    if said is not None and said != str(count):
        raise Failure(
            "register",
            "incomplete",
            problem=_("it says {said} clinics, and has {count}").format(said=said, count=count),
            remedy=_("a part of the register would look like clinics that are gone: have all of it made"),
        )


def _checked(records: Iterable[tuple[str, Any]], settings: RegisterSettings) -> dict[HsaId, RegisterClinic]:
    codes = {code: code for code in REGIONS} | dict(settings.region_codes)
    clinics: dict[HsaId, RegisterClinic] = {}
    for where, record in records:
        if not isinstance(record, dict) or record.keys() != set(FIELDS):
            raise _record(
                where, record, _("it should have exactly the fields {fields}").format(fields=", ".join(FIELDS))
            )
        hsa_id, name, status, code = (record[field] for field in FIELDS)
        if not all(isinstance(value, str) and value.strip() and value.isprintable() for value in record.values()):
            raise _record(where, record, _("a field is empty, not a text, or holds an invisible character"))
        if status not in STATUSES:
            raise _record(where, record, _("the status {value} is not one of: active, inactive").format(value=status))
        if code not in codes:
            raise _record(
                where, record, _("{value} is not a region; if it is one, map it in region_codes").format(value=code)
            )
        key = canonical(hsa_id)
        if key in clinics:
            raise _record(where, record, _("the HSA-id stands twice"))
        clinics[key] = RegisterClinic(name.strip(), STATUSES[status], codes[code])
    return clinics


def _record(where: str, record: object, reason: str) -> Failure:
    hsa_id = record.get("hsa_id") if isinstance(record, dict) else record
    problem = _("{where} ({hsa_id}): {reason}").format(where=where, hsa_id=hsa_id, reason=reason)
    return Failure("register", "record", problem=problem, remedy=_("nothing is guessed: have the record put right"))
