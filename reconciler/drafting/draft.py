"""A draft: files to be rewritten, read again before any of them is touched, and what is said about it."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from reconciler.declare.files import read_bytes
from reconciler.declare.regions import RegionFile, read_contents
from reconciler.edit.document import Document
from reconciler.edit.parse import parse
from reconciler.edit.write import Rewrite, write
from reconciler.findings import Exit, Failure, Finding
from reconciler.model import REGIONS, Region, RegionCode, Settings
from reconciler.rules.region import file_name_without_region


@dataclass(frozen=True, slots=True)
class Draft:
    """What a command would do to files, or has done, and what is said about it."""

    rewrites: tuple[Rewrite, ...] = ()
    findings: tuple[Finding, ...] = ()
    failures: tuple[Failure, ...] = ()
    written: bool = False
    fails_on_change: bool = False

    @property
    def has_errors(self) -> bool:
        """Whether something cannot be done as it was asked for."""
        return any(finding.is_error for finding in self.findings)

    @property
    def exit(self) -> Exit:
        """What the process says."""
        wrong = self.has_errors or (self.fails_on_change and self.rewrites)
        return Exit.first(*(failure.exit for failure in self.failures), *([Exit.ERRORS] if wrong else []))

    def put(self, *, partly: bool = False) -> Draft:
        """Write the files, unless something is wrong; *partly*: what can be done, where other things cannot."""
        if self.failures or not self.rewrites or (self.has_errors and not partly):
            return self
        write(self.rewrites)
        return replace(self, written=True)


@dataclass(frozen=True, slots=True)
class Desk:
    """The region files that lie open: their bytes, what they declare, and why others cannot be edited."""

    settings: Settings
    paths: Mapping[RegionCode, Path]
    before: Mapping[RegionCode, bytes]
    regions: Mapping[RegionCode, Region]
    findings: tuple[Finding, ...]

    def document(self, code: RegionCode) -> Document:
        """Return a region's file to be changed."""
        return parse(self.regions[code].source.text)

    def rewrites(self, documents: Mapping[RegionCode, Document]) -> tuple[Rewrite, ...]:
        """Return how the files are to be rewritten; those that gain clinics come first, so that none is ever lost."""
        changed = {code: document.text().encode() for code, document in documents.items()}
        changed = {code: text for code, text in changed.items() if text != self.before[code]}
        for code, text in changed.items():
            checked(self.paths[code], text, documents[code])
        order = sorted(
            changed, key=lambda code: (len(documents[code].clinics.lines) <= len(self.regions[code].clinics), code)
        )
        return tuple(Rewrite(self.paths[code], self.before[code], changed[code]) for code in order)


def desk(settings: Settings, codes: Collection[RegionCode] | None = None) -> Desk:
    """Open the files of the regions *codes*, or of all that are kept."""
    folder = settings.config / "regions"
    names = sorted(os.listdir(folder)) if folder.is_dir() else []
    return opened(settings, [folder / name for name in names], settings.regions if codes is None else codes)


def opened(settings: Settings, paths: Iterable[Path], codes: Collection[RegionCode]) -> Desk:
    """Open the files at *paths*, where they are of the regions *codes*."""
    by_code: dict[RegionCode, Path] = {}
    before: dict[RegionCode, bytes] = {}
    regions: dict[RegionCode, Region] = {}
    findings: list[Finding] = []
    for path in paths:
        content, unread = read_bytes(path)
        for file in _read(path, content, codes):
            findings += unread or file.findings or ([*file_name_without_region(file.path)] if not file.code else [])
            if file.code and file.region and not unread and file.code not in by_code:
                by_code[file.code], before[file.code], regions[file.code] = path, content, file.region
    return Desk(settings, by_code, before, regions, tuple(findings))


def _read(path: Path, content: bytes, codes: Collection[RegionCode]) -> tuple[RegionFile, ...]:
    return read_contents(path.parent, {path.name: content}, codes).files


def checked(path: Path, text: bytes, document: Document) -> None:
    """Read *text* as the line would, before any file is touched: it must be whole and declare what was meant."""
    (file,) = _read(path, text, tuple(REGIONS))
    declared = {hsa_id: clinic.name for hsa_id, clinic in file.region.clinics.items()} if file.region else None
    meant = {key: line.value for key, line in document.clinics.lines.items()}
    if declared != meant:
        raise RuntimeError(f"{path.name} would not declare what was meant; nothing is written")
