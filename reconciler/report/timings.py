"""What was spent at each station, as a document and as the lines that are made from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from reconciler.stations import Spent
from reconciler.words import _


def timings(spent: Iterable[Spent], peak: int) -> dict[str, Any]:
    """Return the part `timings` of a document: seconds by the clock and of the processor, shares by the clock."""
    spent = list(spent)
    whole = sum(one.seconds for one in spent) or 1.0
    stations = [
        {
            "station": one.station,
            "seconds": round(one.seconds, 3),
            "cpu": round(one.cpu, 3),
            "share": round(one.seconds / whole, 3),
        }
        for one in spent
    ]
    return {"stations": stations, "peak_memory_mb": peak}


def lines(document: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of a table: station, seconds, of these of the processor, share."""
    names = [_(one["station"]) for one in document["stations"]]
    width = max(map(len, [*names, _("station")]))
    yield _("{station}   seconds     CPU  share").format(station=_("station").ljust(width))
    for name, one in zip(names, document["stations"], strict=True):
        yield f"{name:<{width}}  {one['seconds']:8.3f}  {one['cpu']:6.3f}  {one['share']:5.0%}"
    yield _("at most {peak} MB of memory").format(peak=document["peak_memory_mb"])
