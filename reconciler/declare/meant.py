"""What YAML can read, but not as it was meant: one cause, one finding, in place of all that follows from it.

Asked where a region file has a fault already, but for `unseen`: what looks whole and has lost something. Knows the
region file's keys; the schema's words it does not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from reconciler.declare.tree import Entry, Node, place_of
from reconciler.findings import Finding
from reconciler.model import SourceText
from reconciler.rules import shape, typed

_CURLY = "“”„«»‘’‚"
"""What a word processor puts at the beginning of what is quoted."""

_CURLIES = frozenset(_CURLY)

_OF_A_BOARD = r"hsa_id|support_order"
_TOP = ("version", "region", "name", "patient_board", "clinics")
_NOT_INDENTED = re.compile(rf"^(?:{_OF_A_BOARD}|SE[0-9]{{10,12}}-\w+)(?= *:(?:\s|$))", re.MULTILINE | re.IGNORECASE)
_INDENTED = re.compile(r"^( +)(?:version|region|patient_board|clinics)(?= *:(?:\s|$))", re.MULTILINE)
_OF_INDENTATION = {
    "duplicate-key",
    "unknown-key",
    "missing-key",
    "wrong-type",
    "clinics-in-group",
    "hsa-id-malformed",
    "text-empty",
}
_ENOUGH_FOR_A_REGION = 3


def one_for_each_cause(source: SourceText, findings: Sequence[Finding]) -> list[Finding]:
    """Return *findings* with those that come from one cause put together as one."""
    if not findings:
        return []
    return _without_group_names(_without_followers(source, _without_second_region(findings)))


def _without_group_names(findings: Sequence[Finding]) -> list[Finding]:
    """Where clinics stand in groups, tell that, and not that a group's name is no HSA-id."""
    groups = {one.subject for one in findings if one.rule is shape.clinics_in_group}
    return [one for one in findings if one.rule is not shape.hsa_id_malformed or one.subject not in groups]


def _without_second_region(findings: Sequence[Finding]) -> list[Finding]:
    again = [one for one in findings if one.rule is shape.duplicate_key and _is_top(one)]
    if len(again) < _ENOUGH_FOR_A_REGION:
        return list(findings)
    first = min(again, key=Finding.sort_key)
    named = next((one for one in again if one.subject == "region"), first)
    place = first.place or first.related[0]
    said = named.place.source if named.place else None
    second = typed.second_region_in_file((said or "").strip(), place, first.related[0])
    return [*second, *(one for one in findings if one not in again)]


def _is_top(finding: Finding) -> bool:
    return finding.subject in _TOP and finding.place is not None and finding.place.column == 1


def _without_followers(source: SourceText, findings: list[Finding]) -> list[Finding]:
    """Where lines stand too far out or in, tell that, and not what it makes of the keys."""
    followers = [one for one in findings if one.rule.id in _OF_INDENTATION]
    if not followers:
        return findings
    told = [*_misplaced(source, followers)]
    return [*told, *(one for one in findings if one not in followers)] if told else findings


def _misplaced(source: SourceText, followers: Sequence[Finding]) -> Iterator[Finding]:
    lines = {one.place.line for one in followers if one.place}
    for pattern, expected in ((_NOT_INDENTED, 2), (_INDENTED, 0)):
        for match in pattern.finditer(source.text):
            line = source.text.count("\n", 0, match.start()) + 1
            if expected or line in lines:
                found = 0 if expected else len(match[1])
                yield from typed.wrong_indentation(found, expected, source.place(line, 1, line, max(found, 1) + 1))
                return


# ---- what looks whole


def unseen(source: SourceText, root: Mapping[str, Entry]) -> Iterator[Finding]:
    """Find texts that have taken in the next line, and texts in curly quotes, in a file that the schema finds whole."""
    board = root["patient_board"][1].value
    entries = [root["name"], *(board.values() if isinstance(board, dict) else ())]
    listed = root["clinics"][1].value
    has_curly = not _CURLIES.isdisjoint(source.text)
    for key, value in [*entries, *(listed.values() if isinstance(listed, dict) else ())]:
        if value[1] != value[3]:
            yield from typed.text_over_lines(str(key.value), place_of(source, value))
        elif has_curly and is_curly(value):
            yield from typed.curly_quotes(str(value.value), place_of(source, value))


def is_curly(node: Node) -> bool:
    """Whether a text stands in curly quotes."""
    text = node.value
    return isinstance(text, str) and len(text) > 1 and text[0] in _CURLY and text[-1] in _CURLY
