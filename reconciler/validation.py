"""The first half of the line: files are declared and checked, register and routes asked, and what it means is judged.

What is found is handed on with what it was found in, so that a review need not read and ask again.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, TypeVar

from reconciler import stations
from reconciler.check import Files, Read, check, duplicates, told
from reconciler.declare.beside import RIGHTS, read_access, read_approvals
from reconciler.declare.regions import read_regions
from reconciler.findings import Failure, Finding
from reconciler.model import Declared, Register, Routes, Settings, State
from reconciler.results import Validation

T = TypeVar("T")


class Examined(NamedTuple):
    """What a validation found, and what it looked at: the files, those of the base, and the register."""

    validation: Validation
    here: Read
    base: Read | None
    register: Register | None


def examine(settings: Settings, now: datetime, *, live: bool = False, base: str | None = None) -> Examined:
    """Check the region files; with *live*, against register and routes too. Keep what was looked at.

    With *base*, a git revision, every finding is told to be new or not, and the clinics that it declares are known;
    without, every clinic counts as a new one.
    """
    stations.at("declare")
    files, at_base = _files(settings), None
    if base is not None:
        from reconciler import revision  # who has no base needs no git

        at_base = revision.files_at(settings, base, files)
    failures: list[Failure] = []
    stations.at("ask")
    answers = _answers(failures, settings, now) if live else None
    stations.at("check")
    folder, register = folder_of(settings), answers[0] if answers else None
    there, known, old = None, State(), tuple[Finding, ...]()
    if at_base is not None:
        declared, old = check(at_base, settings, folder, now)
        there, known = Read(at_base, declared), revision.known_from(at_base, declared)
        old += _meant(declared, settings, known, answers)
    declared, findings = check(files, settings, folder, now)
    findings = told((*findings, *_meant(declared, settings, known, answers)), settings, declared, register, known)
    if there is not None:
        findings = tuple(revision.told_new(findings, old))
    clinics = sum(len(one.clinics) for one in declared.regions.values())
    validation = Validation(findings, tuple(failures), len(declared.regions), clinics)
    return Examined(validation, Read(files, declared), there, register)


def _files(settings: Settings) -> Files:
    folder = settings.config
    reading = read_regions(folder / "regions", settings.regions)
    return Files(reading, *read_approvals(folder / "approvals.yaml"), read_access(folder / RIGHTS)[1])


def _answers(failures: list[Failure], settings: Settings, now: datetime) -> tuple[Register, Routes] | None:
    from reconciler.sources import register as register_source  # and who asks nobody, no sources
    from reconciler.sources import routes as routes_source

    register = asked(failures, lambda: register_source.ask(settings.register, now))
    routes = asked(failures, lambda: routes_source.ask(settings.routes, now))
    return None if register is None or routes is None else (register, routes)


def _meant(
    declared: Declared, settings: Settings, known: State, answers: tuple[Register, Routes] | None
) -> tuple[Finding, ...]:
    """Judge what the files mean together: against register and routes where they answered."""
    if answers is None:
        return duplicates(declared)
    from reconciler.judge import upstream_findings
    from reconciler.plan import settle

    stations.at("settle")
    settled = settle(declared, *answers, known, settings.regions)
    stations.at("check")
    return upstream_findings(declared, *answers, known, settled)


def folder_of(settings: Settings) -> str:
    """Return the folder of the region files as people are shown it."""
    folder = settings.config / "regions"
    return str(folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder)


def asked(failures: list[Failure], ask: Callable[[], T]) -> T | None:
    """Ask; a failure is kept with the others, and the answer is None."""
    try:
        return ask()
    except Failure as failure:
        failures.append(failure)
        return None
