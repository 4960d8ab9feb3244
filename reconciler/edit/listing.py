"""Lists of clinics as people have them: what Excel, LibreOffice and a text field give, to rows with HSA-ids.

It knows no region and no register: a row that cannot be taken says why with the text that it has.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator
from typing import NamedTuple

from reconciler.model import HsaId, canonical
from reconciler.rules.shape import is_hsa_id

_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_HEADER_WORDS = {"hsaid", "hsa", "id", "enhetsid", "mottagningsid", "enhetshsaid", "hsaidmottagning", "hsaidenhet"}
_INVISIBLE = re.compile("[\u200b-\u200f\u2060\ufeff\u00ad]")
_SAYS_AN_ID = re.compile(r"\bSE\s?\d", re.IGNORECASE)
_ANY_QUOTES = "\"'`´’‘”“„»«"
_BEGINS_LIKE_AN_ID = re.compile(r"SE[-\d]*\d", re.IGNORECASE)


class Row(NamedTuple):
    """A row, 1-based, as it is, and the HSA-ids in it; what looks like one and is none is in `malformed`."""

    number: int
    text: str
    hsa_ids: tuple[HsaId, ...] = ()
    malformed: str | None = None


def read_list(content: bytes, first: int = 1) -> list[Row]:
    """Return the rows of a txt or csv that say something, the first being row *first*; a header is passed over."""
    return rows_of(lines_of(decoded(content)), first)


def lines_of(text: str) -> list[str]:
    """Return the lines as an editor numbers them: what else Unicode counts as a line break is part of a name."""
    return re.split(r"\r\n|\r|\n", text)


def is_workbook(content: bytes) -> bool:
    """Whether this is no text: a workbook, new (a zip archive) or old, or what else no text can begin with."""
    return content.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"%PDF"))


def decoded(content: bytes) -> str:
    """Return the text: UTF-8 or UTF-16 with their marks, UTF-8 without, else what Windows has written."""
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return content.decode(encoding, errors="replace")
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def rows_of(lines: list[str], first: int = 1) -> list[Row]:
    """Return the rows of *lines*."""
    delimiter = _delimiter(lines)
    rows: list[Row] = []
    continued = _continued(lines)
    for number, line in enumerate(lines, first):
        if (
            number - first in continued
            or not _bare(line)
            or line.lstrip().startswith("#")
            or re.fullmatch(r"sep=.", line.strip())
        ):
            continue
        row = _row(number, line, next(csv.reader([line], delimiter=delimiter), []))
        if row.hsa_ids or row.malformed or not (_is_header(line, delimiter) and not rows):
            rows.append(row)
    return rows


def _continued(lines: list[str]) -> set[int]:
    """Return which lines go on with a quoted cell of a line above; a quote that is open at the next id was none."""
    continued: set[int] = set()
    opened: int | None = None
    for at, line in enumerate(lines):
        odd = line.count('"') % 2 == 1
        if opened is None or _SAYS_AN_ID.search(line):
            opened = at if odd else None
        elif odd:
            continued.update(range(opened + 1, at + 1))
            opened = None
    return continued


def _delimiter(lines: list[str]) -> str:
    """Return what separates the cells: that of ; tab and , which most lines have, in this order where it is even."""
    counts = {sign: sum(sign in line for line in lines) for sign in (";", "\t", ",", "|")}
    return max(counts, key=lambda sign: counts[sign])


def _is_header(line: str, delimiter: str) -> bool:
    words = {re.sub(r"[^a-zåäö]", "", cell.lower()) for cell in line.split(delimiter)}
    return bool(words & _HEADER_WORDS) or not re.search(r"\d", line)


def _bare(cell: str) -> str:
    """Return a cell without what nobody sees, and without blanks, bullets, quotes and commas around."""
    return _INVISIBLE.sub("", cell).strip(" \t\u00a0\u202f\u2007-*•,;:" + _ANY_QUOTES)


def _row(number: int, line: str, cells: list[str]) -> Row:
    bare = [_bare(cell) for cell in cells]
    found = [tuple(_ids(cell)) for cell in bare if cell]
    if any(found):
        # A column after the names may hold the id of something else, such as the unit above.
        taken = [hsa_id for cell in found for hsa_id in cell] if all(found) else next(cell for cell in found if cell)
        return Row(number, line.strip(), tuple(taken))
    malformed = next((cell for cell in bare if _BEGINS_LIKE_AN_ID.match(cell)), None)
    return Row(number, line.strip(), (), malformed)


def _ids(cell: str) -> Iterator[HsaId]:
    """Return the HSA-id that a cell is, blanks inside it taken out, or those that stand in it one after the other."""
    whole = canonical("".join(cell.split()))
    if is_hsa_id(whole) and len(re.findall("SE", whole)) == 1:
        yield whole
        return
    parts = [canonical(_bare(part)) for part in cell.split()]
    if parts and is_hsa_id(parts[0]):
        yield from (part for part in parts if is_hsa_id(part))
