"""The line that a finding is about, with its span underlined. Knows places and how wide a letter is, and no format."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from reconciler.findings import Finding, Place
from reconciler.report.escapes import escape

Spot = tuple[str, int | None, int | None]
Places = Mapping[Spot, Place]
"""Places with their source lines, by path, line and column: what the documents leave out."""

NOWHERE: Places = {}
"""Of no line is it known what it says."""

_WIDEST, _BEFORE = 100, 40
_CUT = "…"


class Excerpt(NamedTuple):
    """A source line, cut to a readable width and escaped: what stands before the span, the span, what comes after."""

    number: int
    before: str
    span: str
    after: str

    @property
    def lines(self) -> tuple[str, str]:
        """The line with its number, and the marks below its span."""
        gutter = f"{self.number:>4} | "
        marks = "^" * max(_width(self.span), 1)
        line = f"{gutter}{self.before}{self.span}{self.after}".rstrip()
        return line, " " * (len(gutter) - 2) + "| " + " " * _width(self.before) + marks


def places_of(findings: Iterable[Finding]) -> dict[Spot, Place]:
    """Return the places of *findings* and those related to them, by what the documents keep of each."""
    placed = (place for one in findings for place in (one.place, *one.related) if place is not None)
    return {(place.path, place.line, place.column): place for place in placed}


def excerpt(told: Mapping[str, Any], places: Places) -> Excerpt | None:
    """Return the source line at what a document says is a place; None where the line is not known."""
    place = places.get((told["path"], told["line"], told["column"]))
    if place is None or place.line is None or not place.source:
        return None
    start = min((place.column or 1) - 1, len(place.source))
    ends_there = place.end_line == place.line and place.end_column is not None
    end = (place.end_column or 1) - 1 if ends_there else len(place.source)
    return Excerpt(place.line, *_cut(place.source, start, max(start, end)))


def _cut(source: str, start: int, end: int) -> tuple[str, str, str]:
    first = 0 if len(source) <= _WIDEST else max(start - _BEFORE, 0)
    last = min(first + _WIDEST, len(source))
    before, span, after = source[first:start], source[start : min(end, last)], source[min(end, last) : last]
    return (
        (_CUT if first else "") + escape(before),
        escape(span),
        escape(after) + (_CUT if last < len(source) else ""),
    )


def _width(text: str) -> int:
    """Return how many columns of a screen *text* takes."""
    return sum(_letter_width(letter) for letter in text)


def _letter_width(letter: str) -> int:
    if unicodedata.combining(letter):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1
