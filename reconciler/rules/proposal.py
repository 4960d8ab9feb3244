"""What every guard sees, and the words by which each says how it may be let pass. It judges nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

from reconciler.findings import Finding, Place, Rule
from reconciler.model import RegionCode, Register, Remembered, Routes, State
from reconciler.plan import Change, Settled
from reconciler.thresholds import Threshold

APPROVE = "if this is meant, add to config/approvals.yaml:\n{block}"
"""The remedy of a refusal: the approval that would let it pass, ready to be pasted."""


class Proposal(NamedTuple):
    """What guards see: the changes, what they start from and lead to, and the day. `went_back` is (commit, last).

    `register` and `routes` are what came in; `remembered` is what they are measured by, for the regions that are
    `kept`, or that a change touches. `fought` are the rows that two writers fight over, and how often they were put back.
    """

    changes: Sequence[Change]
    observed: State
    settled: Settled
    thresholds: Mapping[str, Threshold]
    today: date
    paths: Mapping[RegionCode, str]
    went_back: tuple[str, str] | None = None
    register: Register | None = None
    remembered: Remembered = Remembered()
    kept: Collection[RegionCode] = ()
    unmoved_after: timedelta | None = None
    fought: Mapping[str, int] = {}
    routes: Routes = Routes()


def refusal(found: Rule[...], proposal: Proposal, region: RegionCode | None, count: int, **values: Any) -> Finding:
    """Return the refusal of a guard, for one region or for all; *count* is what an approval has to allow."""
    lines = [
        f"- guard: {found.id}",
        *([f'  region: "{region}"'] if region else []),
        f"  at_most: {count}",
        f"  until: {proposal.today + timedelta(days=7)}",
        "  reason: …",
        "  approved_by: …",
    ]
    place = Place(proposal.paths[region]) if region in proposal.paths and region else None
    return found.finding(place, region=region, count=count, block="\n".join(lines), **values)
