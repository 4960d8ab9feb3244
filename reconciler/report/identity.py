"""What makes a finding the same one in another run, for those who follow findings over time: no line, no language."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from json import dumps
from typing import Any

from reconciler.report.excerpt import Places

Document = dict[str, Any]


def fingerprints(found: Iterable[Document], places: Places) -> list[str]:
    """Return one for each finding, the same wherever its line moves to, and no two alike."""
    seen: Counter[tuple[str, ...]] = Counter()
    prints = []
    for told in found:
        identity = _identity(told, places)
        seen[identity] += 1
        prints.append(hashlib.sha256(dumps([*identity, seen[identity]]).encode()).hexdigest())
    return prints


def _identity(told: Document, places: Places) -> tuple[str, ...]:
    """Return the identity that the finding itself gives: see `Finding.identity`."""
    place = places.get((told["path"], told["line"], told["column"]))
    return (
        told["rule"],
        told["region"] or told["path"] or "",
        told["subject"] or "",
        place.span if place else "",
    )
