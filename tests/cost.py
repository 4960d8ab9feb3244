"""What a run of the program costs: seconds of CPU, as they would be on a machine that has nothing else to do.

Others on the same machine make every second of CPU do less. So beside each run a piece of plain work is done, and how
much longer that takes than on a quiet machine is how much longer a run may take.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

_WORK = "for _ in range(20): {str(number): [number] for number in range(20_000)}"
_QUIET = 0.13
"""Seconds that the work takes on a quiet machine, start of the interpreter included."""


def least(*arguments: str, folder: Path, environ: dict[str, str], times: int = 3) -> float:
    """Return the least of some runs of the command, start of the interpreter included."""
    ours, plain = [], []
    for _time in range(times):
        plain.append(_spent(["-c", _WORK], folder, environ))
        ours.append(_spent(["-m", "reconciler", *arguments], folder, environ))
    return min(ours) / max(1.0, min(plain) / _QUIET)


def _spent(arguments: list[str], folder: Path, environ: dict[str, str]) -> float:
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen([sys.executable, *arguments], cwd=folder, env=environ, **silent)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, arguments
    return usage.ru_utime + usage.ru_stime
