"""The HSA tree: CSV with `hsa_id,parent_hsa_id`. A route on a unit covers all units below it.

TAK does not evaluate the tree; the service platform does, at each call. So a clinic without a route of its own may
still be routed.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from pathlib import Path

from reconciler.findings import Failure
from reconciler.sources.answer import malformed, read_text
from reconciler.sources.tak import address
from reconciler.words import _

HEADER = ["hsa_id", "parent_hsa_id"]


def read_parents(path: Path) -> dict[str, str]:
    """Return each unit's parent, both in upper case; a unit at the top has an empty one."""
    parents: dict[str, str] = {}
    for number, (unit, parent) in _rows(read_text("routes", path), path):
        child, above = address(unit), address(parent) or ""
        if child is None:
            raise malformed("routes", path, _("row {n} has no hsa_id").format(n=number))
        if parent.strip() and not above:
            raise malformed("routes", path, _("row {n}: the parent holds an invisible character").format(n=number))
        if child in parents:
            reason = _("row {n}: {hsa_id} stands twice; a unit has one parent")
            raise malformed("routes", path, reason.format(n=number, hsa_id=child))
        parents[child] = above
    return parents


def _rows(text: str, path: Path) -> Iterator[tuple[int, tuple[str, str]]]:
    # Only the line breaks of CSV end a row; another one in an id is a fault of that row.
    separator = ";" if ";" in text.partition("\n")[0] else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        if next(reader, None) != HEADER:
            raise malformed("routes", path, _("the header should be {header}").format(header=",".join(HEADER)))
        for row in reader:
            if len(row) != len(HEADER):
                reason = _("row {n} has {count} fields, not {right}")
                raise malformed("routes", path, reason.format(n=reader.line_num, count=len(row), right=len(HEADER)))
            yield reader.line_num, (row[0], row[1])
    except csv.Error as error:
        raise malformed("routes", path, _("this is not CSV: {reason}").format(reason=error)) from error


def covered(parents: Mapping[str, str], routed: frozenset[str], path: Path) -> dict[str, str]:
    """Return the units below an address that is routed, and for each the nearest such address above it.

    Each unit is climbed from once, whatever the shape of the tree; a unit above itself is a Failure.
    """
    nearest: dict[str, str] = {address: address for address in routed}
    for unit in parents:
        climbed: dict[str, None] = {}
        here = unit
        while here and here not in nearest:
            if here in climbed:
                raise _loop(here, path)
            climbed[here] = None
            here = parents.get(here, "")
        found = nearest.get(here, "")
        nearest.update(dict.fromkeys(climbed, found))
    return {unit: nearest[unit] for unit in parents if nearest[unit] and unit not in routed}


def _loop(unit: str, path: Path) -> Failure:
    return malformed("routes", path, _("{hsa_id} stands above itself").format(hsa_id=unit))
