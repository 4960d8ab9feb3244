"""From files that were read to what they declare: their shape and meaning, judged without asking anybody.

Pure: it calls the rules in their order and gathers what they say.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from reconciler.declare.regions import Reading, RegionFile
from reconciler.findings import Finding, weighed
from reconciler.model import Approval, Declared, HsaId, RegionCode, Register, Settings, State, canonical
from reconciler.rules import approval as approval_rules
from reconciler.rules import board, check_digit, clinic, intended, region
from reconciler.words import day


class Files(NamedTuple):
    """The region files, the approvals, and what is wrong with their file and with that of the rights, of one moment."""

    reading: Reading
    approvals: Sequence[Approval]
    about_approvals: Sequence[Finding]
    about_rights: Sequence[Finding] = ()


class Read(NamedTuple):
    """Files, and what they declare."""

    files: Files
    declared: Declared


def check(files: Files, settings: Settings, folder: str, now: datetime) -> tuple[Declared, tuple[Finding, ...]]:
    """Judge the files alone: return what is declared, and what is wrong with region files and approvals."""
    declared, findings = declare(files.reading, settings, folder)
    expired = approval_rules.approval_expired(files.approvals, day(now)) if files.approvals else ()
    return declared, (*findings, *files.about_approvals, *expired, *files.about_rights)


def duplicates(declared: Declared) -> tuple[Finding, ...]:
    """Judge what is declared twice where no register tells which line counts."""
    return tuple(clinic.duplicate_clinic(declared, sorted(declared.twice)))


def declare(reading: Reading, settings: Settings, folder: str = "regions") -> tuple[Declared, tuple[Finding, ...]]:
    """Judge shape and meaning: return what is declared, with the regions that are stopped, and the findings."""
    files: dict[RegionCode, list[RegionFile]] = {}
    findings: list[Finding] = []
    for file in reading.files:
        findings += file.findings
        if file.code is None:
            findings += region.file_name_without_region(file.path)
        else:
            files.setdefault(file.code, []).append(file)
    findings += region.region_declared_twice({code: [file.path for file in found] for code, found in files.items()})
    findings += region.region_file_missing(folder, settings.regions, files)
    whole = {code: found[0].region for code, found in files.items() if len(found) == 1 and found[0].region}
    for one in whole.values():
        findings += region.region_name_differs(one)
    findings = [*weighed(findings, settings.severity)]
    stopped = _stopped(findings, files, settings.regions)
    declared = Declared(
        regions={code: one for code, one in sorted(whole.items()) if code not in stopped},
        stopped=stopped,
        mentioned=mentioned(file.text for code in stopped for file in files.get(code, ())),
        digest=reading.digest,
    )
    return _check_meaning(declared, settings, findings)


def _stopped(
    findings: Iterable[Finding], files: Mapping[RegionCode, list[RegionFile]], kept: Collection[RegionCode]
) -> dict[RegionCode, tuple[str, ...]]:
    owner = {file.path: code for code, found in files.items() for file in found}
    stopped: dict[RegionCode, set[str]] = {}
    for finding in findings:
        code = finding.region or owner.get(finding.place.path if finding.place else "", "")
        if finding.stops and code in kept:
            stopped.setdefault(code, set()).add(finding.rule.id)
    return {code: tuple(sorted(rules)) for code, rules in sorted(stopped.items())}


_ID_IN_TEXT = re.compile(r"SE[0-9]{10,12}-[A-Z0-9]{1,18}")


def mentioned(texts: Iterable[str]) -> frozenset[HsaId]:
    """Return every HSA-id in the text of files that cannot be read as they should."""
    return frozenset(canonical(found) for text in texts for found in _ID_IN_TEXT.findall(text.upper()))


def _check_meaning(
    declared: Declared, settings: Settings, findings: list[Finding]
) -> tuple[Declared, tuple[Finding, ...]]:
    held: dict[RegionCode, tuple[str, ...]] = {}
    for code, one in declared.regions.items():
        findings += check_digit.check_digit_wrong(one, declared)
        findings += board.board_without_clinics(one)
        findings += board.board_listed_as_clinic(one, declared)
        examples = [] if settings.demo else list(board.board_is_example(one))
        if examples:
            held[code] = (board.board_is_example.id,)
            findings += examples
    findings += board.board_shared_by_regions(declared)
    return replace(declared, boards_held=held), tuple(findings)


def told(
    findings: Sequence[Finding],
    settings: Settings,
    declared: Declared,
    register: Register | None = None,
    before: State | None = None,
) -> tuple[Finding, ...]:
    """Give findings the clinic that was probably meant, and the weight that the settings set; sort them.

    It is looked for in the *register*; where none answered, in the files, and in what the base had *before*.
    """
    offering = intended.with_offers(findings, declared, register, before)
    return tuple(sorted(weighed(offering, settings.severity), key=Finding.sort_key))
