"""How many of a set the guards let pass at a time, where the settings say nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Threshold(NamedTuple):
    """How many of a set a guard lets pass: percent of it, at least floor, at most ceiling."""

    floor: int
    percent: int
    ceiling: int

    def allowed(self, size: int) -> int:
        """Return how many of *size* may go."""
        return min(max(self.floor, size * self.percent // 100), self.ceiling)


THRESHOLDS: Mapping[str, Threshold] = {
    "withdraws-too-many": Threshold(floor=1, percent=20, ceiling=10),
    "withdraws-too-many-nationally": Threshold(floor=5, percent=5, ceiling=50),
    "register-shrunk": Threshold(floor=1, percent=10, ceiling=25),
    "register-churned": Threshold(floor=2, percent=20, ceiling=50),
    "routes-shrunk": Threshold(floor=1, percent=10, ceiling=25),
}
"""The guards that have a threshold, and its default."""
