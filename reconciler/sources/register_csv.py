"""The register in CSV: a line that says when it was made, a header, a row for each clinic.

As programs write it (UTF-8, commas) and as a spreadsheet leaves it behind: semicolons, BOM, cp1252, CRLF, empty cells
at the end of lines. Only the line breaks of CSV end a row: other ones may stand in a name, where they are a fault.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

from reconciler.sources.answer import malformed
from reconciler.sources.record import FIELDS, Answer, in_row, incomplete
from reconciler.words import _

_WHOLE = len(FIELDS)


def read(content: bytes, path: Path) -> Answer:
    """Return the records of a CSV file; they are read as they are asked for."""
    lines = io.TextIOWrapper(io.BytesIO(content), _encoding(content, path), newline="")
    said, first, header = {}, 1, ""
    for line in lines:
        key, colon, value = line.strip().strip('";, ').lstrip("# ").partition(":")
        if not line.lstrip('"').startswith("#"):
            header = line
            break
        if colon and key in said:
            raise malformed("register", path, _("the line # {key}: stands twice").format(key=key))
        said[key] = value.strip()
        first += 1
    if "generated_at" not in said:
        raise malformed("register", path, _("the first line should be # generated_at: and a time"))
    return Answer(said["generated_at"], _records(header, lines, first, path, said.get("clinics")), in_row)


def _encoding(content: bytes, path: Path) -> str:
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise malformed("register", path, _("this is UTF-16; save it as CSV UTF-8"))
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            content.decode(encoding)
        except UnicodeDecodeError as error:
            place = error.start
        else:
            return encoding
    raise malformed("register", path, _("byte {n} is neither UTF-8 nor what a spreadsheet writes").format(n=place + 1))


def _records(
    header: str, lines: Iterable[str], first: int, path: Path, said: str | None
) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Yield the cells of each record with the number of its first line; see that there are as many as was *said*."""
    separator = ";" if ";" in header.strip().strip(";,") else ","
    reader = csv.reader(chain([header], lines), delimiter=separator, strict=True)
    count = 0
    try:
        columns = _trimmed(next(reader, []))
        if tuple(columns) != FIELDS:
            raise malformed("register", path, _("the header should be {header}").format(header=",".join(FIELDS)))
        before = reader.line_num
        for row in reader:
            number, before = first + before, reader.line_num
            if any(row):
                count += 1
                yield number, tuple(row) if len(row) == _WHOLE else _mended(row, number, path)
    except csv.Error as error:
        reason = _("row {n} is not CSV: {reason}").format(n=first + reader.line_num - 1, reason=error)
        raise malformed("register", path, reason) from error
    if said is not None and said != str(count):
        raise incomplete(_("it says {said} clinics, and has {count}").format(said=said, count=count))


def _mended(row: list[str], number: int, path: Path) -> tuple[str, ...]:
    """Return the cells of a row that has too many, where those are empty; else it is a Failure."""
    cells = _trimmed(row) if len(row) > _WHOLE else row
    if len(cells) != _WHOLE:
        reason = _("row {n} has {count} fields, not {right}").format(n=number, count=len(cells), right=_WHOLE)
        raise malformed("register", path, reason)
    return tuple(cells)


def _trimmed(row: list[str]) -> list[str]:
    """Return the row without the empty cells that a spreadsheet puts at its end."""
    while row and not row[-1]:
        row = row[:-1]
    return row
