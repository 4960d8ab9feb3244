"""The register in CSV: a line that says when it was made, a header, a row for each clinic.

As programs write it (UTF-8, commas) and as a spreadsheet leaves it behind: semicolons, BOM, cp1252, CRLF, empty cells
at the end of lines. Only the line breaks of CSV end a row: other ones may stand in a name, where they are a fault.
"""

from __future__ import annotations

import csv
import io
import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, islice
from pathlib import Path

from reconciler.findings import Failure
from reconciler.sources.answer import malformed
from reconciler.sources.record import FIELDS, Answer, in_row, incomplete
from reconciler.words import _

Batch = tuple[Sequence[int], list[tuple[str, ...]]]
"""Records with the number of each one's first line."""

_WHOLE = len(FIELDS)
_EMPTY = ("",) * _WHOLE
_AT_ONCE = 100_000
"""So many letters are taken apart at once, and those to the end of their line."""

_MANY = 2_000
_BREAK = re.compile("\r\n|\r|\n")


def read(content: bytes, path: Path) -> Answer:
    """Return the records of a CSV file; they are read as they are asked for, and then no longer held."""
    pieces = _pieces(_decoded(content, path))
    lines = io.StringIO(pieces.popleft() if pieces else "", newline="")
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
    pieces.appendleft(lines.read())
    return Answer(said["generated_at"], _records(header, pieces, first, path, said.get("clinics")), in_row)


def _decoded(content: bytes, path: Path) -> str:
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise malformed("register", path, _("this is UTF-16; save it as CSV UTF-8"))
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError as error:
            place = error.start
    raise malformed("register", path, _("byte {n} is neither UTF-8 nor what a spreadsheet writes").format(n=place + 1))


def _pieces(text: str) -> deque[str]:
    """Return the text in pieces of whole lines, so that what is read need not be held until all is."""
    pieces, start = deque[str](), 0
    while start < len(text):
        end = text.find("\n", start + _AT_ONCE) + 1 or len(text)
        pieces.append(text[start:end])
        start = end
    return pieces


def _lines(pieces: deque[str]) -> Iterator[str]:
    while pieces:
        yield from io.StringIO(pieces.popleft(), newline="")


def _records(header: str, pieces: deque[str], first: int, path: Path, said: str | None) -> Iterator[Batch]:
    """Yield the cells of the records with the number of each one's first line; see that there are as many as *said*."""
    separator = ";" if ";" in header.strip().strip(";,") else ","
    columns, fault = _rows(csv.reader([header], delimiter=separator, strict=True))
    if fault:
        raise _not_csv(first, fault, path)
    if not columns or tuple(_trimmed(columns[0])) != FIELDS:
        raise malformed("register", path, _("the header should be {header}").format(header=",".join(FIELDS)))
    count = 0
    for numbers, rows in _batches(pieces, first + 1, separator, path):
        count += len(rows)
        yield numbers, rows
    if said is not None and said != str(count):
        raise incomplete(_("it says {said} clinics, and has {count}").format(said=said, count=count))


def _batches(pieces: deque[str], start: int, separator: str, path: Path) -> Iterator[Batch]:
    """Yield the records in the *pieces*, of which the first line has the number *start*.

    Lines of four cells without a quote are taken apart many at once; where others begin, `csv` reads on to the end.
    """
    while pieces:
        rows = _unquoted(pieces[0], separator)
        if rows is None:
            yield from _read_closely(_lines(pieces), start, separator, path)
            return
        pieces.popleft()
        yield range(start, start + len(rows)), rows
        start += len(rows)


def _unquoted(lines: str, separator: str) -> list[tuple[str, ...]] | None:
    """Return the cells of each line; None where one is quoted, or has not four cells that say something."""
    lines = lines.replace("\r\n", "\n").removesuffix("\n") + "\n"
    if '"' in lines or "\r" in lines or len(lines) > csv.field_size_limit():
        return None
    # With a break as a fifth cell of each line: where that is every fifth, every line has four others.
    cells = lines.replace("\n", f"{separator}\n{separator}").split(separator)
    count = lines.count("\n")
    if cells[_WHOLE :: _WHOLE + 1] != ["\n"] * count:
        return None
    rows = list(zip(*(cells[place : -1 : _WHOLE + 1] for place in range(_WHOLE)), strict=True))
    return rows if _EMPTY not in rows else None


def _read_closely(lines: Iterable[str], start: int, separator: str, path: Path) -> Iterator[Batch]:
    """Yield the records as `csv` reads them; one that is no CSV is a Failure."""
    reader, before, fault = csv.reader(lines, delimiter=separator, strict=True), 0, None
    while fault is None:
        rows, fault = _rows(reader)
        if not rows:
            break
        numbers, before = _numbers(rows, start + before, start + reader.line_num), reader.line_num
        there = [(number, row) for number, row in zip(numbers, rows, strict=True) if any(row)]
        cells = [tuple(row) if len(row) == _WHOLE else _mended(row, number, path) for number, row in there]
        yield [number for number, _row in there], cells
    if fault:
        raise _not_csv(start + reader.line_num - 1, fault, path)


def _rows(reader: Iterator[list[str]]) -> tuple[list[list[str]], csv.Error | None]:
    """Return the next rows, and why there are no more where what follows is no CSV."""
    rows: list[list[str]] = []
    try:
        for row in islice(reader, _MANY):
            rows.append(row)  # noqa: PERF402  (what was read before the fault is kept)
    except csv.Error as error:
        return rows, error
    return rows, None


def _not_csv(row: int, fault: csv.Error, path: Path) -> Failure:
    return malformed("register", path, _("row {n} is not CSV: {reason}").format(n=row, reason=fault))


def _numbers(rows: list[list[str]], start: int, end: int) -> Sequence[int]:
    """Return the first line of each of the *rows*, which stand from line *start* until before line *end*."""
    if end - start == len(rows):
        return range(start, end)
    return list(accumulate((1 + len(_BREAK.findall(",".join(row))) for row in rows), initial=start))[:-1]


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
