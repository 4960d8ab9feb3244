"""How long each station of the line takes: who comes to the next one says so, and the clock is read then.

Costs a few microseconds a run, so it is always kept; it is told to who asks with `--timings`. It decides nothing.
"""

from __future__ import annotations

from resource import RUSAGE_SELF, getrusage
from time import perf_counter, process_time
from typing import NamedTuple

from reconciler.words import mark

STATIONS = (
    mark("start"),
    mark("declare"),
    mark("check"),
    mark("ask"),
    mark("observe"),
    mark("settle"),
    mark("diff"),
    mark("guard"),
    mark("fingerprint"),
    mark("apply"),
    mark("report"),
)


class Spent(NamedTuple):
    """What was spent at a station, in seconds: by the clock, and of the processor."""

    station: str
    seconds: float
    cpu: float


_now = STATIONS[0]
_since = (perf_counter() - process_time(), 0.0)
_spent: dict[str, tuple[float, float]] = {}


def at(station: str) -> None:
    """Say that the run has come to *station*; what has passed was spent at the one before."""
    global _now, _since
    seconds, cpu = _spent.get(_now, (0.0, 0.0))
    now = (perf_counter(), process_time())
    _spent[_now] = (seconds + now[0] - _since[0], cpu + now[1] - _since[1])
    _now, _since = station, now


def spent() -> list[Spent]:
    """Return what was spent so far at each station that the run has come to, in the order of the line."""
    at(_now)
    return [Spent(station, *_spent[station]) for station in STATIONS if station in _spent]


def peak() -> int:
    """Return how much memory the process has held at most, in megabytes."""
    return getrusage(RUSAGE_SELF).ru_maxrss // 1024
