#!/usr/bin/env python3
"""Keeps the numbers of a job whose pod leaves no file behind, at a Pushgateway, which Prometheus reads.

`pushed.py fetch` brings what the run before left, since a run counts on from there; `pushed.py push` leaves what this
run wrote. In the container it is called `reconciler-numbers`. Without RECONCILER_PUSHGATEWAY_URL it does nothing. What
goes wrong is said, and fails nothing.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import urllib3

_PATIENCE = 10


def group() -> dict[str, str]:
    """Return what tells these numbers from others at the same place; each pod of an indexed job has its own."""
    index = os.environ.get("JOB_COMPLETION_INDEX")
    return {"job": "reconciler"} | ({"shard": index} if index else {})


def ours(text: str) -> str:
    """Return the lines that belong to our group."""
    lines = (line for line in text.splitlines() if line.startswith("reconciler_"))
    return "".join(f"{line}\n" for line in lines if dict(re.findall(r'\b(job|shard)="([^"]*)"', line)) == group())


def _asked(method: str, path: str, body: bytes | None = None) -> str:
    address = os.environ["RECONCILER_PUSHGATEWAY_URL"].rstrip("/") + path
    answer = urllib3.request(method, address, body=body, timeout=_PATIENCE, retries=False)
    if answer.status >= 300:
        raise OSError(f"{method} {path}: {answer.status}")
    return answer.data.decode()


def fetch(file: Path) -> None:
    """Write the file as the run before left it."""
    file.write_text(ours(_asked("GET", "/metrics")), encoding="utf-8")


def push(file: Path) -> None:
    """Leave the file in place of what the run before left."""
    path = "".join(f"/{name}/{value}" for name, value in group().items())
    _asked("PUT", f"/metrics{path}", file.read_bytes())


if __name__ == "__main__" and os.environ.get("RECONCILER_PUSHGATEWAY_URL"):
    try:
        {"fetch": fetch, "push": push}[sys.argv[1]](Path(os.environ["RECONCILER_METRICS_FILE"]))
    except (OSError, ValueError, urllib3.exceptions.HTTPError) as error:
        print(f"mätvärdena nådde inte fram: {error}", file=sys.stderr)
