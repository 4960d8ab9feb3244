"""A region file that is written as nearly all are, read in a few steps over its whole text; for any other, None.

Stands before the reader of events, which costs ten times as much, and must never say anything that it would not: a test
compares the two. What is not plain at first sight (a quote, a comment among the clinics, a fault) is left to it.
"""

from __future__ import annotations

import re
from typing import Final

from reconciler.findings import Place
from reconciler.model import Board, Clinic, HsaId, Region, RegionCode, SourceText
from reconciler.rows import Listed
from reconciler.rules import reading

_CANONICAL: Final = r"SE(?:[0-9]{10}-[A-Z0-9]{1,18}+|16[0-9]{10}-[A-Z0-9]{1,16}+)"
_ID: Final = _CANONICAL.replace("A-Z", "A-Za-z")
_TEXT: Final = r"[^\W_][^\n]{1,199}+"
"""A text without quotes: it begins with a letter or a digit. What else it may not hold is looked for in the whole."""

_HEAD = re.compile(
    rf"(?:#[^\n]*\n)*version: 1\nregion: \"(?P<code>[0-9]{{2}})\"\nname: (?P<name>{_TEXT})\n(?:#[^\n]*\n)*"
    rf"(?P<key>patient_board):(?: null|\n  hsa_id: (?P<id>{_ID})\n  name: (?P<board>{_TEXT})\n"
    rf"  support_order: (?P<order>{_TEXT}))\nclinics:(?P<none> {{}})?\n"
)
_CANONICAL_LINE = re.compile(rf"^  ({_CANONICAL}): ({_TEXT})\n", re.MULTILINE)
_LINE = re.compile(rf"^  ({_ID}): ({_TEXT})\n", re.MULTILINE)
_NOTHING = frozenset({"null", "Null", "NULL"})


def read(code: RegionCode, source: SourceText) -> Region | None:
    """Return the region, or None where its file is not plain, or may have a fault."""
    text = source.text
    head = _HEAD.match(text)
    if head is None or head["code"] != code or not _is_plain(head) or not _is_visible(text):
        return None
    top, rest = SourceText(source.path, head[0]), text[head.end() :]
    clinics = _clinics(rest, text.count("\n", 0, head.end()) + 1)
    if clinics is None or bool(clinics) == bool(head["none"]) or any(reading.garbled_letters(source)):
        return None
    return Region(
        code=code,
        name=head["name"],
        source=source,
        name_place=_place(top, head, "name"),
        board_place=_place(top, head, "key"),
        board=_board(top, head) if head["id"] else None,
        clinics=clinics,
    )


_VISIBLE = bytes(range(0x20, 0x7F)) + b"\n"


def _is_visible(text: str) -> bool:
    """Whether every letter can be seen, beside the ends of lines: most are ASCII, and put aside in one step."""
    return text.encode().translate(None, _VISIBLE).decode().isprintable()


def _is_plain(head: re.Match[str]) -> bool:
    """Whether the texts of the head mean what they look like."""
    texts = [text for text in head.group("name", "board", "order") if text is not None]
    hidden = any(": " in text or " #" in text or text.endswith((":", " ")) for text in texts)
    return not hidden and head["board"] not in _NOTHING


def _clinics(rest: str, line: int) -> Listed[HsaId, Clinic] | None:
    """Return the clinics in the rest of the text, from *line* on; every line is one, and none is there twice."""
    rows = _CANONICAL_LINE.findall(rest)
    if len(rows) != rest.count("\n"):
        rows = [(hsa_id.upper(), name) for hsa_id, name in _LINE.findall(rest)]
    if len(rows) != rest.count("\n") or rest.count(": ") != len(rows) or (rest and not rest.endswith("\n")):
        return None
    if ":\n" in rest or " \n" in rest or ("#" in rest and " #" in rest):
        return None
    names: dict[HsaId, str] = dict(rows)
    return Listed(names, line, _clinic) if len(names) == len(rows) else None


def _clinic(hsa_id: HsaId, name: str, line: int) -> Clinic:
    return Clinic(name, line, 3, 3 + len(hsa_id))


def _board(source: SourceText, head: re.Match[str]) -> Board:
    order = head["order"]
    return Board(
        hsa_id=HsaId(head["id"].upper()),
        name=head["board"],
        support_order=None if order in _NOTHING else order,
        place=_place(source, head, "id"),
        order_place=_place(source, head, "order"),
    )


def _place(source: SourceText, head: re.Match[str], group: str) -> Place:
    start, end = head.span(group)
    line = source.text.count("\n", 0, start) + 1
    column = start - source.text.rfind("\n", 0, start)
    return source.place(line, column, line, column + end - start)
