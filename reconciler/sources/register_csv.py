"""The register in CSV: a line that says when it was made, a header, a row for each clinic.

As programs write it (UTF-8, commas) and as a spreadsheet leaves it behind: semicolons, BOM, cp1252, CRLF, empty cells
at the end of lines. Only the line breaks of CSV end a row: other ones may stand in a name, where they are a fault.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from reconciler.sources.answer import malformed
from reconciler.sources.record import FIELDS, Answer, in_row, incomplete
from reconciler.words import _


def read(content: bytes, path: Path) -> Answer:
    """Return the records of a CSV file."""
    text = _decoded(content, path)
    said, rows, first = {}, io.StringIO(text, newline=""), 1
    for line in rows:
        key, colon, value = line.strip().strip('";, ').lstrip("# ").partition(":")
        if not line.lstrip('"').startswith("#"):
            break
        if colon and key in said:
            raise malformed("register", path, _("the line # {key}: stands twice").format(key=key))
        said[key] = value.strip()
        first += 1
    if "generated_at" not in said:
        raise malformed("register", path, _("the first line should be # generated_at: and a time"))
    records = list(_records(_from_line(text, first), first, path))
    if "clinics" in said and said["clinics"] != str(len(records)):
        problem = _("it says {said} clinics, and has {count}")
        raise incomplete(problem.format(said=said["clinics"], count=len(records)))
    return Answer(said["generated_at"], records, in_row)


def _decoded(content: bytes, path: Path) -> str:
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise malformed("register", path, _("this is UTF-16; save it as CSV UTF-8"))
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    try:
        return content.decode("cp1252")
    except UnicodeDecodeError as error:
        reason = _("byte {n} is neither UTF-8 nor what a spreadsheet writes").format(n=error.start + 1)
        raise malformed("register", path, reason) from error


def _from_line(text: str, first: int) -> io.StringIO:
    rows = io.StringIO(text, newline="")
    for _line in range(first - 1):
        rows.readline()
    return rows


def _records(rows: io.StringIO, first: int, path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield each record with the number of its first line in the file."""
    start = rows.tell()
    header = rows.readline().strip().strip(";,")
    separator = ";" if ";" in header else ","
    rows.seek(start)
    reader = csv.reader(rows, delimiter=separator, strict=True)
    try:
        columns = _trimmed(next(reader, []))
        if tuple(columns) != FIELDS:
            raise malformed("register", path, _("the header should be {header}").format(header=",".join(FIELDS)))
        before = reader.line_num
        for row in reader:
            number, before = first + before, reader.line_num
            cells = _trimmed(row) if len(row) > len(FIELDS) else row
            if any(cells):
                yield number, _record(cells, number, path)
    except csv.Error as error:
        reason = _("row {n} is not CSV: {reason}").format(n=first + reader.line_num - 1, reason=error)
        raise malformed("register", path, reason) from error


def _record(cells: list[str], number: int, path: Path) -> dict[str, str]:
    if len(cells) != len(FIELDS):
        reason = _("row {n} has {count} fields, not {right}").format(n=number, count=len(cells), right=len(FIELDS))
        raise malformed("register", path, reason)
    return dict(zip(FIELDS, cells, strict=True))


def _trimmed(row: list[str]) -> list[str]:
    """Return the row without the empty cells that a spreadsheet puts at its end."""
    while row and not row[-1]:
        row = row[:-1]
    return row
