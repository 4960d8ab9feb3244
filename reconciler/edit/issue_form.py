"""The body of a GitHub issue form to what is asked for: which form it was, the region, and the rows of the fields.

The headings are those of `.github/ISSUE_TEMPLATE/`. What may be done about it is not known here.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import NamedTuple

from reconciler.edit.listing import Row, lines_of, rows_of

CONNECT = "Mottagningar att ansluta"
DISCONNECT = "Mottagningar att koppla bort"
REGION = "Region"
BOARD_ID = "Patientnämndens HSA-id"
BOARD_NAME = "Patientnämndens namn"
ORDER = "Beställningens nummer"
_HEADINGS = (CONNECT, DISCONNECT, REGION, BOARD_ID, BOARD_NAME, ORDER)
_NOTHING = ("_no response_", "none", "inget svar")


class Wish(Enum):
    """What a form asks for."""

    CONNECT = "connect"
    DISCONNECT = "disconnect"
    BOARD = "board"


class IssueForm(NamedTuple):
    """A form that was filled in; what was left empty is None."""

    wish: Wish | None
    region: str | None
    rows: tuple[Row, ...] = ()
    board_id: str | None = None
    board_name: str | None = None
    order: str | None = None


def read_form(text: str) -> IssueForm:
    """Return what the form asks for; without a heading that is known it asks for nothing."""
    fields = _fields(text)
    code = re.search(r"\b[0-9]{2}\b", _said(fields, REGION) or "")
    region = code[0] if code else None
    for wish, heading in ((Wish.CONNECT, CONNECT), (Wish.DISCONNECT, DISCONNECT)):
        if heading in fields:
            first, lines = fields[heading]
            blank = _said(fields, heading) is None
            return IssueForm(wish, region, () if blank else tuple(rows_of(lines, first)))
    if BOARD_ID in fields:
        said = (_said(fields, heading) for heading in (BOARD_ID, BOARD_NAME, ORDER))
        return IssueForm(Wish.BOARD, region, (), *said)
    return IssueForm(None, region)


def _fields(text: str) -> dict[str, tuple[int, list[str]]]:
    """Return the lines below each heading that is known, and the number of the first of them. Fences are blanked."""
    fields: dict[str, tuple[int, list[str]]] = {}
    heading = None
    for number, line in enumerate(lines_of(text), 1):
        title = line.lstrip("# ").strip()
        if line.startswith("###") and title in _HEADINGS:
            heading = title
            fields[heading] = (number + 1, [])
        elif heading:
            fields[heading][1].append("" if line.startswith("```") else line)
    return fields


def _said(fields: dict[str, tuple[int, list[str]]], heading: str) -> str | None:
    lines = fields.get(heading, (0, []))[1]
    said = " ".join(line.strip() for line in lines if line.strip())
    return None if said.lower() in ("", *_NOTHING) else said
