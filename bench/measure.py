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
"""Where all that are compared take less than so many seconds of CPU, they are run so often in a turn."""

_Run = tuple[float, float, float]


def in_turn(programs: Sequence[Program], folder: Path, times: int) -> Iterator[tuple[Program, Cost]]:
    """Run the programs in *folder* one after the other, so many *times*; yield what each cost. A failure is told.

    Those that are compared are run one right after the other, and equally often: a machine changes its speed in the
    course of minutes, and the best of many runs is better than that of few.
    """
    runs: list[list[_Run]] = [[] for _program in programs]
    compared: dict[str, list[tuple[Program, list[_Run]]]] = {}
    for program, found in zip(programs, runs, strict=True):
        compared.setdefault(program.beside or program.task, []).append((program, found))
    for _turn in range(times):
        for those in compared.values():
            for _again in range(_OFTEN):
                for program, found in those:
                    _run_again(program, folder, found)
                if any(run[0] > _QUICK for _program, found in those for run in found):
                    break
    return ((program, _cost(found)) for program, found in zip(programs, runs, strict=True) if found)


def _run_again(program: Program, folder: Path, found: list[_Run]) -> None:
    if any(run[0] >= _SLOW for run in found):
        return
    program.before()
    try:
        found.append(_run(program.command, folder))
    except FailedError as failed:
        print(failed, file=sys.stderr)


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
