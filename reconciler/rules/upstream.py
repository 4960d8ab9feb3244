"""What upstream rules see. It decides nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from reconciler.findings import Place
from reconciler.model import REGIONS, Declared, HsaId, Region, RegionCode, Register, Routes, State
from reconciler.outcome import Outcome
from reconciler.plan import Settled
from reconciler.words import _


class Upstream(NamedTuple):
    """What upstream rules see: the files, the world, the database, and what settling made of them.

    `by_outcome` holds the clinics that were settled one by one: the others are as they should be, or will be.
    """

    declared: Declared
    register: Register
    routes: Routes
    observed: State
    settled: Settled
    by_outcome: Mapping[Outcome, list[HsaId]]

    @property
    def owners(self) -> Mapping[HsaId, tuple[RegionCode, ...]]:
        """For each declared clinic the regions that declare it."""
        return self.declared.owners

    def place(self, hsa_id: HsaId, code: RegionCode | None = None) -> Place | None:
        """Return where the clinic is declared: in region *code*, else in the first."""
        owners = self.owners.get(hsa_id)
        return self.declared.regions[code or owners[0]].place_of(hsa_id) if owners else None

    def file_of(self, code: RegionCode) -> str:
        """Return the path of the region's file, or what it is where it was not read."""
        return file_of(self.declared.regions, code)

    def with_outcome(self, *outcomes: Outcome) -> list[HsaId]:
        """Return the clinics that have one of *outcomes*, sorted."""
        return sorted(hsa_id for outcome in outcomes for hsa_id in self.by_outcome.get(outcome, ()))


def file_of(regions: Mapping[RegionCode, Region], code: RegionCode) -> str:
    """Return the path of the region's file, or what it is where it was not read."""
    region = regions.get(code)
    return region.source.path if region else _("the file of {region}").format(region=named(code))


def named(code: RegionCode) -> str:
    """Return the region's code and name."""
    return f"{code} {REGIONS[code]}" if code in REGIONS else code
