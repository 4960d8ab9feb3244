"""Runs a command and tells what it cost: CPU, wall clock, peak memory. Knows nothing of what is run."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple


class Cost(NamedTuple):
    """CPU and wall in seconds, peak memory in MB: of the best run by CPU, and how far the runs lay apart in percent."""

    cpu: float
    wall: float
    memory: float
    spread: float


class FailedError(Exception):
    """A command that should have worked did not; its text is what it said."""


def cost(
    command: Sequence[str | Path],
    folder: Path,
    *,
    times: int,
    before: Callable[[], None] = lambda: None,
    good: tuple[int, ...] = (0,),
) -> Cost:
    """Run *command* in *folder* so many *times*, each after *before*; a slow one (over 30 s of CPU) is run once."""
    runs: list[tuple[float, float, float]] = []
    for _turn in range(times):
        before()
        runs.append(_run(command, folder, good))
        if runs[-1][0] > 30:
            break
    best, spent = min(runs), [run[0] for run in runs]
    return Cost(*best, spread=100 * (max(spent) - min(spent)) / max(median(spent), 1e-9))


def _run(command: Sequence[str | Path], folder: Path, good: tuple[int, ...]) -> tuple[float, float, float]:
    said = folder / "said.txt"
    with said.open("wb") as out:
        started = time.monotonic()
        process = subprocess.Popen(command, cwd=folder, stdout=out, stderr=subprocess.STDOUT, env=_environment())
        _pid, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in good:
        raise FailedError(f"{' '.join(map(str, command[:4]))} … ended with {process.returncode}: {_tail(said)}")
    return usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024


def _tail(said: Path) -> str:
    return said.read_text(encoding="utf-8", errors="replace")[-500:]


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("RECONCILER_", "COVERAGE_"))}
