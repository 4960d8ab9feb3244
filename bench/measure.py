"""Runs a command and tells what it cost: CPU, wall clock, peak memory. Knows nothing of what is run."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
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


class Program(NamedTuple):
    """What is run, for which task, under which name; before each run, what makes ready for it.

    `beside` is the task with which it is compared: its own, if nothing is said.
    """

    task: str
    who: str
    command: Sequence[str | Path]
    before: Callable[[], None] = lambda: None
    beside: str = ""


_SLOW = 30
"""Seconds of CPU after which a program is not run again."""

_QUICK, _OFTEN = 1, 5
"""A program that takes less than so many seconds of CPU is run so often in a turn: of such the chance is larger."""

_Run = tuple[float, float, float]


def in_turn(programs: Sequence[Program], folder: Path, times: int) -> Iterator[tuple[Program, Cost]]:
    """Run the programs in *folder* one after the other, so many *times*; yield what each cost. A failure is told.

    Those that are compared are run one right after the other: a machine changes its speed in the course of minutes.
    """
    runs: list[list[_Run]] = [[] for _program in programs]
    tasks = [program.beside or program.task for program in programs]
    close = sorted(zip(programs, runs, tasks, strict=True), key=lambda one: tasks.index(one[2]))
    for _turn in range(times):
        for program, found, _task in close:
            if all(run[0] < _SLOW for run in found):
                try:
                    found.extend(_several(program, folder))
                except FailedError as failed:
                    print(failed, file=sys.stderr)
    return ((program, _cost(found)) for program, found in zip(programs, runs, strict=True) if found)


def _several(program: Program, folder: Path) -> Iterator[_Run]:
    for _again in range(_OFTEN):
        program.before()
        one = _run(program.command, folder)
        yield one
        if one[0] > _QUICK:
            return


def cost(command: Sequence[str | Path], folder: Path) -> Cost:
    """Run *command* once in *folder*; one that ends badly is an error."""
    return _cost([_run(command, folder)])


def said(command: Sequence[str | Path], folder: Path) -> str:
    """Run *command* in *folder*; return what it says on stdout."""
    return _ran(command, folder).stdout


def told(command: Sequence[str | Path], folder: Path) -> str:
    """Run *command* in *folder*; return what it says on stderr."""
    return _ran(command, folder).stderr


def _ran(command: Sequence[str | Path], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True, env=_environment())


def _cost(runs: Sequence[_Run]) -> Cost:
    spent = [run[0] for run in runs]
    return Cost(*min(runs), spread=100 * (max(spent) - min(spent)) / max(median(spent), 1e-9))


def _run(command: Sequence[str | Path], folder: Path) -> _Run:
    said = folder / "said.txt"
    with said.open("wb") as out:
        started = time.monotonic()
        process = subprocess.Popen(command, cwd=folder, stdout=out, stderr=subprocess.STDOUT, env=_environment())
        _pid, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise FailedError(f"{' '.join(map(str, command[:4]))} … ended with {process.returncode}: {_tail(said)}")
    return usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024


def _tail(said: Path) -> str:
    return said.read_text(encoding="utf-8", errors="replace")[-500:]


def _environment() -> dict[str, str]:
    """Return what a program sees: none of our settings, and bytecode is kept, as of the peers, which are installed."""
    ours = ("RECONCILER_", "COVERAGE_", "PYTHONDONTWRITEBYTECODE")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}
