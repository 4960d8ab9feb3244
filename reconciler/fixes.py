"""Fixes: the line as it should be, where a finding tells how, and reading the file with it shows that it helps.

A fix is offered, never made. It is safe where the file with that line lacks the finding and has no other fault.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import islice, pairwise
from pathlib import Path
from typing import NamedTuple

from reconciler.check import Read
from reconciler.declare.regions import RegionFile, read_contents
from reconciler.findings import Finding, Place
from reconciler.model import Region
from reconciler.rules import reading
from reconciler.words import _

_OFFERED = re.compile(r"(SE[0-9]{10,12}-[A-Z0-9]{1,18}) \(.*\)")
"""A clinic that was meant, with its name; the name is no part of what is to be written."""


MOST = 50
"""Fixes of one pull request: each is tried by reading its file, and more than that nobody reads."""

_OF_BLANKS = (reading.wrong_blank, reading.control_character, reading.tab_character)


class Fix(NamedTuple):
    """A line as it should be, 1-based, and why."""

    path: str
    line: int
    text: str
    problems: tuple[str, ...]


class _Edit(NamedTuple):
    """What should stand in a place, and why; *finding* is None where it is only a matter of form."""

    place: Place
    text: str
    problem: str
    finding: Finding | None = None


def fixes(findings: Iterable[Finding], read: Read, shown: Mapping[str, Collection[int]]) -> tuple[Fix, ...]:
    """Return for each line that is *shown*, by file, the fix that is safe, if there is one: the first fifty, sorted."""
    return tuple(sorted(islice(_each(findings, read, shown), MOST)))


def _each(findings: Iterable[Finding], read: Read, shown: Mapping[str, Collection[int]]) -> Iterator[Fix]:
    wanted: dict[tuple[str, int], list[_Edit]] = {}
    declared = frozenset(read.declared.owners)
    for finding in findings:
        edit = _edit(finding)
        if edit and edit.text not in declared:
            wanted.setdefault((edit.place.path, edit.place.line or 0), []).append(edit)
    for file in read.files.reading.files:
        lines = shown.get(file.path, ())
        for edit in _in_upper_case(file.region, lines) if file.region else ():
            wanted.setdefault((file.path, edit.place.line or 0), [edit])
        tried = (_tried(line, wanted[file.path, line]) for line in sorted(lines) if (file.path, line) in wanted)
        yield from _safe(file, [*islice((one for one in tried if one), MOST)])


def _edit(finding: Finding) -> _Edit | None:
    """Return the edit that a finding suggests: its span, or the text that it is about, becomes something else."""
    place, suggestion = finding.place, finding.suggestion
    if place and place.source and finding.rule in _OF_BLANKS:
        whole = place._replace(column=1, end_column=len(place.source) + 1)
        return _Edit(whole, reading.ordinary(place.source), finding.problem, finding)
    if not (place and suggestion and place.line and place.source and place.end_line == place.line):
        return None
    offered = _OFFERED.fullmatch(suggestion)
    return _Edit(_span(place, suggestion), offered[1] if offered else suggestion, finding.problem, finding)


def _span(place: Place, suggestion: str) -> Place:
    """Return what the suggestion is for: the place itself, or where it is one sign, the text or the line around it."""
    source, inside = place.source or "", suggestion[1:-1]
    if suggestion.startswith('"') and inside in source and inside not in place.span:
        start = source.rindex(inside)
        return place._replace(column=start + 1, end_column=start + 1 + len(inside))
    if ": " in suggestion and not suggestion.startswith('"') and " #" not in source:
        return place._replace(column=len(source) - len(source.lstrip()) + 1, end_column=len(source) + 1)
    return place


def _in_upper_case(region: Region, lines: Collection[int]) -> Iterator[_Edit]:
    """Yield an edit for each HSA-id in *lines* that is in lower case: either is read, and one is written."""
    for hsa_id in (hsa_id for hsa_id, clinic in region.clinics.items() if clinic.line in lines):
        place = region.place_of(hsa_id)
        if place.span != hsa_id and place.span.upper() == hsa_id:
            yield _Edit(place, hsa_id, _("an HSA-id is written in upper case"))


class _Tried(NamedTuple):
    """A line with all its edits, and what they are about."""

    line: int
    text: str
    edits: list[_Edit]


def _tried(line: int, edits: list[_Edit]) -> _Tried | None:
    """Return the line with its edits, where they do not overlap and all of it can be seen."""
    text = edits[0].place.source or ""
    # Of two edits of one span the last counts: what the register knows is told after what the number alone tells.
    spans = {(edit.place.column or 1, edit.place.end_column or 1): edit.text for edit in edits}
    if any(end > column for (_column, end), (column, _end) in pairwise(sorted(spans))):
        return None
    for (column, end), wanted in sorted(spans.items(), reverse=True):
        text = text[: column - 1] + wanted + text[end - 1 :]
    return _Tried(line, text, edits) if text.isprintable() else None


def _safe(file: RegionFile, tried: list[_Tried]) -> Iterator[Fix]:
    """Yield the fixes that help: tried all at once, and where that does not do, one by one."""
    together = _helps(file, tried)
    for one in tried:
        if together or _helps(file, [one]):
            yield Fix(file.path, one.line, one.text, tuple(edit.problem for edit in one.edits))


def _helps(file: RegionFile, tried: list[_Tried]) -> bool:
    """Whether the file reads better with these lines: without what they are about, and nothing new."""
    path, lines = Path(file.path), file.text.split("\n")
    for one in tried:
        lines[one.line - 1] = one.text + ("\r" if lines[one.line - 1].endswith("\r") else "")
    after = "\n".join(lines).encode()
    (reread,) = read_contents(path.parent, {path.name: after}, [file.code or ""]).files
    still = _counted(reread.findings)
    about = _counted(edit.finding for one in tried for edit in one.edits if edit.finding)
    return still <= _counted(file.findings) - about and (reread.region is not None or bool(still))


def _counted(findings: Iterable[Finding]) -> Counter[str]:
    """Count findings by their rule: a span that is another makes no other fault of the file."""
    return Counter(finding.rule.id for finding in findings)
