"""What a git revision declares, and which of the findings of now it has as well. Nothing is checked out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable

from reconciler import git
from reconciler.check import Files, mentioned
from reconciler.declare import access
from reconciler.declare.approvals import read_content
from reconciler.declare.beside import RIGHTS
from reconciler.declare.files import kept_elsewhere
from reconciler.declare.regions import read_contents
from reconciler.findings import Finding
from reconciler.meaning import Access
from reconciler.model import ENROLMENT, MANAGED, BoardRow, Declared, ManagedBoard, RegionCode, Settings, State
from reconciler.rows import Rows
from reconciler.rules.reading import LARGEST


def files_at(settings: Settings, revision: str, now: Files | None = None) -> Files:
    """Read region files, approvals and rights as they were at *revision*; one that is not there is a Failure.

    Region files that are as they are *now* are not read twice.
    """
    folder, path = settings.config / "regions", settings.config / "approvals.yaml"
    there = git.files_at(folder, revision, LARGEST)
    reading = read_contents(folder, there, settings.regions, now.reading if now else None)
    kept = git.files_at(settings.config, revision, LARGEST)
    approvals = read_content(path, *kept_elsewhere(path, kept[path.name])) if path.name in kept else ([], [])
    rights = settings.config / RIGHTS
    faults = access.read_content(rights, *kept_elsewhere(rights, kept[rights.name]))[1] if rights.name in kept else []
    return Files(reading, *approvals, faults)


def access_at(settings: Settings, commit: str) -> Access | None:
    """Return the rights as they were at *commit*; None where there was no file, nobody's where it has a fault."""
    path, kept = settings.config / RIGHTS, git.files_at(settings.config, commit, LARGEST)
    if path.name not in kept:
        return None
    return access.read_content(path, *kept_elsewhere(path, kept[path.name]))[0] or Access({}, {})


def boards_under(settings: Settings, commit: str, orders: Collection[str]) -> dict[str, list[tuple[RegionCode, str]]]:
    """Return for each of *orders* the boards, as region and HSA-id, that ever stood under it up to *commit*."""
    folder = settings.config / "regions"
    pattern = "support_order:.*(" + "|".join(map(re.escape, sorted(orders))) + ")"
    found: dict[str, set[tuple[RegionCode, str]]] = {order: set() for order in orders}
    for one in git.commits_about(folder, commit, pattern):
        for file in read_contents(folder, git.files_at(folder, one, LARGEST), settings.regions).files:
            board = file.region.board if file.region else None
            if file.code and board and board.support_order in found:
                found[board.support_order].add((file.code, board.hsa_id))
    return {order: sorted(boards) for order, boards in found.items()}


def known_from(files: Files, declared: Declared) -> State:
    """Return the state of a database that holds what the files say: what is known where no database is asked.

    Of a file that is stopped, every HSA-id in its text is known: who mends it has enrolled nobody.
    """
    clinics = {**declared.names}
    for hsa_id in declared.twice:  # the last region that declares it has it
        for code in declared.owners[hsa_id][:-1]:
            clinics[code] = {key: name for key, name in clinics[code].items() if key != hsa_id}
    for file in files.reading.files:
        if file.code is not None and file.code in declared.stopped:
            known = mentioned([file.text]).difference(*clinics.values())
            clinics[file.code] = {**clinics.get(file.code, {}), **dict.fromkeys(known, "")}
    managed = {(code, code): names for code, names in clinics.items()}
    boards = {code: one.board for code, one in declared.regions.items() if one.board}
    return State(
        Rows(ENROLMENT, clinics),
        {code: BoardRow(one.hsa_id, one.name) for code, one in boards.items()},
        Rows(MANAGED, managed),
        {code: ManagedBoard(one.hsa_id, one.name, one.support_order) for code, one in boards.items()},
    )


def told_new(findings: Iterable[Finding], on_the_base: Iterable[Finding]) -> list[Finding]:
    """Return *findings*, each knowing whether it is new: of several alike, as many are old as the base has."""
    left = Counter(finding.identity for finding in on_the_base)
    told = []
    for finding in findings:
        told.append(finding._replace(new=not left[finding.identity]))
        left[finding.identity] -= left[finding.identity] > 0
    return told
